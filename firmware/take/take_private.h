/*
 * What the files of the take's writer share.
 *
 *   take.c           the thread and its rounds
 *   take_commands.c  what the main thread asks for
 *   take_slice.c     how far to encode next, and what has been lost
 *   take_pace.c      at which level
 *   take_round.c     encoding and hashing, on all cores
 *   take_levels.c    peaks and clips
 *   take_notes.c     what goes into the ledger meanwhile
 *   take_files.c     files and syncs
 *   take_silence.c   files of tracks that are armed late
 *   take_parts.c     going on in further files
 *   take_room.c      what room is left on the medium, and who goes on without
 *   take_finish.c    the end
 *   take_resume.c    going on with one that was torn off
 *   take_rebuild.c   a ledger that was lost, from the files
 *   take_mend.c      files that are not what the others say they must be
 *   take_forgotten.c what the ledger cannot have had from the beginning
 */
#ifndef TAKEBOX_TAKE_PRIVATE_H
#define TAKEBOX_TAKE_PRIVATE_H

#include <pthread.h>

#include "take/ledger.h"
#include "take/md5_zeros.h"
#include "take/pace.h"
#include "take/pool.h"
#include "take/syncers.h"
#include "take/take.h"
#include "take/track.h"

#define TAKE_COMMANDS_MAX 256

struct take_command {
	enum { COMMAND_ARM, COMMAND_MARK } kind;
	uint64_t position; /* on the tape */
	unsigned number;
	bool on;
	bool noted; /* in the ledger already: done again after a resume */
	char name[64];
};

struct take_level {
	uint32_t peak, clips;
};

struct take {
	struct take_plan plan;
	struct tape tape; /* header NULL: none */
	struct take_info info;
	struct ledger ledger;
	struct pool *pool; /* encodes */
	struct syncers *syncers;
	struct pace pace;
	struct md5_zeros zeros; /* of files that are not there yet */

	/* Parallel to info.track. live: sounds (not silence) go in. */
	struct track track[TAKE_TRACKS_MAX];
	bool open[TAKE_TRACKS_MAX], live[TAKE_TRACKS_MAX];

	/* What the track came to in whole frames, in the block that is still
	 * in the encoder, and up to durable. */
	struct {
		struct take_level whole, tail, safe;
	} level[TAKE_TRACKS_MAX];

	unsigned part;	       /* 0-based */
	uint64_t part_start;   /* all in frames of the take: */
	uint64_t fed;	       /* into the encoders, and hashed */
	uint64_t durable;      /* each open file has a checkpoint there */
	uint64_t closed_bytes; /* of earlier parts */
	uint64_t limit;	       /* where it ends; TAKE_FOREVER: not known yet */
	uint64_t event;	       /* next of the tape's to be looked at */
	int64_t due_ns;	       /* since then a sync is due; 0: none is */
	int64_t slice_ns;      /* when the tape was last looked at */
	int64_t sync_ns;       /* likewise, for what the last sync covers */
	int64_t took_ns;       /* from then until it was safe */
	int64_t clocked_ns;
	bool resumed;
	bool begun;	 /* ledger and files are in step: it can be closed up */
	bool known;	 /* how far it is durable, though it is not begun */
	bool stop_noted; /* with the limit as it is */
	bool cut;	 /* nothing more can be fed: only closed up */
	bool drained;	 /* nor is anything left in the encoders */
	int refused;	 /* why the medium ends the take; 0: it does not */
	int64_t worst_sync_ns;
	bool left[TAKE_TRACKS_MAX]; /* in this part; damaged, not touched */
	char cause[TAKE_TEXT_MAX];  /* of the limit */
	int worker_error;

	/* One round's work, for the pool. */
	struct {
		uint64_t from, to;
		bool silent, drain;
		unsigned count, index[TAKE_TRACKS_MAX], group;
	} round;

	pthread_t thread;
	bool started;
	int wake_fd;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	struct take_command command[TAKE_COMMANDS_MAX];
	unsigned commands;
	bool asked;	  /* for something since the last rest */
	bool waits;	  /* for take_go */
	uint64_t stop;	  /* tape position */
	uint64_t missing; /* frames behind it */
	char reason[TAKE_TEXT_MAX];
	bool linked; /* it is known where the take goes on, or that it does
			not */
	json_t *link;
	json_t *behind; /* clocks, whole, behind where the ledger is torn */
	struct take_status status;
};

static inline uint64_t take_whole_blocks(uint64_t frames)
{
	return frames / ENCODER_BLOCK * ENCODER_BLOCK;
}

/* Up to where frames have come out of the encoders once those below to have
 * been fed: the last block waits for its successor. */
static inline uint64_t take_whole_frames(const struct take *take, uint64_t to,
					 bool drained)
{
	uint64_t start = take->part_start;

	return drained || to == start
		       ? to
		       : start + take_whole_blocks(to - start - 1);
}

/* take.c */
void take_set_state(struct take *take, enum take_state state, int error);
bool take_fits_tape(const struct take *take);

