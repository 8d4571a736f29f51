/*
 * presses: a hand that presses buttons of gpio-sim at random times, with
 * contacts that bounce, and writes down when.
 *
 *     presses SEED COUNT LOG NAME=FOLDER[=WEIGHT]...
 *
 * FOLDER is the line's in sysfs (it has the file pull). A line of LOG for each
 * press: its name, and CLOCK_MONOTONIC before and after its first edge was
 * written. What is a press is said by the contact and not by the plan: active
 * after REST_NS of rest. If the machine stood still in the middle of a bounce,
 * so that the contact rested for about that long, nobody can say: exit
 * status 3.
 *
 * Presses are 90 to 500 ms apart and bounce up to six times at either end, for
 * 0.05 to 2 ms each.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REST_NS	    20000000LL /* the recorder's lock-out */
#define BUTTONS_MAX 8
#define BOUNCES_MAX 6

struct button {
	const char *name;
	unsigned weight;
	int pull;
	/* Since when it is open: written between these. */
	int64_t open_before_ns, open_after_ns;
};

static struct button button[BUTTONS_MAX];
static unsigned buttons, weights;
static uint64_t random_state;
static FILE *out;

/* splitmix64 */
static uint32_t random_below(uint32_t limit)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(x >> 32) % limit;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void wait_us(uint32_t us)
{
	struct timespec ts = {us / 1000000, (long)(us % 1000000) * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

static void fail(const char *what)
{
	fprintf(stderr, "presses: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pull(const struct button *b, bool up, int64_t *before,
		 int64_t *after)
{
	const char *word = up ? "pull-up" : "pull-down";

	*before = now_ns();
	if (pwrite(b->pull, word, strlen(word), 0) < 0)
		fail(b->name);
	*after = now_ns();
}

static void open_contact(struct button *b)
{
	pull(b, false, &b->open_before_ns, &b->open_after_ns);
}

static void close_contact(struct button *b)
{
	int64_t before, after;

	pull(b, true, &before, &after);
	if (after - b->open_before_ns >= REST_NS)
		fprintf(out, "%s%s %" PRId64 " %" PRId64 "\n", b->name,
			before - b->open_after_ns >= REST_NS ? "" : "?", before,
			after);
}

/* It ends where the machine stood still: nearly at rest, a contact that closed
 * again could be taken for either. */
static void bounce(struct button *b, bool closed)
{
	unsigned times = random_below(BOUNCES_MAX + 1);

	for (unsigned i = 0; i < 2 * times; i++) {
		wait_us(50 + random_below(1950));
		if ((i % 2 == 0) == closed)
			open_contact(b);
		else if (now_ns() - b->open_before_ns < REST_NS / 2)
			close_contact(b);
		else
			return;
	}
}

static struct button *choose(void)
{
	uint32_t which = random_below(weights);
	struct button *b = button;

	while (which >= b->weight)
		which -= b++->weight;
	return b;
}

static void press(struct button *b)
{
	close_contact(b);
	bounce(b, true);
	wait_us(30000 + random_below(90000));
	open_contact(b);
	bounce(b, false);
}

static void add_button(char *text)
{
	struct button *b = &button[buttons++];
	char path[512], *folder = strchr(text, '='), *weight;

	if (!folder || buttons == BUTTONS_MAX)
		exit(2);
	*folder++ = '\0';
	weight = strchr(folder, '=');
	if (weight)
		*weight++ = '\0';
	b->name = text;
	b->weight = weight ? (unsigned)atoi(weight) : 1;
	weights += b->weight;
	snprintf(path, sizeof(path), "%s/pull", folder);
	b->pull = open(path, O_WRONLY | O_CLOEXEC);
	if (b->pull < 0)
		fail(path);
	open_contact(b);
}

int main(int argc, char **argv)
{
	const struct sched_param priority = {.sched_priority = 70};

	if (argc < 5)
		return 2;
	random_state = strtoull(argv[1], NULL, 10);
	out = fopen(argv[3], "we");
	if (!out)
		fail(argv[3]);
	for (int i = 4; i < argc; i++)
		add_button(argv[i]);
	/* As a hand it is of another machine. */
	sched_setscheduler(0, SCHED_FIFO, &priority);
	for (int i = atoi(argv[2]); i > 0; i--) {
		wait_us(60000 + random_below(300000));
		press(choose());
	}
	return fclose(out) == 0 ? 0 : 1;
}
