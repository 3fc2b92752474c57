/* SPDX-License-Identifier: Apache-2.0
 * What the domain needs from outside, as structs of functions. The domain (line, sale, order) calls these and
 * knows nothing of Redis, PostgreSQL, HTTP or the event loop; main wires real ones, unit tests wire fakes. */
#ifndef BOXOFFICE_PORTS_H
#define BOXOFFICE_PORTS_H

#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value read from a store: a number, a text or a list. Valid only during the callback it is given to. */
enum bo_value_kind { BO_VALUE_NIL, BO_VALUE_NUMBER, BO_VALUE_TEXT, BO_VALUE_LIST };
struct bo_value {
    enum bo_value_kind kind;
    int64_t number;
    const char *text;
    size_t length; /* of the text in bytes, or of the list in items */
    const struct bo_value *items;
};

/* Item i of a list as number or text; 0 and "" where there is none. */
int64_t bo_value_number(const struct bo_value *list, size_t i);
const char *bo_value_text(const struct bo_value *list, size_t i);
const struct bo_value *bo_value_item(const struct bo_value *list, size_t i);

struct bo_arg {
    const char *text;
    size_t length;
};

/* Called exactly once per call. err is 0, what the script answered, or BO_ERR_UNAVAILABLE when the store did not
 * answer in time (the decision may or may not have been made); value is NULL on BO_ERR_UNAVAILABLE. */
typedef void (*bo_store_cb)(void *arg, int err, const struct bo_value *value);

/* Runs one script of lua/ on one sale. The arguments are copied before the call returns; cb may run before it
 * returns. */
struct bo_store {
    void (*run)(void *self, const char *script, const char *sale, const struct bo_arg *args, size_t count, bo_store_cb cb,
                void *arg);
    void *self;
};

struct bo_clock {
    bo_ms (*now)(void *self);
    void *self;
};

/* The payment service. Calls may be repeated with the same order, or the same key of a refund, without a second effect; amount of a
 * refund may be less than was paid. The callback is called exactly once, with 0, BO_ERR_PAYMENT_REFUSED (a final no, rule X6) or
 * BO_ERR_PAYMENT_UNAVAILABLE (worth repeating); its payment is valid only meanwhile. */
struct bo_payment_order {
    const char *order, *sale, *currency;
    bo_money amount;
};
/* whole: it came in vain and goes back as it came, whatever of it can be said in amount. */
struct bo_payment_refund {
    const char *key, *payment, *currency;
    bo_money amount;
    bool whole;
};
struct bo_payment {
    const char *id;
    const char *url;           /* where the person pays; "": on a page of the site's own, */
    const char *client_secret; /* with this; "": not needed */
    const char *problem;       /* what the service said to a call that it refused; "" else */
};
typedef void (*bo_payment_cb)(void *arg, int err, const struct bo_payment *payment);
struct bo_payments {
    void (*create)(void *self, const struct bo_payment_order *order, bo_payment_cb cb, void *arg);
    /* It can no longer be paid. Refused: it is paid or cancelled already, or this service cancels nothing. */
    void (*cancel)(void *self, const char *payment, bo_payment_cb cb, void *arg);
    void (*refund)(void *self, const struct bo_payment_refund *refund, bo_payment_cb cb, void *arg);
    void *self;
};

#endif
