/* Starting a take: folders, names, and what the ledger's first entry says. */
#include "transport/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "take/names.h"
#include "transport/numbers.h"

#define TAKEBOX_FOLDER "Takebox"
/* So long a take waits for other media to tell the numbers they have: less than
 * a writer may stand still before its own medium is blamed. */
#define OTHERS_NS (2 * NS_PER_S)

static int __attribute__((format(printf, 4, 5)))
refuse(char *error, size_t size, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return code;
}

unsigned recording_tracks(struct config_track *tracks,
			  const struct config *config, unsigned channels)
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->track_count; i++)
		if (config->tracks[i].channels[0] <= channels &&
		    config->tracks[i].channels[1] <= channels)
			tracks[count++] = config->tracks[i];
	if (config->track_count > 0)
		return count;
	for (unsigned c = 0; c < channels && c < CONFIG_CHANNELS_MAX; c++) {
		struct config_track *track = &tracks[count++];

		*track = (struct config_track){.channels = {c + 1, 0},
					       .armed = true};
		snprintf(track->name, sizeof(track->name), "Ch %02u", c + 1);
	}
	return count;
}

/* ---- folders ---- */

static int open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_or_make(int parent, const char *name)
{
	if (mkdirat(parent, name, 0775) < 0 && errno != EEXIST)
		return -errno;
	return open_folder(parent, name);
}

struct folders {
	int medium, takebox, session, take; /* -1: not open */
};

