#!/bin/bash
# What is there before the kernel starts init: the lines of a board, as a
# Raspberry Pi has them, and an expander's.
# shellcheck source=tests/bench/gpio_sim.sh
. /root/gpio_sim.sh
names=()
for ((i = 0; i < 28; i++)); do
	names+=("$i=GPIO$i")
done
gpio_sim_chip pinctrl 28 "${names[@]}"
gpio_sim_chip mcp23017 16
