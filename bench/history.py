#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what happened, as the ledger has it and as people were told, and proves that each seat's life is a sequence of owners that do not
overlap. Every rule that was broken is counted under its name; 0 everywhere is right.

usage: bench/history.py [--slack SECONDS] LEDGER TICKETS REFUNDS LIMIT HISTORY…
LEDGER has a JSON line {"seq", "at", "kind", "body"} for each record, TICKETS {"seat", "order", "person"}, REFUNDS {"order", "payment"}; a
HISTORY is what bench/crowd_history.c writes; the ledger's clock may be off by SECONDS, because it has stood still. The last line is one JSON object; the status is 1 when something was broken.
"""
import bisect
import collections
import json
import sys

CLOCK_US = 50_000     # of what people note and what Redis notes, and of a call on its way
NEWS_US = 1_000_000   # a gateway may refuse by a map that is so old

RULES = ("oversold", "double_tickets", "limit_violations", "unpaid_tickets", "paid_without_ticket_or_refund", "gaps", "foreign_acts", "told_not_stored",
         "bought_not_stored", "refused_without_reason")


class Checker:
    def __init__(self, limit, slack_us=0):
        self.slack_us = slack_us                          # the sale's clock may have stood still for so long
        self.limit = limit
        self.found = collections.Counter({rule: 0 for rule in RULES})
        self.examples = {}
        self.owner = {}                                   # seat -> person, or ("sold", order)
        self.held = collections.defaultdict(int)          # person -> seats held and bought
        self.holds = collections.defaultdict(list)        # (person, seat) -> times of holds, in µs
        self.taken = collections.defaultdict(list)        # seat -> [from, to] in µs during which it had an owner
        self.paid = {}                                    # order -> (person, seats)

    def broken(self, rule, example):
        self.found[rule] += 1
        self.examples.setdefault(rule, example)

    # ---- the ledger ----

    def take(self, seat, person, at, record):
        if self.owner.get(seat) is not None:
            self.broken("oversold", (seat, self.owner[seat], person, record["seq"]))
        self.owner[seat] = person
        self.taken[seat].append([at, None])

    def free(self, seat, person, at, record):
        if self.owner.get(seat) != person:
            self.broken("foreign_acts", (seat, self.owner.get(seat), person, record["seq"]))
        self.owner[seat] = None
        if self.taken[seat]:
            self.taken[seat][-1][1] = at

    def count(self, person, by, record):
        self.held[person] += by
        if self.limit and self.held[person] > self.limit:
            self.broken("limit_violations", (person, self.held[person], record["seq"]))

    def seats(self, record, at):
        for act in record["body"]["acts"]:
            what, person, listed = act[:3]  # behind them what is not looked at here: reduced prices, and the token of the command
            for seat in listed[::2]:
                if what == "hold":
                    self.take(seat, person, at, record)
                    self.holds[person, seat].append(at)
                else:
                    self.free(seat, person, at, record)
            self.count(person, len(listed) // 2 * (1 if what == "hold" else -1), record)

    def pay(self, record, at):
        body = record["body"]
        for seat in body["seats"][::2]:
            if isinstance(self.owner.get(seat), tuple):
                self.broken("double_tickets", (seat, self.owner[seat], body["order"]))
            elif self.owner.get(seat) != body["person"]:
                self.broken("foreign_acts", (seat, self.owner.get(seat), body["person"], record["seq"]))
            self.owner[seat] = ("sold", body["order"])
        self.paid[body["order"]] = (body["person"], set(body["seats"][::2]))

    def give_up(self, record, at):
        body = record["body"]
        for seat in body["seats"][::2]:
            self.free(seat, body["person"], at, record)
        self.count(body["person"], -len(body["seats"]) // 2, record)

    def refund(self, record, at):
        body = record["body"]
        for seat in body["seats"][::2]:
            self.free(seat, ("sold", body["order"]), at, record)
            if body["seats_become"] == "block":
                self.take(seat, "-", at, record)
            if body["order"] in self.paid:
                self.paid[body["order"]][1].discard(seat)
        self.count(body["person"], -len(body["seats"]) // 2, record)

    def keep_back(self, record, at):
        for seat in record["body"]["seats"]:
            if record["kind"] == "block":
                self.take(seat, "-", at, record)
            else:
                self.free(seat, "-", at, record)

    def read_ledger(self, records):
        kinds = {"seats": self.seats, "paid": self.pay, "end": self.give_up, "refund": self.refund, "block": self.keep_back, "unblock": self.keep_back}
        last = 0
        for record in records:
            if record["seq"] != last + 1:
                self.broken("gaps", (last, record["seq"]))
            last = record["seq"]
            if not record["body"].get("seats", True):
                record["body"]["seats"] = []  # Lua does not know an empty list from an empty object
            if record["kind"] in kinds:
                kinds[record["kind"]](record, record["at"] * 1000)

    # ---- what PostgreSQL shows ----

    def read_tickets(self, tickets, refunds):
        of_order, refunded = collections.defaultdict(set), {r["order"] for r in refunds}
        seen = set()
        for t in tickets:
            if t["seat"] in seen:
                self.broken("double_tickets", t)
            seen.add(t["seat"])
            of_order[t["order"]].add(t["seat"])
            if t["seat"] not in self.paid.get(t["order"], (None, ()))[1]:
                self.broken("unpaid_tickets", t)
        for order, (_, seats) in self.paid.items():
            if seats - of_order[order] and order not in refunded:
                self.broken("paid_without_ticket_or_refund", order)
        self.of_order = of_order

    # ---- what people were told ----

    def was_taken(self, seat, from_us, to_us):
        return any(start <= to_us and (end is None or end >= from_us) for start, end in self.taken.get(seat, ()))

    def read_history(self, lines):
        names = {}
        for line in lines:
            words = line.split()
            if words[0] == "P":
                names[words[1]] = words[2]
            elif words[0] == "B":
                order, seats = words[2], {int(s) for s in words[3:]}
                if order not in self.paid or (seats - self.of_order[order] and not seats - self.paid[order][1]):
                    self.broken("bought_not_stored", line)
            elif words[0] in "HX":
                sent, told, person, seat = int(words[1]), int(words[2]), names.get(words[3]), int(words[4])
                if words[0] == "H":
                    times = self.holds.get((person, seat), ())
                    at = bisect.bisect_left(times, sent - CLOCK_US - self.slack_us)
                    if at == len(times) or times[at] > told + CLOCK_US + self.slack_us:
                        self.broken("told_not_stored", line)
                elif not self.was_taken(seat, sent - NEWS_US - self.slack_us, told + CLOCK_US + self.slack_us):
                    self.broken("refused_without_reason", line)


def check(ledger, tickets, refunds, limit, histories, slack_us=0):
    checker = Checker(limit, slack_us)
    checker.read_ledger(ledger)
    checker.read_tickets(tickets, refunds)
    for lines in histories:
        checker.read_history(lines)
    return checker


def main():
    slack_s = 0
    if sys.argv[1:2] == ["--slack"]:
        slack_s = float(sys.argv[2])
        del sys.argv[1:3]
    ledger, tickets, refunds, limit, *histories = sys.argv[1:]
    checker = check(map(json.loads, open(ledger)), list(map(json.loads, open(tickets))), list(map(json.loads, open(refunds))), int(limit), map(open, histories), slack_s * 1e6)
    for rule, example in checker.examples.items():
        print("%s, for example: %s" % (rule, example))
    print(json.dumps(checker.found))
    return 1 if any(checker.found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
