-- Users and profiles that are administered from the pages.

-- When a user was last on the pages, to within five minutes; null where that is not known.
alter table account add column seen_at timestamptz;
update account set seen_at = (select max(seen_at) from session where account_id = account.id);

-- One-time links by which one person sets a password: only the SHA-256 of the code is kept, and the newest of each user.
create table password_link (
    digest     bytea primary key,
    account_id int not null unique references account on delete cascade,
    expires_at timestamptz not null
);
