/*
 * panel_model: what the panel knows and what its keys mean.
 *
 * Pure: no terminal, no socket, no clock of its own; so that each rule (STOP
 * asks twice, names are typed, peaks are cleared) has a test. Events go in,
 * orders for the recorder come out. Times are CLOCK_MONOTONIC ns.
 */
#ifndef TAKEBOX_TOOLS_PANEL_MODEL_H
#define TAKEBOX_TOOLS_PANEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/view.h"

#define PANEL_NAME_MAX 64 /* bytes of a name that is being typed */
#define PANEL_STOP_NS  (2 * 1000000000LL) /* the second 's' comes within */

enum panel_mode {
	PANEL_NORMAL,
	PANEL_ARM,  /* the cursor walks over the tracks */
	PANEL_NAME, /* the name of the track under the cursor is typed */
	PANEL_HELP,
};

enum panel_link { PANEL_CONNECTING, PANEL_CONNECTED, PANEL_AWAY };

/* Keys that are no character; characters are their code points. */
enum panel_key {
	PANEL_KEY_LEFT = 0x200000,
	PANEL_KEY_RIGHT,
	PANEL_KEY_UP,
	PANEL_KEY_DOWN,
	PANEL_KEY_HOME,
	PANEL_KEY_END,
	PANEL_KEY_ENTER,
	PANEL_KEY_ESCAPE,
	PANEL_KEY_ERASE,
};

enum panel_order_kind {
	PANEL_ORDER_NONE,
	PANEL_ORDER_RECORD,
	PANEL_ORDER_STOP,
	PANEL_ORDER_MARK,
	PANEL_ORDER_KEEP,
	PANEL_ORDER_ARM,
	PANEL_ORDER_DISARM,
	PANEL_ORDER_ARM_ALL,
	PANEL_ORDER_NAME,
	PANEL_ORDER_QUIT,
};

struct panel_order {
	enum panel_order_kind kind;
	int track;
	char name[PANEL_NAME_MAX];
};

enum panel_tone { PANEL_TONE_PLAIN, PANEL_TONE_WARNING, PANEL_TONE_ERROR };

/* What has to be drawn again. */
enum {
	PANEL_DIRTY_METERS = 1,
	PANEL_DIRTY_STATUS = 2, /* numbers and words; the layout stands */
	PANEL_DIRTY_LINE = 4,	/* message, prompt, keys */
	PANEL_DIRTY_ALL = 15,
};

struct panel {
	enum panel_link link;
	enum panel_mode mode;
	struct view_status status;
	struct view_meters meters;
	int cursor; /* index into status.tracks */

	char typed[PANEL_NAME_MAX];
	int64_t stop_until_ns; /* 0: no STOP waits for its second key */
	char message[VIEW_TEXT];
	enum panel_tone tone;
	int64_t message_until_ns;

	/* What 'c' cleared: clips count from here, holds show when they
	 * move. */
	uint32_t clips_cleared[VIEW_CHANNELS];
	float hold_cleared[VIEW_CHANNELS];

	unsigned dirty;
};

void panel_init(struct panel *panel);

/* A key; what the recorder is to do goes to order. */
void panel_key(struct panel *panel, int key, int64_t now_ns,
	       struct panel_order *order);

void panel_set_link(struct panel *panel, enum panel_link link);
void panel_set_status(struct panel *panel, const json_t *status);
void panel_set_meters(struct panel *panel, const json_t *event);

/* Answer to an order, which reads as a sentence in the message line. */
void panel_set_reply(struct panel *panel, enum panel_order_kind kind,
		     const json_t *reply, int64_t now_ns);

void panel_say(struct panel *panel, enum panel_tone tone, const char *words,
	       int64_t now_ns);

/* Lets messages and a waiting STOP expire. Returns when to call again, or 0
 * if nothing waits. */
int64_t panel_tick(struct panel *panel, int64_t now_ns);

/* Channels that have a meter: those of the interface, or of the events. */
int panel_channels(const struct panel *panel);

/* Of channel (from 0), behind what 'c' cleared. */
uint32_t panel_clips(const struct panel *panel, int channel);
float panel_hold(const struct panel *panel, int channel);

/* The track under the cursor; NULL if there are no tracks. */
const struct view_track *panel_cursor_track(const struct panel *panel);

bool panel_is_recording(const struct panel *panel);

#endif
