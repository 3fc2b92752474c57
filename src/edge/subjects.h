/* SPDX-License-Identifier: Apache-2.0
 * How the site calls people (rule U4). The subject of a site's token is any text of 1 to BO_SUBJECT_MAX bytes ("auth0|5f7c…",
 * "a+b@example.org", base64). Inside, a person is an id: it stands in keys, addresses, log lines and the words of the feed. So a subject
 * that fits is "u:" and itself, as ever; any other is "x:" and its SHA-256, which nobody can make meet another one. The readable subject
 * is kept beside it in PostgreSQL, to be shown to operators; to find somebody by his subject needs only the same computation. */
#ifndef BO_EDGE_SUBJECTS_H
#define BO_EDGE_SUBJECTS_H

#include "boxoffice/types.h"
#include "postgres/queue.h"

#include <stdbool.h>

#define BO_SUBJECT_MAX 255 /* bytes */

/* True when person does not show the subject, which is to be remembered then. */
bool bo_subject_person(const char *subject, char ret_person[BO_ID_MAX + 1]);

/* Whom an operator means: a person's id, or the subject of one whose id does not show it. False: it is neither. */
bool bo_subject_named(const char *text, char ret_person[BO_ID_MAX + 1]);

struct bo_subjects;

struct bo_subjects *bo_subjects_new(void);
/* To be written with the next second; what was written lately is not written again. */
void bo_subjects_remember(struct bo_subjects *subjects, const char *person, const char *subject);
void bo_subjects_second(struct bo_subjects *subjects, struct bo_queue *postgres);
void bo_subjects_free(struct bo_subjects *subjects); /* after the queue is closed */

#endif
