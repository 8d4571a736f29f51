/*
 * The reader's side of the tape. The memory is shared with a process that goes
 * on writing, and that may die at any instruction, so nothing read from it is
 * trusted twice or waited for: facts are copied, then checked against the size
 * of the memfd, which must be sealed against shrinking.
 */
#include "engine/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line is written in well under a microsecond; a producer that was killed in
 * between leaves it odd for good. Each try may cost a turn of every program
 * that is ready to run. */
#define LINE_TRIES 100

/* The peaks lie behind the header and the planes behind the peaks, all aligned
 * for what is in them. Sizes are below 2^63 here, and none of the products
 * overflows once frames and channels are known to be small. */
static bool layout_agrees(const struct tape_facts *facts, uint64_t size)
{
	uint64_t plane = facts->frames * sizeof(int32_t);
	uint64_t blocks = facts->frames / TAPE_PEAK_FRAMES;
	uint64_t peaks = blocks * facts->channels * sizeof(struct peak);

	return facts->peaks_offset % _Alignof(struct peak) == 0 &&
	       facts->planes_offset % _Alignof(int32_t) == 0 &&
	       facts->plane_stride % _Alignof(int32_t) == 0 &&
	       facts->peaks_offset >= sizeof(struct tape_header) &&
	       facts->peaks_offset <= facts->planes_offset &&
	       facts->planes_offset <= size &&
	       peaks <= facts->planes_offset - facts->peaks_offset &&
	       facts->plane_stride >= plane &&
	       facts->plane_stride <= size / facts->channels &&
	       facts->plane_stride * (facts->channels - 1) + plane <=
		       size - facts->planes_offset;
}

static bool facts_agree(const struct tape_facts *facts, uint64_t size)
{
	return facts->bytes == size && facts->channels >= 1 &&
	       facts->channels <= TAPE_CHANNELS_MAX &&
	       facts->frames >= TAPE_PEAK_FRAMES &&
	       facts->frames % TAPE_PEAK_FRAMES == 0 &&
	       facts->frames <= size / sizeof(int32_t) &&
	       (facts->bits == 16 || facts->bits == 24) && facts->rate > 0 &&
	       layout_agrees(facts, size);
}

/* Or reading it could end in SIGBUS. */
static bool sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

int tape_attach(struct tape *tape, int fd)
{
	struct tape_facts *facts = NULL;
	struct stat stat;
	void *map = MAP_FAILED;
	int error = -EPROTO;

	if (!sealed(fd) || fstat(fd, &stat) < 0 ||
	    (size_t)stat.st_size < sizeof(struct tape_header))
		goto fail;
	map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
	facts = malloc(sizeof(*facts));
	if (map == MAP_FAILED || !facts) {
		error = -ENOMEM;
		goto fail;
	}
	memcpy(facts, map, sizeof(*facts));
	if (memcmp(facts->magic, TAPE_MAGIC, sizeof(facts->magic)) != 0 ||
	    facts->version != TAPE_VERSION)
		goto fail;
	error = -EINVAL;
	if (!facts_agree(facts, (uint64_t)stat.st_size))
		goto fail;
	facts->device[TAPE_TEXT_MAX - 1] = '\0';
	facts->name[TAPE_TEXT_MAX - 1] = '\0';
	facts->identity[TAPE_TEXT_MAX - 1] = '\0';
	facts->format[sizeof(facts->format) - 1] = '\0';
	tape->header = map;
	tape->facts = facts;
	tape->fd = fd;
	return 0;
fail:
	free(facts);
	if (map != MAP_FAILED)
		munmap(map, (size_t)stat.st_size);
	close(fd);
	return error;
}

void tape_detach(struct tape *tape)
{
	if (!tape->header)
		return;
	munmap((void *)tape->header, tape->facts->bytes);
	free((void *)tape->facts);
	close(tape->fd);
	*tape = (struct tape){0};
}

uint64_t tape_published(const struct tape *tape)
{
	return atomic_load_explicit(&tape->header->published,
				    memory_order_acquire);
}

