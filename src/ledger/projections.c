/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/projections.h"

#include <stddef.h>

#define ROWS_OF(kind) " FROM ledger l WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3 AND l.kind = '" kind "'"
/* seats is a flat list {index, price, …}; reduced, where there is one, {index -> tariff} */
#define SEATS_OF(kind) " FROM ledger l, jsonb_array_elements_text(l.body->'seats') WITH ORDINALITY s WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3" \
                       " AND l.kind = '" kind "' AND s.ordinality % 2 = 1"

const struct bo_projection bo_projections[] = {
    {"checkout", "INSERT INTO orders (id, sale, person, status, amount, currency, seq, channel, at_ms) SELECT l.body->>'order', l.sale, l.body->>'person', 'paying',"
                 " (l.body->>'amount')::bigint, l.body->>'currency', l.seq, l.body->>'channel', l.at_ms" ROWS_OF("checkout")},
    {"paid", "UPDATE orders o SET status = 'paid', payment = l.body->>'payment', seq = l.seq" ROWS_OF("paid") " AND o.id = l.body->>'order'"},
    {"stock", "INSERT INTO stock (sale, item, name, kind, body) SELECT DISTINCT ON (l.body->'index') l.sale, (l.body->>'index')::int, l.body->'item'->>'name',"
              " l.body->'item'->>'kind', l.body->'item'" ROWS_OF("stock") " ORDER BY l.body->'index', l.seq DESC ON CONFLICT (sale, item) DO UPDATE SET body = excluded.body"},
    {"grant", "INSERT INTO grants (sale, id, person, item, kind, count, number, seq) SELECT l.sale, l.body->>'grant', l.body->>'person', l.body->>'item', l.body->>'kind',"
              " (l.body->>'count')::bigint, (l.body->>'number')::bigint, l.seq" ROWS_OF("grant")},
    {"take_back", "UPDATE grants g SET back = true" ROWS_OF("take_back") " AND g.sale = l.sale AND g.id = l.body->>'grant'"},
    /* places of areas, and lots: seats from PLACES on (lua/lib/sale.lua) */
    {"paid", "INSERT INTO seats (sale, seat, guid, zone, row_name, number, category) SELECT l.sale, s.value::int, k.name || '-' || s.value::int % 1000000, k.name, '',"
             " (s.value::int % 1000000)::text, k.name FROM ledger l, jsonb_array_elements_text(l.body->'seats') WITH ORDINALITY s, stock k WHERE l.sale = $1 AND l.seq > $2 AND"
             " l.seq <= $3 AND l.kind = 'paid' AND s.ordinality % 2 = 1 AND s.value::int >= 1000000 AND k.sale = l.sale AND k.item = s.value::int / 1000000"
             " ON CONFLICT DO NOTHING"},
    {"paid", "INSERT INTO tickets (sale, seat, order_id, person, price, seq, serial, at_ms, tariff) SELECT l.sale, s.value::int, l.body->>'order', l.body->>'person',"
             " (l.body->'seats'->>s.ordinality::int)::bigint, l.seq, l.seq, l.at_ms, l.body->'reduced'->>s.value" SEATS_OF("paid")},
    {"end", "UPDATE orders o SET status = l.body->>'reason', seq = l.seq" ROWS_OF("end") " AND o.id = l.body->>'order' AND o.status = 'paying'"},
    {"transfer", "UPDATE tickets t SET person = l.body->>'to', serial = l.seq" ROWS_OF("transfer") " AND t.sale = l.sale AND t.seat = (l.body->>'seat')::int"},
    {"refund_due", "INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, seq) SELECT l.body->>'payment', l.body->>'payment', l.body->>'order',"
                   " l.sale, (l.body->>'amount')::bigint, l.body->>'currency', l.body->>'reason', l.seq" ROWS_OF("refund_due") " ON CONFLICT (id) DO NOTHING"},
    {"refund", "INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, seq, status) SELECT l.body->>'refund', l.body->>'payment', l.body->>'order',"
               " l.sale, (l.body->>'amount')::bigint, l.body->>'currency', l.body->>'why', l.seq, CASE WHEN l.body->>'amount' = '0' THEN 'done' ELSE 'due' END"
               ROWS_OF("refund") " ON CONFLICT (id) DO NOTHING"},
    {"refund", "UPDATE orders o SET refunded = o.refunded + l.amount, status = CASE WHEN o.status = 'refunded' OR l.whole THEN 'refunded' ELSE 'part_refunded' END,"
               " seq = l.seq FROM (SELECT l.body->>'order' AS id, sum((l.body->>'amount')::bigint) AS amount, bool_or(l.body->>'status' = 'refunded') AS whole,"
               " max(l.seq) AS seq" ROWS_OF("refund") " GROUP BY 1) l WHERE o.id = l.id"},
    {"refund", "WITH void AS (SELECT l.sale, s.value::int AS seat, l.body->>'order' AS order_id, l.seq" SEATS_OF("refund") "), gone AS (DELETE FROM tickets t USING void v"
               " WHERE t.sale = v.sale AND t.seat = v.seat AND t.order_id = v.order_id RETURNING t.sale, t.seat, t.order_id, t.person, t.price, v.seq)"
               " INSERT INTO void_tickets (sale, seat, order_id, person, price, seq) SELECT * FROM gone"},
    {NULL, NULL}};

const char bo_hooks_projection[] =
    "INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data) SELECT h.id, e.event, l.sale, l.seq, l.at_ms, e.data FROM ledger l, hook_event(l) e, hooks h"
    " WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3 AND l.kind IN ('admit', 'seats', 'paid', 'refund', 'refund_due', 'status') AND h.active AND e.event = ANY(h.events) AND (h.sale IS NULL OR"
    " h.sale = l.sale)";
