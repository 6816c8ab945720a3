-- Sellers are searched by their number as by their name.
create index line_seller_code on line (seller_code, received_at desc) where seller_code <> '';
