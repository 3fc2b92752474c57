/* SPDX-License-Identifier: Apache-2.0
 * Texts that people read. Their lengths are counted in characters (Unicode code points), as people count and the API says. */
#ifndef BO_BASE_UTF8_H
#define BO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define BO_UTF8_BYTES 4 /* at most so many of a character */

/* Characters of a text; -1: it is not UTF-8. */
long bo_utf8_length(const char *text);

/* UTF-8 of min to max characters without control characters; with lines, line breaks and tabs are allowed. */
bool bo_utf8_is_text(const char *text, size_t min, size_t max, bool lines);

#endif
