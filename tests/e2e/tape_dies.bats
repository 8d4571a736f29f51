# takebox-tape dies in mid-take: the tape is taken up by the next one, and the
# take goes on behind a gap. Against the counter pattern.

load recorder.bash

kill_tape() {
	kill "-$1" "$(cat takebox-tape.pid)"
	wait "$(cat takebox-tape.pid)" || true
	wait_until status_is .interface.state closed
}

has_stop() {
	grep -q '"type": *"stop"' "$(take_folder)/take.ledger"
}

# "verify": it was stopped already.
stop_with_gaps() {
	if [ "${1:-}" != verify ]; then
		run takebox stop
		[ "$status" -eq 7 ]
	fi
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

@test "stopped while it is gone: the take goes on up to there" {
	start_all
	takebox record
	wait_until at_least .take.seconds 3
	kill_tape KILL
	takebox stop --json >stopped &
	stop=$!
	wait_until has_stop
	start_tape
	code=0
	wait "$stop" || code=$?
	[ "$code" -eq 7 ]
	stop_with_gaps verify
	for file in "$folder"/*.flac; do
		[ "$(segments "$file" | cut -d' ' -f3 | xargs)" = \
			"counter silence" ]
	done
	[[ "$(causes)" == died ]]
	[ "$(jq .missing_behind "$folder/take.json")" -eq 0 ]
	[ "$(jq -r .stopped_by "$folder/take.json")" = stop ]
	# STOP came behind the death, and the silence goes up to it.
	[ "$(jq '.gaps[-1] | .at + .frames' "$folder/take.json")" -eq \
		"$(jq .frames "$folder/take.json")" ]
}

@test "stopped while it is gone for good: how much is lost is said" {
	start_all
	takebox record
	wait_until at_least .take.seconds 3
	kill_tape KILL
	run takebox stop --json
	echo "$output"
	[ "$status" -eq 7 ]
	stop_with_gaps verify
	[ "$(jq -r .verdict "$folder/take.json")" = gaps ]
	[[ "$(jq -r .stopped_by "$folder/take.json")" == \
		"stop: the last "*" s are lost, takebox-tape had died" ]]
	# From the tape's last frame to the moment of STOP.
	jq -e '[.notes[] | select(.type == "stop")] as $stop
		| ($stop[0].at - $stop[-1].at) as $n
		| $n > 0 and $n == .missing_behind and
		$n == $stop[-1].missing and .frames == $stop[-1].at' \
		"$folder/take.json"
	status_is .state no-interface
	run takebox record
	[ "$status" -eq 5 ]
	# The next one goes on with the tape: a pre-roll begins before the gap.
	start_tape
	wait_until status_is .state idle
	takebox record --preroll 16
	wait_until at_least .take.seconds 17
	stop_with_gaps
	check_in_time 1
	[[ "$(causes)" == *died* ]]
}

@test "both killed at once, under a manager that keeps the tape: the same take" {
	write_config
	"$BUILD/e2e/keeper" takebox-tape.pid "$BUILD/takebox-tape" \
		--socket "$PWD/tape" 2>>takebox-tape.log 3>&- &
	echo $! >keeper.pid
	wait_until test -S tape
	start_daemon
	wait_until status_is .state idle
	[ -e takebox-tape.pid.kept ]
	takebox record
	wait_until at_least .take.seconds 4
	kill -9 "$(cat takebox-tape.pid)" "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start_daemon
	wait_until status_is .state recording
	wait_until at_least .take.seconds 7
	stop_with_gaps
	check_in_time 1
	[ "$(causes)" = died ]
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 1 ]
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
