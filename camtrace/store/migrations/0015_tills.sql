-- The life of tills, and who may see what is left of card numbers.

-- The right to see the last four digits of cards: for who may change settings.
update profile set rights = array_append(rights, 'cards') where 'settings' = any(rights) and not 'cards' = any(rights);

-- hours: the calendar by which a till is open, '' for none. silent_minutes: silence after which that is told, 0 for
-- what is set for all. heartbeats: it sends signs of life. silent_since: it is silent, and that was told.
alter table source
    add column hours          text not null default '',
    add column silent_minutes int not null default 0,
    add column heartbeats     boolean not null default false,
    add column silent_since   timestamptz;
