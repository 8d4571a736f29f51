#!/bin/bash
# Functions are called by names that are put together, and by a trap.
# shellcheck disable=SC2317
#
# Breaks everything at random and at once while takes are recorded, then holds
# every take against the counter pattern: each frame between REC and STOP is in
# a take, or named as lost in a ledger (tests/bench/account.c).
#
#     tests/torture.sh [SECONDS [SEED]]      600 s; a seed of the time's
#
# As root, on this machine or in the virtual machine; the interface is the
# virtual one. All faults, their times and lengths are drawn from the seed
# before anything begins (PLAN=1 prints them and does nothing); those of the
# interface happen at the very device frame, the others when the machine gets
# to them. Two disks, A and B, are ext4 on loop devices. What is done to them:
#
#   stall   nothing is answered for 0.2 to 60 s (fsfreeze)
#   full    somebody else takes all of the room, and gives it back
#   error   the file system finds an error and can only be read; it is mended
#   pull    the file system is gone in mid-write, and comes back after a check
#
# to the interface: unplugged and plugged in again; stopped; held up; frames
# lost without a report; a late reader; and to the programs: takeboxd,
# takebox-tape, or both killed. When both are, while no medium is held up,
# nothing is recorded until REC, and up to 2.11 s before may be lost, as in a
# power cut. A take that is stopped while takebox-tape is gone waits for it.
#
# The report is on standard output; its last line says how many frames nobody
# can account for. Exit status 0 if that is none and nothing else is wrong.
# The media and logs of a run that fails are kept, of others with KEEP=1.

# The disks are in /media of a name space of their own: nobody else's keeps
# them, and two runs do not meet.
# In a chroot there is no mount at the root that could be made private.
if [ -z "${TORTURE_ALONE:-}${PLAN:-}" ] && [ "$(id -u)" -eq 0 ]; then
	export TORTURE_ALONE=1
	unshare -m true 2>/dev/null ||
		exec unshare -m --propagation unchanged "$0" "$@"
	exec unshare -m "$0" "$@"
fi

set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
limit=${1:-600}
seed=${2:-$((10#$(date +%s) % 32768))}
root=$PWD
channels=${CHANNELS:-8}
tape=${TAPE:-90}
# All that is recorded stays until it was looked at.
disk_bytes=$((limit * channels * 200000 + (200 << 20)))
PATH=$PATH:/usr/sbin:/sbin

# ---- the plan ----

RANDOM=$seed

# below ARG, from the seed
chance()
{
	drawn=$(((RANDOM * 32768 + RANDOM) % $1))
}

# Milliseconds: a time, and until when each thing is in some state.
at=0
declare -A busy=([A]=0 [B]=0 [interface]=0 [programs]=0)

# plan PLAYER THING LENGTH FAULT...
plan()
{
	busy[$2]=$((at + $3))
	printf '%s %d %s\n' "$1" "$at" "${*:4}"
}

draw_disk()
{
	disk=A
	chance 2
	[ "$drawn" -eq 0 ] || disk=B
	[ "${busy[$disk]}" -le "$at" ]
}

draw_stall()
{
	chance 20
	case $drawn in
	[0-9] | 10 | 11) chance 2800 && drawn=$((drawn + 200)) ;;
	1[2-7]) chance 9000 && drawn=$((drawn + 3000)) ;;
	*) chance 48000 && drawn=$((drawn + 12000)) ;;
	esac
}

draw_fault()
{
	local free=${busy[interface]}

	case $1 in
	stall)
		draw_disk && draw_stall &&
			plan disks $disk $((drawn + 2000)) stall $disk "$drawn"
		;;
	full | error | pull)
		draw_disk && chance 8000 &&
			plan disks $disk $((drawn + 10000)) "$1" $disk \
				$((drawn + 1000))
		;;
	unplug)
		[ "$free" -le $at ] && chance 3000 &&
			plan interface interface $((drawn + 3000)) unplug \
				$((drawn + 500))
		;;
	lose | xrun)
		[ "$free" -le $at ] && chance 2000 &&
			plan interface interface 2000 "$1" $((drawn + 96))
		;;
	stop) [ "$free" -le $at ] && plan interface interface 2000 stop ;;
	hold)
		[ "$free" -le $at ] && chance 300 &&
			plan interface interface 2000 hold $((drawn + 10))
		;;
	daemon | tape | take)
		[ "${busy[programs]}" -le $at ] &&
			plan programs programs 3000 "$1"
		;;
	both) # what a medium could not take yet would be gone, rightly
		[ "${busy[programs]}" -le $at ] &&
			[ $((busy[A] + 5000)) -le $at ] &&
			[ $((busy[B] + 5000)) -le $at ] &&
			plan programs programs 3000 both
		;;
	esac
}

