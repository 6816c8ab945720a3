-- How tills speak that do not speak the CamTrace protocol. definition: the settings that pos/dialect.py reads.
create table dialect (
    name       text primary key,
    definition jsonb not null
);

-- What an administrator set for a till or another source, by the name its lines bear. label: its name on the pages.
-- dialect: '' for that of its listener. clear_seconds: silence after which its screen is cleared. offset_ms: how much
-- later than its lines the picture shows what they tell of. burst_since: it sends whole tickets at once since then.
create table source (
    source        text primary key,
    label         text not null default '',
    dialect       text not null default '',
    clear_seconds int not null default 300,
    offset_ms     int not null default 0,
    burst_since   timestamptz
);
