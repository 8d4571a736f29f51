/*
 * A line is made in memory and leaves in one write, so that lines of several
 * threads and processes on one terminal do not mix. Whatever came in from
 * outside (a track name in a request, say) may be part of a message, therefore
 * control characters never reach the terminal or start a line of their own.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_limit.h"

#define TEXT_MAX 1024

static struct {
	pthread_mutex_t lock;
	const char *ident;
	enum log_level level;
	bool journal;
	struct log_limit limit;
} logger = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.ident = "takebox",
	.level = LOG_LEVEL_INFO,
};

/* systemd sets JOURNAL_STREAM to device:inode of the stream it opened; one
 * that was redirected since is no journal (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *ident, enum log_level level)
{
	pthread_mutex_lock(&logger.lock);
	logger.ident = ident;
	logger.level = level;
	logger.journal = stderr_is_journal();
	memset(&logger.limit, 0, sizeof(logger.limit));
	pthread_mutex_unlock(&logger.lock);
}

/* Cuts text to at most max bytes, not inside a UTF-8 sequence. */
static void cut_utf8(char *text, size_t max)
{
	if (strlen(text) <= max)
		return;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	text[max] = '\0';
}

static void blank_controls(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			*text = ' ';
	}
}

static int make_prefix(char *out, size_t size, enum log_level level)
{
	static const char *const word[] = {"error: ", "warning: ", "",
					   "debug: "};
	static const int priority[] = {3, 4, 6, 7}; /* syslog(3) */

	if (logger.journal)
		return snprintf(out, size, "<%d>", priority[level]);
	return snprintf(out, size, "%.64s: %s", logger.ident, word[level]);
}

/* Standard error that is gone or full is nobody's problem but its own. */
static void put_line(enum log_level level, const char *text)
{
	char line[TEXT_MAX + 128];
	int length = make_prefix(line, sizeof(line), level);
	const char *at = line;
	size_t left;

	length += snprintf(line + length, sizeof(line) - (size_t)length, "%s\n",
			   text);
	left = (size_t)length;
	while (left > 0) {
		ssize_t n = write(STDERR_FILENO, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
		left -= (size_t)n;
	}
}

static void put_suppressed(int64_t now_ns)
{
	struct log_site site;
	char text[LOG_LIMIT_TEXT_MAX + 64];

	while (log_limit_collect(&logger.limit, now_ns, &site)) {
		cut_utf8(site.text, LOG_LIMIT_TEXT_MAX - 4);
		snprintf(text, sizeof(text), "%u more times: %s",
			 site.suppressed, site.text);
		put_line((enum log_level)site.level, text);
	}
}

void log_write(enum log_level level, const char *file, int line,
	       const char *format, ...)
{
	int saved_errno = errno;
	char text[TEXT_MAX + 1];
	int64_t now_ns = clock_now_ns();
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0)
		snprintf(text, sizeof(text), "%s", format);
	if (length > TEXT_MAX) {
		cut_utf8(text, TEXT_MAX - 4);
		strcat(text, "...");
	}
	blank_controls(text);

	pthread_mutex_lock(&logger.lock);
	if (level <= logger.level) {
		put_suppressed(now_ns);
		if (log_limit_pass(&logger.limit, file, line, (int)level, text,
				   now_ns))
			put_line(level, text);
	}
	pthread_mutex_unlock(&logger.lock);
	errno = saved_errno;
}
