-- The audit is a chain: each row carries the SHA-256 of what it says and of the row before it. Rows that
-- are older than the chain get theirs when the database is opened next.
alter table audit add column hash text not null default '' check (length(hash) in (0, 64));
