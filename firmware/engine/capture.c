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
#define PAGES_PAUSE_MS	 2
/* The device may be this far ahead of the pointer that it shows. */
#define POINTER_PERIODS 1
/* What a late reader passes over beyond what it knows to be overwritten, since
 * the device goes on while it copies. */
#define SPARE_PERIODS 2

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
			deinterleave_run(
				deinterleave, area->channel[0] + offset,
				writer->plane, slot.index, part, slot.peaks);
		else
			for (unsigned c = 0; c < writer->channels; c++)
				deinterleave_run_channel(
					deinterleave, c,
					area->channel[c] + offset, area->stride,
					writer->plane[c] + slot.index, part,
					&slot.peaks[c]);
		tape_writer_end(writer, part);
		done += part;
	}
}

/* Of frames that were just copied and not yet committed: how many, from the
 * first one on, the device may have overwritten meanwhile. waiting frames were
 * there at time_ns. */
static uint64_t overtaken(struct capture *capture, uint64_t copied,
			  uint64_t waiting, int64_t time_ns)
{
	uint64_t slack = POINTER_PERIODS * (uint64_t)capture->period;
	uint64_t rate = capture->writer->header->facts.rate;
	int64_t now_ns = clock_now_ns(), avail;

	/* The clock is cheaper to read than the device. */
	if (now_ns >= time_ns &&
	    waiting + (uint64_t)(now_ns - time_ns) * rate / NS_PER_S +
			    2 * slack <=
		    capture->buffer)
		return 0;
	avail = pcm_avail(capture->pcm, &now_ns);
	/* It stopped, or went: how far it had come nobody knows. */
	if (avail < (int64_t)copied)
		return copied;
	if ((uint64_t)avail + slack <= capture->buffer)
		return 0;
	avail += (int64_t)(slack - capture->buffer);
	return (uint64_t)avail < copied ? (uint64_t)avail : copied;
}

/* The first frames of the waiting ones onto the tape. */
static int copy_frames(struct capture *capture, uint64_t frames,
		       uint64_t waiting, int64_t time_ns)
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
		lost = overtaken(capture, part, waiting, time_ns);
		if (lost > 0) {
			tape_writer_blank(writer, start, lost);
			note_gap(capture, TAPE_GAP_LATE, start, lost, 0);
		}
		error = pcm_commit(capture->pcm, part);
		if (error < 0)
			return error;
		frames -= part;
		waiting -= part;
	}
	return 0;
}

/* More was waiting than the buffer holds: passes over what is overwritten, and
 * over a little more, which the device reaches while we copy. Returns what is
 * then left, or negative errno. */
static int64_t pass_over_lost(struct capture *capture, uint64_t avail)
{
	uint64_t lost;
	int64_t passed;

	if (avail <= capture->buffer)
		return (int64_t)avail;
	lost = avail - capture->buffer +
	       SPARE_PERIODS * (uint64_t)capture->period;
	passed = pcm_skip(capture->pcm, lost < avail ? lost : avail);
	if (passed < 0)
		return passed;
	fill(capture, TAPE_GAP_LATE, (uint64_t)passed);
	return (int64_t)avail - passed;
}

/* After a stop or an unplug: silence up to where time says we are. A frame at
 * least, since something is missing for certain. The clock is given the pair at
 * once, so that it knows the time also if the device stops again before the
 * frames are had. */
static void realign(struct capture *capture, uint64_t avail, int64_t time_ns)
{
	struct tape_writer *writer = capture->writer;
	struct posclock_line line = posclock_line(&capture->clock);
	int64_t should, is;

	capture->realign = false;
	if (line.rate_hz <= 0)
		return;
	should = posclock_position_at(&line, time_ns);
	is = (int64_t)(writer->captured + avail);
	fill(capture, capture->realign_kind,
	     should > is ? (uint64_t)(should - is) : 1);
	rate_watch_restart(&capture->rate);
	posclock_restarted(&capture->clock);
	posclock_feed(&capture->clock, (int64_t)(writer->captured + avail),
		      time_ns);
}

