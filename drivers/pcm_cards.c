/*
 * The machine's sound cards. A card's identity is its id ("XR18"), with the
 * serial number or, failing that, the USB path beside it: card indices change
 * with the order of plugging and are only used to look things up just now.
 */
#include "drivers/pcm_cards.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The only state outside a struct in drivers/: alsa-lib's handler is one for
 * the process and is given no context. */
static _Thread_local struct {
	char *text;
	size_t size;
} complaint;

static void __attribute__((format(printf, 5, 6)))
hear(const char *file, int line, const char *function, int error,
     const char *format, ...)
{
	va_list args;

	(void)file;
	(void)line;
	(void)function;
	(void)error;
	if (!complaint.text || complaint.text[0])
		return;
	va_start(args, format);
	vsnprintf(complaint.text, complaint.size, format, args);
	va_end(args);
}

void pcm_cards_listen(char *text, size_t size)
{
	complaint.text = text;
	complaint.size = size;
	if (text)
		text[0] = '\0';
	snd_lib_error_set_handler(hear);
}

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	line[0] = '\0';
	if (!file)
		return false;
	ok = fgets(line, (int)size, file) != NULL;
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return ok;
}

/* Serial number of the card's USB device, or its place on the bus. */
static void card_identity(int card, char *text, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX], serial[96];
	const char *place;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/sys/class/sound/card%d/device", card);
	if (!realpath(path, real))
		return;
	snprintf(path, sizeof(path), "/sys/class/sound/card%d/device/../serial",
		 card);
	if (read_line(path, serial, sizeof(serial)) && serial[0]) {
		snprintf(text, size, "serial:%s", serial);
		return;
	}
	place = strrchr(real, '/');
	if (place)
		snprintf(text, size, "path:%s", place + 1);
}

/* What a setup says. */
static void full_identity(const char *name, const char *place, char *text,
			  size_t size)
{
	snprintf(text, size, "%.90s %s", name, place);
}

/* owner_pid of a capture substream that is open, or 0. */
static int holder_pid(int card, unsigned device)
{
	char path[PATH_MAX], line[128];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/asound/card%d/pcm%uc/sub0/status",
		 card, device);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "owner_pid : %d", &pid) == 1)
			break;
	if (file)
		fclose(file);
	return pid;
}

