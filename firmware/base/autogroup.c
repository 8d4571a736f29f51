/* One number, written to the one file that the kernel has for it. */
#include "base/autogroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int autogroup_set(int nice)
{
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%d", nice) < 0)
		result = -errno;
	close(fd);
	return result;
}

int autogroup_follow(void)
{
	int nice = getpriority(PRIO_PROCESS, 0);

	return nice < 0 ? autogroup_set(nice) : 0;
}
