/*
 * fill and delete: what a mirror's copy of a take gets its name for, and that
 * names are on the medium when they are said to be. (What replaces what is
 * test_extent's, and the end-to-end tests'.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/file.h>

#include "fill_case.h"
#include "take/delete.h"

/* --- renames, watched --- */

int __real_renameat(int from_dir, const char *old, int to_dir,
		    const char *name);
int __wrap_renameat(int from_dir, const char *old, int to_dir,
		    const char *name);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static ino_t renamed; /* and not synced yet */
static unsigned renames, too_early;
static _Atomic unsigned written;   /* files are synced side by side */
static void (*after_a_file)(void); /* is copied */
static void (*before_name)(void);  /* before a copy gets its name */

static ino_t inode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 ? stat.st_ino : 0;
}

/* On FAT32 the new name knows where the thing begins only when that has been
 * synced itself; so a folder that is synced before has lost it. */
int __wrap_renameat(int from_dir, const char *old, int to_dir, const char *name)
{
	struct stat stat;
	int result;

	if (before_name && strncmp(old, ".fill-", 6) == 0)
		before_name();
	result = __real_renameat(from_dir, old, to_dir, name);
	too_early += renamed != 0;
	if (result == 0 && fstatat(to_dir, name, &stat, 0) == 0) {
		renamed = stat.st_ino;
		renames++;
	}
	return result;
}

int __wrap_fdatasync(int fd)
{
	written++;
	if (after_a_file)
		after_a_file();
	return __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
	if (inode_of(fd) == renamed)
		renamed = 0;
	too_early += renamed != 0;
	return __real_fsync(fd);
}

static uint64_t max_file_bytes; /* on the mirror */

int __real_storage_measure(int dir, struct storage_space *space);
int __wrap_storage_measure(int dir, struct storage_space *space);

int __wrap_storage_measure(int dir, struct storage_space *space)
{
	int error = __real_storage_measure(dir, space);

	space->max_file_bytes = max_file_bytes;
	return error;
}

/* --- media --- */

static bool is_there(const char *medium, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/Takebox/Session/%s", medium, name);
	return access(path, F_OK) == 0;
}

/* The mirror was pulled in mid-take. */
static int put_interrupted(const char *medium)
{
	int dir;
	size_t size;
	char *text;

	put_take(medium);
	dir = open_folder(medium, "Take-001");
	text = read_all(dir, LEDGER_NAME, &size);
	write_all(dir, LEDGER_NAME, text,
		  (size_t)((char *)memchr(text, '\n', size) + 1 - text));
	free(text);
	assert_int_equal(unlinkat(dir, TAKE_JSON, 0), 0);
	return dir;
}

static int set_up_media(void **state)
{
	int error = make_media(state);

	renamed = 0;
	renames = too_early = written = 0;
	max_file_bytes = 0;
	before_name = after_a_file = NULL;
	return error;
}

static void note_result(void *context, const struct fill_take *take)
{
	*(enum fill_result *)context = take->result;
}

static enum fill_result fill(void)
{
	enum fill_result result = FILL_THERE;

	fill_mirror(from, to, 0, NULL, note_result, &result);
	return result;
}

/* As that says, and not a byte of the copy changes; closes dir. */
static void expect_kept(int dir, enum fill_result result)
{
	struct kept kept;

	keep_folder(&kept, dir);
	assert_int_equal(fill(), result);
	assert_true(is_equal(&kept, dir));
	drop(&kept);
	close(dir);
}

static void expect_copied(void)
{
	char path[256];
	struct verify_result result;

	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-001", to);
	assert_int_equal(verify_take(path, ignore_file, NULL, &result), 0);
	assert_int_equal(result.verdict, VERIFY_COMPLETE);
	take_info_finish(&result.info);
}

/* --- names --- */

static void test_a_copys_name_is_on_the_medium(void **unused)
{
	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
	assert_int_equal(renames, 1);
	assert_int_equal(too_early, 0);
	assert_int_equal(renamed, 0);
	assert_int_equal(fill(), FILL_THERE);
}

/* What is there goes out of the way, the copy has its name, and a file of
 * somebody's goes on in it. */
static void test_the_names_of_what_is_replaced_are_on_the_medium(void **unused)
{
	int dir;

	(void)unused;
	dir = put_interrupted(to);
	write_all(dir, "mix.txt", "mix", 3);
	close(dir);
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
	assert_true(is_there(to, "Take-001/mix.txt"));
	assert_int_equal(renames, 3);
	assert_int_equal(too_early, 0);
	assert_int_equal(renamed, 0);
}

