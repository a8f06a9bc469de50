-- Scheduled maintenance: work that is told of before it begins. It is no incident and counts as no downtime.

-- A maintenance that comes again. Each occurrence is a maintenance of its own, made ahead.
create table maintenance_series (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 255),
  body text not null check (length(body) between 1 and 25000),
  -- The value of an RRULE (RFC 5545), expanded on the clock of the zone.
  rule text not null check (length(rule) between 1 and 500),
  zone text not null,
  -- The first start on the clock of the zone: 2026-11-26T02:00:00, without an offset.
  first_start text not null check (length(first_start) = 19),
  length_seconds integer not null check (length_seconds >= 60),
  -- Days on which it is left out, as 2026-12-24 2026-12-31.
  skipped text not null check (length(skipped) <= 2000),
  reminds integer not null,
  starts_itself integer not null,
  completes_itself integer not null,
  marks_components integer not null,
  -- The start of the newest occurrence that was made, on the clock of the zone.
  made_until text check (length(made_until) = 19),
  -- When the next occurrence is to be made; nothing once the series has ended.
  grows_at text,
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

create table maintenance_series_components (
  series_id text not null references maintenance_series (id) on delete cascade,
  component_id text not null references components (id) on delete cascade,
  position integer not null,
  primary key (series_id, component_id)
) strict;

create table maintenances (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 255),
  phase text not null check (phase in ('scheduled', 'in_progress', 'verifying', 'completed', 'cancelled')),
  scheduled_for text not null,
  scheduled_until text not null,
  -- In which the two were entered.
  zone text not null,
  -- When it really began and ended.
  started_at text,
  ended_at text,
  reminds integer not null,
  starts_itself integer not null,
  completes_itself integer not null,
  marks_components integer not null,
  -- When visitors are to be reminded; nothing where there is no reminder, or none any more.
  remind_at text,
  series_id text references maintenance_series (id),
  -- The start that the rule of the series gave it, on the clock of the series' zone.
  occurrence text check (length(occurrence) = 19),
  -- Title and texts in lower case, for searching.
  search text not null,
  created_at text not null,
  updated_at text not null,
  version integer not null,
  check (scheduled_until > scheduled_for),
  check (ended_at >= started_at),
  check ((series_id is null) = (occurrence is null)),
  unique (series_id, occurrence)
) strict;

create index maintenances_newest on maintenances (scheduled_for desc, id desc);
create index maintenances_planned on maintenances (scheduled_for, id) where phase in ('scheduled', 'in_progress', 'verifying');

-- The components it is planned for.
create table maintenance_components (
  maintenance_id text not null references maintenances (id) on delete cascade,
  component_id text not null,
  -- Its name at that time; the component may be gone by now.
  name text not null check (length(name) between 1 and 255),
  position integer not null,
  primary key (maintenance_id, component_id)
) strict;

create table maintenance_updates (
  id text primary key check (length(id) between 1 and 40),
  maintenance_id text not null references maintenances (id) on delete cascade,
  phase text not null check (phase in ('scheduled', 'in_progress', 'verifying', 'completed', 'cancelled')),
  body text not null check (length(body) between 1 and 25000),
  posted_at text not null,
  created_at text not null,
  edited_at text,
  version integer not null,
  -- Tells apart what was posted at one instant.
  position integer not null
) strict;

create index maintenance_updates_by_maintenance on maintenance_updates (maintenance_id, posted_at, created_at, id);

create table maintenance_update_components (
  update_id text not null references maintenance_updates (id) on delete cascade,
  component_id text not null,
  name text not null check (length(name) between 1 and 255),
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  position integer not null,
  primary key (update_id, component_id)
) strict;

-- Which components were worked on and when: follows from the updates and is written with them.
create table maintenance_effects (
  maintenance_id text not null references maintenances (id) on delete cascade,
  component_id text not null,
  started_at text not null,
  ended_at text,
  primary key (maintenance_id, component_id, started_at),
  check (ended_at > started_at)
) strict;

create index maintenance_effects_ended on maintenance_effects (ended_at);
create index maintenance_effects_open on maintenance_effects (maintenance_id) where ended_at is null;

-- Incidents and maintenances share the addresses /incidents/ID.
create trigger incidents_share_ids before insert on incidents
when exists (select 1 from maintenances where id = new.id)
begin select raise(abort, 'this id belongs to a maintenance'); end;

create trigger maintenances_share_ids before insert on maintenances
when exists (select 1 from incidents where id = new.id)
begin select raise(abort, 'this id belongs to an incident'); end;
