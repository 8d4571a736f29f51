/*
 * panel_model: a small state machine over keys, and the last thing heard of
 * everything else.
 *
 * The panel decides nothing about the recorder: an order goes out also when
 * the panel thinks it senseless, and the recorder's refusal is shown. The one
 * exception is STOP, which must be meant: it takes the key twice.
 */
#include "tools/panel_model.h"

#include <stdio.h>
#include <string.h>

#include "tools/client.h"
#include "tools/text.h"

#define MESSAGE_NS (8 * 1000000000LL)
#define SUMMARY_NS (60 * 1000000000LL)

void panel_init(struct panel *panel)
{
	memset(panel, 0, sizeof(*panel));
	view_status(NULL, &panel->status);
	view_meters(NULL, &panel->meters);
	for (int i = 0; i < VIEW_CHANNELS; i++)
		panel->hold_cleared[i] = VIEW_METER_FLOOR;
	panel->dirty = PANEL_DIRTY_ALL;
}

bool panel_is_recording(const struct panel *panel)
{
	return panel->link == PANEL_CONNECTED &&
	       (panel->status.state == VIEW_RECORDING ||
		panel->status.state == VIEW_STARTING);
}

const struct view_track *panel_cursor_track(const struct panel *panel)
{
	return panel->status.track_count > 0
		       ? &panel->status.tracks[panel->cursor]
		       : NULL;
}

static void say_until(struct panel *panel, enum panel_tone tone,
		      const char *words, int64_t until_ns)
{
	text_copy(panel->message, sizeof(panel->message), words);
	panel->tone = tone;
	panel->message_until_ns = until_ns;
	panel->dirty |= PANEL_DIRTY_LINE;
}

void panel_say(struct panel *panel, enum panel_tone tone, const char *words,
	       int64_t now_ns)
{
	say_until(panel, tone, words, now_ns + MESSAGE_NS);
}

static void set_mode(struct panel *panel, enum panel_mode mode)
{
	panel->mode = mode;
	panel->dirty = PANEL_DIRTY_ALL;
}

static void press_stop(struct panel *panel, int64_t now_ns,
		       struct panel_order *order)
{
	if (!panel_is_recording(panel)) {
		panel_say(panel, PANEL_TONE_PLAIN, "nothing is being recorded",
			  now_ns);
		return;
	}
	if (panel->stop_until_ns > now_ns) {
		panel->stop_until_ns = 0;
		order->kind = PANEL_ORDER_STOP;
		panel_say(panel, PANEL_TONE_PLAIN, "STOP: finishing the files",
			  now_ns);
		return;
	}
	panel->stop_until_ns = now_ns + PANEL_STOP_NS;
	say_until(panel, PANEL_TONE_WARNING,
		  "press s again within 2 seconds to STOP the take",
		  panel->stop_until_ns);
}

static void clear_peaks(struct panel *panel, int64_t now_ns)
{
	memcpy(panel->clips_cleared, panel->meters.clips,
	       sizeof(panel->clips_cleared));
	memcpy(panel->hold_cleared, panel->meters.hold,
	       sizeof(panel->hold_cleared));
	panel->dirty |= PANEL_DIRTY_METERS;
	panel_say(panel, PANEL_TONE_PLAIN, "clips and peak holds are cleared",
		  now_ns);
}

static void start_naming(struct panel *panel, int64_t now_ns)
{
	const struct view_track *track = panel_cursor_track(panel);

	if (!track) {
		panel_say(panel, PANEL_TONE_PLAIN, "there are no tracks",
			  now_ns);
		return;
	}
	text_copy(panel->typed, sizeof(panel->typed), track->name);
	set_mode(panel, PANEL_NAME);
}

static void toggle_arm(const struct panel *panel, struct panel_order *order)
{
	const struct view_track *track = panel_cursor_track(panel);

	if (!track)
		return;
	order->kind = track->armed ? PANEL_ORDER_DISARM : PANEL_ORDER_ARM;
	order->track = track->number;
}

static void move_cursor(struct panel *panel, int to)
{
	int last = panel->status.track_count - 1;

	panel->cursor = to > last ? last : to;
	if (panel->cursor < 0)
		panel->cursor = 0;
	panel->dirty |= PANEL_DIRTY_METERS | PANEL_DIRTY_LINE;
}

