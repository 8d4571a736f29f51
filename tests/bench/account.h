/*
 * account: where every frame that the virtual interface's crystal counted has
 * gone. Takes of the counter pattern are laid on the tapes they came from;
 * then each frame between REC and STOP is in a file, or in a gap that a ledger
 * names, or nobody can account for it.
 *
 * Two ways of counting: a position on the tape, and the device's own number of
 * a frame, which the samples themselves say. Their difference, the offset, is
 * the same wherever nothing was lost without being named.
 */
#ifndef BENCH_ACCOUNT_H
#define BENCH_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Sound without a seam. */
struct run {
	uint64_t at, frames; /* on the tape */
	int64_t device;	     /* number of the first frame */
};

struct loss {
	uint64_t at, frames, uncertainty; /* on the tape */
	char cause[16];
};

/* Grows; finish with list_free. */
struct list {
	void *items;
	unsigned count, room;
	unsigned size; /* of an item */
};

#define LIST(type) ((struct list){.size = sizeof(type)})

void *list_add(struct list *list);
void list_free(struct list *list);

struct tape_story {
	char id[33];
	struct list runs, losses; /* of all takes on it */
};

/* Reads a take into the story of its tape (*stories of struct tape_story) and
 * says on standard output what is wrong with it. Returns the number of faults;
 * a frame that is neither the counter nor named is one. */
uint64_t account_take(struct list *stories, const char *folder);

/* What came of a cause of loss. */
struct cause {
	char name[16];
	unsigned times;
	uint64_t frames, longest;
	uint64_t worst_length; /* by how much the length was wrong */
	uint64_t worst_place;  /* and the place */
};

/* A stretch of the device's frames: [from, to). */
struct stretch {
	int64_t from, to;
};

/* Holds the offset against the losses, and adds what is in a file or named to
 * known (of struct stretch) and to causes (of struct cause). Returns the
 * frames that are where no ledger says. */
uint64_t account_tape(struct tape_story *story, struct list *known,
		      struct list *causes);

/* Frames of wanted that are not known; said on standard output. known is
 * sorted by it. */
uint64_t account_missing(const struct stretch *wanted, struct list *known,
			 const char *words);

#endif
