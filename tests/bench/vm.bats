#!/usr/bin/env bats
# The virtual machine, and the recording that is made in it.

setup()
{
	bench=$BATS_TEST_DIRNAME
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$bench/../../$build ;; esac
	work=$BATS_TEST_TMPDIR
}

@test "a guest boots, runs the command and hands back its output and status" {
	run "$bench/vm.sh" --timeout 120 \
		sh -c 'echo "$(id -u) on $(uname -s) in $PWD"; exit 42'
	[ "$status" -eq 42 ]
	[ "$output" = "0 on Linux in $PWD" ]
}

@test "a guest has disks, modules and a folder to write to" {
	truncate -s 8M "$work/disk"
	run "$bench/vm.sh" --timeout 120 --disk "$work/disk" --share "$work" \
		--module "snd-aloop id=Rack" sh -c "
			cat /proc/asound/Rack/id &&
			printf recorded >/dev/vda && sync &&
			echo kept >'$work/result'"
	[ "$status" -eq 0 ]
	[ "$output" = Rack ]
	[ "$(cat "$work/result")" = kept ]
	[ "$(head -c 8 "$work/disk")" = recorded ]
}

@test "a guest that hangs is ended in time and says so" {
	run "$bench/vm.sh" --timeout 10 sleep 1000
	[ "$status" -eq 124 ]
	[[ $output == *"not done after 10 s"* ]]
}

@test "a machine that hangs before its guest is up is started again, then given up" {
	START_SECONDS=2 run "$bench/vm.sh" --timeout 60 --qemu -S true
	[ "$status" -eq 125 ]
	[[ $output == *"start 3 hangs"* ]]
	[[ $output == *"the machine hangs when it is started"* ]]
}

@test "the comparison finds a single wrong sample, and a lost one" {
	"$bench/../sound.sh" --raw "$work/sound" 2 48000 1
	sox() { command sox -D -t s32 -c 2 -r 48000 "$@"; }
	source=$work/sound/2.s32
	sox "$source" -b 24 "$work/01-L.flac" remix 1 pad 0.5 0.25
	sox "$source" -b 24 "$work/02-R.flac" remix 2 pad 0.5 0.25
	"$build/bench/compare" "$source" 2 48000 24 "$work"/0[12]-*.flac

	# One bit of channel 2 at 0.5 s of the source.
	cp "$source" "$work/wrong.s32"
	printf '\001' | dd of="$work/wrong.s32" bs=1 conv=notrunc \
		seek=$((24000 * 8 + 5)) status=none
	run "$build/bench/compare" "$work/wrong.s32" 2 48000 24 \
		"$work"/0[12]-*.flac
	[ "$status" -eq 1 ]
	[[ $output == *"02-R.flac"*" 1 differing, the first at 48000"* ]]

	sox "$source" -b 24 "$work/02-R.flac" remix 2 pad 0.5 0.25 trim 1s
	run "$build/bench/compare" "$source" 2 48000 24 "$work"/0[12]-*.flac
	[ "$status" -eq 1 ]
	[[ $output == *"another length"* ]]
}

@test "the comparison finds a single wrong sample in what was looped" {
	"$bench/../sound.sh" --raw "$work/sound" 2 48000 1
	sox() { command sox -D -t s32 -c 2 -r 48000 "$@"; }
	source=$work/sound/2.s32
	cat "$source" "$source" "$source" >"$work/thrice.s32"
	for i in 1 2; do
		sox "$work/thrice.s32" -b 24 "$work/0$i-.flac" remix $i \
			trim 31000s 100000s
	done
	"$build/bench/compare" --looped "$source" 2 48000 24 "$work"/0[12]-.flac

	# One bit of channel 2, in its third round.
	printf '\001' | dd of="$work/thrice.s32" bs=1 conv=notrunc \
		seek=$(((96000 + 24000) * 8 + 5)) status=none
	sox "$work/thrice.s32" -b 24 "$work/02-.flac" remix 2 \
		trim 31000s 100000s
	run "$build/bench/compare" --looped "$source" 2 48000 24 \
		"$work"/0[12]-.flac
	[ "$status" -eq 1 ]
	[[ $output == *"02-.flac"*" 1 differing, the first at 89000"* ]]
}

# 300 samples of silence at sample 39000, the second track's at $1.
record_with_a_pause() {
	at=(39000 "$1")
	for i in 1 2; do
		sox "$work/thrice.s32" -b 24 "$work/0$i-.flac" remix $i \
			trim 31000s 100000s pad 300s@$((at[i - 1]))s
	done
}

@test "the comparison knows a pause of the player from a lost sample" {
	"$bench/../sound.sh" --raw "$work/sound" 2 48000 1
	sox() { command sox -D -t s32 -c 2 -r 48000 "$@"; }
	source=$work/sound/2.s32
	cat "$source" "$source" "$source" >"$work/thrice.s32"
	compare() {
		run "$build/bench/compare" --looped "$@" "$source" 2 48000 24 \
			"$work"/0[12]-.flac
		echo "$output"
	}
	record_with_a_pause 39000
	compare --pauses 1
	[ "$status" -eq 0 ]
	[[ $output == *"pauses at sample 39000 for 300 samples"* ]]
	compare
	[ "$status" -eq 1 ]
	# Of one track alone it is no pause of the player.
	record_with_a_pause 50000
	compare --pauses 1
	[ "$status" -eq 1 ]
	# What a pause leaves out was not played, or not recorded.
	for i in 1 2; do
		sox "$work/thrice.s32" -b 24 "$work/0$i-.flac" remix $i \
			trim 31000s 39000s =71000s 60000s
	done
	compare --pauses 1
	[ "$status" -eq 1 ]
}

@test "32 channels of recorded sound go through a kernel PCM bit for bit" {
	run "$bench/record32.sh"
	echo "$output" | tail -n 3 | sed 's/^/# /' >&3
	[ "$status" -eq 0 ]
}
