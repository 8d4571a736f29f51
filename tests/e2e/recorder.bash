# shellcheck shell=bash
# The two daemons on the virtual interface, each test in a folder of its own:
# what the test files about them share. A file that needs another setup,
# teardown or configuration has it behind "load recorder.bash".

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
	rate=48000
}

teardown() {
	if [ -n "${frozen:-}" ]; then
		fsfreeze -u medium
	fi
	kill_all
	if mountpoint -q medium; then
		umount medium
	fi
	if [ -d "${group:-}" ]; then
		leave_group
	fi
}

# Whatever has left its number in NAME.pid.
kill_all() {
	local file

	for file in ./*.pid; do
		[ -s "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null
	done
	wait 2>/dev/null || true
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
			takebox status
			cat ./*.log
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

says() {
	status_of '.problems[].text' | grep -q "$1"
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
		interface: { device = "takebox_virtual:CHANNELS=$channels,RATE=$rate,SIGNAL=counter,ORIGIN=clock,CONTROL=$PWD/virtual"; rate = $rate; };
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
