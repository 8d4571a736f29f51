# Media that fill up, are pulled and break while a take runs: real file systems
# of a few megabytes, mounted for the test (which takes root). The interface is
# the virtual one with the counter pattern, so that every frame that is missing
# is known by its number.

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export TAKEBOX_SOCKET=$PWD/control
	mkdir A B C
	can_mount || skip "only root can mount"
	channels=4
}

teardown() {
	kill_all
	for medium in A B C; do
		mountpoint -q "$BATS_TEST_TMPDIR/$medium" &&
			umount -l "$BATS_TEST_TMPDIR/$medium"
	done
	true
}

can_mount() {
	mount -t tmpfs -o size=4k none A 2>/dev/null && umount A
}

# start_all "KEY = VALUE; ..." for the group record.
start_all() {
	cat >takebox.conf <<-EOF
		interface: { device = "takebox_virtual:CHANNELS=$channels,SIGNAL=counter,ORIGIN=clock,CONTROL=$PWD/virtual"; };
		tape: { seconds = ${tape:-60.0}; };
		record: { folder = "$PWD/A"; preroll = 0.0; sync = 0.2; $1 };
		session: { name = "Show"; };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
	EOF
	start_tape
	start_daemon
	wait_until status_is .state idle
}

mount_ram() {
	mount -t tmpfs -o "size=$2" "$1" "$1"
}

