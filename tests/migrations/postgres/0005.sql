-- What a program of version 5 may have written besides.
insert into audit (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision, hash)
  values ('2026-11-10T12:00:00.123456+00:00', null, 'nobody', '192.0.2.1', 'manager.refuse-login', '', 'ines@example.org', null, null, 7, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd');
