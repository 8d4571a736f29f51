/*
 * How far to encode next. What has been published is encoded in whole blocks,
 * at most a quarter of a second of it at a time; what the tape has come round
 * to before is passed over with silence and a gap that names it; and should the
 * tape have come round while a slice was being read, what was made of it is
 * taken back.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define GUARD_SECONDS 2
#define GUARD_SHARE   4
#define WAIT_SHARE    4
#define ENDING_SHARE  2

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t take_available(const struct take *take)
{
	uint64_t published = tape_published(&take->tape);
	uint64_t start = take->info.start;

	return published > start ? published - start : 0;
}

/* One that has its end has little left to be late with. */
bool take_has_to_go_on(const struct take *take)
{
	unsigned share =
		take->limit == TAKE_FOREVER ? WAIT_SHARE : ENDING_SHARE;

	return take->tape.header && tape_state(&take->tape) != TAPE_ENDED &&
	       take_available(take) >
		       take->fed + take->tape.facts->frames / share;
}

/* Frames of the take that are overwritten, or so nearly that they could be
 * while a slice is being read. */
static uint64_t overwritten(const struct take *take)
{
	const struct tape_facts *facts = take->tape.facts;
	uint64_t oldest = tape_oldest(&take->tape);
	uint64_t guard = (uint64_t)GUARD_SECONDS * facts->rate;

	if (guard > facts->frames / GUARD_SHARE)
		guard = facts->frames / GUARD_SHARE;
	if (oldest == 0 || tape_state(&take->tape) == TAPE_ENDED)
		guard = 0;
	oldest += guard;
	return oldest > take->info.start ? oldest - take->info.start : 0;
}

/* Up to where the next frames are lost to us: whole blocks, so that all stays
 * on block borders, or the end. take->fed if none are. */
static uint64_t plan_loss(const struct take *take, uint64_t ready)
{
	uint64_t lost = overwritten(take);

	if (lost <= take->fed)
		return take->fed;
	lost = take_whole_blocks(lost + ENCODER_BLOCK - 1);
	if (lost > ready)
		lost = ready == take->limit ? ready : take_whole_blocks(ready);
	return lost > take->fed ? lost : take->fed;
}

/* Durable at once: whoever is late is not to begin here again. */
static int pass_over(struct take *take, uint64_t to)
{
	int error =
		take_note(take, json_pack("{ss sI sI ss si}", "type", "gap",
					  "at", (json_int_t)take->fed, "frames",
					  (json_int_t)(to - take->fed), "cause",
					  TAKE_OVERRUN, "uncertainty", 0));

	log_error("%.1f s of sound are lost: %s was too slow, and the tape "
		  "could not hold them all",
		  (double)(to - take->fed) / take->info.rate,
		  take->pace.load > 1 ? "this machine" : "the medium");
	if (error == 0)
		error = take_encode(take, to, true, false);
	if (error == 0)
		error = take_note_events(take);
	return error < 0 ? error : take_sync(take);
}

/* What the last sync covers is good, and where it ends is where reading goes
 * on: what has been overwritten since is then found to be lost. */
static int take_back(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_cut(&take->track[i],
					  take->durable - take->part_start);
	if (error < 0)
		return error;
	take_give_back();
	take->fed = take->durable;
	take_replay_arms(take);
	error = take_note(take, json_pack("{ss sI}", "type", "resumed", "at",
					  (json_int_t)take->fed));
	take_levels_back(take);
	return error;
}

/* No more than a quarter of a second's work: the tape does not come round
 * meanwhile, and the level can be lowered in time. */
static uint64_t slice_frames(const struct take *take)
{
	double load = take->pace.load > 1 ? take->pace.load : 1;

	return take_whole_blocks((uint64_t)(take->info.rate / 4 / load) +
				 ENCODER_BLOCK - 1);
}

/* Where this slice ends; take->fed if there is nothing to do yet. */
static uint64_t plan_slice(struct take *take, uint64_t ready)
{
	uint64_t slice = slice_frames(take);
	uint64_t to = smaller(take->fed + slice, ready);

	if (to != take->limit)
		to = take_whole_blocks(to);
	to = smaller(to, take_next_border(take));
	return to > take->fed ? to : take->fed;
}

/* A power cut costs what was played since the last sync that ended began. If
 * the next one takes as long as the last, it is over an interval after that. */
int64_t take_next_sync(const struct take *take)
{
	int64_t interval = (int64_t)(take->plan.sync_seconds * NS_PER_S);

	return take->sync_ns + (take->took_ns < interval / 2
					? interval - take->took_ns
					: interval / 2);
}

/* What has been published meanwhile is to be in it, but a machine that does not
 * catch up does not put it off for long. */
static bool sync_is_due(struct take *take)
{
	int64_t now = clock_now_ns();
	int64_t patience = (int64_t)(take->plan.sync_seconds * NS_PER_S / 4);

	if (now < take_next_sync(take) || take_encoded(take) == take->durable) {
		take->due_ns = 0;
		return false;
	}
	if (take->due_ns == 0)
		take->due_ns = now;
	return now - take->due_ns >= patience ||
	       take_whole_blocks(take_available(take)) <= take->fed;
}

static int write_out(struct take *take)
{
	bool due = sync_is_due(take);
	size_t most = 0;
	int error;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i] && take->track[i].queued > most)
			most = take->track[i].queued;
	if (!due && most < TRACK_QUEUE_BYTES)
		return 0;
	error = take_look_for_room(take);
	if (error < 0)
		return error;
	if (!due)
		return take_flush(take);
	error = take_sync(take);
	take->due_ns = 0;
	return error;
}

static int encode_slice(struct take *take, uint64_t to)
{
	uint64_t from = take->info.start + take->fed;
	bool full = to < take->limit && take_part_is_full(take, to);
	int error = take_encode_paced(take, to, full);

	if (error == 0 && !tape_valid(&take->tape, from))
		return take_back(take);
	if (error == 0)
		error = take_note_events(take);
	if (error == 0 && full)
		error = take_next_part(take);
	return error < 0 ? error : write_out(take);
}

static const char *why_tape_ended(const struct take *take, char *reason,
				  size_t size)
{
	uint64_t count = tape_event_count(&take->tape);
	struct tape_event event;

	if (count == 0 || tape_event(&take->tape, count - 1, &event) < 0 ||
	    event.kind != TAPE_RATE)
		return "the tape ended";
	snprintf(reason, size, "the interface went over to %llu Hz",
		 (unsigned long long)event.frames);
	return reason;
}

int take_encode_slice(struct take *take)
{
	char reason[TAKE_TEXT_MAX];
	bool ended = tape_state(&take->tape) == TAPE_ENDED;
	uint64_t ready = take_available(take), to;
	int error;

	if (ended && ready < take->limit) {
		take_stop(take, take->info.start + ready,
			  why_tape_ended(take, reason, sizeof(reason)));
		error = take_look_for_stop(take);
		if (error < 0)
			return error;
	}
	ready = smaller(ready, take->limit);
	to = plan_loss(take, ready);
	if (to > take->fed) {
		error = pass_over(take, to);
		return error < 0 ? error : 1;
	}
	to = plan_slice(take, ready);
	if (to == take->fed)
		return write_out(take);
	error = encode_slice(take, to);
	return error < 0 ? error : 1;
}
