#!/usr/bin/env bats
# The virtual interface as ALSA programs see it. virtual_reader records like
# the recorder does and reads the counter pattern back, so every figure here
# is what was really delivered, not what the interface says of itself.

setup() {
	build=${BUILD:-$BATS_TEST_DIRNAME/../../build}
	reader=$build/e2e/virtual_reader
	virtualctl=$BATS_TEST_DIRNAME/../../drivers/virtual/virtualctl
	export ALSA_CONFIG_PATH=$build/virtual.conf
	control=$BATS_TEST_TMPDIR/ctl
	log=$control.log
	out=$BATS_TEST_TMPDIR/out
	device=takebox_virtual:SIGNAL=counter,CONTROL=$control,ORIGIN=clock
}

teardown() {
	[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
}

# record ARGUMENTS...: the counter, checked; output in $out
record() {
	"$reader" -k "$@" >"$out" 2>&1 || { cat "$out"; return 1; }
}

# In the background; returns when the stream runs. The buffer is long enough
# for a test machine that is busy otherwise.
record_along() {
	"$reader" -k -D "$device" -b 24000 "$@" >"$out" 2>&1 &
	pid=$!
	for _ in $(seq 500); do
		grep -qs ' start ' "$log" && return
		sleep 0.01
	done
	cat "$out"
	return 1
}

finish() {
	wait "$pid"
	pid=
	cat "$out" "$log"
}

# value KEY LINE-PATTERN: the figure after KEY= in the first such line
value() {
	grep -E "$2" "$out" | head -n 1 | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# logged COMMAND FIELD: 3 frame, 4 lost, 5 unread (takebox_virtual(5))
logged() {
	awk -v c="$1" -v f="$2" '$2 == c { print $f; exit }' "$log"
}

seamless() {
	[ "$(value seams '^seams=')" = 0 ]
	[ "$(value wrong '^seams=')" = 0 ]
}

# one_seam FROM TO: the only one, and nothing else is wrong
one_seam() {
	[ "$(value seams '^seams=')" = 1 ]
	[ "$(value wrong '^seams=')" = 0 ]
	[ "$(value from '^seam at')" = "$1" ]
	[ "$(value to '^seam at')" = "$2" ]
}

# A program that is not instrumented cannot load a plugin that is.
needs_plain_plugin() {
	! ldd "$build"/libasound_module_pcm_takebox_virtual.so |
		grep -qE 'lib(a|t|ub)san' || skip "the plugin is instrumented"
}

near() { # VALUE TARGET TOLERANCE
	awk -v v="$1" -v t="$2" -v d="$3" \
		'BEGIN { exit !(v >= t - d && v <= t + d) }'
}

@test "arecord records from it" {
	needs_plain_plugin
	arecord -q -D takebox_virtual -c 4 -r 48000 -f S32_LE -d 1 \
		"$BATS_TEST_TMPDIR/a.wav"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/a.wav")" = $((44 + 48000 * 16)) ]
}

@test "every format by every access, unpaced and whole" {
	for format in S16_LE S24_LE S24_3LE S32_LE; do
		for access in interleaved planar rw; do
			echo "$format $access"
			record -D takebox_virtual:SIGNAL=counter,PACED=no \
				-f $format -a $access -c 7 -n 500000
			seamless
		done
	done
}

@test "64 channels at 48 kHz and 16 at 192 kHz, paced and whole" {
	record -D takebox_virtual:SIGNAL=counter -c 64 -n 48000 -b 24000
	cat "$out"
	seamless
	near "$(value seconds '^frames=')" 1.5 0.6
	record -D takebox_virtual:SIGNAL=counter -c 16 -r 192000 -n 192000 \
		-p 512 -b 96000
	cat "$out"
	seamless
	near "$(value seconds '^frames=')" 1.5 0.6
}

@test "it does only what it was configured for" {
	d=takebox_virtual:CHANNELS=3,RATE=96000,FORMAT=S24_LE,ACCESS=noninterleaved
	record -D "$d,SIGNAL=counter" -c 3 -r 96000 -f S24_LE -a planar -n 1000
	seamless
	run "$reader" -D $d -c 3 -r 96000 -f S24_LE -a interleaved
	[[ $output == *"what=access"* ]]
	run "$reader" -D $d -c 2 -r 96000 -f S24_LE -a planar
	[[ $output == *"what=channels"* ]]
	run "$reader" -D $d -c 3 -r 48000 -f S24_LE -a planar
	[[ $output == *"what=rate"* ]]
	run "$reader" -D $d -c 3 -r 96000 -f S16_LE -a planar
	[[ $output == *"what=format"* ]]
}

@test "a pcm of one's own, with lists" {
	cat "$ALSA_CONFIG_PATH" - >"$BATS_TEST_TMPDIR/own.conf" <<-END
		pcm.mine {
			type takebox_virtual
			channels 2
			format [ S16_LE S24_3LE ]
			access [ MMAP_INTERLEAVED RW_INTERLEAVED ]
			signal counter
			paced no
		}
	END
	export ALSA_CONFIG_PATH=$BATS_TEST_TMPDIR/own.conf
	record -D mine -c 2 -f S24_3LE -n 1000
	seamless
	run "$reader" -D mine -c 2 -f S32_LE
	[[ $output == *"what=format"* ]]
}

@test "what it cannot be is said in words" {
	run "$reader" -D takebox_virtual:CHANNELS=99
	[[ $output == *"channels: '99' is not a number from 0 to 64"* ]]
	run "$reader" -D takebox_virtual:SIGNAL=song
	[[ $output == *"'song' is not one of silence sine"* ]]
	run "$reader" -D takebox_virtual:FILES=/nowhere/at.all
	[[ $output == *"/nowhere/at.all: No such file or directory"* ]]
	run "$reader" -D takebox_virtual:ORIGIN=clock
	[[ $output == *"'clock' is not possible without control"* ]]
	run "$reader" -D takebox_virtual:CONTROL=/nowhere/at.all
	[[ $output == *"/nowhere/at.all: No such file or directory"* ]]
}

@test "unpaced is much faster than real time" {
	record -D takebox_virtual:SIGNAL=counter,PACED=no -c 32 -n 480000 \
		-p 1024 -b 16384
	cat "$out"
	near "$(value seconds '^frames=')" 0 5
	seamless
}

@test "time stamps and pointer belong together to a frame" {
	record -D takebox_virtual:SIGNAL=counter,PPM=250 -c 2 -n 96000 -b 24000
	cat "$out"
	near "$(value ppm '^ppm')" 250 15
	near "$(value worst_us '^ppm')" 0 25
}

@test "one wake-up a period, with one more turn of poll at most" {
	record -D takebox_virtual:SIGNAL=counter -c 2 -n 48000 -p 480 -b 24000
	cat "$out"
	[ "$(value wakes '^frames=')" -le 101 ]
	[ "$(value polls '^frames=')" -le 205 ]
}

@test "poll stays readable while there is more" {
	# Late by 200 ms, then one bite of 10 ms a turn: it has to catch up.
	record -D takebox_virtual:SIGNAL=counter -c 2 -n 24000 -p 480 \
		-b 24000 -1 -l 9600:200
	cat "$out"
	near "$(value seconds '^frames=')" 0.55 0.1
	seamless
}

@test "a late reader learns the exact number of lost frames" {
	record_along -n 24000 -l 9600:700
	finish
	lost=$(value lost '^late')
	[ "$lost" -gt 0 ]
	from=$(logged overrun 3)
	[ "$(logged overrun 4)" = "$lost" ]
	one_seam "$from" $((from + lost))
}

@test "a late reader with a threshold is stopped and starts again" {
	record_along -n 24000 -l 9600:700 -t
	finish
	grep -q '^xrun ' "$out"
	[ "$(logged overrun 4)" = -1 ]
	one_seam "$(logged overrun 3)" "$(grep ' start ' "$log" |
		sed -n 2p | cut -d ' ' -f 3)"
}

