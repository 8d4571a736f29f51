/*
 * Names that must not exist yet: folders of takes and sessions. The number is
 * claimed first (".last-003", O_EXCL), because two recorders that give their
 * takes different names would not collide at mkdir; then the folder is read
 * again, in case the other was already one number further and had cleared its
 * claim away; then the folder is made.
 */
#include "take/names.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/folder.h"

#define ATTEMPTS      1000
#define NUMBER_DIGITS 6 /* longer ones are dates or serial numbers */
#define CLAIM	      ".last-"

struct series {
	const char *prefix;
	int digits;
};

static const struct series takes = {"Take-", 3};
static const struct series sessions = {"Session-", 4};

/* The number that follows prefix, 0 if name is something else. */
static unsigned read_number(const char *name, const char *prefix)
{
	size_t length = strlen(prefix), digits;

	if (strncasecmp(name, prefix, length) != 0)
		return 0;
	name += length;
	digits = strspn(name, "0123456789");
	if (digits == 0 || digits > NUMBER_DIGITS)
		return 0;
	return (unsigned)strtoul(name, NULL, 10);
}

unsigned names_take_number(const char *folder)
{
	return read_number(folder, takes.prefix);
}

static void claim_name(char out[NAMES_FOLDER_MAX], const struct series *series,
		       unsigned number)
{
	snprintf(out, NAMES_FOLDER_MAX, CLAIM "%0*u", series->digits, number);
}

/* The highest number in the folder, the claim on `own` left out; 0 if there is
 * none, negative errno if it cannot be read. */
static int find_highest(int folder_fd, const struct series *series,
			unsigned own)
{
	DIR *dir = folder_list(folder_fd);
	const struct dirent *entry;
	unsigned highest = 0;
	int error;

	if (!dir)
		return -errno;
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		unsigned number = read_number(entry->d_name, series->prefix);
		unsigned claimed = read_number(entry->d_name, CLAIM);

		if (number > highest)
			highest = number;
		if (claimed > highest && claimed != own)
			highest = claimed;
	}
	error = errno;
	closedir(dir);
	return error ? -error : (int)highest;
}

static int claim(int folder_fd, const struct series *series, unsigned number)
{
	char name[NAMES_FOLDER_MAX];
	int fd;

	claim_name(name, series, number);
	fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0666);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void drop_claim(int folder_fd, const struct series *series,
		       unsigned number)
{
	char name[NAMES_FOLDER_MAX];

	claim_name(name, series, number);
	unlinkat(folder_fd, name, 0);
}

/* The claims below number: it says all that they said. */
static void drop_older_claims(int folder_fd, unsigned number)
{
	DIR *dir = folder_list(folder_fd);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		unsigned older = read_number(entry->d_name, CLAIM);

		if (older > 0 && older < number)
			unlinkat(folder_fd, entry->d_name, 0);
	}
	closedir(dir);
}

/* Makes PREFIX + number + suffix with that very number. -EEXIST: taken. */
static int create_with(int folder_fd, const struct series *series,
		       unsigned number, const char *suffix,
		       char name[NAMES_FOLDER_MAX])
{
	int highest, result;

	/* A claim that fails for another reason than that it exists is done
	 * without: if the medium cannot be written, mkdir says so as well. */
	if (claim(folder_fd, series, number) == -EEXIST)
		return -EEXIST;
	highest = find_highest(folder_fd, series, number);
	result = highest >= (int)number ? -EEXIST : 0;
	if (result == 0) {
		snprintf(name, NAMES_FOLDER_MAX, "%s%0*u%s", series->prefix,
			 series->digits, number, suffix);
		if (mkdirat(folder_fd, name, 0777) < 0)
			result = -errno;
	}
	if (result < 0)
		drop_claim(folder_fd, series, number);
	else
		drop_older_claims(folder_fd, number);
	return result;
}

