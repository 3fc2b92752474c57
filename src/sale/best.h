/* SPDX-License-Identifier: Apache-2.0
 * The best seats together that are free, by the map a gateway knows. Only a proposal: whether they are free decides the script. */
#ifndef BO_SALE_BEST_H
#define BO_SALE_BEST_H

#include "sale/plan.h"

#define BO_BEST_MAX 16 /* proposals in one call: as many others may take the best seats meanwhile */

struct bo_best_wish {
    size_t count;            /* seats side by side in one row, 1 to BO_HOLD_MAX */
    const char *category;    /* NULL: any */
    const char *zone;        /* NULL: any */
    bo_money price_max;      /* of one seat; BO_MONEY_MAX: any */
    bool accessible;         /* only seats that are; else none of them */
    bool no_single;          /* leave no free seat alone between others where it can be avoided */
    double stage_x, stage_y; /* nearer to it is better; in the plan's coordinates */
};

/* The index of the first seat of each proposal, the best first; none shares a seat with another. states: one character for each seat,
 * '0' where it is free. Returns how many there are, at most BO_BEST_MAX. Looks at every seat: some 100 µs for 50,000. */
size_t bo_best_find(const struct bo_plan *plan, const char *states, const struct bo_best_wish *wish, uint32_t ret[BO_BEST_MAX]);

/* False when the plan has no category, or no zone, of that name. */
bool bo_best_makes_sense(const struct bo_plan *plan, const struct bo_best_wish *wish);

#endif
