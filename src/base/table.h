/* SPDX-License-Identifier: Apache-2.0
 * A hash table from text to the caller's objects. The link sits in the object (16 bytes), the text is the object's
 * own and must stay unchanged while it is in. Several objects may share one key. */
#ifndef BO_BASE_TABLE_H
#define BO_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct bo_table_link {
    struct bo_table_link *next;
    uint32_t hash;
    uint32_t in; /* 1 while in a table */
};

struct bo_table {
    struct bo_table_link **buckets;
    size_t bucket_count;
    size_t count;
    const char *(*key_of)(const struct bo_table_link *link);
};

void bo_table_init(struct bo_table *table, const char *(*key_of)(const struct bo_table_link *));
void bo_table_add(struct bo_table *table, struct bo_table_link *link);
void bo_table_remove(struct bo_table *table, struct bo_table_link *link); /* nothing happens if it is not in */
struct bo_table_link *bo_table_find(const struct bo_table *table, const char *key);
struct bo_table_link *bo_table_find_next(const struct bo_table *table, const struct bo_table_link *link); /* same key */
/* cb may remove the link it is given, nothing else. */
void bo_table_each(struct bo_table *table, void (*cb)(void *arg, struct bo_table_link *link), void *arg);
void bo_table_free(struct bo_table *table); /* the table's own memory only */

#endif
