/*
 * unhealed: a take as a power cut left it, before anything makes it whole: can
 * a DAW load its tracks? Each file is opened by path and read with libFLAC as
 * it comes, and every sample held against the counter pattern.
 */
#ifndef BENCH_UNHEALED_H
#define BENCH_UNHEALED_H

#include <stdbool.h>
#include <stdint.h>

struct unhealed {
	unsigned tracks; /* files that were looked at */
	uint64_t frames; /* that the head of each claims, and that are right */
	char fault[256]; /* what is wrong; "": nothing */
	bool lacks_end;	 /* the file system has lost that of a faulty file */
};

/* The take of that name below MEDIUM/Takebox, mono tracks of all channels from
 * the first on. base: the device's number of its first frame. */
void unhealed_look(struct unhealed *unhealed, const char *medium,
		   const char *name, unsigned rate, uint64_t base);

#endif
