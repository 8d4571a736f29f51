/*
 * What is wanted and what is shown are kept apart: an LED that could not be
 * written is written when it is back. The file "brightness" stays open; when
 * the LED goes with its driver, writing says ENODEV.
 */
#include "drivers/led.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLASS		"/sys/class/leds/"
#define PATH_MAX_OF_LED 160

struct led {
	char folder[PATH_MAX_OF_LED];
	led_trouble_fn trouble;
	void *context;
	bool troubled;

	int fd;		 /* of brightness; -1: not open */
	unsigned most;	 /* its largest brightness */
	unsigned wanted; /* percent */
	int shown;	 /* brightness; -1: not known */
	uint64_t calls;
};

struct led *led_create(const char *name, led_trouble_fn fn, void *context)
{
	struct led *led = calloc(1, sizeof(*led));

	if (!led)
		return NULL;
	led->trouble = fn;
	led->context = context;
	led->fd = -1;
	led->shown = -1;
	snprintf(led->folder, sizeof(led->folder), "%s%s",
		 name[0] == '/' ? "" : CLASS, name);
	return led;
}

static int open_file(const struct led *led, const char *name, int flags)
{
	char path[PATH_MAX_OF_LED + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", led->folder, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fail(struct led *led, int error)
{
	char text[PATH_MAX_OF_LED + 200];
	bool gone = error == -ENOENT || error == -ENODEV;

	if (led->fd >= 0)
		close(led->fd);
	led->fd = -1;
	led->shown = -1;
	if (led->troubled)
		return error;
	led->troubled = true;
	if (gone)
		snprintf(text, sizeof(text),
			 "there is no LED %s; it is taken when it is there",
			 led->folder);
	else if (error == -EACCES || error == -EROFS)
		snprintf(text, sizeof(text),
			 "the LED %s cannot be lit: the recorder may not write "
			 "there; takeboxd(8), EXAMPLES, says how to let it",
			 led->folder);
	else
		snprintf(text, sizeof(text), "the LED %s cannot be lit: %s",
			 led->folder, strerror(-error));
	led->trouble(led->context, text);
	return error;
}

/* What the kernel itself makes it show ends; an LED need have no such file. */
static void take_from_kernel(struct led *led)
{
	int fd = open_file(led, "trigger", O_WRONLY);

	if (fd < 0)
		return;
	led->calls++;
	/* Refused only where there is no trigger to end. */
	(void)!write(fd, "none", 4);
	close(fd);
}

static int read_most(struct led *led)
{
	char text[16] = "";
	int fd = open_file(led, "max_brightness", O_RDONLY);

	if (fd < 0)
		return fd;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	led->most = (unsigned)strtoul(text, NULL, 10);
	return led->most > 0 && led->most <= 65535 ? 0 : -EINVAL;
}

static int show(struct led *led)
{
	unsigned level = (led->most * led->wanted + 50) / 100;
	char text[16];
	int length;

	if (led->fd < 0)
		return -ENODEV;
	if (led->wanted > 0 && level == 0)
		level = 1;
	if ((int)level == led->shown)
		return 0;
	length = snprintf(text, sizeof(text), "%u\n", level);
	led->calls++;
	if (pwrite(led->fd, text, (size_t)length, 0) < 0)
		return fail(led, -errno);
	led->shown = (int)level;
	return 0;
}

int led_connect(struct led *led)
{
	int result;

	if (led->fd >= 0)
		return 0;
	result = read_most(led);
	if (result == 0)
		result = open_file(led, "brightness", O_WRONLY);
	if (result < 0)
		return fail(led, result);
	led->fd = result;
	take_from_kernel(led);
	result = show(led);
	if (result == 0 && led->troubled) {
		led->troubled = false;
		led->trouble(led->context, NULL);
	}
	return result;
}

void led_set(struct led *led, unsigned percent)
{
	led->wanted = percent < 100 ? percent : 100;
	show(led);
}

uint64_t led_calls(const struct led *led)
{
	return led->calls;
}

void led_destroy(struct led *led)
{
	if (!led)
		return;
	led_set(led, 0);
	if (led->fd >= 0)
		close(led->fd);
	free(led);
}
