/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/image.h"

#include "base/memory.h"
#include "ledger/expected.h"
#include "ledger/image_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bo_image_names[BO_IMAGE_SECTIONS] = {"line", "people", "seats", "orders", "gone", "lanes", "stock", "grants", "state"};

struct bo_image *bo_image_new(const char *sale) {
    struct bo_image *image = bo_alloc(sizeof(*image));
    image->sale = bo_strdup(sale);
    for (int i = 0; i < BO_IMAGE_SECTIONS; i++) image->of[i] = json_object();
    image->admissions = json_array();
    image->heads = json_object();
    image->tickets = json_object();
    return image;
}

void bo_image_free(struct bo_image *image) {
    if (!image) return;
    for (int i = 0; i < BO_IMAGE_SECTIONS; i++) json_decref(image->of[i]);
    json_decref(image->admissions);
    json_decref(image->heads);
    json_decref(image->tickets);
    free(image->map);
    free(image->sale);
    free(image);
}

int64_t bo_image_number(const json_t *object, const char *field) { return json_integer_value(json_object_get(object, field)); }

void bo_image_set(json_t *object, const char *field, int64_t value) { json_object_set_new(object, field, json_integer(value)); }

void bo_image_count(json_t *object, const char *field, int64_t by) { bo_image_set(object, field, bo_image_number(object, field) + by); }

const char *bo_image_text(const json_t *object, const char *field) {
    const char *text = json_string_value(json_object_get(object, field));
    return text ? text : "";
}

const char *bo_image_text_at(const json_t *list, size_t i) {
    const char *text = json_string_value(json_array_get(list, i));
    return text ? text : "";
}

char *bo_image_field(char *ret, const char *name, int64_t number) {
    snprintf(ret, BO_IMAGE_FIELD, "%s%" PRId64, name, number);
    return ret;
}

json_t *bo_image_person(struct bo_image *image, const char *name) {
    json_t *p = json_object_get(image->of[BO_IMAGE_PEOPLE], name);
    if (!p) {
        p = json_pack("{s:i}", "b", 0);
        json_object_set_new(image->of[BO_IMAGE_PEOPLE], name, p);
    }
    return p;
}

#define ENTRY 12 /* bytes that are kept of a command, and of how many: lua/lib/sale.lua */
#define REMEMBERED (15 * ENTRY)
#define REMEMBERED_MAX (20 * ENTRY)

void bo_image_remember(json_t *person, const json_t *token) {
    const char *text = json_string_value(token), *before = bo_image_text(person, "m");
    char after[REMEMBERED_MAX + 2 * ENTRY];
    if (!text || strlen(text) + 2 != ENTRY) return;
    if (strlen(before) >= REMEMBERED_MAX) before += strlen(before) - REMEMBERED;
    snprintf(after, sizeof(after), "%s\1%so", before, text);
    json_object_set_new(person, "m", json_string(after));
}

/* ---- seats ---- */

static void set_state(struct bo_image *image, int64_t seat, char state) {
    if (seat >= 0 && (size_t)seat < image->seats) image->map[seat] = state;
}

void bo_image_own(struct bo_image *image, int64_t seat, const char *owner, char state) {
    char field[BO_IMAGE_FIELD];
    json_object_set_new(image->of[BO_IMAGE_SEATS], bo_image_field(field, "", seat), json_string(owner));
    set_state(image, seat, state);
}

void bo_image_disown(struct bo_image *image, int64_t seat) {
    char field[BO_IMAGE_FIELD];
    json_object_del(image->of[BO_IMAGE_SEATS], bo_image_field(field, "", seat));
    set_state(image, seat, '0');
}

void bo_image_count_place(struct bo_image *image, int64_t seat, const char *person, int by) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    bo_image_count_item(image, seat / BO_IMAGE_PLACES, person, by);
    json_t *stock = image->of[BO_IMAGE_STOCK];
    bo_image_field(field, "next:", seat / BO_IMAGE_PLACES);
    if (by > 0) bo_image_set(stock, field, seat % BO_IMAGE_PLACES); /* the one handed out last: numbers are used again */
}

void bo_image_count_item(struct bo_image *image, int64_t item, const char *person, int64_t by) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    bo_image_count(image->of[BO_IMAGE_STOCK], bo_image_field(field, "given:", item), by);
    snprintf(field, sizeof(field), "p:%" PRId64 ":%s", item, person);
    bo_image_count(image->of[BO_IMAGE_GRANTS], field, by);
    if (by < 0) return;
    const json_t *rule = json_object_get(image->of[BO_IMAGE_STOCK], bo_image_field(field, "i:", item));
    if (bo_image_number(rule, "rate_count") <= 0) return;
    bo_image_field(field, "window:", item);
    json_t *window = json_object_get(image->of[BO_IMAGE_STATE], field);
    if (!window) json_object_set_new(image->of[BO_IMAGE_STATE], field, window = json_array());
    bo_image_note_rate(window, image->at, by);
}

#define WINDOW_MAX 128

/* Neighbours are put together under the later time, which can only delay (lua/lib/admit.lua). */
void bo_image_note_rate(json_t *window, bo_ms at, int64_t count) {
    size_t n = json_array_size(window);
    if (n >= 2 && json_integer_value(json_array_get(window, n - 2)) == at) {
        json_array_set_new(window, n - 1, json_integer(json_integer_value(json_array_get(window, n - 1)) + count));
        return;
    }
    json_array_append_new(window, json_integer(at));
    json_array_append_new(window, json_integer(count));
    if (n + 2 <= WINDOW_MAX) return;
    json_array_set_new(window, 3, json_integer(json_integer_value(json_array_get(window, 1)) + json_integer_value(json_array_get(window, 3))));
    json_array_remove(window, 0);
    json_array_remove(window, 0);
}

int bo_image_apply(struct bo_image *image, const struct bo_log_record *record) {
    json_t *body = json_loadb(record->body, record->body_length, 0, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return BO_ERR_BAD_MESSAGE;
    }
    bo_image_replay replay = bo_image_replay_line(record->kind);
    if (!replay) replay = bo_image_replay_sale(record->kind);
    image->seq = record->seq;
    image->at = record->at;
    if (replay) replay(image, body, record);
    if (image->expected) bo_expected_apply(image->expected, body, record);
    json_decref(body);
    return 0;
}
