/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/restore.h"

#include "base/crash.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 250      /* fields and values of one call */

/* The arguments of one call. Texts are kept until it is sent. */
struct call {
    struct bo_scripts *scripts;
    const char *sale;
    char token[BO_ID_MAX + 1];
    struct bo_arg args[4 + PAIRS * 2];
    char *kept[4 + PAIRS * 2];
    size_t count, head; /* head: how many belong to every call of a series */
    int err;
};

static void add(struct call *c, char *text) {
    c->kept[c->count] = text;
    c->args[c->count++] = (struct bo_arg){text, strlen(text)};
}

static void add_text(struct call *c, const char *text) { add(c, bo_strdup(text)); }

static void add_number(struct call *c, int64_t number) {
    char text[24];
    *bo_text_put_number(text, number) = '\0';
    add_text(c, text);
}

static void forget(struct call *c, size_t from) {
    while (c->count > from) free(c->kept[--c->count]);
}

static void begin(struct call *c, const char *step, const char *key, const char *how) {
    forget(c, 0);
    add_text(c, c->token);
    add_text(c, step);
    if (key) add_text(c, key);
    if (how) add_text(c, how);
    c->head = c->count;
}

static void send(struct call *c) {
    if (!c->err && c->count > c->head) c->err = bo_scripts_send(c->scripts, "sale_restore", c->sale, c->args, c->count);
    forget(c, c->head);
}

static void pair(struct call *c, const char *field, char *value) {
    add_text(c, field);
    add(c, value);
    if (c->count + 2 > c->head + PAIRS * 2) send(c);
}

static bool is_packed(const json_t *value) { return json_is_object(value) || json_is_array(value); }

static char *print(const json_t *value) {
    if (json_is_string(value)) return bo_strdup(json_string_value(value));
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void put(struct call *c, const char *key, const char *how, const json_t *section) {
    bool packed = strcmp(how, "packed") == 0;
    const char *field;
    json_t *value;
    begin(c, "put", key, how);
    json_object_foreach((json_t *)section, field, value)
        if (is_packed(value) == packed) pair(c, field, print(value));
    send(c);
}

/* Who is inside, with his deadline; who waits, as one whose connection was just lost: gateways say who is here. */
static void put_times(struct call *c, const struct bo_image *image, int64_t grace_ms) {
    const char *name;
    json_t *value;
    begin(c, "put", "active", "set");
    json_object_foreach(image->of[BO_IMAGE_PEOPLE], name, value) {
        const char *stage = json_string_value(json_object_get(value, "st"));
        if (stage && strcmp(stage, "out") != 0) pair(c, name, print(json_object_get(value, "d")));
    }
    send(c);
    char grace[24];
    *bo_text_put_number(grace, image->at + grace_ms) = '\0';
    begin(c, "put", "absent", "set");
    json_object_foreach(image->of[BO_IMAGE_LINE], name, value) pair(c, name, bo_strdup(grace));
    send(c);
}

static void add_setting(void *arg, const char *field, const char *value) {
    add_text(arg, field);
    add_text(arg, value);
}

/* As admission counts: what is younger than the interval. */
static json_t *recent(const struct bo_image *image, int64_t rate_ms) {
    json_t *window = json_array();
    for (size_t i = 0; i + 1 < json_array_size(image->admissions); i += 2) {
        if (json_integer_value(json_array_get(image->admissions, i)) + rate_ms <= image->at) continue;
        json_array_append(window, json_array_get(image->admissions, i));
        json_array_append(window, json_array_get(image->admissions, i + 1));
    }
    return window;
}

static void put_state(struct call *c, const struct bo_image *image, const struct bo_settings *settings) {
    json_t *window = json_pack("{s:o}", "window", recent(image, settings->rate_ms));
    put(c, "state", "packed", window);
    json_decref(window);
    put(c, "state", "packed", image->of[BO_IMAGE_STATE]);
    put(c, "state", "hash", image->of[BO_IMAGE_STATE]);
}

static int finish(struct call *c, const struct bo_image *image, const struct bo_settings *settings, int64_t version, const char *status, int64_t epoch) {
    int err = c->err ? c->err : bo_scripts_wait(c->scripts);
    begin(c, "end", NULL, NULL);
    add_number(c, image->seq);
    add_number(c, image->at);
    add_number(c, epoch);
    add_text(c, bo_scripts_server(c->scripts));
    add_text(c, "settings_version");
    add_number(c, version);
    add_text(c, "status");
    add_text(c, status);
    add_text(c, "closing"); /* the first tick sees what the clock has to do with lots */
    add_number(c, bo_image_number(image->of[BO_IMAGE_STATE], "lots") > 0);
    bo_settings_each(settings, add_setting, c);
    if (!err) err = bo_scripts_run(c->scripts, "sale_restore", c->sale, c->args, c->count, NULL);
    return err;
}

int bo_restore(struct bo_scripts *scripts, const struct bo_image *image, const struct bo_settings *settings, int64_t version, const char *status, int64_t epoch) {
    struct call *c = bo_alloc(sizeof(*c));
    c->scripts = scripts;
    c->sale = image->sale;
    bo_text_random_id("", c->token);
    begin(c, "begin", NULL, NULL);
    c->err = bo_scripts_run(scripts, "sale_restore", c->sale, c->args, c->count, NULL);
    if (!c->err) {
        BO_CRASH_POINT(restore_begun);
        put(c, "line", "set", image->of[BO_IMAGE_LINE]);
        for (int i = BO_IMAGE_PEOPLE; i < BO_IMAGE_STATE; i++) {
            put(c, bo_image_names[i], "hash", image->of[i]);
            put(c, bo_image_names[i], "packed", image->of[i]);
        }
        BO_CRASH_POINT(restore_half);
        put_times(c, image, settings->grace_ms);
        put_state(c, image, settings);
        begin(c, "put", "map", "text");
        add_text(c, image->map ? image->map : "");
        send(c);
        BO_CRASH_POINT(restore_put);
        c->err = finish(c, image, settings, version, status, epoch);
    }
    int err = c->err;
    forget(c, 0);
    free(c);
    return err;
}
