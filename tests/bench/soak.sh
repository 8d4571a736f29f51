#!/bin/bash
# The soak on the bench: under another kernel (uml.sh) aplay plays a minute of
# 24-bit recordings, different on each of 32 channels, again and again into one
# end of snd-aloop, and takebox-tape and takeboxd record the other end through
# hw: and mmap to ext4 (tests/soak.sh). Then the take is verified, each track
# decoded with the stock flac, and every sample compared with what was played.
#
#     tests/bench/soak.sh [SECONDS]        7200
#
# CHANNELS=32, IMAGE_SIZE=40G (a sparse file; two hours need about 20 GB). Needs
# root and loop devices, to mount the disk afterwards. It goes before all else on
# this machine, of which it takes a third of a processor. Exit status 0 only if
# the soak finds nothing, the take verifies as sample-complete and no sample
# differs; 3 if the player complained, so that nobody knows what was played. That
# it has run dry, as on a host that stood still, is no matter: it goes on where
# it was.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export BUILD=$build CACHE=${CACHE:-$root/.cache}
seconds=${1:-7200}
channels=${CHANNELS:-32} rate=48000 bits=24 played=60
PATH=$PATH:/usr/sbin:/sbin

work=$build/bench/soak
rm -rf "$work"
mkdir -p "$work/medium"
clean_up()
{
	umount "$work/medium" 2>/dev/null || true
	rm -f "$work/disk"
}
trap clean_up EXIT
"$root/tests/sound.sh" --raw "$work/sound" "$channels" $rate $played $bits
source=$(readlink -f "$work/sound/$channels.s32")
truncate -s "${IMAGE_SIZE:-40G}" "$work/disk"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$work/disk"

status=0
"$here/uml.sh" --first --memory 1G --timeout $((seconds + 600)) \
	--disk "$work/disk" --disk "$source" \
	--module "snd-aloop pcm_substreams=1" \
	"$here/soak_guest.sh" "$seconds" "$channels" $rate "$build" "$work" ||
	status=$?

mount -o loop,ro "$work/disk" "$work/medium"
take=$(dirname "$(find "$work/medium" -name take.json -print -quit)")
# It leaves with a status of its own for any other verdict.
"$build/takebox" verify --json "$take" >"$work/verify.json" || true
verdict=$(jq -r '.takes[0].verdict' "$work/verify.json")
echo "verify: $verdict"
[ "$verdict" = sample-complete ] || status=1
echo "the machine's longest stall: $(cat "$work/stall") ms"
looped=(--looped)
if [ -s "$work/player.log" ]; then
	cat "$work/player.log"
	if grep -qv ^underrun "$work/player.log"; then
		echo "nobody knows what was played"
		exit $((status ? status : 3))
	fi
	looped+=(--pauses "$(wc -l <"$work/player.log")")
fi
mapfile -d '' tracks < <(find "$take" -name '[0-9][0-9]-*.flac' -print0 |
	sort -z)
"$build/bench/compare" "${looped[@]}" "$source" "$channels" $rate $bits "${tracks[@]}" ||
	status=1
[ $status -eq 0 ]