static void test_a_deleted_takes_name_is_on_the_medium(void **unused)
{
	struct delete_report report;
	char path[256];

	(void)unused;
	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-001", from);
	assert_int_equal(delete_take(path, &report), 0);
	assert_int_equal(report.foreign, 0);
	assert_int_equal(renames, 1);
	assert_int_equal(too_early, 0);
	assert_int_equal(renamed, 0);
}

/* --- a source that is being deleted --- */

static void test_a_take_that_is_being_deleted_is_not_copied(void **unused)
{
	int dir = open_folder(from, "Take-001");

	(void)unused;
	assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(fill(), FILL_BUSY);
	assert_false(is_there(to, "Take-001"));
	close(dir);
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
}

static int refused;

static void try_to_delete(void)
{
	struct delete_report report;
	char path[256];

	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-001", from);
	refused = delete_take(path, &report);
}

static void test_a_take_that_is_being_copied_is_not_deleted(void **unused)
{
	(void)unused;
	before_name = try_to_delete;
	assert_int_equal(fill(), FILL_COPIED);
	assert_int_equal(refused, -EBUSY);
	expect_copied();
}

/* Whoever took it: a copy of the rest is none. What is there stays. */
static void test_a_copy_that_lacks_a_file_replaces_nothing(void **unused)
{
	struct kept kept;
	int dir, source = open_folder(from, "Take-001");

	(void)unused;
	dir = put_interrupted(to);
	keep_folder(&kept, dir);
	assert_int_equal(unlinkat(source, "03-Track-3.flac", 0), 0);
	assert_int_equal(fill(), FILL_FAILED);
	assert_true(is_equal(&kept, dir));
	drop(&kept);
	close(dir);
	close(source);
}

static void take_a_file_away(void)
{
	int source = open_folder(from, "Take-001");

	unlinkat(source, "03-Track-3.flac", 0);
	close(source);
}

static void test_half_a_take_gets_no_name(void **unused)
{
	(void)unused;
	after_a_file = take_a_file_away;
	assert_int_equal(fill(), FILL_FAILED);
	assert_false(is_there(to, "Take-001"));
	assert_false(is_there(to, ".fill-Take-001"));
}

/* What there is of it is better than nothing. */
static void test_half_a_take_is_copied_where_there_is_none(void **unused)
{
	(void)unused;
	take_a_file_away();
	assert_int_equal(fill(), FILL_COPIED);
	assert_true(is_there(to, "Take-001/02-Track-2.flac"));
}

/* Nobody knows what it was recorded from any more: it is known by its sound. */
static void lose_ledger(void)
{
	int dir = open_folder(from, "Take-001");

	unlinkat(dir, LEDGER_NAME, 0);
	unlinkat(dir, LEDGER_COPY, 0);
	unlinkat(dir, TAKE_JSON, 0);
	close(dir);
	assert_int_equal(heal_folder(from, &storage_posix, NULL, NULL, NULL),
			 0);
}

static void test_a_take_whose_ledger_was_lost_is_copied(void **unused)
{
	(void)unused;
	lose_ledger();
	assert_int_equal(fill(), FILL_COPIED);
	assert_int_equal(fill(), FILL_THERE);
}

/* --- a copy that has lost something --- */

static int open_copy(void)
{
	return open_folder(to, "Take-001");
}

static void expect_mended(void)
{
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
	assert_int_equal(fill(), FILL_THERE);
}

static void test_a_copy_that_lost_a_file_is_made_again(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	write_all(dir, "mix.txt", "mix", 3);
	close(dir);
	expect_mended();
	assert_true(is_there(to, "Take-001/mix.txt"));
}

static void shorten(int dir, const char *name, off_t size)
{
	int fd = openat(dir, name, O_RDWR);

	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void test_a_copy_with_shortened_files_is_made_again(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	shorten(dir, "02-Track-2.flac", FLAC_HEAD_BYTES + 4000);
	shorten(dir, "03-Track-3.flac", 0);
	close(dir);
	expect_mended();
	assert_false(is_there(to, "Take-001/2-02-Track-2.flac"));
	assert_false(is_there(to, "Take-001/2-03-Track-3.flac"));
}

static void test_where_both_have_lost_files_both_stay(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	take_a_file_away();
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "02-Track-2.flac", 0), 0);
	expect_kept(dir, FILL_THERE);
}

