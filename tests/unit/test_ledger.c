/*
 * ledger: what was appended is read back, and a torn, damaged or foreign tail
 * costs that tail and nothing before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_storage.h"
#include "take/ledger.h"

#define ENTRIES 20

static struct ledger ledger;
static size_t readable = SIZE_MAX; /* bytes of the file that is read next */
static size_t back = SIZE_MAX;	   /* and from there on it can be, too */
static int reason = EIO;	   /* why not */

ssize_t __real_pread64(int fd, void *to, size_t size, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t at);

ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t at)
{
	size_t left = readable - (size_t)at;

	if ((size_t)at >= back)
		return __real_pread64(fd, to, size, at);
	if ((size_t)at >= readable) {
		errno = reason;
		return -1;
	}
	return __real_pread64(fd, to, size < left ? size : left, at);
}

static int set_up(void **unused)
{
	(void)unused;
	readable = back = SIZE_MAX;
	reason = EIO;
	fake_storage_open();
	ledger = (struct ledger){.file = -1};
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	ledger_close(&ledger);
	fake_storage_close();
	return 0;
}

/* --- helpers --- */

static int append(const char *type, int value)
{
	json_t *entry = json_pack("{ss si}", "type", type, "value", value);
	int error = ledger_append(&ledger, entry);

	json_decref(entry);
	return error;
}

static void write_entries(void)
{
	assert_int_equal(ledger_create(&ledger, &fake_storage, fake.dir), 0);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(append("x\n\"\xc3\xa9", i), 0);
	assert_int_equal(ledger_sync(&ledger), 0);
}

static char *read_text(size_t *size)
{
	int file = openat(fake.dir, LEDGER_NAME, O_RDONLY);
	char *text;

	assert_true(file >= 0);
	*size = (size_t)fake_file_size(file);
	text = malloc(*size + 1);
	assert_non_null(text);
	assert_int_equal(pread(file, text, *size, 0), *size);
	text[*size] = '\0';
	close(file);
	return text;
}

static void write_text(const char *text, size_t size)
{
	int file =
		openat(fake.dir, LEDGER_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(file >= 0);
	assert_int_equal(pwrite(file, text, size, 0), size);
	close(file);
}

struct seen {
	unsigned count;
	int refuse; /* the entry that is refused; 0: none */
};

static int see(void *context, const json_t *entry)
{
	struct seen *seen = context;

	assert_int_equal(json_integer_value(json_object_get(entry, "value")),
			 seen->count);
	if (seen->refuse && (int)seen->count == seen->refuse)
		return -EINVAL;
	seen->count++;
	return 0;
}

static unsigned count_entries(const char *text, size_t size, int64_t *used)
{
	struct seen seen = {0};

	*used = ledger_parse(text, size, see, &seen);
	return seen.count;
}

/* --- reading back --- */

static void test_what_was_appended_is_read(void **unused)
{
	struct seen seen = {0};
	uint64_t torn = 99;

	(void)unused;
	write_entries();
	assert_int_equal(ledger_read(fake.dir, see, &seen, &torn), 0);
	assert_int_equal(seen.count, ENTRIES);
	assert_int_equal(torn, 0);
}

static void test_one_line_to_an_entry(void **unused)
{
	size_t size, lines = 0;
	char *text;

	(void)unused;
	write_entries();
	text = read_text(&size);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, ENTRIES);
	assert_int_equal(text[8], ' ');
	assert_int_equal(text[9], '{');
	free(text);
}

static void test_no_ledger(void **unused)
{
	struct seen seen = {0};

	(void)unused;
	assert_int_equal(ledger_read(fake.dir, see, &seen, NULL), -ENOENT);
	assert_int_equal(
		ledger_resume(&ledger, &fake_storage, fake.dir, see, &seen),
		-ENOENT);
	assert_int_equal(ledger.file, -1);
}

static void test_an_existing_ledger_is_not_overwritten(void **unused)
{
	(void)unused;
	write_entries();
	ledger_close(&ledger);
	assert_int_equal(ledger_create(&ledger, &fake_storage, fake.dir),
			 -EEXIST);
}

static void test_an_entry_that_is_refused_ends_the_reading(void **unused)
{
	struct seen seen = {.refuse = 7};

	(void)unused;
	write_entries();
	assert_int_equal(ledger_read(fake.dir, see, &seen, NULL), -EINVAL);
	assert_int_equal(seen.count, 7);
}

static int append_text(size_t size)
{
	char *text = malloc(size + 1);
	json_t *entry;
	int error;

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	entry = json_pack("{ss si ss}", "type", "x", "value", ENTRIES, "text",
			  text);
	error = ledger_append(&ledger, entry);
	json_decref(entry);
	free(text);
	return error;
}

/* The end of a take of 64 tracks and 470 parts is longer than a megabyte. */
static void test_what_is_written_can_be_read(void **unused)
{
	struct seen seen = {0};
	uint64_t torn;

	(void)unused;
	write_entries();
	assert_int_equal(append_text(3u << 20), 0);
	assert_int_equal(append_text(64u << 20), -EMSGSIZE);
	assert_int_equal(ledger_read(fake.dir, see, &seen, &torn), 0);
	assert_int_equal(seen.count, ENTRIES + 1);
	assert_int_equal(torn, 0);
}

