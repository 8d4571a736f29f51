/*
 * The writer's thread. Each round it takes what commands came, sees how far
 * the tape has been published, encodes up to the last whole block below that,
 * and syncs when the interval is over. When it is behind it works in slices of
 * a second without waiting in between, so that a stall of the medium is caught
 * up with as fast as the machine can, and memory stays what it was.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define ROUND_NS	(250 * NS_PER_MS)
#define CLOCK_NOTE_NS	(10 * NS_PER_S)
#define QUEUE_BYTES	(256 * 1024)
#define GUARD_SECONDS	2
#define GUARD_SHARE	4

void take_set_state(struct take *take, enum take_state state, int error)
{
	uint64_t one = 1;

	pthread_mutex_lock(&take->mutex);
	take->status.state = state;
	if (error)
		take->status.error = error;
	snprintf(take->status.reason, TAKE_TEXT_MAX, "%s", take->reason);
	pthread_mutex_unlock(&take->mutex);
	if (write(take->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot tell of a take's state: %s",
			  strerror(errno));
}

int take_note(struct take *take, json_t *entry)
{
	int error;

	if (!entry)
		return -ENOMEM;
	error = ledger_append(&take->ledger, entry);
	if (error == 0)
		error = take_info_apply(&take->info, entry);
	json_decref(entry);
	return error;
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
	take->status.bytes = bytes;
	take->status.gap_count = take->info.gap_count;
	take->status.gap_frames = take->info.gap_frames;
	take->status.markers = (unsigned)json_array_size(take->info.markers);
	take->status.files = files;
	pthread_mutex_unlock(&take->mutex);
}

/* ---- what the tape's events mean for the take ---- */

static int note_event(struct take *take, const struct tape_event *event)
{
	uint64_t start = take->info.start;
	uint64_t from = event->position > start ? event->position - start : 0;
	uint64_t end = event->position + event->frames;
	bool gap = event->kind != TAPE_SURPLUS;

	if (end <= start || (gap && event->frames == 0))
		return 0;
	end -= start;
	if (take->limit != TAKE_FOREVER && end > take->limit)
		end = take->limit;
	if (end <= from)
		return 0;
	return take_note(take, json_pack("{ss sI sI ss sI}", "type",
					 gap ? "gap" : "surplus", "at",
					 (json_int_t)from, "frames",
					 (json_int_t)(end - from), "cause",
					 tape_event_name(event->kind),
					 "uncertainty",
					 (json_int_t)event->uncertainty));
}

/* Events at positions below to (in the take). */
static int note_events(struct take *take, uint64_t to)
{
	struct tape_event event;
	int error = 0;

	if (!take->tape.header)
		return 0;
	while (error == 0) {
		int found = tape_event(&take->tape, take->event, &event);

		if (found == -ENOENT)
			break;
		if (found == 0 && event.position >= take->info.start + to)
			break;
		take->event++;
		error = found == 0
				? note_event(take, &event)
				: take_note(take, json_pack("{ss}", "type",
							    "events-lost"));
	}
	return error;
}

static int note_clock(struct take *take)
{
	struct posclock_line line = tape_line(&take->tape);
	int64_t now = clock_now_ns();

	if (now - take->clocked_ns < CLOCK_NOTE_NS || line.rate_hz <= 0)
		return 0;
	take->clocked_ns = now;
	return take_note(
		take,
		json_pack("{ss sI sI sI so so}", "type", "clock", "at",
			  (json_int_t)take->fed, "received",
			  (json_int_t)tape_published(&take->tape), "expected",
			  (json_int_t)posclock_position_at(&line, now), "ppm",
			  line.locked ? json_real(line.ppm) : json_null(),
			  "ppm_error",
			  line.locked ? json_real(line.ppm_error)
				      : json_null()));
}

/* ---- commands ---- */

