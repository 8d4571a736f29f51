/*
 * tape: the last minutes of every channel, in memory that several processes
 * share.
 *
 * A tape is a memfd: a header of facts and atomics, a ring of peaks, and one
 * contiguous ring of signed 32-bit samples per channel (right-justified at
 * header.bits, the layout that libFLAC's encoder takes). One producer (takebox-
 * tape, engine/tape_writer.h) and any number of readers, here, that the
 * producer neither knows nor waits for.
 *
 * Positions count frames since the interface was opened. Position p lies at
 * index p % frames of each ring. A reader takes the published position, reads,
 * and then asks tape_valid whether the producer has meanwhile come round to
 * what it read: a seqlock with the position as its sequence.
 *
 * Events (gaps, unplugs) are numbered from 0 in a ring of their own. Whoever
 * has read the published position P sees all events that concern positions
 * below P: an event is stored before the position that passes it.
 *
 * Readers: any thread, each with a struct tape of its own or a shared one (it
 * is constant after tape_attach). Errors are negative errno.
 */
#ifndef TAKEBOX_TAPE_H
#define TAKEBOX_TAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/deinterleave.h"
#include "engine/posclock.h"

#define TAPE_MAGIC	  "TKBXTAPE"
#define TAPE_VERSION	  1u
#define TAPE_CHANNELS_MAX DEINTERLEAVE_CHANNELS_MAX
#define TAPE_PEAK_FRAMES  256u /* frames under one peak */
#define TAPE_EVENTS	  1024u
#define TAPE_TEXT_MAX	  192u

enum tape_event_kind {
	TAPE_GAP_LATE,	  /* the capture thread came late: exact */
	TAPE_GAP_STOPPED, /* the device stopped; length by its time stamps */
	TAPE_GAP_SILENT,  /* lost without a report; found by the clock */
	TAPE_GAP_ABSENT,  /* the interface was unplugged or dead */
	TAPE_SURPLUS,	  /* more frames came than time allows: noted only */
	TAPE_GAP_DIED,	  /* the producer's process died and is back */
	TAPE_RATE,	  /* the interface went over to another sample rate: the
			     tape ends; frames: the rate in Hz. No gap. */
	TAPE_EVENT_KINDS
};

struct tape_event {
	uint64_t position;    /* first frame of the silence */
	uint64_t frames;      /* its length; 0 where kind has none */
	uint64_t uncertainty; /* +- frames of position; 0: exact */
	int64_t time_ns;      /* CLOCK_MONOTONIC when it was found */
	uint32_t kind;	      /* enum tape_event_kind */
	uint32_t reserved;
};

enum tape_state {
	TAPE_RUNNING,
	TAPE_SILENT, /* open, but no frames come */
	TAPE_ABSENT, /* unplugged or dead; silence runs on in its place */
	TAPE_ENDED,  /* complete: the producer will write no more */
};

/* Facts: written once before the descriptor is handed out. */
struct tape_facts {
	char magic[8];
	uint32_t version;
	uint32_t channels;
	uint32_t rate;		 /* Hz, nominal */
	uint32_t bits;		 /* 16 or 24 */
	uint32_t period, buffer; /* frames, of the device */
	uint32_t realtime;	 /* 1: SCHED_FIFO and locked memory */
	uint32_t clip_run;
	uint64_t frames; /* ring length; a multiple of TAPE_PEAK_FRAMES */
	uint64_t peaks_offset, planes_offset, plane_stride, bytes;
	int64_t opened_ns;	/* CLOCK_MONOTONIC at position 0, about */
	int64_t opened_wall_ns; /* CLOCK_REALTIME then */
	uint8_t id[16];		/* random: which tape this is */
	char format[16];	/* "S32_LE" */
	char device[TAPE_TEXT_MAX];
	char name[TAPE_TEXT_MAX];     /* "Behringer XR18" */
	char identity[TAPE_TEXT_MAX]; /* card id, serial or USB path */
};

struct tape_header {
	struct tape_facts facts;

	_Alignas(64) _Atomic uint64_t published;
	_Atomic uint64_t reserved; /* the producer may be writing up to here */
	_Atomic uint64_t events;   /* how many there have been */
	_Atomic uint64_t gap_frames, gap_count; /* pieces of one gap: once */
	_Atomic int64_t alive_ns; /* when the producer last came round */
	_Atomic uint32_t state;	  /* enum tape_state */

	/* The clock's line, a seqlock: odd while it is written. */
	_Alignas(64) _Atomic uint32_t line_sequence;
	_Atomic int64_t line_position, line_time_ns;
	_Atomic uint64_t line_rate, line_ppm, line_ppm_error; /* doubles */
	_Atomic uint32_t line_locked;

	_Alignas(64) struct tape_event event[TAPE_EVENTS];
};

struct tape {
	const struct tape_header *header; /* NULL: not attached */
	const struct tape_facts *facts;	  /* checked copy-on-attach pointer */
	int fd;				  /* owned */
};

/* Takes fd over (closed on error too). -EPROTO: not a tape (a memfd sealed
 * against shrinking), or of another version; -EINVAL: its facts contradict its
 * size. */
int tape_attach(struct tape *tape, int fd);
void tape_detach(struct tape *tape); /* also of a zeroed one */

/* Everything below it may be read, down to tape_oldest. */
uint64_t tape_published(const struct tape *tape);

/* The first position that is still whole now. */
uint64_t tape_oldest(const struct tape *tape);

/* After reading from position on: was it still whole? */
bool tape_valid(const struct tape *tape, uint64_t position);

/* The samples of channel (0-based) at position; *frames is cut to what lies
 * contiguously. Valid while tape_valid(position). */
const int32_t *tape_samples(const struct tape *tape, unsigned channel,
			    uint64_t position, size_t *frames);

/* Largest level and sum of clips of channel over [from, to), widened to whole
 * TAPE_PEAK_FRAMES blocks. */
struct peak tape_peak(const struct tape *tape, unsigned channel, uint64_t from,
		      uint64_t to);

/* Event number index. -ENOENT: not yet; -EOVERFLOW: overwritten long ago. */
int tape_event(const struct tape *tape, uint64_t index,
	       struct tape_event *event);
uint64_t tape_event_count(const struct tape *tape);

/* The clock's line as published last; rate_hz 0: none yet, or the producer was
 * killed while it wrote one. Never waits for long. */
struct posclock_line tape_line(const struct tape *tape);
enum tape_state tape_state(const struct tape *tape);

/* Is there silence in the place of sound? */
static inline bool tape_event_is_gap(uint32_t kind)
{
	return kind != TAPE_SURPLUS && kind != TAPE_RATE;
}

const char *tape_event_name(uint32_t kind); /* "late", "silent", ... */

#endif
