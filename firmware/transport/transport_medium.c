/*
 * The medium that takes go to. With record.folder = "auto" it is the newest one
 * that is plugged in, looked for whenever no take runs; a take stays where it
 * began. What is plugged in is searched for takes that were torn off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "transport/transport_private.h"

#define MEASURE_NS (2 * NS_PER_S)

/* A medium that was let go and is still there was not unplugged after all. */
#define LET_GO_NS (30 * NS_PER_S)

static void go_to(struct transport *transport, const char *folder)
{
	if (strcmp(transport->config.folder, folder) == 0)
		return;
	snprintf(transport->config.folder, sizeof(transport->config.folder),
		 "%s", folder);
	transport->measured = false;
	transport->measure_ns = 0;
	log_info("takes go to %s", folder);
	transport_changed(transport);
}

static void search_new_ones(struct transport *transport,
			    const struct media *before)
{
	char path[CONFIG_PATH_MAX];

	for (unsigned i = 0; i < transport->media.count; i++) {
		const struct medium *medium = &transport->media.medium[i];

		if (media_has(before, medium->id))
			continue;
		media_path(path, sizeof(path), medium);
		transport_search(transport, path);
	}
}

void transport_choose_medium(struct transport *transport)
{
	struct media before = transport->media;
	const struct medium *newest;
	char path[CONFIG_PATH_MAX] = MEDIA_HOME;

	if (!transport->automatic)
		return;
	media_list(&transport->media);
	if (transport->let_go && clock_now_ns() > transport->let_go_until_ns)
		transport->let_go = 0;
	newest = media_newest(&transport->media, transport->let_go);
	if (newest)
		media_path(path, sizeof(path), newest);
	if (!transport->current)
		go_to(transport, path);
	if (transport->searched)
		search_new_ones(transport, &before);
}

void transport_init_medium(struct transport *transport)
{
	transport->automatic =
		strcmp(transport->config.folder, MEDIA_AUTO) == 0;
	transport_choose_medium(transport);
}

void transport_search_media(struct transport *transport)
{
	static const struct media none;

	transport_search(transport, transport->automatic
					    ? MEDIA_HOME
					    : transport->config.folder);
	search_new_ones(transport, &none);
}

const char *transport_medium(const struct transport *transport)
{
	return transport->config.folder;
}

/* ---- how much room there is ---- */

struct measurement {
	struct transport *transport;
	char folder[CONFIG_PATH_MAX];
	struct storage_space space;
	int error;
};

static void measure(void *context)
{
	struct measurement *m = context;
	int dir = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	m->error = dir < 0 ? -errno : storage_measure(dir, &m->space);
	if (dir >= 0)
		close(dir);
}

static void note_measurement(void *context, bool worked)
{
	struct measurement *m = context;
	struct transport *transport = m->transport;

	transport->asked_ns = 0;
	if (worked && strcmp(m->folder, transport->config.folder) == 0) {
		transport->medium_error = m->error;
		transport->measured = m->error == 0;
		if (m->error == 0)
			transport->space = m->space;
	}
	free(m);
}

void transport_measure_medium(struct transport *transport)
{
	int64_t now = clock_now_ns();
	struct measurement *m;

	if (transport->asked_ns || now < transport->measure_ns)
		return;
	transport->measure_ns = now + MEASURE_NS;
	transport_choose_medium(transport);
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	m->transport = transport;
	snprintf(m->folder, sizeof(m->folder), "%s", transport->config.folder);
	transport->asked_ns = now;
	if (aside_run(transport->aside, measure, note_measurement, m) < 0)
		note_measurement(m, false);
}

/* ---- letting go ---- */

static const struct medium *medium_meant(struct transport *transport,
					 const char *name)
{
	size_t root = strlen(MEDIA_ROOT);

	if (name[0])
		return media_find(&transport->media, name);
	if (strncmp(transport->config.folder, MEDIA_ROOT "/", root + 1) != 0)
		return NULL;
	return media_find(&transport->media,
			  transport->config.folder + root + 1);
}

static const struct hand *hand_on(const struct transport *transport,
				  const char *path)
{
	size_t length = strlen(path);

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &transport->hand[i];

		if (hand->take &&
		    strncmp(hand->place.folder, path, length) == 0 &&
		    hand->place.folder[length] == '/')
			return hand;
	}
	return NULL;
}

static void refuse(struct command_reply *reply, enum command_error error,
		   const char *format, const char *name)
{
	reply->error = error;
	snprintf(reply->message, sizeof(reply->message), format, name);
}

void transport_let_go(struct transport *transport,
		      const struct command *command,
		      struct command_reply *reply)
{
	const struct medium *medium;
	const struct hand *hand;
	char path[CONFIG_PATH_MAX];

	media_list(&transport->media);
	medium = medium_meant(transport, command->name);
	if (!medium) {
		refuse(reply, COMMAND_NOT_FOUND,
		       command->name[0] ? "there is no medium %s in " MEDIA_ROOT
					: "no medium is plugged in%s",
		       command->name);
		return;
	}
	media_path(path, sizeof(path), medium);
	hand = hand_on(transport, path);
	if (hand) {
		refuse(reply, COMMAND_REFUSED,
		       hand->healing ? "%s is being made whole there: a moment"
		       : hand->stop == TAKE_FOREVER
			       ? "%s is being recorded there: stop it first"
			       : "%s is being closed there: a moment",
		       hand->place.take);
		return;
	}
	transport->let_go = medium->id;
	transport->let_go_until_ns = clock_now_ns() + LET_GO_NS;
	snprintf(reply->message, sizeof(reply->message), "%s", medium->name);
	transport_choose_medium(transport);
}
