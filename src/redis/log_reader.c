/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/log_reader.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "redis/reply.h"
#include "redis/store.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_KEY 9
#define LAST_EPOCH "18446744073709551615" /* the second part of an id has 64 bits */

struct bo_log_reader {
    struct bo_scripts *scripts;
    redisReply *reply; /* what the records point into */
    struct bo_log_record *records;
    size_t room;
};

struct bo_log_reader *bo_log_reader_new(struct bo_scripts *scripts) {
    struct bo_log_reader *reader = bo_alloc(sizeof(*reader));
    reader->scripts = scripts;
    return reader;
}

static void forget(struct bo_log_reader *reader) {
    if (reader->reply) freeReplyObject(reader->reply);
    reader->reply = NULL;
}

void bo_log_reader_free(struct bo_log_reader *reader) {
    if (!reader) return;
    forget(reader);
    free(reader->records);
    free(reader);
}

static int64_t epoch_of(const redisReply *id) {
    const char *dash = strchr(id->str, '-');
    return dash ? strtoll(dash + 1, NULL, 10) : 0;
}

static int64_t seq_of(const redisReply *id) { return strtoll(id->str, NULL, 10); }

/* An entry: {id, {"kind", kind, "at", at, "body", body}}, as lua/lib/sale.lua writes it. */
static bool read_entry(const redisReply *entry, const char *sale, struct bo_log_record *ret) {
    const redisReply *fields = entry->elements == 2 ? entry->element[1] : NULL;
    if (!fields || fields->elements != 6) return false;
    *ret = (struct bo_log_record){.sale = sale,
                                  .seq = seq_of(entry->element[0]),
                                  .epoch = epoch_of(entry->element[0]),
                                  .kind = fields->element[1]->str,
                                  .at = strtoll(fields->element[3]->str, NULL, 10),
                                  .body = fields->element[5]->str,
                                  .body_length = (size_t)fields->element[5]->len};
    return true;
}

/* A gateway of version 0.1.0, whose ids end in 0, may decide for a while beside those that replace it: on this primary, so in the epoch of the record before. */
static void take_epoch(struct bo_log_record *record, int64_t *epoch) {
    if (!record->epoch) record->epoch = *epoch;
    *epoch = record->epoch;
}

static size_t collect(struct bo_log_reader *reader, const struct bo_log_cursor *cursors, size_t cursor_count) {
    size_t count = 0;
    for (size_t s = 0; s < reader->reply->elements; s++) {
        const redisReply *stream = reader->reply->element[s], *entries = stream->element[1];
        const char *sale = NULL;
        int64_t epoch = 0;
        for (size_t c = 0; c < cursor_count; c++) {
            char key[128];
            bo_redis_key(cursors[c].sale, LOG_KEY, key);
            if (strcmp(key, stream->element[0]->str) != 0) continue;
            sale = cursors[c].sale;
            epoch = cursors[c].written;
        }
        if (count + entries->elements > reader->room) {
            reader->room = count + entries->elements;
            reader->records = bo_realloc(reader->records, reader->room * sizeof(*reader->records));
        }
        for (size_t i = 0; sale && i < entries->elements; i++)
            if (read_entry(entries->element[i], sale, &reader->records[count])) take_epoch(&reader->records[count++], &epoch);
    }
    return count;
}

/* Behind the last record, whatever its epoch is. Returns how many are read on. */
static size_t format_read(struct bo_buffer *keys, struct bo_buffer *ids, const struct bo_log_cursor *cursors, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        char key[128];
        if (cursors[i].gap) continue;
        n++;
        bo_redis_key(cursors[i].sale, LOG_KEY, key);
        bo_buffer_printf(keys, " %s", key);
        bo_buffer_printf(ids, " %lld-" LAST_EPOCH, (long long)cursors[i].after);
    }
    return n;
}

int bo_log_reader_next(struct bo_log_reader *reader, const struct bo_log_cursor *cursors, size_t cursor_count, size_t max, int wait_ms,
                       const struct bo_log_record **ret, size_t *ret_count) {
    forget(reader);
    *ret_count = 0;
    if (cursor_count == 0) return 0;
    struct bo_buffer command = {0}, ids = {0};
    bo_buffer_printf(&command, "XREAD COUNT %zu", max);
    if (wait_ms > 0) bo_buffer_printf(&command, " BLOCK %d", wait_ms); /* to Redis, 0 is for ever */
    bo_buffer_add_text(&command, " STREAMS");
    if (format_read(&command, &ids, cursors, cursor_count) == 0) {
        bo_buffer_free(&command);
        poll(NULL, 0, wait_ms);
        return 0;
    }
    bo_buffer_add(&command, ids.data, ids.length);
    reader->reply = redisCommand(bo_scripts_context(reader->scripts), command.data); /* ids hold no '%': bo_text_is_id */
    bo_buffer_free(&command);
    bo_buffer_free(&ids);
    if (!reader->reply || reader->reply->type == REDIS_REPLY_ERROR) {
        bo_log_warn("redis: reading the log: %s", reader->reply ? reader->reply->str : bo_scripts_context(reader->scripts)->errstr);
        return BO_ERR_UNAVAILABLE;
    }
    if (reader->reply->type == REDIS_REPLY_ARRAY) *ret_count = collect(reader, cursors, cursor_count);
    *ret = reader->records;
    return 0;
}

static struct bo_arg print_number(char text[24], int64_t number) {
    int length = snprintf(text, 24, "%lld", (long long)number);
    return (struct bo_arg){text, (size_t)length};
}

int bo_log_reader_committed(struct bo_log_reader *reader, const struct bo_log_cursor *cursor, int64_t *ret_first) {
    char texts[BO_LOG_ASIDE_MAX * 2 + 2][24];
    struct bo_arg args[BO_LOG_ASIDE_MAX * 2 + 2] = {print_number(texts[0], cursor->after), print_number(texts[1], cursor->epoch)};
    size_t count = 2;
    const struct bo_value *v = NULL;
    for (size_t i = 0; i < cursor->aside_count; i++, count++) args[count] = print_number(texts[count], cursor->aside[i]);
    int err = bo_scripts_run(reader->scripts, "log_commit", cursor->sale, args, count, &v);
    *ret_first = err == BO_ERR_LEDGER_GAP ? bo_value_number(v, 1) : 0;
    return err;
}
