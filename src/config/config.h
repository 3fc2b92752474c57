/* SPDX-License-Identifier: Apache-2.0
 * The configuration: defaults, then an INI file, then the environment (BOXOFFICE_<NAME>), each over the one before. */
#ifndef BO_CONFIG_CONFIG_H
#define BO_CONFIG_CONFIG_H

#include "base/buffer.h"
#include "boxoffice/error.h"

#include <stdbool.h>
#include <stdint.h>

struct bo_config {
#define TEXT(name, def, reload, doc) char *name;
#define NUMBER(name, def, min, max, unit, reload, doc) int64_t name;
#define CHOICE(name, def, allowed, reload, doc) char *name;
#include "config/options.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
};

/* Fills ret from the defaults, the file at path (NULL: none) and the environment. On BO_ERR_BAD_CONFIG problem says
 * where (file and line, or variable), what is wrong and what is allowed, and ret is empty. Free with bo_config_free. */
int bo_config_read(const char *path, struct bo_config *ret, struct bo_buffer *problem) BO_CHECKED;

/* Sets one option by name; BO_ERR_BAD_CONFIG and a sentence in problem when it does not exist or is out of range. */
int bo_config_set(struct bo_config *config, const char *name, const char *value, struct bo_buffer *problem) BO_CHECKED;

/* What only holds between options (required ones, pairs); called after the last bo_config_set. */
int bo_config_check(const struct bo_config *config, struct bo_buffer *problem) BO_CHECKED;

/* Are payments made by Stripe? It does not take every sum that another service may. */
bool bo_config_is_stripe(const struct bo_config *config);

/* Takes over from fresh what may change while running; names in need_restart what differs and may not. */
void bo_config_reload(struct bo_config *config, const struct bo_config *fresh, struct bo_buffer *need_restart);

/* The commented sample file, and the reference in Markdown. */
void bo_config_print_sample(struct bo_buffer *out);
void bo_config_print_markdown(struct bo_buffer *out);

void bo_config_free(struct bo_config *config);

#endif
