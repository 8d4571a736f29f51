/*
 * What is left on the medium. A take ends by itself while there is still room
 * for what its end needs: the frames that wait, tags, ledger, lists. Whoever
 * goes on without it, on another medium, begins with the very next frame; the
 * ledger of each names the other.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

/* Clusters that are begun, the journal, labels and lists; beside that what is
 * encoded until the next look, were it noise. */
#define RESERVE_BYTES	    (2u << 20)
#define RESERVE_TRACK_BYTES (128u << 10)
#define RESERVE_SECONDS	    2
/* So long the one who begins the next take may be held up by its medium. */
#define LINK_WAIT_S 3.0

static uint64_t reserve(const struct take *take)
{
	uint64_t bytes = RESERVE_BYTES, rate = take->info.rate;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		const struct track *track = &take->track[i];

		if (take->open[i])
			bytes += RESERVE_TRACK_BYTES + track->queued +
				 track->channels * take->info.bits / 8 * rate *
					 RESERVE_SECONDS;
	}
	return bytes;
}

int take_look_for_room(struct take *take)
{
	const struct storage *storage = take->plan.storage;
	uint64_t free_bytes;

	/* Whoever cannot say how much is left is found full by a write. */
	if (storage->space(take->plan.dir, &free_bytes) < 0)
		return 0;
	pthread_mutex_lock(&take->mutex);
	take->status.free_bytes = free_bytes;
	pthread_mutex_unlock(&take->mutex);
	if (free_bytes >= reserve(take) || take->limit <= take->fed)
		return 0;
	take->limit = take->fed;
	take->stop_noted = false;
	take->refused = -ENOSPC;
	snprintf(take->cause, sizeof(take->cause), "%s",
		 take_reason_of(-ENOSPC));
	log_warning("%s: the medium is full; the take is closed at %.1f s",
		    take->info.name, (double)take->fed / take->info.rate);
	return take_note_stop(take);
}

void take_link(struct take *take, json_t *entry)
{
	pthread_mutex_lock(&take->mutex);
	if (entry) {
		json_decref(take->link);
		take->link = entry;
	}
	take->linked = true;
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
}

void take_wait_for_link(struct take *take)
{
	double seconds = take->plan.link_seconds > 0 ? take->plan.link_seconds
						     : LINK_WAIT_S;
	int64_t until = clock_now_ns() + (int64_t)(seconds * NS_PER_S);
	struct timespec time = {
		.tv_sec = until / NS_PER_S,
		.tv_nsec = until % NS_PER_S,
	};
	int error = 0;

	if (!take->plan.asks_for_link)
		return;
	pthread_mutex_lock(&take->mutex);
	while (!take->linked && error == 0)
		error = pthread_cond_timedwait(&take->wake, &take->mutex,
					       &time);
	pthread_mutex_unlock(&take->mutex);
}

int take_note_link(struct take *take)
{
	json_t *link;

	pthread_mutex_lock(&take->mutex);
	link = take->link;
	take->link = NULL;
	pthread_mutex_unlock(&take->mutex);
	return link ? take_note(take, link) : 0;
}
