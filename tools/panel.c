/*
 * takebox panel: the recorder on a terminal.
 *
 * One poll loop over keys and the control socket. The panel subscribes to
 * events and draws what they change; it keeps no state of the recorder of its
 * own, and its end, wanted or not, changes nothing there. When the recorder
 * goes away the panel says so and tries again every second.
 */
#define NCURSES_WIDECHAR 1
#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_codes.h"
#include "tools/client.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/panel_model.h"
#include "tools/panel_screen.h"

#define RETRY_NS   (1 * NS_PER_S)
#define SILENCE_NS (5 * NS_PER_S) /* a status comes once a second */
#define INTERVAL_S 0.05
#define ORDERS_MAX 16 /* that wait for their answer */

struct terminal {
	struct options options;
	struct panel panel;
	struct panel_screen screen;
	struct client *client; /* NULL: away */
	char where[CLIENT_PATH_MAX];
	int64_t retry_ns, heard_ns;
	struct {
		int id; /* 0: free */
		enum panel_order_kind kind;
	} orders[ORDERS_MAX];
	bool quit;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static void disconnect(struct terminal *terminal, int64_t now_ns)
{
	client_close(terminal->client);
	terminal->client = NULL;
	memset(terminal->orders, 0, sizeof(terminal->orders));
	terminal->retry_ns = now_ns + RETRY_NS;
	panel_set_link(&terminal->panel, PANEL_AWAY);
}

static void connect_again(struct terminal *terminal, int64_t now_ns)
{
	int r = client_open(&terminal->client, terminal->options.socket,
			    terminal->where);

	if (r == 0)
		r = client_send(terminal->client,
				json_pack("{s:s,s:f,s:b}", "cmd", "subscribe",
					  "interval", INTERVAL_S, "meters", 1));
	if (r >= 0)
		r = client_send(terminal->client,
				json_pack("{s:s}", "cmd", "status"));
	if (r < 0) {
		disconnect(terminal, now_ns);
		return;
	}
	terminal->heard_ns = now_ns;
	panel_set_link(&terminal->panel, PANEL_CONNECTING);
}

static json_t *order_to_request(const struct panel_order *order)
{
	switch (order->kind) {
	case PANEL_ORDER_RECORD:
		return json_pack("{s:s}", "cmd", "record");
	case PANEL_ORDER_STOP:
		return json_pack("{s:s}", "cmd", "stop");
	case PANEL_ORDER_MARK:
		return json_pack("{s:s}", "cmd", "mark");
	case PANEL_ORDER_KEEP:
		return json_pack("{s:s}", "cmd", "keep");
	case PANEL_ORDER_ARM:
		return json_pack("{s:s,s:[i]}", "cmd", "arm", "tracks",
				 order->track);
	case PANEL_ORDER_DISARM:
		return json_pack("{s:s,s:[i]}", "cmd", "disarm", "tracks",
				 order->track);
	case PANEL_ORDER_ARM_ALL:
		return json_pack("{s:s,s:s}", "cmd", "arm", "tracks", "all");
	case PANEL_ORDER_NAME:
		return json_pack("{s:s,s:i,s:s}", "cmd", "name", "track",
				 order->track, "name", order->name);
	default:
		return NULL;
	}
}

static void carry_out(struct terminal *terminal,
		      const struct panel_order *order, int64_t now_ns)
{
	json_t *request = order_to_request(order);
	int id;

	if (order->kind == PANEL_ORDER_QUIT)
		terminal->quit = true;
	if (!request)
		return;
	if (!terminal->client) {
		json_decref(request);
		return;
	}
	id = client_send(terminal->client, request);
	if (id < 0) {
		disconnect(terminal, now_ns);
		return;
	}
	for (int i = 0; i < ORDERS_MAX; i++) {
		if (terminal->orders[i].id == 0) {
			terminal->orders[i].id = id;
			terminal->orders[i].kind = order->kind;
			break;
		}
	}
}

/* The order that id answers, which is thereby done. */
static enum panel_order_kind finish_order(struct terminal *terminal,
					  json_int_t id)
{
	for (int i = 0; i < ORDERS_MAX; i++) {
		if (id > 0 && terminal->orders[i].id == id) {
			terminal->orders[i].id = 0;
			return terminal->orders[i].kind;
		}
	}
	return PANEL_ORDER_NONE;
}

static void take_message(struct terminal *terminal, const json_t *message,
			 int64_t now_ns)
{
	const json_t *status = json_object_get(message, "status");
	const json_t *peaks = json_object_get(message, "peak");

	terminal->heard_ns = now_ns;
	panel_set_link(&terminal->panel, PANEL_CONNECTED);
	if (json_is_object(status))
		panel_set_status(&terminal->panel, status);
	if (json_is_array(peaks))
		panel_set_meters(&terminal->panel, message);
	if (json_object_get(message, "ok"))
		panel_set_reply(&terminal->panel,
				finish_order(terminal,
					     json_integer_value(json_object_get(
						     message, "id"))),
				message, now_ns);
}

/* Takes in all that has come, so that a slow terminal skips readings instead
 * of falling behind. */
static void receive(struct terminal *terminal, int64_t now_ns)
{
	while (terminal->client) {
		json_t *message = NULL;
		int r = client_receive(terminal->client, &message);

		if (r == 0)
			return;
		if (r == -EPROTO)
			continue;
		if (r < 0) {
			disconnect(terminal, now_ns);
			return;
		}
		take_message(terminal, message, now_ns);
		json_decref(message);
	}
}

static int to_panel_key(int result, wint_t key)
{
	if (result != KEY_CODE_YES) {
		return key == '\n' || key == '\r'  ? PANEL_KEY_ENTER
		       : key == 27		   ? PANEL_KEY_ESCAPE
		       : key == 127 || key == '\b' ? PANEL_KEY_ERASE
						   : (int)key;
	}
	switch (key) {
	case KEY_LEFT:
		return PANEL_KEY_LEFT;
	case KEY_RIGHT:
		return PANEL_KEY_RIGHT;
	case KEY_UP:
		return PANEL_KEY_UP;
	case KEY_DOWN:
		return PANEL_KEY_DOWN;
	case KEY_HOME:
		return PANEL_KEY_HOME;
	case KEY_END:
		return PANEL_KEY_END;
	case KEY_ENTER:
		return PANEL_KEY_ENTER;
	case KEY_BACKSPACE:
		return PANEL_KEY_ERASE;
	default:
		return 0;
	}
}

static void read_keys(struct terminal *terminal, int64_t now_ns)
{
	wint_t key;
	int result;

	while ((result = get_wch(&key)) != ERR) {
		struct panel_order order;

		if (result == KEY_CODE_YES && key == KEY_RESIZE) {
			terminal->panel.dirty = PANEL_DIRTY_ALL;
			continue;
		}
		panel_key(&terminal->panel, to_panel_key(result, key), now_ns,
			  &order);
		carry_out(terminal, &order, now_ns);
	}
}

/* Until something is due that no descriptor tells. */
static struct timespec time_left(struct terminal *terminal, int64_t now_ns)
{
	int64_t due = panel_tick(&terminal->panel, now_ns);
	int64_t other = terminal->client ? terminal->heard_ns + SILENCE_NS
					 : terminal->retry_ns;

