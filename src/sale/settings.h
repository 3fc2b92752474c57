/* SPDX-License-Identifier: Apache-2.0
 * A sale's settings as the operator writes them: a JSON object, every member optional. Besides the numbers of
 * settings.def: policy ("rate", "capacity" or "both"), currency (three capital letters), opens_at (RFC 3339 in UTC or null),
 * guests and site_tokens (whom the sale accepts), prices (category name to price). */
#ifndef BO_SALE_SETTINGS_H
#define BO_SALE_SETTINGS_H

#include "base/buffer.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <jansson.h>
#include <stdbool.h>

struct bo_settings {
#define SETTING(name, def, min, max, doc) int64_t name;
#include "sale/settings.def"
#undef SETTING
    char policy[12];
    char currency[4];
    bo_ms opens_at; /* 0: at once */
    bool guests, site_tokens;
};

/* Fills ret from defaults and json. On BO_ERR_BAD_SETTING problem names the member and what is allowed. */
int bo_settings_read(const json_t *json, struct bo_settings *ret, struct bo_buffer *problem) BO_CHECKED;

/* Calls add with every field and value the scripts need, as text. */
void bo_settings_each(const struct bo_settings *settings, void (*add)(void *arg, const char *field, const char *value), void *arg);

#endif
