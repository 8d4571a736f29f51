/*
 * Each case runs a real loop on real descriptors. A guard timer ends a loop in
 * which what is waited for does not come, and the case fails on the counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

#define GUARD_NS (5 * NS_PER_S)

struct fixture {
	struct loop *loop;
	struct loop_source *guard;
	bool guarded; /* the guard had to end it */
	int pipe[2][2];
	struct loop_source *source[2];
	int count[2];
	uint32_t events;
	int signal_number;
	int64_t fired_ns;
};

static void on_guard(void *context)
{
	struct fixture *f = context;

	f->guarded = true;
	loop_quit(f->loop);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.loop = loop_create()};
	assert_non_null(f.loop);
	f.guard = loop_add_timer(f.loop, GUARD_NS, 0, on_guard, &f);
	assert_non_null(f.guard);
	assert_int_equal(pipe2(f.pipe[0], O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(pipe2(f.pipe[1], O_NONBLOCK | O_CLOEXEC), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_destroy(f->loop);
	for (int i = 0; i < 2; i++) {
		close(f->pipe[i][0]);
		close(f->pipe[i][1]);
	}
	return 0;
}

static void put_byte(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void run(struct fixture *f)
{
	assert_int_equal(loop_run(f->loop), 0);
	assert_false(f->guarded);
}

static void read_and_quit(void *context, uint32_t events)
{
	struct fixture *f = context;
	char byte;

	f->count[0]++;
	f->events = events;
	assert_int_equal(read(f->pipe[0][0], &byte, 1), 1);
	loop_quit(f->loop);
}

static void a_readable_descriptor_calls_back(void **state)
{
	struct fixture *f = *state;

	assert_non_null(
		loop_add_fd(f->loop, f->pipe[0][0], EPOLLIN, read_and_quit, f));
	put_byte(f->pipe[0][1]);
	run(f);
	assert_int_equal(f->count[0], 1);
	assert_true(f->events & EPOLLIN);
}

static void see_hangup(void *context, uint32_t events)
{
	struct fixture *f = context;

	f->events = events;
	loop_quit(f->loop);
}

static void a_hangup_is_told(void **state)
{
	struct fixture *f = *state;

	assert_non_null(
		loop_add_fd(f->loop, f->pipe[0][0], EPOLLIN, see_hangup, f));
	close(f->pipe[0][1]);
	f->pipe[0][1] = -1;
	run(f);
	assert_true(f->events & EPOLLHUP);
}

static void count_events(void *context, uint32_t events)
{
	struct fixture *f = context;

	f->events |= events;
	f->count[1]++;
	loop_quit(f->loop);
}

static void changed_events_take_effect(void **state)
{
	struct fixture *f = *state;
	struct loop_source *source =
		loop_add_fd(f->loop, f->pipe[1][1], 0, count_events, f);

	assert_non_null(source);
	loop_quit(f->loop);
	run(f);
	assert_int_equal(f->count[1], 0);
	assert_int_equal(loop_change_events(source, EPOLLOUT), 0);
	run(f);
	assert_int_equal(f->events, EPOLLOUT);
}

static void remove_both(void *context, uint32_t events)
{
	struct fixture *f = context;

	(void)events;
	f->count[0]++;
	loop_remove(f->source[0]);
	loop_remove(f->source[1]);
	loop_quit(f->loop);
}

/* Both are ready in one batch; whichever comes first removes the two. */
static void a_callback_may_remove_itself_and_others(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		f->source[i] = loop_add_fd(f->loop, f->pipe[i][0], EPOLLIN,
					   remove_both, f);
		assert_non_null(f->source[i]);
		put_byte(f->pipe[i][1]);
	}
	run(f);
	assert_int_equal(f->count[0], 1);
	loop_quit(f->loop);
	run(f);
	assert_int_equal(f->count[0], 1);
}

static void add_second(void *context, uint32_t events)
{
	struct fixture *f = context;

	(void)events;
	loop_remove(f->source[0]);
	f->source[0] =
		loop_add_fd(f->loop, f->pipe[0][0], EPOLLIN, read_and_quit, f);
	assert_non_null(f->source[0]);
}

static void a_callback_may_put_another_in_its_place(void **state)
{
	struct fixture *f = *state;

	f->source[0] =
		loop_add_fd(f->loop, f->pipe[0][0], EPOLLIN, add_second, f);
	put_byte(f->pipe[0][1]);
	run(f);
	assert_int_equal(f->count[0], 1);
}

static void quit_on_timer(void *context)
{
	struct fixture *f = context;

	f->count[0]++;
	f->fired_ns = clock_now_ns();
	loop_quit(f->loop);
}

static void a_timer_fires_once_and_not_early(void **state)
{
	struct fixture *f = *state;
	int64_t start_ns = clock_now_ns();

	assert_non_null(
		loop_add_timer(f->loop, 20 * NS_PER_MS, 0, quit_on_timer, f));
	run(f);
	assert_true(f->fired_ns - start_ns >= 20 * NS_PER_MS);
	assert_non_null(
		loop_add_timer(f->loop, 40 * NS_PER_MS, 0, on_guard, f));
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->count[0], 1);
}

static void a_timer_of_zero_fires_at_once(void **state)
{
	struct fixture *f = *state;

	assert_non_null(loop_add_timer(f->loop, 0, 0, quit_on_timer, f));
	run(f);
	assert_int_equal(f->count[0], 1);
}

static void quit_at_third(void *context)
{
	struct fixture *f = context;

	if (++f->count[0] == 3)
		loop_quit(f->loop);
}

static void an_interval_timer_goes_on(void **state)
{
	struct fixture *f = *state;

	assert_non_null(loop_add_timer(f->loop, NS_PER_MS, NS_PER_MS,
				       quit_at_third, f));
	run(f);
	/* On a busy machine it is due again before the loop has quit. */
	assert_true(f->count[0] >= 3);
}

static void remove_timer(void *context)
{
	struct fixture *f = context;

	f->count[0]++;
	loop_remove(f->source[0]);
	loop_quit(f->loop);
}

static void a_timer_may_remove_itself(void **state)
{
	struct fixture *f = *state;

	f->source[0] = loop_add_timer(f->loop, 0, NS_PER_MS, remove_timer, f);
	run(f);
	loop_add_timer(f->loop, 20 * NS_PER_MS, 0, on_guard, f);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->count[0], 1);
}

