/*
 * The table, and what needs nothing else: finding keys and near names.
 */
#include "base/config_keys.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"

#define NEAR_MAX   32  /* longer names get no suggestion */
#define SOCKET_MAX 107 /* sun_path of unix(7), without the final zero */
#define FIELD(name)                                                            \
	offsetof(struct config, name), sizeof(((struct config *)0)->name)
#define TRACK_FIELD(name)                                                      \
	offsetof(struct config_track, name),                                   \
		sizeof(((struct config_track *)0)->name)

static const char *const formats[] = {"auto",	 "S16_LE", "S24_LE",
				      "S24_3LE", "S32_LE", NULL};

const struct config_group config_groups[] = {
	{"interface", "What is recorded from. 'takebox devices' lists what the "
		      "machine has."},
	{"tape", "The history in memory that pre-roll comes from and that "
		 "carries a take over\na slow disk."},
	{"record", "Takes on the medium."},
	{"session", "Names that go into every file."},
	{"meters", "The meters."},
	{"panel", "Buttons and LEDs on GPIO lines."},
	{"control", "Where takebox finds the daemons."},
	{NULL, NULL},
};

/* clang-format off */
const struct config_key config_keys[] = {
	{"interface", "device", CONFIG_KEY_TEXT, FIELD(device),
	 1, CONFIG_PATH_MAX - 1, NULL, NULL, "auto",
	 "ALSA name of the interface, such as \"hw:CARD=UMC1820\"; \"auto\" is the\n"
	 "first capture interface of the machine."},
	{"interface", "channels", CONFIG_KEY_WHOLE, FIELD(channels),
	 1, CONFIG_CHANNELS_MAX, "as many as the interface has", NULL, "0",
	 "Channels to open, 1 to 64; 0: as many as the interface has."},
	{"interface", "rate", CONFIG_KEY_WHOLE, FIELD(rate),
	 44100, 192000, NULL, NULL, "48000",
	 "Frames per second, 44100 to 192000."},
	{"interface", "format", CONFIG_KEY_CHOICE, FIELD(format),
	 0, 0, NULL, formats, "auto",
	 "Sample format: \"auto\" (the best the interface has), \"S16_LE\", \"S24_LE\",\n"
	 "\"S24_3LE\" or \"S32_LE\"."},
	{"interface", "period", CONFIG_KEY_WHOLE, FIELD(period),
	 16, 65536, "well chosen", NULL, "0",
	 "Frames between two wake-ups, 16 to 65536; 0: well chosen."},
	{"interface", "buffer", CONFIG_KEY_WHOLE, FIELD(buffer),
	 64, 4194304, "well chosen", NULL, "0",
	 "Frames the interface's own buffer holds, 64 to 4194304; 0: well chosen."},
	{"tape", "seconds", CONFIG_KEY_SECONDS, FIELD(tape_seconds),
	 1, 86400, "a quarter of the memory, at most ten minutes", NULL, "0.0",
	 "Length, 1 to 86400; 0: a quarter of the memory, at most ten minutes."},
	{"record", "folder", CONFIG_KEY_TEXT, FIELD(folder),
	 1, CONFIG_PATH_MAX - 1, NULL, NULL, "auto",
	 "The medium: takes go to Takebox/SESSION/TAKE below this folder. \"auto\" is\n"
	 "the newest medium mounted in /media/takebox, or without any /srv/takebox."},
	{"record", "next", CONFIG_KEY_TEXT, FIELD(next),
	 0, CONFIG_PATH_MAX - 1, NULL, NULL, "",
	 "Where a take goes on when its medium is full, pulled or broken: a folder, or\n"
	 "several, separated by colons, in the order in which they are tried. With\n"
	 "folder = \"auto\" all that is plugged in, and /srv/takebox, come before them."},
	{"record", "mirror", CONFIG_KEY_TEXT, FIELD(mirror),
	 0, CONFIG_PATH_MAX - 1, NULL, NULL, "",
	 "A second medium that gets every take as well; \"\": none."},
	{"record", "level", CONFIG_KEY_WHOLE, FIELD(level),
	 0, 8, NULL, NULL, "5",
	 "FLAC compression, 0 (least work) to 8 (smallest files)."},
	{"record", "sync", CONFIG_KEY_SECONDS, FIELD(sync_seconds),
	 0.1, 60, NULL, NULL, "1.0",
	 "Seconds between two moments at which all is safe on the medium, 0.1 to 60; a\n"
	 "power cut costs a little more."},
	{"record", "preroll", CONFIG_KEY_SECONDS, FIELD(preroll_seconds),
	 0, 600, NULL, NULL, "5.0",
	 "Seconds before the press of REC that a take begins, 0 to 600."},
	{"record", "resume", CONFIG_KEY_SECONDS, FIELD(resume_seconds),
	 5, 3600, "never", NULL, "0.0",
	 "When the power failed in mid-take and is back, recording goes on by itself, in\n"
	 "a new take, if the interface and the medium with the interrupted take are there\n"
	 "within so many seconds of the start, 5 to 3600; 0: never."},
	{"record", "max_file_bytes", CONFIG_KEY_BYTES, FIELD(max_file_bytes),
	 1048576, 1e15, "as much as the file system takes", NULL, "0",
	 "A track goes on in a further file at this size, from 1048576; 0: where the\n"
	 "file system demands it (FAT32: below 4 GiB)."},
	{"record", "encoders", CONFIG_KEY_WHOLE, FIELD(encoders),
	 1, 64, "one less than there are cores", NULL, "0",
	 "Encoder threads, 1 to 64; 0: one less than there are cores."},
	{"session", "name", CONFIG_KEY_TEXT, FIELD(session),
	 0, CONFIG_NAME_MAX - 1, NULL, NULL, "",
	 "Name of the session that takes go into; \"\": the date."},
	{"session", "artist", CONFIG_KEY_TEXT, FIELD(artist),
	 0, CONFIG_NAME_MAX - 1, NULL, NULL, "",
	 "For the ARTIST tag of the files; \"\": no such tag."},
	{"meters", "clip", CONFIG_KEY_WHOLE, FIELD(clip_run),
	 1, 1000, NULL, NULL, "3",
	 "So many full-scale samples in a row count as a clip, 1 to 1000."},
	{"panel", "board", CONFIG_KEY_TEXT, FIELD(board),
	 1, CONFIG_PATH_MAX - 1, NULL, NULL, "none",
	 "What is wired: a board's name, such as \"rack8\" ('takebox board list'), the\n"
	 "path of a board file, or \"none\"."},
	{"control", "socket", CONFIG_KEY_TEXT, FIELD(socket),
	 1, SOCKET_MAX, NULL, NULL, "/run/takebox/control",
	 "The socket that commands come in by."},
	{"control", "tape_socket", CONFIG_KEY_TEXT, FIELD(tape_socket),
	 1, SOCKET_MAX, NULL, NULL, "/run/takebox/tape",
	 "The socket by which takebox-tape hands over the tape."},
	{.name = NULL},
};

