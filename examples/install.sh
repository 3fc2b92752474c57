#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, from Debian (and one library for the operator's pages from npm): what building and running needs ("run"), and what the tests ("test") or the benchmarks beside peers ("bench") need on top.
set -eu
run="gcc meson ninja-build pkg-config python3 libuv1-dev libhiredis-dev libwebsockets-dev libwebsockets-evlib-uv libjansson-dev
 libpq-dev libjwt-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libinih-dev libqrencode-dev libpng-dev libsodium-dev redis-server postgresql nodejs npm curl ca-certificates tzdata"
tests="clang chromium fonts-nanum prometheus libcmocka-dev lua5.1 nginx"
bench="chromium nginx libnginx-mod-nchan"
case ${1:-run} in
test) packages="$run $tests" ;;
bench) packages="$run $bench" ;;
*) packages=$run ;;
esac

missing=""
for package in $packages; do
    case $package in # a newer Node than Debian's is fine, too
        nodejs) command -v node >/dev/null && continue ;;
        npm) command -v npm >/dev/null && continue ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done

pages() {
    cd "$(dirname "$0")/../src/pages/admin" # the graphs of the operator's pages, built into the program
    [ -d node_modules ] && [ ! package-lock.json -nt node_modules ] && return
    npm ci --silent --no-audit --no-fund
    touch node_modules
}

if [ -z "$missing" ]; then
    pages
    exit
fi

as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
echo "installing:$missing"
# The private servers are started by the program: the packages' own services must not start, and are not touched if they run.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
    made_policy=1
fi
trap '[ -z "$made_policy" ] || $as_root rm -f $policy' EXIT
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
pages
