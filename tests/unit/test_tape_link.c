/*
 * The link between the processes: a request arrives as it was sent, a tape is
 * handed over as a descriptor that can be read and nothing else, and whatever
 * is not a message of ours is refused without a leak.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/tape.h"
#include "engine/tape_link.h"
#include "engine/tape_writer.h"

struct ends {
	int client, server;
	char folder[64], path[96];
	unsigned descriptors;
};

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int set_up(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int pair[2];

	*state = ends;
	if (!ends ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	ends->client = pair[0];
	ends->server = pair[1];
	strcpy(ends->folder, "/tmp/takebox-link-XXXXXX");
	if (!mkdtemp(ends->folder))
		return -1;
	snprintf(ends->path, sizeof(ends->path), "%s/socket", ends->folder);
	ends->descriptors = open_descriptors();
	return 0;
}

static int tear_down(void **state)
{
	struct ends *ends = *state;

	close(ends->client);
	close(ends->server);
	unlink(ends->path);
	rmdir(ends->folder);
	free(ends);
	return 0;
}

static void assert_no_leak(const struct ends *ends)
{
	assert_int_equal(open_descriptors(), ends->descriptors);
}

static struct tape_request a_request(void)
{
	struct tape_request request;

	tape_request_init(&request);
	strcpy(request.device, "hw:CARD=Test");
	request.channels = 18;
	request.rate = 48000;
	request.tape_seconds = 12.5;
	request.limit = 1ull << 40;
	return request;
}

static struct tape_reply a_reply(int error)
{
	return (struct tape_reply){
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
		.error = error,
		.realtime = 1,
		.message = "words",
	};
}

/* ---- requests ---- */

static void test_a_request_arrives_as_it_was_sent(void **state)
{
	struct ends *ends = *state;
	struct tape_request sent = a_request(), got;
	int fd;

	assert_int_equal(tape_link_send(ends->client, &sent, -1), 0);
	assert_int_equal(tape_link_read_request(ends->server, &got, &fd), 0);
	assert_memory_equal(&sent, &got, sizeof(sent));
}

static void test_requests_are_equal_but_for_limit_and_patience(void **state)
{
	struct tape_request a = a_request(), b = a;

	(void)state;
	b.limit = 7;
	b.keep_trying = 1;
	assert_true(tape_request_equal(&a, &b));
#define ASSERT_DIFFERENT(change)                                               \
	do {                                                                   \
		b = a;                                                         \
		change;                                                        \
		assert_false(tape_request_equal(&a, &b));                      \
	} while (0)
	ASSERT_DIFFERENT(strcpy(b.device, "hw:CARD=Tes"));
	ASSERT_DIFFERENT(b.channels = 17);
	ASSERT_DIFFERENT(b.rate = 44100);
	ASSERT_DIFFERENT(b.format = 2);
	ASSERT_DIFFERENT(b.period = 64);
	ASSERT_DIFFERENT(b.buffer = 64);
	ASSERT_DIFFERENT(b.clip_run = 9);
	ASSERT_DIFFERENT(b.tape_seconds = 12);
}

static void test_who_only_asks_is_told_from_who_opens(void **state)
{
	struct ends *ends = *state;
	struct tape_request got;
	int fd;

	assert_int_equal(tape_link_send_ask(ends->client), 0);
	assert_int_equal(tape_link_read_request(ends->server, &got, &fd), 0);
	assert_true(tape_request_asks(&got));
	got = a_request();
	assert_false(tape_request_asks(&got));
}

static void assert_request_refused(const struct ends *ends, const void *bytes,
				   size_t size)
{
	struct tape_request got;
	int fd;

	assert_int_equal(send(ends->client, bytes, size, 0), size);
	assert_int_equal(tape_link_read_request(ends->server, &got, &fd),
			 -EPROTO);
}

static void test_requests_that_are_none_are_refused(void **state)
{
	struct ends *ends = *state;
	struct tape_request request;
	char bytes[sizeof(request) + 1] = {0};

	request = a_request();
	memcpy(bytes, &request, sizeof(request));
	assert_request_refused(ends, bytes, 1);
	assert_request_refused(ends, bytes, sizeof(request) - 1);
	assert_request_refused(ends, bytes, sizeof(request) + 1);
	request.magic++;
	assert_request_refused(ends, &request, sizeof(request));
	request = a_request();
	request.version++;
	assert_request_refused(ends, &request, sizeof(request));
	request = a_request();
	memset(request.device, 'x', sizeof(request.device));
	assert_request_refused(ends, &request, sizeof(request));
}

static void test_a_server_sees_its_client_leave(void **state)
{
	struct ends *ends = *state;
	struct tape_request got;
	int fd;

	assert_int_equal(shutdown(ends->client, SHUT_RDWR), 0);
	assert_int_equal(tape_link_read_request(ends->server, &got, &fd),
			 -ECONNRESET);
}

/* ---- replies ---- */

static void test_a_tape_is_handed_over(void **state)
{
	struct ends *ends = *state;
	struct tape_facts facts = {
		.channels = 2, .rate = 48000, .bits = 16, .frames = 1000};
	struct tape_reply sent = a_reply(0), got;
	struct tape_writer writer;
	struct tape tape;
	size_t frames = 100;
	int fd, shared;

	assert_int_equal(tape_writer_create(&writer, &facts), 0);
	shared = tape_writer_share(&writer);
	assert_int_equal(tape_link_reply(ends->server, &sent, shared), 0);
	close(shared);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), 0);
	assert_int_equal(got.realtime, 1);
	assert_string_equal(got.message, "words");
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(tape_attach(&tape, fd), 0);
	tape_writer_begin(&writer, &frames);
	writer.plane[1][99] = 1234;
	tape_writer_end(&writer, frames);
	tape_writer_publish(&writer, 100);
	/* The producer may be gone: what is on the tape can still be read. */
	tape_writer_destroy(&writer);
	assert_int_equal(tape_published(&tape), 100);
	frames = 1;
	assert_int_equal(*tape_samples(&tape, 1, 99, &frames), 1234);
	tape_detach(&tape);
	assert_no_leak(ends);
}

