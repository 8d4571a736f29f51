/*
 * Writes down, on the disk that will be cut and in the order of its other
 * writes, what the recorder says of its take: how far it has come, and how much
 * of that is safe.
 *
 *	witness SOCKET DISK BYTE
 *
 * A mark is one sector at BYTE of the disk, behind the file system, written
 * past every cache some fifty times a second; and a line on standard output.
 * Ends when the recorder does.
 *
 *	TBMARK take NAME START POSITION DURABLE
 *
 * START and POSITION are frames of the tape, DURABLE frames of the take.
 */
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SECTOR	   512
#define PAUSE_NS   (20 * 1000 * 1000)
#define ANSWER_MAX (1 << 20)

static FILE *connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
	return fdopen(fd, "r+");
}

static json_t *ask(FILE *recorder)
{
	static char line[ANSWER_MAX];
	static const char request[] = "{\"cmd\":\"status\",\"id\":1}\n";
	json_t *answer, *status;

	if (write(fileno(recorder), request, sizeof(request) - 1) < 0 ||
	    !fgets(line, sizeof(line), recorder))
		return NULL;
	answer = json_loads(line, 0, NULL);
	status = json_incref(json_object_get(answer, "status"));
	json_decref(answer);
	return status;
}

/* The recorder rounds it to a millisecond: what is safe for certain. */
static double safe_frames(const json_t *take, const json_t *rate)
{
	double safe =
		json_number_value(json_object_get(take, "durable")) - 0.0006;

	return safe > 0 ? safe * (double)json_integer_value(rate) : 0;
}

static void mark(const json_t *status, int disk, off_t at, char *sector)
{
	const json_t *take = json_object_get(status, "take");
	const char *name = json_string_value(json_object_get(take, "name"));
	const json_t *tape = json_object_get(status, "tape");
	const json_t *rate =
		json_object_get(json_object_get(status, "interface"), "rate");

	/* Until it has a name it is called "a take". */
	if (!name || strchr(name, ' ') || !json_is_object(tape))
		return;
	memset(sector, 0, SECTOR);
	snprintf(sector, SECTOR, "TBMARK take %s %lld %lld %.0f\n", name,
		 (long long)json_integer_value(json_object_get(take, "start")),
		 (long long)json_integer_value(
			 json_object_get(tape, "position")),
		 safe_frames(take, rate));
	if (pwrite(disk, sector, SECTOR, at) != SECTOR)
		err(1, "a mark");
	fputs(sector, stdout);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	FILE *recorder;
	json_t *status;
	void *sector;
	int disk;

	if (argc != 4)
		errx(2, "usage: witness SOCKET DISK BYTE");
	recorder = connect_to(argv[1]);
	disk = open(argv[2], O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (disk < 0 || !recorder || posix_memalign(&sector, 4096, 4096))
		err(1, "%s", argv[2]);
	while ((status = ask(recorder))) {
		mark(status, disk, atoll(argv[3]), sector);
		json_decref(status);
		nanosleep(&pause, NULL);
	}
	return 0;
}
