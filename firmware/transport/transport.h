/*
 * transport: the one state machine of the recorder.
 *
 * Commands come in here from every surface (socket, panel, web) in one type,
 * and every surface sees the same status. Nothing else starts or stops
 * anything.
 *
 *   NO_INTERFACE <-> IDLE -> STARTING -> RECORDING -> FINISHING -> IDLE
 *
 * Main thread only; driven by its loop.
 */
#ifndef TAKEBOX_TRANSPORT_H
#define TAKEBOX_TRANSPORT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/config.h"
#include "base/loop.h"
#include "engine/tape.h"
#include "take/storage.h"
#include "take/take.h"
#include "transport/volumes.h"

#define TRANSPORT_NOW	       UINT64_MAX /* a position: when it was received */
#define TRANSPORT_ALL_TRACKS   UINT64_MAX
#define TRANSPORT_PROBLEMS_MAX 8

enum command_kind {
	COMMAND_TO_RECORD, /* name, preroll */
	COMMAND_TO_STOP,
	COMMAND_TO_KEEP,    /* name, preroll: a take of what was played before,
			       that far back (negative: all that the tape
			       holds), up to position; while a take runs, a
			       marker in it */
	COMMAND_TO_MARK,    /* name */
	COMMAND_TO_ARM,	    /* tracks, on */
	COMMAND_TO_NAME,    /* track, name */
	COMMAND_TO_SESSION, /* name */
	COMMAND_TO_EJECT,   /* name of the medium; "": the one that takes go to.
			       It is not written to any more, so that whoever
			       asked can unmount it */
	COMMAND_TO_SAVE,    /* on: the supply is going; takes are ended at once
			       with what there is, none is begun until off */
};

struct command {
	enum command_kind kind;
	uint64_t position; /* on the tape; TRANSPORT_NOW */
	char name[CONFIG_NAME_MAX];
	double preroll;	 /* seconds; negative: as configured */
	uint64_t tracks; /* bit n: track number n + 1; TRANSPORT_ALL_TRACKS */
	unsigned track;	 /* number */
	bool on;
};

/* What a refused command is answered with; the same words as in JSON. */
enum command_error {
	COMMAND_OK,
	COMMAND_USAGE,
	COMMAND_REFUSED,
	COMMAND_INTERFACE,
	COMMAND_MEDIUM,
	COMMAND_NOT_FOUND,
	COMMAND_FAILED,
};

struct command_reply {
	enum command_error error;
	char message[512]; /* for a musician, if error; EJECT: the medium */
	uint64_t position; /* MARK: in the take */
	uint64_t ticket;   /* RECORD, STOP, KEEP: of the take; 0: none. What
			      becomes of it is told to listeners, as the medium
			      can take its time */
};

enum transport_state {
	TRANSPORT_NO_INTERFACE,
	TRANSPORT_IDLE,
	TRANSPORT_STARTING,
	TRANSPORT_RECORDING,
	TRANSPORT_FINISHING,
};

/* How bad: nothing was lost and nothing will be; something works less well than
 * it should; sound is or was lost. */
enum problem_level { PROBLEM_KEPT, PROBLEM_DEGRADED, PROBLEM_LOST };

struct problem {
	enum problem_level level;
	char text[256];
};

/* Who else can know of one. */
enum problem_source { PROBLEM_OF_PANEL, PROBLEM_OF_CONFIG, PROBLEM_SOURCES };

struct volume_status {
	struct volume volume;
	double seconds_left; /* negative: not known */
	bool safe_to_pull;
};

struct transport_status {
	enum transport_state state;
	double resumes_in; /* seconds, at most, until recording goes on by
			      itself after a power cut; negative: it does not */
	char session[CONFIG_NAME_MAX];
	bool has_take;
	char take[64], folder[PATH_MAX]; /* the take's */
	struct take_status progress;
	uint64_t length; /* of the take, frames, up to now */

	enum {
		INTERFACE_CLOSED,
		INTERFACE_RUNNING,
		INTERFACE_SILENT,
		INTERFACE_ABSENT
	} interface;
	char interface_error[384];
	const struct tape_facts *facts; /* NULL: no tape; valid until the next
					   run of the loop */
	struct posclock_line line;
	uint64_t position, oldest;	/* on the tape */
	uint64_t gap_count, gap_frames; /* since the interface was opened */

	char medium[CONFIG_PATH_MAX]; /* that is written to, or would be */
	struct storage_space space;
	double seconds_left; /* negative: not known */
	struct volume_status volume[VOLUMES_MAX];
	unsigned volumes;
	double preroll;
	bool realtime;

	struct config_track tracks[CONFIG_CHANNELS_MAX];
	unsigned track_count;
	struct problem problem[TRANSPORT_PROBLEMS_MAX];
	unsigned problems;
};

struct transport;

/* What has become of the take with a ticket. */
struct transport_news {
	uint64_t ticket;
	enum {
		NEWS_BEGUN,	/* it has a name and a folder */
		NEWS_NOT_BEGUN, /* error */
		NEWS_ENDED,	/* summary */
	} kind;
	const char *session, *take, *folder; /* BEGUN */
	const char *error;		     /* NOT_BEGUN: for a musician */
	const json_t *summary; /* ENDED: as in the control protocol */
};

/* Told when something but numbers has changed; news: NULL, or what it was;
 * borrowed. */
typedef void (*transport_change_fn)(void *context,
				    const struct transport_news *news);

struct transport *transport_create(struct loop *loop,
				   const struct config *config);
void transport_destroy(struct transport *transport);

/* At most four listeners. */
int transport_listen(struct transport *transport, transport_change_fn fn,
		     void *context);

void transport_command(struct transport *transport,
		       const struct command *command,
		       struct command_reply *reply);

void transport_get_status(struct transport *transport,
			  struct transport_status *status);

/* Where on the tape a moment is (CLOCK_MONOTONIC), for commands that something
 * else than their arrival dates; TRANSPORT_NOW without a tape. */
uint64_t transport_position_at(const struct transport *transport,
			       int64_t time_ns);

/* What a surface has found wrong with itself, shown with everything else that
 * is wrong until it is taken back (text NULL). One of each source. */
void transport_note_problem(struct transport *transport,
			    enum problem_source source,
			    enum problem_level level, const char *text);

/* NULL: none. Valid until the loop runs on. */
const struct tape *transport_tape(const struct transport *transport);

/* The folders of all media that takes can be on, colon-separated; a mirror has
 * nothing that the others have not. */
void transport_list_media(struct transport *transport, char *list, size_t size);

/* False when the writer of a take has stood still for so long that a new
 * process should take it over. */
bool transport_goes_on(struct transport *transport, int64_t now_ns);

/* Can the process leave, for the next one to be started with that
 * configuration, without costing a take its tape? next NULL: nobody knows
 * which. */
bool transport_may_leave(const struct transport *transport,
			 const struct config *next);

/* Has a process that ran with the configuration before left something that its
 * tape is needed for, and would next (NULL: it cannot be read) ask for another
 * one? Needs no transport. */
bool transport_needs_tape_of(const struct config *before,
			     const struct config *next);

/* The process leaves a take as a crash would, for the next one to go on with;
 * that one goes by its own configuration. */
void transport_leave(struct transport *transport);

/* Stops a take that runs and calls loop_quit when all are closed. */
void transport_shut_down(struct transport *transport);

#endif
