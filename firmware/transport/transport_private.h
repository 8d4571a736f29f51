/* What transport.c (the machine), transport_takes.c (the takes it has in hand),
 * transport_resume.c (those that were torn off, which survey.c finds),
 * transport_intent.c (what is being recorded, written down), transport_recall.c
 * and transport_return.c (what the process before this one was recording),
 * transport_medium.c (where they go), transport_begin.c, transport_onward.c and
 * transport_rest.c (that they begin, and go on elsewhere, or wait for that),
 * transport_changes.c (markers and arming), and transport_status.c (what it
 * shows) share. */
#ifndef TAKEBOX_TRANSPORT_PRIVATE_H
#define TAKEBOX_TRANSPORT_PRIVATE_H

#include "base/notify.h"
#include "base/aside.h"
#include "take/media.h"
#include "transport/changes.h"
#include "transport/comeback.h"
#include "transport/recording.h"
#include "transport/survey.h"
#include "transport/tape_client.h"
#include "transport/transport.h"
#include "transport/volumes.h"

#define LISTENERS_MAX 4
#define HANDS_MAX     64
#define RESTS_MAX     CLOSING_MAX

/* How far a take is safe on a medium that has ended it before the others. */
struct shorter {
	int volume;
	uint64_t frames; /* 0: there is none */
};

/* A take that its medium has ended, and that is to go on on another one. */
struct onward {
	bool wanted;
	uint64_t from, stop; /* on the tape */
	uint64_t frames;     /* of the take that was ended */
	struct shorter shorter;
	char name[CONFIG_NAME_MAX], medium[CONFIG_PATH_MAX];
	char reason[TAKE_TEXT_MAX];
	struct recording_place place; /* of that take; take "": it had none */
	uint64_t old;		      /* its ticket, to tell it */
	bool power;	   /* it was the power that ended it: the tape is
			      another one, and has nothing from before */
	struct wall ended; /* when that was */
	uint64_t ticket;   /* that whoever waits for it has; 0 */
	uint64_t since;	   /* number of the first change that is its own */
};

/* A take whose thread is at work: being recorded, being finished, or, after an
 * interruption, being made whole. */
struct hand {
	struct transport *transport;
	struct take *take; /* NULL: a free place */
	struct loop_source *source;
	uint64_t ticket;
	struct recording_job *job;    /* of a new one; NULL */
	struct recording_place place; /* a medium only until it is prepared */
	bool prepared;		      /* and told of */
	uint64_t gaps;		      /* that were told of */
	bool healing;
	bool was_stopped; /* by the process before this one */
	bool awaited;	  /* recording is to go on behind it; its mirror, too */
	uint64_t start, stop; /* tape positions; of the end it was told;
				 TAKE_FOREVER */
	uint64_t since;	      /* number of the first change that is its own */
	uint64_t safe;	      /* frames that are since it was written by the
				 process before this one */
	int volume;	      /* index of its medium; -1: none */
	unsigned group;	      /* takes that are one, on several media */
	bool mirror;
	bool alone;		    /* the one it was the mirror of is left */
	bool left;		    /* its medium has ended it; others go on */
	bool whole;		    /* on another medium, closed there */
	bool blamed;		    /* its medium, for ending it */
	unsigned tape;		    /* number of the tape that it is on */
	struct shorter shorter;	    /* the one that was left before */
	char name[CONFIG_NAME_MAX]; /* as it was given */
	struct onward from;	    /* what it goes on with; take "": nothing */
	uint64_t encoded;	    /* when last looked at, and since when */
	int64_t encoded_ns;
	struct progress writing;
};

/* Recording is to go on by itself, now that the power is back. */
struct comeback {
	bool wanted;
	bool dropped; /* it was, and is not any more */
	int64_t until_ns;
	int64_t found_ns; /* when the take was first seen; 0 */
	bool named;	  /* tracks are as they were; what is asked for since
			     then counts: */
	uint64_t since;	  /* number of the first change */
};

