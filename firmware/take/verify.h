/*
 * verify: is a take on a medium what its ledger says it is?
 *
 * Decodes every file, and holds against the ledger: MD5 and frame CRCs, equal
 * lengths of all tracks, silence in every gap, the peak of every track, frames
 * received against frames expected over time, the ledger's own checksums and
 * order. Reads only. Blocking, for as long as it
 * takes to decode the take. Any thread.
 */
#ifndef TAKEBOX_VERIFY_H
#define TAKEBOX_VERIFY_H

#include <stdbool.h>

#include "take/flac_check.h"
#include "take/take_info.h"

enum verify_verdict {
	VERIFY_COMPLETE, /* every sample from the first frame to the last */
	VERIFY_GAPS,	 /* whole, with gaps that the ledger names */
	VERIFY_OPEN,	 /* still running, or interrupted and not yet healed */
	VERIFY_DAMAGED,
};

/* Called for each file when it has been decoded, and (track NULL) for what is
 * wrong with the take as a whole. problem: words, or "" if all is well. */
typedef void (*verify_fn)(void *context, const struct take_track *track,
			  const char *file, const struct flac_check *check,
			  const char *problem);

struct verify_result {
	enum verify_verdict verdict;
	struct take_info info; /* for the caller to take_info_finish */
	unsigned files, problems;
};

/* folder: of the take. 0, or a negative errno if it is none (-ENOENT: no
 * ledger there; -ENODATA: of a take that was never begun). */
int verify_take(const char *folder, verify_fn fn, void *context,
		struct verify_result *result);

const char *verify_word(enum verify_verdict verdict);

#endif
