insert into draft_readers values ('draft', 'ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:05:00.123456+00:00');
