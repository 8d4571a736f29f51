/* The stub keeps the chip's registers; the test reads and writes them past the
 * driver. */
#include "tests/bench/expander.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ADDRESS 0x20
#define GPIO	0x12 /* registers, 16 bits */
#define OLAT	0x14

static void give_up(const char *what)
{
	fprintf(stderr, "expander: %s: %s\n", what, strerror(errno));
	abort();
}

/* The number of the stub's bus. */
static int stub_bus(void)
{
	char name[64] = "";
	int bus = -1;
	glob_t found;

	if (glob("/sys/bus/i2c/devices/i2c-*/name", 0, NULL, &found) != 0)
		give_up("no bus");
	for (size_t i = 0; i < found.gl_pathc && bus < 0; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");

		if (file && fgets(name, sizeof(name), file) &&
		    strncmp(name, "SMBus stub", 10) == 0)
			sscanf(found.gl_pathv[i], "/sys/bus/i2c/devices/i2c-%d",
			       &bus);
		if (file)
			fclose(file);
	}
	globfree(&found);
	if (bus < 0)
		give_up("no i2c-stub");
	return bus;
}

static void tell_bus(const char *file, const char *text)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/i2c/devices/i2c-%d/%s",
		 stub_bus(), file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up(path);
	close(fd);
}

void expander_plug(void)
{
	tell_bus("new_device", "mcp23017 0x20");
}

void expander_unplug(void)
{
	tell_bus("delete_device", "0x20");
}

static uint16_t transfer(char direction, uint8_t reg, uint16_t word)
{
	union i2c_smbus_data data = {.word = word};
	struct i2c_smbus_ioctl_data transfer = {
		.read_write = (uint8_t)direction,
		.command = reg,
		.size = I2C_SMBUS_WORD_DATA,
		.data = &data,
	};
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/i2c-%d", stub_bus());
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, I2C_SLAVE_FORCE, ADDRESS) < 0 ||
	    ioctl(fd, I2C_SMBUS, &transfer) < 0)
		give_up(path);
	close(fd);
	return data.word;
}

void expander_set_inputs(uint16_t levels)
{
	transfer(I2C_SMBUS_WRITE, GPIO, levels);
}

uint16_t expander_outputs(void)
{
	return transfer(I2C_SMBUS_READ, OLAT, 0);
}
