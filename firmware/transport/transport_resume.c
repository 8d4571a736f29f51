/*
 * Takes that were torn off: looked for on every medium that comes. Those of the
 * tape that still runs are gone on with, the others made whole.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "take/names.h"
#include "transport/transport_private.h"

#define SOON_NS (100 * NS_PER_MS)
/* So long a medium may take for its first answer. (A disk that sleeps takes
 * longer, and is chosen all the same where there is no other.) */
#define SILENT_NS    (2 * NS_PER_S)
#define LINK_SPARE_S 20		     /* to choose a medium and make a folder */
#define LATE_NS	     (30 * NS_PER_S) /* for one of several media to be found */

struct origin {
	const char *tape; /* that the take was on; "": none */
	bool found;	  /* it is the one that runs */
	uint64_t start;
};

static struct origin origin_of(const struct survey_take *take,
			       const struct tape *tape)
{
	struct origin origin = {.tape = take->tape, .start = take->start};
	char running[33] = "";

	for (int i = 0; i < 16 && tape->header; i++)
		snprintf(running + 2 * i, 3, "%02x", tape->facts->id[i]);
	origin.found = running[0] && strcmp(running, take->tape) == 0;
	return origin;
}

static bool is_mirror(const struct transport *transport, unsigned index)
{
	struct volume volume;

	volumes_get(transport->volumes, index, &volume);
	return volume.role == VOLUME_FOR_MIRROR;
}

static bool is_on_mirror(const struct hand *hand)
{
	return is_mirror(hand->transport, (unsigned)hand->volume);
}

/* Whichever was found first, the current one is not the mirror. */
static void settle_twins(struct transport *transport, struct hand *hand,
			 struct hand *current)
{
	bool ahead = is_on_mirror(current) && !is_on_mirror(hand);

	hand->group = current->group;
	hand->mirror = !ahead;
	current->mirror = ahead;
	transport->current = ahead ? hand : current;
	if (current->stop != TAKE_FOREVER)
		take_stop(hand->take, current->stop, "stop");
	hand->stop = current->stop;
}

/* What is being recorded can be found on several media. */
static void settle_order(struct transport *transport, struct hand *hand,
			 struct hand *current)
{
	hand->group = ++transport->groups;
	if (current && current->start == hand->start && !current->was_stopped)
		settle_twins(transport, hand, current);
}

struct search {
	struct transport *transport;
	unsigned index;
	struct volume volume;
	bool starved; /* to be done again: what was not read is no answer */
	struct survey_take *found[VOLUMES_MAX]; /* on each medium */
};

bool transport_is_session(const struct transport *transport, const char *folder)
{
	char safe[NAMES_FOLDER_MAX];

	return names_safe(safe, sizeof(safe), transport->session) > 0 &&
	       strcmp(safe, folder) == 0;
}

void transport_keep_number(struct transport *transport,
			   const struct recording_place *place)
{
	unsigned number = names_take_number(place->take);

	if (transport->session[0] &&
	    !transport_is_session(transport, place->session))
		return;
	if (strcmp(transport->numbered, place->session) == 0 &&
	    transport->number >= number)
		return;
	transport->number = number;
	snprintf(transport->numbered, sizeof(transport->numbered), "%.63s",
		 place->session);
}

static bool in_hand(const struct transport *transport, const char *folder)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (transport->hand[i].take &&
		    strcmp(transport->hand[i].place.folder, folder) == 0)
			return true;
	return false;
}

/* By its name. */
static bool is_recorded(const struct intent *left, const char *take)
{
	return left->kind == INTENT_RECORDING &&
	       strcmp(left->place.take, take) == 0;
}

/* It had been stopped, and the process before this one was still at it. All
 * that KEEP makes can begin at the same frame; of one that had no folder yet
 * nobody knows the name: rather the longest than too little. */
static const struct closing *find_closing(const struct transport *transport,
					  const struct origin *origin,
					  const char *take)
{
	const struct intent *left = &transport->left;
	const struct closing *found = NULL;

	if (!transport->recall_ns || !origin->found ||
	    strcmp(origin->tape, left->closing_tape) != 0)
		return NULL;
	for (unsigned i = 0; i < left->closings; i++) {
		const struct closing *closing = &left->closing[i];

		if (closing->start != origin->start)
			continue;
		if (strcmp(closing->place.take, take) == 0)
			return closing;
		if (!closing->place.take[0] && !is_recorded(left, take) &&
		    (!found || closing->stop > found->stop))
			found = closing;
	}
	return found;
}

