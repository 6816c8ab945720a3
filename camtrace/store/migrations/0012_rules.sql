-- Exception rules over the lines of tills, and what they found.

-- definition: the rest of model.Rule as JSON. changed_at: lines of before do not concern the rule as it is now.
create table rule (
    id         bigint generated always as identity primary key,
    name       text not null unique,
    enabled    boolean not null,
    kind       text not null check (kind in ('line', 'ticket', 'window', 'absence')),
    definition jsonb not null,
    changed_at timestamptz not null
);

-- Exceptions: one row for each time a rule was met, which a line does once. rule: its name then. lines: ids of those it
-- was met by; cameras: uids of those that watched the source. verdict: '' while nobody has judged it.
create table rule_exception (
    id          bigint primary key,
    rule_id     bigint not null,
    rule        text not null,
    at          timestamptz not null,
    source      text not null,
    seller      text not null,
    ticket      text not null,
    ticket_id   bigint not null,
    line_id     bigint not null,
    lines       bigint[] not null,
    deed        text not null,
    text        text not null,
    amount      numeric,
    figure      numeric,
    cameras     bigint[] not null,
    alarm       boolean not null,
    verdict     text not null default '' check (verdict in ('', 'checking', 'harmless', 'real')),
    comment     text not null default '',
    reviewed_by text not null default '',
    reviewed_at timestamptz,
    unique (rule_id, line_id)
);
create index rule_exception_at on rule_exception (at desc, id desc);
create index rule_exception_rule on rule_exception (rule_id, at desc, id desc);
create index rule_exception_new on rule_exception (at desc, id desc) where verdict = '';

-- When something moved, for rules that ask whether somebody stood there.
create index trigger_motion on trigger (at) where cause in ('motion', 'camera_motion');

-- Who gets mails about alarms that a rule raised.
alter table profile add column mail_rules boolean not null default false;
update profile set mail_rules = true where name = 'administrator';

-- The right to see exceptions, to judge them, and to read the reports.
update profile set rights = array_append(rights, 'exceptions') where name in ('administrator', 'operator');
