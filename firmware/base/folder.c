/* dup(2) would share the place in the list. */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int folder_open(int parent, const char *name)
{
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

DIR *folder_list(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	int error = errno;

	if (!list && copy >= 0)
		close(copy);
	errno = error;
	return list;
}
