/* SPDX-License-Identifier: Apache-2.0
 * One WebSocket of one person. Its stage says what may be done with it and what its timer means; bo_session_set_stage is
 * the only place that changes it. */
#ifndef BO_EDGE_SESSION_H
#define BO_EDGE_SESSION_H

#include "base/buffer.h"
#include "base/heap.h"
#include "edge/gateway.h"

struct bo_address;
struct bo_entry;
struct bo_room;

enum bo_stage {
    BO_STAGE_NEW,     /* connected; timer: must join by then */
    BO_STAGE_JOINING, /* in the next batch for the line */
    BO_STAGE_WAIT,    /* in line; timer: next news */
    BO_STAGE_CLAIM,   /* admitted; timer: tell the time left */
    BO_STAGE_CHOOSE,
    BO_STAGE_PAY,
    BO_STAGE_OUT /* bought, expired or left; may join again; timer: closed */
};

#define BO_CLOSE_SOLD_OUT 4001
#define BO_CLOSE_ENDED 4002
#define BO_CLOSE_NOT_JOINED 4003
#define BO_CLOSE_SLOW 4004
#define BO_CLOSE_TURNED_AWAY 4005
#define BO_CLOSE_RESTART 1012

struct bo_frame {
    struct bo_frame *next;
    size_t length;
    char data[]; /* LWS_PRE bytes of room, then the text */
};

#define BO_ASKED_MAX 8

/* What only those have who are inside, or look at the map. */
struct bo_visit {
    struct bo_session *session;
    struct bo_visit *next_viewer, **viewer_link; /* in room->viewers; NULL: hears no seat changes */
    char *order;          /* while paying */
    bo_ms deadline;       /* of claim, choose or pay, by the sale's clock */
    uint64_t access_hash; /* of the access token given on this connection; 0: none */
    struct bo_asked {     /* his last holds on this connection; by hash, 0: none */
        uint64_t key, seats;
        bool refused_here; /* by this gateway, without asking Redis */
    } asked[BO_ASKED_MAX];
    uint8_t asked_next;
    uint16_t choices_under_way;
    uint16_t held;    /* seats, as the last answer had it */
    uint16_t awaited; /* answers about the stock that it has not heard yet */
};

/* What is on its way: only with a slow reader, or a message that came in parts. */
struct bo_traffic {
    struct bo_frame *queue; /* what waits for the socket */
    size_t queued;
    struct bo_buffer incoming; /* a message of which only a part has come */
    bool oversized;
};

/* A million of these: what most do not need lies elsewhere, and what news touch lies together. */
struct bo_session {
    struct bo_table_link by_person; /* in room->people from joined on; first member */
    struct bo_wheel_node timer;
    struct lws *wsi; /* NULL once the connection is gone */
    struct bo_room *room;
    struct bo_gateway *gateway;
    struct bo_traffic *traffic; /* NULL: nothing is on its way */
    int64_t number;
    uint64_t trace; /* chosen by his browser, in logs and ledger; 0: none */
    int fd;              /* of wsi */
    uint32_t shown;      /* smallest position told so far; 0: none */
    uint32_t references;
    uint16_t close_code; /* not 0: close once the queue is out */
    uint8_t stage;
    bool close_sent : 1;
    bool entered : 1; /* has proven its admission on this connection */
    bool again : 1;   /* joining: wants a new place if he is out */
    bool status_due : 1, notice_due : 1; /* told with his next news */
    bool corked : 1;  /* what is sent waits for more, 200 ms at most (TCP_CORK) */
    bool fresh : 1;    /* his place was made by this connection: nothing of his is under way elsewhere */
    bool choosing : 1; /* has a command that gathers with others (choosing.c): what comes behind it has to wait for it */
    bool more : 1;    /* another frame follows at once, and both leave together (MSG_MORE) */
    uint16_t window_count;
    uint32_t window_start_s;        /* of the message rate limit, steady clock */
    struct bo_heap_node in_line;    /* in room->waiting while in stage WAIT and not being asked about */
    struct bo_session *next, *prev; /* in gateway->sessions */
    char *person;
    struct bo_entry *entry;     /* until he has joined */
    struct bo_address *address; /* while limits per address are on */
    struct bo_visit *visit;     /* NULL: never was inside */
};

struct bo_session *bo_session_open(struct bo_gateway *gateway, struct lws *wsi);
void bo_session_closed(struct bo_session *session); /* the connection is gone */
void bo_session_hold(struct bo_session *session);
void bo_session_release(struct bo_session *session); /* frees it with the last reference */

struct bo_visit *bo_session_visit(struct bo_session *session); /* makes it when there is none */
void bo_session_set_stage(struct bo_session *session, enum bo_stage stage, bo_ms deadline);

/* Sends one JSON text: at once when the socket has room, else as soon as it has. Who does not read until 256 KiB wait is
 * closed. Sending to a session without a connection does nothing. */
void bo_session_send(struct bo_session *session, const char *json, size_t length);
void bo_session_printf(struct bo_session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The listener corks what comes in by it, so that the answer to the upgrade and "joined" leave as one; from here on nothing waits. */
void bo_session_uncork(struct bo_session *session);
/* Like send, but skipped while the reader is behind: the next news will be fresher. */
bool bo_session_send_news(struct bo_session *session, const char *json, size_t length);
/* {"type":"error","code":…,"message":…}, with the key of the command when there is one. */
void bo_session_error(struct bo_session *session, int err, const char *key);
/* The same with "retry_ms"; 0: without. */
void bo_session_refuse(struct bo_session *session, int err, bo_ms retry_ms);
void bo_session_close(struct bo_session *session, int code);
void bo_session_close_next(struct bo_session *session); /* a close that had to wait goes on */
bool bo_session_writable(struct bo_session *session); /* false: close the connection now */

/* A part of a message came. */
void bo_session_received(struct bo_session *session, const char *data, size_t length, bool first, bool last, bool binary);

#endif
