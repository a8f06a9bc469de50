-- What a program of version 3 may have written: an incident that visitors don't see yet, with reminders of its own.
update incidents set visibility = 'embargoed', publish_at = '2026-11-11T12:00:00.123456+00:00', reminder_hours = 4 where id = 'incident';
insert into templates values ('late', 'Late mail', '{{component}} is slow', 'Since {{time}}.', 'investigating', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into template_components values ('late', 'tiles', 'degraded_performance');
insert into drafts values ('draft', 'incident', '[["body","Nearly there."]]', 'Ines', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into reviews values ('incident', 'A certificate ran out.', 'A certificate ran out.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 2);
insert into corrections values ('correction', 'tiles', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:15:00.123456+00:00', 'operational', 'Only our probe was down.', '2026-11-10T12:00:00.123456+00:00');