static void expect_text(const char *name, const char *text)
{
	int dir = open_copy();
	size_t size;
	char *there = read_all(dir, name, &size);

	assert_int_equal(size, strlen(text));
	assert_memory_equal(there, text, size);
	free(there);
	close(dir);
}

/* A head, and no frames: any program's but Takebox's. */
static void make_edited(int dir, const char *name)
{
	size_t size;
	char *track = read_all(dir, name, &size);

	track[4] |= (char)0x80; /* the last block of metadata */
	write_all(dir, name, track, 8 + FLAC_STREAMINFO_BYTES);
	free(track);
}

static void test_a_copys_edited_file_is_not_lost(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	make_edited(dir, "02-Track-2.flac");
	expect_kept(dir, FILL_THERE);
}

/* It goes with what is lost, and nobody has it but this medium. */
static void test_what_was_made_of_a_copys_files_goes_on(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	write_all(dir, "02-Track-2.flac", "fLaC, edited", 12);
	write_all(dir, "Take-001.rpp", "<REAPER_PROJECT, mixed", 22);
	close(dir);
	expect_mended();
	expect_text("2-02-Track-2.flac", "fLaC, edited");
	expect_text("2-Take-001.rpp", "<REAPER_PROJECT, mixed");
}

static void rot(int dir, const char *name)
{
	size_t size;
	char *track = read_all(dir, name, &size);

	track[size / 2] ^= 1;
	write_all(dir, name, track, size);
	free(track);
}

/* Each writer dates its files by itself. */
static void date_otherwise(int dir, const char *name)
{
	size_t size;
	char *track = read_all(dir, name, &size);
	char *date = memmem(track, size, "TIME_REFERENCE=", 15);

	assert_non_null(date);
	date[15] = date[15] == '9' ? '8' : '9';
	write_all(dir, name, track, size);
	free(track);
}

static void test_a_copy_with_tags_of_its_own_is_made_again(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	date_otherwise(dir, "02-Track-2.flac");
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	close(dir);
	expect_mended();
}

/* Nobody knows which of two that differ is the good one. */
static void test_a_copy_is_not_made_again_from_one_that_differs(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_folder(from, "Take-001");
	rot(dir, "02-Track-2.flac");
	close(dir);
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	expect_kept(dir, FILL_OTHER);
}

/* What a file of the copy still has may be all there is of it. */
static void test_what_is_left_of_a_file_is_not_replaced_by_rot(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_folder(from, "Take-001");
	rot(dir, "02-Track-2.flac");
	close(dir);
	dir = open_copy();
	shorten(dir, "02-Track-2.flac", FLAC_HEAD_BYTES + 40000);
	expect_kept(dir, FILL_OTHER);
}

static void interrupt(void)
{
	fake_storage_empty();
	fake_tape_close(&tape);
	fake_storage_reset(FAKE_FREEZE, fake.calls * 2 / 3, FAKE_UNDONE);
	tell(&simple);
}

/* It was pulled, and healed; the other one went on. */
static int put_shorter(void)
{
	interrupt();
	put_take(to);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(resume(&simple, true).state, TAKE_DONE);
	put_take(from);
	assert_int_equal(heal_folder(to, &storage_posix, NULL, NULL, NULL), 0);
	return open_copy();
}

static void test_a_shorter_copy_that_lost_a_file_is_made_again(void **unused)
{
	int dir = put_shorter();

	(void)unused;
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	close(dir);
	expect_mended();
}

/* Same tape, same frame, and one of them had its armings late, say. */
static void test_a_shorter_copy_that_sounds_otherwise_stays(void **unused)
{
	int dir = put_shorter();

	(void)unused;
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	assert_int_equal(
		renameat(dir, "01-Track-1.flac", dir, "02-Track-2.flac"), 0);
	expect_kept(dir, FILL_OTHER);
}

/* Nobody knows what its ledger said; the sound of both is the same. */
static void test_a_copy_of_a_damaged_take_is_made_again(void **unused)
{
	int dir;

	(void)unused;
	lose_ledger();
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	close(dir);
	assert_int_equal(fill(), FILL_COPIED);
	assert_true(is_there(to, "Take-001/03-Track-3.flac"));
	assert_int_equal(fill(), FILL_THERE);
}

/* Whoever recorded it: it is not this take's. */
static void test_another_takes_file_goes_on(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "03-Track-3.flac", 0), 0);
	assert_int_equal(linkat(dir, "02-Track-2.flac", dir, "Guitar.flac", 0),
			 0);
	close(dir);
	expect_mended();
	assert_true(is_there(to, "Take-001/Guitar.flac"));
}

