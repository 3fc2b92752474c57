/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/limits.h"

#include "base/memory.h"

#include <stdlib.h>

#define MINUTE_MS 60000

struct bo_address {
    struct bo_table_link link; /* first member */
    int64_t connections, joins;
    bo_ms minute; /* when the minute of these joins began */
    char text[64];
};

static const char *address_text(const struct bo_table_link *link) { return ((const struct bo_address *)link)->text; }

void bo_limits_init(struct bo_limits *limits) { bo_table_init(&limits->addresses, address_text); }

static void forget(void *arg, struct bo_table_link *link) {
    bo_table_remove(arg, link);
    free(link);
}

void bo_limits_free(struct bo_limits *limits) {
    bo_table_each(&limits->addresses, forget, &limits->addresses);
    bo_table_free(&limits->addresses);
}

struct bo_address *bo_limits_connect(struct bo_limits *limits, const char *text, int64_t max) {
    struct bo_address *address = (struct bo_address *)bo_table_find(&limits->addresses, text);
    if (!address) {
        address = bo_alloc(sizeof(*address));
        for (size_t i = 0; i + 1 < sizeof(address->text) && text[i]; i++) address->text[i] = text[i];
        bo_table_add(&limits->addresses, &address->link);
    }
    if (max && address->connections >= max) return NULL;
    address->connections++;
    return address;
}

static bool is_idle(const struct bo_address *address, bo_ms now) {
    return !address->connections && (!address->joins || now - address->minute >= MINUTE_MS);
}

void bo_limits_disconnect(struct bo_limits *limits, struct bo_address *address) {
    if (!address) return;
    address->connections--;
    if (!address->connections && !address->joins) forget(&limits->addresses, &address->link);
}

bo_ms bo_limits_join(struct bo_address *address, int64_t max_per_minute, bo_ms now) {
    if (!address->joins || now - address->minute >= MINUTE_MS) {
        address->minute = now;
        address->joins = 0;
    }
    if (address->joins >= max_per_minute) return address->minute + MINUTE_MS - now;
    address->joins++;
    return 0;
}

struct sweep {
    struct bo_limits *limits;
    bo_ms now;
};

static void sweep_one(void *arg, struct bo_table_link *link) {
    struct sweep *sweep = arg;
    if (is_idle((struct bo_address *)link, sweep->now)) forget(&sweep->limits->addresses, link);
}

void bo_limits_sweep(struct bo_limits *limits, bo_ms now) {
    if (now - limits->swept < MINUTE_MS) return;
    limits->swept = now;
    bo_table_each(&limits->addresses, sweep_one, &(struct sweep){limits, now});
}
