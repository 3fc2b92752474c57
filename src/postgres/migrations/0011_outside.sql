-- SPDX-License-Identifier: Apache-2.0
-- Webhooks out: a delivery is given up by age and when it is refused, and the pile of a subscriber that does not answer is in nobody's way.
ALTER TABLE hook_deliveries
    ADD COLUMN refusals integer NOT NULL DEFAULT 0,              -- how often the subscriber said no
    ADD COLUMN due_since timestamptz NOT NULL DEFAULT now();     -- when it became due, or was asked for again
DROP INDEX hook_deliveries_due;
CREATE INDEX hook_deliveries_due ON hook_deliveries (hook, next_at, id) WHERE status = 'due';
CREATE INDEX hook_deliveries_old ON hook_deliveries (due_since) WHERE status = 'due';

-- Leases up to so many deliveries for 30 s, the ones due longest first. Each hook's are found by the index on their own: one that has failed
-- is asked with a single delivery, one that is left alone is not looked at.
CREATE FUNCTION hook_lease(most integer) RETURNS TABLE (id bigint, url text, secret text, event text, body text) LANGUAGE sql AS $$
    UPDATE hook_deliveries d SET next_at = now() + interval '30 s', attempts = d.attempts + 1
    FROM hooks h
    WHERE h.id = d.hook AND d.id = ANY (ARRAY( -- an array, so that the plan is a look-up for each, whatever the planner thinks of most
        SELECT o.id
        FROM hooks p CROSS JOIN LATERAL (SELECT x.id, x.next_at FROM hook_deliveries x WHERE x.hook = p.id AND x.status = 'due' AND x.next_at <= now()
                                         ORDER BY x.next_at, x.id LIMIT CASE WHEN p.failures > 0 THEN 1 ELSE most END FOR UPDATE SKIP LOCKED) o
        WHERE p.active AND p.paused_until <= now() ORDER BY o.next_at, o.id LIMIT most))
    RETURNING d.id, h.url, h.secret, d.event,
              jsonb_build_object('delivery', d.id, 'event', d.event, 'sale', d.sale, 'seq', d.seq, 'at_ms', d.at_ms, 'data', d.data)::text
$$;

-- What somebody has to look at.
CREATE INDEX refunds_refused ON refunds (sale) WHERE status = 'refused';

-- What has been due for longer than that is given up, some at a time. How many were.
CREATE FUNCTION hook_give_up(after interval, most integer) RETURNS bigint LANGUAGE sql AS $$
    WITH old AS (SELECT id FROM hook_deliveries WHERE status = 'due' AND due_since < now() - after ORDER BY due_since LIMIT most FOR UPDATE SKIP LOCKED),
         gone AS (UPDATE hook_deliveries d SET status = 'given_up' FROM old WHERE d.id = old.id RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Payments that were begun, so that one whose order ended unpaid, or was paid by another, is cancelled and cannot be paid any more.
-- open: its order is being paid. due: to be cancelled. done: paid, or cancelled, or not to be cancelled.
CREATE TABLE payment_attempts (
    sale text NOT NULL,
    order_id text NOT NULL,
    payment text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'due', 'done')),
    made_at timestamptz NOT NULL DEFAULT now(),
    next_at timestamptz NOT NULL DEFAULT now() + interval '10 min', -- to be looked at (open) or cancelled (due)
    attempts integer NOT NULL DEFAULT 0,
    problem text NOT NULL DEFAULT '',
    PRIMARY KEY (sale, order_id, payment)
);
CREATE INDEX payment_attempts_next ON payment_attempts (status, next_at) WHERE status <> 'done';
CREATE INDEX payment_attempts_old ON payment_attempts (made_at) WHERE status = 'done';

-- What an order's state and payment say about one of its payments.
CREATE FUNCTION payment_attempt_status(order_status text, order_payment text, payment text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN order_status = 'paying' THEN 'open' WHEN order_payment = payment THEN 'done' ELSE 'due' END
$$;
CREATE FUNCTION orders_end_payments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payment_attempts a SET status = payment_attempt_status(o.status, o.payment, a.payment), next_at = now()
    FROM changed o WHERE a.sale = o.sale AND a.order_id = o.id AND a.status = 'open' AND o.status <> 'paying';
    RETURN NULL;
END $$;
CREATE TRIGGER orders_payments AFTER UPDATE ON orders REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION orders_end_payments();

-- Begun; the order may have ended already.
CREATE FUNCTION payment_begun(of_sale text, of_order text, of_payment text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO payment_attempts (sale, order_id, payment, status)
    SELECT of_sale, of_order, of_payment, coalesce((SELECT payment_attempt_status(o.status, o.payment, of_payment) FROM orders o WHERE o.sale = of_sale AND o.id = of_order), 'open')
    ON CONFLICT DO NOTHING
$$;
-- Those that have been open for long: their order ended in the moment in which they were noted, or was lost with its record. How many are to be cancelled.
CREATE FUNCTION payments_look(most integer) RETURNS bigint LANGUAGE sql AS $$
    WITH old AS (SELECT sale, order_id, payment FROM payment_attempts WHERE status = 'open' AND next_at <= now() ORDER BY next_at LIMIT most FOR UPDATE SKIP LOCKED),
         seen AS (UPDATE payment_attempts a SET next_at = now() + interval '10 min',
                         status = coalesce(payment_attempt_status(o.status, o.payment, a.payment), CASE WHEN a.made_at < now() - interval '1 day' THEN 'due' ELSE 'open' END)
                  FROM old LEFT JOIN orders o ON o.sale = old.sale AND o.id = old.order_id
                  WHERE a.sale = old.sale AND a.order_id = old.order_id AND a.payment = old.payment RETURNING a.status)
    SELECT count(*) FROM seen WHERE status = 'due'
$$;
