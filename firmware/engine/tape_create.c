/*
 * Making a tape: the memfd, its layout, its pages. Not for the real-time
 * thread. Planes are set a few cache lines apart beyond whole pages: 64 planes
 * at equal page offsets would all fall into one set of the first-level cache.
 *
 * A short take spends more on the tape's pages than on anything else but FLAC,
 * so they are made in the cheapest way there is: huge ones where the kernel has
 * them for shared memory (shmem_enabled: advise), else written, which takes
 * two thirds of the time of faulting each in.
 */
#include "engine/tape_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

#define MEMORY_SHARE  4
#define SECONDS_MAX   600.0
#define SECONDS_ASKED 1e6

#define PAGE	   4096u
#define PLANE_SKEW 320u

/* Left to the rest of the machine: the kernel would sooner end a process than
 * refuse a page. */
#define MEMORY_SPARE (64ull << 20)

#define WRITE_BYTES (256u * 1024)

/* Linux 5.14; older kernels refuse it, and pages are then faulted in later. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

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

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static uint64_t meminfo(const char *text, const char *name, uint64_t otherwise)
{
	const char *line = strstr(text, name);
	unsigned long long kib;

	return line && sscanf(line + strlen(name), " %llu", &kib) == 1
		       ? kib * 1024
		       : otherwise;
}

uint64_t tape_memory(uint64_t *all)
{
	uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			 (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t left;
	char text[1024];

	read_text("/proc/meminfo", text, sizeof(text));
	left = meminfo(text, "MemAvailable:", total);
	if (all)
		*all = meminfo(text, "MemTotal:", total);
	return left > MEMORY_SPARE ? left - MEMORY_SPARE : 0;
}

uint64_t tape_ring_frames(double seconds, unsigned channels, unsigned rate)
{
	double second = (double)channels * rate * sizeof(int32_t);

	if (!(seconds > 0)) {
		uint64_t all, left = tape_memory(&all);
		uint64_t share = all / MEMORY_SHARE;

		share = share < left / 2 ? share : left / 2;
		seconds = (double)share / second;
		if (seconds > SECONDS_MAX)
			seconds = SECONDS_MAX;
	}
	if (seconds > SECONDS_ASKED)
		seconds = SECONDS_ASKED;
	return (uint64_t)(seconds * rate);
}

static bool has_huge_pages(void)
{
	char text[128];

	read_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text,
		  sizeof(text));
	return strchr(text, '[') && !strstr(text, "[never]") &&
	       !strstr(text, "[deny]");
}

static int write_pages(int fd, uint64_t bytes)
{
	char *zeros = calloc(1, WRITE_BYTES);
	uint64_t done = 0;
	int error = zeros ? 0 : -ENOMEM;

	while (error == 0 && done < bytes) {
		uint64_t left = bytes - done;
		ssize_t part = pwrite(fd, zeros,
				      left < WRITE_BYTES ? left : WRITE_BYTES,
				      (off_t)done);

		if (part > 0)
			done += (uint64_t)part;
		else if (part == 0 || errno != EINTR)
			error = -ENOMEM;
	}
	free(zeros);
	return error;
}

/* The map of a file; all: its pages are all there. */
static int map_pages(int fd, uint64_t bytes, bool all, void **map)
{
	bool huge = has_huge_pages();
	int error = all && !huge ? write_pages(fd, bytes) : 0;

	if (error == 0 && ftruncate(fd, (off_t)bytes) < 0)
		error = -errno;
	if (error < 0)
		return error;
	*map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*map == MAP_FAILED)
		return -errno;
	if (!huge)
		return 0;
	madvise(*map, bytes, MADV_HUGEPAGE);
	if (!all || madvise(*map, bytes, MADV_POPULATE_WRITE) == 0)
		return 0;
	munmap(*map, bytes);
	return -ENOMEM;
}