static void note_signal(void *context, int signal_number)
{
	struct fixture *f = context;

	f->signal_number = signal_number;
	loop_quit(f->loop);
}

static void a_signal_comes_through_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_non_null(loop_add_signal(f->loop, SIGUSR1, note_signal, f));
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	run(f);
	assert_int_equal(f->signal_number, SIGUSR1);
}

static void quit_before_run_ends_it_at_once_and_only_once(void **state)
{
	struct fixture *f = *state;

	loop_quit(f->loop);
	loop_quit(f->loop);
	run(f);
	loop_add_timer(f->loop, 0, 0, quit_on_timer, f);
	run(f);
	assert_int_equal(f->count[0], 1);
}

static void *quit_from_thread(void *context)
{
	loop_quit(context);
	return NULL;
}

static void another_thread_may_quit(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	assert_int_equal(
		pthread_create(&thread, NULL, quit_from_thread, f->loop), 0);
	run(f);
	pthread_join(thread, NULL);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	struct fixture *f = *state;

	errno = 0;
	assert_null(loop_add_fd(f->loop, -1, EPOLLIN, see_hangup, f));
	assert_int_equal(errno, EBADF);
}

static void nothing_is_removed_and_destroyed_harmlessly(void **state)
{
	(void)state;
	loop_remove(NULL);
	loop_destroy(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_readable_descriptor_calls_back),
		CASE(a_hangup_is_told),
		CASE(changed_events_take_effect),
		CASE(a_callback_may_remove_itself_and_others),
		CASE(a_callback_may_put_another_in_its_place),
		CASE(a_timer_fires_once_and_not_early),
		CASE(a_timer_of_zero_fires_at_once),
		CASE(an_interval_timer_goes_on),
		CASE(a_timer_may_remove_itself),
		CASE(a_signal_comes_through_the_loop),
		CASE(quit_before_run_ends_it_at_once_and_only_once),
		CASE(another_thread_may_quit),
		CASE(a_bad_descriptor_is_an_error),
		CASE(nothing_is_removed_and_destroyed_harmlessly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
