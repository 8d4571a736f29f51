/*
 * Every field may be a number, a string or a list, since arguments in a
 * device's name always come as strings: all are read as text, and an empty
 * text leaves the default.
 */
#include "drivers/virtual/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct choice {
	const char *name;
	int value;
};

enum { ACCESS_INTERLEAVED = 100, ACCESS_NONINTERLEAVED, ACCESS_BOTH };

static const struct choice formats[] = {
	{"S16_LE", SND_PCM_FORMAT_S16_LE},
	{"S24_LE", SND_PCM_FORMAT_S24_LE},
	{"S24_3LE", SND_PCM_FORMAT_S24_3LE},
	{"S32_LE", SND_PCM_FORMAT_S32_LE},
	{NULL, 0},
};

static const struct choice accesses[] = {
	{"interleaved", ACCESS_INTERLEAVED},
	{"noninterleaved", ACCESS_NONINTERLEAVED},
	{"both", ACCESS_BOTH},
	{"MMAP_INTERLEAVED", SND_PCM_ACCESS_MMAP_INTERLEAVED},
	{"MMAP_NONINTERLEAVED", SND_PCM_ACCESS_MMAP_NONINTERLEAVED},
	{"RW_INTERLEAVED", SND_PCM_ACCESS_RW_INTERLEAVED},
	{"RW_NONINTERLEAVED", SND_PCM_ACCESS_RW_NONINTERLEAVED},
	{NULL, 0},
};

static const struct choice signals[] = {
	{"silence", SIGNAL_SILENCE}, {"sine", SIGNAL_SINE},
	{"noise", SIGNAL_NOISE},     {"counter", SIGNAL_COUNTER},
	{"files", SIGNAL_FILES},     {NULL, 0},
};

static const struct choice truths[] = {
	{"yes", 1},   {"true", 1}, {"on", 1}, {"1", 1},	 {"no", 0},
	{"false", 0}, {"off", 0},  {"0", 0},  {NULL, 0},
};

static const struct choice origins[] = {
	{"start", 0},
	{"clock", 1},
	{NULL, 0},
};

static int wrong(const char *id, const char *text, const char *expected)
{
	SNDERR("takebox_virtual: %s: '%s' is not %s", id, text, expected);
	return -EINVAL;
}

static int choose(const struct choice *choices, const char *id,
		  const char *text)
{
	char names[160] = "one of";
	size_t n = strlen(names);

	for (const struct choice *c = choices; c->name; c++) {
		if (strcasecmp(c->name, text) == 0)
			return c->value;
		n += (size_t)snprintf(names + n, sizeof(names) - n, " %s",
				      c->name);
	}
	return wrong(id, text, names);
}

static int number(const char *id, const char *text, double min, double max,
		  double *value)
{
	char *end, range[64];

	*value = strtod(text, &end);
	if (end != text && *end == '\0' && *value >= min && *value <= max)
		return 0;
	snprintf(range, sizeof(range), "a number from %g to %g", min, max);
	return wrong(id, text, range);
}

static int whole(const char *id, const char *text, unsigned min, unsigned max,
		 unsigned *value)
{
	double d;
	int err = number(id, text, min, max, &d);

	if (err < 0)
		return err;
	if (d != (unsigned)d)
		return wrong(id, text, "a whole number");
	*value = (unsigned)d;
	return 0;
}

/* ---- one word at a time -------------------------------------------------- */

static int add_format(struct options *o, const char *text)
{
	int format = choose(formats, "format", text);

	if (format < 0)
		return format;
	if (o->format_count == sizeof(o->formats) / sizeof(*o->formats))
		return wrong("format", text, "needed once more");
	o->formats[o->format_count++] = (unsigned)format;
	return 0;
}

static int add_access(struct options *o, const char *text)
{
	static const unsigned groups[][2] = {
		{SND_PCM_ACCESS_MMAP_INTERLEAVED,
		 SND_PCM_ACCESS_RW_INTERLEAVED},
		{SND_PCM_ACCESS_MMAP_NONINTERLEAVED,
		 SND_PCM_ACCESS_RW_NONINTERLEAVED},
	};
	int access = choose(accesses, "access", text);
	unsigned *to = o->accesses + o->access_count;

	if (access < 0)
		return access;
	if (o->access_count + (access < ACCESS_INTERLEAVED ? 1
			       : access == ACCESS_BOTH	   ? 4
							   : 2) >
	    sizeof(o->accesses) / sizeof(*o->accesses))
		return wrong("access", text, "needed once more");
	if (access < ACCESS_INTERLEAVED) {
		*to = (unsigned)access;
		o->access_count++;
		return 0;
	}
	for (unsigned g = 0; g < 2; g++) {
		if (access != ACCESS_BOTH &&
		    access != ACCESS_INTERLEAVED + (int)g)
			continue;
		memcpy(to, groups[g], sizeof(groups[g]));
		to += 2;
		o->access_count += 2;
	}
	return 0;
}

static int add_file(struct options *o, const char *text)
{
	if (o->file_count == OPTIONS_FILES)
		return wrong("files", text, "one of the first 64");
	o->files[o->file_count] = strdup(text);
	if (!o->files[o->file_count])
		return -ENOMEM;
	o->file_count++;
	o->signal = SIGNAL_FILES;
	return 0;
}