static void test_a_project_nobody_has_gone_on_with_is_there_once(void **unused)
{
	int dir;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	assert_true(is_there(to, "Take-001/Take-001.rpp"));
	dir = open_copy();
	assert_int_equal(unlinkat(dir, "02-Track-2.flac", 0), 0);
	close(dir);
	expect_mended();
	assert_false(is_there(to, "Take-001/2-Take-001.rpp"));
}

/* --- what was deleted --- */

static void delete_copy(void)
{
	struct delete_report report;
	char path[256];

	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-001", to);
	assert_int_equal(delete_take(path, &report), 0);
	assert_false(is_there(to, "Take-001"));
}

static void test_what_was_deleted_is_not_brought_back(void **unused)
{
	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	delete_copy();
	assert_int_equal(fill(), FILL_DELETED);
	assert_false(is_there(to, "Take-001"));
}

static void write_mark(const char *text)
{
	int session = open_folder(to, "");

	write_all(session, ".deleted-Take-001", text, strlen(text));
	close(session);
}

static void test_another_recording_of_a_deleted_name_is_copied(void **unused)
{
	(void)unused;
	write_mark("00112233445566778899aabbccddeeff 3000\n");
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
	delete_copy(); /* and now this one */
	assert_int_equal(fill(), FILL_DELETED);
}

static void expect_deleted(const char *mark)
{
	write_mark(mark);
	assert_int_equal(fill(), FILL_DELETED);
	assert_false(is_there(to, "Take-001"));
}

#define SOME_TAPE    "00112233445566778899aabbccddeeff"
#define ANOTHER_TAPE "ffeeddccbbaa99887766554433221100"

/* Each of them: of two copies the other one can be on a mirror for years. */
static void test_no_recording_that_was_deleted_is_brought_back(void **unused)
{
	int session = open_folder(to, "");
	char mark[256];
	size_t size;
	char *line;

	(void)unused;
	write_mark(SOME_TAPE " 3000\n");
	assert_int_equal(fill(), FILL_COPIED);
	delete_copy();
	line = read_all(session, ".deleted-Take-001", &size);
	line[size] = '\0';
	assert_int_equal(strncmp(line, SOME_TAPE " 3000\n", 38), 0);
	assert_true(strlen(line) > 38 + 34);
	assert_int_equal(fill(), FILL_DELETED);
	/* And once there is one behind it. */
	snprintf(mark, sizeof(mark), "%s" ANOTHER_TAPE " 1\n", line + 38);
	expect_deleted(mark);
	free(line);
	close(session);
}

static void test_one_that_is_deleted_twice_is_marked_once(void **unused)
{
	int session = open_folder(to, "");
	size_t once, twice;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	delete_copy();
	free(read_all(session, ".deleted-Take-001", &once));
	put_take(to);
	delete_copy();
	free(read_all(session, ".deleted-Take-001", &twice));
	assert_int_equal(once, twice);
	close(session);
}

static void test_what_power_left_of_a_line_is_for_any_recording(void **unused)
{
	(void)unused;
	expect_deleted(SOME_TAPE " 3000\n" ANOTHER_TAPE " 12");
	expect_deleted(SOME_TAPE " 3000\n" ANOTHER_TAPE " 12" SOME_TAPE
				 " 3000\n");
	expect_deleted("\n" SOME_TAPE " 3000\n");
	write_mark(SOME_TAPE " 3000\n" ANOTHER_TAPE " 12\n");
	assert_int_equal(fill(), FILL_COPIED);
}

/* The same tape, one frame later. */
static void test_what_is_deleted_is_known_by_tape_and_frame(void **unused)
{
	int session = open_folder(to, "");
	size_t size;
	char *mark;

	(void)unused;
	assert_int_equal(fill(), FILL_COPIED);
	delete_copy();
	mark = read_all(session, ".deleted-Take-001", &size);
	assert_true(size > 34);
	mark[size] = '\0';
	mark[size - 2] = mark[size - 2] == '1' ? '2' : '1';
	write_mark(mark);
	free(mark);
	close(session);
	assert_int_equal(fill(), FILL_COPIED);
}

/* Power failed before it was said what it had been. */
static void test_a_mark_that_says_nothing_is_for_any_recording(void **unused)
{
	(void)unused;
	write_mark("");
	assert_int_equal(fill(), FILL_DELETED);
	write_mark("00112233445566778899aabb");
	assert_int_equal(fill(), FILL_DELETED);
}

