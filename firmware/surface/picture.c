/*
 * Each draw first takes note of what has happened since the last one (frames,
 * losses, clips, a new take), then asks each output for its level. All blinking
 * is a function of the time alone, so all lamps blink in step.
 */
#include "surface/picture.h"

#include <string.h>

#define BUZZ_SHORT_NS 80000000LL
#define BUZZ_LONG_NS  300000000LL

/* ---- the patterns ---- */

static bool fast(int64_t now_ns)
{
	return now_ns % PICTURE_BLINK_FAST_NS < PICTURE_BLINK_FAST_NS / 2;
}

static bool slow(int64_t now_ns)
{
	return now_ns % PICTURE_BLINK_SLOW_NS < PICTURE_BLINK_SLOW_NS / 2;
}

static bool flash(int64_t now_ns)
{
	return now_ns % PICTURE_BEAT_NS < PICTURE_FLASH_NS;
}

static bool beat(int64_t now_ns)
{
	return !flash(now_ns);
}

static bool show_alert(enum picture_alert alert, int64_t now_ns)
{
	switch (alert) {
	case PICTURE_KEPT:
		return flash(now_ns);
	case PICTURE_DEGRADED:
		return slow(now_ns);
	case PICTURE_LOST:
		return fast(now_ns);
	case PICTURE_WELL:
		break;
	}
	return false;
}

/* ---- what the board has ---- */

static bool is_of_track(const struct board_output *output)
{
	return output->role == BOARD_LAMP_ARM ||
	       output->role == BOARD_LAMP_SIGNAL ||
	       output->role == BOARD_LAMP_BAR;
}

static bool has_arm_switch(const struct board *board, unsigned track)
{
	for (unsigned i = 0; i < board->inputs; i++)
		if (board->input[i].role == BOARD_ARM &&
		    board->input[i].latched && board->input[i].track == track)
			return true;
	return false;
}

static void learn_output(struct picture *picture, unsigned index)
{
	const struct board *board = picture->board;
	const struct board_output *output = &board->output[index];
	struct picture_output *known = &picture->output[index];
	unsigned lamps = 0;

	known->last = output->role == BOARD_LAMP_BAR;
	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *other = &board->output[i];

		if (!is_of_track(other) || other->track != output->track)
			continue;
		lamps++;
		if (other->role != BOARD_LAMP_BAR || other->db <= output->db)
			continue;
		if (known->last || other->db < known->next_db)
			known->next_db = (float)other->db;
		known->last = false;
	}
	known->alone = is_of_track(output) && lamps == 1 &&
		       !has_arm_switch(board, output->track);
}

void picture_init(struct picture *picture, const struct board *board,
		  int64_t now_ns)
{
	*picture = (struct picture){.board = board, .start_ns = now_ns};
	picture->moved_ns = now_ns - PICTURE_STALE_NS;
	for (unsigned i = 0; i < board->outputs; i++) {
		learn_output(picture, i);
		picture->has_alert |= board->output[i].role == BOARD_LAMP_ALERT;
		picture->has_lock |= board->output[i].role == BOARD_LAMP_LOCK;
	}
}

/* ---- what has happened ---- */

static bool has_take(const struct picture_view *view)
{
	return view->state == TRANSPORT_STARTING ||
	       view->state == TRANSPORT_RECORDING ||
	       view->state == TRANSPORT_FINISHING;
}

static void buzz(struct picture *picture, enum picture_buzz which,
		 int64_t now_ns)
{
	picture->buzz = which;
	picture->buzz_ns = now_ns;
}

static void note_take(struct picture *picture, const struct picture_view *view,
		      int64_t now_ns)
{
	bool take = has_take(view);

	if (take && (!picture->had_take || view->take != picture->take)) {
		picture->held = PICTURE_WELL;
		picture->take = view->take;
		picture->losses = 0;
		for (unsigned i = 0; i < CONFIG_CHANNELS_MAX; i++) {
			picture->clip[i].held = false;
			picture->clip[i].until_ns = 0;
		}
	}
	if (!take && picture->had_take)
		buzz(picture, PICTURE_DONE, now_ns);
	picture->had_take = take;
	picture->tested |= take;
	if (view->position != picture->position) {
		picture->position = view->position;
		picture->moved_ns = now_ns;
	}
}

