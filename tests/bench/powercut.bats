#!/usr/bin/env bats
# Power cuts replayed on the kernel's file systems: the short form of
# `make powercut`.

cuts()
{
	run "$BATS_TEST_DIRNAME/powercut.sh" --systems "$1" --cuts 12 \
		--tracks 8 --seconds 2
	echo "$output" | grep "tracks, " | sed 's/^/# /' >&3
	[ "$status" -eq 0 ]
	[[ $output =~ \;\ [1-9][0-9]*\ in\ mid-take ]]
}

@test "power cuts on FAT32: what was safe is there, every take is whole" {
	cuts vfat
}

@test "power cuts on exFAT: what was safe is there, every take is whole" {
	cuts exfat
}

@test "power cuts on ext4: what was safe is there, every take is whole" {
	cuts ext4
}
