/*
 * takebox: talk to the recorder from a shell or a terminal.
 *
 * Finds the command's word, puts the options given before it behind it, and
 * hands over. Alone on a terminal it is the panel.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "tools/commands.h"

static const struct command {
	const char *word, *arguments, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"panel", "", "the panel: meters, transport, keys", command_panel},
	{"status", "", "what the recorder is doing", command_status},
	{"record", "[--name NAME] [--preroll S]", "start a take",
	 command_record},
	{"stop", "", "end the take, print its summary", command_stop},
	{"keep", "[--name NAME] [--seconds S]", "make a take of the past",
	 command_keep},
	{"mark", "[NAME]", "set a marker in the take", command_mark},
	{"arm", "TRACK...|all", "choose tracks to record", command_arm},
	{"disarm", "TRACK...|all", "leave tracks out", command_disarm},
	{"name", "TRACK NAME", "name a track", command_name},
	{"session", "[NAME]", "print or set the session", command_session},
	{"takes", "[--session NAME]", "list the takes", command_takes},
	{"eject", "[MEDIUM]", "let a medium go, to be unplugged",
	 command_eject},
	{"monitor", "[-n COUNT]", "meters of every channel", command_monitor},
	{"devices", "", "the machine's interfaces", command_devices},
	{"board", "list|show|check ...", "what is wired to GPIO lines",
	 command_board},
	{"gpio", "[LINE...]", "GPIO lines: names, levels, who holds them",
	 command_gpio},
	{"verify", "TAKE...", "check takes on a medium", command_verify},
	{"heal", "[FOLDER|TAKE...]", "make interrupted takes whole",
	 command_heal},
	{"panel-test", "[BOARD]", "try every lamp and button",
	 command_panel_test},
	{"delete", "[--yes] TAKE...", "delete takes, by name and on purpose",
	 command_delete},
	{"qualify", "[FOLDER]", "try what a medium can do", command_qualify},
	{"mirror", "FROM TO", "bring a second medium up to date",
	 command_mirror},
	{"run", "-D DEVICE -d S -o FOLDER ...", "record without a daemon",
	 command_run},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void print_help(void)
{
	puts("usage: takebox [COMMAND ...]\n\n"
	     "Alone on a terminal: the panel. Commands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s %-28s %s\n", commands[i].word,
		       commands[i].arguments, commands[i].summary);
	puts("\nEach has --help, and those that talk to the recorder:\n"
	     "  --json         print the recorder's answer as JSON\n"
	     "  --socket PATH  its control socket; else $TAKEBOX_SOCKET,\n"
	     "                 /run/takebox/control or\n"
	     "                 $XDG_RUNTIME_DIR/takebox/control\n\n"
	     "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no "
	     "recorder, 4 refused,\n5 interface, 6 medium, 7 take has gaps, "
	     "8 take damaged, 9 configuration,\n10 not found. More in "
	     "takebox(1).");
}

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "takebox: %s \"%s\"; try 'takebox --help'\n", what,
		word);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Calls command with "takebox WORD", then what was before the word, then what
 * was behind it. word: its place in argv. */
static int run_command(const struct command *command, int word, int argc,
		       char **argv)
{
	char **line = calloc((size_t)argc + 2, sizeof(*line));
	char name[32];
	int count = 0, code;

	if (!line) {
		perror("takebox");
		return EXIT_FAILED;
	}
	snprintf(name, sizeof(name), "takebox %s", command->word);
	line[count++] = name;
	for (int i = 1; i < argc; i++) {
		if (i != word)
			line[count++] = argv[i];
	}
	code = command->run(count, line);
	free(line);
	return code;
}

/* Place of the command's word in argv; argc if there is none. */
static int find_word(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--socket") == 0)
			i++;
		else if (argv[i][0] != '-')
			return i;
	}
	return argc;
}

static int run_alone(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			print_help();
			return EXIT_OK;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("takebox " TAKEBOX_VERSION);
			return EXIT_OK;
		}
	}
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return run_command(find_command("panel"), argc, argc, argv);
	fputs("takebox: which command? try 'takebox --help'\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int word = find_word(argc, argv);
	const struct command *command;
	int code;

	setlocale(LC_CTYPE, "");
	if (word >= argc) {
		code = run_alone(argc, argv);
	} else {
		command = find_command(argv[word]);
		code = command ? run_command(command, word, argc, argv)
			       : wrong("there is no command", argv[word]);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("takebox: standard output");
		return code == EXIT_OK ? EXIT_FAILED : code;
	}
	return code;
}
