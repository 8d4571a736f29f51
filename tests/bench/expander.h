/*
 * expander: an MCP23017 on a bus that i2c-stub plays, driven by the kernel's
 * own driver (vm.sh --module "i2c-stub chip_addr=0x20" --module i2c-dev
 * --module pinctrl-mcp23s08_i2c). Its chip is labelled mcp23017 and has no
 * interrupts. Failures of the bench end the program.
 */
#ifndef TAKEBOX_TESTS_EXPANDER_H
#define TAKEBOX_TESTS_EXPANDER_H

#include <stdint.h>

void expander_plug(void);
void expander_unplug(void);

/* What its 16 inputs read, and what it drives its outputs with. */
void expander_set_inputs(uint16_t levels);
uint16_t expander_outputs(void);

#endif
