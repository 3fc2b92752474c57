/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/rows.h"

#include <libpq-fe.h>
#include <stdlib.h>

/* bo_rows is libpq's result by another name, so that nobody outside this folder includes libpq. */
static const PGresult *result(const struct bo_rows *rows) { return (const PGresult *)rows; }

size_t bo_rows_count(const struct bo_rows *rows) { return rows ? (size_t)PQntuples(result(rows)) : 0; }

const char *bo_rows_text(const struct bo_rows *rows, size_t row, int column) {
    return PQgetvalue(result(rows), (int)row, column);
}

int64_t bo_rows_number(const struct bo_rows *rows, size_t row, int column) {
    return strtoll(bo_rows_text(rows, row, column), NULL, 10);
}

void bo_rows_free(struct bo_rows *rows) { PQclear((PGresult *)rows); }
