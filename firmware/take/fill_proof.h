/*
 * fill_proof: may a copy of a take that has lost files give way to the other?
 *
 * What it has still got must be in the other, all of whose files must be sound:
 * that can have lost something else, or have rotted where nobody looks. A file
 * can have lost its end only. So the other's files are decoded from end to end,
 * which takes minutes on long takes; any thread.
 */
#ifndef TAKEBOX_FILL_PROOF_H
#define TAKEBOX_FILL_PROOF_H

#include <stdatomic.h>
#include <stdbool.h>

#include "take/take_info.h"

/* from and old are folders of the two, info is old's. -EBADMSG: it may not;
 * -ECANCELED: stop (may be NULL) was set; -ENOMEM. */
int fill_prove_rest(int from, int old, const struct take_info *info,
		    const atomic_bool *stop);

#endif
