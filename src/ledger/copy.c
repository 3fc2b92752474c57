/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/copy.h"

#include <endian.h>
#include <string.h>

#define JSONB_VERSION 1

static void add16(struct bo_buffer *out, uint16_t value) {
    value = htobe16(value);
    bo_buffer_add(out, &value, sizeof(value));
}

static void add32(struct bo_buffer *out, uint32_t value) {
    value = htobe32(value);
    bo_buffer_add(out, &value, sizeof(value));
}

static void add_number(struct bo_buffer *out, int64_t value) {
    uint64_t bytes = htobe64((uint64_t)value);
    add32(out, sizeof(bytes));
    bo_buffer_add(out, &bytes, sizeof(bytes));
}

static void add_text(struct bo_buffer *out, const char *text) {
    add32(out, (uint32_t)strlen(text));
    bo_buffer_add_text(out, text);
}

void bo_ledger_copy(const struct bo_log_record *records, size_t count, struct bo_buffer *out) {
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    static const char version = JSONB_VERSION;
    bo_buffer_add(out, header, 19);
    for (const struct bo_log_record *r = records; r < records + count; r++) {
        add16(out, 6);
        add_text(out, r->sale);
        add_number(out, r->seq);
        add_number(out, r->at);
        add_text(out, r->kind);
        add32(out, (uint32_t)r->body_length + 1);
        bo_buffer_add(out, &version, 1);
        bo_buffer_add(out, r->body, r->body_length);
        add_number(out, r->epoch);
    }
    add16(out, 0xffff);
}
