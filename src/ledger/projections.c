/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/projections.h"

#include <stddef.h>

#define PLACES "1000000" /* seats from here on are places of areas, and lots (lua/lib/sale.lua) */

const char bo_places_projection[] =
    "INSERT INTO seats (sale, seat, guid, zone, row_name, number, category) SELECT l.sale, s.value::int, k.name || '-' || s.value::int % " PLACES ", k.name, '',"
    " (s.value::int % " PLACES ")::text, k.name FROM ledger l, jsonb_array_elements_text(json_list(l.body->'seats')) WITH ORDINALITY s, stock k WHERE l.sale = $1"
    " AND l.seq > $2 AND l.seq <= $3 AND l.kind = 'paid' AND s.ordinality % 2 = 1 AND s.value::int >= " PLACES " AND k.sale = l.sale AND k.item = s.value::int / " PLACES
    " ON CONFLICT DO NOTHING";

#define ROWS_OF(kind) " FROM ledger l WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3 AND l.kind = '" kind "'"
/* Of the rows of these kinds the last about each ticket: several changes of one may be in a batch. New records name the order. */
#define LAST_OF(columns, kinds)                                                                                                \
    "(SELECT DISTINCT ON (l.body->'order', l.body->'seat') l.sale, l.seq, l.kind, (l.body->>'seat')::int AS seat,"              \
    " l.body->>'order' AS order_id, " columns " FROM ledger l WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3"                  \
    " AND l.kind IN (" kinds ") ORDER BY l.body->'order', l.body->'seat', l.seq DESC) l"
#define OF_TICKET " t.sale = l.sale AND t.seat = l.seat AND (l.order_id IS NULL OR t.order_id = l.order_id)"
/* seats is a flat list {index, price, …}; reduced, where there is one, {index -> tariff} */
#define SEATS_OF(kind)                                                                                                         \
    " FROM ledger l, jsonb_array_elements_text(json_list(l.body->'seats')) WITH ORDINALITY s WHERE l.sale = $1 AND l.seq > $2"   \
    " AND l.seq <= $3 AND l.kind = '" kind "' AND s.ordinality % 2 = 1"

static const char check_in[] =
    "UPDATE tickets t SET checked_in_at = CASE WHEN l.kind = 'check_in' THEN to_timestamp(l.at / 1000.0) END,"
    " checked_in_by = CASE WHEN l.kind = 'check_in' THEN l.by END, checked_in_seq = CASE WHEN l.kind = 'check_in' THEN l.seq END FROM "
    LAST_OF("(l.body->>'at')::bigint AS at, l.body->>'by' AS by", "'check_in', 'check_out'") " WHERE" OF_TICKET;

const struct bo_projection bo_projections[] = {
    {"checkout", "INSERT INTO orders (id, sale, person, status, amount, currency, seq, channel, at_ms) SELECT l.body->>'order', l.sale, l.body->>'person', 'paying',"
                 " (l.body->>'amount')::bigint, l.body->>'currency', l.seq, l.body->>'channel', l.at_ms" ROWS_OF("checkout")},
    {"paid", "UPDATE orders o SET status = 'paid', payment = nullif(l.body->>'payment', ''), seq = l.seq" ROWS_OF("paid")
             " AND o.sale = l.sale AND o.id = l.body->>'order'"},
    {"stock", "INSERT INTO stock (sale, item, name, kind, body) SELECT DISTINCT ON (l.body->'index') l.sale, (l.body->>'index')::int, l.body->'item'->>'name',"
              " l.body->'item'->>'kind', l.body->'item'" ROWS_OF("stock") " ORDER BY l.body->'index', l.seq DESC ON CONFLICT (sale, item) DO UPDATE SET body = excluded.body"},
    {"grant", "INSERT INTO grants (sale, id, person, item, kind, count, number, seq) SELECT l.sale, l.body->>'grant', l.body->>'person', l.body->>'item', l.body->>'kind',"
              " (l.body->>'count')::bigint, (l.body->>'number')::bigint, l.seq" ROWS_OF("grant")},
    {"take_back", "UPDATE grants g SET back = true" ROWS_OF("take_back") " AND g.sale = l.sale AND g.id = l.body->>'grant'"},
    {"paid", bo_places_projection},
    {"paid", "INSERT INTO tickets (sale, seat, order_id, person, price, seq, serial, at_ms, tariff) SELECT l.sale, s.value::int, l.body->>'order', l.body->>'person',"
             " (l.body->'seats'->>s.ordinality::int)::bigint, l.seq, l.seq, l.at_ms, l.body->'reduced'->>s.value" SEATS_OF("paid")},
    {"end", "UPDATE orders o SET status = l.body->>'reason', seq = l.seq" ROWS_OF("end") " AND o.sale = l.sale AND o.id = l.body->>'order' AND o.status = 'paying'"},
    {"transfer", "UPDATE tickets t SET person = l.to_person, serial = l.seq FROM " LAST_OF("l.body->>'to' AS to_person", "'transfer'") " WHERE" OF_TICKET},
    {"check_in", check_in},
    {"check_out", check_in},
    {"refund_due", "INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, seq, key, vain) SELECT coalesce(l.body->>'refund', l.body->>'payment'),"
                   " l.body->>'payment', l.body->>'order', l.sale, (l.body->>'amount')::bigint, l.body->>'currency', l.body->>'reason', l.seq,"
                   " l.sale || '/' || (l.body->>'order') || '/' || coalesce(l.body->>'refund', l.body->>'payment'), true" ROWS_OF("refund_due")},
    {"refund", "INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, seq, status, key) SELECT l.body->>'refund', coalesce(l.body->>'payment', ''),"
               " l.body->>'order', l.sale, (l.body->>'amount')::bigint, l.body->>'currency', l.body->>'why', l.seq,"
               " CASE WHEN (l.body->>'amount')::bigint = 0 THEN 'done' ELSE 'due' END, l.sale || '/' || (l.body->>'order') || '/' || (l.body->>'refund')" ROWS_OF("refund")},
    {"refund", "UPDATE orders o SET refunded = o.refunded + l.amount, status = l.status, seq = l.seq FROM (SELECT l.sale, l.body->>'order' AS id,"
               " sum((l.body->>'amount')::bigint) AS amount, (array_agg(l.body->>'status' ORDER BY l.seq DESC))[1] AS status, max(l.seq) AS seq" ROWS_OF("refund")
               " GROUP BY 1, 2) l WHERE o.sale = l.sale AND o.id = l.id"},
    {"refund", "WITH void AS (SELECT l.sale, s.value::int AS seat, l.body->>'order' AS order_id, l.seq" SEATS_OF("refund") "), gone AS (DELETE FROM tickets t USING void v"
               " WHERE t.sale = v.sale AND t.seat = v.seat AND t.order_id = v.order_id RETURNING t.sale, t.seat, t.order_id, t.person, t.price, v.seq)"
               " INSERT INTO void_tickets (sale, seat, order_id, person, price, seq) SELECT * FROM gone"},
    {NULL, NULL}};

const char bo_hooks_projection[] =
    "INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data) SELECT h.id, e.event, l.sale, l.seq, l.at_ms, e.data FROM ledger l, hook_event(l) e, hooks h"
    " WHERE l.sale = $1 AND l.seq > $2 AND l.seq <= $3 AND l.kind IN ('admit', 'seats', 'paid', 'refund', 'refund_due', 'status') AND h.active AND e.event = ANY(h.events) AND (h.sale IS NULL OR"
    " h.sale = l.sale)";
