#!/bin/bash
# Breaks everything at random and at once while takes are recorded, then holds
# every take against the counter pattern: each frame between REC and STOP is in
# a take, or named as lost in a ledger.
#
#     tests/torture.sh [SECONDS [SEED]]      600 s; a seed of the time's
#
# As root, on this machine or in the virtual machine; the interface is the
# virtual one. The faults, their order and lengths come from the seed, so it
# repeats a run but for what the machine's own timing changes. Two disks, A and
# B, are ext4 on loop devices. What is done to them:
#
#   stall   nothing is answered for 0.2 to 12 s (fsfreeze)
#   full    somebody else takes all of the room, and gives it back
#   error   the file system finds an error and can only be read; it is mended
#   pull    the file system is gone in mid-write, and comes back after a check
# to the interface: unplugged and plugged in again; frames lost without a
# report; a late reader; and to the programs: takeboxd and takebox-tape killed.
#
# The report is on standard output; its last line says how many frames nobody
# can account for. Exit status 0 if that is none.
# KEEP=1 keeps the media and logs.

set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
limit=${1:-600}
seed=${2:-$((10#$(date +%s) % 32768))}
root=$PWD
channels=${CHANNELS:-8}
tape=${TAPE:-60}
work=$(mktemp -d "${TMPDIR:-/tmp}/torture.XXXXXX")
RANDOM=$seed
export ALSA_CONFIG_PATH=$BUILD/virtual.conf TAKEBOX_SOCKET=$work/control
PATH=$PATH:/usr/sbin:/sbin

takebox()
{
	"$BUILD/takebox" "$@"
}

say()
{
	printf '%6.1f  %s\n' "$(since)" "$*" | tee -a "$work/story"
}

since()
{
	local now=$EPOCHREALTIME

	tenths $(((${now/./} - ${began/./}) / 100000))
}

# at most ARG, from the seed
chance()
{
	echo $((RANDOM * $1 / 32768))
}

tenths()
{
	printf '%d.%d' $(($1 / 10)) $(($1 % 10))
}

# ---- the machine ----

make_disk()
{
	truncate -s "${DISK:-160M}" "$work/$1.img"
	mkfs.ext4 -q -F "$work/$1.img"
	mkdir -p "$work/$1"
	plug "$1"
}

plug()
{
	mount -o loop,errors=remount-ro "$work/$1.img" "$work/$1"
}

replug()
{
	umount -l "$work/$1"
	for _ in $(seq 600); do
		losetup -j "$work/$1.img" | grep -q . || break
		sleep 0.1
	done
	! losetup -j "$work/$1.img" | grep -q . || {
		find /proc/[0-9]*/fd -lname "$work/$1/*" >>"$work/held" \
			2>/dev/null
		say "$1 is held for a minute: BROKEN"
		echo 1 >>"$work/broken"
	}
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

kill_one()
{
	kill -9 "$(cat "$work/$1.pid")"
	wait "$(cat "$work/$1.pid")"
} 2>/dev/null

clean_up()
{
	kill_one takeboxd
	kill_one tape
	for disk in A B; do
		fsfreeze -u "$work/$disk" 2>/dev/null
		umount -l "$work/$disk" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
}

state()
{
	timeout 5 "$BUILD/takebox" status --json 2>/dev/null |
		jq -r .status.state
}

wait_state()
{
	local end=$((SECONDS + ${2:-60}))

	until [[ $(state) =~ ^($1)$ ]]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# ---- faults; each mends itself ----

declare -A busy=([A]=0 [B]=0 [interface]=$((SECONDS + 12)))

free_disk()
{
	local disk=A

	[ "$(chance 2)" -eq 0 ] || disk=B
	[ "${busy[$disk]}" -le "$SECONDS" ] && mountpoint -q "$work/$disk" &&
		echo $disk
}

fault_stall()
{
	local disk length=$((2 + $(chance 118)))

	disk=$(free_disk) || return
	busy[$disk]=$((SECONDS + length / 10 + 2))
	happened=1
	say "stall $disk for $(tenths $length) s"
	(
		fsfreeze -f "$work/$disk"
		sleep "$(tenths $length)"
		fsfreeze -u "$work/$disk"
	) 2>/dev/null &
}

fault_full()
{
	local disk length=$((2 + $(chance 8)))

	disk=$(free_disk) || return
	busy[$disk]=$((SECONDS + length + 3))
	happened=1
	say "full: $disk for $length s"
	(
		fallocate -l "$(df --output=avail -B1 "$work/$disk" | tail -1)" \
			"$work/$disk/foreign" ||
			dd if=/dev/zero of="$work/$disk/foreign" bs=1M
		sleep $length
		rm -f "$work/$disk/foreign"
	) 2>/dev/null &
}

fault_error()
{
	local disk length=$((1 + $(chance 8)))

	disk=$(free_disk) || return
	busy[$disk]=$((SECONDS + length + 10))
	happened=1
	say "error on $disk, mended after $length s"
	(
		dev=$(findmnt -no SOURCE "$work/$disk")
		echo 1 >"/sys/fs/ext4/$(basename "$dev")/trigger_fs_error"
		sleep $length
		replug "$disk"
	) 2>/dev/null &
}

fault_pull()
{
	local disk length=$((1 + $(chance 8)))

	disk=$(free_disk) || return
	busy[$disk]=$((SECONDS + length + 10))
	happened=1
	say "pull $disk, back after $length s"
	(
		"$BUILD/bench/pull" "$work/$disk"
		sleep $length
		replug "$disk"
	) 2>/dev/null &
}

interface()
{
	"$root/drivers/virtual/virtualctl" "$work/virtual" "$@" \
		>/dev/null 2>&1
}

fault_unplug()
{
	local length=$((5 + $(chance 30)))

	[ "${busy[interface]}" -le "$SECONDS" ] || return
	busy[interface]=$((SECONDS + length / 10 + 4))
	happened=1
	say "unplug the interface for $(tenths $length) s"
	(
		interface unplug
		sleep "$(tenths $length)"
		interface plug
	) &
}

fault_lose()
{
	local frames=$((96 + $(chance 2000)))

	[ "${busy[interface]}" -le "$SECONDS" ] || return
	busy[interface]=$((SECONDS + 2))
	happened=1
	say "lose $frames frames"
	interface lose $frames &
}

fault_late()
{
	local frames=$((200 + $(chance 2000)))

	[ "${busy[interface]}" -le "$SECONDS" ] || return
	busy[interface]=$((SECONDS + 2))
	happened=1
	say "a reader that is $frames frames late"
	interface xrun $frames &
}

fault_daemon()
{
	happened=1
	say "kill takeboxd"
	kill_one takeboxd
	start_daemon
	wait_state 'idle|starting|recording|finishing|no-interface'
}

fault_tape()
{
	happened=1
	say "kill takebox-tape"
	# Until the clock has locked no silent loss can be found.
	busy[interface]=$((SECONDS + 12))
	kill_one tape
	start_tape
	sleep 2
	wait_state 'idle|starting|recording' 30 ||
		say "no interface after the tape was killed"
	[ "$(state)" != idle ] || record
}

# ---- takes ----

# As a musician does it: again, while no medium takes anything.
record()
{
	local answer

	for _ in $(seq 60); do
		answer=$(takebox record --preroll 0 --json 2>/dev/null)
		say "REC $(jq -r '.take.name // .message' <<<"$answer")"
		! jq -e '.ok or (.message | test("already"))' \
			<<<"$answer" >/dev/null || return 0
		sleep 1
	done
	say "no REC within a minute: BROKEN"
	broken=$((broken + 1))
}

stop_and_go()
{
	local before

	before=$(state)
	case $before in
	recording | starting) ;;
	*)
		say "STOP finds $before: BROKEN"
		broken=$((broken + 1))
		;;
	esac
	# Without a take in the answer: only the tape has it so far.
	say "STOP $(timeout 60 "$BUILD/takebox" stop --json 2>/dev/null |
		jq -r '"\(.take.name) \(.take.verdict) \(.take.seconds)" // .message')"
	wait_state idle 90 || say "not idle 90 s after STOP: $(state)"
	make_room
	record
}

# Takes that were checked go, as an engineer would have it: by name.
make_room()
{
	local take

	for take in "$work"/[AB]/Takebox/*/Take-*; do
		[ -s "$take/take.json" ] || continue
		check "$take" || continue
		takebox delete --yes "$take" >/dev/null 2>&1
	done
}

# ---- the account ----

declare -A checked=()
unaccounted=0 lost=0 takes=0 recorded=0 broken=0

# The stretches of a take, alike in all of its tracks.
stretches()
{
	local file first="" this

	for file in "$1"/*.flac; do
		this=$("$BUILD/e2e/segments" "$file" |
			awk '{ print $1, $2, $3, $4 }')
		[ -n "$first" ] || first=$this
		[ "$this" = "$first" ] || {
			say "tracks differ: $file: BROKEN"
			return 1
		}
	done
	echo "$first"
}

# Frames that are not the counter and not in a gap of the ledger (with its
# uncertainty, and the few frames that segments needs to tell).
count_holes()
{
	{
		jq -r '.gaps[] | "gap \(.at) \(.frames) \(.uncertainty)"' \
			"$1/take.json"
		cat "$work/stretches"
	} | awk '
		$1 == "gap" {
			n++
			from[n] = $2 - $4 - 64
			to[n] = $2 + $3 + $4 + 64
			next
		}
		$3 == "counter" { next }
		{
			a = $1; b = $1 + $2
			for (i = 1; i <= n; i++) {
				if (from[i] <= a && to[i] > a) a = to[i]
				if (a >= b) break
			}
			if (a < b) bad += b - a
		}
		END { print bad + 0 }'
}

# Counter stretches must keep their distance, a frame at its place, but for
# where the ledger says, with its uncertainty, that a loss was.
count_slips()
{
	{
		jq -r '.gaps[] | "gap \(.at) \(.frames) \(.uncertainty)"' \
			"$1/take.json"
		cat "$work/stretches"
	} | awk -v slack=400 '
		$1 == "gap" {
			n++
			from[n] = $2 - $4 - 256
			to[n] = $2 + $3 + $4 + 256
			next
		}
		$3 == "counter" {
			d = seen ? ($4 - frame) - ($1 - at) : 0
			if (d < 0) d = -d
			for (i = 1; i <= n && d > slack; i++)
				if ($1 >= from[i] && $1 <= to[i]) d = 0
			if (d > slack) bad += d
			seen = 1; frame = $4; at = $1
		}
		END { print bad + 0 }'
}

# check TAKE: once; false if it cannot be said yet.
check()
{
	local take=$1 id first last length holes slips from gap verdict

	id=$(jq -r '.session + "/" + .take' "$take/take.json" 2>/dev/null) ||
		return 1
	[ -z "${checked[$id]:-}" ] || return 0
	verdict=$(takebox verify --json "$take" 2>/dev/null |
		jq -r '.takes[0].verdict')
	case $verdict in
	sample-complete | gaps) ;;
	*)
		say "$id is $verdict: BROKEN"
		broken=$((broken + 1))
		;;
	esac
	stretches "$take" >"$work/stretches" || broken=$((broken + 1))
	holes=$(count_holes "$take")
	slips=$(count_slips "$take")
	first=$(awk '$3 == "counter" { print $4 - $1; exit }' "$work/stretches")
	length=$(jq -r .frames "$take/take.json")
	last=$(awk -v n="$length" '$3 == "counter" { e = $4 + n - $1 }
		END { print e + 0 }' "$work/stretches")
	from=$(jq -r 'first(.notes[] | select(.type == "continues")) |
		"\(.session)/\(.take)"' "$take/take.json" 2>/dev/null)
	gap=$(jq -r 'first(.notes[] | select(.type == "continues")) | .gap' \
		"$take/take.json" 2>/dev/null)
	checked[$id]="${first:-0} ${last:-0}"
	if [ -n "$from" ]; then
		echo "$from $id ${first:-0} $gap" >>"$work/links"
		lost=$((lost + gap))
	fi
	takes=$((takes + 1))
	recorded=$((recorded + length))
	lost=$((lost + $(jq '[.gaps[].frames] | add // 0' "$take/take.json")))
	unaccounted=$((unaccounted + holes + slips))
	[ $((holes + slips)) -eq 0 ] ||
		say "$id: $holes frames without a reason, $slips out of place: BROKEN"
	return 0
}

# A take begins at the latest where the one before it ends, or says how much
# later.
check_links()
{
	local from id first gap end

	while read -r from id first gap; do
		[ -n "${checked[$from]:-}" ] || {
			say "$id goes on with $from, which is not there: BROKEN"
			broken=$((broken + 1))
			continue
		}
		end=${checked[$from]#* }
		[ "$first" -eq 0 ] || [ "$end" -eq 0 ] ||
			[ "$first" -le $((end + gap + 400)) ] || {
			say "between $from and $id $((first - end - gap)) frames: BROKEN"
			unaccounted=$((unaccounted + first - end - gap))
		}
	done <"$work/links"
}

# ---- the run ----

[ "$(id -u)" -eq 0 ] || {
	echo "torture: only root can mount disks" >&2
	exit 2
}
trap clean_up EXIT
began=$EPOCHREALTIME begun=$SECONDS
: >"$work/links"
make_disk A
make_disk B
cat >"$work/takebox.conf" <<-EOF
	interface: { device = "takebox_virtual:CHANNELS=$channels,SIGNAL=counter,ORIGIN=clock,CONTROL=$work/virtual"; };
	tape: { seconds = $tape.0; };
	record: { folder = "$work/A"; next = "$work/B"; preroll = 0.0; };
	session: { name = "Torture"; };
	control: { socket = "$work/control"; tape_socket = "$work/tape"; };
EOF
echo "torture: $limit s, seed $seed, $channels channels, a tape of $tape s"
start_tape
start_daemon
wait_state idle || exit 1
record
declare -A count=()
faults=(stall stall stall full full error pull pull unplug lose late daemon daemon)
[ -n "${NO_TAPE:-}" ] || faults+=(tape)
until [ $((SECONDS - begun)) -ge "$limit" ]; do
	fault=${faults[$(chance ${#faults[@]})]}
	happened=0
	"fault_$fault"
	count[$fault]=$((${count[$fault]:-0} + happened))
	sleep "$(tenths $((5 + $(chance 50))))"
	[ "$(chance 8)" -ne 0 ] || stop_and_go
done
say "the last STOP"
until [ "${busy[A]}" -le "$SECONDS" ] && [ "${busy[B]}" -le "$SECONDS" ] &&
	[ "${busy[interface]}" -le "$SECONDS" ]; do
	sleep 1
done
timeout 60 "$BUILD/takebox" stop >/dev/null 2>&1
wait_state idle 120
kill "$(cat "$work/takeboxd.pid")"
wait "$(cat "$work/takeboxd.pid")"
takebox heal "$work/A" "$work/B" >>"$work/heal.log" 2>&1
for take in "$work"/[AB]/Takebox/*/Take-*; do
	[ -e "$take/take.json" ] && check "$take"
done
check_links

echo
for fault in "${!count[@]}"; do
	printf '%-8s %d times\n' "$fault" "${count[$fault]}"
done | sort
awk -v f="$recorded" -v l="$lost" -v t="$takes" 'BEGIN {
	printf "%d takes, %.1f s recorded; %d frames (%.3f s) lost and named\n",
		t, f / 48000, l, l / 48000 }'
[ ! -e "$work/broken" ] || broken=$((broken + $(wc -l <"$work/broken")))
echo "$broken things broken, $unaccounted frames that nobody can account for"
[ "$broken" -eq 0 ] && [ "$unaccounted" -eq 0 ]
