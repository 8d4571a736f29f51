/* summary: what a take came to, as surfaces and scripts get it. */
#ifndef TAKEBOX_SUMMARY_H
#define TAKEBOX_SUMMARY_H

#include <jansson.h>

#include "take/take_info.h"

/* The take object of the control protocol (new reference). bytes 0: left out.
 * A take that has not ended has the verdict "open". */
json_t *summary_of_take(const struct take_info *info, const char *folder,
			uint64_t bytes);

/* One summary per take below folder/Takebox, of one session or of all
 * (session NULL or ""), oldest name first (new reference; NULL: no memory). */
json_t *summary_of_takes(const char *folder, const char *session);

#endif
