/*
 * account STATE STORY TAKE...: holds takes of the counter pattern, folder by
 * folder, against what was asked for.
 *
 * STATE is the virtual interface's (CONTROL.state): its crystal. STORY has a
 * line for each time between REC and STOP,
 *
 *     FROM TO WORDS
 *
 * nanoseconds of CLOCK_MONOTONIC; each frame of it is to be in a take, or named
 * as lost by one. The last line says how many are not. Exit status 0 if none.
 *
 * account now: that clock.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "drivers/virtual/crystal.h"
#include "tests/bench/account.h"

static struct crystal read_crystal(const char *path)
{
	FILE *file = fopen(path, "re");
	struct crystal crystal;

	if (!file || fscanf(file, "%*s %" SCNd64 " %" SCNd64 " %lg",
			    &crystal.ns, &crystal.frame, &crystal.hz) != 3)
		errx(2, "%s: there is no crystal in it", path);
	fclose(file);
	return crystal;
}

static uint64_t hold_against(const char *path, const struct crystal *crystal,
			     struct list *known, double *seconds)
{
	FILE *file = fopen(path, "re");
	uint64_t missing = 0;
	int64_t from, to;
	char words[128];

	if (!file)
		err(2, "%s", path);
	while (fscanf(file, "%" SCNd64 " %" SCNd64 " %127[^\n]", &from, &to,
		      words) == 3) {
		struct stretch wanted = {crystal_frame(crystal, from),
					 crystal_frame(crystal, to)};

		*seconds += (double)(to - from) / 1e9;
		missing += account_missing(&wanted, known, words);
	}
	fclose(file);
	return missing;
}

static void print_causes(const struct list *causes)
{
	const struct cause *cause = causes->items;

	for (unsigned i = 0; i < causes->count; i++)
		printf("lost and named: %-8s %4u times, %.3f s, at most %.3f "
		       "s; length wrong by at most %" PRIu64
		       " frames, place by %" PRIu64 "\n",
		       cause[i].name, cause[i].times,
		       (double)cause[i].frames / 48000,
		       (double)cause[i].longest / 48000, cause[i].worst_length,
		       cause[i].worst_place);
}

int main(int argc, char **argv)
{
	struct list stories = LIST(struct tape_story);
	struct list known = LIST(struct stretch);
	struct list causes = LIST(struct cause);
	struct tape_story *story;
	struct crystal crystal;
	uint64_t faults = 0;
	double seconds = 0;

	if (argc == 2 && strcmp(argv[1], "now") == 0) {
		printf("%" PRId64 "\n", clock_now_ns());
		return 0;
	}
	if (argc < 3)
		errx(2, "usage: account STATE STORY TAKE...");
	crystal = read_crystal(argv[1]);
	for (int i = 3; i < argc; i++)
		faults += account_take(&stories, argv[i]);
	story = stories.items;
	for (unsigned i = 0; i < stories.count; i++) {
		faults += account_tape(&story[i], &known, &causes);
		list_free(&story[i].runs);
		list_free(&story[i].losses);
	}
	faults += hold_against(argv[2], &crystal, &known, &seconds);
	print_causes(&causes);
	printf("%d takes, %.1f s between REC and STOP, %" PRIu64
	       " frames that nobody can account for\n",
	       argc - 3, seconds, faults);
	list_free(&stories);
	list_free(&known);
	list_free(&causes);
	return faults > 0;
}
