/* SPDX-License-Identifier: Apache-2.0
 * What the parts of an image share (image.c, image_line.c, image_sale.c). */
#ifndef BO_LEDGER_IMAGE_INSIDE_H
#define BO_LEDGER_IMAGE_INSIDE_H

#include "ledger/image.h"

#define BO_IMAGE_FIELD 40                   /* bytes of a field that is a name and a number */
#define BO_IMAGE_PLACES INT64_C(1000000)    /* PLACES of lua/lib/sale.lua */
#define BO_IMAGE_TOLD_WITHIN_MS 15000       /* TOLD_WITHIN_MS of lua/lib/admit.lua */

typedef void (*bo_image_replay)(struct bo_image *image, const json_t *body, const struct bo_log_record *record);
bo_image_replay bo_image_replay_line(const char *kind); /* NULL: not one of them */
bo_image_replay bo_image_replay_sale(const char *kind);

void bo_image_set(json_t *object, const char *field, int64_t value);
void bo_image_count(json_t *object, const char *field, int64_t by);
const char *bo_image_text(const json_t *object, const char *field); /* "" where there is none */
const char *bo_image_text_at(const json_t *list, size_t i);          /* the same of a list */
char *bo_image_field(char *ret, const char *name, int64_t number);  /* ret has BO_IMAGE_FIELD bytes; returns it */
void bo_image_remember(json_t *person, const json_t *token); /* a command that was done; no token: 0.1.0 wrote none */
json_t *bo_image_person(struct bo_image *image, const char *name);  /* his record, made where there is none */

void bo_image_own(struct bo_image *image, int64_t seat, const char *owner, char state);
void bo_image_disown(struct bo_image *image, int64_t seat);
void bo_image_count_place(struct bo_image *image, int64_t seat, const char *person, int by); /* a place of an area: by is 1 or -1 */
void bo_image_count_item(struct bo_image *image, int64_t item, const char *person, int64_t by);
void bo_image_note_rate(json_t *window, bo_ms at, int64_t count);

#endif