/* A take that was torn off, and what is to become of it. */
struct torn {
	struct search *search;
	struct survey_take *take;
	const struct recording_place *place; /* its */
	struct origin origin;
	const struct closing *closing; /* NULL: it had not been stopped */
	bool runs;		       /* it is what is being recorded */
	bool left;	 /* and what the process before wrote down */
	bool waited_for; /* recording is to go on behind it */
};

static bool was_on_mirror(const struct transport *transport)
{
	struct volume volume;

	for (unsigned i = 0; i < volumes_count(transport->volumes); i++) {
		volumes_get(transport->volumes, i, &volume);
		if (strcmp(volume.folder, transport->left.medium) == 0)
			return volume.role == VOLUME_FOR_MIRROR;
	}
	return false;
}

static bool is_where_left(const struct torn *torn)
{
	const struct search *search = torn->search;

	return strcmp(search->volume.folder, search->transport->left.medium) ==
	       0;
}

/* The tape has not got all that it lacks any more. */
static bool is_behind_tape(const struct torn *torn)
{
	const struct tape *tape = &torn->search->transport->client.tape;
	uint64_t end = torn->origin.start + torn->take->told +
		       (uint64_t)SURVEY_TOLD_S * tape->facts->rate;

	return end < tape_oldest(tape);
}

/* A copy of what was being recorded, which its medium had torn off long before
 * that: it has its end already, and another medium all of it. */
static bool was_torn_before(const struct torn *torn)
{
	const struct intent *left = &torn->search->transport->left;

	return left->kind == INTENT_RECORDING && left->alone &&
	       !is_where_left(torn) && is_behind_tape(torn);
}

/* One that begins where another one was begun, which failed at once, is not
 * that. On a mirror it can have another name. */
static bool has_name_left(const struct torn *torn)
{
	const struct transport *transport = torn->search->transport;
	const struct intent *left = &transport->left;
	bool same = strcmp(torn->place->take, left->place.take) == 0;

	if (left->kind == INTENT_WAITING)
		return !same || !left->place.take[0];
	return same || is_mirror(transport, torn->search->index) ||
	       was_on_mirror(transport);
}

/* Recording waited for it, or it for its folder: the tape may have lost what it
 * was to begin with. */
static bool is_behind_left(const struct torn *torn)
{
	const struct intent *left = &torn->search->transport->left;
	const struct recording_place *behind = &torn->take->behind;

	return left->kind == INTENT_WAITING && left->place.take[0] &&
	       strcmp(behind->take, left->place.take) == 0 &&
	       strcmp(behind->session, left->place.session) == 0;
}

/* What the process before this one wrote down was of this take. */
static bool is_left(const struct torn *torn)
{
	const struct transport *transport = torn->search->transport;
	const struct origin *origin = &torn->origin;

	if (!transport->recall_ns || !origin->found || was_torn_before(torn) ||
	    strcmp(origin->tape, transport->left.tape) != 0)
		return false;
	return is_behind_left(torn) ||
	       (origin->start == transport->left.start && has_name_left(torn));
}

/* It comes when the other one has gone on for long, and lacks more than the
 * tape has. */
static bool is_late(const struct torn *torn)
{
	return is_behind_tape(torn) &&
	       clock_now_ns() - torn->search->transport->recall_ns > LATE_NS;
}

/* On another medium, one that was found again here; by itself, or behind
 * another one, it may have had to begin later than was written down. */
static bool is_twin(const struct torn *torn)
{
	const struct transport *transport = torn->search->transport;
	const struct hand *current = transport->current;

	if (!current || current->was_stopped || !torn->origin.found ||
	    was_torn_before(torn) || is_late(torn) ||
	    current->start != torn->origin.start)
		return false;
	return strcmp(torn->place->take, current->place.take) == 0 ||
	       is_mirror(transport, torn->search->index) ||
	       is_on_mirror(current);
}

/* Once on each medium: the rest of one that failed then goes elsewhere. */
static bool is_taken_up(const struct torn *torn)
{
	const struct transport *transport = torn->search->transport;
	ptrdiff_t i = torn->closing - transport->left.closing;

	return transport->taken_up[i] >> torn->search->index & 1;
}

