/* running.conf, in the language of all configurations. */
#include "base/config_kept.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static bool find_file(char path[PATH_MAX], const char *name)
{
	const char *folders = getenv("RUNTIME_DIRECTORY");

	if (!folders || !folders[0])
		return false;
	snprintf(path, PATH_MAX, "%.*s/%s", (int)strcspn(folders, ":"), folders,
		 name);
	return true;
}

static int write_file(const struct config *config, const char *path)
{
	FILE *file = fopen(path, "we");
	int error;

	if (!file)
		return -errno;
	error = config_print(config, file);
	if (fclose(file) != 0 && error == 0)
		error = -errno;
	return error;
}

void config_keep(const struct config *config)
{
	char path[PATH_MAX], new[PATH_MAX];
	int error;

	if (!find_file(path, "running.conf") ||
	    !find_file(new, ".running.conf.new"))
		return;
	error = write_file(config, new);
	if (error == 0 && rename(new, path) < 0)
		error = -errno;
	if (error < 0)
		log_warning(
			"the configuration could not be kept in %s (%s): if "
			"it is changed and takeboxd dies in a take, that "
			"take ends there",
			path, strerror(-error));
}

int config_kept(struct config *config)
{
	char path[PATH_MAX], error[512];
	int code;

	if (!find_file(path, "running.conf"))
		return -ENOENT;
	code = config_load(config, path, error, sizeof(error));
	return code < 0 ? code : config_check(config, error, sizeof(error));
}
