/*
 * The takes in hand. One is the current one, which the commands mean; but a
 * take that was told to stop has its files to close, and one that a crash left
 * behind has to be made whole: those go on beside the next take, so that REC
 * right after STOP is never refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "transport/summary.h"
#include "transport/transport_private.h"

static bool is_over(const struct take_status *status)
{
	return status->state == TAKE_DONE || status->state == TAKE_FAILED;
}

static void note_end(struct hand *hand, const struct take_status *status)
{
	struct transport *transport = hand->transport;
	const struct take_info *info = take_result(hand->take);
	double seconds = (double)info->frames / (info->rate ? info->rate : 1);

	if (status->state == TAKE_FAILED && !hand->left)
		snprintf(transport->last_error, sizeof(transport->last_error),
			 "%s ended early (%.100s); it is safe up to %.1f s",
			 hand->place.take, info->reason, seconds);
	if (info->ended)
		log_info("%s: %.1f s, %s", hand->place.take, seconds,
			 take_info_verdict(info));
}

static void tell_end(const struct hand *ended, json_t *summary)
{
	struct transport_news news = {
		.ticket = ended->ticket,
		.kind = NEWS_ENDED,
		.summary = summary,
	};

	transport_tell(ended->transport, &news);
	json_decref(summary);
}

static void tell_not_begun(const struct hand *hand)
{
	struct transport *transport = hand->transport;
	char error[RECORDING_ERROR_MAX + 64];
	struct transport_news news = {
		.ticket = hand->ticket,
		.kind = NEWS_NOT_BEGUN,
		.error = error,
	};

	if (!hand->ticket) /* it goes on elsewhere */
		return;
	snprintf(error, sizeof(error), "%s; %s",
		 hand->job->error[0] ? hand->job->error
				     : "no take can be begun",
		 hand->mirror ? "the mirror does not have this take"
			      : "nothing is being recorded");
	log_error("%s", news.error);
	snprintf(transport->last_error, sizeof(transport->last_error), "%.255s",
		 news.error);
	transport_tell(transport, &news);
}

/* What the others lack of it is no loss. */
static void note_whole(struct hand *hand)
{
	struct hand *other = NULL;

	while ((other = transport_next_twin(hand->transport, hand, other)))
		other->whole = other != hand;
}

/* One that could not be closed is looked for again. And who looks through its
 * medium just now may have seen it while it was not closed. */
static bool is_to_be_searched(const struct hand *hand,
			      const struct take_status *status)
{
	return hand->transport->survey[hand->volume] ||
	       (!hand->healing && status->state == TAKE_FAILED);
}

/* The place is free before anyone hears of it: a listener may begin the next
 * take at once. */
static void put_away(struct hand *hand, const struct take_status *status)
{
	struct transport *transport = hand->transport;
	struct hand ended = *hand;
	json_t *summary = NULL;

	if (status->state == TAKE_DONE && !hand->left)
		note_whole(hand);
	if (hand->prepared && !hand->healing) {
		note_end(hand, status);
		summary = summary_of_take(take_result(hand->take),
					  hand->place.folder, status->bytes);
	}
	loop_remove(hand->source);
	take_destroy(hand->take);
	/* While what ran is looked for, only what was stopped is written. */
	if (!hand->healing && !hand->was_stopped && !transport->recalling)
		transport->settled = true;
	transport->mirror_is_due = true;
	if (hand->volume >= 0 && is_to_be_searched(hand, status))
		transport_search_again(transport, (unsigned)hand->volume);
	if (transport->current == hand)
		transport->current = NULL;
	*hand = (struct hand){0};
	if (ended.prepared)
		tell_end(&ended, summary);
	else
		tell_not_begun(&ended);
	free(ended.job);
}

/* False when it is over. */
static bool look_after(struct hand *hand)
{
	struct take_status status;

	take_get_status(hand->take, &status);
	if (status.prepared && !hand->prepared && !hand->left)
		transport_note_begun(hand);
	if (status.prepared && !hand->prepared && hand->left && hand->job)
		transport_keep_number(hand->transport, &hand->job->place);
	if (status.gap_count != hand->gaps) {
		hand->gaps = status.gap_count;
		transport_changed(hand->transport);
	}
	if (!is_over(&status))
		return true;
	/* It may have failed since its medium was looked at. */
	transport_look_at_medium(hand);
	if (transport_waits_to_go_on(hand)) {
		if (!hand->transport->quitting)
			return true;
		transport_leave_rest(hand);
	}
	put_away(hand, &status);
	return false;
}

void transport_look_after_takes(struct transport *transport)
{
	bool recorded = false;

	transport_look_after_media(transport); /* before one is put away */
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take && look_after(hand) && !hand->healing)
			recorded = true;
	}
	if (transport->quitting)
		transport_end_mirror(transport);
	if (!transport->quitting)
		return;
	transport_note_intent(transport);
	if (!recorded)
		loop_quit(transport->loop);
}

static void take_ready(void *context, uint32_t events)
{
	struct hand *hand = context;
	struct transport *transport = hand->transport;
	uint64_t count;

	(void)events;
	if (read(take_fd(hand->take), &count, sizeof(count)) > 0) {
		transport_changed(transport);
		transport_look_after_takes(transport);
	}
}

struct hand *transport_free_hand(struct transport *transport)
{
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take)
			continue;
		*hand = (struct hand){
			.transport = transport,
			.ticket = ++transport->tickets,
			.stop = TAKE_FOREVER,
			.volume = -1,
		};
		return hand;
	}
	return NULL;
}

/* What is left of one that was stopped is not what commands mean. */
static bool is_in_the_way(const struct hand *hand)
{
	const struct hand *current = hand->transport->current;

	if (hand->stop == TAKE_FOREVER)
		return false;
	return (current && current->stop == TAKE_FOREVER) ||
	       transport_recalled(hand->transport);
}

void transport_adopt(struct hand *hand, struct take *take)
{
	struct transport *transport = hand->transport;

	hand->take = take;
	hand->tape = transport->tapes;
	hand->source = loop_add_fd(transport->loop, take_fd(take), EPOLLIN,
				   take_ready, hand);
	if (!hand->healing && !is_in_the_way(hand))
		transport->current = hand;
	transport_changed(transport);
}

void transport_stop_takes(struct transport *transport, uint64_t position,
			  const char *reason)
{
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		/* Those on another tape end with that. */
		if (!hand->take || hand->healing || hand->left ||
		    hand->tape != transport->tapes)
			continue;
		take_stop(hand->take, position, reason);
		if (position < hand->stop)
			hand->stop = position;
	}
	if (position < transport->onward.stop)
		transport->onward.stop = position;
}

void transport_destroy_takes(struct transport *transport)
{
	transport_stop_takes(transport, 0, "shut down");
	transport_drop_comeback(transport, "shut down");
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		loop_remove(transport->hand[i].source);
		if (transport->hand[i].take && !transport->hand[i].healing)
			take_stop(transport->hand[i].take, 0, "shut down");
		take_destroy(transport->hand[i].take);
		free(transport->hand[i].job);
	}
}

unsigned transport_healing(const struct transport *transport)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += transport->hand[i].take && transport->hand[i].healing;
	return count;
}

struct hand *transport_next_twin(struct transport *transport,
				 const struct hand *hand, struct hand *last)
{
	struct hand *next = last ? last + 1 : transport->hand;

	for (; next < transport->hand + HANDS_MAX; next++)
		if (next->take && !next->healing && !next->left &&
		    next->group == hand->group)
			return next;
	return NULL;
}