make_plan()
{
	local faults=(stall stall stall full full error pull pull unplug lose
		lose xrun stop hold daemon daemon daemon tape take take take
		both)

	at=3000
	while [ $at -lt $((limit * 1000)) ]; do
		chance ${#faults[@]}
		draw_fault "${faults[$drawn]}"
		chance 5000
		at=$((at + 300 + drawn))
	done
}

if [ -n "${PLAN:-}" ]; then
	make_plan
	exit
fi

# ---- the machine ----

work=$(mktemp -d "${TMPDIR:-/tmp}/torture.XXXXXX")
export ALSA_CONFIG_PATH=$BUILD/virtual.conf TAKEBOX_SOCKET=$work/control

takebox()
{
	"$BUILD/takebox" "$@"
}

now()
{
	"$BUILD/bench/account" now
}

# Milliseconds since the plan began.
since()
{
	echo $((($(now) - began) / 1000000))
}

sleep_until()
{
	local left=$(($1 - $(since)))

	[ $left -le 0 ] || sleep "$(seconds $left)"
}

seconds()
{
	printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

say()
{
	printf '%9s  %s\n' "$(seconds "$(since)")" "$*" | tee -a "$work/story"
}

broken()
{
	say "$*: BROKEN"
	echo "$*" >>"$work/broken"
}

count()
{
	echo "$1" >>"$work/count"
}

make_disk()
{
	truncate -s "$disk_bytes" "$work/$1.img"
	mkfs.ext4 -q -F -m 0 "$work/$1.img"
	plug "$1"
}

# A mount point is there as long as its disk is.
plug()
{
	mkdir "/media/$1"
	mount -o loop,errors=remount-ro "$work/$1.img" "/media/$1"
}

replug()
{
	umount -l "/media/$1"
	for _ in $(seq 600); do
		losetup -j "$work/$1.img" | grep -q . || break
		sleep 0.1
	done
	! losetup -j "$work/$1.img" | grep -q . || {
		find /proc/[0-9]*/fd -lname "/media/$1/*" >>"$work/held" \
			2>/dev/null
		broken "$1 is held for a minute"
		return
	}
	rmdir "/media/$1" || broken "something was put below the unmounted $1"
	fsck.ext4 -fy "$work/$1.img" >>"$work/fsck.log" 2>&1
	plug "$1"
}

start_tape()
{
	rm -f "$work/tape"
	"$BUILD/takebox-tape" --socket "$work/tape" 2>>"$work/tape.log" &
	echo $! >"$work/tape.pid"
}

start_daemon()
{
	"$BUILD/takeboxd" -c "$work/takebox.conf" 2>>"$work/takeboxd.log" &
	echo $! >"$work/takeboxd.pid"
}

# kill_them NAME...: at once, those of them that run.
kill_them()
{
	local name pids=()

	for name in "$@"; do
		pids+=("$(cat "$work/$name.pid")")
	done
	kill -9 "${pids[@]}"
	wait "${pids[@]}"
} 2>/dev/null

clean_up()
{
	local disk

	jobs -p | xargs -r kill
	kill_them takeboxd tape
	for disk in A B; do
		fsfreeze -u "/media/$disk"
		umount -l "/media/$disk"
	done 2>/dev/null
	if [ "${failed:-1}" -ne 0 ] || [ -n "${KEEP:-}" ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
} 2>/dev/null

state()
{
	timeout 5 "$BUILD/takebox" status --json 2>/dev/null |
		jq -r .status.state
}

# wait_state STATES [SECONDS]
wait_state()
{
	local end=$((SECONDS + ${2:-60}))

	until [[ $(state) =~ ^($1)$ ]]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# ---- disks: each fault mends itself ----

break_disk()
{
	local fault=$1 disk=$2 length=$3 room

	mountpoint -q "/media/$disk" || {
		say "no $fault: $disk is not back yet"
		return
	}
	count "$fault"
	say "$fault $disk for $(seconds "$length") s"
	case $fault in
	stall)
		fsfreeze -f "/media/$disk"
		sleep "$(seconds "$length")"
		fsfreeze -u "/media/$disk"
		;;
	full)
		room=$(df --output=avail -B1 "/media/$disk" | tail -1)
		fallocate -l "$room" "/media/$disk/foreign" ||
			dd if=/dev/zero of="/media/$disk/foreign" bs=1M
		sleep "$(seconds "$length")"
		rm -f "/media/$disk/foreign"
		;;
	error)
		room=$(basename "$(findmnt -no SOURCE "/media/$disk")")
		echo 1 >"/sys/fs/ext4/$room/trigger_fs_error"
		sleep "$(seconds "$length")"
		replug "$disk"
		;;
	pull)
		"$BUILD/bench/pull" "/media/$disk"
		sleep "$(seconds "$length")"
		replug "$disk"
		;;
	esac
} 2>/dev/null

