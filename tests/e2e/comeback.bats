# Power that fails in mid-take and comes back: both daemons killed, the tape
# gone with them, and started again. What lies between two takes is counted by
# the virtual interface, whose samples are the frame numbers of a clock that
# goes on.

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$PWD/control STATE_DIRECTORY=$PWD/state
	mkdir medium state
	channels=4 rate=48000
}

cut_power() {
	kill -9 "$(cat takebox-tape.pid)" "$(cat takeboxd.pid)"
	wait "$(cat takebox-tape.pid)" "$(cat takeboxd.pid)" || true
	# What the machine keeps over a start, and what it does not.
	rm -f tape control recording.json
}

# A preloaded library would come before the sanitizers' own.
start_daemon() {
	local clock=$BUILD/e2e/clock.so

	[ -z "${SANITIZED:-}" ] || clock=
	LD_PRELOAD=$clock "$BUILD/takeboxd" -c takebox.conf 2>>takeboxd.log 3>&- &
	echo $! >takeboxd.pid
}

power_up() {
	start_tape
	start_daemon
}

says() {
	status_of '.problems[].text' | grep -q "$1"
}

note() {
	jq -r ".notes[] | select(.type == \"$2\") | .$3" "$1/take.json"
}

# First frame of the device in a file, and how many there are.
stretch() {
	segments "$1" | awk '{ n++; print $4, $2; kind = $3 }
		END { if (n != 1 || kind != "counter") exit 1 }'
}

take_is() {
	[ "$(status_of .take.name)" = "$1" ] && status_is .state recording
}

is_whole() {
	test -e medium/Takebox/*/"$1"/take.json
}

are_whole() {
	[ "$(printf '%s\n' medium/Takebox/*/*/take.json | wc -l)" -eq "$1" ]
}

# What a recorder that is to go on would have begun by now.
settles_idle() {
	wait_until status_is .state idle
	wait_until status_is .interface.state running
	sleep 1
	status_is .state idle
}

begin_take() {
	takebox record --preroll 0 "$@"
	wait_until test -s state/recording.json
	wait_until at_least .take.durable 1
}

@test "power that is back: recording goes on in a new take that says what is missing" {
	start_all "resume = 60.0; "
	takebox session Show
	takebox name 2 Bass
	takebox disarm 3
	begin_take --name Long
	cut_power
	power_up
	wait_until take_is Take-002-Long
	says "the power failed in Take-001-Long; the recording goes on as"
	wait_until at_least .take.seconds 1
	takebox stop
	first=medium/Takebox/Show/Take-001-Long
	second=medium/Takebox/Show/Take-002-Long
	wait_until test -e $first/take.json
	takebox verify $first
	takebox verify $second
	# Each names the other, and the tracks are what they were.
	[ "$(note $first continued take)" = Take-002-Long ]
	[ "$(note $first continued gap)" = null ]
	[ "$(note $second continues take)" = Take-001-Long ]
	[ "$(note $second continues frames)" = "$(jq .frames $first/take.json)" ]
	[ "$(note $second continues gap)" = null ]
	[ "$(jq -r .stopped_by $first/take.json)" = interrupted ]
	[ -e $second/02-Bass.flac ]
	[ ! -e $second/03-Ch-03.flac ]
	# What is missing, counted, and as the clocks have it.
	read -r from frames < <(stretch $first/01-Ch-01.flac)
	read -r next _ < <(stretch $second/01-Ch-01.flac)
	missing=$((next - from - frames))
	echo "$missing frames are missing; $(jq -c .notes $second/take.json)"
	[ "$missing" -gt 0 ]
	if [ "$(jq .clock_set $second/take.json)" = true ]; then
		jq -e --argjson frames $missing '.notes[] |
			select(.type == "pause") |
			(.seconds - $frames / 48000 | fabs) <= .uncertainty' \
			$second/take.json
	else
		[ -n "${SANITIZED:-}" ]
		[ -z "$(note $second pause seconds)" ]
	fi
	wait_until test ! -e state/recording.json
	# It was stopped: the next power cut finds nothing to go on with.
	cut_power
	power_up
	settles_idle
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 2 ]
}

@test "recording does not go on by itself after a shutdown, nor unless it was asked to" {
	start_all "resume = 60.0; "
	begin_take
	kill "$(cat takeboxd.pid)" "$(cat takebox-tape.pid)"
	wait "$(cat takeboxd.pid)" "$(cat takebox-tape.pid)"
	[ ! -e state/recording.json ]
	power_up
	settles_idle
	begin_take
	cut_power
	write_config
	power_up
	settles_idle
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 2 ]
	wait_until are_whole 2
	# What it was asked before means nothing when it is asked again.
	cut_power
	write_config "resume = 60.0; "
	power_up
	settles_idle
}

