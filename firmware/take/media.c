/* The kernel lists the mounts in the order in which they were made. */
#include "take/media.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 1024

/* The kernel writes blanks and the like as a backslash and three octal digits.
 */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		unsigned code;

		if (text[0] == '\\' && sscanf(text + 1, "%3o", &code) == 1 &&
		    strspn(text + 1, "01234567") >= 3) {
			*out++ = (char)code;
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static bool has_option(char *options, const char *wanted)
{
	char *rest = NULL;

	for (char *one = strtok_r(options, ",", &rest); one;
	     one = strtok_r(NULL, ",", &rest))
		if (strcmp(one, wanted) == 0)
			return true;
	return false;
}

/* The last part of path if it is a folder directly in root. */
static const char *name_below(const char *path, const char *root)
{
	size_t length = strlen(root);
	const char *name = path + length + 1;

	if (strncmp(path, root, length) != 0 || path[length] != '/' || !*name ||
	    strchr(name, '/') || strlen(name) >= MEDIA_NAME_MAX)
		return NULL;
	return name;
}

static void add(struct media *media, unsigned id, const char *name)
{
	struct medium *medium;

	if (media->count == MEDIA_MAX)
		memmove(media->medium, media->medium + 1,
			--media->count * sizeof(*media->medium));
	medium = &media->medium[media->count++];
	medium->id = id;
	strcpy(medium->name, name);
}

/* ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [FIELD...] - TYPE SOURCE OPTIONS */
static void read_line(struct media *media, char *line, const char *root)
{
	char path[4096 + 1], options[OPTIONS_MAX + 1], super[OPTIONS_MAX + 1];
	const char *tail = strstr(line, " - "), *name;
	unsigned id;

	if (!tail ||
	    sscanf(line, "%u %*s %*s %*s %4096s %1024s", &id, path, options) !=
		    3 ||
	    sscanf(tail, " - %*s %*s %1024s", super) != 1)
		return;
	unescape(path);
	name = name_below(path, root);
	if (name && !has_option(options, "ro") && !has_option(super, "ro"))
		add(media, id, name);
}

void media_read(struct media *media, FILE *mountinfo, const char *root)
{
	char *line = NULL;
	size_t size = 0;

	*media = (struct media){0};
	while (getline(&line, &size, mountinfo) > 0)
		read_line(media, line, root);
	free(line);
}

void media_list(struct media *media)
{
	FILE *mountinfo = fopen("/proc/self/mountinfo", "re");

	*media = (struct media){0};
	if (!mountinfo)
		return;
	media_read(media, mountinfo, MEDIA_ROOT);
	fclose(mountinfo);
}

const struct medium *media_find(const struct media *media, const char *name)
{
	for (unsigned i = media->count; i-- > 0;)
		if (strcmp(media->medium[i].name, name) == 0)
			return &media->medium[i];
	return NULL;
}

bool media_has(const struct media *media, unsigned id)
{
	for (unsigned i = 0; i < media->count; i++)
		if (media->medium[i].id == id)
			return true;
	return false;
}

void media_path(char *path, size_t size, const struct medium *medium)
{
	snprintf(path, size, "%s/%s", MEDIA_ROOT, medium->name);
}
