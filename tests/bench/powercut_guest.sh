#!/bin/bash
# In the virtual machine: what powercut.sh wants done there.
#
#     powercut_guest.sh record SYSTEM TRACKS SECONDS BYTE WORK
#     powercut_guest.sh live BYTE PORT
#
# record: an earlier take; then, with a mark on the disk for each step, a take
# with a marker and a new name, finished; a second one whose recorder is killed,
# and healed. live: is told on PORT which file system it is and how many tracks;
# then takeboxd makes whole what the last power cut left, all takes are looked
# at, and more are recorded until the next.

set -u
bench=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$bench/../../build}
export ALSA_CONFIG_PATH=$build/virtual.conf TAKEBOX_SOCKET=/run/control
rate=48000
disk=${DISK:-/dev/vda}

tape='' daemon=''
trap 'kill -9 $tape $daemon 2>/dev/null' EXIT

fail()
{
	echo "guest: $*"
	cat /run/takeboxd.log /run/tape.log 2>/dev/null
	exit 1
}

wait_for()
{
	local until=$((SECONDS + 60))

	while [ "$SECONDS" -lt "$until" ]; do
		! "$@" || return 0
		sleep 0.05
	done
	fail "waited in vain for: $*"
}

status_of()
{
	"$build/takebox" status --json 2>/dev/null | jq -r ".status$1"
}

is_idle()
{
	[ "$(status_of .state)" = idle ]
}

safe_are()
{
	jq -en --argjson a "$(status_of .take.durable)" --argjson b "$1" \
		'$a >= $b' >/dev/null 2>&1
}

start_recorder()
{
	local device="takebox_virtual:CHANNELS=$1,SIGNAL=counter"

	cat >/run/takebox.conf <<-EOF
		interface: { device = "$device"; rate = $rate; };
		tape: { seconds = 20.0; };
		record: { folder = "/mnt"; preroll = 0.5; };
		session: { name = "Bench"; };
		control: { socket = "/run/control"; tape_socket = "/run/tape"; };
	EOF
	rm -f /run/control /run/tape
	"$build/takebox-tape" --socket /run/tape 2>>/run/tape.log &
	tape=$!
	wait_for test -S /run/tape
	"$build/takeboxd" -c /run/takebox.conf 2>>/run/takeboxd.log &
	daemon=$!
	wait_for is_idle
}

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
	start_recorder "$tracks"
	"$build/takebox" record >/dev/null || fail "no take"
	wait_for safe_are 1.5
	"$build/takebox" stop >/dev/null || fail "no stop"
	mark "done" Take-001
	mark begin
	"$build/bench/witness" /run/control "$disk" "$place" >/dev/null &
	"$build/takebox" record >/dev/null || fail "no take"
	wait_for safe_are 1
	"$build/takebox" mark Chorus >/dev/null
	"$build/takebox" name 2 "New name" >/dev/null
	wait_for safe_are "$seconds"
	"$build/takebox" stop >/dev/null || fail "no stop"
	mark "done" Take-002
	"$build/takebox" record >/dev/null || fail "no take"
	wait_for safe_are "$seconds"
	kill -9 "$tape" "$daemon"
	wait "$tape" "$daemon" 2>/dev/null
	tape='' daemon=''
	"$build/takebox" heal /mnt || fail "not healed"
	mark "done" Take-003
	"$build/bench/powercut" look /mnt >"$work/reference"
	cat "$work/reference"
	umount /mnt
}

# Until takeboxd has made all takes whole.
are_whole()
{
	"$build/bench/powercut" look /mnt >/run/look
	! grep -qv ' [01] whole$' /run/look || return 1
}

record_until_the_cut()
{
	local tracks=$1 number

	RANDOM=$2
	"$build/bench/witness" /run/control "$disk" "$place" &
	for ((number = 1; ; number++)); do
		echo "REC $number"
		"$build/takebox" record >/dev/null || fail "no take"
		sleep $((1 + RANDOM % 4)).$((RANDOM % 10))
		"$build/takebox" mark Chorus >/dev/null
		"$build/takebox" arm $((1 + RANDOM % tracks)) >/dev/null
		sleep $((RANDOM % 3)).$((RANDOM % 10))
		echo "STOP $number"
		"$build/takebox" stop >/dev/null || fail "no stop"
		wait_for is_idle
	done
}

command_live()
{
	local port=$2 system tracks seed options

	place=$1
	exec 5<>"$port"
	echo READY >&5
	# At its end until somebody listens.
	until read -r -u 5 system tracks seed; do
		sleep 0.1
	done
	exec >&5 2>&1
	# As takebox-medium does.
	[ "$system" = exfat ] || "fsck.$system" -a "$disk" >/dev/null 2>&1
	options=errors=remount-ro
	[ "$system" != exfat ] || options=errors=continue
	mount -t "$system" -o $options "$disk" /mnt || fail "it does not mount"
	start_recorder "$tracks"
	wait_for are_whole
	sed 's/^/LOOK /' /run/look
	record_until_the_cut "$tracks" "$seed"
}

command=$1
shift
"command_$command" "$@"