play_disks()
{
	local player at fault

	while read -r player at fault; do
		[ "$player" = disks ] || continue
		sleep_until "$at"
		# shellcheck disable=SC2086
		break_disk $fault &
	done <"$work/plan"
	wait
}

# ---- the interface: at the very frame ----

virtual()
{
	"$root/drivers/virtual/virtualctl" "$work/virtual" "$@" >/dev/null 2>&1
}

# The device's number of the frame so many milliseconds into the plan.
frame_at()
{
	awk -v t="$began" -v ms="$1" '{
		printf "%d", $3 + (t - $2 + ms * 1e6) * $4 / 1e9
	}' "$work/virtual.state"
}

play_interface()
{
	local player at fault value frame

	while read -r player at fault value; do
		[ "$player" = interface ] || continue
		frame=$(frame_at "$at")
		sleep_until $((at - 500))
		say "$fault ${value:-}, at frame $frame"
		if [ "$fault" = unplug ]; then
			virtual at "$frame" unplug
			sleep_until $((at + value))
			virtual unplug # if nobody had it open then
			virtual plug
			count unplug
		elif virtual at "$frame" "$fault" ${value:+"$value"}; then
			count "$fault"
		else
			say "no $fault: nobody has the interface open"
		fi
	done <"$work/plan"
}

# ---- programs and takes: one after the other ----

# from: when REC was answered; empty: nothing is to be recorded.
from=

# As a musician does it: again, while no medium takes anything.
record()
{
	local answer

	for _ in $(seq 90); do
		answer=$(takebox record --preroll 0 --json 2>/dev/null)
		say "REC $(jq -r '.take.name // .message' <<<"$answer")"
		! jq -e .ok <<<"$answer" >/dev/null || {
			from=$(now)
			return
		}
		sleep 1
	done
	broken "no REC within a minute and a half"
}

# What was between REC and now less ARG nanoseconds is to be there.
expect()
{
	local to

	to=$(($(now) - $1))
	[ -z "$from" ] || [ "$from" -ge "$to" ] ||
		echo "$from $to until $(seconds "$(since)") s" >>"$work/expected"
	from=
}

stop()
{
	wait_state 'recording' 75 || broken "STOP finds $(state)"
	expect 0
	# Without a take in the answer: only the tape has it so far.
	say "STOP $(timeout 60 "$BUILD/takebox" stop --json 2>/dev/null |
		jq -r '"\(.take.name) \(.take.verdict) \(.take.seconds)" // .message')"
	wait_state idle 120 || broken "not idle 120 s after STOP: $(state)"
}