/* take_commands.c */
int take_apply_commands(struct take *take);
int take_apply_last_marks(struct take *take);
/* Whose arming was put off to the end; what else is asked for is dropped. */
int take_note_unarmed(struct take *take);
uint64_t take_next_border(struct take *take); /* at which an arming waits */
int take_look_for_stop(struct take *take);
void take_replay_arms(struct take *take);

/* take_slice.c */
int take_encode_slice(struct take *take); /* 1: did; 0: nothing to do yet */
int64_t take_next_sync(const struct take *take); /* when it is due */
uint64_t take_available(
	const struct take *take); /* frames on the tape so far */
/* So much waits on the tape that the tracks can wait for nothing else. */
bool take_has_to_go_on(const struct take *take);

/* take_pace.c */
int take_encode_paced(struct take *take, uint64_t to, bool drain);
unsigned take_level(const struct take *take); /* of the encoders, now */

/* take_round.c */
int take_encode(struct take *take, uint64_t to, bool silent, bool drain);
void take_give_back(void); /* what drained encoders had, to the kernel */

/* take_levels.c */
void take_measure(struct take *take, uint64_t from, uint64_t to, uint64_t whole,
		  bool silent);
void take_levels_are_safe(struct take *take);
void take_levels_back(struct take *take); /* to what is safe */
void take_levels_resume(struct take *take);
int take_note_levels(struct take *take);

/* take_notes.c */
int take_note(struct take *take, json_t *entry); /* ledger and info; steals */
int take_note_start(struct take *take);
int take_note_events(struct take *take);
int take_note_clock(struct take *take);
int take_note_last_clock(struct take *take);
int take_note_stop(struct take *take);
int take_note_end(struct take *take);
void take_first_event(struct take *take);

/* take_files.c */
int take_make_files(struct take *take); /* of the part */
/* Keeps a pointer to name, which it makes. */
struct track_setup take_track_setup(const struct take *take, unsigned index,
				    unsigned part, char name[TAKE_FILE_MAX]);
int take_create_file(struct take *take, unsigned index, unsigned part);
int take_flush(struct take *take);
int take_sync(struct take *take);	/* and checkpoint */
int take_sync_files(struct take *take); /* flush and sync only */
/* All files of the part, drained. end: of it; UINT64_MAX: the take's. */
int take_tag(struct take *take, uint64_t end);
int take_seal(struct take *take); /* likewise; tagged and synced before */
int take_finish_file(struct take *take, unsigned index, unsigned part);
uint64_t take_bytes(const struct take *take);
uint64_t take_encoded(const struct take *take); /* whole frames, in step */

/* take_silence.c */
int take_add_file(struct take *take, unsigned index); /* armed late */
/* Silence in place of what is missing; what has sound in it stays. */
int take_remake_file(struct take *take, unsigned index); /* each part's */
int take_remake_part(struct take *take, unsigned index, unsigned part);
int take_feed_silence(struct take *take, unsigned index, uint64_t count);
/* A little of the work that take_add_file would have. True: all of it is done,
 * as the take stands. */
bool take_foresee_silence(struct take *take);
/* Can the track's files be made in no time? */
bool take_silence_is_known(const struct take *take, unsigned index);
void take_learn_silence(struct take *take, unsigned index); /* some of it */

/* take_room.c */
/* Before bytes are written: ends the take while there is room for its end. */
int take_look_for_room(struct take *take);
void take_wait_for_link(struct take *take);
int take_note_link(struct take *take);

/* take_parts.c */
bool take_part_is_full(const struct take *take, uint64_t to);
int take_next_part(struct take *take);
int take_drop_empty_part(struct take *take);
void take_measure_parts(struct take *take); /* those before this one */

/* take_finish.c */
const char *take_reason_of(int error);
int take_make_safe(struct take *take);
int take_finish(struct take *take);
void take_salvage(struct take *take, int error);
int take_write_sidecars(struct take *take);
int take_write_labels(struct take *take);

/* take_resume.c */
struct take_found { /* what there is of a part's files */
	struct track_state state[TAKE_TRACKS_MAX];
	bool missing[TAKE_TRACKS_MAX]; /* or not so much as a head */
};
int take_reopen(struct take *take);
/* The tape that it was recorded from is there: nothing is lost yet. */
bool take_has_its_tape(const struct take *take);
int take_inspect(struct take *take, unsigned part, struct take_found *found);
bool take_can_be_made(const struct take *take, const struct take_found *found,
		      unsigned index, unsigned part, uint64_t at);
int take_resume_file(struct take *take, unsigned index, unsigned part,
		     uint64_t at);

/* take_rebuild.c */
int take_rebuild_ledger(struct take *take);
int take_adopt_files(struct take *take); /* that the ledger does not know */

/* take_forgotten.c */
int take_look_behind(struct take *take); /* before the ledger is opened */
/* claimed by the files, and to go on from; both frames of the take. */
int take_note_forgotten(struct take *take, uint64_t claimed, uint64_t length);

/* take_mend.c */
/* Brings each file of a part that falls short of what the others have to their
 * length (of the part; 0: by what they claim) with silence, and notes it. */
int take_mend(struct take *take, unsigned part, uint64_t length);

#endif
