/* SPDX-License-Identifier: Apache-2.0
 * A seating plan, read from the open JSON format of pretix (rule S4): zones hold rows, rows hold seats, each seat has a
 * guid and a category. Seats are numbered from 0 in the order of the file; that number is the seat's index in Redis. */
#ifndef BO_SALE_PLAN_H
#define BO_SALE_PLAN_H

#include "base/buffer.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>
#include <stdbool.h>

/* Every gateway of a server keeps every plan, so this is kept small: texts lie one behind the other, and offsets name them. */
struct bo_seat {
    uint32_t guid, number; /* bo_plan_text; number, and of its row zone and name, as the plan has them, "" where it does not */
    float x, y;
    uint32_t row; /* in plan->rows */
    uint16_t category;
    uint8_t kind; /* enum bo_seat_kind */
};

/* companion: beside an accessible one, for who comes along. */
enum bo_seat_kind { BO_SEAT_ORDINARY, BO_SEAT_ACCESSIBLE, BO_SEAT_COMPANION };

struct bo_row {
    uint32_t zone, name; /* bo_plan_text */
    uint32_t first;      /* index of its first seat; its seats follow in the order in which they stand */
};

struct bo_category {
    uint32_t name, color; /* bo_plan_text */
    bo_money price;
};

struct bo_plan {
    struct bo_buffer texts;
    uint32_t name;
    double width, height;
    struct bo_row *rows;
    size_t row_count;
    struct bo_seat *seats;
    size_t seat_count;
    struct bo_category *categories;
    size_t category_count;
    uint32_t *by_guid; /* hash table with open addressing: 1 + index of the seat, 0 for none */
    uint32_t by_guid_mask;
};

#define BO_CATEGORIES_MAX 1000

/* prices maps each category's name to its price. On BO_ERR_BAD_PLAN problem says where in the file and what is wrong. Limits: 1 to
 * BO_SEATS_MAX seats, guids of 1 to BO_ID_MAX characters, no guid twice, prices 0 to BO_MONEY_MAX. */
int bo_plan_read(const json_t *json, const json_t *prices, struct bo_plan **ret, struct bo_buffer *problem) BO_CHECKED;
void bo_plan_free(struct bo_plan *plan);

/* Other prices for the same seats; the plan stays as it was on BO_ERR_BAD_PLAN. */
int bo_plan_set_prices(struct bo_plan *plan, const json_t *prices, bool *ret_changed, struct bo_buffer *problem) BO_CHECKED;

static inline uint32_t bo_plan_index(const struct bo_plan *plan, const struct bo_seat *seat) { return (uint32_t)(seat - plan->seats); }

/* One behind the index of its last seat. */
static inline uint32_t bo_plan_row_end(const struct bo_plan *plan, const struct bo_row *row) {
    return (size_t)(row - plan->rows) + 1 < plan->row_count ? row[1].first : (uint32_t)plan->seat_count;
}

static inline const char *bo_plan_text(const struct bo_plan *plan, uint32_t offset) { return plan->texts.data + offset; }

/* NULL when there is none. */
const struct bo_seat *bo_plan_find(const struct bo_plan *plan, const char *guid);

/* What a browser needs to draw and price the map, as JSON text: name, size, currency, categories with prices, and every seat in order of
 * its index as [guid, zone, row, number, category, x, y], and "accessible" or "companion" behind it where it is that. */
void bo_plan_print(const struct bo_plan *plan, const char *currency, struct bo_buffer *out);

#endif
