-- What a program of version 18 may have written.
insert into manager_links (token_hash, purpose, manager_id, email, created_at, expires_at)
  values ('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'email', 'ines', 'new@example.org', '2026-11-10T12:00:00.123456+00:00', '2026-11-11T12:00:00.123456+00:00');
insert into outbox (id, kind, manager_id, recipient, created_at, due_at, attempts)
  values ('mail4', 'email-confirmation', 'ines', 'new@example.org', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 0);
