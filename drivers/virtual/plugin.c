/*
 * The plugin's entry: opens a stream, tells alsa-lib what it can do, and
 * builds the signal once the parameters are agreed on. Everything that may
 * take time is here; stream.c is what runs afterwards.
 */
#define PIC /* for alsa-lib: this is a shared object */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "drivers/virtual/stream.h"
#include "drivers/virtual/wav.h"

#define NAME	   "Takebox virtual interface"
#define RATE_MIN   44100
#define RATE_MAX   192000
#define BYTES_MAX  (64u << 20)
#define ERROR_SIZE 512

static enum sample_format sample_format(snd_pcm_format_t format)
{
	switch (format) {
	case SND_PCM_FORMAT_S16_LE:
		return SAMPLE_S16_LE;
	case SND_PCM_FORMAT_S24_LE:
		return SAMPLE_S24_LE;
	case SND_PCM_FORMAT_S24_3LE:
		return SAMPLE_S24_3LE;
	default:
		return SAMPLE_S32_LE;
	}
}

static unsigned significant_bits(const struct options *o,
				 enum sample_format format)
{
	const unsigned most = format == SAMPLE_S16_LE	? 16
			      : format == SAMPLE_S32_LE ? 32
							: 24;

	return o->msbits < most ? o->msbits : most;
}

static int make_signal(struct stream *s)
{
	const struct options *o = &s->options;
	const enum sample_format format = sample_format(s->io.format);
	const struct signal_setup setup = {
		.kind = o->signal,
		.format = format,
		.interleaved =
			s->io.access == SND_PCM_ACCESS_MMAP_INTERLEAVED ||
			s->io.access == SND_PCM_ACCESS_RW_INTERLEAVED,
		.channels = s->io.channels,
		.rate = s->io.rate,
		.bits = significant_bits(o, format),
		.frequency = o->frequency,
		.level = o->level,
		.seed = o->seed,
		.files = o->files,
		.file_count = o->file_count,
		.loop = o->loop,
		.memory = (uint64_t)o->memory << 20,
	};
	char error[ERROR_SIZE] = "out of memory";
	int err;

	signal_destroy(s->signal);
	s->signal = NULL;
	err = signal_create(&s->signal, &setup, error, sizeof(error));
	if (err < 0)
		SNDERR("takebox_virtual: %s", error);
	return err;
}

static int on_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
	struct stream *s = io->private_data;
	struct device *d = &s->device;

	(void)params;
	if (d->state == DEVICE_UNPLUGGED)
		return -ENODEV;
	if (d->rate != io->rate)
		d->crystal.hz = 0;
	d->rate = io->rate;
	d->buffer = io->buffer_size;
	d->period = io->period_size;
	if (s->options.clock_origin && d->crystal.hz == 0)
		control_keep_crystal(s->control, io->rate, s->options.ppm,
				     &d->crystal);
	return make_signal(s);
}

static int on_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct stream *s = io->private_data;
	snd_pcm_uframes_t avail_min, stop, boundary;
	int err = snd_pcm_sw_params_get_avail_min(params, &avail_min);

	if (err == 0)
		err = snd_pcm_sw_params_get_stop_threshold(params, &stop);
	if (err == 0)
		err = snd_pcm_sw_params_get_boundary(params, &boundary);
	if (err < 0)
		return err;
	s->avail_min = avail_min ? avail_min : 1;
	s->device.stop_threshold = stop >= boundary ? UINT64_MAX
				   : stop	    ? stop
						    : 1;
	return 0;
}

static int on_prepare(snd_pcm_ioplug_t *io)
{
	struct stream *s = io->private_data;
	const snd_pcm_channel_area_t *areas = snd_pcm_ioplug_mmap_areas(io);

	if (s->device.state == DEVICE_UNPLUGGED)
		return -ENODEV;
	if (!areas)
		return -EBADFD;
	for (unsigned c = 0; c < io->channels; c++)
		s->ring.base[c] =
			(unsigned char *)areas[c].addr + areas[c].first / 8;
	s->ring.step = areas[0].step / 8;
	device_prepare(&s->device);
	return 0;
}

/* A capture stream has nothing to wait for: alsa-lib drops it after this. */
static int on_drain(snd_pcm_ioplug_t *io)
{
	(void)io;
	return 0;
}

static void on_dump(snd_pcm_ioplug_t *io, snd_output_t *out)
{
	static const char *const signals[] = {
		[SIGNAL_SILENCE] = "silence", [SIGNAL_SINE] = "sine",
		[SIGNAL_NOISE] = "noise",     [SIGNAL_COUNTER] = "counter",
		[SIGNAL_FILES] = "files",
	};
	struct stream *s = io->private_data;

	snd_output_printf(out, "%s: %s, %s\n", io->name,
			  signals[s->options.signal],
			  s->options.paced ? "paced" : "unpaced");
	if (s->options.control)
		snd_output_printf(out, "control : %s\n", s->options.control);
	if (io->rate) {
		snd_output_printf(out, "Its setup is:\n");
		snd_pcm_dump_setup(io->pcm, out);
	}
}

static void stream_destroy(struct stream *s)
{
	control_close(s->control);
	if (s->io.poll_fd >= 0)
		close(s->io.poll_fd);
	signal_destroy(s->signal);
	options_finish(&s->options);
	free(s);
}

static int on_close(snd_pcm_ioplug_t *io)
{
	stream_destroy(io->private_data);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = stream_start,
	.stop = stream_stop,
	.pointer = stream_pointer,
	.poll_revents = stream_poll_revents,
	.close = on_close,
	.hw_params = on_hw_params,
	.sw_params = on_sw_params,
	.prepare = on_prepare,
	.drain = on_drain,
	.dump = on_dump,
};