@test "xrun: exactly that many frames beyond the buffer" {
	record_along -n 48000
	"$virtualctl" "$control" xrun 1000
	finish
	[ "$(value lost '^late')" = 1000 ]
	from=$(logged xrun 3)
	one_seam "$from" $((from + 1000))
}

@test "lose: frames that nobody reports" {
	record_along -n 48000
	"$virtualctl" "$control" lose 480
	finish
	! grep -qE '^(late|xrun)' "$out"
	from=$(logged lose 3)
	one_seam "$from" $((from + 480))
}

@test "at FRAME: exactly there" {
	record_along -n 48000
	"$virtualctl" "$control" at 40000 lose 7
	finish
	one_seam 40000 40007
}

@test "several losses add up" {
	record_along -n 48000
	"$virtualctl" "$control" at 30000 lose 7
	"$virtualctl" "$control" at 30020 lose 1
	"$virtualctl" "$control" at 33000 stall 20
	finish
	[ "$(value seams '^seams=')" = 3 ]
	[ "$(value wrong '^seams=')" = 0 ]
	grep -q ' from=30000 to=30007$' "$out"
	grep -q ' from=30020 to=30021$' "$out"
	grep -q ' from=33000 to=33960$' "$out"
}

@test "hold: late, and all there" {
	record_along -n 48000
	"$virtualctl" "$control" hold 200
	finish
	[ "$(logged hold 4)" = 0 ]
	seamless
}

@test "stop: the device stops and can be started again" {
	record_along -n 48000
	"$virtualctl" "$control" stop
	finish
	grep -q '^xrun ' "$out"
	one_seam "$(logged stop 5)" "$(grep ' start ' "$log" |
		sed -n 2p | cut -d ' ' -f 3)"
}

