/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

#define HUGE_PAGE ((uintptr_t)2 << 20)
#define HUGE_PAGES_AT_ONCE 4 /* some 0.3 ms each */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; glibc names it from 2.37 on */
#endif

void bo_memory_collapse(void) {
    static uintptr_t done;
    uintptr_t top = (uintptr_t)sbrk(0), first_whole = (top + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    if (!done || done > top) done = first_whole;
    for (int i = 0; i < HUGE_PAGES_AT_ONCE && done + HUGE_PAGE <= top; i++, done += HUGE_PAGE)
        if (madvise((void *)done, HUGE_PAGE, MADV_COLLAPSE) != 0 && errno == EINVAL) return; /* an older kernel */
}
