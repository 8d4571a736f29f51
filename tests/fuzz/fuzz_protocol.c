/*
 * Whatever comes in by the control socket: each line is read as JSON and as a
 * command. A command that is accepted must make sense by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "surface/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct command *command)
{
	if (!memchr(command->name, '\0', sizeof(command->name)))
		abort();
	/* What the supply does is no client's to say. */
	if (command->kind >= COMMAND_TO_SAVE)
		abort();
	if (command->kind == COMMAND_TO_RECORD &&
	    !(command->preroll == -1 || command->preroll >= 0))
		abort();
	if (command->kind == COMMAND_TO_ARM && command->tracks == 0)
		abort();
	if (command->kind == COMMAND_TO_NAME &&
	    (command->track < 1 || command->track > CONFIG_CHANNELS_MAX))
		abort();
}

static void read_line(const char *line, size_t length)
{
	json_t *request =
		json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	struct command_reply reply;
	struct command command;
	int error;

	if (json_is_object(request)) {
		error = protocol_read(request, &command, &reply);
		if (error == 0)
			check(&command);
		else if (error == -22 && !reply.message[0])
			abort();
	}
	json_decref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	const char *end = line + size;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		read_line(line, (size_t)(stop - line));
		line = stop + 1;
	}
	return 0;
}
