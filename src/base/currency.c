/* SPDX-License-Identifier: Apache-2.0 */
#include "base/currency.h"

#include <stddef.h>
#include <string.h>

#define DIGITS_UNKNOWN 2

static const struct currency {
    char code[4];
    int digits;
    int64_t minimum;
    int stripe_digits, stripe_step;
} currencies[] = {
#define X(code, digits, minimum, stripe_digits, stripe_step) {#code, digits, minimum, stripe_digits, stripe_step},
#include "base/currency.def"
#undef X
};

static const char digits_json[] = "{\"\":2" /* so that a comma may stand before each */
#define X(code, digits, minimum, stripe_digits, stripe_step) ",\"" #code "\":" #digits
#include "base/currency.def"
#undef X
                                  "}";

static const struct currency *find(const char *code) {
    for (size_t i = 0; i < sizeof(currencies) / sizeof(currencies[0]); i++)
        if (strcmp(currencies[i].code, code) == 0) return &currencies[i];
    return NULL;
}

bool bo_currency_is_known(const char *code) { return find(code) != NULL; }

int bo_currency_digits(const char *code) {
    const struct currency *c = find(code);
    return c ? c->digits : DIGITS_UNKNOWN;
}

int64_t bo_currency_minimum(const char *code) {
    const struct currency *c = find(code);
    return c ? c->minimum : 0;
}

const char *bo_currency_digits_json(void) { return digits_json; }

/* amount with digits behind the point, as it is written with to of them. */
static bool rescale(int64_t amount, int digits, int to, int64_t *ret) {
    for (; digits < to; digits++)
        if (__builtin_mul_overflow(amount, 10, &amount)) return false;
    for (; digits > to; digits--) {
        if (amount % 10) return false;
        amount /= 10;
    }
    *ret = amount;
    return true;
}

bool bo_currency_to_stripe(const char *code, int64_t amount, int64_t *ret) {
    const struct currency *c = find(code);
    int64_t scaled = amount;
    if (c && (!rescale(amount, c->digits, c->stripe_digits, &scaled) || scaled % c->stripe_step)) return false;
    *ret = scaled;
    return true;
}

int64_t bo_currency_stripe_step(const char *code) {
    int64_t step = 1, there;
    while (!bo_currency_to_stripe(code, step, &there)) step *= 10; /* all steps are powers of ten */
    return step;
}

bool bo_currency_from_stripe(const char *code, int64_t amount, int64_t *ret) {
    const struct currency *c = find(code);
    int digits = c ? c->stripe_digits : 0, to = c ? c->digits : 0;
    int64_t unit = 1;
    for (; digits > to; digits--) unit *= 10;
    bool whole = amount % unit == 0;
    amount = amount / unit + (!whole && amount > 0);
    if (rescale(amount, digits, to, ret)) return whole;
    *ret = INT64_MAX; /* more than can be counted */
    return false;
}
