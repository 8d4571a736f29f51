/*
 * Encoding at the level that this machine has the time for: pace decides, the
 * encoders are told on a block's border, the ledger says so.
 */
#include "take/take_private.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

/* What is left of the take fits the tape: it waits there as long as it must. */
static bool cannot_be_lost(const struct take *take, uint64_t available)
{
	return take->limit >= available &&
	       take->limit - take->fed <= take->tape.facts->frames;
}

static uint64_t waiting(const struct take *take)
{
	uint64_t available = take_available(take);

	return available > take->fed ? available - take->fed : 0;
}

unsigned take_level(const struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			return encoder_level(take->track[i].encoder);
	return take->pace.level;
}

static void set_level(struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			encoder_set_level(take->track[i].encoder,
					  take->pace.level);
}

static int note_level(struct take *take, unsigned before)
{
	uint64_t behind = waiting(take);

	if (take->pace.level < before)
		log_warning("this machine is too slow for compression level "
			    "%u (%.1f s of sound are waiting): the take goes "
			    "on at level %u; nothing is lost, its files grow "
			    "a little faster",
			    before, (double)behind / take->info.rate,
			    take->pace.level);
	else
		log_info("there is time for compression level %u again",
			 take->pace.level);
	return take_note(
		take, json_pack("{ss sI si sI sf}", "type", "compression", "at",
				(json_int_t)take->fed, "level",
				(int)take->pace.level, "waiting",
				(json_int_t)behind, "load", take->pace.load));
}

static void look(struct take *take, uint64_t frames, int64_t encode_ns)
{
	struct pace_view view = {
		.rate = take->info.rate,
		.frames = frames,
		.encode_ns = encode_ns,
		.waiting = waiting(take),
		.ring = take->tape.facts->frames,
		.safe = cannot_be_lost(take, take_available(take)),
	};

	pace_look(&take->pace, &view);
}

int take_encode_paced(struct take *take, uint64_t to, bool drain)
{
	unsigned level = take_level(take);
	bool change = to < take->limit && level != take->pace.level;
	uint64_t from = take->fed;
	int64_t start = clock_now_ns();
	int error;

	if (change)
		set_level(take);
	error = take_encode(take, to, false, drain || change);
	if (error < 0)
		return error;
	/* These were still encoded at the old level: they say nothing new. */
	if (change)
		return note_level(take, level);
	look(take, to - from, clock_now_ns() - start);
	return 0;
}
