#!/bin/bash
# In the virtual machine: what powercut.sh and powercut_live.sh want done there.
#
#     powercut_guest.sh record SYSTEM TRACKS SECONDS BYTE WORK
#     powercut_guest.sh live SYSTEM TRACKS SEED BYTE KNOWN
#     powercut_guest.sh wait BYTE PORT
#
# record: an earlier take; then, with a mark on the disk for each step, a take
# with a marker and a new name, finished; a second one whose recorder is killed,
# and healed. live: takeboxd makes whole what the last power cut left, all takes
# are looked at, and more are recorded until the next; of the takes in the file
# KNOWN, those whose files are byte for byte what they were are not decoded
# again. wait: is told on PORT what live wants to know, in one line, and KNOWN in
# the lines up to an empty one.

set -u
bench=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$bench/../../build}
disk=${DISK:-/dev/vda}
# shellcheck source=tests/bench/recorder_guest.sh
. "$bench/recorder_guest.sh"
record='folder = "/mnt"; preroll = 0.5;'

# Under uml.sh, which does not hand a flush on, the kernel itself logs what the
# disk is asked for, onto the next one.
if [ -b /dev/ubdb ]; then
	export DM_DISABLE_UDEV=1
	disk=/dev/mapper/logged
	dmsetup create logged --table \
		"0 $(blockdev --getsz /dev/ubda) log-writes /dev/ubda /dev/ubdb"
	# With which the log gets its head.
	dmsetup message logged 0 mark begin
fi

# mark TEXT: a sector in the log of the disk's writes.
mark()
{
	printf 'TBMARK %s\n' "$*" |
		dd of="$disk" bs=512 seek=$((place / 512)) conv=sync,notrunc \
			oflag=direct status=none
	echo "TBMARK $*"
}

command_record()
{
	local system=$1 tracks=$2 seconds=$3 work=$5

	place=$4
	mount -t "$system" "$disk" /mnt || fail "it does not mount"
	start_recorder "$tracks" 20 "$record"
	takebox record >/dev/null || fail "no take"
	wait_for at_least .take.durable 1.5
	takebox stop >/dev/null || fail "no stop"
	mark "done" Take-001
	mark begin
	"$build/bench/witness" /run/control "$disk" "$place" >/dev/null &
	takebox record >/dev/null || fail "no take"
	wait_for at_least .take.durable 1
	takebox mark Chorus >/dev/null
	takebox name 2 "New name" >/dev/null
	wait_for at_least .take.durable "$seconds"
	takebox stop >/dev/null || fail "no stop"
	mark "done" Take-002
	takebox record >/dev/null || fail "no take"
	wait_for at_least .take.durable "$seconds"
	kill -9 "$tape" "$daemon"
	wait "$tape" "$daemon" 2>/dev/null
	tape='' daemon=''
	takebox heal /mnt || fail "not healed"
	mark "done" Take-003
	"$build/bench/powercut" look /mnt >"$work/reference"
	cat "$work/reference"
	umount /mnt
	[ ! -b /dev/ubdb ] || dmsetup remove --retry logged
}

# Whether takeboxd has made all takes whole.
are_whole()
{
	local ledger

	for ledger in /mnt/Takebox/*/*/take.ledger; do
		[ ! -f "$ledger" ] || [ -s "${ledger%ledger}json" ] || return 1
	done
	"$build/bench/powercut" look /mnt "$1" >/run/look || return 1
	! grep -qv ' [01] whole$' /run/look
}

record_until_the_cut()
{
	local tracks=$1 number

	RANDOM=$2
	"$build/bench/witness" /run/control "$disk" "$place" &
	for ((number = 1; ; number++)); do
		echo "REC $number"
		takebox record >/dev/null || fail "no take"
		sleep $((1 + RANDOM % 4)).$((RANDOM % 10))
		takebox mark Chorus >/dev/null
		takebox arm $((1 + RANDOM % tracks)) >/dev/null
		sleep $((RANDOM % 3)).$((RANDOM % 10))
		echo "STOP $number"
		takebox stop >/dev/null || fail "no stop"
		wait_for is .state idle
	done
}

command_live()
{
	local system=$1 tracks=$2 seed=$3 known=$5 options

	place=$4
	echo MOUNTS
	# As takebox-medium does.
	[ "$system" = exfat ] || "fsck.$system" -a "$disk" >/dev/null 2>&1
	options=errors=remount-ro
	[ "$system" != exfat ] || options=errors=continue
	mount -t "$system" -o $options "$disk" /mnt || fail "it does not mount"
	start_recorder "$tracks" 20 "$record"
	wait_for are_whole "$known"
	sed 's/^/LOOK /' /run/look
	record_until_the_cut "$tracks" "$seed"
}

command_wait()
{
	local place=$1 port=$2 system tracks seed line

	exec 5<>"$port"
	echo READY >&5
	# At its end until somebody listens.
	until read -r -u 5 system tracks seed; do
		sleep 0.1
	done
	while read -r -u 5 line && [ -n "$line" ]; do
		echo "$line"
	done >/run/known
	exec >&5 2>&1
	command_live "$system" "$tracks" "$seed" "$place" /run/known
}

command=$1
shift
"command_$command" "$@"
