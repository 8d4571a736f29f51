/* By numbers alone: what the sound is worth is verify's to say. */
#include "take/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "take/flac_blocks.h"
#include "take/heal.h"
#include "take/ledger.h"
#include "take/storage.h"
#include "take/track.h"

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static int inspect(const struct take_info *info, unsigned index, unsigned part,
		   int dir, struct track_state *state)
{
	char file[TAKE_FILE_MAX];

	take_info_file(&info->track[index], part, file);
	return track_inspect(state, &storage_posix, dir, file);
}

static uint64_t part_frames(const struct take_info *info, unsigned part)
{
	uint64_t end = part + 1 < take_info_parts(info)
			       ? take_info_part_start(info, part + 1)
			       : info->frames;

	return end - take_info_part_start(info, part);
}

static bool is_of_others(int dir, const char *file)
{
	struct flac_blocks blocks;
	int fd = openat(dir, file,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool others = fd >= 0 && flac_read_blocks(fd, &blocks) == 0 &&
		      !blocks.takebox && !blocks.damaged;

	if (fd >= 0)
		close(fd);
	return others;
}

enum extent_file extent_look_at_file(const struct take_info *info,
				     unsigned index, unsigned part, int dir)
{
	struct track_state state;
	char file[TAKE_FILE_MAX];
	int error = inspect(info, index, part, dir, &state);

	take_info_file(&info->track[index], part, file);
	if (error == -ENOMEM || error == -EMFILE || error == -ENFILE)
		return EXTENT_FILE_UNKNOWN;
	if (error == 0 && state.sealed)
		return state.at[0] == part_frames(info, part)
			       ? EXTENT_FILE_THERE
			       : EXTENT_FILE_OTHER;
	return is_of_others(dir, file) ? EXTENT_FILE_OTHER : EXTENT_FILE_LOST;
}

static int look_at_file(struct extent *extent, unsigned index, unsigned part,
			int dir)
{
	switch (extent_look_at_file(&extent->info, index, part, dir)) {
	case EXTENT_FILE_UNKNOWN:
		return -ENOMEM;
	case EXTENT_FILE_LOST:
		extent->has_lost = true;
		extent->has_files = false;
		break;
	case EXTENT_FILE_OTHER:
		extent->has_files = false;
		break;
	case EXTENT_FILE_THERE:
		break;
	}
	return 0;
}

static int look_at_files(struct extent *extent, int dir)
{
	const struct take_info *info = &extent->info;
	int error = 0;

	extent->has_files = true;
	for (unsigned i = 0; i < info->tracks; i++)
		for (unsigned part = 0; part < take_info_parts(info); part++)
			if (info->track[i].filed && error == 0)
				error = look_at_file(extent, i, part, dir);
	return error;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Of one that is not finished: what any of its last files has, or says that it
 * had. */
static int count_frames(struct extent *extent, int dir)
{
	const struct take_info *info = &extent->info;
	unsigned part = take_info_parts(info) - 1;
	uint64_t longest = 0;

	for (unsigned i = 0; i < info->tracks; i++) {
		struct track_state state = {0};
		int error = info->track[i].filed
				    ? inspect(info, i, part, dir, &state)
				    : 0;

		if (error < 0 && error != -ENOENT && error != -EINVAL)
			return error;
		if (error == 0)
			longest = larger(longest,
					 larger(state.whole, state.claimed));
	}
	extent->frames = take_info_part_start(info, part) + longest;
	return 0;
}

int extent_measure(struct extent *extent, int dir, const char *name)
{
	struct take_info *info = &extent->info;
	int error;

	*extent = (struct extent){.frames = 0};
	if (take_info_init(info) < 0) {
		*extent = (struct extent){.frames = 0};
		return -ENOMEM;
	}
	error = ledger_read(dir, apply, info, NULL);
	if (error < 0)
		return error;
	extent->frames = info->frames;
	extent->whole = heal_look(dir, name) == HEAL_WHOLE && info->ended;
	if (!extent->whole)
		return info->tracks > 0 ? count_frames(extent, dir) : 0;
	return look_at_files(extent, dir);
}

void extent_finish(struct extent *extent)
{
	take_info_finish(&extent->info);
}

static bool have_same_sound(const struct take_info *a,
			    const struct take_info *b, unsigned index)
{
	bool same = a->track[index].filed == b->track[index].filed;

	for (unsigned part = 0; same && part < take_info_parts(a); part++) {
		const char *one = take_info_md5(a, &a->track[index], part);
		const char *other = take_info_md5(b, &b->track[index], part);

		same = !a->track[index].filed ||
		       (one && other && strcmp(one, other) == 0);
	}
	return same;
}

/* By what they sound like: their ledgers were made anew without the tape. */
static bool are_alike(const struct take_info *a, const struct take_info *b)
{
	bool same = a->frames > 0 && a->frames == b->frames &&
		    a->tracks == b->tracks &&
		    take_info_parts(a) == take_info_parts(b);

	for (unsigned i = 0; same && i < a->tracks; i++)
		same = have_same_sound(a, b, i);
	return same;
}

bool extent_is_same(const struct extent *a, const struct extent *b)
{
	if (strcmp(a->info.tape, b->info.tape) != 0 ||
	    a->info.start != b->info.start)
		return false;
	return a->info.tape[0] || are_alike(&a->info, &b->info);
}

/* ---- gaps ---- */

static uint64_t number_of(const json_t *gap, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(gap, key));
}

/* Where silence that is a gap ends, if there is one at frame; else frame. */
static uint64_t gap_end(const struct take_info *info, uint64_t frame)
{
	const json_t *gap;
	size_t i;

	json_array_foreach(info->gaps, i, gap)
	{
		uint64_t at = number_of(gap, "at");
		uint64_t end = at + number_of(gap, "frames");

		if (at <= frame && frame < end)
			return end;
	}
	return frame;
}

static bool is_gap(const struct take_info *info, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t end = gap_end(info, from);

		if (end == from)
			return false;
		from = end;
	}
	return true;
}

/* A track that was armed can have found no time in one of two copies. */
static bool has_tracks_of(const struct take_info *a, const struct take_info *b)
{
	bool has = a->tracks >= b->tracks;

	for (unsigned i = 0; has && i < b->tracks; i++)
		has = a->track[i].filed || !b->track[i].filed;
	return has;
}

bool extent_covers(const struct extent *a, const struct extent *b)
{
	const json_t *gap;
	size_t i;

	if (a->frames < b->frames || a->info.damages > b->info.damages ||
	    !has_tracks_of(&a->info, &b->info))
		return false;
	json_array_foreach(a->info.gaps, i, gap)
	{
		uint64_t at = number_of(gap, "at");
		uint64_t end = at + number_of(gap, "frames");

		if (at < b->frames &&
		    !is_gap(&b->info, at, end < b->frames ? end : b->frames))
			return false;
	}
	return true;
}
