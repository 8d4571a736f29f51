/* The real medium: POSIX calls, each done once and in full. */
#include "take/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* FAT32 holds 4 GiB less one byte; a take goes on in a further file well
 * before that, so that the last round never fails. */
#define FAT_FILE_BYTES 0xffffffffULL

static int posix_make_dir(int dir, const char *name)
{
	int fd;

	if (mkdirat(dir, name, 0775) < 0)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int posix_open(int dir, const char *name, int create)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir, name, flags | (create ? O_CREAT | O_EXCL : 0),
			0664);

	return fd < 0 ? -errno : fd;
}

static int posix_write(int file, const void *data, size_t size, uint64_t offset)
{
	const char *next = data;

	while (size > 0) {
		ssize_t done = pwrite(file, next, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		next += done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

static int posix_truncate(int file, uint64_t size)
{
	return ftruncate(file, (off_t)size) < 0 ? -errno : 0;
}

static void posix_start_sync(int file)
{
	sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int posix_sync(int file)
{
	return fdatasync(file) < 0 ? -errno : 0;
}

static int posix_sync_dir(int dir)
{
	return fsync(dir) < 0 ? -errno : 0;
}

static void posix_forget(int file, uint64_t size)
{
	posix_fadvise(file, 0, (off_t)size, POSIX_FADV_DONTNEED);
}

static int posix_remove(int dir, const char *name)
{
	int result = unlinkat(dir, name, 0);

	if (result < 0 && errno == EISDIR)
		result = unlinkat(dir, name, AT_REMOVEDIR);
	return result < 0 ? -errno : 0;
}

static int posix_space(int dir, uint64_t *free_bytes)
{
	struct statfs stat;

	if (fstatfs(dir, &stat) < 0)
		return -errno;
	*free_bytes = (uint64_t)stat.f_bavail * (uint64_t)stat.f_bsize;
	return 0;
}

const struct storage storage_posix = {
	.make_dir = posix_make_dir,
	.open = posix_open,
	.write = posix_write,
	.truncate = posix_truncate,
	.start_sync = posix_start_sync,
	.sync = posix_sync,
	.sync_dir = posix_sync_dir,
	.forget = posix_forget,
	.remove = posix_remove,
	.space = posix_space,
};

/* What cannot be opened or synced (a symbolic link, a pipe) is on no FAT. */
int storage_rename(int from_dir, const char *from, int to_dir, const char *name)
{
	int fd, error = 0;

	if (renameat(from_dir, from, to_dir, name) < 0)
		return -errno;
	fd = openat(to_dir, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fsync(fd) < 0 && errno != EINVAL)
		error = -errno;
	close(fd);
	return error;
}

/* Magic numbers of linux/magic.h; exFAT's is in its own driver. */
static const struct {
	unsigned long magic;
	const char *name;
} filesystems[] = {
	{0xef53, "ext4"},      {0x4d44, "vfat"},	{0x2011bab0, "exfat"},
	{0x01021994, "tmpfs"}, {0x9123683e, "btrfs"},	{0x58465342, "xfs"},
	{0x01021997, "9p"},    {0x794c7630, "overlay"}, {0x6969, "nfs"},
	{0xf2f52010, "f2fs"},  {0x7366746e, "ntfs3"},
};

int storage_measure(int dir, struct storage_space *space)
{
	struct statfs stat;

	if (fstatfs(dir, &stat) < 0)
		return -errno;
	*space = (struct storage_space){
		.free_bytes = (uint64_t)stat.f_bavail * (uint64_t)stat.f_bsize,
	};
	snprintf(space->filesystem, sizeof(space->filesystem), "0x%lx",
		 (unsigned long)stat.f_type);
	for (size_t i = 0; i < sizeof(filesystems) / sizeof(*filesystems); i++)
		if (filesystems[i].magic == (unsigned long)stat.f_type)
			strcpy(space->filesystem, filesystems[i].name);
	if (strcmp(space->filesystem, "vfat") == 0)
		space->max_file_bytes = FAT_FILE_BYTES;
	return 0;
}
