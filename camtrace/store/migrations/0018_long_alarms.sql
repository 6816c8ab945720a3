-- Alarms of which not every trigger is kept, for rules that ask whether somebody stood there.
create index alarm_long on alarm (started_at) where triggers > 1000;