const struct config_key config_track_keys[] = {
	{"tracks", "name", CONFIG_KEY_TEXT, TRACK_FIELD(name),
	 1, CONFIG_NAME_MAX - 1, NULL, NULL, NULL,
	 "name: at most 63 bytes of UTF-8; left out: \"Ch\" and the number of its\n"
	 "first channel."},
	{"tracks", "channel", CONFIG_KEY_INPUT, TRACK_FIELD(channels),
	 1, CONFIG_CHANNELS_MAX, NULL, NULL, NULL,
	 "channel: the interface's input, from 1; left out: the next one."},
	{"tracks", "channels", CONFIG_KEY_INPUTS, TRACK_FIELD(channels),
	 1, CONFIG_CHANNELS_MAX, NULL, NULL, NULL,
	 "channels: a pair of inputs that makes a stereo track, [left, right]."},
	{"tracks", "armed", CONFIG_KEY_TRUTH, TRACK_FIELD(armed),
	 0, 0, NULL, NULL, NULL,
	 "armed: whether it is recorded, true or false; left out: true."},
	{.name = NULL},
};
/* clang-format on */

const struct config_key *config_find_key(const struct config_key *keys,
					 const char *group, const char *name)
{
	for (; keys->name; keys++)
		if ((!group || strcmp(keys->group, group) == 0) &&
		    strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to insert, drop or replace, case set aside, that make b of a
 * (Levenshtein), row by row in place. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[NEAR_MAX + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > NEAR_MAX || b_length > NEAR_MAX)
		return NEAR_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			bool same = strncasecmp(a + i - 1, b + j - 1, 1) == 0;
			unsigned replaced = diagonal + !same;

			diagonal = row[j];
			row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b_length];
}

/* Of the candidates offered one by one, the nearest that is near enough: not
 * more than a third of the letters wrong. */
struct nearest {
	const char *name;
	unsigned distance;
	const char *group, *found;
};

static void offer(struct nearest *nearest, const char *group, const char *name)
{
	unsigned distance = edit_distance(nearest->name, name);

	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	nearest->group = group;
	nearest->found = name;
}

void config_suggest(char *out, size_t size, const struct config_key *keys,
		    const char *group, const char *name)
{
	struct nearest nearest = {
		.name = name,
		.distance = (unsigned)(strlen(name) + 2) / 3 + 1,
	};

	*out = '\0';
	/* A key that is right but stands in the wrong place. */
	for (const struct config_key *key = keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			offer(&nearest, key->group, key->name);
	for (const struct config_group *g = config_groups; !group && g->name;
	     g++)
		offer(&nearest, NULL, g->name);
	if (!group)
		offer(&nearest, NULL, "tracks");
	for (const struct config_key *key = keys; group && key->name; key++)
		if (strcmp(key->group, group) == 0)
			offer(&nearest, NULL, key->name);
	if (nearest.found)
		snprintf(out, size, "; did you mean '%s%s%s'?",
			 nearest.group ? nearest.group : "",
			 nearest.group ? "." : "", nearest.found);
}
