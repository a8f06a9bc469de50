-- Programs read the history by the months in which things ended.
create index incidents_ended on incidents (ended_at desc, id desc);
create index maintenances_over on maintenances (ended_at desc, id desc);

-- Origins whose pages may show ours in a frame, one a line: https://example.org
alter table page add column embedders text not null default '' check (length(embedders) <= 2600);
