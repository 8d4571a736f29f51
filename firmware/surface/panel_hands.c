/*
 * From levels of inputs to commands.
 *
 * A button's gestures are looked up in the board's table. A switch's state is
 * made true as soon as that is possible: it is tried with the position of its
 * edge, and once a second from then on while there is no track yet, no
 * interface to record from, or the panel is locked.
 *
 * LOCK keeps hands off everything but LOCK itself. Lines that no hand works,
 * the supply's and a trigger, are not locked.
 */
#include "surface/panel_private.h"

#include "base/clock.h"
#include "base/log.h"

#define RETRY_NS NS_PER_S

/* ---- commands ---- */

static enum command_error command(struct panel *panel,
				  const struct command *command,
				  struct command_reply *reply)
{
	transport_command(panel->transport, command, reply);
	return reply->error;
}

static void refused(struct panel *panel, const char *what, const char *why)
{
	log_warning("panel: %s: %s", what, why);
	picture_refuse(&panel->picture, clock_now_ns());
}

static struct command make(const struct panel *panel, enum command_kind kind,
			   int64_t time_ns)
{
	return (struct command){
		.kind = kind,
		.position = transport_position_at(panel->transport, time_ns),
		.preroll = -1,
	};
}

static void simple(struct panel *panel, enum command_kind kind, int64_t time_ns,
		   const char *what)
{
	struct command wanted = make(panel, kind, time_ns);
	struct command_reply reply;

	if (command(panel, &wanted, &reply) != COMMAND_OK)
		refused(panel, what, reply.message);
	else if (kind == COMMAND_TO_KEEP)
		picture_confirm(&panel->picture, clock_now_ns());
}

static bool take_runs(struct panel *panel)
{
	transport_get_status(panel->transport, &panel->status);
	return panel->status.state == TRANSPORT_STARTING ||
	       panel->status.state == TRANSPORT_RECORDING;
}

/* Record; if a take runs already, do `otherwise`. Whether one runs is for the
 * transport to say: a take that was told to stop is over, whatever it still
 * has to write. */
static void record_or(struct panel *panel, int64_t time_ns, bool other_way,
		      enum command_kind otherwise, const char *what)
{
	struct command wanted = make(panel, COMMAND_TO_RECORD, time_ns);
	struct command_reply reply;

	wanted.preroll = panel->board.preroll;
	if (command(panel, &wanted, &reply) == COMMAND_OK)
		return;
	if (other_way && reply.error == COMMAND_REFUSED && take_runs(panel))
		simple(panel, otherwise, time_ns, what);
	else
		refused(panel, "REC", reply.message);
}

static enum command_error arm(struct panel *panel, uint64_t tracks, bool on,
			      uint64_t position)
{
	struct command wanted = {.kind = COMMAND_TO_ARM,
				 .position = position,
				 .tracks = tracks,
				 .on = on};
	struct command_reply reply;

	if (command(panel, &wanted, &reply) != COMMAND_OK)
		refused(panel, "ARM", reply.message);
	return reply.error;
}

static void arm_all(struct panel *panel, int64_t time_ns)
{
	bool all = true;

	transport_get_status(panel->transport, &panel->status);
	for (unsigned i = 0; i < panel->status.track_count; i++)
		all &= panel->status.tracks[i].armed;
	arm(panel, TRANSPORT_ALL_TRACKS, !all,
	    transport_position_at(panel->transport, time_ns));
}

static void toggle_arm(struct panel *panel, unsigned track, int64_t time_ns)
{
	transport_get_status(panel->transport, &panel->status);
	if (track > panel->status.track_count)
		refused(panel, "ARM", "there is no such track");
	else
		arm(panel, 1ull << (track - 1),
		    !panel->status.tracks[track - 1].armed,
		    transport_position_at(panel->transport, time_ns));
}

static void clear(struct panel *panel)
{
	meters_reset_clips(&panel->meters);
	picture_clear(&panel->picture, &panel->view);
}

