#!/bin/bash
# The driver of GPIO lines on the kernel's own chips, in the virtual machine:
# the cases of gpio_lines.c, as TAP.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
build=$(cd "$build" && pwd)
exec "$here/vm.sh" --timeout 200 --module gpio-sim \
	env CMOCKA_MESSAGE_OUTPUT=TAP "$build/bench/gpio_lines"
