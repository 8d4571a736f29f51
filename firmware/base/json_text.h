/*
 * json_text: JSON as text, whole or not at all.
 *
 * jansson's own json_dumps can leave something out without saying so when an
 * allocation fails while its text grows. Any thread.
 */
#ifndef TAKEBOX_JSON_TEXT_H
#define TAKEBOX_JSON_TEXT_H

#include <jansson.h>

/* flags as for json_dumps. The caller's to free; NULL: json is NULL, or there
 * is no memory. */
char *json_text(const json_t *json, size_t flags);

#endif
