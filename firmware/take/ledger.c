/* The append-only record of a take. */
#include "take/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/flac_format.h"

#include "base/json_text.h"

#define CRC_DIGITS 8
#define LEDGER_MAX (256u << 20)
#define ENTRY_MAX  (16u << 20) /* without its newline */
#define READ_TRIES 3
#define PAGE	   4096u

int ledger_create(struct ledger *ledger, const struct storage *storage, int dir)
{
	*ledger = (struct ledger){.storage = storage, .file = -1};
	ledger->file = storage->open(dir, LEDGER_NAME, 1);
	return ledger->file < 0 ? ledger->file : 0;
}

/* A torn tail, or what an append that failed may have left behind, would, with
 * a shorter entry written over it, be in the way of the entry after that. */
static int cut_off(struct ledger *ledger, uint64_t size)
{
	int error = ledger->torn ? ledger->storage->truncate(ledger->file, size)
				 : 0;

	if (error == 0)
		ledger->torn = false;
	return error;
}

int ledger_append(struct ledger *ledger, json_t *entry)
{
	char *text, *line;
	size_t length;
	int error;

	if (json_object_set_new(entry, "n",
				json_integer((json_int_t)ledger->next)) < 0)
		return -ENOMEM;
	text = json_text(entry, JSON_COMPACT | JSON_SORT_KEYS);
	length = text ? strlen(text) + CRC_DIGITS + 2 : 0;
	line = text && length <= ENTRY_MAX ? malloc(length + 1) : NULL;
	if (!line) {
		free(text);
		return length > ENTRY_MAX ? -EMSGSIZE : -ENOMEM;
	}
	snprintf(line, length + 1, "%08x %s\n",
		 crc32_update(0, text, strlen(text)), text);
	/* What is behind it tells something until the entry does. */
	error = ledger->storage->write(ledger->file, line, length,
				       ledger->size);
	if (error == 0)
		error = cut_off(ledger, ledger->size + length);
	else
		ledger->torn = true;
	free(line);
	free(text);
	if (error < 0)
		return error;
	ledger->size += length;
	ledger->next++;
	ledger->dirty = true;
	return 0;
}

int ledger_sync(struct ledger *ledger)
{
	int error;

	if (!ledger->dirty)
		return 0;
	error = ledger->storage->sync(ledger->file);
	if (error == 0)
		ledger->dirty = false;
	return error;
}

int ledger_cut(struct ledger *ledger)
{
	return cut_off(ledger, ledger->size);
}

void ledger_close(struct ledger *ledger)
{
	if (ledger->file >= 0)
		close(ledger->file);
	ledger->file = -1;
}

/* One line without its newline. *entry: NULL if it is none. What is not read
 * for want of memory is no torn end: it would be cut off. */
static int parse_line(const char *line, size_t length, json_t **entry)
{
	char digits[CRC_DIGITS + 1];

	*entry = NULL;
	if (length <= CRC_DIGITS + 1 || length > ENTRY_MAX ||
	    line[CRC_DIGITS] != ' ')
		return 0;
	snprintf(digits, sizeof(digits), "%08x",
		 crc32_update(0, line + CRC_DIGITS + 1,
			      length - CRC_DIGITS - 1));
	if (memcmp(digits, line, CRC_DIGITS) != 0)
		return 0;
	*entry =
		json_read(line + CRC_DIGITS + 1, length - CRC_DIGITS - 1, NULL);
	return !*entry && errno == ENOMEM ? -ENOMEM : 0;
}

static bool is_number(const json_t *value, json_int_t number)
{
	return json_is_integer(value) && json_integer_value(value) == number;
}

int64_t ledger_parse(const char *text, size_t size, ledger_fn fn, void *context)
{
	size_t done = 0;
	json_int_t number = 0;

	while (done < size) {
		const char *line = text + done;
		const char *end = memchr(line, '\n', size - done);
		json_t *entry = NULL;
		int result =
			end ? parse_line(line, (size_t)(end - line), &entry)
			    : 0;
		bool right = is_number(json_object_get(entry, "n"), number);

		if (right && fn)
			result = fn(context, entry);

		json_decref(entry);
		if (result < 0)
			return result;
		if (!right)
			break;
		number++;
		done += (size_t)(end - line) + 1;
	}
	return (int64_t)done;
}

