/* SPDX-License-Identifier: Apache-2.0
 * Points of the write path at which a process can be told to die, built in only with -Dcrash_points=true. BOXOFFICE_CRASH="NAME FILE" names one; the first
 * process that comes there while FILE exists removes it and is killed. */
#ifndef BO_BASE_CRASH_H
#define BO_BASE_CRASH_H

#ifdef BO_CRASH_POINTS
enum bo_crash_points {
#define POINT(name, where) BO_CRASH_AT_##name,
#include "base/crash.def"
#undef POINT
};
/* kind "" for those of crash.def */
void bo_crash_point(const char *kind, const char *name);
#define BO_CRASH_POINT(name) ((void)BO_CRASH_AT_##name, bo_crash_point("", #name))
#define BO_CRASH_POINT_OF(kind, name) bo_crash_point(kind, name)
#else
#define BO_CRASH_POINT(name) ((void)0)
#define BO_CRASH_POINT_OF(kind, name) ((void)0)
#endif

#endif