struct transport {
	struct loop *loop;
	struct config config;
	struct tape_client client;
	struct loop_source *socket_source;
	int64_t tried_ns;
	unsigned tapes;	     /* that there were before this one */
	bool answered;	     /* by takebox-tape: open takes can be looked for */
	int64_t orphaned_ns; /* since when, if the tape has lost its process */
	bool settled; /* a take has begun or ended here: what is still open of
			 this tape is not to be recorded on */

	struct config_track tracks[CONFIG_CHANNELS_MAX];
	unsigned track_count;
	bool tracks_known;
	unsigned tracks_of; /* channels of the interface; 0: not known */
	char session[CONFIG_NAME_MAX];

	struct hand hand[HANDS_MAX];
	uint64_t tickets;
	struct hand *current; /* the take that REC, STOP and MARK mean, until
				 it is closed or the next one begins */
	struct changes changes;
	bool power_fails;

	bool automatic; /* config.folder is the medium chosen last */
	struct media media;
	bool too_many;	 /* of them */
	unsigned let_go; /* id of a medium that is to be unplugged; 0: none */
	int64_t let_go_until_ns;
	int64_t choose_ns; /* when to look next for what is plugged in */

	struct volumes *volumes;
	struct aside *notes;	 /* beside, on the system's own medium */
	struct aside *aside;	 /* the same for media, which may hang */
	struct filling *filling; /* of the mirror, under way; NULL */
	bool mirror_is_due;
	unsigned
		unlike; /* takes that only share their name with the mirror's */
	unsigned too_large; /* takes with files that the other cannot hold */
	unsigned arrivals[VOLUMES_MAX]; /* searched for open takes, or being */
	unsigned hoped[VOLUMES_MAX]; /* arrivals at which the take that was left
					was looked for before the others */
	struct survey *survey[VOLUMES_MAX]; /* under way; NULL */
	int64_t survey_ns[VOLUMES_MAX];	    /* when it began */
	unsigned groups;
	struct onward onward;
	struct onward rest[RESTS_MAX]; /* that wait behind it; all stopped */
	unsigned rests;
	char went_on[512]; /* that a take did so, and why; "": none has */
	bool lost_between; /* not without loss */
	char numbered[CONFIG_NAME_MAX]; /* the session of the last take, */
	unsigned number;		/* as a folder; and its number */
	char last_error[256]; /* why the last take ended badly; "": it did not
			       */
	struct problem problem[PROBLEM_SOURCES]; /* text "": none */

	/* What was being recorded when the process before this one ended, until
	 * it is known what becomes of it; and what was last written down. */
	char intent_path[PATH_MAX], lasting_path[PATH_MAX];
	struct intent left, noted;
	uint32_t taken_up[CLOSING_MAX]; /* media, by bit, that those of left's
					 closing were taken up on */
	bool left_changes; /* those of left are of this tape, and so is since,
			      though its take is not */
	bool rests_known; /* what nobody has taken up of those was looked for */
	bool recalling;
	int64_t recall_ns, noted_ns;
	bool noting_fails, state_fails;
	struct comeback comeback;

	bool quitting;

	struct {
		transport_change_fn fn;
		void *context;
	} listener[LISTENERS_MAX];
	unsigned listeners;
};

void transport_changed(struct transport *transport);
void transport_tell(struct transport *transport,
		    const struct transport_news *news);
