/*
 * The transport between its threads: what a take's thread does just while the
 * transport looks at it. The tape is made here, the media are folders, and
 * what the transport is told of a take can be older than the take.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/tape_writer.h"
#include "transport/transport_private.h"

#define RATE	    48000u
#define DEADLINE_NS (20 * NS_PER_S)

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

/* ---- a look that is late ---- */

static bool looks_are_late; /* the next one */

void __real_take_get_status(struct take *take, struct take_status *status);
void __wrap_take_get_status(struct take *take, struct take_status *status);

static bool is_over(const struct take_status *status)
{
	return status->state == TAKE_DONE || status->state == TAKE_FAILED;
}

/* As it was when it began, told when it is over. */
void __wrap_take_get_status(struct take *take, struct take_status *status)
{
	struct take_status now;

	__real_take_get_status(take, status);
	if (!looks_are_late)
		return;
	looks_are_late = false;
	do {
		assert_true(clock_now_ns() < bench.deadline);
		usleep(1000);
		__real_take_get_status(take, &now);
	} while (!is_over(&now));
	*status = (struct take_status){
		.state = TAKE_STARTING,
		.start = now.start,
		.end = TAKE_FOREVER,
	};
}

/* ---- memory ---- */

#define NEVER (-1)

static _Thread_local long allocations_left = NEVER; /* until one fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
	if (allocations_left == NEVER || allocations_left-- != 0)
		return false;
	allocations_left = NEVER;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

/* ---- media that stall and fail ---- */

static struct {
	_Atomic(const char *) of; /* paths with this in them; NULL: none */
	_Atomic bool fail;	  /* they stand still otherwise */
} trouble;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static bool is_in_trouble(int fd)
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
		if (trouble.fail) {
			errno = EIO;
			return -1;
		}
		usleep(1000);
	}
	return __real_fdatasync(fd);
}

/* ---- the bench ---- */

static char *below(char *path, const char *name)
{
	snprintf(path, CONFIG_PATH_MAX, "%s/%s", bench.folder, name);
	return path;
}

static void configure(void)
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

static void make_tape(struct tape_writer *writer)
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

static void take_tape(struct transport *transport)
{
	assert_int_equal(tape_attach(&transport->client.tape,
				     tape_writer_share(&bench.writer)),
			 0);
	transport->answered = true;
	transport->track_count =
		recording_tracks(transport->tracks, &bench.config, 2);
}

static void fill_tape(void)
{
	make_tape(&bench.writer);
	tape_writer_silence(&bench.writer, RATE);
	tape_writer_publish(&bench.writer, RATE);
}

static void load_tape(struct transport *transport)
{
	fill_tape();
	take_tape(transport);
}

static void begin_bench(void)
{
	bench.loop = loop_create();
	bench.transport = transport_create(bench.loop, &bench.config);
	assert_non_null(bench.transport);
}

static void end_bench(void)
{
	transport_destroy(bench.transport);
	loop_destroy(bench.loop);
	tape_writer_destroy(&bench.writer);
}

static int set_up(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	trouble.of = NULL;
	trouble.fail = false;
	strcpy(bench.folder, "/tmp/test_transport.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	configure();
	bench.deadline = clock_now_ns() + DEADLINE_NS;
	begin_bench();
	load_tape(bench.transport);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	end_bench();
	snprintf(command, sizeof(command), "rm -rf '%s'", bench.folder);
	return system(command);
}

static void look(void *context)
{
	(void)context;
	bench.met = bench.met || bench.until();
	if (bench.met || clock_now_ns() > bench.deadline)
		loop_quit(bench.loop);
}

static void run_until(bool (*until)(void))
{
	bench.until = until;
	bench.met = false;
	loop_add_timer(bench.loop, 1, 10 * NS_PER_MS, look, NULL);
	loop_run(bench.loop);
	assert_true(bench.met);
}

/* ---- cases ---- */

static bool records_on_b(void)
{
	const struct hand *current = bench.transport->current;

	return current && current->prepared &&
	       strncmp(current->place.folder, bench.config.next,
		       strlen(bench.config.next)) == 0;
}

/* A cannot be made a take in, and that is known only when the take is over. */
static void test_a_take_that_fails_while_it_is_looked_at_goes_on(void **state)
{
	const char *medium = bench.config.folder;
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	assert_int_equal(rmdir(medium), 0);
	fclose(fopen(medium, "we"));
	looks_are_late = true;
	transport_command(bench.transport, &command, &reply);
	assert_string_equal(reply.message, "");
	transport_look_after_takes(bench.transport);
	run_until(records_on_b);
}

static void test_a_take_that_fails_goes_on(void **state)
{
	const char *medium = bench.config.folder;
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	assert_int_equal(rmdir(medium), 0);
	fclose(fopen(medium, "we"));
	transport_command(bench.transport, &command, &reply);
	run_until(records_on_b);
}

static void play_on(void)
{
	uint64_t end = tape_published(&bench.transport->client.tape) + RATE / 2;

	tape_writer_silence(&bench.writer, RATE / 2);
	tape_writer_publish(&bench.writer, end);
}

/* ---- what is asked for before a take can have it ---- */

static void ask_for(const struct command *command)
{
	struct command_reply reply;

	transport_command(bench.transport, command, &reply);
	assert_string_equal(reply.message, "");
}

static void ask(enum command_kind kind, uint64_t position)
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

static bool are_over(void)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (bench.transport->hand[i].take)
			return false;
	return true;
}

