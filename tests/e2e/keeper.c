/*
 * A service manager as small as can be: it starts a program, keeps the one
 * descriptor that the program gives it (sd_notify(3), FDSTORE), starts it again
 * when a signal has killed it, and hands the descriptor back.
 *
 *     keeper PIDFILE PROGRAM [ARGUMENT...]
 *
 * PIDFILE has the program's process id, and there is a file PIDFILE.kept while
 * something is kept. SIGTERM ends both.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	const char *pid_file;
	char **program;
	char name[64];
	int socket, kept;
	pid_t child;
} keeper = {.kept = -1};

static void write_pid(void)
{
	FILE *file = fopen(keeper.pid_file, "we");

	if (!file)
		err(1, "%s", keeper.pid_file);
	fprintf(file, "%ld\n", (long)keeper.child);
	fclose(file);
}

static void note_kept(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s.kept", keeper.pid_file);
	if (keeper.kept < 0) {
		unlink(path);
		return;
	}
	file = fopen(path, "we");
	if (!file)
		err(1, "%s", path);
	fclose(file);
}

static void run_program(void)
{
	char pid[32];

	signal(SIGTERM, SIG_DFL);
	setenv("NOTIFY_SOCKET", keeper.name, 1);
	if (keeper.kept >= 0) {
		snprintf(pid, sizeof(pid), "%ld", (long)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
		if (dup2(keeper.kept, 3) < 0 || fcntl(3, F_SETFD, 0) < 0)
			err(1, "dup2");
	}
	execv(keeper.program[0], keeper.program);
	err(127, "%s", keeper.program[0]);
}

static void start_program(void)
{
	keeper.child = fork();
	if (keeper.child == 0)
		run_program();
	write_pid();
}

static void listen_to_it(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(keeper.name, sizeof(keeper.name), "/tmp/keeper.%ld",
		 (long)getpid());
	strcpy(address.sun_path, keeper.name);
	keeper.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (keeper.socket < 0 ||
	    bind(keeper.socket, (struct sockaddr *)&address, sizeof(address)))
		err(1, "%s", keeper.name);
}

static int sent_descriptor(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void hear(void)
{
	char text[256];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec line = {text, sizeof(text) - 1};
	struct msghdr message = {
		.msg_iov = &line,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(keeper.socket, &message, MSG_CMSG_CLOEXEC);
	int fd = length > 0 ? sent_descriptor(&message) : -1;

	text[length > 0 ? length : 0] = '\0';
	if (strncmp(text, "FDSTORE", 7) != 0)
		return;
	if (keeper.kept >= 0)
		close(keeper.kept);
	keeper.kept = fd; /* -1 with FDSTOREREMOVE */
	note_kept();
}

static void end(int number)
{
	(void)number;
	kill(keeper.child, SIGKILL);
	unlink(keeper.name);
	_exit(0);
}

static void look_after_it(void)
{
	struct pollfd poll_socket = {.fd = keeper.socket, .events = POLLIN};
	int status;

	if (poll(&poll_socket, 1, 20) > 0)
		hear();
	if (waitpid(keeper.child, &status, WNOHANG) != keeper.child)
		return;
	if (!WIFSIGNALED(status))
		end(SIGTERM);
	start_program();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: keeper PIDFILE PROGRAM [ARGUMENT...]");
	keeper.pid_file = argv[1];
	keeper.program = argv + 2;
	listen_to_it();
	signal(SIGTERM, end);
	start_program();
	for (;;)
		look_after_it();
}