# Frames first..last of the device that a take's files hold, alike in all; or
# fails if they are not one stretch of the counter.
stretch_of() {
	local file

	for file in "$1"/*.flac; do
		"$BUILD/e2e/segments" "$file" | awk -v name="$file" '
			{ lines++; first = $4; from = $1; length_ = $2; kind = $3 }
			END {
				if (lines != 1 || kind != "counter") {
					print "not one stretch: " name > "/dev/stderr"
					exit 1
				}
				print first, length_
			}' || return 1
	done | sort -u >alike
	[ "$(wc -l <alike)" -eq 1 ] || {
		cat alike
		return 1
	}
	cat alike
}

# The second take begins with the very frame that the first one ends before.
check_seam() {
	local a b

	a=$(stretch_of "$1") && b=$(stretch_of "$2") || return 1
	# shellcheck disable=SC2086
	set -- $a $b
	echo "seam: $1 + $2 = $(($1 + $2)), then $3"
	[ $(($1 + $2)) -eq "$3" ]
}

note() {
	jq -r ".notes[] | select(.type == \"$2\") | .$3" "$1/take.json"
}

# An ext4 of its own on a loop device that can be taken away.
make_disk() {
	truncate -s 48M "$1.img"
	mkfs.ext4 -q -F "$1.img"
	mount -o loop,errors=remount-ro "$1.img" "$1"
}

@test "a full medium: the take goes on on the next one without a lost sample" {
	mount_ram A 12m
	mount_ram B 200m
	start_all "next = \"$PWD/B\";"
	takebox record --name Long
	wait_until at_least .take.durable 2
	fallocate -l 7M A/foreign
	wait_until status_is .medium.folder "$PWD/B"
	wait_until at_least .take.seconds 1
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	first=$PWD/A/Takebox/Show/Take-001-Long
	second=$PWD/B/Takebox/Show/Take-002-Long
	[ "$(jq -r .stopped_by "$first/take.json")" = "medium full" ]
	[ "$(jq -r .verdict "$first/take.json")" = sample-complete ]
	[ "$(note "$first" continued take)" = Take-002-Long ]
	[ "$(note "$second" continues take)" = Take-001-Long ]
	[ "$(note "$second" continues gap)" = 0 ]
	takebox verify "$first" "$second"
	check_seam "$first" "$second"
	grep -q "goes on as Take-002-Long without a lost sample" takeboxd.log
	[ "$(stat -c %s A/foreign)" -eq $((7 << 20)) ]
}

# Records on A, which somebody else fills: there is no room left anywhere.
record_until_full() {
	takebox record
	wait_until at_least .take.durable 1
	fallocate -l 7M A/foreign
	wait_until says "only the tape keeps"
}

@test "a full medium and no other: the take ends whole, and a medium that comes gets the rest" {
	mount_ram A 12m
	start_all "next = \"$PWD/B/usb\";"
	mkdir -p B/usb
	mount -t tmpfs -o size=1m none B/usb
	record_until_full
	[ "$(status_of .state)" = starting ]
	run takebox record
	[ "$status" -eq 4 ]
	# That something waits outlives the process that knew it.
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start_daemon
	wait_until says "only the tape keeps"
	[ "$(status_of .state)" = starting ]
	first=$PWD/A/Takebox/Show/Take-001
	[ "$(jq -r .stopped_by "$first/take.json")" = "medium full" ]
	mount -o remount,size=100m B/usb
	wait_until status_is .state recording
	takebox stop
	second=$PWD/B/usb/Takebox/Show/Take-002
	takebox verify "$first" "$second"
	check_seam "$first" "$second"
	umount -l B/usb
}

# Markers and arming of a take, from its beginning to the end in seconds.
asked_for() {
	jq -c '[(.markers[] | [.name, .at]), (.arms[] | [.track, .on, .at])] |
		map([.[0:-1][], (.[-1] / 48000 * 10 | round / 10)])' \
		"$1/take.json"
}

@test "what is asked for while nothing can be written is in the take that goes on" {
	mount_ram A 12m
	start_all ""
	record_until_full
	run takebox session Other
	[ "$status" -ne 0 ]
	[[ $output == *"Take-001 is being recorded"* ]]
	at=$(takebox mark --json Bridge | jq .position)
	takebox disarm 3
	# That outlives the process that knew it.
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	start_daemon
	wait_until says "only the tape keeps"
	takebox keep
	rm A/foreign
	wait_until status_is .state recording
	wait_until at_least .take.durable "$(jq -n "$at / 48000 + 1")"
	takebox mark After
	takebox stop
	second=A/Takebox/Show/Take-002
	takebox verify A/Takebox/Show/Take-001 $second
	asked_for $second
	[ "$(jq -c '[.markers[].name]' $second/take.json)" = \
		'["Bridge","Keep","After"]' ]
	[ "$(jq .markers[0].at $second/take.json)" -eq "$at" ]
	# It was armed until then, and counts from the others' first frame on.
	off=$(jq '.arms[] | select(.track == 3 and (.on | not)).at' \
		$second/take.json)
	[ "$off" -ge "$at" ]
	first=$("$BUILD/e2e/segments" $second/01-*.flac | cut -d ' ' -f 4)
	"$BUILD/e2e/segments" $second/03-*.flac >track3
	cat track3
	[ "$(head -n 1 track3 | cut -d ' ' -f 1-4)" = "0 $off counter $first" ]
	[ "$(sed -n 2p track3 | cut -d ' ' -f 3)" = silence ]
}

@test "STOP while a recording waits for a medium: it says so, and ends there" {
	mount_ram A 12m
	start_all ""
	record_until_full
	run takebox stop
	[ "$status" -eq 0 ]
	[[ "$output" == "stopped: what waits for a medium ends here"* ]]
	# Nobody may take that for idle, an upgrade least of all.
	[ "$(status_of .state)" = finishing ]
	rm A/foreign
	second=A/Takebox/Show/Take-002
	wait_until test -s $second/take.json
	[ "$(jq -r .stopped_by $second/take.json)" = stop ]
	check_seam A/Takebox/Show/Take-001 $second
}

@test "a medium that can only be read all of a sudden: on to the next" {
	make_disk A
	mount_ram B 200m
	start_all "next = \"$PWD/B\";"
	takebox record
	wait_until at_least .take.durable 1
	# As the kernel does it when a file system is found to be broken.
	echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE -M "$PWD/A")")/trigger_fs_error"
	wait_until status_is .medium.folder "$PWD/B"
	wait_until at_least .take.seconds 1
	takebox stop
	umount -l A
	fsck.ext4 -fy "A.img" >fsck.log 2>&1 || true
	mount -o loop A.img A
	wait_until test -s A/Takebox/Show/Take-001/take.json
	first=$PWD/A/Takebox/Show/Take-001
	second=$PWD/B/Takebox/Show/Take-002
	takebox verify "$first" "$second"
	set -- $(stretch_of "$first") $(stretch_of "$second")
	echo "$*"
	[ $(($1 + $2)) -ge "$3" ]
}

# Leaves so many seconds of room on A at the rate that the take takes.
leave_seconds() {
	local rate free

	read -r free rate < <(takebox status --json | jq -r '.status.medium |
		"\(.free_bytes) \(.free_bytes / .seconds_left | floor)"')
	rm -f A/foreign
	sync -f A
	free=$(df --output=avail -B1 A | tail -n 1)
	fallocate -l $((free - rate * $1)) A/foreign
	wait_until has_left "$1"
}

has_left() {
	[ "$(status_of '.medium.seconds_left | floor')" -le "$1" ]
}

@test "a medium warns at 30, 10 and 1 minutes left, by the rate that is measured" {
	truncate -s 2G A.img
	mkfs.ext4 -q -F -m 0 A.img
	mount -o loop A.img A
	start_all
	takebox record --preroll 0
	wait_until at_least .take.durable 11 # it is measured by then
	takebox status --json | jq -c .status.medium
	leave_seconds 1980
	! says "of recording is left"
	leave_seconds 1700
	says "less than 30 minutes of recording is left"
	leave_seconds 500
	says "less than 10 minutes of recording is left"
	leave_seconds 45
	says "less than a minute of recording is left"
	takebox stop
}

@test "media are listed, and say when they are safe to pull" {
	mount_ram A 100m
	mount_ram B 100m
	start_all "next = \"$PWD/B\";"
	status_is '.media[0].state' ready
	status_is '.media[0].safe_to_pull' true
	takebox record
	status_is '.media[0].safe_to_pull' false
	status_is '.media[1].safe_to_pull' true
	takebox stop
	wait_until status_is '.media[0].safe_to_pull' true
	umount -l A
	wait_until status_is '.media[0].state' absent
	run takebox record --json
	[ "$(jq -r .take.folder <<<"$output")" = "$PWD/B/Takebox/Show/Take-002" ]
	takebox stop
}

# Two writers, one take: the same frames in both folders.
check_alike() {
	local a b

	a=$(stretch_of "$1") && b=$(stretch_of "$2") || return 1
	echo "$1: $a; $2: $b"
	[ "$a" = "$b" ]
}

@test "a mirror has every take under the same name, markers too" {
	mount_ram A 100m
	mount_ram B 100m
	start_all "mirror = \"$PWD/B\";"
	takebox record --name Song
	wait_until at_least .take.durable 1
	wait_until status_is '.media[1].safe_to_pull' false
	takebox mark Chorus
	takebox disarm 2
	wait_until at_least .take.seconds 3
	takebox arm 2
	wait_until at_least .take.seconds 4
	takebox stop
	wait_until test -s B/Takebox/Show/Take-001-Song/take.json
	a=$PWD/A/Takebox/Show/Take-001-Song b=$PWD/B/Takebox/Show/Take-001-Song
	takebox verify "$a" "$b"
	[ "$(jq -r .frames "$a/take.json")" = "$(jq -r .frames "$b/take.json")" ]
	[ "$(jq -r '.markers[0].name' "$b/take.json")" = Chorus ]
	for file in "$a"/*.flac; do
		[ "$(metaflac --show-md5sum "$file")" = \
			"$(metaflac --show-md5sum "$b/$(basename "$file")")" ]
	done
}

@test "one of two media breaks: the take goes on on the other, with every frame" {
	make_disk A
	mount_ram B 100m
	start_all "mirror = \"$PWD/B\";"
	takebox record
	wait_until at_least .take.durable 1
	echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE -M "$PWD/A")")/trigger_fs_error"
	wait_until says "the take goes on in $PWD/B"
	wait_until at_least .take.seconds 3
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.folder <<<"$output")" = "$PWD/B/Takebox/Show/Take-001" ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	stretch_of B/Takebox/Show/Take-001
	[ "$(jq -r .frames B/Takebox/Show/Take-001/take.json)" -ge 144000 ]
}

@test "two media of different sizes: the take outlives both" {
	mount_ram A 20m
	mount_ram B 12m
	mount_ram C 200m
	start_all "mirror = \"$PWD/B\"; next = \"$PWD/C\";"
	takebox record
	wait_until status_is '.media[0].safe_to_pull' false
	wait_until at_least .take.durable 1
	fallocate -l 7M B/foreign
	wait_until says "the take goes on in $PWD/A"
	# Closed, and of no use to what comes.
	wait_until test -s B/Takebox/Show/Take-001/take.json
	wait_until status_is '.media[0].safe_to_pull' true
	fallocate -l 15M A/foreign
	wait_until status_is .medium.folder "$PWD/C"
	wait_until at_least .take.durable 1
	takebox stop
	first=A/Takebox/Show/Take-001 second=C/Takebox/Show/Take-002
	takebox verify $first $second
	check_seam $first $second
	# What the mirror lacks of it is copied, now that nothing runs.
	frames=$(jq .frames $first/take.json)
	wait_until jq -e ".frames == $frames" B/Takebox/Show/Take-001/take.json
	takebox verify B/Takebox/Show/Take-001
}

# Takes nothing, whatever its space says.
@test "a medium that has room and takes no file is not tried all the time" {
	mount_ram A 12m
	mount -t tmpfs -o size=100m,nr_inodes=10 none B
	i=0
	while touch "B/$i" 2>/dev/null; do i=$((i + 1)); done
	start_all "next = \"$PWD/B\";"
	takebox record
	wait_until at_least .take.durable 1
	fallocate -l 7M A/foreign
	wait_until grep -q "cannot be begun: No space left" takeboxd.log
	at=$(status_of .tape.position)
	wait_until at_least .tape.position $((at + 2 * 48000))
	[ "$(grep -c "cannot be begun" takeboxd.log)" -le 4 ]
	rm B/[0-9]*
	wait_until status_is .state recording
	takebox stop
	first=A/Takebox/Show/Take-001 second=B/Takebox/Show/Take-002
	takebox verify $first $second
	check_seam $first $second
}

unplug() {
	"$BUILD/bench/pull" "$1"
	umount -l "$1"
}

plug() {
	wait_until test -z "$(losetup -j "$1.img")"
	fsck.ext4 -fy "$1.img" >fsck.log 2>&1 || true
	mount -o loop,errors=remount-ro "$1.img" "$1"
}

@test "both media gone in mid-take: the mirror, back first, gets what the tape holds" {
	make_disk A
	make_disk B
	start_all "mirror = \"$PWD/B\";"
	takebox record
	wait_until at_least .take.durable 1
	wait_until test -s B/Takebox/Show/Take-001/take.ledger
	unplug A
	unplug B
	wait_until says "only the tape keeps"
	plug B
	wait_until status_is .state recording
	status_is .medium.folder "$PWD/B"
	says "takes are on the mirror $PWD/B only"
	takebox stop
	takebox verify B/Takebox/Show/Take-001 B/Takebox/Show/Take-002
	# What was there without having been called safe may be in both.
	# shellcheck disable=SC2046
	set -- $(stretch_of B/Takebox/Show/Take-001) \
		$(stretch_of B/Takebox/Show/Take-002)
	[ $(($1 + $2)) -ge "$3" ]
	# A new one goes there as well; and all of it to the first one then.
	takebox record
	takebox stop
	plug A
	wait_until grep "takes were copied and compared" takeboxd.log
	takebox verify A/Takebox/Show/Take-*
	cmp A/Takebox/Show/Take-002/take.ledger B/Takebox/Show/Take-002/take.ledger
}

@test "a medium that hangs for good is left for the next one in time" {
	tape=20.0
	make_disk A
	mount_ram B 100m
	start_all "next = \"$PWD/B\";"
	takebox record
	wait_until at_least .take.durable 1
	fsfreeze -f A
	wait_until status_is .medium.folder "$PWD/B"
	wait_until at_least .take.durable 9
	fsfreeze -u A
	takebox stop
	wait_until test -s A/Takebox/Show/Take-001/take.json
	wait_until test -s B/Takebox/Show/Take-002/take.json
	takebox verify A/Takebox/Show/Take-001 B/Takebox/Show/Take-002
	[ "$(note B/Takebox/Show/Take-002 continues gap)" = 0 ]
	# shellcheck disable=SC2046
	set -- $(stretch_of A/Takebox/Show/Take-001) \
		$(stretch_of B/Takebox/Show/Take-002)
	[ $(($1 + $2)) -ge "$3" ]
}

@test "qualify says what a medium is good for, keeps it, and judges again by takes" {
	make_disk A
	echo jpg >A/photo.jpg
	run takebox qualify --channels 2 --seconds 1 --json A
	[ "$status" -eq 0 ]
	[[ "$(jq -r .verdict <<<"$output")" == "good for 2 channels at 48 kHz, "*" left; worst stall "*" s it may take" ]]
	[ "$(jq -r .capacity <<<"$output")" = real ]
	[ "$(find A -type f | sort | xargs)" = "A/Takebox/medium.json A/photo.jpg" ]
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 1 -o A \
		>/dev/null 2>&1
	run takebox qualify --channels 2 --last --json A
	[ "$status" -eq 0 ]
	[ "$(jq -r .takes <<<"$output")" -eq 1 ]
	sed -i 's/"worst_in_takes": [0-9.]*/"worst_in_takes": 5000.5/' \
		A/Takebox/medium.json
	run takebox qualify --channels 2 --last A
	[ "$status" -eq 6 ]
	[[ "$output" == *"not good: it stalls for 5000.5 s"* ]]
	mount_ram C 1m
	takebox qualify --channels 1 --seconds 0.1 C
	head -c 1m /dev/zero >C/song 2>/dev/null || true # full
	run takebox qualify --channels 1 --last --json C
	[[ "$(jq -r .verdict <<<"$output")" == *", 0 s left;"* ]]
	[ "$(jq -r .free_bytes <<<"$output")" -lt 4096 ]
	mkdir -p B/Takebox/.qualify # which is locked while it is tried
	run flock B/Takebox/.qualify "$BUILD/takebox" qualify B
	[ "$status" -eq 4 ]
	[[ "$output" == *"another trial of it is under way: wait"* ]]
	run takebox qualify --last B
	[ "$status" -eq 10 ]
	mkdir B/Takebox/medium.json # which cannot be read
	run takebox qualify --last B
	[ "$status" -eq 6 ]
	run --separate-stderr takebox qualify --last --json D
	[ "$status" -eq 6 ]
	[ "$(jq -r .error <<<"$output")" = medium ]
	[ "$(jq -r .message <<<"$output")" = "there is no such folder" ]
}

