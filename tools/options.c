/*
 * options: the part of a command that is the same in all of them: reading the
 * common options, asking the recorder, telling what went wrong.
 */
#include "tools/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_codes.h"
#include "tools/client.h"
#include "tools/text.h"

/* A medium that is busy or waking up may take this long to answer for. */
#define ANSWER_MS 120000

int options_wrong(char **argv, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", argv[0]);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "; try '%s --help'\n", argv[0]);
	return EXIT_USAGE;
}

int options_common(struct options *options, int letter, char **argv)
{
	switch (letter) {
	case OPTION_SOCKET:
		options->socket = optarg;
		return -1;
	case OPTION_JSON:
		options->json = true;
		return -1;
	case OPTION_HELP:
		fputs(options->help, stdout);
		return EXIT_OK;
	case OPTION_VERSION:
		puts("takebox " TAKEBOX_VERSION);
		return EXIT_OK;
	default: /* getopt has said what is wrong */
		fprintf(stderr, "try '%s --help'\n", argv[0]);
		return EXIT_USAGE;
	}
}

int options_read(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {OPTIONS_COMMON};
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int code = options_common(options, letter, argv);

		if (code >= 0)
			return code;
	}
	return -1;
}

int options_number(const char *text, double low, double high, double *number)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < low ||
	    value > high)
		return -EINVAL;
	*number = value;
	return 0;
}

void options_print_json(json_t *object)
{
	json_object_del(object, "id");
	json_dumpf(object, stdout,
		   JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	putchar('\n');
	fflush(stdout);
}

static void report(const struct options *options, char **argv,
		   const char *cause, const char *words)
{
	char safe[1024];

	fprintf(stderr, "%s: %s\n", argv[0],
		text_copy(safe, sizeof(safe), words));
	if (options->json && cause) {
		json_t *object = json_pack("{s:b,s:s,s:s}", "ok", 0, "error",
					   cause, "message", safe);

		options_print_json(object);
		json_decref(object);
	}
}

int options_no_daemon(const struct options *options, char **argv,
		      const char *where, int error)
{
	bool nonsense = error == -EPROTO || error == -EMSGSIZE;
	char words[512];

	snprintf(words, sizeof(words), "%s: %s", where,
		 client_error_words(error));
	report(options, argv, nonsense ? "failed" : "no-daemon", words);
	return nonsense ? EXIT_FAILED : EXIT_NO_DAEMON;
}

int options_ask(const struct options *options, char **argv, json_t *request,
		json_t **reply)
{
	char where[CLIENT_PATH_MAX];
	struct client *client = NULL;
	const char *message = NULL;
	int code;
	int r = client_open(&client, options->socket, where);

	*reply = NULL;
	if (r == 0)
		r = client_request(client, request, ANSWER_MS, reply);
	else
		json_decref(request);
	client_close(client);
	if (r < 0)
		return options_no_daemon(options, argv, where, r);
	if (options->json)
		options_print_json(*reply);
	code = (int)client_exit_code(*reply, &message);
	if (code == EXIT_OK)
		return EXIT_OK;
	report(options, argv, NULL, message);
	json_decref(*reply);
	*reply = NULL;
	return code;
}
