# Faults on command, against the counter pattern: the interface's own log says
# what really was lost and where, the counter says what is in the files, and
# the ledger must say the same.

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# record NAME SECONDS CHANNELS RATE FORMAT ACCESS PARAMETERS COMMAND...: a take
# with commands given to the interface as soon as it is open. Leaves NAME.json
# (the summary), NAME.log, and the segments of each track in NAME.NN.
record() {
	local name=$1 seconds=$2 channels=$3 rate=$4 format=$5 access=$6
	local parameters=$7 recorder tries=0 folder file

	shift 7
	"$BUILD/takebox" run --json -c "$channels" -r "$rate" -f "$format" \
		-d "$seconds" -o "$PWD/$name" -D "takebox_virtual:CHANNELS=$channels,SIGNAL=counter,ORIGIN=clock,ACCESS=$access,CONTROL=$PWD/$name.ctl$parameters" \
		>"$name.json" 2>"$name.err" 3>&- &
	recorder=$!
	until grep -qs ' start ' "$name.ctl.log"; do
		tries=$((tries + 1))
		if [ "$tries" -ge 400 ]; then
			cat "$name.err"
			return 1
		fi
		sleep 0.05
	done
	printf '%s\n' "$@" >"$name.ctl"
	wait "$recorder" || true
	folder=$(jq -r .folder "$name.json")
	ln -sfn "$folder" "$name.take"
	for file in "$folder"/*.flac; do
		"$BUILD/e2e/segments" "$file" >"$name.$(basename "$file" .flac)"
	done
}

# All tracks break off and go on at the same places with the same frames, and
# each carries its own channel.
check_aligned() {
	local name=$1 file number=0

	for file in "$name".[0-9]*; do
		if grep -q noise "$file"; then
			echo "$file:"
			cat "$file"
			return 1
		fi
		awk -v channel=$number '$3 == "counter" && $5 != channel {
			print FILENAME ": channel " $5; exit 1 }' "$file" ||
			return 1
		cut -d' ' -f1-4 "$file" >alike
		cmp alike <(cut -d' ' -f1-4 "$name".01-*) || return 1
		number=$((number + 1))
	done
	[ "$number" -eq "$2" ]
}

# The ledger's gaps are just the silences in the files. (Neighbouring entries of
# one cause are one silence.)
check_ledger() {
	local name=$1

	jq -r '.gaps[] | "\(.at) \(.frames)"' "$name.take/take.json" |
		awk 'NR > 1 && $1 == end { frames += $2; end += $2; next }
			NR > 1 { print at, frames }
			{ at = $1; frames = $2; end = at + frames }
			END { if (NR) print at, frames }' >ledger
	awk '$3 == "silence" { print $1, $2 }' "$name".01-* >silences
	diff ledger silences || {
		cat "$name".01-* "$name.ctl.log"
		return 1
	}
}

# gap NAME CAUSE [N]: "at frames uncertainty" of the ledger's N-th gap of that
# cause.
gap() {
	jq -r --arg cause "$2" --argjson n "${3:-1}" '
		[.gaps[] | select(.cause == $cause)][$n - 1] |
		"\(.at) \(.frames) \(.uncertainty)"' "$1.take/take.json"
}

# reach RATE UNCERTAINTY: how far a loss may be from where it was. 2 ms, but
# beside a late stamp of a busy machine as far as the ledger says, up to 50.
reach() {
	local frames=$(($2 > $1 / 500 ? $2 : $1 / 500))

	echo $((frames < $1 / 20 ? frames : $1 / 20))
}

causes() {
	jq -r '[.gaps[].cause] | join(" ")' "$1.take/take.json"
}

within() {
	local off=$(($1 - $2))

	[ "${off#-}" -le "$3" ] || {
		echo "$4: $1 is not within $3 of $2"
		return 1
	}
}

# Where the device's log says that the command took effect: the frame of the
# device, counted from the take's first one.
truth() {
	local first

	first=$(awk '{ print $4; exit }' "$1".01-*)
	awk -v command="$2" -v first="$first" -v nth="${3:-1}" \
		'$2 == command && ++n == nth { print $3 - first }' "$1.ctl.log"
}

# One take with two silent losses and an overrun, which must be found where and
# as long as they were.
check_losses() {
	local name=$1 rate=$2 long=$3 short=$4 at frames about first

	check_aligned "$name" "$5" || return 1
	check_ledger "$name" || return 1
	# Under a sanitizer the clock's noise hides what is small.
	[ -z "${SANITIZED:-}" ] || return 0
	# Late on a busy machine is no fault, if the interface saw it too.
	overruns=$(grep -c ' overrun ' "$name.ctl.log" || true)
	late=$(causes "$name" | grep -o late | wc -l)
	[ "$(causes "$name" | grep -o silent | wc -l)" -eq 2 ] &&
		[ "$late" -ge 1 ] && [ "$late" -le $((1 + overruns)) ] || {
		echo "$name: $(causes "$name")"
		cat "$name.ctl.log"
		return 1
	}
	read -r at frames about < <(gap "$name" silent)
	within "$at" "$(truth "$name" lose)" "$(reach "$rate" "$about")" \
		"$name: the long loss's place" || return 1
	within "$frames" "$long" 2 "$name: its length" || return 1
	read -r at frames about < <(gap "$name" silent 2)
	within "$at" "$(truth "$name" lose 2)" $(($(reach "$rate" "$about") + 2)) \
		"$name: the short loss's place" || return 1
	within "$frames" "$short" 2 "$name: its length" || return 1
	# The overrun is exact: the counter goes on just where the silence
	# says that it must.
	tail -n 3 "$name".01-* >end
	read -r at frames _ first _ <end
	read -r at2 _ _ first2 _ < <(tail -n 1 end)
	[ $((first2 - first)) -eq $((at2 - at)) ] || {
		cat end
		return 1
	}
}

losses() {
	local name=$1 channels=$2 rate=$3 format=$4 access=$5

	# An overrun lasts as long as the buffer, and a device that is quiet for
	# two seconds is taken for dead. The limit is for the widest format: of
	# 16 bits it is twice as long.
	record "$name" 9 "$channels" "$rate" "$format" "$access" \
		",BUFFER_MAX=$((rate / 2))" \
		"at $((rate * 5)) lose $((rate / 100))" \
		"at $((rate * 6)) lose $((rate / 500))" \
		"at $((rate * 7)) xrun 1000"
}

@test "interleaved: silent losses and overruns are named where they were" {
	losses s16 2 44100 S16_LE interleaved &
	losses s24 18 48000 S24_LE interleaved &
	losses s243 8 88200 S24_3LE interleaved &
	losses s32 64 48000 S32_LE interleaved &
	wait
	check_losses s16 44100 441 88 2
	check_losses s24 48000 480 96 18
	check_losses s243 88200 882 176 8
	check_losses s32 48000 480 96 64
}

@test "not interleaved: silent losses and overruns are named where they were" {
	losses s16 18 48000 S16_LE noninterleaved &
	losses s24 1 96000 S24_LE noninterleaved &
	losses s243 2 192000 S24_3LE noninterleaved &
	losses s32 8 176400 S32_LE noninterleaved &
	wait
	check_losses s16 48000 480 96 18
	check_losses s24 96000 960 192 1
	check_losses s243 192000 1920 384 2
	check_losses s32 176400 1764 352 8
}

@test "a device that stops, stalls, delays and is unplugged stays in time" {
	(
		tries=0
		until grep -qs ' unplug ' all.ctl.log; do
			tries=$((tries + 1))
			[ "$tries" -lt 600 ] || exit 1
			sleep 0.05
		done
		# A second later: plugged in again.
		sleep 1
		"$ROOT/drivers/virtual/virtualctl" "$PWD/all.ctl" plug
	) 3>&- &
	record all 14 4 48000 S32_LE both ",PPM=37" \
		"at 144000 stop" "at 240000 hold 150" "at 336000 stall 100" \
		"at 432000 unplug"
	wait
	check_aligned all 4
	check_ledger all
	[[ "$(causes all)" == "stopped silent absent"* ]]
	# After all that the last frame stands where its number says, within
	# the 2 ms that a stop and an absence are known to.
	read -r first < <(awk '{ print $4 - $1; exit }' all.01-*)
	read -r last < <(awk '{ at = $4 - $1 } END { print at }' all.01-*)
	within "$last" "$first" 96 "the end"
	read -r at frames _ < <(gap all silent)
	within "$at" $(($(truth all stall))) 192 "the stall's place"
	within "$frames" 4800 96 "the stall's length"
}

@test "noise in time stamps is no loss, and the rate is known" {
	record calm 12 4 48000 S32_LE both ",PPM=-80,JITTER=1000" "position"
	check_aligned calm 4
	[ "$(wc -l <calm.01-Ch-01)" -eq 1 ]
	[ "$(jq -r .verdict calm.json)" = sample-complete ]
	jq -c '.clock[-1]' calm.take/take.json
	# As well as it says that it is known, and not wildly.
	jq -e '.clock[-1] | .ppm_error < 200 and
		(.ppm + 80 | fabs) < 4 * .ppm_error + 1' calm.take/take.json
}
