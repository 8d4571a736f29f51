/* One thread per medium: nobody else ever waits for one. */
#include "transport/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"

#define LOOK_NS	     NS_PER_S
#define SILENT_NS    (5 * NS_PER_S) /* a look that takes longer than this */
#define WAIT_NS	     NS_PER_S
#define PROBE_FILE   ".takebox-test"
#define PROBE_BYTES  65536
#define PROBE_MAX_NS (5 * NS_PER_S) /* between two probes that fail */

struct look { /* what a look finds */
	int error;
	bool mounted;
	bool unmounted; /* since the last */
	uint64_t device, st_dev;
	struct storage_space space;
};

struct watched {
	char *folder;
	enum volume_role role;
	bool passing;
	bool doubted;	       /* the caller's */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	unsigned users; /* the thread and the media */
	int watch;	/* inotify, the thread's */
	bool ending, blamed;
	int64_t let_go_ns; /* until then */
	struct look look;
	bool looked, was_mounted;
	int refused;
	unsigned arrivals;
	int64_t began_ns; /* of the look under way; 0: none */
	int64_t probe_ns, pause_ns;
};

struct volumes {
	unsigned preferred;
	struct watched *watched[VOLUMES_MAX];
	unsigned count;
};

/* ---- one look, on the medium's own thread ---- */

/* The block device can be gone although its file system is still mounted: what
 * is in the cache answers as if nothing were. */
static bool device_is_gone(dev_t device)
{
	char path[64];

	if (major(device) == 0) /* tmpfs and the like have none */
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device),
		 minor(device));
	return access("/sys/dev/block", F_OK) == 0 && access(path, F_OK) != 0;
}

static int look_at(int dir, struct look *look)
{
	struct stat own, parent;
	struct statvfs vfs;

	if (fstat(dir, &own) < 0 || fstatat(dir, "..", &parent, 0) < 0 ||
	    fstatvfs(dir, &vfs) < 0)
		return -errno;
	look->st_dev = (uint64_t)own.st_dev;
	look->mounted = own.st_dev != parent.st_dev;
	look->device = (uint64_t)own.st_dev ^ (uint64_t)vfs.f_fsid << 20;
	if (device_is_gone(own.st_dev))
		return -ENODEV;
	if (vfs.f_flag & ST_RDONLY)
		return -EROFS;
	return storage_measure(dir, &look->space);
}

static bool is_for_mounts(const char *folder)
{
	return strncmp(folder, "/media/", 7) == 0 ||
	       strncmp(folder, "/run/media/", 11) == 0;
}

/* A medium can be away for less than the time between two looks, and come back
 * as the same device, mounted under the same id. But what was watched of its
 * file system is told when that is let go of (inotify(7)). */
static bool was_unmounted(int watch)
{
	char events[4096] __attribute__((aligned(8)));
	bool unmounted = false;
	ssize_t got;

	while ((got = read(watch, events, sizeof(events))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < got;
		     at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(events + at);
			unmounted |= (event->mask & IN_UNMOUNT) != 0;
		}
	}
	return unmounted;
}

/* One that is watched already stays so. */
static void keep_watch(int watch, int dir)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (watch >= 0)
		inotify_add_watch(watch, path, IN_ONLYDIR | IN_DELETE_SELF);
}

static struct look look(const struct watched *watched, bool was_mounted)
{
	struct look look = {.unmounted = was_unmounted(watched->watch)};
	int dir = open(watched->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		look.error = -errno;
		return look;
	}
	keep_watch(watched->watch, dir);
	look.error = look_at(dir, &look);
	if (look.error == 0 && !look.mounted &&
	    (was_mounted || is_for_mounts(watched->folder))) {
		look.error = -ENODEV;
		/* That of the card below it. */
		look.space = (struct storage_space){0};
	}
	close(dir);
	return look;
}

