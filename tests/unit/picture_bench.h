/*
 * picture_bench: a board, a recorder and a clock for the tests of picture; the
 * test says what the recorder does and looks at the lamps.
 */
#ifndef TESTS_PICTURE_BENCH_H
#define TESTS_PICTURE_BENCH_H

/* After cmocka.h and what it needs. */
#include <string.h>

#include "surface/picture.h"

#define MS    1000000LL
#define START (1000000 * MS) /* a whole number of beats */
#define FRAME (10 * MS)

/* What a lamp did in two seconds and more: */
enum look { OFF, STEADY, FAST, SLOW, FLASH, BEAT, OTHER };

struct bench {
	struct board board;
	struct picture picture;
	struct picture_view view;
	int64_t now;
	uint8_t level[BOARD_OUTPUTS_MAX];
	bool on[BOARD_OUTPUTS_MAX];
};

static struct bench bench;

static inline unsigned lamp(enum board_output_role role, unsigned track,
			    double db)
{
	struct board_output *output = &bench.board.output[bench.board.outputs];

	*output = (struct board_output){
		.role = role, .track = track, .db = db, .chain = -1};
	return bench.board.outputs++;
}

/* A recorder that is idle and well, two armed tracks, lamps as they are put
 * on by the test before. */
static inline void switch_on(void)
{
	bench.now = START;
	bench.view = (struct picture_view){
		.state = TRANSPORT_IDLE,
		.delivers = true,
		.medium = true,
		.tracks = 2,
	};
	for (unsigned i = 0; i < 2; i++)
		bench.view.track[i] = (struct picture_track){
			.armed = true, .peak_db = -150, .hold_db = -150};
	picture_init(&bench.picture, &bench.board, START);
}

static inline void look(void)
{
	picture_draw(&bench.picture, &bench.view, bench.now, bench.level);
	for (unsigned i = 0; i < bench.board.outputs; i++)
		bench.on[i] = bench.level[i] != LAMP_OFF;
}

static inline void draw(void)
{
	bench.now += FRAME;
	if (bench.view.delivers)
		bench.view.position += 480;
	look();
}

static inline void run(int64_t ms)
{
	for (int64_t end = bench.now + ms * MS; bench.now < end;)
		draw();
}

static inline int set_up(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	return 0;
}

static inline void start(void)
{
	switch_on();
	run(2000);
}

static inline enum look look_at(unsigned index)
{
	unsigned on = 0, changes = 0;
	bool last;

	draw();
	last = bench.on[index];
	for (unsigned i = 0; i < 400; i++) {
		draw();
		on += bench.on[index];
		changes += bench.on[index] != last;
		last = bench.on[index];
	}
	if (changes == 0)
		return on ? STEADY : OFF;
	if (changes >= 31 && changes <= 33)
		return FAST;
	if (changes >= 7 && changes <= 9)
		return SLOW;
	if (changes >= 3 && changes <= 5)
		return on < 200 ? FLASH : BEAT;
	return OTHER;
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

#endif
