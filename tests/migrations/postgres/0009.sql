-- What a program of version 9 may have written.
insert into idempotency_keys values ('token', 'deploy-17', 'abababababababababababababababababababababababababababababababab', 201, '{"id":"incident"}', '2026-11-10T12:00:00.123456+00:00');
insert into echoes values ('incident', 'metadata', '{"jira":{"id":"OPS-1"}}');
update policy set api_key_in_query = true;
