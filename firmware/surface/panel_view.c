/* What the recorder is doing, in the few words that lamps have. */
#include "surface/panel_private.h"

static enum picture_alert worst(const struct transport_status *status)
{
	enum picture_alert alert = PICTURE_WELL;

	for (unsigned i = 0; i < status->problems; i++) {
		enum picture_alert level = PICTURE_KEPT;

		if (status->problem[i].level == PROBLEM_DEGRADED)
			level = PICTURE_DEGRADED;
		else if (status->problem[i].level == PROBLEM_LOST)
			level = PICTURE_LOST;
		if (level > alert)
			alert = level;
	}
	return alert;
}

static void view_track(struct picture_track *view,
		       const struct config_track *track,
		       const struct meters *meters)
{
	*view = (struct picture_track){.armed = track->armed,
				       .peak_db = METER_FLOOR_DB,
				       .hold_db = METER_FLOOR_DB};
	for (unsigned i = 0; i < 2; i++) {
		struct meter_reading reading;

		if (track->channels[i] < 1 ||
		    track->channels[i] > meters->channels)
			continue;
		reading = meter_read(&meters->meter[track->channels[i] - 1]);
		if (reading.peak_db > view->peak_db)
			view->peak_db = reading.peak_db;
		if (reading.hold_db > view->hold_db)
			view->hold_db = reading.hold_db;
		view->clips += reading.clips;
	}
}

void panel_view(struct picture_view *view,
		const struct transport_status *status,
		const struct meters *meters, bool locked)
{
	*view = (struct picture_view){
		.state = status->state,
		.delivers =
			status->facts && status->interface == INTERFACE_RUNNING,
		.position = status->position,
		.medium = status->seconds_left > 0,
		.alert = worst(status),
		.locked = locked,
		.tracks = status->track_count,
	};
	if (status->has_take) {
		view->take = status->progress.start;
		view->losses = status->progress.gap_count;
		view->overtaken =
			status->progress.start + status->progress.encoded <
			status->oldest;
	}
	for (unsigned i = 0; i < status->track_count; i++)
		view_track(&view->track[i], &status->tracks[i], meters);
}
