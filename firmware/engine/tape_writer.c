/*
 * The producer's side of the tape, all of it fit for the real-time thread
 * (set-up is in tape_create.c). The order of stores is the whole matter:
 * reserved goes up, then the samples are written, then published goes up.
 */
#include "engine/tape_writer.h"

#include <string.h>

static void reserve(struct tape_writer *writer, uint64_t position)
{
	atomic_store_explicit(&writer->header->reserved, position,
			      memory_order_relaxed);
	/* No sample may be written before readers can know of it. */
	atomic_thread_fence(memory_order_seq_cst);
}

static struct peak *peak_block(struct tape_writer *writer, uint64_t position)
{
	uint64_t blocks = writer->frames / TAPE_PEAK_FRAMES;

	return &writer->peaks[position / TAPE_PEAK_FRAMES % blocks *
			      writer->channels];
}

struct tape_slot tape_writer_begin(struct tape_writer *writer, size_t *frames)
{
	uint64_t offset = writer->captured % TAPE_PEAK_FRAMES;
	struct tape_slot slot = {
		.index = writer->captured % writer->frames,
		.peaks = peak_block(writer, writer->captured),
	};

	if (*frames > TAPE_PEAK_FRAMES - offset)
		*frames = TAPE_PEAK_FRAMES - offset;
	reserve(writer, writer->captured + *frames);
	if (offset == 0)
		memset(slot.peaks, 0, writer->channels * sizeof(struct peak));
	return slot;
}

void tape_writer_end(struct tape_writer *writer, size_t frames)
{
	writer->captured += frames;
}

void tape_writer_silence(struct tape_writer *writer, uint64_t frames)
{
	while (frames > 0) {
		size_t part = frames < TAPE_PEAK_FRAMES ? (size_t)frames
							: TAPE_PEAK_FRAMES;
		struct tape_slot slot = tape_writer_begin(writer, &part);

		for (unsigned c = 0; c < writer->channels; c++)
			memset(writer->plane[c] + slot.index, 0,
			       part * sizeof(int32_t));
		tape_writer_end(writer, part);
		frames -= part;
	}
}

/* Levels of [from, captured) anew, after samples were moved. Clips are left as
 * they were counted: moving sound clips nothing. */
static void measure_again(struct tape_writer *writer, uint64_t from)
{
	uint64_t block = from - from % TAPE_PEAK_FRAMES;

	for (; block < writer->captured; block += TAPE_PEAK_FRAMES) {
		struct peak *peaks = peak_block(writer, block);
		size_t index = block % writer->frames;
		uint64_t left = writer->captured - block;
		size_t count = left < TAPE_PEAK_FRAMES ? (size_t)left
						       : TAPE_PEAK_FRAMES;

		for (unsigned c = 0; c < writer->channels; c++) {
			const int32_t *sample = writer->plane[c] + index;
			uint32_t level = 0;

			for (size_t i = 0; i < count; i++) {
				uint32_t size = sample[i] < 0
							? -(uint32_t)sample[i]
							: (uint32_t)sample[i];

				level = size > level ? size : level;
			}
			peaks[c].level = level;
		}
	}
}

void tape_writer_blank(struct tape_writer *writer, uint64_t position)
{
	uint64_t frames = writer->captured - position;
	struct peak *peaks = peak_block(writer, position);

	writer->captured = position;
	/* The begin of a block that is gone on with keeps its peaks. */
	if (position % TAPE_PEAK_FRAMES == 0)
		memset(peaks, 0, writer->channels * sizeof(*peaks));
	tape_writer_silence(writer, frames);
	measure_again(writer, position);
}

/* One plane: [from, to) moves up by shift, piece by piece from its end, since
 * the ring's end may lie anywhere in between. */
static void move_up(int32_t *plane, uint64_t ring, uint64_t from, uint64_t to,
		    uint64_t shift)
{
	while (to > from) {
		uint64_t source_end = (to - 1) % ring + 1;
		uint64_t target_end = (to + shift - 1) % ring + 1;
		uint64_t run = to - from;

		run = run < source_end ? run : source_end;
		run = run < target_end ? run : target_end;
		memmove(plane + target_end - run, plane + source_end - run,
			run * sizeof(*plane));
		to -= run;
	}
}

static void clear(int32_t *plane, uint64_t ring, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t index = from % ring;
		uint64_t run = to - from;

		run = run < ring - index ? run : ring - index;
		memset(plane + index, 0, run * sizeof(*plane));
		from += run;
	}
}

void tape_writer_insert(struct tape_writer *writer, uint64_t position,
			uint64_t frames)
{
	uint64_t end = writer->captured;

	reserve(writer, end + frames);
	for (unsigned c = 0; c < writer->channels; c++) {
		move_up(writer->plane[c], writer->frames, position, end,
			frames);
		clear(writer->plane[c], writer->frames, position,
		      position + frames);
	}
	for (uint64_t block = (end + TAPE_PEAK_FRAMES - 1) / TAPE_PEAK_FRAMES;
	     block * TAPE_PEAK_FRAMES < end + frames; block++)
		memset(peak_block(writer, block * TAPE_PEAK_FRAMES), 0,
		       writer->channels * sizeof(struct peak));
	writer->captured = end + frames;
	measure_again(writer, position);
}

void tape_writer_publish(struct tape_writer *writer, uint64_t position)
{
	writer->published = position;
	atomic_store_explicit(&writer->header->published, position,
			      memory_order_release);
}

void tape_writer_event(struct tape_writer *writer,
		       const struct tape_event *event)
{
	struct tape_header *header = writer->header;
	uint64_t index = atomic_load_explicit(&header->events,
					      memory_order_relaxed);

	header->event[index % TAPE_EVENTS] = *event;
	if (event->kind != TAPE_SURPLUS) {
		atomic_fetch_add(&header->gap_frames, event->frames);
		atomic_fetch_add(&header->gap_count, 1);
	}
	atomic_store_explicit(&header->events, index + 1,
			      memory_order_release);
}

static uint64_t double_to_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

void tape_writer_line(struct tape_writer *writer,
		      const struct posclock_line *line)
{
	struct tape_header *header = writer->header;
	uint32_t sequence = atomic_load_explicit(&header->line_sequence,
						 memory_order_relaxed);

	atomic_store_explicit(&header->line_sequence, sequence + 1,
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&header->line_position, line->position,
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_time_ns, line->time_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_rate,
			      double_to_bits(line->rate_hz),
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_ppm, double_to_bits(line->ppm),
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_ppm_error,
			      double_to_bits(line->ppm_error),
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_locked, line->locked,
			      memory_order_relaxed);
	atomic_store_explicit(&header->line_sequence, sequence + 2,
			      memory_order_release);
}

void tape_writer_state(struct tape_writer *writer, enum tape_state state)
{
	atomic_store_explicit(&writer->header->state, state,
			      memory_order_release);
}

void tape_writer_alive(struct tape_writer *writer, int64_t now_ns)
{
	atomic_store_explicit(&writer->header->alive_ns, now_ns,
			      memory_order_relaxed);
}