struct contents {
	char *text;
	size_t size; /* of the file */
	size_t got;  /* bytes up to where it cannot be read */
	size_t end;  /* bytes of text: what cannot be read is zeros there */
	bool has_copy, is_copy;
};

/* Over what cannot be read: a sector is little, the end of a chain of clusters
 * much, and a step that grows is soon over either. */
static void pass_over(struct contents *contents, size_t *at, size_t *step)
{
	size_t to = (*at / PAGE + 1) * PAGE + *step;

	if (to > contents->size)
		to = contents->size;
	if (contents->got > *at)
		contents->got = *at;
	memset(contents->text + *at, 0, to - *at);
	*at = to;
	*step = *step ? 2 * *step : PAGE;
}

/* A power cut can leave a length on FAT and exFAT that more clusters belong to
 * than there are (EIO): a torn end. Whatever else goes wrong says nothing of
 * the ledger, nor does a medium that is gone: that can neither be read at its
 * beginning nor be truncated. */
static int read_all(int fd, struct contents *contents)
{
	size_t at = 0, step = 0;
	unsigned tries = 0;

	contents->got = contents->size;
	while (at < contents->size) {
		ssize_t part = pread(fd, contents->text + at,
				     contents->size - at, (off_t)at);

		if (part == 0)
			break;
		if (part > 0) {
			at += (size_t)part;
			tries = 0;
		} else if (errno != EINTR) {
			if (errno != EIO)
				return -errno;
			if (++tries < READ_TRIES)
				continue;
			if (at == 0)
				return -EIO;
			pass_over(contents, &at, &step);
			tries = 0;
		}
	}
	contents->end = at;
	if (contents->got > at)
		contents->got = at;
	return 0;
}

