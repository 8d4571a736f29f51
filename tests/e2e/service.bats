# The daemons and their service manager, which is a socket here: what it is
# told, and when its watchdog is fed.

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$PWD/control HANG=$PWD/hang
	mkdir medium
	cat >takebox.conf <<-END
		interface: { device = "takebox_virtual:CHANNELS=2,SIGNAL=counter,ORIGIN=clock,CONTROL=$PWD/virtual"; };
		tape: { seconds = 20.0; };
		record: { folder = "$PWD/medium"; preroll = 1.0; };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
	END
}

teardown() {
	rm -f "$HANG"
	kill_all
}

# The manager writes down what it is told, one datagram after the other.
start_manager() {
	socat -u "UNIX-RECV:$PWD/notify" OPEN:told.log,creat,append 3>&- &
	echo $! >manager.pid
	wait_until test -S notify
}

told() {
	grep -aq "$1" told.log
}

fed() {
	grep -ao 'WATCHDOG=1' told.log | wc -l
}

fed_since() {
	[ "$(fed)" -gt "$1" ]
}

start() {
	local name=$1

	shift
	NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=2000000 \
		"$@" 2>>"$name.log" 3>&- &
	echo $! >"$name.pid"
}

@test "both daemons say when they are ready and when they stop" {
	start_manager
	start takebox-tape "$BUILD/takebox-tape" --socket "$PWD/tape"
	wait_until told READY=1
	kill "$(cat takebox-tape.pid)"
	wait_until told STOPPING=1
	rm told.log
	kill "$(cat manager.pid)"
	rm -f notify
	start_manager
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until told READY=1
	kill "$(cat takeboxd.pid)"
	wait_until told STOPPING=1
}

@test "takebox-tape feeds while it captures, not when it is stopped" {
	local before

	start_manager
	start takebox-tape "$BUILD/takebox-tape" --socket "$PWD/tape"
	"$BUILD/takeboxd" -c takebox.conf 2>takeboxd.log 3>&- &
	echo $! >takeboxd.pid
	wait_until status_is .state idle
	before=$(fed)
	wait_until fed_since "$before"
	kill -STOP "$(cat takebox-tape.pid)"
	sleep 1 # what was on its way
	before=$(fed)
	sleep 3
	[ "$(fed)" -eq "$before" ]
	kill -CONT "$(cat takebox-tape.pid)"
	wait_until fed_since "$before"
}

@test "a writer that hangs is not fed for; what it was late with is not lost" {
	local before waited=0 take

	start_manager
	start_tape
	start takeboxd env LD_PRELOAD="$BUILD/e2e/hang.so" \
		"$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state idle
	"$BUILD/takebox" record
	wait_until status_is .state recording
	before=$(fed)
	wait_until fed_since "$before"
	touch "$HANG"
	# Half of what the tape holds: then no more.
	before=-1
	until [ "$(fed)" -eq "$before" ]; do
		before=$(fed)
		waited=$((waited + 2))
		[ "$waited" -le 20 ]
		sleep 2
	done
	[ "$waited" -ge 8 ]
	rm "$HANG"
	wait_until fed_since "$before"
	"$BUILD/takebox" stop
	take=$(echo medium/Takebox/*/Take-001)
	"$BUILD/takebox" verify "$take"
}

@test "SIGHUP: the next takeboxd goes on with the take" {
	start_manager
	start_tape
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state idle
	"$BUILD/takebox" record
	wait_until status_is .state recording
	"$BUILD/takebox" disarm 2
	sleep 1
	kill -HUP "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	[ ! -e medium/Takebox/*/Take-001/take.json ]
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state recording
	# As it is in the take, whatever the configuration says.
	[ "$(status_of '.tracks[1].armed')" = false ]
	"$BUILD/takebox" arm 2
	"$BUILD/takebox" stop
	"$BUILD/takebox" verify medium/Takebox/*/Take-001
	[ "$(jq -c '[.arms[] | [.track, .on]]' \
		medium/Takebox/*/Take-001/take.json)" = '[[2,false],[2,true]]' ]
	grep -q '"resumed"' medium/Takebox/*/Take-001/take.ledger
}

# The configuration with another one of its lines.
configure() {
	sed -i "s|$1|$2|" takebox.conf
}

runs() {
	kill -0 "$(cat takeboxd.pid)" 2>/dev/null
}

@test "SIGHUP with a mistake in the configuration: it says so and stays as it is" {
	start_tape
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state idle
	"$BUILD/takebox" record
	wait_until at_least .take.durable 0.5
	configure 'preroll = 1.0' 'preroll = "long"'
	kill -HUP "$(cat takeboxd.pid)"
	wait_until says "the new configuration is not used: .*takebox.conf:3"
	runs
	status_is .state recording
	"$BUILD/takebox" stop
	"$BUILD/takebox" verify medium/Takebox/*/Take-001
	# Also without a take; and once it is right, it is used.
	kill -HUP "$(cat takeboxd.pid)"
	wait_until says "not used"
	runs
	configure 'preroll = "long"' 'preroll = 2.0'
	kill -HUP "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is ".preroll == 2" true
	run ! says "not used"
}

@test "SIGHUP with another tape in the configuration: not before the take has ended" {
	start_tape
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state idle
	"$BUILD/takebox" record
	wait_until at_least .take.durable 0.5
	configure 'seconds = 20.0' 'seconds = 10.0'
	kill -HUP "$(cat takeboxd.pid)"
	wait_until says "is used when the take has ended"
	"$BUILD/takebox" mark
	wait_until at_least .take.seconds 3
	"$BUILD/takebox" stop
	wait "$(cat takeboxd.pid)"
	"$BUILD/takebox" verify medium/Takebox/*/Take-001
	[ "$(jq '.markers | length' medium/Takebox/*/Take-001/take.json)" -eq 1 ]
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is ".tape.seconds == 10" true
	status_is .state idle
}

# What the manager gives the service; the file is changed, and takeboxd dies
# before anybody has asked it to read it.
die_with_another() {
	export RUNTIME_DIRECTORY=$PWD/run
	mkdir run
	start_tape
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state idle
	"$BUILD/takebox" record
	wait_until at_least .take.durable 0.5
	configure "$1" "$2"
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is .state recording
	wait_until at_least .take.durable 2
}

@test "killed in a take after another tape was configured: the take goes on" {
	die_with_another 'seconds = 20.0' 'seconds = 10.0'
	says "is used when the take has ended"
	"$BUILD/takebox" stop
	wait "$(cat takeboxd.pid)"
	"$BUILD/takebox" verify medium/Takebox/*/Take-001
	[ ! -e medium/Takebox/*/Take-002 ]
	start takeboxd "$BUILD/takeboxd" -c takebox.conf
	wait_until status_is ".tape.seconds == 10" true
}

@test "killed in a take after a mistake was made in the configuration: the take goes on" {
	die_with_another 'preroll = 1.0' 'preroll = "long"'
	says "the new configuration is not used: .*takebox.conf:3"
	"$BUILD/takebox" stop
	"$BUILD/takebox" verify medium/Takebox/*/Take-001
	# Where nothing is recorded it is what it always was.
	kill "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	run "$BUILD/takeboxd" -c takebox.conf
	[ "$status" -eq 9 ]
}
