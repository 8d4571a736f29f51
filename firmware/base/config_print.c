/*
 * The configuration in its own language, complete and explained: what
 * 'takeboxd --print-config' shows and, for the defaults, what is installed as
 * the file to start from.
 */
#include "base/config.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_keys.h"

static const char intro[] =
	"# Takebox: the configuration; see takebox.conf(5).\n"
	"#\n"
	"# Read in this order, each file over the one before, each key on its "
	"own:\n"
	"#   /usr/share/takebox/takebox.conf\n"
	"#   /etc/takebox/takebox.conf\n"
	"#   /boot/firmware/takebox.conf\n"
	"# A file needs to hold only what it changes. Its tracks list, if it "
	"has one,\n"
	"# takes the place of the earlier one as a whole.\n"
	"# 'takeboxd --check-config' tries it.\n";

static const char tracks_intro[] =
	"# Tracks, in order. None: one armed mono track for each channel.\n";

static const char tracks_example[] =
	"# For example:\n"
	"#   tracks = (\n"
	"#     { name = \"Kick\"; channel = 1; },\n"
	"#     { name = \"Overheads\"; channels = [3, 4]; armed = false; }\n"
	"#   );\n";

static void print_comment(FILE *out, const char *indent, const char *text)
{
	while (*text) {
		int length = (int)strcspn(text, "\n");

		fprintf(out, "%s# %.*s\n", indent, length, text);
		text += length + (text[length] == '\n');
	}
}

/* Only quote and backslash need a disguise: nothing else that libconfig
 * cares for gets past config_store. */
static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* As short as reads back equal, and with a point, so that it is a float. */
static void print_seconds(FILE *out, double number)
{
	char text[40];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	fputs(text, out);
	if (!strpbrk(text, ".e"))
		fputs(".0", out);
}

static void print_value(FILE *out, const struct config *config,
			const struct config_key *key)
{
	const void *field = (const char *)config + key->offset;

	switch (key->type) {
	case CONFIG_KEY_WHOLE:
		fprintf(out, "%u", *(const unsigned *)field);
		break;
	case CONFIG_KEY_BYTES:
		fprintf(out, "%llu", *(const unsigned long long *)field);
		break;
	case CONFIG_KEY_SECONDS:
	case CONFIG_KEY_LEVEL:
		print_seconds(out, *(const double *)field);
		break;
	case CONFIG_KEY_TEXT:
	case CONFIG_KEY_CHOICE:
		print_text(out, field);
		break;
	case CONFIG_KEY_TRUTH: /* tracks only, in print_track */
	case CONFIG_KEY_INPUT:
	case CONFIG_KEY_INPUTS:
	case CONFIG_KEY_LIST:
		break;
	}
}

static void print_group(FILE *out, const struct config *config,
			const struct config_group *group)
{
	fputc('\n', out);
	print_comment(out, "", group->comment);
	fprintf(out, "%s: {\n", group->name);
	for (const struct config_key *key = config_keys; key->name; key++) {
		if (strcmp(key->group, group->name) != 0)
			continue;
		print_comment(out, "\t", key->comment);
		fprintf(out, "\t%s = ", key->name);
		print_value(out, config, key);
		fputs(";\n", out);
	}
	fputs("};\n", out);
}

static void print_track(FILE *out, const struct config_track *track, bool last)
{
	fputs("\t{ name = ", out);
	print_text(out, track->name);
	if (track->channels[1])
		fprintf(out, "; channels = [%u, %u]", track->channels[0],
			track->channels[1]);
	else
		fprintf(out, "; channel = %u", track->channels[0]);
	fprintf(out, "; armed = %s; }%s\n", track->armed ? "true" : "false",
		last ? "" : ",");
}

static void print_tracks(FILE *out, const struct config *config)
{
	fputc('\n', out);
	fputs(tracks_intro, out);
	for (const struct config_key *key = config_track_keys; key->name; key++)
		print_comment(out, "", key->comment);
	if (config->track_count == 0) {
		fputs(tracks_example, out);
		fputs("tracks = ();\n", out);
		return;
	}
	fputs("tracks = (\n", out);
	for (unsigned i = 0; i < config->track_count; i++)
		print_track(out, &config->tracks[i],
			    i + 1 == config->track_count);
	fputs(");\n", out);
}

int config_print(const struct config *config, FILE *out)
{
	locale_t locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	locale_t before;

	if (!locale)
		return -ENOMEM;
	before = uselocale(locale);
	fputs(intro, out);
	for (const struct config_group *group = config_groups; group->name;
	     group++)
		print_group(out, config, group);
	print_tracks(out, config);
	uselocale(before);
	freelocale(locale);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
