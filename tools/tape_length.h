/*
 * tape_length: how much the tape of the recorder that runs holds, for what is
 * to be reckoned with it. One thread.
 */
#ifndef TAKEBOX_TOOLS_TAPE_LENGTH_H
#define TAKEBOX_TOOLS_TAPE_LENGTH_H

struct tape_length {
	double channels, rate; /* that it has been made for */
	double seconds;
};

/* socket: as for client_open. -ENODATA: there is no tape now; else a client_
 * error; *tape is all 0 then. Waits two seconds at most. */
int tape_length_ask(struct tape_length *tape, const char *socket);

#endif
