/*
 * picture: what every lamp of the panel shows, from what the recorder is
 * doing. The one grammar, the same on every board (takebox.board(5) has it for
 * whoever reads the lamps):
 *
 *   steady   on                         fast   4 times a second
 *   beat     on, dark for 0.1 s of 2 s  slow   once a second
 *   flash    0.1 s of 2 s
 *
 *   REC      steady: frames of a take are being kept, and only then
 *            fast: a take is being begun or finished
 *   READY    beat: could record now. off: could not, or a take runs
 *   ALERT    flash: something happened, all was kept. slow: something works
 *            less well than it should. fast: sound was lost; until cleared or
 *            until the next take
 *   LOCK     steady: locked. fast, for 1 s: a press was refused
 *   ARM      steady: armed
 *   SIGNAL   dim: -50 dBFS and more. full: -20 dBFS and more. fast: clipped in
 *            the last 3 s
 *   BAR      lit up to the level; the highest level stays as a dot; the last
 *            LED, after a clip, until cleared or until the next take
 *
 * Where a lamp is missing another one takes its part: without ALERT, READY
 * shows slow and fast, in a take as well; without LOCK, READY shows that a
 * press was refused. A track with but one lamp (and no switch that shows
 * whether it is armed) has on it: off: not armed. flash: armed, no signal.
 * steady, dim or full: armed and signal. fast: clipped.
 *
 * For one second at the start everything is lit, but for buzzer and trigger:
 * the lamp test. It ends at once when there is a take.
 *
 * Dim is said of nothing but sound, so that it means the same everywhere; a
 * lamp that cannot be dimmed is lit. All else is full.
 *
 * Pure: a state machine of view and time. The fields are private.
 */
#ifndef TAKEBOX_PICTURE_H
#define TAKEBOX_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "surface/board.h"
#include "surface/lamps.h"
#include "transport/transport.h"

#define PICTURE_SIGNAL_DB     -50.0f
#define PICTURE_FULL_DB	      -20.0f
#define PICTURE_CLIP_NS	      3000000000LL
#define PICTURE_REFUSED_NS    1000000000LL
#define PICTURE_LAMP_TEST_NS  1000000000LL
#define PICTURE_STALE_NS      300000000LL /* no new frames for that long */
#define PICTURE_BLINK_FAST_NS 250000000LL
#define PICTURE_BLINK_SLOW_NS 1000000000LL
#define PICTURE_BEAT_NS	      2000000000LL
#define PICTURE_FLASH_NS      100000000LL

enum picture_alert {
	PICTURE_WELL,
	PICTURE_KEPT,
	PICTURE_DEGRADED,
	PICTURE_LOST
};

enum picture_buzz {
	PICTURE_SILENT,
	PICTURE_DONE,	 /* one short: a take is closed, the past is saved */
	PICTURE_REFUSED, /* two short */
	PICTURE_LOSS	 /* three long, in a take as well */
};

/* What the recorder is doing, as far as lamps can tell. */
struct picture_view {
	enum transport_state state;
	bool delivers;	   /* the interface does */
	bool overtaken;	   /* what the take still has to encode is no longer on
			      the tape */
	uint64_t position; /* on the tape, published */
	bool medium;	   /* takes could be written */
	enum picture_alert alert;
	uint64_t take;	 /* which: the position it starts at */
	uint64_t losses; /* gaps in it so far */
	bool locked;
	unsigned tracks;
	struct picture_track {
		bool armed;
		float peak_db, hold_db;
		uint32_t clips; /* a count */
	} track[CONFIG_CHANNELS_MAX];
};

struct picture {
	const struct board *board;
	int64_t start_ns;
	bool tested; /* the lamps have been */
	bool has_alert, has_lock;
	struct picture_output {
		bool alone;    /* the track's only lamp */
		bool last;     /* of a bar */
		float next_db; /* of a bar: where the next LED begins */
	} output[BOARD_OUTPUTS_MAX];

	uint64_t position; /* as of the last change, at moved_ns */
	int64_t moved_ns;
	bool had_take;
	uint64_t take, losses;
	enum picture_alert held, cleared;
	int64_t refused_ns; /* until then it shows */
	enum picture_buzz buzz;
	int64_t buzz_ns; /* when it began */
	struct picture_clip {
		uint32_t clips;
		bool known, held;
		int64_t until_ns;
	} clip[CONFIG_CHANNELS_MAX];
};

/* board stays the caller's and must outlive the picture. */
void picture_init(struct picture *picture, const struct board *board,
		  int64_t now_ns);

/* The level (enum lamp_level) of each of the board's outputs, in its order. */
void picture_draw(struct picture *picture, const struct picture_view *view,
		  int64_t now_ns, uint8_t *level);

/* REC's own question, by the view that was drawn last. */
bool picture_keeping(const struct picture *picture,
		     const struct picture_view *view, int64_t now_ns);

void picture_refuse(struct picture *picture, int64_t now_ns);
void picture_confirm(struct picture *picture, int64_t now_ns);
void picture_clear(struct picture *picture, const struct picture_view *view);

#endif
