/*
 * encoder: samples in, FLAC frames out; the only file that includes libFLAC's
 * encoder.
 *
 * It writes nothing itself: each whole frame is given to frame_fn, which only
 * queues and cannot fail (a write callback that fails kills libFLAC's encoder
 * for good, and its finish() returns true all the same). No MD5 is taken here
 * where libFLAC lets that be switched off: md5_lanes does it for all tracks at
 * once.
 *
 * One thread at a time per encoder.
 */
#ifndef TAKEBOX_ENCODER_H
#define TAKEBOX_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#define ENCODER_BLOCK                                                          \
	4096u /* samples of a frame; within the streamable subset              \
		 at every rate */

/* number: of the frame, from 0; samples: in it. */
typedef void (*encoder_frame_fn)(void *context, const uint8_t *frame,
				 size_t size, uint64_t number,
				 unsigned samples);

struct encoder_setup {
	unsigned rate, bits, channels; /* channels: 1 or 2 */
	unsigned level;		       /* 0..8 */
	encoder_frame_fn frame_fn;
	void *context;
};

struct encoder;

int encoder_create(struct encoder **encoder, const struct encoder_setup *setup);
void encoder_destroy(struct encoder *encoder); /* NULL allowed */

/* planes[channel][0..count). A block's frame comes out when one sample more
 * than the block has been fed. */
int encoder_feed(struct encoder *encoder, const int32_t *const *planes,
		 unsigned count);

/* The last frames; then the encoder counts from frame 0 again. All memory that
 * libFLAC had (some 330 KiB, half of which it never touches) is free until
 * more is fed. -ENOMEM: they are lost, which libFLAC gives no other reason
 * for. */
int encoder_finish(struct encoder *encoder);

/* The level takes effect behind the next encoder_finish. */
void encoder_set_level(struct encoder *encoder, unsigned level);
unsigned encoder_level(const struct encoder *encoder);

#endif
