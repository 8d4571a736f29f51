/*
 * Levels of lines that belong to nobody here, or to others.
 *
 * A free line has to be asked for to be read. On a pin controller, such as the
 * Raspberry Pi's, that makes a GPIO of a pin that may have been carrying I2S:
 * callers look at the line's "muxed" first. A line that somebody holds can only
 * be read from what debugfs shows of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drivers/gpio_chip.h"
#include "drivers/gpio_find.h"

bool gpio_chip_is_muxed(const char *chip, const char *label)
{
	char path[PATH_MAX], driver[PATH_MAX];
	ssize_t length;

	if (strstr(label, "pinctrl"))
		return true;
	snprintf(path, sizeof(path),
		 "/sys/bus/gpio/devices/%s/of_node/gpio-ranges", chip);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "/sys/bus/gpio/devices/%s/../driver",
		 chip);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length <= 0)
		return false;
	driver[length] = '\0';
	return strstr(driver, "pinctrl") != NULL;
}

/*
 * gpiochip0: GPIOs 504-511, parent: platform/gpio-sim.0, panel:
 *  gpio-504 (REC                 |gpiomon             ) in  lo IRQ
 */
int gpio_level_in(FILE *text, const struct gpio_line *line)
{
	char row[512], chip[GPIO_NAME_MAX], *colon;
	unsigned base = 0, number;
	bool here = false;

	while (fgets(row, sizeof(row), text)) {
		colon = strstr(row, ": GPIOs ");
		if (colon && sscanf(colon, ": GPIOs %u", &base) == 1) {
			snprintf(chip, sizeof(chip), "%.*s", (int)(colon - row),
				 row);
			here = strcmp(chip, line->chip) == 0;
			continue;
		}
		if (!here || sscanf(row, " gpio-%u", &number) != 1 ||
		    number != base + line->offset)
			continue;
		colon = strrchr(row, ')');
		if (!colon)
			continue;
		if (strstr(colon, " hi"))
			return 1;
		if (strstr(colon, " lo"))
			return 0;
	}
	return -ENOENT;
}

static int peek_at_held(const struct gpio_line *line)
{
	FILE *text = fopen("/sys/kernel/debug/gpio", "re");
	int level;

	if (!text)
		return -EBUSY;
	level = gpio_level_in(text, line);
	fclose(text);
	return level < 0 ? -EBUSY : level;
}

int gpio_peek(const struct gpio_line *line)
{
	struct gpio_want want = {.offset = line->offset};
	struct gpio_request *request;
	char path[GPIO_NAME_MAX + sizeof("/dev/")];
	bool level = false;
	int result;

	if (line->used)
		return peek_at_held(line);
	snprintf(path, sizeof(path), "/dev/%s", line->chip);
	result = gpio_request_open(&request, path, GPIO_USE_LOOK, &want, 1);
	if (result < 0)
		return result;
	result = gpio_request_get(request, &level);
	gpio_request_close(request);
	return result < 0 ? result : level;
}
