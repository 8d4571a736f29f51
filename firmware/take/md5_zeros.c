/* A run of zeros that is hashed once, with a state kept at each step of it. */
#include "take/md5_zeros.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 64

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void md5_zeros_finish(struct md5_zeros *zeros)
{
	free(zeros->word);
	*zeros = (struct md5_zeros){0};
}

static void hash(struct md5_state *state, uint64_t bytes)
{
	static const uint8_t zero[4096];

	while (bytes > 0) {
		size_t part = (size_t)smaller(bytes, sizeof(zero));

		md5_update_bytes(state, zero, part);
		bytes -= part;
	}
}

static bool has_room(struct md5_zeros *zeros)
{
	size_t room = zeros->room ? 2 * zeros->room : ROOM_AT_FIRST;
	void *grown;

	if (zeros->count < zeros->room)
		return true;
	grown = realloc(zeros->word, room * sizeof(*zeros->word));
	if (!grown)
		return false;
	zeros->word = grown;
	zeros->room = room;
	return true;
}

/* Where one could not be kept, later ones are not either: at begins with the
 * last that was. */
static void keep(struct md5_zeros *zeros)
{
	if (zeros->front.bytes == (zeros->count + 1) * MD5_ZEROS_STEP &&
	    has_room(zeros))
		memcpy(zeros->word[zeros->count++], zeros->front.word,
		       sizeof(*zeros->word));
}

bool md5_zeros_advance(struct md5_zeros *zeros, uint64_t bytes, uint64_t most)
{
	struct md5_state *front = &zeros->front;
	uint64_t to = smaller(bytes, front->bytes + most);

	if (front->bytes == 0)
		md5_init(front);
	while (front->bytes < to) {
		uint64_t step = front->bytes % MD5_ZEROS_STEP;

		hash(front, smaller(to - front->bytes, MD5_ZEROS_STEP - step));
		keep(zeros);
	}
	return front->bytes < bytes;
}

static struct md5_state kept_before(const struct md5_zeros *zeros,
				    uint64_t bytes)
{
	uint64_t last = smaller(bytes / MD5_ZEROS_STEP, zeros->count);
	struct md5_state state;

	md5_init(&state);
	if (last == 0)
		return state;
	memcpy(state.word, zeros->word[last - 1], sizeof(state.word));
	state.bytes = last * MD5_ZEROS_STEP;
	return state;
}

struct md5_state md5_zeros_at(const struct md5_zeros *zeros, uint64_t bytes)
{
	struct md5_state state = kept_before(zeros, bytes);

	if (zeros->front.bytes > state.bytes && zeros->front.bytes <= bytes)
		state = zeros->front;
	hash(&state, bytes - state.bytes);
	return state;
}
