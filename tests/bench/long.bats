#!/usr/bin/env bats
# What is meant to run for hours, for a minute each: `make torture`, `make soak`
# and `make powercut-live`.

setup()
{
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ "$(id -u)" -eq 0 ] || skip "only root can mount disks"
}

# Lines of the output, beside the result.
show()
{
	echo "$output"
	echo "$output" | grep -E "$1" | sed 's/^ */# /' >&3
}

# With this seed each kind of fault is among them.
@test "everything broken at random: no frame that nobody can account for" {
	run "$ROOT/tests/torture.sh" 60 20
	show 'account for|things broken'
	[ "$status" -eq 0 ]
	[[ $output == *"0 things broken"* ]]
}

@test "32 channels for a minute: sample-complete, nobody's memory grows" {
	GROWTH=2048 INTERVAL=2 run "$ROOT/tests/soak.sh" 60
	show 'gaps:|memory grew'
	[ "$status" -eq 0 ]
}

# A machine that stands still for longer than the 0.34 s that snd-aloop holds
# says nothing about the recorder.
@test "from a kernel PCM, under another kernel: every sample is what was played" {
	for _ in 1 2 3; do
		GROWTH=4096 INTERVAL=2 IMAGE_SIZE=2G \
			run "$ROOT/tests/bench/soak.sh" 30
		show 'gaps:|memory grew|^total|longest stall'
		[[ $output =~ stall:\ ([0-9]+)\ ms ]]
		stall=${BASH_REMATCH[1]}
		[ "$stall" -ge 250 ] || break
	done
	[ "$status" -eq 0 ] || [ "$stall" -lt 250 ] ||
		skip "the machine stood still for $stall ms, the third time"
	[ "$status" -eq 0 ]
	[[ $output == *"32 tracks"*" 0 differing"* ]]
}

@test "a machine that is ended while it records has all that it called safe" {
	run "$ROOT/tests/bench/powercut_live.sh" --cuts 4 --tracks 8 \
		--systems "ext4 exfat"
	show 'cuts, '
	[ "$status" -eq 0 ]
	[ "$(grep -c '^CUT' <<<"$output")" -eq 4 ]
}