static int apply_arm(struct take *take, const struct take_command *command)
{
	int error;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		if (take->info.track[i].number != command->number)
			continue;
		if (command->on && !take->open[i]) {
			error = take_add_file(take, i);
			if (error < 0)
				return error;
		}
		take->live[i] = command->on;
	}
	if (command->noted)
		return 0;
	return take_note(take, json_pack("{ss si sb sI}", "type", "arm",
					 "track", (int)command->number, "on",
					 (int)command->on, "at",
					 (json_int_t)take->fed));
}

/* Where a command takes effect: arming may come early, disarming late. */
static uint64_t due(const struct take_command *command)
{
	uint64_t block = command->at / ENCODER_BLOCK;

	if (!command->on && command->at % ENCODER_BLOCK)
		block++;
	return block * ENCODER_BLOCK;
}

static bool next_command(struct take *take, struct take_command *command)
{
	bool found = false;

	pthread_mutex_lock(&take->mutex);
	for (unsigned i = 0; i < take->commands && !found; i++) {
		*command = take->command[i];
		if (command->kind == COMMAND_ARM && due(command) > take->fed)
			continue;
		found = true;
		take->commands--;
		memmove(&take->command[i], &take->command[i + 1],
			(take->commands - i) * sizeof(*command));
	}
	pthread_mutex_unlock(&take->mutex);
	return found;
}

static int apply_commands(struct take *take)
{
	struct take_command command;
	int error = 0;

	while (error == 0 && next_command(take, &command)) {
		if (command.kind == COMMAND_ARM)
			error = apply_arm(take, &command);
		else
			error = take_note(
				take, json_pack("{ss sI ss}", "type", "marker",
						"at", (json_int_t)command.at,
						"name", command.name));
	}
	return error;
}

/* The nearest border at which an arm command waits; TAKE_FOREVER: none. */
static uint64_t next_border(struct take *take)
{
	uint64_t border = TAKE_FOREVER;

	pthread_mutex_lock(&take->mutex);
	for (unsigned i = 0; i < take->commands; i++)
		if (take->command[i].kind == COMMAND_ARM &&
		    due(&take->command[i]) < border)
			border = due(&take->command[i]);
	pthread_mutex_unlock(&take->mutex);
	return border;
}

static void look_for_stop(struct take *take)
{
	uint64_t stop;

	pthread_mutex_lock(&take->mutex);
	stop = take->stop;
	pthread_mutex_unlock(&take->mutex);
	if (take->stop_noted || stop == TAKE_FOREVER)
		return;
	stop = stop > take->info.start ? stop - take->info.start : 0;
	if (stop < take->fed)
		stop = take->fed;
	/* A take of a fixed length can be stopped before it is full. */
	if (stop < take->limit)
		take->limit = stop;
}

/* ---- rounds ---- */

/* Frames of the take that the tape has for us by now. */
static uint64_t available(const struct take *take)
{
	uint64_t published = tape_published(&take->tape);
	uint64_t start = take->info.start;

	return published > start ? published - start : 0;
}

/* Frames of the take that are overwritten, or so nearly that they could be
 * while a slice is being read. */
static uint64_t overwritten(const struct take *take)
{
	const struct tape_facts *facts = take->tape.facts;
	uint64_t oldest = tape_oldest(&take->tape);
	uint64_t guard = (uint64_t)GUARD_SECONDS * facts->rate;

	if (guard > facts->frames / GUARD_SHARE)
		guard = facts->frames / GUARD_SHARE;
	if (oldest == 0 || tape_state(&take->tape) == TAPE_ENDED)
		guard = 0;
	oldest += guard;
	return oldest > take->info.start ? oldest - take->info.start : 0;
}

static uint64_t whole_blocks(uint64_t frames)
{
	return frames / ENCODER_BLOCK * ENCODER_BLOCK;
}

/* The tape has come round to what was not yet encoded: silence, and a gap that
 * names it. */
