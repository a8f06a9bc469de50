-- PostgreSQL gets an index here. SQLite reads one list by its key and passes over other impacts in it, which is
-- as little work; it would not choose the index, for it plans before it knows what is asked for.
select 1;
