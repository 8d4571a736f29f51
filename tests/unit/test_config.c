/*
 * config: what the text of a file and flags do to the configuration, and what
 * is said when they are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"

static struct config config;
static char error[256];

static int set_up(void **state)
{
	(void)state;
	memset(&config, 0xa5, sizeof(config));
	config_defaults(&config);
	return 0;
}

static void accept_text(const char *text)
{
	int result = config_add_string(&config, text, "t.conf", error,
				       sizeof(error));

	assert_string_equal(error, "");
	assert_int_equal(result, 0);
}

static void refuse_text(const char *text, const char *message)
{
	assert_int_equal(config_add_string(&config, text, "t.conf", error,
					   sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, message);
}

static void refuse_flag(const char *path, const char *value,
			const char *message)
{
	assert_int_equal(config_set(&config, path, value, error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, message);
}

static void check_fails(const char *message)
{
	assert_int_equal(config_check(&config, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, message);
}

static void defaults_are_those_of_the_contract(void **state)
{
	(void)state;
	assert_string_equal(config.device, "auto");
	assert_int_equal(config.channels, 0);
	assert_int_equal(config.rate, 48000);
	assert_string_equal(config.format, "auto");
	assert_int_equal(config.period, 0);
	assert_int_equal(config.buffer, 0);
	assert_true(config.tape_seconds == 0);
	assert_string_equal(config.folder, "auto");
	assert_int_equal(config.level, 5);
	assert_true(config.sync_seconds == 1.0);
	assert_true(config.preroll_seconds == 5.0);
	assert_int_equal(config.max_file_bytes, 0);
	assert_int_equal(config.encoders, 0);
	assert_string_equal(config.session, "");
	assert_string_equal(config.artist, "");
	assert_int_equal(config.clip_run, 3);
	assert_string_equal(config.board, "none");
	assert_string_equal(config.socket, "/run/takebox/control");
	assert_string_equal(config.tape_socket, "/run/takebox/tape");
	assert_int_equal(config.track_count, 0);
	assert_int_equal(config_check(&config, error, sizeof(error)), 0);
}

static void an_empty_file_changes_nothing(void **state)
{
	struct config before = config;

	(void)state;
	accept_text("");
	accept_text("\n# only a comment\n// and\n/* another */\n");
	accept_text("# without a line end");
	assert_memory_equal(&config, &before, sizeof(config));
}

static void every_key_can_be_set(void **state)
{
	(void)state;
	accept_text("interface: { device = \"hw:CARD=X\"; channels = 32;"
		    " rate = 96000; format = \"S32_LE\"; period = 128;"
		    " buffer = 24000; };\n"
		    "tape: { seconds = 90.5; };\n"
		    "record = { folder = \"/mnt\"; level = 8; sync = 0.5;"
		    " preroll = 2.5; max_file_bytes = 5000000000;"
		    " encoders = 3; };\n"
		    "session: { name = \"Gig\"; artist = \"Wir\"; };\n"
		    "meters: { clip = 7; };\n"
		    "panel: { board = \"rack8\"; };\n"
		    "control: { socket = \"/c\"; tape_socket = \"/t\"; };\n");
	assert_string_equal(config.device, "hw:CARD=X");
	assert_int_equal(config.channels, 32);
	assert_int_equal(config.rate, 96000);
	assert_string_equal(config.format, "S32_LE");
	assert_int_equal(config.period, 128);
	assert_int_equal(config.buffer, 24000);
	assert_true(config.tape_seconds == 90.5);
	assert_string_equal(config.folder, "/mnt");
	assert_int_equal(config.level, 8);
	assert_true(config.sync_seconds == 0.5);
	assert_true(config.preroll_seconds == 2.5);
	assert_true(config.max_file_bytes == 5000000000ULL);
	assert_int_equal(config.encoders, 3);
	assert_string_equal(config.session, "Gig");
	assert_string_equal(config.artist, "Wir");
	assert_int_equal(config.clip_run, 7);
	assert_string_equal(config.board, "rack8");
	assert_string_equal(config.socket, "/c");
	assert_string_equal(config.tape_socket, "/t");
}

static void whole_numbers_do_for_seconds(void **state)
{
	(void)state;
	accept_text("record: { preroll = 7; sync = 2; };");
	assert_true(config.preroll_seconds == 7.0);
	assert_true(config.sync_seconds == 2.0);
}

