-- Everything Candor knows. The same tables and columns stand in the folder of the other database;
-- only the types of columns differ. Instants are UTC, bound from the program, cut to microseconds.

-- The page itself: one row.
create table page (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 255),
  url text not null check (length(url) <= 255),
  time_zone text not null,
  logo_text text not null check (length(logo_text) <= 255),
  updated_at text not null,
  version integer not null
) strict;

create table page_links (
  position integer primary key,
  label text not null check (length(label) between 1 and 255),
  url text not null check (length(url) between 1 and 255)
) strict;

-- Grows by one with every change; a published Site belongs to one revision. One row.
create table revision (
  id integer primary key check (id = 1),
  number integer not null,
  changed_at text not null
) strict;

create table component_groups (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 255),
  description text not null check (length(description) <= 1000),
  position integer not null check (position >= 1),
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

create table components (
  id text primary key check (length(id) between 1 and 40),
  group_id text references component_groups (id),
  name text not null check (length(name) between 1 and 255),
  description text not null check (length(description) <= 1000),
  -- The baseline that people set; incidents never write it.
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  position integer not null check (position >= 1),
  start_date text,
  only_show_if_degraded integer not null,
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

create index components_by_group on components (group_id, position);

-- What the baseline was, from when on: a hand-set outage counts in uptime too.
create table component_baselines (
  component_id text not null references components (id) on delete cascade,
  since text not null,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (component_id, since)
) strict;

create table incidents (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 255),
  computed_impact text not null check (computed_impact in ('none', 'minor', 'major', 'critical')),
  impact_override text check (impact_override in ('none', 'minor', 'major', 'critical')),
  phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved')),
  started_at text not null,
  ended_at text,
  -- Whole seconds from start to end; summed for totals.
  duration_seconds integer check (duration_seconds >= 0),
  detected_by text check (length(detected_by) between 1 and 100),
  -- For managers only.
  internal_note text check (length(internal_note) <= 10000),
  -- Title and texts in lower case, for searching.
  search text not null,
  created_at text not null,
  updated_at text not null,
  version integer not null,
  check (ended_at >= started_at),
  check ((ended_at is null) = (phase <> 'resolved')),
  check ((ended_at is null) = (duration_seconds is null))
) strict;

create index incidents_newest on incidents (started_at desc, id desc);
create index incidents_open on incidents (started_at desc, id desc) where phase <> 'resolved';
create index incidents_totals on incidents (started_at, duration_seconds);

create table incident_updates (
  id text primary key check (length(id) between 1 and 40),
  incident_id text not null references incidents (id) on delete cascade,
  phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved')),
  body text not null check (length(body) between 1 and 25000),
  posted_at text not null,
  created_at text not null,
  edited_at text,
  version integer not null
) strict;

create index incident_updates_by_incident on incident_updates (incident_id, posted_at, created_at, id);

-- The components an update names; those not named keep what an earlier update gave them.
create table incident_update_components (
  update_id text not null references incident_updates (id) on delete cascade,
  component_id text not null,
  -- Its name at that time; the component may be gone by now.
  name text not null check (length(name) between 1 and 255),
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  position integer not null,
  primary key (update_id, component_id)
) strict;

create index incident_update_components_by_component on incident_update_components (component_id, update_id);

-- What incidents did to components and when: follows from the updates and is written with them, so that
-- uptime needs no look at every update ever posted.
create table incident_effects (
  incident_id text not null references incidents (id) on delete cascade,
  component_id text not null,
  started_at text not null,
  ended_at text,
  status text not null check (status in ('under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (incident_id, component_id, started_at),
  check (ended_at > started_at)
) strict;

create index incident_effects_ended on incident_effects (ended_at);
create index incident_effects_open on incident_effects (incident_id) where ended_at is null;

create table managers (
  id text primary key check (length(id) between 1 and 40),
  email text not null unique check (length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 100),
  role text not null check (role in ('viewer', 'publisher', 'owner')),
  -- argon2id in PHC form; none until an invitation is accepted.
  password_hash text,
  disabled_at text,
  last_login_at text,
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

-- One-time links. Only the SHA-256 of the token is kept.
create table manager_links (
  token_hash text primary key check (length(token_hash) = 64),
  purpose text not null check (purpose in ('setup', 'invite', 'reset')),
  manager_id text references managers (id) on delete cascade,
  created_at text not null,
  expires_at text not null,
  check ((manager_id is null) = (purpose = 'setup'))
) strict;

create index manager_links_by_manager on manager_links (manager_id);

-- Sessions. Only the SHA-256 of the id is kept.
create table sessions (
  id_hash text primary key check (length(id_hash) = 64),
  manager_id text references managers (id) on delete cascade,
  data text not null,
  address text not null check (length(address) <= 100),
  user_agent text not null check (length(user_agent) <= 300),
  created_at text not null,
  last_seen_at text not null
) strict;

create index sessions_by_manager on sessions (manager_id, last_seen_at);
create index sessions_by_age on sessions (last_seen_at);

create table audit (
  id integer primary key autoincrement,
  at text not null,
  manager_id text,
  actor_name text not null,
  address text not null,
  action text not null,
  subject_id text not null,
  subject_name text not null,
  before text,
  after text,
  revision integer not null
) strict;

create index audit_by_subject on audit (subject_id, id desc);
