#!/bin/bash
# The driver of GPIO lines on the kernel's own chips, in the virtual machine:
# the cases of gpio_lines.c, as TAP.
#
#     tests/bench/gpio_lines.sh [other]
#
# other: built and run on the other Debian, with the other libgpiod.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
options=(--timeout 200 --module gpio-sim)
test=(env CMOCKA_MESSAGE_OUTPUT=TAP)

if [ "${1-}" = other ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "ok 1 - the other libgpiod # skip debootstrap needs root"
		exit
	fi
	exec "$here/other_debian.sh" build/bench/gpio_lines "${options[@]}" \
		"${test[@]}" build/bench/gpio_lines
fi
build=$(cd "${BUILD:-$here/../../build}" && pwd)
exec "$here/vm.sh" "${options[@]}" "${test[@]}" "$build/bench/gpio_lines"
