#!/bin/bash
# The cases of a session with a panel: a part of panel_guest.sh, which has the
# fingers, the eyes and the recorder. Each case is a function that runs with
# errexit; they follow each other, as an evening does.
# shellcheck disable=SC2154 # $work, $folder and $at are panel_guest.sh's

lamps=(LREC LREADY LALERT LLOCK LARM1 LARM2 LARM3 LARM4
	LSIG1 LSIG2 LSIG3 LSIG4)

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

# Looks at REC, and at the trigger, which is active while frames are kept, twice
# in each frame of the lamps, until the file watch.stop is there: two looks at
# them are no one look, so it takes two in a row to be wrong. What is lit and
# keeps nothing is the lamp test, of a second, or blinks.
watch_lamps()
{
	local rec trigger now looks=0 dark=0 since='' began=''

	while [ ! -e watch.stop ]; do
		pause 0.02
		now=$((${EPOCHREALTIME/./} / 1000))
		if ! { read -r rec <"${at[LREC]}/value" &&
			read -r trigger <"${at[TRIG]}/value"; }; then
			find_lines
			dark=0 since='' began=''
			continue
		fi
		looks=$((looks + 1))
		case $rec$trigger in
		01) dark=$((dark + 1)) since='' ;;
		10) dark=0 since=${since:-$now} ;;
		*) dark=0 since='' ;;
		esac
		[ $dark -lt 2 ] || echo "wrong: REC dark, frames are kept"
		[ $((now - ${since:-$now})) -lt 1300 ] ||
			echo "wrong: REC lit, nothing is kept"
		if [ "$trigger" = 0 ] && [ -n "$began" ]; then
			echo "lit $((now - began)) ms"
			began=
		fi
		[ "$trigger" = 0 ] || : "${began:=$now}"
	done
	echo "$looks looks"
} 2>/dev/null >watch.log

# The first take was begun a second before its press. REC is lit from when the
# take has its folder until its last frame has been encoded.
case_watched()
{
	local lit_ms take_ms takes

	: >watch.stop
	wait_until grep -q looks watch.log
	cat watch.log
	[ "$(grep -c wrong watch.log)" -eq 0 ]
	[ "$(grep -c lit watch.log)" -ge 5 ]
	takes=(medium/Takebox/*/Take-001/take.json)
	take_ms=$(jq '(.seconds - 1) * 1000 | floor' "${takes[0]}")
	read -r _ lit_ms _ <watch.log
	echo "REC was lit for $lit_ms ms of a take of $take_ms ms"
	[ $((take_ms - lit_ms)) -ge -1000 ]
	[ $((take_ms - lit_ms)) -le 1000 ]
}

case_lamp_test()
{
	start_daemon
	wait_until all_lit
	# As long as it lasts, the trigger is no lamp.
	dark TRIG
	wait_until dark LLOCK
}

# From one beat to the next: dark for 100 ms, lit for 1900, to a frame of the
# lamps (40 ms) and what it takes to look.
case_idle()
{
	local began lit_at dark_at

	wait_until is_idle
	wait_until lit LREADY
	wait_until dark LREADY
	began=$(now_ms)
	wait_until lit LREADY
	lit_at=$(now_ms)
	wait_until dark LREADY
	dark_at=$(now_ms)
	echo "READY dark for $((lit_at - began)) ms, lit for $((dark_at - lit_at)) ms"
	[ $((lit_at - began)) -ge 40 ]
	[ $((lit_at - began)) -le 200 ]
	[ $((dark_at - lit_at)) -ge 1800 ]
	[ $((dark_at - lit_at)) -le 2000 ]
	steady dark LREC 500
	dark LLOCK
	problem_like "[]"
}

# armed_are TFTF: which tracks are.
armed_are()
{
	local rest armed=

	look || return 1
	rest=${status#*\"tracks\":}
	while [[ $rest == *'"armed":'* ]]; do
		rest=${rest#*\"armed\":}
		armed+=${rest:0:1}
	done
	[ "${armed^^}" = "$1" ]
}

case_switches()
{
	wait_until armed_are FFFF
	up ARM1
	up ARM2
	wait_until armed_are TTFF
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
	wait_until status_has '"markers":1'
	pause 0.1 # or the contact only bounced
	press MARK
	up ARM3
	wait_until lit LARM3
	down ARM2
	wait_until dark LARM2
	wait_until status_has '"markers":2'
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
	problems
	is_recording
	gpio_sim_plug panel
	find_lines
	# Switches come back as they are now; the take goes on.
	wait_until steady lit LREC 300
	is_recording
	wait_until all_well
	press MARK
	wait_until status_has '"markers":1'
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
	steady dark LREC 500
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
	problems
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
	with_board "$work/unknown.board" NOWHERE
	[ "$(grep -c NOWHERE daemon.log)" -eq 1 ]
}

case_wrong_board()
{
	sed 's/role = "stop"/roll = "stop"/' test.board >wrong.board
	with_board "$work/wrong.board" "wrong.board:"
	with_board "$work/none.board" none.board
}

case_busy_line()
{
	mkfifo answers
	"$build/takebox" panel-test "$work/test.board" <>answers \
		>panel_test.log 2>&1 &
	holder=$!
	trap 'kill $holder 2>/dev/null || true' EXIT
	wait_until grep -q '\[Y/n' panel_test.log
	with_board "$work/test.board" "held by"
	echo q >answers
	wait $holder || true
	wait_until all_well
	# A simulated switch that is let go forgets where it was.
	takebox arm all >/dev/null
	press REC
	wait_until is_recording
	press STOP 1
	wait_until is_idle
}

case_panel_test_refuses()
{
	if takebox panel-test "$work/test.board" </dev/null >refused 2>&1; then
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
	takebox panel-test --wait 5 "$work/test.board" <>answers 2>&1 |
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
	cp "$folder/played.s32" .
	# One stream without an end: the card stands still between two.
	while cat played.s32; do :; done |
		aplay -q -D hw:Loopback,0 -c 4 -r 48000 -f S32_LE -t raw \
			--buffer-time=340000 - 2>/dev/null &
	player=$!
	watch_lamps &
	for name in lamp_test switches idle signal record mid_take locked stop \
		take keep chip_removed supply unknown_line wrong_board \
		watched busy_line panel_test_refuses panel_test; do
		run_case $name
	done
	kill $player
	[ $failed = 0 ] || tail -n 40 daemon.log
	return $failed
}
