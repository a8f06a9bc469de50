-- The id by which feed readers knew an entry where it came from: it stays, so that nothing shows twice.
alter table incidents add column feed_id text check (length(feed_id) between 1 and 255);
alter table maintenances add column feed_id text check (length(feed_id) between 1 and 255);

create unique index incidents_by_feed_id on incidents (feed_id);
create unique index maintenances_by_feed_id on maintenances (feed_id);

-- Those that visitors may know of.
create view public_feed_ids as
  select id, feed_id from incidents where visibility = 'public' and feed_id is not null
  union all
  select id, feed_id from maintenances where feed_id is not null;
