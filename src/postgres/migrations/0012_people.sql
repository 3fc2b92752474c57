-- SPDX-License-Identifier: Apache-2.0
-- A ticket link shows void tickets as well. When a show is cancelled, all its links are opened within a short time.
CREATE INDEX void_tickets_person ON void_tickets (sale, person);
CREATE INDEX void_tickets_order ON void_tickets (sale, order_id);

-- How the site calls the people whose subject is not an id; their person is its SHA-256 (src/edge/subjects.h).
CREATE TABLE subjects (
    person text PRIMARY KEY,
    subject text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
