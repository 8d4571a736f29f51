/* A time stamp can be late by some milliseconds, which is a few thousandths of
 * a window; standard rates are 8 % apart and more. */
#include "engine/rate_watch.h"

#include "engine/reals.h"

#define WINDOW_NS 500000000LL
#define WINDOWS	  3
#define NEAR	  0.02

static unsigned standard_rate(double hz)
{
	static const unsigned rates[] = {8000,	 11025,	 16000, 22050, 32000,
					 44100,	 48000,	 64000, 88200, 96000,
					 128000, 176400, 192000};

	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (magnitude(hz / rates[i] - 1) < NEAR)
			return rates[i];
	return 0;
}

void rate_watch_init(struct rate_watch *watch, unsigned nominal)
{
	*watch = (struct rate_watch){.nominal = nominal};
}

void rate_watch_restart(struct rate_watch *watch)
{
	rate_watch_init(watch, watch->nominal);
}

static void begin_window(struct rate_watch *watch, uint64_t delivered,
			 uint64_t position, int64_t time_ns)
{
	watch->start_frames = delivered;
	watch->start_position = position;
	watch->start_ns = time_ns;
}

unsigned rate_watch_feed(struct rate_watch *watch, uint64_t delivered,
			 uint64_t position, int64_t time_ns)
{
	int64_t elapsed = time_ns - watch->start_ns;
	unsigned rate;

	if (watch->nominal == 0)
		return 0;
	if (watch->start_ns == 0) {
		begin_window(watch, delivered, position, time_ns);
		return 0;
	}
	if (elapsed < WINDOW_NS)
		return 0;
	rate = standard_rate((double)(delivered - watch->start_frames) * 1e9 /
			     (double)elapsed);
	if (rate == watch->nominal)
		rate = 0;
	if (rate != watch->candidate || rate == 0) {
		watch->candidate = rate;
		watch->windows = 0;
		watch->since = watch->start_position;
	}
	watch->windows += rate != 0;
	begin_window(watch, delivered, position, time_ns);
	return watch->windows >= WINDOWS ? rate : 0;
}
