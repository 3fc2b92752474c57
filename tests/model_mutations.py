#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one fix after another out of a copy of the program and runs the model, which must notice each.

usage: tests/model_mutations.py [--only WORD] [--steps N] [--seeds N] [--jobs N]
Not part of tests/run.sh. Each line says FOUND, after how many steps, or MISSED; the last line is a JSON object. A run ends where the two sides first disagree.
First two short ones with the sequences that are most likely to meet it (its profile), then --seeds of --steps with all sequences.
"""
import argparse
import concurrent.futures
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model_fixes import FIXES

QUICK_STEPS = 800
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def copy_tree(to):
    """What git knows, and what npm has installed."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, names):
        source, target = os.path.join(ROOT, name), os.path.join(to, name)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)
    for where in ("tests", "src/pages/admin"):
        os.symlink(os.path.join(ROOT, where, "node_modules"), os.path.join(to, where, "node_modules"))


def build(tree):
    """The model's driver, without sanitizers: what is looked for is wrong answers."""
    folder = os.path.join(tree, "build-test")
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["meson", "setup", folder, tree, "-Dbuildtype=debugoptimized", "-Dwerror=false"], check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(["ninja", "-C", folder, "tests/model_driver", "tests/libfake_clock.so"], capture_output=True, text=True)
    if result.returncode:
        print("BROKEN   it does not compile:\n" + result.stdout[-3000:], flush=True)
    return result.returncode == 0


def run_model(tree, seed, steps, profile=None):
    env = {name: value for name, value in os.environ.items() if name not in ("MODEL_DRIVER", "FAKE_CLOCK_LIBRARY", "LUA_FOLDER", "SOURCE_ROOT")}
    command = ["node", os.path.join(tree, "tests/model/explore.mjs"), "--quick", "--seed", str(seed), "--steps", str(steps)]
    command += ["--profile", profile] if profile else []
    output = subprocess.run(command, capture_output=True, text=True, env=env, timeout=1800).stdout
    found = re.search(r'^\{"model_steps":(\d+),"model_violations":(\d+)', output, re.M)
    first = re.search(r"^at \d+ steps: (.*(?:\n.+){0,2})", output, re.M)
    if not found:
        return 0, "the model ended: " + output[-300:]
    return int(found[1]), (first[1] if first else output[:200]) if found[2] != "0" else None


def take_out(tree, edits):
    """Returns the files as they were, or None where something is not there any more."""
    before = {}
    for file, out, instead in edits:
        path = os.path.join(tree, file)
        with open(path) as f:
            text = f.read()
        before.setdefault(path, text)
        if out not in text:
            print("GONE     %s: %r is not there" % (file, out[:90]), flush=True)
            put_back(before)
            return None
        with open(path, "w") as f:
            f.write(text.replace(out, instead))
    return before


def put_back(files):
    for path, text in files.items():
        with open(path, "w") as f:
            f.write(text)


def try_fix(tree, name, edits, profile, args):
    before = take_out(tree, edits)
    if before is None:
        return False
    try:
        if not build(tree):
            return False
        steps = 0
        seeds = range(args.seed, args.seed + args.seeds)
        runs = [(seed, QUICK_STEPS, profile) for seed in (args.seed, args.seed + 1)] + [(seed, args.steps, None) for seed in seeds]
        for run in runs:
            done, problem = run_model(tree, *run)
            steps += done
            if problem:
                print("FOUND    %-42s after %5d steps: %s" % (name, steps, " ".join(problem.split())[:130]), flush=True)
                return True
        print("MISSED   %-42s in %d steps" % (name, steps), flush=True)
        return False
    finally:
        put_back(before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bo-model-")
    os.chmod(folder, 0o755)
    os.environ["BOXOFFICE_TEST_CACHE"] = folder
    try:
        trees = queue.Queue()
        for i in range(args.jobs):
            copy_tree(os.path.join(folder, "tree%d" % i))
            trees.put(os.path.join(folder, "tree%d" % i))

        def try_in_a_tree(fix):
            tree = trees.get()
            try:
                return try_fix(tree, *fix, args)
            finally:
                trees.put(tree)

        fixes = [fix for fix in FIXES if re.search(args.only, fix[0])]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            found = list(pool.map(try_in_a_tree, fixes))
        missed = [fix[0] for fix, is_found in zip(fixes, found) if not is_found]
        print(json.dumps({"mutations": len(fixes), "found_by_model": sum(found), "ratio": round(sum(found) / max(1, len(fixes)), 3), "missed": missed}))
        return 1 if missed else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
