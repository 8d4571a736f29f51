/*
 * A board from a text, and what is said of it. In one program at most once.
 */
#ifndef TAKEBOX_TESTS_BOARD_TEXT_H
#define TAKEBOX_TESTS_BOARD_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "surface/board.h"

static struct board board;
static char error[512];

static inline void accept_board(const char *text)
{
	int result;

	memset(&board, 0xa5, sizeof(board));
	result = board_parse(&board, text, "/x/t.board", error, sizeof(error));
	assert_string_equal(error, "");
	assert_int_equal(result, 0);
}

static inline void refuse_board(const char *text, const char *message)
{
	assert_int_equal(
		board_parse(&board, text, "t.board", error, sizeof(error)),
		-EINVAL);
	assert_string_equal(error, message);
}

#endif
