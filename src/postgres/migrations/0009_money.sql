-- SPDX-License-Identifier: Apache-2.0
-- Whatever belongs to an order belongs to its sale: an order is known by sale and id, a refund by sale, order and id (rule O5). So it is in Redis, too.
ALTER TABLE tickets DROP CONSTRAINT tickets_order_id_fkey;
ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (sale, id);
CREATE INDEX orders_id ON orders (id);
-- Tickets whose order is another sale's get one of their own; `boxoffice reconcile --repair` then makes it what the ledger says.
INSERT INTO orders (sale, id, person, status, amount, currency, seq, at_ms)
    SELECT t.sale, t.order_id, min(t.person), 'paid', sum(t.price), coalesce(max(s.settings->>'currency'), 'EUR'), max(t.seq), max(t.at_ms)
    FROM tickets t LEFT JOIN sales s ON s.id = t.sale
    WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.sale = t.sale AND o.id = t.order_id) GROUP BY 1, 2;
ALTER TABLE tickets ADD CONSTRAINT tickets_order_fkey FOREIGN KEY (sale, order_id) REFERENCES orders (sale, id);
DROP INDEX tickets_order;
CREATE INDEX tickets_order ON tickets (sale, order_id);

-- Of the record that let a ticket in. Where a ticket was let in and there is none, no record says so: it was before there were such records.
ALTER TABLE tickets ADD COLUMN checked_in_seq bigint;

-- key: what the payment service knows a refund by. vain: money that came without buying anything; else it is of what was paid for the order.
-- refused: the payment service has said no for good, and problem what it said.
ALTER TABLE refunds DROP CONSTRAINT refunds_pkey, ADD PRIMARY KEY (sale, order_id, id);
ALTER TABLE refunds ADD COLUMN key text, ADD COLUMN vain boolean NOT NULL DEFAULT false, ADD COLUMN problem text NOT NULL DEFAULT '';
UPDATE refunds r SET key = r.id, vain = EXISTS (SELECT 1 FROM ledger l WHERE l.sale = r.sale AND l.seq = r.seq AND l.kind = 'refund_due');
ALTER TABLE refunds ALTER COLUMN key SET NOT NULL;
ALTER TABLE refunds DROP CONSTRAINT refunds_status_check, ADD CONSTRAINT refunds_status_check CHECK (status IN ('due', 'done', 'refused'));

-- Lua writes an empty list as {}, and so it is in old records.
CREATE FUNCTION json_list(list jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(list) = 'array' THEN list ELSE '[]' END
$$;

CREATE OR REPLACE FUNCTION hook_seats(of_sale text, list jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('seat', coalesce(s.guid, x.value), 'price', (list->>x.n::int)::bigint) ORDER BY x.n), '[]')
    FROM jsonb_array_elements_text(json_list(list)) WITH ORDINALITY x(value, n) LEFT JOIN seats s ON s.sale = of_sale AND s.seat = x.value::int WHERE x.n % 2 = 1
$$;

CREATE OR REPLACE FUNCTION hook_event(l ledger) RETURNS TABLE (event text, data jsonb) LANGUAGE sql STABLE AS $$
    SELECT 'admitted', jsonb_build_object('people', (SELECT jsonb_agg(x.value ORDER BY x.n) FROM jsonb_array_elements_text(json_list(l.body->'people'))
                                                     WITH ORDINALITY x(value, n) WHERE x.n % 2 = 1)) WHERE l.kind = 'admit'
    UNION ALL
    SELECT 'held', jsonb_build_object('holds', h.holds) FROM (SELECT jsonb_agg(jsonb_build_object('person', a->>1, 'seats', hook_seats(l.sale, a->2))) AS holds
           FROM jsonb_array_elements(json_list(l.body->'acts')) a WHERE a->>0 = 'hold') h WHERE l.kind = 'seats' AND h.holds IS NOT NULL
    UNION ALL
    SELECT 'bought', jsonb_build_object('order', l.body->'order', 'person', l.body->'person', 'payment', l.body->'payment', 'amount', l.body->'amount',
                                        'seats', hook_seats(l.sale, l.body->'seats')) WHERE l.kind = 'paid'
    UNION ALL
    SELECT 'refunded', jsonb_build_object('order', l.body->'order', 'person', l.body->'person', 'payment', l.body->'payment', 'amount', l.body->'amount',
                                          'why', coalesce(l.body->'why', l.body->'reason'), 'seats', hook_seats(l.sale, l.body->'seats'))
    WHERE l.kind IN ('refund', 'refund_due')
    UNION ALL
    SELECT 'sold_out', '{}'::jsonb WHERE l.kind = 'status' AND l.body->>'status' = 'sold_out'
$$;
