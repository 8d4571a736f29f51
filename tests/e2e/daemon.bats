# The two daemons and takebox together, on the virtual interface with the
# counter pattern, so that every frame that is missing is known by its number.

load recorder.bash

# Every track of the take is one unbroken stretch of the counter, all begin
# with the same frame of the device, and each is of its own channel.
check_unbroken() {
	local folder=$1 file lines="" channel=0

	for file in "$folder"/*.flac; do
		run segments "$file"
		[ "$status" -eq 0 ]
		[ "${#lines[@]}" -ge 1 ]
		[ "$(echo "$output" | wc -l)" -eq 1 ] || {
			echo "$file: $output"
			return 1
		}
		set -- $output
		[ "$3" = counter ]
		[ "$5" -eq "$channel" ]
		echo "$1 $2 $4"
		channel=$((channel + 1))
	done | sort -u >alike
	cat alike
	[ "$(wc -l <alike)" -eq 1 ]
}

@test "a take has the pre-roll, the markers and every frame" {
	start_all
	wait_until at_least .tape.seconds_held 1.5
	run takebox record --name "Blue Moon" --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.name <<<"$output")" = Take-001-Blue-Moon ]
	wait_until at_least .take.seconds 2.5
	takebox mark "Solo"
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	[ "$(jq -r .take.tracks <<<"$output")" -eq 4 ]
	folder=$(jq -r .take.folder <<<"$output")
	takebox verify "$folder"
	check_unbroken "$folder"
	[ "$(jq -r '.markers[0].name' "$folder/take.json")" = Solo ]
	grep -q "Solo" "$folder/labels.txt"
	metaflac --list --block-type=VORBIS_COMMENT "$folder/01-Ch-01.flac" |
		grep -q "CHAPTER001NAME=Solo"
	metaflac --list --block-type=VORBIS_COMMENT "$folder/02-Ch-02.flac" |
		grep -q "TITLE=Ch 02"
}

@test "takeboxd killed in mid-take goes on with it and loses nothing" {
	start_all
	takebox record
	for death in 1.2=KILL 2.5=SEGV 3.1=KILL 4.4=ABRT 5.9=SEGV; do
		wait_until at_least .take.seconds "${death%=*}"
		kill "-${death#*=}" "$(cat takeboxd.pid)"
		wait "$(cat takeboxd.pid)" || true
		start_daemon
		wait_until status_is .state recording
	done
	wait_until at_least .take.seconds 7
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 1 ]
	[ "$(grep -c '"resumed"' "$(take_folder)/take.ledger")" -eq 5 ]
	takebox verify "$(take_folder)"
	check_unbroken "$(take_folder)"
}

# The kernel's own choice: of two in a group that has not enough memory, the one
# that is marked. By either version of the kernel's groups.
memory_group() {
	[ "$(id -u)" -eq 0 ] || skip "only root can limit memory"
	mkdir groups
	if mount -t cgroup2 none groups 2>/dev/null; then
		group=$PWD/groups/takebox-$$ limit=memory.max
		echo +memory >groups/cgroup.subtree_control || true
		mkdir "$group"
		[ ! -e "$group/$limit" ] || return 0
		leave_group
		mkdir groups
	fi 2>/dev/null
	mount -t cgroup -o memory none groups 2>/dev/null ||
		skip "the kernel limits no group's memory"
	group=$PWD/groups/takebox-$$ limit=memory.limit_in_bytes
	mkdir "$group"
}

leave_group() {
	rmdir "$group"
	umount groups
	rmdir groups
}

group_kills() {
	cat "$group"/memory.events "$group"/memory.oom_control 2>/dev/null |
		awk '$1 == "oom_kill" { print $2 }'
}

@test "takeboxd killed for want of memory goes on with its take, too" {
	memory_group
	start_all
	takebox record
	wait_until at_least .take.seconds 1.5
	echo $((16 << 20)) >"$group/$limit"
	echo 1000 >"/proc/$(cat takeboxd.pid)/oom_score_adj"
	cat takeboxd.pid >"$group/cgroup.procs"
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		head -c 64M /dev/zero | tail -c 64M >eaten
	) &
	wait "$(cat takeboxd.pid)" || died=$?
	wait $! || true
	kills=$(group_kills)
	leave_group
	[ "$died" -eq 137 ]
	[ "$kills" -ge 1 ]
	start_daemon
	wait_until status_is .state recording
	wait_until at_least .take.seconds 4
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	takebox verify "$(take_folder)"
	check_unbroken "$(take_folder)"
}

has_looked() {
	! status_is .state starting
}

@test "takeboxd killed while it finishes a take finishes it when it is back" {
	start_all
	takebox record
	wait_until at_least .take.seconds 2
	takebox stop >stopped 2>&1 &
	stopper=$!
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" "$stopper" || true
	start_daemon
	wait_until status_is .version "$(cat "$ROOT/VERSION")"
	wait_until has_looked
	# The stop may have come too late: then the take still runs.
	if status_is .state recording; then
		takebox stop
	fi
	wait_until status_is .state idle
	takebox verify "$(take_folder)"
	check_unbroken "$(take_folder)"
}

@test "a track armed or disarmed in mid-take is as long as the others" {
	channels=3
	start_all
	takebox disarm 2
	takebox record --preroll 0
	wait_until at_least .take.seconds 1.5
	takebox arm 2
	takebox disarm 3
	wait_until at_least .take.seconds 3
	takebox arm 3
	wait_until at_least .take.seconds 4
	takebox stop
	folder=$(take_folder)
	takebox verify "$folder"
	run segments "$folder/01-Ch-01.flac"
	set -- $output
	first=$4 length=$2
	# Track 2: silence, then its channel, in step with track 1.
	segments "$folder/02-Ch-02.flac" >two
	cat two
	[ "$(wc -l <two)" -eq 2 ]
	read -r _ quiet what <two
	[ "$what" = silence ]
	[ "$quiet" -ge 60000 ]
	read -r at frames what frame channel < <(tail -n 1 two)
	[ "$what $channel" = "counter 1" ]
	[ $((frame - at)) -eq "$first" ]
	[ $((at + frames)) -eq "$length" ]
	# Track 3: its channel, silence, its channel.
	segments "$folder/03-Ch-03.flac" >three
	cat three
	[ "$(cut -d' ' -f3 three | xargs)" = "counter silence counter" ]
	read -r at frames what frame channel < <(tail -n 1 three)
	[ $((frame - at)) -eq "$first" ]
	[ $((at + frames)) -eq "$length" ]
}

@test "a take goes on in further files without losing a frame" {
	# Files fill fast at this rate.
	channels=1
	rate=192000
	start_all "max_file_bytes = 1048576L; "
	takebox record --preroll 0
	wait_until at_least .take.seconds 5
	takebox stop
	folder=$(take_folder)
	takebox verify "$folder"
	[ -e "$folder/01-Ch-01_2.flac" ]
	[ "$(stat -c %s "$folder/01-Ch-01.flac")" -le 1048576 ]
	run segments "$folder/01-Ch-01.flac"
	set -- $output
	next=$(($4 + $2))
	run segments "$folder/01-Ch-01_2.flac"
	set -- $output
	[ "$3" = counter ]
	[ "$4" -eq "$next" ]
	[ "$(jq -r '.tracks[0].files[1].file' "$folder/take.json")" = \
		01-Ch-01_2.flac ]
}

@test "an interface unplugged in mid-take comes back into the same take" {
	start_all
	wait_until at_least .tape.seconds_held 3
	takebox record --preroll 0
	wait_until at_least .take.seconds 1.5
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" unplug
	wait_until status_is .interface.state absent
	wait_until at_least .take.seconds 2.5
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" plug
	wait_until status_is .interface.state running
	wait_until at_least .take.seconds 4.5
	run takebox stop --json
	[ "$(jq -r .take.verdict <<<"$output")" = gaps ]
	folder=$(take_folder)
	run takebox verify "$folder"
	[ "$status" -eq 7 ]
	for file in "$folder"/*.flac; do
		segments "$file"
	done >all
	cat all
	# Sound, silence, sound, in each of the four tracks at the same places.
	[ "$(cut -d' ' -f1-3 all | sort -u | wc -l)" -eq 3 ]
	# The silence is as long as the time that is missing: 2 ms of leeway for
	# the clock's fit over a second of absence.
	file=$folder/01-Ch-01.flac
	read -r a n _ f _ < <(segments "$file" | head -n 1)
	read -r a2 _ _ f2 _ < <(segments "$file" | tail -n 1)
	off=$(((f2 - a2) - (f - a)))
	[ "${off#-}" -le 96 ]
}

@test "both killed: what was synced is made whole at the next start" {
	start_all
	takebox record
	wait_until at_least .take.durable 2
	kill -9 "$(cat takebox-tape.pid)" "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	folder=$(take_folder)
	# Before anything mends it, every decoder gets the synced part.
	flac -s -d -c "$folder/01-Ch-01.flac" 2>/dev/null >before.wav || true
	[ "$(stat -c %s before.wav)" -ge $((2 * 48000 * 3)) ]
	rm -f tape control
	start_tape
	start_daemon
	wait_until test -e "$folder/take.json"
	wait_until status_is .state idle
	takebox verify "$folder"
	check_unbroken "$folder"
	[ "$(jq -r .stopped_by "$folder/take.json")" = interrupted ]
	[ "$(jq -r .seconds "$folder/take.json" | cut -d. -f1)" -ge 2 ]
}

@test "takebox heal does so without recorder or tape, and once" {
	start_all
	takebox record
	wait_until at_least .take.durable 1
	takebox stop
	first=$(take_folder)
	sum=$(cat "$first"/* | sha256sum)
	takebox record
	wait_until at_least .take.durable 2
	# What is being recorded is nobody else's.
	run --separate-stderr takebox heal medium
	[ "$status" -eq 0 ]
	[[ $output == *"is being recorded; left alone"* ]]
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	folder=$(take_folder)
	# Nobody writes it now, but the tape has the rest of it.
	run --separate-stderr takebox heal --tape tape medium
	[ "$status" -eq 0 ]
	[[ $output == *"the tape that runs has the rest of it"* ]]
	[ ! -e "$folder/take.json" ]
	# One that does not say which tape it has may have that one.
	kill -STOP "$(cat takebox-tape.pid)"
	run timeout 1 "$BUILD/takebox" heal --tape tape medium
	[ ! -e "$folder/take.json" ]
	kill -9 "$(cat takebox-tape.pid)"
	wait "$(cat takebox-tape.pid)" || true
	run --separate-stderr takebox heal --json medium
	[ "$status" -eq 0 ]
	[ "$(jq -r '.takes | length' <<<"$output")" = 1 ]
	[ "$(jq -r '.takes[0].verdict' <<<"$output")" = sample-complete ]
	takebox verify "$folder"
	check_unbroken "$folder"
	[ "$(jq .healed_at "$folder/take.json")" = \
		"$(jq .frames "$folder/take.json")" ]
	healed=$(cat "$folder"/* | sha256sum)
	[ "$(takebox heal medium)" = "nothing to heal" ]
	[ "$(cat "$folder"/* | sha256sum)" = "$healed" ]
	[ "$(cat "$first"/* | sha256sum)" = "$sum" ]
	run takebox heal nowhere
	[ "$status" -eq 10 ]
}

@test "SIGTERM in mid-take closes the take first" {
	start_all
	takebox record
	wait_until at_least .take.seconds 1.5
	kill "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	takebox verify "$(take_folder)"
	check_unbroken "$(take_folder)"
}

@test "KEEP makes a take of what was played before it" {
	start_all
	wait_until at_least .tape.seconds_held 3
	run takebox keep --seconds 2 --json
	[ "$status" -eq 0 ]
	folder=$(jq -r .take.folder <<<"$output")
	wait_until test -e "$folder/take.json"
	[ "$(jq .frames "$folder/take.json")" -eq 96000 ]
	takebox verify "$folder"
	check_unbroken "$folder"
	folder=$(takebox keep --name Jam --json | jq -r .take.folder)
	[ "$(basename "$folder")" = Take-002-Jam ]
	wait_until test -e "$folder/take.json"
	[ "$(jq '.frames >= 144000' "$folder/take.json")" = true ]
}

@test "KEEP in a take marks it" {
	start_all
	takebox record --preroll 0
	wait_until at_least .take.seconds 0.3
	takebox keep
	takebox stop
	[ "$(jq -r '.markers[0].name' medium/Takebox/*/Take-001/take.json)" = Keep ]
}

