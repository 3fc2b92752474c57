/* SPDX-License-Identifier: Apache-2.0 */
#include "base/squeeze.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* the largest window, in gzip's format */

void bo_squeeze(const char *data, size_t length, struct bo_buffer *ret_gz) {
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort(); /* no memory */
    size_t room = deflateBound(&z, length);
    char *out = bo_alloc(room);
    z.next_in = (Bytef *)data; /* never written to */
    z.avail_in = (uInt)length;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort(); /* there is room for everything */
    bo_buffer_add(ret_gz, out, z.total_out);
    deflateEnd(&z);
    free(out);
}

void bo_unsqueeze(const struct bo_buffer *gz, struct bo_buffer *ret) {
    const unsigned char *end = (const unsigned char *)gz->data + gz->length - 4;
    size_t length = end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    char *out = bo_alloc(length + 1);
    z_stream z = {.next_in = (Bytef *)gz->data, .avail_in = (uInt)gz->length, .next_out = (Bytef *)out, .avail_out = (uInt)length + 1};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK || inflate(&z, Z_FINISH) != Z_STREAM_END) abort(); /* ours, so it is whole */
    bo_buffer_add(ret, out, length);
    inflateEnd(&z);
    free(out);
}
