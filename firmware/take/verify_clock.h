/*
 * verify_clock: does what the ledger says of time fit the frames there are?
 *
 * Each clock entry says how many frames had come by then and how many should
 * have, when that was, and how fast the interface runs. Held against each other
 * and against the length of the take: an entry that claims frames which had not
 * come, a take that is longer or shorter than its last entry, frames that are
 * missing against the time without a gap that names them.
 *
 * Entries of version 0.1 have no uptime; what they have is checked.
 */
#ifndef TAKEBOX_VERIFY_CLOCK_H
#define TAKEBOX_VERIFY_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "take/take_info.h"

/* False: words for what does not fit. */
bool verify_clock(const struct take_info *info, char *words, size_t size);

#endif
