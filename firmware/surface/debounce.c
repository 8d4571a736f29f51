/*
 * A button: active at rest is a press at once; inactive must last. A switch:
 * either must last. So one rule serves both, but for a button's press, and at
 * most one undecided level exists at any time: the newest one, since edge_ns.
 */
#include "surface/debounce.h"

void debounce_init(struct debounce *debounce, bool latched,
		   double quiet_seconds)
{
	*debounce = (struct debounce){
		.latched = latched,
		.quiet_ns = (int64_t)(quiet_seconds * 1e9),
		.unrest_ns = DEBOUNCE_NEVER,
		.spiked_ns = -DEBOUNCE_NEVER,
	};
}

/* What was told is what the line is. */
static bool is_decided(const struct debounce *debounce)
{
	return debounce->level == debounce->clean &&
	       (debounce->told || !debounce->latched);
}

int64_t debounce_deadline(const struct debounce *debounce)
{
	bool decided = is_decided(debounce);

	/* A switch that came back must rest, too, before the next burst of
	 * edges is a new one: unrest_ns is set until then. */
	if (!debounce->known ||
	    (decided && debounce->unrest_ns == DEBOUNCE_NEVER))
		return DEBOUNCE_NEVER;
	return debounce->edge_ns + debounce->quiet_ns;
}

static struct debounce_change tell(struct debounce *debounce, int64_t time_ns)
{
	debounce->clean = debounce->level;
	debounce->told = true;
	debounce->unrest_ns = DEBOUNCE_NEVER;
	return (struct debounce_change){debounce->clean, time_ns};
}

unsigned debounce_run(struct debounce *debounce, int64_t now_ns,
		      struct debounce_change change[1])
{
	if (now_ns < debounce_deadline(debounce))
		return 0;
	if (is_decided(debounce)) {
		debounce->unrest_ns = DEBOUNCE_NEVER;
		return 0;
	}
	change[0] = tell(debounce, debounce->unrest_ns != DEBOUNCE_NEVER
					   ? debounce->unrest_ns
					   : debounce->edge_ns);
	return 1;
}

/* The level that a line has at the start. */
static void learn(struct debounce *debounce, bool active, int64_t time_ns)
{
	debounce->known = true;
	debounce->level = active;
	debounce->edge_ns = time_ns;
	if (!debounce->latched)
		debounce->clean = active;
}

/* Whether a run of edges at rest goes on at time_ns. */
static bool is_spiking(const struct debounce *debounce, int64_t time_ns)
{
	return debounce->spiked_ns != -DEBOUNCE_NEVER &&
	       time_ns - debounce->spiked_ns < debounce->quiet_ns;
}

static void note_spike(struct debounce *debounce, int64_t time_ns)
{
	if (!is_spiking(debounce, time_ns))
		debounce->spike_ns = time_ns;
	debounce->spiked_ns = time_ns;
}

static struct debounce_change press(struct debounce *debounce, int64_t time_ns)
{
	if (is_spiking(debounce, time_ns))
		time_ns = debounce->spike_ns;
	debounce->spiked_ns = -DEBOUNCE_NEVER;
	return tell(debounce, time_ns);
}

unsigned debounce_feed(struct debounce *debounce, bool active, bool seen,
		       int64_t time_ns, struct debounce_change change[2])
{
	unsigned count;

	if (!debounce->known) {
		learn(debounce, active, time_ns);
		return 0;
	}
	if (time_ns < debounce->edge_ns)
		time_ns = debounce->edge_ns;
	count = debounce_run(debounce, time_ns, change);
	if (active == debounce->level) {
		if (seen && !active && !debounce->clean)
			note_spike(debounce, time_ns);
		/* A pulse too short to read: it is not at rest yet. */
		if (seen && !is_decided(debounce))
			debounce->edge_ns = time_ns;
		return count;
	}
	debounce->level = active;
	debounce->edge_ns = time_ns;
	if (debounce->latched) {
		if (debounce->unrest_ns == DEBOUNCE_NEVER)
			debounce->unrest_ns = time_ns;
	} else if (active && !debounce->clean) {
		change[count++] = press(debounce, time_ns);
	}
	return count;
}

int64_t debounce_certain(const struct debounce *debounce, int64_t now_ns)
{
	if (!debounce->latched && debounce->known &&
	    debounce->level != debounce->clean && debounce->edge_ns < now_ns)
		return debounce->edge_ns;
	return now_ns;
}
