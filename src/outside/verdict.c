/* SPDX-License-Identifier: Apache-2.0 */
#include "outside/verdict.h"

#include <stddef.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The first row that fits counts; a status in no row is a failure. */
struct row {
    long from, to;
    enum bo_verdict verdict;
};

/* 408, 425 and 429 ask to come back later (RFC 9110, 8470, 6585). */
static const struct row http[] = {
    {200, 299, BO_VERDICT_DONE},   {408, 408, BO_VERDICT_FAILED},  {425, 425, BO_VERDICT_FAILED},
    {429, 429, BO_VERDICT_FAILED}, {400, 499, BO_VERDICT_REFUSED},
};
/* Stripe's 409: a call with the same idempotency key is still under way. */
static const struct row stripe[] = {
    {200, 299, BO_VERDICT_DONE},   {408, 409, BO_VERDICT_FAILED},  {425, 425, BO_VERDICT_FAILED},
    {429, 429, BO_VERDICT_FAILED}, {400, 499, BO_VERDICT_REFUSED},
};
/* 4xx of a mail server means "try again later", 5xx is final (RFC 5321, 4.2.1). */
static const struct row smtp[] = {
    {200, 399, BO_VERDICT_DONE},
    {500, 599, BO_VERDICT_REFUSED},
};

enum bo_verdict bo_verdict_of(enum bo_dialect dialect, long status) {
    static const struct {
        const struct row *rows;
        size_t count;
    } tables[] = {[BO_DIALECT_HTTP] = {http, COUNT(http)}, [BO_DIALECT_STRIPE] = {stripe, COUNT(stripe)}, [BO_DIALECT_SMTP] = {smtp, COUNT(smtp)}};
    for (size_t i = 0; i < tables[dialect].count; i++) {
        const struct row *row = &tables[dialect].rows[i];
        if (status >= row->from && status <= row->to) return row->verdict;
    }
    return BO_VERDICT_FAILED;
}
