/* SPDX-License-Identifier: Apache-2.0
 * A growing byte buffer, always NUL-terminated behind its content. Zero-initialise; free with bo_buffer_free. */
#ifndef BO_BASE_BUFFER_H
#define BO_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct bo_buffer {
    char *data; /* NULL while nothing was added */
    size_t length;
    size_t room;
};

void bo_buffer_add(struct bo_buffer *b, const void *data, size_t length);
void bo_buffer_add_text(struct bo_buffer *b, const char *text);
void bo_buffer_printf(struct bo_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds text as the inside of a JSON string: quotes, backslashes and control characters escaped. */
void bo_buffer_add_json(struct bo_buffer *b, const char *text);
void bo_buffer_clear(struct bo_buffer *b); /* empties, keeps the memory */
void bo_buffer_free(struct bo_buffer *b);

#endif
