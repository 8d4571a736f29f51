/*
 * flac_check: is this track file whole, and if not, how much of it is?
 *
 * The strict reading: libFLAC decodes frame after frame from the first one, and
 * a frame counts only if it begins where the one before it ended, carries the
 * next number, has the format of STREAMINFO, and decodes with its CRCs right.
 * What comes after the first frame that does not is never taken for sound of
 * this take, whatever it looks like: cards recycle blocks, and FLAC frames do
 * not say whose they are. The result is the valid prefix: so many samples, so
 * many bytes. A take is gone on with, or healed, from there.
 *
 * How long the take should be comes from STREAMINFO. In a finished file (and in
 * any file that is not Takebox's) its sample count is the end: frames behind it
 * are trailing bytes. In a running file it is what was durable, and whole
 * frames behind it count too.
 *
 * Blocking, for minutes on long files; memory is bounded (some frames). Any
 * thread; nothing is written. Errors are negative errno: of opening and
 * reading, -ENOMEM, -ECANCELED if the caller's function said so. A damaged file
 * is not an error but a verdict.
 */
#ifndef TAKEBOX_FLAC_CHECK_H
#define TAKEBOX_FLAC_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "take/flac_format.h"
#include "take/md5_lanes.h"

enum flac_verdict {
	FLAC_WHOLE,   /* all samples there, MD5 right (or none stored) */
	FLAC_CUT,     /* a valid prefix, nothing whole of this take behind it:
			 still running, interrupted, or cut off */
	FLAC_DAMAGED, /* a valid prefix, then damage, then more of this take; or
			 the MD5 is wrong; or the head is broken */
	FLAC_NOT      /* not a FLAC file, or no word of its head can be read */
};

struct flac_check {
	enum flac_verdict verdict;

	/* The head. Filled before the first samples are handed over. */
	struct flac_head head; /* info as stored; checkpoints if running */
	bool takebox;	       /* Takebox wrote the head */
	bool head_damaged;     /* metadata blocks broken; frames were found */
	uint64_t first_frame;  /* its byte */

	/* The valid prefix. */
	uint64_t samples; /* per channel */
	uint64_t frames;
	uint64_t valid_bytes; /* of the file, head included */
	uint64_t trailing;    /* bytes behind them */
	struct md5_state md5; /* of these samples */
	bool md5_known;	      /* STREAMINFO has one */
	bool md5_right;	      /* and it is that of these samples */

	/* The first thing wrong; "" if whole. For people. */
	char error[192];

	/* Damage, for FLAC_DAMAGED: places where frames of this take are
	 * damaged or missing (the first one begins at sample samples, byte
	 * valid_bytes), how many samples in all, and where sound goes on behind
	 * the first (0: nowhere). */
	unsigned faults;
	uint64_t lost;
	uint64_t resumes_at;
};

/* What the caller knows and wants; all zero will do. */
struct flac_check_want {
	/* No frame of this take lies behind that many samples (known from the
	 * ledger, say); 0: not known. */
	uint64_t limit;
	/* Take STREAMINFO's samples for a checkpoint, not the end, in a file
	 * that is not Takebox's too. */
	bool unfinished;
	/* What lies behind the valid prefix is not looked at: FLAC_CUT, be it
	 * damaged or not. */
	bool prefix_only;
	/* The head is lost: take this for STREAMINFO, and the first frame to
	 * lie at first_frame. The file is taken for an unfinished one. */
	const struct flac_streaminfo *info;
	uint64_t first_frame;
	/* Called with the samples of each valid frame: count of them on each of
	 * info.channels planes, from position on. Not 0: stop, -ECANCELED. */
	int (*samples)(void *user, const int32_t *const *planes, unsigned count,
		       uint64_t position);
	void *user;
};

int flac_check_file(const char *path, struct flac_check *result);

/* want may be NULL. */
int flac_check_samples(const char *path, const struct flac_check_want *want,
		       struct flac_check *result);

/* The same on an open file, whose offset is neither used nor moved. */
int flac_check_fd(int fd, const struct flac_check_want *want,
		  struct flac_check *result);

/* Adds count samples on each of info's channels to the MD5 of sound as
 * STREAMINFO has it (RFC 9639, section 8.2). */
void flac_hash(struct md5_state *md5, const struct flac_streaminfo *info,
	       const int32_t *const *planes, unsigned count);

/*
 * Calls tag for each tag in the file, in order; name and value live until it
 * returns. -EINVAL if the file has no readable head or its tags are malformed
 * (those before the fault have been handed over); no tags at all are fine.
 */
int flac_read_tags(const char *path,
		   void (*tag)(void *user, const char *name, const char *value),
		   void *user);

#endif
