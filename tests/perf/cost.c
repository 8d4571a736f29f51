/*
 * cost: runs a command and says what it and all its descendants cost.
 *
 *     cost [-m] [-o FILE] COMMAND...
 *
 * One line of key=value: user, sys and wall seconds; nvcsw, the voluntary
 * context switches; rss, the peak of the largest process in KiB. With -m, every
 * 20 ms, the memory of all that live is added up from smaps_rollup: own, the
 * largest sum of anonymous and file pages (each process's share of them), and
 * shared, that of memory files (the tape), in KiB. That reading is not free for
 * them, so CPU is to be measured without -m.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX  4096
#define SAMPLE_NS 20000000

struct memory {
	long own, shared; /* KiB */
};

struct process {
	pid_t pid, parent;
	bool ours;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		char *end = strrchr(line, ')');

		if (end && sscanf(end + 1, " %*c %d", &parent) != 1)
			parent = 0;
	}
	fclose(file);
	return parent;
}

static unsigned list_processes(struct process *list, unsigned max)
{
	DIR *proc = opendir("/proc");
	unsigned count = 0;

	for (struct dirent *d; proc && count < max && (d = readdir(proc));) {
		pid_t pid = atoi(d->d_name);

		if (pid > 0)
			list[count++] =
				(struct process){pid, parent_of(pid), false};
	}
	if (proc)
		closedir(proc);
	return count;
}

/* Marks our descendants. */
static void mark_ours(struct process *list, unsigned count)
{
	pid_t self = getpid();
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < count; i++) {
			bool ours = list[i].parent == self;

			for (unsigned k = 0; !ours && k < count; k++)
				ours = list[k].ours &&
				       list[k].pid == list[i].parent;
			if (ours && !list[i].ours)
				list[i].ours = more = true;
		}
	}
}

static void add_memory(pid_t pid, struct memory *sum)
{
	char path[64], line[256];
	FILE *file;
	long value;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pss_Anon: %ld", &value) == 1 ||
		    sscanf(line, "Pss_File: %ld", &value) == 1)
			sum->own += value;
		else if (sscanf(line, "Pss_Shmem: %ld", &value) == 1)
			sum->shared += value;
	}
	if (file)
		fclose(file);
}

static void sample_memory(struct memory *peak)
{
	static struct process list[PIDS_MAX];
	unsigned count = list_processes(list, PIDS_MAX);
	struct memory sum = {0, 0};

	mark_ours(list, count);
	for (unsigned i = 0; i < count; i++)
		if (list[i].ours)
			add_memory(list[i].pid, &sum);
	if (sum.own > peak->own)
		peak->own = sum.own;
	if (sum.shared > peak->shared)
		peak->shared = sum.shared;
}

/* Until no descendant is left; the exit status of child. */
static int wait_for_all(pid_t child, bool memory, struct memory *peak)
{
	const struct timespec pause = {0, SAMPLE_NS};
	int status, result = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, memory ? WNOHANG : 0);

		if (pid < 0 && errno == ECHILD)
			return result;
		if (pid == child)
			result = status;
		if (pid == 0) {
			sample_memory(peak);
			nanosleep(&pause, NULL);
		}
	}
}

static double seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec * 1e-6;
}

static void report(FILE *out, double wall, const struct memory *peak)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	fprintf(out,
		"user=%.3f sys=%.3f wall=%.3f nvcsw=%ld rss=%ld own=%ld "
		"shared=%ld\n",
		seconds(&usage.ru_utime), seconds(&usage.ru_stime), wall,
		usage.ru_nvcsw, usage.ru_maxrss, peak->own, peak->shared);
}

int main(int argc, char **argv)
{
	struct memory peak = {0, 0};
	bool memory = false;
	FILE *out = stdout;
	int option, status;

	while ((option = getopt(argc, argv, "+mo:")) != -1) {
		if (option == 'm')
			memory = true;
		else if (option != 'o' || !(out = fopen(optarg, "a")))
			return 2;
	}
	if (optind == argc)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

	double start = now();
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[optind], argv + optind);
		perror(argv[optind]);
		_exit(127);
	}
	status = wait_for_all(child, memory, &peak);
	report(out, now() - start, &peak);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
