-- What a program of version 4 may have written.
insert into totp values ('ines', 'c2VhbGVk', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 59000000, 2, '2026-11-10T12:00:00.123456+00:00');
insert into passkeys values ('laptop', 'ines', 'Laptop', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', '{}', '2026-11-10T12:00:00.123456+00:00', null);
insert into recovery_codes values ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'ines', '2026-11-10T12:00:00.123456+00:00');
update policy set second_factor_required = true, version = 2;