static void tracks_are_read_in_order(void **state)
{
	(void)state;
	accept_text("tracks = (\n"
		    "  { name = \"Kick\"; channel = 1; },\n"
		    "  { name = \"OH\"; channels = [5, 6]; armed = false; },\n"
		    "  { name = \"Bass\"; channels = (9); }\n"
		    ");");
	assert_int_equal(config.track_count, 3);
	assert_string_equal(config.tracks[0].name, "Kick");
	assert_int_equal(config.tracks[0].channels[0], 1);
	assert_int_equal(config.tracks[0].channels[1], 0);
	assert_true(config.tracks[0].armed);
	assert_int_equal(config.tracks[1].channels[0], 5);
	assert_int_equal(config.tracks[1].channels[1], 6);
	assert_false(config.tracks[1].armed);
	assert_int_equal(config.tracks[2].channels[0], 9);
	assert_int_equal(config.tracks[2].channels[1], 0);
}

static void what_a_track_leaves_out_follows_from_the_one_before(void **state)
{
	(void)state;
	accept_text(
		"tracks = ( {}, { channels = [4, 3]; }, { name = \"Vox\"; },"
		" { channel = 12; }, {} );");
	assert_string_equal(config.tracks[0].name, "Ch 01");
	assert_int_equal(config.tracks[0].channels[0], 1);
	assert_string_equal(config.tracks[1].name, "Ch 04");
	assert_int_equal(config.tracks[2].channels[0], 5);
	assert_int_equal(config.tracks[4].channels[0], 13);
	assert_string_equal(config.tracks[4].name, "Ch 13");
	refuse_text("tracks = ( { channel = 64; },\n{} );",
		    "t.conf:2: no channel is left for this track");
}

static void a_later_list_of_tracks_replaces_the_earlier_whole(void **state)
{
	(void)state;
	accept_text("tracks = ( { name = \"A rather long name\"; channel = 1; "
		    "armed = false; }, { channel = 2; } );"
		    "meters: { clip = 9; };");
	accept_text("tracks = ( { name = \"B\"; } ); record: { level = 2; };");
	assert_int_equal(config.track_count, 1);
	assert_string_equal(config.tracks[0].name, "B");
	assert_true(config.tracks[0].armed);
	assert_int_equal(config.tracks[1].channels[0], 0);
	assert_int_equal(config.clip_run, 9);
	assert_int_equal(config.level, 2);
	accept_text("tracks = ();");
	assert_int_equal(config.track_count, 0);
}

static void odd_names_survive_exactly(void **state)
{
	static const char *const names[] = {
		"Kick; in = \\\"D112\\\" # front",
		"Gesang / Böhm — 声",
		"a//b /* c */ [1] (2) {3} 99999999999",
		"C:\\\\temp",
	};
	static const char *const meant[] = {
		"Kick; in = \"D112\" # front",
		"Gesang / Böhm — 声",
		"a//b /* c */ [1] (2) {3} 99999999999",
		"C:\\temp",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text),
			 "tracks = ( { name = \"%s\"; } ); # \"x", names[i]);
		accept_text(text);
		assert_string_equal(config.tracks[0].name, meant[i]);
	}
}

static void files_from_windows_are_read(void **state)
{
	(void)state;
	accept_text("\xef\xbb\xbf# first\r\nmeters: {\r\n clip = 4;\r\n};\r\n");
	assert_int_equal(config.clip_run, 4);
	refuse_text("\r\n\r\nmeters: {\r\n klip = 4; };",
		    "t.conf:4: unknown key 'klip' in meters; did you mean "
		    "'clip'?");
}

static void a_misspelt_key_gets_a_suggestion(void **state)
{
	(void)state;
	refuse_text("\n\ninterface: {\n  chanels = 3; };",
		    "t.conf:4: unknown key 'chanels' in interface; did you "
		    "mean 'channels'?");
	refuse_text("interface: { fromat = 3; };",
		    "t.conf:1: unknown key 'fromat' in interface; did you mean "
		    "'format'?");
	refuse_text("interfaces: { };", "t.conf:1: unknown key 'interfaces'; "
					"did you mean 'interface'?");
	refuse_text("track = ();",
		    "t.conf:1: unknown key 'track'; did you mean 'tracks'?");
	refuse_text("record: { rate = 48000; };",
		    "t.conf:1: unknown key 'rate' in record; did you mean "
		    "'interface.rate'?");
	refuse_text("folder = \"/x\";", "t.conf:1: unknown key 'folder'; did "
					"you mean 'record.folder'?");
	refuse_text("tracks = ( {},\n { nmae = \"x\"; } );",
		    "t.conf:2: unknown key 'nmae' in tracks; did you mean "
		    "'name'?");
	refuse_text("zzz = 1;", "t.conf:1: unknown key 'zzz'");
}

