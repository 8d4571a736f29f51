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

truncate -s 1G "$work/disk"
mkfs.ext4 -q "$work/disk"
status=0
"$here/vm.sh" --share "$work" --disk "$work/disk" --log "$work/console.log" \
	--module ext4 --module "snd-aloop pcm_substreams=1" \
	"$here/record32_guest.sh" "$work/played.s32" $channels $rate $recorded \
	"$recorder" "$work" || status=$?
if [ $status -ne 0 ]; then
	echo "record32: the recorder's exit status was $status" >&2
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
"$build/bench/compare" "$source" $channels $rate $bits "${tracks[@]}"
if [ "$recorder" != arecord ]; then
	"$recorder" verify "$(dirname "${tracks[0]}")"
fi
