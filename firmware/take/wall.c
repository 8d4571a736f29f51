/*
 * The kernel knows how far its clock can be off while something disciplines it
 * (adjtimex). A clock that was only read from the hardware at boot is good to a
 * second or two, and runs by itself while the machine is off.
 */
#include "take/wall.h"

#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "base/clock.h"
#include "take/names.h"

#define MS_NS	       (NS_PER_MS)
#define LEAST_ERROR    0.02 /* position and time are not read at once */
#define HARDWARE_ERROR 2.0  /* whole seconds, read and written */
#define DRIFT	       1e-4 /* of a hardware clock left alone */

struct wall wall_now(void)
{
	struct timex state = {.modes = 0};
	bool disciplined =
		adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);

	return (struct wall){
		.set = names_read_clock().set,
		.ms = clock_read_ns(CLOCK_REALTIME) / MS_NS,
		.error = disciplined
				 ? LEAST_ERROR + (double)state.maxerror / 1e6
				 : HARDWARE_ERROR,
		.drifts = !disciplined,
	};
}

struct wall wall_of(const struct tape *tape, uint64_t position)
{
	struct posclock_line line = tape_line(tape);
	struct wall wall = wall_now();
	int64_t now = clock_now_ns();

	if (line.rate_hz > 0)
		wall.ms -= (now - posclock_time_of(&line, (int64_t)position)) /
			   MS_NS;
	else
		wall.ms -= (int64_t)((double)(tape_published(tape) - position) *
				     1e3 / tape->facts->rate);
	return wall;
}

static bool read_entry(const struct take_info *info, const json_t *entry,
		       uint64_t frames, struct wall *wall)
{
	const json_t *time = json_object_get(entry, "time");
	const json_t *error = json_object_get(entry, "time_error");
	json_int_t then =
		json_integer_value(json_object_get(entry, "expected"));

	if (!json_is_integer(time) || !json_is_number(error))
		return false;
	*wall = (struct wall){
		.set = true,
		.ms = json_integer_value(time) +
		      (int64_t)((double)((int64_t)(info->start + frames) -
					 then) *
				1e3 / info->rate),
		.error = json_number_value(error),
	};
	return true;
}

struct wall wall_of_end(const struct take_info *info, uint64_t frames)
{
	struct wall wall = {.set = false};

	for (size_t i = json_array_size(info->clocks); i-- > 0;)
		if (read_entry(info, json_array_get(info->clocks, i), frames,
			       &wall))
			break;
	return wall;
}

struct pause pause_between(const struct wall *end, const struct wall *begin)
{
	struct pause pause = {.known = false};
	double seconds = (double)(begin->ms - end->ms) / 1e3;
	double error = end->error + begin->error;

	if (begin->drifts && seconds > 0)
		error += DRIFT * seconds;
	if (!end->set || !begin->set || seconds < -error)
		return pause;
	pause.known = true;
	pause.seconds = seconds > 0 ? seconds : 0;
	pause.uncertainty = error;
	return pause;
}