/* ---- what it can do ------------------------------------------------------ */

static int limit_sizes(struct stream *s)
{
	const struct options *o = &s->options;
	const unsigned most = o->channels ? o->channels : SIGNAL_CHANNELS;
	const unsigned least = o->channels ? o->channels : 1;
	unsigned narrow = 4, wide = 2, bytes_max = BYTES_MAX;
	int err;

	for (unsigned i = 0; i < o->format_count; i++) {
		unsigned bytes = sample_bytes(
			sample_format((snd_pcm_format_t)o->formats[i]));

		narrow = bytes < narrow ? bytes : narrow;
		wide = bytes > wide ? bytes : wide;
	}
	if ((uint64_t)o->buffer_max * most * wide < bytes_max)
		bytes_max = o->buffer_max * most * wide;
	err = snd_pcm_ioplug_set_param_minmax(
		&s->io, SND_PCM_IOPLUG_HW_PERIOD_BYTES,
		o->period_min * least * narrow, bytes_max / 2);
	if (err == 0)
		err = snd_pcm_ioplug_set_param_minmax(
			&s->io, SND_PCM_IOPLUG_HW_BUFFER_BYTES,
			2 * o->period_min * least * narrow, bytes_max);
	if (err == 0)
		err = snd_pcm_ioplug_set_param_minmax(
			&s->io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024);
	return err;
}

static int limit_parameters(struct stream *s)
{
	const struct options *o = &s->options;
	int err = snd_pcm_ioplug_set_param_list(
		&s->io, SND_PCM_IOPLUG_HW_ACCESS, o->access_count, o->accesses);

	if (err == 0)
		err = snd_pcm_ioplug_set_param_list(
			&s->io, SND_PCM_IOPLUG_HW_FORMAT, o->format_count,
			o->formats);
	if (err == 0)
		err = snd_pcm_ioplug_set_param_minmax(
			&s->io, SND_PCM_IOPLUG_HW_CHANNELS,
			o->channels ? o->channels : 1,
			o->channels ? o->channels : SIGNAL_CHANNELS);
	if (err == 0)
		err = snd_pcm_ioplug_set_param_minmax(
			&s->io, SND_PCM_IOPLUG_HW_RATE,
			o->rate ? o->rate : RATE_MIN,
			o->rate ? o->rate : RATE_MAX);
	return err == 0 ? limit_sizes(s) : err;
}

/* Files have a rate of their own, and it is not changed. */
static int take_rate_of_files(struct options *o)
{
	struct wav wav;
	int err;

	if (o->signal != SIGNAL_FILES || o->rate)
		return 0;
	err = wav_open(&wav, o->files[0]);
	if (err < 0) {
		SNDERR("takebox_virtual: %s: %s", o->files[0],
		       err == -EBADMSG ? "not an integer WAV file"
				       : strerror(-err));
		return err;
	}
	o->rate = wav.rate;
	wav_close(&wav);
	return 0;
}

/* ---- open ---------------------------------------------------------------- */

static int open_control(struct stream *s)
{
	char error[ERROR_SIZE] = "out of memory";
	int err;

	if (!s->options.control)
		return 0;
	err = control_open(&s->control, s->options.control, &s->link, error,
			   sizeof(error));
	/* A program that waits for the device tries again and again. */
	if (err < 0 && err != -EBUSY && err != -ENODEV)
		SNDERR("takebox_virtual: %s", error);
	return err;
}

static int stream_open(struct stream *s, snd_config_t *conf)
{
	int err = options_read(&s->options, conf);

	if (err == 0)
		err = take_rate_of_files(&s->options);
	if (err < 0)
		return err;
	s->io.poll_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->io.poll_fd < 0)
		return -errno;
	s->link.timer = s->io.poll_fd;
	s->io.version = SND_PCM_IOPLUG_VERSION;
	s->io.name = NAME;
	s->io.flags =
		SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	s->io.poll_events = POLLIN;
	s->io.mmap_rw = 1;
	s->io.callback = &callbacks;
	s->io.private_data = s;
	s->armed = DEVICE_NEVER;
	s->avail_min = 1;
	s->device.paced = s->options.paced;
	s->device.packet_ns = (int64_t)(s->options.jitter * 1e3);
	s->device.capture = stream_capture;
	s->device.context = s;
	s->device.notes = &s->link.notes;
	s->device.stop_threshold = UINT64_MAX;
	return open_control(s);
}

SND_PCM_PLUGIN_DEFINE_FUNC(takebox_virtual);

SND_PCM_PLUGIN_DEFINE_FUNC(takebox_virtual)
{
	struct stream *s;
	int err;

	(void)root;
	if (stream != SND_PCM_STREAM_CAPTURE) {
		SNDERR("takebox_virtual: has inputs only");
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->io.poll_fd = -1;
	err = stream_open(s, conf);
	if (err == 0)
		err = snd_pcm_ioplug_create(&s->io, name, stream, mode);
	if (err < 0) {
		stream_destroy(s);
		return err;
	}
	err = limit_parameters(s);
	if (err < 0) {
		snd_pcm_ioplug_delete(&s->io);
		return err;
	}
	*pcmp = s->io.pcm;
	return 0;
}

/* What SND_PCM_PLUGIN_SYMBOL() does, with one semicolon less. */
SND_DLSYM_BUILD_VERSION(SND_PCM_PLUGIN_ENTRY(takebox_virtual),
			SND_PCM_DLSYM_VERSION)
