/* SPDX-License-Identifier: Apache-2.0
 * What is known of currencies: the one table of src/base/currency.def. */
#ifndef BO_BASE_CURRENCY_H
#define BO_BASE_CURRENCY_H

#include "boxoffice/error.h"

#include <stdbool.h>
#include <stdint.h>

bool bo_currency_is_known(const char *code);

/* Digits behind the point by ISO 4217; 2 for a code that is not in the table, which old sales may have. */
int bo_currency_digits(const char *code);

/* The least sum that can be charged, in the smallest unit; 0: none known. A sum of 0 needs no charge. */
int64_t bo_currency_minimum(const char *code);

/* The amount as Stripe counts it. False: it cannot be said there (half an ariary, a single fils); *ret is left alone. */
bool bo_currency_to_stripe(const char *code, int64_t amount, int64_t *ret) BO_CHECKED;

/* What an amount must be a multiple of to be charged by Stripe; 1: any can be. */
int64_t bo_currency_stripe_step(const char *code);

/* Back from there. False: it is no whole sum here (half a krona); *ret is then the next larger one. */
bool bo_currency_from_stripe(const char *code, int64_t amount, int64_t *ret) BO_CHECKED;

/* {"AED":2,…}: the digits of all of them as JSON, for a query in which only PostgreSQL knows the currency. */
const char *bo_currency_digits_json(void);

#endif
