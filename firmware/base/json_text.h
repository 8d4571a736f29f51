/*
 * json_text: JSON to and from text, whole or not at all.
 *
 * jansson's own json_dumps can leave something out without saying so when an
 * allocation fails while its text grows; json_loadb and its like a byte of a
 * text or a digit of a number; and what json_array_append_new could not add is
 * missing where nobody looks at what it returns. Any thread.
 */
#ifndef TAKEBOX_JSON_TEXT_H
#define TAKEBOX_JSON_TEXT_H

#include <jansson.h>

/* flags as for json_dumps. The caller's to free; NULL: json is NULL, or there
 * is no memory. */
char *json_text(const json_t *json, size_t flags);

/* The other way: json_loadb with JSON_REJECT_DUPLICATES; as json_loadfd does, a
 * KiB at a time, for what other programs may have written, which is to be of so
 * many bytes at most. NULL with errno: EINVAL, which error (may be NULL)
 * explains; EFBIG; ENOMEM, or what reading the file gave (EIO), which say
 * nothing of the text. */
json_t *json_read(const char *text, size_t size, json_error_t *error);
json_t *json_read_file(int fd, size_t most);

/* That a take.json may have: some 300,000 markers and gaps. */
#define JSON_TAKE_BYTES (64u << 20)

/* As json_deep_copy, which can leave out what it has no memory for. */
json_t *json_whole_copy(const json_t *json);

/* For an array and an object that are being made: value's reference is taken.
 * What cannot be added, or is NULL, costs the whole: *array or *object is freed
 * and NULL from then on, which json_pack, and these two, pass on. */
void json_add_item(json_t **array, json_t *value);
void json_add_member(json_t **object, const char *key, json_t *value);

#endif
