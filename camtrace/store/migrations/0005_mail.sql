-- Mails: who gets which, and those that are on their way.

-- Where a user's mails go; '' for nowhere.
alter table account add column email text not null default '';

-- What the users of a profile get by mail. mail_alarms, mail_lost: uids of the cameras whose alarms and whose loss they
-- are told of; null means all, later ones included; empty means none.
alter table profile
    add column mail_alarms   bigint[] default '{}',
    add column mail_lost     bigint[] default '{}',
    add column mail_contacts boolean not null default false,
    add column mail_purge    boolean not null default false,
    add column mail_life     boolean not null default false;
update profile
    set mail_alarms = null, mail_lost = null, mail_contacts = true, mail_purge = true, mail_life = true
    where name = 'administrator';

-- When mails say that the camera is lost, and how many about its alarms an hour brings (model.CameraMail).
alter table camera add column mail jsonb not null default '{}';

-- What was turned into mails, so that a fact that is told twice is mailed once. state: 'mailed'; 'held' while the
-- camera has sent too many; 'told' once a summary spoke of it.
create table mail_fact (
    key        text primary key,
    at         timestamptz not null,
    camera_uid bigint,
    alarm_id   bigint,
    state      text not null default 'mailed' check (state in ('mailed', 'held', 'told'))
);
create index mail_fact_camera on mail_fact (camera_uid, at) where camera_uid is not null;
create index mail_fact_held on mail_fact (camera_uid, at) where state = 'held';
create index mail_fact_at on mail_fact (at);

-- One row per mail and recipient. message: all of it but its From; emptied once it is sent or given up. 'sending' from
-- the moment its text goes out to the answer; doubtful: it was found 'sending' at a start, and is tried once more.
create table mail (
    id         bigserial primary key,
    key        text not null unique,
    kind       text not null,
    recipient  text not null,
    subject    text not null,
    message    bytea not null,
    camera_uid bigint,
    state      text not null default 'queued' check (state in ('queued', 'sending', 'sent', 'failed')),
    attempts   int not null default 0,
    doubtful   boolean not null default false,
    queued_at  timestamptz not null,
    next_at    timestamptz not null,
    ended_at   timestamptz,
    problem    text not null default '',
    said       text not null default ''
);
create index mail_due on mail (next_at, id) where state = 'queued';
create index mail_queued on mail (queued_at desc, id desc);
create index mail_ended on mail (ended_at) where ended_at is not null;

-- Cameras that were said to be lost, until they are said to be back.
create table mail_lost (
    camera_uid bigint primary key,
    since      timestamptz not null
);

-- Numbers without a gap: a missing one is a mail that did not arrive.
create table mail_count (
    name  text primary key,
    value bigint not null
);
