-- What a program of version 2 may have written: a row or more in every table that is new.
insert into incident_listing values ('billing', '2026-11-10T12:00:00.123456+00:00', 'incident', 'critical', 1800);
