/* The ledger has the last word: what it says was synced before the sound of
 * that moment was. */
#include "transport/comeback.h"

#include <string.h>

static bool is_one_of(const char *reason, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(reason, *list) == 0)
			return true;
	return false;
}

static bool is_power(const char *reason)
{
	static const char *const power[] = {"interrupted", COMEBACK_SUPPLY,
					    NULL};

	return is_one_of(reason, power);
}

bool comeback_is_accident(const char *reason)
{
	static const char *const medium[] = {"medium full",    "medium failed",
					     "medium stalled", "out of memory",
					     "damaged",	       NULL};

	return is_power(reason) || is_one_of(reason, medium);
}

/* What was recording when the power went had not been ended by its medium. */
static bool is_accident(const struct intent *left, const char *reason)
{
	return left->kind == INTENT_WAITING ? comeback_is_accident(reason)
					    : is_power(reason);
}

static const char *refusal_of_note(const struct intent *left,
				   const json_t *note)
{
	const char *type = json_string_value(json_object_get(note, "type"));
	const char *reason = json_string_value(json_object_get(note, "reason"));

	if (!type)
		return NULL;
	if (strcmp(type, "rate") == 0)
		return "the sample rate had changed";
	if (strcmp(type, "continued") == 0)
		return "it has been gone on with already";
	if (strcmp(type, "stop") == 0 &&
	    (!reason || !is_accident(left, reason)))
		return "it was to end";
	return NULL;
}

const char *comeback_refusal(const struct intent *left,
			     const struct take_info *info)
{
	const char *refusal = NULL;
	size_t index;
	json_t *note;

	if (left->kind == INTENT_NONE)
		return "nothing was being recorded";
	if (left->stop != TAKE_FOREVER)
		return "it was to end";
	if (!info)
		return left->kind == INTENT_WAITING ? NULL : "it is not there";
	json_array_foreach(info->notes, index, note)
	{
		if (!refusal)
			refusal = refusal_of_note(left, note);
	}
	if (!refusal && info->ended && !is_accident(left, info->reason))
		refusal = "it has ended";
	return refusal;
}

/* Where it waits left's start is that of what is still to be written. */
bool comeback_is_of(const struct intent *left, const char *tape, uint64_t start)
{
	if (left->power || !left->tape[0])
		return true;
	return strcmp(tape, left->tape) == 0 &&
	       start == left->from - left->frames;
}
