/* SPDX-License-Identifier: Apache-2.0
 * Log records in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format"), as rows of the table ledger. */
#ifndef BO_LEDGER_COPY_H
#define BO_LEDGER_COPY_H

#include "base/buffer.h"
#include "redis/log_reader.h"

#define BO_LEDGER_COPY_SQL "COPY ledger (sale, seq, at_ms, kind, body, epoch) FROM STDIN (FORMAT binary)"

void bo_ledger_copy(const struct bo_log_record *records, size_t count, struct bo_buffer *out);

#endif
