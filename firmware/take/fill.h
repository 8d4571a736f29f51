/*
 * fill: brings a mirror up to date. Every finished take of one medium that the
 * other has not, or has less of (it was pulled in mid-take), is copied to it
 * under the same name, read again from the medium, and compared.
 *
 * A take is only ever put in the place of one that is the same recording (same
 * tape, same first frame) and has nothing that it has not (take/extent.h).
 * Another take of that name stays, and so do files of others. A take that was
 * deleted there is not brought back. The copy is made beside it and gets its
 * name when it is whole, so that it can be cut off at any point and begun
 * again; what there is no room for is not begun.
 *
 * Blocking; any thread.
 */
#ifndef TAKEBOX_FILL_H
#define TAKEBOX_FILL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum fill_result {
	FILL_THERE,   /* already, with all that is in it */
	FILL_COPIED,  /* and compared */
	FILL_OTHER,   /* another take has that name there, or each of the two
			 has something of it that the other has not */
	FILL_DELETED, /* it was, on purpose */
	FILL_LEFT,    /* out, for what is to stay free there */
	FILL_BUSY,    /* it is being recorded, made whole, or copied */
	FILL_LARGE,   /* a file of it is larger than any can be there (FAT32);
			 nothing was written */
	FILL_FAILED,  /* error */
};

struct fill_take {
	const char *session, *take;
	enum fill_result result;
	int error; /* negative errno; -EBADMSG: it reads other than written;
		      -ENODATA: files of it are missing, and it would replace
		      one that has them */
};

typedef void (*fill_fn)(void *context, const struct fill_take *take);

/* from, to: media. leave: bytes that takes that to has nothing of leave free
 * there. stop (may be NULL): set by others to end it soon. fn may be NULL.
 * Number of takes that failed or are too large, -ECANCELED, or a negative errno
 * if from cannot be read. */
int fill_mirror(const char *from, const char *to, uint64_t leave,
		const atomic_bool *stop, fill_fn fn, void *context);

#endif