# Whoever presses REC again while the files are being closed is not made to wait.
@test "REC right after STOP begins the next take at once" {
	stops=()
	start_all
	wait_until at_least .tape.seconds_held 1.5
	takebox record --preroll 0
	for i in 1 2 3 4 5; do
		takebox stop >"stop$i" 3>&- &
		stops+=($!)
		wait_until try_record
	done
	takebox stop
	wait "${stops[@]}"
	[ "$(ls -d medium/Takebox/*/Take-* | wc -l)" -eq 6 ]
	for i in 1 2 3 4 5; do
		grep -q "Take-00$i" "stop$i"
	done
	takebox verify medium/Takebox/*/Take-*
}

answers_at_once() {
	timeout 2 "$BUILD/takebox" status >/dev/null
}

# A frozen file system keeps whoever writes to it waiting: nothing can be made
# on it, no file and no folder.
@test "REC on a medium that stalls keeps what is played, and all answers" {
	[ "$(id -u)" -eq 0 ] || skip "only root can freeze a file system"
	truncate -s 64M image
	mkfs.ext4 -q image
	mount -o loop image medium || skip "no file system can be mounted here"
	frozen=
	start_all
	wait_until at_least .tape.seconds_held 1.5
	if ! fsfreeze -f medium; then
		umount medium
		skip "no file system can be frozen here"
	fi
	frozen=yes
	takebox record --preroll 0 --json >record.json 3>&- &
	recorder=$!
	wait_until status_is .state starting
	for _ in 1 2 3 4 5 6 7 8; do
		answers_at_once
		sleep 0.25
	done
	takebox mark "While it stalled"
	[ ! -s record.json ]
	fsfreeze -u medium
	frozen=
	wait "$recorder"
	[ "$(jq -r .take.name record.json)" = Take-001 ]
	wait_until at_least .take.seconds 2.5
	folder=$(takebox stop --json | jq -r .take.folder)
	takebox verify "$folder"
	check_unbroken "$folder"
	[ "$(jq -r '.markers[0].name' "$folder/take.json")" = \
		"While it stalled" ]
	# All but the pre-roll's border was played while nothing could be written.
	[ "$(jq '.frames >= 120000' "$folder/take.json")" = true ]
	kill "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	umount medium
}

# Killed while its medium stalls, with what it could not write down there.
killed_in_stall() {
	kill -9 "$(cat takeboxd.pid)"
	fsfreeze -u medium
	frozen=
	wait "$(cat takeboxd.pid)" || true
	start_daemon
}

@test "what is asked for while the medium stalls outlives takeboxd" {
	[ "$(id -u)" -eq 0 ] || skip "only root can freeze a file system"
	truncate -s 64M image
	mkfs.ext4 -q image
	mount -o loop image medium || skip "no file system can be mounted here"
	start_all
	takebox record --preroll 0 --name One
	wait_until at_least .take.durable 1
	takebox mark Before
	wait_until at_least .take.durable 2
	fsfreeze -f medium
	frozen=yes
	takebox mark Stalled
	takebox disarm 2
	killed_in_stall
	wait_until status_is .state recording
	takebox arm 2
	takebox stop
	take=$(take_folder)
	takebox verify "$take"
	jq -c '[.markers[].name], [.arms[] | [.track, .on]]' "$take/take.json" |
		tee found
	[ "$(cat found)" = '["Before","Stalled"]
[[2,false],[2,true]]' ]

	takebox record --preroll 0 --name Two
	wait_until at_least .take.durable 1
	fsfreeze -f medium
	frozen=yes
	takebox stop >/dev/null 2>&1 3>&- &
	wait_until jq -e '.take == "Take-002-Two" and .stop >= 0' recording.json
	stop=$(jq '.stop - .start' recording.json)
	killed_in_stall
	wait_until test -s medium/Takebox/Session-0001/Take-002-Two/take.json
	take=$(take_folder)
	takebox verify "$take"
	[ "$(jq .frames "$take/take.json")" -eq "$stop" ]
	[ "$(jq -r .stopped_by "$take/take.json")" = stop ]
	check_unbroken "$take"
	kill "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	umount medium
}

@test "takes are numbered and nothing is overwritten" {
	start_all
	for i in 1 2 3; do
		takebox record --preroll 0
		wait_until at_least .take.seconds 0.3
		takebox stop
	done
	rm -r medium/Takebox/*/Take-003
	takebox record
	wait_until at_least .take.seconds 0.3
	takebox stop
	[ "$(ls -d medium/Takebox/*/Take-* | sed 's/.*Take-//' | xargs)" = \
		"001 002 004" ]
	[ "$(takebox takes --json | jq '.takes | length')" -eq 3 ]
}

