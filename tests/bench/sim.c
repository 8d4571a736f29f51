/* The same files that gpio_sim.sh writes, without a shell in between. */
#include "tests/bench/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG	 "/sys/kernel/config"
#define PATH_LEN 256

static void give_up(const char *what)
{
	fprintf(stderr, "sim: %s: %s\n", what, strerror(errno));
	abort();
}

static const char *path_of(char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path, PATH_LEN, format, args);
	va_end(args);
	return path;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		give_up(path);
	close(fd);
}

static void get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (length < 0)
		give_up(path);
	close(fd);
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0755) < 0)
		give_up(path);
}

static void make_line(const char *chip, const char *word)
{
	char path[PATH_LEN];
	unsigned line = (unsigned)atoi(word);
	size_t digits = strspn(word, "0123456789");

	make_folder(
		path_of(path, CONFIG "/gpio-sim/%s/bank/line%u", chip, line));
	if (word[digits] == '=') {
		path_of(path, CONFIG "/gpio-sim/%s/bank/line%u/name", chip,
			line);
		put(path, word + digits + 1);
		return;
	}
	make_folder(path_of(path, CONFIG "/gpio-sim/%s/bank/line%u/hog", chip,
			    line));
	path_of(path, CONFIG "/gpio-sim/%s/bank/line%u/hog/name", chip, line);
	put(path, word + digits + 1);
}

void sim_make(const char *chip, unsigned lines, const char *names)
{
	char path[PATH_LEN], text[PATH_LEN], *word, *rest;

	if (access(CONFIG "/gpio-sim", F_OK) < 0 &&
	    mount("configfs", CONFIG, "configfs", 0, NULL) < 0)
		give_up("configfs");
	make_folder(path_of(path, CONFIG "/gpio-sim/%s", chip));
	make_folder(path_of(path, CONFIG "/gpio-sim/%s/bank", chip));
	path_of(path, CONFIG "/gpio-sim/%s/bank/label", chip);
	put(path, chip);
	snprintf(text, sizeof(text), "%s", names);
	for (word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		if (strncmp(word, "label=", 6) == 0)
			put(path, word + 6);
		else
			make_line(chip, word);
	}
	path_of(path, CONFIG "/gpio-sim/%s/bank/num_lines", chip);
	snprintf(text, sizeof(text), "%u", lines);
	put(path, text);
	sim_plug(chip);
}

void sim_remove(const char *chip)
{
	static const char *const parts[] = {"/bank/line*/hog", "/bank/line*",
					    "/bank", ""};
	char path[PATH_LEN];
	char live[8];
	glob_t found;

	get(path_of(path, CONFIG "/gpio-sim/%s/live", chip), live,
	    sizeof(live));
	if (live[0] == '1')
		sim_unplug(chip);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		path_of(path, CONFIG "/gpio-sim/%s%s", chip, parts[i]);
		if (glob(path, 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			if (rmdir(found.gl_pathv[j]) < 0)
				give_up(found.gl_pathv[j]);
		globfree(&found);
	}
}

static void set_live(const char *chip, const char *live)
{
	char path[PATH_LEN];

	put(path_of(path, CONFIG "/gpio-sim/%s/live", chip), live);
}

void sim_unplug(const char *chip)
{
	set_live(chip, "0");
}

void sim_plug(const char *chip)
{
	set_live(chip, "1");
}

static void tell_driver(const char *chip, const char *what)
{
	char path[PATH_LEN], device[64];

	get(path_of(path, CONFIG "/gpio-sim/%s/dev_name", chip), device,
	    sizeof(device));
	put(path_of(path, "/sys/bus/platform/drivers/gpio-sim/%s", what),
	    device);
}

void sim_unbind(const char *chip)
{
	tell_driver(chip, "unbind");
}

void sim_bind(const char *chip)
{
	tell_driver(chip, "bind");
}

const char *sim_node(const char *chip)
{
	static char node[64];
	char path[PATH_LEN];

	get(path_of(path, CONFIG "/gpio-sim/%s/bank/chip_name", chip), node,
	    sizeof(node));
	return node;
}

static const char *line_file(char *path, const char *chip, unsigned line,
			     const char *file)
{
	char device[64];

	get(path_of(path, CONFIG "/gpio-sim/%s/dev_name", chip), device,
	    sizeof(device));
	return path_of(path, "/sys/devices/platform/%s/%s/sim_gpio%u/%s",
		       device, sim_node(chip), line, file);
}

void sim_pull(const char *chip, unsigned line, bool up)
{
	char path[PATH_LEN];

	put(line_file(path, chip, line, "pull"), up ? "pull-up" : "pull-down");
}

bool sim_value(const char *chip, unsigned line)
{
	char path[PATH_LEN], text[16];

	get(line_file(path, chip, line, "value"), text, sizeof(text));
	return text[0] == '1';
}
