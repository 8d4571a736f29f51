/* What the files of the take's writer share: take.c (thread and rounds),
 * take_files.c (files and syncs), take_finish.c (the end), take_resume.c. */
#ifndef TAKEBOX_TAKE_PRIVATE_H
#define TAKEBOX_TAKE_PRIVATE_H

#include <pthread.h>

#include "take/ledger.h"
#include "take/pool.h"
#include "take/take.h"
#include "take/track.h"

#define TAKE_COMMANDS_MAX 256

struct take_command {
	enum { COMMAND_ARM, COMMAND_MARK } kind;
	uint64_t at; /* frames in the take */
	unsigned number;
	bool on;
	bool noted; /* in the ledger already: done again after a resume */
	char name[64];
};

struct take {
	struct take_plan plan;
	struct tape tape; /* header NULL: none */
	struct take_info info;
	struct ledger ledger;
	struct pool *pool;

	/* Parallel to info.track. live: sounds (not silence) go in. */
	struct track track[TAKE_TRACKS_MAX];
	bool open[TAKE_TRACKS_MAX], live[TAKE_TRACKS_MAX];
	bool started_armed[TAKE_TRACKS_MAX]; /* by the start entry */

	unsigned part;	     /* 0-based */
	uint64_t part_start; /* all in frames of the take: */
	uint64_t fed;	     /* into the encoders, and hashed */
	uint64_t durable;
	uint64_t closed_bytes; /* of earlier parts */
	uint64_t limit; /* where it ends; TAKE_FOREVER: not known yet */
	uint64_t event; /* next of the tape's to be looked at */
	int64_t synced_ns, clocked_ns;
	bool resumed, stop_noted;
	bool cut;      /* nothing more can be fed: only closed up */
	bool had_ended; /* a resume found nothing but sidecars to write */
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
	uint64_t stop; /* tape position */
	char reason[TAKE_TEXT_MAX];
	struct take_status status;
};

/* take.c */
void take_set_state(struct take *take, enum take_state state, int error);
int take_note(struct take *take, json_t *entry); /* ledger and info; steals */

/* take_round.c */
int take_encode(struct take *take, uint64_t to, bool silent, bool drain);

/* take_files.c */
int take_make_files(struct take *take); /* of the part under way */
int take_add_file(struct take *take, unsigned index); /* armed late */
int take_flush(struct take *take);
int take_sync(struct take *take);	/* and checkpoint */
int take_sync_files(struct take *take); /* flush and sync only */
int take_seal(struct take *take);	/* all files of the part */
int take_next_part(struct take *take);
int take_seal_file(struct take *take, unsigned index, unsigned part);
bool take_part_is_full(const struct take *take, uint64_t to);
uint64_t take_bytes(const struct take *take);

/* take_finish.c */
int take_finish(struct take *take);
void take_salvage(struct take *take, int error);
int take_write_sidecars(struct take *take);
int take_write_labels(struct take *take);

/* take_resume.c */
int take_reopen(struct take *take);

#endif
