-- SPDX-License-Identifier: Apache-2.0
-- A record that was put aside counts like every other one when a sale is restored, and can be written later.
ALTER TABLE dead_letters ADD COLUMN at_ms bigint NOT NULL DEFAULT 0;

-- How the last comparison of a sale with its ledger went: what is still different.
CREATE TABLE reconciled (
    sale text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    seq bigint NOT NULL,
    differences bigint NOT NULL
);
