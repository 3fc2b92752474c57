/* SPDX-License-Identifier: Apache-2.0
 * Whether what Redis holds is what the ledger says. Some of it cannot be compared, because it is no decision (image.h): who has a connection, how far the head
 * got over people who had none, what is past the head, the windows of the rates. */
#ifndef BO_LEDGER_COMPARE_H
#define BO_LEDGER_COMPARE_H

#include "ledger/image.h"

#define BO_COMPARE_NUMBER 24 /* bytes of a number as text */

json_t *bo_compare_section(const struct bo_image *image, const char *key); /* NULL: none of its own */

/* Two values, of which nothing, 0, "" and an empty list are the same. */
bool bo_compare_same(const json_t *a, const json_t *b);

/* One field, or member, as sale_scan reads it; "" where Redis has none. Of somebody only a part is seen: what is not the same may still be right. */
bool bo_compare_scanned(const struct bo_image *image, const char *key, const char *field, const char *value);

/* One field as sale_look reads it. NULL: right. Else what it has to be, "" for nothing, to be freed; *ret_off: of a counter what is to be added, else 0. */
char *bo_compare_field(const struct bo_image *image, const char *key, const char *field, const char *found, int64_t *ret_off);

/* Where somebody is: number in line, deadline inside, record. NULL: right. Else the record he has to have, to be freed, and the two numbers as text. */
char *bo_compare_person(const struct bo_image *image, const char *name, const char *line, const char *active, const char *record, char ret_line[BO_COMPARE_NUMBER],
                        char ret_active[BO_COMPARE_NUMBER]);

#endif
