/*
 * flac_format's heads, checksums and seek points: heads are read back by itself
 * and by libFLAC, what is damaged is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "take/flac_format.h"
#include "make_flac.h"
#include "play_flac.h"

#define REST (FLAC_HEAD_BYTES - FLAC_SECTOR_BYTES)

static const struct make mono = {.channels = 1,
				 .bits = 24,
				 .rate = 48000,
				 .block = 1152,
				 .samples = 20000,
				 .seed = 1};
static const struct make stereo = {.channels = 2,
				   .bits = 16,
				   .rate = 44100,
				   .block = 4096,
				   .samples = 30000,
				   .seed = 2};

/* --- checksums --- */

static void checksums_are_the_standard_ones(void **unused)
{
	const uint8_t *digits = (const uint8_t *)"123456789";

	(void)unused;
	assert_int_equal(flac_crc8(digits, 9), 0xf4);
	assert_int_equal(flac_crc16(0, digits, 9), 0xfee8);
	assert_int_equal(crc32_update(0, digits, 9), 0xcbf43926);
}

static void checksums_go_on_over_pieces(void **unused)
{
	uint8_t data[300];
	uint32_t seed = 3;
	unsigned i, cut;

	(void)unused;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)made_chance(&seed, 256);
	for (cut = 0; cut <= sizeof(data); cut++) {
		assert_int_equal(flac_crc16(flac_crc16(0, data, cut),
					    data + cut, sizeof(data) - cut),
				 flac_crc16(0, data, sizeof(data)));
		assert_int_equal(crc32_update(crc32_update(0, data, cut),
					      data + cut, sizeof(data) - cut),
				 crc32_update(0, data, sizeof(data)));
	}
}

static void libflac_s_frames_have_these_checksums(void **unused)
{
	struct made made;
	unsigned i;

	(void)unused;
	make_frames(&made, &stereo);
	for (i = 0; i < made.frames; i++)
		assert_int_equal(flac_crc16(0, made.data + made.frame[i].at,
					    made.frame[i].size),
				 0);
	unmake(&made);
}

/* --- the sector --- */

static const struct flac_head running = {
	.info = {4096, 4096, 14, 0xffffff, 192000, 2, 24, 0xfffffffffULL, {0}},
	.checkpoint = {{7, 40960, 123456789012ULL, {1, 2, 3, 0xffffffff}},
		       {8, 81920, 223456789012ULL, {5, 6, 7, 0x80000000}}}};

static void assert_same_head(const struct flac_head *a,
			     const struct flac_head *b)
{
	unsigned i;

	assert_int_equal(a->info.min_block, b->info.min_block);
	assert_int_equal(a->info.max_block, b->info.max_block);
	assert_int_equal(a->info.min_frame, b->info.min_frame);
	assert_int_equal(a->info.max_frame, b->info.max_frame);
	assert_int_equal(a->info.rate, b->info.rate);
	assert_int_equal(a->info.channels, b->info.channels);
	assert_int_equal(a->info.bits, b->info.bits);
	assert_int_equal(a->info.samples, b->info.samples);
	assert_memory_equal(a->info.md5, b->info.md5, 16);
	assert_int_equal(a->finished, b->finished);
	for (i = 0; i < 2; i++) {
		assert_int_equal(a->checkpoint[i].sequence,
				 b->checkpoint[i].sequence);
		assert_int_equal(a->checkpoint[i].samples,
				 b->checkpoint[i].samples);
		assert_int_equal(a->checkpoint[i].size, b->checkpoint[i].size);
		assert_memory_equal(a->checkpoint[i].md5, b->checkpoint[i].md5,
				    16);
	}
}

static void a_running_sector_reads_back(void **unused)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;

	(void)unused;
	flac_write_sector(sector, &running);
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_same_head(&head, &running);
}

