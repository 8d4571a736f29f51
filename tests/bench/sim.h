/*
 * sim: GPIO chips made by gpio-sim, for test programs in the guest; what
 * gpio_sim.sh is for scripts. Pulls are those of a finger: outside of whatever
 * a program asked for. Failures of the bench itself end the program.
 */
#ifndef TAKEBOX_TESTS_SIM_H
#define TAKEBOX_TESTS_SIM_H

#include <stdbool.h>

/* A chip with lines named as in "0=REC 7=LED" and, with "label=X", another
 * label than chip's own name; "3!word" is a line that the kernel holds. */
void sim_make(const char *chip, unsigned lines, const char *names);
void sim_remove(const char *chip);

void sim_unplug(const char *chip);
void sim_plug(const char *chip);
void sim_unbind(const char *chip);
void sim_bind(const char *chip);

void sim_pull(const char *chip, unsigned line, bool up);
bool sim_value(const char *chip, unsigned line);

/* "gpiochip0", for now. */
const char *sim_node(const char *chip);

#endif
