/* One small machine; its state is what the series of presses can still be. */
#include "surface/gesture.h"

static bool wants(const struct gesture *gesture, enum board_gesture which)
{
	return gesture->wanted >> which & 1;
}

void gesture_init(struct gesture *gesture, unsigned wanted,
		  const struct gesture_times *times)
{
	*gesture = (struct gesture){.wanted = wanted, .times = *times};
}

static unsigned add(const struct gesture *gesture, unsigned count,
		    struct gesture_done *done, enum board_gesture which,
		    int64_t time_ns)
{
	if (wants(gesture, which))
		done[count++] = (struct gesture_done){which, time_ns};
	return count;
}

/* While it is down: the next thing that it becomes. */
static int64_t down_deadline(const struct gesture *gesture)
{
	if (wants(gesture, BOARD_HOLD))
		return gesture->first_ns + gesture->times.hold_ns;
	if (wants(gesture, BOARD_LONG))
		return gesture->first_ns + gesture->times.long_ns;
	return GESTURE_NEVER;
}

int64_t gesture_deadline(const struct gesture *gesture)
{
	switch (gesture->state) {
	case GESTURE_DOWN:
		return down_deadline(gesture);
	case GESTURE_HELD:
		return gesture->first_ns + gesture->times.long_ns;
	case GESTURE_BETWEEN:
		return gesture->open_ns + gesture->times.double_ns;
	case GESTURE_UP:
	case GESTURE_OVER:
		break;
	}
	return GESTURE_NEVER;
}

/* One deadline that has passed. */
static unsigned expire(struct gesture *gesture, unsigned count,
		       struct gesture_done *done)
{
	int64_t time_ns = gesture_deadline(gesture);
	enum gesture_state was = gesture->state;

	gesture->state = GESTURE_OVER;
	if (was == GESTURE_BETWEEN) {
		gesture->state = GESTURE_UP;
		return add(gesture, count, done, BOARD_PRESS,
			   gesture->first_ns);
	}
	if (was == GESTURE_HELD)
		return add(gesture, count, done, BOARD_LONG, time_ns);
	if (wants(gesture, BOARD_HOLD) && wants(gesture, BOARD_LONG)) {
		gesture->state = GESTURE_HELD;
		return count;
	}
	return add(gesture, count, done,
		   wants(gesture, BOARD_HOLD) ? BOARD_HOLD : BOARD_LONG,
		   time_ns);
}

unsigned gesture_run(struct gesture *gesture, int64_t now_ns,
		     struct gesture_done done[GESTURE_DONE_MAX])
{
	unsigned count = 0;

	while (gesture_deadline(gesture) <= now_ns)
		count = expire(gesture, count, done);
	return count;
}

static unsigned press(struct gesture *gesture, int64_t time_ns, unsigned count,
		      struct gesture_done *done)
{
	if (gesture->state == GESTURE_BETWEEN) {
		gesture->state = GESTURE_OVER;
		return add(gesture, count, done, BOARD_DOUBLE,
			   gesture->first_ns);
	}
	gesture->first_ns = time_ns;
	gesture->state = GESTURE_DOWN;
	if (wants(gesture, BOARD_DOUBLE) || wants(gesture, BOARD_HOLD) ||
	    wants(gesture, BOARD_LONG))
		return count;
	gesture->state = GESTURE_OVER;
	return add(gesture, count, done, BOARD_PRESS, time_ns);
}

static unsigned release(struct gesture *gesture, int64_t time_ns,
			unsigned count, struct gesture_done *done)
{
	enum gesture_state was = gesture->state;

	gesture->state = GESTURE_UP;
	if (was == GESTURE_HELD)
		return add(gesture, count, done, BOARD_HOLD,
			   gesture->first_ns + gesture->times.hold_ns);
	if (was != GESTURE_DOWN)
		return count;
	if (wants(gesture, BOARD_DOUBLE)) {
		gesture->open_ns = time_ns;
		gesture->state = GESTURE_BETWEEN;
		return count;
	}
	return add(gesture, count, done, BOARD_PRESS, gesture->first_ns);
}

unsigned gesture_feed(struct gesture *gesture, bool active, int64_t time_ns,
		      struct gesture_done done[GESTURE_DONE_MAX])
{
	unsigned count = gesture_run(gesture, time_ns, done);
	bool down = gesture->state == GESTURE_DOWN ||
		    gesture->state == GESTURE_HELD ||
		    gesture->state == GESTURE_OVER;

	if (active == down)
		return count;
	return active ? press(gesture, time_ns, count, done)
		      : release(gesture, time_ns, count, done);
}
