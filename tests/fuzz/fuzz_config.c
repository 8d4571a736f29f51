/*
 * Any bytes as a configuration file. What is accepted must print and read back
 * equal; a refusal must say why, and in one line.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses a string's buffer when a syntax error follows it. That is
 * a few bytes once, in a program that is about to say so and exit; leaks of
 * the recorder's own are still found. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig.so\n";
}

static void check_error(int result, const char *error)
{
	if (result != 0 && (*error == '\0' || strchr(error, '\n')))
		abort();
}

static void check_prints_equal(const struct config *config)
{
	static struct config again;
	char error[256];
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out || config_print(config, out) < 0)
		abort();
	fclose(out);
	config_defaults(&again);
	if (config_add_string(&again, text, "printed", error, sizeof(error)))
		abort();
	if (memcmp(&again, config, sizeof(again)) != 0)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char error[256];
	char *text = malloc(size + 1);
	int result;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	config_defaults(&config);
	result = config_add_string(&config, text, "fuzz", error, sizeof(error));
	check_error(result, error);
	if (result == 0) {
		check_prints_equal(&config);
		check_error(config_check(&config, error, sizeof(error)), error);
	}
	free(text);
	return 0;
}
