/*
 * Making a tape: the memfd, its layout, its pages. Not for the real-time
 * thread. Planes are set a few cache lines apart beyond whole pages: 64 planes
 * at equal page offsets would all fall into one set of the first-level cache.
 */
#include "engine/tape_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

#define PAGE	   4096u
#define PLANE_SKEW 320u

/* Left to the rest of the machine: the kernel would sooner end a process than
 * refuse a page. */
#define MEMORY_SPARE (64ull << 20)

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static void lay_out(struct tape_facts *facts)
{
	uint64_t blocks;

	memcpy(facts->magic, TAPE_MAGIC, sizeof(facts->magic));
	facts->version = TAPE_VERSION;
	facts->frames = round_up(facts->frames, TAPE_PEAK_FRAMES);
	blocks = facts->frames / TAPE_PEAK_FRAMES;
	facts->peaks_offset = round_up(sizeof(struct tape_header), PAGE);
	facts->planes_offset =
		round_up(facts->peaks_offset +
				 blocks * facts->channels * sizeof(struct peak),
			 PAGE);
	facts->plane_stride =
		round_up(facts->frames * sizeof(int32_t), PAGE) + PLANE_SKEW;
	facts->bytes = round_up(facts->planes_offset +
					facts->plane_stride * facts->channels,
				PAGE);
	facts->opened_ns = clock_now_ns();
	facts->opened_wall_ns = clock_read_ns(CLOCK_REALTIME);
	if (getrandom(facts->id, sizeof(facts->id), 0) < 0)
		memcpy(facts->id, &facts->opened_ns, sizeof(facts->opened_ns));
}

static uint64_t meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	unsigned long long kib;

	return line && sscanf(line + strlen(name), " %llu", &kib) == 1
		       ? kib * 1024
		       : 0;
}

uint64_t tape_memory(uint64_t *all)
{
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	uint64_t left;
	char text[1024];
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	left = meminfo(text, "MemAvailable:");
	if (all)
		*all = meminfo(text, "MemTotal:");
	return left > MEMORY_SPARE ? left - MEMORY_SPARE : 0;
}

int tape_writer_create(struct tape_writer *writer,
		       const struct tape_facts *given)
{
	struct tape_facts facts = *given;
	void *map;
	int fd, error;

	lay_out(&facts);
	if (facts.bytes > tape_memory(NULL))
		return -ENOMEM;
	fd = memfd_create("takebox-tape", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	error = posix_fallocate(fd, 0, (off_t)facts.bytes);
	if (error) {
		close(fd);
		return error == ENOSPC ? -ENOMEM : -error;
	}
	map = mmap(NULL, facts.bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED) {
		error = errno;
		close(fd);
		return -error;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		error = errno;
		munmap(map, facts.bytes);
		close(fd);
		return -error;
	}
	*writer = (struct tape_writer){
		.header = map,
		.fd = fd,
		.channels = facts.channels,
		.frames = facts.frames,
		.peaks = (struct peak *)((char *)map + facts.peaks_offset),
	};
	writer->header->facts = facts;
	for (unsigned c = 0; c < facts.channels; c++)
		writer->plane[c] =
			(int32_t *)((char *)map + facts.planes_offset +
				    c * facts.plane_stride);
	return 0;
}

void tape_writer_destroy(struct tape_writer *writer)
{
	if (!writer->header)
		return;
	munmap(writer->header, writer->header->facts.bytes);
	close(writer->fd);
	*writer = (struct tape_writer){0};
}

int tape_writer_share(const struct tape_writer *writer)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", writer->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
