-- What lines that take something back are worth.

-- What a till's line with ANNULE, OFFERT, PERTE or RETOUR comes to where it tells no amount: that of the articles of its
-- ticket it is about, null where none of them tells one. The lines of one article are gone through as they came, as
-- camtrace.tickets.articles does it: a stack of how many are left of each and what for, the latest on top. A
-- cancellation takes as many as it says from the top on; the others only look at it.
create function cost_of(asked_ticket bigint, asked_protocol text, asked_at timestamptz, asked_id bigint, asked_code text, asked_text text)
returns numeric language plpgsql stable parallel safe as $$
declare
    each    record;
    tops    int := 0;
    had     numeric[] := '{}';  -- of a line: how many, null where it tells none
    prices  numeric[] := '{}';  -- the amount of all of them
    gone    numeric[] := '{}';  -- how many were taken
    paid    numeric[] := '{}';  -- and for how much
    wanted  numeric;
    rest    numeric;
    part    numeric;
    cost    numeric;
begin
    for each in
        select id, type, special, quantity, amount from line
        where ticket_id = asked_ticket and protocol = asked_protocol and code = asked_code
            and (asked_code <> '' or lower(text) = lower(asked_text))
            and (type = 'A' or type = 'S' and special = 'ANNULE' or id = asked_id)
            and (received_at, id) <= (asked_at, asked_id)
        order by received_at, id
    loop
        if each.type = 'A' then
            tops := tops + 1;
            had[tops] := case when each.quantity > 0 then each.quantity end;
            prices[tops] := each.amount;
            gone[tops] := 0;
            paid[tops] := 0;
            continue;
        end if;
        if each.special <> 'ANNULE' then
            return case when tops > 0 then prices[tops] end;
        end if;
        cost := null;
        wanted := abs(nullif(each.quantity, 0));
        while tops > 0 loop
            rest := had[tops] - gone[tops];
            if wanted < rest then
                part := round(prices[tops] * wanted / had[tops], scale(prices[tops]));
                gone[tops] := gone[tops] + wanted;
                paid[tops] := paid[tops] + coalesce(part, 0);
                cost := coalesce(cost + part, part, cost);
                exit;
            end if;
            cost := coalesce(cost + prices[tops] - paid[tops], prices[tops] - paid[tops], cost);
            tops := tops - 1;
            wanted := wanted - case when rest is null or rest % 1 <> 0 and wanted % 1 = 0 then 1 else rest end;
            exit when wanted is null or wanted <= 0;
        end loop;
    end loop;
    return cost;
end
$$;