/* Keys that only mean something while the cursor shows. */
static bool key_arm(struct panel *panel, int key, struct panel_order *order)
{
	switch (key) {
	case PANEL_KEY_LEFT:
	case PANEL_KEY_UP:
		move_cursor(panel, panel->cursor - 1);
		return true;
	case PANEL_KEY_RIGHT:
	case PANEL_KEY_DOWN:
		move_cursor(panel, panel->cursor + 1);
		return true;
	case PANEL_KEY_HOME:
		move_cursor(panel, 0);
		return true;
	case PANEL_KEY_END:
		move_cursor(panel, VIEW_TRACKS);
		return true;
	case ' ':
		toggle_arm(panel, order);
		return true;
	case 'a':
	case PANEL_KEY_ENTER:
	case PANEL_KEY_ESCAPE:
		set_mode(panel, PANEL_NORMAL);
		return true;
	default:
		return false;
	}
}

/* Keys that work in every mode but while typing. */
static void key_common(struct panel *panel, int key, int64_t now_ns,
		       struct panel_order *order)
{
	switch (key) {
	case 'r':
		order->kind = PANEL_ORDER_RECORD;
		break;
	case 's':
		press_stop(panel, now_ns, order);
		break;
	case 'm':
		order->kind = PANEL_ORDER_MARK;
		break;
	case 'k':
		order->kind = PANEL_ORDER_KEEP;
		break;
	case 'a':
		set_mode(panel, PANEL_ARM);
		break;
	case 'A':
		order->kind = PANEL_ORDER_ARM_ALL;
		break;
	case 'c':
		clear_peaks(panel, now_ns);
		break;
	case 'n':
		start_naming(panel, now_ns);
		break;
	case '?':
		set_mode(panel, PANEL_HELP);
		break;
	case 'q':
		order->kind = PANEL_ORDER_QUIT;
		break;
	default:
		break;
	}
}

