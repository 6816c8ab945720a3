-- Where footage lies, what was recorded, and what was not. Wall time of media is integer microseconds since the epoch.

-- Folders of footage. identity stands in a file of the folder too: a known folder without it is another disk, or none.
create table volume (
    number     serial primary key,
    folder     text not null unique,
    identity   text not null unique,
    created_at timestamptz not null
);

-- One row per file. open: it still grows, then only the file and the server's memory know how far it reaches.
-- run: segments of one run follow each other without a break. start_ticks: media time of started_us, in ticks of the
-- first track. bytes: the end of the last whole fragment. keyframes: the packed table of store/keyframes.py.
-- camera_uid refers to no row, so that footage can be indexed again before its camera is restored.
create table segment (
    id          bigint primary key,
    camera_uid  bigint not null,
    stream      text not null,
    run         bigint not null,
    volume      int not null references volume,
    path        text not null,
    started_us  bigint not null,
    ended_us    bigint not null,
    start_ticks bigint not null,
    bytes       bigint not null,
    keyframes   bytea not null,
    open        boolean not null,
    check (ended_us >= started_us)
);
create unique index segment_start on segment (camera_uid, stream, started_us);
create unique index segment_path on segment (volume, path);
create index segment_age on segment (volume, ended_us);
create index segment_open on segment (volume) where open;

-- Files that are to be unlinked: the row goes when the file is gone and its folder synced. Replayed at start.
create table garbage (
    volume int not null references volume,
    path   text not null,
    primary key (volume, path)
);

-- Time that should have been recorded and was not; ended_at is null while it lasts.
create table gap (
    camera_uid bigint not null,
    started_at timestamptz not null,
    ended_at   timestamptz,
    cause      text not null,
    primary key (camera_uid, started_at)
);
create index gap_lasting on gap (camera_uid) where ended_at is null;
