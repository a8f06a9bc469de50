-- A new address of a manager counts once a link mailed to it was opened and confirmed.

-- SQLite can't change a check, so both tables are made again.
alter table manager_links rename to manager_links_before;
drop index manager_links_by_manager;

-- One-time links. Only the SHA-256 of the token is kept.
create table manager_links (
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

insert into manager_links (token_hash, purpose, manager_id, created_at, expires_at)
select token_hash, purpose, manager_id, created_at, expires_at from manager_links_before;
drop table manager_links_before;

create index manager_links_by_manager on manager_links (manager_id);

alter table outbox rename to outbox_before;
drop index outbox_due;
drop index outbox_by_manager;

create table outbox (
  id text primary key check (length(id) between 1 and 40),
  kind text not null check (kind in ('password-reset', 'account-change', 'email-confirmation')),
  manager_id text references managers (id) on delete cascade,
  -- To whom, where it is not the manager's address of the time when it is sent.
  recipient text check (length(recipient) between 1 and 254),
  -- Which change of the account.
  subject text check (length(subject) between 1 and 40),
  created_at text not null,
  -- Not before this; moved on while somebody is sending it.
  due_at text not null,
  attempts integer not null check (attempts >= 0),
  done_at text,
  outcome text check (outcome in ('sent', 'given-up', 'nobody')),
  check ((done_at is null) = (outcome is null)),
  check ((kind = 'password-reset') = (recipient is null)),
  check ((kind = 'account-change') = (subject is not null))
) strict;

insert into outbox (id, kind, manager_id, recipient, subject, created_at, due_at, attempts, done_at, outcome)
select id, kind, manager_id, recipient, subject, created_at, due_at, attempts, done_at, outcome from outbox_before;
drop table outbox_before;

create index outbox_due on outbox (due_at) where done_at is null;
create index outbox_by_manager on outbox (manager_id, created_at);
