/*
 * A range of positions is a range of bytes in each plane and in the peaks; the
 * kernel is asked to fault each of these in at once, which changes nothing in
 * them: should the producer be there already, both get the same page.
 */
#include "engine/tape_pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"

#define PAGE	     4096u
#define PIECE_FRAMES (64u * TAPE_PEAK_FRAMES)
#define RETRY_NS     (100 * NS_PER_MS)

/* Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What an older kernel has to be made to do by hand. Reading is enough: memory
 * that is shared and not written back is mapped writable by any fault. */
static void read_pages(const char *from, const char *to)
{
	for (; from < to; from += PAGE)
		(void)*(const volatile char *)from;
}

static int make_range(char *map, uint64_t offset, uint64_t bytes)
{
	char *from = map + offset / PAGE * PAGE;
	char *to = map + (offset + bytes + PAGE - 1) / PAGE * PAGE;

	if (madvise(from, (size_t)(to - from), MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	read_pages(from, to);
	return 0;
}

/* Frames that do not cross the ring's end. */
static int make_run(const struct tape_writer *writer, uint64_t index,
		    uint64_t frames)
{
	const struct tape_facts *facts = &writer->header->facts;
	uint64_t block = index / TAPE_PEAK_FRAMES;
	uint64_t blocks = (index + frames - 1) / TAPE_PEAK_FRAMES - block + 1;
	uint64_t size = writer->channels * sizeof(struct peak);
	char *map = (char *)writer->header;
	int error = make_range(map, facts->peaks_offset + block * size,
			       blocks * size);

	for (unsigned c = 0; c < writer->channels && error == 0; c++)
		error = make_range(map,
				   facts->planes_offset +
					   c * facts->plane_stride +
					   index * sizeof(int32_t),
				   frames * sizeof(int32_t));
	return error;
}

int tape_pages_make(const struct tape_writer *writer, uint64_t position,
		    uint64_t frames)
{
	int error = make_range((char *)writer->header, 0,
			       writer->header->facts.peaks_offset);

	while (frames > 0 && error == 0) {
		uint64_t index = position % writer->frames;
		uint64_t run = writer->frames - index;

		run = run < frames ? run : frames;
		error = make_run(writer, index, run);
		position += run;
		frames -= run;
	}
	return error;
}

bool tape_pages_lock(const struct tape_writer *writer)
{
	bool filled = atomic_load(&writer->filled) == TAPE_FILLED;
	bool later = writer->header && !filled;
	int error;

	if (mlockall(later ? MCL_CURRENT | MCL_ONFAULT : MCL_CURRENT) == 0)
		return true;
	error = errno;
	if (writer->header && filled)
		tape_writer_touch(writer);
	errno = error;
	return false;
}

/* One piece more; false when there is nothing left to do. */
static bool make_piece(struct tape_filler *filler)
{
	struct tape_writer *writer = filler->writer;
	uint64_t position = atomic_load(&writer->filled);
	uint64_t frames = PIECE_FRAMES;

	if (position >= filler->end) {
		atomic_store(&writer->filled, TAPE_FILLED);
		return false;
	}
	if (frames > filler->end - position)
		frames = filler->end - position;
	if (tape_pages_make(writer, position, frames) == 0)
		atomic_store(&writer->filled, position + frames);
	else
		nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
	return true;
}

static void *filler_thread(void *context)
{
	struct tape_filler *filler = context;

	while (!atomic_load(&filler->stop) && make_piece(filler))
		;
	return NULL;
}

void tape_filler_start(struct tape_filler *filler, struct tape_writer *writer,
		       uint64_t position)
{
	tape_filler_stop(filler);
	if (atomic_load(&writer->filled) == TAPE_FILLED)
		return;
	filler->writer = writer;
	filler->end = position + writer->frames;
	atomic_store(&filler->stop, false);
	filler->running = pthread_create(&filler->thread, NULL, filler_thread,
					 filler) == 0;
	if (!filler->running)
		filler_thread(filler);
}

/* The ring has been gone round once when it comes to where this began. */
void tape_filler_go_on(struct tape_filler *filler, struct tape_writer *writer)
{
	uint64_t ahead =
		TAPE_AHEAD_SECONDS * (uint64_t)writer->header->facts.rate;

	if (ahead > writer->frames)
		ahead = writer->frames;
	tape_pages_make(writer, writer->captured, ahead);
	atomic_store(&writer->filled, writer->captured + ahead);
	tape_filler_start(filler, writer, writer->captured);
}

void tape_filler_stop(struct tape_filler *filler)
{
	if (!filler->running)
		return;
	atomic_store(&filler->stop, true);
	pthread_join(filler->thread, NULL);
	filler->running = false;
}
