-- Sales as operators made them. version rises with every change; Redis takes over what is newer.
CREATE TABLE sales (
    id text PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'open', 'paused', 'closed')),
    settings jsonb NOT NULL,
    plan jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    sale text,
    detail jsonb NOT NULL
);

-- Every decision of every sale, in order: insert-only.
CREATE TABLE ledger (
    sale text NOT NULL,
    seq bigint NOT NULL,
    at_ms bigint NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (sale, seq)
);

CREATE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is insert-only';
END $$;
CREATE TRIGGER ledger_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger EXECUTE FUNCTION ledger_is_insert_only();

-- How far each sale's log is in the ledger; changed in the transaction that writes the rows.
CREATE TABLE log_position (
    sale text PRIMARY KEY,
    seq bigint NOT NULL
);

CREATE TABLE dead_letters (
    sale text NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, seq)
);

CREATE TABLE orders (
    id text PRIMARY KEY,
    sale text NOT NULL,
    person text NOT NULL,
    status text NOT NULL CHECK (status IN ('paying', 'paid', 'declined', 'expired', 'left')),
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    payment text,
    seq bigint NOT NULL
);
CREATE INDEX orders_person ON orders (sale, person);

CREATE TABLE tickets (
    sale text NOT NULL,
    seat integer NOT NULL,
    order_id text NOT NULL REFERENCES orders (id),
    person text NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    seq bigint NOT NULL,
    PRIMARY KEY (sale, seat)
);
CREATE INDEX tickets_order ON tickets (order_id);
CREATE INDEX tickets_person ON tickets (sale, person);

CREATE TABLE refunds (
    payment text PRIMARY KEY,
    order_id text NOT NULL,
    sale text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    status text NOT NULL DEFAULT 'due' CHECK (status IN ('due', 'done')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    seq bigint NOT NULL
);
CREATE INDEX refunds_due ON refunds (next_at) WHERE status = 'due';
