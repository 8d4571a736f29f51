/*
 * options: what all commands of takebox understand.
 *
 * A command's table of long options ends with OPTIONS_COMMON; its getopt_long
 * loop hands every letter it does not know to options_common.
 */
#ifndef TAKEBOX_TOOLS_OPTIONS_H
#define TAKEBOX_TOOLS_OPTIONS_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

struct options {
	const char *help;   /* the command's text for --help */
	const char *socket; /* NULL: the usual places */
	bool json;
};

enum {
	OPTION_SOCKET = 0x100,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_OWN, /* long options of a command are numbered from here */
};

#define OPTIONS_COMMON                                                         \
	{"socket", required_argument, NULL, OPTION_SOCKET},                    \
		{"json", no_argument, NULL, OPTION_JSON},                      \
		{"help", no_argument, NULL, OPTION_HELP},                      \
		{"version", no_argument, NULL, OPTION_VERSION},                \
	{                                                                      \
		NULL, 0, NULL, 0                                               \
	}

/* Handles one of the common options, or a wrong one. Returns -1 to go on, or
 * the exit code to leave with. */
int options_common(struct options *options, int letter, char **argv);

/* For commands that take no option of their own: reads all. Same returns;
 * optind then is the first argument. */
int options_read(struct options *options, int argc, char **argv);

/* Says on standard error what is wrong and where help is; EXIT_USAGE. */
int options_wrong(char **argv, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The number in text as a whole, within [low, high]. Returns 0 or -EINVAL. */
int options_number(const char *text, double low, double high, double *number);

/* Puts one request (consumed) to the recorder. Reports every failure: on
 * standard error and, with --json, as an object on standard output. Returns
 * an exit code; *reply is the caller's if that is EXIT_OK, else NULL. With
 * --json the reply has been printed already. */
int options_ask(const struct options *options, char **argv, json_t *request,
		json_t **reply);

/* One line of JSON on standard output, without the "id" of the protocol. */
void options_print_json(json_t *object);

/* Reports that the recorder cannot be talked to; returns EXIT_NO_DAEMON, or
 * EXIT_FAILED if it talks nonsense. */
int options_no_daemon(const struct options *options, char **argv,
		      const char *where, int error);

#endif
