/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/plan.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *guid_of(const struct bo_table_link *link) { return ((const struct bo_seat *)link)->guid; }

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int read_categories(struct bo_plan *plan, const json_t *prices, struct bo_buffer *problem) {
    const json_t *list = json_object_get(plan->json, "categories");
    plan->category_count = json_array_size(list);
    if (plan->category_count == 0) {
        bo_buffer_add_text(problem, "categories: the plan needs a list of at least one category with a name");
        return BO_ERR_BAD_PLAN;
    }
    plan->categories = bo_alloc(plan->category_count * sizeof(*plan->categories));
    for (size_t i = 0; i < plan->category_count; i++) {
        const json_t *one = json_array_get(list, i);
        struct bo_category *c = &plan->categories[i];
        c->name = text_of(one, "name");
        c->color = text_of(one, "color");
        const json_t *price = json_object_get(prices, c->name);
        if (!*c->name) {
            bo_buffer_printf(problem, "categories[%zu].name: a category needs a name", i);
            return BO_ERR_BAD_PLAN;
        }
        if (!json_is_integer(price) || json_integer_value(price) < 0 || json_integer_value(price) > BO_MONEY_MAX) {
            bo_buffer_printf(problem,
                             "prices: category \"%s\" needs a price, a whole number of the currency's smallest unit from 0 to %lld",
                             c->name, (long long)BO_MONEY_MAX);
            return BO_ERR_BAD_PLAN;
        }
        c->price = json_integer_value(price);
    }
    return 0;
}

static int find_category(const struct bo_plan *plan, const char *name) {
    for (size_t i = 0; i < plan->category_count; i++)
        if (strcmp(plan->categories[i].name, name) == 0) return (int)i;
    return -1;
}

static const json_t *position_of(const json_t *object) { return json_object_get(object, "position"); }

