/*
 * transport_case: a transport on a tape that is made here, whose media are
 * folders that stall and fail when they are told to.
 */
#ifndef TESTS_TRANSPORT_CASE_H
#define TESTS_TRANSPORT_CASE_H

/* After cmocka.h and what it needs. */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/tape_writer.h"
#include "transport/transport_private.h"

#define RATE	    48000u
#define DEADLINE_NS (60 * NS_PER_S)

static struct {
	char folder[64];
	struct config config;
	struct loop *loop;
	struct transport *transport;
	struct tape_writer writer;
	int64_t deadline;
	bool (*until)(void);
	bool met; /* until has been true; it may not stay so */
} bench;

/* ---- media that stall and fail ---- */

static struct {
	_Atomic(const char *) of; /* paths with this in them; NULL: none */
	_Atomic bool fail;	  /* they stand still otherwise */
	_Atomic bool met;	  /* somebody stands there, or failed */
} trouble;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static inline bool is_in_trouble(int fd)
{
	const char *of = trouble.of;
	char name[64], path[CONFIG_PATH_MAX];
	ssize_t length;

	if (!of)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = readlink(name, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	return strstr(path, of) != NULL;
}

int __wrap_fdatasync(int fd)
{
	while (is_in_trouble(fd)) {
		trouble.met = true;
		if (trouble.fail) {
			errno = EIO;
			return -1;
		}
		usleep(1000);
	}
	return __real_fdatasync(fd);
}

/* ---- the bench ---- */

static inline char *below(char *path, const char *name)
{
	snprintf(path, CONFIG_PATH_MAX, "%s/%s", bench.folder, name);
	return path;
}

static inline void configure(void)
{
	struct config *config = &bench.config;

	config_defaults(config);
	below(config->folder, "A");
	below(config->next, "B");
	below(config->socket, "control");
	below(config->tape_socket, "tape");
	mkdir(config->folder, 0700);
	mkdir(config->next, 0700);
}

static inline void make_tape(struct tape_writer *writer)
{
	struct tape_facts facts = {
		.channels = 2,
		.rate = RATE,
		.bits = 24,
		.period = 128,
		.buffer = 4096,
		.clip_run = 3,
		.frames = 10 * RATE,
	};

	assert_int_equal(tape_writer_create(writer, &facts), 0);
}

static inline void take_tape(struct transport *transport)
{
	assert_int_equal(tape_attach(&transport->client.tape,
				     tape_writer_share(&bench.writer)),
			 0);
	transport->answered = true;
	transport->track_count =
		recording_tracks(transport->tracks, &bench.config, 2);
}

static inline void fill_tape(void)
{
	make_tape(&bench.writer);
	tape_writer_silence(&bench.writer, RATE);
	tape_writer_publish(&bench.writer, RATE);
}

static inline void load_tape(struct transport *transport)
{
	fill_tape();
	take_tape(transport);
}

static inline void begin_bench(void)
{
	bench.loop = loop_create();
	bench.transport = transport_create(bench.loop, &bench.config);
	assert_non_null(bench.transport);
}

static inline void end_bench(void)
{
	transport_destroy(bench.transport);
	loop_destroy(bench.loop);
	tape_writer_destroy(&bench.writer);
}

static inline int set_up(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	trouble.of = NULL;
	trouble.fail = trouble.met = false;
	strcpy(bench.folder, "/tmp/test_transport.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	configure();
	bench.deadline = clock_now_ns() + DEADLINE_NS;
	begin_bench();
	load_tape(bench.transport);
	return 0;
}

static inline int tear_down(void **state)
{
	char command[128];

	(void)state;
	trouble.of = NULL; /* who stands still has to end */
	end_bench();
	snprintf(command, sizeof(command), "rm -rf '%s'", bench.folder);
	return system(command);
}

static inline void look(void *context)
{
	(void)context;
	bench.met = bench.met || bench.until();
	if (bench.met || clock_now_ns() > bench.deadline)
		loop_quit(bench.loop);
}

static inline void run_until(bool (*until)(void))
{
	bench.until = until;
	bench.met = false;
	loop_add_timer(bench.loop, 1, 10 * NS_PER_MS, look, NULL);
	/* The last one's timer can have asked it to end once more. */
	while (!bench.met && clock_now_ns() < bench.deadline)
		loop_run(bench.loop);
	assert_true(bench.met);
}

/* Nothing can be made in it any more. */
static inline void break_medium(const char *medium)
{
	assert_int_equal(rmdir(medium), 0);
	fclose(fopen(medium, "we"));
}

static inline void play_on(void)
{
	uint64_t end = tape_published(&bench.transport->client.tape) + RATE / 2;

	tape_writer_silence(&bench.writer, RATE / 2);
	tape_writer_publish(&bench.writer, end);
}

/* With the next sync there. */
static inline void fail_medium(const char *of)
{
	trouble.of = of;
	trouble.fail = true;
	play_on();
}

/* ---- commands, and what comes of them ---- */

static inline void ask_for(const struct command *command)
{
	struct command_reply reply;

	transport_command(bench.transport, command, &reply);
	assert_string_equal(reply.message, "");
}

static inline void ask(enum command_kind kind, uint64_t position)
{
	struct command command = {
		.kind = kind,
		.position = position,
		.tracks = 1u << 1,
	};

	if (kind == COMMAND_TO_MARK)
		strcpy(command.name, "Bridge");
	ask_for(&command);
}

/* The second track. */
static inline void arm(bool on, uint64_t position)
{
	struct command command = {
		.kind = COMMAND_TO_ARM,
		.position = position,
		.tracks = 1u << 1,
		.on = on,
	};

	ask_for(&command);
}

static inline bool waits_for_medium(void)
{
	return bench.transport->onward.wanted;
}

static inline bool are_over(void)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (bench.transport->hand[i].take)
			return false;
	return true;
}

static inline bool records_on_b(void)
{
	const struct hand *current = bench.transport->current;

	return current && current->prepared &&
	       strncmp(current->place.folder, bench.config.next,
		       strlen(bench.config.next)) == 0;
}

static inline bool has_synced(void)
{
	struct take_status status;

	if (!bench.transport->current)
		return false;
	take_get_status(bench.transport->current->take, &status);
	return status.durable > 0 &&
	       bench.transport->noted.kind == INTENT_RECORDING;
}

static inline bool is_prepared(void)
{
	return bench.transport->current && bench.transport->current->prepared &&
	       has_synced();
}

static inline bool has_found(void)
{
	return bench.transport->current != NULL;
}

static inline bool stands_still(void)
{
	return trouble.met;
}

static inline bool is_mirrored(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += bench.transport->hand[i].take &&
			 bench.transport->hand[i].prepared;
	return count == 2;
}

/* Without the transport's looking at anything meanwhile. */
static inline void wait_for(bool (*until)(void))
{
	while (!until()) {
		assert_true(clock_now_ns() < bench.deadline);
		usleep(1000);
	}
}

/* take.json of the only take of that name on a medium; the caller's. */
static inline json_t *read_take(const char *medium, const char *name)
{
	char path[CONFIG_PATH_MAX + 64];
	json_error_t error;
	json_t *json;
	glob_t found;

	snprintf(path, sizeof(path), "%s/Takebox/*/%s/take.json", medium, name);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	json = json_load_file(found.gl_pathv[0], 0, &error);
	assert_non_null(json);
	globfree(&found);
	return json;
}

static inline uint64_t number_of(const json_t *take, const char *key)
{
	const json_t *value = json_object_get(take, key);

	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

static inline void have_mirror(char *mirror)
{
	end_bench();
	below(mirror, "M");
	mkdir(mirror, 0700);
	snprintf(bench.config.mirror, sizeof(bench.config.mirror), "%s",
		 mirror);
	begin_bench();
	load_tape(bench.transport);
}

/* What a process of its own begins, until it kills itself. */
static inline void run_until_killed(void (*begin)(void))
{
	pid_t child;
	int status;

	end_bench();
	fill_tape();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		begin_bench();
		take_tape(bench.transport);
		begin();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static inline void be_renewed(void)
{
	begin_bench();
	take_tape(bench.transport);
}

static inline void be_killed(void (*begin)(void))
{
	run_until_killed(begin);
	be_renewed();
}

static inline void record_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	kill(getpid(), SIGKILL);
}

/* ---- the tape's process ---- */

static struct tape_process {
	int listens, client;
	bool heard;
	struct tape_writer *tape; /* to hand out; NULL: it has none */
} process;

static inline void listen_as_tape(void)
{
	process = (struct tape_process){.client = -1};
	process.listens = tape_link_listen(bench.config.tape_socket);
	assert_true(process.listens >= 0);
}

static inline void leave_as_tape(void)
{
	close(process.listens);
	if (process.client >= 0)
		close(process.client);
	process.client = -1;
}

/* Takes the tape that it is handed, and goes on with another one or none. */
static inline void answer_as_tape(void)
{
	struct tape_reply reply = {
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
		.error = process.tape ? 0 : -ENODEV,
		.message = "unplugged",
	};
	struct tape_request request;
	int tape = -1;

	if (process.client < 0)
		process.client = accept4(process.listens, NULL, NULL,
					 SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (process.client < 0 || process.heard ||
	    tape_link_read_request(process.client, &request, &tape) < 0)
		return;
	process.heard = true;
	assert_true(tape >= 0);
	close(tape);
	if (process.tape)
		tape = tape_writer_share(process.tape);
	assert_int_equal(tape_link_reply(process.client, &reply,
					 process.tape ? tape : -1),
			 0);
	if (process.tape)
		close(tape);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
