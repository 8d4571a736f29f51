# takebox-tape dies in mid-take: the tape is taken up by the next one, and the
# take goes on behind a gap. Against the counter pattern.

bats_require_minimum_version 1.5.0

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-build}
	case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
	export ROOT BUILD
	export ALSA_CONFIG_PATH=$BUILD/virtual.conf
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$PWD/control
	mkdir medium
	channels=4
}

teardown() {
	if [ -n "${frozen:-}" ]; then
		fsfreeze -u medium
	fi
	for name in takeboxd takebox-tape; do
		[ -s "$name.pid" ] && kill -9 "$(cat "$name.pid")" 2>/dev/null
	done
	wait 2>/dev/null || true
	if mountpoint -q medium; then
		umount medium
	fi
}

takebox() {
	"$BUILD/takebox" "$@"
}

# Waits until the command succeeds, a minute at most.
wait_until() {
	local deadline=$((SECONDS + 60))

	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || {
			echo "waited in vain for: $*"
			cat takeboxd.log takebox-tape.log
			return 1
		}
		sleep 0.05
	done
}

# A value of the status, by its jq path.
status_of() {
	takebox status --json 2>/dev/null | jq -r ".status$1"
}

status_is() {
	[ "$(status_of "$1")" = "$2" ]
}

at_least() {
	jq -en --argjson a "$(status_of "$1" | grep -E '^[0-9.]+$' || echo 0)" \
		--argjson b "$2" '$a >= $b' >/dev/null
}

try_record() {
	takebox record --preroll 0 2>/dev/null
}

start_tape() {
	"$BUILD/takebox-tape" --socket "$PWD/tape" 2>>takebox-tape.log 3>&- &
	echo $! >takebox-tape.pid
	wait_until test -S tape
}

start_daemon() {
	"$BUILD/takeboxd" -c takebox.conf 2>>takeboxd.log 3>&- &
	echo $! >takeboxd.pid
}

write_config() {
	cat >takebox.conf <<-EOF
		interface: { device = "takebox_virtual:CHANNELS=$channels,SIGNAL=counter,ORIGIN=clock,CONTROL=$PWD/virtual"; };
		tape: { seconds = 30.0; };
		record: { folder = "$PWD/medium"; preroll = 1.0; $1 };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
	EOF
}

start_all() {
	write_config "${1:-}"
	start_tape
	start_daemon
	wait_until status_is .state idle
}

take_folder() {
	ls -d medium/Takebox/*/Take-* | tail -n 1
}

segments() {
	"$BUILD/e2e/segments" "$1"
}

kill_tape() {
	kill "-$1" "$(cat takebox-tape.pid)"
	wait "$(cat takebox-tape.pid)" || true
	wait_until status_is .interface.state closed
}

stop_with_gaps() {
	run takebox stop
	[ "$status" -eq 7 ]
	folder=$(take_folder)
	run takebox verify "$folder"
	echo "$output"
	[ "$status" -eq 7 ]
}

# Sound and silence by turns, the same in all tracks, and behind the last
# silence the device's frames stand where time says: a millisecond and a half
# of leeway for each that is measured. On a busy machine there may be more
# silences than were made.
check_in_time() {
	local file silences first last off

	for file in "$folder"/*.flac; do
		segments "$file" | cut -d' ' -f1-4
	done >all
	segments "$folder"/01-*.flac
	silences=$(segments "$folder"/01-*.flac | grep -c silence)
	[ "$(sort -u all | wc -l)" -eq $((2 * silences + 1)) ]
	[ "$silences" -ge "$1" ]
	first=$(awk '{ print $4 - $1; exit }' all)
	last=$(awk '{ at = $4 - $1 } END { print at }' all)
	off=$((last - first))
	[ "${off#-}" -le $((72 * silences)) ] || {
		echo "off by $off frames"
		return 1
	}
}

causes() {
	jq -r '[.gaps[].cause] | unique | join(" ")' "$folder/take.json"
}

@test "killed and back: the same take goes on behind a gap of the true length" {
	start_all
	takebox record
	wait_until at_least .take.seconds 4
	kill_tape KILL
	status_is .state recording
	[[ "$(status_of '.problems[0].text')" == "takebox-tape is gone"* ]]
	start_tape
	wait_until status_is .interface.state running
	wait_until at_least .take.durable 5.5
	kill_tape SEGV
	start_tape
	wait_until status_is .interface.state running
	wait_until at_least .take.seconds 7
	stop_with_gaps
	check_in_time 2
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 1 ]
	[[ "$(causes)" == *died* ]]
}

@test "stopped while it is gone: the take is whole up to there" {
	start_all
	takebox record
	wait_until at_least .take.seconds 2
	kill_tape KILL
	run takebox stop
	[ "$status" -eq 0 ]
	takebox verify "$(take_folder)"
	status_is .state no-interface
	run takebox record
	[ "$status" -eq 5 ]
	# The next one goes on with the tape: a pre-roll begins before the gap.
	start_tape
	wait_until status_is .state idle
	takebox record --preroll 4
	wait_until at_least .take.seconds 5
	stop_with_gaps
	check_in_time 1
	[[ "$(causes)" == *died* ]]
}

@test "gone with its interface: silence, until that is back too" {
	start_all
	takebox record
	wait_until at_least .take.seconds 3
	kill_tape KILL
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" unplug
	start_tape
	wait_until status_is .interface.state absent
	wait_until at_least .take.seconds 4
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" plug
	wait_until status_is .interface.state running
	wait_until at_least .take.seconds 6
	stop_with_gaps
	check_in_time 1
	[[ "$(causes)" == *died* ]]
}

@test "takeboxd killed after that goes on with the same take as well" {
	start_all
	takebox record
	wait_until at_least .take.seconds 3
	kill_tape KILL
	start_tape
	wait_until status_is .interface.state running
	wait_until at_least .take.seconds 4
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start_daemon
	wait_until status_is .state recording
	wait_until at_least .take.seconds 6
	stop_with_gaps
	check_in_time 1
}
