#!/usr/bin/env bats
# GPIO lines on the bench: real kernel chips, made by gpio-sim.

setup()
{
	bench=$BATS_TEST_DIRNAME
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$bench/../../$build ;; esac
	PATH=$PATH:/usr/sbin:/sbin
}

@test "a guest has GPIO chips whose lines are pulled, held and taken away" {
	run "$bench/vm.sh" --steady --timeout 120 --module gpio-sim bash -eu -c "
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

# Lines with a mark, told apart below: what one command printed.
@test "takebox gpio lists lines, levels and holders, and says what is wrong" {
	run "$bench/vm.sh" --steady --timeout 120 --module gpio-sim bash -u -c "
		. '$bench/gpio_sim.sh'
		mount -t debugfs debugfs /sys/kernel/debug
		PATH=$build:\$PATH
		try() { echo \"== \$*\"; takebox gpio \"\$@\" 2>&1; echo \"-> \$?\"; }
		try
		gpio_sim_chip panel 8 0=REC 1=STOP 7=LED
		gpio_sim_chip pinctrl-soc 4 0=GPIO0
		gpio_sim_pull panel STOP up
		gpio_sim_pull pinctrl-soc GPIO0 up
		try
		try --levels pinctrl-soc:0 REC
		try NOSUCH
		try --json STOP
		chmod 600 /dev/gpiochip*
		echo '== stranger'
		setpriv --reuid=65534 $build/takebox gpio 2>&1
		echo \"-> \$?\""
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[1]}" = "this machine has no GPIO chip" ]
	[ "${lines[2]}" = "-> 0" ]
	[ "${lines[4]}" = "panel (gpiochip0)" ]
	[[ ${lines[5]} =~ ^\ +0\ +REC\ +input\ +low$ ]]
	[[ ${lines[6]} =~ ^\ +1\ +STOP\ +input\ +high$ ]]
	[ "${lines[13]}" = "pinctrl-soc (gpiochip1)" ]
	[[ ${lines[14]} =~ ^\ +0\ +GPIO0\ +input\ +-$ ]]
	[[ ${lines[18]} == *"where looking might disturb"* ]]
	[ "${lines[19]}" = "-> 0" ]
	[[ ${lines[22]} =~ ^\ +0\ +GPIO0\ +input\ +high$ ]]
	[[ $output == *'there is no GPIO line "NOSUCH"'* ]]
	[[ $output == *$'\n-> 10\n'* ]]
	grep '"name":"STOP"' <<<"$output" |
		jq -e '.lines[0] | .label == "panel" and .offset == 1 and
			.level == 1 and .used == false'
	[[ $output == *"in the group gpio (sudo usermod"* ]]
	[ "${lines[-1]}" = "-> 1" ]
}
