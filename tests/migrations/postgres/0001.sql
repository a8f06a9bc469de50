-- What a program of version 1 may have written: a row or more in every table.
insert into page values ('k2v7xq0m4c9z', 'Tidewater Maps', 'https://tidewater.example', 'Europe/Lisbon', '', '2026-11-10T12:00:00.123456+00:00', 2);
insert into page_links values (1, 'Documentation', 'https://docs.tidewater.example');
insert into revision values (1, 7, '2026-11-10T12:00:00.123456+00:00');
insert into component_groups values ('maps', 'Maps', 'What a map is drawn from', 1, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into components values ('tiles', 'maps', 'Tile API', '', 'operational', 1, '2024-11-10', true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 3);
insert into components values ('billing', null, 'Billing', '', 'partial_outage', 2, null, true, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into component_baselines values ('billing', '2026-11-10T12:00:00.123456+00:00', 'partial_outage');
insert into incidents values ('incident', 'Tiles fail', 'major', 'critical', 'resolved', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:30:00.123456+00:00', 1800,
  'Monitoring', 'For managers', 'tiles fail', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into incident_updates values ('update1', 'incident', 'investigating', 'Looking', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into incident_updates values ('update2', 'incident', 'resolved', 'Over', '2026-11-10T12:30:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 1);
insert into incident_update_components values ('update1', 'tiles', 'Tile API', 'major_outage', 1);
insert into incident_update_components values ('update1', 'gone', 'Radio', 'operational', 2);
insert into managers values ('ines', 'ines@example.org', 'Ines', 'owner', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into manager_links values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'reset', 'ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into manager_links values ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'setup', null, '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into sessions values ('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'ines', '{}', '192.0.2.1', 'Browser', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00');
insert into audit (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision)
  values ('2026-11-10T12:00:00.123456+00:00', 'ines', 'Ines', '192.0.2.1', 'incident.open', 'incident', 'Tiles fail', null, '{"title":"Tiles fail"}', 7);