/* take.json of the only take on a medium; the caller's. */
static json_t *only_take(const char *medium)
{
	char path[CONFIG_PATH_MAX + 64];
	json_error_t error;
	json_t *json;
	glob_t found;

	snprintf(path, sizeof(path), "%s/Takebox/*/*/take.json", medium);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	json = json_load_file(found.gl_pathv[0], 0, &error);
	assert_non_null(json);
	globfree(&found);
	return json;
}

static json_int_t place_of(json_t *take, const char *list)
{
	const json_t *entry = json_array_get(json_object_get(take, list), 0);

	assert_non_null(entry);
	return json_integer_value(json_object_get(entry, "at"));
}

/* Of a take from RATE / 4 on: track 2 until off, and Bridge. */
static void check_changes(const char *medium, uint64_t off, uint64_t bridge)
{
	json_t *take = only_take(medium);
	json_t *tracks = json_object_get(take, "tracks");
	json_t *files = json_object_get(json_array_get(tracks, 1), "files");

	off -= RATE / 4;
	assert_int_equal(place_of(take, "markers"), bridge - RATE / 4);
	assert_in_range(place_of(take, "arms"), off, off + 4096);
	assert_int_equal(json_array_size(files), 1);
	json_decref(take);
}

/* Its medium fails before it has a word of it. */
static void test_a_take_that_goes_on_has_what_was_asked_for(void **state)
{
	const char *medium = bench.config.folder;

	(void)state;
	assert_int_equal(rmdir(medium), 0);
	fclose(fopen(medium, "we"));
	ask(COMMAND_TO_RECORD, RATE / 4);
	ask(COMMAND_TO_ARM, RATE / 2);
	ask(COMMAND_TO_MARK, RATE * 3 / 4);
	run_until(records_on_b);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_changes(bench.config.next, RATE / 2, RATE * 3 / 4);
}

static void test_a_take_goes_on_with_no_track_armed(void **state)
{
	struct command arming = {
		.kind = COMMAND_TO_ARM,
		.position = RATE / 4,
		.tracks = TRANSPORT_ALL_TRACKS,
	};
	const char *medium = bench.config.folder;
	json_t *take, *files;

	(void)state;
	assert_int_equal(rmdir(medium), 0);
	fclose(fopen(medium, "we"));
	ask(COMMAND_TO_RECORD, RATE / 4);
	ask_for(&arming);
	run_until(records_on_b);
	arming.position = RATE / 2;
	arming.tracks = 1u << 0;
	arming.on = true;
	ask_for(&arming);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	take = only_take(bench.config.next);
	files = json_object_get(
		json_array_get(json_object_get(take, "tracks"), 0), "files");
	assert_int_equal(json_array_size(files), 1);
	assert_int_equal(json_integer_value(json_object_get(take, "frames")),
			 RATE - RATE / 4);
	json_decref(take);
}

static bool has_synced(void)
{
	struct take_status status;

	if (!bench.transport->current)
		return false;
	take_get_status(bench.transport->current->take, &status);
	return status.durable > 0 &&
	       bench.transport->noted.kind == INTENT_RECORDING;
}

static bool has_found(void)
{
	return bench.transport->current != NULL;
}

/* What a process of its own begins, until it kills itself. */
static void be_killed(void (*begin)(void))
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
	begin_bench();
	take_tape(bench.transport);
}

static void record_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	kill(getpid(), SIGKILL);
}