static void name_holder(int card, unsigned device, char *holder, size_t size)
{
	char path[PATH_MAX], name[64];
	int pid = holder_pid(card, device);

	holder[0] = '\0';
	if (pid <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (!read_line(path, name, sizeof(name)))
		snprintf(name, sizeof(name), "a program");
	snprintf(holder, size, "%s (pid %d)", name, pid);
}

void pcm_cards_holder(const char *device, char *holder, size_t size)
{
	char card[64] = "";
	unsigned number = 0;
	int index;

	holder[0] = '\0';
	if (sscanf(device, "hw:CARD=%63[^,],DEV=%u", card, &number) < 1 &&
	    sscanf(device, "hw:%63[^,],%u", card, &number) < 1)
		return;
	index = snd_card_get_index(card);
	if (index >= 0)
		name_holder(index, number, holder, size);
}

/* Only snd-usb-audio's cards have that file. */
bool pcm_cards_is_usb(snd_pcm_t *handle)
{
	snd_pcm_info_t *info;
	char path[64];

	snd_pcm_info_alloca(&info);
	if (snd_pcm_info(handle, info) < 0 || snd_pcm_info_get_card(info) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/asound/card%d/usbid",
		 snd_pcm_info_get_card(info));
	return access(path, F_OK) == 0;
}

void pcm_cards_describe(snd_pcm_t *handle, struct pcm_setup *setup)
{
	snd_pcm_info_t *info;
	char *name = NULL;
	char place[96];
	int card;

	snprintf(setup->name, sizeof(setup->name), "%s", setup->device);
	snprintf(setup->identity, sizeof(setup->identity), "%s", setup->device);
	snd_pcm_info_alloca(&info);
	if (snd_pcm_info(handle, info) < 0)
		return;
	card = snd_pcm_info_get_card(info);
	if (card < 0) {
		const char *own = snd_pcm_info_get_name(info);

		if (own && own[0])
			snprintf(setup->name, sizeof(setup->name), "%s", own);
		return;
	}
	if (snd_card_get_name(card, &name) == 0) {
		snprintf(setup->name, sizeof(setup->name), "%s", name);
		free(name);
	}
	card_identity(card, place, sizeof(place));
	if (place[0])
		full_identity(setup->name, place, setup->identity,
			      sizeof(setup->identity));
}

/* Ranges and formats; false if it could not be opened just now. */
static bool read_abilities(struct pcm_info *info)
{
	snd_pcm_hw_params_t *params;
	snd_pcm_t *handle;
	bool ok = false;

	if (snd_pcm_open(&handle, info->device, SND_PCM_STREAM_CAPTURE,
			 SND_PCM_NONBLOCK) < 0)
		return false;
	snd_pcm_hw_params_alloca(&params);
	if (snd_pcm_hw_params_any(handle, params) >= 0) {
		snd_pcm_hw_params_get_channels_min(params, &info->channels_min);
		snd_pcm_hw_params_get_channels_max(params, &info->channels_max);
		snd_pcm_hw_params_get_rate_min(params, &info->rate_min, NULL);
		snd_pcm_hw_params_get_rate_max(params, &info->rate_max, NULL);
		for (int i = 0; i < PCM_FORMATS; i++)
			if (snd_pcm_hw_params_test_format(
				    handle, params,
				    snd_pcm_format_value(pcm_format_name(i))) ==
			    0)
				info->formats |= 1u << i;
		ok = true;
	}
	snd_pcm_close(handle);
	return ok;
}

typedef bool (*device_fn)(void *context, int card, const char *id,
			  const char *name, unsigned device);

static int each_device(snd_ctl_t *ctl, int card, device_fn fn, void *context)
{
	snd_ctl_card_info_t *card_info;
	snd_pcm_info_t *pcm;
	int device = -1, count = 0;

	snd_ctl_card_info_alloca(&card_info);
	snd_pcm_info_alloca(&pcm);
	if (snd_ctl_card_info(ctl, card_info) < 0)
		return 0;
	while (snd_ctl_pcm_next_device(ctl, &device) == 0 && device >= 0) {
		snd_pcm_info_set_device(pcm, (unsigned)device);
		snd_pcm_info_set_subdevice(pcm, 0);
		snd_pcm_info_set_stream(pcm, SND_PCM_STREAM_CAPTURE);
		if (snd_ctl_pcm_info(ctl, pcm) < 0)
			continue;
		count++;
		if (!fn(context, card, snd_ctl_card_info_get_id(card_info),
			snd_ctl_card_info_get_name(card_info),
			(unsigned)device))
			break;
	}
	return count;
}

static int each_card(device_fn fn, void *context)
{
	int card = -1, count = 0;
	char name[32];
	snd_ctl_t *ctl;

	while (snd_card_next(&card) == 0 && card >= 0) {
		snprintf(name, sizeof(name), "hw:%d", card);
		if (snd_ctl_open(&ctl, name, SND_CTL_NONBLOCK) < 0)
			continue;
		count += each_device(ctl, card, fn, context);
		snd_ctl_close(ctl);
	}
	return count;
}

struct listing {
	void (*fn)(void *context, const struct pcm_info *info);
	void *context;
};

static bool list_one(void *context, int card, const char *id, const char *name,
		     unsigned device)
{
	const struct listing *listing = context;
	struct pcm_info info = {0};

	snprintf(info.device, sizeof(info.device), "hw:CARD=%s,DEV=%u", id,
		 device);
	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(info.card_id, sizeof(info.card_id), "%s", id);
	card_identity(card, info.identity, sizeof(info.identity));
	name_holder(card, device, info.holder, sizeof(info.holder));
	info.readable = read_abilities(&info);
	listing->fn(listing->context, &info);
	return true;
}

int pcm_list(void (*fn)(void *context, const struct pcm_info *info),
	     void *context)
{
	struct listing listing = {fn, context};

	pcm_cards_listen(NULL, 0);
	return each_card(list_one, &listing);
}

struct first {
	char *device;
	size_t size;
};

static bool take_first(void *context, int card, const char *id,
		       const char *name, unsigned device)
{
	struct first *first = context;

	(void)card;
	(void)name;
	if (!first->device[0])
		snprintf(first->device, first->size, "hw:CARD=%s,DEV=%u", id,
			 device);
	return false;
}

int pcm_cards_first(char *device, size_t size)
{
	struct first first = {device, size};

	device[0] = '\0';
	each_card(take_first, &first);
	return device[0] ? 0 : -ENODEV;
}

/* ---- one that came back ---- */

struct wanted {
	const char *identity;
	unsigned device;
	char *found;
	size_t size;
};

static bool take_wanted(void *context, int card, const char *id,
			const char *name, unsigned device)
{
	struct wanted *wanted = context;
	char place[96], identity[PCM_TEXT_MAX];

	card_identity(card, place, sizeof(place));
	full_identity(name, place, identity, sizeof(identity));
	if (!place[0] || strcmp(identity, wanted->identity) != 0)
		return false; /* nor has another PCM of this card */
	if (device == wanted->device)
		snprintf(wanted->found, wanted->size, "hw:CARD=%s,DEV=%u", id,
			 device);
	return true;
}

int pcm_find(const char *identity, char *device, size_t size)
{
	char card[64], found[PCM_TEXT_MAX] = "";
	struct wanted wanted = {
		.identity = identity,
		.found = found,
		.size = sizeof(found),
	};

	if (sscanf(device, "hw:CARD=%63[^,],DEV=%u", card, &wanted.device) <
		    1 &&
	    sscanf(device, "hw:%63[^,],%u", card, &wanted.device) < 1)
		return -ENODEV;
	each_card(take_wanted, &wanted);
	if (!found[0])
		return -ENODEV;
	snprintf(device, size, "%s", found);
	return 0;
}