@test "it waits for the medium of the interrupted take, for so long and not longer" {
	start_all "resume = 60.0; "
	begin_take
	cut_power
	mv medium away
	power_up
	wait_until says "recording goes on as soon as"
	# What is asked for meanwhile is in the take that goes on.
	takebox disarm 2
	mv away medium
	wait_until take_is Take-002
	[ "$(status_of '.tracks[1].armed')" = false ]
	wait_until test -s state/recording.json
	wait_until at_least .take.durable 0.5
	cut_power
	mv medium away
	write_config "resume = 5.0; "
	power_up
	wait_until says "did not go on by itself: its medium did not come"
	mv away medium
	wait_until is_whole Take-002
	settles_idle
	jq -c '[.arms[] | [.track, .on]], (.tracks[1].files | length)' \
		medium/Takebox/*/Take-002/take.json | tee found
	[ "$(cat found)" = '[[2,false]]
1' ]
	# STOP is an answer, too.
	begin_take
	cut_power
	mv medium away
	write_config "resume = 60.0; "
	power_up
	wait_until says "recording goes on as soon as"
	takebox stop
	mv away medium
	wait_until is_whole Take-003
	settles_idle
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 3 ]
}

# Whether the package's postinst takes it for idle.
upgrade_waits() {
	PATH=$BUILD:$PATH sh -c "$(sed -n '/^is_recording()/,/^}/p' \
		"$BATS_TEST_DIRNAME/../../debian/takebox.postinst"); is_recording"
}

@test "an upgrade while it waits: the next takeboxd waits on, and has what was played since" {
	start_all "resume = 60.0; "
	if upgrade_waits; then
		false
	fi
	begin_take
	upgrade_waits
	cut_power
	mv medium away
	power_up
	wait_until at_least .resumes_in 1
	[ "$(status_of .state)" = idle ]
	upgrade_waits
	wait_until at_least .tape.seconds_held 2
	kill -HUP "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start_daemon
	wait_until at_least .resumes_in 1
	upgrade_waits
	mv away medium
	wait_until take_is Take-002
	at_least .take.seconds 2
	[ "$(status_of .resumes_in)" = null ]
	takebox stop
	wait_until is_whole Take-002
	[ "$(note medium/Takebox/*/Take-002 continues cause)" = power ]
	takebox verify medium/Takebox/*/Take-*
}

@test "KEEP while it waits is a take of its own, and recording goes on all the same" {
	mkdir other
	start_all "resume = 60.0; next = \"$PWD/other\"; "
	begin_take
	cut_power
	mv medium away
	power_up
	wait_until says "recording goes on as soon as"
	wait_until at_least .tape.seconds_held 1
	takebox keep --name Idea
	says "recording goes on as soon as"
	mv away medium
	wait_until status_is .state recording
	wait_until at_least .take.durable 0.5
	takebox stop
	wait_until is_whole Take-003
	takebox verify medium/Takebox/*/Take-* other/Takebox/*/Take-*-Idea
	[ "$(note medium/Takebox/*/Take-001 continued gap)" = null ]
	[ "$(ls -d medium/Takebox/*/Take-* other/Takebox/*/Take-* | wc -l)" -eq 3 ]
}

@test "a medium that goes together with takeboxd: the tape carries the take on" {
	start_all
	takebox session Show
	takebox disarm 3
	takebox record --preroll 0 --name Long
	wait_until at_least .take.durable 2
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	mv medium away
	start_daemon
	wait_until take_is Take-002-Long
	wait_until at_least .take.seconds 2
	takebox stop
	kill "$(cat takeboxd.pid)" "$(cat takebox-tape.pid)"
	wait "$(cat takeboxd.pid)" "$(cat takebox-tape.pid)"
	takebox heal away
	first=away/Takebox/Show/Take-001-Long
	second=medium/Takebox/Show/Take-002-Long
	takebox verify $first $second
	[ "$(note $second continues take)" = Take-001-Long ]
	[ "$(note $second continues gap)" = 0 ]
	[ ! -e $second/03-Ch-03.flac ]
	# Nothing is missing between the two: what was synced in the last moment
	# may be in both.
	read -r from frames < <(stretch $first/01-Ch-01.flac)
	read -r next _ < <(stretch $second/01-Ch-01.flac)
	echo "the first ends at $((from + frames)), the second begins at $next"
	[ "$next" -le $((from + frames)) ]
	[ "$next" -ge $((from + 48000)) ]
}

# A medium of a few megabytes, which somebody else fills in mid-take.
mount_small() {
	mount -t tmpfs -o size=12m none medium 2>/dev/null ||
		skip "only root can mount"
}

record_until_full() {
	takebox record --preroll 0
	wait_until at_least .take.durable 1
	fallocate -l 7M medium/foreign
	wait_until says "only the tape keeps"
}

has_left() {
	jq -e "$1" state/recording.json >/dev/null
}

@test "a recording that waited for a medium when the power failed goes on" {
	mount_small
	start_all "resume = 60.0; "
	record_until_full
	wait_until has_left '.state == "waiting"'
	cut_power
	rm medium/foreign
	power_up
	wait_until take_is Take-002
	says "the power failed in Take-001; the recording goes on as Take-002"
	takebox stop
	takebox verify medium/Takebox/*/Take-*
	second=$(echo medium/Takebox/*/Take-002)
	[ "$(note "$second" continues take)" = Take-001 ]
	[ "$(note "$second" continues cause)" = power ]
	[ "$(note "$second" continues frames)" = \
		"$(jq .frames medium/Takebox/*/Take-001/take.json)" ]
}

@test "the power fails once more while recording waits for a medium: it goes on all the same" {
	mount_small
	start_all "resume = 60.0; "
	record_until_full
	wait_until has_left '.state == "waiting"'
	for _ in 1 2; do
		cut_power
		power_up
		wait_until says "Take-001 was ended by the power, and .* is full"
		wait_until has_left .power
	done
	rm medium/foreign
	wait_until take_is Take-002
	takebox stop
	takebox verify medium/Takebox/*/Take-*
	[ "$(note "$(echo medium/Takebox/*/Take-002)" continues take)" = Take-001 ]
}