@test "qualify reckons with the tape that runs" {
	channels=2 tape=20.0
	make_disk B
	start_all ""
	run takebox qualify --seconds 0.1 B
	[[ "${lines[0]}" == "B: good for 2 channels at 48 kHz, "*" of the 16 s it may take" ]]
	run takebox qualify --last --channels 1 B # another tape, made anew
	[[ "${lines[0]}" != *" of the 16 s it may take" ]]
	mv control elsewhere
	run takebox qualify --last --channels 2 B
	[[ "${lines[0]}" != *" of the 16 s it may take" ]]
	run takebox qualify --last --socket elsewhere B
	[[ "${lines[0]}" == *" of the 16 s it may take" ]]
}

# udev_knows MEDIUM UUID: in a /run of its own.
udev_knows() {
	echo "E:ID_FS_UUID=$2" >"/run/udev/data/b$(stat -c %Hd:%Ld "$1")"
}

@test "qualify knows a medium again by its UUID when it is another device" {
	mount_ram A 8m
	mount_ram B 8m
	export -f udev_knows
	# In a chroot there is no mount at the root that could be made private.
	local as=()
	unshare -m true 2>/dev/null || as=(--propagation unchanged)
	# shellcheck disable=SC2016
	unshare -m "${as[@]}" bash -euc '
		mount -t tmpfs none /run
		mkdir -p /run/udev/data B/Takebox
		udev_knows A 1A2B-3C4D
		udev_knows B 1A2B-3C4D
		"$BUILD/takebox" qualify --channels 1 --seconds 0.1 A
		cp A/Takebox/medium.json B/Takebox
		"$BUILD/takebox" qualify --channels 1 --last B
		udev_knows B FFFF-0000
		! "$BUILD/takebox" qualify --channels 1 --last B 2>others
		grep "nothing is known of it yet" others'
}

