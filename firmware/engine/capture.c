/*
 * The real-time loop. One round: wait; see how many frames wait and when that
 * was; if more than the buffer holds were waiting, the surplus is lost and its
 * number known; copy the rest onto the tape; give the pair (position, time) to
 * the clock, which finds what was lost without a report; publish.
 *
 * Whatever is lost becomes silence of the same length on the tape and an event
 * that names it, so that a position remains a time.
 */
#include "engine/capture.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/clock.h"

#define POLL_MS		 50
#define RESTART_PAUSE_MS 2

static void note_gap(struct capture *capture, enum tape_event_kind kind,
		     uint64_t position, uint64_t frames, uint64_t uncertainty)
{
	struct tape_event event = {
		.position = position,
		.frames = frames,
		.uncertainty = uncertainty,
		.time_ns = clock_now_ns(),
		.kind = kind,
	};

	tape_writer_event(capture->writer, &event);
}

static uint64_t frames_left(const struct capture *capture)
{
	uint64_t captured = capture->writer->captured;

	return captured < capture->limit ? capture->limit - captured : 0;
}

static void fill(struct capture *capture, enum tape_event_kind kind,
		 uint64_t frames)
{
	uint64_t position = capture->writer->captured;

	if (frames > frames_left(capture))
		frames = frames_left(capture);
	if (frames == 0)
		return;
	tape_writer_silence(capture->writer, frames);
	note_gap(capture, kind, position, frames, 0);
}

static void copy_area(struct capture *capture, const struct pcm_area *area,
		      unsigned long frames)
{
	struct tape_writer *writer = capture->writer;
	struct deinterleave *deinterleave = &capture->deinterleave;
	unsigned long done = 0;

	while (done < frames) {
		size_t part = frames - done;
		struct tape_slot slot = tape_writer_begin(writer, &part);
		size_t offset = done * area->stride;

		if (area->interleaved)
			deinterleave_run(deinterleave,
					 area->channel[0] + offset,
					 writer->plane, slot.index, part,
					 slot.peaks);
		else
			for (unsigned c = 0; c < writer->channels; c++)
				deinterleave_run_channel(
					deinterleave, c,
					area->channel[c] + offset,
					area->stride,
					writer->plane[c] + slot.index, part,
					&slot.peaks[c]);
		tape_writer_end(writer, part);
		done += part;
	}
}

/* Frames the device may have overwritten while they were being copied. */
static uint64_t overtaken(struct capture *capture, uint64_t copied)
{
	int64_t now_ns, avail = pcm_avail(capture->pcm, &now_ns);

	if (avail < 0 || (uint64_t)avail <= capture->buffer)
		return 0;
	avail -= (int64_t)capture->buffer;
	return (uint64_t)avail < copied ? (uint64_t)avail : copied;
}

static int copy_frames(struct capture *capture, uint64_t frames, bool risky)
{
	struct tape_writer *writer = capture->writer;

	while (frames > 0) {
		unsigned long part = frames;
		uint64_t start = writer->captured, lost;
		struct pcm_area area;
		int error = pcm_begin(capture->pcm, &area, &part);

		if (error < 0)
			return error;
		if (part == 0)
			return 0;
		copy_area(capture, &area, part);
		lost = risky ? overtaken(capture, part) : 0;
		error = pcm_commit(capture->pcm, part);
		if (error < 0)
			return error;
		if (lost > 0) {
			/* The oldest frames of the part are the torn ones, but
			 * how far the device had got is not certain: all. */
			tape_writer_blank(writer, start);
			note_gap(capture, TAPE_GAP_LATE, start, part, 0);
		}
		frames -= part;
	}
	return 0;
}

/* More was waiting than the buffer holds: passes over what is overwritten, and
 * over a little more, which the device reaches while we copy. */
static uint64_t pass_over_lost(struct capture *capture, uint64_t avail)
{
	uint64_t lost, margin = capture->buffer / 4;
	int64_t passed;

	if (avail <= capture->buffer)
		return avail;
	lost = avail - capture->buffer + margin;
	passed = pcm_skip(capture->pcm, lost);
	if (passed <= 0)
		return avail;
	fill(capture, TAPE_GAP_LATE, (uint64_t)passed);
	return avail - (uint64_t)passed;
}

/* After a stop or an unplug: silence up to where time says we are. */
static void realign(struct capture *capture, uint64_t avail, int64_t time_ns)
{
	struct posclock_line line = posclock_line(&capture->clock);
	int64_t should, is;

	capture->realign = false;
	if (line.rate_hz <= 0)
		return;
	should = posclock_position_at(&line, time_ns);
	is = (int64_t)(capture->writer->captured + avail);
	if (should > is)
		fill(capture, capture->realign_kind, (uint64_t)(should - is));
	posclock_restarted(&capture->clock);
}

