-- What lists and totals of incidents are answered from, at any length of the history. One line for each
-- incident in the list of all ('') and one in the list of every component it names. Follows from the
-- incident and is written with it.
create table incident_listing (
  component_id text not null,
  started_at text not null,
  incident_id text not null references incidents (id) on delete cascade,
  impact text not null check (impact in ('none', 'minor', 'major', 'critical')),
  duration_seconds integer,
  primary key (component_id, started_at, incident_id)
) strict, without rowid;

create index incident_listing_by_incident on incident_listing (incident_id);

-- The sums of the list of all, so that publishing need not add them up. One row.
create table incident_totals (
  id integer primary key check (id = 1),
  incidents integer not null,
  seconds integer not null
) strict;

insert into incident_listing (component_id, started_at, incident_id, impact, duration_seconds)
  select '', started_at, id, coalesce(impact_override, computed_impact), duration_seconds from incidents;

insert into incident_listing (component_id, started_at, incident_id, impact, duration_seconds)
  select distinct c.component_id, i.started_at, i.id, coalesce(i.impact_override, i.computed_impact), i.duration_seconds
  from incidents i join incident_updates u on u.incident_id = i.id join incident_update_components c on c.update_id = u.id;

insert into incident_totals (id, incidents, seconds)
  select 1, count(*), coalesce(sum(duration_seconds), 0) from incidents;

-- Nothing asks for these any more.
drop index incidents_totals;
drop index incident_update_components_by_component;

create index component_baselines_since on component_baselines (since);
