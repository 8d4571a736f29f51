/*
 * One table says which words there are and which values they take.
 */
#include "drivers/virtual/command.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FRAMES 1e9
#define MAX_MS	   3.6e6

static const struct word {
	const char *name;
	bool command, whole;
	double min, max; /* of the value; both 0: takes none */
} words[EVENT_KINDS] = {
	[EVENT_XRUN] = {"xrun", true, true, 1, MAX_FRAMES},
	[EVENT_STOP] = {"stop", true, false, 0, 0},
	[EVENT_LOSE] = {"lose", true, true, 1, MAX_FRAMES},
	[EVENT_STALL] = {"stall", true, false, 0, MAX_MS},
	[EVENT_HOLD] = {"hold", true, false, 0, MAX_MS},
	[EVENT_UNPLUG] = {"unplug", true, false, 0, 0},
	[EVENT_PLUG] = {"plug", true, false, 0, 0},
	[EVENT_PPM] = {"ppm", true, false, -1e5, 1e5},
	[EVENT_JITTER] = {"jitter", true, false, 0, 1e6},
	[EVENT_POSITION] = {"position", true, false, 0, 0},
	[EVENT_START] = {"start", false, false, 0, 0},
	[EVENT_OVERRUN] = {"overrun", false, false, 0, 0},
	[EVENT_IGNORED] = {"ignored", false, false, 0, 0},
};

static bool takes_value(const struct word *w)
{
	return w->min != 0 || w->max != 0;
}

static int parse_value(const struct word *w, const char *text,
		       struct event *command, char *error, size_t size)
{
	char *end;

	if (!takes_value(w)) {
		if (*text == '\0')
			return 0;
		snprintf(error, size, "%s takes no value", w->name);
		return -EINVAL;
	}
	command->value = strtod(text, &end);
	if (end != text && *end == '\0' && command->value >= w->min &&
	    command->value <= w->max &&
	    (!w->whole || command->value == floor(command->value)))
		return 0;
	snprintf(error, size, "%s takes a%s number from %g to %g", w->name,
		 w->whole ? " whole" : "", w->min, w->max);
	return -EINVAL;
}

int command_parse(const char *line, struct event *command, char *error,
		  size_t error_size)
{
	char name[16] = "", value[32] = "", rest[2] = "";
	int64_t frame = EVENT_NOW;
	int used = 0;

	if (sscanf(line, " at %" SCNd64 "%n", &frame, &used) == 1 && used) {
		line += used;
		if (frame < 0)
			frame = 0;
	}
	*command = (struct event){.frame = frame};
	sscanf(line, " %15s %31s %1s", name, value, rest);
	for (unsigned i = 0; i < EVENT_KINDS && rest[0] == '\0'; i++) {
		if (!words[i].command || strcmp(words[i].name, name) != 0)
			continue;
		command->kind = (enum event_kind)i;
		if (i == EVENT_PLUG && frame != EVENT_NOW)
			break;
		return parse_value(&words[i], value, command, error,
				   error_size);
	}
	snprintf(error, error_size, "not a command: %.60s", line);
	return -EINVAL;
}

void command_format(const struct event *note, char *line, size_t size)
{
	const struct word *w = &words[note->kind];
	int n = snprintf(
		line, size, "%" PRId64 " %s %" PRId64 " %" PRId64 " %" PRId64,
		note->ns, w->name, note->frame, note->lost, note->unread);

	if (n < 0 || (size_t)n >= size)
		return;
	line += n;
	size -= (size_t)n;
	if (note->kind == EVENT_IGNORED)
		snprintf(line, size, " %s\n",
			 words[(unsigned)note->value % EVENT_KINDS].name);
	else if (takes_value(w) && note->kind != EVENT_XRUN)
		snprintf(line, size, " %.10g\n", note->value);
	else
		snprintf(line, size, "\n");
}
