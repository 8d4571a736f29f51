#!/usr/bin/env bats
# GPIO lines on the bench: real kernel chips, made by gpio-sim.

setup()
{
	bench=$BATS_TEST_DIRNAME
}

@test "a guest has GPIO chips whose lines are pulled, held and taken away" {
	run "$bench/vm.sh" --timeout 120 --module gpio-sim bash -eu -c "
		. '$bench/gpio_sim.sh'
		gpio_sim_chip panel 8 0=REC 7=LED
		gpio_sim_pull panel REC up
		gpio_sim_value panel REC
		gpio_sim_value panel LED
		gpio_sim_unplug panel
		gpio_sim_plug panel
		gpio_sim_unbind panel
		gpio_sim_bind panel
		gpio_sim_pull panel 7 up
		gpio_sim_value panel LED
		gpio_sim_remove panel
		ls /dev/gpiochip* || echo gone"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 1 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = 1 ]
	[ "${lines[-1]}" = gone ]
}
