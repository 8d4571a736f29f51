/*
 * takes: what a medium has to hold after a power cut. Every sample of every
 * track is held against the counter pattern of the virtual interface, so that
 * nothing of Takebox but its FLAC decoding judges Takebox.
 */
#ifndef BENCH_TAKES_H
#define BENCH_TAKES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TAKES_MAX 256

/* The fault of a take whose ledger says that it is damaged. */
#define TAKES_DAMAGED "the ledger tells of damage"

struct one_take {
	char name[64];
	uint64_t frames;
	uint64_t base;	 /* the device's number of its first frame */
	uint32_t crc;	 /* of all files, names included */
	unsigned tracks; /* that have files */
	unsigned gaps;
	bool healed;	 /* its recorder died */
	bool whole;	 /* take.json is there, every track is right */
	char fault[256]; /* what is wrong; "": nothing */
};

struct takes {
	struct one_take take[TAKES_MAX];
	unsigned count;
};

/* All takes below MEDIUM/Takebox. crc_only: takes whose names are in it are not
 * decoded if their files are, byte for byte, what they were (NULL: none). */
void takes_look(struct takes *takes, const char *medium,
		const struct takes *known);

const struct one_take *takes_find(const struct takes *takes, const char *name);

/* A file with a line for each. */
void takes_write(const struct takes *takes, FILE *file);
void takes_read(struct takes *takes, const char *path);

#endif
