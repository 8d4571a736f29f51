/*
 * Any bytes as a ledger, and any lines of JSON as its entries (checksums and
 * numbers put right, which no fuzzer would guess). What is accepted must be a
 * take that can be asked, tagged and printed; what is not must end the ledger
 * and nothing else.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "take/ledger.h"
#include "take/take_info.h"
#include "take/take_tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static int count(void *context, const json_t *entry)
{
	unsigned *entries = context;

	check(json_integer_value(json_object_get(entry, "n")) ==
	      (json_int_t)*entries);
	++*entries;
	return 0;
}

static void check_whole_lines(const char *text, size_t size)
{
	unsigned entries = 0, again = 0;
	int64_t used = ledger_parse(text, size, count, &entries);

	check(used >= 0 && (size_t)used <= size);
	check(used == 0 || text[used - 1] == '\n');
	check((used == 0) == (entries == 0));
	check(ledger_parse(text, (size_t)used, count, &again) == used);
	check(entries == again);
}

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static void check_info(const struct take_info *info)
{
	static struct take_tags tags;
	json_t *root;
	char *text;

	check(info->tracks >= 1 && info->tracks <= TAKE_TRACKS_MAX);
	check(info->gap_count == json_array_size(info->gaps));
	for (unsigned i = 0; i < info->tracks; i++) {
		char name[TAKE_FILE_MAX];

		take_info_sounds(info, i, info->frames);
		take_info_silent_until(info, i);
		take_info_file(&info->track[i], take_info_parts(info), name);
		check(!strchr(name, '/') && name[0] != '.');
		take_tags_build(&tags, info, &info->track[i],
				take_info_parts(info) - 1, UINT64_MAX);
	}
	root = take_info_json(info);
	text = root ? json_dumps(root, 0) : NULL;
	check(text != NULL);
	free(text);
	json_decref(root);
}

static void check_take(const char *text, size_t size)
{
	struct take_info info;

	check(take_info_init(&info) == 0);
	if (ledger_parse(text, size, apply, &info) > 0 && info.tracks > 0)
		check_info(&info);
	take_info_finish(&info);
}

/* The line as entry number n of a ledger. */
static int write_entry(FILE *out, const char *line, size_t size, unsigned n)
{
	json_t *entry = json_loadb(line, size, 0, NULL);
	char *text;

	if (!json_is_object(entry)) {
		json_decref(entry);
		return 0;
	}
	json_object_set_new(entry, "n", json_integer(n));
	text = json_dumps(entry, JSON_COMPACT);
	check(text != NULL);
	fprintf(out, "%08x %s\n", (unsigned)crc32_update(0, text, strlen(text)),
		text);
	free(text);
	json_decref(entry);
	return 1;
}

static void check_entries(const char *data, size_t size)
{
	char *text;
	size_t written, at = 0;
	FILE *out = open_memstream(&text, &written);
	unsigned n = 0;

	check(out != NULL);
	while (at < size) {
		const char *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;

		n += (unsigned)write_entry(out, data + at, length, n);
		at += length + 1;
	}
	fclose(out);
	check_whole_lines(text, written);
	check_take(text, written);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_whole_lines((const char *)data, size);
	check_take((const char *)data, size);
	check_entries((const char *)data, size);
	return 0;
}
