/* By sound alone: names and tags are each writer's own. */
#include "take/fill_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "take/extent.h"
#include "take/flac_blocks.h"
#include "take/flac_check.h"

/* The first samples of a file that is being proven. */
struct proof {
	const atomic_bool *stop;
	const struct flac_streaminfo *want; /* whose sound they are to be */
	struct md5_state md5;
};

static int add_to_proof(void *user, const int32_t *const *planes,
			unsigned count, uint64_t position)
{
	struct proof *proof = user;
	uint64_t left = position < proof->want->samples
				? proof->want->samples - position
				: 0;

	if (proof->stop && atomic_load(proof->stop))
		return -ECANCELED;
	flac_hash(&proof->md5, proof->want, planes,
		  left < count ? (unsigned)left : count);
	return 0;
}

static bool are_of_one_format(const struct flac_streaminfo *a,
			      const struct flac_streaminfo *b)
{
	return a->channels == b->channels && a->bits == b->bits &&
	       a->samples >= b->samples;
}

/* -EBADMSG: its sound is not what its head says, or does not begin with all
 * that want tells of. */
static int prove_file(const atomic_bool *stop, int dir, const char *name,
		      const struct flac_streaminfo *want)
{
	struct proof proof = {.stop = stop, .want = want};
	struct flac_check_want prove = {
		.samples = add_to_proof, .user = &proof, .prefix_only = true};
	struct flac_check check = {0};
	char path[64 + TAKE_FILE_MAX];
	uint8_t md5[16];
	int error;

	md5_init(&proof.md5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	error = flac_check_samples(path, &prove, &check);
	if (error < 0)
		return error;
	md5_digest(&proof.md5, md5);
	return check.verdict == FLAC_WHOLE && check.md5_right &&
			       memcmp(md5, want->md5, sizeof(md5)) == 0
		       ? 0
		       : -EBADMSG;
}

static int read_info(int dir, const char *name, struct flac_streaminfo *info)
{
	struct flac_blocks blocks;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int error = fd < 0 ? -errno : flac_read_blocks(fd, &blocks);

	if (fd >= 0)
		close(fd);
	if (error == 0)
		*info = blocks.head.info;
	return error;
}

/* Tags may differ: each writer had its own clock. */
static int compare_sound(const atomic_bool *stop, int from, int old,
			 const char *name)
{
	struct flac_streaminfo new, there;
	int error = read_info(from, name, &new);

	if (error == 0)
		error = read_info(old, name, &there);
	if (error < 0)
		return error == -ENOMEM ? error : -EBADMSG;
	return are_of_one_format(&new, &there)
		       ? prove_file(stop, from, name, &there)
		       : -EBADMSG;
}

static int compare_file(const atomic_bool *stop, int from, int old,
			const struct take_info *info, unsigned index,
			unsigned part)
{
	char file[TAKE_FILE_MAX];

	take_info_file(&info->track[index], part, file);
	switch (extent_look_at_file(info, index, part, old)) {
	case EXTENT_FILE_THERE:
		return compare_sound(stop, from, old, file);
	case EXTENT_FILE_LOST: /* its head says nothing */
		return compare_sound(stop, from, from, file);
	case EXTENT_FILE_UNKNOWN:
		return -ENOMEM;
	default:
		return 0;
	}
}

int fill_prove_rest(int from, int old, const struct take_info *info,
		    const atomic_bool *stop)
{
	int error = 0;

	for (unsigned i = 0; i < info->tracks; i++)
		for (unsigned part = 0; part < take_info_parts(info); part++)
			if (error == 0 && info->track[i].filed)
				error = compare_file(stop, from, old, info, i,
						     part);
	return error;
}
