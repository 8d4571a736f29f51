/*
 * The thread sleeps on the FIFO and on an eventfd by which the device says
 * that it has notes, or that it is closed. Notes are written in the order in
 * which things happened, and what a line says is true by the time it can be
 * read: the interface is unplugged before the log says so.
 */
#include "drivers/virtual/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/virtual/command.h"

#define STACK	  (128 * 1024)
#define LINE	  256
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

struct control {
	struct control_link *link;
	char *path;
	int fifo, log, state, wake;
	_Atomic bool quit;
	bool running;
	pthread_t thread;
	char line[LINE];
	size_t length;

	/* the crystal that is kept in the state file */
	pthread_mutex_t mutex;
	bool keep;
	unsigned rate;
	double ppm;
};

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- files --------------------------------------------------------------- */

static void beside(const struct control *c, const char *suffix, char *path,
		   size_t size)
{
	snprintf(path, size, "%s%s", c->path, suffix);
}

static int open_beside(const struct control *c, const char *suffix, int flags)
{
	char path[4096];
	int fd;

	beside(c, suffix, path, sizeof(path));
	fd = open(path, flags | O_CLOEXEC | O_CREAT, 0600);
	return fd < 0 ? -errno : fd;
}

static void set_unplugged(const struct control *c, bool unplugged)
{
	char path[4096];
	int fd;

	if (unplugged) {
		fd = open_beside(c, ".unplugged", O_WRONLY);
		if (fd >= 0)
			close(fd);
		return;
	}
	beside(c, ".unplugged", path, sizeof(path));
	unlink(path);
}

/* CLOCK_MONOTONIC means nothing after a reboot, so the state says of which
 * boot it is. */
static void boot_id(char id[64])
{
	FILE *f = fopen(BOOT_FILE, "re");

	if (!f || fscanf(f, "%63s", id) != 1)
		strcpy(id, "-");
	if (f)
		fclose(f);
}

static void save_crystal(struct control *c, const struct crystal *crystal)
{
	char id[64], text[LINE];
	int n;

	boot_id(id);
	n = snprintf(text, sizeof(text),
		     "%s %" PRId64 " %" PRId64 " %.17g %u %.17g\n", id,
		     crystal->ns, crystal->frame, crystal->hz, c->rate, c->ppm);
	if (ftruncate(c->state, 0) < 0 ||
	    pwrite(c->state, text, (size_t)n, 0) != n)
		dprintf(c->log, "# the state could not be kept: %s\n",
			strerror(errno));
}

void control_keep_crystal(struct control *c, unsigned rate, double ppm,
			  struct crystal *crystal)
{
	char id[64], text[LINE] = "", old_id[64] = "";
	const int64_t now = monotonic_ns();
	struct crystal old = {0};
	unsigned old_rate = 0;
	double old_ppm = 0;

	boot_id(id);
	pthread_mutex_lock(&c->mutex);
	if (pread(c->state, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%63s %" SCNd64 " %" SCNd64 " %lg %u %lg", old_id,
		       &old.ns, &old.frame, &old.hz, &old_rate, &old_ppm);
	if (strcmp(id, old_id) == 0 && rate == old_rate && ppm == old_ppm &&
	    old.hz > 0 && old.ns <= now)
		*crystal = old;
	else
		*crystal = (struct crystal){now, 0, crystal_hz(rate, ppm)};
	c->keep = true;
	c->rate = rate;
	c->ppm = ppm;
	save_crystal(c, crystal);
	pthread_mutex_unlock(&c->mutex);
}

/* ---- the thread ---------------------------------------------------------- */

static void write_notes(struct control *c)
{
	struct event note;
	char line[LINE];

	while (event_pop(&c->link->notes, &note)) {
		if (note.kind == EVENT_UNPLUG)
			set_unplugged(c, true);
		if (note.kind == EVENT_PPM) {
			pthread_mutex_lock(&c->mutex);
			if (c->keep)
				save_crystal(c, &note.crystal);
			pthread_mutex_unlock(&c->mutex);
		}
		command_format(&note, line, sizeof(line));
		dprintf(c->log, "%s", line);
	}
}

/* The device looks for commands after it has set its timer, and here the
 * timer is set after the command was pushed: one of the two is always seen. */
static void kick(struct control_link *link)
{
	const struct itimerspec now = {.it_value = {.tv_nsec = 1}};

	atomic_store(&link->kicked, true);
	timerfd_settime(link->timer, TFD_TIMER_ABSTIME, &now, NULL);
}

static void take_line(struct control *c, const char *line)
{
	struct event command;
	char error[LINE];
	int64_t now = monotonic_ns();

	if (line[strspn(line, " \t\r")] == '\0' || *line == '#')
		return;
	if (command_parse(line, &command, error, sizeof(error)) < 0) {
		dprintf(c->log, "%" PRId64 " error %s\n", now, error);
		return;
	}
	command.ns = now;
	if (command.kind == EVENT_PLUG) {
		/* A handle that was unplugged stays dead; it is the next
		 * one that can be opened. */
		set_unplugged(c, false);
		dprintf(c->log, "%" PRId64 " plug -1 0 -1\n", now);
		return;
	}
	if (!event_push(&c->link->commands, &command))
		dprintf(c->log, "%" PRId64 " error too many commands\n", now);
	kick(c->link);
}

static void read_fifo(struct control *c)
{
	ssize_t n = read(c->fifo, c->line + c->length,
			 sizeof(c->line) - 1 - c->length);
	char *line = c->line, *end;

	if (n <= 0)
		return;
	c->length += (size_t)n;
	c->line[c->length] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		take_line(c, line);
		line = end + 1;
	}
	c->length -= (size_t)(line - c->line);
	memmove(c->line, line, c->length);
	if (c->length == sizeof(c->line) - 1)
		c->length = 0; /* no command is that long */
}

