/*
 * Opening a capture device through alsa-lib: what is asked for is either had
 * from the hardware as it is, or refused in words that say what could be had.
 */
#include "drivers/pcm_alsa.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcm_cards.h"

/* Pairs of position and time come once a period: a loss that nobody reports is
 * placed within half of one, so a period is short (RELIABILITY.md), and the
 * buffer as long as the hardware has, up to this. */
#define PERIODS_PER_SECOND 375
#define BUFFER_MAX_SECONDS 2
/*
 * A USB interface's frames come in packets, eight in a millisecond or one, and
 * snd-usb-audio shows them by the millisecond: a period ends with the first
 * such lot that completes it. What is in that lot beyond the period counts for
 * the next one, which then ends with fewer frames than a period has waiting,
 * and alsa-lib wakes nobody for those: of three periods of 128 frames at 48 kHz
 * one is passed over, and pairs are 5 ms apart. A period of just less than two
 * lots is woken for every 2 ms, and every 3 ms now and then.
 */
#define USB_LOTS_PER_SECOND 1000
#define USB_PACKETS_PER_LOT 8

static const struct {
	snd_pcm_format_t alsa;
	const char *name;
} formats[PCM_FORMATS] = {
	[PCM_S16_LE] = {SND_PCM_FORMAT_S16_LE, "S16_LE"},
	[PCM_S24_LE] = {SND_PCM_FORMAT_S24_LE, "S24_LE"},
	[PCM_S24_3LE] = {SND_PCM_FORMAT_S24_3LE, "S24_3LE"},
	[PCM_S32_LE] = {SND_PCM_FORMAT_S32_LE, "S32_LE"},
};

const char *pcm_format_name(int format)
{
	return format >= 0 && format < PCM_FORMATS ? formats[format].name
						   : "auto";
}

int pcm_format_parse(const char *name)
{
	if (strcmp(name, "auto") == 0)
		return PCM_FORMAT_ANY;
	for (int i = 0; i < PCM_FORMATS; i++)
		if (strcmp(name, formats[i].name) == 0)
			return i;
	return -EINVAL;
}

static int __attribute__((format(printf, 3, 4)))
refuse(struct pcm_error *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

static int choose_access(struct pcm *pcm, snd_pcm_hw_params_t *params)
{
	snd_pcm_t *handle = pcm->handle;

	pcm->interleaved = true;
	if (snd_pcm_hw_params_set_access(handle, params,
					 SND_PCM_ACCESS_MMAP_INTERLEAVED) == 0)
		return 0;
	pcm->interleaved = false;
	return snd_pcm_hw_params_set_access(handle, params,
					    SND_PCM_ACCESS_MMAP_NONINTERLEAVED);
}

static int choose_format(struct pcm *pcm, snd_pcm_hw_params_t *params,
			 const struct pcm_request *request,
			 struct pcm_setup *setup)
{
	static const int widest[] = {PCM_S32_LE, PCM_S24_LE, PCM_S24_3LE,
				     PCM_S16_LE};

	for (unsigned i = 0; i < PCM_FORMATS; i++) {
		int format = widest[i];

		if (request->format != PCM_FORMAT_ANY &&
		    request->format != format)
			continue;
		if (snd_pcm_hw_params_set_format(pcm->handle, params,
						 formats[format].alsa) == 0) {
			setup->format = (enum pcm_format)format;
			return 0;
		}
	}
	return -EINVAL;
}

static void list_formats(struct pcm *pcm, snd_pcm_hw_params_t *params,
			 char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < PCM_FORMATS && used < size; i++)
		if (snd_pcm_hw_params_test_format(pcm->handle, params,
						  formats[i].alsa) == 0)
			used += (size_t)snprintf(text + used, size - used,
						 " %s", formats[i].name);
}

static int choose_channels(struct pcm *pcm, snd_pcm_hw_params_t *params,
			   const struct pcm_request *request,
			   struct pcm_setup *setup, struct pcm_error *error)
{
	unsigned low = 0, high = 0, channels = request->channels;

	snd_pcm_hw_params_get_channels_min(params, &low);
	snd_pcm_hw_params_get_channels_max(params, &high);
	if (high > PCM_CHANNELS_MAX)
		high = PCM_CHANNELS_MAX;
	if (channels == 0)
		channels = high;
	if (channels > PCM_CHANNELS_MAX ||
	    snd_pcm_hw_params_set_channels(pcm->handle, params, channels) < 0)
		return refuse(error, -EINVAL,
			      "%s has no %u channels: it can do %u to %u",
			      setup->device, channels, low, high);
	setup->channels = channels;
	return 0;
}