/* Its medium is found a moment after the tape. */
static void test_commands_do_not_wait_until_the_take_is_found(void **state)
{
	char away[CONFIG_PATH_MAX];
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;
	json_t *take;

	(void)state;
	below(away, "away");
	be_killed(record_until_killed);
	assert_int_equal(rename(bench.config.folder, away), 0);
	transport_search_arrivals(bench.transport);
	assert_null(bench.transport->current);
	assert_non_null(transport_recalled(bench.transport));
	bench.transport->recall_ns += 10 * NS_PER_S;
	play_on();
	play_on();
	ask(COMMAND_TO_ARM, RATE + RATE / 4);
	ask(COMMAND_TO_MARK, RATE + RATE / 2);
	transport_command(bench.transport, &command, &reply);
	assert_int_equal(reply.error, COMMAND_REFUSED);
	command.kind = COMMAND_TO_KEEP;
	command.position = RATE * 7 / 4;
	ask_for(&command);
	ask(COMMAND_TO_STOP, 2 * RATE - 1000);
	transport_command(bench.transport, &command, &reply); /* a new one */
	assert_int_equal(reply.error, COMMAND_REFUSED);
	assert_int_equal(rename(away, bench.config.folder), 0);
	bench.transport->arrivals[0] = 0; /* it may not have been missed */
	run_until(has_found);
	run_until(are_over);
	check_changes(bench.config.folder, RATE + RATE / 4, RATE + RATE / 2);
	take = only_take(bench.config.folder);
	assert_int_equal(json_array_size(json_object_get(take, "markers")), 2);
	assert_int_equal(json_integer_value(json_object_get(take, "frames")),
			 2 * RATE - 1000 - RATE / 4);
	json_decref(take);
}

/* ---- two takes in hand ---- */

static bool is_prepared(void)
{
	return bench.transport->current && bench.transport->current->prepared &&
	       has_synced();
}

/* Take-001 is stopped, and cannot be closed; Take-002 runs. */
static void begin_two_takes(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "Take-001";
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	ask(COMMAND_TO_RECORD, RATE + RATE / 4);
	play_on();
	run_until(is_prepared);
	assert_string_equal(bench.transport->current->place.take, "Take-002");
}

static unsigned in_hand(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += bench.transport->hand[i].take != NULL;
	return count;
}

static bool is_one_left(void)
{
	return in_hand() == 1 && !bench.transport->onward.wanted;
}

/* What it lacks is none; takes are numbered in the order they were begun. */
static void check_take(const char *medium, unsigned number, uint64_t frames,
		       const char *continues)
{
	char path[CONFIG_PATH_MAX + 64];
	json_t *take, *note;
	const char *of = NULL;
	json_error_t error;
	glob_t found;
	size_t i;

	snprintf(path, sizeof(path), "%s/Takebox/*/Take-%03u/take.json", medium,
		 number);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	take = json_load_file(found.gl_pathv[0], 0, &error);
	globfree(&found);
	assert_non_null(take);
	if (frames)
		assert_int_equal(
			json_integer_value(json_object_get(take, "frames")),
			frames);
	json_array_foreach(json_object_get(take, "notes"), i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   "continues") != 0)
			continue;
		of = json_string_value(json_object_get(note, "take"));
		assert_int_equal(
			json_integer_value(json_object_get(note, "gap")), 0);
		assert_string_equal(of, continues);
	}
	assert_true((of != NULL) == (continues != NULL));
	json_decref(take);
}

/* The rest of one that was stopped goes elsewhere: that is not the take that
 * STOP means. */
static void test_the_rest_of_a_stopped_take_is_not_in_the_way(void **state)
{
	const struct hand *running;

	(void)state;
	begin_two_takes();
	running = bench.transport->current;
	trouble.fail = true;
	run_until(is_one_left);
	assert_ptr_equal(bench.transport->current, running);
	assert_true(transport_recorded(bench.transport) != NULL);
	trouble.of = NULL;
	play_on();
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
	check_take(bench.config.next, 3, 0, "Take-001");
}

static bool are_noted(void)
{
	return bench.transport->noted.closings == 1;
}

static void begin_two_until_killed(void)
{
	begin_two_takes();
	run_until(are_noted);
	kill(getpid(), SIGKILL);
}

static bool is_two(void)
{
	return bench.transport->current &&
	       strcmp(bench.transport->current->place.take, "Take-002") == 0;
}

/* The tape has what the medium of the first one would not take. */
static void test_a_stopped_take_is_closed_by_the_next_process(void **state)
{
	(void)state;
	be_killed(begin_two_until_killed);
	transport_search_arrivals(bench.transport);
	run_until(is_two);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE, NULL);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
}

