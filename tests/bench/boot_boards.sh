#!/bin/bash
# The boards that the package brings, each wired to simulated chips, one after
# the other in the machine that boot_guest.sh looks at: takeboxd loads it
# without a word of complaint, its button records, its lamp says so, and its
# hand ends the take. Sourced by boot_guest.sh, whose functions it uses.

# wear BOARD [COMMAND]: the recorder has that panel, and COMMAND (no_problems)
# comes true.
wear()
{
	local pid

	pid=$(main_pid takeboxd)
	sed -i "s|^\(.*board = \"\)[^\"]*|\1$1|" /etc/takebox/takebox.conf
	takeboxd --check-config && systemctl restart takeboxd &&
		wait_for 300 renewed takeboxd "$pid" &&
		wait_for 300 is state idle && wait_for 300 "${2:-no_problems}"
}

no_problems()
{
	takebox status | grep -q '^problems *none'
}

# The bytes that the chain of shift registers holds, bit BIT of it: 0 is QA of
# the register next to the board, which is sent last.
chain_bit()
{
	local bytes

	mapfile -t bytes < <(od -An -v -tu1 -w1 /sys/kernel/debug/spi-sim)
	[ ${#bytes[@]} -gt $(($1 / 8)) ] &&
		echo $((bytes[${#bytes[@]} - 1 - $1 / 8] >> $1 % 8 & 1))
}

chain_shows()
{
	wait_for 300 eval "[ \"\$(chain_bit $1)\" = $2 ]"
}

both_armed()
{
	wait_for 300 eval "takebox status | grep -q '^armed *1 2 '"
}

play_rack8()
{
	wear rack8 || return 1
	down GPIO4 && down GPIO17 && both_armed &&
		tap GPIO3 recording && lit GPIO6 &&
		wait_for 300 take_has 2 && lit GPIO23 &&
		hold GPIO2 idle && dark GPIO6 && whole
}

play_pedal()
{
	wear pedal || return 1
	takebox arm all
	tap GPIO5 recording && lit GPIO6 && wait_for 300 take_has 2 &&
		hold GPIO5 idle && dark GPIO6 && whole
}

play_bench()
{
	wear bench || return 1
	takebox arm all
	up GPIO16 && wait_for 300 is state recording && lit GPIO12 &&
		wait_for 300 take_has 2 && down GPIO16 &&
		wait_for 300 is state idle && dark GPIO12 && whole
}

# Its arm switches are on an expander, its LEDs on SPI: bit 0 is REC, 8 and 9
# are arm 1 and 2, and bars begin at 24.
play_rack16()
{
	wear rack16 || return 1
	gpio_sim_pull mcp23017 0 down && gpio_sim_pull mcp23017 1 down &&
		both_armed && chain_shows 8 1 && chain_shows 9 1 &&
		tap GPIO5 recording && chain_shows 0 1 && chain_shows 24 1 &&
		wait_for 300 take_has 2 &&
		hold GPIO6 idle && chain_shows 0 0 && whole
}

# ---- an LED of the kernel's class: a keyboard's ----

# lamp_shows 0 or 1
lamp_shows()
{
	wait_for 300 grep -qx "$1" "/sys/class/leds/$lamp/brightness"
}

wear_led()
{
	lamp=$(cd /sys/class/leds && echo *::capslock)
	cat >/etc/takebox/led.board <<-BOARD
		inputs = ( { role = "rec"; line = "GPIO3"; },
			{ role = "stop"; line = "GPIO2"; } );
		outputs = ( { role = "rec"; led = "$lamp"; } );
	BOARD
	wear /etc/takebox/led.board "$1"
}

led_without_leave()
{
	wear_led may_not_write && tap GPIO3 recording &&
		wait_for 300 take_has 2 && hold GPIO2 idle && whole
}

may_not_write()
{
	takebox status | grep -F "$lamp cannot be lit: the recorder may not" |
		grep -F 'takeboxd(8)'
}

# As takeboxd(8) says.
led_with_leave()
{
	mkdir -p /etc/systemd/system/takeboxd.service.d
	cat >/etc/systemd/system/takeboxd.service.d/leds.conf <<-END
		[Service]
		ReadWritePaths=/sys/devices/platform
	END
	cat >/etc/udev/rules.d/leds.rules <<-'END'
		SUBSYSTEM=="leds", ACTION=="add", \
		  RUN+="/bin/chgrp gpio /sys%p/brightness /sys%p/trigger", \
		  RUN+="/bin/chmod g+w /sys%p/brightness /sys%p/trigger"
	END
	systemctl daemon-reload
	udevadm control --reload
	udevadm trigger --settle --action=add --subsystem-match=leds
	wear_led no_problems && tap GPIO3 recording && lamp_shows 1 &&
		wait_for 300 take_has 2 && hold GPIO2 idle && lamp_shows 0 &&
		grep -qF '[none]' "/sys/class/leds/$lamp/trigger" && whole
	set -- $?
	rm -r /etc/systemd/system/takeboxd.service.d /etc/udev/rules.d/leds.rules
	systemctl daemon-reload
	return "$1"
}

play_boards()
{
	local board

	for board in rack8 rack16 pedal bench; do
		check "board $board: loads, records, lights its lamp" \
			"play_$board"
	done
	check "an LED that may not be written: a line says so, takes are made" \
		led_without_leave
	check "with a drop-in and a rule it is lit in a take" led_with_leave
	check "board none: no panel, and no complaint" wear none
}
