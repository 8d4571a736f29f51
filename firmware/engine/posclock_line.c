/*
 * The line that a posclock has come to, and positions and times by it.
 */
#include "engine/posclock.h"

#include "engine/reals.h"

#define RATE_OFF 0.02 /* more than a crystal ever is */

void posclock_init_line(struct posclock *clock, unsigned rate,
			const struct posclock_line *line)
{
	posclock_init(clock, rate);
	if (!(magnitude(line->rate_hz / rate - 1) < RATE_OFF))
		return;
	clock->anchor = (struct posclock_pair){line->position, line->time_ns};
	clock->frame_ns = 1e9 / line->rate_hz;
	clock->ppm = line->ppm;
	clock->ppm_error = line->ppm_error;
	clock->locked = line->locked;
	clock->recent[0].pair = clock->anchor;
	clock->recent[0].late_ns = 0;
	clock->newest = 0;
	clock->newest_ns = line->time_ns;
	clock->recent_count = 1;
}

struct posclock_line posclock_line(const struct posclock *clock)
{
	const struct posclock_recent *now =
		&clock->recent[clock->newest % POSCLOCK_WINDOW];
	struct posclock_line line = {
		.ppm = clock->ppm,
		.ppm_error = clock->ppm_error,
		.locked = clock->locked,
	};

	if (clock->recent_count == 0)
		return line;
	line.position = now->pair.position;
	line.time_ns =
		now->pair.time_ns - rounded(now->late_ns - clock->base_ns);
	line.rate_hz = 1e9 / clock->frame_ns;
	return line;
}

int64_t posclock_position_at(const struct posclock_line *line, int64_t time_ns)
{
	if (line->rate_hz <= 0)
		return -1;
	return line->position +
	       rounded((double)(time_ns - line->time_ns) * line->rate_hz / 1e9);
}

int64_t posclock_time_of(const struct posclock_line *line, int64_t position)
{
	if (line->rate_hz <= 0)
		return -1;
	return line->time_ns + rounded((double)(position - line->position) *
				       1e9 / line->rate_hz);
}
