# SPDX-License-Identifier: Apache-2.0
"""Fixes that tests/model_mutations.py takes out: what each is about, and its edits: file, what is taken out, what stands there instead."""

RECORDS_EMPTY = ("lua/lib/sale.lua", "if type(body[name]) == 'table' and next(body[name]) == nil then", "if false then")
LISTS_EMPTY = ("src/postgres/migrations/0009_money.sql", "CASE WHEN jsonb_typeof(list) = 'array' THEN list ELSE '[]' END", "list")

FIXES = [
    # ---- money ----
    ("refund of an amount only", [RECORDS_EMPTY, LISTS_EMPTY]),
    ("refund id: key of the service", [("src/ledger/projections.c", "l.sale || '/' || (l.body->>'order') || '/' || (l.body->>'refund')\"", "(l.body->>'refund')\"")]),
    ("refund id: of the table", [("src/postgres/migrations/0009_money.sql", "DROP CONSTRAINT refunds_pkey, ADD PRIMARY KEY (sale, order_id, id)",
                                  "DROP CONSTRAINT refunds_pkey, ADD PRIMARY KEY (id)"),
                                 ("src/ledger/projections.c", "(l.body->>'refund')\" ROWS_OF(\"refund\")}", "(l.body->>'refund')\" ROWS_OF(\"refund\") \" ON CONFLICT (id) DO NOTHING\"}")]),
    ("refund id: of vain money", [("lua/order_pay.lua", "local VAIN = 'vain:'", "local VAIN = ''")]),
    ("refund id: again for another", [("lua/order_refund.lua", "local same = (not done.of or done.of == of)", "local same = true")]),
    ("order of 0", [("lua/order_checkout.lua", "if amount == 0 then return check_out_free(fresh, o, now) end", "")]),
    ("currency fixed", [("lua/lib/settings.lua", "if s[1] and to.currency and to.currency ~= s[1] and has_prices() then", "if false then")]),
    ("currency of the order", [("lua/lib/order.lua", "return o.cur or call('HGET', STATE, 'currency')", "return 'EUR'")]),
    ("money and seats apart", [("lua/order_refund.lua", "(#kept == 0 or o.st == 'refunded') and", "(#kept == 0 or o.refunded == o.amount and #back > 0) and")]),
    ("used ticket: transfer", [("lua/lib/order.lua", "if used then return {'already_checked_in', used.at, used.by} end", "")]),
    ("used ticket: refund", [("lua/order_refund.lua", "if #used > 0 and force ~= 'force' then", "if false then")]),
    ("ticket: an old code", [("lua/lib/order.lua", "if now_is and now_is ~= serial or serial < o.seq then return {'ticket_void'} end", "")]),
    ("lot given back", [("lua/lib/ticket.lua", "  if o.lot then return end\n", "")]),
    ("lot given back, in the image", [("src/ledger/image_sale.c", "if (json_object_get(order, \"lot\")) return;\n    bo_image_count(state_of(image), \"sold\"", "bo_image_count(state_of(image), \"sold\"")]),
    # ---- a sale's state ----
    ("sold out beside the status", [("lua/lib/sale.lua", "call('HSET', STATE, 'sold_out', gone and 1 or 0)", "call('HSET', STATE, 'sold_out', gone and 1 or 0, 'status', gone and 'draining' or 'open')")]),
    ("sold out: lots", [("lua/lib/sale.lua", " and lots <= 0 and grants_left <= 0", " and grants_left <= 0")]),
    ("sold out: coupons", [("lua/lib/sale.lua", " and lots <= 0 and grants_left <= 0", " and lots <= 0")]),
    ("places used again", [("lua/lib/stock.lua", "last >= PLACES - 1 and 1 or last + 1", "last + 1"), ("lua/lib/stock.lua", "math.min(first + piece - 1, PLACES - 1)", "first + piece - 1")]),
    ("quota of a lane by person", [("lua/line_join.lua", "if call('HEXISTS', LANES, counted) == 0 then", "if true then")]),
    ("lanes fixed", [("lua/lib/settings.lua", "if lane then return 'lanes', lane end", "")]),
    ("lanes by name", [("lua/line_join.lua", "local lane = invited_to[ARGV[i + 1]]", "local lane = ({vip = {number = 15, quota = 1}, fans = {number = 14, quota = 0}})[ARGV[i + 1]]")]),
    ("too many items", [("lua/lib/stock.lua", "if items() >= ITEMS_MAX then return nil end", "")]),
    # ---- told, and then not so ----
    ("unknown order is paid", [("lua/order_pay.lua", "  o = {st = 'expired', person = '', seats = {}, amount = amount, cur = currency} -- lost with Redis, or never made here", "  return {'unknown_order'}")]),
    ("order ids of the server", [("lua/order_checkout.lua", "if not o or not o.lot or o.person ~= person then return {'unknown_order'} end", "if not o then fresh = won end")]),
    ("orders by their sale", [("src/ledger/projections.c", " AND o.sale = l.sale AND o.id = l.body->>'order'\"", " AND o.id = l.body->>'order'\"")]),
    ("another epoch begins", [("lua/lib/epoch.lua", "if tonumber(epoch) > here then begin_epoch(epoch, server, committed) end", "")]),
    ("a Redis that lacks what is written", [("lua/lib/epoch.lua", "if committed > seq or written > here then", "if false then")]),
    ("numbers go on with a gap", [("lua/lib/epoch.lua", "local EPOCH_GAP = 2 ^ 18", "local EPOCH_GAP = 0")]),
    ("fence: the position", [("src/ledger/fence.c", "WHERE sale = $1 AND epoch = $2 AND seq = $3", "WHERE sale = $1 AND $2 = $2 AND seq = $3")]),
    ("trimmed late", [("lua/log_commit.lua", "local KEPT_MAX = 20000", "local KEPT_MAX = 0")]),
    ("brake after a loss", [("src/ledger/image_line.c", ", {\"brake\", brake}", "")]),
    ("hooks in a savepoint", [("src/ledger/writing.c", "return bo_database_script(db, \"ROLLBACK TO SAVEPOINT hooks\") == 0 ? BO_ERR_BAD_MESSAGE : BO_ERR_UNAVAILABLE;", "return BO_ERR_BAD_MESSAGE;")]),
    ("unknown currency", [("src/sale/check.c", "if (bo_currency_is_known(currency)) return 0;", "if (bo_currency_is_known(currency) || 1) return 0;")]),
    ("least sum of a currency", [("src/sale/check.c", "if (price == 0 || price >= minimum) return 0;", "if (price >= 0) return 0;")]),
    ("lot offered again", [("lua/auction_set.lua", "if b and not can_be_set(index, b) then return {'lot_running'} end", "if b and (#b.bids > 0 or b.over) then return {'lot_running'} end")]),
    ("last of several transfers", [("src/ledger/projections.c", "DISTINCT ON (l.body->'order', l.body->'seat')", "")]),
    ("settings after a loss", [("lua/sale_restore.lua", "record('settings',", "local _ = ('settings',")]),
    ("head over people who were not there", [("src/ledger/compare.c", "if (strcmp(key, \"state\") == 0 && begins(field, \"lane_head\"))", "if (false)")]),
    ("wish that is over", [("lua/line_brake.lua", "if percent ~= before or for_ms > 0 then", "if true then")]),
]
