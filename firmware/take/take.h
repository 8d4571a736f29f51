/*
 * take: one take on one medium, from REC to its last byte.
 *
 * A take is a range of positions on the tape and a thread that turns it into
 * files: it encodes what has been published since its last round, writes it,
 * syncs it once per interval, and keeps one number, the position up to which a
 * covering sync has returned. Whatever goes wrong, it goes on from that number
 * and reads the tape again. The sound is buffered nowhere else.
 *
 * Threads: all functions below are for the main thread; the writer's thread is
 * the take's own. struct take is created by take_start or take_resume and
 * freed by take_destroy.
 */
#ifndef TAKEBOX_TAKE_H
#define TAKEBOX_TAKE_H

#include <stdbool.h>

#include "engine/tape.h"
#include "take/storage.h"
#include "take/take_info.h"
#include "take/wall.h"

#define TAKE_FOREVER UINT64_MAX

enum take_state {
	TAKE_STARTING,	/* folders and files are being made and synced */
	TAKE_RECORDING, /* what is played is being kept */
	TAKE_FINISHING, /* stopped; the last frames, tags and sidecars */
	TAKE_DONE,
	TAKE_FAILED, /* ended by the medium; what was synced is whole */
};

struct take_plan;

/* Makes the take's folder: dir, parents and max_file_bytes of the plan, session
 * and name of info. On the take's own thread, since the medium can keep it
 * waiting; 0 or a negative errno. */
typedef int (*take_prepare_fn)(void *context, struct take_plan *plan,
			       struct take_info *info);

struct take_plan {
	const struct storage *storage;
	const struct tape *tape; /* attached anew by the take */
	int dir;		 /* the take's folder; owned by the take,
				    also when it cannot be started; -1 with
				    prepare */
	int parents[3]; /* folders above it, to be synced; owned; -1: none */
	const struct take_info *info; /* its "start" fields; copied; for a
					 resume NULL: the ledger has them */
	double sync_seconds;
	unsigned workers; /* encoding threads, the writer's included; 0: cores
			     less one, at least one */
	uint64_t max_file_bytes; /* 0: no limit */
	uint64_t stop;		 /* tape position; TAKE_FOREVER: by command */
	const char *reason;	 /* of that stop; NULL: "end" */
	take_prepare_fn prepare; /* NULL: dir is there */
	void *context;		 /* its; not touched after that */
	json_t *note; /* an entry for the ledger right behind "start", such as
			 where it comes from; copied; NULL: none */
	bool asks_for_link;  /* take_link is called once the medium has ended
				it, or a heal: its ledger is to say where it
				goes on */
	double link_seconds; /* that the writer waits for it; 0: three */
	bool waits; /* nothing is encoded before take_go, and of a new one
		       nothing made: what was asked for before is to be told
		       first, and the take to be written down */
};

struct take;

/* Returns at once; the thread makes the files (take_status tells). -EBUSY:
 * somebody, in this process or another, is writing this take. */
int take_start(struct take **take, const struct take_plan *plan);

/*
 * Goes on with an interrupted take. tape NULL, or another tape than the take
 * was on: the take is finished as it is on the medium.
 */
int take_resume(struct take **take, const struct take_plan *plan);

/* Of a plan that waits: all is told that it has to begin with. */
void take_go(struct take *take);

/* Waits for the thread: stop it first. NULL allowed. */
void take_destroy(struct take *take);

/* position: on the tape; what is encoded already stays. A further stop counts
 * only if it is earlier. reason: "stop", ... */
void take_stop(struct take *take, uint64_t position, const char *reason);

/* The same, where frames more were played that the tape will never have. */
void take_stop_short(struct take *take, uint64_t position, uint64_t frames,
		     const char *reason);

/* Takes effect at a block's border near position: arming not later, disarming
 * not earlier, unless that is encoded already: then at once. Ignored: a number
 * that no track has, and what the track is already. -EAGAIN: too many commands
 * wait already. */
int take_arm(struct take *take, unsigned number, bool on, uint64_t position);
int take_mark(struct take *take, uint64_t position, const char *name);

/* Where the take goes on after its medium has ended it (an entry for its
 * ledger, stolen; NULL: nowhere). The writer waits a while for it. */
void take_link(struct take *take, json_t *entry);

struct take_status {
	enum take_state state;
	bool prepared;	  /* it has its folder and its name */
	bool begun;	  /* and a ledger that says what it is; of a resume:
			     and it is known how far it is durable */
	uint64_t start;	  /* tape position of the first frame */
	uint64_t encoded; /* frames in the take */
	uint64_t durable; /* of them, synced */
	uint64_t bytes;	  /* of all files */
	uint64_t gap_count, gap_frames;
	unsigned markers, files;
	unsigned level, level_wanted; /* of compression */
	uint64_t end;	     /* in frames, once it is finishing, before that
				TAKE_FOREVER: from there on others have to go on
				if error is set */
	uint64_t free_bytes; /* on the medium, when last asked */
	uint64_t silence;    /* grows while it is made for a track that is armed
				late, and nothing else does */
	int64_t worst_sync_ns;
	struct pause pause; /* before it, if it goes on after a power cut */
	int error; /* why the medium ended it (-ENOSPC: it is full); 0 */
	char reason[TAKE_TEXT_MAX];
};

void take_get_status(struct take *take, struct take_status *status);

/* Readable (eventfd) when the state has changed; never read by others. */
int take_fd(const struct take *take);

/* Once TAKE_DONE or TAKE_FAILED: what it came to, until take_destroy. */
const struct take_info *take_result(const struct take *take);

#endif