static void wrong_types_are_errors(void **state)
{
	(void)state;
	refuse_text("interface: { rate = \"48k\"; };",
		    "t.conf:1: interface.rate must be a whole number, not a "
		    "text");
	refuse_text("interface: { rate = 48000.0; };",
		    "t.conf:1: interface.rate must be a whole number, not a "
		    "number with a fraction");
	refuse_text("record: {\n preroll = true; };",
		    "t.conf:2: record.preroll must be a number of seconds, not "
		    "true or false");
	refuse_text("session: { name = 5; };",
		    "t.conf:1: session.name must be a text in double quotes, "
		    "not a whole number");
	refuse_text("record: { folder = { }; };",
		    "t.conf:1: record.folder must be a text in double quotes, "
		    "not a group or a list");
	refuse_text("tracks = ( { armed = 1; } );",
		    "t.conf:1: tracks.armed must be true or false, not a whole "
		    "number");
	refuse_text("interface = 5;", "t.conf:1: interface must be a group; "
				      "write interface: { ... }");
	refuse_text("tracks = { };",
		    "t.conf:1: tracks must be a list; write tracks = ( { name "
		    "= \"Kick\"; channel = 1; } );");
	refuse_text("tracks = (\n\"Kick\");",
		    "t.conf:2: a track must be a group; write { name = "
		    "\"Kick\"; channel = 1; }");
	refuse_text("tracks = ( { channels = 4; } );",
		    "t.conf:1: tracks.channels must be a pair of channels, "
		    "[left, right], not a whole number");
}

static void impossible_values_are_errors(void **state)
{
	(void)state;
	refuse_text("interface: { channels = 65; };",
		    "t.conf:1: interface.channels = 65 is not possible; give 1 "
		    "to 64, or 0 for as many as the interface has");
	refuse_text("interface: { channels = -1; };",
		    "t.conf:1: interface.channels = -1 is not possible; give 1 "
		    "to 64, or 0 for as many as the interface has");
	refuse_text("interface: { rate = 22050; };",
		    "t.conf:1: interface.rate = 22050 is not possible; give "
		    "44100 to 192000");
	refuse_text("interface: { format = \"S20\"; };",
		    "t.conf:1: interface.format is not possible; give one of "
		    "\"auto\", \"S16_LE\", \"S24_LE\", \"S24_3LE\", "
		    "\"S32_LE\"");
	refuse_text("record: { level = 9; };",
		    "t.conf:1: record.level = 9 is not possible; give 0 to 8");
	refuse_text("record: { sync = 1e999; };",
		    "t.conf:1: record.sync = inf is not possible; give 0.1 to "
		    "60");
	refuse_text("record: { folder = \"\"; };",
		    "t.conf:1: record.folder must not be empty");
	refuse_text("tracks = ( { channel = 0; } );",
		    "t.conf:1: tracks.channel = 0 is not possible; give 1 to "
		    "64");
	refuse_text("tracks = ( { channels = [1, 65]; } );",
		    "t.conf:1: tracks.channels = 65 is not possible; give 1 to "
		    "64");
	refuse_text("tracks = ( { channels = [1, 2, 3]; } );",
		    "t.conf:1: tracks.channels has 3 channels; a track has one "
		    "or two");
	refuse_text("tracks = ( { channel = 1; channels = [1, 2]; } );",
		    "t.conf:1: a track has either channel or channels");
}

