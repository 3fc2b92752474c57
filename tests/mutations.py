#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one guard after another out of a copy of the scripts and runs the suite that must notice. Every line has to say RED.

usage: tests/mutations.py     (two minutes; not part of tests/run.sh)
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# script, what is taken out, what stands there instead, the test file that must go red
GUARDS = [
    ('lib/known.lua', "if not kept[5] or kept[6] then", 'if not kept[5] then', 'restore'),
    ('sale_load.lua', "if kept[6] then return", 'if false then return', 'restore'),
    ('sale_load.lua', "if committed > tonumber(known[3]) then", 'if false then', 'restore'),
    ('log_commit.lua', "if seq > numbers('seq') then", 'if false then', 'restore'),
    ('log_commit.lua', "if kept[6] then return {'redis_lost_sale'} end", '', 'restore'),
    ('sale_restore.lua', "if kept[5] and not kept[6] then", 'if false then', 'restore'),
    ('sale_restore.lua', "if call('HGET', STATE, 'restoring') ~= token then", 'if false then', 'restore'),
    ('line_return.lua', " or p.st == 'out' and p.n ~= told[i]", '', 'restore'),
    ('line_return.lua', "call('ZREM', ABSENT, unpack(names))", '', 'restore'),
    ('line_return.lua', "elseif number + lane * LANE > numbers(lane_field('next', lane)) then", 'elseif false then', 'restore'),
    ('line_join.lua', "if seq - committed > backlog_max then return 'overloaded' end", '', 'restore'),
    ('order_pay.lua', "if not o and numbers('restored') > 0 then", 'if false then', 'restore'),
    ('sale_mend.lua', "if (read_field(name, field) or '') ~= found[i] then return false end", '', 'restore'),
    ('lib/stock.lua', "if wanted > left then return {'stock_gone', left} end", '', 'stock'),
    ('lib/stock.lua', "if item.limit > 0 and mine + wanted > item.limit then", 'if false then', 'stock'),
    ('lib/stock.lua', "if wanted > allowed then return", 'if false then return', 'stock'),
    ('stock_set.lua', 'if index and item.total < given(index) then', 'if false then', 'stock'),
    ('stock_grant.lua', "if before.back then return answer(before) end", '', 'stock'),
    ('stock_grant.lua', " or before.count ~= wanted", '', 'stock'),
    ('stock_take.lua', 'problem = item_problem(index, item, person, wanted)', '', 'stock'),
    ('lib/sale.lua', "if is_place(held[i]) then give_back_place(held[i], person) end", '', 'stock'),
    ('lib/hold.lua', "if not owner and #seat > 6 then give_back_place(seat, owners[seat]) end", '', 'stock'),
    ('auction_bid.lua', "if amount < least then", 'if false then', 'stock'),
    ('auction_bid.lua', "if amount > item.most then", 'if false then', 'stock'),
    ('auction_bid.lua', "if b.over or b.order or wall >= b.closes then", 'if false then', 'stock'),
    ('auction_bid.lua', "if wall < item.opens then", 'if false then', 'stock'),
    ('auction_bid.lua', "if currency ~= call('HGET', STATE, 'currency') then", 'if false then', 'stock'),
    ('lib/auction.lua', "if b.order then lapse(index, item, b) end", '', 'stock'),
    ('order_refund.lua', "if amount > left then", 'if false then', 'orders'),
    ('order_refund.lua', "if done then return", 'if false then return', 'orders'),
    ('order_refund.lua', "if next(wanted) then", 'if false then', 'orders'),
    ('order_refund.lua', "if not can_become(o, 'part_refunded') then", 'if false then', 'orders'),
    ('ticket_transfer.lua', "call('HGET', SEATS, seat) ~= from or", '', 'orders'),
    ('lib/hold.lua', 'if owners[seats[i]] then',
     'if false then', 'seats'),
    ('lib/choose.lua', 'if before then return before end',
     '', 'seats'),
    ('lib/choose.lua', "if p.st == 'pay' then return {'already_paying'} end",
     '', 'seats'),
    ('lib/admit.lua', "math.ceil(capacity * slowed / 100) - call('ZCARD', ACTIVE)",
     'math.ceil(capacity * slowed / 100)', 'line'),
    ('lib/admit.lua', 'return math.min(room, left), window, wait',
     'return room, window, wait', 'line'),
    ('lib/admit.lua', 'if slowed == 0 then return 0, nil, -1 end',
     '', 'lanes'),
    ('lib/admit.lua', 'capacity * slowed / 100',
     'capacity', 'lanes'),
    ('lib/admit.lua', 'if wall < opens then return 0, opens - wall end',
     '', 'lanes'),
    ('lib/admit.lua', "if s[3] ~= '1' then",
     'if true then', 'lanes'),
    ('lib/admit.lua', "  p.st = 'away'\n  count('seeking', -1)\n  call('ZREM', ACTIVE, person)",
     "  p.st = 'out'\n  count('seeking', -1)\n  call('ZREM', ACTIVE, person)", 'lanes'),
    ('lib/line.lua', 'return -1 - number - lane * LANE',
     'return -1 - number', 'lanes'),
    ('line_join.lua', "if owner and owner ~= person then return nil, 'invitation_used' end",
     '', 'lanes'),
    ('line_join.lua', 'if invitation.quota > 0 and',
     'if false and', 'lanes'),
    ('line_join.lua', "if not JOINABLE[status] then return status end",
     '', 'lanes'),
    ('line_join.lua', "if wall < tonumber(state[4] or 0) then return 'too_early' end",
     '', 'lanes'),
    ('line_join.lua', 'if better then count_gone(found[1]) end',
     '', 'lanes'),
    ('line_tick.lua', "if p.st == 'claim' and not p.t then",
     'if false then', 'lanes'),
    ('line_tick.lua', 'if tonumber(ARGV[1]) < 100 then set_brake',
     'if tonumber(ARGV[1]) < 100 and math.abs(now - ticked) >= WORK_EVERY_MS then set_brake', 'lanes'),
    ('line_brake.lua', 'if untill <= now then before = 100 end',
     '', 'lanes'),
    ('line_brake.lua', 'if percent ~= before then record',
     'if true then record', 'lanes'),
    ('line_brake.lua', "'asked_until', now + for_ms)",
     "'asked_until', now + for_ms + 3600000)", 'lanes'),
    ('lib/sale.lua', 'math.max(COMPANY_MS, gateways)',
     'COMPANY_MS', 'line'),
    ('lib/sale.lua', "  now = tonumber(kept[1])\n",
     '', 'lanes'),
    ('lib/admit.lua', '    if away[i] then',
     '    if false then', 'line'),
    ('lib/admit.lua', 'free * math.max(1, choosers) - seeking',
     'free', 'line'),
    ('lib/admit.lua', 'math.min(stock_left(status), POP_MAX)',
     'POP_MAX', 'lanes'),
    ('lib/order.lua', "if #seats == 0 then count('seeking', -1) end",
     '', 'line'),
    ('lib/hold.lua', "if #p.h == #seats then seeking = seeking - 1 end",
     '', 'line'),
    ('lib/hold.lua', "if #returned > 0 and #kept == 0 then seeking = seeking + 1 end",
     '', 'line'),
    ('seats_choose.lua', "if write_desk() then admit() end",
     'write_desk()', 'line'),
    ('lib/admit.lua', "  count('seeking', -1)\n",
     '', 'lanes'),
    ('line_leave.lua', "end_admission(person, p, 'left')\nadmit()",
     "end_admission(person, p, 'left')", 'line'),
    ('line_leave.lua', '  count_gone(tonumber(number))\n',
     '', 'line'),
    ('line_enter.lua', 'p.n ~= number',
     'false', 'line'),
    ('line_enter.lua', "if p.d <= now then return {'admission_expired'} end",
     '', 'line'),
    ('order_pay.lua', "if o.payment == payment then return {'ok', o.st, o.seq} end",
     '', 'orders'),
    ('order_pay.lua', 'if amount ~= o.amount or currency',
     'if false and currency', 'orders'),
    ('order_pay.lua', 'if o.d <= (o.lot and wall or now) then',
     'if false then', 'orders'),
    ('order_pay.lua', 'if not o.refunds[payment] then',
     'if true then', 'orders'),
    ('order_pay.lua', "if not can_become(o, 'paid') then return owe_refund",
     'if false then return owe_refund', 'orders'),
    ('lib/order.lua', '  free_seats(person, p)\n',
     '', 'line'),
    ('sale_load.lua', 'if committed > 0 then',
     'if false then', 'line'),
    ('sale_load.lua', "if version <= tonumber(known[1]) then return {'ok', known[2], epoch} end",
     '', 'line'),
    ('log_commit.lua', "if seq > numbers('committed') then",
     'if true then', 'line'),
    ('order_checkout.lua', "if p.st == 'pay' then",
     'if false then', 'seats'),
    ('line_join.lua', "if number then return {tonumber(number), 'wait', 0, ''} end",
     '', 'line'),
    ('line_tick.lua', ' or (due > 0 and now >= due)',
     '', 'line'),
    ('line_tick.lua', 'if admitted > 0 then wait = next_in end',
     '', 'line'),
    ('lib/hold.lua', "if wanted > left then return {'limit_reached', left} end",
     '', 'seats'),
    ('lib/hold.lua', 'and not alone(i) and not helpless(i)',
     'and not alone(i)', 'seats'),
    ('seats_choose.lua', 'if #refused == 0 and terms.tidy then',
     'if false then', 'seats'),
    ('seats_choose.lua', 'return quota_problem(p, #c.seats / 2) or',
     'return', 'seats'),
    ('seats_choose.lua', 'or tariff_problem(p, c.reduced)',
     '', 'seats'),
    ('lib/sale.lua', '  give_back_quotas(p.c, p.r, #held / 2)\n',
     '', 'seats'),
    ('lib/hold.lua', '  give_back_quotas(p.c, reduced, #returned / 2)\n',
     '', 'seats'),
    ('seats_best.lua', 'if #taken_among(proposal.seats) == 0 and',
     'if', 'seats'),
    ('line_tick.lua', '  end_overdue()\n',
     '', 'line'),
]


def goes_red(script, guard, instead, suite):
    with tempfile.TemporaryDirectory() as folder:
        lua = shutil.copytree(os.path.join(ROOT, "lua"), os.path.join(folder, "lua"))
        path = os.path.join(lua, script)
        text = open(path).read()
        assert guard in text, "%s no longer has: %s" % (script, guard)
        open(path, "w").write(text.replace(guard, instead, 1))
        test = os.path.join(ROOT, "tests/lua/%s.test.mjs" % suite)
        run = subprocess.run(["node", "--test-reporter=tap", test], capture_output=True, text=True, timeout=300,
                             env={**os.environ, "LUA_FOLDER": lua})
        return "\nnot ok" in run.stdout


green = 0
for mutation in GUARDS:
    red = goes_red(*mutation)
    green += not red
    print("RED  " if red else "GREEN", mutation[0], "without:", mutation[1].strip().splitlines()[0], flush=True)
print("%d guards, %d not noticed" % (len(GUARDS), green))
sys.exit(1 if green else 0)
