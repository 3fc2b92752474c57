/* SPDX-License-Identifier: Apache-2.0
 * Whether a sale may be made, or its settings changed, as an operator asks for it. Stricter than reading one (settings.h, plan.h):
 * a sale that exists already is read as it is, so that a rule made since then never takes a running sale away. */
#ifndef BO_SALE_CHECK_H
#define BO_SALE_CHECK_H

#include "base/buffer.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>
#include <stdbool.h>

/* settings: all of them, with what is changed; changed: an object whose members were named, NULL: the sale is new;
 * stripe: payments are made by Stripe. On an error
 * problem says which member is wrong and what is allowed. */
int bo_sale_check(const json_t *settings, const json_t *changed, json_t *plan, bool stripe, struct bo_buffer *problem) BO_CHECKED;

/* A price is 0 or at least the least sum that can be charged (rule O6), and with stripe one that Stripe takes; what names it:
 * "prices: category \"A\"". */
int bo_price_check(const char *currency, const char *what, bo_money price, bool stripe, struct bo_buffer *problem) BO_CHECKED;

/* Only that Stripe takes it, as it has to be of the step between two prices. */
int bo_price_check_step(const char *currency, const char *what, bo_money price, struct bo_buffer *problem) BO_CHECKED;

#endif