static void *control_thread(void *argument)
{
	struct control *c = argument;
	struct pollfd fds[2] = {{.fd = c->fifo, .events = POLLIN},
				{.fd = c->wake, .events = POLLIN}};
	uint64_t count;

	while (!atomic_load(&c->quit)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents & POLLIN)
			read_fifo(c);
		if (fds[1].revents & POLLIN &&
		    read(c->wake, &count, sizeof(count)) > 0)
			write_notes(c);
	}
	write_notes(c);
	return NULL;
}

/* With a small stack, since the recorder may lock its memory, without
 * signals, which are the program's, and at normal priority, whatever the
 * opening thread has. */
static int start_thread(struct control *c)
{
	const struct sched_param normal = {0};
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &normal);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&c->thread, &attr, control_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	c->running = err == 0;
	return -err;
}

/* ---- open and close ------------------------------------------------------ */

static int open_fifo(struct control *c)
{
	struct stat st;

	if (mkfifo(c->path, 0600) < 0 && errno != EEXIST)
		return -errno;
	/* Open for writing too, or it would be at its end each time the last
	 * writer leaves. */
	c->fifo = open(c->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fifo < 0)
		return -errno;
	if (fstat(c->fifo, &st) == 0 && S_ISFIFO(st.st_mode))
		return 0;
	return -EEXIST;
}

static int open_files(struct control *c)
{
	char path[4096];
	int err;

	c->state = open_beside(c, ".state", O_RDWR);
	if (c->state < 0)
		return c->state;
	if (flock(c->state, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	beside(c, ".unplugged", path, sizeof(path));
	if (access(path, F_OK) == 0)
		return -ENODEV;
	c->log = open_beside(c, ".log", O_WRONLY | O_APPEND);
	if (c->log < 0)
		return c->log;
	err = open_fifo(c);
	if (err < 0)
		return err;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->wake < 0 ? -errno : 0;
}

static const char *words_for(int err)
{
	switch (err) {
	case -EBUSY:
		return "another program has it open";
	case -ENODEV:
		return "it is unplugged";
	case -EEXIST:
		return "the control path is a file, not a FIFO";
	default:
		return strerror(-err);
	}
}

int control_open(struct control **control, const char *path,
		 struct control_link *link, char *error, size_t error_size)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		return err;
	c->fifo = c->log = c->state = c->wake = -1;
	c->link = link;
	pthread_mutex_init(&c->mutex, NULL);
	c->path = strdup(path);
	if (c->path)
		err = open_files(c);
	if (err == 0)
		err = start_thread(c);
	if (err < 0) {
		snprintf(error, error_size, "%s: %s", path, words_for(err));
		control_close(c);
		return err;
	}
	*control = c;
	return 0;
}

void control_notify(struct control *c)
{
	const uint64_t one = 1;
	ssize_t n = write(c->wake, &one, sizeof(one));

	(void)n; /* full means that the thread is awake already */
}

void control_close(struct control *c)
{
	const int fds[] = {c ? c->fifo : -1, c ? c->log : -1, c ? c->wake : -1,
			   c ? c->state : -1};

	if (!c)
		return;
	if (c->running) {
		atomic_store(&c->quit, true);
		control_notify(c);
		pthread_join(c->thread, NULL);
	}
	/* The lock goes last, with the state. */
	for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_mutex_destroy(&c->mutex);
	free(c->path);
	free(c);
}
