/* What transport.c (the machine) and transport_status.c (what it shows)
 * share. */
#ifndef TAKEBOX_TRANSPORT_PRIVATE_H
#define TAKEBOX_TRANSPORT_PRIVATE_H

#include "transport/recording.h"
#include "transport/tape_client.h"
#include "transport/transport.h"

#define LISTENERS_MAX 4
#define HEALS_MAX     64

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

	struct take *take; /* NULL: none */
	struct loop_source *take_source;
	struct recording_place place;
	uint64_t last_gaps;
	struct take *heal[HEALS_MAX]; /* interrupted ones being closed */
	unsigned heals;

	struct storage_space space;
	int medium_error;
	int64_t measured_ns;
	char last_error[256]; /* why the last take ended badly; "": it did not
			       */
	bool quitting;

	struct {
		transport_change_fn fn;
		void *context;
	} listener[LISTENERS_MAX];
	unsigned listeners;
};

#endif
