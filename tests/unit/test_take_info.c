/*
 * take_info: entries become a take, whatever order history wrote them in, and
 * contradictions are refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "take/take_info.h"

static struct take_info info;

static int set_up(void **unused)
{
	(void)unused;
	return take_info_init(&info);
}

static int tear_down(void **unused)
{
	(void)unused;
	take_info_finish(&info);
	return 0;
}

/* --- helpers --- */

static int apply(const char *text)
{
	json_error_t error;
	json_t *entry = json_loads(text, 0, &error);
	int result;

	if (!entry)
		print_error("%s: %s\n", text, error.text);
	assert_non_null(entry);
	result = take_info_apply(&info, entry);
	json_decref(entry);
	return result;
}

#define START                                                                  \
	"{'type':'start','session':'S','take':'T','artist':'','tape':'ab',"    \
	"'device':'hw','interface':'I','identity':'i','format':'S32_LE',"      \
	"'date':'2026-11-21','clock_set':true,'position':1000,"                \
	"'time_reference':5,'rate':48000,'bits':24,'level':2,'tracks':["       \
	"{'number':1,'name':'Kick','file':'01-Kick','channels':[1],"           \
	"'armed':true},"                                                       \
	"{'number':2,'name':'Keys','file':'02-Keys','channels':[3,4],"         \
	"'armed':false}]}"