static int create_next(int folder_fd, const struct series *series,
		       unsigned least, const char *suffix, char *out,
		       size_t size)
{
	char name[NAMES_FOLDER_MAX] = "";
	int highest = find_highest(folder_fd, series, 0);
	int result = -EEXIST;

	if (highest < 0)
		return highest;
	if (least > (unsigned)highest + 1)
		highest = (int)least - 1;
	for (unsigned i = 1; i <= ATTEMPTS && result == -EEXIST; i++)
		result = create_with(folder_fd, series, (unsigned)highest + i,
				     suffix, name);
	if (result == 0)
		snprintf(out, size, "%s", name);
	return result;
}

int names_keep_number(int session_fd, unsigned number)
{
	int error = claim(session_fd, &takes, number);

	return error == -EEXIST ? 0 : error;
}

int names_highest_take(int session_fd)
{
	return find_highest(session_fd, &takes, 0);
}

int names_create_take(int session_fd, const char *given, unsigned least,
		      char *out, size_t size)
{
	char suffix[NAMES_SAFE_MAX + 2] = "-";

	if (size < NAMES_FOLDER_MAX)
		return -ENOSPC;
	if (given && *given)
		names_safe(suffix + 1, sizeof(suffix) - 1, given);
	else
		suffix[0] = '\0';
	return create_next(session_fd, &takes, least, suffix, out, size);
}

/* The entry that FAT would hold for the same name as `name`, as it is spelt
 * on the medium; name itself if there is none. */
static int find_spelling(int folder_fd, const char *name,
			 char out[NAMES_FOLDER_MAX])
{
	DIR *dir = folder_list(folder_fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	snprintf(out, NAMES_FOLDER_MAX, "%s", name);
	while ((entry = readdir(dir)) != NULL) {
		if (strcasecmp(entry->d_name, name) != 0)
			continue;
		snprintf(out, NAMES_FOLDER_MAX, "%.63s", entry->d_name);
		if (strcmp(entry->d_name, name) == 0)
			break;
	}
	closedir(dir);
	return 0;
}

static int create_or_go_on(int folder_fd, const char *name, char *out,
			   size_t size)
{
	char spelling[NAMES_FOLDER_MAX];
	struct stat st;
	int result = find_spelling(folder_fd, name, spelling);

	if (result < 0)
		return result;
	if (mkdirat(folder_fd, spelling, 0777) < 0) {
		if (errno != EEXIST)
			return -errno;
		if (fstatat(folder_fd, spelling, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (!S_ISDIR(st.st_mode))
			return -ENOTDIR;
	}
	snprintf(out, size, "%s", spelling);
	return 0;
}

int names_create_session_at(int takebox_fd, const char *given,
			    const struct names_clock *clock, char *out,
			    size_t size)
{
	char name[NAMES_FOLDER_MAX];
	struct tm date;

	if (size < NAMES_FOLDER_MAX)
		return -ENOSPC;
	if (given && *given) {
		names_safe(name, sizeof(name), given);
		return create_or_go_on(takebox_fd, name, out, size);
	}
	if (clock->set && localtime_r(&clock->now, &date) &&
	    strftime(name, sizeof(name), "%Y-%m-%d", &date) > 0)
		return create_or_go_on(takebox_fd, name, out, size);
	return create_next(takebox_fd, &sessions, 0, "", out, size);
}

static bool came_from_rtc(void)
{
	int fd = open("/sys/class/rtc/rtc0/hctosys", O_RDONLY | O_CLOEXEC);
	char answer = '0';

	if (fd < 0)
		return false;
	if (read(fd, &answer, 1) != 1)
		answer = '0';
	close(fd);
	return answer == '1';
}

static bool is_synchronised(void)
{
	struct timex state = {.modes = 0};

	return adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
}

struct names_clock names_read_clock(void)
{
	struct names_clock clock = {.now = time(NULL)};

	clock.set = clock.now >= NAMES_CLOCK_MIN_S &&
		    (is_synchronised() || came_from_rtc());
	return clock;
}

int names_create_session(int takebox_fd, const char *given, char *out,
			 size_t size)
{
	struct names_clock clock = names_read_clock();

	return names_create_session_at(takebox_fd, given, &clock, out, size);
}
