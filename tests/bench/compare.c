/*
 * Compares the tracks of a take with the sound that was played to the
 * interface: every sample of every track.
 *
 *	compare [--looped [--pauses N]] SOURCE CHANNELS RATE BITS TRACK.flac...
 *
 * SOURCE is raw interleaved S32_LE of so many channels, its samples in the
 * upper BITS. The tracks are decoded by the stock flac(1), so that nothing
 * of Takebox judges Takebox. The recording began earlier than the player:
 * the place where the source begins is searched in the first track, and all
 * tracks must have it at that very place, whole, with silence around it.
 * Looped, it was played again and again from before the recording until after
 * it: all of the tracks must be what was played. The player may have paused so
 * many times, and then gone on where it was: in all tracks at the same place.
 *
 * Exit status: 0 when all samples are equal, 1 when some are not or are
 * missing, 2 when that could not be found out.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many equal samples in a row are no coincidence. */
#define NEEDLE 4096

/* What a player's card plays on before it notices that it has run dry; that can
 * by chance be the same as what should have been played. */
#define MARGIN	   512
#define PAUSES_MAX 64
/* Samples; it is to be less than the source has, or what is lost of a recording
 * would look like a pause, nearly a round long. */
#define PAUSE_MAX 24000

/* Samples of the tracks in which nothing was played. */
struct pause {
	size_t from, to;
};

struct source {
	const int32_t *samples;
	size_t frames;
	unsigned int channels;
	unsigned int bits;
	bool looped;
	struct pause pause[PAUSES_MAX];
	unsigned int pauses, pauses_max;
};

/* A decoded track, its samples as in the source: in the upper bits. */
struct track {
	int32_t *samples;
	size_t frames;
};

static void source_open(struct source *source, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status))
		err(2, "%s", path);
	source->frames =
		(size_t)status.st_size / sizeof(int32_t) / source->channels;
	source->samples = mmap(NULL, (size_t)status.st_size, PROT_READ,
			       MAP_SHARED, fd, 0);
	if (source->samples == MAP_FAILED)
		err(2, "%s", path);
	close(fd);
	if (source->frames < NEEDLE)
		errx(2, "%s: too short to be found", path);
}

static int32_t source_at(const struct source *source, unsigned int channel,
			 size_t frame)
{
	return source->samples[frame * source->channels + channel];
}

/* Starts flac(1); its raw output comes out of the returned stream. */
static FILE *decoder_start(const char *path, pid_t *pid)
{
	int ends[2];
	FILE *out;

	if (pipe2(ends, O_CLOEXEC))
		err(2, "pipe");
	*pid = fork();
	if (*pid < 0)
		err(2, "fork");
	if (*pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("flac", "flac", "-d", "-c", "-s", "--force-raw-format",
		       "--endian=little", "--sign=signed", path, (char *)NULL);
		err(127, "flac");
	}
	close(ends[1]);
	out = fdopen(ends[0], "r");
	if (!out)
		err(2, "fdopen");
	return out;
}

/* Decodes a whole file; false when flac finds fault with it. */
static bool track_decode(struct track *track, const char *path,
			 unsigned int bits)
{
	size_t width = (bits + 7) / 8, room = 1 << 20, got = 0;
	unsigned char *bytes = malloc(room);
	int status;
	pid_t pid;
	FILE *in = decoder_start(path, &pid);

	while (bytes) {
		got += fread(bytes + got, 1, room - got, in);
		if (got < room)
			break;
		room *= 2;
		bytes = realloc(bytes, room);
	}
	fclose(in);
	track->frames = got / width;
	track->samples = malloc((track->frames + 1) * sizeof(int32_t));
	if (!bytes || !track->samples)
		err(2, "%s", path);
	for (size_t i = 0; i < track->frames; i++) {
		uint32_t value = 0;

		for (size_t byte = 0; byte < width; byte++)
			value |= (uint32_t)bytes[i * width + byte]
				 << (32 - 8 * width + 8 * byte);
		track->samples[i] = (int32_t)value;
	}
	free(bytes);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* Whether the source begins at that place of its track. */
static bool begins_at(const struct source *source, const struct track *track,
		      size_t place)
{
	for (size_t i = 0; i < NEEDLE; i++)
		if (track->samples[place + i] != source_at(source, 0, i))
			return false;
	return true;
}

/* Whether the track begins at that place of the source. */
static bool looped_from(const struct source *source, const struct track *track,
			size_t place)
{
	for (size_t i = 0; i < NEEDLE; i++)
		if (track->samples[i] !=
		    source_at(source, 0, (place + i) % source->frames))
			return false;
	return true;
}

/* Where in the first channel's track the source begins, -1 if nowhere. */
static ptrdiff_t find_start(const struct source *source,
			    const struct track *track)
{
	if (track->frames < NEEDLE)
		return -1;
	if (source->looped) {
		for (size_t place = 0; place < source->frames; place++)
			if (looped_from(source, track, place))
				return (ptrdiff_t)(source->frames - place);
		return -1;
	}
	for (size_t place = 0; place + NEEDLE <= track->frames; place++)
		if (begins_at(source, track, place))
			return (ptrdiff_t)place;
	return -1;
}

/* How long the player had paused by then. */
static size_t paused_before(const struct source *source, size_t i)
{
	size_t paused = 0;

	for (unsigned int p = 0; p < source->pauses; p++)
		if (source->pause[p].to <= i)
			paused += source->pause[p].to - source->pause[p].from;
	return paused;
}

static bool is_in_pause(const struct source *source, size_t i)
{
	for (unsigned int p = 0; p < source->pauses; p++)
		if (i + MARGIN >= source->pause[p].from &&
		    i < source->pause[p].to)
			return true;
	return false;
}

/* What was played when sample i was recorded; silence around. */
static int32_t played_at(const struct source *source, unsigned int channel,
			 size_t start, size_t i)
{
	size_t length = source->frames;

	if (source->looped)
		return source_at(source, channel,
				 (i - paused_before(source, i) + length -
				  start % length) %
					 length);
	if (i < start || i - start >= length)
		return 0;
	return source_at(source, channel, i - start);
}

/* Whether the first track has at to what should have been played at from. */
static bool goes_on_at(const struct source *source, const struct track *track,
		       size_t start, struct pause pause)
{
	for (size_t i = 0; i < NEEDLE; i++)
		if (track->samples[pause.to + i] !=
		    played_at(source, 0, start, pause.from + i))
			return false;
	return true;
}

/* Where the player goes on that has paused at from; 0: nowhere. */
static size_t find_end_of_pause(const struct source *source,
				const struct track *track, size_t start,
				size_t from)
{
	struct pause pause = {from, from + 1};

	for (;
	     pause.to + NEEDLE <= track->frames && pause.to - from <= PAUSE_MAX;
	     pause.to++)
		if (goes_on_at(source, track, start, pause))
			return pause.to;
	return 0;
}

/* In the first channel's track. */
static void find_pauses(struct source *source, const struct track *track,
			size_t start)
{
	size_t to;

	for (size_t i = 0; i < track->frames; i++) {
		if (track->samples[i] == played_at(source, 0, start, i))
			continue;
		if (source->pauses == source->pauses_max)
			return;
		to = find_end_of_pause(source, track, start, i);
		if (to == 0)
			return;
		printf("the player pauses at sample %zu for %zu samples\n", i,
		       to - i);
		source->pause[source->pauses++] = (struct pause){i, to};
		i = to;
	}
}

/*
 * How many samples of the track are not what was played, and the place of the
 * first of them.
 */
static size_t count_differing(const struct source *source,
			      const struct track *track, unsigned int channel,
			      size_t start, size_t *first)
{
	size_t end = start + source->frames, differing = 0;

	for (size_t i = 0; i < track->frames; i++) {
		if (track->samples[i] == played_at(source, channel, start, i) ||
		    is_in_pause(source, i))
			continue;
		if (differing++ == 0)
			*first = i;
	}
	if (!source->looped && track->frames < end) {
		if (differing == 0)
			*first = track->frames;
		differing += end - track->frames;
	}
	return differing;
}

static unsigned int number(const char *text, const char *what)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value == 0 || value > 1000000)
		errx(2, "%s: not a number of %s", text, what);
	return (unsigned int)value;
}

