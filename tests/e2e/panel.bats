# The panel where there are no lines for it: the recorder runs on and says so.
# (With lines: tests/bench/panel.sh.)

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$PWD/control
	mkdir medium
	cat >good.board <<-EOF
		chains = ( { name = "leds"; bits = 8; spi = "/nonexistent/spidev0.0"; } );
		inputs = (
			{ role = "rec"; line = "NOWHERE1"; },
			{ role = "arm"; track = 1; line = "NOWHERE2"; latched = true; } );
		outputs = (
			{ role = "rec"; line = "NOWHERE3"; },
			{ role = "alert"; chain = "leds"; bit = 0; } );
	EOF
}

# start BOARD: the recorder with that board.
start() {
	cat >takebox.conf <<-EOF
		interface: { device = "takebox_virtual:CHANNELS=2,SIGNAL=counter,CONTROL=$PWD/virtual"; };
		tape: { seconds = 30.0; };
		record: { folder = "$PWD/medium"; };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
		panel: { board = "$1"; };
	EOF
	start_tape
	start_daemon
	wait_until status_is .state idle
}

records() {
	takebox record
	wait_until status_is .state recording
	takebox stop --json | jq -e '.take.verdict == "sample-complete"'
}

# again: the next takeboxd goes on, with the board as it is now.
again() {
	kill -HUP "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	: >takeboxd.log
	start_daemon
	wait_until status_is .state recording
}

# Board files, one a line: where in the file it is wrong and what is said of it;
# then the file, with \n for its lines.
mistakes() {
	cat <<-'EOF'
		1: syntax error|inputs = ( { role = "rec", line = "A" );
		2: unknown key 'roll'|inputs = (\n{ roll = "rec"; line = "A"; } );
		2: inputs must be a list|\ninputs = 1;
		1: inputs.line must be a text|inputs = ( { role = "rec"; line = 17; } );
		1: inputs.role is not possible|inputs = ( { role = "recc"; line = "A"; } );
		1: times.hold = 99 is not possible|times: { hold = 99.0; };
		1: this input (rec) has no line|inputs = ( { role = "rec"; } );
		1: arm belongs to a track|inputs = ( { role = "arm"; line = "A"; } );
		1: there is no chain 'leds'|outputs = ( { role = "rec"; chain = "leds"; bit = 0; } );
		2: bit 8 is beyond chain leds|chains = ( { name = "leds"; bits = 8; spi = "/dev/spidev0.0"; } );\noutputs = ( { role = "rec"; chain = "leds"; bit = 8; } );
		1: there is a control character|\x01\x02\x03
		1: @include is not allowed|@include "case.board"
		 is too large to be a configuration|LARGE
		 is not a file|FOLDER
		 there is no such file|NONE
	EOF
}

write_board() {
	case $1 in
	LARGE) head -c 2000000 /dev/zero | tr '\0' ' ' >case.board ;;
	FOLDER) rm case.board && mkdir case.board ;;
	NONE) rmdir case.board ;;
	*) printf '%b\n' "$1" >case.board ;;
	esac
}

@test "board files with mistakes of every kind are a clear line each, in mid-take" {
	: >case.board
	start "$PWD/case.board"
	takebox record
	wait_until status_is .state recording
	while IFS='|' read -r words text; do
		write_board "$text"
		again
		says "case.board:$words"
		[ "$(grep -c case.board takeboxd.log)" -eq 1 ]
	done < <(mistakes | sed -n "${SANITIZED:+1~5}p")
	takebox stop --json | jq -e '.take.verdict == "sample-complete"'
	[ -d medium/Takebox/*/Take-001 ]
	[ ! -e medium/Takebox/*/Take-002 ]
}

@test "what a board has wired twice or can never do is told, and it records" {
	cat >case.board <<-EOF
		inputs = (
			{ role = "rec"; line = "A"; latched = true; },
			{ role = "stop"; line = "A"; } );
		gestures = (
			{ button = "rec"; gesture = "double"; action = "record"; } );
	EOF
	start "$PWD/case.board"
	grep -q "case.board:3: A is used twice: by rec (line 2) and by stop" \
		takeboxd.log
	grep -q "case.board:5: double on rec can never happen" takeboxd.log
	records
}

@test "a board that is not there is one clear line, and the recorder records" {
	start nonesuch
	says "no board 'nonesuch'"
	[ "$(grep -c nonesuch takeboxd.log)" -eq 1 ]
	records
}

@test "lines and ports that are not there are told once each, and it records" {
	start "$PWD/good.board"
	says "panel:"
	records
	# Some seconds of asking again have gone by.
	sleep 2.5
	for name in NOWHERE1 NOWHERE2 NOWHERE3 spidev0.0; do
		[ "$(grep -c "$name" takeboxd.log)" -eq 1 ]
	done
	status_is .state idle
}

@test "takebox panel-test says what is not there and fails" {
	run --separate-stderr takebox panel-test --wait 0.1 "$PWD/good.board" \
		</dev/null
	[ "$status" -eq 1 ]
	[[ $stderr == *NOWHERE1* ]]
	[[ $stderr == *spidev0.0* ]]
	[[ $output == *"rec (NOWHERE1)"*"fails: nothing came"* ]]
	run takebox panel-test nonesuch
	[ "$status" -eq 9 ]
	[[ $output == *"no board 'nonesuch'"* ]]
	run takebox panel-test a b
	[ "$status" -eq 2 ]
}

@test "takebox panel-test can be scripted" {
	printf 'y\nn\n' >answers
	run --separate-stderr takebox panel-test --json --wait 0.1 \
		"$PWD/good.board" <answers
	[ "$status" -eq 1 ]
	[ "$(jq -r '.parts | map(.result) | join(" ")' <<<"$output")" = \
		"works fails fails fails" ]
}
