#!/bin/bash
# The panel in the virtual machine, on lines of gpio-sim.
#
#     tests/bench/panel.sh session            buttons and lamps while sound runs
#     tests/bench/panel.sh presses [COUNT] [SEED]
#                                             presses with bounce, judged by the
#                                             sound: 1000 if nothing is said
#
# Prints "ok NAME" or "not ok NAME" for each case. Exit status 0 only if all is
# right.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export BUILD=$build CACHE=${CACHE:-$root/.cache}
# The guest has no environment of ours.
guest=(env "BUILD=$build" "$here/panel_guest.sh")

mode=${1:-session}
work=$build/bench/panel-$mode
rm -rf "$work"
mkdir -p "$work"

# The machine goes before what else this host does, where that is allowed.
first=()
if [ "$(nice -n -15 nice 2>/dev/null)" -lt 0 ]; then
	first=(nice -n -15)
fi

run_session()
{
	# Three players; the last channel is silent.
	"$root/tests/sound.sh" --raw "$work/sound" 3 48000 20 >/dev/null
	sox -D -t s32 -c 3 -r 48000 "$(readlink -f "$work/sound/3.s32")" \
		-t s32 "$work/played.s32" remix 1 2 3 0
	"${first[@]}" "$here/vm.sh" --share "$work" --log "$work/console.log" \
		--timeout 420 --module gpio-sim \
		--module "snd-aloop pcm_substreams=1" \
		"${guest[@]}" session "$work"
}

run_presses()
{
	local count=$1 seed=$2

	# Its clock stands when this machine does: gpio-sim interrupts before it
	# changes the level, and a machine that stands still in between tells
	# edges the wrong way round.
	"${first[@]}" "$here/vm.sh" --steady --share "$work" \
		--log "$work/console.log" --timeout $((240 + 2 * count)) \
		--module gpio-sim \
		"${guest[@]}" presses "$work" "$count" "$seed"
	if "$here/presses_check.sh" "$work"; then
		echo "ok presses"
	else
		echo "not ok presses"
		return 1
	fi
}

case $mode in
session) run_session ;;
presses) run_presses "${2:-1000}" "${3:-20261121}" ;;
esac
