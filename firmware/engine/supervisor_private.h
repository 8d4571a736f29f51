/*
 * What supervisor.c and supervisor_return.c share: an interface's life, and its
 * coming back. For nobody else.
 */
#ifndef TAKEBOX_SUPERVISOR_PRIVATE_H
#define TAKEBOX_SUPERVISOR_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/capture.h"
#include "engine/supervisor.h"
#include "engine/tape_pages.h"

struct supervisor {
	struct tape_request request;
	bool wanted; /* there is a request to be served */
	struct pcm *pcm;
	struct pcm_setup setup;
	struct tape_writer writer;
	struct tape_filler filler;
	struct capture capture;
	pthread_t thread;
	void *stack; /* of the thread: here, to be locked before it runs */
	bool running, realtime, warned, ended;
	bool refused; /* it is back with settings that do not fit; told */
	enum tape_event_kind absence; /* what the silence under way is due to */
	/* After a change of rate: when to open again (0: not), how long that
	 * is put off, and when it was done last. */
	int64_t reopen_ns, pause_ns, reopened_ns;
	int wake_fd;	 /* tells the capture thread to stop */
	int done_fd;	 /* the capture thread has returned */
	_Atomic int end; /* enum capture_end */
};

/* Opens what is asked for and fills in setup; -EINVAL: it is there, but does
 * not do that. */
int supervisor_open_device(struct supervisor *supervisor,
			   const struct tape_request *request, char *message,
			   size_t size);
void supervisor_prepare_capture(struct supervisor *supervisor);
int supervisor_start_capture(struct supervisor *supervisor);
void supervisor_end_tape(struct supervisor *supervisor);

/* Silence up to now while the interface is away. */
void supervisor_run_on(struct supervisor *supervisor);

/* ---- supervisor_return.c ---- */

/* Looks whether it is there again, and goes on with it if it is. */
void supervisor_come_back(struct supervisor *supervisor);

#endif
