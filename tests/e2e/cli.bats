# takebox against a recorder that answers from a script: every command, every
# cause of failure, and the panel on terminals of several sizes.

bats_require_minimum_version 1.5.0

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-build}
	case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
	export TAKEBOX=${TAKEBOX:-$BUILD/takebox}
	export FAKE=$BATS_FILE_TMPDIR/fake_daemon
	${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -o "$FAKE" \
		"$BATS_TEST_DIRNAME/fake_daemon.c"
	export LC_ALL=C.UTF-8
	unset NO_COLOR XDG_RUNTIME_DIR
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$BATS_TEST_TMPDIR/control
	: > script
}

teardown() {
	close_terminal
	stop_fake
}

# Waits until the command succeeds, twenty seconds at most.
wait_until() {
	local i
	for ((i = 0; i < 400; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	echo "waited in vain for: $*"
	return 1
}

start_fake() {
	# Not fd 3: bats waits for whoever holds it.
	"$FAKE" "$TAKEBOX_SOCKET" script log 3>&- &
	echo $! > fake.pid
	wait_until test -S "$TAKEBOX_SOCKET"
	wait_until can_connect
}

# The socket file is there a moment before somebody listens.
can_connect() {
	! "$TAKEBOX" mark 2>&1 | grep -q 'nobody listens'
}

stop_fake() {
	if [ -f fake.pid ]; then
		kill "$(cat fake.pid)" 2>/dev/null || true
		rm -f fake.pid
	fi
}

# status STATE CHANNELS [PROBLEMS-JSON]
status() {
	local tracks='' take=null channels=$2 interface=running i
	for ((i = 1; i <= $2; i++)); do
		tracks+=",{\"number\":$i,\"name\":\"Track $i\",\"channels\":[$i],\"armed\":$([ $((i % 4)) = 0 ] && echo false || echo true)}"
	done
	if [ "$1" = recording ]; then
		take='{"name":"Take-003","folder":"/srv/takebox/Takebox/Club/Take-003","start":1,"length":36192000,"seconds":754.0,"durable":753.2,"markers":2,"gaps":0,"lost":0}'
	fi
	if [ "$1" = no-interface ]; then
		interface=absent channels=0
	fi
	echo "{\"version\":\"0.1.0\",\"state\":\"$1\",\"session\":\"Club\",\"take\":$take,\"interface\":{\"state\":\"$interface\",\"device\":\"hw:CARD=X18\",\"name\":\"X18/XR18\",\"channels\":$channels,\"rate\":48000,\"format\":\"S32_LE\",\"bits\":24,\"ppm\":12.3,\"error\":\"\"},\"tape\":{\"position\":1,\"seconds_held\":31.5,\"seconds\":600.0},\"gaps\":{\"count\":0,\"frames\":0},\"medium\":{\"folder\":\"/srv/takebox\",\"filesystem\":\"ext4\",\"free_bytes\":120345678901,\"seconds_left\":36720.0},\"preroll\":2.5,\"realtime\":true,\"tracks\":[${tracks#,}],\"problems\":[${3:-}]}"
}

# meters CHANNELS DB
meters() {
	local levels='' i
	for ((i = 0; i < $1; i++)); do levels+=",$2"; done
	echo "{\"event\":\"meters\",\"peak\":[${levels#,}],\"hold\":[${levels#,}],\"rms\":[${levels#,}],\"clips\":[1]}"
}

on() {
	echo "on $1 $2" >> script
}

# A recorder in STATE with CHANNELS and PROBLEMS, that sends meters at DB.
serve() {
	on status "{\"ok\":true,\"id\":%ID%,\"status\":$(status "$1" "$2" "${4:-}")}"
	on subscribe '{"ok":true,"id":%ID%}'
	{
		echo "event 0 {\"event\":\"status\",\"status\":$(status "$1" "$2" "${4:-}")}"
		echo "event 20 $(meters "$2" "${3:--20}")"
		echo "event 20 $(meters "$2" "${3:--20}")"
		echo loop
	} >> script
	start_fake
}

asked() {
	grep -qF "$1" log
}

# run_code CODE ARGUMENT...: runs takebox and expects that exit code.
run_code() {
	local code=$1
	shift
	run "$TAKEBOX" "$@"
	echo "$output"
	[ "$status" -eq "$code" ]
}

says() {
	[[ "$output" == *"$1"* ]]
}

## Commands

@test "status fits a glance" {
	serve recording 18 -20 '{"level":"lost","text":"480 frames at 0:03:12"}'
	run_code 0 status
	says 'recording Take-003, 0:12:34, safe on the medium up to 0:12:33'
	says 'X18/XR18 (hw:CARD=X18), 18 channels, 48 kHz, 24 bit, +12.3 ppm'
	says '0:00:31 of 0:10:00 held, pre-roll 2.5 s'
	says '10 h 12 min left, 120 GB free'
	says '(14 of 18)'
	says 'lost: 480 frames at 0:03:12'
	[ "${#lines[@]}" -le 12 ]
}

@test "--json prints the recorder's answer, before or behind the command" {
	serve idle 2
	"$TAKEBOX" status --json | jq -e '.ok and .status.state == "idle" and (has("id") | not)'
	"$TAKEBOX" --json status | jq -e '.status.tracks | length == 2'
	[ "$("$TAKEBOX" --json status | wc -l)" -eq 1 ]
}

@test "record sends its name and pre-roll and says where the take lies" {
	on record '{"ok":true,"id":%ID%,"take":{"name":"Encore","folder":"/x/Encore"}}'
	start_fake
	run_code 0 record --name Encore --preroll 2.5
	[ "$output" = 'recording Encore in /x/Encore' ]
	asked '"cmd":"record","name":"Encore","preroll":2.5'
	run_code 0 record
	asked '{"cmd":"record","id":1}'
}

@test "stop prints the summary" {
	on stop '{"ok":true,"id":%ID%,"take":{"name":"Take-003","folder":"/x","seconds":754.0,"frames":36192000,"tracks":2,"bytes":1234567890,"gaps":0,"lost":0,"markers":1,"verdict":"sample-complete","peaks":[-3.25,-150],"clips":[3,0],"track_names":["Kick","Snare"]}}'
	start_fake
	run_code 0 stop
	says '0:12:34, 36192000 frames'
	says '1.2 GB'
	says 'Kick                   -3.2 dB  3 clips'
	says 'Snare                  -inf dB'
	says 'sample-complete'
}

@test "stop tells a take with gaps and a damaged one by its exit code" {
	on stop '{"ok":true,"id":%ID%,"take":{"name":"T","verdict":"gaps","gaps":2}}'
	on stop '{"ok":true,"id":%ID%,"take":{"name":"T","verdict":"damaged"}}'
	start_fake
	run_code 7 stop
	run_code 8 stop --json
}

@test "mark, arm, disarm, name and session say what they did" {
	local tracks='[{"number":1,"name":"Kick","channels":[1],"armed":true},{"number":2,"name":"Snare","channels":[2],"armed":false}]'
	on mark '{"ok":true,"id":%ID%,"position":48000}'
	on arm "{\"ok\":true,\"id\":%ID%,\"tracks\":$tracks}"
	on disarm "{\"ok\":true,\"id\":%ID%,\"tracks\":$tracks}"
	on name "{\"ok\":true,\"id\":%ID%,\"tracks\":$tracks}"
	on session '{"ok":true,"id":%ID%,"session":"Club"}'
	start_fake
	run_code 0 mark 'second chorus'
	[ "$output" = 'marker at frame 48000' ]
	asked '"cmd":"mark","name":"second chorus"'
	run_code 0 arm 1 3-5 7,9
	[ "$output" = 'armed: 1 (1 of 2)' ]
	asked '"cmd":"arm","tracks":[1,3,4,5,7,9]'
	run_code 0 disarm all
	asked '"cmd":"disarm","tracks":"all"'
	run_code 0 name 2 Snare
	[ "$output" = 'track 2 is Snare' ]
	asked '"cmd":"name","track":2,"name":"Snare"'
	run_code 0 session Club
	[ "$output" = 'Club' ]
}

@test "session alone prints the session" {
	serve idle 1
	run_code 0 session
	[ "$output" = 'Club' ]
}

@test "takes is a table, of one session if that is asked for" {
	on takes '{"ok":true,"id":%ID%,"takes":[{"session":"Club","name":"Take-001","folder":"/x","seconds":60.0,"tracks":8,"gaps":0,"verdict":"sample-complete"},{"session":"Grün","name":"Take-002","folder":"/y","seconds":3700.0,"tracks":8,"gaps":3,"verdict":"gaps"}]}'
	start_fake
	run_code 0 takes --session Club
	[ "${lines[0]}" = 'Club  Take-001   0:01:00   8 tracks  sample-complete' ]
	[ "${lines[1]}" = 'Grün  Take-002   1:01:40   8 tracks  gaps (3)' ]
	asked '"cmd":"takes","session":"Club"'
}

@test "monitor prints one line a reading where there is no terminal" {
	serve recording 3 -20.5
	run_code 0 monitor -n 2
	[ "${#lines[@]}" -eq 2 ]
	says 'recording Take-003 0:12:34 peak -20.5 -20.5 -20.5 clip:1'
	asked '"interval":1.0'
}

@test "monitor says that there is no interface" {
	on subscribe '{"ok":true,"id":%ID%}'
	echo "event 0 {\"event\":\"status\",\"status\":$(status no-interface 0)}" >> script
	start_fake
	run_code 5 monitor -n 3
	says 'no interface'
}

@test "monitor --json is the stream of events" {
	serve idle 2
	"$TAKEBOX" monitor --json -n 3 | jq -e -s \
		'map(select(.event == "meters")) | length == 3 and all(.peak | length == 2)'
}

@test "monitor ends when its reader does" {
	serve idle 2
	"$TAKEBOX" monitor --json | head -n 1 | grep -q event
}

## What goes wrong

@test "every refusal has its exit code and the recorder's words" {
	local cause
	for cause in usage refused interface medium not-found failed nonsense; do
		on record "{\"ok\":false,\"id\":%ID%,\"error\":\"$cause\",\"message\":\"because of $cause\"}"
	done
	start_fake
	for cause in usage:2 refused:4 interface:5 medium:6 not-found:10 \
		failed:1 nonsense:1; do
		run_code "${cause#*:}" record
		[ "$output" = "takebox record: because of ${cause%:*}" ]
	done
}

@test "no recorder is exit code 3, in words and in JSON" {
	run_code 3 status
	says "$TAKEBOX_SOCKET: there is no such socket; is takeboxd running?"
	"$TAKEBOX" stop --json 2>/dev/null > answer || [ $? -eq 3 ]
	jq -e '(.ok | not) and .error == "no-daemon"' answer
	run_code 3 monitor
	run_code 3 --socket "$(printf 'x%.0s' {1..200})" status
	says 'too long'
}

@test "a recorder that has gone leaves a socket that says so" {
	start_fake
	kill -9 "$(cat fake.pid)"
	wait_until socket_is_dead
	run_code 3 status
	says 'nobody listens there'
}

socket_is_dead() {
	"$TAKEBOX" mark 2>&1 | grep -q 'nobody listens'
}

@test "the socket is found in its order: option, variable, runtime folder" {
	serve idle 1
	mv "$TAKEBOX_SOCKET" other
	run_code 3 status
	run_code 0 --socket other session
	run_code 0 session --socket=other
	TAKEBOX_SOCKET=$PWD/other run_code 0 session
	if [ -e /run/takebox/control ]; then skip 'a recorder runs here'; fi
	unset TAKEBOX_SOCKET
	mkdir takebox
	mv other takebox/control
	XDG_RUNTIME_DIR=$PWD run_code 0 session
	run_code 3 session
	says '/run/takebox/control'
	TAKEBOX_SOCKET=$PWD/takebox/control
}

@test "wrong command lines are exit code 2 and point to the help" {
	local line
	while read -r line; do
		# shellcheck disable=SC2086
		run_code 2 $line
		says '--help'
	done <<-'END'
		sing
		status now
		status --sing
		record Encore
		record --preroll soon
		record --preroll -1
		record --preroll nan
		mark two words
		arm
		arm 0
		arm 65
		arm 5-1
		arm 1,,2
		name 3
		name x Kick
		name 1.5 Kick
		session two words
		takes Club
		monitor -n 0
		monitor --interval 0
		panel --json
		panel
	END
	run_code 2
}

@test "a name that is not UTF-8 is refused before it is sent" {
	start_fake
	: > log
	run_code 2 record --name $'\xff'
	run_code 2 mark $'a\xc0\xafb'
	run_code 2 name 1 $'\xff'
	run_code 2 session $'\xff'
	run_code 2 takes --session $'\xff'
	[ ! -s log ]
}

@test "answers that make no sense are an error, never a crash" {
	local text
	for text in 'not json' '[]' 'null' '{"ok":tru' '{}' '{"id":%ID%}' '!close'; do
		: > script
		on status "$text"
		stop_fake
		rm -f control
		start_fake
		# Without an "ok" it waits for the answer still to come.
		run timeout 2 "$TAKEBOX" status
		echo "$text: $status $output"
		[[ "$status" = 1 || "$status" = 3 || "$status" = 124 ]]
	done
}

@test "a status with everything missing or of a wrong type still prints" {
	on status '{"ok":true,"id":%ID%}'
	on status '{"ok":true,"id":%ID%,"status":[1,2]}'
	on status '{"ok":true,"id":%ID%,"status":{"state":7,"take":[],"tracks":{"a":[]},"problems":[1,{"text":5}],"interface":"x","tape":{"seconds":"long"}}}'
	start_fake
	run_code 0 status
	run_code 0 status
	run_code 0 status
	says 'unknown state'
}

@test "help and version need no recorder" {
	local command
	run_code 0 --help
	says 'panel'
	run_code 0 --version
	says "takebox $(cat "$BATS_TEST_DIRNAME/../../VERSION")"
	for command in status record stop mark arm disarm name session takes \
		monitor panel; do
		run_code 0 "$command" --help
		says "takebox $command"
		run_code 0 "$command" --version
	done
}

@test "completion offers commands, options, tracks and sessions" {
	# shellcheck disable=SC2016
	on takes '{"ok":true,"id":%ID%,"takes":[{"session":"Club"},{"session":"Cl $(touch ran)"},{"session":"Hall"}]}'
	serve idle 3
	PATH=$(dirname "$TAKEBOX"):$PATH
	# shellcheck source=/dev/null
	source "$BATS_TEST_DIRNAME/../../tools/takebox.bash-completion"
	complete_line takebox st
	[ "${COMPREPLY[*]}" = 'status stop' ]
	complete_line takebox record --
	[[ "${COMPREPLY[*]}" == *--preroll* ]]
	complete_line takebox arm ''
	[[ "${COMPREPLY[*]}" == '1 2 3 all '* ]]
	complete_line takebox takes --session C
	[ "${#COMPREPLY[@]}" -eq 2 ]
	[ "${COMPREPLY[1]}" = 'Club' ]
	[ ! -e ran ]
}

complete_line() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_takebox
}

@test "every command, option and exit code is in the man page" {
	local page=$BATS_TEST_DIRNAME/../../tools/takebox.1 word count=0
	while read -r word; do
		grep -Eq "^\.It (Cm )?$word\b" "$page" ||
			{ echo "$word"; false; }
		count=$((count + 1))
	done < <("$TAKEBOX" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'
		sed -n 's/.*EXIT_[A-Z_]* = \([0-9]*\).*/\1/p' \
			"$BATS_TEST_DIRNAME/../../firmware/base/exit_codes.h")
	[ "$count" -ge 25 ]
	if command -v mandoc > /dev/null; then
		mandoc -T lint -W warning "$page"
	fi
}

## Output

@test "no control character reaches a pipe, whatever the names are" {
	on status '{"ok":true,"id":%ID%,"status":{"state":"idle","session":"a\u001b[2J\u0007b\u009bc\u202ed","problems":[{"level":"lost","text":"x\r\ny"}]}}'
	on record '{"ok":false,"id":%ID%,"error":"refused","message":"no\u001b]0;x\u0007"}'
	start_fake
	run_code 0 status
	says 'a?[2J?b?c?d'
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' <<<"$output"
	run_code 4 record
	says 'no?]0;x?'
}

@test "standard output that is full is an error" {
	serve idle 2
	run bash -c '"$TAKEBOX" status > /dev/full'
	[ "$status" -eq 1 ]
}

## The terminal

# Each terminal has a server of its own, for one that ends is in the way of the
# next for a moment.
terminals=0

# terminal COLUMNS ROWS COMMAND: runs it in a terminal of that size.
terminal() {
	close_terminal
	terminals=$((terminals + 1))
	tmux -u -L "takebox-$$-$terminals" -f /dev/null new-session -d -x "$1" -y "$2" \
		"$3; echo \"code \$?\"; cat"
}

close_terminal() {
	tmux -L "takebox-$$-$terminals" kill-server 2> /dev/null || true
}

screen() {
	tmux -L "takebox-$$-$terminals" capture-pane -p "$@"
}

shows() {
	screen | grep -qF -- "$1"
}

shows_not() {
	! shows "$1"
}

press() {
	tmux -L "takebox-$$-$terminals" send-keys "$@"
}

need_tmux() {
	command -v tmux > /dev/null || skip 'tmux is missing'
}

@test "status is coloured on a terminal, and not with NO_COLOR" {
	need_tmux
	serve recording 2
	terminal 80 24 "'$TAKEBOX' status"
	wait_until shows 'code 0'
	screen -e | grep -q $'\033\[.*31m.*recording'
	terminal 80 24 "NO_COLOR=1 '$TAKEBOX' status"
	wait_until shows 'code 0'
	run ! grep -q $'\033\[[0-9;]*3[1-7]m' <(screen -e)
}

@test "monitor draws over itself on a terminal" {
	need_tmux
	serve recording 32
	terminal 80 24 "'$TAKEBOX' monitor -n 5"
	wait_until shows 'code 0'
	[ "$(screen | grep -c '^ 1\*')" -eq 1 ]
	shows '32'
}

@test "the panel shows the recorder at 80x24 with 2 to 64 channels" {
	need_tmux
	local channels
	serve recording 64 -10
	for channels in 2 8 18 32 64; do
		stop_fake
		: > script
		serve recording "$channels" -10 \
			'{"level":"degraded","text":"the medium is slow"}'
		terminal 80 24 "'$TAKEBOX'"
		wait_until shows "$channels ch, 48 kHz, 24 bit"
		wait_until shows '█'
		shows 'Take-003'
		shows 'session Club'
		shows 'safe to 0:12:33'
		shows '10 h 12 min left'
		shows 'tape 0:00:31 of 0:10:00'
		shows 'pre-roll 2.5 s'
		shows '+12.3 ppm'
		shows '0 gaps'
		shows 'degraded: the medium is slow'
		shows 'r REC  s STOP  m MARK'
		shows '●'
		[ "$(screen | wc -l)" -le 24 ]
	done
}

@test "the panel draws ASCII without a UTF-8 locale, no colour with NO_COLOR" {
	need_tmux
	serve recording 32 -10
	terminal 80 24 "LC_ALL=C NO_COLOR=1 '$TAKEBOX'"
	wait_until shows '* REC 0:12:34'
	wait_until shows '#'
	run ! grep -qP '[^\x00-\x7f]' <(screen)
	run ! grep -q $'\033\[[0-9;]*3[1-7]m' <(screen -e)
}

@test "the panel follows the terminal's size" {
	need_tmux
	serve idle 32
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows '10 h 12 min left'
	shows_not 'Track 17'
	tmux -L "takebox-$$-$terminals" resize-window -x 200 -y 60
	wait_until shows 'Track 17'
	tmux -L "takebox-$$-$terminals" resize-window -x 30 -y 8
	wait_until shows 'too small'
	tmux -L "takebox-$$-$terminals" resize-window -x 80 -y 24
	wait_until shows '10 h 12 min left'
}

@test "the panel's keys send orders; STOP takes two" {
	need_tmux
	on record '{"ok":false,"id":%ID%,"error":"refused","message":"already recording"}'
	on mark '{"ok":true,"id":%ID%,"position":1}'
	on stop '{"ok":true,"id":%ID%,"take":{"name":"Take-003","seconds":754.0,"tracks":8,"bytes":1200000000,"verdict":"sample-complete"}}'
	serve recording 8
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows 'Take-003'
	press r
	wait_until shows 'already recording'
	: > log # the fixture's own marks
	press m
	wait_until asked '"cmd":"mark"'
	wait_until shows 'a marker is set'
	press s
	wait_until shows 'press s again within 2 seconds to STOP'
	run ! asked '"cmd":"stop"'
	wait_until shows_not 'press s again'
	run ! asked '"cmd":"stop"'
	press s s
	wait_until shows 'Take-003: 0:12:34, 8 tracks, 1.2 GB, sample-complete'
	asked '"cmd":"stop"'
}

@test "the panel arms and names the track under the cursor" {
	need_tmux
	on arm '{"ok":true,"id":%ID%}'
	on disarm '{"ok":true,"id":%ID%}'
	on name '{"ok":true,"id":%ID%}'
	serve idle 32
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows '32 ch'
	press a
	wait_until shows 'track 1 Track 1: armed'
	press Space
	wait_until asked '"cmd":"disarm","tracks":[1]'
	press Right Right Right
	wait_until shows 'track 4 Track 4: not armed'
	press Space
	wait_until asked '"cmd":"arm","tracks":[4]'
	press A
	wait_until asked '"cmd":"arm","tracks":"all"'
	press n
	wait_until shows 'name of track 4: Track 4'
	press C-u
	press -l 'Böse ♪'
	wait_until shows 'name of track 4: Böse ♪'
	press Enter
	wait_until asked '"cmd":"name","track":4,"name":"Böse ♪"'
}

@test "the panel explains its keys and clears clips" {
	need_tmux
	serve idle 2
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows 'CLIP'
	press c
	wait_until shows_not 'CLIP'
	press '?'
	wait_until shows 'the recorder goes on'
	press '?'
	wait_until shows 'Track 2'
}

@test "the panel says that the recorder went away, and finds it again" {
	need_tmux
	serve recording 8
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows 'Take-003'
	stop_fake
	wait_until shows 'takeboxd does not answer'
	press r
	wait_until shows 'there is no recorder to tell'
	start_fake
	wait_until shows 'Take-003'
}

@test "the panel outlives a recorder that talks nonsense" {
	need_tmux
	on status '{"ok":true,"id":%ID%,"status":[]}'
	on subscribe '{"ok":true,"id":%ID%}'
	cat >> script <<-'END'
		event 10 {"event":"meters","peak":{"a":1},"hold":7}
		event 10 nonsense
		event 10 {"event":"status","status":{"state":"recording","interface":{"channels":9999999},"tracks":[{"number":-3},{"number":1,"channels":[1,1,1]}]}}
		event 10 {"event":"meters","peak":[1e308,-1e308,null],"clips":[-9,9223372036854775807]}
		loop
	END
	start_fake
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows '63'
	press a Right Space n x Enter c '?' '?' q
	wait_until shows 'code 0'
}

@test "leaving the panel leaves the recorder and the terminal in order" {
	need_tmux
	serve recording 2
	terminal 80 24 "'$TAKEBOX'"
	wait_until shows 'Take-003'
	: > log
	press q
	wait_until shows 'code 0'
	shows "The recorder goes on recording Take-003"
	[ ! -s log ]
}
