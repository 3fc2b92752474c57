/* SPDX-License-Identifier: Apache-2.0
 * The payment service over HTTP (libcurl on the libuv loop). What it has to answer is in docs/openapi.yaml. Each request carries
 * X-Boxoffice-Time (seconds) and X-Boxoffice-Signature, the hex HMAC-SHA256 of "<time>.<body>"; its webhooks carry the same.
 * After five failures in a row nothing is sent for two seconds and every call fails at once (circuit breaker). */
#ifndef BO_EDGE_PAYMENTS_H
#define BO_EDGE_PAYMENTS_H

#include "boxoffice/ports.h"
#include "config/config.h"
#include "line/brake.h"

#include <stdbool.h>
#include <uv.h>

struct bo_payment_client;

/* config must stay; payment_url may change while running. brake is told how calls went. */
struct bo_payment_client *bo_payment_client_open(uv_loop_t *loop, const struct bo_config *config, struct bo_brake *brake);
struct bo_payments bo_payment_client_port(struct bo_payment_client *client);
void bo_payment_client_close(struct bo_payment_client *client); /* everything pending fails */

/* Is this the signature of body, made within the last five minutes of now_s? */
bool bo_payment_signature_ok(const char *secret, const char *time, const char *signature, const char *body, size_t length,
                             int64_t now_s);

#endif
