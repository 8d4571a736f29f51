/*
 * log: what happened, in words, on standard error.
 *
 * One line per call. Under systemd (JOURNAL_STREAM set) each line carries the
 * journal's "<N>" priority. Never called from the real-time thread. A message
 * repeated by the same call site more than ten times in ten seconds is
 * suppressed and counted, so that no fault can flood the log. Any other
 * thread; never fails.
 */
#ifndef TAKEBOX_LOG_H
#define TAKEBOX_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* ident: the program's name, a string that outlives the program's use of it;
 * only lines at level or above it (towards error) are written. */
void log_init(const char *ident, enum log_level level);

void log_write(enum log_level level, const char *file, int line,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_error(...)                                                         \
	log_write(LOG_LEVEL_ERROR, __FILE__, __LINE__, __VA_ARGS__)
#define log_warning(...)                                                       \
	log_write(LOG_LEVEL_WARNING, __FILE__, __LINE__, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define log_debug(...)                                                         \
	log_write(LOG_LEVEL_DEBUG, __FILE__, __LINE__, __VA_ARGS__)

#endif
