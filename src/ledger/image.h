/* SPDX-License-Identifier: Apache-2.0
 * A sale as its ledger tells it: what Redis has to hold once every record up to one of them has happened (rule P2). Each section is one of
 * Redis' keys (lua/lib/sale.lua) as a JSON object: field -> number or text, or an object or a list for what the scripts keep packed.
 * Built up record by record; written back by restore.h, compared by reconcile.h.
 *
 * Not told by the ledger, and so not here: who has no connection just now, whether somebody let in has been told, refusals that are remembered for a
 * repeated command, and the settings, which PostgreSQL has as they are. Who was stepped over stands in line here, under his number. */
#ifndef BO_LEDGER_IMAGE_H
#define BO_LEDGER_IMAGE_H

#include "redis/log_reader.h"

#include <jansson.h>

enum bo_image_section { BO_IMAGE_LINE, BO_IMAGE_PEOPLE, BO_IMAGE_SEATS, BO_IMAGE_ORDERS, BO_IMAGE_GONE, BO_IMAGE_LANES, BO_IMAGE_STOCK, BO_IMAGE_GRANTS, BO_IMAGE_STATE, BO_IMAGE_SECTIONS };

extern const char *const bo_image_names[BO_IMAGE_SECTIONS]; /* of the keys */

struct bo_expected;

struct bo_image {
    char *sale;
    int64_t seq;  /* of the last record */
    bo_ms at;     /* the sale's clock then */
    json_t *of[BO_IMAGE_SECTIONS];
    json_t *admissions; /* the last ones, {at, how many, …} */
    json_t *heads; /* how far the lanes have got in Redis, over people without a connection: known when it is compared */
    json_t *tickets;    /* seat -> order, of those that were sold and not given back */
    struct bo_expected *expected; /* gets each record, too; NULL: nothing does */
    char *map;    /* a character for each seat of the plan */
    size_t seats; /* of the plan */
};

struct bo_image *bo_image_new(const char *sale);
void bo_image_free(struct bo_image *image); /* NULL is fine */

/* What the next record says. BO_ERR_BAD_MESSAGE, and nothing changed, when its body cannot be read. Records of unknown kinds change nothing. */
int bo_image_apply(struct bo_image *image, const struct bo_log_record *record) BO_CHECKED;

/* A number of a section or record; 0 where there is none. */
int64_t bo_image_number(const json_t *object, const char *field);

#endif
