/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/plan.h"

#include "base/currency.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static uint32_t keep(struct bo_plan *plan, const char *text) {
    uint32_t offset = (uint32_t)plan->texts.length;
    bo_buffer_add(&plan->texts, text, strlen(text) + 1);
    return offset;
}

static int read_price(const char *category, const json_t *prices, bo_money *ret, struct bo_buffer *problem) {
    const json_t *price = json_object_get(prices, category);
    if (!json_is_integer(price) || json_integer_value(price) < 0 || json_integer_value(price) > BO_MONEY_MAX) {
        bo_buffer_printf(problem, "prices: category \"%s\" needs a price, a whole number of the currency's smallest unit from 0 to %lld", category,
                         (long long)BO_MONEY_MAX);
        return BO_ERR_BAD_PLAN;
    }
    *ret = json_integer_value(price);
    return 0;
}

int bo_plan_set_prices(struct bo_plan *plan, const json_t *prices, bool *ret_changed, struct bo_buffer *problem) {
    bo_money checked;
    *ret_changed = false;
    for (size_t i = 0; i < plan->category_count; i++) {
        int err = read_price(bo_plan_text(plan, plan->categories[i].name), prices, &checked, problem);
        if (err) return err;
    }
    for (size_t i = 0; i < plan->category_count; i++) {
        struct bo_category *c = &plan->categories[i];
        bo_money price = json_integer_value(json_object_get(prices, bo_plan_text(plan, c->name)));
        *ret_changed |= price != c->price;
        c->price = price;
    }
    return 0;
}

static int read_categories(struct bo_plan *plan, const json_t *json, const json_t *prices, struct bo_buffer *problem) {
    const json_t *list = json_object_get(json, "categories");
    plan->category_count = json_array_size(list);
    if (plan->category_count == 0 || plan->category_count > BO_CATEGORIES_MAX) {
        bo_buffer_printf(problem, "categories: the plan needs a list of 1 to %d categories with a name", BO_CATEGORIES_MAX);
        return BO_ERR_BAD_PLAN;
    }
    plan->categories = bo_alloc(plan->category_count * sizeof(*plan->categories));
    for (size_t i = 0; i < plan->category_count; i++) {
        const json_t *one = json_array_get(list, i);
        struct bo_category *c = &plan->categories[i];
        const char *name = text_of(one, "name");
        c->name = keep(plan, name);
        c->color = keep(plan, text_of(one, "color"));
        if (!*name) {
            bo_buffer_printf(problem, "categories[%zu].name: a category needs a name", i);
            return BO_ERR_BAD_PLAN;
        }
        if (read_price(name, prices, &c->price, problem)) return BO_ERR_BAD_PLAN;
    }
    return 0;
}

static int find_category(const struct bo_plan *plan, const char *name) {
    for (size_t i = 0; i < plan->category_count; i++)
        if (strcmp(bo_plan_text(plan, plan->categories[i].name), name) == 0) return (int)i;
    return -1;
}

/* Where the seat of this guid stands in the hash table, or the free place where it belongs. */
static uint32_t *place_of(const struct bo_plan *plan, const char *guid) {
    uint32_t at = (uint32_t)bo_text_hash(guid) & plan->by_guid_mask;
    while (plan->by_guid[at] && strcmp(bo_plan_text(plan, plan->seats[plan->by_guid[at] - 1].guid), guid) != 0) at = (at + 1) & plan->by_guid_mask;
    return &plan->by_guid[at];
}

static const json_t *position_of(const json_t *object) { return json_object_get(object, "position"); }

static double coordinate(const json_t *object, const char *axis) {
    return json_number_value(json_object_get(position_of(object), axis));
}

/* Where in the file a seat stands, and where its row does in the hall. */
struct where {
    size_t zone, row;
    double x, y;
};

static const char *const kinds[] = {"", "accessible", "companion"};

/* -1: a word that is none. */
static int kind_of(const json_t *seat) {
    for (int i = 0; i < 3; i++)
        if (strcmp(text_of(seat, "kind"), kinds[i]) == 0) return i;
    return -1;
}

static int add_seat(struct bo_plan *plan, const struct where *row, const json_t *json, size_t index, struct bo_buffer *problem) {
    const char *guid = text_of(json, "seat_guid");
    int category = find_category(plan, text_of(json, "category")), kind = kind_of(json);
    char where[96];
    snprintf(where, sizeof(where), "zones[%zu].rows[%zu].seats[%zu]", row->zone, row->row, index);
    if (!*guid || strlen(guid) > BO_ID_MAX)
        bo_buffer_printf(problem, "%s.seat_guid: a text of 1 to %d characters is needed", where, BO_ID_MAX);
    else if (*place_of(plan, guid))
        bo_buffer_printf(problem, "%s.seat_guid: \"%s\" is there twice", where, guid);
    else if (category < 0)
        bo_buffer_printf(problem, "%s.category: \"%s\" is not among the categories", where, text_of(json, "category"));
    else if (kind < 0)
        bo_buffer_printf(problem, "%s.kind: \"%s\" is neither \"accessible\" nor \"companion\"", where, text_of(json, "kind"));
    else if (!json_is_number(json_object_get(position_of(json), "x")) || !json_is_number(json_object_get(position_of(json), "y")))
        bo_buffer_printf(problem, "%s.position: numbers x and y are needed", where);
    if (problem->length) return BO_ERR_BAD_PLAN;
    struct bo_seat *seat = &plan->seats[plan->seat_count];
    *seat = (struct bo_seat){.guid = keep(plan, guid), .number = keep(plan, text_of(json, "seat_number")), .row = (uint32_t)plan->row_count - 1, .x = (float)(row->x + coordinate(json, "x")),
                             .y = (float)(row->y + coordinate(json, "y")), .category = (uint16_t)category, .kind = (uint8_t)kind};
    *place_of(plan, guid) = (uint32_t)++plan->seat_count;
    return 0;
}

