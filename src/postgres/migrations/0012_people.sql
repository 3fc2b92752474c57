-- SPDX-License-Identifier: Apache-2.0
-- Who opens a ticket link hears what became of each ticket; after a show that was called off, everybody does at once.
CREATE INDEX void_tickets_person ON void_tickets (sale, person);
CREATE INDEX void_tickets_order ON void_tickets (sale, order_id);
