#!/bin/bash
# One allocation of takeboxd fails, each in turn, over a short take: whatever
# becomes of the process, no recorded sample is lost. For each number the two
# daemons record a take of the counter signal; a takeboxd that dies is started
# again at once, as systemd does; what there is at the end, one take or several
# that continue each other, must have every frame from REC to STOP.
#
#   tests/starve.sh [--again] FIRST LAST STEP [LANES]
#
# --again: takeboxd is killed in mid-take, and the one that goes on with the
# take is the one whose allocation fails.
#
# Prints a line for each number that goes wrong, and how many were tried.

set -u
again=
if [ "${1:-}" = --again ]; then
	again=1
	shift
fi
# shellcheck source=tests/starve.bash
. "$(dirname "$0")/starve.bash"
take_arguments "$@"

takebox()
{
	timeout 20 "$BUILD/takebox" --socket "$PWD/control" "$@"
}

state()
{
	takebox status --json 2>/dev/null | jq -r '.status | '"$1"
}

is()
{
	[ "$(state "$1")" = true ]
}

# run_once N: the daemon, whose Nth allocation fails; none if N is 0.
run_once()
{
	STARVE=$1 STARVE_COUNT=$PWD/count LD_PRELOAD=$BUILD/e2e/starve.so \
		"$BUILD/takeboxd" -c takebox.conf >>takeboxd.log 2>&1 &
	echo $! >takeboxd.pid
	wait $! 2>/dev/null
}

# The daemon, and whoever starts it again when it has died: without a fault
# then. Ends when the file "running" is gone.
keep_running()
{
	local n=$1

	[ -z "$again" ] || run_once 0
	while [ -e running ]; do
		run_once "$n"
		[ "$n" -eq 0 ] || cp count failed.count 2>/dev/null
		n=0
		sleep 0.1
	done
} 2>/dev/null # where bash says what signal one died of

# Frames of the device that the takes have, as "first length" a line; all
# tracks alike.
stretches()
{
	local take file

	for take in medium/Takebox/*/Take-*; do
		for file in "$take"/*.flac; do
			[ -e "$file" ] || continue
			"$BUILD/e2e/segments" "$file" |
				awk '{ print $4, $2, $3 }' | head -n 1
		done | sort -u
	done | sort -n
}

# No frame is missing between the first and the last.
is_complete()
{
	stretches | awk '
		$3 != "counter" { print "no counter: " $0; bad = 1 }
		NR == 1 { from = $1; end = $1 }
		$1 > end { print $1 - end " frames are missing"; bad = 1 }
		$1 + $2 > end { end = $1 + $2 }
		END {
			if (end - from < 24000) {
				print "only " end - from " frames"
				bad = 1
			}
			exit bad
		}'
}

record()
{
	takebox record --preroll 0 >record.log 2>&1 || is '.state == "recording"'
}

ended()
{
	takebox stop >stop.log 2>&1 || is '.state == "idle"'
}

try_take()
{
	wait_for is '.state == "idle"' || {
		echo "never ready"
		return 1
	}
	wait_for record || {
		echo "not begun: $(cat record.log)"
		return 1
	}
	if [ -n "$again" ]; then
		wait_for is '.take.durable >= 0.2' || {
			echo "recording did not begin: $(state .problems)"
			return 1
		}
		kill -9 "$(cat takeboxd.pid)"
	fi
	wait_for is '.take.durable >= 0.6' || {
		echo "recording did not go on: $(state .problems)"
		return 1
	}
	wait_for ended || {
		echo "not stopped: $(cat stop.log)"
		return 1
	}
	wait_for is '.state == "idle"' || {
		echo "never idle again"
		return 1
	}
}

# What is wrong with the take then.
try_once()
{
	local n=$1 keeper words

	rm -rf medium count failed.count takeboxd.log recording.json control
	mkdir medium
	: >running
	keep_running "$n" &
	keeper=$!
	words=$(try_take)
	rm -f running
	kill "$(cat takeboxd.pid)" 2>/dev/null
	wait $keeper
	# Was it to fail at its end, it is healed now.
	"$BUILD/takebox" heal --tape "$PWD/nowhere" medium >heal.log 2>&1 ||
		words="$words heal: $(cat heal.log)"
	# One that could not even be begun has nothing in it.
	printf '%s\n' medium/Takebox/*/Take-*/*.flac | sed 's|/[^/]*$||' |
		sort -u | xargs -r "$BUILD/takebox" verify \
		>verify.log 2>&1 || words="$words verify: $(cat verify.log)"
	echo "$words$(is_complete)"
}

# takebox-tape has read too late: not by what failed in takeboxd.
stood_still()
{
	grep -q ' ms, late$' verify.log
}

# Was that so three times, it is no chance.
try_number()
{
	local n=$1 words i

	for i in 1 2 3; do
		words=$(try_once "$n")
		stood_still || break
		echo "allocation $n: the machine stood still ($i)"
	done
	if [ -s failed.count ]; then
		note_hit failed.count
	else
		note_hit count
	fi
	[ -z "$words" ] && return
	echo "allocation $n: $words"
	tail -n 5 takeboxd.log
	[ -z "${KEEP:-}" ] || cp -r . "$KEEP/$n"
	return 1
}

lane()
{
	local tape

	cat >takebox.conf <<-EOF
		interface: { device = "takebox_virtual:CHANNELS=2,SIGNAL=counter,ORIGIN=clock,CONTROL=$PWD/virtual"; };
		tape: { seconds = 20.0; };
		record: { folder = "$PWD/medium"; preroll = 0.0; sync = 0.2; };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
	EOF
	"$BUILD/takebox-tape" --socket "$PWD/tape" 2>tape.log &
	tape=$!
	echo $tape >tape.pid
	try_lane "$1"
	kill $tape
	wait $tape 2>/dev/null
	rm -f tape.pid takeboxd.pid
}

# Whatever is left of it when it is ended by hand.
kill_all()
{
	rm -f "$work"/*/running
	cat "$work"/*/*.pid 2>/dev/null | xargs -r kill -9 2>/dev/null
}

try_all
