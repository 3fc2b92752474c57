/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/settings.h"

#include "base/date.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    size_t offset;
    int64_t def, min, max;
} numbers[] = {
#define SETTING(name, def, min, max, doc) {#name, offsetof(struct bo_settings, name), def, min, max},
#define FLAG(name, def, doc)
#define TIME(name, doc)
#define TEXT(name, max, doc)
#include "sale/settings.def"
#undef SETTING
#undef FLAG
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static const struct {
    const char *name;
    size_t offset;
    bool def;
} flags[] = {
#define SETTING(name, def, min, max, doc)
#define FLAG(name, def, doc) {#name, offsetof(struct bo_settings, name), def},
#include "sale/settings.def"
#undef FLAG
#undef TIME
};
#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

static const struct {
    const char *name;
    size_t offset;
} times[] = {
#define FLAG(name, def, doc)
#define TIME(name, doc) {#name, offsetof(struct bo_settings, name)},
#include "sale/settings.def"
#undef SETTING
#undef TIME
#undef TEXT
};
#define TIME_COUNT (sizeof(times) / sizeof(times[0]))

static const struct {
    const char *name;
    size_t offset, max;
} texts[] = {
#define SETTING(name, def, min, max, doc)
#define TIME(name, doc)
#define TEXT(name, max, doc) {#name, offsetof(struct bo_settings, name), max},
#include "sale/settings.def"
#undef SETTING
#undef FLAG
#undef TIME
#undef TEXT
};
#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

static int64_t *number_at(const struct bo_settings *s, size_t i) { return (int64_t *)((char *)s + numbers[i].offset); }
static bool *flag_at(const struct bo_settings *s, size_t i) { return (bool *)((char *)s + flags[i].offset); }
static bo_ms *time_at(const struct bo_settings *s, size_t i) { return (bo_ms *)((char *)s + times[i].offset); }

/* As 0.1.0 read a time when it was set: the C library takes the 29th of February 2027 for the 1st of March, and so does the sale. */
static bool read_old_time(const char *text, bo_ms *ret) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end) return false;
    *ret = (bo_ms)timegm(&tm) * 1000;
    return true;
}

/* NULL when it was read, else what is wrong. */
static const char *read_time(const json_t *value, bool stored, bo_ms *ret) {
    const char *text = json_string_value(value), *wrong = text ? bo_date_read(text, ret) : "it is neither a text nor null";
    if (json_is_null(value)) *ret = 0;
    if (json_is_null(value) || (text && wrong && stored && read_old_time(text, ret))) return NULL;
    return wrong;
}

static bool read_notice(const json_t *value, bool stored, char ret[BO_NOTICE_MAX * BO_UTF8_BYTES + 1]) {
    const char *text = json_is_null(value) ? "" : json_string_value(value);
    if (!text || (!bo_utf8_is_text(text, 0, BO_NOTICE_MAX, true) && !(stored && strlen(text) <= BO_NOTICE_MAX))) return false;
    strcpy(ret, text);
    return true;
}

static bool read_lanes(const json_t *value, struct bo_settings *s) {
    size_t i;
    json_t *lane;
    if (!json_is_array(value) || json_array_size(value) > BO_LANES_MAX) return false;
    s->lane_count = 0;
    json_array_foreach((json_t *)value, i, lane) {
        struct bo_lane *to = &s->lanes[i];
        const char *name = json_string_value(json_object_get(lane, "name"));
        const json_t *quota = json_object_get(lane, "quota");
        if (!name || !bo_text_is_id(name) || strlen(name) >= sizeof(to->name) || bo_settings_has_lane(s, name)) return false;
        if (quota && (!json_is_integer(quota) || json_integer_value(quota) < 0)) return false;
        strcpy(to->name, name);
        to->quota = json_integer_value(quota);
        s->lane_count++;
    }
    return true;
}

static bool is_name(const char *name) { return name && bo_text_is_id(name) && strlen(name) <= BO_NAME_MAX; }

