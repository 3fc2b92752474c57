/* SPDX-License-Identifier: Apache-2.0
 * A person's connection: connecting, the upgrade, frames in and out, and trying again. */
#include "base/memory.h"
#include "bench/crowd_inside.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t person_draw(struct person *p) {
    uint64_t z = (p->random += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

bool person_chance(struct person *p, double per_thousand) { return person_draw(p) % 1000 < (uint64_t)per_thousand; }

void person_after(struct person *p, int64_t from_ms, int64_t to_ms) {
    int64_t ms = from_ms + (int64_t)(person_draw(p) % (uint64_t)(to_ms - from_ms + 1));
    bo_wheel_set(&p->process->wheel, &p->timer, bo_loop_wall_ms() + ms);
}

void person_thinks(struct person *p, int64_t from_ms, int64_t to_ms) {
    double factor = p->process->options->think;
    person_after(p, (int64_t)((double)from_ms * factor), (int64_t)((double)to_ms * factor));
}

/* ---- socket ---- */

void person_disconnect(struct person *p) {
    if (p->fd >= 0) {
        close(p->fd);
        if (p->phase >= LINE) p->process->shared->connected--;
        if (p->placed) p->process->shared->placed--;
        p->placed = false;
        if (p->phase == CONNECTING || p->phase == UPGRADING) p->process->connecting--;
    }
    p->fd = -1;
    p->phase = AWAY;
    p->told->heard_ms = 0;
    bo_buffer_free(&p->in);
    bo_wheel_remove(&p->timer);
}

void person_end(struct person *p, enum crowd_fate fate) {
    person_disconnect(p);
    p->phase = OVER;
    if (p->told->fate == CROWD_NONE) {
        p->told->fate = (uint8_t)fate;
        p->process->shared->ended++;
    }
    free(p->resume);
    p->resume = NULL;
}

void person_try_again_later(struct person *p) {
    if (p->phase >= LINE) p->told->disconnected = true;
    person_disconnect(p);
    person_after(p, 0, p->reconnect_ms ? p->reconnect_ms : 1500);
}

/* A masked text frame; the mask is zero, which RFC 6455 allows and which leaves the text as it is. */
void person_say(struct person *p, const char *text) {
    size_t length = strlen(text), head;
    unsigned char frame[4096] = {0x81};
    if (length < 126) {
        frame[1] = 0x80 | (unsigned char)length;
        head = 6;
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        head = 8;
    }
    if (length + head > sizeof(frame)) abort();
    memcpy(frame + head, text, length);
    if (send(p->fd, frame, head + length, MSG_NOSIGNAL) != (ssize_t)(head + length)) person_try_again_later(p);
}

static int open_socket(struct process *process) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    bool near = ntohl(process->server.sin_addr.s_addr) >> 24 == 127; /* one source has 64 k ports; of the loopback there are many */
    if ((!near || bind(fd, (struct sockaddr *)&process->source, sizeof(process->source)) == 0) &&
        (connect(fd, (struct sockaddr *)&process->server, sizeof(process->server)) == 0 || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

void person_go(struct person *p) {
    struct process *process = p->process;
    p->fd = open_socket(process);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = p};
    if (p->fd < 0 || epoll_ctl(process->epoll, EPOLL_CTL_ADD, p->fd, &event) != 0) {
        person_try_again_later(p);
        return;
    }
    int64_t none = 0;
    atomic_compare_exchange_strong(&process->shared->first_us, &none, bo_loop_steady_us());
    p->phase = CONNECTING;
    process->connecting++;
    person_after(p, 30000, 30000);
}

static void upgrade(struct person *p) {
    char request[256], path[128];
    const struct crowd_options *options = p->process->options;
    if (options->dialect->path)
        snprintf(path, sizeof(path), "%s", options->dialect->path);
    else if (p->resume)
        snprintf(path, sizeof(path), "/ws");
    else
        snprintf(path, sizeof(path), "/ws?sale=%s", options->sale);
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path);
    if (!p->told->join_sent_us) p->told->join_sent_us = bo_loop_steady_us();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(p->process->epoll, EPOLL_CTL_MOD, p->fd, &event);
    p->phase = UPGRADING;
    if (send(p->fd, request, (size_t)length, MSG_NOSIGNAL) != length) person_try_again_later(p);
}

/* Takes one frame off the front of what was read; returns its size, 0 when it is not complete. */
static size_t take_frame(struct person *p, unsigned char *at, size_t left) {
    if (left < 2) return 0;
    size_t length = at[1] & 0x7f, head = 2;
    if (length == 126) head = 4;
    if (length == 127) head = 10;
    if (left < head) return 0;
    if (head == 4) length = (size_t)at[2] << 8 | at[3];
    if (head == 10) {
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | at[i];
    }
    if (left < head + length) return 0;
    if ((at[0] & 0x0f) == 1) {
        unsigned char saved = at[head + length];
        at[head + length] = '\0';
        p->process->shared->frames++;
        p->process->options->dialect->hear(p, (char *)at + head);
        if (p->in.data) at[head + length] = saved;
    } else if ((at[0] & 0x0f) == 8) {
        person_try_again_later(p); /* without a word before: the server restarts */
    }
    return head + length;
}

static void take_input(struct person *p) {
    size_t at = 0, used;
    if (p->phase == UPGRADING) {
        char *end_of_head = strstr(p->in.data, "\r\n\r\n");
        if (!end_of_head) return;
        if (strncmp(p->in.data, "HTTP/1.1 101", 12) != 0) {
            person_try_again_later(p);
            return;
        }
        at = (size_t)(end_of_head + 4 - p->in.data);
        p->process->connecting--;
        p->process->shared->connected++;
        p->phase = LINE;
        p->process->options->dialect->welcome(p);
    }
    while (p->in.data && (used = take_frame(p, (unsigned char *)p->in.data + at, p->in.length - at))) at += used;
    if (!p->in.data) return; /* gone meanwhile */
    if (at == p->in.length) {
        bo_buffer_free(&p->in);
    } else {
        memmove(p->in.data, p->in.data + at, p->in.length - at);
        p->in.length -= at;
        p->in.data[p->in.length] = '\0';
    }
}

void person_event(struct person *p, uint32_t events) {
    if (p->phase == CONNECTING) {
        int problem = 0;
        socklen_t size = sizeof(problem);
        getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem)
            person_try_again_later(p);
        else
            upgrade(p);
        return;
    }
    static char part[65536];
    ssize_t n = read(p->fd, part, sizeof(part));
    if (n > 0) {
        bo_buffer_add(&p->in, part, (size_t)n);
        take_input(p);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || (events & EPOLLHUP)) {
        person_try_again_later(p);
    }
}


/* ---- where he stands ---- */

void person_placed(struct person *p) {
    if (p->placed) return;
    p->placed = true;
    p->process->shared->placed++;
    p->process->shared->last_us = bo_loop_steady_us();
}

void person_heard(struct person *p) {
    int64_t now = bo_loop_steady_us() / 1000, silence = p->told->heard_ms ? now - p->told->heard_ms : 0;
    struct crowd_shared *shared = p->process->shared;
    p->told->heard_ms = now;
    if (silence > shared->longest_silence_ms) shared->longest_silence_ms = silence;
}
