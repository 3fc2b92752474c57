/* SPDX-License-Identifier: Apache-2.0
 * A seating plan, read from the open JSON format of pretix (rule S4): zones hold rows, rows hold seats, each seat has a
 * guid and a category. Seats are numbered from 0 in the order of the file; that number is the seat's index in Redis. */
#ifndef BO_SALE_PLAN_H
#define BO_SALE_PLAN_H

#include "base/buffer.h"
#include "base/table.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>

struct bo_seat {
    struct bo_table_link by_guid;
    const char *guid;
    const char *zone, *row, *number; /* as the plan names them, "" where it does not */
    uint32_t index;
    uint32_t category;
};

struct bo_category {
    const char *name;
    const char *color;
    bo_money price;
};

struct bo_plan {
    json_t *json; /* owns every text */
    struct bo_seat *seats;
    size_t seat_count;
    struct bo_category *categories;
    size_t category_count;
    struct bo_table guids;
};

/* prices maps each category's name to its price. Keeps a reference to json. On BO_ERR_BAD_PLAN problem says where in the file and
 * what is wrong. Limits: 1 to BO_SEATS_MAX seats, guids of 1 to BO_ID_MAX characters, no guid twice, prices 0 to BO_MONEY_MAX. */
int bo_plan_read(json_t *json, const json_t *prices, struct bo_plan **ret, struct bo_buffer *problem) BO_CHECKED;
void bo_plan_free(struct bo_plan *plan);

/* NULL when there is none. */
const struct bo_seat *bo_plan_find(const struct bo_plan *plan, const char *guid);

/* What a browser needs to draw and price the map, as JSON text: name, size, currency, categories with prices, and every seat in order of
 * its index as [guid, zone, row, number, category, x, y]. */
void bo_plan_print(const struct bo_plan *plan, const char *currency, struct bo_buffer *out);

#endif
