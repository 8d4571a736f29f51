/*
 * verify_json: take.json is the ledger in the words that other programs read.
 * It must not tell them another story.
 */
#ifndef TAKEBOX_VERIFY_JSON_H
#define TAKEBOX_VERIFY_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "take/take_info.h"

/* Of an ended take. False: words say where take.json in folder is another one
 * than the ledger makes. One that is missing, or no JSON at all, is no
 * contradiction: a heal makes it (FORMAT.md). Members that the ledger does not
 * make are somebody else's. */
bool verify_json(const struct take_info *info, const char *folder, char *words,
		 size_t size);

#endif
