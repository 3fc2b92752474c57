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
-- The inner query takes what is wanted out of the large values first: else each row would be sorted with its whole zone.
CREATE FUNCTION plan_seats(plan jsonb) RETURNS TABLE (seat integer, guid text, zone text, row_name text, number text, category text) LANGUAGE sql IMMUTABLE AS $$
    SELECT (row_number() OVER (ORDER BY zn, rn, sn) - 1)::integer, q.guid, q.zone, q.row_name, q.number, q.category FROM (
        SELECT z.n AS zn, r.n AS rn, s.n AS sn, s.value->>'seat_guid' AS guid, coalesce(z.value->>'name', '') AS zone, coalesce(r.value->>'row_number', '') AS row_name,
               coalesce(s.value->>'seat_number', '') AS number, coalesce(s.value->>'category', '') AS category
        FROM jsonb_array_elements(plan->'zones') WITH ORDINALITY z(value, n), jsonb_array_elements(z.value->'rows') WITH ORDINALITY r(value, n),
             jsonb_array_elements(r.value->'seats') WITH ORDINALITY s(value, n) OFFSET 0) q
$$;
CREATE FUNCTION sale_makes_seats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seats SELECT NEW.id, p.* FROM plan_seats(NEW.plan) p;
    RETURN NEW;
END $$;
CREATE TRIGGER sale_seats AFTER INSERT ON sales FOR EACH ROW EXECUTE FUNCTION sale_makes_seats();
INSERT INTO seats SELECT sales.id, p.* FROM sales, plan_seats(sales.plan) p;
