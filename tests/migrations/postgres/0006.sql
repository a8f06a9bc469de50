-- What a program of version 6 may have written: a row or more in every table that came with it.
insert into maintenance_series values ('nightly', 'Database upgrade', 'Maps are read-only.', 'FREQ=WEEKLY', 'Europe/Lisbon', '2026-11-12T02:00:00', 7200, '2026-12-24', true, true, true, true,
  '2026-11-19T02:00:00', '2026-11-19T02:00:00+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into maintenance_series_components values ('nightly', 'tiles', 1);
insert into maintenances values ('m1', 'Database upgrade', 'completed', '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00', 'Europe/Lisbon',
  '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00', true, true, true, true, null, 'nightly', '2026-11-12T02:00:00', 'database upgrade', '2026-11-10T12:00:00.123456+00:00', '2026-11-12T04:00:00.123456+00:00', 4);
insert into maintenances values ('m2', 'Move of the cables', 'scheduled', '2026-12-12T02:00:00+00:00', '2026-12-12T04:00:00+00:00', 'UTC',
  null, null, false, false, false, false, null, null, null, 'move of the cables', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', 1);
insert into maintenance_components values ('m1', 'tiles', 'Tile API', 1);
insert into maintenance_components values ('m2', 'gone', 'Radio', 1);
insert into maintenance_updates values ('mu1', 'm1', 'scheduled', 'Maps are read-only.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:10:00.123456+00:00', 2, 1);
insert into maintenance_updates values ('mu2', 'm1', 'in_progress', 'It has begun.', '2026-11-12T02:00:00+00:00', '2026-11-12T02:00:00.300000+00:00', null, 1, 2);
insert into maintenance_updates values ('mu3', 'm1', 'completed', 'It is over.', '2026-11-12T04:00:00+00:00', '2026-11-12T04:00:00.123456+00:00', null, 1, 3);
insert into maintenance_updates values ('mu4', 'm2', 'scheduled', 'Cables move.', '2026-11-10T12:00:00.123456+00:00', '2026-11-10T12:00:00.123456+00:00', null, 1, 1);
insert into maintenance_update_components values ('mu2', 'tiles', 'Tile API', 'under_maintenance', 1);
insert into maintenance_effects values ('m1', 'tiles', '2026-11-12T02:00:00+00:00', '2026-11-12T04:00:00+00:00');
