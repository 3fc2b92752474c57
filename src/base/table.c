/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t seed;

/* FNV-1a (Fowler, Noll, Vo) from a random start, so that nobody outside can choose colliding keys in advance. */
static uint32_t hash_of(const char *key) {
    uint64_t h = seed;
    for (; *key; key++) h = (h ^ (unsigned char)*key) * 0x100000001b3ULL;
    return (uint32_t)(h ^ (h >> 32));
}

void bo_table_init(struct bo_table *table, const char *(*key_of)(const struct bo_table_link *)) {
    if (!seed && getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) seed = 0xcbf29ce484222325ULL;
    *table = (struct bo_table){.key_of = key_of};
}

static struct bo_table_link **bucket(const struct bo_table *table, uint32_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void grow(struct bo_table *table) {
    struct bo_table old = *table;
    table->bucket_count = old.bucket_count ? old.bucket_count * 2 : 64;
    table->buckets = bo_alloc(table->bucket_count * sizeof(*table->buckets));
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct bo_table_link *link = old.buckets[i], *next;
        for (; link; link = next) {
            next = link->next;
            struct bo_table_link **to = bucket(table, link->hash);
            link->next = *to;
            *to = link;
        }
    }
    free(old.buckets);
}

void bo_table_add(struct bo_table *table, struct bo_table_link *link) {
    if (table->count >= table->bucket_count) grow(table);
    link->hash = hash_of(table->key_of(link));
    link->in = 1;
    struct bo_table_link **to = bucket(table, link->hash);
    link->next = *to;
    *to = link;
    table->count++;
}

void bo_table_remove(struct bo_table *table, struct bo_table_link *link) {
    if (!link->in) return;
    struct bo_table_link **at = bucket(table, link->hash);
    while (*at != link) at = &(*at)->next;
    *at = link->next;
    link->in = 0;
    table->count--;
}

static struct bo_table_link *match(const struct bo_table *table, struct bo_table_link *link, uint32_t hash, const char *key) {
    while (link && (link->hash != hash || strcmp(table->key_of(link), key) != 0)) link = link->next;
    return link;
}

struct bo_table_link *bo_table_find(const struct bo_table *table, const char *key) {
    if (!table->bucket_count) return NULL;
    uint32_t hash = hash_of(key);
    return match(table, *bucket(table, hash), hash, key);
}

struct bo_table_link *bo_table_find_next(const struct bo_table *table, const struct bo_table_link *link) {
    return match(table, link->next, link->hash, table->key_of(link));
}

void bo_table_each(struct bo_table *table, void (*cb)(void *, struct bo_table_link *), void *arg) {
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct bo_table_link *link = table->buckets[i], *next;
        for (; link; link = next) {
            next = link->next;
            cb(arg, link);
        }
    }
}

void bo_table_free(struct bo_table *table) {
    free(table->buckets);
    table->buckets = NULL;
    table->bucket_count = table->count = 0;
}
