#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Benchmarks with private servers on this machine; the last line of each is one JSON object.
# usage: bench/run.sh crowd --people N --seats M [--gateways G] [--seed S] [--limit SECONDS] [--think FACTOR]
#        bench/run.sh million|line|growth|holds|scribe|overload [options; --help says which]
#        bench/run.sh pages [--people N] [--seats N] [--changes N]
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
crowd) shift ;;
pages)
    shift
    sh examples/install.sh test
    [ -d tests/node_modules ] || (cd tests && npm ci --silent --no-audit --no-fund)
    [ -f build/build.ninja ] || meson setup build --buildtype=release >/dev/null
    ninja -C build >/dev/null
    exec node bench/pages.mjs "$@"
    ;;
million | line | growth | holds | scribe | overload)
    sh examples/install.sh bench
    [ -f build/build.ninja ] || meson setup build --buildtype=release >/dev/null
    ninja -C build >/dev/null
    if { [ "$1" = line ] || [ "$1" = holds ]; } && [ ! -d bench/peers/node_modules ]; then (cd bench/peers && npm ci --silent --no-audit --no-fund); fi
    name=$1
    shift
    exec /usr/bin/env python3 "bench/$name.py" "$@"
    ;;
*)
    sed -n '4,6p' "$0" | cut -c3- >&2
    exit 2
    ;;
esac
people=1000 seats=200 gateways=2 seed=1 limit=540 think=1
while [ $# -gt 1 ]; do
    case $1 in
        --people) people=$2 ;;
        --seats) seats=$2 ;;
        --gateways) gateways=$2 ;;
        --seed) seed=$2 ;;
        --limit) limit=$2 ;;
        --think) think=$2 ;;
        *) echo "bench/run.sh: $1 is not understood" >&2; exit 2 ;;
    esac
    shift 2
done

sh examples/install.sh run
[ -f build/build.ninja ] || meson setup build --buildtype=release >/dev/null
ninja -C build >/dev/null
ulimit -n "$(ulimit -Hn)"

folder=$(mktemp -d)
chmod 755 "$folder"
children="" stores=""
stop() {
    trap - EXIT INT TERM
    # shellcheck disable=SC2086
    for group in "$children" "$stores"; do
        [ -z "$group" ] || kill -INT $group 2>/dev/null || true
        for child in $group; do wait "$child" 2>/dev/null || true; done
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

as_postgres=""
mkdir "$folder/pg"
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder/pg"
    as_postgres="setpriv --reuid postgres --regid postgres --clear-groups --"
fi
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
(cd / && $as_postgres "$bin/initdb" -D "$folder/pg/data" -U boxoffice --auth=trust --no-locale -E UTF8 >/dev/null)
$as_postgres "$bin/postgres" -D "$folder/pg/data" -k "$folder/pg" -c listen_addresses= -c log_min_messages=fatal -c max_connections=200 2>/dev/null &
stores="$!"
redis-server --port 0 --unixsocket "$folder/redis.sock" --dir "$folder" --appendonly yes --save "" --loglevel warning >"$folder/redis.log" 2>&1 &
stores="$stores $!"
postgres="host=$folder/pg user=boxoffice dbname=postgres"
until "$bin/pg_isready" -q -h "$folder/pg" && [ -S "$folder/redis.sock" ]; do :; done

# Ports below the range that outgoing connections are given.
port=$((20000 + $$ % 5000))
PAYMENT_SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export PAYMENT_SECRET
node examples/payment/server.mjs --port $((port + 2)) --auto 0.93 --delay 50-1500 --twice 0.05 --confuse 0.02 --late 0.01 --late-ms 3000 >"$folder/payment.log" 2>&1 &
children="$!"

rate=$((seats / 25 + 20))
cat >"$folder/boxoffice.ini" <<EOF
listen_host = 127.0.0.1
listen_port = $port
admin_port = $((port + 1))
gateways = $gateways
redis = unix:$folder/redis.sock
postgres = $postgres
secret = $PAYMENT_SECRET$PAYMENT_SECRET
admin_tokens = bench:$PAYMENT_SECRET
public_url = http://127.0.0.1:$port
payment_url = http://127.0.0.1:$((port + 2))
payment_secret = $PAYMENT_SECRET
log_level = warn
EOF
python3 - "$seats" "$folder" "$rate" <<'EOF'
import json, sys
seats, folder, rate = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rows = [{"row_number": str(r + 1), "position": {"x": 0, "y": r * 20}, "seats": [
    {"seat_guid": "S-%d" % (r * 50 + s + 1), "seat_number": str(s + 1), "position": {"x": s * 20, "y": 0}, "category": "A" if r % 2 else "B"}
    for s in range(min(50, seats - r * 50))]} for r in range((seats + 49) // 50)]
json.dump({"name": "Bench", "categories": [{"name": "A", "color": "#a00"}, {"name": "B", "color": "#00a"}],
           "zones": [{"name": "Floor", "position": {"x": 0, "y": 0}, "rows": rows}], "size": {"width": 1000, "height": 20000}},
          open(folder + "/plan.json", "w"))
json.dump({"prices": {"A": 5000, "B": 3000}, "policy": "both", "rate_count": rate, "rate_ms": 1000, "capacity": 2000, "claim_ms": 20000,
           "choose_ms": 60000, "pay_ms": 30000, "grace_ms": 5000}, open(folder + "/settings.json", "w"))
EOF
build/src/boxoffice migrate --config "$folder/boxoffice.ini"
build/src/boxoffice sale import --sale bench --name Bench --plan "$folder/plan.json" --settings "$folder/settings.json" --open --config "$folder/boxoffice.ini"
build/src/boxoffice serve --config "$folder/boxoffice.ini" 2>"$folder/boxoffice.log" &
server=$!
children="$children $server"
until curl -fs -o /dev/null "http://127.0.0.1:$port/api/sales/bench/plan"; do kill -0 $server || { cat "$folder/boxoffice.log"; exit 1; }; done

status=0
build/bench/crowd --people "$people" --port $port --sale bench --postgres "$postgres" --supervisor $server --seed "$seed" --limit "$limit" \
    --think "$think" >"$folder/report" || status=$?
grep -v '"level":"info"' "$folder/boxoffice.log" | head -20 >&2 || true
cat "$folder/report"
exit $status
