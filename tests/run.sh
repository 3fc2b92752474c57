#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds with sanitizers and runs the suites; the last line says how many tests passed, failed and were skipped.
# usage: tests/run.sh [suite...] [--long]     suites: unit lua model integration e2e browser faults lint compilers (all of them without an
# argument). --long: the mix of faults for five minutes, the model for a million steps. The suite faults also prints a table; it and the suite model each
# print one JSON object, the last line but one.
set -eu
cd "$(dirname "$0")/.."
sh examples/install.sh test

suites=""
for word in "$@"; do
    if [ "$word" = --long ]; then export FAULTS_MIX_S=300 MODEL_STEPS=${MODEL_STEPS:-1000000}; else suites="$suites $word"; fi
done
suites=${suites:-unit lua model integration e2e browser faults lint compilers}
build=build-test
if [ ! -d tests/node_modules ] || [ tests/package-lock.json -nt tests/node_modules ]; then
    (cd tests && npm ci --silent --no-audit --no-fund && touch node_modules)
fi
[ -f $build/build.ninja ] || meson setup $build -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Dcrash_points=true >/dev/null
ninja -C $build >$build/ninja.log 2>&1 || { cat $build/ninja.log; echo "0 passed, 1 failed, 0 skipped"; exit 1; }

BOXOFFICE_TEST_CACHE=$(mktemp -d)
export BOXOFFICE_TEST_CACHE
chmod 755 "$BOXOFFICE_TEST_CACHE"
FAULTS_RESULTS=$PWD/$build/faults.json
SCREENSHOTS=${SCREENSHOTS:-$PWD/$build/screenshots} # of every page, for people to look at
MODEL_RESULTS=$PWD/$build/model.json
export FAULTS_RESULTS SCREENSHOTS MODEL_RESULTS
rm -f "$FAULTS_RESULTS" "$MODEL_RESULTS" $build/compilers.tap
trap 'rm -rf "$BOXOFFICE_TEST_CACHE"' EXIT

: >$build/results.json
status=0
for suite in $suites; do
    if [ "$suite" = compilers ]; then
        sh tests/compilers.sh >$build/compilers.tap || status=1
        cat $build/compilers.tap
    else
        jobs=2
        case $suite in model | e2e | browser | faults) jobs=1 ;; esac
        # Without sanitizers in libwebsockets' plugin loader there is nothing to report from it; leaks in ours are errors.
        meson test -C $build --no-rebuild --suite "$suite" --num-processes $jobs --print-errorlogs || status=1
        cat $build/meson-logs/testlog.json >>$build/results.json
    fi
done
[ ! -f "$MODEL_RESULTS" ] || cat "$MODEL_RESULTS"
[ ! -f "$FAULTS_RESULTS" ] || python3 tests/faults.py "$FAULTS_RESULTS" || status=1
python3 tests/count.py $build/results.json $build/compilers.tap || status=1
exit $status
