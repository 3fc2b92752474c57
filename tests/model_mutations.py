#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one fix after another out of a copy of the program and runs the model, which must notice each.

usage: tests/model_mutations.py [--only WORD] [--steps N] [--seeds N]
Not part of tests/run.sh. Each line says FOUND, after how many steps, or MISSED; the last line is a JSON object.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model_fixes import FIXES

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
        subprocess.run(["meson", "setup", folder, tree, "-Dbuildtype=debugoptimized"], check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(["ninja", "-C", folder, "tests/model_driver", "tests/libfake_clock.so"], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit("a mutation does not compile:\n" + result.stdout[-3000:])


def run_model(tree, seed, steps):
    env = {name: value for name, value in os.environ.items() if name not in ("MODEL_DRIVER", "FAKE_CLOCK_LIBRARY", "LUA_FOLDER", "SOURCE_ROOT")}
    command = ["node", os.path.join(tree, "tests/model/explore.mjs"), "--quick", "--seed", str(seed), "--steps", str(steps)]
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


def try_fix(tree, name, edits, args):
    before = take_out(tree, edits)
    if before is None:
        return False
    try:
        build(tree)
        steps = 0
        for seed in range(args.seed, args.seed + args.seeds):
            done, problem = run_model(tree, seed, args.steps)
            steps += done
            if problem:
                print("FOUND    %-30s after %5d steps: %s" % (name, steps, " ".join(problem.split())[:130]), flush=True)
                return True
        print("MISSED   %-30s in %d steps" % (name, steps), flush=True)
        return False
    finally:
        put_back(before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tree = tempfile.mkdtemp(prefix="bo-model-")
    os.chmod(tree, 0o755)
    try:
        copy_tree(tree)
        fixes = [fix for fix in FIXES if args.only in fix[0]]
        found = [name for name, edits in fixes if try_fix(tree, name, edits, args)]
        missed = [name for name, _ in fixes if name not in found]
        print(json.dumps({"mutations": len(fixes), "found_by_model": len(found), "ratio": round(len(found) / max(1, len(fixes)), 3), "missed": missed}))
        return 1 if missed else 0
    finally:
        shutil.rmtree(tree, ignore_errors=True)


sys.exit(main())
