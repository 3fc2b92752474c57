/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct bo_buffer *b, size_t more) {
    size_t need = b->length + more + 1;
    if (need <= b->room) return;
    size_t room = b->room ? b->room * 2 : 128;
    while (room < need) room *= 2;
    b->data = bo_realloc(b->data, room);
    b->room = room;
}

void bo_buffer_add(struct bo_buffer *b, const void *data, size_t length) {
    reserve(b, length);
    if (length) memcpy(b->data + b->length, data, length);
    b->length += length;
    b->data[b->length] = '\0';
}

void bo_buffer_add_text(struct bo_buffer *b, const char *text) { bo_buffer_add(b, text, strlen(text)); }

void bo_buffer_printf(struct bo_buffer *b, const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n > 0) {
        reserve(b, (size_t)n);
        vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
}

void bo_buffer_add_json(struct bo_buffer *b, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            bo_buffer_printf(b, "\\%c", *p);
        else if (*p < 0x20)
            bo_buffer_printf(b, "\\u%04x", *p);
        else
            bo_buffer_add(b, p, 1);
    }
}

void bo_buffer_clear(struct bo_buffer *b) {
    b->length = 0;
    if (b->data) b->data[0] = '\0';
}

void bo_buffer_free(struct bo_buffer *b) {
    free(b->data);
    *b = (struct bo_buffer){0};
}
