/* Which of the media takes go to. */
#include <limits.h>
#include <string.h>

#include "take/media.h"

static bool is_among(const struct medium *medium, const char *folders)
{
	char path[PATH_MAX];
	size_t length;

	media_path(path, sizeof(path), medium);
	for (; *folders; folders += length + (folders[length] == ':')) {
		length = strcspn(folders, ":");
		if (length == strlen(path) &&
		    strncmp(folders, path, length) == 0)
			return true;
	}
	return false;
}

const struct medium *media_newest(const struct media *media, unsigned except,
				  const char *mirrors)
{
	for (unsigned i = media->count; i-- > 0;)
		if (media->medium[i].id != except &&
		    !is_among(&media->medium[i], mirrors))
			return &media->medium[i];
	return NULL;
}
