/*
 * config: what the recorder is told to do, read once at start.
 *
 * Built-in defaults, then each file that exists in this order, each over the
 * one before: /usr/share/takebox/takebox.conf, /etc/takebox/takebox.conf,
 * /boot/firmware/takebox.conf; then the command line. Files are in libconfig's
 * language, without @include. An unknown key, a wrong type or an impossible
 * value is an error that names file, line and, for keys, the nearest valid
 * name; a text that is too long is one too, never cut. The tracks list of a
 * later file replaces that of an earlier one as a whole.
 *
 * Ownership: a struct config owns everything in it by value. Any thread may
 * read it once loaded.
 */
#ifndef TAKEBOX_CONFIG_H
#define TAKEBOX_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_CHANNELS_MAX 64
#define CONFIG_NAME_MAX	    64 /* bytes with the final zero, UTF-8 */
#define CONFIG_PATH_MAX	    512

struct config_track {
	char name[CONFIG_NAME_MAX]; /* default "Ch NN" of its first channel */
	unsigned channels[2];	    /* 1-based inputs; [1] is 0 for mono;
				       default the one after the last track's */
	bool armed;		    /* at start; default true */
};

struct config {
	/* interface: { device, channels, rate, format, period, buffer } */
	char device[CONFIG_PATH_MAX]; /* ALSA name; default "auto": the first
					 capture interface of the machine */
	unsigned channels; /* 1..64; 0 (default): as many as there are */
	unsigned rate;	   /* Hz, 44100..192000; default 48000 */
	char format[16];   /* "auto" (default), "S16_LE", "S24_LE", "S24_3LE",
			      "S32_LE" */
	unsigned period;   /* frames; 0 (default): well chosen */
	unsigned buffer;   /* frames; 0 (default): well chosen */

	/* tape: { seconds } */
	double tape_seconds; /* 0 (default): a quarter of RAM, at most 600 */

	/* record: { folder, level, sync, preroll, ... } */
	char folder[CONFIG_PATH_MAX];	   /* the medium; "auto" (default): as
					      take/media.h has it */
	char next[CONFIG_PATH_MAX];	   /* further media, colon-separated,
					      that takes go on on; default "" */
	char mirror[CONFIG_PATH_MAX];	   /* a medium that gets every take as
					      well; default "": none */
	unsigned level;			   /* FLAC 0..8; default 5 */
	double sync_seconds;		   /* 0.1..60; default 1.0 */
	double preroll_seconds;		   /* 0..600; default 5.0 */
	double resume_seconds;		   /* 5..3600: after a power cut
					      recording goes on by itself, if
					      all is there within them; 0
					      (default): never */
	unsigned long long max_file_bytes; /* 0 (default): what the file system
					      takes (FAT32: below 4 GiB) */
	unsigned encoders; /* worker threads; 0 (default): cores - 1 */

	/* session: { name, artist } */
	char session[CONFIG_NAME_MAX]; /* "" (default): dated */
	char artist[CONFIG_NAME_MAX];  /* "" (default): no ARTIST tag */

	/* meters: { clip } */
	unsigned clip_run; /* consecutive full-scale samples that make a clip;
			      1..1000; default 3 */

	/* panel: { board } */
	char board[CONFIG_PATH_MAX]; /* name or path of what is wired, as
					board_load takes it; default "none" */

	/* control: { socket } */
	char socket[CONFIG_PATH_MAX];	   /* default /run/takebox/control */
	char tape_socket[CONFIG_PATH_MAX]; /* default /run/takebox/tape */

	/* tracks: ( { name, channel | channels, armed }, ... ) ; none given:
	 * one armed mono track per channel of the interface */
	struct config_track tracks[CONFIG_CHANNELS_MAX];
	unsigned track_count;
};

/* Fills in the defaults. (libconfig has config_init, config_read_file and
 * config_read_string for itself: one program cannot have both.) */
void config_defaults(struct config *config);

/* Reads one file over what config holds. Returns 0; -ENOENT if there is no
 * such file (error stays empty); another negative errno with a line for the
 * user in error ("file:line: what; what to do"), config then unspecified. */
int config_add_file(struct config *config, const char *path, char *error,
		    size_t error_size);

/* The same from a string; name stands in the messages for the file's name. */
int config_add_string(struct config *config, const char *text, const char *name,
		      char *error, size_t error_size);

/* Sets one value by its dotted path, as flags do: "interface.rate", "96000".
 * Same errors as for a file, with "flag" for the file and line. */
int config_set(struct config *config, const char *path, const char *value,
	       char *error, size_t error_size);

/* What no single value can show: track channels beyond the interface's
 * (where that is set), a channel used twice, equal track names, a pre-roll that
 * the tape cannot hold, a buffer of less than two periods. To be called when
 * files and flags are all in. */
int config_check(const struct config *config, char *error, size_t error_size);

/* The default files, in their order, over the defaults. conf_path, if not
 * NULL, is read instead of them and must exist. */
int config_load(struct config *config, const char *conf_path, char *error,
		size_t error_size);

/* Writes config in its own language, every key with a comment; what is
 * written reads back equal. */
int config_print(const struct config *config, FILE *out);

#endif
