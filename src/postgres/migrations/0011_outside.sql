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
