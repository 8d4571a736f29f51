#!/bin/bash
# One allocation of `takebox heal` fails, each in turn, over a take whose
# recorder and tape were killed: whatever becomes of that heal, the next one
# makes of the take what it would have made of it anyway, to the last sample.
#
#   tests/starve_heal.sh FIRST LAST STEP [LANES]
#
# Prints a line for each number that goes wrong, and how many were tried.

set -u
# shellcheck source=tests/starve.bash
. "$(dirname "$0")/starve.bash"
take_arguments "$@"
recorder=()
cd "$work" || exit 1

kill_all()
{
	[ ${#recorder[@]} -eq 0 ] || kill -9 "${recorder[@]}" 2>/dev/null
}

takebox()
{
	timeout 60 "$BUILD/takebox" "$@"
}

# durable SECONDS: so much of the take is safe.
durable()
{
	takebox --socket "$work/control" status --json 2>/dev/null |
		jq -e --argjson wanted "$1" '.status.take.durable >= $wanted' \
			>/dev/null
}

# must COMMAND...: at once, or soon.
must()
{
	wait_for "$@" || {
		echo "starve_heal: waited in vain for $*"
		exit 1
	}
}

# A take with a marker and a track that was disarmed, as a power cut leaves it.
record_torn()
{
	mkdir torn
	cat >takebox.conf <<-EOF
		interface: { device = "takebox_virtual:CHANNELS=3,SIGNAL=counter"; };
		tape: { seconds = 20.0; };
		record: { folder = "$work/torn"; preroll = 0.0; sync = 0.2; };
		control: { socket = "$work/control"; tape_socket = "$work/tape"; };
	EOF
	"$BUILD/takebox-tape" --socket "$work/tape" 2>tape.log &
	recorder=($!)
	"$BUILD/takeboxd" -c takebox.conf 2>takeboxd.log &
	recorder+=($!)
	must takebox --socket "$work/control" record >record.log 2>&1
	takebox --socket "$work/control" mark Chorus >/dev/null
	must durable 1
	takebox --socket "$work/control" disarm 2 >/dev/null
	must durable 2
	kill -9 "${recorder[@]}"
	wait "${recorder[@]}" 2>/dev/null
	recorder=()
}

# heal FOLDER
heal()
{
	takebox heal --tape "$work/nowhere" "$1"
}

# What a take is: length, verdict, gaps and each track's samples.
picture()
{
	local take

	for take in "$1"/Takebox/*/Take-*; do
		jq -c '{frames, verdict, gaps, markers}' "$take/take.json"
		takebox verify "$take" >/dev/null
		echo "verify: $?"
		md5sum <(flac -dcs --force-raw-format --endian=little \
			--sign=signed "$take"/01-*.flac) | cut -d' ' -f1
		metaflac --no-filename --show-md5sum "$take"/*.flac
	done
}

try_number()
{
	local n=$1 code=0

	rm -rf medium
	cp -r ../torn medium
	STARVE=$n STARVE_COUNT=$PWD/count LD_PRELOAD=$BUILD/e2e/starve.so \
		timeout 60 "$BUILD/takebox" heal --tape "$work/nowhere" medium \
		>starved.log 2>&1 || code=$?
	note_hit count
	[ $code -ne 124 ] || {
		echo "allocation $n: heal hangs"
		return 1
	}
	heal medium >heal.log 2>&1 || {
		echo "allocation $n: the next heal: $(cat heal.log)"
		return 1
	}
	picture medium >now
	cmp -s now ../wanted && return
	echo "allocation $n: another take:"
	diff ../wanted now
	tail -n 3 starved.log
	return 1
}

lane()
{
	try_lane "$1"
}

record_torn
cp -r torn whole
heal whole >heal.log || {
	cat heal.log
	exit 1
}
picture whole >wanted
grep -q '^verify: 0$' wanted || {
	cat wanted
	exit 1
}
try_all
