/*
 * Exit codes of every Takebox program, one per cause, listed in takebox(1).
 */
#ifndef TAKEBOX_EXIT_CODES_H
#define TAKEBOX_EXIT_CODES_H

enum takebox_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,    /* anything that has no code of its own */
	EXIT_USAGE = 2,	    /* the command line is wrong */
	EXIT_NO_DAEMON = 3, /* takeboxd does not answer */
	EXIT_REFUSED = 4,   /* not possible in the recorder's present state */
	EXIT_NO_INTERFACE = 5, /* interface missing, busy or unsuitable */
	EXIT_MEDIUM = 6,       /* medium missing, full, read-only or failing */
	EXIT_GAPS = 7,	       /* the take is whole but has gaps */
	EXIT_DAMAGED = 8,      /* the take is damaged or incomplete */
	EXIT_CONFIG = 9,       /* the configuration has an error */
	EXIT_NOT_FOUND = 10,   /* no such take, track or session */
};

#endif
