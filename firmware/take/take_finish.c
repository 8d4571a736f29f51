/*
 * The end of a take. Order: last frames, sync; the ledger says where it stops,
 * sync; heads of the files, sync; the ledger says that it has ended, sync;
 * sidecars, which can be made again from the ledger at any time.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define TAKE_JSON "take.json"

static int write_new(struct take *take, const char *name, const char *text)
{
	const struct storage *storage = take->plan.storage;
	int error, file;

	storage->remove(take->plan.dir, name); /* of an end that was cut off */
	file = storage->open(take->plan.dir, name, 1);
	if (file < 0)
		return file;
	error = storage->write(file, text, strlen(text), 0);
	if (error == 0)
		error = storage->sync(file);
	close(file);
	return error;
}

int take_write_sidecars(struct take *take)
{
	json_t *root = take_info_json(&take->info);
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	int error = text ? write_new(take, TAKE_JSON, text) : -ENOMEM;

	free(text);
	json_decref(root);
	if (error == 0)
		error = take_write_labels(take);
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

static int note_stop(struct take *take)
{
	int error;

	if (take->stop_noted)
		return 0;
	take->stop_noted = true;
	error = take_note(take,
			  json_pack("{ss sI ss}", "type", "stop", "at",
				    (json_int_t)take->fed, "reason",
				    take->reason));
	return error < 0 ? error : ledger_sync(&take->ledger);
}

static int note_end(struct take *take)
{
	json_t *tracks = json_array();
	int error;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		const struct take_track *track = &take->info.track[i];

		if (track->filed)
			json_array_append_new(
				tracks, json_pack("{si sI sI}", "number",
						  (int)track->number, "peak",
						  (json_int_t)track->peak,
						  "clips",
						  (json_int_t)track->clips));
	}
	error = take_note(take, json_pack("{ss sI ss so}", "type", "end",
					  "frames", (json_int_t)take->fed,
					  "reason", take->reason, "tracks",
					  tracks));
	return error < 0 ? error : ledger_sync(&take->ledger);
}

static int close_up(struct take *take)
{
	int error = take_seal(take);

	if (error == 0)
		error = note_end(take);
	take->durable = take->fed;
	if (error == 0)
		error = take_write_sidecars(take);
	return error;
}

int take_finish(struct take *take)
{
	int error = 0;

	if (take->had_ended)
		return 0;
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i] && !take->cut)
			error = track_drain(&take->track[i]);
	if (error == 0)
		error = take->cut ? take_sync_files(take) : take_sync(take);
	if (error == 0)
		error = note_stop(take);
	/* The claim to the whole is durable before the first file is sealed. */
	if (error == 0)
		error = take_sync_files(take);
	return error < 0 ? error : close_up(take);
}

static const char *reason_of(int error)
{
	return error == -ENOSPC || error == -EDQUOT ? "medium full"
						    : "medium failed";
}

/* The medium refused something: what it has taken for certain becomes the
 * take. Cutting the files also makes the room that their end needs. */
void take_salvage(struct take *take, int error)
{
	int failed = 0;

	snprintf(take->reason, sizeof(take->reason), "%s", reason_of(error));
	log_error("%s: %s (%s); the take ends at %.1f s, up to there it is "
		  "safe",
		  take->info.name, take->reason, strerror(-error),
		  (double)take->durable / take->info.rate);
	if (take->ledger.file < 0)
		return;
	for (unsigned i = 0; i < take->info.tracks && failed == 0; i++)
		if (take->open[i])
			failed = track_cut(&take->track[i],
					   take->durable - take->part_start);
	take->fed = take->durable;
	take->cut = true;
	take->stop_noted = false;
	if (failed == 0)
		failed = note_stop(take);
	if (failed == 0)
		failed = close_up(take);
	if (failed < 0)
		log_error("%s could not be closed now (%s); it is made whole "
			  "when the medium is back",
			  take->info.name, strerror(-failed));
}
