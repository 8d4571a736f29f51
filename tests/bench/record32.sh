#!/bin/bash
# The bench run: real recorded sound through a real kernel PCM to FLAC, bit
# for bit. In the virtual machine aplay plays 24-bit recordings, different on
# each of 32 channels, into one end of snd-aloop, and takebox records the
# other end through hw: and mmap to ext4; then each track, decoded with the
# stock flac, is compared with what was played: every sample.
#
#     tests/bench/record32.sh [RECORDER]
#
# RECORDER is build/takebox, or arecord to see whether the bench itself is to
# be trusted. Exit status 0 only if no sample differs.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in
/*) ;;
*) build=$root/$build ;;
esac
recorder=${1:-$build/takebox}
channels=32 rate=48000 bits=24
played=60 recorded=65
PATH=$PATH:/usr/sbin:/sbin
export BUILD=$build CACHE=${CACHE:-$root/.cache}

work=$build/bench/record32
rm -rf "$work"
mkdir -p "$work"
"$root/tests/sound.sh" --raw "$work/sound" $channels $rate $played $bits
source=$(readlink -f "$work/sound/$channels.s32")
# snd-aloop plays on from its buffer until the player's stop has come through:
# the buffer holds silence by then, so that the whole recording is known.
cp --reflink=auto "$source" "$work/played.s32"
truncate -s +$((channels * rate * 4)) "$work/played.s32"

# Plays and records in the virtual machine; the recorder's status, or 3 when the
# player failed or the machine stood still.
run_guest()
{
	rm -f "$work/disk"
	truncate -s 1G "$work/disk"
	mkfs.ext4 -q "$work/disk"
	"$here/vm.sh" --first --share "$work" --log "$work/console.log" \
		--disk "$work/disk" --disk "$work/played.s32" \
		--module ext4 --module "snd-aloop pcm_substreams=1" \
		"$here/record32_guest.sh" $channels $rate $recorded \
		"$recorder" "$build/bench/stall" "$work"
}

# A host that is busy with other things makes the emulated machine stand still,
# for longer than the 0.34 s that snd-aloop can hold: what the player or the
# recorder lose then says nothing about the recorder.
for attempt in 1 2 3; do
	status=0
	run_guest || status=$?
	[ "$status" -eq 3 ] || break
	echo "record32: attempt $attempt tells nothing: this host is busy" >&2
done
if [ "$status" -ne 0 ]; then
	echo "record32: no good recording (exit status $status)" >&2
	exit 1
fi

debugfs -R "rdump /take $work" "$work/disk" 2>/dev/null
rm "$work/disk" "$work/played.s32"
if [ "$recorder" = arecord ]; then
	for ((i = 1; i <= channels; i++)); do
		sox -D -t s32 -c $channels -r $rate "$work/take/record.s32" \
			-b $bits "$work/take/$(printf %02d $i)-.flac" remix $i
	done
	rm "$work/take/record.s32"
fi
mapfile -d '' tracks < <(find "$work/take" -name '[0-9][0-9]-*.flac' -print0 |
	sort -z)
echo "the machine's longest stall: $(cat "$work/stall") ms"
"$build/bench/compare" "$source" $channels $rate $bits "${tracks[@]}"
if [ "$recorder" != arecord ]; then
	take=$(dirname "${tracks[0]}")
	jq -r '"the take: \(.frames) frames, \(.ppm) ppm, \(.verdict)"' \
		"$take/take.json"
	jq -e '.verdict == "sample-complete"' "$take/take.json" >/dev/null
	"$recorder" verify "$take" | tail -n 1
fi