static size_t count_seats(const json_t *zones) {
    size_t count = 0, i, j;
    json_t *zone, *row;
    json_array_foreach(zones, i, zone) {
        json_array_foreach(json_object_get(zone, "rows"), j, row) count += json_array_size(json_object_get(row, "seats"));
    }
    return count;
}

static void add_row(struct bo_plan *plan, uint32_t zone, const char *name) {
    plan->rows = bo_realloc(plan->rows, (plan->row_count + 1) * sizeof(*plan->rows));
    plan->rows[plan->row_count++] = (struct bo_row){zone, keep(plan, name), (uint32_t)plan->seat_count};
}

static int read_seats(struct bo_plan *plan, const json_t *zones, struct bo_buffer *problem) {
    size_t count = count_seats(zones), z, r, s, buckets = 2;
    if (count == 0 || count > BO_SEATS_MAX) {
        bo_buffer_printf(problem, "zones: the plan has %zu seats; allowed are 1 to %d, in zones[].rows[].seats[]", count,
                         BO_SEATS_MAX);
        return BO_ERR_BAD_PLAN;
    }
    while (buckets < count * 3 / 2) buckets *= 2;
    plan->seats = bo_alloc(count * sizeof(*plan->seats));
    plan->by_guid = bo_alloc(buckets * sizeof(*plan->by_guid));
    plan->by_guid_mask = (uint32_t)buckets - 1;
    json_t *zone, *row, *seat;
    json_array_foreach(zones, z, zone) {
        uint32_t zone_name = keep(plan, text_of(zone, "name"));
        json_array_foreach(json_object_get(zone, "rows"), r, row) {
            struct where at = {z, r, coordinate(zone, "x") + coordinate(row, "x"), coordinate(zone, "y") + coordinate(row, "y")};
            add_row(plan, zone_name, text_of(row, "row_number"));
            json_array_foreach(json_object_get(row, "seats"), s, seat) {
                int err = add_seat(plan, &at, seat, s, problem);
                if (err) return err;
            }
        }
    }
    return 0;
}

int bo_plan_read(const json_t *json, const json_t *prices, struct bo_plan **ret, struct bo_buffer *problem) {
    struct bo_plan *plan = bo_alloc(sizeof(*plan));
    const json_t *size = json_object_get(json, "size");
    int err = json_is_object(json) ? 0 : BO_ERR_BAD_PLAN;
    plan->name = keep(plan, text_of(json, "name"));
    plan->width = json_number_value(json_object_get(size, "width"));
    plan->height = json_number_value(json_object_get(size, "height"));
    if (err) bo_buffer_add_text(problem, "the plan must be a JSON object in the pretix seating plan format");
    if (!err) err = read_categories(plan, json, prices, problem);
    if (!err) err = read_seats(plan, json_object_get(json, "zones"), problem);
    if (err) {
        bo_plan_free(plan);
        return err;
    }
    plan->texts.data = bo_realloc(plan->texts.data, plan->texts.length);
    *ret = plan;
    return 0;
}

void bo_plan_free(struct bo_plan *plan) {
    if (!plan) return;
    bo_buffer_free(&plan->texts);
    free(plan->by_guid);
    free(plan->seats);
    free(plan->rows);
    free(plan->categories);
    free(plan);
}

const struct bo_seat *bo_plan_find(const struct bo_plan *plan, const char *guid) {
    uint32_t found = *place_of(plan, guid);
    return found ? &plan->seats[found - 1] : NULL;
}

static void print_seats(const struct bo_plan *plan, struct bo_buffer *out) {
    for (size_t i = 0; i < plan->seat_count; i++) {
        const struct bo_seat *seat = &plan->seats[i];
        const struct bo_row *row = &plan->rows[seat->row];
        const uint32_t texts[] = {seat->guid, row->zone, row->name, seat->number};
        bo_buffer_add_text(out, i ? ",\n[" : "\n[");
        for (int k = 0; k < 4; k++) {
            bo_buffer_add_text(out, "\"");
            bo_buffer_add_json(out, bo_plan_text(plan, texts[k]));
            bo_buffer_add_text(out, "\",");
        }
        bo_buffer_printf(out, "%u,%.6g,%.6g", (unsigned)seat->category, (double)seat->x, (double)seat->y);
        if (seat->kind) bo_buffer_printf(out, ",\"%s\"", kinds[seat->kind]);
        bo_buffer_add_text(out, "]");
    }
}

void bo_plan_print(const struct bo_plan *plan, const char *currency, struct bo_buffer *out) {
    bo_buffer_add_text(out, "{\"name\":\"");
    bo_buffer_add_json(out, bo_plan_text(plan, plan->name));
    bo_buffer_printf(out, "\",\"size\":{\"width\":%.6g,\"height\":%.6g},\"currency\":\"%s\",\"digits\":%d,\"categories\":[",
                     plan->width, plan->height, currency, bo_currency_digits(currency));
    for (size_t i = 0; i < plan->category_count; i++) {
        const struct bo_category *c = &plan->categories[i];
        bo_buffer_add_text(out, i ? ",{\"name\":\"" : "{\"name\":\"");
        bo_buffer_add_json(out, bo_plan_text(plan, c->name));
        bo_buffer_add_text(out, "\",\"color\":\"");
        bo_buffer_add_json(out, bo_plan_text(plan, c->color));
        bo_buffer_printf(out, "\",\"price\":%lld}", (long long)c->price);
    }
    bo_buffer_add_text(out, "],\"seats\":[");
    print_seats(plan, out);
    bo_buffer_add_text(out, "]}\n");
}
