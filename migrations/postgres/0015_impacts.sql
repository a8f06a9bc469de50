-- What is asked for by its impact alone is found without walking through every line of every list.
create index incident_listing_by_impact on incident_listing (component_id, impact, started_at, incident_id)
  include (duration_seconds);