/* A whole number from 0 to max; true and 0 where there is none. */
static bool read_count(const json_t *object, const char *name, int64_t max, int64_t *ret) {
    const json_t *value = json_object_get(object, name);
    *ret = json_integer_value(value);
    return !value || (json_is_integer(value) && *ret >= 0 && *ret <= max);
}

static bool read_tariffs(const json_t *value, struct bo_settings *s) {
    size_t i;
    json_t *one;
    if (!json_is_array(value) || json_array_size(value) > BO_TARIFFS_MAX) return false;
    s->tariff_count = 0;
    json_array_foreach((json_t *)value, i, one) {
        struct bo_tariff *to = &s->tariffs[i];
        const char *name = json_string_value(json_object_get(one, "name"));
        bool has_percent = json_object_get(one, "percent") != NULL, has_price = json_object_get(one, "price") != NULL;
        if (!name || !bo_utf8_is_text(name, 1, BO_NAME_MAX, false) || bo_settings_tariff(s, name) || has_percent == has_price || !read_count(one, "percent", 100, &to->percent) ||
            !read_count(one, "price", BO_MONEY_MAX, &to->price) || !read_count(one, "limit", 1000, &to->limit) ||
            !read_count(one, "total", BO_SEATS_MAX, &to->total))
            return false;
        if (has_price) to->percent = -1;
        strcpy(to->name, name);
        s->tariff_count++;
    }
    return true;
}

static bool read_channels(const json_t *value, struct bo_settings *s) {
    size_t i;
    json_t *one;
    if (!json_is_array(value) || json_array_size(value) > BO_CHANNELS_MAX) return false;
    s->channel_count = 0;
    json_array_foreach((json_t *)value, i, one) {
        struct bo_channel *to = &s->channels[i];
        const char *name = json_string_value(json_object_get(one, "name"));
        const json_t *reserved = json_object_get(one, "reserved");
        if (!is_name(name) || bo_settings_channel(s, name) || !json_object_get(one, "quota") || !read_count(one, "quota", BO_SEATS_MAX, &to->quota) ||
            (reserved && !json_is_boolean(reserved)))
            return false;
        to->reserved = json_is_true(reserved);
        strcpy(to->name, name);
        s->channel_count++;
    }
    return true;
}

const struct bo_tariff *bo_settings_tariff(const struct bo_settings *settings, const char *name) {
    for (int i = 0; i < settings->tariff_count; i++)
        if (strcmp(settings->tariffs[i].name, name) == 0) return &settings->tariffs[i];
    return NULL;
}

const struct bo_channel *bo_settings_channel(const struct bo_settings *settings, const char *name) {
    for (int i = 0; i < settings->channel_count; i++)
        if (strcmp(settings->channels[i].name, name) == 0) return &settings->channels[i];
    return NULL;
}

const char *bo_settings_zone(const struct bo_settings *settings) { return *settings->time_zone ? settings->time_zone : "UTC"; }

bo_money bo_tariff_price(const struct bo_tariff *tariff, bo_money full) {
    return tariff->percent < 0 ? tariff->price : full / 100 * tariff->percent + full % 100 * tariff->percent / 100;
}

static bool read_stage(const json_t *value, struct bo_settings *s) {
    const json_t *x = json_object_get(value, "x"), *y = json_object_get(value, "y");
    s->has_stage = json_is_number(x) && json_is_number(y);
    s->stage_x = json_number_value(x);
    s->stage_y = json_number_value(y);
    return s->has_stage || json_is_null(value);
}

bool bo_settings_has_lane(const struct bo_settings *settings, const char *name) {
    for (int i = 0; i < settings->lane_count; i++)
        if (strcmp(settings->lanes[i].name, name) == 0) return true;
    return false;
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
    bo_buffer_printf(problem, "%s: there is no such setting. Settings: policy, currency, prices, notice, lanes, tariffs, channels, stage", name);
    for (size_t i = 0; i < NUMBER_COUNT; i++) bo_buffer_printf(problem, ", %s", numbers[i].name);
    for (size_t i = 0; i < FLAG_COUNT; i++) bo_buffer_printf(problem, ", %s", flags[i].name);
    for (size_t i = 0; i < TIME_COUNT; i++) bo_buffer_printf(problem, ", %s", times[i].name);
    for (size_t i = 0; i < TEXT_COUNT; i++) bo_buffer_printf(problem, ", %s", texts[i].name);
    return BO_ERR_BAD_SETTING;
}

