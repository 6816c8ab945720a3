-- When something applies, and what happened on cameras.

-- Calendars by name; "always" and "never" are built in. week: for each weekday, Monday first, a list of [from, to] in
-- minutes since midnight of the site's clock. special_days: a list of {first, last, hours, name}.
create table calendar (
    name         text primary key check (name not in ('always', 'never')),
    week         jsonb not null,
    special_days jsonb not null default '[]'
);

-- Alarms, one row per camera and event. until: when it ends unless another trigger comes, and the end of what is
-- recorded of it; recorded_from: null while no trigger wanted its footage. triggers guards against an older state of
-- the alarm being written over a newer one, when a spooled batch comes late.
create table alarm (
    id              bigint primary key,
    camera_uid      bigint not null,
    started_at      timestamptz not null,
    last_at         timestamptz not null,
    until           timestamptz not null,
    ended_at        timestamptz,
    recorded_from   timestamptz,
    causes          text[] not null,
    triggers        int not null,
    popup           boolean not null,
    mail            boolean not null,
    acknowledged_by text not null default '',
    acknowledged_at timestamptz
) with (fillfactor = 70);
create index alarm_started on alarm (started_at desc, id desc);
create index alarm_camera on alarm (camera_uid, started_at desc, id desc);
create index alarm_running on alarm (camera_uid) where ended_at is null;
create index alarm_recorded on alarm (camera_uid, until) where recorded_from is not null;

-- What started and prolonged them: the first thousand of each. origin: who told of it; message: in its words.
create table trigger (
    id       bigint primary key,
    alarm_id bigint not null,
    at       timestamptz not null,
    cause    text not null,
    origin   text not null,
    message  text not null
);
create index trigger_alarm on trigger (alarm_id, at, id);

-- kind: 'regular', or 'alarm' for a file that only an alarm wanted.
alter table segment add column kind text not null default 'regular';
create index segment_of_alarms on segment (camera_uid, stream, started_us) where kind = 'alarm';

-- The right to see alarms, to say that one was seen, and to raise one.
update profile set rights = array_append(rights, 'alarms') where name in ('administrator', 'operator');
