-- Effects are found by when they ended, and their incident by its id, whatever the planner believes of their numbers: a
-- cross join is one that SQLite does not turn round, as it did in a long history.
drop view public_incident_effects;
create view public_incident_effects as
  select e.incident_id, e.component_id, e.started_at, e.ended_at, e.status
  from incident_effects e cross join incidents i
  where i.id = e.incident_id and i.visibility = 'public';