/* The settings that are neither number, flag nor time: true when read, else allowed says what would be right; NULL: not one of them. */
static bool read_other(const char *name, const json_t *value, bool stored, struct bo_settings *s, const char **allowed) {
    *allowed = NULL;
    if (strcmp(name, "policy") == 0) {
        *allowed = "\"rate\", \"capacity\" or \"both\"";
        return read_policy(value, s);
    }
    if (strcmp(name, "currency") == 0) {
        *allowed = "three capital letters, like EUR";
        return read_currency(value, s->currency);
    }
    if (strcmp(name, "prices") == 0) { /* the amounts are checked together with the plan */
        *allowed = "an object of category name and price";
        return json_is_object(value);
    }
    if (strcmp(name, "notice") == 0) {
        *allowed = "a text of at most 500 characters, or null";
        return read_notice(value, stored, s->notice);
    }
    if (strcmp(name, "stage") == 0) {
        *allowed = "an object with numbers x and y, or null";
        return read_stage(value, s);
    }
    if (strcmp(name, "tariffs") == 0) {
        *allowed = "a list of at most 16 objects with a name of their own (1 to 32 characters, as customers read it), either percent (0 to 100) or price, and, if "
                   "they have them, limit (per person) and total";
        return read_tariffs(value, s);
    }
    if (strcmp(name, "channels") == 0) {
        *allowed = "a list of at most 16 objects with a name of their own (1 to 32 characters of A-Z a-z 0-9 . _ : @ -), a quota and, if it is kept for them, "
                   "reserved: true";
        return read_channels(value, s);
    }
    if (strcmp(name, "lanes") == 0) {
        *allowed = "a list of at most 15 objects with a name of their own (1 to 32 characters of A-Z a-z 0-9 . _ : @ -) and, if it has one, a quota";
        return read_lanes(value, s);
    }
    return false;
}

/* What a text must look like beyond its length; NULL: as it likes. */
static const char *wrong_text(const char *name, const char *text) {
    if (!*text) return NULL;
    if (strcmp(name, "color") == 0 && (strlen(text) != 7 || text[0] != '#' || strspn(text + 1, "0123456789abcdefABCDEF") != 6)) return "a colour like #0b6e4f, or an empty text";
    if (strcmp(name, "logo") == 0 && strncmp(text, "https://", 8) != 0) return "an address that begins with https://, or an empty text";
    return NULL;
}

/* Which texts have more than one line. What an earlier version took is as many bytes as characters now, and may be anything. */
static bool fits(size_t i, const char *text, bool stored) {
    bool lines = strcmp(texts[i].name, "about") == 0 || strcmp(texts[i].name, "welcome") == 0;
    return bo_utf8_is_text(text, 0, texts[i].max, lines) || (stored && strlen(text) <= texts[i].max);
}

static int read_member(const char *name, const json_t *value, bool stored, struct bo_settings *s, struct bo_buffer *problem) {
    const char *allowed;
    if (read_other(name, value, stored, s, &allowed)) return 0;
    for (size_t i = 0; !allowed && i < FLAG_COUNT; i++) {
        if (strcmp(flags[i].name, name) != 0) continue;
        *flag_at(s, i) = json_is_true(value);
        if (json_is_boolean(value)) return 0;
        allowed = "true or false";
    }
    for (size_t i = 0; !allowed && i < TIME_COUNT; i++) {
        if (strcmp(times[i].name, name) != 0) continue;
        const char *wrong = read_time(value, stored, time_at(s, i));
        if (!wrong) return 0;
        bo_buffer_printf(problem, "%s: %s; allowed is a time like 2026-05-01T10:00:00Z or 2026-05-01T12:00:00+02:00, or null", name, wrong);
        return BO_ERR_BAD_SETTING;
    }
    for (size_t i = 0; !allowed && i < TEXT_COUNT; i++) {
        if (strcmp(texts[i].name, name) != 0) continue;
        const char *text = json_string_value(value);
        bool right = text && fits(i, text, stored);
        allowed = right ? wrong_text(name, text) : NULL;
        if (right && !allowed) {
            strcpy((char *)s + texts[i].offset, text);
            return 0;
        }
        if (allowed) break;
        bo_buffer_printf(problem, "%s: allowed is a text of at most %zu characters, without control characters", name, texts[i].max);
        return BO_ERR_BAD_SETTING;
    }
    if (!allowed) return read_number(name, value, s, problem);
    bo_buffer_printf(problem, "%s: allowed is %s", name, allowed);
    return BO_ERR_BAD_SETTING;
}

