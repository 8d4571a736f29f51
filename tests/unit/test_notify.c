/* The service manager is a datagram socket of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/notify.h"

#define SECONDS(n) ((int64_t)(n)*NS_PER_S)

struct fixture {
	int manager;
	char path[64];
	struct notify notify;
	char text[256];
};

static int set_up(void **state)
{
	static struct fixture f;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	f = (struct fixture){.notify.fd = -1};
	snprintf(f.path, sizeof(f.path), "/tmp/test_notify.%ld",
		 (long)getpid());
	strcpy(address.sun_path, f.path);
	f.manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	unlink(f.path);
	assert_int_equal(bind(f.manager, (void *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", f.path, 1);
	setenv("WATCHDOG_USEC", "8000000", 1);
	unsetenv("WATCHDOG_PID");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	notify_finish(&f->notify);
	close(f->manager);
	unlink(f->path);
	return 0;
}

/* What the manager was told next; "" if nothing. */
static const char *told(struct fixture *f)
{
	ssize_t length = recv(f->manager, f->text, sizeof(f->text) - 1, 0);

	f->text[length > 0 ? length : 0] = '\0';
	return f->text;
}

static void the_manager_is_told(void **state)
{
	struct fixture *f = *state;

	notify_init(&f->notify);
	assert_int_equal(notify_tell(&f->notify, "READY=1"), 0);
	assert_string_equal(told(f), "READY=1");
}

static void children_do_not_inherit_it(void **state)
{
	struct fixture *f = *state;

	notify_init(&f->notify);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
}

static int received_descriptor(struct fixture *f)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec line = {f->text, sizeof(f->text) - 1};
	struct msghdr message = {
		.msg_iov = &line,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(f->manager, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = -1;

	assert_true(length > 0);
	f->text[length] = '\0';
	if (header)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static bool same_file(int a, int b)
{
	struct stat one, other;

	assert_int_equal(fstat(a, &one), 0);
	assert_int_equal(fstat(b, &other), 0);
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static void the_manager_keeps_one_descriptor(void **state)
{
	struct fixture *f = *state;
	int mine = memfd_create("mine", 0), sent;

	notify_init(&f->notify);
	assert_int_equal(notify_keep(&f->notify, mine), 0);
	assert_string_equal(told(f), "FDSTOREREMOVE=1\nFDNAME=kept");
	sent = received_descriptor(f);
	assert_string_equal(f->text, "FDSTORE=1\nFDNAME=kept\nFDPOLL=0");
	assert_true(same_file(sent, mine));
	assert_int_equal(notify_keep(&f->notify, -1), 0);
	assert_string_equal(told(f), "FDSTOREREMOVE=1\nFDNAME=kept");
	assert_string_equal(told(f), "");
	close(sent);
	close(mine);
}

/* As number 3, and a second one that is nobody's. */
static void hand_back(struct fixture *f, int mine, long pid)
{
	char text[32];

	f->manager = fcntl(f->manager, F_DUPFD, 10);
	assert_int_equal(dup2(mine, 3), 3);
	assert_int_equal(dup2(mine, 4), 4);
	snprintf(text, sizeof(text), "%ld", pid);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "2", 1);
	notify_init(&f->notify);
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_PID"));
}

static void what_was_kept_is_handed_back(void **state)
{
	struct fixture *f = *state;
	int mine = fcntl(memfd_create("mine", 0), F_DUPFD, 20);

	hand_back(f, mine, (long)getpid());
	assert_int_equal(f->notify.kept, 3);
	assert_true(same_file(f->notify.kept, mine));
	assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(4, F_GETFD), -1);
	notify_finish(&f->notify);
	assert_int_equal(fcntl(3, F_GETFD), -1);
	close(mine);
}

static void what_is_for_another_process_is_not_taken(void **state)
{
	struct fixture *f = *state;
	int mine = fcntl(memfd_create("mine", 0), F_DUPFD, 20);

	hand_back(f, mine, (long)getppid());
	assert_int_equal(f->notify.kept, -1);
	assert_true(fcntl(3, F_GETFD) >= 0);
	close(mine);
}

static void without_a_manager_nothing_happens(void **state)
{
	struct fixture *f = *state;

	unsetenv("NOTIFY_SOCKET");
	notify_init(&f->notify);
	assert_int_equal(notify_tell(&f->notify, "READY=1"), -ENOTCONN);
	notify_feed(&f->notify, true, SECONDS(1));
	assert_string_equal(told(f), "");
}

static void impossible_sockets_are_nobody(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"", "/", "relative", "@",
					    "/nowhere/at/all"};
	char longer[200];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_init(&f->notify);
		assert_int_equal(f->notify.fd, -1);
	}
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_init(&f->notify);
	assert_int_equal(f->notify.fd, -1);
}

