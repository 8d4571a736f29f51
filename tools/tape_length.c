/* It stands in the recorder's status. */
#include "tools/tape_length.h"

#include <errno.h>
#include <stddef.h>

#include "tools/client.h"

#define ANSWER_MS 2000

static double member(const json_t *status, const char *object, const char *key)
{
	return json_number_value(
		json_object_get(json_object_get(status, object), key));
}

static int read_status(struct tape_length *tape, const json_t *status)
{
	struct tape_length found = {
		.channels = member(status, "interface", "channels"),
		.rate = member(status, "interface", "rate"),
		.seconds = member(status, "tape", "seconds"),
	};

	if (!(found.channels > 0 && found.rate > 0 && found.seconds > 0))
		return -ENODATA;
	*tape = found;
	return 0;
}

int tape_length_ask(struct tape_length *tape, const char *socket)
{
	char where[CLIENT_PATH_MAX];
	struct client *client = NULL;
	json_t *reply = NULL;
	int error = client_open(&client, socket, where);

	*tape = (struct tape_length){0};
	if (error == 0)
		error = client_request(client,
				       json_pack("{ss}", "cmd", "status"),
				       ANSWER_MS, &reply);
	client_close(client);
	if (error == 0)
		error = read_status(tape, json_object_get(reply, "status"));
	json_decref(reply);
	return error;
}
