#!/bin/bash
# The driver of GPIO lines on the kernel's own chips, in the virtual machine:
# the cases of gpio_lines.c and gpio_chips.c, as TAP.
#
#     tests/bench/gpio_lines.sh [other]
#
# other: built and run on the other Debian, with the other libgpiod.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
options=(--steady --timeout 200 --module gpio-sim --module i2c-dev
	--module "i2c-stub chip_addr=0x20" --module pinctrl-mcp23s08_i2c)

# both FOLDER: the command that runs both programs in the guest.
both()
{
	command=(env CMOCKA_MESSAGE_OUTPUT=TAP bash -c
		"'$1/gpio_lines'; lines=\$?; '$1/gpio_chips' && exit \$lines")
}

if [ "${1-}" = other ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "ok 1 - the other libgpiod # skip debootstrap needs root"
		exit
	fi
	both build/bench
	exec "$here/other_debian.sh" gpio-tests "${options[@]}" "${command[@]}"
fi
both "$(cd "${BUILD:-$here/../../build}" && pwd)/bench"
exec "$here/vm.sh" "${options[@]}" "${command[@]}"
