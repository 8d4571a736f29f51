/*
 * virtual_reader: records from an ALSA device just as the recorder does, and
 * says in `key=value` lines what it met.
 *
 * Mmap access, poll(), time stamps, stop_threshold at the boundary; the
 * samples are kept in memory and, with -k, compared with the counter pattern
 * of the virtual interface after the end. Every seam in the pattern is one
 * line: `seam at=I from=F to=G`: sample I of the recording is device frame G
 * where F was expected.
 */
#include <alsa/asoundlib.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "drivers/virtual/counter.h"

#define MAX_FDS 8

static struct reader {
	const char *device, *output;
	snd_pcm_format_t format;
	snd_pcm_access_t access;
	unsigned channels, rate;
	snd_pcm_uframes_t period, buffer, frames;
	bool threshold, check, read_only, by_period;
	uint64_t late_frame;
	unsigned late_ms;

	snd_pcm_t *pcm;
	struct pollfd fds[MAX_FDS];
	unsigned fd_count, sample_bytes;
	unsigned char *samples; /* one plane after the other */
	uint64_t position;

	/* frames against time: the first point, and the spread around the
	 * line through the first and the last one */
	uint64_t seen; /* frames delivered and lost so far */
	double *times, *counts;
	unsigned points, point_room;
	unsigned polls, wakes;
} r = {
	.device = "takebox_virtual",
	.format = SND_PCM_FORMAT_S32_LE,
	.access = SND_PCM_ACCESS_MMAP_INTERLEAVED,
	.channels = 2,
	.rate = 48000,
	.period = 128,
	.buffer = 4096,
	.frames = 48000,
};

static int fail(const char *what, int err)
{
	printf("error=%s what=%s\n", strerrorname_np(-err), what);
	fprintf(stderr, "virtual_reader: %s: %s\n", what, snd_strerror(err));
	exit(1);
}

