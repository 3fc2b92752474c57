/* SPDX-License-Identifier: Apache-2.0
 * What people of the crowd are told, written down (--history), one line each, for bench/history.py to check against the ledger:
 *   P person index, his id      H sent, told, person, seat: held      R sent, told, person, seat …: given back
 *   X sent, told, person, seat: refused      B person, order, seat …: bought      times in µs of the wall clock */
#include "bench/crowd_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static FILE *history;

int64_t crowd_wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A file for each process of the crowd. */
static FILE *history_of(struct person *p) {
    const char *name = p->process->options->history;
    if (!name || history) return history;
    char path[512];
    snprintf(path, sizeof(path), "%s.%d", name, p->process->number);
    history = fopen(path, "w");
    if (!history) {
        perror(path);
        exit(1);
    }
    return history;
}

void crowd_history_close(void) {
    if (history) fclose(history);
    history = NULL;
}

static long index_of(const struct person *p) { return (long)(p->told - p->process->shared->people); }

void crowd_note_person(struct person *p, const char *id) {
    FILE *file = history_of(p);
    if (file) fprintf(file, "P %ld %.*s\n", index_of(p), (int)strcspn(id, "\""), id);
}

void crowd_note_seats(struct person *p, char what, const uint32_t *seats, int count) {
    FILE *file = history_of(p);
    if (!file) return;
    fprintf(file, "%c %lld %lld %ld", what, (long long)p->command_sent_us, (long long)crowd_wall_us(), index_of(p));
    for (int i = 0; i < count; i++) fprintf(file, " %u", seats[i]);
    fputc('\n', file);
}

void crowd_note_bought(struct person *p, const char *order, const uint32_t *seats, int count) {
    FILE *file = history_of(p);
    if (!file) return;
    fprintf(file, "B %ld %.*s", index_of(p), (int)strcspn(order, "\""), order);
    for (int i = 0; i < count; i++) fprintf(file, " %u", seats[i]);
    fputc('\n', file);
}
