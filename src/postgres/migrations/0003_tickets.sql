-- SPDX-License-Identifier: Apache-2.0
-- Orders can be refunded, whole or in part; tickets can be handed on and are checked at the door; every seat of a plan can be asked for by name.
ALTER TABLE orders DROP CONSTRAINT orders_status_check;
ALTER TABLE orders ADD CONSTRAINT orders_status_check
    CHECK (status IN ('paying', 'paid', 'part_refunded', 'refunded', 'declined', 'expired', 'left'));
ALTER TABLE orders ADD COLUMN refunded bigint NOT NULL DEFAULT 0, ADD COLUMN channel text,
    ADD COLUMN at_ms bigint NOT NULL DEFAULT 0, -- of the checkout
    ADD CONSTRAINT orders_refunded_check CHECK (refunded >= 0 AND refunded <= amount);

-- serial rises whenever the ticket changes hands; a code with another one is void.
ALTER TABLE tickets ADD COLUMN tariff text, ADD COLUMN at_ms bigint NOT NULL DEFAULT 0, ADD COLUMN serial bigint NOT NULL DEFAULT 0,
    ADD COLUMN checked_in_at timestamptz, ADD COLUMN checked_in_by text;

CREATE TABLE void_tickets (
    sale text NOT NULL,
    seat integer NOT NULL,
    order_id text NOT NULL,
    person text NOT NULL,
    price bigint NOT NULL,
    seq bigint NOT NULL, -- of the refund
    PRIMARY KEY (sale, seq, seat)
);

-- id: the payment where money came in vain, else given by who asked for the refund.
ALTER TABLE refunds ADD COLUMN id text;
UPDATE refunds SET id = payment;
ALTER TABLE refunds DROP CONSTRAINT refunds_pkey, ADD PRIMARY KEY (id);

-- The seats of a plan by index (rule S4), in the order of the file.
CREATE TABLE seats (
    sale text NOT NULL REFERENCES sales (id),
    seat integer NOT NULL,
    guid text NOT NULL,
    zone text NOT NULL,
    row_name text NOT NULL,
    number text NOT NULL,
    category text NOT NULL,
    PRIMARY KEY (sale, seat),
    UNIQUE (sale, guid)
);
CREATE FUNCTION sale_makes_seats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seats (sale, seat, guid, zone, row_name, number, category)
    SELECT NEW.id, row_number() OVER (ORDER BY z.n, r.n, s.n) - 1, s.value->>'seat_guid', coalesce(z.value->>'name', ''),
           coalesce(r.value->>'row_number', ''), coalesce(s.value->>'seat_number', ''), coalesce(s.value->>'category', '')
    FROM jsonb_array_elements(NEW.plan->'zones') WITH ORDINALITY z(value, n), jsonb_array_elements(z.value->'rows') WITH ORDINALITY r(value, n),
         jsonb_array_elements(r.value->'seats') WITH ORDINALITY s(value, n);
    RETURN NEW;
END $$;
CREATE TRIGGER sale_seats AFTER INSERT ON sales FOR EACH ROW EXECUTE FUNCTION sale_makes_seats();
INSERT INTO seats (sale, seat, guid, zone, row_name, number, category)
SELECT sales.id, row_number() OVER (PARTITION BY sales.id ORDER BY z.n, r.n, s.n) - 1, s.value->>'seat_guid', coalesce(z.value->>'name', ''),
       coalesce(r.value->>'row_number', ''), coalesce(s.value->>'seat_number', ''), coalesce(s.value->>'category', '')
FROM sales, jsonb_array_elements(sales.plan->'zones') WITH ORDINALITY z(value, n), jsonb_array_elements(z.value->'rows') WITH ORDINALITY r(value, n),
     jsonb_array_elements(r.value->'seats') WITH ORDINALITY s(value, n);