static void must(const char *what, int err)
{
	if (err < 0)
		fail(what, err);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void set_hardware(void)
{
	snd_pcm_hw_params_t *hw;

	snd_pcm_hw_params_alloca(&hw);
	must("any", snd_pcm_hw_params_any(r.pcm, hw));
	must("access", snd_pcm_hw_params_set_access(r.pcm, hw, r.access));
	must("format", snd_pcm_hw_params_set_format(r.pcm, hw, r.format));
	must("channels", snd_pcm_hw_params_set_channels(r.pcm, hw, r.channels));
	must("rate", snd_pcm_hw_params_set_rate(r.pcm, hw, r.rate, 0));
	must("buffer",
	     snd_pcm_hw_params_set_buffer_size_near(r.pcm, hw, &r.buffer));
	must("period", snd_pcm_hw_params_set_period_size_near(r.pcm, hw,
							      &r.period, NULL));
	must("hw_params", snd_pcm_hw_params(r.pcm, hw));
	r.sample_bytes = (unsigned)snd_pcm_format_size(r.format, 1);
}

static void set_software(void)
{
	snd_pcm_sw_params_t *sw;
	snd_pcm_uframes_t boundary;

	snd_pcm_sw_params_alloca(&sw);
	must("sw_params_current", snd_pcm_sw_params_current(r.pcm, sw));
	snd_pcm_sw_params_get_boundary(sw, &boundary);
	snd_pcm_sw_params_set_tstamp_mode(r.pcm, sw, SND_PCM_TSTAMP_ENABLE);
	snd_pcm_sw_params_set_tstamp_type(r.pcm, sw,
					  SND_PCM_TSTAMP_TYPE_MONOTONIC);
	if (!r.threshold)
		snd_pcm_sw_params_set_stop_threshold(r.pcm, sw, boundary);
	snd_pcm_sw_params_set_avail_min(r.pcm, sw, r.period);
	must("sw_params", snd_pcm_sw_params(r.pcm, sw));
}

static void open_device(void)
{
	must("open",
	     snd_pcm_open(&r.pcm, r.device, SND_PCM_STREAM_CAPTURE,
			  SND_PCM_NONBLOCK | SND_PCM_NO_AUTO_RESAMPLE |
				  SND_PCM_NO_AUTO_CHANNELS |
				  SND_PCM_NO_AUTO_FORMAT | SND_PCM_NO_SOFTVOL));
	set_hardware();
	set_software();
	r.fd_count = (unsigned)snd_pcm_poll_descriptors_count(r.pcm);
	if (r.fd_count > MAX_FDS)
		fail("poll_descriptors", -E2BIG);
	snd_pcm_poll_descriptors(r.pcm, r.fds, r.fd_count);
	printf("opened period=%lu buffer=%lu\n", r.period, r.buffer);
}

/* False when the stream is dead. */
static bool wait_for_frames(void)
{
	unsigned short revents = 0;

	while (revents == 0) {
		int n = poll(r.fds, r.fd_count, 5000);

		r.polls++;
		if (n == 0)
			fail("poll", -ETIMEDOUT);
		must("revents", snd_pcm_poll_descriptors_revents(
					r.pcm, r.fds, r.fd_count, &revents));
	}
	r.wakes++;
	if (snd_pcm_state(r.pcm) != SND_PCM_STATE_DISCONNECTED)
		return true;
	printf("disconnected at=%" PRIu64 " revents=%#x avail=%ld prepare=%s\n",
	       r.position, (unsigned)revents, (long)snd_pcm_avail_update(r.pcm),
	       strerrorname_np(-snd_pcm_prepare(r.pcm)));
	return false;
}

static void restart(void)
{
	printf("xrun at=%" PRIu64 "\n", r.position);
	must("prepare", snd_pcm_prepare(r.pcm));
	must("start", snd_pcm_start(r.pcm));
	r.points = 0;
	r.seen = 0;
}

static void add_point(const snd_htimestamp_t *ts, snd_pcm_uframes_t avail)
{
	if (r.points == r.point_room)
		return;
	r.times[r.points] = (double)ts->tv_sec + (double)ts->tv_nsec * 1e-9;
	r.counts[r.points++] = (double)(r.seen + avail);
}

/* As axfer and the recorder: planes, whatever the device's layout is. */
static void keep(const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset,
		 snd_pcm_uframes_t frames)
{
	for (unsigned c = 0; c < r.channels; c++) {
		const unsigned char *from = (unsigned char *)areas[c].addr +
					    areas[c].first / 8 +
					    offset * (areas[c].step / 8);
		unsigned char *to = r.samples + (c * r.frames + r.position) *
							r.sample_bytes;

		for (snd_pcm_uframes_t i = 0; i < frames; i++) {
			memcpy(to, from, r.sample_bytes);
			to += r.sample_bytes;
			from += areas[c].step / 8;
		}
	}
}

static void take(snd_pcm_uframes_t avail)
{
	while (avail && r.position < r.frames) {
		const snd_pcm_channel_area_t *areas;
		snd_pcm_uframes_t offset, frames = avail;

		if (frames > r.frames - r.position)
			frames = r.frames - r.position;
		must("mmap_begin",
		     snd_pcm_mmap_begin(r.pcm, &areas, &offset, &frames));
		keep(areas, offset, frames);
		if (snd_pcm_mmap_commit(r.pcm, offset, frames) !=
		    (snd_pcm_sframes_t)frames)
			fail("mmap_commit", -EPIPE);
		r.position += frames;
		r.seen += frames;
		avail -= frames;
		if (r.by_period)
			break;
	}
}

static void be_late(void)
{
	struct timespec ts = {r.late_ms / 1000,
			      (long)(r.late_ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
	r.late_ms = 0;
}

static void record_mmap(void)
{
	must("start", snd_pcm_start(r.pcm));
	while (r.position < r.frames && wait_for_frames()) {
		snd_pcm_uframes_t avail;
		snd_htimestamp_t ts;
		int err;

		if (r.late_ms && r.position >= r.late_frame)
			be_late();
		err = snd_pcm_htimestamp(r.pcm, &avail, &ts);
		if (err == -EPIPE) {
			restart();
			continue;
		}
		must("htimestamp", err);
		add_point(&ts, avail);
		if (avail > r.buffer) {
			snd_pcm_uframes_t lost = avail - r.buffer;

			printf("late at=%" PRIu64 " lost=%lu\n", r.position,
			       lost);
			snd_pcm_forward(r.pcm, lost);
			r.seen += lost;
			avail = r.buffer;
		}
		take(avail);
	}
}

static void record_read(void)
{
	const unsigned frame = r.sample_bytes * r.channels;
	unsigned char *block = malloc(r.period * frame);
	snd_pcm_channel_area_t areas[64];

	if (!block)
		fail("malloc", -ENOMEM);
	for (unsigned c = 0; c < r.channels; c++)
		areas[c] = (snd_pcm_channel_area_t){
			block, c * r.sample_bytes * 8, frame * 8};
	must("nonblock", snd_pcm_nonblock(r.pcm, 0));
	while (r.position < r.frames) {
		snd_pcm_sframes_t n = snd_pcm_readi(r.pcm, block, r.period);

		if (n == -EPIPE) {
			restart();
			continue;
		}
		must("readi", (int)n);
		if ((uint64_t)n > r.frames - r.position)
			n = (snd_pcm_sframes_t)(r.frames - r.position);
		keep(areas, 0, (snd_pcm_uframes_t)n);
		r.position += (uint64_t)n;
	}
	free(block);
}

/* ---- afterwards ---------------------------------------------------------- */

static unsigned bits(void)
{
	return r.format == SND_PCM_FORMAT_S16_LE ? 16 : 24;
}

static int32_t sample(unsigned channel, uint64_t i)
{
	const unsigned char *p =
		r.samples + (channel * r.frames + i) * r.sample_bytes;
	uint32_t v = 0;

	if (r.format == SND_PCM_FORMAT_S32_LE)
		p++; /* left-justified; the low byte is zero */
	for (unsigned b = 0; b < bits() / 8; b++)
		v |= (uint32_t)p[b] << 8 * b;
	return (int32_t)(v << (32 - bits())) >> (32 - bits());
}

static int64_t frame_at(uint64_t i)
{
	int32_t run[COUNTER_RUN];
	unsigned channel = 64;
	int64_t frame;

	for (unsigned k = 0; k < COUNTER_RUN; k++)
		run[k] = sample(0, i + k);
	frame = counter_frame(run, bits(), &channel);
	return channel == 0 ? frame : -1;
}

static bool frame_is(uint64_t i, uint64_t frame)
{
	for (unsigned c = 0; c < r.channels; c++)
		if (sample(c, i) != counter_sample(frame, c, bits()))
			return false;
	return true;
}

static void check_counter(void)
{
	int64_t frame = r.position > COUNTER_RUN ? frame_at(0) : -1;
	unsigned seams = 0, wrong = 0;

	printf("first=%" PRId64 "\n", frame);
	for (uint64_t i = 0; i < r.position; i++, frame++) {
		int64_t expected = frame;

		if (frame >= 0 && frame_is(i, (uint64_t)frame))
			continue;
		frame = i + COUNTER_RUN <= r.position ? frame_at(i) : -1;
		if (frame >= 0 && frame_is(i, (uint64_t)frame)) {
			seams++;
			printf("seam at=%" PRIu64 " from=%" PRId64
			       " to=%" PRId64 "\n",
			       i, expected, frame);
		} else {
			frame = expected;
			wrong++;
		}
	}
	printf("seams=%u wrong=%u last=%" PRId64 "\n", seams, wrong, frame - 1);
}

/* The rate by least squares, and the points' largest distance from it. */
static void report_clock(void)
{
	double t = 0, n = 0, tt = 0, tn = 0, rate, worst = 0;

	if (r.points < 3)
		return;
	for (unsigned i = 0; i < r.points; i++) {
		t += r.times[i] / r.points;
		n += r.counts[i] / r.points;
	}
	for (unsigned i = 0; i < r.points; i++) {
		tt += (r.times[i] - t) * (r.times[i] - t);
		tn += (r.times[i] - t) * (r.counts[i] - n);
	}
	rate = tn / tt;
	for (unsigned i = 0; i < r.points; i++) {
		double d = fabs(r.counts[i] - n - (r.times[i] - t) * rate);

		worst = d > worst ? d : worst;
	}
	printf("ppm=%.2f worst_us=%.1f points=%u\n", (rate / r.rate - 1) * 1e6,
	       worst / rate * 1e6, r.points);
}

static void report_cost(double seconds)
{
	struct rusage u;
	double cpu;

	getrusage(RUSAGE_SELF, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
	printf("frames=%" PRIu64 " seconds=%.3f cpu=%.3f ns_per_sample=%.2f "
	       "polls=%u wakes=%u\n",
	       r.position, seconds, cpu,
	       cpu * 1e9 / ((double)r.position * r.channels), r.polls, r.wakes);
}

static void save(void)
{
	FILE *f = fopen(r.output, "wb");

	if (!f)
		fail(r.output, -errno);
	for (uint64_t i = 0; i < r.position; i++)
		for (unsigned c = 0; c < r.channels; c++)
			fwrite(r.samples + (c * r.frames + i) * r.sample_bytes,
			       r.sample_bytes, 1, f);
	if (fclose(f) != 0)
		fail(r.output, -errno);
}

static void parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "D:c:r:f:a:n:p:b:l:o:tk1")) != -1) {
		switch (o) {
		case 'D':
			r.device = optarg;
			break;
		case 'c':
			r.channels = (unsigned)atoi(optarg);
			break;
		case 'r':
			r.rate = (unsigned)atoi(optarg);
			break;
		case 'f':
			r.format = snd_pcm_format_value(optarg);
			break;
		case 'n':
			r.frames = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			r.period = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			r.buffer = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			r.output = optarg;
			break;
		case 't':
			r.threshold = true;
			break;
		case 'k':
			r.check = true;
			break;
		case '1':
			r.by_period = true;
			break;
		case 'l':
			if (sscanf(optarg, "%" SCNu64 ":%u", &r.late_frame,
				   &r.late_ms) == 2)
				break;
			exit(2);
		case 'a':
			r.read_only = strcmp(optarg, "rw") == 0;
			r.access = r.read_only ? SND_PCM_ACCESS_RW_INTERLEAVED
				   : strcmp(optarg, "planar") == 0
					   ? SND_PCM_ACCESS_MMAP_NONINTERLEAVED
					   : SND_PCM_ACCESS_MMAP_INTERLEAVED;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	double start;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	open_device();
	r.samples = malloc(r.frames * r.channels * r.sample_bytes);
	r.point_room = 100000;
	r.times = malloc(r.point_room * sizeof(*r.times));
	r.counts = malloc(r.point_room * sizeof(*r.counts));
	if (!r.samples || !r.times || !r.counts)
		fail("malloc", -ENOMEM);
	memset(r.samples, 0, r.frames * r.channels * r.sample_bytes);
	start = now_s();
	if (r.read_only)
		record_read();
	else
		record_mmap();
	report_cost(now_s() - start);
	report_clock();
	snd_pcm_close(r.pcm);
	if (r.check)
		check_counter();
	if (r.output)
		save();
	snd_config_update_free_global();
	free(r.samples);
	free(r.times);
	free(r.counts);
	return 0;
}
