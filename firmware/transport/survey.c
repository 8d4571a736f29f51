/* A thread fills a list; whoever ends first leaves it to the other. */
#include "transport/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "take/heal.h"
#include "take/replace.h"
#include "take/ledger.h"

#define TAKEBOX_FOLDER "Takebox"

struct survey {
	char medium[CONFIG_PATH_MAX];
	struct recording_place hope;
	struct recording_place place; /* where the thread is */
	pthread_mutex_t mutex;	      /* guards what follows */
	pthread_cond_t answers;
	unsigned users; /* the thread, and who began it */
	bool ending, answered, over;
	int error;
	unsigned count;
	struct survey_take *found, *ready; /* ready: to be collected */
};

/* ---- one take ---- */

static int read_tape(struct survey_take *take, const json_t *entry)
{
	const char *tape = json_string_value(json_object_get(entry, "tape"));

	if (!tape)
		return 0;
	snprintf(take->tape, sizeof(take->tape), "%s", tape);
	take->start = (uint64_t)json_integer_value(
		json_object_get(entry, "position"));
	return 0;
}

static void read_text(char *text, size_t size, const json_t *entry,
		      const char *key)
{
	const char *value = json_string_value(json_object_get(entry, key));

	snprintf(text, size, "%s", value ? value : "");
}

static void read_link(struct recording_place *behind, const json_t *entry)
{
	read_text(behind->session, sizeof(behind->session), entry, "session");
	read_text(behind->take, sizeof(behind->take), entry, "take");
}

static int read_entry(void *context, const json_t *entry)
{
	const char *type = json_string_value(json_object_get(entry, "type"));
	uint64_t at =
		(uint64_t)json_integer_value(json_object_get(entry, "at"));
	json_int_t track = json_integer_value(json_object_get(entry, "track"));
	struct survey_take *take = context;

	if (type && strcmp(type, "marker") == 0)
		changes_mark(&take->known.markers, at, "");
	else if (type && strcmp(type, "arm") == 0 && track > 0 &&
		 track <= CONFIG_CHANNELS_MAX)
		take->known.armed[track] = at;
	else if (type && strcmp(type, "continues") == 0)
		read_link(&take->behind, entry);
	else if (type && strcmp(type, "clock") == 0)
		take->told = at;
	return read_tape(take, entry);
}

/* Takes dir over. */
static int add(struct survey *survey, int dir)
{
	struct survey_take *take = calloc(1, sizeof(*take));

	if (!take) {
		close(dir);
		return -ENOMEM;
	}
	take->dir = dir;
	take->place = survey->place;
	if (ledger_read(dir, read_entry, take, NULL) == -ENOMEM) {
		survey_free_takes(take);
		return -ENOMEM;
	}
	pthread_mutex_lock(&survey->mutex);
	take->next = survey->found;
	survey->found = take;
	survey->count++;
	pthread_mutex_unlock(&survey->mutex);
	return 0;
}

static bool is_enough(struct survey *survey)
{
	bool enough;

	pthread_mutex_lock(&survey->mutex);
	enough = survey->ending || survey->count == SURVEY_TAKES_MAX;
	pthread_mutex_unlock(&survey->mutex);
	return enough;
}

/* Takes dir over. */
static int look_at_take(struct survey *survey, int dir, const char *name)
{
	enum heal_state state =
		is_enough(survey) ? HEAL_NO_TAKE : heal_look(dir, name);
	struct recording_place *place = &survey->place;

	if (state != HEAL_OPEN) {
		close(dir);
		return state == HEAL_UNKNOWN ? -ENOMEM : 0;
	}
	snprintf(place->take, sizeof(place->take), "%.63s", name);
	snprintf(place->folder, sizeof(place->folder), "%s/%s/%s/%s",
		 survey->medium, TAKEBOX_FOLDER, place->session, name);
	return add(survey, dir);
}

/* ---- all of them ---- */

typedef int (*folder_fn)(struct survey *survey, int dir, const char *name);

static int open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Every folder in dir, opened; closed again by fn. What fn says first that is
 * no success is returned in the end. */
static int each_folder(struct survey *survey, int dir, folder_fn fn)
{
	DIR *list = folder_list(dir);
	struct dirent *entry;
	int error = 0;

	if (!list)
		return -errno;
	while (!is_enough(survey) && (entry = readdir(list))) {
		int fd = entry->d_name[0] == '.'
				 ? -1
				 : open_folder(dir, entry->d_name);
		int result = fd >= 0 ? fn(survey, fd, entry->d_name) : 0;

		if (error == 0)
			error = result;
	}
	closedir(list);
	return error;
}

static bool is_hope(const struct survey *survey, const char *name)
{
	return strcmp(survey->place.session, survey->hope.session) == 0 &&
	       strcmp(name, survey->hope.take) == 0;
}

static int look_at_other(struct survey *survey, int dir, const char *name)
{
	if (!is_hope(survey, name))
		return look_at_take(survey, dir, name);
	close(dir);
	return 0;
}

