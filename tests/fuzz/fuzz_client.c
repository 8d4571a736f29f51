/*
 * Any bytes as what the recorder says: cut into lines, read as every object
 * of the protocol, handed to the panel, laid out. The first byte chooses how
 * the bytes are cut into reads.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/client.h"
#include "tools/panel_layout.h"
#include "tools/panel_model.h"
#include "tools/text.h"
#include "tools/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 127)
			abort();
	}
}

static void check_panel(struct panel *panel)
{
	struct panel_layout layout;
	struct panel_order order;
	char ranges[16];

	check_printable(panel->message);
	check_printable(panel->status.session);
	for (int i = 0; i < panel->status.track_count; i++)
		check_printable(panel->status.tracks[i].name);
	for (int i = 0; i < panel_channels(panel); i++) {
		panel_clips(panel, i);
		panel_hold(panel, i);
		view_track_of(&panel->status, i + 1);
	}
	panel_layout_compute(&layout, 24, 80, panel_channels(panel),
			     panel->status.problem_count, true);
	text_clock(ranges, sizeof(ranges), panel->status.take_seconds);
	text_bytes(ranges, sizeof(ranges), panel->status.medium_free_bytes);
	panel_key(panel, 'a', 1, &order);
	panel_key(panel, ' ', 1, &order);
	panel_key(panel, PANEL_KEY_END, 1, &order);
	panel_key(panel, 'n', 1, &order);
	panel_key(panel, PANEL_KEY_ENTER, 1, &order);
}

static void hear(struct panel *panel, const json_t *message)
{
	const char *words = "";
	struct view_take take;

	client_exit_code(message, &words);
	view_take(json_object_get(message, "take"), &take);
	check_printable(take.name);
	panel_set_status(panel, json_object_get(message, "status"));
	panel_set_meters(panel, message);
	panel_set_reply(panel, PANEL_ORDER_STOP, message, 1);
	check_panel(panel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? data[0] % 64 + 1 : 1;
	struct panel panel;
	struct wire wire;

	wire_init(&wire);
	panel_init(&panel);
	panel_set_link(&panel, PANEL_CONNECTED);
	for (size_t i = 1; i < size; i += step) {
		size_t room, count = size - i < step ? size - i : step;
		char *space = wire_room(&wire, &room);
		json_t *message = NULL;

		if (!space || room < count)
			abort();
		memcpy(space, data + i, count);
		wire_filled(&wire, count);
		while (wire_next(&wire, &message) != 0) {
			if (message)
				hear(&panel, message);
			json_decref(message);
			message = NULL;
		}
	}
	wire_finish(&wire);
	return 0;
}