# The tape is held by both: when one of them dies before the other one is back
# at it, both have died, which is another fault.
is_held()
{
	case $(timeout 5 "$BUILD/takebox" status --json 2>/dev/null |
		jq -r .status.interface.state) in
	running | silent | absent) ;;
	*) return 1 ;;
	esac
}

wait_held()
{
	local end=$((SECONDS + 90))

	until is_held; do
		[ "$SECONDS" -lt "$end" ] || {
			broken "nobody holds the tape"
			return
		}
		sleep 0.05
	done
}

kill_daemon()
{
	wait_held
	kill_them takeboxd
	start_daemon
	wait_state 'idle|starting|recording|finishing|no-interface' 90 ||
		broken "takeboxd does not answer"
}

kill_tape()
{
	wait_held
	kill_them tape
	start_tape
}

kill_both()
{
	# The silence of an interface that is away comes a second at a time.
	if [ -e "$work/virtual.unplugged" ]; then
		expect 3110000000
	else
		expect 2110000000
	fi
	kill_them tape takeboxd
	start_tape
	start_daemon
	wait_state idle 90 || broken "after both were killed: $(state)"
	record
}

play_programs()
{
	local player at fault

	# Input of its own: the programs inherit it.
	while read -r player at fault <&3; do
		[ "$player" = programs ] || continue
		sleep_until "$at"
		[ "$fault" = take ] || say "kill $fault"
		count "$fault"
		case $fault in
		take) stop && record ;;
		*) kill_"$fault" ;;
		esac
	done 3<"$work/plan"
}

# ---- the account ----

verify_takes()
{
	local take verdict

	for take in /media/[AB]/Takebox/*/Take-*; do
		verdict=$(takebox verify --json "$take" 2>/dev/null |
			jq -r '.takes[0].verdict')
		# One that was just being begun may hold nothing: see account.c.
		[ "$verdict" = sample-complete ] || [ "$verdict" = gaps ] ||
			[ "$verdict" = "no take" ] ||
			broken "${take#/media/} is $verdict"
	done
	find /media/[AB]/Takebox -mindepth 2 -maxdepth 2 -printf '%P\n' | sort |
		uniq -d | while read -r take; do
		broken "$take is there twice"
	done
}

# What the programs took, for what happened.
report_programs()
{
	local log

	for log in takeboxd tape; do
		printf '%-8s %d lines in the log\n' $log \
			"$(wc -l <"$work/$log.log")"
	done
}

# ---- the run ----

[ "$(id -u)" -eq 0 ] || {
	echo "torture: only root can mount disks" >&2
	exit 2
}
trap clean_up EXIT
trap 'exit 1' INT TERM
began=$(now)
touch "$work/expected" "$work/count" "$work/broken"
make_plan >"$work/plan"
mount -t tmpfs torture /media || exit 2
make_disk A
make_disk B
# An overrun lasts as long as the buffer, and a device that is quiet for two
# seconds is taken for dead: half of that.
cat >"$work/takebox.conf" <<-EOT
	interface: { device = "takebox_virtual:CHANNELS=$channels,SIGNAL=counter,ORIGIN=clock,PPM=40,BUFFER_MAX=48000,CONTROL=$work/virtual"; };
	tape: { seconds = $tape.0; };
	record: { folder = "/media/A"; next = "/media/B"; preroll = 0.0; };
	session: { name = "Torture"; };
	control: { socket = "$work/control"; tape_socket = "$work/tape"; };
EOT
echo "torture: $limit s, seed $seed, $channels channels, a tape of $tape s"
start_tape
start_daemon
wait_state idle || exit 1
began=$(now)
play_disks &
disks=$!
play_interface &
interface=$!
record
play_programs
wait $disks $interface
sleep 2
stop
kill "$(cat "$work/takeboxd.pid")"
wait "$(cat "$work/takeboxd.pid")"
takebox heal /media/A /media/B >"$work/heal.log" 2>&1
verify_takes

echo
sort "$work/count" | uniq -c
report_programs
"$BUILD/bench/account" "$work/virtual.state" "$work/expected" \
	/media/[AB]/Takebox/*/Take-*
failed=$?
echo "$(wc -l <"$work/broken") things broken"
[ ! -s "$work/broken" ] || failed=1
exit $failed
