/* SPDX-License-Identifier: Apache-2.0
 * Files that were built into the program; each table ends with an entry whose name is NULL. */
#ifndef BO_BASE_EMBED_H
#define BO_BASE_EMBED_H

#include <stddef.h>

struct bo_embedded {
    const char *name; /* file name; without its ending for .lua and .sql */
    size_t length;
    const char *sha1; /* of data, in hex */
    const char *data; /* NUL-terminated behind length bytes */
};

extern const struct bo_embedded bo_lua_scripts[];
extern const struct bo_embedded bo_migrations[];
extern const struct bo_embedded bo_examples[];

#endif
