-- The whole schema, grouped by aggregate. The folder of the other database has the same tables and columns; only the
-- types of columns differ. Times are UTC, written by the program and cut to microseconds.

-- Page: its settings and the revision.

-- One row.
create table page (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 255),
  url text not null check (length(url) <= 255),
  time_zone text not null,
  logo_text text not null check (length(logo_text) <= 255),
  -- Origins that may show the page in a frame, one per line: https://example.org
  embedders text not null default '' check (length(embedders) <= 2600),
  -- Where the server was last reached, for links that the command line prints; empty before its first start.
  server_origin text not null default '' check (length(server_origin) <= 300),
  -- The brand. Colours are #rrggbb, empty for the default.
  accent text not null default '' check (length(accent) in (0, 7)),
  accent_dark text not null default '' check (length(accent_dark) in (0, 7)),
  ground text not null default 'warm' check (ground in ('warm', 'white', 'cool', 'own')),
  ground_light text not null default '' check (length(ground_light) in (0, 7)),
  ground_dark text not null default '' check (length(ground_dark) in (0, 7)),
  typeface text not null default 'system' check (typeface in ('system', 'rounded', 'serif')),
  appearance text not null default 'automatic' check (appearance in ('automatic', 'light', 'dark')),
  about text not null default '' check (length(about) <= 2000),
  support text not null default '' check (length(support) <= 255),
  powered_by integer not null default 1 check (powered_by in (0, 1)),
  noindex integer not null default 0 check (noindex in (0, 1)),
  -- The step of the guided setup to continue with; 5 once it is finished.
  setup_step integer not null default 1 check (setup_step between 1 and 5),
  checklist_dismissed_at text,
  updated_at text not null,
  version integer not null
) strict;

create table page_links (
  position integer primary key,
  label text not null check (length(label) between 1 and 255),
  url text not null check (length(url) between 1 and 255)
) strict;

-- Sanitised images of the brand.
create table page_logos (
  scheme text primary key check (scheme in ('light', 'dark', 'favicon')),
  format text not null check (format in ('svg', 'png', 'webp')),
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  -- The start of the SHA-256 of the bytes, in hexadecimal.
  digest text not null check (length(digest) = 16),
  bytes blob not null check (length(bytes) between 1 and 65536)
) strict;

-- Notices above the status that are no incidents.
create table announcements (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 120),
  -- Markdown.
  body text not null check (length(body) <= 1000),
  starts_at text not null,
  ends_at text check (ends_at >= starts_at),
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

-- Imports of a page from its address that were started in the admin.
create table page_imports (
  id text primary key check (length(id) between 1 and 40),
  source text not null check (length(source) between 1 and 20),
  address text not null check (length(address) between 1 and 600),
  state text not null
    check (state in ('fetching', 'comparing', 'ready', 'importing', 'done', 'failed', 'interrupted', 'discarded')),
  -- What it does now; why it failed.
  step text not null check (length(step) <= 1000),
  documents integer not null check (documents >= 0),
  done integer not null check (done >= 0),
  total integer not null check (total >= 0),
  -- JSON: what it would change, or changed.
  summary text check (length(summary) <= 524288),
  started_by text not null check (length(started_by) between 1 and 100),
  started_at text not null,
  -- The last sign of life of the server that works on it.
  seen_at text not null
) strict;

-- Grows by one with every change; a published page belongs to one revision. One row.
create table revision (
  id integer primary key check (id = 1),
  number integer not null,
  changed_at text not null
) strict;

-- The oldest schema version whose programs may still run on this database; raised when a column goes.
create table schema_floor (
  id integer primary key check (id = 1),
  version integer not null
) strict;

insert into schema_floor (id, version) values (1, 1);

-- Work that one node does at a time.
create table leases (
  name text primary key check (length(name) between 1 and 40),
  -- The run of a server.
  holder text not null check (length(holder) between 1 and 40),
  -- Higher for each new holder.
  token integer not null check (token > 0),
  expires_at text not null
) strict;