@test "what cannot be done is refused with its own exit code" {
	start_all
	run -4 takebox stop
	run -4 takebox mark
	run -10 takebox arm 9
	takebox disarm all
	run -4 takebox record
	[[ $output == *"no track is armed"* ]]
	takebox arm all
	takebox record
	run -4 takebox record
	run -4 takebox session Friday
	takebox stop
	takebox session Friday
	takebox record
	takebox stop
	[ -d medium/Takebox/Friday/Take-001 ]
	rm -rf medium
	: >medium
	run -6 takebox record
	[[ $output == *"nothing is being recorded"* ]]
	TAKEBOX_SOCKET=$PWD/nowhere run -3 takebox status
}

@test "no interface: said in words, and taken up when it comes" {
	mkdir state
	write_config
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" unplug || true
	start_tape
	start_daemon
	wait_until status_is .state no-interface
	run -5 takebox record
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" plug
	wait_until status_is .state idle
	takebox record
	wait_until at_least .take.seconds 0.5
	takebox stop
}

@test "clients that misbehave do not disturb a recording" {
	start_all
	takebox record
	printf 'nonsense\n{"cmd":7}\n[]\n{"cmd":"status","cmd":"x"}\n' |
		timeout 2 socat - "UNIX-CONNECT:$PWD/control" >answers || true
	[ "$(grep -c '"ok":false' answers)" -eq 4 ]
	# A line without an end, and one who asks for all and reads nothing.
	head -c 300000 /dev/zero | tr '\0' x |
		timeout 2 socat -u - "UNIX-CONNECT:$PWD/control" || true
	(
		echo '{"cmd":"subscribe","interval":0.02}'
		wait_until at_least .take.seconds 3
	) | timeout 10 socat -u - "UNIX-CONNECT:$PWD/control" || true
	wait_until at_least .take.seconds 3
	takebox stop
	takebox verify "$(take_folder)"
	check_unbroken "$(take_folder)"
}