static int probe(const char *folder)
{
	const struct storage *storage = &storage_posix;
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *bytes = calloc(1, PROBE_BYTES);
	int error, file;

	if (dir < 0 || !bytes) {
		error = dir < 0 ? -errno : -ENOMEM;
		free(bytes);
		if (dir >= 0)
			close(dir);
		return error;
	}
	storage->remove(dir, PROBE_FILE); /* of a probe that was cut off */
	file = storage->open(dir, PROBE_FILE, 1);
	error = file < 0 ? file : storage->write(file, bytes, PROBE_BYTES, 0);
	if (error == 0)
		error = storage->sync(file);
	if (file >= 0) {
		close(file);
		storage->remove(dir, PROBE_FILE);
	}
	close(dir);
	free(bytes);
	return error;
}

/* Under the mutex. */
static void note(struct watched *watched, struct look *look)
{
	bool was_ready = watched->looked && watched->look.error == 0;
	bool other = watched->look.device != look->device;
	bool again = look->mounted && look->unmounted;

	watched->was_mounted |= look->error == 0 && look->mounted;
	if (look->error == 0 && (!was_ready || other || again))
		watched->arrivals++;
	if (look->error == 0 && other) {
		watched->refused = 0;
		watched->pause_ns = 0;
	}
	if (look->error && look->device == 0)
		look->device = watched->look.device;
	watched->look = *look;
	watched->looked = true;
	pthread_cond_broadcast(&watched->wake);
}

static void note_probe(struct watched *watched, int error)
{
	if (error == 0) {
		watched->refused = 0;
		watched->arrivals++;
	} else {
		watched->refused = error;
	}
	/* One that refuses again and again is asked less and less often. */
	watched->pause_ns = watched->pause_ns ? 2 * watched->pause_ns : LOOK_NS;
	if (watched->pause_ns > PROBE_MAX_NS)
		watched->pause_ns = PROBE_MAX_NS;
	watched->probe_ns = clock_now_ns() + watched->pause_ns;
}

static struct timespec time_in(int64_t ns)
{
	int64_t until = clock_now_ns() + ns;

	return (struct timespec){until / NS_PER_S, until % NS_PER_S};
}

static void rest(struct watched *watched)
{
	struct timespec time = time_in(LOOK_NS);

	if (!watched->ending && !watched->blamed)
		pthread_cond_timedwait(&watched->wake, &watched->mutex, &time);
	watched->blamed = false;
}

static void look_once(struct watched *watched)
{
	bool was_mounted = watched->was_mounted, probing;
	struct look found;
	int error = 0;

	watched->began_ns = clock_now_ns();
	probing = watched->refused && watched->began_ns >= watched->probe_ns;
	pthread_mutex_unlock(&watched->mutex);
	found = look(watched, was_mounted);
	if (found.error == 0 && probing)
		error = probe(watched->folder);
	pthread_mutex_lock(&watched->mutex);
	note(watched, &found);
	if (found.error == 0 && probing && watched->refused)
		note_probe(watched, error);
	watched->began_ns = 0;
}

/* Under the mutex, which is gone with the last user. */
static void leave(struct watched *watched)
{
	bool last = --watched->users == 0;

	pthread_cond_broadcast(&watched->wake);
	pthread_mutex_unlock(&watched->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&watched->wake);
	pthread_mutex_destroy(&watched->mutex);
	free(watched->folder);
	free(watched);
}

static void *thread_main(void *context)
{
	struct watched *watched = context;

	watched->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	pthread_mutex_lock(&watched->mutex);
	while (!watched->ending) {
		if (clock_now_ns() >= watched->let_go_ns)
			look_once(watched);
		rest(watched);
	}
	if (watched->watch >= 0)
		close(watched->watch);
	leave(watched);
	return NULL;
}

/* ---- the main thread's side ---- */

struct volumes *volumes_create(void)
{
	return calloc(1, sizeof(struct volumes));
}

/* The first look of a medium that answers is there before anybody asks. */
static void wait_for_look(struct watched *watched)
{
	struct timespec time = time_in(WAIT_NS);
	int error = 0;

	pthread_mutex_lock(&watched->mutex);
	while (!watched->looked && error == 0)
		error = pthread_cond_timedwait(&watched->wake, &watched->mutex,
					       &time);
	pthread_mutex_unlock(&watched->mutex);
}