@test "a mirror that was pulled in mid-take is filled when it is back, and verified" {
	mount_ram A 100m
	make_disk B
	start_all "mirror = \"$PWD/B\";"
	takebox record --name One
	wait_until at_least .take.durable 1
	wait_until test -s B/Takebox/Show/Take-001-One/take.ledger
	sleep 1
	"$BUILD/bench/pull" B
	wait_until says "failed\|mirror"
	umount -l B
	wait_until at_least .take.seconds 4
	takebox stop
	takebox record --name Two
	wait_until at_least .take.durable 1
	takebox stop
	wait_until test -z "$(losetup -j B.img)"
	fsck.ext4 -fy B.img >fsck.log 2>&1 || true
	mkdir -p B/Takebox # of the folder below: nothing may be copied there
	mount -o loop,errors=remount-ro B.img B
	echo mine >B/Takebox/notes.txt
	wait_until test -s B/Takebox/Show/Take-002-Two/take.json
	wait_until status_is '.media[0].safe_to_pull' true
	wait_until same_takes
	takebox verify B/Takebox/Show/Take-*
	[ "$(cat B/Takebox/notes.txt)" = mine ]
	grep "mirror: . takes were copied" takeboxd.log
}

# A take whose recorder died and took its tape with it.
make_torn_take() {
	local recorder

	"$BUILD/takebox" run -D takebox_virtual:CHANNELS=4,SIGNAL=counter \
		-c 4 -d 100 --sync 0.2 -o torn >run.log 2>&1 3>&- &
	recorder=$!
	wait_until has_sound torn
	kill -9 $recorder
	wait $recorder || true
	[ -z "$(find torn -name take.json)" ]
}

