/*
 * Outputs, the chains of shift registers that carry them, and expanders. An
 * entry of the list is a lamp, or a bar of as many lamps as it has steps; each
 * is on a line of its own or a bit of a chain.
 */
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "surface/board_keys.h"

#define RESISTOR 1000	 /* ohms: 1.3 mA, of which a register can have eight */
#define SPEED_HZ 1000000 /* of SPI: 128 bits in 0.13 ms, on any wiring */

static struct board_root *root_of(const struct config_reader *r)
{
	return r->target;
}

/* ---- chains ---- */

static int check_wires(const struct config_reader *r, unsigned line,
		       const struct board_chain_entry *entry)
{
	bool any = entry->data[0] || entry->clock[0] || entry->latch[0];
	bool all = entry->data[0] && entry->clock[0] && entry->latch[0];

	if (entry->spi[0] ? any : !all)
		return config_reader_complain(
			r, line,
			"chain %s has either spi = \"/dev/spidev0.0\", or all "
			"of data, clock and latch",
			entry->name);
	if (!entry->spi[0] && entry->speed)
		return config_reader_complain(r, line,
					      "chain %s has no spi; drop speed",
					      entry->name);
	return 0;
}

static int check_chain(const struct config_reader *r, unsigned line,
		       const struct board_chain_entry *entry)
{
	const struct board *board = root_of(r)->board;

	if (!entry->name[0])
		return config_reader_complain(
			r, line, "this chain has no name; add name = \"leds\"");
	if (!entry->bits || entry->bits % 8)
		return config_reader_complain(
			r, line,
			"chain %s needs bits, 8 for each register: 8, 16, ... "
			"%d",
			entry->name, BOARD_CHAIN_BITS);
	for (unsigned i = 0; i < board->chains; i++)
		if (strcmp(board->chain[i].name, entry->name) == 0)
			return config_reader_complain(
				r, line,
				"there are two chains '%s'; rename one",
				entry->name);
	return check_wires(r, line, entry);
}

int board_read_chain(const struct config_reader *r,
		     const config_setting_t *setting)
{
	struct board *board = root_of(r)->board;
	struct board_chain *chain = &board->chain[board->chains];
	struct board_chain_entry entry = {.active = "high"};
	unsigned line = config_reader_line(setting);
	int result = board_read_entry(r, setting, "chains",
				      "{ name = \"leds\"; bits = 16; spi = "
				      "\"/dev/spidev0.0\"; }",
				      NULL, &entry);

	if (result == 0)
		result = check_chain(r, line, &entry);
	if (result < 0)
		return result;
	memcpy(chain->name, entry.name, sizeof(entry.name));
	chain->bits = entry.bits;
	chain->active_low = strcmp(entry.active, "low") == 0;
	memcpy(chain->spi, entry.spi, sizeof(entry.spi));
	chain->speed_hz = entry.speed ? entry.speed : SPEED_HZ;
	chain->resistor = entry.resistor ? entry.resistor : RESISTOR;
	memcpy(chain->data.line, entry.data, sizeof(entry.data));
	memcpy(chain->clock.line, entry.clock, sizeof(entry.clock));
	memcpy(chain->latch.line, entry.latch, sizeof(entry.latch));
	chain->line = line;
	board->chains++;
	return 0;
}

/* ---- expanders ---- */

int board_read_expander(const struct config_reader *r,
			const config_setting_t *setting)
{
	struct board *board = root_of(r)->board;
	struct board_expander *expander = &board->expander[board->expanders];
	struct board_expander_entry entry = {.label = "mcp23017"};
	int result = board_read_entry(
		r, setting, "expanders",
		"{ label = \"mcp23017\"; address = 0x20; }", NULL, &entry);

	if (result < 0)
		return result;
	memcpy(expander->label, entry.label, sizeof(entry.label));
	expander->address = entry.address ? entry.address : 0x20;
	memcpy(expander->interrupt, entry.interrupt, sizeof(entry.interrupt));
	expander->line = config_reader_line(setting);
	board->expanders++;
	return 0;
}

/* ---- outputs ---- */

