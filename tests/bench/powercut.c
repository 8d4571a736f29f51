/*
 * Power cuts, replayed. From a log of everything a disk was asked for while
 * takes were recorded on it, the disk is brought to what it held at any moment,
 * mounted, healed, and every sample of every take held against what it must
 * be.
 *
 *	powercut look MEDIUM [REFERENCE]
 *	powercut flushed BASE LOG
 *	powercut replay BASE LOG SYSTEM REFERENCE BYTE CUTS SEED [FIRST COUNT]
 *
 * look prints what takes there are: the reference. Takes that are, byte for
 * byte, what they were in an earlier one are not decoded again. flushed brings
 * BASE to what a disk has whose cache lost all since the last flush, and prints
 * the last mark before that. replay goes through the log: BASE is a block
 * device with what the disk held before, SYSTEM its file system, BYTE the place
 * of the witness's marks, CUTS how many moments to try. Half of them at most
 * are flushes, all others anywhere; each either of a disk without a cache, that
 * has all writes up to there, or of one with, that has all up to the last flush
 * and of those since any 4 KiB pieces. Runs in the virtual machine, since it
 * mounts what a power cut has left. FIRST and COUNT do a part of the moments,
 * in order: BASE then has what the part before left.
 *
 * Prints a line for each cut and exits 0 only if nothing was lost that had been
 * called safe and no take is damaged; and one before it if a take was open of
 * which something had been called safe: its tracks are read before it is made
 * whole, as any other program reads them, and how much of it that gives.
 *
 *	UNHEALED ENTRY TAKE TRACKS SECONDS ok|unreadable REASON
 *	CUT ENTRY direct|cache TAKE|- SECONDS-LOST|-1 ok [damaged]
 *	CUT ENTRY direct|cache TAKE|- SECONDS-LOST|-1 FAIL REASON
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/log.h"
#include "take/heal.h"
#include "tests/bench/marks.h"
#include "tests/bench/takes.h"
#include "tests/bench/unhealed.h"
#include "tests/bench/write_log.h"

#define RATE 48000
/* The tape is published so much later than the sound came. */
#define LATE	   (RATE * 11 / 100)
#define MOUNTPOINT "/mnt"
#define SNAPSHOT   "/dev/mapper/cut"

struct cut {
	size_t index; /* entries before it were asked for */
	bool cached;
};

struct replay {
	struct write_log log;
	struct marks marks;
	struct takes reference, found;
	const char *base, *system;
	bool copied; /* base is a file */
	char copy[256];
	int disk;	/* base */
	size_t applied; /* entries that base has */
	uint32_t seed, chance;
	unsigned failed;
};

static uint32_t chance(struct replay *replay, uint32_t below)
{
	replay->chance = replay->chance * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)replay->chance * below >> 32);
}

static void run(const char *command)
{
	if (system(command) != 0)
		errx(2, "failed: %s", command);
}

/* Its directory entries and its chains of clusters are written over in place,
 * in any order: the newer of one can come with the older of the other. */
static bool is_exfat(const struct replay *replay)
{
	return strcmp(replay->system, "exfat") == 0;
}

/* ---- which moments ---- */

