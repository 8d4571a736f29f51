/* What the panel's files share: panel.c (life and time), panel_hands.c (inputs
 * to commands), panel_lamps.c (levels to lines and chains), panel_view.c (what
 * the recorder is doing, for picture). */
#ifndef TAKEBOX_PANEL_PRIVATE_H
#define TAKEBOX_PANEL_PRIVATE_H

#include "drivers/gpio.h"
#include "drivers/shift.h"
#include "surface/debounce.h"
#include "surface/gesture.h"
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

struct panel_chain {
	struct panel *panel;
	unsigned number;
	struct shift *shift;
	unsigned output[BOARD_CHAIN_BITS]; /* + 1; 0: nothing is wired there */
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

	struct gpio_outputs *outputs; /* NULL: none on lines */
	unsigned wire_output[GPIO_WIRES_MAX];
	unsigned wires;
	struct panel_chain chain[BOARD_CHAINS_MAX];
	struct picture picture;
	bool on[BOARD_OUTPUTS_MAX];

	struct transport_status status; /* as of the last frame */
	struct picture_view view;
	struct meters meters;

	/* Complaints: of inputs, of outputs on lines, of chains. NULL: none. */
	char *trouble[2 * GPIO_WIRES_MAX + BOARD_CHAINS_MAX];
	unsigned troubles;
	bool missing; /* something is to be connected */
};

/* text NULL: well again. */
void panel_trouble(struct panel *panel, unsigned place, const char *text);

/* ---- panel_hands.c ---- */

void panel_hands_init(struct panel *panel);
void panel_hand_feed(struct panel *panel, const struct gpio_event *event);
/* What has been decided by now_ns; status is new. */
void panel_hands_run(struct panel *panel, int64_t now_ns);

/* ---- panel_lamps.c ---- */

int panel_lamps_init(struct panel *panel);
int panel_lamps_connect(struct panel *panel); /* how many are missing */
void panel_lamps_show(struct panel *panel);
void panel_lamps_finish(struct panel *panel);

/* ---- panel_view.c ---- */

void panel_view(struct picture_view *view,
		const struct transport_status *status,
		const struct meters *meters, bool locked);

#endif
