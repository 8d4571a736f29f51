/*
 * What it costs to make a second of 32 tracks durable, by the ways that a
 * recorder could choose from: the figures behind the order of syncs in
 * FORMAT.md. For a fresh file system; tests/bench/sync_cost.sh runs it on
 * several.
 *
 *     sync_cost FOLDER COUNTS    (COUNTS: such as /sys/block/vda/stat)
 *
 * Each way has 32 new files. A round appends 80 KiB to each and syncs. Printed
 * per round: median and worst time of the sync, and what the disk was asked
 * for: writes, KiB written, cache flushes. With one thread the counts are the
 * file system's own and the same everywhere; several threads' flushes are
 * merged by the kernel while the disk is at one, so there they are, like the
 * times, those of this disk. The kernel's own count of writes has those flushes
 * in it that wrote nothing; slow_disk's has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define FILES	32
#define ROUNDS	10
#define HEAD	16384
#define APPEND	(80 * 1024)
#define SECTOR	512
#define RESERVE (16 << 20)

enum sector { SECTOR_NONE, SECTOR_NEXT, SECTOR_NOW };

enum means {
	MEANS_EACH,	       /* fdatasync of each file */
	MEANS_AIO,	       /* the same, all handed to the kernel at once */
	MEANS_SYNCFS,	       /* syncfs */
	MEANS_SYNCFS_ONE_FILE, /* syncfs, then fdatasync of one file */
	MEANS_SYNCFS_EACH_BY_AIO /* syncfs, then as MEANS_AIO */
};

struct way {
	const char *name;
	enum means means;
	bool start_first; /* sync_file_range before */
	unsigned threads; /* that share the files; 0: the caller itself */
	enum sector sector;
	bool reserve;
};

static const struct way ways[] = {
	{.name = "fdatasync, file after file"},
	{.name = "all started, then fdatasync", .start_first = true},
	{.name = "syncfs", .means = MEANS_SYNCFS},
	{.name = "... and the sector, next round",
	 .start_first = true,
	 .sector = SECTOR_NEXT},
	{.name = "... and the sector, at once",
	 .start_first = true,
	 .sector = SECTOR_NOW},
	{.name = "... next round, space reserved",
	 .start_first = true,
	 .sector = SECTOR_NEXT,
	 .reserve = true},
	{.name = "... next round, 2 threads",
	 .start_first = true,
	 .threads = 2,
	 .sector = SECTOR_NEXT},
	{.name = "... next round, 4 threads",
	 .start_first = true,
	 .threads = 4,
	 .sector = SECTOR_NEXT},
	{.name = "... next round, 8 threads",
	 .start_first = true,
	 .threads = 8,
	 .sector = SECTOR_NEXT},
	{.name = "... next round, 16 threads",
	 .start_first = true,
	 .threads = 16,
	 .sector = SECTOR_NEXT},
	{.name = "... next round, all by aio",
	 .means = MEANS_AIO,
	 .start_first = true,
	 .sector = SECTOR_NEXT},
	{.name = "... by syncfs, one fdatasync",
	 .means = MEANS_SYNCFS_ONE_FILE,
	 .sector = SECTOR_NEXT},
	{.name = "... by syncfs, all by aio",
	 .means = MEANS_SYNCFS_EACH_BY_AIO,
	 .sector = SECTOR_NEXT},
};

/* The threads of a way: between the two barriers they take the files. */
struct crew {
	const int *file; /* NULL: go home */
	unsigned count;
	atomic_int next;
	pthread_barrier_t begin, end;
	pthread_t thread[FILES];
};

struct disk {
	unsigned long long writes, sectors, flushes;
};

static char data[APPEND];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sync_cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct disk read_disk(const char *counts)
{
	struct disk disk = {0};
	FILE *file = fopen(counts, "r");

	must(file != NULL, counts);
	/* Kernel: Documentation/block/stat.rst; flushes are the 16th. */
	must(fscanf(file,
		    "%*u %*u %*u %*u %llu %*u %llu %*u %*u %*u %*u %*u %*u %*u "
		    "%*u %llu",
		    &disk.writes, &disk.sectors, &disk.flushes) == 3,
	     counts);
	fclose(file);
	return disk;
}

static void write_at(int file, size_t size, off_t at)
{
	must(pwrite(file, data, size, at) == (ssize_t)size, "write");
}

static void *work(void *context)
{
	struct crew *crew = context;
	int i;

	for (;;) {
		pthread_barrier_wait(&crew->begin);
		if (!crew->file)
			return NULL;
		while ((i = atomic_fetch_add(&crew->next, 1)) < FILES)
			must(fdatasync(crew->file[i]) == 0, "fdatasync");
		pthread_barrier_wait(&crew->end);
	}
}

static void hire(struct crew *crew, unsigned count)
{
	*crew = (struct crew){.count = count};
	pthread_barrier_init(&crew->begin, NULL, count + 1);
	pthread_barrier_init(&crew->end, NULL, count + 1);
	for (unsigned i = 0; i < count; i++)
		must(pthread_create(&crew->thread[i], NULL, work, crew) == 0,
		     "thread");
}

static void dismiss(struct crew *crew)
{
	crew->file = NULL;
	pthread_barrier_wait(&crew->begin);
	for (unsigned i = 0; i < crew->count; i++)
		pthread_join(crew->thread[i], NULL);
	pthread_barrier_destroy(&crew->begin);
	pthread_barrier_destroy(&crew->end);
}

