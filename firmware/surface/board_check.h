/*
 * board_check: one run of the checks, shared by their files.
 *
 * Internal to board.
 */
#ifndef TAKEBOX_BOARD_CHECK_H
#define TAKEBOX_BOARD_CHECK_H

#include "surface/board.h"

struct board_checker {
	const struct board *board;
	board_finding_fn fn;
	void *context;
	unsigned errors;
};

void board_finding(struct board_checker *checker, bool error, unsigned line,
		   const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void board_check_lines(struct board_checker *checker);
void board_check_gestures(struct board_checker *checker);

#endif
