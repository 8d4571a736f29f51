/*
 * pool: every job of every round is done, once, before the round is over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <time.h>
#include <cmocka.h>

#include "take/pool.h"

#define JOBS_MAX 100

struct round {
	atomic_uint done[JOBS_MAX];
	unsigned plain[JOBS_MAX]; /* seen by the owner without any atomics */
	atomic_uint meeting;	  /* jobs that wait for each other */
};

static void do_job(void *context, unsigned job)
{
	struct round *round = context;

	atomic_fetch_add(&round->done[job], 1);
	round->plain[job] = job + 1;
}

static void run(struct pool *pool, unsigned jobs)
{
	struct round round = {.meeting = 0};

	pool_run(pool, do_job, &round, jobs);
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		assert_int_equal(round.done[i], i < jobs);
		assert_int_equal(round.plain[i], i < jobs ? i + 1 : 0);
	}
}

static void test_any_number_of_jobs_on_any_number_of_threads(void **unused)
{
	static const unsigned jobs[] = {0, 1, 2, 3, 7, 64, JOBS_MAX};

	(void)unused;
	for (unsigned helpers = 0; helpers < 9; helpers++) {
		struct pool *pool = pool_create(helpers);

		assert_non_null(pool);
		assert_int_equal(pool_threads(pool), helpers + 1);
		for (unsigned i = 0; i < sizeof(jobs) / sizeof(*jobs); i++)
			run(pool, jobs[i]);
		pool_destroy(pool);
	}
}

static void test_thousands_of_short_rounds(void **unused)
{
	struct pool *pool = pool_create(3);

	(void)unused;
	for (unsigned i = 0; i < 5000; i++)
		run(pool, i % 9);
	pool_destroy(pool);
}

/* Ends only if as many threads as jobs are in it at once. */
static void meet(void *context, unsigned job)
{
	struct round *round = context;
	struct timespec begin, now;

	atomic_fetch_add(&round->meeting, 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (atomic_load(&round->meeting) < 4 &&
	       now.tv_sec - begin.tv_sec < 30);
	atomic_fetch_add(&round->done[job], atomic_load(&round->meeting) == 4);
}

static void test_all_threads_work_at_once(void **unused)
{
	struct pool *pool = pool_create(3);
	struct round round = {.meeting = 0};

	(void)unused;
	pool_run(pool, meet, &round, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(round.done[i], 1);
	pool_destroy(pool);
}

static void test_destroyed_before_it_worked(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 100; i++)
		pool_destroy(pool_create(i % 5));
	pool_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_any_number_of_jobs_on_any_number_of_threads),
		cmocka_unit_test(test_thousands_of_short_rounds),
		cmocka_unit_test(test_all_threads_work_at_once),
		cmocka_unit_test(test_destroyed_before_it_worked),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
