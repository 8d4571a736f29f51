/* A takeboxd that comes after another one finds takes that are open. One of
 * them was being recorded; the others are not to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "two_takes.h"

static char away[CONFIG_PATH_MAX];

/* By what was written down, when a take was let go. */
static uint64_t noted_at_go;

void __real_take_go(struct take *take);
void __wrap_take_go(struct take *take);

void __wrap_take_go(struct take *take)
{
	noted_at_go = bench.transport->noted.start;
	__real_take_go(take);
}

static void pull_a(void)
{
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
}

static void bring_a_back(void)
{
	assert_int_equal(rename(below(away, "away"), bench.config.folder), 0);
}

static bool is_over_on_b(void)
{
	return !bench.transport->current && !bench.transport->onward.wanted &&
	       bench.transport->noted.kind == INTENT_NONE;
}

static bool has_name(void)
{
	return bench.transport->current && bench.transport->current->prepared;
}

static void keep_all(uint64_t position)
{
	struct command keep = {
		.kind = COMMAND_TO_KEEP,
		.position = position,
		.preroll = -1,
	};

	ask_for(&keep);
}

/* Take-001 is torn off on A, Take-002 goes on with it and is stopped, and what
 * is kept then, from before both, is still being written. */
static void keep_after_a_pull_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(records_on_b);
	ask(COMMAND_TO_STOP, RATE);
	run_until(is_over_on_b);
	pull_a();
	trouble.fail = false;
	trouble.of = "/B/";
	trouble.met = false;
	keep_all(RATE);
	run_until(has_name);
	wait_for(stands_still);
	transport_note_intent(bench.transport);
	kill(getpid(), SIGKILL);
}

static bool is_kept_take_found(void)
{
	const struct hand *current = bench.transport->current;

	return current && strcmp(current->place.take, "Take-003") == 0;
}

static bool is_first_whole(void)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool whole;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/Take-001/take.json",
		 bench.config.folder);
	whole = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	return whole;
}

/* The first one by what it had. */
static void check_kept(void)
{
	json_t *take;

	assert_null(transport_recorded(bench.transport));
	run_until(are_over);
	assert_null(transport_recorded(bench.transport));
	take = read_take(bench.config.folder, "Take-001");
	assert_in_range(number_of(take, "frames"), 1, RATE);
	json_decref(take);
	check_take(bench.config.next, 3, RATE, NULL);
}

/* Its medium comes back while what was kept is being written. */
static void test_a_take_torn_off_before_a_keep_is_not_recorded(void **state)
{
	(void)state;
	run_until_killed(keep_after_a_pull_until_killed);
	trouble.of = "/B/";
	be_renewed();
	run_until(is_kept_take_found);
	bring_a_back();
	run_until(is_first_whole);
	trouble.of = NULL;
	check_kept();
}

/* Its medium is there already. */
static void test_a_keep_is_not_ended_by_a_take_torn_off_before(void **state)
{
	(void)state;
	run_until_killed(keep_after_a_pull_until_killed);
	bring_a_back();
	be_renewed();
	run_until(is_kept_take_found);
	run_until(is_first_whole);
	check_kept();
}

/* ---- what was being closed is over before what ran is found ---- */

static bool is_first_over(void)
{
	return is_first_whole() && are_over();
}

/* Onto a medium of its own. */
static void move_second(const char *medium)
{
	char command[2 * CONFIG_PATH_MAX];

	snprintf(command, sizeof(command),
		 "cd '%.200s' && mkdir -p '%.200s/Takebox/Show' && "
		 "mv A/Takebox/Show/Take-002 '%.200s/Takebox/Show'",
		 bench.folder, medium, medium);
	assert_int_equal(system(command), 0);
}

/* Its medium takes its time. */
static void test_what_ran_is_found_behind_what_is_closed(void **state)
{
	char slow[CONFIG_PATH_MAX];

	(void)state;
	strcpy(bench.config.session, "Show");
	run_until_killed(begin_two_until_killed);
	move_second(below(slow, "slow"));
	assert_int_equal(rmdir(bench.config.next), 0);
	be_renewed();
	transport_search_arrivals(bench.transport);
	bench.transport->recall_ns += 60 * NS_PER_S; /* it is patient */
	run_until(is_first_over);
	assert_true(bench.transport->recalling);
	assert_int_equal(rename(slow, bench.config.next), 0);
	run_until(is_two);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE, NULL);
	check_take(bench.config.next, 2, RATE - RATE / 4, NULL);
}

