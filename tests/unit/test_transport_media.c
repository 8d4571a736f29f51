/* Many media, one after another, and one that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport_case.h"

/* ---- plugging in ---- */

static struct media plugged;

void __wrap_media_list(struct media *media);
void __wrap_media_path(char *path, size_t size, const struct medium *medium);

void __wrap_media_list(struct media *media)
{
	*media = plugged;
}

void __wrap_media_path(char *path, size_t size, const struct medium *medium)
{
	snprintf(path, size, "%s/%s", bench.folder, medium->name);
}

static void path_of(char *path, const struct medium *medium)
{
	__wrap_media_path(path, CONFIG_PATH_MAX, medium);
}

/* As many as there can be at a time. */
static void plug_in(unsigned first)
{
	char path[CONFIG_PATH_MAX];

	plugged.count = MEDIA_MAX;
	for (unsigned i = 0; i < MEDIA_MAX; i++) {
		struct medium *medium = &plugged.medium[i];

		medium->id = first + i;
		snprintf(medium->name, sizeof(medium->name), "stick-%u",
			 first + i);
		path_of(path, medium);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	bench.transport->choose_ns = 0;
	transport_choose_medium(bench.transport);
}

static void unplug(void)
{
	char path[CONFIG_PATH_MAX], away[CONFIG_PATH_MAX + 8];

	for (unsigned i = 0; i < MEDIA_MAX; i++) {
		path_of(path, &plugged.medium[i]);
		snprintf(away, sizeof(away), "%s.away", path);
		assert_int_equal(rename(path, away), 0);
	}
	plugged.count = 0;
}

static bool are_absent(void)
{
	struct volume volume;

	for (unsigned i = 0; i < volumes_count(bench.transport->volumes); i++) {
		volumes_get(bench.transport->volumes, i, &volume);
		if (volume.state == VOLUME_READY && strstr(volume.folder, "/s"))
			return false;
	}
	return true;
}

static void assert_is_new(unsigned index)
{
	struct volume volume;

	volumes_get(bench.transport->volumes, index, &volume);
	assert_int_not_equal(volume.arrivals, bench.transport->arrivals[index]);
}

static void assert_is(unsigned index, unsigned stick, enum volume_state state)
{
	char path[CONFIG_PATH_MAX], name[32];
	struct volume volume;

	snprintf(name, sizeof(name), "stick-%u", stick);
	volumes_get(bench.transport->volumes, index, &volume);
	assert_string_equal(volume.folder, below(path, name));
	assert_int_equal(volume.state, state);
}

static void choose_by_itself(void)
{
	end_bench();
	plugged.count = 0;
	strcpy(bench.config.folder, MEDIA_AUTO);
	begin_bench();
	load_tape(bench.transport);
}

/* More than are looked after. */
static void test_each_new_medium_has_its_place(void **state)
{
	unsigned index;

	(void)state;
	choose_by_itself();
	for (unsigned first = 1; first < 100; first += MEDIA_MAX) {
		unsigned newest = first + MEDIA_MAX - 1;

		plug_in(first);
		index = volumes_preferred(bench.transport->volumes);
		assert_is(index, newest, VOLUME_READY);
		assert_is_new(index); /* to be searched for open takes */
		unplug();
		run_until(are_absent);
	}
}

static void test_a_medium_that_is_recorded_on_keeps_its_place(void **state)
{
	const struct hand *hand;
	char path[CONFIG_PATH_MAX];

	(void)state;
	choose_by_itself();
	plug_in(1);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	hand = bench.transport->current;
	unplug();
	run_until(are_absent);
	plug_in(1 + MEDIA_MAX);
	assert_ptr_equal(bench.transport->current, hand);
	below(path, "stick-16");
	assert_memory_equal(hand->place.folder, path, strlen(path));
	assert_is((unsigned)hand->volume, MEDIA_MAX, VOLUME_ABSENT);
	ask(COMMAND_TO_STOP, RATE / 2);
	run_until(are_over);
}

static void look_at_plugged(void)
{
	bench.transport->choose_ns = 0;
	transport_choose_medium(bench.transport);
}

static bool is_newest_ready(void)
{
	struct volume volume;

	volumes_get(bench.transport->volumes,
		    volumes_preferred(bench.transport->volumes), &volume);
	return volume.state == VOLUME_READY &&
	       strstr(volume.folder, "/stick-16");
}

/* Or another one of the same name; the kernel may give it the same id. */
static void test_a_medium_that_was_let_go_and_is_back_is_recorded_on(
	void **state)
{
	struct command eject = {.kind = COMMAND_TO_EJECT, .name = "stick-16"};
	struct command_reply reply;
	char path[CONFIG_PATH_MAX];

	(void)state;
	choose_by_itself();
	plug_in(1);
	transport_command(bench.transport, &eject, &reply);
	assert_int_equal(reply.error, COMMAND_OK);
	look_at_plugged(); /* not unmounted yet */
	assert_false(is_newest_ready());
	plugged.count--;
	look_at_plugged();
	plugged.count++;
	look_at_plugged();
	run_until(is_newest_ready);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	below(path, "stick-16");
	assert_memory_equal(bench.transport->current->place.folder, path,
			    strlen(path));
	ask(COMMAND_TO_STOP, RATE / 2);
	run_until(are_over);
}

static void add_plugged(const char *name)
{
	struct medium *medium = &plugged.medium[plugged.count++];
	char path[CONFIG_PATH_MAX];

	medium->id = plugged.count;
	snprintf(medium->name, sizeof(medium->name), "%s", name);
	path_of(path, medium);
	assert_int_equal(mkdir(path, 0700), 0);
	look_at_plugged();
}

/* As after a start before the media are there. */
static void choose_by_itself_with_mirror(const char *name)
{
	below(bench.config.mirror, name);
	choose_by_itself();
	assert_int_equal(volumes_count(bench.transport->volumes), 3);
}

static void assert_takes_go_to(const char *name)
{
	char path[CONFIG_PATH_MAX];
	struct volume volume;

	assert_string_equal(bench.transport->config.folder, below(path, name));
	volumes_get(bench.transport->volumes, transport_volume(bench.transport),
		    &volume);
	assert_string_equal(volume.folder, path);
}

static void test_a_mirror_that_is_plugged_in_last_is_no_place_for_takes(
	void **state)
{
	(void)state;
	choose_by_itself_with_mirror("mirror");
	add_plugged("stick");
	assert_takes_go_to("stick");
	add_plugged("mirror");
	assert_takes_go_to("stick");
}

/* ---- no medium ---- */

static bool waits_no_more(void)
{
	return !bench.transport->onward.wanted;
}

static void test_what_no_medium_came_for_is_said_to_be_lost(void **state)
{
	(void)state;
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	fail_medium("/A/");
	run_until(waits_for_medium);
	ask(COMMAND_TO_STOP, RATE * 5 / 4);
	assert_string_equal(bench.transport->last_error, "");
	for (unsigned i = 0; i < 24; i++)
		play_on(); /* round the tape */
	run_until(waits_no_more);
	assert_non_null(
		strstr(bench.transport->last_error, " s of Take-001 are lost"));
	trouble.of = NULL;
	run_until(are_over);
}

/* ---- a mirror that fails ---- */

static struct hand *find_mirror(void)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (bench.transport->hand[i].take &&
		    bench.transport->hand[i].mirror)
			return &bench.transport->hand[i];
	return NULL;
}

