/* SPDX-License-Identifier: Apache-2.0
 * libwebsockets on the gateway's loop: the public port and the admin port. */
#ifndef BO_EDGE_SERVER_H
#define BO_EDGE_SERVER_H

#include "edge/address.h"
#include "edge/gateway.h"

/* Logs and returns -1 when libwebsockets does not start. */
int bo_server_open(struct bo_gateway *gateway);
/* Takes people from now on. Logs and returns -1 when a port cannot be had. */
int bo_server_listen(struct bo_gateway *gateway);
/* Takes no new people; those who are here stay, and the admin port goes on. */
void bo_server_stop_listening(struct bo_gateway *gateway, bool admin); /* on the public or the admin port */
/* In two steps, as libwebsockets needs it on a foreign loop: close, let the loop run empty, free. */
void bo_server_close(struct bo_gateway *gateway);
void bo_server_free(struct bo_gateway *gateway);

/* Whom the limits per address count: the socket's other end, or who the proxy in front says it is. */
void bo_server_address(const struct bo_gateway *gateway, struct lws *wsi, char ret[BO_ADDRESS_MAX]);

/* The public listener corks what it takes in (TCP_CORK), so that the answer to an upgrade and "joined" leave as one segment; from
 * here on nothing sent on this socket waits for more. Without it the kernel waits 200 ms. */
void bo_server_uncork(int fd);

#endif