static void close_folders(struct folders *folders)
{
	int *fd[] = {&folders->medium, &folders->takebox, &folders->session,
		     &folders->take};

	for (int i = 0; i < 4; i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
}

/* A number is not given twice in a session, whatever the medium, nor one that
 * others may be at just now. */
static unsigned least_number(struct recording_job *job, int session)
{
	int highest_here = job->skip ? names_highest_take(session) : 0;
	unsigned highest =
		numbers_highest(job->others, job->place.session, OTHERS_NS);
	unsigned least = job->least;

	if (highest >= least)
		least = highest + 1;
	if (highest_here >= (int)least)
		least = (unsigned)highest_here + 1;
	return least + job->skip;
}

static bool is_device(int dir, uint64_t wanted)
{
	struct stat stat;

	return wanted == 0 ||
	       (fstat(dir, &stat) == 0 && (uint64_t)stat.st_dev == wanted);
}

static int make_folders(struct folders *folders, struct recording_job *job)
{
	struct recording_place *place = &job->place;
	int error;

	*folders = (struct folders){-1, -1, -1, -1};
	folders->medium = open_or_make(AT_FDCWD, job->medium);
	if (folders->medium < 0)
		return folders->medium;
	if (!is_device(folders->medium, job->device))
		return -ENODEV;
	folders->takebox = open_or_make(folders->medium, TAKEBOX_FOLDER);
	if (folders->takebox < 0)
		return folders->takebox;
	error = names_create_session(folders->takebox, job->session,
				     place->session, sizeof(place->session));
	if (error < 0)
		return error;
	folders->session = open_folder(folders->takebox, place->session);
	if (folders->session < 0)
		return folders->session;
	error = names_create_take(folders->session, job->name,
				  least_number(job, folders->session),
				  place->take, sizeof(place->take));
	if (error < 0)
		return error;
	folders->take = open_folder(folders->session, place->take);
	if (snprintf(place->folder, sizeof(place->folder), "%s/%s/%s/%s",
		     job->medium, TAKEBOX_FOLDER, place->session,
		     place->take) >= (int)sizeof(place->folder))
		return -ENAMETOOLONG;
	return folders->take < 0 ? folders->take : 0;
}

/* On the take's thread. */
static int prepare(void *context, struct take_plan *plan,
		   struct take_info *info)
{
	struct recording_job *job = context;
	struct storage_space space;
	struct folders folders;
	int error = make_folders(&folders, job);

	if (error == 0)
		error = storage_measure(folders.take, &space);
	if (error < 0) {
		close_folders(&folders);
		return refuse(job->error, sizeof(job->error), error,
			      "no take can be made in %s: %s", job->medium,
			      strerror(-error));
	}
	plan->dir = folders.take;
	plan->parents[0] = folders.session;
	plan->parents[1] = folders.takebox;
	plan->parents[2] = folders.medium;
	plan->max_file_bytes = job->max_file_bytes ? job->max_file_bytes
						   : space.max_file_bytes;
	snprintf(info->session, sizeof(info->session), "%s",
		 job->place.session);
	snprintf(info->name, sizeof(info->name), "%s", job->place.take);
	return 0;
}

/* ---- facts ---- */

/* The wall clock's time of a tape position, and from it the date and the
 * samples since midnight that DAWs place files by. */
static void date_take(struct take_info *info, const struct tape *tape)
{
	int64_t behind = (int64_t)(tape_published(tape) - info->start);
	int64_t wall = clock_read_ns(CLOCK_REALTIME) -
		       (int64_t)((double)behind * 1e9 / info->rate);
	time_t seconds = (time_t)(wall / NS_PER_S);
	struct tm local;
	char zone[8];

	localtime_r(&seconds, &local);
	strftime(info->date, sizeof(info->date), "%Y-%m-%dT%H:%M:%S", &local);
	strftime(zone, sizeof(zone), "%z", &local);
	snprintf(info->date + strlen(info->date),
		 sizeof(info->date) - strlen(info->date), "%.3s:%.2s", zone,
		 zone + 3);
	info->clock_set = names_read_clock().set;
	info->time_reference =
		(uint64_t)(local.tm_hour * 3600 + local.tm_min * 60 +
			   local.tm_sec) *
			info->rate +
		(uint64_t)(wall % NS_PER_S) * info->rate / NS_PER_S;
}

static void describe_interface(struct take_info *info, const struct tape *tape)
{
	const struct tape_facts *facts = tape->facts;

	info->rate = facts->rate;
	info->bits = facts->bits;
	snprintf(info->device, sizeof(info->device), "%s", facts->device);
	snprintf(info->interface, sizeof(info->interface), "%s", facts->name);
	snprintf(info->identity, sizeof(info->identity), "%s", facts->identity);
	snprintf(info->format, sizeof(info->format), "%s", facts->format);
	for (int i = 0; i < 16; i++)
		snprintf(info->tape + 2 * i, 3, "%02x", facts->id[i]);
}

static void describe_tracks(struct take_info *info,
			    const struct recording *recording)
{
	for (unsigned i = 0; i < recording->track_count; i++) {
		const struct config_track *from = &recording->tracks[i];
		struct take_track *track = &info->track[i];
		char file[NAMES_FILE_MAX];

		track->number = i + 1;
		snprintf(track->name, sizeof(track->name), "%s", from->name);
		names_track_file(file, sizeof(file), track->number, from->name,
				 1);
		file[strlen(file) - strlen(".flac")] = '\0';
		snprintf(track->stem, sizeof(track->stem), "%s", file);
		track->channels[0] = from->channels[0] - 1;
		track->channel_count = from->channels[1] ? 2 : 1;
		if (from->channels[1])
			track->channels[1] = from->channels[1] - 1;
		track->armed = from->armed;
	}
	info->tracks = recording->track_count;
}

static unsigned count_armed(const struct recording *recording)
{
	unsigned count = 0;

	for (unsigned i = 0; i < recording->track_count; i++)
		count += recording->tracks[i].armed;
	return count;
}

static void describe_job(struct recording_job *job,
			 const struct recording *recording)
{
	*job = (struct recording_job){
		.max_file_bytes = recording->max_file_bytes,
		.least = recording->least,
		.skip = recording->skip,
		.device = recording->device,
	};
	snprintf(job->others, sizeof(job->others), "%s",
		 recording->others ? recording->others : "");
	snprintf(job->medium, sizeof(job->medium), "%s", recording->folder);
	snprintf(job->session, sizeof(job->session), "%s", recording->session);
	snprintf(job->name, sizeof(job->name), "%s", recording->name);
}

int recording_begin(struct take **take, const struct tape *tape,
		    const struct recording *recording,
		    struct recording_job *job)
{
	struct take_info info = {
		.start = recording->start,
		.level = recording->level,
	};
	struct take_plan plan = {
		.storage = &storage_posix,
		.tape = tape,
		.dir = -1,
		.parents = {-1, -1, -1},
		.info = &info,
		.sync_seconds = recording->sync_seconds,
		.workers = recording->workers,
		.stop = recording->stop,
		.reason = recording->reason,
		.prepare = prepare,
		.note = recording->note,
		.asks_for_link = recording->asks_for_link,
		.waits = recording->waits,
		.context = job,
	};
	int error;

	describe_job(job, recording);
	if (count_armed(recording) == 0 && !recording->goes_on)
		return refuse(job->error, sizeof(job->error), -EINVAL,
			      "no track is armed: arm at least one");
	snprintf(info.artist, sizeof(info.artist), "%s", recording->artist);
	describe_interface(&info, tape);
	describe_tracks(&info, recording);
	date_take(&info, tape);
	error = take_start(take, &plan);
	return error < 0 ? refuse(job->error, sizeof(job->error), error,
				  "no take can be begun: %s", strerror(-error))
			 : 0;
}
