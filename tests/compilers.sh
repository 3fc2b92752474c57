#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The code compiles without a warning (-Wall -Wextra -Werror) with gcc and with clang. Prints TAP.
cd "$(dirname "$0")/.." || exit 1
status=0 n=0
for compiler in gcc clang; do
    n=$((n + 1))
    build=build-$compiler
    [ -f $build/build.ninja ] || CC=$compiler meson setup $build >/dev/null
    if ninja -C $build >$build/ninja.log 2>&1; then
        echo "ok $n - compiles with $compiler"
    else
        grep -E "error|warning" $build/ninja.log | head -20 | sed 's/^/# /'
        echo "not ok $n - compiles with $compiler"
        status=1
    fi
done
echo "1..$n"
exit $status
