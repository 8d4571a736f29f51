/* What the panel's files share: panel.c (life and time), panel_hands.c (inputs
 * to commands), panel_view.c (what the recorder is doing, for picture). */
#ifndef TAKEBOX_PANEL_PRIVATE_H
#define TAKEBOX_PANEL_PRIVATE_H

#include "drivers/gpio.h"
#include "surface/debounce.h"
#include "surface/gesture.h"
#include "surface/lamps.h"
#include "surface/panel.h"
#include "surface/picture.h"
#include "transport/meters.h"

#define PANEL_TEXT_MAX 224

/* One input. A switch's state is `pending` until it has been made true: there
 * may be no track yet, or the panel is locked. */
struct panel_hand {
	struct debounce debounce;
	struct gesture gesture;
	bool known, state, pending, complained;
	int64_t since_ns; /* of state */
};

struct panel {
	struct loop *loop;
	struct transport *transport;
	struct board board;
	struct loop_source *input_source, *frame_source, *connect_source,
		*poll_source;

	struct gpio_inputs *inputs; /* NULL: the board has none */
	struct panel_hand hand[BOARD_INPUTS_MAX];
	bool locked;

	struct lamps *lamps;
	struct picture picture;
	uint8_t level[BOARD_OUTPUTS_MAX];

	struct transport_status status; /* as of the last frame */
	struct picture_view view;
	struct meters meters;

	/* Complaints: of inputs, of lamps. NULL: none. */
	char *trouble[GPIO_WIRES_MAX + LAMPS_PLACES];
	unsigned troubles;
};

/* What is done 30 times a second. */
void panel_frame(struct panel *panel);

/* ---- panel_hands.c ---- */

void panel_hands_init(struct panel *panel);
void panel_hand_feed(struct panel *panel, const struct gpio_event *event);
/* What has been decided by now_ns; status is new. */
void panel_hands_run(struct panel *panel, int64_t now_ns);

/* ---- panel_view.c ---- */

void panel_view(struct picture_view *view,
		const struct transport_status *status,
		const struct meters *meters, bool locked);

#endif
