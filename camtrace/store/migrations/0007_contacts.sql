-- Contact boxes, and what cameras tell of themselves.

-- Devices with digital inputs that are asked for them by Modbus/TCP. contacts: their inputs from number first on, a
-- list of {name, normally, cameras, enabled}, cameras being uids.
create table contact_box (
    id          int generated always as identity primary key,
    name        text not null unique,
    host        text not null,
    port        int not null,
    unit        int not null,
    reads       text not null check (reads in ('inputs', 'coils')),
    first       int not null,
    interval_ms int not null,
    enabled     boolean not null,
    contacts    jsonb not null
);

-- What a camera is asked to tell by ONVIF. '{}' is off, with every setting at its default. inputs: a list as above,
-- each with the token by which the camera calls it.
alter table camera add column events jsonb not null default '{}';
