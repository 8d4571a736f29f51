/*
 * sound_path: the way of the sound, from an interface's buffer to the files of
 * a take, with the recorder's own code and nothing else: no ALSA, no device,
 * no second process. For counting instructions where those are in the way, as
 * under an emulator of another machine.
 *
 *     sound_path [-l LEVEL] [-r RATE] FILE CHANNELS FRAMES FOLDER
 *
 * FILE holds interleaved S32_LE and is the interface's buffer; the interface
 * delivers a period of it at a time, with exact time stamps. First all of it
 * goes onto the tape, then the take is made of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/capture.h"
#include "transport/recording.h"

#define PERIOD 128
#define BUFFER (1ull << 40) /* it cannot be overrun */
#define PAST   (3600 * NS_PER_S)

/* ---- an interface in memory, in the place of drivers/pcm_alsa_rt.c --------
 */

struct pcm {
	const uint8_t *sound;
	uint64_t frames, next;
	int64_t start_ns;
	unsigned channels, rate;
	int fd; /* always readable */
};

int pcm_poll_fds(struct pcm *pcm, struct pollfd *fds)
{
	fds[0] = (struct pollfd){pcm->fd, POLLIN, 0};
	return 1;
}

int pcm_revents(struct pcm *pcm, struct pollfd *fds, int count)
{
	(void)pcm;
	return count > 0 && (fds[0].revents & POLLIN);
}

int64_t pcm_avail(struct pcm *pcm, int64_t *time_ns)
{
	*time_ns = pcm->start_ns +
		   (int64_t)((pcm->next + PERIOD) * NS_PER_S / pcm->rate);
	return PERIOD;
}

int pcm_state(struct pcm *pcm)
{
	(void)pcm;
	return 0;
}

int pcm_begin(struct pcm *pcm, struct pcm_area *area, unsigned long *frames)
{
	uint64_t at = pcm->next % pcm->frames;

	if (*frames > pcm->frames - at)
		*frames = pcm->frames - at;
	area->interleaved = true;
	area->stride = pcm->channels * 4;
	area->channel[0] = pcm->sound + at * area->stride;
	return 0;
}

int pcm_commit(struct pcm *pcm, unsigned long frames)
{
	pcm->next += frames;
	return 0;
}

int64_t pcm_skip(struct pcm *pcm, uint64_t frames)
{
	(void)pcm;
	(void)frames;
	return -EIO;
}

int pcm_restart(struct pcm *pcm)
{
	(void)pcm;
	return -EIO;
}

static int open_sound(struct pcm *pcm, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t one = 1;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	pcm->frames = (uint64_t)stat.st_size / 4 / pcm->channels;
	pcm->sound =
		mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
	pcm->fd = eventfd(1, EFD_CLOEXEC);
	pcm->start_ns = clock_now_ns() - PAST;
	if (pcm->sound == MAP_FAILED || pcm->fd < 0 || pcm->frames == 0 ||
	    write(pcm->fd, &one, sizeof(one)) < 0)
		return -EIO;
	return 0;
}

/* ---- from there to the files --------------------------------------------- */

static int capture_all(struct pcm *pcm, struct tape_writer *writer,
		       uint64_t frames)
{
	struct tape_facts facts = {
		.channels = pcm->channels,
		.rate = pcm->rate,
		.bits = 24,
		.period = PERIOD,
		.buffer = PERIOD,
		.clip_run = 3,
		.frames = frames,
		.format = "S32_LE",
	};
	struct capture capture = {
		.pcm = pcm,
		.writer = writer,
		.limit = frames,
		.buffer = BUFFER,
		.period = PERIOD,
		.wake_fd = -1,
		.deinterleave = {.format = SAMPLE_S32_LE,
				 .channels = pcm->channels,
				 .clip_run = 3},
	};
	int error = tape_writer_create(writer, &facts);

	if (error < 0)
		return error;
	posclock_init(&capture.clock, pcm->rate);
	if (capture_run(&capture) != CAPTURE_LIMIT ||
	    atomic_load(&writer->header->gap_count) > 0)
		return -EIO;
	tape_writer_state(writer, TAPE_ENDED);
	return 0;
}

static int wait_for(struct take *take)
{
	struct pollfd wake = {take_fd(take), POLLIN, 0};
	struct take_status status;
	uint64_t count;

	do {
		poll(&wake, 1, -1);
		if (read(wake.fd, &count, sizeof(count)) < 0)
			return -errno;
		take_get_status(take, &status);
	} while (status.state != TAKE_DONE && status.state != TAKE_FAILED);
	return status.state == TAKE_DONE ? 0 : -EIO;
}

static int record_all(const struct tape *tape, unsigned level, uint64_t frames,
		      const char *folder)
{
	struct config config;
	struct config_track tracks[CONFIG_CHANNELS_MAX];
	struct recording recording = {
		.folder = folder,
		.session = "",
		.name = "",
		.artist = "",
		.tracks = tracks,
		.stop = frames,
		.level = level,
		.workers = 1,
		.sync_seconds = 1,
	};
	struct recording_job job = {.error = ""};
	struct take *take;
	int error;

	config_defaults(&config);
	recording.track_count =
		recording_tracks(tracks, &config, tape->facts->channels);
	error = recording_begin(&take, tape, &recording, &job);
	if (error == 0) {
		error = wait_for(take);
		take_destroy(take);
	}
	if (job.error[0])
		fprintf(stderr, "sound_path: %s\n", job.error);
	return error;
}

int main(int argc, char **argv)
{
	struct pcm pcm = {.rate = 48000};
	struct tape_writer writer = {0};
	struct tape tape = {0};
	unsigned level = 5;
	uint64_t frames;
	int option, error;

	while ((option = getopt(argc, argv, "l:r:")) != -1) {
		if (option == 'l')
			level = (unsigned)atoi(optarg);
		else if (option == 'r')
			pcm.rate = (unsigned)atoi(optarg);
		else
			return 2;
	}
	if (argc - optind != 4)
		return 2;
	pcm.channels = (unsigned)atoi(argv[optind + 1]);
	frames = strtoull(argv[optind + 2], NULL, 10);
	error = open_sound(&pcm, argv[optind]);
	if (error == 0)
		error = capture_all(&pcm, &writer, frames);
	if (error == 0)
		error = tape_attach(&tape, tape_writer_share(&writer));
	if (error == 0)
		error = record_all(&tape, level, frames, argv[optind + 3]);
	if (error < 0)
		fprintf(stderr, "sound_path: %s\n", strerror(-error));
	tape_detach(&tape);
	tape_writer_destroy(&writer);
	return error < 0;
}
