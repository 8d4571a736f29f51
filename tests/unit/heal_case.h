/*
 * heal_case: a folder with a take that was cut, kept, healed, and compared.
 */
#ifndef TESTS_HEAL_CASE_H
#define TESTS_HEAL_CASE_H

/* After cmocka.h and what it needs. */
#include "take/heal.h"
#include "take/verify.h"
#include "take_story.h"

/* --- folders, kept and compared --- */

#define KEPT_MAX 64

struct kept {
	struct {
		char name[128];
		char *data;
		size_t size;
	} file[KEPT_MAX];
	unsigned files;
};

static inline char *read_all(int dir, const char *name, size_t *size)
{
	int fd = openat(dir, name, O_RDONLY);
	char *data;

	assert_true(fd >= 0);
	*size = (size_t)fake_file_size(fd);
	data = malloc(*size + 1);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, *size, 0), *size);
	close(fd);
	return data;
}

static inline void keep_folder(struct kept *kept, int folder)
{
	DIR *list = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;

	assert_non_null(list);
	kept->files = 0;
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		assert_true(kept->files < KEPT_MAX);
		snprintf(kept->file[kept->files].name, 128, "%.127s",
			 entry->d_name);
		kept->file[kept->files].data = read_all(
			folder, entry->d_name, &kept->file[kept->files].size);
		kept->files++;
	}
	closedir(list);
}

static inline void write_all(int dir, const char *name, const void *data,
			     size_t size)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	close(fd);
}

static inline void overwrite(const char *name, size_t at, size_t size)
{
	int fd = openat(fake.dir, name, O_RDWR);
	char *noise = malloc(size);

	assert_true(fd >= 0);
	assert_non_null(noise);
	memset(noise, 0x5a, size);
	assert_int_equal(pwrite(fd, noise, size, (off_t)at), size);
	free(noise);
	close(fd);
}

static inline void put_back(const struct kept *kept, int folder)
{
	for (unsigned i = 0; i < kept->files; i++)
		write_all(folder, kept->file[i].name, kept->file[i].data,
			  kept->file[i].size);
}

static inline bool is_equal(const struct kept *kept, int folder)
{
	struct kept now;
	bool equal;

	keep_folder(&now, folder);
	equal = now.files == kept->files;
	for (unsigned i = 0; i < now.files; i++) {
		bool found = false;

		for (unsigned k = 0; k < kept->files; k++)
			found |= strcmp(now.file[i].name, kept->file[k].name) ==
					 0 &&
				 now.file[i].size == kept->file[k].size &&
				 memcmp(now.file[i].data, kept->file[k].data,
					now.file[i].size) == 0;
		equal = equal && found;
		free(now.file[i].data);
	}
	return equal;
}

static inline void drop(struct kept *kept)
{
	for (unsigned i = 0; i < kept->files; i++)
		free(kept->file[i].data);
	kept->files = 0;
}

/* All that is in the folder counts as synced. */
static inline void settle(void)
{
	struct kept now;

	while (fake.files)
		fake_forget(&fake.file[0]);
	keep_folder(&now, fake.dir);
	for (unsigned i = 0; i < now.files; i++) {
		struct fake_file *file = fake_find(now.file[i].name);
		int fd = openat(fake.dir, now.file[i].name, O_RDONLY);

		file->named = true;
		fake_keep(file, fd);
		close(fd);
	}
	drop(&now);
}

/* --- healing --- */

static inline struct heal_report heal_it(void)
{
	struct heal_report report = {.folder = fake.path};

	heal_take(openat(fake.dir, ".", O_RDONLY | O_DIRECTORY), &fake_storage,
		  &report);
	return report;
}

static inline void expect_healed(const char *verdict)
{
	struct heal_report report;

	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	report = heal_it();
	if (report.error < 0)
		fail_msg("%s: not healed: %s", check_context,
			 strerror(-report.error));
	assert_string_equal(report.verdict, verdict);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_WHOLE);
}

/* Healed again, it does not change by a byte, nor does anybody try. */
static inline void expect_idempotent(void)
{
	struct kept kept;
	struct heal_report report;

	keep_folder(&kept, fake.dir);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(
		heal_folder(fake.path, &fake_storage, NULL, NULL, NULL), 0);
	assert_int_equal(fake.calls, 0);
	assert_true(is_equal(&kept, fake.dir));
	/* Not even if it is told to. */
	report = heal_it();
	assert_int_equal(report.error, 0);
	drop(&kept);
}

/* --- verified --- */

static inline void ignore_file(void *context, const struct take_track *track,
			       const char *file, const struct flac_check *check,
			       const char *problem)
{
	(void)context;
	(void)track;
	(void)file;
	(void)check;
	(void)problem;
}

static inline void expect_verdict(enum verify_verdict wanted)
{
	struct verify_result result;

	assert_int_equal(verify_take(fake.path, ignore_file, NULL, &result), 0);
	assert_int_equal(result.verdict, wanted);
	take_info_finish(&result.info);
}

/* --- cut --- */

static const struct story long_one = {.blocks = 14};

static inline uint64_t cut_at(const struct story *story, unsigned at,
			      enum fake_how how, enum fake_cut cut,
			      uint32_t *seed)
{
	uint64_t safe;

	fake.keep = true;
	fake.cut = cut;
	fake_storage_reset(FAKE_FREEZE, at, how);
	safe = tell(story).durable;
	fake_storage_cut_power(seed);
	return safe;
}

/* Cut when half of it is safe. */
static inline uint64_t cut_in_the_middle(const struct story *story)
{
	unsigned calls = count_calls(story);
	uint32_t seed = 1;
	uint64_t safe = cut_at(story, calls / 2, FAKE_DONE, FAKE_KEPT, &seed);

	snprintf(check_context, sizeof(check_context), "cut in the middle");
	assert_true(safe > 0);
	return safe;
}

/* A heal of what is there, cut off at each call in turn, and done again. */
static inline void cut_heal_at_each_call(void (*check)(void))
{
	struct kept before;
	unsigned calls;

	keep_folder(&before, fake.dir);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	heal_it();
	calls = fake.calls;
	assert_true(calls > 0);
	for (unsigned at = 1; at <= calls; at += stride()) {
		fake_storage_empty();
		put_back(&before, fake.dir);
		settle();
		fake_storage_reset(FAKE_FREEZE, at,
				   at % 2 ? FAKE_DONE : FAKE_HALF);
		heal_it();
		fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
		snprintf(check_context, sizeof(check_context), "cut at %u", at);
		if (heal_look(fake.dir, "Take-001") == HEAL_OPEN)
			assert_int_equal(heal_it().error, 0);
		check();
	}
	drop(&before);
}

#endif
