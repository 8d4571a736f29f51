#!/bin/bash
# GPIO chips made of nothing, for tests in the guest (vm.sh --module gpio-sim):
# sourced, its functions make chips whose lines a test pulls as a finger or a
# wire would, and whose outputs it reads. libgpiod and the recorder see a real
# /dev/gpiochipN with interrupts and the kernel's time stamps.
#
#     . tests/bench/gpio_sim.sh
#     gpio_sim_chip panel 8 0=REC 1=STOP 7=LED    # label panel, 8 lines
#     gpio_sim_pull panel REC up                  # or an offset: 0
#     gpio_sim_value panel LED                    # prints 0 or 1
#     gpio_sim_unplug panel; gpio_sim_plug panel  # gone, back (maybe another
#                                                 # number)
#     gpio_sim_remove panel
#
# A program that asks for a pull-up or pull-down pulls too, as a real line's
# resistor does; a pull made afterwards wins, as a finger does. A path for
# programs that pull very often: gpio_sim_line CHIP LINE prints the folder with
# the files pull (write pull-up or pull-down) and value.
#
# Every function returns 0, or 1 with words on standard error.

GPIO_SIM=/sys/kernel/config/gpio-sim

# gpio_sim_chip CHIP LINES [OFFSET=NAME...] [label=LABEL]: CHIP is this file's
# word for it and, without label=, its label too.
gpio_sim_chip()
{
	local folder=$GPIO_SIM/$1 lines=$2 label=$1 word line

	shift 2
	mountpoint -q /sys/kernel/config ||
		mount -t configfs configfs /sys/kernel/config || return 1
	mkdir "$folder" "$folder/bank" || return 1
	echo "$lines" >"$folder/bank/num_lines"
	for word; do
		case $word in
		label=*) label=${word#*=} ;;
		*)
			line=$folder/bank/line${word%%=*}
			mkdir "$line" && echo "${word#*=}" >"$line/name" ||
				return 1
			;;
		esac
	done
	echo "$label" >"$folder/bank/label"
	gpio_sim_plug "${folder##*/}"
}

# The chip appears, or goes while its lines may be held.
gpio_sim_plug()
{
	echo 1 >"$GPIO_SIM/$1/live" && gpio_sim_wait "$1"
}

gpio_sim_unplug()
{
	local node

	node=$(gpio_sim_node "$1")
	echo 0 >"$GPIO_SIM/$1/live" && [ ! -e "$node" ]
}

# Another way to go: the driver lets go of the device.
gpio_sim_unbind()
{
	cat "$GPIO_SIM/$1/dev_name" >/sys/bus/platform/drivers/gpio-sim/unbind
}

gpio_sim_bind()
{
	cat "$GPIO_SIM/$1/dev_name" >/sys/bus/platform/drivers/gpio-sim/bind &&
		gpio_sim_wait "$1"
}

gpio_sim_remove()
{
	local folder=$GPIO_SIM/$1 line

	echo 0 >"$folder/live"
	for line in "$folder"/bank/line*; do
		[ ! -d "$line" ] || rmdir "$line"
	done
	rmdir "$folder/bank" "$folder"
}

gpio_sim_node()
{
	echo "/dev/$(cat "$GPIO_SIM/$1/bank/chip_name")"
}

# Until a chip that was just made has its node, 5 s at most.
gpio_sim_wait()
{
	local end=$((SECONDS + 5))

	until [ -c "$(gpio_sim_node "$1")" ]; do
		if [ $SECONDS -ge $end ]; then
			echo "gpio_sim: $1 does not appear" >&2
			return 1
		fi
	done
}

# The folder of a line, by name or offset.
gpio_sim_line()
{
	local folder=$GPIO_SIM/$1 offset=$2 name

	case $offset in
	*[!0-9]*)
		name=$(grep -lx "$offset" "$folder"/bank/line*/name) || {
			echo "gpio_sim: $1 has no line $2" >&2
			return 1
		}
		name=${name%/name}
		offset=${name##*/line}
		;;
	esac
	echo "/sys/devices/platform/$(cat "$folder/dev_name")/$(
		cat "$folder/bank/chip_name")/sim_gpio$offset"
}

# gpio_sim_pull CHIP LINE up|down
gpio_sim_pull()
{
	local folder

	folder=$(gpio_sim_line "$1" "$2") && echo "pull-$3" >"$folder/pull"
}

gpio_sim_value()
{
	local folder

	folder=$(gpio_sim_line "$1" "$2") && cat "$folder/value"
}
