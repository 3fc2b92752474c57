-- SPDX-License-Identifier: Apache-2.0
-- Webhooks out: who wants to hear what, what is to be delivered, and how each attempt went. The scribe adds deliveries in the transaction that
-- writes the ledger, so none is lost and none is made twice.
CREATE TABLE hooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    events text[] NOT NULL,
    sale text, -- NULL: every sale
    active boolean NOT NULL DEFAULT true,
    failures integer NOT NULL DEFAULT 0, -- in a row
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE hook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hook bigint NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    event text NOT NULL,
    sale text NOT NULL, -- '' for health
    seq bigint NOT NULL,
    at_ms bigint NOT NULL,
    data jsonb NOT NULL,
    status text NOT NULL DEFAULT 'due' CHECK (status IN ('due', 'done', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (hook, sale, seq)
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (next_at) WHERE status = 'due';
CREATE TABLE hook_attempts (
    delivery bigint NOT NULL REFERENCES hook_deliveries (id) ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    status integer NOT NULL, -- of the answer; 0: there was none
    took_ms bigint NOT NULL,
    problem text NOT NULL
);
CREATE INDEX hook_attempts_delivery ON hook_attempts (delivery, at);

-- The last health that was told; one row.
CREATE TABLE health (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    state text NOT NULL DEFAULT 'healthy',
    why text NOT NULL DEFAULT '',
    changes bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO health DEFAULT VALUES;

-- {index, price, …} as [{"seat", "price"}, …].
CREATE FUNCTION hook_seats(of_sale text, list jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('seat', coalesce(s.guid, x.value), 'price', (list->>x.n::int)::bigint) ORDER BY x.n), '[]')
    FROM jsonb_array_elements_text(list) WITH ORDINALITY x(value, n) LEFT JOIN seats s ON s.sale = of_sale AND s.seat = x.value::int WHERE x.n % 2 = 1
$$;

-- What a hook is told of a row of the ledger; no row: nothing.
CREATE FUNCTION hook_event(l ledger) RETURNS TABLE (event text, data jsonb) LANGUAGE sql STABLE AS $$
    SELECT 'admitted', jsonb_build_object('people', (SELECT jsonb_agg(x.value ORDER BY x.n) FROM jsonb_array_elements_text(l.body->'people') WITH ORDINALITY x(value, n)
                                                     WHERE x.n % 2 = 1)) WHERE l.kind = 'admit'
    UNION ALL
    SELECT 'held', jsonb_build_object('holds', h.holds) FROM (SELECT jsonb_agg(jsonb_build_object('person', a->>1, 'seats', hook_seats(l.sale, a->2))) AS holds
           FROM jsonb_array_elements(l.body->'acts') a WHERE a->>0 = 'hold') h WHERE l.kind = 'seats' AND h.holds IS NOT NULL
    UNION ALL
    SELECT 'bought', jsonb_build_object('order', l.body->'order', 'person', l.body->'person', 'payment', l.body->'payment', 'amount', l.body->'amount',
                                        'seats', hook_seats(l.sale, l.body->'seats')) WHERE l.kind = 'paid'
    UNION ALL
    SELECT 'refunded', jsonb_build_object('order', l.body->'order', 'person', l.body->'person', 'payment', l.body->'payment', 'amount', l.body->'amount',
                                          'why', coalesce(l.body->'why', l.body->'reason'), 'seats', hook_seats(l.sale, coalesce(l.body->'seats', '[]')))
    WHERE l.kind IN ('refund', 'refund_due')
    UNION ALL
    SELECT 'sold_out', '{}'::jsonb WHERE l.kind = 'status' AND l.body->>'status' = 'sold_out'
$$;
