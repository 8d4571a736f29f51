/* What the witness said while takes were recorded, by the log of the writes. */
#include "tests/bench/marks.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* of a take; there are some fifty a second on a machine that is not busy */
#define MARKS_LEAST 3

static bool parse_mark(const char *text, struct mark *mark)
{
	unsigned long long start, position, durable;

	if (strncmp(text, "TBMARK begin", 12) == 0) {
		mark->kind = MARK_BEGIN;
		return true;
	}
	if (sscanf(text, "TBMARK done %63s", mark->name) == 1) {
		mark->kind = MARK_DONE;
		return true;
	}
	if (sscanf(text, "TBMARK take %63s %llu %llu %llu", mark->name, &start,
		   &position, &durable) != 4)
		return false;
	mark->kind = MARK_TAKE;
	mark->played = position > start ? position - start : 0;
	mark->durable = durable;
	return true;
}

void marks_read(struct marks *marks, const struct write_log *log,
		uint64_t place)
{
	*marks = (struct marks){0};
	marks->mark = calloc(log->count + 1, sizeof(*marks->mark));
	if (!marks->mark)
		err(2, "marks");
	for (size_t i = 0; i < log->count; i++) {
		struct mark *mark = &marks->mark[marks->count];
		char *text;

		if (log->entry[i].kind != WRITE_DATA ||
		    log->entry[i].at != place)
			continue;
		text = write_log_read(log, i);
		mark->index = i;
		marks->count += parse_mark(text, mark);
		free(text);
	}
}

size_t marks_begin(const struct marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->mark[i].kind == MARK_BEGIN)
			return marks->mark[i].index;
	errx(2, "the log has no beginning");
}

static bool is_done(const struct mark *mark, const char *name)
{
	return mark->kind == MARK_DONE && strcmp(mark->name, name) == 0;
}

void marks_check(const struct marks *marks, const char *name)
{
	size_t begin = marks_begin(marks);
	unsigned told = 0;

	for (size_t i = 0; i < marks->count; i++)
		told += marks->mark[i].kind == MARK_TAKE &&
			strcmp(marks->mark[i].name, name) == 0;
	printf("MARKS %s %u\n", name, told);
	for (size_t i = 0; i < marks->count && told < MARKS_LEAST; i++)
		if (is_done(&marks->mark[i], name) &&
		    marks->mark[i].index > begin)
			errx(2, "the witness told of %s %u times only", name,
			     told);
}

struct marks_known marks_known(const struct marks *marks, const char *name,
			       size_t cut)
{
	struct marks_known known = {0};
	bool after = false;

	for (size_t i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->mark[i];
		bool before = mark->index < cut;

		if (mark->kind == MARK_BEGIN || strcmp(mark->name, name) != 0)
			continue;
		if (mark->kind == MARK_DONE) {
			known.done |= before;
			continue;
		}
		if (before && mark->durable > known.durable) {
			known.claimed = known.durable;
			known.durable = mark->durable;
		}
		if (before || (!after && known.played > 0))
			known.played = mark->played;
		after |= !before;
	}
	return known;
}

void marks_print_last(const struct write_log *log, size_t end)
{
	while (end-- > 0) {
		char *text;

		if (log->entry[end].kind != WRITE_DATA)
			continue;
		text = write_log_read(log, end);
		if (strncmp(text, "TBMARK ", 7) == 0) {
			printf("%.*s\n", (int)strcspn(text, "\n"), text);
			end = 0;
		}
		free(text);
	}
}
