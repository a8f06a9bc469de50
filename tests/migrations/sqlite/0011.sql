-- What a program of version 11 may have written.
update incidents set feed_id = 'tag:status.example.org,2005:Incident/1' where id = 'incident';
update maintenances set feed_id = 'tag:status.example.org,2005:Incident/2' where id = 'm1';
