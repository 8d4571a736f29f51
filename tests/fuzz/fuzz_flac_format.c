/*
 * Any bytes as a head, as a frame and as seek points. A sector that is read
 * must be written back so that it reads equal; a frame that is renumbered must
 * have the number, the length and the checksums it ought to.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "take/flac_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static uint16_t slow_crc16(const uint8_t *data, size_t size)
{
	unsigned crc = 0, bit;

	while (size--) {
		crc ^= (unsigned)*data++ << 8;
		for (bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc & 0x8000 ? 0x18005 : 0);
	}
	return (uint16_t)crc;
}

static void check_sector(const uint8_t *data)
{
	uint8_t written[FLAC_SECTOR_BYTES], again[FLAC_SECTOR_BYTES];
	struct flac_head head, read;

	if (flac_read_sector(data, &head))
		return;
	check(head.info.max_block >= head.info.min_block);
	check(head.info.channels <= 8 && head.info.bits <= 32);
	flac_write_sector(written, &head);
	check(flac_read_sector(written, &read) == 0);
	flac_write_sector(again, &read);
	check(memcmp(written, again, sizeof(written)) == 0);
	check(read.checkpoint[0].sequence == head.checkpoint[0].sequence);
	check(read.checkpoint[1].samples == head.checkpoint[1].samples);
}

static void check_frame(const uint8_t *frame, size_t size, uint64_t offset)
{
	struct flac_frame_header header, raised;
	uint8_t *out;
	int n;

	if (flac_read_frame_header(frame, size, &header))
		return;
	check(header.size <= size && header.block >= 1);
	check(header.block <= 65535 && header.channels <= 8);
	out = malloc(size + 6);
	if (!out)
		return;
	n = flac_renumber_frame(frame, size, offset, out);
	if (n > 0) {
		check((size_t)n >= size && (size_t)n <= size + 5);
		check(flac_read_frame_header(out, (size_t)n, &raised) == 0);
		check(raised.number == header.number + offset);
		check(raised.block == header.block);
		check(raised.size - header.size == (size_t)n - size);
		check(slow_crc16(out, (size_t)n) == 0);
		check(memcmp(out + raised.size, frame + header.size,
			     size - header.size - 2) == 0);
	}
	free(out);
}

/* Each eight bytes are how far the next frame is from the one before. */
static void check_seek(const uint8_t *data, size_t size)
{
	struct flac_seekpoint point = {0};
	struct flac_seek_list list;
	uint64_t step;
	unsigned i;

	flac_seek_init(&list, size);
	for (; size >= 8; data += 8, size -= 8) {
		flac_seek_offer(&list, &point);
		memcpy(&step, data, 8);
		point.sample += step >> (step & 63);
	}
	check(list.count <= FLAC_SEEK_POINTS);
	for (i = 1; i < list.count; i++)
		check(list.point[i].sample > list.point[i - 1].sample);
}

static void check_rest(const char *text)
{
	static uint8_t rest[FLAC_HEAD_BYTES - FLAC_SECTOR_BYTES];
	struct flac_tag tags[2] = {{text, "value"}, {"TITLE", text}};

	flac_write_rest(rest, NULL, 0, tags, 2);
	check(flac_write_rest(rest, NULL, 0, tags + 1, 1) == 0 ||
	      strlen(text) > 10000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t offset = 0;
	uint8_t *exact = malloc(size + 1);

	if (!exact)
		return 0;
	memcpy(exact, data, size);
	exact[size] = 0;
	if (size >= FLAC_SECTOR_BYTES)
		check_sector(exact);
	check(flac_crc16(0, exact, size) == slow_crc16(exact, size));
	check_seek(exact, size);
	check_rest((const char *)exact);
	free(exact);
	if (size < 4)
		return 0;
	/* The first four bytes are the offset, the rest a frame. */
	memcpy(&offset, data, 4);
	size -= 4;
	exact = malloc(size ? size : 1);
	if (!exact)
		return 0;
	memcpy(exact, data + 4, size);
	check_frame(exact, size, offset >> (offset & 31));
	free(exact);
	return 0;
}
