/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>

/* How many bytes follow the first of a character; -1: none begins with it. */
static int bytes_behind(unsigned char first) {
    if (first < 0x80) return 0;
    if (first < 0xC2 || first > 0xF4) return -1;
    if (first < 0xE0) return 1;
    return first < 0xF0 ? 2 : 3;
}

/* The next character, and *text behind it; -1: there is none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
static int32_t next(const unsigned char **text) {
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = *text;
    int more = bytes_behind(*at);
    if (more < 0) return -1;
    int32_t c = more ? *at & (0x3F >> more) : *at;
    for (int i = 0; i < more; i++) {
        if ((*++at & 0xC0) != 0x80) return -1;
        c = c << 6 | (*at & 0x3F);
    }
    *text = at + 1;
    return c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? -1 : c;
}

static bool is_control(int32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

long bo_utf8_length(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    long count = 0;
    for (; *at; count++)
        if (next(&at) < 0) return -1;
    return count;
}

bool bo_utf8_is_text(const char *text, size_t min, size_t max, bool lines) {
    const unsigned char *at = (const unsigned char *)text;
    size_t count = 0;
    for (; *at; count++) {
        int32_t c = next(&at);
        bool breaks = lines && (c == '\n' || c == '\r' || c == '\t');
        if (c < 0 || (is_control(c) && !breaks)) return false;
    }
    return count >= min && count <= max;
}
