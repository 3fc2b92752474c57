/* SPDX-License-Identifier: Apache-2.0
 * The payment service, in two languages (payment_kind): "service", that of docs/openapi.yaml, which examples/payment speaks; and "stripe",
 * Stripe's API of payment intents (https://docs.stripe.com/api/payment_intents), with payment_url as the base address.
 * Both are told what went wrong by the brake, and left alone for a while by a circuit breaker after failures in a row. */
#ifndef BO_OUTSIDE_PAYMENTS_H
#define BO_OUTSIDE_PAYMENTS_H

#include "boxoffice/ports.h"
#include "config/config.h"
#include "line/brake.h"

#include <stdbool.h>
#include <uv.h>

struct bo_payment_client;

/* config must stay; payment_url may change while running. */
struct bo_payment_client *bo_payment_client_open(uv_loop_t *loop, const struct bo_config *config, struct bo_brake *brake);
struct bo_payments bo_payment_client_port(struct bo_payment_client *client);
void bo_payment_client_close(struct bo_payment_client *client); /* everything pending fails */

/* What a webhook says, however the service writes it. */
struct bo_payment_event {
    char sale[BO_ID_MAX + 1], order[BO_ID_MAX + 1], payment[BO_ID_MAX + 1];
    bool paid; /* else declined */
    bo_money amount;
    bool uneven; /* amount is rounded up: what came is no whole sum in the currency's smallest unit */
    char currency[4];
    bool nothing; /* true, but nothing that concerns an order of ours: to be answered with success */
    bool shared;  /* the account may be others', too: a sale that does not exist is then nothing of ours */
    bool stamped; /* surely made by this installation */
    const char *problem; /* what is wrong with it; "" where the error says all. Static storage */
};

/* Reads a webhook whose signature is right. time and signature: of X-Boxoffice-Time and X-Boxoffice-Signature, or "" and
 * Stripe-Signature. Returns BO_ERR_WEBHOOK_FORGED, BO_ERR_BAD_JSON, BO_ERR_BAD_MESSAGE or 0. */
int bo_payment_read_webhook(const struct bo_config *config, const char *time, const char *signature, const char *body, size_t length, int64_t now_s,
                            struct bo_payment_event *ret) BO_CHECKED;

/* Is this the hex HMAC-SHA256 of "<time>.<body>", made within five minutes of now_s? */
bool bo_payment_signature_ok(const char *secret, const char *time, const char *signature, const char *body, size_t length, int64_t now_s);

/* The same of a Stripe-Signature header, "t=<time>,v1=<signature>,…": one of the v1 has to fit
 * (https://docs.stripe.com/webhooks#verify-manually). */
bool bo_stripe_signature_ok(const char *secret, const char *header, const char *body, size_t length, int64_t now_s);

#endif
