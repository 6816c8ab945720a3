-- Rules about the numbers of tickets, and deeds that are told apart: of payments those in cash, of refusals those of cards,
-- and some that had no name of their own.

alter table rule drop constraint rule_kind_check;
alter table rule add constraint rule_kind_check check (kind in ('line', 'ticket', 'window', 'absence', 'number'));

-- A rule that meant all payments, all refusals or all else goes on to mean them.
create function with_parts(deeds jsonb) returns jsonb language sql immutable as $$
    select deeds || case when deeds ? 'payment' then '["cash"]'::jsonb else '[]' end
                 || case when deeds ? 'denied' then '["card_denied"]'::jsonb else '[]' end
                 || case when deeds ? 'other' then '["begin", "subtotal", "change", "discount_card", "money", "sign_on",
                                                    "long_shift", "aside"]'::jsonb else '[]' end
$$;
update rule set definition = jsonb_set(definition, '{lines,deeds}', with_parts(definition #> '{lines,deeds}'))
where definition #> '{lines,deeds}' ?| array['payment', 'denied', 'other'];
update rule set definition = jsonb_set(definition, '{ticket,has}', with_parts(definition #> '{ticket,has}'))
where definition #> '{ticket,has}' ?| array['payment', 'denied', 'other'];
update rule set definition = jsonb_set(definition, '{ticket,lacks}', with_parts(definition #> '{ticket,lacks}'))
where definition #> '{ticket,lacks}' ?| array['payment', 'denied', 'other'];
update rule set definition = jsonb_set(definition, '{window,among}', with_parts(definition #> '{window,among}'))
where definition #> '{window,among}' ?| array['payment', 'denied', 'other'];
update rule set definition = jsonb_set(definition, '{absence,deeds}', with_parts(definition #> '{absence,deeds}'))
where definition #> '{absence,deeds}' ?| array['payment', 'denied', 'other'];
drop function with_parts(jsonb);
