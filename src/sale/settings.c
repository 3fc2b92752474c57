/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    size_t offset;
    int64_t def, min, max;
} numbers[] = {
#define SETTING(name, def, min, max, doc) {#name, offsetof(struct bo_settings, name), def, min, max},
#include "sale/settings.def"
#undef SETTING
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static int64_t *number_at(const struct bo_settings *s, size_t i) { return (int64_t *)((char *)s + numbers[i].offset); }

static bool read_opens_at(const json_t *value, bo_ms *ret) {
    if (json_is_null(value)) {
        *ret = 0;
        return true;
    }
    struct tm tm = {0};
    const char *text = json_string_value(value);
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!end || strcmp(end, "Z") != 0) return false;
    *ret = (bo_ms)timegm(&tm) * 1000;
    return true;
}

static bool read_currency(const json_t *value, char ret[4]) {
    const char *text = json_string_value(value);
    if (!text || strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) return false;
    memcpy(ret, text, 4);
    return true;
}

static bool read_policy(const json_t *value, struct bo_settings *s) {
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, "rate") != 0 && strcmp(text, "capacity") != 0 && strcmp(text, "both") != 0)) return false;
    snprintf(s->policy, sizeof(s->policy), "%s", text);
    return true;
}

static int read_number(const char *name, const json_t *value, struct bo_settings *s, struct bo_buffer *problem) {
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (strcmp(numbers[i].name, name) != 0) continue;
        if (!json_is_integer(value) || json_integer_value(value) < numbers[i].min || json_integer_value(value) > numbers[i].max) {
            bo_buffer_printf(problem, "%s: allowed is a whole number from %lld to %lld", name, (long long)numbers[i].min,
                             (long long)numbers[i].max);
            return BO_ERR_BAD_SETTING;
        }
        *number_at(s, i) = json_integer_value(value);
        return 0;
    }
    bo_buffer_printf(problem, "%s: there is no such setting. Settings: policy, currency, opens_at, guests, site_tokens, prices", name);
    for (size_t i = 0; i < NUMBER_COUNT; i++) bo_buffer_printf(problem, ", %s", numbers[i].name);
    return BO_ERR_BAD_SETTING;
}

static int read_member(const char *name, const json_t *value, struct bo_settings *s, struct bo_buffer *problem) {
    if (strcmp(name, "policy") == 0) {
        if (read_policy(value, s)) return 0;
        bo_buffer_add_text(problem, "policy: allowed is \"rate\", \"capacity\" or \"both\"");
    } else if (strcmp(name, "currency") == 0) {
        if (read_currency(value, s->currency)) return 0;
        bo_buffer_add_text(problem, "currency: allowed are three capital letters, like EUR");
    } else if (strcmp(name, "opens_at") == 0) {
        if (read_opens_at(value, &s->opens_at)) return 0;
        bo_buffer_add_text(problem, "opens_at: allowed is a time in UTC like 2026-05-01T10:00:00Z, or null");
    } else if (strcmp(name, "guests") == 0 || strcmp(name, "site_tokens") == 0) {
        *(name[0] == 'g' ? &s->guests : &s->site_tokens) = json_is_true(value);
        if (json_is_boolean(value)) return 0;
        bo_buffer_printf(problem, "%s: allowed is true or false", name);
    } else if (strcmp(name, "prices") == 0) {
        if (json_is_object(value)) return 0; /* the amounts are checked together with the plan */
        bo_buffer_add_text(problem, "prices: an object of category name and price is needed");
    } else {
        return read_number(name, value, s, problem);
    }
    return BO_ERR_BAD_SETTING;
}

int bo_settings_read(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) {
    struct bo_settings s = {.policy = "both", .currency = "EUR", .guests = true, .site_tokens = true};
    for (size_t i = 0; i < NUMBER_COUNT; i++) *number_at(&s, i) = numbers[i].def;
    if (!json_is_object(json)) {
        bo_buffer_add_text(problem, "settings: a JSON object is needed");
        return BO_ERR_BAD_SETTING;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)json, name, value) {
        int err = read_member(name, value, &s, problem);
        if (err) return err;
    }
    *ret = s;
    return 0;
}

void bo_settings_each(const struct bo_settings *settings, void (*add)(void *, const char *, const char *), void *arg) {
    char text[24];
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        snprintf(text, sizeof(text), "%lld", (long long)*number_at(settings, i));
        add(arg, numbers[i].name, text);
    }
    snprintf(text, sizeof(text), "%lld", (long long)settings->opens_at);
    add(arg, "opens_at", text);
    add(arg, "policy", settings->policy);
    add(arg, "currency", settings->currency);
}
