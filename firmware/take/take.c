/*
 * The writer's thread. Each round it takes what commands came, sees how far
 * the tape has been published, encodes up to the last whole block below that,
 * and syncs when the interval is over. When it is behind it works in slices of
 * a second without waiting in between, so that a stall of the medium is caught
 * up with as fast as the machine can, and memory stays what it was.
 */
#include "take/take_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"

#define ROUND_NS (250 * NS_PER_MS)

void take_set_state(struct take *take, enum take_state state, int error)
{
	uint64_t one = 1;

	pthread_mutex_lock(&take->mutex);
	take->status.state = state;
	if (error)
		take->status.error = error;
	snprintf(take->status.reason, TAKE_TEXT_MAX, "%s", take->cause);
	pthread_mutex_unlock(&take->mutex);
	if (write(take->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell of a take's state: %s", strerror(errno));
}

static void publish_status(struct take *take)
{
	uint64_t bytes = take_bytes(take);
	unsigned files = 0;

	for (unsigned i = 0; i < take->info.tracks; i++)
		files += take->info.track[i].filed;
	pthread_mutex_lock(&take->mutex);
	take->status.start = take->info.start;
	take->status.encoded = take->fed;
	take->status.durable = take->durable;
	take->status.begun = take->begun || take->known;
	take->status.bytes = bytes;
	take->status.gap_count = take->info.gap_count;
	take->status.gap_frames = take->info.gap_frames;
	take->status.markers = (unsigned)json_array_size(take->info.markers);
	take->status.files = files * (take->part + 1);
	take->status.level = take_level(take);
	take->status.level_wanted = take->pace.wanted;
	take->status.worst_sync_ns = take->worst_sync_ns;
	pthread_mutex_unlock(&take->mutex);
}

static int one_round(struct take *take)
{
	int worked, error = take_apply_commands(take);

	take->slice_ns = clock_now_ns();
	if (error == 0)
		error = take_look_for_stop(take);
	if (error < 0)
		return error;
	worked = take_encode_slice(take);
	if (worked < 0)
		return worked;
	error = take_note_clock(take);
	publish_status(take);
	return error < 0 ? error : worked;
}

/* Rounds and syncs begin by the clock, however long the last one took: what a
 * power cut costs is then one interval and one sync, not two of them. */
static void rest(struct take *take, int64_t round_ns)
{
	int64_t until = round_ns + ROUND_NS, sync = take_next_sync(take);
	struct timespec time;

	if (sync > clock_now_ns() && sync < until)
		until = sync;
	time.tv_sec = until / NS_PER_S;
	time.tv_nsec = until % NS_PER_S;
	pthread_mutex_lock(&take->mutex);
	if (!take->asked)
		pthread_cond_timedwait(&take->wake, &take->mutex, &time);
	take->asked = false;
	pthread_mutex_unlock(&take->mutex);
}

static void wait_to_go(struct take *take)
{
	pthread_mutex_lock(&take->mutex);
	while (take->waits)
		pthread_cond_wait(&take->wake, &take->mutex);
	pthread_mutex_unlock(&take->mutex);
}

/* Until all frames up to the limit are encoded. */
static int run(struct take *take)
{
	int64_t round_ns;
	int error;

	wait_to_go(take);
	round_ns = clock_now_ns();
	while (take->fed < take->limit) {
		int worked = one_round(take);

		if (worked < 0)
			return worked;
		if (worked > 0 || take->fed >= take->limit)
			continue;
		take_foresee_silence(take);
		rest(take, round_ns);
		round_ns = clock_now_ns();
	}
	error = take_apply_last_marks(take);
	return error < 0 ? error : take_note_unarmed(take);
}

/* A take has one writer: not a second one that takes it for interrupted. Who
 * only looks whether there is one holds it for a moment. */
static int claim(int dir)
{
	const struct timespec moment = {.tv_nsec = 2 * NS_PER_MS};
	unsigned tries = 0;

	while (flock(dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return 0;
		if (++tries == 10)
			return -EBUSY;
		nanosleep(&moment, NULL);
	}
	return 0;
}

static int prepare(struct take *take)
{
	int error = 0;

	if (take->plan.prepare)
		error = take->plan.prepare(take->plan.context, &take->plan,
					   &take->info);
	if (error == 0 && take->plan.prepare)
		error = claim(take->plan.dir);
	if (error < 0)
		return error;
	pthread_mutex_lock(&take->mutex);
	take->status.prepared = true;
	pthread_mutex_unlock(&take->mutex);
	take_set_state(take, TAKE_STARTING, 0);
	return 0;
}

/* Told at once: what the process before this one knew may be more than the
 * medium has kept. */
static int begin_again(struct take *take)
{
	int error = prepare(take);

	if (error < 0)
		return error;
	error = take_reopen(take);
	publish_status(take);
	return error;
}

static int begin_anew(struct take *take)
{
	int error;

	wait_to_go(take);
	error = prepare(take);
	if (error < 0)
		return error;
	take_first_event(take);
	/* First what the take is: whoever finds it can make the rest. */
	error = ledger_create(&take->ledger, take->plan.storage,
			      take->plan.dir);
	if (error == 0)
		error = take_note_start(take);
	if (error == 0 && take->plan.note) {
		error = take_note(take, take->plan.note);
		take->plan.note = NULL;
	}
	if (error == 0)
		error = ledger_sync(&take->ledger);
	take->begun = error == 0;
	publish_status(take);
	if (error == 0)
		error = take_make_files(take);
	for (int i = 0; i < 3 && error == 0; i++)
		if (take->plan.parents[i] >= 0)
			error = take->plan.storage->sync_dir(
				take->plan.parents[i]);
	return error;
}

/* Everybody may know where the take ends before it is closed: it may take a
 * while, and the rest is to be recorded elsewhere. */
static void end(struct take *take, int error)
{
	if (error < 0) {
		take->refused = error;
		snprintf(take->cause, sizeof(take->cause), "%s",
			 take_reason_of(error));
	}
	pthread_mutex_lock(&take->mutex);
	take->status.end = error < 0 ? take->durable : take->fed;
	pthread_mutex_unlock(&take->mutex);
	take_set_state(take, TAKE_FINISHING, take->refused);
	if ((take->refused || take->info.healed) && take->begun)
		take_wait_for_link(take);
}

/* With the first round already: the pre-roll, and what was played while the
 * files were made, are waiting. */
static void expect_first_sync(struct take *take)
{
	int64_t interval = (int64_t)(take->plan.sync_seconds * NS_PER_S);

	take->took_ns = 0;
	take->sync_ns = clock_now_ns() - interval +
			(interval < ROUND_NS ? interval : ROUND_NS);
}

static void *thread_main(void *context)
{
	struct take *take = context;
	int error = take->resumed ? begin_again(take) : begin_anew(take);

	take->clocked_ns = -NS_PER_S * 60; /* long ago */
	expect_first_sync(take);
	if (error == 0 && take->limit > take->fed) {
		take_set_state(take, TAKE_RECORDING, 0);
		error = run(take);
	}
	if (error == 0 && take->refused)
		error = take_make_safe(take);
	end(take, error);
	if (error == 0) {
		error = take_finish(take);
		if (error < 0)
			end(take, error);
	}
	if (error < 0)
		take_salvage(take, error);
	publish_status(take);
	take_set_state(take, error < 0 ? TAKE_FAILED : TAKE_DONE, error);
	return NULL;
}

/* ---- the main thread's side ---- */

static unsigned choose_workers(unsigned wanted)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted > 0)
		return wanted;
	return cores > 2 ? (unsigned)cores - 1 : 1;
}

bool take_fits_tape(const struct take *take)
{
	const struct tape_facts *facts = take->tape.facts;

	if (facts->rate != take->info.rate || facts->bits != take->info.bits)
		return false;
	for (unsigned i = 0; i < take->info.tracks; i++)
		for (unsigned c = 0; c < take->info.track[i].channel_count; c++)
			if (take->info.track[i].channels[c] >= facts->channels)
				return false;
	return true;
}

static int copy_info(struct take *take, const struct take_info *from)
{
	json_t *entry = take_info_start_entry(from);
	int error = entry ? take_info_apply(&take->info, entry) : -ENOMEM;

	json_decref(entry);
	for (unsigned i = 0; i < take->info.tracks; i++)
		take->live[i] = take->info.track[i].armed;
	pace_init(&take->pace, take->info.level);
	if (error == 0 && (!take->tape.header || !take_fits_tape(take)))
		error = -EINVAL;
	return error;
}

/* All that take_destroy takes apart again. */
static void init(struct take *take, const struct take_plan *plan)
{
	pthread_condattr_t attr;

	take->plan = *plan;
	take->plan.info = NULL;
	take->plan.note = json_whole_copy(plan->note); /* the thread's */
	take->status.end = TAKE_FOREVER;
	take->limit = TAKE_FOREVER;
	take->stop = plan->stop;
	snprintf(take->reason, sizeof(take->reason), "%s",
		 plan->reason ? plan->reason : "end");
	take->plan.reason = NULL;
	take->ledger.file = -1;
	for (unsigned i = 0; i < TAKE_TRACKS_MAX; i++)
		take->track[i].file = -1;
	pthread_mutex_init(&take->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&take->wake, &attr);
	pthread_condattr_destroy(&attr);
	take->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	take->pool = pool_create(choose_workers(plan->workers) - 1);
	take->syncers = syncers_create(plan->storage);
}

static void close_folders(const struct take_plan *plan)
{
	if (plan->dir >= 0) {
		flock(plan->dir, LOCK_UN); /* though others have it open too */
		close(plan->dir);
	}
	for (int i = 0; i < 3; i++)
		if (plan->parents[i] >= 0)
			close(plan->parents[i]);
}

static int launch(struct take **out, const struct take_plan *plan, bool resumed)
{
	struct take *take = calloc(1, sizeof(*take));
	int error;

	*out = NULL;
	if (!take) {
		close_folders(plan);
		return -ENOMEM;
	}
	init(take, plan);
	take->resumed = resumed;
	take->waits = plan->waits;
	error = take_info_init(&take->info);
	if (error == 0 && plan->note && !take->plan.note)
		error = -ENOMEM;
	if (error == 0)
		error = claim(plan->dir);
	/* Attached a second time: the plan's may be replaced meanwhile. */
	if (error == 0 && plan->tape)
		error = tape_attach(&take->tape,
				    fcntl(plan->tape->fd, F_DUPFD_CLOEXEC, 0));
	if (error == 0 && !resumed)
		error = copy_info(take, plan->info);
	if (error == 0 && (!take->pool || !take->syncers || take->wake_fd < 0))
		error = -ENOMEM;
	take->status.start = take->info.start;
	take->status.level = take->status.level_wanted = take->info.level;
	if (error == 0)
		error = -pthread_create(&take->thread, NULL, thread_main, take);
	take->started = error == 0;
	if (error < 0) {
		take_destroy(take);
		return error;
	}
	*out = take;
	return 0;
}

int take_start(struct take **take, const struct take_plan *plan)
{
	return launch(take, plan, false);
}

int take_resume(struct take **take, const struct take_plan *plan)
{
	return launch(take, plan, true);
}

void take_destroy(struct take *take)
{
	if (!take)
		return;
	if (take->started) {
		take_go(take);
		pthread_join(take->thread, NULL);
	}
	for (unsigned i = 0; i < TAKE_TRACKS_MAX; i++)
		track_close(&take->track[i]);
	ledger_close(&take->ledger);
	tape_detach(&take->tape);
	close_folders(&take->plan);
	pool_destroy(take->pool);
	syncers_destroy(take->syncers);
	take_info_finish(&take->info);
	md5_zeros_finish(&take->zeros);
	json_decref(take->plan.note);
	json_decref(take->link);
	json_decref(take->behind);
	pthread_cond_destroy(&take->wake);
	pthread_mutex_destroy(&take->mutex);
	if (take->wake_fd >= 0)
		close(take->wake_fd);
	free(take);
}

void take_get_status(struct take *take, struct take_status *status)
{
	pthread_mutex_lock(&take->mutex);
	*status = take->status;
	pthread_mutex_unlock(&take->mutex);
}

int take_fd(const struct take *take)
{
	return take->wake_fd;
}

const struct take_info *take_result(const struct take *take)
{
	return &take->info;
}
