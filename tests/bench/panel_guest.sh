#!/bin/bash
# In the virtual machine: the recorder, with a panel of gpio-sim's lines.
#
#     panel_guest.sh presses FOLDER COUNT SEED
#     panel_guest.sh session FOLDER
#
# presses: COUNT presses at random times, on the virtual interface, whose
# samples say when they were: presses_check.sh judges what comes into FOLDER.
# session: a band plays into snd-aloop (FOLDER/played.s32, four channels, the
# last silent) while buttons are pressed and lamps looked at; and what else can
# happen to a panel. Prints a line for each case: "ok NAME" or "not ok NAME".

set -u

here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
# shellcheck source=tests/bench/gpio_sim.sh
. "$here/gpio_sim.sh"

mode=$1 folder=$2
work=/tmp/panel
mkdir -p $work/medium
cd $work || exit 1
export TAKEBOX_SOCKET=$work/control

lines=(REC STOP MARK KEEP LOCK FAIL ARM1 ARM2 ARM3 ARM4
	LREC LREADY LALERT LLOCK LARM1 LARM2 LARM3 LARM4
	LSIG1 LSIG2 LSIG3 LSIG4 TRIG)
lamps=(LREC LREADY LALERT LLOCK LARM1 LARM2 LARM3 LARM4
	LSIG1 LSIG2 LSIG3 LSIG4)

# ---- the panel's other side: fingers and eyes, without forks ----------------

declare -A at

find_lines()
{
	local first i

	first=$(gpio_sim_line panel 0)
	for i in "${!lines[@]}"; do
		at[${lines[i]}]=${first%0}$i
	done
}