/* One waits for a medium, another one for that. */
static bool are_ended(void)
{
	struct take_status status;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &bench.transport->hand[i];

		if (!hand->take || hand->left)
			continue;
		take_get_status(hand->take, &status);
		if (status.error && bench.transport->onward.wanted)
			return true;
	}
	return false;
}

static bool is_one_going_on(void)
{
	return is_one_left() && is_prepared();
}

/* The medium ends both, and there is no other: both go on when it is back. */
static void test_two_takes_can_wait_for_a_medium(void **state)
{
	(void)state;
	assert_int_equal(rmdir(bench.config.next), 0);
	fclose(fopen(bench.config.next, "we"));
	begin_two_takes();
	trouble.of = "/A/";
	trouble.fail = true;
	play_on();
	run_until(are_ended);
	assert_non_null(transport_recorded(bench.transport));
	trouble.of = NULL;
	run_until(is_one_going_on);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 3, 0, "Take-001");
	check_take(bench.config.folder, 4, 0, "Take-002");
}

static bool is_mirrored(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += bench.transport->hand[i].take &&
			 bench.transport->hand[i].prepared;
	return count == 2;
}

/* It begins when the first one has its name. */
static void test_a_mirror_has_what_was_asked_for_before_it_began(void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	end_bench();
	below(mirror, "M");
	mkdir(mirror, 0700);
	snprintf(bench.config.mirror, sizeof(bench.config.mirror), "%s",
		 mirror);
	begin_bench();
	load_tape(bench.transport);
	ask(COMMAND_TO_RECORD, RATE / 4);
	ask(COMMAND_TO_ARM, RATE / 2);
	ask(COMMAND_TO_MARK, RATE * 3 / 4);
	run_until(is_mirrored);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_changes(bench.config.folder, RATE / 2, RATE * 3 / 4);
	check_changes(mirror, RATE / 2, RATE * 3 / 4);
}

/* ---- the tape's process ---- */

static struct tape_process {
	int listens, client;
	bool heard;
	struct tape_writer *tape; /* to hand out; NULL: it has none */
} process;

static void listen_as_tape(void)
{
	process = (struct tape_process){.client = -1};
	process.listens = tape_link_listen(bench.config.tape_socket);
	assert_true(process.listens >= 0);
}

static void leave_as_tape(void)
{
	close(process.listens);
	if (process.client >= 0)
		close(process.client);
	process.client = -1;
}

/* Takes the tape that it is handed, and goes on with another one or none. */
static void answer_as_tape(void)
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

static bool is_recording(void)
{
	return bench.transport->current && bench.transport->current->prepared;
}

static bool is_over_without_tape(void)
{
	answer_as_tape();
	return !bench.transport->current &&
	       !bench.transport->client.tape.header;
}

static void test_a_tape_that_nobody_goes_on_with_ends_its_take(void **state)
{
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	transport_command(bench.transport, &command, &reply);
	run_until(is_recording);
	listen_as_tape();
	run_until(is_over_without_tape);
	transport_command(bench.transport, &command, &reply);
	assert_int_equal(reply.error, COMMAND_INTERFACE);
	assert_non_null(strstr(reply.message, "unplugged"));
	leave_as_tape();
}

static bool waits_for_medium(void)
{
	return bench.transport->onward.wanted;
}

static bool has_forgotten(void)
{
	answer_as_tape();
	return process.heard && !bench.transport->onward.wanted;
}

/* When its medium has been looked at again. */
static bool can_record(void)
{
	struct command command = {.kind = COMMAND_TO_RECORD,
				  .position = RATE / 8};
	struct command_reply reply;

	if (!bench.transport->current)
		transport_command(bench.transport, &command, &reply);
	return bench.transport->current != NULL;
}

/* What waits on a tape is nowhere on the next one. */
static void test_what_waits_is_not_looked_for_on_another_tape(void **state)
{
	struct tape_writer next;

	(void)state;
	assert_int_equal(rmdir(bench.config.next), 0);
	fclose(fopen(bench.config.next, "we"));
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "/A/";
	trouble.fail = true;
	play_on();
	run_until(waits_for_medium);
	ask(COMMAND_TO_MARK, RATE / 2);
	tape_writer_state(&bench.writer, TAPE_ENDED);
	make_tape(&next);
	tape_writer_silence(&next, RATE);
	tape_writer_publish(&next, RATE);
	listen_as_tape();
	process.tape = &next;
	run_until(has_forgotten);
	assert_non_null(strstr(bench.transport->last_error, "Take-001"));
	trouble.of = NULL;
	run_until(are_over);
	run_until(can_record);
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_take(bench.config.folder, 2, RATE - RATE / 8, NULL);
	leave_as_tape();
	tape_writer_destroy(&next);
}

