/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/compare.h"

#include "base/memory.h"
#include "base/text.h"
#include "ledger/image_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *bo_compare_section(const struct bo_image *image, const char *key) {
    for (int i = 0; i < BO_IMAGE_SECTIONS; i++)
        if (strcmp(bo_image_names[i], key) == 0) return image->of[i];
    return NULL;
}

/* ---- values ---- */

/* To a script nothing, 0, "" and an empty list are the same. */
static bool is_nothing(const json_t *v) {
    if (!v || json_is_null(v) || json_is_false(v)) return true;
    if (json_is_number(v)) return json_number_value(v) == 0;
    if (json_is_string(v)) return json_string_length(v) == 0;
    return json_array_size(v) == 0 && json_object_size(v) == 0 && !json_is_true(v);
}

static bool is_same(const json_t *a, const json_t *b);

static bool has_all_of(const json_t *a, const json_t *b) {
    const char *field;
    json_t *value;
    json_object_foreach((json_t *)a, field, value)
        if (!is_same(value, json_object_get(b, field))) return false;
    return true;
}

static bool is_same(const json_t *a, const json_t *b) {
    if (is_nothing(a) || is_nothing(b)) return is_nothing(a) && is_nothing(b);
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    if (json_is_object(a) && json_is_object(b)) return has_all_of(a, b) && has_all_of(b, a);
    if (!json_is_array(a) || !json_is_array(b)) return json_equal(a, b);
    if (json_array_size(a) != json_array_size(b)) return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!is_same(json_array_get(a, i), json_array_get(b, i))) return false;
    return true;
}

static json_t *parse(const char *text) { return *text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL; }