static int add_seat(struct bo_plan *plan, const json_t *zone, const json_t *row, const json_t *json, const char *where,
                    struct bo_buffer *problem) {
    struct bo_seat *seat = &plan->seats[plan->seat_count];
    seat->guid = text_of(json, "seat_guid");
    seat->zone = text_of(zone, "name");
    seat->row = text_of(row, "row_number");
    seat->number = text_of(json, "seat_number");
    int category = find_category(plan, text_of(json, "category"));
    if (!*seat->guid || strlen(seat->guid) > BO_ID_MAX)
        bo_buffer_printf(problem, "%s.seat_guid: a text of 1 to %d characters is needed", where, BO_ID_MAX);
    else if (bo_table_find(&plan->guids, seat->guid))
        bo_buffer_printf(problem, "%s.seat_guid: \"%s\" is there twice", where, seat->guid);
    else if (category < 0)
        bo_buffer_printf(problem, "%s.category: \"%s\" is not among the categories", where, text_of(json, "category"));
    else if (!json_is_number(json_object_get(position_of(json), "x")) || !json_is_number(json_object_get(position_of(json), "y")))
        bo_buffer_printf(problem, "%s.position: numbers x and y are needed", where);
    if (problem->length) return BO_ERR_BAD_PLAN;
    seat->category = (uint32_t)category;
    seat->index = (uint32_t)plan->seat_count++;
    bo_table_add(&plan->guids, &seat->by_guid);
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

static int read_seats(struct bo_plan *plan, struct bo_buffer *problem) {
    const json_t *zones = json_object_get(plan->json, "zones");
    size_t count = count_seats(zones), z, r, s;
    if (count == 0 || count > BO_SEATS_MAX) {
        bo_buffer_printf(problem, "zones: the plan has %zu seats; allowed are 1 to %d, in zones[].rows[].seats[]", count,
                         BO_SEATS_MAX);
        return BO_ERR_BAD_PLAN;
    }
    plan->seats = bo_alloc(count * sizeof(*plan->seats));
    json_t *zone, *row, *seat;
    json_array_foreach(zones, z, zone) {
        json_array_foreach(json_object_get(zone, "rows"), r, row) {
            json_array_foreach(json_object_get(row, "seats"), s, seat) {
                char where[96];
                snprintf(where, sizeof(where), "zones[%zu].rows[%zu].seats[%zu]", z, r, s);
                int err = add_seat(plan, zone, row, seat, where, problem);
                if (err) return err;
            }
        }
    }
    return 0;
}

int bo_plan_read(json_t *json, const json_t *prices, struct bo_plan **ret, struct bo_buffer *problem) {
    struct bo_plan *plan = bo_alloc(sizeof(*plan));
    plan->json = json_incref(json);
    bo_table_init(&plan->guids, guid_of);
    int err = json_is_object(json) ? 0 : BO_ERR_BAD_PLAN;
    if (err) bo_buffer_add_text(problem, "the plan must be a JSON object in the pretix seating plan format");
    if (!err) err = read_categories(plan, prices, problem);
    if (!err) err = read_seats(plan, problem);
    if (err) {
        bo_plan_free(plan);
        return err;
    }
    *ret = plan;
    return 0;
}

void bo_plan_free(struct bo_plan *plan) {
    if (!plan) return;
    bo_table_free(&plan->guids);
    free(plan->seats);
    free(plan->categories);
    json_decref(plan->json);
    free(plan);
}

const struct bo_seat *bo_plan_find(const struct bo_plan *plan, const char *guid) {
    return (const struct bo_seat *)bo_table_find(&plan->guids, guid);
}

static double coordinate(const json_t *object, const char *axis) {
    return json_number_value(json_object_get(position_of(object), axis));
}

static void print_seats(const struct bo_plan *plan, struct bo_buffer *out) {
    size_t z, r, s, index = 0;
    json_t *zone, *row, *json;
    json_array_foreach(json_object_get(plan->json, "zones"), z, zone) {
        json_array_foreach(json_object_get(zone, "rows"), r, row) {
            json_array_foreach(json_object_get(row, "seats"), s, json) {
                const struct bo_seat *seat = &plan->seats[index++];
                const char *const texts[] = {seat->guid, seat->zone, seat->row, seat->number};
                bo_buffer_add_text(out, index > 1 ? ",\n[" : "\n[");
                for (int i = 0; i < 4; i++) {
                    bo_buffer_add_text(out, "\"");
                    bo_buffer_add_json(out, texts[i]);
                    bo_buffer_add_text(out, "\",");
                }
                bo_buffer_printf(out, "%u,%.6g,%.6g]", seat->category,
                                 coordinate(zone, "x") + coordinate(row, "x") + coordinate(json, "x"),
                                 coordinate(zone, "y") + coordinate(row, "y") + coordinate(json, "y"));
            }
        }
    }
}

void bo_plan_print(const struct bo_plan *plan, const char *currency, struct bo_buffer *out) {
    const json_t *size = json_object_get(plan->json, "size");
    bo_buffer_add_text(out, "{\"name\":\"");
    bo_buffer_add_json(out, text_of(plan->json, "name"));
    bo_buffer_printf(out, "\",\"size\":{\"width\":%.6g,\"height\":%.6g},\"currency\":\"%s\",\"categories\":[",
                     json_number_value(json_object_get(size, "width")), json_number_value(json_object_get(size, "height")), currency);
    for (size_t i = 0; i < plan->category_count; i++) {
        const struct bo_category *c = &plan->categories[i];
        bo_buffer_add_text(out, i ? ",{\"name\":\"" : "{\"name\":\"");
        bo_buffer_add_json(out, c->name);
        bo_buffer_add_text(out, "\",\"color\":\"");
        bo_buffer_add_json(out, c->color);
        bo_buffer_printf(out, "\",\"price\":%lld}", (long long)c->price);
    }
    bo_buffer_add_text(out, "],\"seats\":[");
    print_seats(plan, out);
    bo_buffer_add_text(out, "]}\n");
}