static void note_alert(struct picture *picture, const struct picture_view *view,
		       int64_t now_ns)
{
	enum picture_alert before = picture->held;

	if (view->alert < picture->cleared)
		picture->cleared = view->alert;
	if (view->alert == PICTURE_LOST && picture->cleared != PICTURE_LOST)
		picture->held = PICTURE_LOST;
	if (picture->had_take && view->losses > picture->losses) {
		picture->losses = view->losses;
		picture->held = PICTURE_LOST;
	}
	if (picture->held == PICTURE_LOST && before != PICTURE_LOST)
		buzz(picture, PICTURE_LOSS, now_ns);
}

static void note_clips(struct picture *picture, const struct picture_view *view,
		       int64_t now_ns)
{
	for (unsigned i = 0; i < view->tracks; i++) {
		struct picture_clip *clip = &picture->clip[i];
		uint32_t clips = view->track[i].clips;

		if (clip->known && clips > clip->clips) {
			clip->held = true;
			clip->until_ns = now_ns + PICTURE_CLIP_NS;
		}
		clip->clips = clips;
		clip->known = true;
	}
}

static enum picture_alert alert_shown(const struct picture *picture,
				      const struct picture_view *view)
{
	enum picture_alert alert =
		view->alert > picture->cleared ? view->alert : PICTURE_WELL;

	return picture->held > alert ? picture->held : alert;
}

bool picture_keeping(const struct picture *picture,
		     const struct picture_view *view, int64_t now_ns)
{
	return view->state == TRANSPORT_RECORDING && view->delivers &&
	       !view->overtaken &&
	       now_ns - picture->moved_ns < PICTURE_STALE_NS;
}

/* ---- the lamps ---- */

static bool draw_rec(const struct picture *picture,
		     const struct picture_view *view, int64_t now_ns)
{
	switch (view->state) {
	case TRANSPORT_STARTING:
	case TRANSPORT_FINISHING:
		return fast(now_ns);
	case TRANSPORT_RECORDING:
		return picture_keeping(picture, view, now_ns);
	default:
		return false;
	}
}

static bool could_record(const struct picture_view *view)
{
	if (view->state != TRANSPORT_IDLE || !view->delivers || !view->medium)
		return false;
	for (unsigned i = 0; i < view->tracks; i++)
		if (view->track[i].armed)
			return true;
	return false;
}

static bool draw_ready(const struct picture *picture,
		       const struct picture_view *view, int64_t now_ns)
{
	enum picture_alert alert = alert_shown(picture, view);
	bool ready = could_record(view);

	if (!picture->has_lock && now_ns < picture->refused_ns)
		return fast(now_ns);
	if (!picture->has_alert && alert == PICTURE_LOST)
		return fast(now_ns);
	if (!picture->has_alert && alert == PICTURE_DEGRADED &&
	    (ready || has_take(view)))
		return slow(now_ns);
	return ready && beat(now_ns);
}

/* Three long beeps are on, off, on, off, on. */
static bool draw_buzzer(const struct picture *picture,
			const struct picture_view *view, int64_t now_ns)
{
	int64_t since_ns = now_ns - picture->buzz_ns;
	int64_t length_ns =
		picture->buzz == PICTURE_LOSS ? BUZZ_LONG_NS : BUZZ_SHORT_NS;
	int beeps = picture->buzz == PICTURE_DONE      ? 1
		    : picture->buzz == PICTURE_REFUSED ? 2
						       : 3;

	if (picture->buzz == PICTURE_SILENT)
		return false;
	/* Microphones hear it. */
	if (has_take(view) && picture->buzz != PICTURE_LOSS)
		return false;
	return since_ns / length_ns < 2 * beeps - 1 &&
	       since_ns / length_ns % 2 == 0;
}

static bool draw_signal(const struct picture *picture,
			const struct picture_track *track, unsigned number,
			int64_t now_ns)
{
	if (now_ns < picture->clip[number - 1].until_ns)
		return fast(now_ns);
	return track->peak_db >= PICTURE_SIGNAL_DB;
}

