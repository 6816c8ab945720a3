-- Motion that the server itself detects in a camera's pictures. '{}' is off, with every setting at its default.
-- zones: a list of {name, polygon, exclude}, a polygon being a list of [x, y] from 0 to 1.
alter table camera add column motion jsonb not null default '{}';