void transport_refuse(struct command_reply *reply, enum command_error error,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* On the tape, as the command says. */
uint64_t transport_command_position(const struct transport *transport,
				    const struct command *command);

/* ---- transport_changes.c ---- */

/* The take that is being recorded, or waits for a medium to be, or for being
 * found again, until STOP is pressed; NULL: none. */
const char *transport_recorded(const struct transport *transport);
/* Something that only the tape has waits for a medium, or for being found
 * again, stopped or not; and nothing else is being written. */
bool transport_awaits(const struct transport *transport);
void transport_mark(struct transport *transport, const struct command *command,
		    struct command_reply *reply);
void transport_arm(struct transport *transport, const struct command *command,
		   struct command_reply *reply);
/* What was changed since then behind its first frame, for a take that begins
 * only now. */
void transport_catch_up(struct hand *hand, uint64_t since);
/* The same for one that a process before this one had begun: what its ledger
 * has not. */
void transport_catch_up_resumed(struct hand *hand, const struct known *known,
				uint64_t since);

/* ---- transport_tape.c ---- */

void transport_init_tape(struct transport *transport);
void transport_connect_tape(struct transport *transport);
bool transport_has_tape(const struct transport *transport);
/* It has one, and a process that goes on with it. */
bool transport_tape_runs(const struct transport *transport);
/* A tape whose process died and that nobody goes on with. */
void transport_look_after_orphan(struct transport *transport);
/* Those that were told to stop behind the tape's last frame end there. */
void transport_stop_stopped_takes(struct transport *transport);

/* ---- transport_medium.c ---- */

int transport_init_media(struct transport *transport);
void transport_choose_medium(struct transport *transport);
void transport_let_go(struct transport *transport,
		      const struct command *command,
		      struct command_reply *reply);
/* A medium for takes that has so many bytes left, or the mirror if there is
 * none; -1. */
int transport_choose_place(struct transport *transport, uint64_t bytes,
			   int not_this);
/* The one that is recorded on, or would be. */
unsigned transport_volume(struct transport *transport);
/* What is wrong with it. */
const char *transport_medium_words(struct transport *transport);
bool transport_safe_to_pull(const struct transport *transport, unsigned index);

/* ---- transport_resume.c ---- */

void transport_search_arrivals(struct transport *transport);
/* The medium with that index, though it has not gone. */
void transport_search_again(struct transport *transport, unsigned index);
void transport_end_searches(struct transport *transport);
/* A number is not given again, even if its medium does not come back. */
void transport_keep_number(struct transport *transport,
			   const struct recording_place *place);
/* Is that the folder of the session that takes go to? Not of a dated one that
 * has none yet. */
bool transport_is_session(const struct transport *transport,
			  const char *folder);

/* ---- transport_recall.c ---- */

int transport_init_intent(struct transport *transport); /* or -ENOMEM */
/* What was left: known once takebox-tape has answered. */
void transport_recall(struct transport *transport);
/* What ran on this tape when the process before this one ended, while it is
 * being looked for; NULL. */
const struct intent *transport_recalled(const struct transport *transport);
/* There is another tape than it was on. */
void transport_forget_left(struct transport *transport);
/* Of a take that ran, which no medium that is there has open. */
void transport_look_for_left(struct transport *transport);
/* Media have had their time to show which takes they have open. */
bool transport_has_searched(const struct transport *transport);
/* And have been looked through to the end, or had time enough for that. */
bool transport_has_read_all(const struct transport *transport);
/* A take by what was written down of it. */
struct sought {
	const struct recording_place *place;
	const char *tape;   /* hexadecimal; "": of any */
	uint64_t start;	    /* on that */
	const char *medium; /* that may be a mirror; NULL: any */
};
struct sought transport_seek(const struct intent *left);
/* On a medium that is there, from that index on: info, for the caller to
 * take_info_finish, and the medium's index; or -1. */
int transport_find_take(struct transport *transport,
			const struct sought *sought, unsigned index,
			struct take_info *info);
/* Tracks, names and session as they were. */
void transport_take_over_names(struct transport *transport,
			       const struct intent *left);
/* What is not safe of it goes on from the tape. */
void transport_recall_onward(struct transport *transport,
			     const struct intent *left);

/* ---- transport_intent.c ---- */

void transport_look_after_intent(struct transport *transport);
/* At once, before whoever asked for it is answered. */
void transport_note_intent(struct transport *transport);
void transport_end_intent(struct transport *transport);

/* ---- transport_return.c ---- */

void transport_come_back(struct transport *transport);
void transport_look_after_comeback(struct transport *transport);
void transport_drop_comeback(struct transport *transport, const char *reason);
/* Is that the take that recording is to go on behind? */
bool transport_is_comeback(const struct transport *transport,
			   const struct recording_place *place,
			   const char *tape, uint64_t start);

/* ---- transport_mirror.c ---- */

void transport_look_after_mirror(struct transport *transport);
bool transport_is_filling(const struct transport *transport, unsigned index);
void transport_end_mirror(struct transport *transport);

/* ---- transport_begin.c ---- */

/* That make a medium worth beginning on; there must be a tape. */
uint64_t transport_needed_bytes(const struct transport *transport);
/* The same for what is on the tape from there on, with the tracks it had: since
 * is the number of the first change that is its own. */
uint64_t transport_needed_from(const struct transport *transport, uint64_t from,
			       uint64_t since);

/* As recording_begin, on the medium of its choice. -ENOSPC: there is none. */
int transport_begin(struct transport *transport, const char *name,
		    uint64_t start, uint64_t stop, uint64_t *ticket,
		    char *error, size_t size);
/* Of a take that has its name, if there is a medium for it. */
void transport_begin_mirror(struct hand *first);
/* What transport->onward tells of, from there on; index of the medium, -1:
 * there is none; note: as in struct take_plan. NULL: it cannot be begun now.
 * The caller's to let go, once it is written down. */
struct hand *transport_begin_onward(struct transport *transport, int index,
				    uint64_t from, json_t *note);

/* ---- transport_onward.c ---- */

/* The take has its folder. */
void transport_note_begun(struct hand *hand);
void transport_look_after_media(struct transport *transport);
/* Goes on elsewhere if the medium has ended the hand's take. */
void transport_look_at_medium(struct hand *hand);
/* That are on its medium, if durable is what its take says. */
uint64_t transport_safe_frames(const struct hand *hand,
			       const struct take_status *status,
			       uint64_t durable);
/* The medium has ended it, and another one that was ended before it still waits
 * for the next medium. */
bool transport_waits_to_go_on(struct hand *hand);
/* There is no time to wait: whoever is started next is to go on with it. */
void transport_leave_rest(const struct hand *hand);
/* How much is safe of a take that its medium has ended, and what is not; the
 * take has to be prepared, or to go on with another one, to have a place. */
void transport_describe_rest(const struct hand *hand,
			     const struct take_status *status, uint64_t end,
			     struct onward *rest);
/* There is another tape: what waits has lost its own. */
void transport_forget_onward(struct transport *transport);
/* The oldest position that a take can begin at and not be overrun. */
uint64_t transport_oldest_start(const struct tape *tape);

/* ---- transport_rest.c ---- */

/* Waits for a medium, perhaps behind another one. */
void transport_keep_rest(struct transport *transport,
			 const struct onward *rest);
/* Nothing waits any more but what waited behind it. */
void transport_end_onward(struct transport *transport);
/* What the process before this one was closing, and no medium has open, once
 * media have been looked through. */
void transport_recall_rests(struct transport *transport);
/* That is not known yet. */
bool transport_misses_rests(const struct transport *transport);

/* ---- transport_takes.c ---- */

/* An empty one with a ticket, taken by adopting a take; NULL: too many at once.
 */
struct hand *transport_free_hand(struct transport *transport);
/* The hand, filled in but for its take, owns that from now on. It becomes the
 * current one, unless it is being healed, or was stopped and another one runs.
 */
void transport_adopt(struct hand *hand, struct take *take);
void transport_look_after_takes(struct transport *transport);
/* Of all that are recorded from the tape. */
void transport_stop_takes(struct transport *transport, uint64_t position,
			  const char *reason);
void transport_destroy_takes(struct transport *transport);
unsigned transport_healing(const struct transport *transport);
/* The takes that are one with hand, itself too; start with last NULL. */
struct hand *transport_next_twin(struct transport *transport,
				 const struct hand *hand, struct hand *last);

#endif