static bool has_folder(void)
{
	struct take_status status;

	take_get_status(bench.transport->current->take, &status);
	return status.prepared;
}

static bool has_first_failed(void)
{
	struct take_status status;

	take_get_status(bench.transport->current->take, &status);
	return status.error != 0;
}

static bool has_mirror_failed(void)
{
	struct take_status status;

	if (!find_mirror()) /* so soon that it was seen with the first one */
		return true;
	take_get_status(find_mirror()->take, &status);
	return status.error != 0;
}

/* Both fail before anybody has looked at either: the mirror, which had no
 * folder yet, was what the take was to go on in. */
static void test_a_mirror_that_is_left_alone_and_fails_is_gone_on_with(
	void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	have_mirror(mirror);
	break_medium(mirror);
	trouble.of = "/A/";
	ask(COMMAND_TO_RECORD, RATE / 4);
	wait_for(has_folder);
	transport_look_after_takes(bench.transport);
	wait_for(has_mirror_failed);
	trouble.fail = true;
	wait_for(has_first_failed);
	run_until(records_on_b);
	assert_int_equal(bench.transport->current->start, RATE / 4);
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
}

static bool is_left(void)
{
	return !find_mirror() || find_mirror()->left;
}

static bool is_mirror_alone(void)
{
	return find_mirror() && !bench.transport->current;
}

/* A mirrored take, a medium of which hangs from then on. */
static void record_and_stop_on(const char *hanging)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	trouble.of = hanging;
	for (unsigned i = 0; i < 10; i++)
		play_on();
	ask(COMMAND_TO_STOP, 5 * RATE);
}