make_chip()
{
	local names=() i

	for i in "${!lines[@]}"; do
		names+=("$i=${lines[i]}")
	done
	gpio_sim_chip panel ${#lines[@]} "${names[@]}"
	find_lines
}

up()
{
	echo pull-up >"${at[$1]}/pull"
}

down()
{
	echo pull-down >"${at[$1]}/pull"
}

# press NAME [SECONDS]
press()
{
	up "$1"
	sleep "${2:-0.1}"
	down "$1"
}

lit()
{
	local value

	read -r value <"${at[$1]}/value" && [ "$value" = 1 ]
}

dark()
{
	! lit "$1"
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# steady lit|dark NAME MS: at every look, some hundred a second.
steady()
{
	local end=$((${EPOCHREALTIME/./} + $3 * 1000))

	while [ ${EPOCHREALTIME/./} -lt $end ]; do
		"$1" "$2" || return 1
	done
}

# share NAME MS: how much of the time it is lit, in percent, and how often it
# was lit anew.
share()
{
	local end=$((${EPOCHREALTIME/./} + $2 * 1000)) on=0 all=0 times=0 was=1

	while [ ${EPOCHREALTIME/./} -lt $end ]; do
		all=$((all + 1))
		if lit "$1"; then
			on=$((on + 1))
			[ $was = 1 ] || times=$((times + 1))
			was=1
		else
			was=0
		fi
	done
	echo "$((100 * on / all)) $times"
}

# Waits until the command succeeds, 20 s at most.
wait_until()
{
	local end=$((SECONDS + 20))

	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.02
	done
}

# ---- the recorder ----------------------------------------------------------

takebox()
{
	"$build/takebox" "$@"
}

status_of()
{
	takebox status --json 2>/dev/null | jq -r ".status$1"
}

status_is()
{
	[ "$(status_of "$1")" = "$2" ]
}

problem_like()
{
	status_of ".problems[].text" | grep -q -- "$1"
}

write_config()
{
	cat >takebox.conf <<-END
		interface: { device = "$1"; channels = $2; rate = 48000; };
		tape: { seconds = 20.0; };
		record: { folder = "$work/medium"; preroll = 1.0; };
		control: { socket = "$work/control"; tape_socket = "$work/tape"; };
		panel: { board = "${3:-$work/test.board}"; };
	END
}

start_tape()
{
	"$build/takebox-tape" --socket $work/tape 2>>tape.log &
	wait_until test -S tape
}

start_daemon()
{
	"$build/takeboxd" -c takebox.conf 2>>daemon.log &
	echo $! >daemon.pid
	wait_until test -S control
}

stop_daemon()
{
	kill "$(cat daemon.pid)"
	wait_until test ! -e "/proc/$(cat daemon.pid)"
}

all_well()
{
	! problem_like "panel:"
}

last_take()
{
	local takes=(medium/Takebox/*/Take-*)

	echo "${takes[-1]}"
}

count_takes()
{
	local takes=(medium/Takebox/*/Take-*/take.json)

	[ -e "${takes[0]}" ] && echo ${#takes[@]} || echo 0
}

more_takes_than()
{
	[ "$(count_takes)" -gt "$1" ]
}

is_recording()
{
	status_is .state recording
}

is_locked()
{
	[ "$(status_of .interface.ppm)" != null ]
}

is_idle()
{
	status_is .state idle
}

# ---- 1,000 presses ---------------------------------------------------------

write_presses_board()
{
	cat >test.board <<-END
		times: { preroll = 0.0; };
		inputs = (
			{ role = "rec"; line = "REC"; active = "high"; pull = "down"; },
			{ role = "stop"; line = "STOP"; active = "high"; pull = "down"; },
			{ role = "mark"; line = "MARK"; active = "high"; pull = "down"; }
		);
		outputs = ( { role = "rec"; line = "LREC"; } );
		gestures = (
			{ button = "stop"; gesture = "press"; action = "stop"; }
		);
	END
}

# What the takes are, from their samples: the device's number of the first
# frame, how many there are, and the markers.
list_takes()
{
	local take first

	for take in medium/Takebox/*/Take-*; do
		first=$("$build/e2e/segments" "$take"/01-*.flac)
		if [[ $first == 0\ *" counter "* ]] &&
			[ "$(wc -l <<<"$first")" -eq 1 ]; then
			read -r _ _ _ first _ <<<"$first"
		else
			first=broken
		fi
		jq -r --arg first "$first" \
			'"\($first) \(.frames) \(.markers | map(.at) | join(" "))"' \
			"$take/take.json"
	done
}

run_presses()
{
	local status

	export ALSA_CONFIG_PATH=$build/virtual.conf
	write_config "takebox_virtual:CHANNELS=2,SIGNAL=counter,ORIGIN=clock,CONTROL=$work/virtual" 2
	write_presses_board
	start_tape || return 1
	start_daemon || return 1
	wait_until is_idle || return 1
	# Until the clock's line is known.
	wait_until is_locked || return 1
	chrt -f 70 "$build/bench/presses" "$2" "$1" "$folder/presses" \
		"REC=${at[REC]}=3" "STOP=${at[STOP]}=2" "MARK=${at[MARK]}=5"
	status=$?
	[ $status -eq 0 ] || return $status
	sleep 0.5
	if is_recording; then
		takebox stop >/dev/null
	fi
	wait_until is_idle || return 1
	cp virtual.state "$folder/crystal"
	list_takes >"$folder/takes"
	cp daemon.log "$folder/log"
}

# ---- a session -------------------------------------------------------------

write_session_board()
{
	local i

	{
		echo 'inputs = ('
		for i in 1 2 3 4; do
			echo "{ role = \"arm\"; track = $i; line = \"ARM$i\"; active = \"high\"; pull = \"down\"; latched = true; },"
		done
		for i in rec stop mark keep lock; do
			echo "{ role = \"$i\"; line = \"${i^^}\"; active = \"high\"; pull = \"down\"; },"
		done
		echo '{ role = "power-fail"; line = "FAIL"; active = "high"; pull = "down"; } );'
		echo 'outputs = ('
		for i in 1 2 3 4; do
			echo "{ role = \"arm\"; track = $i; line = \"LARM$i\"; },"
			echo "{ role = \"signal\"; track = $i; line = \"LSIG$i\"; },"
		done
		for i in rec ready alert lock; do
			echo "{ role = \"$i\"; line = \"L${i^^}\"; },"
		done
		echo '{ role = "trigger"; line = "TRIG"; } );'
	} >test.board
}

all_lit()
{
	local name

	for name in "${lamps[@]}"; do
		lit "$name" || return 1
	done
}

case_lamp_test()
{
	start_daemon
	wait_until all_lit
	# As long as it lasts, the trigger is no lamp.
	dark TRIG
	wait_until dark LLOCK
}

case_idle()
{
	local percent times

	wait_until is_idle
	read -r percent times < <(share LREADY 4100)
	echo "READY $percent % in $times"
	[ "$percent" -gt 85 ]
	[ "$times" -eq 2 ]
	steady dark LREC 500
	dark LLOCK
	status_of .problems
}

armed_are()
{
	[ "$(status_of '.tracks | map(.armed) | tostring')" = "$1" ]
}

case_switches()
{
	wait_until armed_are '[false,false,false,false]'
	up ARM1
	up ARM2
	wait_until armed_are '[true,true,false,false]'
	wait_until lit LARM2
	lit LARM1
	dark LARM3
	dark LARM4
}

case_signal()
{
	wait_until lit LSIG1
	wait_until lit LSIG2
	wait_until lit LSIG3
	steady dark LSIG4 1000
}

case_record()
{
	press REC
	wait_until steady lit LREC 300
	steady lit LREC 2000
	lit TRIG
	is_recording
}

case_mid_take()
{
	press MARK
	sleep 0.3
	press MARK
	up ARM3
	wait_until lit LARM3
	down ARM2
	wait_until dark LARM2
	wait_until status_is .take.markers 2
	lit LREC
}

case_locked()
{
	press LOCK 0.9
	wait_until lit LLOCK
	press STOP 1
	steady lit LREC 500
	is_recording
	press LOCK 0.9
	wait_until dark LLOCK
}

case_stop()
{
	press STOP 1
	wait_until is_idle
	steady dark LREC 500
	dark TRIG
}

case_take()
{
	local take files

	take=$(last_take)
	takebox verify "$take"
	files=$(cd "$take" && echo 0*.flac)
	echo "$files"
	[[ $files == 01-*.flac\ 02-*.flac\ 03-*.flac ]]
	jq -c '{stopped_by, markers: (.markers | length), verdict,
		arms: (.arms | map([.number, .on]))}' "$take/take.json"
	[ "$(jq '.markers | length' "$take/take.json")" -eq 2 ]
	[ "$(jq -r .verdict "$take/take.json")" = sample-complete ]
}

case_keep()
{
	local before

	before=$(count_takes)
	press KEEP
	wait_until more_takes_than "$before"
	jq -r '"kept \(.seconds) s"' "$(last_take)/take.json"
	jq -e '.seconds > 8' "$(last_take)/take.json"
}

case_chip_removed()
{
	press REC
	wait_until steady lit LREC 300
	gpio_sim_unplug panel
	wait_until problem_like "panel:"
	status_of ".problems[].text"
	is_recording
	gpio_sim_plug panel
	find_lines
	# Switches come back as they are now; the take goes on.
	wait_until steady lit LREC 300
	is_recording
	wait_until all_well
	press MARK
	wait_until status_is .take.markers 1
	press STOP 1
	wait_until is_idle
	takebox verify "$(last_take)"
}

case_supply()
{
	up ARM1
	wait_until lit LARM1
	press REC
	wait_until steady lit LREC 300
	up FAIL
	wait_until is_idle
	wait_until dark LREC
	jq -r .stopped_by "$(last_take)/take.json"
	[ "$(jq -r .stopped_by "$(last_take)/take.json")" = "the supply failed" ]
	press REC
	sleep 0.5
	is_idle
	down FAIL
	sleep 0.2
	press REC
	wait_until is_recording
	press STOP 1
	wait_until is_idle
}

# Starts with another board, records a take without the panel.
with_board()
{
	stop_daemon
	write_config hw:Loopback,1 4 "$1"
	: >daemon.log
	start_daemon
	wait_until is_idle
	wait_until problem_like "$2"
	status_of ".problems[].text"
	cat daemon.log
	takebox arm all >/dev/null
	takebox record
	wait_until is_recording
	sleep 1
	takebox stop >stop.log || cat stop.log
	takebox verify "$(last_take)"
}

case_unknown_line()
{
	sed 's/"REC"/"NOWHERE"/' test.board >unknown.board
	with_board $work/unknown.board NOWHERE
	[ "$(grep -c NOWHERE daemon.log)" -eq 1 ]
}

case_wrong_board()
{
	sed 's/role = "stop"/roll = "stop"/' test.board >wrong.board
	with_board $work/wrong.board "wrong.board:"
	with_board $work/none.board none.board
}

case_busy_line()
{
	mkfifo answers
	"$build/takebox" panel-test $work/test.board <>answers \
		>panel_test.log 2>&1 &
	holder=$!
	trap 'kill $holder 2>/dev/null' EXIT
	wait_until grep -q '\[Y/n' panel_test.log
	with_board $work/test.board "held by"
	echo q >answers
	wait $holder
	wait_until all_well
	press REC
	wait_until is_recording
	press STOP 1
	wait_until is_idle
}

case_panel_test_refuses()
{
	if takebox panel-test $work/test.board </dev/null >refused 2>&1; then
		return 1
	fi
	cat refused
	grep -q "held by" refused
	stop_daemon
}

# A person who answers by what is lit, and presses what is asked for.
case_panel_test()
{
	local line name

	rm -f answers
	mkfifo answers
	# shellcheck disable=SC2094 # it is a pipe
	takebox panel-test --wait 5 $work/test.board <>answers 2>&1 |
		tee panel_test.log |
		while read -r line; do
			name=${line##*(}
			name=${name%%)*}
			case $line in
			*"and nothing else?"*)
				wait_until lit "$name" && echo y || echo n
				;;
			"mark ("*"press it"*) press STOP ;;
			*"press it"*) press "$name" >&2 ;;
			*"throw it"*) press "$name" 0.2 >&2 ;;
			esac
		done >answers
	tail -n 3 panel_test.log
	grep -qx "test: 22 work, 1 fail, 0 skipped" panel_test.log
	grep -q "that was stop (STOP)" panel_test.log
}

run_case()
{
	local status began=$SECONDS

	# A chip that was away may be another one now.
	[ -e "${at[REC]}" ] || find_lines
	# In a condition, errexit would be off.
	(
		set -e
		"case_$1"
	) >case.log 2>&1
	status=$?
	if [ $status -eq 0 ]; then
		echo "ok $1 ($((SECONDS - began)) s)"
	else
		echo "not ok $1 ($((SECONDS - began)) s)"
		failed=1
	fi
	sed 's/^/    /' case.log
}

run_session()
{
	failed=0
	write_config hw:Loopback,1 4
	write_session_board
	start_tape || return 1
	# One stream without an end: the card stands still between two.
	while cat "$folder/played.s32"; do :; done |
		aplay -q -D hw:Loopback,0 -c 4 -r 48000 -f S32_LE -t raw \
			--buffer-time=340000 - 2>/dev/null &
	player=$!
	for name in lamp_test switches idle signal record mid_take locked stop \
		take keep chip_removed supply unknown_line wrong_board \
		busy_line panel_test_refuses panel_test; do
		run_case $name
	done
	kill $player
	[ $failed = 0 ] || tail -n 40 daemon.log
	return $failed
}

make_chip || exit 1
case $mode in
presses) run_presses "$3" "$4" ;;
session) run_session ;;
esac