/* Each element as the key "line" or "bit" would take it, size bytes apart. */
static int read_each(const struct config_reader *r,
		     const config_setting_t *setting,
		     const struct config_key *list, const char *as, void *items,
		     size_t size)
{
	struct config_key key = *config_find_key(board_keys, "outputs", as);

	key.name = list->name;
	for (int i = 0; i < config_setting_length(setting); i++) {
		int result;

		key.offset = (size_t)i * size;
		result = config_reader_store(
			r, config_setting_get_elem(setting, (unsigned)i), &key,
			items);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_bar_list(const struct config_reader *r,
			 const config_setting_t *setting,
			 const struct config_key *key, void *base)
{
	struct board_output_entry *entry = base;
	int count = config_setting_length(setting);

	if (strcmp(key->name, "steps") == 0)
		return board_read_steps(r, setting, key, entry->steps_of_bar,
					&entry->steps);
	if (!config_setting_is_aggregate(setting) ||
	    config_setting_is_group(setting) || count < 1 ||
	    count > BOARD_STEPS_MAX)
		return config_reader_complain(
			r, config_reader_line(setting),
			"outputs.%s must be a list of 1 to %d, the LEDs of a "
			"bar from the lowest up",
			key->name, BOARD_STEPS_MAX);
	if (strcmp(key->name, "lines") == 0) {
		entry->lines = (unsigned)count;
		return read_each(r, setting, key, "line", entry->lines_of_bar,
				 sizeof(*entry->lines_of_bar));
	}
	entry->bits = (unsigned)count;
	return read_each(r, setting, key, "bit", entry->bits_of_bar,
			 sizeof(*entry->bits_of_bar));
}

/* Index of the chain that entry names, -1 for none, or a complaint. */
static int find_chain(const struct config_reader *r, unsigned line,
		      const struct board_output_entry *entry, int *chain)
{
	const struct board *board = root_of(r)->board;
	char names[160] = "";
	size_t length = 0;

	*chain = entry->led[0] ? BOARD_ON_LED : BOARD_ON_LINE;
	if (!entry->chain[0])
		return 0;
	for (unsigned i = 0; i < board->chains; i++) {
		if (strcmp(board->chain[i].name, entry->chain) == 0) {
			*chain = (int)i;
			return 0;
		}
		if (length < sizeof(names))
			length += (size_t)snprintf(
				names + length, sizeof(names) - length,
				"%s '%.30s'", i ? "," : "; there is",
				board->chain[i].name);
	}
	return config_reader_complain(r, line, "there is no chain '%s'%s",
				      entry->chain,
				      *names ? names : "; add it to chains");
}

static int check_bit(const struct config_reader *r, unsigned line,
		     const struct board_chain *chain, unsigned bit)
{
	if (bit >= chain->bits)
		return config_reader_complain(
			r, line,
			"bit %u is beyond chain %s, which has bits 0 to %u",
			bit, chain->name, chain->bits - 1);
	return 0;
}

/* Two outputs cannot share a LED, and there are so many at most. */
static int check_led(const struct config_reader *r, unsigned line,
		     const struct board_output *output)
{
	const struct board *board = root_of(r)->board;
	unsigned leds = 0;

	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *other = &board->output[i];

		if (other->chain != BOARD_ON_LED)
			continue;
		leds++;
		if (strcmp(other->wire.line, output->wire.line) == 0)
			return config_reader_complain(
				r, line,
				"the LED %s is used twice: here and in line %u",
				output->wire.line, other->line);
	}
	if (leds == BOARD_LEDS_MAX)
		return config_reader_complain(
			r, line, "more than %d outputs with led = ...",
			BOARD_LEDS_MAX);
	return 0;
}

static int add_output(const struct config_reader *r, unsigned line,
		      const struct board_output *output)
{
	struct board *board = root_of(r)->board;

	if (board->outputs >= BOARD_OUTPUTS_MAX)
		return config_reader_complain(r, line, "more than %d LEDs",
					      BOARD_OUTPUTS_MAX);
	if (output->chain >= 0) {
		int result = check_bit(r, line, &board->chain[output->chain],
				       output->bit);

		if (result < 0)
			return result;
	}
	if (output->chain == BOARD_ON_LED && check_led(r, line, output) < 0)
		return -EINVAL;
	board->output[board->outputs++] = *output;
	return 0;
}

static int add_bar(const struct config_reader *r, unsigned line,
		   const struct board_output_entry *entry,
		   struct board_output *output)
{
	const struct board_root *root = root_of(r);
	const double *db =
		entry->steps ? entry->steps_of_bar : root->steps_of_bars;
	unsigned steps = entry->steps ? entry->steps : root->steps;
	unsigned count = output->chain >= 0 ? entry->bits : entry->lines;

	if (steps == 0)
		return config_reader_complain(
			r, line,
			"this bar has no steps; add steps = [...], the dBFS "
			"from which each of its %u LEDs is lit, here or at the "
			"top for all bars",
			count);
	if (steps != count)
		return config_reader_complain(
			r, line, "this bar has %u LEDs but %u steps", count,
			steps);
	for (unsigned i = 0; i < count; i++) {
		int result;

		output->db = db[i];
		output->bit = entry->bits_of_bar[i];
		memcpy(output->wire.line, entry->lines_of_bar[i],
		       sizeof(output->wire.line));
		result = add_output(r, line, output);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Where it is: a line, or a bit of a chain; of a bar, several. */
static int check_place(const struct config_reader *r, unsigned line,
		       const struct board_output_entry *entry, bool bar)
{
	bool one_line = entry->line[0] != '\0';
	bool one_bit = entry->bit != BOARD_NO_BIT;
	bool many = entry->lines || entry->bits || entry->steps;

	if (bar && (one_line || one_bit ||
		    (entry->chain[0] ? !entry->bits || entry->lines
				     : !entry->lines || entry->bits)))
		return config_reader_complain(
			r, line,
			"a bar has either lines = [...], or a chain and "
			"bits = [...]");
	if (!bar && many)
		return config_reader_complain(
			r, line,
			"only a bar has lines, bits and steps; %s has a line, "
			"or a chain and a bit",
			entry->role);
	if (!bar &&
	    (entry->chain[0] ? !one_bit || one_line : !one_line || one_bit))
		return config_reader_complain(
			r, line,
			"%s has either line = \"GPIO5\", or a chain and a bit",
			entry->role);
	return 0;
}

static int check_led_entry(const struct config_reader *r, unsigned line,
			   const struct board_output_entry *entry,
			   enum board_output_role role)
{
	if (role == BOARD_LAMP_BAR)
		return config_reader_complain(
			r, line, "the LEDs of a bar are on lines or a chain");
	if (entry->line[0] || entry->chain[0] || entry->bit != BOARD_NO_BIT ||
	    entry->lines || entry->bits || entry->steps || entry->drive[0] ||
	    entry->active[0])
		return config_reader_complain(
			r, line,
			"%s has led = \"%s\": that has but a brightness; drop "
			"the rest",
			entry->role, entry->led);
	return 0;
}

static int check_output(const struct config_reader *r, unsigned line,
			const struct board_output_entry *entry,
			enum board_output_role role)
{
	bool of_track = role >= BOARD_LAMP_ARM;

	if (of_track != (entry->track > 0))
		return config_reader_complain(
			r, line,
			of_track ? "%s belongs to a track; add track = 1"
				 : "%s belongs to no track; drop track",
			entry->role);
	if (entry->led[0])
		return check_led_entry(r, line, entry, role);
	if (entry->brightness)
		return config_reader_complain(
			r, line,
			"%s is on or off and has no brightness; only an "
			"output with led = ... has",
			entry->role);
	if (entry->chain[0] && (entry->drive[0] || entry->active[0]))
		return config_reader_complain(
			r, line,
			"active and drive of %s are those of its chain; drop "
			"them here",
			entry->role);
	return check_place(r, line, entry, role == BOARD_LAMP_BAR);
}

static int add_entry(const struct config_reader *r, unsigned line,
		     const struct board_output_entry *entry)
{
	static const char *const drives[] = {"push-pull", "open-drain", NULL};
	struct board_output output = {
		.role = board_word(board_output_names, entry->role),
		.track = entry->track,
		.line = line,
	};
	int result = check_output(r, line, entry, output.role);

	if (result == 0)
		result = find_chain(r, line, entry, &output.chain);
	if (result < 0)
		return result;
	output.wire.active_low = strcmp(entry->active, "low") == 0;
	if (entry->drive[0])
		output.wire.drive = board_word(drives, entry->drive);
	if (output.role == BOARD_LAMP_BAR)
		return add_bar(r, line, entry, &output);
	if (output.chain >= 0)
		output.bit = entry->bit;
	output.brightness = entry->brightness ? entry->brightness : 100;
	memcpy(output.wire.line, entry->led[0] ? entry->led : entry->line,
	       sizeof(entry->line));
	return add_output(r, line, &output);
}

int board_read_output(const struct config_reader *r,
		      const config_setting_t *setting)
{
	struct board_output_entry entry = {.bit = BOARD_NO_BIT};
	unsigned line = config_reader_line(setting);
	int result = board_read_entry(r, setting, "outputs",
				      "{ role = \"rec\"; line = \"GPIO6\"; }",
				      read_bar_list, &entry);

	if (result < 0)
		return result;
	if (!entry.role[0])
		return config_reader_complain(
			r, line, "this output has no role; add role = \"rec\"");
	return add_entry(r, line, &entry);
}
