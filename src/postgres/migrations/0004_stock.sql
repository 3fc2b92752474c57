-- SPDX-License-Identifier: Apache-2.0
-- Counted stock and lots as they were set last, and what was granted of them. A place of an area, and a lot, has a row in seats once it is sold.
CREATE TABLE stock (
    sale text NOT NULL,
    item integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (sale, item)
);
CREATE TABLE grants (
    sale text NOT NULL,
    id text NOT NULL,
    person text NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    number bigint NOT NULL, -- of the first, in order of arrival
    back boolean NOT NULL DEFAULT false,
    seq bigint NOT NULL,
    PRIMARY KEY (sale, id)
);
CREATE INDEX grants_person ON grants (sale, person);
