/*
 * names: what files and folders are called, and that no name is given twice.
 *
 * People name tracks, takes and sessions as they like, in UTF-8; the exact name
 * is kept in tags and in the sidecar. On the medium stands a safe name: letters
 * and digits of ASCII, '-', and '.' between two of them. It is legal on FAT, it
 * is no option to a shell and no path, and '_' is never part of it, so that
 * "_2" at the end of a file's name can only mean its second part.
 *
 *   Takebox/2026-11-21/Take-003-Blue-Moon/01-Kick-in.flac
 *           session    take               track file
 *
 * Takes are numbered within their session; the number alone orders them and
 * keeps them apart, whatever the clock says. The next number is one more than
 * the highest that the folder shows, be it on a take ("Take-003", with anything
 * after it) or on the empty file ".last-003" that each new take leaves instead
 * of the one before, so that the number of a deleted take is not given again.
 * That file says everything by its name: creating it is one directory entry,
 * which is as atomic as FAT can be. Should it get lost, mkdir, which does not
 * take over what exists, still guards every folder.
 *
 * Sessions without a name are called by the date, all takes of a day together,
 * if the clock is set; otherwise "Session-0007", numbered in the same way, a
 * new one each time. The clock counts as set when it is not before
 * NAMES_CLOCK_MIN_S and either NTP keeps it (adjtimex(2)) or the kernel took it
 * from a hardware clock (/sys/class/rtc/rtc0/hctosys): a board without one
 * wakes up with the time at which it was last switched off.
 *
 * Functions that name a file descriptor of a folder do file system calls and
 * return 0 or a negative errno; the others are pure. Any thread. Nothing is
 * synced: the caller syncs the new folder and the one it is in.
 */
#ifndef TAKEBOX_NAMES_H
#define TAKEBOX_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define NAMES_SAFE_MAX	 40 /* bytes of a safe name */
#define NAMES_FOLDER_MAX 64 /* holds any folder's name, final zero included */
#define NAMES_FILE_MAX	 64 /* holds any track file's name, likewise */

/* 2025-01-01: no clock that is right says less. */
#define NAMES_CLOCK_MIN_S 1735689600

/* Makes a safe name, 1 to NAMES_SAFE_MAX bytes, of any bytes: Latin letters
 * lose their accents, everything else becomes '-'. Returns its length, or
 * -ENOSPC if size is not more than NAMES_SAFE_MAX. */
int names_safe(char *out, size_t size, const char *utf8);

/* "07-Kick-in.flac", for part 2 and up "07-Kick-in_2.flac". number: of the
 * track in its take, 1..99; part: from 1. -ENOSPC if it does not fit
 * (NAMES_FILE_MAX always does). */
int names_track_file(char *out, size_t size, unsigned number, const char *name,
		     unsigned part);

/* The number of a take's folder ("Take-003-Blue-Moon": 3), 0 if it is none. */
unsigned names_take_number(const char *folder);

/* Makes the next take's folder; its name goes to out. given: NULL or "" for a
 * number alone. least: the number is not below it; other media have takes of
 * the session, too. */
int names_create_take(int session_fd, const char *given, unsigned least,
		      char *out, size_t size);

/* Whatever becomes of the take's folder: its number is not given again. */
int names_keep_number(int session_fd, unsigned number);

/* The highest number that was ever given there, 0 if none. */
int names_highest_take(int session_fd);

/* The folder of a session; its name goes to out. A given name, or today's
 * date, that exists already is gone on with (names are equal if FAT says so:
 * whatever their case). */
int names_create_session(int takebox_fd, const char *given, char *out,
			 size_t size);

/* What a session is dated by. */
struct names_clock {
	time_t now;
	bool set;
};

struct names_clock names_read_clock(void);

/* names_create_session by a clock that the caller has read. */
int names_create_session_at(int takebox_fd, const char *given,
			    const struct names_clock *clock, char *out,
			    size_t size);

#endif
