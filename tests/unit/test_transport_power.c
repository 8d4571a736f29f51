/* The power fails while a take is being recorded: what becomes of that when it
 * is back, and of what is asked for until then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport_case.h"

static bool is_kept(void)
{
	static struct intent kept;

	return waits_for_medium() &&
	       intent_read(bench.transport->lasting_path, &kept) == 0 &&
	       kept.kind == INTENT_WAITING;
}

static void wait_for_medium_until_killed(void)
{
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(is_kept);
	kill(getpid(), SIGKILL);
}

/* All but the media and what outlives the machine. */
static void lose_power(void)
{
	char path[CONFIG_PATH_MAX];

	tape_writer_destroy(&bench.writer);
	fill_tape();
	assert_int_equal(unlink(below(path, INTENT_FILE)), 0);
}

static void come_back_by_itself(void)
{
	char folder[CONFIG_PATH_MAX];

	assert_int_equal(setenv("STATE_DIRECTORY", below(folder, "state"), 1),
			 0);
	mkdir(folder, 0700);
	bench.config.resume_seconds = 60;
}

static void assert_note(const char *medium, const char *name, const char *type,
			const char *other)
{
	json_t *take = read_take(medium, name), *note, *found = NULL;
	size_t i;

	json_array_foreach(json_object_get(take, "notes"), i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   type) == 0)
			found = note;
	}
	assert_non_null(found);
	assert_string_equal(json_string_value(json_object_get(found, "take")),
			    other);
	json_decref(take);
}

/* Both takes know of each other: the first one is healed meanwhile. */
static void test_what_waited_goes_on_when_all_is_back(void **state)
{
	const char *folder = bench.config.folder;

	(void)state;
	come_back_by_itself();
	run_until_killed(wait_for_medium_until_killed);
	lose_power();
	be_renewed();
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	assert_note(folder, "Take-002", "continues", "Take-001");
	assert_note(folder, "Take-001", "continued", "Take-002");
	unsetenv("STATE_DIRECTORY");
}

static bool is_noted_to_last(void)
{
	return access(bench.transport->lasting_path, F_OK) == 0;
}

static void record_mirrored_until_power_fails(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	run_until(has_synced);
	wait_for(is_noted_to_last);
	kill(getpid(), SIGKILL);
}

static bool are_media_there(void)
{
	struct volume volume;
	bool all = true;

	for (unsigned i = 0; i < volumes_count(bench.transport->volumes); i++) {
		volumes_get(bench.transport->volumes, i, &volume);
		all = all && volume.state == VOLUME_READY;
	}
	return all;
}

/* Neither waits for what nobody tells it. */
static void test_both_of_a_mirrored_take_say_where_it_goes_on(void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	come_back_by_itself();
	have_mirror(mirror);
	run_until_killed(record_mirrored_until_power_fails);
	lose_power();
	begin_bench();
	wait_for(are_media_there);
	take_tape(bench.transport);
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	assert_note(mirror, "Take-001", "continued", "Take-002");
	assert_note(bench.config.folder, "Take-001", "continued", "Take-002");
	unsetenv("STATE_DIRECTORY");
}

static bool is_coming_back(void)
{
	return bench.transport->comeback.wanted;
}

static bool has_name(void)
{
	return bench.transport->current && bench.transport->current->prepared;
}

static void record_until_power_fails(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	wait_for(is_noted_to_last);
	kill(getpid(), SIGKILL);
}

static void keep_until_killed_once_more(void)
{
	struct command keep = {
		.kind = COMMAND_TO_KEEP,
		.position = RATE,
		.preroll = -1,
	};

	trouble.of = "/B/";
	ask_for(&keep);
	run_until(has_name);
	wait_for(stands_still);
	transport_note_intent(bench.transport);
	kill(getpid(), SIGKILL);
}

