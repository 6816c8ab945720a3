-- Rows that are kept for so many days only.

-- How far old rows were removed, of tickets ('lines': lines, tickets, exceptions) and of journals ('journals': entries,
-- alarms, lost cameras). reached: those of before are gone, but for what is kept of them; null while none ever was.
-- announced: how far they are to go, as the journal was told at announced_at. untold: how many went since the journal
-- was told so, by what they were. done_at: when all that had to go was gone last.
create table removal (
    what         text primary key,
    reached      timestamptz,
    announced    timestamptz,
    announced_at timestamptz,
    done_at      timestamptz,
    untold       jsonb not null default '{}'
);
insert into removal (what) values ('lines'), ('journals');

-- Exceptions that somebody works on or has found to be real: they stay, with their tickets and their lines.
create index rule_exception_kept on rule_exception (ticket_id)
    where verdict in ('checking', 'real') or verdict = '' and comment <> '';
create index rule_exception_kept_lines on rule_exception using gin (lines)
    where verdict in ('checking', 'real') or verdict = '' and comment <> '';

-- Every night a few rows of very many go: their room is to be used again soon, not only when a fifth of the table is gone.
alter table line set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 10000);
alter table ticket set (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_threshold = 10000);
