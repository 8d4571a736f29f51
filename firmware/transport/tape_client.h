/*
 * tape_client: takebox-tape as seen from the process that records.
 *
 * Main thread. tape_client_start runs a takebox-tape of one's own (for `takebox
 * run`); tape_client_connect reaches the one that runs already.
 */
#ifndef TAKEBOX_TAPE_CLIENT_H
#define TAKEBOX_TAPE_CLIENT_H

#include <sys/types.h>

#include "base/config.h"
#include "engine/tape.h"
#include "engine/tape_link.h"

struct tape_client {
	int socket;	  /* -1: not connected */
	pid_t child;	  /* 0: not ours */
	struct tape tape; /* header NULL: none yet */
	bool realtime;
	int error;	   /* of the last answer */
	char message[384]; /* and its words */
};

void tape_client_init(struct tape_client *client);

/* Runs program (takebox-tape) connected to us. */
int tape_client_start(struct tape_client *client, const char *program);
int tape_client_connect(struct tape_client *client, const char *path);
void tape_client_close(struct tape_client *client); /* ends a child, too */

/* Its process is gone. The tape stays, and goes with the next request, so that
 * the next process goes on with it. */
void tape_client_hang_up(struct tape_client *client);

int tape_client_request(struct tape_client *client,
			const struct tape_request *request);

/* Reads one answer; the tape in client is then the current one. 0; -EAGAIN;
 * -ECONNRESET: takebox-tape is gone (the tape, if any, stays attached: what is
 * on it can still be read); else what it refused with. Blocking if the socket
 * is. */
int tape_client_receive(struct tape_client *client);

/* The name (32 hexadecimal digits) of the tape that runs behind the socket
 * path. -ENOENT: none does; another error: one may, but which is not known. */
#define TAPE_NAME_SIZE 33
int tape_client_ask(const char *path, char name[TAPE_NAME_SIZE]);

/* What config wants opened. */
void tape_client_describe(struct tape_request *request,
			  const struct config *config);

/* Path of the program name beside the running one; -ENAMETOOLONG. */
int tape_client_beside(char *path, size_t size, const char *name);

#endif