static void sync_by(struct crew *crew, const int *file)
{
	crew->file = file;
	atomic_store(&crew->next, 0);
	pthread_barrier_wait(&crew->begin);
	pthread_barrier_wait(&crew->end);
}

/* io_submit(2) and io_getevents(2), which glibc has no functions for. */
static void sync_by_kernel(const int *file)
{
	static aio_context_t context;
	struct io_event done[FILES];
	struct iocb order[FILES], *orders[FILES];

	if (context == 0)
		must(syscall(SYS_io_setup, FILES, &context) == 0, "io_setup");
	for (int i = 0; i < FILES; i++) {
		order[i] = (struct iocb){
			.aio_lio_opcode = IOCB_CMD_FDSYNC,
			.aio_fildes = (uint32_t)file[i],
		};
		orders[i] = &order[i];
	}
	must(syscall(SYS_io_submit, context, FILES, orders) == FILES,
	     "io_submit");
	must(syscall(SYS_io_getevents, context, FILES, FILES, done, NULL) ==
		     FILES,
	     "io_getevents");
	for (int i = 0; i < FILES; i++)
		must(done[i].res == 0, "fdatasync by aio");
}

static void sync_all(const struct way *way, struct crew *crew, int dir,
		     const int *file)
{
	for (int i = 0; way->start_first && i < FILES; i++)
		sync_file_range(file[i], 0, 0, SYNC_FILE_RANGE_WRITE);
	if (way->means >= MEANS_SYNCFS)
		must(syncfs(dir) == 0, "syncfs");
	if (way->means == MEANS_SYNCFS_ONE_FILE)
		must(fdatasync(file[0]) == 0, "fdatasync");
	if (way->means == MEANS_AIO || way->means == MEANS_SYNCFS_EACH_BY_AIO)
		sync_by_kernel(file);
	if (way->means == MEANS_EACH && way->threads > 0)
		sync_by(crew, file);
	for (int i = 0;
	     way->means == MEANS_EACH && way->threads == 0 && i < FILES; i++)
		must(fdatasync(file[i]) == 0, "fdatasync");
}

static void do_round(const struct way *way, struct crew *crew, int dir,
		     const int *file)
{
	sync_all(way, crew, dir, file);
	for (int i = 0; way->sector != SECTOR_NONE && i < FILES; i++)
		write_at(file[i], SECTOR, 0);
	if (way->sector == SECTOR_NOW)
		sync_all(way, crew, dir, file);
}

/* The files with their heads, durable. False: no space can be reserved. */
static bool make_files(const struct way *way, int dir, int *file)
{
	bool ok = true;

	for (int i = 0; i < FILES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%02d.flac", i);
		file[i] = openat(dir, name, O_RDWR | O_CREAT | O_EXCL, 0644);
		must(file[i] >= 0, name);
		write_at(file[i], HEAD, 0);
		if (way->reserve &&
		    fallocate(file[i], FALLOC_FL_KEEP_SIZE, 0, RESERVE) < 0)
			ok = false;
		must(fdatasync(file[i]) == 0, name);
	}
	must(fsync(dir) == 0, "fsync");
	return ok;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_result(const struct way *way, int64_t *time,
			 const struct disk *from, const struct disk *to)
{
	qsort(time, ROUNDS, sizeof(*time), compare);
	printf("%-32s %7.1f %7.1f %7llu %7llu %7llu\n", way->name,
	       (double)time[ROUNDS / 2] / NS_PER_MS,
	       (double)time[ROUNDS - 1] / NS_PER_MS,
	       (to->writes - from->writes) / ROUNDS,
	       (to->sectors - from->sectors) / 2 / ROUNDS,
	       (to->flushes - from->flushes) / ROUNDS);
}

static void try(const struct way *way, int parent, unsigned number,
		const char *counts)
{
	int64_t time[ROUNDS];
	struct disk from, to;
	struct crew crew;
	int file[FILES], dir;
	char name[16];
	bool ok;

	snprintf(name, sizeof(name), "way%u", number);
	must(mkdirat(parent, name, 0755) == 0, name);
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY);
	must(dir >= 0, name);
	ok = make_files(way, dir, file);
	hire(&crew, way->threads);
	sync();
	from = read_disk(counts);
	for (int round = 0; ok && round < ROUNDS; round++) {
		for (int i = 0; i < FILES; i++)
			write_at(file[i], APPEND, HEAD + (off_t)round * APPEND);
		time[round] = clock_now_ns();
		do_round(way, &crew, dir, file);
		time[round] = clock_now_ns() - time[round];
	}
	to = read_disk(counts);
	dismiss(&crew);
	if (ok)
		print_result(way, time, &from, &to);
	else
		printf("%-32s not possible here\n", way->name);
	for (int i = 0; i < FILES; i++)
		close(file[i]);
	close(dir);
}

int main(int argc, char **argv)
{
	int parent;

	if (argc != 3) {
		fputs("usage: sync_cost FOLDER COUNTS\n", stderr);
		return 2;
	}
	parent = open(argv[1], O_RDONLY | O_DIRECTORY);
	must(parent >= 0, argv[1]);
	memset(data, 0x5a, sizeof(data));
	printf("%-32s %7s %7s %7s %7s %7s\n", "a round", "ms", "worst",
	       "writes", "KiB", "flushes");
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		try(&ways[i], parent, i, argv[2]);
	close(parent);
	return 0;
}
