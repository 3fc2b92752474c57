/* SPDX-License-Identifier: Apache-2.0
 * Keeps child processes running: starts them, starts them again when they die (at once the first time, then with
 * growing waits up to 5 s), and stops them in order of their rank, the lowest first.
 *
 * A program can be replaced by its next version in the same process (execve): the sockets its children listen with are handed on, and the children of the version
 * before are adopted, until the new ones do their work. */
#ifndef BO_LOOP_SUPERVISE_H
#define BO_LOOP_SUPERVISE_H

#include <stdbool.h>
#include <uv.h>

struct bo_supervisor;

#define BO_CHILD_FDS 2

struct bo_child {
    char name[32];
    char **argv;     /* NULL-terminated; copied */
    uid_t uid;       /* 0: as we are */
    gid_t gid;
    int stop_signal; /* that asks it to end in order */
    int stop_rank;   /* children of rank 0 are stopped first; rank 1 when all of rank 0 have ended, and so on */
    int stop_ms;     /* after this long it is killed */
    bool own_group;  /* not in our process group: a Ctrl-C at the terminal reaches only us */
    int fds[BO_CHILD_FDS]; /* its files 3, 4, …, open here as well for when it is started again; 0: none. The supervisor closes them when it stops */
};

/* stopped runs once after bo_supervisor_stop, when every child has ended. */
struct bo_supervisor *bo_supervisor_new(uv_loop_t *loop, void (*stopped)(void *arg), void *arg);
void bo_supervisor_add(struct bo_supervisor *s, const struct bo_child *child); /* starts it in the next loop turn */
void bo_supervisor_signal(struct bo_supervisor *s, const char *name_prefix, int signum);
void bo_supervisor_stop(struct bo_supervisor *s);

/* Before execve: what the next version has to know is in the environment, and the sockets stay open. */
void bo_supervisor_hand_over(struct bo_supervisor *s);
void bo_supervisor_keep(struct bo_supervisor *s); /* execve failed: takes that back */
/* After it: false when nothing was handed over. */
bool bo_supervisor_adopt(struct bo_supervisor *s);
/* The files of the child that had this name before; 0: none. They are this caller's then. */
void bo_supervisor_take_fds(struct bo_supervisor *s, const char *name, int ret_fds[BO_CHILD_FDS]);
/* Asks the adopted to end; after ms they are killed. Files nobody has taken are closed. */
void bo_supervisor_dismiss_adopted(struct bo_supervisor *s, int ms);
void bo_supervisor_free(struct bo_supervisor *s); /* after stopped */

#endif
