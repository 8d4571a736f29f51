/*
 * A disk that takes its time, for QEMU: an image, given out on a socket as an
 * NBD export, with so many milliseconds for each write and each cache flush.
 *
 *     slow_disk SOCKET IMAGE COUNTS WRITE-MS FLUSH-MS
 *
 * It does one thing after another, in the order in which it was asked, as a
 * card or stick with a single queue does; and each flush takes its time, even
 * if nothing was written since the last (QEMU's own images do nothing then).
 * What the kernel merges it merges above this, in the guest, where it would
 * for a real disk. The device mapper's dm-delay does not: it lets everything
 * wait at the same time, so that 32 flushes at once take no longer than one.
 *
 * COUNTS is a file that says what was asked for so far, as the kernel's
 * /sys/block/DISK/stat does: writes, sectors and flushes are the 5th, 7th and
 * 16th number, the others 0. The kernel's own counts a flush that had nothing
 * to write with it, such as fdatasync's last, as a write as well, and a merged
 * one as many times as it was asked for.
 *
 * One client; it ends with that. The protocol: NetworkBlockDevice/nbd,
 * doc/proto.md.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NBD_MAGIC	  0x4e42444d41474943
#define NBD_HAVE_OPTION	  0x49484156454f5054
#define NBD_OPTION_REPLY  0x0003e889045565a9
#define NBD_REQUEST_MAGIC 0x25609513
#define NBD_REPLY_MAGIC	  0x67446698

#define HANDSHAKE_FIXED 1

#define OPTION_ABORT 2
#define OPTION_INFO  6
#define OPTION_GO    7

#define REPLY_ACK	  1
#define REPLY_INFO	  3
#define REPLY_UNSUPPORTED 0x80000001

/* Has flags, can flush, can write through: asked of each write where the guest
 * has been told of no cache, and no other. */
#define EXPORT_FLAGS 13

#define COMMAND_READ  0
#define COMMAND_WRITE 1
#define COMMAND_CLOSE 2
#define COMMAND_FLUSH 3

#define DATA_MAX (32 << 20)

struct request {
	uint32_t magic;
	uint16_t flags, command;
	uint64_t handle, offset;
	uint32_t size;
} __attribute__((packed));

struct reply {
	uint32_t magic, error;
	uint64_t handle;
} __attribute__((packed));

static int client, image, counts;
static uint64_t image_size;
static unsigned long long writes, sectors, flushes;
static char data[DATA_MAX];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "slow_disk: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* False: the client is gone. */
static bool receive(void *to, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t part = read(client, (char *)to + got, size - got);

		if (part <= 0)
			return false;
		got += (size_t)part;
	}
	return true;
}

static void give(const void *from, size_t size)
{
	for (size_t given = 0; given < size;) {
		ssize_t part = send(client, (const char *)from + given,
				    size - given, MSG_NOSIGNAL);

		must(part > 0, "the client");
		given += (size_t)part;
	}
}

static void give_16(uint16_t value)
{
	value = htobe16(value);
	give(&value, sizeof(value));
}

static void give_32(uint32_t value)
{
	value = htobe32(value);
	give(&value, sizeof(value));
}

static void give_64(uint64_t value)
{
	value = htobe64(value);
	give(&value, sizeof(value));
}

static void answer_option(uint32_t option, uint32_t type, uint32_t size)
{
	give_64(NBD_OPTION_REPLY);
	give_32(option);
	give_32(type);
	give_32(size);
}

static void describe(uint32_t option)
{
	answer_option(option, REPLY_INFO, 12);
	give_16(0); /* of the export */
	give_64(image_size);
	give_16(EXPORT_FLAGS);
	answer_option(option, REPLY_ACK, 0);
}

/* False: the client has seen enough. */
static bool shake_hands(void)
{
	uint32_t flags, head[4];

	give_64(NBD_MAGIC);
	give_64(NBD_HAVE_OPTION);
	give_16(HANDSHAKE_FIXED);
	if (!receive(&flags, sizeof(flags)))
		return false;
	while (receive(head, sizeof(head))) {
		uint32_t option = be32toh(head[2]), size = be32toh(head[3]);

		must(size <= sizeof(data), "an option's size");
		if (!receive(data, size) || option == OPTION_ABORT)
			return false;
		if (option == OPTION_INFO || option == OPTION_GO)
			describe(option);
		else
			answer_option(option, REPLY_UNSUPPORTED, 0);
		if (option == OPTION_GO)
			return true;
	}
	return false;
}

static void take_time(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (ms > 0 && nanosleep(&time, &time) < 0)
		must(errno == EINTR, "sleep");
}

static void tell_counts(void)
{
	char line[128];
	int size = snprintf(line, sizeof(line),
			    "0 0 0 0 %8llu 0 %12llu 0 0 0 0 0 0 0 0 %8llu 0\n",
			    writes, sectors, flushes);

	must(pwrite(counts, line, (size_t)size, 0) == size, "the counts");
}

static void do_write(off_t at, uint32_t size, long ms)
{
	must(receive(data, size), "data");
	must(pwrite(image, data, size, at) == (ssize_t)size, "the image");
	take_time(ms);
	writes++;
	sectors += size / 512;
	tell_counts();
}

static void do_flush(long ms)
{
	take_time(ms);
	flushes++;
	tell_counts();
}

static void serve(long write_ms, long flush_ms)
{
	struct request asked;

	while (receive(&asked, sizeof(asked))) {
		struct reply reply = {htobe32(NBD_REPLY_MAGIC), 0,
				      asked.handle};
		uint16_t command = be16toh(asked.command);
		uint32_t size = be32toh(asked.size);
		off_t at = (off_t)be64toh(asked.offset);

		if (command == COMMAND_CLOSE)
			return;
		must(asked.magic == htobe32(NBD_REQUEST_MAGIC) &&
			     command <= COMMAND_FLUSH && size <= sizeof(data),
		     "a request");
		if (command == COMMAND_WRITE)
			do_write(at, size, write_ms);
		else if (command == COMMAND_FLUSH)
			do_flush(flush_ms);
		else
			must(pread(image, data, size, at) == (ssize_t)size,
			     "the image");
		give(&reply, sizeof(reply));
		if (command == COMMAND_READ)
			give(data, size);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	int listener;

	if (argc != 6 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: slow_disk SOCKET IMAGE COUNTS WRITE-MS "
		      "FLUSH-MS\n",
		      stderr);
		return 2;
	}
	image = open(argv[2], O_RDWR | O_CLOEXEC);
	must(image >= 0 && fstat(image, &status) == 0, argv[2]);
	image_size = (uint64_t)status.st_size;
	counts = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	must(counts >= 0, argv[3]);
	tell_counts();
	strcpy(address.sun_path, argv[1]);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(listener, (struct sockaddr *)&address, sizeof(address)) ==
			     0 &&
		     listen(listener, 1) == 0,
	     argv[1]);
	client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	must(client >= 0, "accept");
	if (shake_hands())
		serve(strtol(argv[4], NULL, 10), strtol(argv[5], NULL, 10));
	return 0;
}