@test "ppm: changes while it runs" {
	record_along -n 96000
	"$virtualctl" "$control" at 12000 ppm 5000
	finish
	[ "$(logged ppm 3)" = 12000 ]
	near "$(value ppm '^ppm')" 4600 400
	seamless
}

@test "jitter: frames come in packets" {
	record_along -n 48000 -p 100
	"$virtualctl" "$control" jitter 4000
	finish
	near "$(value worst_us '^ppm')" 4000 3700
	seamless
}

@test "position and what is no command are answered" {
	record_along -n 48000
	run "$virtualctl" "$control" position
	[ "$status" = 0 ]
	[[ $output =~ ^[0-9]+\ position\ [0-9]+\ 0\  ]]
	run "$virtualctl" "$control" jump 5
	[ "$status" = 1 ]
	[[ $output == *"not a command: jump 5"* ]]
	run "$virtualctl" "$control" at 5 xrun
	[ "$status" = 1 ]
	finish
	seamless
}

@test "one program at a time" {
	record_along -n 24000
	run "$reader" -D "$device"
	[[ $output == *"error=EBUSY"* ]]
	finish
	record -D "$device" -n 100
}

@test "unplug and plug: the handle dies, and frames go on being counted" {
	record_along -n 960000
	"$virtualctl" "$control" unplug
	finish
	grep -q '^disconnected .* avail=0 prepare=ENODEV$' "$out"
	seamless
	last=$(value last '^seams=')
	[ "$(logged unplug 5)" = $((last + 1)) ]
	run "$reader" -D "$device"
	[[ $output == *"error=ENODEV"* ]]
	run "$virtualctl" "$control" position
	[ "$status" = 3 ]

	"$virtualctl" "$control" plug
	: >"$log.old"
	before=$(grep ' start ' "$log")
	record -D "$device" -n 4800
	cat "$out" "$log"
	seamless
	# What passed by the clock passed by the counter, to the frame.
	first=$(value first '^first')
	grep ' start ' "$log" | awk -v first="$first" '
		NR == 1 { ns = $1; frame = $3 }
		NR == 2 { d = ($1 - ns) * 48000 / 1e9 - ($3 - frame)
			  exit !($3 == first && d > -1 && d < 1) }'
}

@test "unplug while nobody has it open" {
	record -D "$device" -n 100
	"$virtualctl" "$control" unplug
	run "$reader" -D "$device"
	[[ $output == *"error=ENODEV"* ]]
	"$virtualctl" "$control" plug
	record -D "$device" -n 100
}

@test "frames count from the first start unless told otherwise" {
	record -D takebox_virtual:SIGNAL=counter,CONTROL="$control" -n 4800
	[ "$(value first '^first')" = 0 ]
	record -D takebox_virtual:SIGNAL=counter,CONTROL="$control" -n 4800
	[ "$(value first '^first')" = 0 ]
}

@test "sound files play in a loop, bit for bit" {
	cd "$BATS_TEST_TMPDIR"
	sox -q -R -n -r 48000 -b 24 -c 2 a.wav synth 0.5 noise brownnoise
	sox -q -R -n -r 48000 -b 24 -c 1 b.wav synth 0.5 pinknoise
	sox -q -M a.wav b.wav -t raw -e signed -b 24 -L once.raw
	cat once.raw once.raw once.raw >three.raw
	for access in interleaved planar; do
		"$reader" -D takebox_virtual:CHANNELS=3,PACED=no,FILES=a.wav:b.wav \
			-c 3 -f S24_3LE -a $access -n 72000 -o got.raw
		cmp three.raw got.raw
	done
}

@test "sox and ffmpeg record from it" {
	needs_plain_plugin
	d=takebox_virtual:CHANNELS=8,RATE=48000,FORMAT=S32_LE,SIGNAL=noise,PACED=no
	cd "$BATS_TEST_TMPDIR"
	sox -q -c 8 -r 48000 -b 32 -t alsa "$d" -b 24 -t raw sox.raw trim 0 1
	ffmpeg -nostdin -loglevel error -f alsa -sample_rate 48000 -channels 8 \
		-c:a pcm_s32le -i "$d" -af atrim=end_sample=48000 \
		-f s24le ffmpeg.raw
	"$reader" -D "$d" -c 8 -n 48000 -o reader.raw
	sox -q -t raw -e signed -b 32 -c 8 -r 48000 reader.raw \
		-t raw -b 24 want.raw
	cmp want.raw sox.raw
	cmp want.raw ffmpeg.raw
}

@test "a command to a program that closes the interface just then is not waited for" {
	cd "$BATS_TEST_TMPDIR"
	mkfifo control
	: >control.log
	: >control.unplugged
	flock control.state sleep 1 3>&- & # it is there, and reads no more
	until ! flock -n control.state true; do
		sleep 0.01
	done
	timeout 20 "$virtualctl" \
		control plug
	[ ! -e control.unplugged ]
}
