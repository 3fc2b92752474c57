/* SPDX-License-Identifier: Apache-2.0 */
#include "boxoffice/error.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
    int http_status;
} errors[BO_INDEX_COUNT] = {
    {"ok", "Done.", 200},
#define X(name, wire, http, text) {wire, text, http},
#include "boxoffice/error.def"
#undef X
};

static int index_of(int err) { return err <= 0 && -err < BO_INDEX_COUNT ? -err : BO_INDEX_INTERNAL; }

const char *bo_error_name(int err) { return errors[index_of(err)].name; }

const char *bo_error_text(int err) { return errors[index_of(err)].text; }

int bo_error_http_status(int err) { return errors[index_of(err)].http_status; }

int bo_error_from_name(const char *name) {
    for (int i = 0; i < BO_INDEX_COUNT; i++)
        if (strcmp(errors[i].name, name) == 0) return -i;
    return BO_ERR_INTERNAL;
}
