-- Who has a draft open, as far as can be known: the others are told, for a while. It locks nothing.
create table draft_readers (
  draft_id text not null references drafts (id) on delete cascade,
  manager_id text not null references managers (id) on delete cascade,
  -- Since when, without a long break.
  opened_at timestamptz not null,
  seen_at timestamptz not null,
  primary key (draft_id, manager_id)
);
