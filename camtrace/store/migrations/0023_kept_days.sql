-- For how many days what is kept is kept, as an administrator sets it on the page.

-- days: as it was set, 0 for ever; null: as the configuration says. held: these days, which are more, count until a week
-- after announced_at; null where that is over or never was. Footage has rows of its own here for these columns only.
alter table removal add column days integer, add column held integer;
insert into removal (what) values ('footage'), ('alarms');
