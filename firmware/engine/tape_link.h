/*
 * tape_link: how the tape is asked for and handed over.
 *
 * A unix SOCK_SEQPACKET socket carries two fixed structures, no text to parse:
 * a client (takeboxd, or `takebox run`) sends what it wants opened, takebox-
 * tape answers with the memfd of the tape (SCM_RIGHTS, read-only) or with a
 * line that says why not. A tape that already fits the request is handed over
 * as it is: that is how a takeboxd that was killed finds its take's sound
 * again. After a change of the tape the same answer comes unasked.
 *
 * A request can have a descriptor of a tape attached, one that the client still
 * holds of a takebox-tape that died: the new one goes on with it, if it fits.
 *
 * Whoever only has to know which tape there is asks for that and opens nothing.
 *
 * Client functions: one thread. Errors: negative errno.
 */
#ifndef TAKEBOX_TAPE_LINK_H
#define TAKEBOX_TAPE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define TAPE_LINK_MAGIC	  0x544b4c4bu
#define TAPE_LINK_VERSION 1u
#define TAPE_LINK_ASK	  0x544b4c41u /* magic of a request that opens nothing */

struct tape_request {
	uint32_t magic, version;
	char device[192];
	uint32_t channels, rate; /* channels 0: all there are */
	int32_t format;		 /* enum pcm_format */
	uint32_t period, buffer; /* frames, 0: chosen */
	uint32_t clip_run;
	double tape_seconds;  /* 0: from the machine's memory */
	uint64_t limit;	      /* frames after which capture ends; 0: never */
	uint32_t keep_trying; /* 1: wait for an interface that is missing */
	uint32_t reserved;
};

struct tape_reply {
	uint32_t magic, version;
	int32_t error;	   /* 0: a descriptor is attached; negative errno */
	uint32_t realtime; /* 1: the capture thread has real-time priority */
	char message[384]; /* for a musician; "" if all is well */
};

/* A request with the magic and version filled in. */
void tape_request_init(struct tape_request *request);

/* Same tape? Compares all but limit and keep_trying. */
bool tape_request_equal(const struct tape_request *a,
			const struct tape_request *b);

int tape_link_connect(const char *path); /* a socket, or negative errno */
/* fd: of a tape to go on with, or -1; stays the caller's. */
int tape_link_send(int socket, const struct tape_request *request, int fd);

/* Asks for the tape there is, whatever it is of; nothing is opened for that,
 * and nothing closed. The reply to it has -ENODATA if there is none. */
int tape_link_send_ask(int socket);
bool tape_request_asks(const struct tape_request *request);

/* Waits for one reply. *fd is the tape or -1. -ECONNRESET: the other side is
 * gone; -EAGAIN: nothing there (socket non-blocking); -EPROTO. */
int tape_link_receive(int socket, struct tape_reply *reply, int *fd);

/* The server's half. -EADDRINUSE: another one listens there. */
int tape_link_listen(const char *path);
/* *fd: that tape, or -1; the caller's to close. */
int tape_link_read_request(int socket, struct tape_request *request, int *fd);
int tape_link_reply(int socket, const struct tape_reply *reply, int fd);

#endif