/* --- a medium that holds no large files --- */

static uint64_t largest_file(void)
{
	int dir = open_folder(from, "Take-001");
	uint64_t largest = 0;
	struct kept kept;

	keep_folder(&kept, dir);
	for (unsigned i = 0; i < kept.files; i++)
		if (kept.file[i].size > largest)
			largest = kept.file[i].size;
	drop(&kept);
	close(dir);
	return largest;
}

static void test_what_the_medium_cannot_hold_is_not_begun(void **unused)
{
	(void)unused;
	max_file_bytes = largest_file() - 1;
	assert_int_equal(fill(), FILL_LARGE);
	assert_int_equal(written, 0);
	assert_false(is_there(to, "Take-001"));
	assert_false(is_there(to, ".fill-Take-001"));
	assert_int_equal(fill_mirror(from, to, 0, NULL, NULL, NULL), 1);
	max_file_bytes++; /* something has changed */
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
}

static void test_what_it_cannot_hold_replaces_nothing(void **unused)
{
	struct kept kept;
	int dir;

	(void)unused;
	dir = put_interrupted(to);
	keep_folder(&kept, dir);
	max_file_bytes = largest_file() - 1;
	assert_int_equal(fill(), FILL_LARGE);
	assert_int_equal(written, 0);
	assert_true(is_equal(&kept, dir));
	drop(&kept);
	close(dir);
}

/* --- folders that are none --- */

/* The power failed when it was just begun there. */
static void test_a_take_that_never_began_is_replaced(void **unused)
{
	(void)unused;
	close(open_folder(to, "Take-001"));
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
}

static void test_an_empty_ledger_is_replaced(void **unused)
{
	int dir = open_folder(to, "Take-001");

	(void)unused;
	write_all(dir, LEDGER_NAME, "", 0);
	write_all(dir, "notes.txt", "notes", 5);
	close(dir);
	assert_int_equal(fill(), FILL_COPIED);
	expect_copied();
	assert_true(is_there(to, "Take-001/notes.txt"));
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, set_up_media, remove_media)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_copys_name_is_on_the_medium),
		CASE(test_the_names_of_what_is_replaced_are_on_the_medium),
		CASE(test_a_deleted_takes_name_is_on_the_medium),
		CASE(test_a_take_that_is_being_deleted_is_not_copied),
		CASE(test_a_take_that_is_being_copied_is_not_deleted),
		CASE(test_a_copy_that_lacks_a_file_replaces_nothing),
		CASE(test_half_a_take_gets_no_name),
		CASE(test_half_a_take_is_copied_where_there_is_none),
		CASE(test_a_take_whose_ledger_was_lost_is_copied),
		CASE(test_a_copy_that_lost_a_file_is_made_again),
		CASE(test_a_copy_with_shortened_files_is_made_again),
		CASE(test_where_both_have_lost_files_both_stay),
		CASE(test_a_copys_edited_file_is_not_lost),
		CASE(test_what_was_made_of_a_copys_files_goes_on),
		CASE(test_a_copy_with_tags_of_its_own_is_made_again),
		CASE(test_a_copy_is_not_made_again_from_one_that_differs),
		CASE(test_what_is_left_of_a_file_is_not_replaced_by_rot),
		CASE(test_a_shorter_copy_that_lost_a_file_is_made_again),
		CASE(test_a_shorter_copy_that_sounds_otherwise_stays),
		CASE(test_a_copy_of_a_damaged_take_is_made_again),
		CASE(test_another_takes_file_goes_on),
		CASE(test_a_project_nobody_has_gone_on_with_is_there_once),
		CASE(test_what_was_deleted_is_not_brought_back),
		CASE(test_another_recording_of_a_deleted_name_is_copied),
		CASE(test_what_is_deleted_is_known_by_tape_and_frame),
		CASE(test_no_recording_that_was_deleted_is_brought_back),
		CASE(test_one_that_is_deleted_twice_is_marked_once),
		CASE(test_what_power_left_of_a_line_is_for_any_recording),
		CASE(test_a_mark_that_says_nothing_is_for_any_recording),
		CASE(test_what_the_medium_cannot_hold_is_not_begun),
		CASE(test_what_it_cannot_hold_replaces_nothing),
		CASE(test_a_take_that_never_began_is_replaced),
		CASE(test_an_empty_ledger_is_replaced),
	};

	return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