static void be_still_for_long(struct hand *hand)
{
	hand->encoded_ns = clock_now_ns() - 60 * NS_PER_S;
}

/* What it lacks is on the other one. */
static void test_a_mirror_that_hangs_makes_no_take_of_its_own(void **state)
{
	char mirror[CONFIG_PATH_MAX];
	struct hand *hand;
	json_t *take;

	(void)state;
	have_mirror(mirror);
	record_and_stop_on("/M/");
	run_until(is_mirror_alone);
	hand = find_mirror();
	assert_true(hand->whole);
	be_still_for_long(hand);
	run_until(is_left);
	trouble.of = NULL;
	run_until(are_over);
	take = read_take(bench.config.folder, "*"); /* the only one */
	assert_int_equal(number_of(take, "frames"), 5 * RATE - RATE / 4);
	json_decref(take);
}

static bool has_mirror_closed(void)
{
	return bench.transport->current && bench.transport->current->whole;
}

static bool is_noted_idle(void)
{
	return bench.transport->noted.kind == INTENT_NONE;
}

/* The mirror has all of it: it is not what is being recorded any more. */
static void test_a_medium_that_hangs_after_stop_is_left_behind(void **state)
{
	char mirror[CONFIG_PATH_MAX];
	struct command command = {.kind = COMMAND_TO_RECORD,
				  .position = 5 * RATE};

	(void)state;
	have_mirror(mirror);
	record_and_stop_on("/A/");
	run_until(has_mirror_closed);
	be_still_for_long(bench.transport->current);
	run_until(is_noted_idle);
	assert_null(bench.transport->current);
	ask_for(&command);
	run_until(records_on_b);
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, 6 * RATE);
	run_until(are_over);
}

/* ---- a medium that hangs ---- */

static bool is_noted_for_power(void)
{
	return access(bench.transport->lasting_path, F_OK) == 0;
}

static bool are_over_and_noted(void)
{
	return are_over() && !is_noted_for_power();
}

/* The mirror, which is the first one. */
static bool is_away(void)
{
	struct volume volume;

	volumes_get(bench.transport->volumes, 0, &volume);
	return volume.state == VOLUME_ABSENT;
}

/* A mirror that was there, and a recorder that goes on by itself. */
static void have_mirror_away(char *mirror, const char *away)
{
	char folder[CONFIG_PATH_MAX];

	end_bench();
	snprintf(bench.config.mirror, sizeof(bench.config.mirror), "%s",
		 below(mirror, "M"));
	bench.config.resume_seconds = 60;
	mkdir(below(folder, "state"), 0700);
	setenv("STATE_DIRECTORY", folder, 1);
	mkdir(mirror, 0700);
	begin_bench();
	load_tape(bench.transport);
	assert_int_equal(rename(mirror, away), 0);
	run_until(is_away);
}

static void test_a_mirror_that_hangs_does_not_keep_rec_from_being_noted(
	void **state)
{
	char mirror[CONFIG_PATH_MAX], away[CONFIG_PATH_MAX];

	(void)state;
	have_mirror_away(mirror, below(away, "away"));
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_noted_for_power);
	ask(COMMAND_TO_STOP, RATE / 2);
	run_until(are_over_and_noted);
	trouble.of = "/M/";
	assert_int_equal(rename(away, mirror), 0);
	run_until(stands_still);
	assert_non_null(bench.transport->filling);
	ask(COMMAND_TO_RECORD, RATE / 2);
	run_until(is_noted_for_power);
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over_and_noted);
	unsetenv("STATE_DIRECTORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_new_medium_has_its_place),
		CASE(test_a_medium_that_is_recorded_on_keeps_its_place),
		CASE(test_a_medium_that_was_let_go_and_is_back_is_recorded_on),
		CASE(test_a_mirror_that_is_plugged_in_last_is_no_place_for_takes),
		CASE(test_what_no_medium_came_for_is_said_to_be_lost),
		CASE(test_a_mirror_that_is_left_alone_and_fails_is_gone_on_with),
		CASE(test_a_mirror_that_hangs_makes_no_take_of_its_own),
		CASE(test_a_medium_that_hangs_after_stop_is_left_behind),
		CASE(test_a_mirror_that_hangs_does_not_keep_rec_from_being_noted),
	};

	return cmocka_run_group_tests_name("transport, media", tests, NULL,
					   NULL);
}
