/*
 * Text is made in memory and written in one piece. Seconds are computed in
 * integers, so that no locale can put a comma into them.
 */
#include "take/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 255 /* of a file, on every file system */

static void print_seconds(FILE *out, uint64_t frames, unsigned rate)
{
	uint64_t rest = frames % rate * UINT64_C(1000000000);

	fprintf(out, "%" PRIu64 ".%09" PRIu64, frames / rate,
		(rest + rate / 2) / rate);
}

/* Both formats are made of lines. */
static char printable(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
}

static void print_line_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(printable(*text), out);
}

static void print_marker_name(FILE *out, const struct sidecar *sidecar,
			      unsigned i)
{
	const char *name = sidecar->markers[i].name;

	if (name && *name)
		print_line_text(out, name);
	else
		fprintf(out, "Marker %u", i + 1);
}

static void print_gap_name(FILE *out, const struct sidecar_gap *gap)
{
	fprintf(out, "Gap: %" PRIu64 " frame%s", gap->frames,
		gap->frames == 1 ? "" : "s");
	if (gap->cause && *gap->cause) {
		fputs(", ", out);
		print_line_text(out, gap->cause);
	}
}

static void print_labels(FILE *out, const struct sidecar *sidecar)
{
	for (unsigned i = 0; i < sidecar->marker_count; i++) {
		uint64_t position = sidecar->markers[i].position;

		print_seconds(out, position, sidecar->rate);
		fputc('\t', out);
		print_seconds(out, position, sidecar->rate);
		fputc('\t', out);
		print_marker_name(out, sidecar, i);
		fputc('\n', out);
	}
	for (unsigned i = 0; i < sidecar->gap_count; i++) {
		const struct sidecar_gap *gap = &sidecar->gaps[i];

		print_seconds(out, gap->position, sidecar->rate);
		fputc('\t', out);
		print_seconds(out, gap->position + gap->frames, sidecar->rate);
		fputc('\t', out);
		print_gap_name(out, gap);
		fputc('\n', out);
	}
}

/* REAPER quotes with whichever of its three quotes the text does not hold; it
 * has no escapes. A text that holds all three loses its backticks. */
static void print_quoted(FILE *out, const char *text)
{
	char quote = '"';

	if (strchr(text, '"'))
		quote = strchr(text, '\'') ? '`' : '\'';
	fputc(quote, out);
	for (; *text; text++) {
		char c = printable(*text);

		fputc(c == quote ? '\'' : c, out);
	}
	fputc(quote, out);
}

static void print_reaper_field(FILE *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "  %s ", key);
	print_quoted(out, text);
	fputc('\n', out);
}

/* One line per note; the bar keeps what follows from being a command. */
static void print_reaper_note(FILE *out, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "    |%s: ", label);
	print_line_text(out, text);
	fputc('\n', out);
}

static void print_reaper_head(FILE *out, const struct sidecar *sidecar)
{
	fputs("<REAPER_PROJECT 0.1 \"6.0/takebox\" 0\n", out);
	fputs("  <NOTES 0 2\n", out);
	print_reaper_note(out, "Session", sidecar->session);
	print_reaper_note(out, "Take", sidecar->take);
	print_reaper_note(out, "Date", sidecar->date);
	fprintf(out, "    |Recorded by Takebox: %u Hz, %u bit\n", sidecar->rate,
		sidecar->bits);
	fputs("  >\n", out);
	print_reaper_field(out, "TITLE", sidecar->take);
	print_reaper_field(out, "AUTHOR", sidecar->artist);
	fprintf(out, "  TEMPO 120 4 4\n  SAMPLERATE %u 1 0\n", sidecar->rate);
}

static void print_reaper_position(FILE *out, const struct sidecar *sidecar,
				  unsigned index, uint64_t position)
{
	fprintf(out, "  MARKER %u ", index);
	print_seconds(out, position, sidecar->rate);
	fputc(' ', out);
}

static void print_reaper_markers(FILE *out, const struct sidecar *sidecar)
{
	char text[32];

	for (unsigned i = 0; i < sidecar->marker_count; i++) {
		const char *name = sidecar->markers[i].name;

		if (!name || !*name) {
			snprintf(text, sizeof(text), "Marker %u", i + 1);
			name = text;
		}
		print_reaper_position(out, sidecar, i + 1,
				      sidecar->markers[i].position);
		print_quoted(out, name);
		fputs(" 0\n", out);
	}
}

