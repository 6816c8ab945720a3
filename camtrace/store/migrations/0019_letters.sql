-- encoding: what the letters of a till or of an address are in, '' for what its dialect and its listener say.
alter table source add column encoding text not null default '';
