/*
 * Whether the writers of the takes in hand go on, for the watchdog.
 *
 * A medium that is slow is no reason to end the process: the writer is then
 * merely late, and the tape carries it. But a writer that stands still for
 * half of what the tape holds leaves the other half to a new process, which
 * takes up the same take. Healing of old takes is not watched.
 */
#include "base/clock.h"
#include "transport/transport_private.h"

#define STILL_MIN_NS (10 * NS_PER_S)
#define STILL_MAX_NS (60 * NS_PER_S)
/* What is inspected at the start of a resumed take, or tagged at the end, has
 * no number that grows. */
#define QUIET_MAX_NS   (300 * NS_PER_S)
#define BEHIND_SECONDS 1 /* a writer at rest is less far behind */

static int64_t patience(const struct tape *tape)
{
	int64_t half;

	if (!tape->header)
		return STILL_MAX_NS;
	half = (int64_t)(tape->facts->frames / tape->facts->rate / 2) *
	       NS_PER_S;
	if (half < STILL_MIN_NS)
		return STILL_MIN_NS;
	return half < STILL_MAX_NS ? half : STILL_MAX_NS;
}

static bool goes_on(struct hand *hand, const struct tape *tape, int64_t now_ns)
{
	int64_t limit = QUIET_MAX_NS;
	struct take_status take;
	bool wanted = true;

	take_get_status(hand->take, &take);
	/* One that is over may wait for a medium, with nothing left to do. */
	if (take.state == TAKE_DONE || take.state == TAKE_FAILED)
		wanted = false;
	if (take.state == TAKE_RECORDING) {
		limit = patience(tape);
		if (tape->header)
			wanted = tape_published(tape) >
				 take.start + take.encoded +
					 BEHIND_SECONDS * tape->facts->rate;
	}
	return progress_goes_on(&hand->writing,
				take.encoded + take.durable + take.bytes +
					take.silence + (uint64_t)take.state,
				wanted, limit, now_ns);
}

bool transport_goes_on(struct transport *transport, int64_t now_ns)
{
	bool all = true;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take && !hand->healing && !hand->left &&
		    !goes_on(hand, &transport->client.tape, now_ns))
			all = false;
	}
	return all;
}
