/* One connected datagram socket; nothing here ever waits. */
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define FEEDS	  4 /* per interval */
#define LISTEN_FD 3 /* SD_LISTEN_FDS_START */
#define KEPT_NAME "kept"

/* A path, or '@' and an abstract name. */
static int connect_to(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || length < 2 ||
	    length >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				length)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

/* 0: no watchdog, or one that watches another process. */
static int64_t watchdog_interval(void)
{
	const char *microseconds = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	char *end;
	long long value;

	if (!microseconds || (pid && atoll(pid) != (long long)getpid()))
		return 0;
	value = strtoll(microseconds, &end, 10);
	return *end == '\0' && value > 0 && value < INT64_MAX / 1000
		       ? (int64_t)value * 1000
		       : 0;
}

/* sd_listen_fds(3): they are numbered from 3 on. Should there be more than
 * one, only the first is ours to take. */
static int take_kept(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	int last = count ? LISTEN_FD + atoi(count) : LISTEN_FD;

	if (last <= LISTEN_FD || !pid || atoll(pid) != (long long)getpid() ||
	    fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	while (--last > LISTEN_FD)
		close(last);
	return LISTEN_FD;
}

void notify_init(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){.fd = name ? connect_to(name) : -1,
				  .kept = take_kept()};
	if (notify->fd < 0)
		notify->fd = -1;
	else
		notify->interval_ns = watchdog_interval();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

void notify_finish(struct notify *notify)
{
	if (notify->fd > 0)
		close(notify->fd);
	if (notify->kept > 0)
		close(notify->kept);
	*notify = (struct notify){.fd = -1, .kept = -1};
}

int notify_tell(struct notify *notify, const char *lines)
{
	if (notify->fd < 0)
		return -ENOTCONN;
	return send(notify->fd, lines, strlen(lines), MSG_NOSIGNAL) < 0 ? -errno
									: 0;
}

int notify_keep(struct notify *notify, int fd)
{
	static char text[] = "FDSTORE=1\nFDNAME=" KEPT_NAME "\nFDPOLL=0";
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec line = {text, sizeof(text) - 1};
	struct msghdr message = {
		.msg_iov = &line,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int error = notify_tell(notify, "FDSTOREREMOVE=1\nFDNAME=" KEPT_NAME);

	if (error < 0 || fd < 0)
		return error;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(notify->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void notify_feed(struct notify *notify, bool advances, int64_t now_ns)
{
	if (notify->interval_ns == 0 || !advances ||
	    (notify->fed_ns != 0 &&
	     now_ns - notify->fed_ns < notify->interval_ns / FEEDS))
		return;
	if (notify_tell(notify, "WATCHDOG=1") == 0)
		notify->fed_ns = now_ns;
}

bool progress_goes_on(struct progress *progress, uint64_t value, bool wanted,
		      int64_t limit_ns, int64_t now_ns)
{
	if (!wanted || progress->since_ns == 0 || value != progress->value)
		*progress = (struct progress){value, now_ns};
	return now_ns - progress->since_ns <= limit_ns;
}