static int look_at_session(struct survey *survey, int dir, const char *name)
{
	int error;

	snprintf(survey->place.session, sizeof(survey->place.session), "%.63s",
		 name);
	replace_finish_all(dir); /* or a take would stay out of sight */
	error = each_folder(survey, dir, look_at_other);
	close(dir);
	return error == -ENOMEM ? error : 0;
}

static int look_for_hope(struct survey *survey, int takebox)
{
	const struct recording_place *hope = &survey->hope;
	int session, take, error = 0;

	if (!hope->take[0])
		return 0;
	session = open_folder(takebox, hope->session);
	if (session < 0)
		return 0;
	take = open_folder(session, hope->take);
	close(session);
	memcpy(survey->place.session, hope->session, sizeof(hope->session));
	if (take >= 0)
		error = look_at_take(survey, take, hope->take);
	return error;
}

static void answer(struct survey *survey, bool over, int error)
{
	struct survey_take **end = &survey->ready;

	pthread_mutex_lock(&survey->mutex);
	while (*end)
		end = &(*end)->next;
	*end = survey->found;
	survey->found = NULL;
	survey->answered = true;
	survey->over = over;
	survey->error = error;
	pthread_cond_signal(&survey->answers);
	pthread_mutex_unlock(&survey->mutex);
}

static int look_through(struct survey *survey)
{
	char path[PATH_MAX];
	int takebox, error;

	snprintf(path, sizeof(path), "%s/%s", survey->medium, TAKEBOX_FOLDER);
	takebox = open_folder(AT_FDCWD, path);
	if (takebox < 0)
		return takebox == -ENOENT ? 0 : takebox;
	error = look_for_hope(survey, takebox);
	if (error == 0) {
		answer(survey, false, 0);
		error = each_folder(survey, takebox, look_at_session);
	}
	close(takebox);
	return error;
}

/* ---- two that share it ---- */

/* With the mutex held, which is gone with the last one. */
static void leave(struct survey *survey)
{
	bool last = --survey->users == 0;

	pthread_mutex_unlock(&survey->mutex);
	if (!last)
		return;
	survey_free_takes(survey->found);
	survey_free_takes(survey->ready);
	pthread_cond_destroy(&survey->answers);
	pthread_mutex_destroy(&survey->mutex);
	free(survey);
}

static void *thread_main(void *context)
{
	struct survey *survey = context;

	answer(survey, true, look_through(survey));
	pthread_mutex_lock(&survey->mutex);
	leave(survey);
	return NULL;
}

struct survey *survey_begin(const char *medium,
			    const struct recording_place *hope)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	pthread_condattr_t attr;
	pthread_t thread;

	if (!survey)
		return NULL;
	snprintf(survey->medium, sizeof(survey->medium), "%s", medium);
	survey->hope = *hope;
	survey->users = 2;
	pthread_mutex_init(&survey->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&survey->answers, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&thread, NULL, thread_main, survey) == 0) {
		pthread_detach(thread);
		return survey;
	}
	pthread_cond_destroy(&survey->answers);
	pthread_mutex_destroy(&survey->mutex);
	free(survey);
	return NULL;
}

void survey_wait(struct survey *survey, int64_t patience_ns)
{
	int64_t until_ns = clock_now_ns() + patience_ns;
	struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
	int error = 0;

	pthread_mutex_lock(&survey->mutex);
	while (!survey->over && error == 0)
		error = pthread_cond_timedwait(&survey->answers, &survey->mutex,
					       &until);
	pthread_mutex_unlock(&survey->mutex);
}

struct survey_take *survey_collect(struct survey *survey)
{
	struct survey_take *ready;

	pthread_mutex_lock(&survey->mutex);
	ready = survey->ready;
	survey->ready = NULL;
	pthread_mutex_unlock(&survey->mutex);
	return ready;
}

void survey_free_takes(struct survey_take *takes)
{
	while (takes) {
		struct survey_take *next = takes->next;

		if (takes->dir >= 0)
			close(takes->dir);
		free(takes);
		takes = next;
	}
}

bool survey_is_over(struct survey *survey, int *error)
{
	bool over;

	pthread_mutex_lock(&survey->mutex);
	over = survey->over;
	*error = survey->error;
	pthread_mutex_unlock(&survey->mutex);
	return over;
}

bool survey_has_answered(struct survey *survey)
{
	bool answered;

	pthread_mutex_lock(&survey->mutex);
	answered = survey->answered;
	pthread_mutex_unlock(&survey->mutex);
	return answered;
}

bool survey_has_looked_at(struct survey *survey,
			  const struct recording_place *place)
{
	return strcmp(survey->hope.session, place->session) == 0 &&
	       strcmp(survey->hope.take, place->take) == 0 &&
	       survey_has_answered(survey);
}

const char *survey_medium(const struct survey *survey)
{
	return survey->medium;
}

void survey_end(struct survey *survey)
{
	if (!survey)
		return;
	pthread_mutex_lock(&survey->mutex);
	survey->ending = true;
	leave(survey);
}
