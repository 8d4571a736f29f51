/* Twice through the tree: first for the length, so that nothing has to grow. */
#include "base/json_text.h"

#include <stdlib.h>

char *json_text(const json_t *json, size_t flags)
{
	size_t size = json ? json_dumpb(json, NULL, 0, flags) : 0;
	char *text = size > 0 ? malloc(size + 1) : NULL;

	if (!text)
		return NULL;
	if (json_dumpb(json, text, size, flags) != size) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}
