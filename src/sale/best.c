/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/best.h"

#include <string.h>

struct proposals {
    size_t count;
    struct {
        double distance;
        uint32_t first;
    } items[BO_BEST_MAX];
};

static void propose(struct proposals *p, double distance, uint32_t first) {
    size_t at = p->count;
    if (at == BO_BEST_MAX && p->items[at - 1].distance <= distance) return;
    if (at == BO_BEST_MAX) at--;
    for (; at > 0 && p->items[at - 1].distance > distance; at--) p->items[at] = p->items[at - 1];
    p->items[at].distance = distance;
    p->items[at].first = first;
    if (p->count < BO_BEST_MAX) p->count++;
}

struct filter {
    const struct bo_best_wish *wish;
    const struct bo_plan *plan;
    const char *states;
    bool category_fits[BO_CATEGORIES_MAX];
};

static void look_at_categories(struct filter *f) {
    for (size_t i = 0; i < f->plan->category_count; i++) {
        const struct bo_category *c = &f->plan->categories[i];
        f->category_fits[i] = c->price <= f->wish->price_max && (!f->wish->category || strcmp(bo_plan_text(f->plan, c->name), f->wish->category) == 0);
    }
}

static bool fits(const struct filter *f, uint32_t i) {
    const struct bo_seat *seat = &f->plan->seats[i];
    return f->states[i] == '0' && (seat->kind == BO_SEAT_ACCESSIBLE) == f->wish->accessible && seat->kind != BO_SEAT_COMPANION && f->category_fits[seat->category];
}

/* Of their middle from the stage, squared: only which is nearer counts. */
static double distance_of(const struct filter *f, uint32_t first) {
    const struct bo_seat *left = &f->plan->seats[first], *right = left + f->wish->count - 1;
    double x = ((double)left->x + (double)right->x) / 2 - f->wish->stage_x, y = ((double)left->y + (double)right->y) / 2 - f->wish->stage_y;
    return x * x + y * y;
}

/* Of the free seats from begin to end, which lie in one row and fit: may those from first on be taken? One seat too many cannot be
 * helped. */
static bool leaves_no_single(const struct filter *f, uint32_t begin, uint32_t end, uint32_t first) {
    size_t spare = end - begin - f->wish->count;
    return !f->wish->no_single || spare <= 1 || (first - begin != 1 && end - first - f->wish->count != 1);
}

/* The best place in a run, and others beside it, each by its distance. */
static void look_at_run(const struct filter *f, uint32_t begin, uint32_t end, struct proposals *p) {
    uint32_t count = (uint32_t)f->wish->count, best = UINT32_MAX;
    double nearest = 0;
    for (uint32_t first = begin; first + count <= end; first++) {
        double distance = distance_of(f, first);
        if (!leaves_no_single(f, begin, end, first) || (best != UINT32_MAX && distance >= nearest)) continue;
        best = first;
        nearest = distance;
    }
    if (best == UINT32_MAX) return;
    propose(p, nearest, best);
    for (uint32_t first = best; first >= begin + count;) {
        first -= count;
        if (leaves_no_single(f, begin, end, first)) propose(p, distance_of(f, first), first);
    }
    for (uint32_t first = best + count; first + count <= end; first += count)
        if (leaves_no_single(f, begin, end, first)) propose(p, distance_of(f, first), first);
}

static void look_at_row(const struct filter *f, const struct bo_row *row, struct proposals *p) {
    uint32_t end = bo_plan_row_end(f->plan, row);
    for (uint32_t i = row->first; i < end; i++) {
        uint32_t begin = i;
        while (i < end && fits(f, i)) i++;
        if (i > begin) look_at_run(f, begin, i, p);
    }
}

size_t bo_best_find(const struct bo_plan *plan, const char *states, const struct bo_best_wish *wish, uint32_t ret[BO_BEST_MAX]) {
    struct filter f = {.wish = wish, .plan = plan, .states = states};
    struct proposals p = {0};
    look_at_categories(&f);
    for (size_t r = 0; r < plan->row_count; r++)
        if (!wish->zone || strcmp(bo_plan_text(plan, plan->rows[r].zone), wish->zone) == 0) look_at_row(&f, &plan->rows[r], &p);
    for (size_t i = 0; i < p.count; i++) ret[i] = p.items[i].first;
    return p.count;
}

bool bo_best_makes_sense(const struct bo_plan *plan, const struct bo_best_wish *wish) {
    bool category = !wish->category, zone = !wish->zone;
    for (size_t i = 0; i < plan->category_count && !category; i++) category = strcmp(bo_plan_text(plan, plan->categories[i].name), wish->category) == 0;
    for (size_t r = 0; r < plan->row_count && !zone; r++) zone = strcmp(bo_plan_text(plan, plan->rows[r].zone), wish->zone) == 0;
    return category && zone;
}
