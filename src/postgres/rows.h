/* SPDX-License-Identifier: Apache-2.0
 * What a query answered. Valid during the callback or until bo_rows_free; values are text, "" for NULL. */
#ifndef BO_POSTGRES_ROWS_H
#define BO_POSTGRES_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct bo_rows;

size_t bo_rows_count(const struct bo_rows *rows); /* 0 for NULL */
const char *bo_rows_text(const struct bo_rows *rows, size_t row, int column);
int64_t bo_rows_number(const struct bo_rows *rows, size_t row, int column);
void bo_rows_free(struct bo_rows *rows); /* those of the blocking calls */

#endif
