/*
 * ledger: the record of a take, appended while it runs (take.ledger).
 *
 * One line per entry: eight hexadecimal digits, the CRC-32 of the rest of the
 * line without its newline; a space; a JSON object with "n" (0, 1, 2, ...) and
 * "type". Lines are only ever appended, so that no power cut can take back
 * what was synced: a torn or missing tail ends the ledger, nothing else.
 * FORMAT.md lists the types.
 *
 * Thread: the writer's (a struct ledger); reading: any.
 */
#ifndef TAKEBOX_LEDGER_H
#define TAKEBOX_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "take/storage.h"

#define LEDGER_NAME "take.ledger"
/* Its copy while it is made anew, where its end can neither be read nor
 * written. If it has more whole entries, or the other one cannot be read, it is
 * the ledger. */
#define LEDGER_COPY ".take.ledger"

struct ledger {
	const struct storage *storage;
	int file; /* -1: closed */
	uint64_t size;
	uint64_t next; /* number of the next entry */
	bool dirty;
	bool torn; /* what is behind size is to be cut off */
};

int ledger_create(struct ledger *ledger, const struct storage *storage,
		  int dir);

/* Opens an existing one to go on behind its last whole entry. (A torn tail is
 * cut off when the next entry stands in its place, since it may tell something;
 * if it cannot be read, a copy without it takes the ledger's place.)
 * Each entry is given to fn first; fn may be NULL. */
typedef int (*ledger_fn)(void *context, const json_t *entry);
int ledger_resume(struct ledger *ledger, const struct storage *storage, int dir,
		  ledger_fn fn, void *context);

/* What is read next of it is what the medium has: storage.h. */
void ledger_forget(const struct storage *storage, int dir);

/* Appends entry (a JSON object; its "n" is set here; ownership is not taken).
 * Durable only after ledger_sync. */
int ledger_append(struct ledger *ledger, json_t *entry);
int ledger_sync(struct ledger *ledger);
int ledger_cut(struct ledger *ledger); /* a torn tail, with no entry to come */
void ledger_close(struct ledger *ledger);

/* Parses text (size bytes): each whole entry to fn, in order. Returns the
 * number of bytes that whole entries take, or what fn returned if negative. */
int64_t ledger_parse(const char *text, size_t size, ledger_fn fn,
		     void *context);

/* Reads the ledger in dir. -ENOENT: there is none. *torn (may be NULL): bytes
 * behind the last whole entry. */
int ledger_read(int dir, ledger_fn fn, void *context, uint64_t *torn);

/* Each entry that is whole behind the place where the ledger ends because it is
 * torn there. (Of what no sync covers a power cut can leave any sectors.) */
int ledger_read_behind(int dir, ledger_fn fn, void *context);

#endif
