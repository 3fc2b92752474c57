/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/unreadable.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct unreadable {
    struct bo_table_link by_sale; /* first member */
    char sale[BO_ID_MAX + 1];
    int64_t version;
};

static const char *sale_of(const struct bo_table_link *link) { return ((const struct unreadable *)link)->sale; }

void bo_unreadable_init(struct bo_gateway *gateway) { bo_table_init(&gateway->unreadable, sale_of); }

static void free_one(void *arg, struct bo_table_link *link) {
    bo_table_remove(arg, link);
    free(link);
}

void bo_unreadable_free(struct bo_gateway *gateway) {
    bo_table_each(&gateway->unreadable, free_one, &gateway->unreadable);
    bo_table_free(&gateway->unreadable);
}

void bo_unreadable_note(struct bo_gateway *gateway, const char *sale, int64_t version) {
    if (!bo_text_is_id(sale)) return; /* it could not be put into the question */
    struct unreadable *u = (struct unreadable *)bo_table_find(&gateway->unreadable, sale);
    if (!u) {
        u = bo_alloc(sizeof(*u));
        snprintf(u->sale, sizeof(u->sale), "%s", sale);
        bo_table_add(&gateway->unreadable, &u->by_sale);
    }
    u->version = version;
}

void bo_unreadable_forget(struct bo_gateway *gateway, const char *sale) {
    struct bo_table_link *link = bo_table_find(&gateway->unreadable, sale);
    if (link) free_one(&gateway->unreadable, link);
}

bool bo_unreadable_is(const struct bo_gateway *gateway, const char *sale) { return bo_table_find(&gateway->unreadable, sale); }

static void print_one(void *arg, struct bo_table_link *link) {
    const struct unreadable *u = (const struct unreadable *)link;
    struct bo_buffer *known = arg;
    bo_buffer_printf(known, "%s\"%s %" PRId64 "\"", known->length ? "," : "{", u->sale, u->version);
}

void bo_unreadable_print(struct bo_gateway *gateway, struct bo_buffer *known) { bo_table_each(&gateway->unreadable, print_one, known); }