static int make_file(uint64_t bytes, bool all, int *fd, void **map)
{
	int error;

	if (bytes > tape_memory(NULL))
		return -ENOMEM;
	*fd = memfd_create("takebox-tape", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return -errno;
	error = map_pages(*fd, bytes, all, map);
	if (error == 0 &&
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		error = -errno;
		munmap(*map, bytes);
	}
	if (error < 0)
		close(*fd);
	return error;
}

static void point_to(struct tape_writer *writer, int fd, void *map,
		     const struct tape_facts *facts)
{
	*writer = (struct tape_writer){
		.header = map,
		.fd = fd,
		.channels = facts->channels,
		.frames = facts->frames,
		.filled = TAPE_FILLED,
		.peaks = (struct peak *)((char *)map + facts->peaks_offset),
	};
	for (unsigned c = 0; c < facts->channels; c++)
		writer->plane[c] =
			(int32_t *)((char *)map + facts->planes_offset +
				    c * facts->plane_stride);
}

int tape_writer_create_ahead(struct tape_writer *writer,
			     const struct tape_facts *given, uint64_t ahead)
{
	struct tape_facts facts = *given;
	void *map = NULL;
	int fd, error;
	bool all;

	lay_out(&facts);
	all = ahead >= facts.frames;
	error = make_file(facts.bytes, all, &fd, &map);
	if (error < 0)
		return error;
	point_to(writer, fd, map, &facts);
	writer->header->facts = facts;
	if (all)
		return 0;
	atomic_store(&writer->filled, ahead);
	error = tape_pages_make(writer, 0, ahead);
	if (error < 0)
		tape_writer_destroy(writer);
	return error;
}

int tape_writer_create(struct tape_writer *writer,
		       const struct tape_facts *facts)
{
	return tape_writer_create_ahead(writer, facts, UINT64_MAX);
}

/* Writable, although all that others hold of it are read-only descriptors. */
static int map_again(int fd, uint64_t bytes, int *own, void **map)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*own = open(path, O_RDWR | O_CLOEXEC);
	if (*own < 0)
		return -errno;
	*map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *own, 0);
	if (*map != MAP_FAILED)
		return 0;
	close(*own);
	return -ENOMEM;
}

/* A gap that readers were told of when its beginning was published is made
 * whole: the next one begins behind it. */
static void end_last_gap(struct tape_writer *writer)
{
	const struct tape_header *header = writer->header;
	uint64_t count = atomic_load(&header->events), end;
	const struct tape_event *last;

	if (count == 0)
		return;
	last = &header->event[(count - 1) % TAPE_EVENTS];
	end = last->position + last->frames;
	if (!tape_event_is_gap(last->kind) || end <= writer->captured ||
	    end - writer->captured > writer->frames)
		return;
	tape_writer_silence(writer, end - writer->captured);
	writer->gap_end = end;
}

/* What the dead one had begun: a line half written, frames that nobody was
 * shown. */
static void take_up(struct tape_writer *writer,
		    const struct posclock_line *line)
{
	struct tape_header *header = writer->header;

	atomic_fetch_and(&header->line_sequence, ~1u);
	tape_writer_line(writer, line);
	writer->published = atomic_load(&header->published);
	writer->captured = writer->published;
	writer->reserved = atomic_load(&header->reserved);
	if (writer->reserved < writer->published)
		writer->reserved = writer->published;
	tape_writer_measure(writer);
	end_last_gap(writer);
}

int tape_writer_adopt(struct tape_writer *writer, int fd,
		      struct posclock_line *line)
{
	struct tape tape = {0};
	int own, error = tape_attach(&tape, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	void *map = NULL;

	if (error < 0)
		return error;
	*line = tape_line(&tape);
	error = map_again(fd, tape.facts->bytes, &own, &map);
	if (error == 0) {
		point_to(writer, own, map, tape.facts);
		take_up(writer, line);
		atomic_store(&writer->filled, writer->captured);
	}
	tape_detach(&tape);
	return error;
}

void tape_writer_touch(const struct tape_writer *writer)
{
	madvise(writer->header, writer->header->facts.bytes,
		MADV_POPULATE_READ);
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
