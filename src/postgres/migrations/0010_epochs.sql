-- SPDX-License-Identifier: Apache-2.0
-- Every start or promotion of a Redis primary is another epoch of a sale (rule P7), numbered here: records of the ledger say in which they were decided, and the
-- position moves for a scribe of the present epoch only. Ledgers written before are epoch 0.
ALTER TABLE ledger ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

-- server: identity of the Redis primary that decides this sale; written: epoch of the record at seq. epoch has no default: a scribe of the version before,
-- which knows of none, moves no position any more.
ALTER TABLE log_position ADD COLUMN epoch bigint, ADD COLUMN written bigint NOT NULL DEFAULT 0, ADD COLUMN server text NOT NULL DEFAULT '';
UPDATE log_position SET epoch = 0;
ALTER TABLE log_position ALTER COLUMN epoch SET NOT NULL;

-- Which servers have decided a sale, and behind which record each began.
CREATE TABLE epochs (
    sale text NOT NULL,
    epoch bigint NOT NULL,
    server text NOT NULL,
    after_seq bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, epoch)
);

-- Records between these two are in no store any more, and an operator has said to go on without them (rule P8).
CREATE TABLE ledger_gaps (
    sale text NOT NULL,
    after_seq bigint NOT NULL,
    before_seq bigint NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, after_seq)
);

-- The position of a sale, and its epoch with this server: another server, or an epoch below lowest, which Redis has had and this database has not given or has
-- lost, makes the next one. Epochs are above the
-- time of the clock in ms, which was what Redis called its epoch before, and so they rise even where this database has lost its last commits. stale: this server
-- decided the sale before another one did; nothing of it counts until it is started or promoted anew, which makes another identity.
CREATE FUNCTION sale_fence(of_sale text, of_server text, lowest bigint DEFAULT 0) RETURNS TABLE (seq bigint, epoch bigint, written bigint, stale boolean) LANGUAGE plpgsql AS $$
DECLARE
    p log_position;
    is_stale boolean := false;
BEGIN
    INSERT INTO log_position (sale, seq, epoch) SELECT of_sale, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM log_position l WHERE l.sale = of_sale) ON CONFLICT DO NOTHING;
    SELECT * INTO p FROM log_position l WHERE l.sale = of_sale;
    IF p.server <> of_server OR p.epoch < lowest THEN
        SELECT * INTO p FROM log_position l WHERE l.sale = of_sale FOR UPDATE;
        is_stale := p.server <> of_server AND EXISTS (SELECT 1 FROM epochs e WHERE e.sale = of_sale AND e.server = of_server);
        IF NOT is_stale AND (p.server <> of_server OR p.epoch < lowest) THEN
            UPDATE log_position l SET server = of_server, epoch = greatest(l.epoch + 1, lowest + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
                WHERE l.sale = of_sale RETURNING * INTO p;
            INSERT INTO epochs (sale, epoch, server, after_seq) VALUES (of_sale, p.epoch, of_server, p.seq);
        END IF;
    END IF;
    RETURN QUERY SELECT p.seq, p.epoch, p.written, is_stale;
END $$;
