-- What a program of version 17 may have written.
insert into identities (issuer, subject, email, manager_id, created_at)
  values ('https://other.example.org', 'f7c2', 'ines@example.net', 'ines', '2026-11-10T12:00:00.123456+00:00');
insert into outbox (id, kind, manager_id, recipient, subject, created_at, due_at, attempts)
  values ('mail3', 'account-change', 'ines', 'old@example.org', 'email', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 0);