static void test_a_refusal_comes_with_words(void **state)
{
	struct ends *ends = *state;
	struct tape_reply sent = a_reply(-EBUSY), got;
	int fd;

	memset(sent.message, 'w', sizeof(sent.message)); /* no end */
	assert_int_equal(tape_link_reply(ends->server, &sent, -1), 0);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(got.error, -EBUSY);
	assert_int_equal(strlen(got.message), sizeof(got.message) - 1);
}

static void send_with_descriptors(int socket, const void *bytes, size_t size,
				  unsigned count)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen =
					 CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[4] = {0, 0, 0, 0};

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(socket, &message, 0), size);
}

static void test_replies_that_are_none_are_refused(void **state)
{
	struct ends *ends = *state;
	struct tape_reply reply = a_reply(0), got;
	char bytes[sizeof(reply) + 1] = {0};
	int fd;

	memcpy(bytes, &reply, sizeof(reply));
	send_with_descriptors(ends->server, bytes, sizeof(reply) - 1, 1);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), -EPROTO);
	send_with_descriptors(ends->server, bytes, sizeof(reply) + 1, 1);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), -EPROTO);
	reply.version++;
	send_with_descriptors(ends->server, &reply, sizeof(reply), 1);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), -EPROTO);
	assert_int_equal(fd, -1);
	assert_no_leak(ends);
}

static void test_descriptors_nobody_asked_for_are_closed(void **state)
{
	struct ends *ends = *state;
	struct tape_reply reply = a_reply(0), got;
	int fd;

	for (unsigned count = 2; count <= 4; count++) {
		send_with_descriptors(ends->server, &reply, sizeof(reply),
				      count);
		tape_link_receive(ends->client, &got, &fd);
		assert_int_equal(fd, -1);
		assert_no_leak(ends);
	}
}

static void test_nothing_there_yet_is_said_so(void **state)
{
	struct ends *ends = *state;
	struct tape_reply got;
	int fd;

	fcntl(ends->client, F_SETFL, O_NONBLOCK);
	assert_int_equal(tape_link_receive(ends->client, &got, &fd), -EAGAIN);
	close(ends->server);
	ends->server = -1;
	assert_int_equal(tape_link_receive(ends->client, &got, &fd),
			 -ECONNRESET);
}

static void test_writing_to_one_who_left_kills_nobody(void **state)
{
	struct ends *ends = *state;
	struct tape_request request = a_request();
	struct tape_reply reply = a_reply(0);

	close(ends->server);
	ends->server = -1;
	assert_int_equal(tape_link_send(ends->client, &request, -1), -EPIPE);
	assert_int_equal(tape_link_reply(ends->client, &reply, -1), -EPIPE);
}

/* ---- the socket ---- */

static void test_a_path_has_one_server(void **state)
{
	struct ends *ends = *state;
	int server = tape_link_listen(ends->path), client;
	struct stat stat_before, stat_after;

	assert_true(server >= 0);
	assert_int_equal(stat(ends->path, &stat_before), 0);
	assert_int_equal(stat_before.st_mode & 0777, 0660);
	assert_int_equal(tape_link_listen(ends->path), -EADDRINUSE);
	assert_int_equal(stat(ends->path, &stat_after), 0);
	assert_int_equal(stat_before.st_ino, stat_after.st_ino);
	client = tape_link_connect(ends->path);
	assert_true(client >= 0);
	close(client);
	close(server);
	assert_no_leak(ends);
}

static void test_a_socket_left_by_a_crash_is_taken_over(void **state)
{
	struct ends *ends = *state;
	int server = tape_link_listen(ends->path);

	close(server);
	assert_int_equal(tape_link_connect(ends->path), -ECONNREFUSED);
	server = tape_link_listen(ends->path);
	assert_true(server >= 0);
	close(server);
}

static void test_paths_that_cannot_be(void **state)
{
	struct ends *ends = *state;
	char path[200];

	assert_int_equal(tape_link_connect(ends->path), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(tape_link_connect(path), -ENAMETOOLONG);
	assert_int_equal(tape_link_listen(path), -ENAMETOOLONG);
	assert_int_equal(tape_link_listen("/nowhere/at/all"), -ENOENT);
	assert_no_leak(ends);
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(test_a_request_arrives_as_it_was_sent),
		EACH(test_who_only_asks_is_told_from_who_opens),
		cmocka_unit_test(
			test_requests_are_equal_but_for_limit_and_patience),
		EACH(test_requests_that_are_none_are_refused),
		EACH(test_a_server_sees_its_client_leave),
		EACH(test_a_tape_is_handed_over),
		EACH(test_a_refusal_comes_with_words),
		EACH(test_replies_that_are_none_are_refused),
		EACH(test_descriptors_nobody_asked_for_are_closed),
		EACH(test_nothing_there_yet_is_said_so),
		EACH(test_writing_to_one_who_left_kills_nobody),
		EACH(test_a_path_has_one_server),
		EACH(test_a_socket_left_by_a_crash_is_taken_over),
		EACH(test_paths_that_cannot_be),
	};

	return cmocka_run_group_tests_name("tape_link", tests, NULL, NULL);
}
