#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults found, as a table and as one JSON object in the last line. usage: faults.py RESULTS.json"""
import json
import sys

SUMS = ["told_bought_not_stored", "stored_twice", "seats_with_two_owners", "places_lost", "order_violations", "untold", "unpaid_tickets", "paid_without_ticket_or_refund",
        "limit_violations", "differences", "failover_paid_untold", "failover_granted_untrue", "failover_left_untrue", "refunds_missing"]
BOUNDS = {**{key: 0 for key in SUMS}, "purchases_lost_after_redis_wipe": 0, "back_in_service_s": 30, "gateway_kill_back_s": 15, "upgrade_failed_requests": 0, "upgrade_lost_people": 0}

rows = [json.loads(line) for line in open(sys.argv[1])]
print("%-46s %7s %7s %9s %7s %7s %7s %7s" % ("fault", "bought", "untold", "unstored", "twice", "owners", "places", "order"))
for row in rows:
    if "bought" not in row:
        print("%-46s %s" % (row["name"][:46], "  ".join("%s %s" % pair for pair in row.items() if pair[0] != "name")))
        continue
    print("%-46s %7d %7d %9d %7d %7d %7d %7d" % ((row["name"][:46], row["bought"]) + tuple(row[key] for key in (
        "untold", "told_bought_not_stored", "stored_twice", "seats_with_two_owners", "places_lost", "order_violations"))))
found = {key: sum(row.get(key, 0) for row in rows) for key in SUMS}
for key in BOUNDS:
    values = [row[key] for row in rows if key in row]
    if key not in SUMS and values:
        found[key] = max(values)
print(json.dumps({"faults": len(rows), **found}))
sys.exit(1 if any(found.get(key, 0) > bound for key, bound in BOUNDS.items()) else 0)