/* Bytes of code point c in UTF-8, written to out. */
static size_t encode(int c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void type_character(struct panel *panel, int c)
{
	size_t length = strlen(panel->typed);
	char bytes[5] = "", safe[8];
	size_t count = encode(c, bytes);

	text_copy(safe, sizeof(safe), bytes);
	if (length + count >= sizeof(panel->typed) || strcmp(safe, bytes) != 0)
		return;
	memcpy(panel->typed + length, bytes, count + 1);
}

static void erase_character(struct panel *panel)
{
	size_t length = strlen(panel->typed);

	while (length > 0 &&
	       ((unsigned char)panel->typed[--length] & 0xc0) == 0x80)
		;
	panel->typed[length] = '\0';
}

static void key_typing(struct panel *panel, int key, struct panel_order *order)
{
	const struct view_track *track = panel_cursor_track(panel);

	panel->dirty |= PANEL_DIRTY_LINE;
	switch (key) {
	case PANEL_KEY_ENTER:
		if (track && panel->typed[0]) {
			order->kind = PANEL_ORDER_NAME;
			order->track = track->number;
			memcpy(order->name, panel->typed, sizeof(order->name));
		}
		set_mode(panel, PANEL_ARM);
		break;
	case PANEL_KEY_ESCAPE:
		set_mode(panel, PANEL_ARM);
		break;
	case PANEL_KEY_ERASE:
		erase_character(panel);
		break;
	case 'U' - '@': /* as in every terminal: the whole line */
		panel->typed[0] = '\0';
		break;
	default:
		if (key >= ' ' && key < PANEL_KEY_LEFT)
			type_character(panel, key);
	}
}

void panel_key(struct panel *panel, int key, int64_t now_ns,
	       struct panel_order *order)
{
	memset(order, 0, sizeof(*order));
	if (panel->mode == PANEL_NAME) {
		key_typing(panel, key, order);
		return;
	}
	if (panel->stop_until_ns && key != 's') {
		panel->stop_until_ns = 0;
		panel->message_until_ns = now_ns;
		panel->dirty |= PANEL_DIRTY_LINE;
	}
	if (panel->mode == PANEL_HELP) {
		set_mode(panel, PANEL_NORMAL);
		if (key == '?' || key == PANEL_KEY_ESCAPE)
			return;
	}
	if (panel->mode == PANEL_ARM && key_arm(panel, key, order))
		return;
	key_common(panel, key, now_ns, order);
	if (order->kind != PANEL_ORDER_NONE &&
	    order->kind != PANEL_ORDER_QUIT && panel->link != PANEL_CONNECTED) {
		order->kind = PANEL_ORDER_NONE;
		panel_say(panel, PANEL_TONE_ERROR,
			  "not done: there is no recorder to tell", now_ns);
	}
}

void panel_set_link(struct panel *panel, enum panel_link link)
{
	if (panel->link == link)
		return;
	panel->link = link;
	if (link != PANEL_CONNECTED)
		view_meters(NULL, &panel->meters);
	panel->stop_until_ns = 0;
	panel->dirty = PANEL_DIRTY_ALL;
}

/* Whether the layout or the words on arms and names differ. */
static bool looks_other(const struct view_status *a,
			const struct view_status *b)
{
	return a->state != b->state ||
	       a->interface.channels != b->interface.channels ||
	       a->problem_count != b->problem_count ||
	       memcmp(a->problems, b->problems, sizeof(a->problems)) != 0 ||
	       a->track_count != b->track_count ||
	       memcmp(a->tracks, b->tracks, sizeof(a->tracks)) != 0;
}

void panel_set_status(struct panel *panel, const json_t *status)
{
	struct view_status next;

	view_status(status, &next);
	panel->dirty |= looks_other(&panel->status, &next) ? PANEL_DIRTY_ALL
							   : PANEL_DIRTY_STATUS;
	panel->status = next;
	if (panel->cursor >= next.track_count)
		panel->cursor = next.track_count > 0 ? next.track_count - 1 : 0;
	if (!panel_is_recording(panel))
		panel->stop_until_ns = 0;
}

void panel_set_meters(struct panel *panel, const json_t *event)
{
	int before = panel_channels(panel);

	view_meters(event, &panel->meters);
	panel->dirty |= panel_channels(panel) == before ? PANEL_DIRTY_METERS
							: PANEL_DIRTY_ALL;
	for (int i = 0; i < VIEW_CHANNELS; i++) {
		if (panel->meters.clips[i] < panel->clips_cleared[i])
			panel->clips_cleared[i] = 0; /* the recorder's fresh */
		if (panel->meters.hold[i] != panel->hold_cleared[i])
			panel->hold_cleared[i] = VIEW_METER_FLOOR;
	}
}

static void say_summary(struct panel *panel, const json_t *reply,
			int64_t now_ns)
{
	struct view_take take;
	char words[VIEW_TEXT], length[32], size[32], tracks[32] = "";

	view_take(json_object_get(reply, "take"), &take);
	text_clock(length, sizeof(length), take.seconds);
	text_bytes(size, sizeof(size), take.bytes);
	if (take.tracks >= 0)
		snprintf(tracks, sizeof(tracks), "%lld tracks, ",
			 (long long)take.tracks);
	snprintf(words, sizeof(words), "%s: %s, %s%s, %s", take.name, length,
		 tracks, size, take.verdict);
	say_until(panel,
		  strcmp(take.verdict, "sample-complete") == 0
			  ? PANEL_TONE_PLAIN
			  : PANEL_TONE_WARNING,
		  words, now_ns + SUMMARY_NS);
}

void panel_set_reply(struct panel *panel, enum panel_order_kind kind,
		     const json_t *reply, int64_t now_ns)
{
	const char *message = "";

	if (client_exit_code(reply, &message) != EXIT_OK) {
		panel_say(panel, PANEL_TONE_ERROR, message, now_ns);
		return;
	}
	if (kind == PANEL_ORDER_STOP)
		say_summary(panel, reply, now_ns);
	else if (kind == PANEL_ORDER_MARK)
		panel_say(panel, PANEL_TONE_PLAIN, "a marker is set", now_ns);
	else if (kind == PANEL_ORDER_KEEP)
		panel_say(panel, PANEL_TONE_PLAIN,
			  "what was played is being kept", now_ns);
	else if (kind == PANEL_ORDER_RECORD)
		panel_say(panel, PANEL_TONE_PLAIN, "recording", now_ns);
	if (json_is_array(json_object_get(reply, "tracks"))) {
		view_tracks(json_object_get(reply, "tracks"), &panel->status);
		move_cursor(panel, panel->cursor);
		panel->dirty = PANEL_DIRTY_ALL;
	}
}

int64_t panel_tick(struct panel *panel, int64_t now_ns)
{
	if (panel->stop_until_ns && panel->stop_until_ns <= now_ns)
		panel->stop_until_ns = 0;
	if (panel->message_until_ns && panel->message_until_ns <= now_ns) {
		panel->message[0] = '\0';
		panel->message_until_ns = 0;
		panel->dirty |= PANEL_DIRTY_LINE;
	}
	return panel->message_until_ns;
}

int panel_channels(const struct panel *panel)
{
	int channels = panel->status.interface.channels;

	return channels > 0 ? channels : panel->meters.channels;
}

uint32_t panel_clips(const struct panel *panel, int channel)
{
	return panel->meters.clips[channel] - panel->clips_cleared[channel];
}

float panel_hold(const struct panel *panel, int channel)
{
	float hold = panel->meters.hold[channel];

	return hold == panel->hold_cleared[channel]
		       ? panel->meters.peak[channel]
		       : hold;
}