static bool draw_bar(const struct picture *picture, unsigned index,
		     const struct picture_track *track)
{
	const struct board_output *output = &picture->board->output[index];
	const struct picture_output *known = &picture->output[index];

	if (known->last && picture->clip[output->track - 1].held)
		return true;
	if (track->peak_db >= (float)output->db)
		return true;
	return track->hold_db >= (float)output->db &&
	       (known->last || track->hold_db < known->next_db);
}

static bool draw_track(const struct picture *picture, unsigned index,
		       const struct picture_view *view, int64_t now_ns)
{
	const struct board_output *output = &picture->board->output[index];
	const struct picture_track *track;

	if (output->track < 1 || output->track > view->tracks)
		return false;
	track = &view->track[output->track - 1];
	if (picture->output[index].alone && !track->armed)
		return false;
	if (picture->output[index].alone)
		return draw_signal(picture, track, output->track, now_ns) ||
		       (now_ns >= picture->clip[output->track - 1].until_ns &&
			flash(now_ns));
	if (output->role == BOARD_LAMP_ARM)
		return track->armed;
	if (output->role == BOARD_LAMP_SIGNAL)
		return draw_signal(picture, track, output->track, now_ns);
	return draw_bar(picture, index, track);
}

static bool draw(const struct picture *picture, unsigned index,
		 const struct picture_view *view, int64_t now_ns)
{
	switch (picture->board->output[index].role) {
	case BOARD_LAMP_REC:
		return draw_rec(picture, view, now_ns);
	case BOARD_LAMP_READY:
		return draw_ready(picture, view, now_ns);
	case BOARD_LAMP_ALERT:
		return show_alert(alert_shown(picture, view), now_ns);
	case BOARD_LAMP_LOCK:
		return now_ns < picture->refused_ns ? fast(now_ns)
						    : view->locked;
	case BOARD_BUZZER:
		return draw_buzzer(picture, view, now_ns);
	case BOARD_TRIGGER_OUT:
		return picture_keeping(picture, view, now_ns);
	case BOARD_LAMP_ARM:
	case BOARD_LAMP_SIGNAL:
	case BOARD_LAMP_BAR:
		return draw_track(picture, index, view, now_ns);
	default:
		return false;
	}
}

/* Of a lamp that is lit. */
static enum lamp_level brightness(const struct picture *picture, unsigned index,
				  const struct picture_view *view,
				  int64_t now_ns)
{
	const struct board_output *output = &picture->board->output[index];

	if (!picture->tested || output->track < 1 ||
	    output->track > view->tracks ||
	    now_ns < picture->clip[output->track - 1].until_ns)
		return LAMP_FULL;
	if (output->role != BOARD_LAMP_SIGNAL && !picture->output[index].alone)
		return LAMP_FULL;
	return view->track[output->track - 1].peak_db < PICTURE_FULL_DB
		       ? LAMP_DIM
		       : LAMP_FULL;
}

void picture_draw(struct picture *picture, const struct picture_view *view,
		  int64_t now_ns, uint8_t *level)
{
	const struct board *board = picture->board;

	note_take(picture, view, now_ns);
	note_alert(picture, view, now_ns);
	note_clips(picture, view, now_ns);
	picture->tested |= now_ns - picture->start_ns >= PICTURE_LAMP_TEST_NS;
	for (unsigned i = 0; i < board->outputs; i++) {
		bool lamp = board->output[i].role != BOARD_BUZZER &&
			    board->output[i].role != BOARD_TRIGGER_OUT;
		bool lit = (!picture->tested && lamp) ||
			   draw(picture, i, view, now_ns);

		level[i] =
			lit ? brightness(picture, i, view, now_ns) : LAMP_OFF;
	}
}

/* ---- what the panel tells it ---- */

void picture_refuse(struct picture *picture, int64_t now_ns)
{
	picture->refused_ns = now_ns + PICTURE_REFUSED_NS;
	buzz(picture, PICTURE_REFUSED, now_ns);
}

void picture_confirm(struct picture *picture, int64_t now_ns)
{
	buzz(picture, PICTURE_DONE, now_ns);
}

void picture_clear(struct picture *picture, const struct picture_view *view)
{
	picture->held = PICTURE_WELL;
	picture->cleared = view->alert;
	picture->losses = view->losses;
	for (unsigned i = 0; i < CONFIG_CHANNELS_MAX; i++) {
		picture->clip[i].held = false;
		picture->clip[i].until_ns = 0;
	}
}