@test "a second takeboxd is refused and leaves the first one alone" {
	start_all
	takebox record
	run -1 "$BUILD/takeboxd" -c takebox.conf
	[[ $output == *"another takeboxd"* ]]
	wait_until at_least .take.seconds 1
	takebox stop
	takebox verify "$(take_folder)"
}

@test "a configuration with an error is refused with file and line" {
	printf 'record: {\n  levle = 3;\n};\n' >bad.conf
	run -9 "$BUILD/takeboxd" -c bad.conf --check-config
	[[ $output == *"bad.conf:2:"*"level"* ]]
	run -9 "$BUILD/takeboxd" -c missing.conf
	write_config
	run -0 "$BUILD/takeboxd" -c takebox.conf --check-config
	"$BUILD/takeboxd" -c takebox.conf --print-config >printed.conf
	"$BUILD/takeboxd" -c printed.conf --print-config | cmp - printed.conf
}

@test "--check-config looks at the board file that the configuration names" {
	local check=("$BUILD/takeboxd" -c takebox.conf --check-config)

	write_config
	cat >two.board <<-BOARD
		inputs = (
		  { role = "rec"; line = "GPIO5"; },
		  { role = "stop"; line = "GPIO5"; }
		);
	BOARD
	run -9 "${check[@]}" --set panel.board="$PWD/two.board"
	[[ $output == *"two.board:3: "*"GPIO5"* ]]
	echo 'inputs = ( { rol = "rec"; } );' >bad.board
	run -9 "${check[@]}" --set panel.board="$PWD/bad.board"
	[[ $output == *"bad.board:1: "*"rol"* ]]
	run -9 "${check[@]}" --set panel.board="$PWD/gone.board"
	[[ $output == *gone.board* ]]
	run -0 "${check[@]}" --set panel.board="$ROOT/board/rack8.board"
	[[ $output == *"in order"* ]]
}
