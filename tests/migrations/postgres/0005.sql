-- What a program of version 5 may have written besides.
insert into audit (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision, hash)
  values ('2026-11-10T12:00:00.123456+00:00', null, 'nobody', '192.0.2.1', 'manager.refuse-login', '', 'ines@example.org', null, null, 7, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd');
insert into login_failures values ('ines', 3, '2026-11-10T12:00:00.123456+00:00');
insert into login_failures values ('nobody', 1234, '2026-11-10T12:00:00.123456+00:00');
insert into devices values ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'ines', 0, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into api_tokens values ('token', 'ines', 'Deploy', 'publish', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'aB3d', '2026-11-10T12:00:00.123456+00:00', '2027-11-10T12:00:00.123456+00:00', null);
insert into outbox values ('mail', 'password-reset', 'ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1, '2026-11-10T12:00:01.123456+00:00', 'sent');
insert into outbox values ('mail2', 'password-reset', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 0, null, null);
