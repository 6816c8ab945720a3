-- What an administrator edits, who may do it, and the journals.

-- Profiles: named sets of rights (model.RIGHTS). cameras: uids it may see; null means all, later ones included.
create table profile (
    id         serial primary key,
    name       text not null unique,
    rights     text[] not null,
    cameras    bigint[]
);

insert into profile (name, rights) values
    ('administrator', '{live,replay,export,lines,journal,cameras,users,settings}'),
    ('operator',      '{live,replay,export,lines,journal}'),
    ('viewer',        '{live,replay}');

-- Users. password_hash is Argon2id; player_ha1 the sealed Digest secrets of the player password.
create table account (
    id            serial primary key,
    name          text not null,
    profile_id    int not null references profile,
    password_hash text not null,
    player_ha1    bytea not null default '',
    locked        boolean not null default false,
    language      text not null default '',
    created_at    timestamptz not null
);
create unique index account_name on account (lower(name));

-- Web sessions: only the SHA-256 of the cookie is kept.
create table session (
    digest     bytea primary key,
    account_id int not null references account on delete cascade,
    peer       text not null,
    created_at timestamptz not null,
    seen_at    timestamptz not null
);

-- Bearer tokens of programs: only the SHA-256 is kept.
create table token (
    digest     bytea primary key,
    account_id int not null references account on delete cascade,
    created_at timestamptz not null
);

-- One-time links that make the first user, or a new administrator when the last one is lost.
create table setup_link (
    digest     bytea primary key,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

-- Settings an administrator edits while running, by name; the value is JSON.
create table setting (
    name  text primary key,
    value jsonb not null
);

-- Cameras. uid is never reused; id is the public number, unique among existing cameras. settings holds what has no
-- column of its own. password is sealed by the vault.
create table camera (
    uid          bigserial primary key,
    id           int not null check (id > 0),
    name         text not null,
    model        text not null default '',
    address      text not null default '',
    http_port    int not null default 80,
    channel      int not null default 1,
    url          text not null default '',
    sub_url      text not null default '',
    transport    text not null default 'tcp',
    codec        text not null default '',
    login        text not null default '',
    password     bytea not null default '',
    volume       text not null default '',
    overlay_ids  text[] not null default '{}',
    regular      jsonb not null default '{}',
    alarm        jsonb not null default '{}',
    stop_streams_automatically boolean not null default false,
    created_at   timestamptz not null,
    deleted_at   timestamptz
);
create unique index camera_number on camera (id) where deleted_at is null;

-- Every change of a camera's status, for the journal of disconnections and the state at start.
create table camera_state (
    id         bigint primary key,
    camera_uid bigint not null references camera,
    since      timestamptz not null,
    status     text not null,
    reason     text not null,
    detail     text not null default ''
);
create index camera_state_camera on camera_state (camera_uid, since desc);

-- The journals: what the server did or suffered. text is a message id of the catalogue, args fill its braces.
create table journal (
    id         bigint primary key,
    at         timestamptz not null,
    kind       text not null,
    text       text not null,
    args       jsonb not null default '{}',
    camera_uid bigint,
    account    text not null default ''
);
create index journal_at on journal (kind, at desc, id desc);