static int by_index(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static size_t choose_cuts(struct replay *replay, struct cut *cut, size_t wanted)
{
	const struct write_log *log = &replay->log;
	size_t begin = marks_begin(&replay->marks), flushes = 0, count = 0,
	       step;

	for (size_t i = begin; i < log->count; i++)
		flushes += log->entry[i].kind == WRITE_FLUSH;
	step = flushes / (wanted / 2 + 1) + 1;
	flushes = 0;
	for (size_t i = begin; i < log->count; i++)
		if (log->entry[i].kind == WRITE_FLUSH &&
		    flushes++ % step == 0 && count < wanted)
			cut[count++] = (struct cut){.index = i + 1};
	while (count < wanted) {
		cut[count] = (struct cut){
			.index = begin + 1 +
				 chance(replay, (uint32_t)(log->count - begin)),
			.cached = count % 2 == 0};
		count++;
	}
	qsort(cut, count, sizeof(*cut), by_index);
	return count;
}

/* ---- the disk at a moment ---- */

static size_t last_flush(const struct replay *replay, size_t index)
{
	while (index > 0 && replay->log.entry[index - 1].kind != WRITE_FLUSH)
		index--;
	return index;
}

static bool toss(void *context)
{
	return chance(context, 2);
}

/* Past the cache of the block device; files in memory do without. */
static int direct(const struct replay *replay)
{
	return replay->copied ? 0 : O_DIRECT;
}

/* What is done to it does not reach base. A block device gets a snapshot of
 * device-mapper over it, which costs nothing; a file is copied. */
static const char *make_copy(struct replay *replay)
{
	char command[600];
	uint64_t size;

	if (replay->copied) {
		snprintf(command, sizeof(command),
			 "cp --sparse=always '%.200s' '%.200s'", replay->base,
			 replay->copy);
		run(command);
		return replay->copy;
	}
	if (ioctl(replay->disk, BLKGETSIZE64, &size) < 0)
		err(2, "%s", replay->base);
	snprintf(command, sizeof(command),
		 "dmsetup create cut --table "
		 "'0 %llu snapshot %.100s /dev/ram0 N 8'",
		 (unsigned long long)size / 512, replay->base);
	run(command);
	return SNAPSHOT;
}

static void make_disk(struct replay *replay, const struct cut *cut)
{
	size_t floor = last_flush(replay, cut->index);
	int disk;

	for (; replay->applied < floor; replay->applied++)
		write_log_apply(&replay->log, replay->applied, replay->disk,
				NULL, NULL);
	disk = open(make_copy(replay), O_WRONLY | direct(replay) | O_CLOEXEC);
	if (disk < 0)
		err(2, "a copy of %s", replay->base);
	for (size_t i = floor; i < cut->index; i++)
		write_log_apply(&replay->log, i, disk,
				cut->cached ? toss : NULL, replay);
	close(disk);
}

/* As takebox-medium has it done: fsck, but on exFAT. */
static void check_disk(const struct replay *replay)
{
	char command[600];

	if (is_exfat(replay))
		return;
	snprintf(command, sizeof(command),
		 "fsck.%s -a '%.200s' >/dev/null 2>&1", replay->system,
		 replay->copied ? replay->copy : SNAPSHOT);
	if (system(command) == -1)
		err(2, "fsck");
}

static bool mount_disk(const struct replay *replay)
{
	const char *options =
		is_exfat(replay) ? "errors=continue" : "errors=remount-ro";
	char command[600];

	if (!replay->copied)
		return mount(SNAPSHOT, MOUNTPOINT, replay->system, 0,
			     options) == 0;
	snprintf(command, sizeof(command), "mount -t %s -o loop,%s '%.200s' %s",
		 replay->system, options, replay->copy, MOUNTPOINT);
	return system(command) == 0;
}

static void drop_disk(const struct replay *replay)
{
	if (!replay->copied)
		run("dmsetup remove --retry cut");
}

/* ---- what came of it ---- */

struct judged {
	char fault[512];
	double loss;   /* seconds; negative: the cut was in no take */
	char in[64];   /* take */
	bool damaged;  /* exFAT alone may: synced sound that is not reachable,
			  or a take that was just being begun */
	char open[64]; /* a take that was not finished, or "" */
	struct unhealed unhealed; /* the same, before it was healed */
	char refused[64];	  /* a take whose folder takes no file (EIO) */
};

static void __attribute__((format(printf, 3, 4)))
complain(struct judged *judged, const char *name, const char *format, ...)
{
	char text[384];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!judged->fault[0])
		snprintf(judged->fault, sizeof(judged->fault), "%s: %s", name,
			 text);
}

static void judge_take(struct replay *replay, const struct one_take *wanted,
		       size_t cut, struct judged *judged)
{
	static const struct one_take nothing;
	struct marks_known known =
		marks_known(&replay->marks, wanted->name, cut);
	const struct one_take *take = takes_find(&replay->found, wanted->name);
	uint64_t played = known.played + LATE;

	if (known.played == 0 && !known.done)
		return;
	if (!take && (known.durable > 0 || known.done)) {
		complain(judged, wanted->name, "it is not there");
		return;
	}
	if (!take)
		take = &nothing;
	if (known.done && take->crc != wanted->crc)
		complain(judged, wanted->name, "it was finished, and changed");
	if (is_exfat(replay) && strcmp(take->fault, TAKES_DAMAGED) == 0)
		judged->damaged = true;
	else if (take->fault[0] && (known.durable > 0 || take->frames > 0))
		complain(judged, wanted->name, "%s", take->fault);
	if (take->frames < known.durable)
		complain(judged, wanted->name,
			 "%llu frames; %llu had been called safe",
			 (unsigned long long)take->frames,
			 (unsigned long long)known.durable);
	if (take->frames > wanted->frames)
		complain(judged, wanted->name, "%llu frames of %llu",
			 (unsigned long long)take->frames,
			 (unsigned long long)wanted->frames);
	if (take->frames > 0 && take->tracks > 0 && take->base != wanted->base)
		complain(judged, wanted->name, "it begins at %llu, not %llu",
			 (unsigned long long)take->base,
			 (unsigned long long)wanted->base);
	if (known.done)
		return;
	/* It was stopped, and the tape went on. */
	if (played > wanted->frames && wanted->whole && !wanted->healed)
		played = wanted->frames;
	judged->loss = played > take->frames
			       ? (double)(played - take->frames) / RATE
			       : 0;
	snprintf(judged->in, sizeof(judged->in), "%s", wanted->name);
}