static void act(struct panel *panel, enum board_action action, int64_t time_ns)
{
	switch (action) {
	case BOARD_DO_RECORD:
		record_or(panel, time_ns, false, COMMAND_TO_STOP, "REC");
		break;
	case BOARD_DO_STOP:
		simple(panel, COMMAND_TO_STOP, time_ns, "STOP");
		break;
	case BOARD_DO_TOGGLE:
		record_or(panel, time_ns, true, COMMAND_TO_STOP, "STOP");
		break;
	case BOARD_DO_RECORD_OR_MARK:
		record_or(panel, time_ns, true, COMMAND_TO_MARK, "MARK");
		break;
	case BOARD_DO_MARK:
		simple(panel, COMMAND_TO_MARK, time_ns, "MARK");
		break;
	case BOARD_DO_KEEP:
		simple(panel, COMMAND_TO_KEEP, time_ns, "KEEP");
		break;
	case BOARD_DO_LOCK:
		panel->locked = !panel->locked;
		break;
	case BOARD_DO_ARM_ALL:
		arm_all(panel, time_ns);
		break;
	case BOARD_DO_CLEAR:
		clear(panel);
		break;
	case BOARD_DO_NOTHING:
	case BOARD_ACTIONS:
		break;
	}
}

/* ---- buttons ---- */

static bool is_locked(const struct panel *panel,
		      const struct board_input *input)
{
	return panel->locked && input->role != BOARD_LOCK &&
	       input->role != BOARD_TRIGGER;
}

static bool can_lock(const struct board *board, enum board_input_role role)
{
	for (unsigned i = 0; i < board->rules; i++)
		if (board->rule[i].button == role &&
		    board->rule[i].action == BOARD_DO_LOCK)
			return true;
	return false;
}

static void gestures_done(struct panel *panel, unsigned index,
			  const struct gesture_done *done, unsigned count)
{
	const struct board *board = &panel->board;
	const struct board_input *input = &board->input[index];

	for (unsigned i = 0; i < count; i++)
		for (unsigned r = 0; r < board->rules; r++) {
			const struct board_rule *rule = &board->rule[r];

			if (rule->button != input->role ||
			    rule->gesture != done[i].gesture)
				continue;
			if (is_locked(panel, input) &&
			    rule->action != BOARD_DO_LOCK)
				refused(panel, board_input_name(input->role),
					"the panel is locked");
			else
				act(panel, rule->action, done[i].time_ns);
			break;
		}
}

static void supply(struct panel *panel, bool fails, int64_t time_ns)
{
	struct command wanted = make(panel, COMMAND_TO_SAVE, time_ns);
	struct command_reply reply;

	wanted.on = fails;
	command(panel, &wanted, &reply);
}

static void button_changed(struct panel *panel, unsigned index, bool active,
			   int64_t time_ns)
{
	const struct board_input *input = &panel->board.input[index];
	struct gesture_done done[GESTURE_DONE_MAX];
	unsigned count;

	if (input->role == BOARD_POWER_FAIL) {
		supply(panel, active, time_ns);
	} else if (active && is_locked(panel, input) &&
		   !can_lock(&panel->board, input->role)) {
		refused(panel, board_input_name(input->role),
			"the panel is locked");
	} else if (input->role == BOARD_ARM) {
		if (active)
			toggle_arm(panel, input->track, time_ns);
	} else {
		count = gesture_feed(&panel->hand[index].gesture, active,
				     time_ns, done);
		gestures_done(panel, index, done, count);
	}
}

/* ---- switches ---- */

/* Whether the recorder is now as the switch says. */
static bool make_true(struct panel *panel, unsigned index, uint64_t position)
{
	const struct board_input *input = &panel->board.input[index];
	struct panel_hand *hand = &panel->hand[index];
	struct command wanted = {.kind = hand->state ? COMMAND_TO_RECORD
						     : COMMAND_TO_STOP,
				 .position = position,
				 .preroll = panel->board.preroll};
	struct command_reply reply;

	switch (input->role) {
	case BOARD_LOCK:
		panel->locked = hand->state;
		return true;
	case BOARD_ARM:
		if (input->track > panel->status.track_count)
			return false;
		return arm(panel, 1ull << (input->track - 1), hand->state,
			   position) == COMMAND_OK;
	case BOARD_REC:
	case BOARD_FOOTSWITCH:
	case BOARD_TRIGGER:
		break;
	default:
		return true;
	}
	if (command(panel, &wanted, &reply) == COMMAND_OK ||
	    !hand->state == !take_runs(panel))
		return true;
	if (!hand->complained)
		refused(panel, "REC", reply.message);
	hand->complained = true;
	return false;
}

