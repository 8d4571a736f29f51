/*
 * Tells whether a machine gave its programs their time: sleeps for a
 * millisecond again and again, above all other priorities, and measures how
 * late it wakes. An emulated machine on a busy host stands still now and
 * then, longer than any interface's buffer; what a recorder loses there says
 * nothing about the recorder.
 *
 *	stall RESULT
 *
 * writes the longest delay in milliseconds to RESULT when it is terminated.
 */
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define PERIOD_NS 1000000

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
	(void)number;
	terminated = 1;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void run_above_all(void)
{
	struct sched_param priority = {
		.sched_priority = sched_get_priority_max(SCHED_FIFO),
	};

	if (sched_setscheduler(0, SCHED_FIFO, &priority) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		err(2, "real-time priority");
}

int main(int argc, char **argv)
{
	const struct timespec period = {.tv_nsec = PERIOD_NS};
	int64_t longest = 0, before;
	FILE *result;

	if (argc != 2)
		errx(2, "usage: stall RESULT");
	signal(SIGTERM, on_terminate);
	run_above_all();
	before = now_ns();
	while (!terminated) {
		int64_t now;

		nanosleep(&period, NULL);
		now = now_ns();
		if (now - before - PERIOD_NS > longest)
			longest = now - before - PERIOD_NS;
		before = now;
	}
	result = fopen(argv[1], "w");
	if (!result || fprintf(result, "%d\n", (int)(longest / 1000000)) < 0 ||
	    fclose(result))
		err(2, "%s", argv[1]);
	return 0;
}