static int choose_rate(struct pcm *pcm, snd_pcm_hw_params_t *params,
		       const struct pcm_request *request,
		       struct pcm_setup *setup, struct pcm_error *error)
{
	unsigned low = 0, high = 0;

	snd_pcm_hw_params_get_rate_min(params, &low, NULL);
	snd_pcm_hw_params_get_rate_max(params, &high, NULL);
	snd_pcm_hw_params_set_rate_resample(pcm->handle, params, 0);
	if (snd_pcm_hw_params_set_rate(pcm->handle, params, request->rate, 0) <
	    0)
		return refuse(error, -EINVAL,
			      "%s does not run at %u Hz with %u channels: it "
			      "can do %u to %u Hz",
			      setup->device, request->rate, setup->channels,
			      low, high);
	setup->rate = request->rate;
	return 0;
}

static snd_pcm_uframes_t choose_period(struct pcm *pcm, unsigned rate)
{
	snd_pcm_uframes_t period = 32;
	unsigned lot = rate / USB_LOTS_PER_SECOND;

	if (pcm_cards_is_usb(pcm->handle))
		return 2 * lot - lot / USB_PACKETS_PER_LOT;
	/* A power of two near the wanted number a second. */
	while (period * PERIODS_PER_SECOND * 3 / 2 < rate)
		period *= 2;
	return period;
}

static int choose_sizes(struct pcm *pcm, snd_pcm_hw_params_t *params,
			const struct pcm_request *request,
			struct pcm_setup *setup)
{
	snd_pcm_uframes_t period = request->period, buffer = request->buffer;
	snd_pcm_uframes_t most = 0;
	int error;

	if (period == 0)
		period = choose_period(pcm, request->rate);
	error = snd_pcm_hw_params_set_period_size_near(pcm->handle, params,
						       &period, NULL);
	if (error < 0)
		return error;
	snd_pcm_hw_params_get_buffer_size_max(params, &most);
	if (buffer == 0)
		buffer = (snd_pcm_uframes_t)request->rate * BUFFER_MAX_SECONDS;
	if (most && buffer > most)
		buffer = most;
	error = snd_pcm_hw_params_set_buffer_size_near(pcm->handle, params,
						       &buffer);
	if (error < 0)
		return error;
	error = snd_pcm_hw_params(pcm->handle, params);
	if (error < 0)
		return error;
	snd_pcm_hw_params_get_period_size(params, &period, NULL);
	snd_pcm_hw_params_get_buffer_size(params, &buffer);
	setup->period = (unsigned)period;
	setup->buffer = (unsigned)buffer;
	pcm->buffer = buffer;
	return 0;
}

static int set_hardware(struct pcm *pcm, const struct pcm_request *request,
			struct pcm_setup *setup, struct pcm_error *error)
{
	snd_pcm_hw_params_t *params;
	char list[96];
	int code;

	snd_pcm_hw_params_alloca(&params);
	code = snd_pcm_hw_params_any(pcm->handle, params);
	if (code < 0)
		return refuse(error, code, "%s cannot be set up: %s",
			      setup->device, snd_strerror(code));
	if (choose_access(pcm, params) < 0)
		return refuse(error, -EINVAL,
			      "%s cannot be read by mmap, which the recorder "
			      "needs; name its hw: device",
			      setup->device);
	list_formats(pcm, params, list, sizeof(list));
	if (choose_format(pcm, params, request, setup) < 0)
		return refuse(error, -EINVAL, "%s does not deliver %s:%s%s",
			      setup->device, pcm_format_name(request->format),
			      list[0] ? " it can do" : " nor any other format",
			      list);
	code = choose_channels(pcm, params, request, setup, error);
	if (code == 0)
		code = choose_rate(pcm, params, request, setup, error);
	if (code < 0)
		return code;
	code = choose_sizes(pcm, params, request, setup);
	if (code < 0)
		return refuse(error, code,
			      "%s takes no period of %u and buffer of %u "
			      "frames: %s",
			      setup->device, request->period, request->buffer,
			      snd_strerror(code));
	setup->interleaved = pcm->interleaved;
	pcm->channels = setup->channels;
	return 0;
}

/* Runs on whatever happens to the reader: a late one then learns how many
 * frames were overwritten, and no more are thrown away than that. */
