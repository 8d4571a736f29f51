/*
 * pull FOLDER: what a disk does that is pulled out. The file system of FOLDER,
 * an ext4, is shut down at once: from now on all that is asked of it fails, and
 * what its journal had not yet written is lost. Unmounting, checking and
 * mounting it again plugs the disk in again.
 *
 * The ioctl is XFS's, EXT4_IOC_SHUTDOWN of fs/ext4/ext4.h in the kernel.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)

int main(int argc, char **argv)
{
	uint32_t without_log = 2;
	int dir;

	if (argc != 2) {
		fprintf(stderr, "usage: pull FOLDER\n");
		return 2;
	}
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (dir < 0 || ioctl(dir, SHUTDOWN, &without_log) < 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
