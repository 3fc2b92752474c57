#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds boxoffice and starts it with an example sale and an example payment service. Ctrl-C stops everything.
# usage: examples/demo.sh [--crowd N] [--port 8080] [--data FOLDER]
set -eu
cd "$(dirname "$0")/.."

crowd=0 port=8080 data=""
while [ $# -gt 0 ]; do
    case $1 in
        --crowd) crowd=$2; shift 2 ;;
        --port) port=$2; shift 2 ;;
        --data) data=$2; shift 2 ;;
        *) echo "usage: examples/demo.sh [--crowd N] [--port 8080] [--data FOLDER]" >&2; exit 2 ;;
    esac
done

sh examples/install.sh run
[ -f build/build.ninja ] || meson setup build --buildtype=release >/dev/null
ninja -C build >/dev/null

payment_port=$((port + 10))
BOXOFFICE_PAYMENT_URL=http://127.0.0.1:$payment_port
BOXOFFICE_PAYMENT_SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
BOXOFFICE_PUBLIC_URL=http://localhost:$port
PAYMENT_SECRET=$BOXOFFICE_PAYMENT_SECRET
export BOXOFFICE_PAYMENT_URL BOXOFFICE_PAYMENT_SECRET BOXOFFICE_PUBLIC_URL PAYMENT_SECRET

children=""
stop() {
    trap - INT TERM EXIT
    # shellcheck disable=SC2086
    [ -z "$children" ] || kill $children 2>/dev/null || true
    wait
}
trap stop EXIT
trap 'stop; exit 0' INT TERM

node examples/payment/server.mjs --port "$payment_port" --public-url "http://localhost:$payment_port" &
children="$!"
build/src/boxoffice dev --port "$port" --admin-port $((port + 1)) ${data:+--data "$data"} &
server=$!
children="$children $server"

if [ "$crowd" -gt 0 ]; then
    until curl -fs -o /dev/null "http://127.0.0.1:$port/api/sales/demo"; do
        kill -0 "$server" || exit 1
        read -r _ < /proc/uptime # a moment; curl itself takes the time
    done
    build/bench/crowd --visit --port "$port" --sale demo --people "$crowd" --pay-url "http://127.0.0.1:$payment_port" &
    children="$children $!"
fi
wait "$server"
