#!/usr/bin/env bats
# The bench's USB interface (USB/IP, UAC2, high speed, 24 bit) under the real
# snd-usb-audio: what takebox makes of it, against the counter pattern and the
# interface's own log.

setup_file()
{
	bench=$BATS_TEST_DIRNAME
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$(cd "$bench/../.." && pwd)/$build ;; esac
	export work=$BATS_FILE_TMPDIR
	"$bench/vm.sh" --steady --timeout 900 --share "$work" \
		--module vhci-hcd --module snd-usb-audio \
		"$bench/usb_guest.sh" "$build" "$work" losses stalled unplugged swapped rate
}

setup()
{
	cd "$work" || return 1
}

# The device's frame that take position 0 has.
origin()
{
	awk '{ print $4 - $1; exit }' "$1.01"
}

# within VALUE WANTED OFF WHAT
within()
{
	local off=$(($1 - $2))

	[ "${off#-}" -le "$3" ] || {
		echo "$4: $1 is not within $3 of $2"
		return 1
	}
}

# All tracks break off and go on at the same places, each with its own channel.
check_aligned()
{
	local file channel=0

	for file in "$1".[0-9]*; do
		cmp <(cut -d' ' -f1-4 "$file") <(cut -d' ' -f1-4 "$1.01")
		awk -v channel=$channel '$3 == "counter" && $5 != channel {
			print FILENAME ": channel " $5; exit 1 }' "$file"
		channel=$((channel + 1))
	done
	[ $channel -eq "$2" ]
}

# check_losses TAKE WORD COUNT: each is in the ledger, none else is. Where a loss
# was is known as well as the ledger says: as a rule to two milliseconds, but
# where a late stamp stood beside it. Its silence may stand before it.
check_losses()
{
	awk -v word="$2" '$2 == word { print $3, $4 }' "$1.log" >truth
	jq -r '.gaps[] | "\(.at) \(.frames) \(.cause) \(.uncertainty)"' \
		"$1.take" >found
	cat truth found
	[ "$(wc -l <truth)" -eq "$3" ]
	[ "$(wc -l <found)" -eq "$3" ]
	origin=$(origin "$1")
	paste -d' ' truth found >both
	near=0 earlier=0
	while read -r frame lost at frames cause uncertainty; do
		[ "$cause" = silent ]
		within "$frames" "$lost" 1 "a length"
		# The lengths of those before it count in.
		within $((at + origin)) "$frame" $((uncertainty + earlier++)) \
			"a place"
		[ "$uncertainty" -le 480 ]
		! within $((at + origin)) "$frame" 96 "a place" || near=$((near + 1))
	done <both
}

@test "18 channels of 24 bits at 48 kHz come bit for bit up to the first loss" {
	check_aligned losses 18
	read -r at frames kind _ <losses.01
	[ "$kind" = counter ]
	first=$(awk '$2 == "lost" { print $3; exit }' losses.log)
	lost_at=$((first - $(origin losses)))
	[ "$frames" -le "$lost_at" ]
	within "$frames" "$lost_at" "$(jq '.gaps[0].uncertainty' losses.take)" \
		"the first stretch"
	! grep noise losses.[0-9]*
}

@test "failed packets, from one on: length to a frame, place as it says, 2 ms" {
	check_losses losses lost 5
	[ $near -ge 4 ]
}

@test "a bus that stands still for up to 0.9 s: the same" {
	check_aligned stalled 4
	check_losses stalled stalled 3
}

# rate_is TAKE PPM SILENCES: as near as the ledger says (takebox verify allows
# as much), and each silence may be a frame too long or too short.
rate_is()
{
	jq -c '.clock[-1]' "$1.take"
	jq -e --argjson wanted "$2" --argjson frames "$3" '.clock[-1] |
		.ppm_error < 20 and (.ppm - $wanted | fabs) <=
			4 * .ppm_error + $frames * 1000000 / .at' "$1.take"
}

@test "the rate is known as well as the ledger says" {
	rate_is losses 35 5
	rate_is unplugged -60 1
	rate_is swapped 20 1
}

@test "unplugged, and back at another port: the same take, in time" {
	check_aligned unplugged 10
	[ "$(cut -d' ' -f3 unplugged.01 | xargs)" = "counter silence counter" ]
	[ "$(jq -r '[.gaps[].cause] | unique[]' unplugged.take)" = absent ]
	last=$(awk '{ at = $4 - $1 } END { print at }' unplugged.01)
	within "$last" "$(origin unplugged)" 96 "the end"
	[ "$(wc -l <unplugged.err)" -le 4 ]
}

@test "unplugged, and back as another card: found by its serial number" {
	grep -q "\[Interface_1 *\]" swapped.cards
	check_aligned swapped 2
	[ "$(cut -d' ' -f3 swapped.01 | xargs)" = "counter silence counter" ]
	[ "$(jq -r '[.gaps[].cause] | unique[]' swapped.take)" = absent ]
	last=$(awk '{ at = $4 - $1 } END { print at }' swapped.01)
	within "$last" "$(origin swapped)" 96 "the end"
	[ "$(wc -l <swapped.err)" -le 4 ]
}

@test "a sample rate that changes under way ends the take, with the reason" {
	[ "$(jq -r .stopped_by rate.take)" = \
		"the interface went over to 44100 Hz" ]
	# Known within two seconds.
	changed=$(($(awk '$2 == "rate" { print $3 }' rate.log) - $(origin rate)))
	frames=$(jq .frames rate.take)
	[ "$frames" -ge "$changed" ]
	[ "$frames" -le $((changed + 2 * 48000)) ]
	[ "$(wc -l <rate.err)" -le 3 ]
}
