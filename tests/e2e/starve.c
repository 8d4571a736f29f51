/*
 * Preloaded: one allocation fails, the one whose number STARVE has, counted
 * from the start of the program over all threads and libraries. STARVE_COUNT
 * names a file that shows how many there have been (eight bytes, and eight more
 * once one has failed).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *memalign(size_t alignment, size_t size);

struct counter {
	_Atomic uint64_t count, failed;
};

static struct counter private_counter;
static struct counter *counter = &private_counter;
static uint64_t wanted;

static void __attribute__((constructor)) start(void)
{
	const char *number = getenv("STARVE"), *path = getenv("STARVE_COUNT");
	struct counter *shared = MAP_FAILED;
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (shared != MAP_FAILED)
		counter = shared;
	atomic_store(&counter->count, 0);
	atomic_store(&counter->failed, 0);
	wanted = number ? strtoull(number, NULL, 10) : 0;
}

static bool fails(void)
{
	if (atomic_fetch_add(&counter->count, 1) + 1 != wanted)
		return false;
	atomic_store(&counter->failed, 1);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory = memalign(alignment, size);

	if (!memory)
		return ENOMEM;
	*out = memory;
	return 0;
}
