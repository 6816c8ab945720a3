-- Searching for who may not see cards.

-- What can be searched of a line, with no digit of a card's number: of masked ones (nine stars or more, with
-- what stood between the digits) the last four digits become stars. The same as camtrace.cards.hidden, which says what is shown.
create function without_cards(words text) returns text language sql immutable parallel safe as $$
    select case when position('*' in words) = 0 then words
        else regexp_replace(words, '((?:\*[^0-9A-Za-z*\r\n]{0,3}){9,15})(?:[0-9][^0-9A-Za-z*\r\n]{0,3}){0,3}[0-9](?![0-9])', '\1****', 'g') end
$$;

-- Whether they hold then what fits a pattern of LIKE. Most do not as they are, and need not be looked at any closer: what
-- has no star in it stands nowhere but where it stood before.
create function holds_without_cards(words text, pattern text) returns boolean language sql immutable parallel safe as $$
    select case when position('*' in pattern) = 0 and words not like pattern then false
        else without_cards(words) like pattern end
$$;
