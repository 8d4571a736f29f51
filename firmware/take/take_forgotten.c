/*
 * Whether the ledger of an interrupted take has lost what had been synced. A
 * torn end is what a power cut leaves, and it may look like anything: sectors
 * that no sync covers are kept or not one by one. But sound is written only
 * behind a sync of the ledger, and a "clock" is noted every ten seconds; so the
 * take has more in its files than its ledger can know of, if
 *
 *   a "clock" stands whole behind the torn place, and more is claimed in the
 *   files than had been encoded when it was noted; or
 *
 *   the files go on for longer behind the last "clock" than two of them are
 *   apart, and what the tape had then and gaps do not account for it.
 *
 * What is gone may have been gaps.
 */
#include "take/take_private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define CLOCKS_APART_S 30 /* at most, with one left out, and some to spare */

static uint64_t number_of(const json_t *entry, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(entry, key));

	return number > 0 ? (uint64_t)number : 0;
}

static bool is_clock(const json_t *entry)
{
	const char *type = json_string_value(json_object_get(entry, "type"));

	return type && strcmp(type, "clock") == 0;
}

static int keep_clock(void *context, const json_t *entry)
{
	if (is_clock(entry) && json_array_append(context, (json_t *)entry) < 0)
		return -ENOMEM;
	return 0;
}

int take_look_behind(struct take *take)
{
	int error;

	json_decref(take->behind);
	take->behind = json_array();
	error = take->behind ? ledger_read_behind(take->plan.dir, keep_clock,
						  take->behind)
			     : -ENOMEM;
	return error == -ENOMEM ? error : 0;
}

static const json_t *last_clock(const struct take *take)
{
	return json_array_get(take->info.clocks,
			      json_array_size(take->info.clocks) - 1);
}

/* Of this take, too: free space holds other ledgers. */
static bool is_later(const struct take *take, const json_t *clock)
{
	uint64_t received = number_of(clock, "received");

	return received >= take->info.start + number_of(clock, "at") &&
	       received >= number_of(last_clock(take), "received") &&
	       number_of(clock, "at") >= number_of(last_clock(take), "at");
}

static bool has_synced_behind(const struct take *take, uint64_t claimed)
{
	const json_t *clock;
	size_t i;

	json_array_foreach(take->behind, i, clock)
	{
		if (is_later(take, clock) && number_of(clock, "at") < claimed)
			return true;
	}
	return false;
}

/* What of the gaps lies behind a frame. */
static uint64_t gaps_behind(const struct take *take, uint64_t frame)
{
	uint64_t frames = 0;
	const json_t *gap;
	size_t i;

	json_array_foreach(take->info.gaps, i, gap)
	{
		uint64_t at = number_of(gap, "at");
		uint64_t end = at + number_of(gap, "frames");

		if (end > frame)
			frames += end - (at > frame ? at : frame);
	}
	return frames;
}

static bool lacks_clocks(const struct take *take, uint64_t length)
{
	uint64_t received = number_of(last_clock(take), "received");
	uint64_t start = take->info.start;
	uint64_t known = received > start ? received - start : 0;

	return length > known + gaps_behind(take, known) +
				(uint64_t)CLOCKS_APART_S * take->info.rate;
}

int take_note_forgotten(struct take *take, uint64_t claimed, uint64_t length)
{
	int error;

	if (take->info.damages > 0 ||
	    (!has_synced_behind(take, claimed) && !lacks_clocks(take, length)))
		return 0;
	log_error("%s: its ledger has lost entries that were safe, and what "
		  "they said of gaps and markers",
		  take->info.name);
	error = take_note(
		take, json_pack("{ss sI}", "type", "entries-lost", "at",
				(json_int_t)number_of(last_clock(take), "at")));
	return error < 0 ? error : ledger_sync(&take->ledger);
}