/* A stock reader goes from STREAMINFO to the first frame. */
static void a_covered_sector_leads_past_all_else(void **unused)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head, covered = running;

	(void)unused;
	covered.covered = true;
	flac_write_sector(sector, &covered);
	assert_int_equal(sector[42], 0x80 | 2);
	assert_int_equal(
		42 + 4 + (sector[43] << 16 | sector[44] << 8 | sector[45]),
		FLAC_HEAD_BYTES);
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_true(head.covered);
	assert_same_head(&head, &running);
	sector[45]--;
	assert_int_equal(flac_read_sector(sector, &head), -EINVAL);
}

static void a_finished_sector_reads_back_without_checkpoints(void **unused)
{
	struct flac_head finished = {.info = running.info, .finished = true};
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head, given = running;

	(void)unused;
	memset(finished.info.md5, 0x5a, 16);
	given.info = finished.info;
	given.finished = true;
	flac_write_sector(sector, &given);
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_same_head(&head, &finished);
}

static void a_sector_without_checkpoints_reads_back(void **unused)
{
	struct flac_head none = {.info = running.info}, head;
	uint8_t sector[FLAC_SECTOR_BYTES];

	(void)unused;
	flac_write_sector(sector, &none);
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_same_head(&head, &none);
}

static void what_streaminfo_cannot_hold_is_unknown(void **unused)
{
	struct flac_head big = {.info = running.info}, head;
	uint8_t sector[FLAC_SECTOR_BYTES];

	(void)unused;
	big.info.samples = 1ULL << 36;
	big.info.max_frame = 1U << 24;
	flac_write_sector(sector, &big);
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_int_equal(head.info.samples, 0);
	assert_int_equal(head.info.max_frame, 0);
	assert_int_equal(head.info.rate, 192000);
}

/* Each bit of each slot in turn: that slot is empty, the other one is there. */
static void a_damaged_slot_is_empty_and_the_other_stays(void **unused)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head, expected;
	unsigned slot, bit, at;

	(void)unused;
	for (slot = 0; slot < 2; slot++) {
		expected = running;
		memset(&expected.checkpoint[slot], 0,
		       sizeof(expected.checkpoint[slot]));
		for (bit = 0; bit < 44 * 8; bit++) {
			flac_write_sector(sector, &running);
			at = 64 + 64 * slot + bit / 8;
			sector[at] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(flac_read_sector(sector, &head), 0);
			assert_same_head(&head, &expected);
		}
	}
}

static void foreign_and_damaged_sectors_are_refused(void **unused)
{
	static const unsigned at[] = {0, 3, 4, 7, 42, 43, 45, 46, 49};
	uint8_t sector[FLAC_SECTOR_BYTES] = {0};
	struct flac_head head;
	unsigned i;

	(void)unused;
	assert_int_equal(flac_read_sector(sector, &head), -EINVAL);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		flac_write_sector(sector, &running);
		sector[at[i]] ^= 0x10;
		assert_int_equal(flac_read_sector(sector, &head), -EINVAL);
	}
	flac_write_sector(sector, &running);
	memset(sector + 8, 0, 34);
	assert_int_equal(flac_read_sector(sector, &head), -EINVAL);
}

static void checkpoints_of_a_later_version_are_not_trusted(void **unused)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;

	(void)unused;
	flac_write_sector(sector, &running);
	sector[51] = 2;
	assert_int_equal(flac_read_sector(sector, &head), 0);
	assert_int_equal(head.info.rate, 192000);
	assert_int_equal(head.checkpoint[0].sequence, 0);
	assert_int_equal(head.checkpoint[1].sequence, 0);
}

/* --- the rest of the head, as libFLAC sees it --- */

static void assert_tags(const FLAC__StreamMetadata_VorbisComment *tags)
{
	assert_string_equal((char *)tags->vendor_string.entry,
			    "Takebox " TAKEBOX_VERSION);
	assert_int_equal(tags->num_comments, 2);
	assert_string_equal((char *)tags->comments[0].entry, "TITLE=Kick");
	assert_string_equal((char *)tags->comments[1].entry,
			    "ALBUM=G\303\244ste");
}