has_sound() {
	[ -n "$(find "$1" -name '04-*.flac' -size +80k 2>/dev/null)" ]
}

# put_torn_take MEDIUM SESSION
put_torn_take() {
	mkdir -p "$1/Takebox"
	cp -r torn/Takebox/* "$1/Takebox/$2"
}

is_healed() {
	[ "$(jq -r .stopped_by "B/Takebox/$1/Take-001/take.json")" = \
		interrupted ]
}

@test "a take that was torn off is made whole at every mount and every start" {
	make_torn_take
	mount_ram A 100m
	make_disk B
	put_torn_take B First
	umount B
	start_all "next = \"$PWD/B\";"
	mount -o loop B.img B
	wait_until is_healed First
	sum=$(cat B/Takebox/First/Take-001/* | sha256sum)
	wait_until umount B
	mkdir other # where takeboxd does not look
	mount -o loop B.img other
	put_torn_take other Second
	umount other
	mount -o loop B.img B
	wait_until is_healed Second
	kill -9 "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)" || true
	put_torn_take B Third
	start_daemon
	wait_until is_healed Third
	takebox verify B/Takebox/*/Take-001
	[ "$(cat B/Takebox/First/Take-001/* | sha256sum)" = "$sum" ]
}

same_takes() {
	local take file

	for take in A/Takebox/Show/Take-*; do
		for file in "$take"/*; do
			cmp -s "$file" "B/${file#A/}" || return 1
		done
	done
}

@test "takebox mirror copies what is missing, and nothing over something else" {
	make_take() {
		takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 \
			-d 0.5 -o "$1" --session Show >/dev/null 2>&1
	}
	make_take A && make_take A && make_take B
	cp -r B/Takebox/Show/Take-001 kept
	run takebox mirror A B
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Take-001: another take"* ]]
	[[ "$output" == *"Take-002: copied and compared"* ]]
	diff -r kept B/Takebox/Show/Take-001
	diff -r A/Takebox/Show/Take-002 B/Takebox/Show/Take-002
	run takebox mirror A B
	[[ "$output" == *"Take-002: there"* ]]
	make_take B
	[ -d B/Takebox/Show/Take-003 ]
	# One that was cut off in the middle, and one with less in it.
	rm B/Takebox/Show/Take-002/02-*.flac B/Takebox/Show/Take-002/take.json
	mkdir B/Takebox/Show/.fill-Take-002
	echo torn >B/Takebox/Show/.fill-Take-002/take.ledger
	takebox mirror A B
	diff -r A/Takebox/Show/Take-002 B/Takebox/Show/Take-002
	[ ! -e B/Takebox/Show/.fill-Take-002 ]
}

@test "a mirror that is full says so, idle and in mid-take" {
	mount_ram A 200m
	mount_ram B 12m
	fallocate -l 9M B/foreign
	start_all "mirror = \"$PWD/B\";"
	wait_until says "the mirror $PWD/B is full: takes are on one medium only"
	takebox record
	wait_until says "Take-001 is on one medium only"
	wait_until at_least .take.durable 1
	takebox stop
	wait_until test -s B/Takebox/Show/Take-001/take.json # there is so much
	wait_until status_is '.media[0].safe_to_pull' true
	rm B/foreign
	wait_until at_least '.media[0].free_bytes' 10000000
	takebox record
	wait_until says "of recording is left on the mirror $PWD/B"
	run says "on one medium only"
	[ "$status" -ne 0 ]
	takebox stop
}

# A take on A, and on B as much of it as there was when B was pulled.
make_pulled_mirror() {
	local recorder

	"$BUILD/takebox" run -D takebox_virtual:CHANNELS=4,SIGNAL=counter \
		-c 4 -d 600 --sync 0.2 -o A --session Show >run.log 2>&1 3>&- &
	recorder=$!
	wait_until has_sound A
	cp -r A/Takebox B/
	wait_until has_more_sound
	kill -TERM $recorder
	wait $recorder
	takebox heal B
}

has_more_sound() {
	local file

	file=$(echo A/Takebox/Show/Take-001/04-*.flac)
	[ "$(stat -c %s "$file")" -gt $((2 * $(stat -c %s "B/${file#A/}"))) ]
}

@test "a mirror's shorter take is replaced; files of others in it stay" {
	make_pulled_mirror
	take=B/Takebox/Show/Take-001
	echo finder >$take/.DS_Store
	mkdir $take/Peaks
	echo peaks >$take/Peaks/1
	echo ours >A/Takebox/Show/Take-001/notes.txt
	echo mine >$take/notes.txt
	takebox mirror A B
	takebox verify $take
	cmp A/Takebox/Show/Take-001/take.ledger $take/take.ledger
	[ "$(cat $take/.DS_Store $take/Peaks/1 $take/notes.txt)" = \
		"$(printf 'finder\npeaks\nours')" ]
	[ "$(cat $take/2-notes.txt)" = mine ]
	[ ! -e $take/2-Take-001.rpp ]
	[ "$(ls -A B/Takebox/Show | xargs)" = ".last-001 Take-001" ]
}

# A fresh medium is for recording on.
@test "what only the mirror has leaves half of the medium free" {
	mount_ram A 40m
	mkdir -p B/Takebox/Old
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.5 \
		-o B --session Old
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.5 \
		-o B --session Old
	fallocate -l 24M B/Takebox/Old/Take-002/large
	start_all "mirror = \"$PWD/B\";"
	wait_until test -s A/Takebox/Old/Take-001/take.json
	takebox record
	wait_until at_least .take.durable 1
	takebox stop
	wait_until test -s B/Takebox/Show/Take-001/take.json
	[ ! -e A/Takebox/Old/Take-002 ]
	run grep -c "could not be made alike" takeboxd.log
	[ "$output" = 0 ]
	# By hand it is copied, if nobody else is at it.
	kill "$(cat takeboxd.pid)"
	wait "$(cat takeboxd.pid)"
	mkdir A/Takebox/Old/.fill-Take-002
	flock A/Takebox/Old/.fill-Take-002 "$BUILD/takebox" mirror B A | tee out
	grep -q "Old/Take-002: is being recorded or copied" out
	takebox mirror B A
	[ -s A/Takebox/Old/Take-002/take.json ]
}

@test "a take that has lost a file, or that is shorter, replaces nothing" {
	make_pulled_mirror
	cp -r A/Takebox/Show/Take-001 kept
	rm A/Takebox/Show/Take-001/02-*.flac
	run takebox mirror A B
	[ "$status" -eq 6 ]
	[[ $output == *"files of it are missing"* ]]
	takebox verify B/Takebox/Show/Take-001
	# An interrupted one counts with what is in its files.
	cp kept/* A/Takebox/Show/Take-001
	rm -r C
	mkdir -p C/Takebox/Show
	cp -r kept C/Takebox/Show/Take-001
	rm C/Takebox/Show/Take-001/take.json
	run takebox mirror B C
	[[ $output == *"left alone"* ]]
	cmp kept/02-*.flac C/Takebox/Show/Take-001/02-*.flac
	takebox mirror A C
	takebox verify C/Takebox/Show/Take-001
}

@test "a mirror with too little room is not filled with half a take" {
	takebox run -D takebox_virtual:CHANNELS=4,SIGNAL=counter -c 4 -d 0.5 \
		-o A --session Show >run.log 2>&1
	mount_ram C 128k
	run takebox mirror A C
	[ "$status" -eq 6 ]
	[[ "$output" == *"Take-001: failed: No space left on device"* ]]
	[ "$(find C -type f)" = "" ]
}

@test "a FAT32 mirror that cannot hold a take's files says so, once, and stays empty" {
	grep -qw vfat /proc/filesystems || modprobe -q vfat ||
		skip "this kernel has no FAT"
	mount_ram A 100m
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.5 \
		-o A --session Show >run.log 2>&1
	truncate -s 4G A/Takebox/Show/Take-001/02-long.flac
	truncate -s 64M B.img
	mkfs.vfat -F 32 B.img >/dev/null
	mount -o loop B.img B
	run takebox mirror A B
	[ "$status" -eq 6 ]
	[[ "$output" == *"Take-001: not copied: it has files of 4 GiB or more"* ]]
	start_all "mirror = \"$PWD/B\";"
	wait_until grep -q "stay on that one medium only: they have files" \
		takeboxd.log
	takebox record
	wait_until at_least .take.durable 1
	takebox stop
	wait_until test -s B/Takebox/Show/Take-002/take.json
	wait_until status_is '.media[0].safe_to_pull' true
	[ "$(grep -c "stay on that one medium only" takeboxd.log)" = 1 ]
	run grep "could not be made alike" takeboxd.log
	[ "$status" -ne 0 ]
	[ ! -e B/Takebox/Show/Take-001 ]
}

@test "a take that a power cut left out of sight is back when its medium is" {
	mount_ram A 100m
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.5 \
		-o B --session Show >run.log 2>&1
	mv B/Takebox/Show/Take-001 B/Takebox/Show/.replaced-Take-001
	start_all "next = \"$PWD/B\";"
	wait_until test -s B/Takebox/Show/Take-001/take.json
	takebox verify B/Takebox/Show/Take-001
}

@test "a take that was deleted on one medium does not come back from the other" {
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.5 \
		-o A --session Show >run.log 2>&1
	takebox mirror A B
	takebox delete --yes A/Takebox/Show/Take-001
	run takebox mirror B A
	[ "$status" -eq 0 ]
	[[ "$output" == *"Take-001: was deleted there; left alone"* ]]
	[ ! -e A/Takebox/Show/Take-001 ]
	takebox verify B/Takebox/Show/Take-001
	# Whoever wants it back can have it, and delete it again.
	cp -r B/Takebox/Show/Take-001 A/Takebox/Show/
	takebox verify A/Takebox/Show/Take-001
	takebox delete --yes A/Takebox/Show/Take-001
	[ ! -e A/Takebox/Show/Take-001 ]
}

# STALLS="0.2 1 5 20 60" bats -f stalls tests/e2e/media.bats
@test "a medium that stalls costs nothing that the tape holds" {
	tape=90.0
	make_disk A
	start_all ""
	takebox record
	wait_until at_least .take.durable 1
	for length in ${STALLS:-0.2 4}; do
		fsfreeze -f A
		sleep "$length"
		fsfreeze -u A
		before=$(status_of .take.seconds)
		wait_until at_least .take.durable "$before"
	done
	run takebox stop --json
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	takebox verify A/Takebox/Show/Take-001
	stretch_of A/Takebox/Show/Take-001
}