/* A region is two lines of the same index, the second without a name. */
static void print_reaper_gaps(FILE *out, const struct sidecar *sidecar)
{
	for (unsigned i = 0; i < sidecar->gap_count; i++) {
		const struct sidecar_gap *gap = &sidecar->gaps[i];
		char text[160];

		snprintf(text, sizeof(text), "Gap: %" PRIu64 " frame%s%s%.100s",
			 gap->frames, gap->frames == 1 ? "" : "s",
			 gap->cause ? ", " : "", gap->cause ? gap->cause : "");
		print_reaper_position(out, sidecar, i + 1, gap->position);
		print_quoted(out, text);
		fputs(" 1\n", out);
		print_reaper_position(out, sidecar, i + 1,
				      gap->position + gap->frames);
		fputs("\"\" 1\n", out);
	}
}

/* REAPER repeats a source in an item that outlasts it unless LOOP is 0. */
static void print_reaper_item(FILE *out, const struct sidecar *sidecar,
			      const char *name, const struct sidecar_file *file)
{
	fputs("    <ITEM\n      POSITION ", out);
	print_seconds(out, file->start, sidecar->rate);
	fputs("\n      LENGTH ", out);
	print_seconds(out, file->frames, sidecar->rate);
	fputs("\n      LOOP 0\n      NAME ", out);
	print_quoted(out, name);
	fputs("\n      <SOURCE FLAC\n        FILE ", out);
	print_quoted(out, file->name);
	fputs("\n      >\n    >\n", out);
}

static void print_reaper_track(FILE *out, const struct sidecar *sidecar,
			       const struct sidecar_track *track)
{
	fputs("  <TRACK\n    NAME ", out);
	print_quoted(out, track->name);
	fputs("\n    NCHAN 2\n", out);
	for (unsigned i = 0; i < track->file_count; i++)
		print_reaper_item(out, sidecar, track->name, &track->files[i]);
	fputs("  >\n", out);
}

static void print_reaper(FILE *out, const struct sidecar *sidecar)
{
	print_reaper_head(out, sidecar);
	print_reaper_markers(out, sidecar);
	print_reaper_gaps(out, sidecar);
	for (unsigned i = 0; i < sidecar->track_count; i++)
		print_reaper_track(out, sidecar, &sidecar->tracks[i]);
	fputs(">\n", out);
}

static int make_text(void (*print)(FILE *, const struct sidecar *),
		     const struct sidecar *sidecar, char **text, size_t *size)
{
	FILE *out;
	int failed;

	*text = NULL;
	*size = 0;
	if (sidecar->rate == 0)
		return -EINVAL;
	out = open_memstream(text, size);
	if (!out)
		return -errno;
	print(out, sidecar);
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

int sidecar_make_labels(const struct sidecar *sidecar, char **text,
			size_t *size)
{
	return make_text(print_labels, sidecar, text, size);
}

int sidecar_make_reaper(const struct sidecar *sidecar, char **text,
			size_t *size)
{
	return make_text(print_reaper, sidecar, text, size);
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A new file: one that has lost its clusters, as on exFAT, can be removed and
 * not be written. */
static int write_file(int take_fd, const char *name, const char *text,
		      size_t size)
{
	int fd, result;

	if (unlinkat(take_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(take_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	result = write_all(fd, text, size);
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}

/* The last line is nothing but the bar that closes the first one's. */
static bool is_closed(int fd, off_t size)
{
	char end[8] = "";
	size_t length = sizeof(end) - 1;

	if (size < (off_t)length ||
	    pread(fd, end, length, size - (off_t)length) != (ssize_t)length)
		return false;
	while (length > 0 && strchr("\r\n", end[length - 1]))
		length--;
	return length > 1 && end[length - 1] == '>' && end[length - 2] == '\n';
}

/* A power cut leaves less of one that was just being written. */
static bool is_whole_project(int take_fd, const char *name)
{
	static const char first[] = "<REAPER_PROJECT";
	int fd = openat(take_fd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char begin[sizeof(first)] = "";
	bool whole;

	if (fd < 0)
		return false;
	whole = pread(fd, begin, strlen(first), 0) == (ssize_t)strlen(first) &&
		strcmp(begin, first) == 0 &&
		is_closed(fd, lseek(fd, 0, SEEK_END));
	close(fd);
	return whole;
}

int sidecar_write(int take_fd, const struct sidecar *sidecar)
{
	char project[NAME_MAX_BYTES + 1];
	char *text;
	size_t size;
	int length, result;

	length = snprintf(project, sizeof(project), "%s.rpp", sidecar->folder);
	if (length > NAME_MAX_BYTES || *sidecar->folder == '\0' ||
	    strchr(sidecar->folder, '/'))
		return -EINVAL;
	result = sidecar_make_labels(sidecar, &text, &size);
	if (result == 0)
		result = write_file(take_fd, SIDECAR_LABELS, text, size);
	free(text);
	if (result < 0 ||
	    (sidecar->had_project && is_whole_project(take_fd, project)))
		return result;
	result = sidecar_make_reaper(sidecar, &text, &size);
	if (result == 0)
		result = write_file(take_fd, project, text, size);
	free(text);
	return result;
}
