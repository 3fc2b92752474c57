/* SPDX-License-Identifier: Apache-2.0
 * Error codes that cross folders. 0 is success; errors are negative. */
#ifndef BOXOFFICE_ERROR_H
#define BOXOFFICE_ERROR_H

enum bo_error_index {
    BO_INDEX_OK = 0,
#define X(name, wire, http, text) BO_INDEX_##name,
#include "boxoffice/error.def"
#undef X
    BO_INDEX_COUNT
};

enum bo_error {
    BO_OK = 0,
#define X(name, wire, http, text) BO_ERR_##name = -BO_INDEX_##name,
#include "boxoffice/error.def"
#undef X
};

/* The name used on the wire ("seat_taken"); "ok" for 0. Static storage. */
const char *bo_error_name(int err);
/* A sentence that says what to do. Static storage. */
const char *bo_error_text(int err);
/* The HTTP status that goes with it; 200 for 0. */
int bo_error_http_status(int err);
/* The code of a wire name; BO_ERR_INTERNAL for one that does not exist. */
int bo_error_from_name(const char *name);

#define BO_CHECKED __attribute__((warn_unused_result))

#endif
