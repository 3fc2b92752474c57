/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p, size_t size) {
    if (!p) {
        fprintf(stderr, "{\"level\":\"fatal\",\"message\":\"out of memory\",\"bytes\":%zu}\n", size);
        abort();
    }
    return p;
}

void *bo_alloc(size_t size) { return must(calloc(1, size ? size : 1), size); }

void *bo_realloc(void *p, size_t size) { return must(realloc(p, size ? size : 1), size); }

char *bo_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(bo_alloc(n), s, n);
}

void bo_memory_trim(void) { malloc_trim(0); }

size_t bo_memory_private(void) {
    long total = 0, resident = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bool read = f && fscanf(f, "%ld %ld %ld", &total, &resident, &shared) == 3;
    if (f) fclose(f);
    return read && resident > shared ? (size_t)(resident - shared) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}
