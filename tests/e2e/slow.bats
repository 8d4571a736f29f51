# A processor that is too slow: the recorder is stopped most of the time, with
# signals, so that it gets a few percent of one. The process that owns the tape
# is let alone.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-build}
	case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
	export ALSA_CONFIG_PATH=$BUILD/virtual.conf
	cd "$BATS_TEST_TMPDIR" || return 1
	: > slow
}

teardown() {
	[ -z "${throttle-}" ] || kill "$throttle" || true
	[ -z "${recorder-}" ] || kill -CONT "$recorder" || true
	[ -z "${recorder-}" ] || kill "$recorder" || true
}

wait_until() {
	local i
	for ((i = 0; i < 600; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	echo "waited in vain for: $*"
	return 1
}

# A few milliseconds, then a pause of so many seconds, for as long as there is
# the file "slow".
throttle() {
	while [ -e slow ] && kill -STOP "$1" && sleep "$2" &&
		kill -CONT "$1" && sleep 0.002; do
		:
	done
	kill -CONT "$1"
}

start() {
	local pause=$1

	shift
	"$BUILD/takebox" run -D takebox_virtual:CHANNELS=32,SIGNAL=counter \
		-c 32 -r 96000 -o takes --level 8 "$@" > log 2>&1 3>&- &
	recorder=$!
	wait_until recording
	throttle $recorder "$pause" 3>&- &
	throttle=$!
}

recording() {
	ledger=$(find takes -name take.ledger 2>/dev/null)
	[ -n "$ledger" ] && grep -q '"type":"start"' "$ledger"
}

noted() {
	grep -qF "$1" "$ledger"
}

# The take's entries of a type, as JSON.
entries() {
	sed 's/^[0-9a-f]* //' "$ledger" | jq -c "select(.type == \"$1\")"
}

finish() {
	rm slow
	wait "$throttle" || true
	throttle=
	kill -INT "$recorder"
	status=0
	wait "$recorder" || status=$?
	recorder=
	cat log
}

@test "a processor that is too slow costs compression, and no sound" {
	start 0.1 --tape 25 -d 600
	wait_until noted '"type":"compression"'
	finish
	[ "$status" -eq 0 ]
	[ "$(entries compression | head -n 1 | jq '.level < 8')" = true ]
	[ -z "$(entries gap)" ]
	grep -q 'too slow for compression level 8' log
	"$BUILD/takebox" verify "$(dirname "$ledger")" | tee verified
	grep -q 'sample-complete' verified
}

@test "one that is too slow for any level: what the tape loses is named, exactly" {
	start 0.4 --tape 6 -d 600
	wait_until noted '"cause":"overrun"'
	finish
	[ "$status" -eq 7 ]
	[ "$(entries compression | tail -n 1 | jq .level)" -eq 0 ]
	folder=$(dirname "$ledger")
	jq -r '.gaps[] | "\(.at) \(.frames) silence"' "$folder/take.json" > gaps
	# Each track: silence where the ledger says so, and all else in place.
	for file in "$folder"/*.flac; do
		"$BUILD/e2e/segments" "$file" > segments
		grep silence segments | diff - gaps
		[ "$(awk '$3 != "silence" {print $3, $4 - $1}' segments |
			sort -u)" = "counter 0" ]
	done
}
