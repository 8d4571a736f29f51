/*
 * takebox eject: two have to agree. The recorder says whether a take is on the
 * medium, and lets it go; then whoever mounted it, the helper at the socket
 * "eject" beside the recorder's own, writes out what is left and unmounts it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/client.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/text.h"
#include "tools/view.h"

#define WAIT_MS 120000 /* what a slow stick may have to write */

static const char help[] =
	"takebox eject: let a medium go, to be unplugged\n\n"
	"usage: takebox eject [MEDIUM]\n\n"
	"MEDIUM is its name in /media/takebox; without it, the one that takes "
	"go to.\n"
	"  --json         print the answer as one line of JSON\n"
	"  --socket PATH  the recorder's control socket\n"
	"  --help, --version\n";

static json_t *eject_request(const char *name)
{
	return json_pack("{ss ss}", "cmd", "eject", "name", name);
}

/* The socket "eject" in the folder of the recorder's own. */
static int helper_path(char path[CLIENT_PATH_MAX], const char *recorder)
{
	const char *slash = strrchr(recorder, '/');
	size_t folder = slash ? (size_t)(slash - recorder) + 1 : 0;

	if (folder + sizeof("eject") > CLIENT_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, recorder, folder);
	strcpy(path + folder, "eject");
	return 0;
}

static int complain(char **argv, const char *medium, const char *why)
{
	fprintf(stderr,
		"%s: %s is let go, but cannot be unmounted: %s; do not unplug "
		"it\n",
		argv[0], medium, why);
	return EXIT_MEDIUM;
}

static int unmount(char **argv, const char *recorder, const char *medium)
{
	char path[CLIENT_PATH_MAX], where[CLIENT_PATH_MAX];
	struct client *client = NULL;
	const char *words = NULL;
	json_t *reply = NULL;
	int error = helper_path(path, recorder), code;

	if (error == 0)
		error = client_open(&client, path, where);
	if (error < 0)
		return complain(argv, medium,
				"nobody at /run/takebox/eject does that "
				"(takebox-eject.socket)");
	error = client_request(client, eject_request(medium), WAIT_MS, &reply);
	client_close(client);
	if (error < 0)
		return complain(argv, medium, client_error_words(error));
	code = client_exit_code(reply, &words);
	if (code != EXIT_OK)
		code = complain(argv, medium, words ? words : "no reason");
	json_decref(reply);
	return code;
}

/* The path that the recorder answers at: client_open knows the places. */
static int find_recorder(const struct options *options, char **argv,
			 char where[CLIENT_PATH_MAX])
{
	struct client *client = NULL;
	int error = client_open(&client, options->socket, where);

	client_close(client);
	return error < 0 ? options_no_daemon(options, argv, where, error)
			 : EXIT_OK;
}

int command_eject(int argc, char **argv)
{
	struct options options = {.help = help};
	int code = options_read(&options, argc, argv);
	char where[CLIENT_PATH_MAX], medium[VIEW_TEXT];
	const char *name;
	json_t *reply, *request;
	bool json = options.json;

	if (code >= 0)
		return code;
	if (argc - optind > 1)
		return options_wrong(argv, "one medium at a time");
	code = find_recorder(&options, argv, where);
	if (code != EXIT_OK)
		return code;
	request = eject_request(optind < argc ? argv[optind] : "");
	if (!request)
		return options_wrong(argv, "the name is not valid UTF-8");
	options.json = false; /* there is no answer yet */
	code = options_ask(&options, argv, request, &reply);
	if (code != EXIT_OK)
		return code;
	name = json_string_value(json_object_get(reply, "medium"));
	text_copy(medium, sizeof(medium), name ? name : "?");
	code = unmount(argv, where, name ? name : "");
	json_decref(reply);
	if (json) {
		reply = json_pack("{sb ss}", "ok", code == EXIT_OK, "medium",
				  medium);
		options_print_json(reply);
		json_decref(reply);
	} else if (code == EXIT_OK) {
		printf("%s can be unplugged now\n", medium);
	}
	return code;
}