static void judge(struct torn *torn)
{
	const struct search *search = torn->search;
	const struct transport *transport = search->transport;

	torn->origin = origin_of(torn->take, &transport->client.tape);
	torn->closing =
		find_closing(transport, &torn->origin, torn->place->take);
	/* All others were ended by their media. */
	torn->runs = !transport->settled && !torn->closing &&
		     (transport->recalling ? is_left(torn) : is_twin(torn));
	if (torn->closing && is_taken_up(torn))
		torn->closing = NULL;
	torn->left = torn->runs && is_left(torn);
	torn->waited_for = transport_is_comeback(
		transport, torn->place, torn->origin.tape, torn->origin.start);
}

static int begin(struct torn *torn, struct take **take)
{
	struct transport *transport = torn->search->transport;
	const struct config *config = &transport->config;
	bool goes_on = torn->runs || torn->closing;
	struct take_plan plan = {
		.storage = &storage_posix,
		.tape = goes_on ? &transport->client.tape : NULL,
		.dir = torn->take->dir,
		.parents = {-1, -1, -1},
		.sync_seconds = config->sync_seconds,
		.workers = goes_on ? config->encoders : 1,
		.max_file_bytes =
			config->max_file_bytes
				? config->max_file_bytes
				: torn->search->volume.space.max_file_bytes,
		.stop = TAKE_FOREVER,
		.asks_for_link = goes_on,
		.waits = true,
	};
	int error;

	if (torn->waited_for) {
		plan.asks_for_link = true;
		plan.link_seconds = config->resume_seconds + LINK_SPARE_S;
	}
	torn->take->dir = -1; /* the take's */
	error = take_resume(take, &plan);
	torn->search->starved |= error == -ENOMEM;
	/* Busy: it is being begun here, or healed by somebody else. */
	if (error < 0 && error != -EBUSY)
		log_error("%s cannot be gone on with: %s", torn->place->folder,
			  strerror(-error));
	return error;
}

/* Frames, as the process before this one has written it down; of one that
 * waited those were another take's. */
static uint64_t known_to_be_safe(const struct torn *torn)
{
	const struct intent *left = &torn->search->transport->left;

	if (torn->closing)
		return torn->closing->frames;
	if (!torn->left || left->kind != INTENT_RECORDING)
		return 0;
	if (is_where_left(torn))
		return left->frames;
	return left->alone ? 0 : left->least;
}

/* What was asked for in the end, and by now. */
static void take_up_left(const struct torn *torn, struct hand *hand)
{
	const struct intent *left = &hand->transport->left;

	hand->transport->recalling = false;
	transport_catch_up_resumed(hand, &torn->take->known, left->since);
	if (left->stop == TAKE_FOREVER)
		return;
	hand->stop = left->stop;
	take_stop(hand->take, hand->stop, "stop");
}

static void take_in_hand(const struct torn *torn, struct hand *hand,
			 struct take *take)
{
	struct transport *transport = hand->transport;
	struct hand *current = transport->current;

	hand->healing = !torn->runs && !torn->closing;
	hand->place = *torn->place;
	hand->prepared = true;
	hand->volume = (int)torn->search->index;
	hand->start = torn->origin.start;
	hand->was_stopped = torn->closing;
	if (torn->closing)
		hand->stop = torn->closing->stop;
	hand->awaited = torn->waited_for;
	hand->safe = known_to_be_safe(torn);
	if (torn->left || torn->closing)
		snprintf(hand->name, sizeof(hand->name), "%s",
			 torn->left ? transport->left.name
				    : torn->closing->name);
	transport_keep_number(transport, torn->place);
	transport_adopt(hand, take);
	if (torn->closing) {
		hand->group = ++transport->groups;
		transport->taken_up[torn->closing - transport->left.closing] |=
			1u << torn->search->index;
		transport_catch_up_resumed(hand, &torn->take->known,
					   torn->closing->since);
		take_stop(take, hand->stop, "stop");
	}
	if (torn->runs)
		settle_order(transport, hand, current);
	if (torn->left)
		take_up_left(torn, hand);
	take_go(take);
}