static int set_control(struct options *o, const char *text)
{
	free(o->control);
	o->control = strdup(text);
	return o->control ? 0 : -ENOMEM;
}

/* ---- fields -------------------------------------------------------------- */

static int read_scalar(struct options *o, const char *id, const char *text)
{
	int n;

#define IS(name) (strcmp(id, name) == 0)
	if (IS("channels"))
		return whole(id, text, 0, SIGNAL_CHANNELS, &o->channels);
	if (IS("rate"))
		return whole(id, text, 0, 768000, &o->rate);
	if (IS("seed"))
		return whole(id, text, 0, UINT_MAX, &o->seed);
	if (IS("msbits"))
		return whole(id, text, 16, 32, &o->msbits);
	if (IS("memory"))
		return whole(id, text, 1, 1 << 20, &o->memory);
	if (IS("period_min"))
		return whole(id, text, 1, 65536, &o->period_min);
	if (IS("buffer_max"))
		return whole(id, text, 64, 1 << 22, &o->buffer_max);
	if (IS("frequency"))
		return number(id, text, 0, 96000, &o->frequency);
	if (IS("level"))
		return number(id, text, -200, 0, &o->level);
	if (IS("ppm"))
		return number(id, text, -1e5, 1e5, &o->ppm);
	if (IS("jitter"))
		return number(id, text, 0, 1e6, &o->jitter);
	if (IS("control"))
		return set_control(o, text);
	if (IS("signal")) {
		n = choose(signals, id, text);
		o->signal = (enum signal_kind)n;
	} else if (IS("loop")) {
		n = choose(truths, id, text);
		o->loop = n > 0;
	} else if (IS("paced")) {
		n = choose(truths, id, text);
		o->paced = n > 0;
	} else if (IS("origin")) {
		n = choose(origins, id, text);
		o->clock_origin = n > 0;
	} else {
		SNDERR("takebox_virtual: unknown field %s", id);
		return -EINVAL;
	}
#undef IS
	return n < 0 ? n : 0;
}

struct list {
	const char *name, *separators;
	int (*add)(struct options *o, const char *text);
};

static const struct list lists[] = {
	{"format", " ", add_format},
	{"access", " ", add_access},
	{"files", ":", add_file},
};

static const struct list *find_list(const char *id)
{
	for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (strcmp(lists[i].name, id) == 0)
			return &lists[i];
	return NULL;
}

static int read_words(struct options *o, const struct list *list, char *text)
{
	char *save, *word = strtok_r(text, list->separators, &save);
	int err = 0;

	for (; word && err >= 0; word = strtok_r(NULL, list->separators, &save))
		err = list->add(o, word);
	return err;
}

/* Numbers come with blanks behind them. */
static void trim(char *text)
{
	size_t n = strlen(text);

	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = '\0';
}

static int read_node(struct options *o, const char *id, snd_config_t *node)
{
	const struct list *list = find_list(id);
	snd_config_iterator_t i, next;
	char *text;
	int err = 0;

	if (list && snd_config_get_type(node) == SND_CONFIG_TYPE_COMPOUND) {
		snd_config_for_each(i, next, node)
		{
			snd_config_t *item = snd_config_iterator_entry(i);
			const char *word;

			err = snd_config_get_string(item, &word);
			if (err >= 0)
				err = list->add(o, word);
			if (err < 0)
				return err;
		}
		return 0;
	}
	err = snd_config_get_ascii(node, &text);
	if (err < 0) {
		SNDERR("takebox_virtual: %s: not a value", id);
		return err;
	}
	trim(text);
	if (*text)
		err = list ? read_words(o, list, text)
			   : read_scalar(o, id, text);
	free(text);
	return err;
}

static int complete(struct options *o)
{
	int err = 0;

	for (const struct choice *c = formats; c->name && !o->format_count;) {
		for (; c->name; c++)
			o->formats[o->format_count++] = (unsigned)c->value;
	}
	if (!o->access_count)
		err = add_access(o, "both");
	if (o->signal == SIGNAL_FILES && !o->file_count)
		return wrong("signal", "files", "possible without files");
	if (o->clock_origin && !o->control)
		return wrong("origin", "clock", "possible without control");
	return err;
}

int options_read(struct options *o, snd_config_t *conf)
{
	snd_config_iterator_t i, next;
	int err;

	*o = (struct options){
		.signal = SIGNAL_SINE,
		.loop = true,
		.frequency = 100,
		.level = -12,
		.seed = 1,
		.msbits = 24,
		.paced = true,
		.memory = 1024,
		.period_min = 16,
		.buffer_max = 131072,
	};
	snd_config_for_each(i, next, conf)
	{
		snd_config_t *node = snd_config_iterator_entry(i);
		const char *id;

		if (snd_config_get_id(node, &id) < 0 ||
		    strcmp(id, "comment") == 0 || strcmp(id, "type") == 0 ||
		    strcmp(id, "hint") == 0)
			continue;
		err = read_node(o, id, node);
		if (err < 0)
			return err;
	}
	return complete(o);
}

void options_finish(struct options *o)
{
	for (unsigned i = 0; i < o->file_count; i++)
		free(o->files[i]);
	free(o->control);
	*o = (struct options){0};
}
