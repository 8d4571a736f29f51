/*
 * What is found tells how far it came. Beside .replaced-TAKE there is
 *
 *   no TAKE, a copy that has all of it   the copy has not got its name yet
 *   no TAKE, and no such copy            somebody removed it: the take is back
 *   TAKE, which has all of it            it is the copy: the rest goes
 *   TAKE, which has not                  both stay
 *
 * Each step is on the medium before the next begins. On FAT a rename is two
 * steps itself, and one folder can have both names behind a power cut: what is
 * removed from one would be missing in the other, so nothing is, and fsck puts
 * that right.
 */
#include "take/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "take/delete.h"
#include "take/extent.h"
#include "take/heal.h"
#include "take/names.h"
#include "take/storage.h"

/* Names never begin like these. */
#define FILLING	 ".fill-"
#define REPLACED ".replaced-"

static int make_name(char name[NAME_MAX + 1], const char *prefix,
		     const char *take)
{
	int length = snprintf(name, NAME_MAX + 1, "%s%s", prefix, take);

	return length > NAME_MAX ? -ENAMETOOLONG : 0;
}

int replace_copy_name(char name[NAME_MAX + 1], const char *take)
{
	return make_name(name, FILLING, take);
}

static int open_locked(int session, const char *name)
{
	int error, dir = folder_open(session, name);

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) == 0)
		return dir;
	error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(dir);
	return error;
}

static int open_prefixed(int session, const char *prefix, const char *take)
{
	char name[NAME_MAX + 1];
	int error = make_name(name, prefix, take);

	return error < 0 ? error : open_locked(session, name);
}

static int rename_safely(int session, const char *old, const char *name)
{
	int error = storage_rename(session, old, session, name);

	if (error == 0 && fsync(session) < 0)
		error = -errno;
	return error;
}

/* ---- may it go? ---- */

static bool is_same_file(int a, int b, const char *name)
{
	struct stat one, other;

	return fstatat(a, name, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* FAT numbers files by where their entries are, so those of one folder have the
 * same numbers under both of its names. */
static bool is_one_folder(int a, int b)
{
	DIR *list = folder_list(a);
	const struct dirent *entry;
	bool one = false;

	while (list && !one && (entry = readdir(list)))
		one = strcmp(entry->d_name, ".") != 0 &&
		      strcmp(entry->d_name, "..") != 0 &&
		      is_same_file(a, b, entry->d_name);
	if (list)
		closedir(list);
	return one;
}

static bool has_all_of(const struct extent *copy, const struct extent *old)
{
	return copy->has_files && extent_is_same(copy, old) &&
	       extent_covers(copy, old);
}

/* -ENOTEMPTY: the copy has not all that old has. Of what never began, and of
 * what is gone but for files of others, any take has all. */
static int compare(int copy, int old, const char *take)
{
	struct extent has, had = {.frames = 0};
	int error;

	if (heal_look(copy, take) != HEAL_WHOLE)
		return -ENOTEMPTY;
	if (heal_look(old, take) == HEAL_EMPTY)
		return 0;
	error = extent_measure(&has, copy, take);
	if (error == 0)
		error = extent_measure(&had, old, take);
	if (error == 0 && !has_all_of(&has, &had))
		error = -ENOTEMPTY;
	extent_finish(&has);
	extent_finish(&had);
	return error;
}

/* ---- the steps ---- */

static int move_away(int session, const char *take)
{
	char away[NAME_MAX + 1];
	int error = make_name(away, REPLACED, take);

	if (error == 0)
		error = names_keep_number(session, names_take_number(take));
	if (error == 0 && fsync(session) < 0)
		error = -errno;
	return error < 0 ? error : rename_safely(session, take, away);
}

static int put_back(int session, const char *take)
{
	char away[NAME_MAX + 1];
	int error = make_name(away, REPLACED, take);

	return error < 0 ? error : rename_safely(session, away, take);
}

static int name_copy(int session, const char *take)
{
	char copy[NAME_MAX + 1];
	int error = replace_copy_name(copy, take);

	return error < 0 ? error : rename_safely(session, copy, take);
}

/* old: what is out of the way. */
static int remove_old(int session, const char *take, int old, int heir)
{
	char away[NAME_MAX + 1];
	int error = make_name(away, REPLACED, take);

	if (error == 0)
		error = delete_hand_over(old, take, heir);
	if (error == 0 && unlinkat(session, away, AT_REMOVEDIR) < 0)
		error = -errno;
	if (error == 0 && fsync(session) < 0)
		error = -errno;
	return error;
}

/* Of a replacement before this one: it goes if copy has all of it. What is of
 * others goes on in the take, where they can see it. */
static int remove_earlier(int session, const char *take, int current, int copy)
{
	int old = open_prefixed(session, REPLACED, take), error;

	if (old < 0)
		return old == -ENOENT ? 0 : old;
	error = is_one_folder(old, current) ? -EUCLEAN
					    : compare(copy, old, take);
	if (error == 0)
		error = remove_old(session, take, old, current);
	close(old);
	return error;
}

static int swap(int session, const char *take, int old, int copy)
{
	int error = compare(copy, old, take);

	if (error == 0)
		error = remove_earlier(session, take, old, copy);
	if (error == 0)
		error = move_away(session, take);
	if (error < 0)
		return error;
	error = name_copy(session, take);
	if (error < 0) {
		put_back(session, take);
		return error;
	}
	return remove_old(session, take, old, copy);
}

int replace_take(int session, const char *take)
{
	char name[NAME_MAX + 1];
	int error = replace_copy_name(name, take), old, copy;

	if (error < 0)
		return error;
	old = delete_open(session, take);
	if (old < 0)
		return old;
	copy = folder_open(session, name);
	error = copy < 0 ? copy : swap(session, take, old, copy);
	if (copy >= 0)
		close(copy);
	close(old);
	return error;
}

/* ---- what was cut off ---- */

/* There is no take of that name: the copy gets it, or the old one has it
 * again. */
static int choose(int session, const char *take, int old)
{
	int copy = open_prefixed(session, FILLING, take), error;

	if (copy < 0)
		return copy == -EBUSY ? copy : put_back(session, take);
	error = compare(copy, old, take) == 0 ? name_copy(session, take)
					      : put_back(session, take);
	close(copy);
	return error;
}

static int bring_back(int session, const char *take)
{
	int old = open_prefixed(session, REPLACED, take), error;

	if (old < 0)
		return old == -ENOENT ? 0 : old;
	error = choose(session, take, old);
	close(old);
	return error;
}

int replace_finish(int session, const char *take)
{
	int current = folder_open(session, take), error = 0;

	if (current == -ENOENT) {
		error = bring_back(session, take);
		current = folder_open(session, take);
	}
	if (error == 0 && current >= 0)
		error = remove_earlier(session, take, current, current);
	if (current >= 0)
		close(current);
	return error;
}

void replace_finish_all(int session)
{
	DIR *list = folder_list(session);
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		const char *take = entry->d_name + strlen(REPLACED);

		if (strncmp(entry->d_name, REPLACED, strlen(REPLACED)) == 0 &&
		    names_take_number(take) > 0)
			replace_finish(session, take);
	}
	if (list)
		closedir(list);
}
