-- Logins at an identity provider, and who still has a password where it was switched off.

-- Whom a provider's login belongs to: by the provider's own name for the person, never by an address.
create table identities (
  issuer text not null check (length(issuer) between 1 and 500),
  subject text not null check (length(subject) between 1 and 255),
  manager_id text not null references managers (id) on delete cascade,
  created_at text not null,
  last_used_at text,
  primary key (issuer, subject)
) strict;

create unique index identities_by_manager on identities (manager_id, issuer);

-- The one owner whose password still counts; where nobody is named, everybody's does.
alter table policy add column password_only_for text references managers (id);