static void assert_seektable(const FLAC__StreamMetadata_SeekTable *table)
{
	assert_int_equal(table->num_points, FLAC_SEEK_POINTS);
	assert_int_equal(table->points[0].sample_number, 0);
	assert_int_equal(table->points[0].frame_samples, 1152);
	assert_int_equal(table->points[1].sample_number,
			 FLAC__STREAM_METADATA_SEEKPOINT_PLACEHOLDER);
	assert_int_equal(table->points[FLAC_SEEK_POINTS - 1].sample_number,
			 FLAC__STREAM_METADATA_SEEKPOINT_PLACEHOLDER);
}

static void assert_libflac_accepts(bool finished)
{
	struct made made;
	struct played *played;

	make_frames(&made, &mono);
	make_head(&made, finished, finished ? mono.samples : 5 * 1152);
	played = play(made.data, made.size);
	assert_int_equal(played->errors, 0);
	assert_int_equal(played->samples, mono.samples);
	assert_memory_equal(played->plane[0], made.plane[0],
			    mono.samples * sizeof(int32_t));
	assert_int_equal(played->blocks, 5);
	assert_int_equal(played->block[0]->type,
			 FLAC__METADATA_TYPE_STREAMINFO);
	assert_int_equal(played->block[1]->type,
			 finished ? FLAC__METADATA_TYPE_PADDING
				  : FLAC__METADATA_TYPE_APPLICATION);
	if (!finished)
		assert_memory_equal(played->block[1]->data.application.id,
				    "Tkbx", 4);
	assert_int_equal(played->block[2]->type, FLAC__METADATA_TYPE_SEEKTABLE);
	assert_seektable(&played->block[2]->data.seek_table);
	assert_int_equal(played->block[3]->type,
			 FLAC__METADATA_TYPE_VORBIS_COMMENT);
	assert_tags(&played->block[3]->data.vorbis_comment);
	assert_int_equal(played->block[4]->type, FLAC__METADATA_TYPE_PADDING);
	assert_true(played->block[4]->is_last);
	played_free(played);
	unmake(&made);
}

static void libflac_accepts_a_running_file(void **unused)
{
	(void)unused;
	assert_libflac_accepts(false);
}

static void libflac_accepts_a_finished_file(void **unused)
{
	(void)unused;
	assert_libflac_accepts(true);
}

/* Tags that fill the head to the last byte fit; one byte more does not, and
 * leaves the head as it was. */
static void tags_fit_to_the_last_byte(void **unused)
{
	static char value[REST];
	static uint8_t rest[REST], before[REST];
	struct flac_tag tag = {"X", value};
	size_t fixed = 4 + 240 * 18 + 4 + 4 +
		       strlen("Takebox " TAKEBOX_VERSION) + 4 + 4 + 2 + 4;

	(void)unused;
	memset(value, 'v', REST - fixed);
	assert_int_equal(flac_write_rest(rest, NULL, 0, &tag, 1), 0);
	assert_int_equal(rest[REST - 4], 0x81); /* PADDING of no bytes, last */
	memcpy(before, rest, REST);
	value[REST - fixed] = 'v';
	assert_int_equal(flac_write_rest(rest, NULL, 0, &tag, 1), -ENOSPC);
	assert_memory_equal(rest, before, REST);
}

static void a_head_takes_no_more_seek_points_than_it_has(void **unused)
{
	static struct flac_seekpoint points[FLAC_SEEK_POINTS + 1];
	static uint8_t rest[REST];

	(void)unused;
	assert_int_equal(
		flac_write_rest(rest, points, FLAC_SEEK_POINTS, NULL, 0), 0);
	assert_int_equal(
		flac_write_rest(rest, points, FLAC_SEEK_POINTS + 1, NULL, 0),
		-ENOSPC);
}

static void names_that_are_no_tag_names_are_refused(void **unused)
{
	static const char *const names[] = {"", "A=B", "A\n", "\303\204", "~"};
	static uint8_t rest[REST];
	struct flac_tag tag = {NULL, "value"};
	unsigned i;

	(void)unused;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tag.name = names[i];
		assert_int_equal(flac_write_rest(rest, NULL, 0, &tag, 1),
				 -EINVAL);
	}
}