static int read_all(const json_t *json, bool stored, struct bo_settings *ret, struct bo_buffer *problem) {
    struct bo_settings s = {.policy = "both", .currency = "EUR"};
    for (size_t i = 0; i < NUMBER_COUNT; i++) *number_at(&s, i) = numbers[i].def;
    for (size_t i = 0; i < FLAG_COUNT; i++) *flag_at(&s, i) = flags[i].def;
    if (!json_is_object(json)) {
        bo_buffer_add_text(problem, "settings: a JSON object is needed");
        return BO_ERR_BAD_SETTING;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)json, name, value) {
        int err = read_member(name, value, stored, &s, problem);
        if (err) return err;
    }
    *ret = s;
    return 0;
}

int bo_settings_read(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) { return read_all(json, false, ret, problem); }

int bo_settings_read_stored(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) { return read_all(json, true, ret, problem); }

/* As the scripts read them: {"name":{"quota":1,"reserved":true},…}, "" where there are none. */
static void add_channels(const struct bo_settings *settings, void (*add)(void *, const char *, const char *), void *arg) {
    struct bo_buffer text = {0};
    for (int i = 0; i < settings->channel_count; i++) {
        const struct bo_channel *c = &settings->channels[i];
        bo_buffer_printf(&text, "%s\"%s\":{\"quota\":%lld,\"reserved\":%s}", i ? "," : "{", c->name, (long long)c->quota, c->reserved ? "true" : "false");
    }
    if (text.length) bo_buffer_add_text(&text, "}");
    add(arg, "channels", text.length ? text.data : "");
    bo_buffer_free(&text);
}

/* As the scripts, and PostgreSQL, have them: [{"name":"vip","quota":500},…]. */
static void add_lanes(const struct bo_settings *settings, void (*add)(void *, const char *, const char *), void *arg) {
    struct bo_buffer text = {0};
    for (int i = 0; i < settings->lane_count; i++) {
        const struct bo_lane *lane = &settings->lanes[i];
        bo_buffer_printf(&text, "%s{\"name\":\"%s\",\"quota\":%lld}", i ? "," : "[", lane->name, (long long)lane->quota);
    }
    bo_buffer_add_text(&text, text.length ? "]" : "[]");
    add(arg, "lanes", text.data);
    bo_buffer_free(&text);
}

bool bo_settings_mean_the_same(const struct bo_settings *a, const struct bo_settings *b) {
    bool same = strcmp(a->currency, b->currency) == 0 && a->lottery == b->lottery && a->lane_count == b->lane_count;
    for (int i = 0; same && i < a->lane_count; i++) same = strcmp(a->lanes[i].name, b->lanes[i].name) == 0;
    return same;
}

void bo_settings_each(const struct bo_settings *settings, void (*add)(void *, const char *, const char *), void *arg) {
    char text[24];
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        snprintf(text, sizeof(text), "%lld", (long long)*number_at(settings, i));
        add(arg, numbers[i].name, text);
    }
    for (size_t i = 0; i < FLAG_COUNT; i++) add(arg, flags[i].name, *flag_at(settings, i) ? "1" : "0");
    for (size_t i = 0; i < TIME_COUNT; i++) {
        snprintf(text, sizeof(text), "%lld", (long long)*time_at(settings, i));
        add(arg, times[i].name, text);
    }
    add_channels(settings, add, arg);
    add_lanes(settings, add, arg);
    add(arg, "policy", settings->policy);
    add(arg, "currency", settings->currency);
}