static bool is_over_on_another_tape(void)
{
	answer_as_tape();
	return process.heard && !bench.transport->current;
}

static void read_only_take(struct take_info *info)
{
	char path[CONFIG_PATH_MAX + 64];
	glob_t found;
	json_error_t error;
	json_t *json;

	snprintf(path, sizeof(path), "%s/Takebox/*/Take-001/take.json",
		 bench.config.folder);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	json = json_load_file(found.gl_pathv[0], 0, &error);
	assert_non_null(json);
	info->frames =
		(uint64_t)json_integer_value(json_object_get(json, "frames"));
	info->missing = (uint64_t)json_integer_value(
		json_object_get(json, "missing_behind"));
	json_decref(json);
	globfree(&found);
}

/* What the last tape has is in the take, and what it has not is named, whatever
 * the next one begins with. */
static void test_a_stopped_take_ends_where_its_own_tape_ended(void **state)
{
	struct tape_writer next;
	struct command record = {.kind = COMMAND_TO_RECORD, .preroll = 0};
	struct command stop = {.kind = COMMAND_TO_STOP,
			       .position = RATE + RATE / 2};
	struct command_reply reply;
	struct take_info info;

	(void)state;
	record.position = RATE / 4;
	transport_command(bench.transport, &record, &reply);
	assert_string_equal(reply.message, "");
	run_until(is_recording);
	transport_command(bench.transport, &stop, &reply);
	assert_string_equal(reply.message, "");
	make_tape(&next);
	listen_as_tape();
	process.tape = &next;
	run_until(is_over_on_another_tape);
	read_only_take(&info);
	assert_int_equal(info.frames, RATE - RATE / 4);
	assert_int_equal(info.missing, RATE / 2);
	leave_as_tape();
	tape_writer_destroy(&next);
}

static void hand_out_tape(void)
{
	struct tape_reply reply = {
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
	};
	struct tape_request request;
	int client = accept4(process.listens, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	int tape = -1;

	if (client >= 0) {
		if (process.client >= 0)
			close(process.client);
		process.client = client;
	}
	if (process.client < 0 ||
	    tape_link_read_request(process.client, &request, &tape) < 0)
		return;
	tape = tape_writer_share(&bench.writer);
	tape_link_reply(process.client, &reply, tape);
	close(tape);
}

static bool has_tape(void)
{
	hand_out_tape();
	return transport_tape_runs(bench.transport) &&
	       bench.transport->track_count == 2;
}

static void be_without_tape(void)
{
	transport_destroy(bench.transport);
	loop_destroy(bench.loop);
	begin_bench();
}

/* Whichever allocation of the way to the tape fails, it is gone once more. */
static void test_no_memory_for_the_tape_is_no_tape_for_a_moment(void **state)
{
	bool failed = true;

	(void)state;
	listen_as_tape();
	/* The first one is run_until's. */
	for (long n = 1; failed; n++) {
		be_without_tape();
		allocations_left = n;
		run_until(has_tape);
		failed = allocations_left == NEVER;
		allocations_left = NEVER;
		assert_true(failed || n > 2);
	}
	leave_as_tape();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_that_fails_goes_on),
		CASE(test_a_take_that_fails_while_it_is_looked_at_goes_on),
		CASE(test_a_take_that_goes_on_has_what_was_asked_for),
		CASE(test_a_take_goes_on_with_no_track_armed),
		CASE(test_commands_do_not_wait_until_the_take_is_found),
		CASE(test_a_mirror_has_what_was_asked_for_before_it_began),
		CASE(test_the_rest_of_a_stopped_take_is_not_in_the_way),
		CASE(test_two_takes_can_wait_for_a_medium),
		CASE(test_a_stopped_take_is_closed_by_the_next_process),
		CASE(test_what_waits_is_not_looked_for_on_another_tape),
		CASE(test_a_tape_that_nobody_goes_on_with_ends_its_take),
		CASE(test_a_stopped_take_ends_where_its_own_tape_ended),
		CASE(test_no_memory_for_the_tape_is_no_tape_for_a_moment),
	};

	return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