static int pass_over(struct take *take, uint64_t to)
{
	int error = take_note(take, json_pack("{ss sI sI ss si}", "type",
					      "gap", "at",
					      (json_int_t)take->fed, "frames",
					      (json_int_t)(to - take->fed),
					      "cause", "overrun",
					      "uncertainty", 0));

	log_error("the medium was too slow for %.1f s: the tape could not "
		  "hold them all",
		  (double)(to - take->fed) / take->info.rate);
	return error < 0 ? error : take_encode(take, to, true, false);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Where this round ends; take->fed if there is nothing to do yet. */
static uint64_t plan_round(struct take *take, uint64_t ready)
{
	uint64_t slice = whole_blocks(take->info.rate);
	uint64_t to = smaller(take->fed + slice, ready);

	if (to != take->limit)
		to = whole_blocks(to);
	to = smaller(to, next_border(take));
	return to > take->fed ? to : take->fed;
}

static bool sync_is_due(const struct take *take)
{
	return clock_now_ns() - take->synced_ns >=
	       (int64_t)(take->plan.sync_seconds * NS_PER_S);
}

static int write_out(struct take *take)
{
	size_t most = 0;

	if (sync_is_due(take))
		return take_sync(take);
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i] && take->track[i].queued > most)
			most = take->track[i].queued;
	return most >= QUEUE_BYTES ? take_flush(take) : 0;
}

/* Up to where the next frames are lost to us: whole blocks, so that all stays
 * on block borders, or the end. take->fed if none are. */
static uint64_t plan_loss(const struct take *take, uint64_t ready)
{
	uint64_t lost = overwritten(take);

	if (lost <= take->fed)
		return take->fed;
	lost = whole_blocks(lost + ENCODER_BLOCK - 1);
	if (lost > ready)
		lost = ready == take->limit ? ready : whole_blocks(ready);
	return lost > take->fed ? lost : take->fed;
}

/* One slice. 1: done something; 0: nothing to do yet; negative errno. */
static int one_slice(struct take *take)
{
	uint64_t ready = smaller(available(take), take->limit);
	uint64_t to = plan_loss(take, ready);
	bool full;
	int error;

	if (to > take->fed) {
		error = pass_over(take, to);
		return error < 0 ? error : 1;
	}
	to = plan_round(take, ready);
	if (to == take->fed)
		return 0;
	full = to < take->limit && take_part_is_full(take, to);
	error = take_encode(take, to, false, full);
	if (error == 0 && full)
		error = take_next_part(take);
	if (error == 0)
		error = write_out(take);
	return error < 0 ? error : 1;
}

static int one_round(struct take *take)
{
	int worked, error = apply_commands(take);

	look_for_stop(take);
	if (error < 0)
		return error;
	worked = one_slice(take);
	if (worked < 0)
		return worked;
	error = note_events(take, take->fed);
	if (error == 0)
		error = note_clock(take);
	publish_status(take);
	return error < 0 ? error : worked;
}

static void rest(struct take *take)
{
	int64_t until = clock_now_ns() + ROUND_NS;
	struct timespec time = {
		.tv_sec = until / NS_PER_S,
		.tv_nsec = until % NS_PER_S,
	};

	pthread_mutex_lock(&take->mutex);
	pthread_cond_timedwait(&take->wake, &take->mutex, &time);
	pthread_mutex_unlock(&take->mutex);
}

/* Until all frames up to the limit are encoded. */
static int run(struct take *take)
{
	while (take->fed < take->limit) {
		int worked = one_round(take);

		if (worked < 0)
			return worked;
		if (worked == 0 && take->fed < take->limit)
			rest(take);
	}
	return 0;
}

/* The info has it already: it was made from the plan. */
static int note_start(struct take *take)
{
	json_t *entry = take_info_start_entry(&take->info);
	int error = entry ? ledger_append(&take->ledger, entry) : -ENOMEM;

	json_decref(entry);
	return error;
}