/* With single quotes for double ones; what replaces with, if it is there. */
static int apply_with(const char *text, const char *what, const char *with)
{
	char json[4096], *at;
	size_t length;

	assert_true(strlen(text) + strlen(with) < sizeof(json));
	strcpy(json, text);
	at = what ? strstr(json, what) : NULL;
	if (what) {
		assert_non_null(at);
		length = strlen(what);
		memmove(at + strlen(with), at + length,
			strlen(at + length) + 1);
		memcpy(at, with, strlen(with));
	}
	for (at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	return apply(json);
}

static int apply_quoted(const char *text)
{
	return apply_with(text, NULL, "");
}

static void start(void)
{
	assert_int_equal(apply_quoted(START), 0);
}

static void note(const char *text)
{
	assert_int_equal(apply_quoted(text), 0);
}

static void refuse(const char *text)
{
	assert_int_equal(apply_quoted(text), -EINVAL);
}

/* --- the start --- */

static void test_a_start(void **unused)
{
	(void)unused;
	start();
	assert_string_equal(info.session, "S");
	assert_int_equal(info.start, 1000);
	assert_int_equal(info.rate, 48000);
	assert_int_equal(info.tracks, 2);
	assert_int_equal(info.track[1].channels[0], 2);
	assert_int_equal(info.track[1].channels[1], 3);
	assert_true(info.track[0].filed);
	assert_false(info.track[1].filed);
}

static void test_a_start_that_makes_no_sense(void **unused)
{
	static const char *const change[][2] = {
		{"'rate':48000", "'rate':0"},
		{"'rate':48000", "'rate':'48000'"},
		{"'rate':48000,", ""},
		{"'bits':24", "'bits':20"},
		{"'bits':24", "'bits':32"},
		{"'level':2", "'level':9"},
		{"'position':1000", "'position':-1"},
		{"'channels':[1]", "'channels':[0]"},
		{"'channels':[1]", "'channels':[65]"},
		{"'channels':[1]", "'channels':[]"},
		{"'channels':[1]", "'channels':[1,2,3]"},
		{"'number':2", "'number':1"},
		{"'number':2", "'number':65"},
		{"'number':2", "'number':0"},
		{"'02-Keys'", "'01-KICK'"},
		{"'02-Keys'", "'../02-Keys'"},
		{"'02-Keys'", "'.hidden'"},
		{"'02-Keys'", "''"},
		{"'session':'S'", "'session':7"},
		{"'tape':'ab'", "'tape':'012345678901234567890123456789012'"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		assert_int_equal(apply_with(START, change[i][0], change[i][1]),
				 -EINVAL);
		assert_int_equal(info.tracks, 0);
		take_info_finish(&info);
		assert_int_equal(take_info_init(&info), 0);
	}
}

static void test_the_first_entry_is_the_start_and_the_only_one(void **unused)
{
	(void)unused;
	refuse("{'type':'marker','at':1,'name':'x'}");
	start();
	assert_int_equal(apply_quoted(START), -EINVAL);
	refuse("{'at':1}");
	refuse("{'type':7}");
}

static void test_its_own_start_entry_reads_back_equal(void **unused)
{
	struct take_info again;
	json_t *entry;

	(void)unused;
	start();
	entry = take_info_start_entry(&info);
	assert_int_equal(take_info_init(&again), 0);
	assert_int_equal(take_info_apply(&again, entry), 0);
	assert_memory_equal(again.track, info.track, sizeof(info.track));
	assert_string_equal(again.identity, info.identity);
	assert_int_equal(again.time_reference, 5);
	json_decref(entry);
	take_info_finish(&again);
}

static void test_text_that_is_no_utf8(void **unused)
{
	struct take_info again;
	json_t *entry;
	char text[8];

	(void)unused;
	start();
	strcpy(info.track[0].name, "K\xfc"
				   "che");
	strcpy(info.interface, "\xff\xfe");
	entry = take_info_start_entry(&info);
	assert_non_null(entry);
	assert_int_equal(take_info_init(&again), 0);
	assert_int_equal(take_info_apply(&again, entry), 0);
	assert_int_equal(again.tracks, 2);
	assert_string_equal(again.track[0].name, "K?che");
	assert_string_equal(again.interface, "??");
	json_decref(entry);
	take_info_finish(&again);
	take_info_text(text, sizeof(text), "12345\xc3\xa9\xc3\xa9");
	assert_string_equal(text, "12345\xc3\xa9");
	take_info_text(text, sizeof(text), "123456\xc3\xa9");
	assert_string_equal(text, "123456");
}

/* --- what came then --- */

static void test_arming(void **unused)
{
	(void)unused;
	start();
	assert_int_equal(take_info_silent_until(&info, 0), 0);
	assert_int_equal(take_info_silent_until(&info, 1), UINT64_MAX);
	note("{'type':'arm','track':2,'on':true,'at':8192}");
	note("{'type':'arm','track':1,'on':false,'at':8192}");
	note("{'type':'arm','track':2,'on':false,'at':12288}");
	note("{'type':'arm','track':2,'on':true,'at':16384}");
	assert_true(info.track[1].filed && info.track[1].armed);
	assert_true(info.track[0].filed && !info.track[0].armed);
	assert_int_equal(take_info_silent_until(&info, 1), 8192);
	assert_false(take_info_sounds(&info, 1, 8191));
	assert_true(take_info_sounds(&info, 1, 8192));
	assert_false(take_info_sounds(&info, 1, 12288));
	assert_true(take_info_sounds(&info, 1, 16384));
	assert_true(take_info_sounds(&info, 0, 8191));
	assert_false(take_info_sounds(&info, 0, 8192));
	refuse("{'type':'arm','track':3,'on':true,'at':0}");
	refuse("{'type':'arm','track':1,'on':true,'at':-1}");
}

static void test_gaps(void **unused)
{
	(void)unused;
	start();
	assert_string_equal(take_info_verdict(&info), "sample-complete");
	note("{'type':'gap','at':100,'frames':10,'cause':'late'}");
	note("{'type':'gap','at':300,'frames':5,'cause':'silent'}");
	assert_int_equal(info.gap_count, 2);
	assert_int_equal(info.gap_frames, 15);
	assert_string_equal(take_info_verdict(&info), "gaps");
	refuse("{'type':'gap','at':100,'frames':0,'cause':'late'}");
	refuse("{'type':'gap','at':-1,'frames':1,'cause':'late'}");
	refuse("{'type':'gap','at':1,'frames':1}");
}

static void test_parts(void **unused)
{
	char name[TAKE_FILE_MAX];

	(void)unused;
	start();
	assert_int_equal(take_info_parts(&info), 1);
	note("{'type':'part','at':4096}");
	note("{'type':'part','at':8192}");
	assert_int_equal(take_info_parts(&info), 3);
	assert_int_equal(take_info_part_start(&info, 0), 0);
	assert_int_equal(take_info_part_start(&info, 2), 8192);
	refuse("{'type':'part','at':8192}");
	take_info_file(&info.track[0], 0, name);
	assert_string_equal(name, "01-Kick.flac");
	take_info_file(&info.track[0], 1, name);
	assert_string_equal(name, "01-Kick_2.flac");
}

static void test_unknown_entries_are_kept(void **unused)
{
	(void)unused;
	start();
	note("{'type':'from-the-future','at':1}");
	assert_int_equal(json_array_size(info.notes), 1);
}

/* --- the end, and what it takes back --- */

static void test_an_end(void **unused)
{
	(void)unused;
	start();
	note("{'type':'end','frames':9000,'reason':'stop','tracks':["
	     "{'number':1,'peak':77,'clips':2}]}");
	assert_true(info.ended);
	assert_int_equal(info.frames, 9000);
	assert_int_equal(info.track[0].peak, 77);
	assert_int_equal(info.track[0].clips, 2);
	refuse("{'type':'end','frames':1,'reason':'x','tracks':["
	       "{'number':9,'peak':1,'clips':0}]}");
	refuse("{'type':'end','frames':-1,'reason':'x','tracks':[]}");
	refuse("{'type':'end','frames':1,'tracks':[]}");
}

static void test_what_lies_behind_the_end_never_came(void **unused)
{
	(void)unused;
	start();
	note("{'type':'gap','at':100,'frames':10,'cause':'late'}");
	note("{'type':'gap','at':8000,'frames':500,'cause':'absent'}");
	note("{'type':'gap','at':8192,'frames':1,'cause':'late'}");
	note("{'type':'marker','at':8192,'name':'at the end'}");
	note("{'type':'marker','at':8193,'name':'behind'}");
	note("{'type':'part','at':4096}");
	note("{'type':'part','at':8192}");
	note("{'type':'end','frames':8192,'reason':'medium full',"
	     "'tracks':[]}");
	assert_int_equal(info.gap_count, 2);
	assert_int_equal(info.gap_frames, 10 + 192);
	assert_int_equal(json_array_size(info.markers), 1);
	assert_int_equal(take_info_parts(&info), 2);
}

static void test_what_is_recorded_again_is_lost_at_most_once(void **unused)
{
	(void)unused;
	start();
	note("{'type':'gap','at':100,'frames':10,'cause':'late'}");
	note("{'type':'gap','at':4096,'frames':8192,'cause':'overrun'}");
	note("{'type':'gap','at':20480,'frames':4096,'cause':'overrun'}");
	note("{'type':'gap','at':30000,'frames':7,'cause':'silent'}");
	note("{'type':'resumed','at':8192}");
	/* What the tape lost stays lost. */
	assert_int_equal(info.gap_count, 3);
	assert_int_equal(info.gap_frames, 10 + 4096 + 7);
	note("{'type':'gap','at':8192,'frames':4096,'cause':'overrun'}");
	assert_int_equal(info.gap_frames, 10 + 4096 + 7 + 4096);
}

static void test_levels_go_back_with_what_they_were_of(void **unused)
{
	(void)unused;
	start();
	note("{'type':'levels','at':4096,'peaks':[10,20],'clips':[0,1]}");
	note("{'type':'levels','at':8192,'peaks':[30,20],'clips':[5,1]}");
	note("{'type':'resumed','at':8191}");
	assert_int_equal(info.track[0].peak, 10);
	assert_int_equal(info.track[1].clips, 1);
	note("{'type':'healed','at':4095}");
	assert_int_equal(info.track[0].peak, 0);
	refuse("{'type':'levels','at':4096,'peaks':[1],'clips':[0,1]}");
	refuse("{'type':'levels','at':4096,'peaks':[1,2]}");
}

/* --- take.json --- */

static void test_json_has_what_people_ask_for(void **unused)
{
	json_t *root, *tracks;

	(void)unused;
	start();
	note("{'type':'marker','at':480,'name':'Verse'}");
	note("{'type':'clock','at':0,'ppm':12.5}");
	note("{'type':'part','at':48000}");
	note("{'type':'end','frames':96000,'reason':'stop','tracks':["
	     "{'number':1,'peak':4194304,'clips':0}]}");
	root = take_info_json(&info);
	assert_non_null(root);
	tracks = json_object_get(root, "tracks");
	/* A track that was never armed is not in the take. */
	assert_int_equal(json_array_size(tracks), 1);
	assert_int_equal(json_array_size(json_object_get(
				 json_array_get(tracks, 0), "files")),
			 2);
	assert_true(json_real_value(json_object_get(json_array_get(tracks, 0),
						    "peak_db")) == -6.02);
	assert_true(json_number_value(json_object_get(root, "seconds")) == 2);
	assert_true(json_number_value(json_object_get(root, "ppm")) == 12.5);
	assert_string_equal(json_string_value(json_object_get(root, "verdict")),
			    "sample-complete");
	json_decref(root);
}

static void test_a_long_take_is_not_remembered_as_a_whole(void **unused)
{
	(void)unused;
	start();
	for (int i = 1; i < 100; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "{'type':'levels','at':%d,'peaks':[%d,0],"
			 "'clips':[0,0]}",
			 4096 * i, i);
		note(text);
		snprintf(text, sizeof(text),
			 "{'type':'clock','at':%d,'ppm':%d}", 4096 * i, i);
		note(text);
		take_info_forget(&info, 4096u * (i > 2 ? (unsigned)i - 2 : 0));
		assert_in_range(json_array_size(info.levels), 1, 3);
		assert_in_range(json_array_size(info.clocks), 1, 3);
	}
	/* What is not safe yet can still be taken back. */
	note("{'type':'resumed','at':401000}");
	assert_int_equal(info.track[0].peak, 97);
}

static void test_what_was_played_behind_the_end_is_not_there(void **unused)
{
	(void)unused;
	start();
	note("{'type':'stop','at':96000,'reason':'stop'}");
	assert_string_equal(take_info_verdict(&info), "sample-complete");
	refuse("{'type':'stop','at':48000,'reason':'stop','missing':-1}");
	note("{'type':'stop','at':48000,'reason':'stop','missing':48000}");
	note("{'type':'end','frames':48000,'reason':'stop','tracks':[]}");
	assert_int_equal(info.missing, 48000);
	assert_string_equal(take_info_verdict(&info), "gaps");
}

static void test_levels_in_decibels(void **unused)
{
	(void)unused;
	assert_true(take_peak_db(0, 24) == -150);
	assert_true(take_peak_db(1u << 23, 24) == 0);
	assert_true(take_peak_db(1u << 15, 16) == 0);
	assert_true(take_peak_db(1u << 14, 16) < -6.02 &&
		    take_peak_db(1u << 14, 16) > -6.03);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_start),
		CASE(test_a_start_that_makes_no_sense),
		CASE(test_the_first_entry_is_the_start_and_the_only_one),
		CASE(test_its_own_start_entry_reads_back_equal),
		CASE(test_text_that_is_no_utf8),
		CASE(test_arming),
		CASE(test_gaps),
		CASE(test_parts),
		CASE(test_unknown_entries_are_kept),
		CASE(test_an_end),
		CASE(test_what_lies_behind_the_end_never_came),
		CASE(test_what_is_recorded_again_is_lost_at_most_once),
		CASE(test_levels_go_back_with_what_they_were_of),
		CASE(test_json_has_what_people_ask_for),
		CASE(test_a_long_take_is_not_remembered_as_a_whole),
		CASE(test_what_was_played_behind_the_end_is_not_there),
		CASE(test_levels_in_decibels),
	};

	return cmocka_run_group_tests_name("take_info", tests, NULL, NULL);
}
