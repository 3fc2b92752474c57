/* SPDX-License-Identifier: Apache-2.0
 * Listening TCP sockets that several processes share (SO_REUSEPORT, and each may be handed on). */
#ifndef BO_LOOP_LISTEN_H
#define BO_LOOP_LISTEN_H

#include <stdbool.h>

/* Non-blocking, close-on-exec. What never says a word is not accepted for its first ten seconds. corked: what the first turn sends leaves as one (TCP_CORK; the reader takes it off). Accepted sockets inherit the options: a peer that
 * vanished without a word is noticed when for dead_peer_ms nothing that was sent to him, or a word of the kernel's where nothing is sent, was acknowledged. -1, with errno, when it cannot be done. */
int bo_listen_open(const char *host, int port, bool corked, int dead_peer_ms);

/* Whether fd is a socket that listens on this port. */
bool bo_listen_is_on(int fd, int port);

#endif
