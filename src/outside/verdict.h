/* SPDX-License-Identifier: Apache-2.0
 * What an answer of an outside service means (rule X6). A refusal is an answer: it counts for no breaker, throttle or health,
 * and repeating it changes nothing. Only a failure says something about the service itself. */
#ifndef BO_OUTSIDE_VERDICT_H
#define BO_OUTSIDE_VERDICT_H

enum bo_verdict {
    BO_VERDICT_DONE,
    BO_VERDICT_REFUSED, /* a final no */
    BO_VERDICT_FAILED,  /* no answer, or one that says "not now" */
};

enum bo_dialect { BO_DIALECT_HTTP, BO_DIALECT_STRIPE, BO_DIALECT_SMTP };

/* status: of the answer, in its dialect; 0: there was none. */
enum bo_verdict bo_verdict_of(enum bo_dialect dialect, long status);

#endif
