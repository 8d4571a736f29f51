/*
 * Preloaded: fdatasync() hangs as long as the file that HANG names is there,
 * as on a medium that has stopped answering.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd)
{
	static const struct timespec moment = {.tv_nsec = 10000000};
	const char *file = getenv("HANG");

	while (file && access(file, F_OK) == 0)
		nanosleep(&moment, NULL);
	return (int)syscall(SYS_fdatasync, fd);
}
