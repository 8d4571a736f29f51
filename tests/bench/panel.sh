#!/bin/bash
# The panel in the virtual machine, on lines of gpio-sim.
#
#     tests/bench/panel.sh session [other]    buttons and lamps while sound runs
#     tests/bench/panel.sh presses [COUNT] [SEED] [other]
#                                             presses with bounce, judged by the
#                                             sound: 1000 if nothing is said
#
# other: built and run on the other Debian, with the other libgpiod. Prints
# "ok NAME" or "not ok NAME" for each case. Exit status 0 only if all is right.
#
# The machine's clock stands when this one does (vm.sh --steady), so it does not
# matter how busy this one is. For the presses it must: gpio-sim interrupts
# before it changes the level, and a machine that stands still in between tells
# edges the wrong way round.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export BUILD=$build CACHE=${CACHE:-$root/.cache}

other=no
if [ $# -gt 0 ] && [ "${*: -1}" = other ]; then
	other=yes
	set -- "${@:1:$#-1}"
fi
mode=${1:-session}
work=$build/bench/panel-$mode
[ $other = no ] || work=$work-other
rm -rf "$work"
mkdir -p "$work"

# in_guest VM-OPTION... -- ARGUMENT...: panel_guest.sh in the machine.
in_guest()
{
	local options=(--steady --share "$work" --log "$work/console.log"
		--module gpio-sim)

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	if [ $other = yes ]; then
		"$here/other_debian.sh" \
			"all build/bench/presses build/e2e/segments" \
			"${options[@]}" tests/bench/panel_guest.sh "$@"
	else
		# The guest has no environment of ours.
		"$here/vm.sh" "${options[@]}" \
			env "BUILD=$build" "$here/panel_guest.sh" "$@"
	fi
}

run_session()
{
	# Three players; the last channel is silent.
	"$root/tests/sound.sh" --raw "$work/sound" 3 48000 20 >/dev/null
	sox -D -t s32 -c 3 -r 48000 "$(readlink -f "$work/sound/3.s32")" \
		-t s32 "$work/played.s32" remix 1 2 3 0
	in_guest --timeout 580 --module "snd-aloop pcm_substreams=1" -- \
		session "$work"
}

run_presses()
{
	local count=$1 seed=$2

	in_guest --timeout $((240 + 2 * count)) -- \
		presses "$work" "$count" "$seed"
	if "$here/presses_check.sh" "$work"; then
		echo "ok presses"
	else
		echo "not ok presses"
		return 1
	fi
}

if [ $other = yes ] && [ "$(id -u)" -ne 0 ]; then
	echo "ok 1 - the other libgpiod # skip debootstrap needs root"
	exit
fi
case $mode in
session) run_session ;;
presses) run_presses "${2:-1000}" "${3:-20261121}" ;;
esac
