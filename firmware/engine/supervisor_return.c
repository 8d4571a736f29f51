/*
 * An interface that comes back. It is the same one if it has the same serial
 * number or place on the bus, whatever the kernel calls it now; its settings
 * are negotiated again, since it may have others. And a tape that outlived its
 * process is one whose interface is away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/supervisor_private.h"

/* Opens device as that is asked, if it is the interface that was there
 * before. */
static int open_same(struct supervisor *supervisor, const char *device,
		     const struct tape_request *request,
		     const struct pcm_setup *before, char *message, size_t size)
{
	struct tape_request again = *request;
	int error;

	snprintf(again.device, sizeof(again.device), "%.191s", device);
	error = supervisor_open_device(supervisor, &again, message, size);
	if (error < 0)
		return error;
	if (strcmp(before->identity, supervisor->setup.identity) == 0)
		return 0;
	pcm_close(supervisor->pcm);
	supervisor->pcm = NULL;
	return -ENODEV;
}

static bool has_bits_of(const struct pcm_setup *a, const struct pcm_setup *b)
{
	return sample_bits((enum sample_format)a->format) ==
	       sample_bits((enum sample_format)b->format);
}

/* As it was set up, or in another format that comes to the same on the tape. */
static int open_again(struct supervisor *supervisor, const char *device,
		      const struct pcm_setup *before, char *message,
		      size_t size)
{
	struct tape_request again = supervisor->request;
	int error;

	again.channels = before->channels;
	again.format = before->format;
	error = open_same(supervisor, device, &again, before, message, size);
	if (error != -EINVAL)
		return error;
	again.format = PCM_FORMAT_ANY;
	error = open_same(supervisor, device, &again, before, message, size);
	if (error == 0 && !has_bits_of(&supervisor->setup, before)) {
		pcm_close(supervisor->pcm);
		supervisor->pcm = NULL;
		error = -EINVAL;
	}
	return error;
}

/* By its name, or wherever else it is by now. */
static int find_again(struct supervisor *supervisor,
		      const struct pcm_setup *before, char device[PCM_TEXT_MAX],
		      char *message, size_t size)
{
	int error;

	snprintf(device, PCM_TEXT_MAX, "%s", before->device);
	error = open_again(supervisor, device, before, message, size);
	if (error == 0 || error == -EINVAL ||
	    pcm_find(before->identity, device, PCM_TEXT_MAX) < 0 ||
	    strcmp(device, before->device) == 0)
		return error;
	return open_again(supervisor, device, before, message, size);
}

/* It is there, but not as the tape needs it: with other channels, say. If it
 * can be had as it is asked for, this tape is at its end, and it gets another
 * one; else it is waited for. */
static void come_back_changed(struct supervisor *supervisor, const char *device,
			      const struct pcm_setup *before,
			      const char *message)
{
	char words[384];

	if (supervisor->request.keep_trying &&
	    open_same(supervisor, device, &supervisor->request, before, words,
		      sizeof(words)) == 0) {
		log_error("%s is back with %u channels, %s: the tape ends "
			  "here, and another one begins",
			  before->name, supervisor->setup.channels,
			  pcm_format_name(supervisor->setup.format));
		pcm_close(supervisor->pcm);
		supervisor->pcm = NULL;
		supervisor_end_tape(supervisor);
		supervisor->reopen_ns = clock_now_ns();
		return;
	}
	if (!supervisor->refused)
		log_warning("%s is back, but not as it was (%s): silence is "
			    "recorded until it is set right",
			    before->name, message);
	supervisor->refused = true;
}

/* The same interface; it may be another card by now. */
void supervisor_come_back(struct supervisor *supervisor)
{
	struct pcm_setup before = supervisor->setup;
	char device[PCM_TEXT_MAX], message[384] = "";
	int error = find_again(supervisor, &before, device, message,
			       sizeof(message));

	if (error == -EINVAL)
		come_back_changed(supervisor, device, &before, message);
	if (error < 0) {
		supervisor->setup = before;
		return;
	}
	supervisor->capture.pcm = supervisor->pcm;
	supervisor->capture.buffer = supervisor->setup.buffer;
	supervisor->capture.deinterleave.format =
		(enum sample_format)supervisor->setup.format;
	supervisor->capture.realign = true;
	supervisor->capture.realign_kind = supervisor->absence;
	supervisor->capture.other_rate = 0;
	rate_watch_restart(&supervisor->capture.rate);
	if (supervisor_start_capture(supervisor) < 0) {
		pcm_close(supervisor->pcm);
		supervisor->pcm = NULL;
		supervisor->setup = before;
		return;
	}
	supervisor->absence = TAPE_GAP_ABSENT;
	log_info("%s is back; recording goes on", supervisor->setup.name);
}

/* ---- a tape whose process died ---- */

static bool fits(const struct tape_facts *facts,
		 const struct tape_request *request)
{
	return facts->rate == request->rate &&
	       (request->channels == 0 ||
		request->channels == facts->channels) &&
	       (request->format == PCM_FORMAT_ANY ||
		request->format == pcm_format_parse(facts->format)) &&
	       (strcmp(request->device, "auto") == 0 ||
		strcmp(request->device, facts->device) == 0);
}

/* As it was set up then. */
static void recall_setup(struct supervisor *supervisor)
{
	const struct tape_facts *facts = &supervisor->writer.header->facts;
	struct pcm_setup *setup = &supervisor->setup;

	*setup = (struct pcm_setup){
		.channels = facts->channels,
		.rate = facts->rate,
		.period = facts->period,
		.buffer = facts->buffer,
		.format = (enum pcm_format)pcm_format_parse(facts->format),
	};
	snprintf(setup->device, sizeof(setup->device), "%.191s", facts->device);
	snprintf(setup->name, sizeof(setup->name), "%.191s", facts->name);
	snprintf(setup->identity, sizeof(setup->identity), "%.191s",
		 facts->identity);
}

/* Where the clock's line was torn, that much is known still. */
static void recall_line(struct supervisor *supervisor,
			struct posclock_line *line)
{
	const struct tape_header *header = supervisor->writer.header;

	if (line->rate_hz <= 0)
		*line = (struct posclock_line){
			.position = (int64_t)supervisor->writer.captured,
			.time_ns = atomic_load(&header->alive_ns),
			.rate_hz = header->facts.rate,
		};
	posclock_init_line(&supervisor->capture.clock, header->facts.rate,
			   line);
}

bool supervisor_adopt(struct supervisor *supervisor,
		      const struct tape_request *request, int fd)
{
	struct tape_writer *writer = &supervisor->writer;
	struct posclock_line line;

	if (writer->header)
		return false;
	tape_pages_lock(&supervisor->writer);
	if (tape_writer_adopt(writer, fd, &line) < 0)
		return false;
	if (!fits(&writer->header->facts, request) ||
	    atomic_load(&writer->header->state) == TAPE_ENDED) {
		tape_writer_destroy(writer);
		return false;
	}
	supervisor->request = *request;
	supervisor->wanted = true;
	supervisor->absence = TAPE_GAP_DIED;
	recall_setup(supervisor);
	supervisor_prepare_capture(supervisor);
	recall_line(supervisor, &line);
	tape_writer_state(writer, TAPE_ABSENT);
	log_warning("an earlier takebox-tape died: its tape goes on at %.1f s",
		    (double)writer->captured / supervisor->setup.rate);
	supervisor_run_on(supervisor);
	tape_filler_go_on(&supervisor->filler, writer);
	supervisor_come_back(supervisor);
	return true;
}
