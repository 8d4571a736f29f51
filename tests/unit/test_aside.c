/* Work beside the loop: its order, that the loop goes on meanwhile, its end. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/aside.h"
#include "base/clock.h"

#define PIECES 5

static struct loop *loop;
static struct aside *aside;
static sem_t gate, begun;
static pthread_t loop_thread;
static int worked[PIECES], done[PIECES], undone;
static int works, dones, ticks;

static int set_up(void **state)
{
	(void)state;
	works = dones = ticks = undone = 0;
	loop_thread = pthread_self();
	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	loop = loop_create();
	aside = aside_create(loop);
	return loop && aside ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	aside_destroy(aside);
	loop_destroy(loop);
	sem_destroy(&gate);
	sem_destroy(&begun);
	return 0;
}

static void work(void *context)
{
	assert_false(pthread_equal(pthread_self(), loop_thread));
	worked[works++] = *(int *)context;
}

static void wait_at_gate(void *context)
{
	sem_post(&begun);
	sem_wait(&gate);
	work(context);
}

static void note(void *context, bool was_worked)
{
	assert_true(pthread_equal(pthread_self(), loop_thread));
	done[dones++] = *(int *)context;
	undone += !was_worked;
}

static void note_and_quit(void *context, bool was_worked)
{
	note(context, was_worked);
	loop_quit(loop);
}

static void tick(void *context)
{
	(void)context;
	if (++ticks == 3)
		sem_post(&gate);
}

static void pieces_are_worked_on_and_given_back_in_order(void **state)
{
	int number[PIECES] = {0, 1, 2, 3, 4};

	(void)state;
	for (int i = 0; i < PIECES; i++)
		assert_int_equal(
			aside_run(aside, work,
				  i < PIECES - 1 ? note : note_and_quit,
				  &number[i]),
			0);
	loop_run(loop);
	assert_int_equal(dones, PIECES);
	assert_int_equal(undone, 0);
	assert_memory_equal(worked, number, sizeof(number));
	assert_memory_equal(done, number, sizeof(number));
}

static void the_loop_goes_on_while_a_piece_waits(void **state)
{
	int number = 7;

	(void)state;
	assert_int_equal(aside_run(aside, wait_at_gate, note_and_quit, &number),
			 0);
	assert_non_null(loop_add_timer(loop, NS_PER_MS, NS_PER_MS, tick, NULL));
	loop_run(loop);
	assert_true(ticks >= 3);
	assert_int_equal(done[0], 7);
}

static void *open_gate(void *context)
{
	(void)context;
	sem_post(&gate);
	return NULL;
}

static void the_end_gives_back_what_was_never_begun(void **state)
{
	int number[PIECES] = {0, 1, 2, 3, 4};
	pthread_t opener;

	(void)state;
	aside_run(aside, wait_at_gate, note, &number[0]);
	for (int i = 1; i < PIECES; i++)
		aside_run(aside, work, note, &number[i]);
	sem_wait(&begun);
	pthread_create(&opener, NULL, open_gate, NULL);
	aside_destroy(aside);
	pthread_join(opener, NULL);
	aside = NULL;
	assert_memory_equal(done, number, sizeof(number));
	assert_true(works >= 1);
	assert_int_equal(works + undone, PIECES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			pieces_are_worked_on_and_given_back_in_order, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_loop_goes_on_while_a_piece_waits, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_end_gives_back_what_was_never_begun, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("aside", tests, NULL, NULL);
}
