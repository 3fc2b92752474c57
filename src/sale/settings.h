/* SPDX-License-Identifier: Apache-2.0
 * A sale's settings as the operator writes them: a JSON object, every member optional. Besides those of
 * settings.def: policy ("rate", "capacity" or "both"), currency (three capital letters), prices (category name to price),
 * notice (a text for everyone in line, null for none), lanes (a list of {"name", "quota"}, the first served first; a
 * lane that somebody has stood in keeps its place in the list; quota 0: any number), stage ({"x", "y"} in the plan's coordinates, where the best seats are near; null: the middle of
 * its upper edge), tariffs (a list of {"name", and either "percent" of a seat's price or "price"; if it has them, "limit" per person and
 * "total" for all}), channels (a list of {"name", "quota", and "reserved": true if nobody else gets at it}). */
#ifndef BO_SALE_SETTINGS_H
#define BO_SALE_SETTINGS_H

#include "base/buffer.h"
#include "base/utf8.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>
#include <stdbool.h>

#define BO_LANES_MAX 15
#define BO_SETTINGS_MAX 40 /* fields that bo_settings_each names, at most */
#define BO_TARIFFS_MAX 16
#define BO_CHANNELS_MAX 16
#define BO_NAME_MAX 32 /* characters, of a lane, tariff or channel */
#define BO_NOTICE_MAX 500 /* characters */

struct bo_settings {
#define SETTING(name, def, min, max, doc) int64_t name;
#define FLAG(name, def, doc) bool name;
#define TIME(name, doc) bo_ms name; /* 0: null */
#define TEXT(name, max, doc) char name[(max) * BO_UTF8_BYTES + 1];
#include "sale/settings.def"
#undef SETTING
#undef FLAG
#undef TIME
#undef TEXT
    char policy[12];
    char currency[4];
    char notice[BO_NOTICE_MAX * BO_UTF8_BYTES + 1];
    struct bo_lane {
        char name[BO_NAME_MAX + 1];
        int64_t quota;
    } lanes[BO_LANES_MAX];
    int lane_count;
    struct bo_tariff { /* a reduced price */
        char name[BO_NAME_MAX * BO_UTF8_BYTES + 1]; /* any text: customers read it */
        int64_t percent; /* of the full price; -1: price counts */
        bo_money price;
        int64_t limit, total; /* per person, of all; 0: any number */
    } tariffs[BO_TARIFFS_MAX];
    int tariff_count;
    struct bo_channel { /* a way to come to the sale, with its own quota */
        char name[BO_NAME_MAX + 1];
        int64_t quota;
        bool reserved; /* kept for it: others have that much less */
    } channels[BO_CHANNELS_MAX];
    int channel_count;
    bool has_stage;
    double stage_x, stage_y;
};

/* Lanes are known by name; the scripts number them (lua/lib/line.lua). */
bool bo_settings_has_lane(const struct bo_settings *settings, const char *name);

/* Whether what was decided under one of them means the same under the other (rule O7): currency, order of the lanes, lottery. */
bool bo_settings_mean_the_same(const struct bo_settings *a, const struct bo_settings *b);

const struct bo_tariff *bo_settings_tariff(const struct bo_settings *settings, const char *name);   /* NULL: there is none */
const struct bo_channel *bo_settings_channel(const struct bo_settings *settings, const char *name); /* NULL: there is none */

/* What a seat of this full price costs by the tariff; parts of the smallest unit are cut off. */
bo_money bo_tariff_price(const struct bo_tariff *tariff, bo_money full);

/* The venue's time zone by its IANA name. */
const char *bo_settings_zone(const struct bo_settings *settings);

/* Fills ret from defaults and json. On BO_ERR_BAD_SETTING problem names the member and what is allowed. */
int bo_settings_read(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) BO_CHECKED;

/* The same for what a database has already: what an earlier version took and this one refuses is read as that one read it. */
int bo_settings_read_stored(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) BO_CHECKED;

/* Calls add with every field and value the scripts need, as text. */
void bo_settings_each(const struct bo_settings *settings, void (*add)(void *arg, const char *field, const char *value), void *arg);

#endif
