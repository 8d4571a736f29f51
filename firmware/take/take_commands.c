/*
 * What the main thread asks for while a take runs: a small queue under the
 * take's mutex. Positions in it are the tape's; the writer's thread makes
 * frames of the take of them.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/log.h"

#define LATE_SECONDS 1

/* ---- the main thread's side ---- */

void take_go(struct take *take)
{
	pthread_mutex_lock(&take->mutex);
	take->waits = false;
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
}

void take_stop(struct take *take, uint64_t position, const char *reason)
{
	take_stop_short(take, position, 0, reason);
}

void take_stop_short(struct take *take, uint64_t position, uint64_t frames,
		     const char *reason)
{
	pthread_mutex_lock(&take->mutex);
	if (position < take->stop) {
		take->stop = position;
		take->missing = frames;
		take_info_text(take->reason, sizeof(take->reason), reason);
	}
	take->asked = true;
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
}

static int enqueue(struct take *take, const struct take_command *command)
{
	int error = 0;

	pthread_mutex_lock(&take->mutex);
	if (take->commands < TAKE_COMMANDS_MAX)
		take->command[take->commands++] = *command;
	else
		error = -EAGAIN;
	take->asked = true;
	pthread_cond_signal(&take->wake);
	pthread_mutex_unlock(&take->mutex);
	return error;
}

int take_arm(struct take *take, unsigned number, bool on, uint64_t position)
{
	struct take_command command = {.kind = COMMAND_ARM,
				       .position = position,
				       .number = number,
				       .on = on};

	return enqueue(take, &command);
}

int take_mark(struct take *take, uint64_t position, const char *name)
{
	struct take_command command = {.kind = COMMAND_MARK,
				       .position = position};

	take_info_text(command.name, sizeof(command.name), name);
	return enqueue(take, &command);
}

/* ---- the writer's ---- */

static uint64_t frame_of(const struct take *take,
			 const struct take_command *command)
{
	uint64_t start = take->info.start;

	return command->position > start ? command->position - start : 0;
}

/* Where arming takes effect by itself: may come early, disarming late. */
static uint64_t due_alone(const struct take *take,
			  const struct take_command *command)
{
	uint64_t frame = frame_of(take, command);

	return command->on ? take_whole_blocks(frame)
			   : take_whole_blocks(frame + ENCODER_BLOCK - 1);
}

/* Where the queue's i-th does: not before what was asked for before it. */
static uint64_t due(const struct take *take, unsigned i)
{
	const struct take_command *command = take->command;
	uint64_t frame = due_alone(take, &command[i]);

	for (unsigned before = 0; before < i; before++)
		if (command[before].kind == COMMAND_ARM &&
		    command[before].number == command[i].number &&
		    due_alone(take, &command[before]) > frame)
			frame = due_alone(take, &command[before]);
	return frame;
}

static unsigned find_track(const struct take *take, unsigned number)
{
	unsigned i = 0;

	while (i < take->info.tracks && take->info.track[i].number != number)
		i++;
	return i;
}

/* Does it take files of which it is not known yet how they begin? What is in
 * the ledger has its frame already. */
static bool lacks_silence(const struct take *take,
			  const struct take_command *command)
{
	unsigned i = find_track(take, command->number);

	return command->kind == COMMAND_ARM && command->on && !command->noted &&
	       i < take->info.tracks && !take->open[i] &&
	       !take_silence_is_known(take, i);
}

/* The queue's i-th, or one of its track that was asked for before it. */
static bool is_put_off(const struct take *take, unsigned i)
{
	const struct take_command *command = take->command;

	for (unsigned before = 0; before <= i; before++)
		if (command[before].number == command[i].number &&
		    lacks_silence(take, &command[before]))
			return true;
	return false;
}

/* The first of kind that can be done at frame. */
static bool next_command(struct take *take, int kind, uint64_t frame,
			 struct take_command *command)
{
	bool found = false;

