/* udev's database has a file for each device: a letter, a colon and a text per
 * line, E for a property. */
#include "take/qualify_id.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define UUID_LENGTH 36 /* of the longest kind */

static bool read_uuid(char uuid[UUID_LENGTH + 1], FILE *database)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getline(&line, &size, database) > 0)
		found = sscanf(line, "E:ID_FS_UUID=%36s", uuid) == 1;
	free(line);
	return found;
}

static bool find_uuid(char uuid[UUID_LENGTH + 1], int dir, const char *udev)
{
	struct stat stat;
	char path[PATH_MAX];
	FILE *database;
	bool found;

	if (fstat(dir, &stat) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/b%u:%u", udev, major(stat.st_dev),
		 minor(stat.st_dev));
	database = fopen(path, "re");
	if (!database)
		return false;
	found = read_uuid(uuid, database);
	fclose(database);
	return found;
}

/* uuid: NULL for the kernel's word. */
static void write_id(char id[QUALIFY_ID_MAX], int dir, const char *uuid)
{
	struct statvfs vfs;
	char number[UUID_LENGTH + 1];

	id[0] = '\0';
	if (fstatvfs(dir, &vfs) < 0)
		return;
	snprintf(number, sizeof(number), "%016lx", (unsigned long)vfs.f_fsid);
	snprintf(id, QUALIFY_ID_MAX, "%s-%lx", uuid ? uuid : number,
		 (unsigned long)vfs.f_blocks);
}

void qualify_id(char id[QUALIFY_ID_MAX], int dir, const char *udev)
{
	char uuid[UUID_LENGTH + 1];

	write_id(id, dir, find_uuid(uuid, dir, udev) ? uuid : NULL);
}

bool qualify_id_fits(const char *id, int dir, const char *udev)
{
	char known[QUALIFY_ID_MAX], before[QUALIFY_ID_MAX];

	qualify_id(known, dir, udev);
	write_id(before, dir, NULL);
	return *id && (strcmp(id, known) == 0 || strcmp(id, before) == 0);
}