/* --- seek points --- */

static void offer_frames(struct flac_seek_list *list, unsigned frames,
			 unsigned block)
{
	struct flac_seekpoint point = {.samples = block};
	unsigned i;

	for (i = 0; i < frames; i++) {
		point.sample = (uint64_t)i * block;
		point.offset = (uint64_t)i * 5000;
		flac_seek_offer(list, &point);
	}
}

/* Every point is a frame that was offered, they rise, no two are further apart
 * than three times the mean, and the last one is near the end. */
static void assert_spread(const struct flac_seek_list *list, unsigned frames,
			  unsigned block)
{
	uint64_t end = (uint64_t)frames * block, before = 0, mean;
	unsigned i;

	assert_in_range(list->count, 1, FLAC_SEEK_POINTS);
	assert_int_equal(list->point[0].sample, 0);
	mean = end / list->count;
	for (i = 0; i < list->count; i++) {
		const struct flac_seekpoint *p = &list->point[i];

		assert_int_equal(p->sample % block, 0);
		assert_int_equal(p->offset, p->sample / block * 5000);
		assert_int_equal(p->samples, block);
		if (i > 0)
			assert_true(p->sample > before);
		assert_true(p->sample - before <= 3 * mean);
		before = p->sample;
	}
	assert_true(end - before <= 3 * mean);
}

static void any_number_of_frames_gives_even_seek_points(void **unused)
{
	struct flac_seek_list list;
	unsigned frames;

	(void)unused;
	for (frames = 1; frames < 3000000; frames += 1 + frames / 3) {
		flac_seek_init(&list, 48000);
		offer_frames(&list, frames, 4096);
		assert_spread(&list, frames, 4096);
		if (frames > 240 * 12)
			assert_true(list.count >= FLAC_SEEK_POINTS / 2 - 1);
	}
}

static void seek_points_are_a_second_apart_while_they_fit(void **unused)
{
	struct flac_seek_list list;
	unsigned i;

	(void)unused;
	flac_seek_init(&list, 48000);
	offer_frames(&list, 100 * 48000 / 4096 + 1, 4096);
	assert_int_equal(list.count, 100);
	for (i = 0; i < 100; i++)
		assert_in_range(list.point[i].sample, i * 48000,
				i * 48000 + 4095);
}

static void points_out_of_order_are_not_taken(void **unused)
{
	struct flac_seek_list list;
	struct flac_seekpoint point = {.sample = 4096};

	(void)unused;
	flac_seek_init(&list, 0);
	offer_frames(&list, 10, 4096);
	flac_seek_offer(&list, &point);
	assert_int_equal(list.count, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_the_standard_ones),
		cmocka_unit_test(checksums_go_on_over_pieces),
		cmocka_unit_test(libflac_s_frames_have_these_checksums),
		cmocka_unit_test(a_running_sector_reads_back),
		cmocka_unit_test(a_covered_sector_leads_past_all_else),
		cmocka_unit_test(
			a_finished_sector_reads_back_without_checkpoints),
		cmocka_unit_test(a_sector_without_checkpoints_reads_back),
		cmocka_unit_test(what_streaminfo_cannot_hold_is_unknown),
		cmocka_unit_test(a_damaged_slot_is_empty_and_the_other_stays),
		cmocka_unit_test(foreign_and_damaged_sectors_are_refused),
		cmocka_unit_test(
			checkpoints_of_a_later_version_are_not_trusted),
		cmocka_unit_test(libflac_accepts_a_running_file),
		cmocka_unit_test(libflac_accepts_a_finished_file),
		cmocka_unit_test(tags_fit_to_the_last_byte),
		cmocka_unit_test(a_head_takes_no_more_seek_points_than_it_has),
		cmocka_unit_test(names_that_are_no_tag_names_are_refused),
		cmocka_unit_test(any_number_of_frames_gives_even_seek_points),
		cmocka_unit_test(seek_points_are_a_second_apart_while_they_fit),
		cmocka_unit_test(points_out_of_order_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