	pthread_mutex_lock(&take->mutex);
	for (unsigned i = 0; i < take->commands && !found; i++) {
		*command = take->command[i];
		if ((int)command->kind != kind ||
		    (kind == COMMAND_ARM &&
		     (due(take, i) > frame || is_put_off(take, i))))
			continue;
		found = true;
		take->commands--;
		memmove(&take->command[i], &take->command[i + 1],
			(take->commands - i) * sizeof(*command));
	}
	pthread_mutex_unlock(&take->mutex);
	return found;
}

/* The ledger knows of the track's files before there are any: what is left of
 * them by a power cut is then not a stranger's. */
static int add_file(struct take *take, unsigned index)
{
	int error = ledger_sync(&take->ledger);

	return error < 0 ? error : take_add_file(take, index);
}

/* Sound that was asked for and is not there is told of in the ledger, too. */
static int note_arm(struct take *take, const struct take_command *command)
{
	uint64_t asked = frame_of(take, command);
	bool late = take->fed > asked + LATE_SECONDS * take->info.rate;
	json_t *entry = json_pack("{ss si sb sI}", "type", "arm", "track",
				  (int)command->number, "on", (int)command->on,
				  "at", (json_int_t)take->fed);

	if (late)
		log_warning("track %u was %sarmed at %.1f s of %s; there was "
			    "no time for it before %.1f s",
			    command->number, command->on ? "" : "dis",
			    (double)asked / take->info.rate, take->info.name,
			    (double)take->fed / take->info.rate);
	if (late && command->on)
		json_add_member(&entry, "asked",
				json_integer((json_int_t)asked));
	return take_note(take, entry);
}

/* 1: it took files to be made. */
static int apply_arm(struct take *take, const struct take_command *command)
{
	unsigned i = find_track(take, command->number);
	bool late;
	int error = 0;

	if (i == take->info.tracks) {
		log_warning("%s has no track %u", take->info.name,
			    command->number);
		return 0;
	}
	if (!command->noted && take->live[i] == command->on)
		return 0;
	if (!command->noted)
		error = note_arm(take, command);
	late = command->on && !take->open[i];
	if (error == 0 && late)
		error = add_file(take, i);
	take->live[i] = command->on;
	return error < 0 ? error : late;
}

static void come_round_at_once(struct take *take)
{
	pthread_mutex_lock(&take->mutex);
	take->asked = true;
	pthread_mutex_unlock(&take->mutex);
}

int take_apply_last_marks(struct take *take)
{
	struct take_command command;
	int error = 0;

	while (error == 0 && next_command(take, COMMAND_MARK, 0, &command))
		error = take_note(
			take, json_pack("{ss sI ss}", "type", "marker", "at",
					(json_int_t)frame_of(take, &command),
					"name", command.name));
	return error;
}

/* The first that is left of those that were to sound before the end. */
static bool next_unarmed(struct take *take, struct take_command *command)
{
	bool found = false;

	pthread_mutex_lock(&take->mutex);
	while (take->commands > 0 && !found) {
		unsigned i = find_track(take, take->command[0].number);

		*command = take->command[0];
		found = command->kind == COMMAND_ARM && command->on &&
			frame_of(take, command) < take->limit &&
			i < take->info.tracks && !take->live[i];
		take->commands--;
		memmove(take->command, take->command + 1,
			take->commands * sizeof(*command));
	}
	pthread_mutex_unlock(&take->mutex);
	return found;
}

int take_note_unarmed(struct take *take)
{
	struct take_command command;
	int error = 0;

	while (error == 0 && next_unarmed(take, &command)) {
		uint64_t asked = frame_of(take, &command);

		log_error("track %u was armed at %.1f s of %s, and there was "
			  "no time for it before the end: the take does not "
			  "have it",
			  command.number, (double)asked / take->info.rate,
			  take->info.name);
		error = take_note(take,
				  json_pack("{ss si sI}", "type", "unarmed",
					    "track", (int)command.number, "at",
					    (json_int_t)asked));
	}
	return error;
}