/* What is no file is not waited for, and is empty. */
static int open_to_read(int dir, const char *name)
{
	return openat(dir, name,
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* text is the caller's to free, unless there is an error. */
static int load_file(int dir, const char *name, struct contents *contents)
{
	int fd = open_to_read(dir, name), error = -ENOMEM;
	struct stat stat;

	*contents = (struct contents){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) < 0) {
		error = -errno;
	} else if (stat.st_size > (off_t)LEDGER_MAX) {
		error = -EFBIG;
	} else {
		contents->size = (size_t)stat.st_size;
		contents->text = malloc(contents->size + 1);
		if (contents->text)
			error = read_all(fd, contents);
	}
	close(fd);
	if (error < 0)
		free(contents->text);
	return error;
}

static int64_t whole_bytes(const struct contents *contents)
{
	return ledger_parse(contents->text, contents->got, NULL, NULL);
}

/* Is the copy the one to be read? If it has more entries: of the two it is the
 * whole one while the other one is being made anew from it, and before that it
 * is no longer. Negative errno: nobody knows. */
static int is_better(const struct contents *copy, int error,
		     const struct contents *ledger)
{
	int64_t theirs, ours;

	if (error < 0)
		return error == -ENOENT || error == -EIO ? 1 : error;
	ours = whole_bytes(copy);
	theirs = whole_bytes(ledger);
	if (ours < 0 || theirs < 0)
		return (int)(ours < 0 ? ours : theirs);
	return ours > theirs;
}

/* Of a copy that cannot be read it is only known if that is its own fault. */
static int compare_copy(int dir, struct contents *contents, int error)
{
	struct contents copy;
	int better = load_file(dir, LEDGER_COPY, &copy);

	if (better == -ENOENT || better == -EIO || better == -ELOOP)
		return error;
	if (better == 0) {
		better = is_better(&copy, error, contents);
		if (better <= 0)
			free(copy.text);
	}
	if (better != 0 && error == 0)
		free(contents->text);
	if (better < 0)
		return better;
	if (better > 0)
		*contents = copy;
	contents->is_copy = better > 0;
	contents->has_copy = true;
	return 0;
}

static int load(int dir, struct contents *contents)
{
	return compare_copy(dir, contents,
			    load_file(dir, LEDGER_NAME, contents));
}

int ledger_read(int dir, ledger_fn fn, void *context, uint64_t *torn)
{
	struct contents contents;
	int64_t used;
	int error = load(dir, &contents);

	if (error < 0)
		return error;
	used = ledger_parse(contents.text, contents.got, fn, context);
	free(contents.text);
	if (used < 0)
		return (int)used;
	if (torn)
		*torn = contents.size - (uint64_t)used;
	return 0;
}

int ledger_read_behind(int dir, ledger_fn fn, void *context)
{
	struct contents contents;
	int64_t used;
	int error = load(dir, &contents);

	if (error < 0)
		return error;
	used = whole_bytes(&contents);
	while (used >= 0 && error == 0 && (size_t)used < contents.end) {
		const char *line = contents.text + used;
		const char *end =
			memchr(line, '\n', contents.end - (size_t)used);
		json_t *entry = NULL;

		if (!end)
			break;
		error = parse_line(line, (size_t)(end - line), &entry);
		if (error == 0 && json_is_object(entry))
			error = fn(context, entry);
		json_decref(entry);
		used += end - line + 1;
	}
	free(contents.text);
	return used < 0 ? (int)used : error;
}

static void forget(const struct storage *storage, int dir, const char *name)
{
	int file = open_to_read(dir, name);

	if (file < 0)
		return;
	storage->forget(file, 0);
	close(file);
}

void ledger_forget(const struct storage *storage, int dir)
{
	forget(storage, dir, LEDGER_NAME);
	forget(storage, dir, LEDGER_COPY);
}

struct counting {
	ledger_fn fn;
	void *context;
	uint64_t count;
};

static int count_entry(void *context, const json_t *entry)
{
	struct counting *counting = context;

	counting->count++;
	return counting->fn ? counting->fn(counting->context, entry) : 0;
}

static int write_anew(const struct storage *storage, int dir, const char *name,
		      const char *text, size_t size)
{
	int error = storage->remove(dir, name), file;

	if (error < 0 && error != -ENOENT)
		return error;
	file = storage->open(dir, name, 1);
	if (file < 0)
		return file;
	error = storage->write(file, text, size, 0);
	if (error == 0)
		error = storage->sync(file);
	close(file);
	if (error == 0)
		error = storage->sync_dir(dir);
	if (error < 0)
		storage->remove(dir, name);
	return error;
}

/* exFAT that lost power while the file got another cluster can have the length
 * and not the chain. Nothing goes behind its first cluster then, nor is it cut
 * off. Not by rename: on FAT that is no one step. One of the two is whole at
 * any time. */
static int renew(const struct storage *storage, int dir,
		 const struct contents *contents, size_t size)
{
	int error = 0;

	if (contents->is_copy || contents->got < contents->size) {
		if (!contents->is_copy)
			error = write_anew(storage, dir, LEDGER_COPY,
					   contents->text, size);
		if (error == 0)
			error = write_anew(storage, dir, LEDGER_NAME,
					   contents->text, size);
	} else if (!contents->has_copy) {
		return 0;
	}
	return error < 0 ? error : storage->remove(dir, LEDGER_COPY);
}

int ledger_resume(struct ledger *ledger, const struct storage *storage, int dir,
		  ledger_fn fn, void *context)
{
	struct counting counting = {.fn = fn, .context = context};
	struct contents contents;
	int64_t used;
	int error = load(dir, &contents);
	bool torn;

	*ledger = (struct ledger){.storage = storage, .file = -1};
	if (error < 0)
		return error;
	used = ledger_parse(contents.text, contents.got, count_entry,
			    &counting);
	torn = used >= 0 && (size_t)used < contents.size && !contents.is_copy &&
	       contents.got == contents.size;
	if (used >= 0)
		error = renew(storage, dir, &contents, (size_t)used);
	free(contents.text);
	if (used < 0 || error < 0)
		return used < 0 ? (int)used : error;
	ledger->file = storage->open(dir, LEDGER_NAME, 0);
	if (ledger->file < 0)
		return ledger->file;
	ledger->size = (uint64_t)used;
	ledger->next = counting.count;
	ledger->torn = torn;
	return 0;
}