static struct watched *watch(const char *folder, enum volume_role role,
			     unsigned arrivals)
{
	struct watched *watched = calloc(1, sizeof(*watched));
	pthread_condattr_t attr;
	pthread_t thread;

	if (!watched)
		return NULL;
	watched->folder = strdup(folder);
	watched->role = role;
	watched->arrivals = arrivals;
	watched->users = 2;
	pthread_mutex_init(&watched->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watched->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (watched->folder &&
	    pthread_create(&thread, NULL, thread_main, watched) == 0) {
		pthread_detach(thread);
		return watched;
	}
	pthread_mutex_lock(&watched->mutex);
	watched->users = 1;
	leave(watched);
	return NULL;
}

static void end(struct watched *watched)
{
	struct timespec time = time_in(WAIT_NS);
	int error = 0;

	pthread_mutex_lock(&watched->mutex);
	watched->ending = true;
	pthread_cond_broadcast(&watched->wake);
	while (watched->users > 1 && error == 0)
		error = pthread_cond_timedwait(&watched->wake, &watched->mutex,
					       &time);
	leave(watched);
}

static struct watched *find(struct volumes *volumes, const char *folder,
			    unsigned *index)
{
	for (*index = 0; *index < volumes->count; ++*index)
		if (strcmp(volumes->watched[*index]->folder, folder) == 0)
			return volumes->watched[*index];
	return NULL;
}

/* Also in place of another one. */
static int add_at(struct volumes *volumes, unsigned index, const char *folder,
		  enum volume_role role)
{
	struct volume before = {.arrivals = 0};
	struct watched *watched;

	if (index < volumes->count)
		volumes_get(volumes, index, &before);
	watched = watch(folder, role, before.arrivals);
	if (!watched)
		return -ENOMEM;
	if (index < volumes->count)
		end(volumes->watched[index]);
	else
		volumes->count++;
	volumes->watched[index] = watched;
	wait_for_look(watched);
	return 0;
}

int volumes_add(struct volumes *volumes, const char *folder,
		enum volume_role role)
{
	unsigned index;
	struct watched *known = find(volumes, folder, &index);

	if (known)
		known->passing = false;
	else if (index == VOLUMES_MAX)
		return -ENOSPC;
	return known ? 0 : add_at(volumes, index, folder, role);
}

static bool has_passed(struct volumes *volumes, unsigned index)
{
	struct volume volume;

	volumes_get(volumes, index, &volume);
	return volumes->watched[index]->passing &&
	       volume.state == VOLUME_ABSENT;
}

int volumes_add_passing(struct volumes *volumes, const char *folder,
			volumes_in_use_fn in_use, void *context)
{
	unsigned index;
	int error;

	if (find(volumes, folder, &index))
		return 0;
	if (volumes->count == VOLUMES_MAX) {
		index = 0;
		while (index < VOLUMES_MAX &&
		       (!has_passed(volumes, index) || in_use(context, index)))
			index++;
	}
	if (index == VOLUMES_MAX)
		return -ENOSPC;
	error = add_at(volumes, index, folder, VOLUME_FOR_TAKES);
	if (error == 0)
		volumes->watched[index]->passing = true;
	return error;
}

int volumes_add_list(struct volumes *volumes, const char *folders,
		     enum volume_role role)
{
	char *copy = strdup(folders), *rest = copy, *folder;
	int error = copy ? 0 : -ENOMEM;

	while (error == 0 && (folder = strsep(&rest, ":")))
		if (folder[0])
			error = volumes_add(volumes, folder, role);
	free(copy);
	return error;
}

void volumes_destroy(struct volumes *volumes)
{
	if (!volumes)
		return;
	for (unsigned i = 0; i < volumes->count; i++)
		end(volumes->watched[i]);
	free(volumes);
}

unsigned volumes_count(const struct volumes *volumes)
{
	return volumes->count;
}

static enum volume_state state_of(const struct watched *watched, int *error)
{
	*error = 0;
	if (!watched->looked ||
	    (watched->began_ns &&
	     clock_now_ns() - watched->began_ns > SILENT_NS)) {
		*error = -ETIMEDOUT;
		return VOLUME_UNKNOWN;
	}
	*error = watched->look.error ? watched->look.error : watched->refused;
	if (*error == 0)
		return VOLUME_READY;
	return *error == -ENODEV || *error == -ENOENT ? VOLUME_ABSENT
						      : VOLUME_FAILED;
}

void volumes_get(struct volumes *volumes, unsigned index, struct volume *volume)
{
	struct watched *watched = volumes->watched[index];

	pthread_mutex_lock(&watched->mutex);
	*volume = (struct volume){
		.folder = watched->folder,
		.role = watched->role,
		.arrivals = watched->arrivals,
		.space = watched->look.space,
		.device = watched->look.st_dev,
		.let_go = clock_now_ns() < watched->let_go_ns,
	};
	volume->state = state_of(watched, &volume->error);
	pthread_mutex_unlock(&watched->mutex);
}

void volumes_blame(struct volumes *volumes, unsigned index, int error)
{
	struct watched *watched = volumes->watched[index];

	pthread_mutex_lock(&watched->mutex);
	if (clock_now_ns() - watched->probe_ns > PROBE_MAX_NS)
		watched->pause_ns = 0;
	if (!watched->refused)
		watched->refused = error;
	watched->blamed = true;
	pthread_cond_broadcast(&watched->wake);
	pthread_mutex_unlock(&watched->mutex);
}

void volumes_look_again(struct volumes *volumes, unsigned index)
{
	struct watched *watched = volumes->watched[index];

	pthread_mutex_lock(&watched->mutex);
	watched->blamed = true;
	pthread_cond_broadcast(&watched->wake);
	pthread_mutex_unlock(&watched->mutex);
}

void volumes_prefer(struct volumes *volumes, const char *folder)
{
	unsigned index;

	if (find(volumes, folder, &index))
		volumes->preferred = index;
}

unsigned volumes_preferred(const struct volumes *volumes)
{
	return volumes->preferred;
}

void volumes_let_go(struct volumes *volumes, const char *folder,
		    int64_t until_ns)
{
	unsigned index;
	struct watched *watched = find(volumes, folder, &index);

	if (!watched)
		return;
	pthread_mutex_lock(&watched->mutex);
	watched->let_go_ns = until_ns;
	pthread_mutex_unlock(&watched->mutex);
}

void volumes_doubt(struct volumes *volumes, unsigned index, bool doubted)
{
	volumes->watched[index]->doubted = doubted;
}

/* 2: now; 1: if nothing better is there; 0: not. */
static int suits(struct volumes *volumes, unsigned index, enum volume_role role,
		 uint64_t bytes)
{
	struct volume volume;

	volumes_get(volumes, index, &volume);
	if (volume.role != role || volume.let_go)
		return 0;
	if (volume.state == VOLUME_READY && volume.space.free_bytes < bytes)
		return 0;
	if (volume.state == VOLUME_READY)
		return volumes->watched[index]->doubted ? 1 : 2;
	/* The first take makes a folder that nobody has made yet. */
	return volume.error == -ENOENT && volume.arrivals == 0 &&
	       !is_for_mounts(volume.folder);
}

int volumes_choose_other(struct volumes *volumes, enum volume_role role,
			 uint64_t bytes, int not_this)
{
	int best = 0, found = -1;

	for (unsigned k = 0; k < volumes->count && best < 2; k++) {
		unsigned index = (volumes->preferred + k) % volumes->count;
		int how = (int)index == not_this
				  ? 0
				  : suits(volumes, index, role, bytes);

		if (how > best) {
			best = how;
			found = (int)index;
		}
	}
	return found;
}

int volumes_choose(struct volumes *volumes, enum volume_role role,
		   uint64_t bytes)
{
	return volumes_choose_other(volumes, role, bytes, -1);
}
