/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/check.h"

#include "base/currency.h"
#include "base/zone.h"
#include "sale/plan.h"
#include "sale/settings.h"

#include <inttypes.h>
#include <stdio.h>

/* Stripe counts some currencies in other units (src/base/currency.def). */
int bo_price_check_step(const char *currency, const char *what, bo_money price, struct bo_buffer *problem) {
    int64_t there, step = bo_currency_stripe_step(currency);
    if (bo_currency_to_stripe(currency, price, &there)) return 0;
    bo_buffer_printf(problem, "%s: %" PRId64 " cannot be charged by Stripe, which takes multiples of %" PRId64 " in %s (in its smallest unit, %d digits)",
                     what, price, step, currency, bo_currency_digits(currency));
    return BO_ERR_BAD_SETTING;
}

int bo_price_check(const char *currency, const char *what, bo_money price, bool stripe, struct bo_buffer *problem) {
    int64_t minimum = bo_currency_minimum(currency);
    if (price == 0 || price >= minimum) return stripe ? bo_price_check_step(currency, what, price, problem) : 0;
    bo_buffer_printf(problem,
                     "%s: %" PRId64 " is less than the least sum that can be charged in %s, which is %" PRId64
                     " in its smallest unit (%d digits); set 0 for free, or %" PRId64 " and more",
                     what, price, currency, minimum, bo_currency_digits(currency), minimum);
    return BO_ERR_BAD_SETTING;
}

static int check_currency(const char *currency, struct bo_buffer *problem) {
    if (bo_currency_is_known(currency)) return 0;
    bo_buffer_printf(problem, "currency: \"%s\" is not a currency in use by ISO 4217; allowed are its codes, like EUR", currency);
    return BO_ERR_BAD_SETTING;
}

/* What a seat of this category costs by the tariff. */
static int check_reduced(const struct bo_settings *s, const struct bo_tariff *tariff, const char *category, bo_money full,
                         bool stripe, struct bo_buffer *problem) {
    struct bo_buffer what = {0};
    if (tariff->percent < 0)
        bo_buffer_printf(&what, "tariffs: the price of \"%s\"", tariff->name);
    else
        bo_buffer_printf(&what, "tariffs: %d %% by \"%s\" of category \"%s\"", (int)tariff->percent, tariff->name, category);
    int err = bo_price_check(s->currency, what.data, bo_tariff_price(tariff, full), stripe, problem);
    bo_buffer_free(&what);
    return err;
}

static int check_prices(const struct bo_settings *s, const struct bo_plan *plan, bool stripe, struct bo_buffer *problem) {
    int err = 0;
    for (size_t i = 0; i < plan->category_count && !err; i++) {
        const struct bo_category *c = &plan->categories[i];
        const char *name = bo_plan_text(plan, c->name);
        struct bo_buffer what = {0};
        bo_buffer_printf(&what, "prices: category \"%s\"", name);
        err = bo_price_check(s->currency, what.data, c->price, stripe, problem);
        bo_buffer_free(&what);
        for (int k = 0; k < s->tariff_count && !err; k++)
            err = check_reduced(s, &s->tariffs[k], name, c->price, stripe, problem);
    }
    return err;
}

static bool names(const json_t *changed, const char *member) { return !changed || json_object_get(changed, member); }

int bo_sale_check(const json_t *settings, const json_t *changed, json_t *plan, bool stripe, struct bo_buffer *problem) {
    struct bo_settings s;
    struct bo_plan *read = NULL;
    bool currency = names(changed, "currency"), prices = currency || names(changed, "prices") || names(changed, "tariffs");
    int err = changed ? bo_settings_read(changed, &s, problem) : 0;
    if (!err) err = changed ? bo_settings_read_stored(settings, &s, problem) : bo_settings_read(settings, &s, problem);
    if (!err && names(changed, "time_zone")) err = bo_zone_check(s.time_zone, problem);
    if (!err && currency) err = check_currency(s.currency, problem);
    if (!err) err = bo_plan_read(plan, json_object_get(settings, "prices"), &read, problem);
    if (!err && prices) err = check_prices(&s, read, stripe, problem);
    bo_plan_free(read);
    return err;
}
