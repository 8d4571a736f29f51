/* Looking at the takes on a medium. */
#include "tests/bench/takes.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_text.h"
#include "drivers/virtual/counter.h"
#include "take/flac_check.h"
#include "take/ledger.h"
#include "take/take_info.h"
#include "tests/support/stock_flac.h"

/* Tracks of a take to some of whose seek points is sought. */
#define SOUGHT 2

struct looking {
	struct one_take *take;
	struct take_info info;
	unsigned channel; /* of the track under the decoder */
	uint64_t wrong, first_wrong;
	uint64_t part_start;
	bool based;
};

static void __attribute__((format(printf, 2, 3)))
complain(struct one_take *take, const char *format, ...)
{
	va_list args;

	if (take->fault[0])
		return;
	va_start(args, format);
	vsnprintf(take->fault, sizeof(take->fault), format, args);
	va_end(args);
}

/* ---- samples ---- */

static void find_base(struct looking *looking, const int32_t *plane,
		      unsigned count)
{
	unsigned channel;
	int64_t frame =
		count < COUNTER_RUN
			? -1
			: counter_frame(plane, looking->info.bits, &channel);

	if (frame < 0) {
		complain(looking->take, "does not begin with the counter");
		frame = 0;
	}
	looking->take->base = (uint64_t)frame;
	looking->based = true;
}

static int on_samples(void *user, const int32_t *const *planes, unsigned count,
		      uint64_t position)
{
	struct looking *looking = user;
	uint64_t at = looking->part_start + position;

	if (!looking->based)
		find_base(looking, planes[0], count);
	for (unsigned i = 0; i < count; i++) {
		int32_t wanted =
			counter_sample(looking->take->base + at + i,
				       looking->channel, looking->info.bits);

		if (planes[0][i] != wanted && looking->wrong++ == 0)
			looking->first_wrong = at + i;
	}
	return 0;
}

static uint64_t part_end(const struct take_info *info, unsigned part)
{
	return part + 1 < take_info_parts(info)
		       ? take_info_part_start(info, part + 1)
		       : info->frames;
}

static void look_at_head(struct looking *looking, const char *path,
			 const struct take_track *track, unsigned part)
{
	static struct stock_flac flac;

	stock_flac_open(&flac, path, on_samples, looking);
	stock_flac_check(&flac, &looking->info, track, part,
			 track - looking->info.track < SOUGHT ? 3 : 0);
	stock_flac_close(&flac);
	if (flac.fault[0])
		complain(looking->take, "%s: %s", strrchr(path, '/') + 1,
			 flac.fault);
}

static void look_at_file(struct looking *looking, const char *folder,
			 const struct take_track *track, unsigned part)
{
	struct flac_check_want want = {.samples = on_samples, .user = looking};
	struct flac_check check = {0};
	char name[TAKE_FILE_MAX], path[PATH_MAX];
	uint64_t length;
	int error;

	take_info_file(track, part, name);
	snprintf(path, sizeof(path), "%.2000s/%s", folder, name);
	looking->part_start = take_info_part_start(&looking->info, part);
	looking->channel = track->channels[0];
	looking->wrong = 0;
	length = part_end(&looking->info, part) - looking->part_start;
	error = flac_check_samples(path, &want, &check);
	if (error < 0)
		complain(looking->take, "%s: %s", name, strerror(-error));
	else if (check.verdict != FLAC_WHOLE)
		complain(looking->take, "%s: %s", name, check.error);
	else if (!check.md5_known || check.trailing > 0)
		complain(looking->take, "%s: no MD5, or bytes behind the end",
			 name);
	else if (check.samples != length)
		complain(looking->take, "%s: %llu frames of %llu", name,
			 (unsigned long long)check.samples,
			 (unsigned long long)length);
	look_at_head(looking, path, track, part);
	if (looking->wrong > 0)
		complain(looking->take,
			 "%s: %llu wrong samples from frame %llu on", name,
			 (unsigned long long)looking->wrong,
			 (unsigned long long)looking->first_wrong);
}

/* ---- a take ---- */

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static void look_at_tracks(struct looking *looking, const char *folder)
{
	const struct take_info *info = &looking->info;

	for (unsigned i = 0; i < info->tracks; i++) {
		if (!info->track[i].filed)
			continue;
		looking->take->tracks++;
		for (unsigned part = 0;
		     part < take_info_parts(info) && info->frames > 0; part++)
			look_at_file(looking, folder, &info->track[i], part);
	}
}

/* All of it: while a take is made whole, it is there before its end is. */
static bool has_take_json(int dir)
{
	int file = openat(dir, "take.json", O_RDONLY | O_CLOEXEC);
	json_t *root = file < 0 ? NULL : json_read_file(file, JSON_TAKE_BYTES);

	json_decref(root);
	if (file >= 0)
		close(file);
	return root;
}

