-- Whether people who look at live pages are told of what a rule found.
alter table rule_exception add column popup boolean not null default false;