uint64_t tape_oldest(const struct tape *tape)
{
	uint64_t reserved;

	/* The samples were read before this: the fence keeps them before. */
	atomic_thread_fence(memory_order_acquire);
	reserved = atomic_load_explicit(&tape->header->reserved,
					memory_order_relaxed);
	return reserved > tape->facts->frames ? reserved - tape->facts->frames
					      : 0;
}

bool tape_valid(const struct tape *tape, uint64_t position)
{
	return position >= tape_oldest(tape);
}

const int32_t *tape_samples(const struct tape *tape, unsigned channel,
			    uint64_t position, size_t *frames)
{
	const struct tape_facts *facts = tape->facts;
	uint64_t index = position % facts->frames;

	if (*frames > facts->frames - index)
		*frames = facts->frames - index;
	return (const int32_t *)((const char *)tape->header +
				 facts->planes_offset +
				 channel * facts->plane_stride) +
	       index;
}

struct peak tape_peak(const struct tape *tape, unsigned channel, uint64_t from,
		      uint64_t to)
{
	const struct tape_facts *facts = tape->facts;
	const struct peak *peaks = (const void *)((const char *)tape->header +
						  facts->peaks_offset);
	uint64_t blocks = facts->frames / TAPE_PEAK_FRAMES;
	struct peak sum = {0};

	for (uint64_t block = from / TAPE_PEAK_FRAMES;
	     block * TAPE_PEAK_FRAMES < to; block++) {
		const volatile struct peak *peak =
			&peaks[block % blocks * facts->channels + channel];
		uint32_t level = peak->level;

		if (level > sum.level)
			sum.level = level;
		sum.clips += peak->clips;
	}
	return sum;
}

uint64_t tape_event_count(const struct tape *tape)
{
	return atomic_load_explicit(&tape->header->events,
				    memory_order_acquire);
}

int tape_event(const struct tape *tape, uint64_t index,
	       struct tape_event *event)
{
	if (index >= tape_event_count(tape))
		return -ENOENT;
	memcpy(event, &tape->header->event[index % TAPE_EVENTS],
	       sizeof(*event));
	atomic_thread_fence(memory_order_acquire);
	/* One slot of slack: the producer fills a slot before it counts it. */
	if (index + TAPE_EVENTS <=
	    atomic_load_explicit(&tape->header->events, memory_order_relaxed))
		return -EOVERFLOW;
	return 0;
}

static double bits_to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

struct posclock_line tape_line(const struct tape *tape)
{
	const struct tape_header *header = tape->header;
	struct posclock_line line;
	uint32_t before, after;

	for (unsigned tries = 0; tries < LINE_TRIES; tries++) {
		before = atomic_load_explicit(&header->line_sequence,
					      memory_order_acquire);
		line.position = atomic_load_explicit(&header->line_position,
						     memory_order_relaxed);
		line.time_ns = atomic_load_explicit(&header->line_time_ns,
						    memory_order_relaxed);
		line.rate_hz = bits_to_double(atomic_load_explicit(
			&header->line_rate, memory_order_relaxed));
		line.ppm = bits_to_double(atomic_load_explicit(
			&header->line_ppm, memory_order_relaxed));
		line.ppm_error = bits_to_double(atomic_load_explicit(
			&header->line_ppm_error, memory_order_relaxed));
		line.locked = atomic_load_explicit(&header->line_locked,
						   memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&header->line_sequence,
					     memory_order_relaxed);
		if (!(before & 1) && before == after)
			return line;
		sched_yield();
	}
	return (struct posclock_line){0};
}

enum tape_state tape_state(const struct tape *tape)
{
	return atomic_load_explicit(&tape->header->state, memory_order_acquire);
}

const char *tape_event_name(uint32_t kind)
{
	static const char *const name[TAPE_EVENT_KINDS] = {
		[TAPE_GAP_LATE] = "late",     [TAPE_GAP_STOPPED] = "stopped",
		[TAPE_GAP_SILENT] = "silent", [TAPE_GAP_ABSENT] = "absent",
		[TAPE_SURPLUS] = "surplus",   [TAPE_GAP_DIED] = "died",
		[TAPE_RATE] = "rate",
	};

	return kind < TAPE_EVENT_KINDS ? name[kind] : "unknown";
}
