/*
 * The end of a take. Order: the ledger says where it stops, sync; last frames,
 * seek tables and tags, sync; the files say that they are finished, sync; the
 * ledger says that it has ended, sync; sidecars, which can be made again from
 * the ledger at any time.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/clock.h"
#include "base/log.h"
#include "take/qualify.h"

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

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

/* Of a long take only the ledger has everything. */
static char *json_of_ledger(int dir)
{
	struct take_info info;
	json_t *root = NULL;
	char *text;

	if (take_info_init(&info) == 0 &&
	    ledger_read(dir, apply, &info, NULL) == 0)
		root = take_info_json(&info);
	text = root ? json_text(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	take_info_finish(&info);
	return text;
}

/* take.json last: whoever sees it need not look further. */
int take_write_sidecars(struct take *take)
{
	char *text = json_of_ledger(take->plan.dir);
	int error = text ? take_write_labels(take) : -ENOMEM;

	if (error == 0)
		error = write_new(take, TAKE_JSON, text);
	free(text);
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

static int end_ledger(struct take *take)
{
	int error = take_note_link(take);

	if (error == 0)
		error = take_note_end(take);
	return error < 0 ? error : ledger_sync(&take->ledger);
}

/* The take is whole without them. */
static void try_sidecars(struct take *take)
{
	int error = take_write_sidecars(take);

	if (error < 0)
		log_warning("%s is complete, but for its labels and lists "
			    "(%s); they are made anew when the medium is back",
			    take->info.name, strerror(-error));
}

static int close_up(struct take *take)
{
	int error = take_seal(take);

	if (error == 0)
		error = end_ledger(take);
	if (error < 0)
		return error;
	take->durable = take->fed;
	try_sidecars(take);
	if (take->plan.parents[1] >= 0) /* Takebox */
		qualify_note_take(take->plan.parents[1],
				  (double)take->worst_sync_ns / NS_PER_S);
	return 0;
}

static int drain(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_drain(&take->track[i]);
	return error;
}

/* Before a medium's end of a take is told: the next one begins there. */
int take_make_safe(struct take *take)
{
	int error = take_drop_empty_part(take);

	if (error == 0)
		error = drain(take);
	take->drained = true;
	return error < 0 ? error : take_sync(take);
}

/* All but the sectors that say that the files are finished. */
static int write_last(struct take *take)
{
	int error = take->cut || take->drained ? 0 : drain(take);

	if (error == 0)
		error = take_info_cut(&take->info, take->fed);
	if (error == 0)
		error = take_tag(take, UINT64_MAX);
	if (error < 0)
		return error;
	if (take->cut)
		return take_sync_files(take);
	error = take_sync(take);
	return error < 0 ? error : take_note_levels(take);
}

int take_finish(struct take *take)
{
	int error;

	if (take->info.ended) {
		error = ledger_sync(&take->ledger);
		if (error == 0)
			try_sidecars(take);
		return error;
	}
	error = take_note_stop(take);
	if (error == 0 && !take->cut) /* the last word on the rate */
		error = take_note_last_clock(take);
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error == 0)
		error = take_drop_empty_part(take);
	if (error == 0)
		error = write_last(take);
	return error < 0 ? error : close_up(take);
}

const char *take_reason_of(int error)
{
	if (error == -ENOSPC || error == -EDQUOT)
		return "medium full";
	if (error == -ENOMEM)
		return "out of memory";
	return error == -EINVAL ? "damaged" : "medium failed";
}

/* One that was just being armed may have files that are not in step, or none
 * at all; what it has up to here is silence. */
static int remake_files(struct take *take, const bool *wanted)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (wanted[i])
			error = take_remake_file(take, i);
	return error;
}

/* All tracks as they were at the last sync. */
static int cut_back(struct take *take)
{
	uint64_t at = take->durable - take->part_start;
	bool remake[TAKE_TRACKS_MAX] = {false};
	int error = 0;

	take->fed = take->durable;
	take->cut = true;
	take_levels_back(take);
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		remake[i] = take->info.track[i].filed && !take->open[i] &&
			    !take->left[i];
		if (take->open[i])
			error = track_cut(&take->track[i], at);
		if (error != -EINVAL ||
		    take_info_silent_until(&take->info, i) < take->durable)
			continue;
		remake[i] = true;
		error = 0;
	}
	if (error == 0)
		error = take_drop_empty_part(take);
	return error < 0 ? error : remake_files(take, remake);
}

/* The medium refused something: what it has taken for certain becomes the
 * take. Cutting the files also makes the room that their end needs. */
/* What was made for it: nobody can make a take of that. A folder with anything
 * in it stays. */
static void take_back(struct take *take)
{
	const struct storage *storage = take->plan.storage;
	bool made = take->ledger.storage && take->ledger.file >= 0;

	if (made)
		storage->remove(take->plan.dir, LEDGER_NAME);
	if (take->plan.prepare && take->plan.parents[0] >= 0)
		storage->remove(take->plan.parents[0], take->info.name);
}

void take_salvage(struct take *take, int error)
{
	int failed;

	snprintf(take->cause, sizeof(take->cause), "%s", take_reason_of(error));
	if (!take->begun) {
		log_error("%s cannot be %s: %s",
			  take->info.name[0] ? take->info.name : "a take",
			  take->resumed ? "gone on with" : "begun",
			  strerror(-error));
		if (!take->resumed)
			take_back(take);
		return;
	}
	take->limit = take->durable;
	take->stop_noted = false;
	log_error("%s: %s (%s); the take ends at %.1f s, up to there it is "
		  "safe",
		  take->info.name, take->cause, strerror(-error),
		  (double)take->durable / take->info.rate);
	failed = cut_back(take);
	if (failed == 0)
		failed = take_finish(take);
	if (failed < 0)
		log_error("%s could not be closed now (%s); it is made whole "
			  "when the medium is back",
			  take->info.name, strerror(-failed));
}
