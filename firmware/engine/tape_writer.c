/*
 * The producer's side of the tape, all of it fit for the real-time thread
 * (set-up is in tape_create.c). The order of stores is the whole matter:
 * reserved goes up, then the samples are written, then published goes up.
 */
#include "engine/tape_writer.h"

#include <string.h>

static void reserve(struct tape_writer *writer, uint64_t position)
{
	if (position <= writer->reserved)
		return;
	writer->reserved = position;
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

uint64_t tape_writer_room(const struct tape_writer *writer)
{
	uint64_t filled =
		atomic_load_explicit(&writer->filled, memory_order_acquire);
	uint64_t spare = writer->header->facts.rate; /* a second */

	if (filled == TAPE_FILLED)
		return UINT64_MAX;
	return filled > writer->captured + spare
		       ? filled - writer->captured - spare
		       : 0;
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

/* Levels of the blocks that [from, to) touches anew, after samples were
 * changed. Clips are left as they were counted: moving sound clips nothing. */
static void measure_again(struct tape_writer *writer, uint64_t from,
			  uint64_t to)
{
	uint64_t block = from - from % TAPE_PEAK_FRAMES;

	for (; block < to; block += TAPE_PEAK_FRAMES) {
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

void tape_writer_measure(struct tape_writer *writer)
{
	measure_again(writer,
		      writer->captured - writer->captured % TAPE_PEAK_FRAMES,
		      writer->captured);
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

/* The same from its beginning: what moves up by nearly a whole ring moves down
 * a little, and would run over itself the other way. */
static void move_round(int32_t *plane, uint64_t ring, uint64_t from,
		       uint64_t to, uint64_t shift)
{
	while (to > from) {
		uint64_t source = from % ring;
		uint64_t target = (from + shift) % ring;
		uint64_t run = to - from;

		run = run < ring - source ? run : ring - source;
		run = run < ring - target ? run : ring - target;
		memmove(plane + target, plane + source, run * sizeof(*plane));
		from += run;
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

void tape_writer_blank(struct tape_writer *writer, uint64_t position,
		       uint64_t frames)
{
	for (unsigned c = 0; c < writer->channels; c++)
		clear(writer->plane[c], writer->frames, position,
		      position + frames);
	measure_again(writer, position, position + frames);
}

/* Where silence goes that belongs about at position. If there is a gap already
 * within reach, that is where things went wrong. */
static uint64_t find_place(const struct tape_writer *writer, uint64_t position,
			   uint64_t uncertainty)
{
	uint64_t low = position > uncertainty ? position - uncertainty : 0;
	uint64_t high = position + uncertainty;

	for (unsigned i = 0; i < writer->pending_count; i++) {
		const struct tape_event *event = &writer->pending[i];
		uint64_t end = event->position + event->frames;

		if (tape_event_is_gap(event->kind) && event->position <= high &&
		    end > low) {
			position = end;
			break;
		}
	}
	/* A gap may be published but for its end. */
	if (position < writer->gap_end)
		position = writer->gap_end;
	if (position < writer->published)
		return writer->published;
	return position < writer->captured ? position : writer->captured;
}

static void move_events(struct tape_writer *writer, uint64_t position,
			uint64_t frames)
{
	for (unsigned i = 0; i < writer->pending_count; i++)
		if (writer->pending[i].position >= position)
			writer->pending[i].position += frames;
}

uint64_t tape_writer_insert(struct tape_writer *writer, uint64_t position,
			    uint64_t uncertainty, uint64_t frames)
{
	uint64_t ring = writer->frames, old_end = writer->captured;
	uint64_t end = old_end + frames;
	uint64_t oldest = end > ring ? end - ring : 0; /* that stays whole */
	uint64_t block = old_end + TAPE_PEAK_FRAMES - 1;

	position = find_place(writer, position, uncertainty);
	move_events(writer, position, frames);
	reserve(writer, end);
	for (unsigned c = 0; c < writer->channels; c++) {
		int32_t *plane = writer->plane[c];

		if (old_end - position + frames % ring <= ring)
			move_up(plane, ring, position, old_end, frames);
		else
			move_round(plane, ring, position, old_end, frames);
		clear(plane, ring, position > oldest ? position : oldest,
		      position + frames);
	}
	for (block -= block % TAPE_PEAK_FRAMES; block < end;
	     block += TAPE_PEAK_FRAMES)
		memset(peak_block(writer, block), 0,
		       writer->channels * sizeof(struct peak));
	writer->captured = end;
	measure_again(writer, position > oldest ? position : oldest, end);
	return position;
}

/* ---- events ---- */

/* One gap may be told of in pieces while it lasts. */
static bool goes_on(const struct tape_event *last,
		    const struct tape_event *event)
{
	return last->kind == event->kind &&
	       last->position + last->frames == event->position;
}

static void hand_over(struct tape_writer *writer,
		      const struct tape_event *event)
{
	struct tape_header *header = writer->header;
	uint64_t index =
		atomic_load_explicit(&header->events, memory_order_relaxed);
	const struct tape_event *last =
		&header->event[(index + TAPE_EVENTS - 1) % TAPE_EVENTS];

	if (tape_event_is_gap(event->kind)) {
		writer->gap_end = event->position + event->frames;
		atomic_fetch_add(&header->gap_frames, event->frames);
		if (index == 0 || !goes_on(last, event))
			atomic_fetch_add(&header->gap_count, 1);
	}
	/* Whoever sees a part of this slot's new content must also see the
	 * count that says that the old one is gone. */
	atomic_thread_fence(memory_order_seq_cst);
	header->event[index % TAPE_EVENTS] = *event;
	atomic_store_explicit(&header->events, index + 1, memory_order_release);
}

static void hand_over_first(struct tape_writer *writer, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		hand_over(writer, &writer->pending[i]);
	writer->pending_count -= count;
	memmove(writer->pending, writer->pending + count,
		writer->pending_count * sizeof(*writer->pending));
}

void tape_writer_event(struct tape_writer *writer,
		       const struct tape_event *event)
{
	unsigned at;

	if (writer->pending_count == TAPE_PENDING)
		hand_over_first(writer, 1);
	at = writer->pending_count++;
	for (; at > 0 && writer->pending[at - 1].position > event->position;
	     at--)
		writer->pending[at] = writer->pending[at - 1];
	writer->pending[at] = *event;
}

void tape_writer_publish(struct tape_writer *writer, uint64_t position)
{
	unsigned count = 0;

	while (count < writer->pending_count &&
	       writer->pending[count].position < position)
		count++;
	if (count > 0)
		hand_over_first(writer, count);
	writer->published = position;
	atomic_store_explicit(&writer->header->published, position,
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
	atomic_store_explicit(&header->line_rate, double_to_bits(line->rate_hz),
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
