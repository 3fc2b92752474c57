/* SPDX-License-Identifier: Apache-2.0
 * A sale's settings as the operator writes them: a JSON object, every member optional. Besides those of
 * settings.def: policy ("rate", "capacity" or "both"), currency (three capital letters), prices (category name to price),
 * notice (a text for everyone in line, null for none), lanes (a list of {"name", "quota"}, the first served first; to be changed only by
 * adding at the end; quota 0: any number), stage ({"x", "y"} in the plan's coordinates, where the best seats are near; null: the middle of
 * its upper edge). */
#ifndef BO_SALE_SETTINGS_H
#define BO_SALE_SETTINGS_H

#include "base/buffer.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>
#include <stdbool.h>

#define BO_LANES_MAX 15
#define BO_NOTICE_MAX 500 /* bytes */

struct bo_settings {
#define SETTING(name, def, min, max, doc) int64_t name;
#define FLAG(name, def, doc) bool name;
#define TIME(name, doc) bo_ms name; /* 0: null */
#include "sale/settings.def"
#undef SETTING
#undef FLAG
#undef TIME
    char policy[12];
    char currency[4];
    char notice[BO_NOTICE_MAX + 1];
    struct bo_lane {
        char name[33];
        int64_t quota;
    } lanes[BO_LANES_MAX];
    int lane_count;
    bool has_stage;
    double stage_x, stage_y;
};

/* The lane of that name as the scripts number it (lua/lib/line.lua): BO_LANES_MAX is served first; 0: there is none. */
int bo_settings_lane(const struct bo_settings *settings, const char *name, int64_t *ret_quota);

/* Fills ret from defaults and json. On BO_ERR_BAD_SETTING problem names the member and what is allowed. */
int bo_settings_read(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) BO_CHECKED;

/* Calls add with every field and value the scripts need, as text. */
void bo_settings_each(const struct bo_settings *settings, void (*add)(void *arg, const char *field, const char *value), void *arg);

#endif
