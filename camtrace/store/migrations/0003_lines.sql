-- The external log: what tills and other sources said, line by line, and the tickets these lines make.

-- Tickets. closed_at is null while it is open; last_at is the instant of its latest line. line_count guards against an
-- older state of the ticket being written over a newer one, when a spooled batch comes late.
create table ticket (
    id         bigint primary key,
    protocol   text not null,
    source     text not null,
    number     text not null,
    opened_at  timestamptz not null,
    closed_at  timestamptz,
    last_at    timestamptz not null,
    seller     text not null,
    total      numeric,
    line_count int not null
) with (fillfactor = 70);
create index ticket_opened on ticket (opened_at desc, id desc);
create index ticket_source on ticket (source, opened_at desc);
create index ticket_number on ticket (number, opened_at desc) where number <> '';
create index ticket_open on ticket (protocol, source) where closed_at is null;

-- What can be searched in lines, each different text once: article, tender and seller, one to a row of its own,
-- without case and accents. A shop says the same few thousand texts over and over, so this table stays small, and any
-- part of a text is found without an index on the lines' texts. key: 64 bits of the BLAKE2 digest of words.
create table line_words (
    key   bigint primary key,
    words text not null
);

-- Lines. raw is what arrived, card numbers masked; cameras are the uids of those that watched the source then.
create table line (
    id          bigint primary key,
    received_at timestamptz not null,
    sent_at     timestamptz,
    protocol    text not null,
    source      text not null,
    peer        text not null,
    ticket      text not null,
    ticket_id   bigint not null,
    seller      text not null,
    customer    text not null,
    type        text not null,
    special     text not null,
    position    int,
    code        text not null,
    barcode     text not null,
    text        text not null,
    quantity    numeric,
    price       numeric,
    amount      numeric,
    total       numeric,
    tender      text not null,
    discount    numeric,
    card        text not null,
    raw         bytea not null,
    cameras     bigint[] not null,
    words       bigint not null
);
create index line_received on line (received_at desc, id desc);
create index line_source on line (source, received_at desc, id desc);
create index line_ticket on line (ticket_id);
create index line_text on line (words, received_at desc);
create index line_number on line (ticket, received_at desc) where ticket <> '';
create index line_code on line (code, received_at desc) where code <> '';
create index line_barcode on line (barcode, received_at desc) where barcode <> '';
create index line_seller on line (seller, received_at desc) where seller <> '';
create index line_special on line (special, received_at desc) where special <> '';
create index line_type on line (type, received_at desc) where type <> 'A';
create index line_amount on line (amount, received_at desc) where amount is not null;

-- Facts that the database refused for what they hold, as the JSON of the spool: kept, and not tried again.
create table quarantine (
    id     bigint primary key,
    at     timestamptz not null,
    kind   text not null,
    reason text not null,
    raw    bytea not null
);
