-- Searching the external log: every kind of question in one step of an index, and searches that people keep.

-- Which cameras watched each source, '{}' where none did: a question about cameras is one about few sources.
create table line_watch (
    source  text not null,
    cameras bigint[] not null,
    primary key (source, cameras)
);
insert into line_watch (source, cameras) select distinct source, cameras from line;

-- The latest lines of a text, also on one till, of one seller or of an amount, without a look at the lines themselves.
drop index line_text;
create index line_text on line (words, received_at desc, id desc) include (source, amount, seller);
create index line_tender on line (tender, received_at desc) where tender <> '';
create index line_customer on line (customer, received_at desc) where customer <> '';
create index line_quantity on line (quantity, received_at desc) where quantity <> 1;

-- What a till marks a line with (ANNULE, RETOUR) is searched like its text from now on; its seller is no part of the text
-- any more, or each article would be a text of its own for each seller. Lines of before keep their texts, with the seller,
-- but those that are marked get another: its key only has to be a number of its own.
insert into line_words (key, words)
    select distinct hashtextextended(old.words || E'\n' || lower(line.special), 0),
           old.words || E'\n' || lower(line.special)
    from line join line_words as old on old.key = line.words where line.special <> ''
    on conflict (key) do nothing;
update line set words = hashtextextended(old.words || E'\n' || lower(line.special), 0)
    from line_words as old where old.key = line.words and line.special <> '';

-- Searches that people keep.
create table saved_search (
    id         bigint generated always as identity primary key,
    account_id int not null references account on delete cascade,
    name       text not null,
    query      text not null,
    unique (account_id, name)
);
