/* SPDX-License-Identifier: Apache-2.0
 * Keeps child processes running: starts them, starts them again when they die (at once the first time, then with
 * growing waits up to 5 s), and stops them in order of their rank, the lowest first. */
#ifndef BO_LOOP_SUPERVISE_H
#define BO_LOOP_SUPERVISE_H

#include <stdbool.h>
#include <uv.h>

struct bo_supervisor;

struct bo_child {
    char name[32];
    char **argv;     /* NULL-terminated; copied */
    uid_t uid;       /* 0: as we are */
    gid_t gid;
    int stop_signal; /* that asks it to end in order */
    int stop_rank;   /* children of rank 0 are stopped first; rank 1 when all of rank 0 have ended, and so on */
    int stop_ms;     /* after this long it is killed */
    bool own_group;  /* not in our process group: a Ctrl-C at the terminal reaches only us */
};

/* stopped runs once after bo_supervisor_stop, when every child has ended. */
struct bo_supervisor *bo_supervisor_new(uv_loop_t *loop, void (*stopped)(void *arg), void *arg);
void bo_supervisor_add(struct bo_supervisor *s, const struct bo_child *child); /* starts it in the next loop turn */
void bo_supervisor_signal(struct bo_supervisor *s, const char *name_prefix, int signum);
void bo_supervisor_stop(struct bo_supervisor *s);
void bo_supervisor_free(struct bo_supervisor *s); /* after stopped */

#endif
