-- Second factors: an authenticator app, passkeys, recovery codes; and whether one is required.

-- The authenticator app of a manager; it counts once a code has confirmed it.
create table totp (
  manager_id text primary key references managers (id) on delete cascade,
  -- Encrypted with the key file, bound to the manager.
  secret text not null check (length(secret) between 1 and 200),
  created_at text not null,
  confirmed_at text,
  -- The step of the last code that was accepted: none before it is accepted again.
  last_step integer,
  -- Wrong codes in a row, and when the last one came.
  failures integer not null check (failures >= 0),
  failed_at text
) strict;

create table passkeys (
  id text primary key check (length(id) between 1 and 40),
  manager_id text not null references managers (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  -- SHA-256 of the credential's own id, by which it is found at the login.
  credential_hash text not null unique check (length(credential_hash) = 64),
  -- The public key and its counter, as JSON.
  credential text not null,
  created_at text not null,
  last_used_at text
) strict;

create index passkeys_by_manager on passkeys (manager_id, created_at);

-- Only the SHA-256 of a code is kept; one that was used is gone.
create table recovery_codes (
  code_hash text primary key check (length(code_hash) = 64),
  manager_id text not null references managers (id) on delete cascade,
  created_at text not null
) strict;

create index recovery_codes_by_manager on recovery_codes (manager_id);

-- What every manager is asked for. One row.
create table policy (
  id integer primary key check (id = 1),
  second_factor_required integer not null,
  version integer not null
) strict;

insert into policy values (1, 0, 1);