/* It runs, as far as commands go: what waits was stopped before. */
static void test_what_ran_is_meant_while_a_rest_waits(void **state)
{
	char slow[CONFIG_PATH_MAX];

	(void)state;
	strcpy(bench.config.session, "Show");
	run_until_killed(begin_two_until_killed);
	move_second(below(slow, "slow"));
	break_medium(bench.config.next);
	trouble.of = "/A/";
	trouble.fail = true;
	be_renewed();
	transport_search_arrivals(bench.transport);
	bench.transport->recall_ns += 60 * NS_PER_S; /* it is patient */
	run_until(waits_for_medium);
	assert_true(bench.transport->recalling);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_MARK, RATE * 3 / 2);
	trouble.of = NULL;
	assert_int_equal(unlink(bench.config.next), 0);
	assert_int_equal(rename(slow, bench.config.next), 0);
	run_until(is_two);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
}

/* ---- what is written down, and what there is ---- */

static uint64_t number_on_a(void)
{
	json_t *take = read_take(bench.config.folder, "Take-001");
	uint64_t frames = number_of(take, "frames");

	json_decref(take);
	return frames;
}

/* Somebody wrote down more than the medium has kept. */
static void test_a_take_goes_on_behind_what_its_medium_has(void **state)
{
	static struct intent left;
	char *text, kept[PATH_MAX];

	(void)state;
	snprintf(kept, sizeof(kept), "%s", bench.transport->intent_path);
	run_until_killed(record_until_killed);
	assert_int_equal(intent_read(kept, &left), 0);
	left.frames += RATE;
	text = intent_text(&left);
	assert_int_equal(intent_write(kept, text, false), 0);
	free(text);
	be_renewed();
	run_until(is_prepared);
	play_on();
	play_on();
	fail_medium("/A/");
	run_until(records_on_b);
	ask(COMMAND_TO_STOP, RATE * 5 / 2); /* the tape's end */
	trouble.of = NULL;
	run_until(is_first_whole);
	run_until(are_over);
	check_take(bench.config.next, 2, RATE * 9 / 4 - number_on_a(),
		   "Take-001");
}

/* A track that is not armed any more is in what waits. */
static void test_what_waits_needs_room_for_its_tracks(void **state)
{
	(void)state;
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(waits_for_medium);
	arm(false, RATE * 5 / 4);
	assert_true(transport_needed_from(bench.transport,
					  bench.transport->onward.from,
					  bench.transport->onward.since) >
		    transport_needed_bytes(bench.transport));
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, RATE * 3 / 2);
	run_until(are_over);
}

/* ---- a mirror that is slow to be read ---- */

static bool is_long_safe(void)
{
	return is_mirrored() && bench.transport->noted.frames > 4 * RATE;
}

static void record_long_mirrored_until_killed(void)
{
	ask(COMMAND_TO_RECORD, 0);
	for (unsigned i = 0; i < 8; i++)
		play_on();
	run_until(is_long_safe);
	kill(getpid(), SIGKILL);
}

static struct hand *found_mirror(void)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (bench.transport->hand[i].take &&
		    strstr(bench.transport->hand[i].place.folder, "/M/"))
			return &bench.transport->hand[i];
	return NULL;
}

static bool is_mirror_read(void)
{
	return stands_still() && found_mirror() && in_hand() == 2;
}

static void test_a_mirror_that_is_read_slowly_is_not_left(void **state)
{
	char mirror[CONFIG_PATH_MAX];
	struct hand *hand;
	json_t *take;

	(void)state;
	have_mirror(mirror);
	run_until_killed(record_long_mirrored_until_killed);
	trouble.of = "/M/";
	be_renewed();
	run_until(is_mirror_read);
	hand = found_mirror();
	hand->encoded = 0;
	hand->encoded_ns = clock_now_ns() - 60 * NS_PER_S;
	transport_look_at_medium(hand);
	assert_false(hand->left);
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, 5 * RATE);
	run_until(are_over);
	take = read_take(mirror, "Take-001");
	assert_int_equal(number_of(take, "frames"), 5 * RATE);
	json_decref(take);
}

/* ---- what is written down before it begins ---- */

static bool is_first_there(void)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool there;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/Take-001/take.ledger",
		 bench.config.folder);
	there = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	return there;
}

static void record_until_noted_or_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	assert_int_equal(noted_at_go, RATE / 4);
	wait_for(is_first_there);
	kill(getpid(), SIGKILL);
}

/* The process has not been told that it has a folder. */
static void test_a_take_is_gone_on_with_from_its_first_moment(void **state)
{
	(void)state;
	be_killed(record_until_noted_or_killed);
	run_until(has_found);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE - RATE / 4, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_torn_off_before_a_keep_is_not_recorded),
		CASE(test_a_keep_is_not_ended_by_a_take_torn_off_before),
		CASE(test_what_ran_is_found_behind_what_is_closed),
		CASE(test_what_ran_is_meant_while_a_rest_waits),
		CASE(test_a_take_goes_on_behind_what_its_medium_has),
		CASE(test_what_waits_needs_room_for_its_tracks),
		CASE(test_a_mirror_that_is_read_slowly_is_not_left),
		CASE(test_a_take_is_gone_on_with_from_its_first_moment),
	};

	return cmocka_run_group_tests_name("transport, found", tests, NULL,
					   NULL);
}