static void publish(struct capture *capture, bool all)
{
	struct tape_writer *writer = capture->writer;
	struct posclock_line line = posclock_line(&capture->clock);
	uint64_t position = writer->captured;

	if (!all && line.locked)
		position -=
			position < capture->settle ? position : capture->settle;
	tape_writer_line(writer, &line);
	if (position > writer->published)
		tape_writer_publish(writer, position);
}

static void find_losses(struct capture *capture, uint64_t position,
			int64_t time_ns)
{
	struct tape_writer *writer = capture->writer;
	struct posclock_step step;
	uint64_t at, place, uncertainty, frames;

	step = posclock_feed(&capture->clock, (int64_t)position, time_ns);
	if (step.event == POSCLOCK_NONE)
		return;
	place = (uint64_t)step.position;
	uncertainty = (uint64_t)step.uncertainty;
	frames = (uint64_t)step.frames;
	if (step.event == POSCLOCK_SURPLUS) {
		note_gap(capture, TAPE_SURPLUS, place, frames, uncertainty);
		return;
	}
	/* The clock counts the frames as inserted whatever the limit is. */
	at = tape_writer_insert(writer, place, (uint64_t)step.likely, frames);
	/* The place may be published: before the rate was known, it is. Or a
	 * gap within reach was what it belongs to. */
	uncertainty += at > place ? at - place : place - at;
	note_gap(capture, TAPE_GAP_SILENT, at, frames, uncertainty);
}

/* A device that has gone over to another rate: what it sends has no place on
 * this tape any more. */
static void watch_rate(struct capture *capture, uint64_t waiting,
		       int64_t time_ns)
{
	uint64_t position = capture->writer->captured;
	unsigned rate =
		rate_watch_feed(&capture->rate, capture->delivered + waiting,
				position + waiting, time_ns);

	if (rate == 0)
		return;
	capture->other_rate = rate;
	note_gap(capture, TAPE_RATE, capture->rate.since, rate, 0);
}

/* How many of those that wait; the rest when it has pages to go to. */
static uint64_t frames_now(struct capture *capture, uint64_t waiting)
{
	uint64_t left = frames_left(capture);
	uint64_t room = tape_writer_room(capture->writer);
	uint64_t frames = waiting < left ? waiting : left;

	capture->ahead = frames > room;
	return capture->ahead ? room : frames;
}

/* One round with frames waiting. 0, or a negative errno of the device. */
static int take_frames(struct capture *capture)
{
	struct tape_writer *writer = capture->writer;
	int64_t time_ns, waiting = pcm_avail(capture->pcm, &time_ns);
	uint64_t frames, position, came;
	int error;

	if (waiting <= 0)
		return (int)waiting;
	came = (uint64_t)waiting;
	if (capture->realign)
		realign(capture, (uint64_t)waiting, time_ns);
	watch_rate(capture, (uint64_t)waiting, time_ns);
	waiting = pass_over_lost(capture, (uint64_t)waiting);
	if (waiting < 0)
		return (int)waiting;
	position = writer->captured + (uint64_t)waiting;
	frames = frames_now(capture, (uint64_t)waiting);
	capture->delivered += came - ((uint64_t)waiting - frames);
	error = copy_frames(capture, frames, (uint64_t)waiting, time_ns);
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
	struct pollfd wake = {capture->wake_fd, POLLIN, 0};
	int ready, error;

	/* What was left in the device would make poll return at once. */
	if (capture->ahead)
		poll(&wake, 1, PAGES_PAUSE_MS);
	ready = poll(fds, (nfds_t)count + 1, POLL_MS);
	tape_writer_alive(capture->writer, clock_now_ns());
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
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
	uint64_t frames;

	if (waiting <= 0 || (uint64_t)waiting > capture->buffer)
		return;
	if (capture->realign)
		realign(capture, (uint64_t)waiting, time_ns);
	frames = frames_left(capture);
	if (frames > (uint64_t)waiting)
		frames = (uint64_t)waiting;
	copy_frames(capture, frames, (uint64_t)waiting, time_ns);
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
		int error = one_round(capture, fds, count);

		if (error < 0)
			drain(capture);
		if (frames_left(capture) == 0) {
			end = CAPTURE_LIMIT;
			break;
		}
		if (error < 0) {
			end = CAPTURE_GONE;
			break;
		}
		if (capture->other_rate > 0) {
			end = CAPTURE_RATE;
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