static void publish(struct capture *capture, bool all)
{
	struct tape_writer *writer = capture->writer;
	struct posclock_line line = posclock_line(&capture->clock);
	uint64_t position = writer->captured;

	if (!all && line.locked)
		position -= position < capture->settle ? position
						       : capture->settle;
	tape_writer_line(writer, &line);
	if (position > writer->published)
		tape_writer_publish(writer, position);
}

static void find_losses(struct capture *capture, uint64_t position,
			int64_t time_ns)
{
	struct tape_writer *writer = capture->writer;
	struct posclock_step step;
	uint64_t at, frames;

	step = posclock_feed(&capture->clock, (int64_t)position, time_ns);
	if (step.event == POSCLOCK_NONE)
		return;
	at = (uint64_t)step.position;
	frames = (uint64_t)step.frames;
	if (step.event == POSCLOCK_SURPLUS) {
		note_gap(capture, TAPE_SURPLUS, at, frames,
			 (uint64_t)step.uncertainty);
		return;
	}
	if (at < writer->published)
		at = writer->published;
	if (at > writer->captured)
		at = writer->captured;
	/* The clock counts the frames as inserted whatever the limit is. */
	tape_writer_insert(writer, at, frames);
	note_gap(capture, TAPE_GAP_SILENT, at, frames,
		 (uint64_t)step.uncertainty);
}

/* One round with frames waiting. 0, or a negative errno of the device. */
static int take_frames(struct capture *capture)
{
	struct tape_writer *writer = capture->writer;
	int64_t time_ns, waiting = pcm_avail(capture->pcm, &time_ns);
	uint64_t avail, position;
	int error;

	if (waiting <= 0)
		return (int)waiting;
	avail = (uint64_t)waiting;
	if (capture->realign)
		realign(capture, avail, time_ns);
	avail = pass_over_lost(capture, avail);
	position = writer->captured + avail;
	if (avail > frames_left(capture))
		avail = frames_left(capture);
	error = copy_frames(capture, avail, avail > capture->buffer / 2);
	if (error < 0)
		return error;
	capture->last_frames_ns = clock_now_ns();
	tape_writer_state(writer, TAPE_RUNNING);
	if (writer->captured < capture->limit)
		find_losses(capture, position, time_ns);
	publish(capture, false);
	return 0;
}

/* The device stopped by itself (a true xrun): what it lost is known only from
 * the time. */
static int start_again(struct capture *capture)
{
	struct pollfd wake = {capture->wake_fd, POLLIN, 0};

	/* A device that stops again at once must not become a busy loop. */
	poll(&wake, 1, RESTART_PAUSE_MS);
	capture->realign = true;
	capture->realign_kind = TAPE_GAP_STOPPED;
	return pcm_restart(capture->pcm);
}

static int one_round(struct capture *capture, struct pollfd *fds, int count)
{
	int ready, error;

	ready = poll(fds, (nfds_t)count + 1, POLL_MS);
	tape_writer_alive(capture->writer, clock_now_ns());
	if (ready < 0 && errno != EINTR)
		return -errno;
	error = pcm_revents(capture->pcm, fds, count);
	if (error > 0 || ready == 0) {
		error = take_frames(capture);
		if (error == 0 && ready == 0)
			error = pcm_state(capture->pcm);
	}
	if (error == -EPIPE)
		error = start_again(capture);
	return error < 0 ? error : 0;
}

/* Takes what an unplugged device left in its ring. */
static void drain(struct capture *capture)
{
	int64_t time_ns, waiting = pcm_avail(capture->pcm, &time_ns);

	if (waiting > 0 && (uint64_t)waiting <= capture->buffer)
		copy_frames(capture,
			    (uint64_t)waiting < frames_left(capture)
				    ? (uint64_t)waiting
				    : frames_left(capture),
			    false);
}

enum capture_end capture_run(struct capture *capture)
{
	struct pollfd fds[PCM_POLL_MAX + 1];
	enum capture_end end = CAPTURE_STOPPED;
	int count = pcm_poll_fds(capture->pcm, fds);

	if (count < 0)
		return CAPTURE_GONE;
	fds[count] = (struct pollfd){capture->wake_fd, POLLIN, 0};
	capture->last_frames_ns = clock_now_ns();
	while (!atomic_load_explicit(&capture->stop, memory_order_acquire)) {
		int64_t quiet;

		if (one_round(capture, fds, count) < 0) {
			drain(capture);
			end = CAPTURE_GONE;
			break;
		}
		if (capture->writer->captured >= capture->limit) {
			end = CAPTURE_LIMIT;
			break;
		}
		quiet = clock_now_ns() - capture->last_frames_ns;
		if (quiet > CAPTURE_DEAD_NS) {
			end = CAPTURE_GONE;
			break;
		}
		if (quiet > CAPTURE_SILENT_NS)
			tape_writer_state(capture->writer, TAPE_SILENT);
	}
	publish(capture, true);
	return end;
}
