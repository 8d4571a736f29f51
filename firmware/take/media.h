/*
 * media: which media are plugged in, and which of them takes go to when
 * record.folder is "auto".
 *
 * What is mounted directly below MEDIA_ROOT is a medium (the package's udev
 * rule mounts what is plugged in there). The newest one that can be written to
 * is recorded on; without any, MEDIA_HOME. Any thread.
 */
#ifndef TAKEBOX_MEDIA_H
#define TAKEBOX_MEDIA_H

#include <stdbool.h>
#include <stdio.h>

#define MEDIA_AUTO     "auto"
#define MEDIA_ROOT     "/media/takebox"
#define MEDIA_HOME     "/srv/takebox"
#define MEDIA_MAX      16
#define MEDIA_NAME_MAX 64

struct medium {
	unsigned id; /* of the mount: another one when it is plugged in again */
	char name[MEDIA_NAME_MAX]; /* of its folder in MEDIA_ROOT */
};

struct media {
	struct medium medium[MEDIA_MAX]; /* oldest first */
	unsigned count;
};

/* Reads a mountinfo file (proc_pid_mountinfo(5)). Media that are read-only, or
 * have a name that cannot be, are left out; beyond MEDIA_MAX the oldest are. */
void media_read(struct media *media, FILE *mountinfo, const char *root);

/* What is mounted now below MEDIA_ROOT. */
void media_list(struct media *media);

/* NULL: none of that name. */
const struct medium *media_find(const struct media *media, const char *name);
bool media_has(const struct media *media, unsigned id);

/* The newest that takes can go to: not the one with the id except (0: none),
 * nor one of mirrors (folders, colon-separated). NULL: there is none. */
const struct medium *media_newest(const struct media *media, unsigned except,
				  const char *mirrors);

/* Its folder. */
void media_path(char *path, size_t size, const struct medium *medium);

#endif
