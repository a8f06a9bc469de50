-- Who sees an incident: an embargo ends at publish_at, when the program makes the incident public.
alter table incidents add column visibility text not null default 'public'
  check (visibility in ('public', 'embargoed', 'internal'));
alter table incidents add column publish_at timestamptz check ((visibility = 'embargoed') = (publish_at is not null));
-- After how many hours without an update managers are reminded: none for the usual ones, 0 for never.
alter table incidents add column reminder_hours bigint check (reminder_hours between 0 and 168);

create index incidents_embargoed on incidents (publish_at) where visibility = 'embargoed';

-- What managers prepare for the day when it is needed; the texts may hold placeholders.
create table templates (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 100),
  title text not null check (length(title) <= 255),
  body text not null check (length(body) between 1 and 25000),
  phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null
);

create table template_components (
  template_id text not null references templates (id) on delete cascade,
  component_id text not null references components (id) on delete cascade,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (template_id, component_id)
);

-- What managers write and have not published yet; any of them may go on with it.
create table drafts (
  id text primary key check (length(id) between 1 and 40),
  -- The incident it is an update of; none for a new incident.
  incident_id text references incidents (id) on delete cascade,
  -- The fields of the composer, as JSON.
  fields text not null check (length(fields) <= 200000),
  edited_by text not null check (length(edited_by) between 1 and 100),
  created_at timestamptz not null,
  edited_at timestamptz not null,
  version bigint not null
);

create index drafts_by_incident on drafts (incident_id);

-- What was learned from an incident: written by managers, shown to visitors once it is published.
create table reviews (
  incident_id text primary key references incidents (id) on delete cascade,
  -- As managers write it.
  body text not null check (length(body) between 1 and 25000),
  -- As visitors read it.
  published_body text check (length(published_body) between 1 and 25000),
  published_at timestamptz,
  updated_at timestamptz not null,
  version bigint not null,
  check ((published_body is null) = (published_at is null))
);

-- All that visitors may know of incidents. Every public query reads from here and none from the table,
-- so that no condition can be forgotten. What is for managers only is no part of it.
create view public_incidents as
  select id, title, computed_impact, impact_override, phase, started_at, ended_at, duration_seconds, detected_by,
         search, visibility, publish_at, created_at, updated_at, version,
         (select published_at from reviews where incident_id = incidents.id) as reviewed_at
  from incidents where visibility = 'public';

create view public_incident_effects as
  select e.incident_id, e.component_id, e.started_at, e.ended_at, e.status
  from incident_effects e join incidents i on i.id = e.incident_id
  where i.visibility = 'public';

create view public_reviews as
  select r.incident_id, r.published_body as body, r.published_at
  from reviews r join incidents i on i.id = r.incident_id
  where i.visibility = 'public' and r.published_at is not null;

-- What people know better than incidents and baselines tell: wins over both in uptime.
create table corrections (
  id text primary key check (length(id) between 1 and 40),
  component_id text not null references components (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  -- Visitors read it.
  reason text not null check (length(reason) between 1 and 500),
  created_at timestamptz not null,
  check (ended_at > started_at)
);

create index corrections_by_component on corrections (component_id, started_at);
