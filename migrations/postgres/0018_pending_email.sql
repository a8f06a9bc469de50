-- A new address of a manager counts once a link mailed to it was opened and confirmed.

alter table manager_links drop constraint manager_links_purpose_check;
alter table manager_links add constraint manager_links_purpose_check
  check (purpose in ('setup', 'invite', 'reset', 'email'));
-- The address to be confirmed. Not unique: it blocks no other manager.
alter table manager_links add column email text check (length(email) between 1 and 254);
alter table manager_links add check ((email is not null) = (purpose = 'email'));

alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check
  check (kind in ('password-reset', 'account-change', 'email-confirmation'));
-- It was: only a change of an account names its recipient.
alter table outbox drop constraint outbox_check1;
alter table outbox add constraint outbox_check1 check ((kind = 'password-reset') = (recipient is null));