static bool is_kept_on_b(void)
{
	char path[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool kept;

	snprintf(path, sizeof(path), "%s/Takebox/*/*/take.json",
		 bench.config.next);
	kept = glob(path, 0, NULL, &found) == 0;
	globfree(&found);
	return kept;
}

static char away[CONFIG_PATH_MAX];

/* The power fails, and comes back without the medium. What a process does then,
 * before it is killed. */
static void come_back_without_medium(void (*until_killed)(void))
{
	pid_t child;

	come_back_by_itself();
	run_until_killed(record_until_power_fails);
	lose_power();
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	child = fork();
	if (child == 0) {
		be_renewed();
		run_until(is_coming_back);
		until_killed();
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void bring_medium(void)
{
	assert_int_equal(rename(away, bench.config.folder), 0);
}

/* What is kept while recording waits for its medium is on another one, and
 * takeboxd is killed before it is: both are there in the end. */
static void test_what_is_kept_meanwhile_outlives_a_kill(void **state)
{
	json_t *take;

	(void)state;
	come_back_without_medium(keep_until_killed_once_more);
	be_renewed();
	run_until(is_kept_on_b);
	take = read_take(bench.config.next, "*");
	assert_int_equal(number_of(take, "frames"), RATE);
	json_decref(take);
	assert_true(is_coming_back());
	bring_medium();
	run_until(is_prepared);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	unsetenv("STATE_DIRECTORY");
}

/* ---- what is asked for while its medium is waited for ---- */

static void disarm_until_killed(void)
{
	arm(false, RATE / 2);
	kill(getpid(), SIGKILL);
}

/* And what was played before it is there. */
static void test_arming_of_meanwhile_outlives_a_kill(void **state)
{
	json_t *take, *arms;

	(void)state;
	come_back_without_medium(disarm_until_killed);
	be_renewed();
	bring_medium();
	run_until(is_prepared);
	assert_true(bench.transport->tracks[0].armed);
	assert_false(bench.transport->tracks[1].armed);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-002");
	arms = json_object_get(take, "arms");
	assert_int_equal(json_array_size(arms), 1);
	assert_in_range(number_of(json_array_get(arms, 0), "at"), RATE / 2,
			RATE / 2 + 4096);
	json_decref(take);
	unsetenv("STATE_DIRECTORY");
}

static void test_a_shutdown_of_meanwhile_ends_it(void **state)
{
	(void)state;
	come_back_without_medium(disarm_until_killed);
	be_renewed();
	run_until(is_coming_back);
	transport_shut_down(bench.transport);
	assert_false(is_coming_back());
	bring_medium();
	transport_look_after_comeback(bench.transport);
	assert_null(transport_recorded(bench.transport));
	unsetenv("STATE_DIRECTORY");
}

static bool is_not_noted_to_last(void)
{
	return !is_noted_to_last();
}

static bool is_known_what_was(void)
{
	return bench.transport->recall_ns && !bench.transport->recalling;
}

static void stop_until_killed(void)
{
	ask(COMMAND_TO_STOP, RATE);
	assert_true(transport_misses_rests(bench.transport));
	kill(getpid(), SIGKILL);
}

/* Whoever looks for what was kept before does not record either. */
static void test_stop_of_meanwhile_outlives_a_kill(void **state)
{
	pid_t child;

	(void)state;
	come_back_without_medium(keep_until_killed_once_more);
	child = fork();
	if (child == 0) {
		be_renewed();
		run_until(is_coming_back);
		stop_until_killed();
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	be_renewed();
	bring_medium();
	run_until(is_known_what_was);
	assert_false(is_coming_back());
	run_until(is_kept_on_b);
	run_until(are_over);
	assert_null(transport_recorded(bench.transport));
	unsetenv("STATE_DIRECTORY");
}

/* Before anybody else looks: the take exists from now on. */
static void test_rec_of_meanwhile_is_noted_at_once(void **state)
{
	char before[33];

	(void)state;
	come_back_without_medium(disarm_until_killed);
	be_renewed();
	run_until(is_coming_back);
	strcpy(before, bench.transport->left.tape);
	ask(COMMAND_TO_RECORD, RATE / 4);
	assert_string_not_equal(bench.transport->noted.tape, before);
	assert_int_equal(bench.transport->noted.start, RATE / 4);
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	unsetenv("STATE_DIRECTORY");
}

/* ---- STOP while what ran is looked for ---- */

/* The power may fail before it is found. */
static void test_stop_outlives_the_machine(void **state)
{
	(void)state;
	come_back_by_itself();
	run_until_killed(record_until_power_fails);
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	be_renewed();
	transport_search_arrivals(bench.transport);
	assert_non_null(transport_recalled(bench.transport));
	assert_true(is_noted_to_last());
	ask(COMMAND_TO_STOP, RATE);
	assert_non_null(transport_recalled(bench.transport));
	wait_for(is_not_noted_to_last);
	bring_medium();
	run_until(are_over);
	unsetenv("STATE_DIRECTORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_what_waited_goes_on_when_all_is_back),
		CASE(test_both_of_a_mirrored_take_say_where_it_goes_on),
		CASE(test_what_is_kept_meanwhile_outlives_a_kill),
		CASE(test_arming_of_meanwhile_outlives_a_kill),
		CASE(test_a_shutdown_of_meanwhile_ends_it),
		CASE(test_stop_of_meanwhile_outlives_a_kill),
		CASE(test_rec_of_meanwhile_is_noted_at_once),
		CASE(test_stop_outlives_the_machine),
	};

	return cmocka_run_group_tests_name("transport, power", tests, NULL,
					   NULL);
}
