/*
 * The media that takes go to. With record.folder = "auto" that is the newest
 * one that is plugged in and is no mirror, looked for whenever no take runs,
 * and after it the others that are; a take stays where it began as long as its
 * medium lets it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "transport/transport_private.h"

#define CHOOSE_NS (2 * NS_PER_S)

/* A medium that was let go and is still there was not unplugged after all. */
#define LET_GO_NS (30 * NS_PER_S)

static void go_to(struct transport *transport, const char *folder)
{
	volumes_prefer(transport->volumes, folder);
	if (strcmp(transport->config.folder, folder) == 0)
		return;
	snprintf(transport->config.folder, sizeof(transport->config.folder),
		 "%s", folder);
	log_info("takes go to %s", folder);
	transport_changed(transport);
}

static bool is_shorter(const struct shorter *shorter, unsigned index)
{
	return shorter->frames && shorter->volume == (int)index;
}

/* Also one that a take is to go on with where it was there. */
static bool is_in_use(void *context, unsigned index)
{
	const struct transport *transport = context;
	bool in_use = is_shorter(&transport->onward.shorter, index);

	for (unsigned i = 0; i < transport->rests; i++)
		in_use = in_use ||
			 is_shorter(&transport->rest[i].shorter, index);
	for (unsigned i = 0; i < HANDS_MAX; i++)
		in_use = in_use ||
			 is_shorter(&transport->hand[i].shorter, index);
	return in_use || !transport_safe_to_pull(transport, index);
}

static void add_plugged_in(struct transport *transport)
{
	char path[CONFIG_PATH_MAX];
	bool too_many = false;

	for (unsigned i = transport->media.count; i-- > 0;) {
		media_path(path, sizeof(path), &transport->media.medium[i]);
		too_many |=
			volumes_add_passing(transport->volumes, path, is_in_use,
					    transport) == -ENOSPC;
	}
	if (too_many && !transport->too_many)
		log_warning("too many media are plugged in: the one that was "
			    "first is not recorded on");
	transport->too_many = too_many;
	volumes_add(transport->volumes, MEDIA_HOME, VOLUME_FOR_TAKES);
}

static bool is_mounted(const struct transport *transport, const char *folder)
{
	char path[CONFIG_PATH_MAX];

	for (unsigned i = 0; i < transport->media.count; i++) {
		media_path(path, sizeof(path), &transport->media.medium[i]);
		if (strcmp(path, folder) == 0)
			return true;
	}
	return false;
}

/* What comes to its folder next is another one, or the same one again. (The
 * kernel may give it the same id.) */
static void end_letting_go(struct transport *transport)
{
	struct volume volume;

	if (clock_now_ns() > transport->let_go_until_ns ||
	    !media_has(&transport->media, transport->let_go))
		transport->let_go = 0;
	for (unsigned i = 0; i < volumes_count(transport->volumes); i++) {
		volumes_get(transport->volumes, i, &volume);
		if (!is_mounted(transport, volume.folder))
			volumes_let_go(transport->volumes, volume.folder, 0);
	}
}

static void choose(struct transport *transport)
{
	const struct medium *newest = media_newest(
		&transport->media, transport->let_go, transport->config.mirror);
	char path[CONFIG_PATH_MAX] = MEDIA_HOME;

	if (newest)
		media_path(path, sizeof(path), newest);
	add_plugged_in(transport);
	if (!transport->current)
		go_to(transport, path);
}

void transport_choose_medium(struct transport *transport)
{
	int64_t now = clock_now_ns();

	if ((!transport->automatic && !transport->let_go) ||
	    now < transport->choose_ns)
		return;
	transport->choose_ns = now + CHOOSE_NS;
	media_list(&transport->media);
	end_letting_go(transport);
	if (transport->automatic)
		choose(transport);
}

int transport_init_media(struct transport *transport)
{
	const struct config *config = &transport->config;
	int error = 0;

	transport->volumes = volumes_create();
	if (!transport->volumes)
		return -ENOMEM;
	/* A mirror is none of those that are plugged in. */
	error = volumes_add_list(transport->volumes, config->mirror,
				 VOLUME_FOR_MIRROR);
	transport->automatic = strcmp(config->folder, MEDIA_AUTO) == 0;
	if (error == 0 && !transport->automatic)
		error = volumes_add(transport->volumes, config->folder,
				    VOLUME_FOR_TAKES);
	if (transport->automatic)
		transport_choose_medium(transport);
	if (error == 0)
		error = volumes_add_list(transport->volumes, config->next,
					 VOLUME_FOR_TAKES);
	volumes_prefer(transport->volumes, config->folder);
	return error;
}

int transport_choose_place(struct transport *transport, uint64_t bytes,
			   int not_this)
{
	int index = volumes_choose_other(transport->volumes, VOLUME_FOR_TAKES,
					 bytes, not_this);

	return index >= 0 ? index
			  : volumes_choose_other(transport->volumes,
						 VOLUME_FOR_MIRROR, bytes,
						 not_this);
}

unsigned transport_volume(struct transport *transport)
{
	int index;

	if (transport->current && transport->current->volume >= 0)
		return (unsigned)transport->current->volume;
	index = transport_choose_place(transport, 0, -1);
	return index < 0 ? volumes_preferred(transport->volumes)
			 : (unsigned)index;
}

void transport_list_media(struct transport *transport, char *list, size_t size)
{
	size_t used = 0;

	list[0] = '\0';
	for (unsigned i = 0; i < volumes_count(transport->volumes); i++) {
		struct volume volume;
		size_t length;

		volumes_get(transport->volumes, i, &volume);
		length = strlen(volume.folder);
		if (volume.state != VOLUME_READY ||
		    volume.role != VOLUME_FOR_TAKES || used + length + 2 > size)
			continue;
		used += (size_t)snprintf(list + used, size - used, "%s%s",
					 used ? ":" : "", volume.folder);
	}
}

const char *transport_medium_words(struct transport *transport)
{
	static char words[CONFIG_PATH_MAX + 128];
	struct volume volume;

	volumes_get(transport->volumes, transport_volume(transport), &volume);
	switch (volume.state) {
	case VOLUME_READY:
		snprintf(words, sizeof(words), "%s is full", volume.folder);
		break;
	case VOLUME_ABSENT:
		snprintf(words, sizeof(words), "%s is not there",
			 volume.folder);
		break;
	case VOLUME_UNKNOWN:
		snprintf(words, sizeof(words), "%s does not answer",
			 volume.folder);
		break;
	case VOLUME_FAILED:
		snprintf(words, sizeof(words), "%s refuses (%s)", volume.folder,
			 volume.error == -EROFS ? "it can only be read"
						: strerror(-volume.error));
		break;
	}
	return words;
}

/* Nothing of ours is being written there, or waits to be. */
bool transport_safe_to_pull(const struct transport *transport, unsigned index)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (transport->hand[i].take &&
		    transport->hand[i].volume == (int)index)
			return false;
	return !transport_is_filling(transport, index);
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

/* Who looks through it would keep it from being unmounted. */
static void end_search_on(struct transport *transport, const char *path)
{
	struct volume volume;

	for (unsigned i = 0; i < volumes_count(transport->volumes); i++) {
		volumes_get(transport->volumes, i, &volume);
		if (strcmp(volume.folder, path) == 0)
			transport_search_again(transport, i);
	}
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
	volumes_let_go(transport->volumes, path, transport->let_go_until_ns);
	end_search_on(transport, path);
	if (transport->automatic)
		choose(transport);
}