static void an_abstract_socket_is_found(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int length =
		snprintf(name, sizeof(name), "@notify.%ld", (long)getpid());

	close(f->manager);
	f->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
	assert_int_equal(
		bind(f->manager, (void *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 (size_t)length)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init(&f->notify);
	notify_tell(&f->notify, "READY=1");
	assert_string_equal(told(f), "READY=1");
}

static void the_watchdog_is_fed_four_times_an_interval(void **state)
{
	struct fixture *f = *state;
	int fed = 0;

	notify_init(&f->notify);
	for (int64_t now = SECONDS(100); now < SECONDS(116);
	     now += NS_PER_S / 10)
		notify_feed(&f->notify, true, now);
	while (strcmp(told(f), "WATCHDOG=1") == 0)
		fed++;
	assert_int_equal(fed, 8); /* in two intervals of 8 s */
}

static void work_that_stands_still_does_not_feed(void **state)
{
	struct fixture *f = *state;

	notify_init(&f->notify);
	notify_feed(&f->notify, true, SECONDS(100));
	assert_string_equal(told(f), "WATCHDOG=1");
	for (int i = 101; i < 120; i++)
		notify_feed(&f->notify, false, SECONDS(i));
	assert_string_equal(told(f), "");
	notify_feed(&f->notify, true, SECONDS(120));
	assert_string_equal(told(f), "WATCHDOG=1");
}

static void a_watchdog_for_another_process_is_not_fed(void **state)
{
	struct fixture *f = *state;

	setenv("WATCHDOG_PID", "1", 1);
	notify_init(&f->notify);
	notify_feed(&f->notify, true, SECONDS(100));
	assert_string_equal(told(f), "");
}

static void an_interval_that_is_no_number_is_none(void **state)
{
	struct fixture *f = *state;
	static const char *const values[] = {"", "-5", "0", "8s",
					     "99999999999999999999999"};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		setenv("NOTIFY_SOCKET", f->path, 1);
		setenv("WATCHDOG_USEC", values[i], 1);
		notify_init(&f->notify);
		assert_int_equal(f->notify.interval_ns, 0);
		notify_finish(&f->notify);
	}
}

static void progress_ends_when_the_number_stands(void **state)
{
	struct progress progress = {0};

	(void)state;
	for (int i = 1; i < 50; i++)
		assert_true(progress_goes_on(&progress, (uint64_t)i, true,
					     SECONDS(10), SECONDS(i)));
	assert_true(progress_goes_on(&progress, 49, true, SECONDS(10),
				     SECONDS(59)));
	assert_false(progress_goes_on(&progress, 49, true, SECONDS(10),
				      SECONDS(60)));
	assert_true(progress_goes_on(&progress, 50, true, SECONDS(10),
				     SECONDS(61)));
}

static void progress_that_nobody_wants_does_not_end(void **state)
{
	struct progress progress = {0};

	(void)state;
	for (int i = 1; i < 100; i++)
		assert_true(progress_goes_on(&progress, 7, false, SECONDS(10),
					     SECONDS(i)));
	/* From when on it is wanted, it has its time. */
	assert_true(progress_goes_on(&progress, 7, true, SECONDS(10),
				     SECONDS(109)));
	assert_false(progress_goes_on(&progress, 7, true, SECONDS(10),
				      SECONDS(110)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_manager_is_told),
		TEST(children_do_not_inherit_it),
		TEST(the_manager_keeps_one_descriptor),
		TEST(what_was_kept_is_handed_back),
		TEST(what_is_for_another_process_is_not_taken),
		TEST(without_a_manager_nothing_happens),
		TEST(impossible_sockets_are_nobody),
		TEST(an_abstract_socket_is_found),
		TEST(the_watchdog_is_fed_four_times_an_interval),
		TEST(work_that_stands_still_does_not_feed),
		TEST(a_watchdog_for_another_process_is_not_fed),
		TEST(an_interval_that_is_no_number_is_none),
		TEST(progress_ends_when_the_number_stands),
		TEST(progress_that_nobody_wants_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
