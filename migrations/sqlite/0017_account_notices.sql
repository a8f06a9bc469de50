-- Changes of the ways into an account are mailed, and a connected login at a provider can be recognised.

-- The address that the provider named when the login was connected; empty for those connected before.
alter table identities add column email text not null default '' check (length(email) <= 254);

-- SQLite can't change a check, so the table is made again with one more kind of mail.
alter table outbox rename to outbox_before;
drop index outbox_due;
drop index outbox_by_manager;

create table outbox (
  id text primary key check (length(id) between 1 and 40),
  kind text not null check (kind in ('password-reset', 'account-change')),
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
  check ((kind = 'account-change') = (recipient is not null)),
  check ((kind = 'account-change') = (subject is not null))
) strict;

insert into outbox (id, kind, manager_id, created_at, due_at, attempts, done_at, outcome)
select id, kind, manager_id, created_at, due_at, attempts, done_at, outcome from outbox_before;
drop table outbox_before;

create index outbox_due on outbox (due_at) where done_at is null;
create index outbox_by_manager on outbox (manager_id, created_at);