static void on_heal(void *context, const struct heal_report *report)
{
	struct judged *judged = context;
	const char *name = strrchr(report->folder, '/');

	name = name ? name + 1 : report->folder;
	if (report->error == -EIO && !judged->refused[0])
		snprintf(judged->refused, sizeof(judged->refused), "%s", name);
	else if (report->error < 0)
		complain(judged, name, "not healed: %s",
			 strerror(-report->error));
}

/* exFAT makes no file in a folder that has lost a sector of its names, of files
 * that were all being made: nothing of that take was safe then. */
static void judge_refused(const struct replay *replay, size_t cut,
			  struct judged *judged)
{
	struct marks_known known =
		marks_known(&replay->marks, judged->refused, cut);

	if (!judged->refused[0])
		return;
	if (is_exfat(replay) && known.durable == 0 && !known.done)
		judged->damaged = true;
	else
		complain(judged, judged->refused, "not healed: %s",
			 strerror(EIO));
}

/* The claim to what a sync has covered is written behind it, and covered by the
 * next one. */
static void look_before(const struct replay *replay,
			const struct one_take *wanted, size_t cut,
			struct judged *judged)
{
	struct marks_known known =
		marks_known(&replay->marks, wanted->name, cut);
	struct unhealed *unhealed = &judged->unhealed;

	if (known.done || known.durable == 0)
		return;
	snprintf(judged->open, sizeof(judged->open), "%s", wanted->name);
	unhealed_look(unhealed, MOUNTPOINT, wanted->name, RATE, wanted->base);
	if (unhealed->fault[0])
		return;
	if (unhealed->tracks != wanted->tracks)
		snprintf(unhealed->fault, sizeof(unhealed->fault),
			 "%u tracks of %u", unhealed->tracks, wanted->tracks);
	else if (unhealed->frames < known.claimed)
		snprintf(unhealed->fault, sizeof(unhealed->fault),
			 "%llu frames; %llu had been claimed",
			 (unsigned long long)unhealed->frames,
			 (unsigned long long)known.claimed);
}

/* What a file system has lost nobody can read, nor does stdio what stands just
 * before it. */
static void judge_before(const struct cut *cut, struct judged *judged)
{
	const struct unhealed *unhealed = &judged->unhealed;

	if (!judged->open[0])
		return;
	if (unhealed->fault[0] && !unhealed->lacks_end && !judged->damaged)
		complain(judged, judged->open, "before healing: %s",
			 unhealed->fault);
	printf("UNHEALED %zu %s %u %.3f %s %s\n", cut->index, judged->open,
	       unhealed->tracks, (double)unhealed->frames / RATE,
	       unhealed->fault[0] ? "unreadable" : "ok", unhealed->fault);
}

static void judge(struct replay *replay, const struct cut *cut,
		  struct judged *judged)
{
	for (unsigned i = 0; i < replay->reference.count; i++)
		look_before(replay, &replay->reference.take[i], cut->index,
			    judged);
	if (heal_folder(MOUNTPOINT, &storage_posix, NULL, on_heal, judged) < 0)
		if (errno != ENOENT)
			complain(judged, "heal", "%s", strerror(errno));
	takes_look(&replay->found, MOUNTPOINT, &replay->reference);
	for (unsigned i = 0; i < replay->reference.count; i++)
		judge_take(replay, &replay->reference.take[i], cut->index,
			   judged);
	for (unsigned i = 0; i < replay->found.count; i++)
		if (!takes_find(&replay->reference, replay->found.take[i].name))
			complain(judged, replay->found.take[i].name,
				 "nobody recorded it");
	judge_refused(replay, cut->index, judged);
	judge_before(cut, judged);
}

