/*
 * A table small enough to be searched from end to end: a line of the log costs
 * a system call anyway.
 */
#include "base/log_limit.h"

#include <stdio.h>
#include <string.h>

static bool is_over(const struct log_site *site, int64_t now_ns)
{
	return now_ns - site->start_ns >= LOG_LIMIT_NS;
}

/* The site's slot, or the one it is to take: free, or else the oldest. */
static struct log_site *find_slot(struct log_limit *limit, const char *file,
				  int line)
{
	struct log_site *spare = &limit->site[0];

	for (unsigned i = 0; i < LOG_LIMIT_SITES; i++) {
		struct log_site *site = &limit->site[i];

		if (site->file == file && site->line == line)
			return site;
		if (!spare->file)
			continue;
		if (!site->file || site->start_ns < spare->start_ns)
			spare = site;
	}
	return spare;
}

bool log_limit_pass(struct log_limit *limit, const char *file, int line,
		    int level, const char *text, int64_t now_ns)
{
	struct log_site *site = find_slot(limit, file, line);

	if (site->file != file || site->line != line || is_over(site, now_ns)) {
		memset(site, 0, sizeof(*site));
		site->file = file;
		site->line = line;
		site->level = level;
		site->start_ns = now_ns;
	}
	if (site->passed < LOG_LIMIT_LINES) {
		site->passed++;
		return true;
	}
	site->suppressed++;
	snprintf(site->text, sizeof(site->text), "%s", text);
	return false;
}

bool log_limit_collect(struct log_limit *limit, int64_t now_ns,
		       struct log_site *out)
{
	for (unsigned i = 0; i < LOG_LIMIT_SITES; i++) {
		struct log_site *site = &limit->site[i];

		if (!site->suppressed || !is_over(site, now_ns))
			continue;
		*out = *site;
		memset(site, 0, sizeof(*site));
		return true;
	}
	return false;
}
