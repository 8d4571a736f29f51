#!/bin/bash
# What boards can do, on paper: counts the arm64 instructions that the recorder
# spends on a sample and works out how much of a board's time that is.
#
#     tests/perf/boards.sh [LEVEL...]
#
# sound_path, all of the recorder's own code from an interface's buffer to
# finished files, is built for arm64 with this Debian's compiler, linked with
# this Debian's libFLAC for arm64, and run in QEMU, which tells which blocks of
# instructions it goes through. What a longer take needs more than a shorter
# one, by sample, is the figure. The kernel's work is not in it.
#
# The packages for arm64 are fetched with apt once and unpacked in $CACHE.

set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${CACHE:-$top/.cache}/arm64
build=${BUILD:-$top/build}/arm64
case $build in /*) ;; *) build=$top/$build ;; esac
rate=48000 channels=16
short=8192 long=40960 # frames, in whole blocks
levels=("$@")
[ ${#levels[@]} -gt 0 ] || levels=(0 3 5 8)

# Cores, GHz, instructions per cycle and MiB of memory. The third is an
# assumption: what such a core does with code like this one, low rather than
# high. Nothing was measured on a board.
boards='Zero 2 W|4|1.0|0.8|512
3B+|4|1.4|0.8|1024
4 B|4|1.5|1.2|4096
5|4|2.4|2.0|8192'

die()
{
	echo "boards: $*" >&2
	exit 1
}

emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
	die "no qemu-aarch64: tools/setup.sh boards"
command -v aarch64-linux-gnu-gcc >/dev/null ||
	die "no compiler for arm64: tools/setup.sh boards"

# ---- arm64's libraries ----------------------------------------------------------

apt_arm64()
{
	apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
		-o Dir::State="$cache/state" -o Dir::Cache="$cache/cache" \
		-o Dir::State::status="$cache/status" \
		-o APT::Sandbox::User=root "$@"
}

fetch_libraries()
{
	local package

	rm -rf "$cache"
	mkdir -p "$cache/state/lists/partial" "$cache/cache/archives/partial" \
		"$cache/new"
	: >"$cache/status"
	# A source without arm64 is a warning; a missing package is found below.
	apt_arm64 update >"$cache/log" 2>&1 || true
	apt_arm64 install -y --download-only --no-install-recommends \
		"${wanted[@]}" >>"$cache/log" 2>&1 ||
		die "no packages for arm64: $cache/log"
	for package in "$cache"/cache/archives/*.deb; do
		dpkg -x "$package" "$cache/new"
	done
	[ -e "$cache/new/lib" ] || ln -s usr/lib "$cache/new/lib"
	mv "$cache/new" "$cache/root"
	echo "${wanted[*]}" >"$cache/wanted"
}

root=$cache/root
mapfile -t wanted < <(sed -nE 's/^build +(lib[^ ]*-dev).*/\1/p' \
	"$top/tools/packages.txt")
[ "$(cat "$cache/wanted" 2>/dev/null)" = "${wanted[*]}" ] || fetch_libraries
libraries=$root/usr/lib/aarch64-linux-gnu
PKG_CONFIG_LIBDIR=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
	make -C "$top" --no-print-directory -j"$(nproc)" BUILD="$build" \
	CC="aarch64-linux-gnu-gcc --sysroot=$root" \
	"$build/perf/sound_path" >"$cache/build.log" 2>&1 ||
	die "it does not build: $cache/build.log"

# ---- counting -------------------------------------------------------------------

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Instructions of a command: QEMU logs the code of each block when it meets it
# first, and each time it runs one.
count()
{
	local result

	mkdir "$work/out"
	mkfifo "$work/log"
	awk '
	/^IN:/ { fresh = 1; next }
	/^0x/ {
		if (fresh) {
			at = substr($1, 3)
			gsub(/^0+|:$/, "", at)
			size[at] = fresh = 0
		}
		size[at]++
		next
	}
	/^Trace/ {
		split($0, part, "/")
		sub(/^0+/, "", part[2])
		sum += size[part[2]]
	}
	END { printf "%.0f\n", sum }' <"$work/log" >"$work/count" &
	result=$!
	"$emulator" -L "$root" -d exec,nochain,in_asm -D "$work/log" "$@" ||
		die "$* failed"
	wait "$result"
	rm -rf "$work/out" "$work/log"
	cat "$work/count"
}

calc() { awk "BEGIN {printf \"$2\", $1}"; }

per_sample()
{
	local few many

	few=$(count "$build/perf/sound_path" -l "$1" "$work/sound" $channels \
		$short "$work/out")
	many=$(count "$build/perf/sound_path" -l "$1" "$work/sound" $channels \
		$long "$work/out")
	calc "($many - $few) / (($long - $short) * $channels)" %.1f
}

"$top/tests/sound.sh" --raw "$work/files" $channels $rate 1
mv "$work/files/$channels.s32" "$work/sound"

flac=$(basename "$(readlink -f "$libraries"/libFLAC.so)")
echo "arm64, $("$emulator" --version | sed -n '1s/ (.*//p'), $flac," \
	"$(aarch64-linux-gnu-gcc --version | head -1)"
echo
echo "| level | instructions per sample |"
echo "| --- | --- |"
for level in "${levels[@]}"; do
	n=$(per_sample "$level")
	echo "| $level | $n |"
	[ "$level" != 5 ] || five=$n
done
[ -n "${five-}" ] || exit 0

# ---- what that makes of a board ---------------------------------------------------

# Of all cores, in percent, for channels $1 at $2 Hz.
share() { calc "100 * $1 * $2 * $five / ($cores * $ghz * $ipc * 1e9)" %.1f; }

# As many channels at $1 Hz as leave one core to the rest of the machine and
# half of the others' time for catching up; 64 is the recorder's limit.
channels_at()
{
	calc "($cores - 1) * $ghz * $ipc * 1e9 / 2 / ($1 * $five)" %d |
		awk '{print $1 < 64 ? $1 : 64}'
}

# Seconds of tape, a quarter of the memory, for 32 channels at 48 kHz.
tape() { calc "$memory * 1048576 / 4 / (32 * 48000 * 4)" %d; }

echo
echo "Level 5; shares are of all cores"
echo
echo "| Raspberry Pi | assumed | 32 at 48 kHz | 64 at 48 kHz | 64 at 96 kHz" \
	"| 64 at 192 kHz | channels at 48, 96, 192 kHz | tape, 32 at 48 kHz |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
while IFS='|' read -r name cores ghz ipc memory; do
	echo "| $name | $cores x $ghz GHz, $ipc instructions a cycle, $memory" \
		"MiB | $(share 32 48000) % | $(share 64 48000) % |" \
		"$(share 64 96000) % | $(share 64 192000) % |" \
		"$(channels_at 48000), $(channels_at 96000)," \
		"$(channels_at 192000) | $(tape) s |"
done <<<"$boards"
