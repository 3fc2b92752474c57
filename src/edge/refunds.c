/* SPDX-License-Identifier: Apache-2.0
 * Gives back money that was paid in vain (rule O1). What is due stands in PostgreSQL; one gateway at a time leases a few
 * for 30 s, asks the payment service, and marks what is done. A refund that fails is tried again after its lease. */
#include "edge/refunds.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

struct refund {
    struct bo_gateway *gateway;
    char key[BO_REFUND_KEY_MAX + 1];
};

static void marked(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)arg;
    (void)rows;
    if (err) bo_log_warn("a refund was made but could not be marked (%s); it is asked for again, which changes nothing", state);
}

static void refunded(void *arg, int err, const struct bo_payment *payment) {
    (void)payment;
    struct refund *r = arg;
    if (!err) {
        BO_CRASH_POINT(refund_made);
        bo_metric_add(BO_METRIC_refunds, 1);
        const char *params[] = {r->key};
        bo_queue_run(r->gateway->postgres, "UPDATE refunds SET status = 'done' WHERE key = $1", params, 1, marked, NULL);
    }
    free(r);
}

static void leased(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->refunding = false;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        struct refund *r = bo_alloc(sizeof(*r));
        r->gateway = gateway;
        const char *key = bo_rows_text(rows, i, 0);
        memcpy(r->key, key, strnlen(key, BO_REFUND_KEY_MAX));
        gateway->payments.refund(gateway->payments.self, r->key, bo_rows_text(rows, i, 1), bo_rows_number(rows, i, 2), refunded, r);
    }
}

void bo_refunds_make(struct bo_gateway *gateway) {
    if (gateway->refunding || !*gateway->config.payment_url || !bo_queue_is_up(gateway->postgres)) return;
    gateway->refunding = true;
    bo_queue_run(gateway->postgres,
                 "UPDATE refunds SET next_at = now() + interval '30 s', attempts = attempts + 1 WHERE (sale, order_id, id) IN (SELECT sale, order_id, id FROM"
                 " refunds WHERE status = 'due' AND next_at <= now() ORDER BY next_at LIMIT 20 FOR UPDATE SKIP LOCKED)"
                 " RETURNING key, payment, amount",
                 NULL, 0, leased, gateway);
}
