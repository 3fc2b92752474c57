/* SPDX-License-Identifier: Apache-2.0
 * The scribe: carries every sale's log from Redis into PostgreSQL (rule P1). Batches; per batch and sale one transaction
 * that holds the ledger rows, what follows from them (orders, tickets, refunds) and the log position, so that a crash
 * anywhere repeats nothing and loses nothing. A record that PostgreSQL refuses goes to dead_letters and stops nobody. */
#ifndef BO_LEDGER_SCRIBE_H
#define BO_LEDGER_SCRIBE_H

#include "config/config.h"

#include <signal.h>

/* Runs until *stop is set (by a signal handler) and the log is empty. index: which of this server's, from 0. Returns an exit status. */
int bo_scribe_run(const struct bo_config *config, int index, volatile sig_atomic_t *stop);

#endif