-- The servers of a PostgreSQL database, one row per run.
create table nodes (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 100),
  version text not null check (length(version) between 1 and 100),
  revision integer not null,
  is_listening integer not null,
  started_at text not null,
  seen_at text not null
) strict;

-- Managers and how they log in.

create table managers (
  id text primary key check (length(id) between 1 and 40),
  email text not null unique check (length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 100),
  role text not null check (role in ('viewer', 'publisher', 'owner')),
  -- argon2id in PHC form; null until an invitation is accepted.
  password_hash text,
  disabled_at text,
  last_login_at text,
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

-- One row.
create table login_policy (
  id integer primary key check (id = 1),
  second_factor_required integer not null,
  -- Whether an API token may be in the query of an address.
  api_key_in_query integer not null check (api_key_in_query in (0, 1)),
  -- The only owner who may log in with a password; null if all managers may.
  break_glass_owner_id text references managers (id),
  -- Minutes without use after which a session ends.
  session_idle_minutes integer not null default 720 check (session_idle_minutes between 30 and 720),
  version integer not null
) strict;

insert into login_policy (id, second_factor_required, api_key_in_query, version) values (1, 0, 0, 1);

-- Links for a first owner, an invitation, a new password or the confirmation of an address. Only the SHA-256 of the
-- token is stored.
create table one_time_links (
  token_hash text primary key check (length(token_hash) = 64),
  purpose text not null check (purpose in ('setup', 'invite', 'reset', 'email')),
  manager_id text references managers (id) on delete cascade,
  -- The address to be confirmed. Not unique: it blocks no other manager.
  email text check (length(email) between 1 and 254),
  created_at text not null,
  expires_at text not null,
  check ((manager_id is null) = (purpose = 'setup')),
  check ((email is not null) = (purpose = 'email'))
) strict;

create index one_time_links_by_manager on one_time_links (manager_id);

-- Authenticator apps; a code confirms each before it counts.
create table totp_secrets (
  manager_id text primary key references managers (id) on delete cascade,
  -- Encrypted with the key file, bound to the manager.
  secret text not null check (length(secret) between 1 and 200),
  created_at text not null,
  confirmed_at text,
  -- The step of the last code that was accepted: no step is accepted twice.
  last_step integer,
  -- Wrong codes in a row, and the time of the last one.
  failures integer not null check (failures >= 0),
  failed_at text
) strict;

create table passkeys (
  id text primary key check (length(id) between 1 and 40),
  manager_id text not null references managers (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  -- SHA-256 of the credential's id.
  credential_hash text not null unique check (length(credential_hash) = 64),
  -- The public key and its counter, as JSON.
  credential text not null,
  created_at text not null,
  last_used_at text
) strict;

create index passkeys_by_manager on passkeys (manager_id, created_at);

-- Only the SHA-256 of a code is stored. A used code is deleted.
create table recovery_codes (
  code_hash text primary key check (length(code_hash) = 64),
  manager_id text not null references managers (id) on delete cascade,
  created_at text not null
) strict;

create index recovery_codes_by_manager on recovery_codes (manager_id);

-- Which account of an identity provider belongs to which manager: by the provider's subject, never by address.
create table oidc_identities (
  issuer text not null check (length(issuer) between 1 and 500),
  subject text not null check (length(subject) between 1 and 255),
  manager_id text not null references managers (id) on delete cascade,
  -- The address that the provider named when the account was connected.
  email text not null check (length(email) <= 254),
  created_at text not null,
  last_used_at text,
  primary key (issuer, subject)
) strict;

create unique index oidc_identities_by_manager on oidc_identities (manager_id, issuer);

-- Wrong passwords in a row by manager. Those for unknown addresses count for 'unknown', which is never locked: an
-- attempt writes as much whether its address is known or not.
create table login_failures (
  manager_id text primary key check (length(manager_id) between 1 and 40),
  failures integer not null check (failures >= 0),
  failed_at text not null
) strict;

-- Browsers in which a manager logged in before; guesses from elsewhere do not lock them out. Only the SHA-256 of the
-- cookie is stored.
create table known_browsers (
  token_hash text primary key check (length(token_hash) = 64),
  manager_id text not null references managers (id) on delete cascade,
  failures integer not null check (failures >= 0),
  failed_at text,
  created_at text not null,
  last_used_at text not null
) strict;

create index known_browsers_by_manager on known_browsers (manager_id, last_used_at);

-- Only the SHA-256 of the id is stored.
create table sessions (
  id_hash text primary key check (length(id_hash) = 64),
  -- Null before the login.
  manager_id text references managers (id) on delete cascade,
  -- As JSON.
  data text not null,
  address text not null check (length(address) <= 100),
  user_agent text not null check (length(user_agent) <= 300),
  created_at text not null,
  last_seen_at text not null,
  -- Failed re-authentications in a row.
  failed_proofs integer not null default 0 check (failed_proofs >= 0)
) strict;

create index sessions_by_manager on sessions (manager_id, last_seen_at);
create index sessions_by_age on sessions (last_seen_at);

-- Single-use state of a session, at most one of each kind: it is deleted when it is used, or with the session.
create table challenges (
  session_hash text not null references sessions (id_hash) on delete cascade,
  kind text not null check (kind in ('passkey-registration', 'passkey-login', 'oidc-login', 'reauth-form')),
  -- What the answer is verified with, as JSON.
  payload text not null check (length(payload) <= 500000),
  created_at text not null,
  expires_at text not null,
  primary key (session_hash, kind),
  check (expires_at > created_at)
) strict;

create index challenges_by_expiry on challenges (expires_at);

-- Forms that were sent after their session had ended; their manager continues them after the next login. Only the
-- SHA-256 of the token is stored.
create table pending_forms (
  token_hash text primary key check (length(token_hash) = 64),
  manager_id text not null references managers (id) on delete cascade,
  -- Where the form was sent.
  path text not null check (length(path) between 1 and 1000),
  -- URL-encoded, without passwords and codes.
  fields text not null check (length(fields) <= 524288),
  created_at text not null
) strict;

create index pending_forms_by_manager on pending_forms (manager_id, created_at);

-- Components, their groups, and the parts of uptime that managers set.

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
  -- The baseline, set by managers; incidents do not change it.
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  position integer not null check (position >= 1),
  start_date text,
  only_show_if_degraded integer not null,
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

create index components_by_group on components (group_id, position);

-- The history of the baseline: an outage set by hand counts in uptime.
create table component_baselines (
  component_id text not null references components (id) on delete cascade,
  since text not null,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (component_id, since)
) strict;

create index component_baselines_since on component_baselines (since);

-- Override incidents, maintenances and baselines in uptime.
create table uptime_corrections (
  id text primary key check (length(id) between 1 and 40),
  component_id text not null references components (id) on delete cascade,
  started_at text not null,
  ended_at text not null,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  -- Public.
  reason text not null check (length(reason) between 1 and 500),
  created_at text not null,
  check (ended_at > started_at)
) strict;

create index uptime_corrections_by_component on uptime_corrections (component_id, started_at);

-- Incidents with their updates and postmortems.

create table incidents (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 255),
  computed_impact text not null check (computed_impact in ('none', 'minor', 'major', 'critical')),
  impact_override text check (impact_override in ('none', 'maintenance', 'minor', 'major', 'critical')),
  -- What Statuspage calls the incident's status.
  phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved')),
  started_at text not null,
  ended_at text,
  -- From start to end; summed for totals.
  duration_seconds integer check (duration_seconds >= 0),
  detected_by text check (length(detected_by) between 1 and 100),
  -- For managers only.
  internal_note text check (length(internal_note) <= 10000),
  -- The worker makes an embargoed incident public at publish_at.
  visibility text not null check (visibility in ('public', 'embargoed', 'internal')),
  publish_at text,
  -- When managers are reminded to post an update, in hours: null for the default, '4' for every four, a list, '[]' for
  -- never.
  reminder text check (length(reminder) between 1 and 100),
  -- When the next update is due, as promised in the newest one.
  next_update_at text,
  -- Title and texts in lower case.
  search_text text not null,
  -- The id of an imported incident in the feeds of its source: with another one, feed readers would show it twice.
  feed_id text check (length(feed_id) between 1 and 255),
  created_at text not null,
  updated_at text not null,
  version integer not null,
  check (ended_at >= started_at),
  check ((ended_at is null) = (phase <> 'resolved')),
  check ((ended_at is null) = (duration_seconds is null)),
  check ((visibility = 'embargoed') = (publish_at is not null)),
  check (next_update_at is null or phase <> 'resolved')
) strict;

create index incidents_newest on incidents (started_at desc, id desc);
create index incidents_open on incidents (started_at desc, id desc) where phase <> 'resolved';
create index incidents_embargoed on incidents (publish_at) where visibility = 'embargoed';
create index incidents_ended on incidents (ended_at desc, id desc);
create index incidents_created on incidents (created_at desc, id desc);
create unique index incidents_by_feed_id on incidents (feed_id);

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

-- The components that an update names; the others keep the status of an earlier update.
create table incident_update_components (
  update_id text not null references incident_updates (id) on delete cascade,
  component_id text not null,
  -- Its name at that time: the component may be deleted.
  name text not null check (length(name) between 1 and 255),
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  position integer not null,
  primary key (update_id, component_id)
) strict;

-- The status of each affected component over time. Derived from the updates and written with them, so that uptime
-- needs no scan of all updates.
create table incident_status_intervals (
  incident_id text not null references incidents (id) on delete cascade,
  component_id text not null,
  started_at text not null,
  ended_at text,
  status text not null check (status in ('under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (incident_id, component_id, started_at),
  check (ended_at > started_at)
) strict;

create index incident_status_intervals_ended on incident_status_intervals (ended_at);
create index incident_status_intervals_open on incident_status_intervals (incident_id) where ended_at is null;

-- Lists and totals of public incidents are read from here, at any length of the history. One row per incident with the
-- component '', and one for each component that it names. Derived from the incident and written with it.
create table incident_index (
  component_id text not null,
  started_at text not null,
  incident_id text not null references incidents (id) on delete cascade,
  impact text not null check (impact in ('none', 'maintenance', 'minor', 'major', 'critical')),
  duration_seconds integer,
  primary key (component_id, started_at, incident_id)
) strict, without rowid;

create index incident_index_by_incident on incident_index (incident_id);
-- SQLite has no index by impact: it reads the rows of one component by key and skips other impacts, and would not choose
-- such an index, because it plans before it knows the values.

-- Totals of the incident index for the component '', so that publishing does not sum them up. One row.
create table incident_totals (
  id integer primary key check (id = 1),
  incidents integer not null,
  duration_seconds integer not null
) strict;

insert into incident_totals (id, incidents, duration_seconds) values (1, 0, 0);

create table postmortems (
  incident_id text primary key references incidents (id) on delete cascade,
  -- For managers.
  body text not null check (length(body) between 1 and 25000),
  -- For visitors.
  published_body text check (length(published_body) between 1 and 25000),
  published_at text,
  updated_at text not null,
  version integer not null,
  -- The id under which its source published an imported postmortem; null for one derived from the incident's.
  update_id text check (length(update_id) between 1 and 40),
  check ((published_body is null) = (published_at is null))
) strict;

-- What visitors may see of incidents. Public queries read these views and never the tables, so that none can forget the
-- condition. Columns for managers only are not in them.
create view public_incidents as
  select id, title, computed_impact, impact_override, phase, started_at, ended_at, duration_seconds, detected_by,
         search_text, visibility, publish_at, next_update_at, created_at, updated_at, version,
         (select published_at from postmortems where incident_id = incidents.id) as postmortem_published_at
  from incidents where visibility = 'public';

-- Found by their end first, and then their incidents by id: SQLite does not reorder a cross join, as it would reorder
-- another join in a long history.
create view public_incident_status_intervals as
  select s.incident_id, s.component_id, s.started_at, s.ended_at, s.status
  from incident_status_intervals s cross join incidents i
  where i.id = s.incident_id and i.visibility = 'public';

create view public_postmortems as
  select p.incident_id, p.published_body as body, p.published_at, p.update_id
  from postmortems p join incidents i on i.id = p.incident_id
  where i.visibility = 'public' and p.published_at is not null;

-- Templates and drafts of incidents.

-- Titles and texts may contain placeholders.
create table templates (
  id text primary key check (length(id) between 1 and 40),
  name text not null check (length(name) between 1 and 100),
  title text not null check (length(title) <= 255),
  body text not null check (length(body) between 1 and 25000),
  -- A phase of incidents or of maintenances.
  phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved',
                                       'scheduled', 'in_progress', 'verifying', 'completed')),
  -- Whether the composer starts with the notify switch on.
  notify integer not null check (notify in (0, 1)),
  created_at text not null,
  updated_at text not null,
  version integer not null
) strict;

create table template_components (
  template_id text not null references templates (id) on delete cascade,
  component_id text not null references components (id) on delete cascade,
  status text not null check (status in ('operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage')),
  primary key (template_id, component_id)
) strict;

-- Shared by all managers who may publish.
create table drafts (
  id text primary key check (length(id) between 1 and 40),
  -- The incident of a drafted update; null for a drafted incident.
  incident_id text references incidents (id) on delete cascade,
  -- The fields of the composer, as JSON.
  fields text not null check (length(fields) <= 200000),
  edited_by text not null check (length(edited_by) between 1 and 100),
  created_at text not null,
  edited_at text not null,
  version integer not null
) strict;

create index drafts_by_incident on drafts (incident_id);

-- Who has a draft open, as far as can be known. It is shown to the others and locks nothing.
create table draft_presence (
  draft_id text not null references drafts (id) on delete cascade,
  manager_id text not null references managers (id) on delete cascade,
  -- Since when without a long break.
  opened_at text not null,
  seen_at text not null,
  primary key (draft_id, manager_id)
) strict;

-- Maintenances: announced in advance, no incidents, no downtime.

-- A recurring maintenance. Each occurrence is a maintenance of its own, created ahead.
create table maintenance_series (
  id text primary key check (length(id) between 1 and 40),
  title text not null check (length(title) between 1 and 255),
  body text not null check (length(body) between 1 and 25000),
  -- The value of an RRULE (RFC 5545), in local time of the time zone.
  rule text not null check (length(rule) between 1 and 500),
  time_zone text not null,
  -- The first start in local time, without offset: 2026-11-26T02:00:00
  first_start text not null check (length(first_start) = 19),
  duration_seconds integer not null check (duration_seconds >= 60),
  -- Dates without an occurrence: 2026-12-24 2026-12-31
  skipped_dates text not null check (length(skipped_dates) <= 2000),
  remind integer not null,
  auto_start integer not null,
  auto_complete integer not null,
  mark_components integer not null,
  -- The start of the newest occurrence that was created, in local time.
  last_occurrence text check (length(last_occurrence) = 19),
  -- When the next occurrence is to be created; null once the series has ended.
  extend_at text,
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
  time_zone text not null,
  -- The actual start and end.
  started_at text,
  ended_at text,
  remind integer not null,
  auto_start integer not null,
  auto_complete integer not null,
  mark_components integer not null,
  -- Null if there is no reminder, or none any more.
  remind_at text,
  series_id text references maintenance_series (id),
  -- The start according to the rule of the series, in local time of the series' time zone.
  occurrence text check (length(occurrence) = 19),
  -- Title and texts in lower case.
  search_text text not null,
  -- As in incidents.
  feed_id text check (length(feed_id) between 1 and 255),
  created_at text not null,
  updated_at text not null,
  version integer not null,
  -- What a client set instead of 'maintenance'.
  impact_override text check (impact_override in ('none', 'maintenance', 'minor', 'major', 'critical')),
  check (scheduled_until > scheduled_for),
  check (ended_at >= started_at),
  check ((series_id is null) = (occurrence is null)),
  unique (series_id, occurrence)
) strict;

create index maintenances_newest on maintenances (scheduled_for desc, id desc);
-- The actual start once begun, else the scheduled one: what the history is sorted by.
create index maintenances_by_start on maintenances (coalesce(started_at, scheduled_for) desc, id desc);
create index maintenances_planned on maintenances (scheduled_for, id) where phase in ('scheduled', 'in_progress', 'verifying');
create index maintenances_past on maintenances (scheduled_until desc, id desc) where phase in ('completed', 'cancelled');
create index maintenances_ended on maintenances (ended_at desc, id desc);
create index maintenances_created on maintenances (created_at desc, id desc);
create unique index maintenances_by_feed_id on maintenances (feed_id);

-- The components that a maintenance is planned for.
create table maintenance_components (
  maintenance_id text not null references maintenances (id) on delete cascade,
  component_id text not null,
  -- Its name at that time: the component may be deleted.
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
  -- Orders updates of the same instant.
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

-- When each component was under maintenance. Derived from the updates and written with them.
create table maintenance_intervals (
  maintenance_id text not null references maintenances (id) on delete cascade,
  component_id text not null,
  started_at text not null,
  ended_at text,
  primary key (maintenance_id, component_id, started_at),
  check (ended_at > started_at)
) strict;

create index maintenance_intervals_ended on maintenance_intervals (ended_at);
create index maintenance_intervals_open on maintenance_intervals (maintenance_id) where ended_at is null;

-- What incidents and maintenances share: the addresses /incidents/ID, ids in feeds and fields of API clients.

create trigger incidents_share_ids before insert on incidents
when exists (select 1 from maintenances where id = new.id)
begin select raise(abort, 'this id belongs to a maintenance'); end;

create trigger maintenances_share_ids before insert on maintenances
when exists (select 1 from incidents where id = new.id)
begin select raise(abort, 'this id belongs to an incident'); end;

create view public_feed_ids as
  select id, feed_id from incidents where visibility = 'public' and feed_id is not null
  union all
  select id, feed_id from maintenances where feed_id is not null;

-- Fields of API clients that the page does not use, as JSON: they are returned unchanged.
create table api_metadata (
  subject_id text not null check (length(subject_id) between 1 and 40),
  field text not null check (length(field) between 1 and 60),
  value text not null check (length(value) between 1 and 20000),
  primary key (subject_id, field)
) strict;

-- Subscribers and what they are sent.

-- Who is notified. An unsubscribed address is deleted; see suppressions.
create table subscribers (
  id text primary key check (length(id) between 1 and 40),
  channel text not null check (channel in ('email', 'webhook', 'slack', 'teams', 'discord', 'google_chat', 'mattermost',
                                           'ntfy', 'telegram', 'matrix', 'pagerduty')),
  -- In lower case. For other channels: who confirms the endpoint and is told when it fails.
  email text check (length(email) between 3 and 254),
  -- What identifies the address within its channel: the SHA-256 of the e-mail address or the endpoint.
  address_hash text not null check (length(address_hash) = 64),
  endpoint_host text check (length(endpoint_host) between 1 and 255),
  -- The endpoint and its credentials, encrypted with the key file, bound to the subscriber.
  endpoint text check (length(endpoint) between 1 and 4000),
  -- The secret that signs the subscriber's webhooks, encrypted likewise.
  secret text check (length(secret) between 1 and 400),
  -- One incident only; null for the page or components of it.
  incident_id text references incidents (id) on delete cascade,
  all_components integer not null check (all_components in (0, 1)),
  incident_events text not null check (incident_events in ('all', 'opened_and_resolved', 'none')),
  maintenance_events integer not null check (maintenance_events in (0, 1)),
  state text not null check (state in ('unconfirmed', 'active', 'quarantined')),
  paused_at text,
  requested_at text not null,
  confirmed_at text,
  -- Which text the subscriber agreed to.
  consent_version integer not null,
  quarantined_at text,
  quarantine_reason text check (length(quarantine_reason) <= 300),
  -- Failed messages in a row, and since when.
  failures integer not null check (failures >= 0),
  failing_since text,
  -- When a quarantined webhook was last asked whether it answers again.
  probed_at text,
  created_at text not null,
  updated_at text not null,
  version integer not null,
  check ((channel = 'email') = (endpoint is null)),
  check ((endpoint is null) = (endpoint_host is null)),
  check ((state = 'quarantined') = (quarantined_at is not null)),
  check ((state = 'unconfirmed') = (confirmed_at is null))
) strict;

-- An address subscribes once to the page or its components, and once to each incident.
create unique index subscribers_by_address on subscribers (channel, address_hash, coalesce(incident_id, ''));
create index subscribers_by_state on subscribers (state, channel, id);
create index subscribers_by_email on subscribers (email, id);
create index subscribers_by_incident on subscribers (incident_id) where incident_id is not null;
create index subscribers_newest on subscribers (requested_at desc, id desc);
create index subscribers_unconfirmed on subscribers (requested_at) where state = 'unconfirmed';
create index subscribers_quarantined on subscribers (quarantined_at) where state = 'quarantined';

create table subscriber_components (
  subscriber_id text not null references subscribers (id) on delete cascade,
  component_id text not null references components (id) on delete cascade,
  primary key (subscriber_id, component_id)
) strict;

create index subscriber_components_by_component on subscriber_components (component_id);

-- Addresses that unsubscribed or complained, as HMAC with the key file: an import does not add them again.
create table suppressions (
  address_hmac text primary key check (length(address_hmac) = 64),
  reason text not null check (reason in ('unsubscribed', 'erased', 'complaint')),
  created_at text not null
) strict;

create index suppressions_by_age on suppressions (created_at);

-- Mails to one manager or subscriber that are to be sent, and for a day those that were. A row says what to send and
-- contains no text: a link is made when it is sent, so its secret is never stored. A request for an unknown address adds a row without a manager, so
-- that it takes as long; that row is finished at once.
create table outbox (
  id text primary key check (length(id) between 1 and 40),
  kind text not null check (kind in ('password-reset', 'account-change', 'email-confirmation',
                                     'subscription-confirmation', 'subscription-links', 'endpoint-failure', 'sender-rejected')),
  manager_id text references managers (id) on delete cascade,
  subscriber_id text references subscribers (id) on delete cascade,
  -- Null for the address of the manager or subscriber at the time of sending.
  recipient text check (length(recipient) between 1 and 254),
  -- Which change of the account.
  account_change text check (length(account_change) between 1 and 40),
  created_at text not null,
  -- The earliest time of the next attempt; postponed during an attempt.
  due_at text not null,
  -- The token of the lease under which it is sent; of an earlier holder if that was killed.
  lease integer,
  attempts integer not null check (attempts >= 0),
  done_at text,
  outcome text check (outcome in ('sent', 'given-up', 'no-recipient')),
  check ((done_at is null) = (outcome is null)),
  check ((kind in ('account-change', 'email-confirmation')) = (recipient is not null)),
  check ((kind = 'account-change') = (account_change is not null)),
  check ((kind in ('subscription-confirmation', 'subscription-links', 'endpoint-failure')) = (subscriber_id is not null))
) strict;

create index outbox_due on outbox (due_at) where done_at is null;
create index outbox_by_manager on outbox (manager_id, created_at);
create index outbox_by_subscriber on outbox (subscriber_id, created_at);

-- The last time that the mail server rejected mail of this page whoever its recipient was; one row at most.
create table sender_rejections (
  id integer primary key check (id = 1),
  -- In the words of the mail server.
  reason text not null check (length(reason) <= 300),
  last_at text not null,
  -- When owners were last mailed about it.
  alarmed_at text not null
) strict;

-- What was published, one row per publishing; the worker turns it into deliveries.
create table notices (
  id text primary key check (length(id) between 1 and 40),
  event text not null check (length(event) between 1 and 40),
  -- The incident, the maintenance or the component.
  subject_id text not null check (length(subject_id) between 1 and 40),
  update_id text check (length(update_id) between 1 and 40),
  -- The status of a component before and after.
  old_status text,
  new_status text,
  created_at text not null,
  -- The last subscriber that was matched; null before the first.
  expanded_to text,
  -- When all subscribers were matched.
  expanded_at text,
  -- Deliveries that were created.
  recipients integer not null check (recipients >= 0),
  check ((old_status is null) = (new_status is null))
) strict;

create index notices_newest on notices (created_at desc, id desc);
create index notices_to_expand on notices (created_at, id) where expanded_at is null;
create index notices_by_subject on notices (subject_id, created_at);

create table notice_components (
  notice_id text not null references notices (id) on delete cascade,
  component_id text not null,
  primary key (notice_id, component_id)
) strict;

-- One message to one subscriber. Its id in mails and webhooks is NOTICE-SUBSCRIBER, the same at every attempt.
create table deliveries (
  notice_id text not null references notices (id) on delete cascade,
  subscriber_id text not null references subscribers (id) on delete cascade,
  channel text not null,
  -- Smaller is sent first: subscribers of the incident, then of components, then of the page; then retries.
  rank integer not null,
  created_at text not null,
  -- The earliest time of the next attempt; null once it is done.
  due_at text,
  attempts integer not null check (attempts >= 0),
  -- Which attempt holds the row, and until when.
  lease text check (length(lease) between 1 and 40),
  done_at text,
  outcome text check (outcome in ('sent', 'replaced', 'rejected', 'expired', 'cancelled')),
  -- In the words of the receiving server, without addresses.
  reason text check (length(reason) <= 300),
  primary key (notice_id, subscriber_id),
  check ((done_at is null) = (outcome is null)),
  check ((done_at is null) = (due_at is not null))
) strict;

create index deliveries_due on deliveries ((channel = 'email'), created_at desc, rank, notice_id, subscriber_id)
  where done_at is null;
create index deliveries_by_lease on deliveries (lease) where lease is not null;
create index deliveries_by_subscriber on deliveries (subscriber_id, created_at desc);
create index deliveries_done on deliveries (done_at);

-- The message that a chat service keeps for an incident, so that the next update edits it.
create table chat_messages (
  subscriber_id text not null references subscribers (id) on delete cascade,
  subject_id text not null check (length(subject_id) between 1 and 40),
  message_id text not null check (length(message_id) between 1 and 200),
  created_at text not null,
  primary key (subscriber_id, subject_id)
) strict;

-- The management API.

-- Only the SHA-256 of a token is stored, and its last four characters to recognize it.
create table api_tokens (
  id text primary key check (length(id) between 1 and 40),
  manager_id text not null references managers (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  scope text not null check (scope in ('read', 'publish', 'admin')),
  token_hash text not null unique check (length(token_hash) = 64),
  ending text not null check (length(ending) = 4),
  created_at text not null,
  expires_at text not null,
  last_used_at text,
  unique (manager_id, name),
  check (expires_at > created_at)
) strict;

-- Responses to requests with an Idempotency-Key: a repeated request gets the same response for a day.
create table idempotency_keys (
  token_id text not null references api_tokens (id) on delete cascade,
  key text not null check (length(key) between 1 and 255),
  -- SHA-256 of method, address and body.
  request_hash text not null check (length(request_hash) = 64),
  status integer not null check (status between 200 and 299),
  body text not null,
  created_at text not null,
  primary key (token_id, key)
) strict;

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- The audit log is a chain: each row contains the SHA-256 of its content and of the row before it.
create table audit_log (
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
  revision integer not null,
  hash text not null default '' check (length(hash) in (0, 64))
) strict;

create index audit_log_by_subject on audit_log (subject_id, id desc);

-- What nodes share to get a certificate (ACME); only with PostgreSQL.
create table acme (
  kind text not null check (kind in ('account', 'certificate', 'challenge', 'order')),
  -- The address of the directory, the domains or the token.
  name text not null,
  -- Encrypted with the secret key if it contains a key.
  value text not null,
  updated_at text not null,
  primary key (kind, name)
) strict;