/* 4294967298 is 2 when it wraps round at 32 bits. */
static void numbers_do_not_wrap_round(void **state)
{
	(void)state;
	refuse_text("interface: { channels = 4294967298; };",
		    "t.conf:1: interface.channels = 4294967298 is not "
		    "possible; give 1 to 64, or 0 for as many as the interface "
		    "has");
	refuse_text("interface: { channels = 0x100000002; };",
		    "t.conf:1: interface.channels = 4294967298 is not "
		    "possible; give 1 to 64, or 0 for as many as the interface "
		    "has");
	refuse_text("\ninterface: { channels = 18446744073709551618; };",
		    "t.conf:2: this number is too large or too long");
	refuse_text(
		"interface: {channels = 00000000000000000000000000000002;};",
		"t.conf:1: this number is too large or too long");
	accept_text("interface: { channels = 0x10; };");
	assert_int_equal(config.channels, 16);
}

static void texts_are_never_cut(void **state)
{
	char name[CONFIG_NAME_MAX + 1];
	char text[256];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[CONFIG_NAME_MAX - 1] = '\0';
	snprintf(text, sizeof(text), "tracks = ( { name = \"%s\"; } );", name);
	accept_text(text);
	assert_string_equal(config.tracks[0].name, name);
	snprintf(text, sizeof(text), "tracks = ( {\nname = \"%sx\"; } );",
		 name);
	refuse_text(text, "t.conf:2: tracks.name has 64 bytes; shorten it to "
			  "at most 63");
	memset(text, 0, sizeof(text));
	strcpy(text, "control: { socket = \"");
	memset(text + strlen(text), 's', 108);
	strcat(text, "\"; };");
	refuse_text(text, "t.conf:1: control.socket has 108 bytes; shorten it "
			  "to at most 107");
}

static void texts_that_would_harm_later_are_refused(void **state)
{
	(void)state;
	refuse_text("session: { name = \"a\\x00b\"; };",
		    "t.conf:1: a text cannot hold the byte \\x00");
	refuse_text("session: { name = \"a\\nb\"; };",
		    "t.conf:1: session.name must not hold control characters "
		    "or line ends");
	refuse_text("session: { name = \"\xc2\x9b 2J\"; };",
		    "t.conf:1: session.name must not hold control characters "
		    "or line ends");
	refuse_text("session: { name = \"a\\xff\"; };",
		    "t.conf:1: session.name must be UTF-8");
	refuse_text("session: {\n name = \"B\xf6hm\"; };",
		    "t.conf:2: this is not UTF-8; save the file with that "
		    "encoding");
	refuse_text("\n\033[2J", "t.conf:2: there is a control character in "
				 "this line");
	accept_text("session: { name = \"a\\\\x00b\"; };");
	assert_string_equal(config.session, "a\\x00b");
}

static void broken_files_are_named_with_the_line(void **state)
{
	(void)state;
	refuse_text("meters: {\n clip = ;\n};",
		    "t.conf:2: syntax error; look here and in the line before "
		    "for a missing quote, bracket or semicolon");
	refuse_text("\nsession: { name = \"Gig; };\n\n",
		    "t.conf:2: the quote \" is never closed");
	refuse_text("\n\n/* a", "t.conf:3: the comment /* is never closed");
	refuse_text("a = ((((((((( 1", "t.conf:1: too many brackets inside "
				       "brackets");
}

static void duplicates_are_errors(void **state)
{
	(void)state;
	refuse_text("meters: { clip = 3;\n clip = 4; };",
		    "t.conf:2: duplicate setting name");
	refuse_text("meters: { };\nmeters: { };",
		    "t.conf:2: duplicate setting name");
}

static void includes_are_refused(void **state)
{
	static const char message[] =
		"t.conf:2: @include is not allowed; put everything into this "
		"file, or into a later one";

	(void)state;
	refuse_text("\n@include \"/etc/passwd\"\n", message);
	refuse_text("\n \t@include \"/etc/passwd\"\n", message);
	refuse_text("/*\r\n@include \"/etc/passwd\" */", message);
	accept_text("session: { name = \"@include \\\"x\\\"\"; };");
}

static void more_than_64_tracks_are_an_error(void **state)
{
	char text[65 * 32 + 32] = "tracks = (\n{}";

	(void)state;
	for (int i = 1; i < 64; i++)
		strcat(text, ",\n{}");
	strcat(text, ");");
	accept_text(text);
	assert_int_equal(config.track_count, 64);
	text[strlen(text) - 2] = '\0';
	strcat(text, ",\n{} );");
	refuse_text(text, "t.conf:66: more than 64 tracks");
}