/* --- tails --- */

static void test_torn_at_every_byte(void **unused)
{
	size_t size, whole = 0;
	char *text;
	unsigned entries = 0;

	(void)unused;
	write_entries();
	text = read_text(&size);
	for (size_t cut = 0; cut <= size; cut++) {
		int64_t used;

		if (cut > 0 && text[cut - 1] == '\n') {
			whole = cut;
			entries++;
		}
		assert_int_equal(count_entries(text, cut, &used), entries);
		assert_int_equal(used, whole);
	}
	assert_int_equal(entries, ENTRIES);
	free(text);
}

static void test_gone_on_with_after_every_tear(void **unused)
{
	size_t size;
	char *text;

	(void)unused;
	write_entries();
	ledger_close(&ledger);
	text = read_text(&size);
	for (size_t cut = 0; cut <= size; cut++) {
		struct seen seen = {0}, again = {0};
		uint64_t torn;

		write_text(text, cut);
		assert_int_equal(ledger_resume(&ledger, &fake_storage, fake.dir,
					       see, &seen),
				 0);
		assert_int_equal(append("more", (int)seen.count), 0);
		ledger_close(&ledger);
		assert_int_equal(ledger_read(fake.dir, see, &again, &torn), 0);
		assert_int_equal(again.count, seen.count + 1);
		assert_int_equal(torn, 0);
	}
	free(text);
}

/* As on FAT, when its length was written and its clusters were not. */
static void test_an_end_that_cannot_be_read_is_torn(void **unused)
{
	struct seen seen = {0};
	size_t size;
	uint64_t torn = 0;

	(void)unused;
	write_entries();
	free(read_text(&size));
	ledger_close(&ledger);
	readable = 0;
	assert_int_equal(ledger_read(fake.dir, see, &seen, &torn), -EIO);
	readable = size / 2;
	assert_int_equal(ledger_read(fake.dir, see, &seen, &torn), 0);
	assert_in_range(seen.count, 1, ENTRIES - 1);
	assert_true(torn >= size - size / 2);
	assert_int_equal(
		ledger_resume(&ledger, &fake_storage, fake.dir, NULL, NULL), 0);
	readable = SIZE_MAX;
	assert_int_equal(append("x", (int)seen.count), 0);
	assert_int_equal(ledger_sync(&ledger), 0);
	assert_int_equal(ledger_read(fake.dir, NULL, NULL, &torn), 0);
	assert_int_equal(torn, 0);
}

/* Of the ledger that says nothing. */
static void test_what_is_not_read_for_another_reason_is_not_torn(void **unused)
{
	size_t size;

	(void)unused;
	write_entries();
	free(read_text(&size));
	ledger_close(&ledger);
	readable = size / 2;
	reason = ENOMEM;
	assert_int_equal(ledger_read(fake.dir, NULL, NULL, NULL), -ENOMEM);
	assert_int_equal(
		ledger_resume(&ledger, &fake_storage, fake.dir, NULL, NULL),
		-ENOMEM);
	readable = SIZE_MAX;
	free(read_text(&readable));
	assert_int_equal(readable, size);
}

static int see_last(void *context, const json_t *entry)
{
	json_int_t *last = context;

	assert_true(json_integer_value(json_object_get(entry, "n")) > *last);
	*last = json_integer_value(json_object_get(entry, "n"));
	return 0;
}

static void test_entries_behind_a_bad_sector(void **unused)
{
	json_int_t last = -1, behind = -1;
	unsigned count = 0;

	(void)unused;
	write_entries();
	while (ledger.size < 5 * 4096)
		assert_int_equal(append("x", (int)count++), 0);
	readable = 4096;
	back = 3 * 4096;
	assert_int_equal(ledger_read(fake.dir, see_last, &last, NULL), 0);
	assert_true(last < ENTRIES + (int)count / 2);
	behind = last;
	assert_int_equal(ledger_read_behind(fake.dir, see_last, &behind), 0);
	assert_int_equal(behind, ENTRIES + count - 1);
	back = SIZE_MAX;
	behind = last;
	assert_int_equal(ledger_read_behind(fake.dir, see_last, &behind), 0);
	assert_int_equal(behind, last);
}

static void test_any_bit_that_is_wrong(void **unused)
{
	uint32_t seed = 4;
	size_t size;
	char *text;

	(void)unused;
	write_entries();
	text = read_text(&size);
	for (unsigned i = 0; i < 3000; i++) {
		size_t at = fake_chance(&seed, (uint32_t)size);
		char bit = (char)(1 << fake_chance(&seed, 8));
		unsigned before = 0;
		int64_t used;

		for (size_t k = 0; k < at; k++)
			before += text[k] == '\n';
		text[at] ^= bit;
		assert_int_equal(count_entries(text, size, &used), before);
		text[at] ^= bit;
	}
	free(text);
}