static char *print(const json_t *value) {
    if (!value) return bo_strdup("");
    if (json_is_string(value)) return bo_strdup(json_string_value(value));
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

bool bo_compare_same(const json_t *a, const json_t *b) { return is_same(a, b); }

/* ---- fields ---- */

#define LANE (INT64_C(1) << 42)
#define DRAW (INT64_C(1) << 40)

/* Buckets of numbers ("lane:bucket" of gone, "dlane:bucket" of lanes) that the head has reached are of no use any more. */
static bool is_past(const struct bo_image *image, const char *field) {
    bool drawn = field[0] == 'd';
    int64_t lane = 0, bucket = 0;
    char name[BO_IMAGE_FIELD];
    if (sscanf(field + drawn, "%" SCNd64 ":%" SCNd64, &lane, &bucket) != 2) return false;
    snprintf(name, sizeof(name), lane ? "lane_head:%" PRId64 : "lane_head", lane);
    const json_t *head = json_object_get(image->heads, name);
    if (!head) head = json_object_get(image->of[BO_IMAGE_STATE], name);
    int64_t first = drawn ? -lane * LANE - DRAW + bucket * (INT64_C(1) << 30) : bucket * 1024 - lane * LANE;
    return head && first <= json_integer_value(head);
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool is_compared(const struct bo_image *image, const char *key, const char *field, const char *found) {
    if (strcmp(key, "gone") == 0) return *found && !is_past(image, field);
    if (strcmp(key, "lanes") == 0 && field[0] == 'd') return *found && !is_past(image, field);
    if (strcmp(key, "state") != 0) return true;
    static const char *const told[] = {"sold", "blocked", "seeking", "admitted", "handed_out", "next", "total", "free", "lots", "status", "seed",
                                       "sold_out", "grants_left", "granted", "asked", "asked_why", "asked_until"};
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if (strcmp(told[i], field) == 0) return true;
    return begins(field, "used:") || begins(field, "tariff:") || begins(field, "next:");
}

static bool is_counter(const char *key, const char *field) {
    if (strcmp(key, "state") == 0) return strcmp(field, "status") != 0 && strcmp(field, "seed") != 0 && !begins(field, "asked");
    if (strcmp(key, "stock") == 0) return begins(field, "given:");
    if (strcmp(key, "grants") == 0) return begins(field, "p:");
    return strcmp(key, "gone") == 0 || (strcmp(key, "lanes") == 0 && field[0] != 'i');
}

static char *compare_map(const struct bo_image *image, const char *field, const char *found) {
    size_t seat = (size_t)atoll(field);
    const char wanted[] = {seat < image->seats ? image->map[seat] : '\0', '\0'};
    return strcmp(wanted, found) == 0 ? NULL : bo_strdup(wanted);
}

/* Version 0.1.0 did not keep an order's currency, the serials of its tickets and what its refunds are of: what is expected without what of
 * these Redis has none of; to be freed. */
static json_t *without_unkept(const json_t *wanted, const json_t *found) {
    json_t *copy = json_deep_copy(wanted), *serials = json_object_get(copy, "s"), *refund, *serial;
    const char *id;
    void *next;
    json_object_del(copy, "cur");
    json_object_foreach_safe(serials, next, id, serial)
        if (!json_object_get(json_object_get(found, "s"), id)) json_object_del(serials, id);
    json_object_foreach(json_object_get(copy, "refunds"), id, refund)
        if (!json_object_get(json_object_get(json_object_get(found, "refunds"), id), "of")) json_object_del(refund, "of");
    return copy;
}

static bool is_same_field(const char *key, const json_t *wanted, const json_t *found) {
    if (strcmp(key, "orders") != 0 || !json_is_object(found) || json_object_get(found, "cur")) return is_same(wanted, found);
    json_t *copy = without_unkept(wanted, found);
    bool same = is_same(copy, found);
    json_decref(copy);
    return same;
}

char *bo_compare_field(const struct bo_image *image, const char *key, const char *field, const char *found, int64_t *ret_off) {
    *ret_off = 0;
    if (strcmp(key, "map") == 0) return compare_map(image, field, found);
    if (!is_compared(image, key, field, found)) return NULL;
    const json_t *wanted = json_object_get(bo_compare_section(image, key), field);
    if (is_counter(key, field)) {
        *ret_off = json_integer_value(wanted) - atoll(found);
        return *ret_off ? print(wanted ? wanted : NULL) : NULL;
    }
    bool packed = json_is_object(wanted) || json_is_array(wanted);
    json_t *value = packed ? parse(found) : NULL;
    char *text = print(wanted);
    bool same = packed ? is_same_field(key, wanted, value) : strcmp(text, found) == 0;
    json_decref(value);
    if (!same) return text;
    free(text);
    return NULL;
}

/* ---- people ---- */


static bool is_inside(const char *stage) { return strcmp(stage, "claim") == 0 || strcmp(stage, "choose") == 0 || strcmp(stage, "pay") == 0; }

static const char *stage_of(const json_t *record) {
    const char *stage = bo_image_text(record, "st");
    return is_inside(stage) ? stage : "out";
}

static bool has_same(const json_t *a, const json_t *b, const char *const *fields) {
    for (; *fields; fields++)
        if (!is_same(json_object_get(a, *fields), json_object_get(b, *fields))) return false;
    return true;
}

static bool is_same_record(const json_t *a, const json_t *b) {
    static const char *const always[] = {"b", "rb", "c", "last", NULL}, *const inside[] = {"n", NULL}, *const choosing[] = {"d", "h", "r", "e", NULL}, *const paying[] = {"o", NULL};
    const char *stage = stage_of(a);
    if (strcmp(stage, stage_of(b)) != 0 || !has_same(a, b, always)) return false;
    if (is_inside(stage) && !has_same(a, b, inside)) return false;
    if (is_inside(stage) && strcmp(stage, "claim") != 0 && !has_same(a, b, choosing)) return false;
    return strcmp(stage, "pay") != 0 || has_same(a, b, paying);
}

bool bo_compare_scanned(const struct bo_image *image, const char *key, const char *field, const char *value) {
    const json_t *record = json_object_get(image->of[BO_IMAGE_PEOPLE], field);
    int64_t off;
    if (strcmp(key, "state") == 0 && begins(field, "lane_head")) bo_image_set(image->heads, field, atoll(value));
    if (strcmp(key, "line") == 0) return *value && atoll(value) == bo_image_number(image->of[BO_IMAGE_LINE], field);
    if (strcmp(key, "active") == 0) return is_inside(stage_of(record));
    if (strcmp(key, "people") == 0) {
        json_t *found = parse(value);
        bool same = is_same_record(record, found) && !is_inside(stage_of(record)) && strcmp(bo_image_text(found, "st"), "away") != 0;
        json_decref(found);
        return same;
    }
    char *wanted = bo_compare_field(image, key, field, value, &off);
    free(wanted);
    return !wanted;
}

char *bo_compare_person(const struct bo_image *image, const char *name, const char *line, const char *active, const char *record, char ret_line[BO_COMPARE_NUMBER],
                        char ret_active[BO_COMPARE_NUMBER]) {
    json_t *found = parse(record);
    const json_t *wanted = json_object_get(image->of[BO_IMAGE_PEOPLE], name);
    bool away = strcmp(bo_image_text(found, "st"), "away") == 0, inside = is_inside(stage_of(wanted));
    int64_t number = *line ? atoll(line) : away ? bo_image_number(found, "n") : 0, wanted_number = bo_image_number(image->of[BO_IMAGE_LINE], name);
    int64_t deadline = inside ? bo_image_number(wanted, "d") : 0;
    bool timed = inside && strcmp(stage_of(wanted), "claim") != 0;
    bool same = number == wanted_number && is_same_record(wanted, found) && (*active != '\0') == inside && (!timed || atoll(active) == deadline);
    json_decref(found);
    if (same) return NULL;
    ret_line[0] = ret_active[0] = '\0';
    if (wanted_number) *bo_text_put_number(ret_line, wanted_number) = '\0';
    if (inside) *bo_text_put_number(ret_active, deadline) = '\0';
    return print(wanted);
}