/* The track that is waited for first, if one is. */
static bool find_awaited(struct take *take, unsigned *index)
{
	bool found = false;

	pthread_mutex_lock(&take->mutex);
	for (unsigned i = 0; i < take->commands && !found; i++) {
		*index = find_track(take, take->command[i].number);
		found = lacks_silence(take, &take->command[i]) &&
			due(take, i) <= take->fed;
	}
	pthread_mutex_unlock(&take->mutex);
	return found;
}

/* One track's files in a round, and not before it is known what they take: a
 * round goes by in little time, status is told, and what the others have is
 * synced if that is due. */
int take_apply_commands(struct take *take)
{
	struct take_command command;
	int error = take_apply_last_marks(take);
	unsigned index;

	if (error == 0 && find_awaited(take, &index)) {
		take_learn_silence(take, index);
		come_round_at_once(take);
	}
	while (error == 0 &&
	       next_command(take, COMMAND_ARM, take->fed, &command))
		error = apply_arm(take, &command);
	if (error > 0)
		come_round_at_once(take);
	return error < 0 ? error : 0;
}

/* The others wait there for a track's silence, so that its sound begins where
 * it was asked for; but not until they lose theirs. */
uint64_t take_next_border(struct take *take)
{
	bool hurry = take_has_to_go_on(take);
	uint64_t border = TAKE_FOREVER;

	pthread_mutex_lock(&take->mutex);
	for (unsigned i = 0; i < take->commands; i++) {
		if (take->command[i].kind != COMMAND_ARM ||
		    due(take, i) >= border)
			continue;
		if (!hurry || due(take, i) > take->fed || !is_put_off(take, i))
			border = due(take, i);
	}
	pthread_mutex_unlock(&take->mutex);
	return border;
}

int take_look_for_stop(struct take *take)
{
	char reason[TAKE_TEXT_MAX];
	uint64_t stop, missing;

	pthread_mutex_lock(&take->mutex);
	stop = take->stop;
	missing = take->missing;
	memcpy(reason, take->reason, sizeof(reason));
	pthread_mutex_unlock(&take->mutex);
	if (stop == TAKE_FOREVER)
		return 0;
	stop = stop > take->info.start ? stop - take->info.start : 0;
	if (stop < take->fed)
		stop = take->fed;
	if (stop >= take->limit)
		return 0;
	take->limit = stop;
	take->stop_noted = false;
	take->info.missing = missing;
	memcpy(take->cause, reason, sizeof(take->cause));
	return take_note_stop(take);
}

/* Armed or not at the frame that is fed next; what was changed later is done
 * again there, before anything that was asked for since. */
void take_replay_arms(struct take *take)
{
	struct take_command later[TAKE_COMMANDS_MAX];
	unsigned count = 0;
	size_t index;
	json_t *arm;

	for (unsigned i = 0; i < take->info.tracks; i++)
		take->live[i] = take_info_sounds(&take->info, i, take->fed);
	json_array_foreach(take->info.arms, index, arm)
	{
		uint64_t at = (uint64_t)json_integer_value(
			json_object_get(arm, "at"));

		if (at <= take->fed || count == TAKE_COMMANDS_MAX)
			continue;
		later[count++] = (struct take_command){
			.kind = COMMAND_ARM,
			.position = take->info.start + at,
			.number = (unsigned)json_integer_value(
				json_object_get(arm, "track")),
			.on = json_is_true(json_object_get(arm, "on")),
			.noted = true,
		};
	}
	pthread_mutex_lock(&take->mutex);
	if (take->commands > TAKE_COMMANDS_MAX - count)
		take->commands = TAKE_COMMANDS_MAX - count;
	memmove(&take->command[count], take->command,
		take->commands * sizeof(*take->command));
	memcpy(take->command, later, count * sizeof(*later));
	take->commands += count;
	pthread_mutex_unlock(&take->mutex);
}
