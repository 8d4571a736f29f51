/*
 * Any bytes as a board file. What is accepted must keep the promises of
 * board.h, pass through the checks and become a drawing and tables; a refusal
 * must say why, in one line.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "surface/board.h"
#include "tools/board_draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* See fuzz_config.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig.so\n";
}

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_output(const struct board *board,
			 const struct board_output *output)
{
	require(output->role < BOARD_OUTPUT_ROLES);
	require((output->role >= BOARD_LAMP_ARM) == (output->track > 0));
	require(output->track <= 64 && output->chain < (int)board->chains);
	if (output->chain >= 0)
		require(output->bit < board->chain[output->chain].bits);
	else
		require(output->wire.line[0] != '\0');
}

static void check_board(const struct board *board)
{
	require(board->inputs <= BOARD_INPUTS_MAX &&
		board->outputs <= BOARD_OUTPUTS_MAX &&
		board->chains <= BOARD_CHAINS_MAX &&
		board->expanders <= BOARD_EXPANDERS_MAX &&
		board->rules <= BOARD_GESTURES_MAX);
	for (unsigned i = 0; i < board->inputs; i++) {
		const struct board_input *input = &board->input[i];

		require(input->role < BOARD_INPUT_ROLES &&
			input->wire.line[0] && input->track <= 64 &&
			(input->role == BOARD_ARM) == (input->track > 0));
	}
	for (unsigned i = 0; i < board->outputs; i++)
		check_output(board, &board->output[i]);
	for (unsigned i = 0; i < board->chains; i++)
		require(board->chain[i].bits % 8 == 0 &&
			board->chain[i].bits <= BOARD_CHAIN_BITS &&
			(board->chain[i].spi[0] ||
			 board->chain[i].data.line[0]));
	for (unsigned i = 0; i < board->rules; i++)
		require(board->rule[i].button < BOARD_INPUT_ROLES &&
			board->rule[i].gesture < BOARD_GESTURES &&
			board->rule[i].action < BOARD_ACTIONS);
	require(board->debounce > 0 && board->settle > 0 && board->hold > 0 &&
		board->long_press > 0 && board->double_press > 0);
}

static void take_finding(void *context, bool error, unsigned line,
			 const char *text)
{
	*(unsigned *)context += error;
	(void)line;
	require(*text && !strchr(text, '\n'));
}

static void draw(const struct board *board)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	require(out);
	board_draw(board, out);
	board_table(board, out);
	fclose(out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board board;
	unsigned errors = 0;
	char error[256];
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (board_parse(&board, text, "fuzz.board", error, sizeof(error)) ==
	    0) {
		check_board(&board);
		require(board_check(&board, take_finding, &errors) == errors);
		draw(&board);
	} else {
		require(*error && !strchr(error, '\n'));
	}
	free(text);
	return 0;
}
