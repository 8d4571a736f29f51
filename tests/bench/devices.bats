#!/usr/bin/env bats
# takebox devices, and what a busy card is met with, on a card of the kernel's.

setup()
{
	bench=$BATS_TEST_DIRNAME
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$bench/../../$build ;; esac
}

# Runs on the machine with a loopback card, called Rack so that no name can
# come from an index: first free, then held by arecord, then free again.
guest()
{
	cat <<-'END'
	takebox=$1
	holder=
	state() { grep -qs RUNNING /proc/asound/Rack/pcm1c/sub0/status; }
	wait_until()
	{
		for ((i = 0; i < 300; i++)); do
			! "$@" || return 0
			sleep 0.1
		done
		return 1
	}
	echo "cards: $(cat /proc/asound/card3/id)"
	"$takebox" devices --json | jq -c '.devices[]'
	"$takebox" devices
	arecord -q -D hw:Rack,1 -c 4 -r 48000 -f S32_LE -t raw /dev/null &
	holder=$!
	wait_until state || exit 1
	echo "holder: arecord (pid $holder)"
	"$takebox" devices --json | jq -c '.devices[] | select(.device | test("DEV=1"))'
	"$takebox" devices | grep -A2 'DEV=1'
	"$takebox" run -D hw:CARD=Rack,DEV=1 -c 4 -d 1 -o /tmp/takes 2>&1
	echo "busy: $?"
	kill $holder
	wait $holder
	"$takebox" run -D hw:CARD=Rack,DEV=1 -c 4 -d 1 -o /tmp/takes >/dev/null 2>&1
	echo "free: $?"
	"$takebox" run -D hw:CARD=Rack,DEV=1 -c 40 -d 1 -o /tmp/takes 2>&1
	echo "channels: $?"
	END
}

@test "a card is told by its name, what it can do and who holds it" {
	guest >"$BATS_TEST_TMPDIR/guest"
	run "$bench/vm.sh" --steady --timeout 240 --share "$BATS_TEST_TMPDIR" \
		--module "snd-aloop id=Rack index=3 pcm_substreams=1" \
		bash "$BATS_TEST_TMPDIR/guest" "$build/takebox"
	echo "$output"
	[ "$status" -eq 0 ]
	free=$(grep -F '"hw:CARD=Rack,DEV=1"' <<<"$output" | head -n 1)
	[ "$(jq -c '[.card, .holder, .readable, .channels, .rates[0],
		.rates[1] >= 192000, .formats]' \
		<<<"$free")" = \
		'["Rack","",true,[1,32],8000,true,["S16_LE","S24_LE","S24_3LE","S32_LE"]]' ]
	[[ $output == *"hw:CARD=Rack,DEV=1"*"1 to 32 channels, 8000 to "*" Hz"* ]]
	busy=$(sed -n 's/^holder: //p' <<<"$output")
	[ -n "$busy" ]
	held=$(grep -F '"hw:CARD=Rack,DEV=1"' <<<"$output" | tail -n 1)
	[ "$(jq -c '[.holder, .readable, .channels]' <<<"$held")" = \
		"[\"$busy\",false,null]" ]
	[[ $output == *"    in use by $busy"* ]]
	[[ $output == *"hw:CARD=Rack,DEV=1 is in use by $busy; stop that program to record from it"*$'\n'"busy: 5"* ]]
	[[ $output == *$'\n'"free: 0"* ]]
	[[ $output == *"has no 40 channels: it can do 1 to 32"*$'\n'"channels: 5"* ]]
}
