/*
 * Who holds a line. The kernel tells the consumer, a word that the holder
 * chose; the process is looked for among the descriptors in /proc. Those of
 * libgpiod 2 tell in fdinfo which lines they hold; of those of libgpiod 1 all
 * that is known is who holds any line, which for most machines is enough.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/gpio_find.h"

enum likeliness {
	NOT_IT,
	HOLDS_LINES,
	HOLDS_LINES_AND_NAME, /* and has the consumer's name */
	HOLDS_IT
};

#define SUSPECTS 3 /* that a message names */

struct suspects {
	enum likeliness likeliness;
	unsigned count;
	struct {
		int pid;
		char name[32];
	} who[SUSPECTS];
};

static void read_word(const char *path, char *word, size_t size)
{
	FILE *file = fopen(path, "re");

	word[0] = '\0';
	if (!file)
		return;
	if (!fgets(word, (int)size, file))
		word[0] = '\0';
	word[strcspn(word, "\n")] = '\0';
	fclose(file);
}

static enum likeliness judge_info(const char *path,
				  const struct gpio_line *line)
{
	char text[128], chip[GPIO_NAME_MAX];
	bool tells = false, right_chip = false, right_line = false;
	unsigned offset;
	FILE *file = fopen(path, "re");

	while (file && fgets(text, sizeof(text), file)) {
		if (sscanf(text, "gpio-chip: %63s", chip) == 1) {
			tells = true;
			right_chip = strcmp(chip, line->chip) == 0;
		} else if (sscanf(text, "gpio-line: %u", &offset) == 1) {
			right_line |= offset == line->offset;
		}
	}
	if (file)
		fclose(file);
	if (!tells)
		return HOLDS_LINES;
	return right_chip && right_line ? HOLDS_IT : NOT_IT;
}

/* One descriptor: anon_inode:gpio-line, gpio-linehandle or gpio-event. */
static enum likeliness judge_descriptor(const char *proc, const char *pid,
					const char *fd,
					const struct gpio_line *line)
{
	char path[PATH_MAX], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s/fd/%s", proc, pid, fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return NOT_IT;
	target[length] = '\0';
	if (strncmp(target, "anon_inode:", 11) != 0 ||
	    !strstr(target + 11, "gpio-"))
		return NOT_IT;
	snprintf(path, sizeof(path), "%s/%s/fdinfo/%s", proc, pid, fd);
	return judge_info(path, line);
}

static enum likeliness judge_process(const char *proc, const char *pid,
				     const struct gpio_line *line)
{
	enum likeliness best = NOT_IT;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/%s/fd", proc, pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		enum likeliness one =
			judge_descriptor(proc, pid, entry->d_name, line);

		if (one > best)
			best = one;
	}
	if (folder)
		closedir(folder);
	return best;
}

/* Programs call themselves by their name or a part of it. */
static bool alike(const char *name, const char *consumer)
{
	size_t length = strlen(name);

	if (strlen(consumer) < length)
		length = strlen(consumer);
	return length > 0 && strncmp(name, consumer, length) == 0;
}

static void suspect(struct suspects *suspects, const char *proc,
		    const char *pid, const struct gpio_line *line)
{
	enum likeliness likeliness = judge_process(proc, pid, line);
	char path[PATH_MAX], name[32];

	if (likeliness == NOT_IT)
		return;
	snprintf(path, sizeof(path), "%s/%s/comm", proc, pid);
	read_word(path, name, sizeof(name));
	if (likeliness == HOLDS_LINES && alike(name, line->consumer))
		likeliness = HOLDS_LINES_AND_NAME;
	if (likeliness > suspects->likeliness) {
		suspects->likeliness = likeliness;
		suspects->count = 0;
	}
	if (likeliness == suspects->likeliness && suspects->count < SUSPECTS) {
		suspects->who[suspects->count].pid = atoi(pid);
		snprintf(suspects->who[suspects->count].name,
			 sizeof(suspects->who[0].name), "%s", name);
		suspects->count++;
	}
}

static void find_suspects(struct suspects *suspects, const char *proc,
			  const struct gpio_line *line)
{
	DIR *folder = opendir(proc);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			suspect(suspects, proc, entry->d_name, line);
	if (folder)
		closedir(folder);
}

void gpio_holder(const char *proc, const struct gpio_line *line, char *text,
		 size_t size)
{
	struct suspects suspects = {0};
	size_t used;

	find_suspects(&suspects, proc, line);
	if (line->consumer[0])
		snprintf(text, size, "\"%s\"", line->consumer);
	else
		snprintf(text, size, "the kernel or another program");
	for (unsigned i = 0; i < suspects.count; i++) {
		used = strlen(text);
		snprintf(text + used, size - used, " %sprocess %d, %s%s",
			 i == 0 ? "(" : "or ", suspects.who[i].pid,
			 suspects.who[i].pid == getpid() ? "this program itself"
							 : suspects.who[i].name,
			 i + 1 == suspects.count ? ")" : "");
	}
}

void gpio_who(const struct gpio_line *line, char *text, size_t size)
{
	gpio_holder("/proc", line, text, size);
}
