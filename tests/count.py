#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single tests in meson's results and in TAP files. usage: count.py RESULTS.json [FILE.tap...]"""
import json
import os
import re
import sys


def count(tap):
    passed = failed = skipped = 0
    for line in tap.splitlines():
        found = re.match(r"(not )?ok\b(.*)", line)
        if found and re.search(r"# *skip", found[2], re.I):
            skipped += 1
        elif found and found[1]:
            failed += 1
        elif found:
            passed += 1
    return passed, failed, skipped


total = [0, 0, 0]
for line in open(sys.argv[1]):
    test = json.loads(line)
    result = count(test.get("stdout", ""))
    if result[1] == 0 and test["result"] not in ("OK", "SKIP"):  # died outside of a single test
        result = (result[0], 1, result[2])
        print("failed as a whole:", test["name"], test["result"])
    total = [a + b for a, b in zip(total, result)]
for path in sys.argv[2:]:
    if os.path.exists(path):
        total = [a + b for a, b in zip(total, count(open(path).read()))]
print("%d passed, %d failed, %d skipped" % tuple(total))
sys.exit(1 if total[1] or not total[0] else 0)