/* Compares and reports one track; returns how much is wrong with it. */
static size_t compare_track(const struct source *source,
			    const struct track *track, unsigned int channel,
			    size_t start, const char *path)
{
	const char *name = strrchr(path, '/');
	size_t first = 0, differing;

	differing = count_differing(source, track, channel, start, &first);
	printf("%-24s %zu samples, %zu differing", name ? name + 1 : path,
	       track->frames, differing);
	if (differing)
		printf(", the first at %zu", first);
	return differing;
}

/* Compares all tracks; length becomes that of the first. */
static size_t compare(struct source *source, unsigned int rate, char **paths,
		      size_t *length)
{
	size_t total = 0;
	ptrdiff_t start = 0;

	for (unsigned int i = 0; i < source->channels; i++) {
		struct track track;
		bool intact = track_decode(&track, paths[i], source->bits);

		if (i == 0) {
			*length = track.frames;
			start = find_start(source, &track);
			if (start < 0)
				errx(1, "%s: what was played is not in it",
				     paths[i]);
			printf("the source begins at sample %td (%.3f s)\n",
			       start, (double)start / rate);
			if (source->pauses_max > 0)
				find_pauses(source, &track, (size_t)start);
		}
		total += compare_track(source, &track, i, (size_t)start,
				       paths[i]);
		printf("%s%s\n",
		       track.frames == *length ? "" : ", another length",
		       intact ? "" : ", damaged");
		total += (track.frames != *length) + !intact;
		free(track.samples);
	}
	return total;
}

int main(int argc, char **argv)
{
	struct source source = {.channels = 0};
	unsigned int rate;
	size_t differing, length = 0;

	if (argc > 1 && strcmp(argv[1], "--looped") == 0) {
		source.looped = true;
		argc--;
		argv++;
	}
	if (source.looped && argc > 2 && strcmp(argv[1], "--pauses") == 0) {
		source.pauses_max = number(argv[2], "pauses");
		if (source.pauses_max > PAUSES_MAX)
			errx(2, "more than %d pauses", PAUSES_MAX);
		argc -= 2;
		argv += 2;
	}
	if (argc < 6)
		errx(2, "usage: compare [--looped [--pauses N]] SOURCE "
			"CHANNELS RATE BITS TRACK...");
	source.channels = number(argv[2], "channels");
	rate = number(argv[3], "samples per second");
	source.bits = number(argv[4], "bits");
	source_open(&source, argv[1]);
	if ((unsigned int)argc - 5 != source.channels)
		errx(1, "%d tracks for %u channels", argc - 5, source.channels);
	differing = compare(&source, rate, argv + 5, &length);
	if (!source.looped)
		length = source.frames;
	for (unsigned int p = 0; p < source.pauses; p++)
		length -= source.pause[p].to - source.pause[p].from + MARGIN;
	printf("total: %u tracks, %.1f s played, %zu samples compared, "
	       "%zu differing\n",
	       source.channels, (double)length / rate, length * source.channels,
	       differing);
	return differing > 0;
}