static void test_an_entry_missing_or_twice(void **unused)
{
	size_t size;
	char *text, *second, *third;
	int64_t used;

	(void)unused;
	write_entries();
	text = read_text(&size);
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n') + 1;
	assert_int_equal(
		count_entries(second, size - (size_t)(second - text), &used),
		0);
	memmove(second, third, size - (size_t)(third - text));
	size -= (size_t)(third - second);
	assert_int_equal(count_entries(text, size, &used), 1);
	assert_int_equal(used, second - text);
	free(text);
}

static void parse_line(const char *json, const char *format, unsigned entries)
{
	struct seen seen = {0};
	char line[256];
	int length;

	length = snprintf(line, sizeof(line), format,
			  crc32_update(0, json, strlen(json)), json);
	ledger_parse(line, (size_t)length, NULL, NULL);
	assert_int_equal(ledger_parse(line, (size_t)length, see, &seen),
			 entries ? length : 0);
	assert_int_equal(seen.count, entries);
}

static void test_lines_that_are_none(void **unused)
{
	(void)unused;
	parse_line("{\"n\":0,\"value\":0}", "%08x %s\n", 1);
	parse_line("{\"n\":0,\"value\":0}", "%08X %s\n", 0);
	parse_line("{\"n\":0,\"value\":0}", "0%08x %s\n", 0);
	parse_line("{\"n\":0,\"value\":0}", "%08x\t%s\n", 0);
	parse_line("{\"n\":0,\"value\":0}", "%08x %s \n", 0);
	parse_line("{\"n\":0,\"value\":0}", "%08x %s", 0);
	parse_line("{\"value\":0}", "%08x %s\n", 0);
	parse_line("{\"n\":\"0\",\"value\":0}", "%08x %s\n", 0);
	parse_line("{\"n\":0.0,\"value\":0}", "%08x %s\n", 0);
	parse_line("{\"n\":1,\"value\":0}", "%08x %s\n", 0);
	parse_line("{\"n\":0,\"n\":0,\"value\":0}", "%08x %s\n", 0);
	parse_line("[0]", "%08x %s\n", 0);
	parse_line("0", "%08x %s\n", 0);
	parse_line("", "%08x %s\n", 0);
	parse_line("{\"n\":0,\"value\":0", "%08x %s\n", 0);
}

static void test_garbage(void **unused)
{
	char noise[4096];
	uint32_t seed = 6;
	int64_t used;

	(void)unused;
	for (unsigned i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)fake_chance(&seed, i % 2 ? 256 : 40);
		assert_int_equal(count_entries(noise, sizeof(noise), &used), 0);
		assert_int_equal(used, 0);
	}
}

/* --- a medium that refuses --- */

static void test_an_append_that_failed_is_not_in_the_way(void **unused)
{
	struct seen seen = {0};
	json_t *longer = json_pack("{ss sI ss}", "type", "x", "value",
				   (json_int_t)ENTRIES, "text",
				   "longer than the entry that comes next");
	uint64_t torn;

	(void)unused;
	write_entries();
	fake_storage_reset(FAKE_FILL, 1, FAKE_UNDONE);
	fake.room = 50;
	assert_int_equal(ledger_append(&ledger, longer), -ENOSPC);
	json_decref(longer);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(append("x", ENTRIES), 0);
	assert_int_equal(append("x", ENTRIES + 1), 0);
	assert_int_equal(ledger_read(fake.dir, see, &seen, &torn), 0);
	assert_int_equal(seen.count, ENTRIES + 2);
	assert_int_equal(torn, 0);
}

static void test_a_sync_that_failed_is_tried_again(void **unused)
{
	(void)unused;
	write_entries();
	assert_int_equal(append("x", ENTRIES), 0);
	fake_storage_reset(FAKE_FAIL, 1, FAKE_UNDONE);
	assert_int_equal(ledger_sync(&ledger), -EIO);
	assert_int_equal(ledger_sync(&ledger), 0);
	assert_int_equal(fake.calls, 2);
	/* Nothing new: nothing to sync. */
	assert_int_equal(ledger_sync(&ledger), 0);
	assert_int_equal(fake.calls, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_what_was_appended_is_read),
		CASE(test_one_line_to_an_entry),
		CASE(test_what_is_written_can_be_read),
		CASE(test_no_ledger),
		CASE(test_an_existing_ledger_is_not_overwritten),
		CASE(test_an_entry_that_is_refused_ends_the_reading),
		CASE(test_torn_at_every_byte),
		CASE(test_gone_on_with_after_every_tear),
		CASE(test_an_end_that_cannot_be_read_is_torn),
		CASE(test_what_is_not_read_for_another_reason_is_not_torn),
		CASE(test_entries_behind_a_bad_sector),
		CASE(test_any_bit_that_is_wrong),
		CASE(test_an_entry_missing_or_twice),
		CASE(test_lines_that_are_none),
		CASE(test_garbage),
		CASE(test_an_append_that_failed_is_not_in_the_way),
		CASE(test_a_sync_that_failed_is_tried_again),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
