/* SPDX-License-Identifier: Apache-2.0
 * boxoffice story: what happened to one person, from the ledger and, if they are given, from the servers' logs. */
#include "command/command.h"
#include "ledger/story.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct event {
    bo_ms at;
    size_t order; /* in which it was found: decisions of the same moment stay in theirs */
    char *text;
};

struct story {
    struct event *events;
    size_t count, room;
    char traces[BO_STORY_PEOPLE_MAX][17]; /* by which he is in the logs */
    size_t trace_count;
};

static void add(struct story *story, bo_ms at, char *text) {
    if (story->count == story->room) {
        story->room = story->room ? story->room * 2 : 64;
        story->events = bo_realloc(story->events, story->room * sizeof(*story->events));
    }
    story->events[story->count] = (struct event){at, story->count, text};
    story->count++;
}

/* ---- the ledger ---- */

static void note_traces(struct story *story, const char *what) {
    json_t *json = json_loads(what, 0, NULL);
    const char *trace = json_string_value(json_array_get(json_object_get(json, "traces"), 0));
    if (trace && story->trace_count < BO_STORY_PEOPLE_MAX) snprintf(story->traces[story->trace_count++], sizeof(story->traces[0]), "%s", trace);
    json_decref(json);
}

static void add_decision(void *arg, bo_ms at, const char *sale, int64_t seq, const char *kind, const char *what) {
    struct bo_buffer line = {0};
    bo_buffer_printf(&line, "%s #%" PRId64 "  %-9s %s", sale, seq, kind, what);
    note_traces(arg, what);
    add(arg, at, line.data);
}

/* ---- logs: lines of JSON that carry one of his traces, or name him ---- */

static bool is_about(const struct story *story, const char *line, char *const *people, size_t count) {
    for (size_t i = 0; i < story->trace_count; i++)
        if (strstr(line, story->traces[i])) return true;
    for (size_t i = 0; i < count; i++)
        if (strstr(line, people[i])) return true;
    return false;
}

static int add_log(struct story *story, const char *path, char *const *people, size_t count) {
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    if (!f) {
        fprintf(stderr, "boxoffice: %s cannot be read\n", path);
        return 2;
    }
    while (getline(&line, &size, f) > 0) {
        bo_ms at;
        json_t *json = is_about(story, line, people, count) ? json_loads(line, 0, NULL) : NULL;
        const char *time = json_string_value(json_object_get(json, "time"));
        if (time && bo_text_to_time(time, &at)) {
            const char *message = json_string_value(json_object_get(json, "message")), *process = json_string_value(json_object_get(json, "process"));
            struct bo_buffer text = {0};
            bo_buffer_printf(&text, "%s: %s", process ? process : "log", message ? message : "");
            add(story, at, text.data);
        }
        json_decref(json);
    }
    free(line);
    if (f != stdin) fclose(f);
    return 0;
}

/* ---- telling ---- */

static int by_time(const void *a, const void *b) {
    const struct event *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->order < y->order ? -1 : 1;
}

static void print(struct story *story) {
    if (story->count) qsort(story->events, story->count, sizeof(*story->events), by_time);
    for (size_t i = 0; i < story->count; i++) {
        time_t second = (time_t)(story->events[i].at / 1000);
        struct tm utc;
        char stamp[32];
        gmtime_r(&second, &utc);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        printf("%s.%03dZ  %s\n", stamp, (int)(story->events[i].at % 1000), story->events[i].text);
        free(story->events[i].text);
    }
    free(story->events);
}

int bo_command_story(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *sale = bo_option(&argc, argv, "--sale"), *log = bo_option(&argc, argv, "--log");
    if (bo_option_end(argc, argv, 1, "story WHO [--sale SALE] [--log FILE] [--config FILE]\nWHO: a person, an order, a payment, a trace or an e-mail address. Tells every decision about him, the oldest first;"
                                     " with a log of the servers (JSON lines, - for standard input), what they heard and told, too. Reads the whole ledger: not in the rush."))
        return 2;
    struct bo_config config;
    struct bo_database *db = NULL;
    struct story story = {0};
    char *people[BO_STORY_PEOPLE_MAX];
    size_t count = 0;
    if (bo_command_config(path, "story", &config)) return 2;
    int status = 0, err = bo_database_open(config.postgres, &db);
    if (!err) err = bo_story_people(db, argv[1], people, &count);
    for (size_t i = 0; !err && i < count; i++) err = bo_story_tell(db, people[i], sale, add_decision, &story);
    if (!err && log) status = add_log(&story, log, people, count);
    if (err)
        fprintf(stderr, "boxoffice: %s\n", bo_error_text(err));
    else if (!status && !story.count)
        fprintf(stderr, "boxoffice: nothing is known of \"%s\"\n", argv[1]);
    status = status ? status : err || !story.count;
    print(&story);
    for (size_t i = 0; i < count; i++) free(people[i]);
    bo_database_close(db);
    bo_config_free(&config);
    return status;
}
