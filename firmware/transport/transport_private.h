/* What transport.c (the machine), transport_takes.c (the takes it has in hand)
 * and transport_status.c (what it shows) share. */
#ifndef TAKEBOX_TRANSPORT_PRIVATE_H
#define TAKEBOX_TRANSPORT_PRIVATE_H

#include "base/notify.h"
#include "take/media.h"
#include "base/aside.h"
#include "transport/recording.h"
#include "transport/tape_client.h"
#include "transport/transport.h"

#define LISTENERS_MAX 4
#define HANDS_MAX     64

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
	uint64_t stop; /* tape position it was told to end at; TAKE_FOREVER */
	struct progress writing;
};

struct transport {
	struct loop *loop;
	struct config config;
	struct tape_client client;
	struct loop_source *socket_source;
	int64_t tried_ns;
	bool answered; /* by takebox-tape: open takes can be looked for */
	bool searched;

	struct config_track tracks[CONFIG_CHANNELS_MAX];
	unsigned track_count;
	bool tracks_known;
	char session[CONFIG_NAME_MAX];

	struct hand hand[HANDS_MAX];
	uint64_t tickets;
	struct hand *current; /* the take that REC, STOP and MARK mean, until
				 it is closed or the next one begins */
	bool power_fails;

	bool automatic; /* config.folder is the medium chosen last */
	struct media media;
	unsigned let_go; /* id of a medium that is to be unplugged; 0: none */
	int64_t let_go_until_ns;

	struct storage_space space;
	int medium_error;
	struct aside *aside;
	int64_t asked_ns;   /* the medium, for its space; 0: it has answered */
	bool measured;	    /* space is that of the medium */
	int64_t measure_ns; /* when to ask again */
	char last_error[256]; /* why the last take ended badly; "": it did not
			       */
	struct problem noted[PROBLEM_SOURCES]; /* text "": none */
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
/* Looks for takes that were torn off below folder. */
void transport_search(struct transport *transport, const char *folder);
bool transport_has_tape(const struct transport *transport);

/* ---- transport_medium.c ---- */

void transport_init_medium(struct transport *transport);
void transport_choose_medium(struct transport *transport);
void transport_measure_medium(struct transport *transport);
void transport_search_media(struct transport *transport);
void transport_let_go(struct transport *transport,
		      const struct command *command,
		      struct command_reply *reply);

/* ---- transport_takes.c ---- */

/* An empty one with a ticket, taken by adopting a take; NULL: too many at once.
 */
struct hand *transport_free_hand(struct transport *transport);
/* The hand, filled in but for its take, owns that from now on. One that is not
 * being healed becomes the current one. */
void transport_adopt(struct hand *hand, struct take *take);
void transport_look_after_takes(struct transport *transport);
/* Of all that are recorded from the tape. */
void transport_stop_takes(struct transport *transport, uint64_t position,
			  const char *reason);
void transport_destroy_takes(struct transport *transport);
unsigned transport_healing(const struct transport *transport);

#endif
