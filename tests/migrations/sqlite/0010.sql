-- What a program of version 10 may have written.
insert into identities values ('https://id.example.org', 'f7c1', 'ines', '2026-11-10T12:00:00.123456+00:00', null);
update policy set password_only_for = 'ines', version = 3;
