/* The control protocol: requests become commands, status becomes JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "surface/protocol.h"

static struct command command;
static struct command_reply reply;

static int read_request(const char *text)
{
	json_t *request = json_loads(text, 0, NULL);
	int error;

	assert_non_null(request);
	error = protocol_read(request, &command, &reply);
	json_decref(request);
	return error;
}

static void record_takes_a_name_and_a_preroll(void **state)
{
	(void)state;
	assert_int_equal(read_request("{\"cmd\":\"record\",\"name\":\"Blue\","
				      "\"preroll\":2.5}"),
			 0);
	assert_int_equal(command.kind, COMMAND_TO_RECORD);
	assert_string_equal(command.name, "Blue");
	assert_true(command.preroll == 2.5);
	assert_true(command.position == TRANSPORT_NOW);
}

static void what_record_leaves_out_is_as_configured(void **state)
{
	(void)state;
	assert_int_equal(read_request("{\"cmd\":\"record\"}"), 0);
	assert_string_equal(command.name, "");
	assert_true(command.preroll < 0);
}

static void keep_takes_seconds_or_all_there_is(void **state)
{
	(void)state;
	assert_int_equal(read_request("{\"cmd\":\"keep\",\"seconds\":30}"), 0);
	assert_int_equal(command.kind, COMMAND_TO_KEEP);
	assert_true(command.preroll == 30);
	assert_int_equal(read_request("{\"cmd\":\"keep\"}"), 0);
	assert_true(command.preroll < 0);
}

static void tracks_become_bits(void **state)
{
	(void)state;
	assert_int_equal(read_request("{\"cmd\":\"arm\",\"tracks\":[1,3,64]}"),
			 0);
	assert_true(command.on);
	assert_true(command.tracks == (1ULL | 4ULL | 1ULL << 63));
	assert_int_equal(
		read_request("{\"cmd\":\"disarm\",\"tracks\":\"all\"}"), 0);
	assert_false(command.on);
	assert_true(command.tracks == TRANSPORT_ALL_TRACKS);
}

static void nonsense_is_refused_in_words(void **state)
{
	static const char *const wrong[] = {
		"{\"cmd\":\"record\",\"preroll\":-1}",
		"{\"cmd\":\"keep\",\"seconds\":-1}",
		"{\"cmd\":\"record\",\"preroll\":\"2\"}",
		"{\"cmd\":\"record\",\"name\":7}",
		"{\"cmd\":\"arm\"}",
		"{\"cmd\":\"arm\",\"tracks\":[]}",
		"{\"cmd\":\"arm\",\"tracks\":[0]}",
		"{\"cmd\":\"arm\",\"tracks\":[65]}",
		"{\"cmd\":\"arm\",\"tracks\":\"some\"}",
		"{\"cmd\":\"name\",\"name\":\"A\"}",
		"{\"cmd\":\"name\",\"track\":99,\"name\":\"A\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(read_request(wrong[i]), -EINVAL);
		assert_int_equal(reply.error, COMMAND_USAGE);
		assert_true(strlen(reply.message) > 10);
	}
}

static void a_name_that_is_too_long_is_refused_not_cut(void **state)
{
	char text[256] = "{\"cmd\":\"mark\",\"name\":\"";
	size_t start = strlen(text);

	(void)state;
	memset(text + start, 'x', CONFIG_NAME_MAX);
	strcpy(text + start + CONFIG_NAME_MAX, "\"}");
	assert_int_equal(read_request(text), -EINVAL);
	memmove(text + start, text + start + 1, strlen(text + start));
	assert_int_equal(read_request(text), 0);
	assert_int_equal(strlen(command.name), CONFIG_NAME_MAX - 1);
}

static void an_unknown_command_is_told_from_a_wrong_one(void **state)
{
	(void)state;
	assert_int_equal(read_request("{\"cmd\":\"fly\"}"), -ENOENT);
	assert_int_equal(read_request("{\"tracks\":[1]}"), -ENOENT);
}

static void status_without_an_interface_is_whole(void **state)
{
	static struct transport_status status;
	json_t *object;

	(void)state;
	status = (struct transport_status){.seconds_left = -1};
	strcpy(status.session, "Friday");
	status.problems = 1;
	status.problem[0].level = PROBLEM_DEGRADED;
	strcpy(status.problem[0].text, "no interface");
	object = protocol_status(&status);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "state")),
			    "no-interface");
	assert_true(json_is_null(json_object_get(object, "take")));
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(object, "problems"), 0),
			"level")),
		"degraded");
	json_decref(object);
}

static void names_that_are_no_utf8_do_not_break_the_status(void **state)
{
	static struct transport_status status;
	json_t *object;

	(void)state;
	status = (struct transport_status){.track_count = 1};
	strcpy(status.tracks[0].name, "K\xff");
	status.tracks[0].channels[0] = 1;
	object = protocol_status(&status);
	assert_non_null(object);
	assert_int_equal(json_array_size(json_object_get(object, "tracks")), 1);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_takes_a_name_and_a_preroll),
		cmocka_unit_test(what_record_leaves_out_is_as_configured),
		cmocka_unit_test(keep_takes_seconds_or_all_there_is),
		cmocka_unit_test(tracks_become_bits),
		cmocka_unit_test(nonsense_is_refused_in_words),
		cmocka_unit_test(a_name_that_is_too_long_is_refused_not_cut),
		cmocka_unit_test(an_unknown_command_is_told_from_a_wrong_one),
		cmocka_unit_test(status_without_an_interface_is_whole),
		cmocka_unit_test(
			names_that_are_no_utf8_do_not_break_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
