/*
 * tape_writer: the producer's side of the tape.
 *
 * Positions come in two steps. What has been written up to `captured` is still
 * the producer's own: silence can be put into it where a loss is found to have
 * been. What has been published belongs to the readers and never changes until
 * the ring comes round.
 *
 * tape_writer_create, _adopt and _destroy: the supervisor. All else: whoever is
 * the producer just then (the capture thread, or the supervisor while no
 * capture thread runs), in real time: no allocation, no locks, no system calls.
 */
#ifndef TAKEBOX_TAPE_WRITER_H
#define TAKEBOX_TAPE_WRITER_H

#include "engine/tape.h"

#define TAPE_PENDING 64		/* events of what is not yet published */
#define TAPE_FILLED  UINT64_MAX /* all pages are there */

struct tape_writer {
	struct tape_header *header;
	int fd; /* owned; readers get a read-only one (tape_writer_share) */
	unsigned channels;
	uint64_t frames, captured, published, reserved;
	_Atomic uint64_t filled; /* position up to which pages are there */
	struct peak *peaks;
	int32_t *plane[TAPE_CHANNELS_MAX];
	/* In order of position: an insertion may still move them. */
	struct tape_event pending[TAPE_PENDING];
	unsigned pending_count;
	uint64_t gap_end; /* of the last gap that was handed over */
};

/* Bytes that a tape may take now; *all (may be NULL): the machine has. */
uint64_t tape_memory(uint64_t *all);

/* The length of a tape of so many seconds; 0: as many as suit the machine. */
uint64_t tape_ring_frames(double seconds, unsigned channels, unsigned rate);

/* facts: device, name, identity, format, channels, rate, bits, period, buffer,
 * realtime, clip_run and frames are the caller's; the rest is filled in here.
 * All pages are there, but for tape_writer_touch or mlockall to map. -ENOMEM:
 * the tape does not fit into memory. */
int tape_writer_create(struct tape_writer *writer,
		       const struct tape_facts *facts);
void tape_writer_touch(const struct tape_writer *writer);

/* The same, but only those pages are there, mapped, that the first ahead frames
 * go to; the others are for a tape_filler. */
int tape_writer_create_ahead(struct tape_writer *writer,
			     const struct tape_facts *facts, uint64_t ahead);

/*
 * Goes on with the tape behind fd, whose producer is dead, behind the last
 * position that it published; what it had not published is lost. No page is
 * mapped: filled is where it goes on. *line: the clock's as published last;
 * rate_hz 0: none. fd stays the caller's. -EPROTO or -EINVAL: not a tape that
 * can be trusted (tape_attach).
 */
int tape_writer_adopt(struct tape_writer *writer, int fd,
		      struct posclock_line *line);
void tape_writer_destroy(struct tape_writer *writer);

/* A new read-only descriptor of the memfd, for a reader; or negative errno. */
int tape_writer_share(const struct tape_writer *writer);

/*
 * Where the next frames go: index into every plane and the peaks to merge
 * into; *frames is cut so that neither the ring's end nor a peak block is
 * crossed. Readers of what is about to be overwritten are warned first.
 */
struct tape_slot {
	size_t index;
	struct peak *peaks; /* [channels] */
};
struct tape_slot tape_writer_begin(struct tape_writer *writer, size_t *frames);
void tape_writer_end(struct tape_writer *writer, size_t frames);

/* Frames that may be captured now without coming near a page that is not
 * there: what then may still be inserted has its pages, too. */
uint64_t tape_writer_room(const struct tape_writer *writer);

/* Levels of the block under way, from what of it is captured. */
void tape_writer_measure(struct tape_writer *writer);

/* Silence at the end. */
void tape_writer_silence(struct tape_writer *writer, uint64_t frames);

/* Silence in place of frames that were captured from position on (from the
 * published one on). */
void tape_writer_blank(struct tape_writer *writer, uint64_t position,
		       uint64_t frames);

/*
 * frames of silence at position, more or less by uncertainty; what lies behind
 * moves on, with its events. Where a gap is there already the silence goes
 * behind it, and never where it is published. Returns where it went. What is
 * not published must not be longer than half of the ring.
 */
uint64_t tape_writer_insert(struct tape_writer *writer, uint64_t position,
			    uint64_t uncertainty, uint64_t frames);

/* Hands everything below position (<= captured) to the readers, and the events
 * that lie there. */
void tape_writer_publish(struct tape_writer *writer, uint64_t position);

/* An event, kept until its position is published; then counted among the gaps
 * if its kind is one and it does not merely go on with the last one. */
void tape_writer_event(struct tape_writer *writer,
		       const struct tape_event *event);

void tape_writer_line(struct tape_writer *writer,
		      const struct posclock_line *line);
void tape_writer_state(struct tape_writer *writer, enum tape_state state);
void tape_writer_alive(struct tape_writer *writer, int64_t now_ns);

#endif
