/*
 * view: what the recorder said, as plain structs.
 *
 * Filled from the control protocol's objects (takebox(1), CONTROL PROTOCOL).
 * Nothing that comes over the socket is trusted: what is missing, of a wrong
 * type or absurd takes the neutral value, never fails and never overflows.
 * Neutral is 0, "" and false, and NAN where 0 would say something. Strings are
 * safe to print (text_copy). Pure; any thread.
 */
#ifndef TAKEBOX_TOOLS_VIEW_H
#define TAKEBOX_TOOLS_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VIEW_CHANNELS 64
#define VIEW_TRACKS   64
#define VIEW_PROBLEMS 16
#define VIEW_NAME     128
#define VIEW_TEXT     512

enum view_state {
	VIEW_UNKNOWN,
	VIEW_NO_INTERFACE,
	VIEW_IDLE,
	VIEW_STARTING,
	VIEW_RECORDING,
	VIEW_FINISHING,
};

enum view_level { VIEW_KEPT, VIEW_DEGRADED, VIEW_LOST };

struct view_track {
	int number; /* as people count: from 1 */
	char name[VIEW_NAME];
	bool armed;
	int channels[2]; /* of the interface, from 1; [1] is 0 for mono */
};

struct view_interface {
	char state[16]; /* "running", "absent", "silent", "closed" */
	char device[VIEW_NAME], name[VIEW_NAME], error[VIEW_TEXT];
	int channels, rate, bits;
	double ppm; /* NAN: not known yet */
};

struct view_problem {
	enum view_level level;
	char text[VIEW_TEXT];
};

struct view_status {
	char version[32];
	enum view_state state;
	char session[VIEW_NAME];

	bool has_take;
	char take_name[VIEW_NAME], take_folder[VIEW_TEXT];
	double take_seconds, take_durable;
	int64_t take_markers, take_gaps, take_lost;

	struct view_interface interface;
	double tape_held, tape_seconds;
	int64_t gap_count, gap_frames;
	char medium_folder[VIEW_TEXT], medium_filesystem[32];
	double medium_free_bytes, medium_seconds_left;
	double preroll;
	bool realtime;

	struct view_track tracks[VIEW_TRACKS];
	int track_count;
	struct view_problem problems[VIEW_PROBLEMS];
	int problem_count; /* of those held; more may have come */
};

struct view_meters {
	int channels; /* that have a peak */
	float peak[VIEW_CHANNELS], hold[VIEW_CHANNELS], rms[VIEW_CHANNELS];
	uint32_t clips[VIEW_CHANNELS];
};

struct view_take {
	char session[VIEW_NAME], name[VIEW_NAME], folder[VIEW_TEXT];
	char verdict[32];
	char stopped_by[VIEW_NAME]; /* what ended it; "stop", "end" as wanted */
	double seconds, bytes;
	int64_t frames, tracks, gaps, lost, markers; /* -1: not told */
	int level_count; /* of peaks, clips and names below */
	double peaks[VIEW_TRACKS];
	int64_t clips[VIEW_TRACKS];
	char names[VIEW_TRACKS][VIEW_NAME];
};

#define VIEW_METER_FLOOR -150.0f

void view_status(const json_t *status, struct view_status *out);

/* Only the tracks, as the replies to arm, disarm and name give them. */
void view_tracks(const json_t *tracks, struct view_status *out);

void view_meters(const json_t *event, struct view_meters *out);
void view_take(const json_t *take, struct view_take *out);

const char *view_state_words(enum view_state state);
const char *view_level_words(enum view_level level);

/* The track that records channel (from 1), or NULL. */
const struct view_track *view_track_of(const struct view_status *status,
				       int channel);

#endif
