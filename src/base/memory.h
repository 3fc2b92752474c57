/* SPDX-License-Identifier: Apache-2.0
 * Allocation that never fails to its caller: without memory the process ends with a message, and the supervisor
 * starts it anew. A gateway holds no truth, so this loses nobody's place. Use malloc directly only for sizes that
 * a peer chooses. */
#ifndef BO_BASE_MEMORY_H
#define BO_BASE_MEMORY_H

#include <stddef.h>

void *bo_alloc(size_t size); /* zeroed; free() it */
void *bo_realloc(void *p, size_t size);
char *bo_strdup(const char *s);

/* Gives back to the system what was freed; worth while after something large and rare, like reading a plan. */
void bo_memory_trim(void);
size_t bo_memory_private(void); /* bytes of this process that no other has; 0: the system does not say */

#endif