static int begin(struct take *take)
{
	uint64_t count;
	int error;

	if (take->resumed)
		return take_reopen(take);
	count = tape_event_count(&take->tape);
	take->event = count > TAPE_EVENTS - 1 ? count - TAPE_EVENTS + 1 : 0;
	/* First what the take is: whoever finds it can make the rest. */
	error = ledger_create(&take->ledger, take->plan.storage,
			      take->plan.dir);
	if (error == 0)
		error = note_start(take);
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error == 0)
		error = take_make_files(take);
	for (int i = 0; i < 3 && error == 0; i++)
		if (take->plan.parents[i] >= 0)
			error = take->plan.storage->sync_dir(
				take->plan.parents[i]);
	return error;
}

static void *thread_main(void *context)
{
	struct take *take = context;
	int error = begin(take);

	take->synced_ns = clock_now_ns();
	take->clocked_ns = clock_now_ns();
	if (error == 0 && take->limit > take->fed) {
		take_set_state(take, TAKE_RECORDING, 0);
		error = run(take);
	}
	take_set_state(take, TAKE_FINISHING, error);
	if (error == 0)
		error = take_finish(take);
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

static int copy_info(struct take *take, const struct take_info *from)
{
	json_t *entry = take_info_start_entry(from);
	int error = entry ? take_info_apply(&take->info, entry) : -ENOMEM;

	json_decref(entry);
	for (unsigned i = 0; i < take->info.tracks; i++)
		take->live[i] = take->info.track[i].armed;
	return error;
}

static int launch(struct take **out, const struct take_plan *plan,
		  bool resumed)
{
	struct take *take = calloc(1, sizeof(*take));
	pthread_condattr_t attr;
	int error;

	*out = NULL;
	if (!take)
		return -ENOMEM;
	take->plan = *plan;
	take->plan.info = NULL;
	take->resumed = resumed;
	take->limit = take->stop = TAKE_FOREVER;
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
	error = take_info_init(&take->info);
	/* Attached a second time: the plan's may be replaced meanwhile. */
	if (error == 0 && plan->tape)
		error = tape_attach(&take->tape, dup(plan->tape->fd));
	if (error == 0 && !resumed)
		error = copy_info(take, plan->info);
	if (error == 0 && (!take->pool || take->wake_fd < 0))
		error = -ENOMEM;
	take->stop = plan->stop;
	snprintf(take->reason, sizeof(take->reason), "end");
	take->status.start = take->info.start;
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
	if (take->started)
		pthread_join(take->thread, NULL);
	for (unsigned i = 0; i < TAKE_TRACKS_MAX; i++)
		track_close(&take->track[i]);
	ledger_close(&take->ledger);
	tape_detach(&take->tape);
	close(take->plan.dir);
	for (int i = 0; i < 3; i++)
		if (take->plan.parents[i] >= 0)
			close(take->plan.parents[i]);
	pool_destroy(take->pool);
	take_info_finish(&take->info);
	pthread_cond_destroy(&take->wake);
	pthread_mutex_destroy(&take->mutex);
	if (take->wake_fd >= 0)
		close(take->wake_fd);
	free(take);
}

void take_stop(struct take *take, uint64_t position, const char *reason)
{
	pthread_mutex_lock(&take->mutex);
	if (position < take->stop) {
		take->stop = position;
		snprintf(take->reason, sizeof(take->reason), "%s", reason);
	}
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
}

static int enqueue(struct take *take, struct take_command *command,
		   uint64_t position)
{
	int error = 0;

	command->at = position > take->status.start
			      ? position - take->status.start
			      : 0;
	pthread_mutex_lock(&take->mutex);
	if (take->commands < TAKE_COMMANDS_MAX)
		take->command[take->commands++] = *command;
	else
		error = -EAGAIN;
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
	return error;
}

int take_arm(struct take *take, unsigned number, bool on, uint64_t position)
{
	struct take_command command = {
		.kind = COMMAND_ARM, .number = number, .on = on};

	return enqueue(take, &command, position);
}

int take_mark(struct take *take, uint64_t position, const char *name)
{
	struct take_command command = {.kind = COMMAND_MARK};

	snprintf(command.name, sizeof(command.name), "%s", name);
	return enqueue(take, &command, position);
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
