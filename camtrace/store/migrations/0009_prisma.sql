-- What Prisma's events have beside till lines. seller_code: the seller's number. follows: the attempt that the line
-- answers, 0 for none. flags: hidden (in the log, not on screens), late, other_seller.
alter table line
    add column seller_code text not null default '',
    add column follows     bigint not null default 0,
    add column flags       text[] not null default '{}';

-- kind: sale, return, or event (a single line outside of any sale). linked: another source's ticket that belongs to
-- this one, 0 for none.
alter table ticket
    add column kind   text not null default 'sale',
    add column linked bigint not null default 0;
create index ticket_sale on ticket (opened_at desc, id desc) where kind <> 'event';