static void flags_set_single_values(void **state)
{
	static const char *const flags[][2] = {
		{"interface.device", "hw:0"},
		{"interface.rate", "96000"},
		{"record.preroll", "2.5"},
		{"record.sync", "3"},
		{"session.name", "42"},
		{"interface.format", "S16_LE"},
		{"record.max_file_bytes", "5000000000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		assert_int_equal(config_set(&config, flags[i][0], flags[i][1],
					    error, sizeof(error)),
				 0);
	assert_string_equal(config.device, "hw:0");
	assert_int_equal(config.rate, 96000);
	assert_true(config.preroll_seconds == 2.5);
	assert_true(config.sync_seconds == 3.0);
	assert_string_equal(config.session, "42");
	assert_string_equal(config.format, "S16_LE");
	assert_true(config.max_file_bytes == 5000000000ULL);
}

static void wrong_flags_are_errors(void **state)
{
	(void)state;
	refuse_flag("interface.chanels", "3",
		    "flag: unknown key 'interface.chanels'; did you mean "
		    "'channels'?");
	refuse_flag("rate", "3",
		    "flag: unknown key 'rate'; did you mean "
		    "'interface.rate'?");
	refuse_flag("interface.", "3", "flag: unknown key 'interface.'");
	refuse_flag("", "3", "flag: unknown key ''");
	refuse_flag("tracks", "3", "flag: tracks can only be given in a file");
	refuse_flag("interface.rate", "48000x",
		    "flag: interface.rate must be a whole number, not a text");
	refuse_flag("interface.rate", "",
		    "flag: interface.rate must be a whole number, not a text");
	refuse_flag("record.sync", "nan",
		    "flag: record.sync must be a number of seconds, not a "
		    "text");
	refuse_flag("interface.rate", "1",
		    "flag: interface.rate = 1 is not possible; give 44100 to "
		    "192000");
	assert_int_equal(config.rate, 48000);
}

static void the_whole_is_checked(void **state)
{
	(void)state;
	accept_text("tracks = ( { channel = 3; }, { channels = [2, 3]; } );");
	check_fails("channel 3 is used twice: by track 1 (Ch 03) and track 2 "
		    "(Ch 02)");
	accept_text("tracks = ( { channels = [4, 4]; } );");
	check_fails("channel 4 is used twice: by track 1 (Ch 04) and track 1 "
		    "(Ch 04)");
	accept_text("tracks = ( { name = \"Vox\"; }, { name = \"Vox\"; } );");
	check_fails("tracks 1 and 2 have the same name, 'Vox'; rename one");
	accept_text("interface: { channels = 8; };"
		    "tracks = ( { channel = 9; } );");
	check_fails("track 1 (Ch 09) wants channel 9, but interface.channels "
		    "is 8");
	accept_text("tracks = (); record: { preroll = 30; };"
		    "tape: { seconds = 20; };");
	check_fails("record.preroll is 30 seconds, but the tape holds only "
		    "20; make tape.seconds longer");
	accept_text("tape: { seconds = 60; };"
		    "interface: { period = 512; buffer = 1000; };");
	check_fails("interface.buffer is 1000 frames, less than two periods "
		    "of 512");
	accept_text("interface: { buffer = 1024; };");
	assert_int_equal(config_check(&config, error, sizeof(error)), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(defaults_are_those_of_the_contract),
		CASE(an_empty_file_changes_nothing),
		CASE(every_key_can_be_set),
		CASE(whole_numbers_do_for_seconds),
		CASE(tracks_are_read_in_order),
		CASE(what_a_track_leaves_out_follows_from_the_one_before),
		CASE(a_later_list_of_tracks_replaces_the_earlier_whole),
		CASE(odd_names_survive_exactly),
		CASE(files_from_windows_are_read),
		CASE(a_misspelt_key_gets_a_suggestion),
		CASE(wrong_types_are_errors),
		CASE(impossible_values_are_errors),
		CASE(numbers_do_not_wrap_round),
		CASE(texts_are_never_cut),
		CASE(texts_that_would_harm_later_are_refused),
		CASE(broken_files_are_named_with_the_line),
		CASE(duplicates_are_errors),
		CASE(includes_are_refused),
		CASE(more_than_64_tracks_are_an_error),
		CASE(flags_set_single_values),
		CASE(wrong_flags_are_errors),
		CASE(the_whole_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