static void try_switch(struct panel *panel, unsigned index, int64_t time_ns)
{
	const struct board_input *input = &panel->board.input[index];
	struct panel_hand *hand = &panel->hand[index];

	if (!is_locked(panel, input)) {
		hand->pending = !make_true(
			panel, index,
			transport_position_at(panel->transport, time_ns));
		return;
	}
	if (!hand->complained)
		refused(panel, board_input_name(input->role),
			"the panel is locked; the switch counts when it is "
			"unlocked");
	hand->complained = true;
}

static void switch_changed(struct panel *panel, unsigned index, bool active,
			   int64_t time_ns)
{
	enum board_input_role role = panel->board.input[index].role;
	struct panel_hand *hand = &panel->hand[index];
	bool first = !hand->known;

	hand->known = true;
	hand->state = active;
	hand->since_ns = time_ns;
	hand->complained = false;
	/* One that is off from the start ends no take that it did not begin. */
	hand->pending =
		!first || active || role == BOARD_ARM || role == BOARD_LOCK;
	if (hand->pending)
		try_switch(panel, index, time_ns);
}

/* ---- both ---- */

static void tell(struct panel *panel, unsigned index,
		 const struct debounce_change *change, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (panel->hand[index].debounce.latched)
			switch_changed(panel, index, change[i].active,
				       change[i].time_ns);
		else
			button_changed(panel, index, change[i].active,
				       change[i].time_ns);
}

void panel_hand_feed(struct panel *panel, const struct gpio_event *event)
{
	struct debounce_change change[2];
	unsigned count;

	if (event->wire >= panel->board.inputs)
		return;
	count = debounce_feed(&panel->hand[event->wire].debounce, event->active,
			      event->seen, event->time_ns, change);
	tell(panel, event->wire, change, count);
}

static void run_hand(struct panel *panel, unsigned index, int64_t now_ns)
{
	struct panel_hand *hand = &panel->hand[index];
	struct debounce_change change[1];
	struct gesture_done done[GESTURE_DONE_MAX];
	unsigned count = debounce_run(&hand->debounce, now_ns, change);

	tell(panel, index, change, count);
	count = gesture_run(&hand->gesture,
			    debounce_certain(&hand->debounce, now_ns), done);
	gestures_done(panel, index, done, count);
	if (hand->pending && now_ns - hand->since_ns >= RETRY_NS) {
		hand->since_ns += RETRY_NS;
		try_switch(panel, index, now_ns);
	}
}

void panel_hands_run(struct panel *panel, int64_t now_ns)
{
	for (unsigned i = 0; i < panel->board.inputs; i++)
		run_hand(panel, i, now_ns);
}

static unsigned wanted_gestures(const struct board *board,
				enum board_input_role role)
{
	unsigned wanted = 0;

	for (unsigned i = 0; i < board->rules; i++)
		if (board->rule[i].button == role)
			wanted |= 1u << board->rule[i].gesture;
	return wanted;
}

void panel_hands_init(struct panel *panel)
{
	const struct board *board = &panel->board;
	const struct gesture_times times = {
		.hold_ns = (int64_t)(board->hold * 1e9),
		.long_ns = (int64_t)(board->long_press * 1e9),
		.double_ns = (int64_t)(board->double_press * 1e9),
	};

	panel->locked = board->start_locked;
	for (unsigned i = 0; i < board->inputs; i++) {
		const struct board_input *input = &board->input[i];
		bool latched =
			input->latched && input->role != BOARD_POWER_FAIL;

		debounce_init(&panel->hand[i].debounce, latched,
			      latched ? board->settle : board->debounce);
		gesture_init(&panel->hand[i].gesture,
			     wanted_gestures(board, input->role), &times);
	}
}
