-- Answers to calls that named an Idempotency-Key: whoever asks the same again within a day gets the same answer.
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

-- What programs said of a thing and want to read again exactly, though the page has no use for it: JSON.
create table echoes (
  subject_id text not null check (length(subject_id) between 1 and 40),
  field text not null check (length(field) between 1 and 40),
  value text not null check (length(value) between 1 and 20000),
  primary key (subject_id, field)
) strict;

-- Whether a token may also stand in the address of a call.
alter table policy add column api_key_in_query integer not null default 0 check (api_key_in_query in (0, 1));

-- Programs read incidents and maintenances together, the newest first.
create index incidents_created on incidents (created_at desc, id desc);
create index maintenances_created on maintenances (created_at desc, id desc);
