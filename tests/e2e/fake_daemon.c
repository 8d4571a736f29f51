/*
 * fake_daemon: speaks the control protocol from a script, so that takebox is
 * tested against replies that a real recorder gives rarely or never.
 *
 *     fake_daemon SOCKET SCRIPT LOG
 *
 * Script, one item per line, %ID% stands for the request's id:
 *
 *     on CMD TEXT     answer to CMD; several for one CMD are used in turn, the
 *                     last for ever; "!close" closes, "!silent" says nothing
 *     push CMD TEXT   goes to all subscribers after CMD was answered
 *     event MS TEXT   goes to all subscribers MS after the item before
 *     loop            the events start over from the first
 *
 * Every request is appended to LOG as it came.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ITEMS_MAX   512
#define CLIENTS_MAX 16
#define LINE_MAX_   65536

struct item {
	char kind[8], word[32];
	char *text;
	bool used;
};

struct client {
	int fd; /* 0: free */
	bool subscribed;
	char line[LINE_MAX_];
	size_t length;
};

static struct item items[ITEMS_MAX];
static int item_count;
static struct client clients[CLIENTS_MAX];
static FILE *request_log;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_script(const char *path)
{
	static char line[1 << 20];
	FILE *file = fopen(path, "r");

	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file) && item_count < ITEMS_MAX) {
		struct item *item = &items[item_count];
		int start = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%7s %31s %n", item->kind, item->word,
			   &start) < 1 ||
		    line[0] == '#')
			continue;
		item->text = strdup(line + start);
		item_count++;
	}
	fclose(file);
}

static void drop(struct client *client)
{
	close(client->fd);
	memset(client, 0, sizeof(*client));
}

static void put(struct client *client, const char *text, size_t length)
{
	if (client->fd && length > 0 &&
	    send(client->fd, text, length, MSG_NOSIGNAL) < 0)
		drop(client);
}

/* Sends text with %ID% replaced, and a newline. */
static void put_line(struct client *client, const char *text, long id)
{
	const char *place = strstr(text, "%ID%");
	char number[24];

	if (place) {
		snprintf(number, sizeof(number), "%ld", id);
		put(client, text, (size_t)(place - text));
		put(client, number, strlen(number));
		text = place + 4;
	}
	put(client, text, strlen(text));
	put(client, "\n", 1);
}

static void put_all(const char *text)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].fd && clients[i].subscribed)
			put_line(&clients[i], text, 0);
	}
}

/* The next unused answer to word, or the last one. */
static const char *answer_to(const char *word)
{
	const char *last = "{\"ok\":false,\"id\":%ID%,\"error\":\"failed\","
			   "\"message\":\"not in the script\"}";

	for (int i = 0; i < item_count; i++) {
		if (strcmp(items[i].kind, "on") != 0 ||
		    strcmp(items[i].word, word) != 0)
			continue;
		last = items[i].text;
		if (!items[i].used) {
			items[i].used = true;
			break;
		}
	}
	return last;
}

static void answer(struct client *client, const char *request)
{
	const char *cmd = strstr(request, "\"cmd\":\"");
	const char *id = strstr(request, "\"id\":");
	const char *text;
	char word[32] = "";

	fprintf(request_log, "%s\n", request);
	fflush(request_log);
	if (cmd)
		sscanf(cmd + 7, "%31[a-z]", word);
	text = answer_to(word);
	if (strcmp(text, "!close") == 0) {
		drop(client);
		return;
	}
	if (strcmp(text, "!silent") != 0)
		put_line(client, text, id ? atol(id + 5) : 0);
	if (strcmp(word, "subscribe") == 0)
		client->subscribed = true;
	for (int i = 0; i < item_count; i++) {
		if (strcmp(items[i].kind, "push") == 0 &&
		    strcmp(items[i].word, word) == 0)
			put_all(items[i].text);
	}
}

static void receive(struct client *client)
{
	ssize_t got = read(client->fd, client->line + client->length,
			   sizeof(client->line) - client->length);
	char *end;

	if (got <= 0) {
		drop(client);
		return;
	}
	client->length += (size_t)got;
	while (client->fd &&
	       (end = memchr(client->line, '\n', client->length)) != NULL) {
		static char request[LINE_MAX_];
		size_t length = (size_t)(end - client->line) + 1;

		memcpy(request, client->line, length - 1);
		request[length - 1] = '\0';
		client->length -= length;
		memmove(client->line, end + 1, client->length);
		answer(client, request);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		die(path);
	return fd;
}

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	for (int i = 0; i < CLIENTS_MAX && fd >= 0; i++) {
		if (clients[i].fd)
			continue;
		clients[i].fd = fd;
		return;
	}
	close(fd);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Place of the next item of that kind from place from on; -1: none. */
static int find_item(const char *kind, int from)
{
	for (int i = from; i < item_count; i++) {
		if (strcmp(items[i].kind, kind) == 0)
			return i;
	}
	return -1;
}

/* Place of the event that comes at or after place from; -1: there is none. */
static int next_event(int from)
{
	int event = find_item("event", from);

	if (event < 0 && find_item("loop", from) >= 0)
		event = find_item("event", 0);
	return event;
}

static bool has_subscriber(void)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].fd && clients[i].subscribed)
			return true;
	}
	return false;
}

static void serve(int listener)
{
	struct pollfd polled[CLIENTS_MAX + 1];
	int event = next_event(0);
	long due = -1;

	for (;;) {
		long wait = -1;

		polled[CLIENTS_MAX] = (struct pollfd){listener, POLLIN, 0};
		for (int i = 0; i < CLIENTS_MAX; i++)
			polled[i] = (struct pollfd){
				clients[i].fd ? clients[i].fd : -1, POLLIN, 0};
		if (event >= 0 && has_subscriber()) {
			if (due < 0)
				due = now_ms() + atol(items[event].word);
			wait = due > now_ms() ? due - now_ms() : 0;
		}
		poll(polled, CLIENTS_MAX + 1, (int)wait);
		if (polled[CLIENTS_MAX].revents)
			accept_client(listener);
		for (int i = 0; i < CLIENTS_MAX; i++) {
			if (polled[i].revents && clients[i].fd)
				receive(&clients[i]);
		}
		if (due >= 0 && now_ms() >= due) {
			put_all(items[event].text);
			event = next_event(event + 1);
			due = -1;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: fake_daemon SOCKET SCRIPT LOG\n");
		return 2;
	}
	read_script(argv[2]);
	request_log = fopen(argv[3], "a");
	if (!request_log)
		die(argv[3]);
	serve(listen_at(argv[1]));
}