static void resume(struct search *search, struct survey_take *found)
{
	struct torn torn = {
		.search = search, .take = found, .place = &found->place};
	struct hand *hand = NULL;
	struct take *take;

	judge(&torn);
	if (!in_hand(search->transport, found->place.folder))
		hand = transport_free_hand(search->transport);
	if (hand && begin(&torn, &take) == 0)
		take_in_hand(&torn, hand, take);
}

/* ---- what is found on each medium, beside ---- */

static void end_survey(struct transport *transport, unsigned index)
{
	survey_end(transport->survey[index]);
	transport->survey[index] = NULL;
}

void transport_search_again(struct transport *transport, unsigned index)
{
	end_survey(transport, index);
	transport->arrivals[index] = 0;
}

void transport_end_searches(struct transport *transport)
{
	for (unsigned i = 0; i < VOLUMES_MAX; i++)
		end_survey(transport, i);
}

/* What it finds is on a medium that is not there any more, or that is to be
 * unmounted. */
static bool is_outdated(const struct survey *survey,
			const struct volume *volume)
{
	return survey && (volume->let_go ||
			  strcmp(survey_medium(survey), volume->folder) != 0);
}

/* The take that was left is looked at before the others once: it may be one
 * that cannot be made whole, and is found each time. */
static void begin_survey(struct search *search, unsigned index)
{
	static const struct recording_place nothing;
	struct transport *transport = search->transport;
	const struct volume *volume = &search->volume;

	end_survey(transport, index);
	transport->survey[index] = survey_begin(
		volume->folder, transport->hoped[index] == volume->arrivals
					? &nothing
					: &transport->left.place);
	if (!transport->survey[index]) {
		search->starved = true;
		return;
	}
	transport->arrivals[index] = volume->arrivals;
	transport->hoped[index] = volume->arrivals;
	transport->survey_ns[index] = clock_now_ns();
	/* Nobody has to be told that a take is being looked for when it is
	 * found so soon. */
	if (transport->recalling)
		survey_wait(transport->survey[index], SOON_NS);
}

static void collect(struct search *search, unsigned index)
{
	struct transport *transport = search->transport;
	struct survey *survey = transport->survey[index];
	int error;
	bool over = survey_is_over(survey, &error);

	search->found[index] = survey_collect(survey);
	if (!over)
		return;
	end_survey(transport, index);
	if (error == -ENOMEM) {
		search->starved = true;
		transport->arrivals[index] = 0;
		return;
	}
	transport->mirror_is_due = true;
	if (error < 0)
		log_warning("%s cannot be read", search->volume.folder);
}

/* What the kernel has of it in memory makes it look ready. */
static bool is_silent(const struct transport *transport, unsigned index)
{
	return transport->survey[index] &&
	       !survey_has_answered(transport->survey[index]) &&
	       clock_now_ns() - transport->survey_ns[index] > SILENT_NS;
}

static void look_at(struct search *search, unsigned index)
{
	struct transport *transport = search->transport;
	struct volume *volume = &search->volume;

	volumes_get(transport->volumes, index, volume);
	if (is_outdated(transport->survey[index], volume))
		transport_search_again(transport, index);
	if (volume->state != VOLUME_READY || volume->let_go)
		return;
	if (volume->arrivals != transport->arrivals[index])
		begin_survey(search, index);
	if (transport->survey[index])
		collect(search, index);
	volumes_doubt(transport->volumes, index, is_silent(transport, index));
}

static void resume_all(struct search *search, unsigned index)
{
	struct transport *transport = search->transport;
	bool starved = search->starved;

	search->index = index;
	search->starved = false;
	volumes_get(transport->volumes, index, &search->volume);
	for (struct survey_take *take = search->found[index]; take;
	     take = take->next)
		resume(search, take);
	survey_free_takes(search->found[index]);
	if (search->starved)
		transport->arrivals[index] = 0;
	search->starved |= starved;
}

/* Media that have come, or come back. Not before the tape is there, or known
 * not to be: takes of it are gone on with. What there was no memory for is
 * tried again with the next tick. */
void transport_search_arrivals(struct transport *transport)
{
	struct search search = {.transport = transport};
	unsigned count = volumes_count(transport->volumes);

	if (!transport->answered)
		return;
	transport_recall(transport);
	for (unsigned i = 0; i < count; i++)
		look_at(&search, i);
	for (unsigned i = 0; i < count; i++)
		resume_all(&search, i);
	if (search.starved)
		log_warning("not enough memory to look for takes to go on "
			    "with; trying again");
}
