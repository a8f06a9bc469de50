-- Changes of the ways into an account are mailed, and a connected login at a provider can be recognised.

-- The address that the provider named when the login was connected; empty for those connected before.
alter table identities add column email text not null default '' check (length(email) <= 254);

alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check check (kind in ('password-reset', 'account-change'));
-- To whom, where it is not the manager's address of the time when it is sent.
alter table outbox add column recipient text check (length(recipient) between 1 and 254);
-- Which change of the account.
alter table outbox add column subject text check (length(subject) between 1 and 40);
alter table outbox add check ((kind = 'account-change') = (recipient is not null));
alter table outbox add check ((kind = 'account-change') = (subject is not null));
