-- What was to end lately is found without walking through all that was ever planned.
create index maintenances_until on maintenances (scheduled_until desc, id desc) where phase in ('completed', 'cancelled');
