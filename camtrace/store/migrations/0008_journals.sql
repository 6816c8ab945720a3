-- Journals that can be searched, and alarms that readers of events catch up with.

-- When each camera was lost, and until when. id: the fact that told of it. seen_at: until when it is known to have
-- lasted, for a server that is killed. reason, detail: why it was lost; last_reason, last_detail: what was wrong last.
-- ending: '' while it lasts; 'back'; 'ignored', no longer tried on purpose; 'removed'; 'stopped', the server was.
create table disconnection (
    id          bigint primary key,
    camera_uid  bigint not null,
    lost_at     timestamptz not null,
    seen_at     timestamptz not null,
    back_at     timestamptz,
    reason      text not null,
    detail      text not null,
    last_reason text not null,
    last_detail text not null,
    ending      text not null default ''
);
create unique index disconnection_lasting on disconnection (camera_uid) where back_at is null;
create index disconnection_lost on disconnection (lost_at desc, id desc);
create index disconnection_camera on disconnection (camera_uid, lost_at desc, id desc);

-- The last fact that told of the alarm.
alter table alarm add column fact bigint not null default 0;
create index alarm_fact on alarm (fact);

-- The journal of everything, newest first.
create index journal_newest on journal (at desc, id desc);

-- What journals are searched by: without case and the accents of French and Russian.
create function plain_words(text) returns text language sql immutable parallel safe as
    $$ select translate(lower($1), 'àâäáãéèêëíìîïóòôöõúùûüçñÿё', 'aaaaaeeeeiiiiooooouuuucnyе') $$;
