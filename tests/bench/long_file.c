/*
 * A take whose files grow beyond what a file system holds in one, in minutes
 * instead of hours: the tape is filled with noise as fast as the take's writer
 * comes after, one linked pair at 24 bit.
 *
 *     long_file record FOLDER BYTES    until the files have that many bytes
 *     long_file compare < RAW          24 bit, little-endian, interleaved
 *
 * compare holds what comes in against the noise, sample by sample, and prints
 * how many frames there were and how many samples differ.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/tape_writer.h"
#include "take/take.h"

#define CHANNELS 2u
#define RATE	 192000u
#define BITS	 24u
#define RING	 (1u << 22)
#define BLOCK	 4096u

static int32_t noise(uint64_t position, unsigned channel)
{
	uint64_t x = (position * CHANNELS + channel + 1) * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	return (int32_t)(x >> 40) - (1 << (BITS - 1));
}

static void play_block(struct tape_writer *writer)
{
	size_t frames = BLOCK;
	uint64_t at = writer->captured;
	struct tape_slot slot = tape_writer_begin(writer, &frames);

	for (unsigned c = 0; c < CHANNELS; c++)
		for (size_t i = 0; i < frames; i++)
			writer->plane[c][slot.index + i] = noise(at + i, c);
	tape_writer_end(writer, frames);
	tape_writer_publish(writer, writer->captured);
}

static void open_tape(struct tape_writer *writer, struct tape *tape)
{
	struct tape_facts facts = {
		.channels = CHANNELS,
		.rate = RATE,
		.bits = BITS,
		.period = BLOCK,
		.buffer = 4 * BLOCK,
		.clip_run = 3,
		.frames = RING,
		.format = "S32_LE",
		.device = "noise",
		.name = "Noise",
	};

	if (tape_writer_create(writer, &facts) < 0 ||
	    tape_attach(tape, tape_writer_share(writer)) < 0)
		errx(1, "no tape");
}

static void describe(struct take_info *info, const struct tape *tape)
{
	struct take_track *track = &info->track[0];

	*info = (struct take_info){
		.session = "Long",
		.name = "Take-001",
		.device = "noise",
		.interface = "Noise",
		.format = "S32_LE",
		.date = "2026-11-21T10:00:00+00:00",
		.rate = RATE,
		.bits = BITS,
		.tracks = 1,
	};
	for (int i = 0; i < 16; i++)
		snprintf(info->tape + 2 * i, 3, "%02x", tape->facts->id[i]);
	track->number = 1;
	track->channel_count = CHANNELS;
	track->channels[1] = 1;
	track->armed = true;
	strcpy(track->name, "Noise");
	strcpy(track->stem, "01-Noise");
}

static bool is_over(const struct take_status *status)
{
	return status->state == TAKE_DONE || status->state == TAKE_FAILED;
}

/* Never further ahead of the writer than half of the ring. */
static struct take_status play(struct take *take, struct tape_writer *writer,
			       uint64_t bytes)
{
	struct take_status status;
	bool stopped = false;

	for (;;) {
		take_get_status(take, &status);
		if (is_over(&status))
			return status;
		if (!stopped && status.bytes >= bytes) {
			take_stop(take, writer->captured, "stop");
			stopped = true;
		}
		if (stopped || writer->captured - status.encoded > RING / 2)
			usleep(1000);
		else
			play_block(writer);
	}
}

static int record(const char *folder, uint64_t bytes)
{
	struct storage_space space;
	struct tape_writer writer;
	struct tape tape;
	struct take_info info;
	struct take_plan plan = {
		.storage = &storage_posix,
		.tape = &tape,
		.parents = {-1, -1, -1},
		.info = &info,
		.sync_seconds = 1,
		.stop = TAKE_FOREVER,
	};
	struct take_status status;
	struct take *take;

	plan.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (plan.dir < 0 || storage_measure(plan.dir, &space) < 0)
		err(1, "%s", folder);
	plan.max_file_bytes = space.max_file_bytes;
	open_tape(&writer, &tape);
	describe(&info, &tape);
	if (take_start(&take, &plan) < 0)
		errx(1, "no take");
	status = play(take, &writer, bytes);
	printf("%s, files of %" PRIu64 " bytes at most: %" PRIu64
	       " frames, %" PRIu64 " bytes, %u files, ended by %s\n",
	       space.filesystem, space.max_file_bytes, status.encoded,
	       status.bytes, status.files, status.reason);
	take_destroy(take);
	tape_detach(&tape);
	tape_writer_destroy(&writer);
	return status.state == TAKE_DONE ? 0 : 1;
}

static int32_t sample_of(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 |
			 (uint32_t)p[2] << 24) >>
	       8;
}

static int compare(void)
{
	static uint8_t frame[BLOCK][CHANNELS * 3];
	uint64_t at = 0, wrong = 0;
	size_t got;

	while ((got = fread(frame, sizeof(*frame), BLOCK, stdin)) > 0)
		for (size_t i = 0; i < got; i++, at++)
			for (unsigned c = 0; c < CHANNELS; c++)
				wrong += sample_of(&frame[i][3 * c]) !=
					 noise(at, c);
	printf("%" PRIu64 " frames, %" PRIu64 " samples differ\n", at, wrong);
	return wrong > 0 || at == 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "record") == 0)
		return record(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 2 && strcmp(argv[1], "compare") == 0)
		return compare();
	errx(2, "usage: long_file record FOLDER BYTES | compare");
}
