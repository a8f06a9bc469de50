-- Rows that a program of version 1 may have written: at least one in every table.
insert into page (id, name, url, time_zone, logo_text, embedders, updated_at, version)
  values ('k2v7xq0m4c9z', 'Tidewater Maps', 'https://tidewater.example', 'Europe/Lisbon', '', 'https://example.org', '2026-11-10T12:00:00.123456+00:00', 2);
insert into page_links values (1, 'Documentation', 'https://docs.tidewater.example');
update page set accent = '#0f5f6b', ground = 'own', ground_light = '#fbfbf9', typeface = 'serif', appearance = 'dark', about = 'Maps', support = 'help@tidewater.example', powered_by = false, noindex = true, setup_step = 3, checklist_dismissed_at = '2026-11-10T12:00:00.123456+00:00';
insert into page_logos (scheme, format, width, height, digest, bytes) values ('light', 'svg', 120, 120, '0123456789abcdef', x'3c7376672f3e');
insert into page_logos (scheme, format, width, height, digest, bytes) values ('favicon', 'png', 64, 64, 'fedcba9876543210', x'89504e47');
insert into page_imports values ('import1', 'statuspage', 'https://status.example.org/', 'done', 'Importing', 12, 3, 3, '{"kinds":[]}', 'Ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:10:00.123456+00:00');
insert into announcements values ('closed', 'Office closed', 'Until *Monday*.', '2026-12-24T12:00:00+00:00', '2026-12-27T08:00:00+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into revision values (1, 7, '2026-11-10T12:00:00.123456+00:00');
insert into leases values ('outbox', 'run', 2, '2026-11-10T12:00:00.123456+00:00');
insert into nodes values ('run', 'web-1', '0.1.0', 7, true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
update schema_floor set version = 1;
insert into managers values ('ines', 'ines@example.org', 'Ines', 'owner', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
update login_policy set second_factor_required = true, api_key_in_query = true, break_glass_owner_id = 'ines', session_idle_minutes = 60, version = 3;
insert into one_time_links values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'reset', 'ines', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into one_time_links values ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'setup', null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into one_time_links values ('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'email', 'ines', 'new@example.org', '2026-11-10T12:00:00.123456+00:00', '2026-11-11T12:00:00.123456+00:00');
insert into totp_secrets values ('ines', 'c2VhbGVk', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 59000000, 2, '2026-11-10T12:00:00.123456+00:00');
insert into passkeys values ('laptop', 'ines', 'Laptop', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', '{}', '2026-11-10T12:00:00.123456+00:00', null);
insert into recovery_codes values ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'ines', '2026-11-10T12:00:00.123456+00:00');
insert into oidc_identities values ('https://id.example.org', 'f7c1', 'ines', '', '2026-11-10T12:00:00.123456+00:00', null);
insert into oidc_identities values ('https://other.example.org', 'f7c2', 'ines', 'ines@example.net', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into login_failures values ('ines', 3, '2026-11-10T12:00:00.123456+00:00');
insert into login_failures values ('unknown', 1234, '2026-11-10T12:00:00.123456+00:00');
insert into known_browsers values ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'ines', 0, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into sessions values ('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'ines', '{}', '192.0.2.1', 'Browser', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into challenges values ('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'passkey-login', '{}', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:05:00.123456+00:00');
insert into pending_forms values ('ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'ines', '/admin/incidents', 'title=Late', '2026-11-10T12:00:00.123456+00:00');
insert into outbox values ('mail', 'password-reset', 'ines', null, null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 1, '2026-11-10T12:00:01.123456+00:00', 'sent');
insert into outbox values ('mail2', 'password-reset', null, null, null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 0, null, null);
insert into outbox values ('mail3', 'account-change', 'ines', null, 'old@example.org', 'email', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 0, null, null);
insert into outbox values ('mail4', 'email-confirmation', 'ines', null, 'new@example.org', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 0, '2026-11-10T12:00:00.123456+00:00', 'no-recipient');
insert into component_groups values ('maps', 'Maps', 'What a map is drawn from', 1, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into components values ('tiles', 'maps', 'Tile API', '', 'operational', 1, '2024-11-10', true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 3);
insert into components values ('billing', null, 'Billing', '', 'partial_outage', 2, null, true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into component_baselines values ('billing', '2026-11-10T12:00:00.123456+00:00', 'partial_outage');
insert into uptime_corrections values ('correction', 'tiles', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:15:00.123456+00:00', 'operational', 'Only our probe was down.', '2026-11-10T12:00:00.123456+00:00');
insert into incidents (id, title, computed_impact, impact_override, phase, started_at, ended_at, duration_seconds, detected_by, internal_note,
                       visibility, publish_at, reminder, search_text, feed_id, created_at, updated_at, version)
  values ('incident', 'Tiles fail', 'major', 'critical', 'resolved', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:30:00.123456+00:00', 1800, 'Monitoring', 'For managers',
          'public', null, '[1, 5]', 'tiles fail', 'tag:status.example.org,2005:Incident/1', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into incidents (id, title, computed_impact, phase, started_at, visibility, publish_at, next_update_at, search_text, created_at, updated_at, version)
  values ('embargoed', 'Keys leaked', 'minor', 'investigating', '2026-11-10T12:00:00.123456+00:00', 'embargoed', '2026-11-11T12:00:00.123456+00:00', '2026-11-10T12:30:00.123456+00:00', 'keys leaked', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into incident_updates values ('update1', 'incident', 'investigating', 'Looking', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into incident_updates values ('update2', 'incident', 'resolved', 'Over', '2026-11-10T12:30:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 1);
insert into incident_update_components values ('update1', 'tiles', 'Tile API', 'major_outage', 1);
insert into incident_update_components values ('update1', 'gone', 'Radio', 'operational', 2);
insert into incident_status_intervals values ('incident', 'tiles', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:30:00.123456+00:00', 'major_outage');
insert into incident_index values ('', '2026-11-10T12:00:00.123456+00:00', 'incident', 'critical', 1800);
insert into incident_index values ('tiles', '2026-11-10T12:00:00.123456+00:00', 'incident', 'critical', 1800);
update incident_totals set incidents = 1, duration_seconds = 1800;
insert into postmortems values ('incident', 'A certificate ran out.', 'A certificate ran out.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2, 'update3');
insert into templates values ('late', 'Late mail', '{{component}} is slow', 'Since {{time}}.', 'investigating', true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into templates values ('work', 'Planned work', 'Upgrade', 'Maps are read-only.', 'scheduled', false, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into template_components values ('late', 'tiles', 'degraded_performance');
insert into drafts values ('draft', 'incident', '[["body","Nearly there."]]', 'Ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into draft_presence values ('draft', 'ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:05:00.123456+00:00');
insert into maintenance_series values ('nightly', 'Database upgrade', 'Maps are read-only.', 'FREQ=WEEKLY', 'Europe/Lisbon', '2026-11-12T02:00:00', 7200, '2026-12-24',
  true, true, true, true, '2026-11-19T02:00:00', '2026-11-19T02:00:00+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into maintenance_series_components values ('nightly', 'tiles', 1);
insert into maintenances values ('m1', 'Database upgrade', 'completed', '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00', 'Europe/Lisbon',
  '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00', true, true, true, true, null, 'nightly', '2026-11-12T02:00:00', 'database upgrade',
  'tag:status.example.org,2005:Incident/2', '2026-11-10T12:00:00.123456+00:00', '2026-11-12T04:00:00.123456+00:00', 4, null);
insert into maintenances values ('m2', 'Move of the cables', 'scheduled', '2026-12-12T02:00:00+00:00', '2026-12-12T04:00:00+00:00', 'UTC',
  null, null, false, false, false, false, null, null, null, 'move of the cables', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1, 'major');
insert into maintenance_components values ('m1', 'tiles', 'Tile API', 1);
insert into maintenance_components values ('m2', 'gone', 'Radio', 1);
insert into maintenance_updates values ('mu1', 'm1', 'scheduled', 'Maps are read-only.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:10:00.123456+00:00', 2, 1);
insert into maintenance_updates values ('mu2', 'm1', 'in_progress', 'It has begun.', '2026-11-12T02:00:00+00:00', '2026-11-12T02:00:00.300000+00:00', null, 1, 2);
insert into maintenance_updates values ('mu3', 'm1', 'completed', 'It is over.', '2026-11-12T04:00:00+00:00', '2026-11-12T04:00:00.123456+00:00', null, 1, 3);
insert into maintenance_updates values ('mu4', 'm2', 'scheduled', 'Cables move.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 1, 1);
insert into maintenance_update_components values ('mu2', 'tiles', 'Tile API', 'under_maintenance', 1);
insert into maintenance_intervals values ('m1', 'tiles', '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00');
insert into api_metadata values ('incident', 'metadata', '{"jira":{"id":"OPS-1"}}');
insert into api_tokens values ('token', 'ines', 'Deploy', 'publish', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'aB3d', '2026-11-10T12:00:00.123456+00:00', '2027-11-10T12:00:00.123456+00:00', null);
insert into idempotency_keys values ('token', 'deploy-17', 'abababababababababababababababababababababababababababababababab', 201, '{"id":"incident"}', '2026-11-10T12:00:00.123456+00:00');
insert into audit_log (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision, hash)
  values ('2026-11-10T12:00:00.123456+00:00', 'ines', 'Ines', '192.0.2.1', 'incident.open', 'incident', 'Tiles fail', null, '{"title":"Tiles fail"}', 7, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd');
insert into subscribers values ('reader', 'email', 'reader@example.org', '1111111111111111111111111111111111111111111111111111111111111111', null, null, null, null, false, 'all', true, 'active', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1, null, null, 0, null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into subscribers values ('hook', 'webhook', 'hook@example.org', '2222222222222222222222222222222222222222222222222222222222222222', 'hooks.example.org', 'c2VhbGVk', 'c2VhbGVk', 'incident', false, 'opened_and_resolved', false, 'quarantined', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1, '2026-11-10T12:00:00.123456+00:00', 'HTTP 404', 10, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into subscriber_components values ('reader', 'tiles');
insert into suppressions values ('3333333333333333333333333333333333333333333333333333333333333333', 'unsubscribed', '2026-11-10T12:00:00.123456+00:00');
insert into outbox values ('mail5', 'subscription-confirmation', null, 'reader', null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 0, null, null);
insert into notices values ('notice', 'incident.opened', 'incident', 'update', null, null, '2026-11-10T12:00:00.123456+00:00', 'reader', '2026-11-10T12:00:00.123456+00:00', 1);
insert into notice_components values ('notice', 'tiles');
insert into deliveries values ('notice', 'reader', 'email', 1, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1, 'lease', null, null, null);
insert into deliveries values ('notice', 'hook', 'webhook', 0, '2026-11-10T12:00:00.123456+00:00', null, 10, null, '2026-11-10T12:00:00.123456+00:00', 'rejected', 'HTTP 404');
insert into chat_messages values ('hook', 'incident', '1234567890', '2026-11-10T12:00:00.123456+00:00');
insert into sender_rejections values (1, '550 5.7.26 unauthenticated', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into outbox values ('mail6', 'sender-rejected', 'ines', null, null, null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 0, null, null);
insert into acme values ('challenge', 'token', 'token.thumbprint', '2026-11-10T12:00:00.123456+00:00');
