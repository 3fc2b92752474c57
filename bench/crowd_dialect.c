/* SPDX-License-Identifier: Apache-2.0
 * The languages of the servers that stand beside boxoffice in bench/run.sh line; each as its own documents have it. */
#include "bench/crowd_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stay(struct person *p) { (void)p; }

static void count_joined(struct person *p) {
    if (!p->told->joined_us) {
        p->told->joined_us = 1;
        p->process->shared->joined++;
    }
}

/* ---- bare and nchan: whoever is connected has what there is ---- */

static void welcome_bare(struct person *p) {
    count_joined(p);
    person_placed(p);
}

static void hear_bare(struct person *p, const char *text) {
    (void)text;
    person_heard(p);
}

/* ---- the usual tutorial over ws and Redis: join, then ask for the position again and again ---- */

static void poll_later(struct person *p) {
    int every = p->process->options->poll_ms;
    if (every) person_after(p, every, every);
}

static void welcome_ws(struct person *p) {
    char text[96];
    snprintf(text, sizeof(text), "{\"type\":\"join\",\"person\":\"p%ld\"}", (long)(p->told - p->process->shared->people));
    person_say(p, text);
}

static void hear_ws(struct person *p, const char *text) {
    if (!strstr(text, "\"position\"")) return;
    bool first = !p->placed;
    count_joined(p);
    person_placed(p);
    person_heard(p);
    int every = p->process->options->poll_ms;
    if (every) person_after(p, first ? 0 : every, every); /* spread over the interval */
}

static void act_ws(struct person *p) { person_say(p, "{\"type\":\"position\"}"); }

/* ---- socket.io 4: engine.io packets in WebSocket frames ---- */

static void hear_socketio(struct person *p, const char *text) {
    char join[96];
    if (text[0] == '0') {
        person_say(p, "40");
    } else if (text[0] == '2') {
        person_say(p, "3");
    } else if (strncmp(text, "40", 2) == 0) {
        snprintf(join, sizeof(join), "42[\"join\",{\"person\":\"p%ld\"}]", (long)(p->told - p->process->shared->people));
        person_say(p, join);
    } else if (strncmp(text, "42", 2) == 0) {
        bool first = !p->placed;
        count_joined(p);
        person_placed(p);
        person_heard(p);
        if (first && p->process->options->poll_ms)
            person_after(p, 0, p->process->options->poll_ms);
        else
            poll_later(p);
    }
}

static void act_socketio(struct person *p) { person_say(p, "42[\"position\"]"); }

const struct crowd_dialect *crowd_find_dialect(const char *name) {
    static const struct crowd_dialect others[] = {{"bare", "/ws", welcome_bare, hear_bare, stay},
                                                  {"nchan", "/sub/line", welcome_bare, hear_bare, stay},
                                                  {"ws", "/ws", welcome_ws, hear_ws, act_ws},
                                                  {"socketio", "/socket.io/?EIO=4&transport=websocket", stay, hear_socketio, act_socketio}};
    if (strcmp(name, "boxoffice") == 0) return &crowd_boxoffice;
    for (const struct crowd_dialect *d = crowd_holders; d->name; d++)
        if (strcmp(d->name, name) == 0) return d;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i].name, name) == 0) return &others[i];
    return NULL;
}
