/* Looking at a take that nobody has made whole. */
#include "tests/bench/unhealed.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/virtual/counter.h"
#include "tests/support/stock_flac.h"

struct looking {
	struct stock_flac flac;
	unsigned channel;
	uint64_t base, wrong, first_wrong;
};

static int on_samples(void *user, const int32_t *const *planes, unsigned count,
		      uint64_t position)
{
	struct looking *looking = user;

	for (unsigned i = 0; i < count; i++)
		if (planes[0][i] != counter_sample(looking->base + position + i,
						   looking->channel,
						   looking->flac.bits) &&
		    looking->wrong++ == 0)
			looking->first_wrong = position + i;
	return 0;
}

/* exFAT can lose the end of a file's clusters, and says so to whoever reads
 * there (EIO). */
static bool lacks_end(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	char last;
	bool lacks =
		size > 0 && pread(fd, &last, 1, size - 1) < 0 && errno == EIO;

	if (fd >= 0)
		close(fd);
	return lacks;
}

static void look_at_file(struct unhealed *unhealed, struct looking *looking,
			 const char *path, unsigned rate)
{
	struct stock_flac *flac = &looking->flac;
	const char *name = strrchr(path, '/') + 1, *fault = flac->fault;

	looking->channel = (unsigned)strtoul(name, NULL, 10) - 1;
	looking->wrong = 0;
	stock_flac_open(flac, path, on_samples, looking);
	if (!*fault && (flac->rate != rate || flac->channels != 1))
		fault = "another format";
	if (!*fault)
		stock_flac_decode(flac);
	stock_flac_close(flac);
	if (!*fault && looking->wrong > 0)
		fault = "wrong samples";
	if (*fault && !unhealed->fault[0])
		snprintf(unhealed->fault, sizeof(unhealed->fault),
			 "%s: %s; %llu wrong from frame %llu on", name, fault,
			 (unsigned long long)looking->wrong,
			 (unsigned long long)looking->first_wrong);
	unhealed->lacks_end |= *fault && lacks_end(path);
	if (unhealed->tracks++ == 0 || flac->samples < unhealed->frames)
		unhealed->frames = flac->samples;
}

void unhealed_look(struct unhealed *unhealed, const char *medium,
		   const char *name, unsigned rate, uint64_t base)
{
	static struct looking looking;
	char pattern[512];
	glob_t found = {0};

	*unhealed = (struct unhealed){0};
	looking.base = base;
	snprintf(pattern, sizeof(pattern), "%.200s/Takebox/*/%.200s/*.flac",
		 medium, name);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			look_at_file(unhealed, &looking, found.gl_pathv[i],
				     rate);
	globfree(&found);
}
