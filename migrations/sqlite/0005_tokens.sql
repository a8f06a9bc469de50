-- The audit is a chain: each row carries the SHA-256 of what it says and of the row before it. Rows that
-- are older than the chain get theirs when the database is opened next.
alter table audit add column hash text not null default '' check (length(hash) in (0, 64));

-- Wrong passwords in a row, by manager. Those for addresses that nobody has count for 'nobody', who is never
-- locked: so that an attempt writes as much whether its address is known or not.
create table login_failures (
  manager_id text primary key check (length(manager_id) between 1 and 40),
  count integer not null check (count >= 0),
  failed_at text not null
) strict;

-- Browsers that a manager has logged in with before; they get in while somebody else guesses. Only the
-- SHA-256 of their cookie is kept.
create table devices (
  token_hash text primary key check (length(token_hash) = 64),
  manager_id text not null references managers (id) on delete cascade,
  failures integer not null check (failures >= 0),
  failed_at text,
  created_at text not null,
  last_used_at text not null
) strict;

create index devices_by_manager on devices (manager_id, last_used_at);

-- What programs act with. Only the SHA-256 of a token is kept, and its end to know it by.
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

-- What is still to be mailed, and for a day what was. A row names what to tell, not the text: a link is made
-- when it is sent, so its secret is never stored. A row for nobody is written when an unknown address asks, so
-- that this takes as long; it is done at once.
create table outbox (
  id text primary key check (length(id) between 1 and 40),
  kind text not null check (kind in ('password-reset')),
  manager_id text references managers (id) on delete cascade,
  created_at text not null,
  -- Not before this; moved on while somebody is sending it.
  due_at text not null,
  attempts integer not null check (attempts >= 0),
  done_at text,
  outcome text check (outcome in ('sent', 'given-up', 'nobody')),
  check ((done_at is null) = (outcome is null))
) strict;

create index outbox_due on outbox (due_at) where done_at is null;
create index outbox_by_manager on outbox (manager_id, created_at);
