/*
 * libFLAC's decoder on a FILE with a large buffer: where system calls are dear,
 * its own reads of 8 KiB would be most of the cost.
 */
#include "tests/support/stock_flac.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHAPTERS_MAX 250
#define TAGS_FULL    11000 /* bytes: not many more fit into a head */
#define PLACES_MAX   60	   /* of points in what was there when it was gone on */
#define POINTS_MAX   240

static void __attribute__((format(printf, 2, 3)))
complain(struct stock_flac *flac, const char *format, ...)
{
	va_list args;

	if (flac->fault[0])
		return;
	va_start(args, format);
	vsnprintf(flac->fault, sizeof(flac->fault), format, args);
	va_end(args);
}

/* ---- libFLAC's callbacks ---- */

static FLAC__StreamDecoderWriteStatus on_frame(
	const FLAC__StreamDecoder *decoder, const FLAC__Frame *frame,
	const FLAC__int32 *const planes[], void *user)
{
	struct stock_flac *flac = user;

	(void)decoder;
	flac->at = frame->header.number.sample_number;
	flac->block = frame->header.blocksize;
	flac->samples += flac->block;
	flac->frames++;
	if (flac->on_samples &&
	    flac->on_samples(flac->user, planes, flac->block, flac->at) != 0)
		return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
	return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static void keep(struct stock_flac *flac, FLAC__StreamMetadata **kept,
		 const FLAC__StreamMetadata *block)
{
	if (*kept)
		complain(flac, "two %s blocks",
			 FLAC__MetadataTypeString[block->type]);
	else
		*kept = FLAC__metadata_object_clone(block);
}

static void on_block(const FLAC__StreamDecoder *decoder,
		     const FLAC__StreamMetadata *block, void *user)
{
	struct stock_flac *flac = user;

	(void)decoder;
	if (block->type == FLAC__METADATA_TYPE_SEEKTABLE)
		keep(flac, &flac->table, block);
	if (block->type == FLAC__METADATA_TYPE_VORBIS_COMMENT)
		keep(flac, &flac->tags, block);
	if (block->type != FLAC__METADATA_TYPE_STREAMINFO)
		return;
	flac->rate = block->data.stream_info.sample_rate;
	flac->bits = block->data.stream_info.bits_per_sample;
	flac->channels = block->data.stream_info.channels;
	flac->longest = block->data.stream_info.max_blocksize;
	flac->claimed = block->data.stream_info.total_samples;
}

static void on_error(const FLAC__StreamDecoder *decoder,
		     FLAC__StreamDecoderErrorStatus status, void *user)
{
	(void)decoder;
	complain(user, "%s", FLAC__StreamDecoderErrorStatusString[status]);
}

/* ---- open, close, decode ---- */

static const char *state(const struct stock_flac *flac)
{
	return FLAC__stream_decoder_get_resolved_state_string(flac->decoder);
}

static void read_head(struct stock_flac *flac)
{
	FLAC__StreamDecoder *decoder = flac->decoder;

	FLAC__stream_decoder_set_metadata_respond(
		decoder, FLAC__METADATA_TYPE_SEEKTABLE);
	FLAC__stream_decoder_set_metadata_respond(
		decoder, FLAC__METADATA_TYPE_VORBIS_COMMENT);
	if (FLAC__stream_decoder_init_FILE(decoder, flac->file, on_frame,
					   on_block, on_error, flac) !=
	    FLAC__STREAM_DECODER_INIT_STATUS_OK)
		complain(flac, "libFLAC does not begin");
	else if (!FLAC__stream_decoder_process_until_end_of_metadata(decoder) ||
		 !FLAC__stream_decoder_get_decode_position(decoder,
							   &flac->first_frame))
		complain(flac, "its head cannot be read: %s", state(flac));
	else if (flac->rate == 0)
		complain(flac, "it has no STREAMINFO");
	flac->unreadable = ferror(flac->file);
}

void stock_flac_open(struct stock_flac *flac, const char *path,
		     stock_samples *on_samples, void *user)
{
	memset(flac, 0, offsetof(struct stock_flac, buffer));
	flac->on_samples = on_samples;
	flac->user = user;
	flac->file = fopen(path, "rbe");
	if (!flac->file) {
		flac->unreadable = errno == EIO;
		complain(flac, "it cannot be opened: %s", strerror(errno));
		return;
	}
	setvbuf(flac->file, flac->buffer, _IOFBF, sizeof(flac->buffer));
	fseeko(flac->file, 0, SEEK_END);
	flac->size = (FLAC__uint64)ftello(flac->file);
	rewind(flac->file);
	flac->decoder = FLAC__stream_decoder_new();
	if (flac->decoder)
		read_head(flac);
	else
		complain(flac, "out of memory");
}

/* The file is libFLAC's to close, from its beginning on. */
void stock_flac_close(struct stock_flac *flac)
{
	if (flac->decoder)
		FLAC__stream_decoder_delete(flac->decoder);
	if (flac->table)
		FLAC__metadata_object_delete(flac->table);
	if (flac->tags)
		FLAC__metadata_object_delete(flac->tags);
	flac->decoder = NULL;
	flac->table = flac->tags = NULL;
}

void stock_flac_decode(struct stock_flac *flac)
{
	FLAC__StreamDecoder *decoder = flac->decoder;
	uint64_t wanted = 0;

	while (!flac->fault[0] && flac->samples < flac->claimed) {
		wanted = flac->samples;
		if (!FLAC__stream_decoder_process_single(decoder) ||
		    flac->samples == wanted)
			complain(flac, "it ends after %llu of %llu samples: %s",
				 (unsigned long long)wanted,
				 (unsigned long long)flac->claimed,
				 state(flac));
		else if (flac->at != wanted)
			complain(flac, "sample %llu comes behind %llu",
				 (unsigned long long)flac->at,
				 (unsigned long long)wanted);
	}
	flac->unreadable = flac->file && ferror(flac->file);
}

/* ---- tags ---- */

static bool is_note(const json_t *entry, const char *type)
{
	const char *text = json_string_value(json_object_get(entry, "type"));

	return text && strcmp(text, type) == 0;
}

static int index_of(const struct stock_flac *flac, const char *name)
{
	return FLAC__metadata_object_vorbiscomment_find_entry_from(flac->tags,
								   0, name);
}

/* The next one that must be there. */
static const char *find_tag(struct stock_flac *flac, unsigned *count,
			    const char *name)
{
	int index = index_of(flac, name);

	++*count;
	if (index >= 0)
		return (const char *)flac->tags->data.vorbis_comment
			       .comments[index]
			       .entry +
		       strlen(name) + 1;
	complain(flac, "there is no %s", name);
	return "";
}

static void __attribute__((format(printf, 4, 5)))
expect(struct stock_flac *flac, unsigned *count, const char *name,
       const char *format, ...)
{
	const char *value = find_tag(flac, count, name);
	char wanted[512];
	va_list args;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	if (strcmp(value, wanted) != 0)
		complain(flac, "%s is %.80s, not %.80s", name, value, wanted);
}

/* When an earlier part was finished there may have been fewer. */
static void expect_total(struct stock_flac *flac, unsigned *count,
			 const struct take_info *info, uint64_t end)
{
	unsigned long least = 0, most = 0;
	unsigned long total =
		strtoul(find_tag(flac, count, "TRACKTOTAL"), NULL, 10);

	if (end > info->frames)
		end = info->frames;
	for (unsigned i = 0; i < info->tracks; i++) {
		most += info->track[i].filed;
		least += info->track[i].filed &&
			 take_info_silent_until(info, i) < end;
	}
	if (total < least || total > most)
		complain(flac, "TRACKTOTAL is %lu, not %lu to %lu", total,
			 least, most);
}

/* A head can be full; and a take that ends where a further part was to begin
 * has no file for a marker just there. */
static bool can_be_missing(struct stock_flac *flac,
			   const struct take_info *info, uint64_t at)
{
	return flac->tags->length > TAGS_FULL || at >= info->frames;
}

static void expect_chapters(struct stock_flac *flac, unsigned *count,
			    const struct take_info *info, uint64_t from,
			    uint64_t end)
{
	unsigned number = 0;
	size_t index;
	json_t *marker;

	json_array_foreach(info->markers, index, marker)
	{
		uint64_t at = (uint64_t)json_integer_value(
			json_object_get(marker, "at"));
		uint64_t ms = (at - from) * 1000 / info->rate;
		char name[32];

		if (at < from || at >= end || number == CHAPTERS_MAX)
			continue;
		snprintf(name, sizeof(name), "CHAPTER%03u", ++number);
		if (index_of(flac, name) < 0 && can_be_missing(flac, info, at))
			break;
		expect(flac, count, name, "%02u:%02u:%02u.%03u",
		       (unsigned)(ms / 3600000), (unsigned)(ms / 60000 % 60),
		       (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
		strcat(name, "NAME");
		if (index_of(flac, name) < 0 && can_be_missing(flac, info, at))
			break;
		expect(flac, count, name, "%s",
		       json_string_value(json_object_get(marker, "name")));
	}
}

static void expect_all(struct stock_flac *flac, unsigned *count,
		       const struct take_info *info,
		       const struct take_track *track, uint64_t from,
		       uint64_t end)
{
	expect(flac, count, "TITLE", "%s", track->name);
	expect(flac, count, "TRACKNUMBER", "%u", track->number);
	expect_total(flac, count, info, end);
	expect(flac, count, "ALBUM", "%s", info->session);
	if (info->artist[0])
		expect(flac, count, "ARTIST", "%s", info->artist);
	expect(flac, count, "DATE", "%s", info->date);
	expect(flac, count, "ENCODER", "Takebox %s", TAKEBOX_VERSION);
	expect(flac, count, "TIME_REFERENCE", "%llu",
	       (unsigned long long)(info->time_reference + from));
}

/* Did a heal find more in the files than in the ledger? Markers that it does
 * not know any more are still in files that were finished before. */
static bool has_lost_entries(const struct take_info *info)
{
	bool lost = false;
	json_t *entry;
	size_t i;

	json_array_foreach(info->parts, i, entry) lost |=
		json_object_get(entry, "found") != NULL;
	json_array_foreach(info->notes, i, entry) lost |=
		is_note(entry, "rebuilt");
	return lost;
}

static void check_tags(struct stock_flac *flac, const struct take_info *info,
		       const struct take_track *track, unsigned part)
{
	uint64_t from = take_info_part_start(info, part), end = UINT64_MAX;
	unsigned count = 0;

	if (!flac->tags)
		complain(flac, "it has no tags");
	if (flac->fault[0])
		return;
	if (part + 1 < take_info_parts(info))
		end = take_info_part_start(info, part + 1);
	expect_all(flac, &count, info, track, from, end);
	expect_chapters(flac, &count, info, from, end);
	if (flac->tags->data.vorbis_comment.num_comments != count &&
	    !has_lost_entries(info))
		complain(flac, "%u tags, not %u",
			 (unsigned)flac->tags->data.vorbis_comment.num_comments,
			 count);
	if (strcmp((const char *)
			   flac->tags->data.vorbis_comment.vendor_string.entry,
		   "Takebox " TAKEBOX_VERSION) != 0)
		complain(flac, "another vendor");
}

/* ---- seek points ---- */

static unsigned count_points(struct stock_flac *flac)
{
	const FLAC__StreamMetadata_SeekTable *table =
		&flac->table->data.seek_table;
	unsigned count = 0;

	while (count < table->num_points &&
	       table->points[count].sample_number !=
		       FLAC__STREAM_METADATA_SEEKPOINT_PLACEHOLDER)
		count++;
	for (unsigned i = count; i < table->num_points; i++)
		if (table->points[i].sample_number !=
		    FLAC__STREAM_METADATA_SEEKPOINT_PLACEHOLDER)
			complain(flac, "seek point %u is behind a placeholder",
				 i);
	return count;
}

/* Does libFLAC, put there, find the frame at once? */
static void check_point(struct stock_flac *flac,
			const FLAC__StreamMetadata_SeekPoint *point)
{
	uint64_t byte = flac->first_frame + point->stream_offset;

	flac->frames = 0;
	if (!FLAC__stream_decoder_flush(flac->decoder) ||
	    fseeko(flac->file, (off_t)byte, SEEK_SET) != 0 ||
	    !FLAC__stream_decoder_process_single(flac->decoder) ||
	    flac->frames != 1)
		complain(flac, "the seek point to sample %llu leads nowhere",
			 (unsigned long long)point->sample_number);
	else if (flac->at != point->sample_number ||
		 flac->block != point->frame_samples)
		complain(flac,
			 "the seek point to %u at %llu leads to %u at "
			 "%llu",
			 (unsigned)point->frame_samples,
			 (unsigned long long)point->sample_number, flac->block,
			 (unsigned long long)flac->at);
}

/* What may lie between two of them. */
struct reach {
	uint64_t samples; /* or */
	uint64_t bytes;
};

static bool was_gone_on(const struct take_info *info)
{
	bool resumed = info->healed;
	json_t *note;
	size_t i;

	json_array_foreach(info->notes, i, note) resumed |=
		is_note(note, "resumed");
	return resumed;
}

static struct reach find_reach(const struct stock_flac *flac, bool gone_on)
{
	uint64_t places = flac->claimed / flac->rate + 1;
	struct reach reach = {.samples = flac->rate};

	while (flac->claimed / reach.samples >= POINTS_MAX)
		reach.samples *= 2;
	reach.samples += flac->longest;
	if (places > PLACES_MAX)
		places = PLACES_MAX;
	/* Places that are in the same second as the last point go without, and
	 * a second can have the bytes of three; the next one can lie as far
	 * behind it. */
	if (gone_on) {
		reach.samples *= 2;
		reach.bytes = 4 * (flac->size - flac->first_frame) / places +
			      flac->longest * flac->channels * flac->bits / 8;
	}
	return reach;
}

static void check_reach(struct stock_flac *flac, const struct reach *reach,
			const FLAC__StreamMetadata_SeekPoint *point,
			uint64_t sample, uint64_t byte)
{
	if (sample <= point->sample_number)
		complain(flac, "seek point %llu comes before %llu",
			 (unsigned long long)sample,
			 (unsigned long long)point->sample_number);
	else if (sample - point->sample_number > reach->samples &&
		 byte - point->stream_offset > reach->bytes)
		complain(flac,
			 "no seek point between %llu and %llu of %llu, %llu "
			 "bytes",
			 (unsigned long long)point->sample_number,
			 (unsigned long long)sample,
			 (unsigned long long)flac->claimed,
			 (unsigned long long)(byte - point->stream_offset));
}

static void check_points(struct stock_flac *flac, bool gone_on)
{
	const FLAC__StreamMetadata_SeekPoint *point;
	struct reach reach;
	unsigned count;

	if (!flac->table)
		complain(flac, "it has no seek table");
	if (flac->fault[0])
		return;
	count = count_points(flac);
	point = flac->table->data.seek_table.points;
	if (count == 0 ? flac->claimed > 0 : point[0].sample_number != 0)
		complain(flac, "its seek table does not begin at 0");
	for (unsigned i = 0; i < count && !flac->fault[0]; i++)
		check_point(flac, &point[i]);
	reach = find_reach(flac, gone_on);
	for (unsigned i = 0; i + 1 < count; i++)
		check_reach(flac, &reach, &point[i], point[i + 1].sample_number,
			    point[i + 1].stream_offset);
	if (count > 0)
		check_reach(flac, &reach, &point[count - 1], flac->claimed,
			    flac->size - flac->first_frame);
}

static void seek_to(struct stock_flac *flac, uint64_t sample)
{
	flac->frames = 0;
	if (sample >= flac->claimed)
		return;
	if (!FLAC__stream_decoder_seek_absolute(flac->decoder, sample) ||
	    flac->frames == 0 || flac->at != sample)
		complain(flac, "a seek to sample %llu fails: %s",
			 (unsigned long long)sample, state(flac));
}

/* The last ones first. */
static void check_seeks(struct stock_flac *flac, unsigned most)
{
	unsigned count;

	if (!flac->table || flac->fault[0])
		return;
	count = count_points(flac);
	for (; count > 0 && most > 0 && !flac->fault[0]; most--) {
		uint64_t sample = flac->table->data.seek_table.points[--count]
					  .sample_number;

		seek_to(flac, sample);
		seek_to(flac, sample + 1234);
	}
}

void stock_flac_check(struct stock_flac *flac, const struct take_info *info,
		      const struct take_track *track, unsigned part,
		      unsigned seeks)
{
	check_tags(flac, info, track, part);
	check_points(flac, was_gone_on(info));
	check_seeks(flac, seeks);
}