	if (due == 0 || other < due)
		due = other;
	due = due > now_ns ? due - now_ns : 0;
	return (struct timespec){due / NS_PER_S, due % NS_PER_S};
}

static void check_connection(struct terminal *terminal, int64_t now_ns)
{
	if (terminal->client && now_ns - terminal->heard_ns >= SILENCE_NS)
		disconnect(terminal, now_ns);
	if (!terminal->client && now_ns >= terminal->retry_ns)
		connect_again(terminal, now_ns);
}

/* Signals come only while the loop waits: one that came between, such as a
 * change of the terminal's size, would be noticed only with the next key. */
static void hold_signals(sigset_t *while_waiting)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaddset(&held, signals[i]);
		if (signals[i] != SIGWINCH) /* which is for ncurses */
			sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, while_waiting);
}

static void run(struct terminal *terminal)
{
	sigset_t while_waiting;

	hold_signals(&while_waiting);
	while (!terminal->quit && !interrupted) {
		struct pollfd polled[2] = {{STDIN_FILENO, POLLIN, 0},
					   {-1, POLLIN, 0}};
		int64_t now_ns = clock_now_ns();
		struct timespec wait;
		int ready;

		check_connection(terminal, now_ns);
		panel_screen_draw(&terminal->screen, &terminal->panel,
				  terminal->where);
		if (terminal->client)
			polled[1].fd = client_fd(terminal->client);
		wait = time_left(terminal, now_ns);
		ready = ppoll(polled, 2, &wait, &while_waiting);
		now_ns = clock_now_ns();
		if (ready < 0 || polled[0].revents)
			read_keys(terminal, now_ns);
		if (polled[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			terminal->quit = true; /* the terminal is gone */
		if (ready > 0 && polled[1].revents)
			receive(terminal, now_ns);
	}
}

static void say_goodbye(const struct panel *panel)
{
	if (panel->link == PANEL_CONNECTED && panel->status.has_take)
		printf("The recorder goes on recording %s; 'takebox stop' ends "
		       "the take.\n",
		       panel->status.take_name);
	else if (panel->link == PANEL_CONNECTED)
		puts("The recorder goes on; 'takebox' opens the panel again.");
}

int command_panel(int argc, char **argv)
{
	struct terminal terminal = {
		.options.help =
			"takebox panel: meters, transport and keys on a "
			"terminal\n\n"
			"usage: takebox panel [--socket PATH]\n\n"
			"  --socket PATH      the recorder's control socket\n"
			"  --help, --version\n\n"
			"The panel's own help is behind the key ?.\n"};
	int code = options_read(&terminal.options, argc, argv);

	if (code >= 0)
		return code;
	if (optind < argc)
		return options_wrong(argv, "it takes no argument");
	if (terminal.options.json)
		return options_wrong(argv, "it has no JSON; status and monitor "
					   "have");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return options_wrong(argv, "it needs a terminal; 'takebox "
					   "status' does not");
	panel_init(&terminal.panel);
	set_escdelay(25);
	if (!newterm(NULL, stdout, stdin))
		return options_wrong(argv, "ncurses does not know this "
					   "terminal ($TERM)");
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	panel_screen_init(&terminal.screen);
	run(&terminal);
	endwin();
	client_close(terminal.client);
	say_goodbye(&terminal.panel);
	return EXIT_OK;
}
