/* SPDX-License-Identifier: Apache-2.0
 * The scribe: carries every sale's log from Redis into PostgreSQL (rule P1). Batches; per batch and sale one transaction
 * that holds the ledger rows, what follows from them (orders, tickets, refunds) and the log position, so that a crash
 * anywhere repeats nothing and loses nothing. A record that PostgreSQL refuses goes to dead_letters and stops nobody. */
#ifndef BO_LEDGER_SCRIBE_H
#define BO_LEDGER_SCRIBE_H

#include "config/config.h"

#include <signal.h>
#include <stddef.h>

/* Runs until *stop is set (by a signal handler) and the log is empty. index: which of this server's, from 0. Returns an exit status. */
int bo_scribe_run(const struct bo_config *config, int index, volatile sig_atomic_t *stop);

/* The same in single rounds, for a caller that decides when each of them happens. config must outlive it. */
struct bo_scribe;
struct bo_scribe *bo_scribe_open(const struct bo_config *config); /* connects in the first round */
void bo_scribe_close(struct bo_scribe *scribe);                   /* NULL is fine */

/* One round: takes its share of the sales, writes the records that are there, waiting up to wait_ms for some, and restores the sales that
 * Redis has lost. *ret_count: how many records there were, *ret_rest_ms: how long to wait for more before the next round. After an error
 * both connections are closed, and the next round makes new ones. */
int bo_scribe_step(struct bo_scribe *scribe, int wait_ms, size_t *ret_count, int *ret_rest_ms) BO_CHECKED;

/* The next round looks which sales there are, however short ago the last one did. */
void bo_scribe_look_again(struct bo_scribe *scribe);

#endif