static void look_at_sound(struct one_take *take, const char *folder)
{
	struct looking looking = {.take = take};
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 ? -errno : 0;
	uint64_t torn = 0;

	if (error == 0)
		error = take_info_init(&looking.info);
	if (error < 0)
		errx(2, "%s: %s", folder, strerror(-error));
	error = ledger_read(dir, apply, &looking.info, &torn);
	if (error < 0 || torn > 0 || !looking.info.ended)
		complain(take, "the ledger is not whole");
	else if (!has_take_json(dir))
		complain(take, "there is no take.json");
	else if (looking.info.damages > 0)
		complain(take, "%s", TAKES_DAMAGED);
	else
		look_at_tracks(&looking, folder);
	take->frames = looking.info.frames;
	take->gaps = (unsigned)looking.info.gap_count;
	take->healed = looking.info.healed;
	take->whole = !take->fault[0];
	take_info_finish(&looking.info);
	close(dir);
}

/* ---- bytes ---- */

static uint32_t crc_of_file(int dir, const char *name, uint32_t crc)
{
	static char buffer[1 << 16];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	crc = crc32_update(crc, name, strlen(name));
	while (fd >= 0 && (got = read(fd, buffer, sizeof(buffer))) > 0)
		crc = crc32_update(crc, buffer, (size_t)got);
	if (fd >= 0)
		close(fd);
	return crc;
}

/* In any order of the folder's. */
static uint32_t crc_of_folder(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;
	uint32_t sum = 0;

	while (list && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			sum += crc_of_file(dirfd(list), entry->d_name, 0);
	if (list)
		closedir(list);
	return sum;
}

/* ---- a medium ---- */

static void look_at_take(struct takes *takes, const char *folder,
			 const char *name, const struct takes *known)
{
	const struct one_take *before = known ? takes_find(known, name) : NULL;
	struct one_take *take;

	if (takes->count == TAKES_MAX)
		errx(2, "too many takes");
	take = &takes->take[takes->count++];
	*take = (struct one_take){.crc = crc_of_folder(folder)};
	snprintf(take->name, sizeof(take->name), "%.63s", name);
	if (before && before->crc == take->crc)
		*take = *before;
	else
		look_at_sound(take, folder);
}

static void look_at_session(struct takes *takes, const char *folder,
			    const struct takes *known)
{
	DIR *list = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.2000s/%s/take.ledger", folder,
			 entry->d_name);
		if (access(path, F_OK) < 0)
			continue;
		*strrchr(path, '/') = '\0';
		look_at_take(takes, path, entry->d_name, known);
	}
	if (list)
		closedir(list);
}

void takes_look(struct takes *takes, const char *medium,
		const struct takes *known)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *list;

	takes->count = 0;
	snprintf(path, sizeof(path), "%.2000s/Takebox", medium);
	list = opendir(path);
	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.2000s/Takebox/%s", medium,
			 entry->d_name);
		look_at_session(takes, path, known);
	}
	if (list)
		closedir(list);
}

const struct one_take *takes_find(const struct takes *takes, const char *name)
{
	for (unsigned i = 0; i < takes->count; i++)
		if (strcmp(takes->take[i].name, name) == 0)
			return &takes->take[i];
	return NULL;
}

void takes_write(const struct takes *takes, FILE *file)
{
	for (unsigned i = 0; i < takes->count; i++) {
		const struct one_take *take = &takes->take[i];

		fprintf(file, "%s %llu %llu %08x %u %u %d %s\n", take->name,
			(unsigned long long)take->frames,
			(unsigned long long)take->base, (unsigned)take->crc,
			take->tracks, take->gaps, take->healed,
			take->fault[0] ? take->fault : "whole");
	}
}

void takes_read(struct takes *takes, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long frames, base;
	unsigned crc;
	int healed;

	if (!file)
		err(2, "%s", path);
	takes->count = 0;
	for (;;) {
		struct one_take *take = &takes->take[takes->count];

		*take = (struct one_take){0};
		if (takes->count == TAKES_MAX - 1 ||
		    fscanf(file, "%63s %llu %llu %x %u %u %d %255[^\n]",
			   take->name, &frames, &base, &crc, &take->tracks,
			   &take->gaps, &healed, take->fault) != 8)
			break;
		take->frames = frames;
		take->base = base;
		take->crc = crc;
		take->healed = healed != 0;
		take->whole = strcmp(take->fault, "whole") == 0;
		if (take->whole)
			take->fault[0] = '\0';
		takes->count++;
	}
	fclose(file);
}