static void try_cut(struct replay *replay, const struct cut *cut)
{
	struct judged judged = {.loss = -1};

	/* The same whatever part of the moments this is. */
	replay->chance = replay->seed ^ (uint32_t)cut->index * 2654435761u;
	make_disk(replay, cut);
	check_disk(replay);
	if (!mount_disk(replay)) {
		printf("CUT %zu %s - -1 FAIL it does not mount: %s\n",
		       cut->index, cut->cached ? "cache" : "direct",
		       strerror(errno));
		replay->failed++;
		drop_disk(replay);
		return;
	}
	judge(replay, cut, &judged);
	if (umount(MOUNTPOINT) < 0)
		err(2, "umount");
	drop_disk(replay);
	printf("CUT %zu %s %s %.3f %s%s%s\n", cut->index,
	       cut->cached ? "cache" : "direct", judged.in[0] ? judged.in : "-",
	       judged.loss, judged.fault[0] ? "FAIL " : "ok", judged.fault,
	       judged.damaged ? " damaged" : "");
	fflush(stdout);
	replay->failed += judged.fault[0] != '\0';
}

static void open_base(struct replay *replay, const char *path)
{
	struct stat status;

	replay->base = path;
	if (stat(path, &status) < 0)
		err(2, "%s", path);
	replay->copied = S_ISREG(status.st_mode);
	replay->disk = open(path, O_RDWR | direct(replay) | O_CLOEXEC);
	if (replay->disk < 0)
		err(2, "%s", path);
	snprintf(replay->copy, sizeof(replay->copy), "%.200s.cut", path);
}

static int replay_part(char **argv, size_t first, size_t count)
{
	static struct replay replay;
	size_t wanted = (size_t)atoll(argv[5]), cuts;
	struct cut *cut = calloc(wanted + 1, sizeof(*cut));

	if (!cut)
		err(2, "cuts");
	replay.system = argv[2];
	replay.seed = replay.chance = (uint32_t)atoll(argv[6]);
	open_base(&replay, argv[0]);
	write_log_open(&replay.log, argv[1]);
	takes_read(&replay.reference, argv[3]);
	marks_read(&replay.marks, &replay.log, (uint64_t)atoll(argv[4]));
	for (unsigned i = 0; i < replay.reference.count; i++)
		marks_check(&replay.marks, replay.reference.take[i].name);
	cuts = choose_cuts(&replay, cut, wanted);
	for (size_t i = first; i < cuts && i - first < count; i++)
		try_cut(&replay, &cut[i]);
	free(cut);
	return replay.failed > 0;
}

static int bring_to_last_flush(const char *base, const char *path)
{
	static struct replay replay;
	int disk = open(base, O_WRONLY | O_CLOEXEC);
	size_t end;

	if (disk < 0)
		err(2, "%s", base);
	write_log_open(&replay.log, path);
	end = last_flush(&replay, replay.log.count);
	for (size_t i = 0; i < end; i++)
		write_log_apply(&replay.log, i, disk, NULL, NULL);
	marks_print_last(&replay.log, end);
	close(disk);
	return 0;
}

int main(int argc, char **argv)
{
	static struct takes takes, known;

	log_init("powercut", LOG_LEVEL_ERROR);
	setenv("DM_DISABLE_UDEV", "1", 1); /* there is none: make the nodes */
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "look") == 0) {
		if (argc == 4)
			takes_read(&known, argv[3]);
		takes_look(&takes, argv[2], &known);
		takes_write(&takes, stdout);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "flushed") == 0)
		return bring_to_last_flush(argv[2], argv[3]);
	if (argc == 9 && strcmp(argv[1], "replay") == 0)
		return replay_part(argv + 2, 0, SIZE_MAX);
	if (argc == 11 && strcmp(argv[1], "replay") == 0)
		return replay_part(argv + 2, (size_t)atoll(argv[9]),
				   (size_t)atoll(argv[10]));
	errx(2, "usage: powercut look MEDIUM [REFERENCE] | "
		"powercut flushed BASE LOG | "
		"powercut replay BASE LOG SYSTEM "
		"REFERENCE BYTE CUTS SEED [FIRST COUNT]");
}