static int set_software(struct pcm *pcm, unsigned period)
{
	snd_pcm_sw_params_t *params;
	snd_pcm_uframes_t boundary;
	int code;

	snd_pcm_sw_params_alloca(&params);
	code = snd_pcm_sw_params_current(pcm->handle, params);
	if (code < 0)
		return code;
	snd_pcm_sw_params_get_boundary(params, &boundary);
	snd_pcm_sw_params_set_stop_threshold(pcm->handle, params, boundary);
	snd_pcm_sw_params_set_start_threshold(pcm->handle, params, boundary);
	snd_pcm_sw_params_set_avail_min(pcm->handle, params, period);
	snd_pcm_sw_params_set_tstamp_mode(pcm->handle, params,
					  SND_PCM_TSTAMP_ENABLE);
	snd_pcm_sw_params_set_tstamp_type(pcm->handle, params,
					  SND_PCM_TSTAMP_TYPE_MONOTONIC);
	return snd_pcm_sw_params(pcm->handle, params);
}

static bool is_conversion(snd_pcm_type_t type)
{
	switch (type) {
	case SND_PCM_TYPE_PLUG:
	case SND_PCM_TYPE_RATE:
	case SND_PCM_TYPE_ROUTE:
	case SND_PCM_TYPE_DSNOOP:
	case SND_PCM_TYPE_DMIX:
	case SND_PCM_TYPE_SHARE:
		return true;
	default:
		return false;
	}
}

static int explain_open(const char *device, int code, const char *complaint,
			struct pcm_error *error)
{
	char holder[PCM_TEXT_MAX];

	if (code == -EBUSY) {
		pcm_cards_holder(device, holder, sizeof(holder));
		return refuse(error, code,
			      "%s is in use by %s; stop that program to record "
			      "from it",
			      device, holder[0] ? holder : "another program");
	}
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return refuse(error, -ENODEV,
			      "there is no interface %s; is it plugged in and "
			      "switched on? (takebox devices lists what is "
			      "there)",
			      device);
	return refuse(error, code, "%s cannot be opened: %s", device,
		      complaint[0] ? complaint : snd_strerror(code));
}

static int open_handle(struct pcm *pcm, const char *device,
		       struct pcm_error *error)
{
	char complaint[160];
	int code;

	pcm_cards_listen(complaint, sizeof(complaint));
	code = snd_pcm_open(&pcm->handle, device, SND_PCM_STREAM_CAPTURE,
			    SND_PCM_NONBLOCK | SND_PCM_NO_AUTO_RESAMPLE |
				    SND_PCM_NO_AUTO_CHANNELS |
				    SND_PCM_NO_AUTO_FORMAT);
	if (code < 0)
		explain_open(device, code, complaint, error);
	pcm_cards_listen(NULL, 0);
	return code == -ENOENT || code == -ENXIO ? -ENODEV : code;
}

static int set_up(struct pcm *pcm, const struct pcm_request *request,
		  struct pcm_setup *setup, struct pcm_error *error)
{
	int code;

	setup->converted = is_conversion(snd_pcm_type(pcm->handle));
	code = set_hardware(pcm, request, setup, error);
	if (code < 0)
		return code;
	code = set_software(pcm, setup->period);
	if (code < 0)
		return refuse(error, code, "%s cannot be set up: %s",
			      setup->device, snd_strerror(code));
	pcm_cards_describe(pcm->handle, setup);
	return 0;
}

int pcm_open(struct pcm **out, const struct pcm_request *request,
	     struct pcm_setup *setup, struct pcm_error *error)
{
	struct pcm *pcm = calloc(1, sizeof(*pcm));
	int code = 0;

	*out = NULL;
	*setup = (struct pcm_setup){0};
	error->text[0] = '\0';
	if (!pcm)
		return refuse(error, -ENOMEM, "out of memory");
	snprintf(setup->device, sizeof(setup->device), "%s", request->device);
	if (strcmp(request->device, "auto") == 0 &&
	    pcm_cards_first(setup->device, sizeof(setup->device)) < 0)
		code = refuse(error, -ENODEV,
			      "this machine has no capture interface; plug one "
			      "in");
	if (code == 0)
		code = open_handle(pcm, setup->device, error);
	if (code == 0)
		code = set_up(pcm, request, setup, error);
	if (code < 0)
		pcm_close(pcm);
	else
		*out = pcm;
	return code;
}

void pcm_close(struct pcm *pcm)
{
	if (!pcm)
		return;
	if (pcm->handle)
		snd_pcm_close(pcm->handle);
	free(pcm);
}

int pcm_start(struct pcm *pcm)
{
	return snd_pcm_start(pcm->handle);
}
