/* medium.json: what is known of a medium, on the medium. */
#include "take/qualify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/json_text.h"

#define TYPE	   "takebox-medium"
#define FILE_BYTES (64u << 10) /* at most; one has less than 1 KiB */

static const char *const capacity_word[] = {
	[QUALIFY_REAL] = "real",
	[QUALIFY_FAKE] = "fake",
	[QUALIFY_UNTESTED] = "untested",
	[QUALIFY_PARTLY] = "partly",
};

#define CAPACITIES (sizeof(capacity_word) / sizeof(*capacity_word))

const char *qualify_capacity_word(const struct qualify *result)
{
	return capacity_word[result->capacity];
}

static double number(const json_t *root, const char *key)
{
	return json_number_value(json_object_get(root, key));
}

static int read_json(struct qualify *result, const json_t *root)
{
	const char *id = json_string_value(json_object_get(root, "id"));
	const char *type = json_string_value(json_object_get(root, "type"));
	const char *word = json_string_value(json_object_get(root, "capacity"));
	const char *filesystem =
		json_string_value(json_object_get(root, "filesystem"));

	if (!id || !type || !word || strcmp(type, TYPE) != 0)
		return -ENOENT;
	*result = (struct qualify){
		.capacity = QUALIFY_UNTESTED,
		.bytes_per_second = number(root, "bytes_per_second"),
		.worst_seconds = number(root, "worst_seconds"),
		.real_bytes = (uint64_t)number(root, "real_bytes"),
		.tried_bytes = (uint64_t)number(root, "tried_bytes"),
		.free_bytes = (uint64_t)number(root, "free_bytes"),
		.takes = (unsigned)number(root, "takes"),
		.worst_in_takes = number(root, "worst_in_takes"),
	};
	snprintf(result->id, sizeof(result->id), "%s", id);
	snprintf(result->filesystem, sizeof(result->filesystem), "%.15s",
		 filesystem ? filesystem : "");
	for (size_t i = 0; i < CAPACITIES; i++)
		if (strcmp(word, capacity_word[i]) == 0)
			result->capacity = (enum qualify_capacity)i;
	return 0;
}

/* One that was torn is none; nor is what others may have called so. */
static int read_file(json_t **root, int takebox)
{
	int fd = openat(takebox, QUALIFY_FILE,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error = 0;

	if (fd < 0)
		return -errno;
	*root = json_read_file(fd, FILE_BYTES);
	if (!*root)
		error = errno == EINVAL || errno == EFBIG ? -ENOENT : -errno;
	close(fd);
	return error;
}

/* A copy of all files brings this one along: it is not of this medium. What is
 * kept from now on is kept by what is known of it now. */
int qualify_read(struct qualify *result, int takebox)
{
	json_t *root = NULL;
	int error = read_file(&root, takebox);

	if (error == 0)
		error = read_json(result, root);
	if (error == 0 &&
	    !qualify_id_fits(result->id, takebox, QUALIFY_ID_UDEV))
		error = -ENOENT;
	qualify_id(result->id, takebox, QUALIFY_ID_UDEV);
	json_decref(root);
	return error;
}

static int write_text(int takebox, const char *text)
{
	size_t size = strlen(text);
	int fd = openat(takebox, QUALIFY_FILE,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW |
				O_NONBLOCK,
			0664);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size || fdatasync(fd) < 0)
		error = errno ? -errno : -EIO;
	close(fd);
	return error;
}

/* One that a power cut tears is one that is not known any more: no more. */
int qualify_write(const struct qualify *result, int takebox)
{
	json_t *root = json_pack("{ss si ss ss sf sf ss sI sI sI si sf}",
				 "type", TYPE, "version", 1, "id", result->id,
				 "filesystem", result->filesystem,
				 "bytes_per_second", result->bytes_per_second,
				 "worst_seconds", result->worst_seconds,
				 "capacity", qualify_capacity_word(result),
				 "real_bytes", (json_int_t)result->real_bytes,
				 "tried_bytes", (json_int_t)result->tried_bytes,
				 "free_bytes", (json_int_t)result->free_bytes,
				 "takes", (int)result->takes, "worst_in_takes",
				 result->worst_in_takes);
	char *text = root ? json_text(root, JSON_INDENT(2)) : NULL;
	int error = text ? write_text(takebox, text) : -ENOMEM;

	free(text);
	json_decref(root);
	return error;
}

void qualify_note_take(int takebox, double worst_sync_seconds)
{
	struct qualify result;

	if (qualify_read(&result, takebox) < 0)
		return;
	result.takes++;
	if (worst_sync_seconds > result.worst_in_takes)
		result.worst_in_takes = worst_sync_seconds;
	qualify_write(&result, takebox);
}
