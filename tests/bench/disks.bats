#!/usr/bin/env bats
# Disks that the kernel delays, fails and takes away while a take runs: what is
# lost, against the counter pattern.

setup_file()
{
	bench=$BATS_TEST_DIRNAME
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$(cd "$bench/../.." && pwd)/$build ;; esac
	export work=$BATS_FILE_TMPDIR
	PATH=$PATH:/usr/sbin:/sbin
	truncate -s 96M "$work/disk" "$work/stick"
	"$bench/vm.sh" --steady --timeout 900 --share "$work" \
		--disk "$work/disk" --module dm-delay --module dm-flakey \
		--module xhci-pci --module usb-storage --module sd_mod \
		--module ext4 --module vfat \
		--module nls_cp437 --module nls_ascii \
		--qemu -device --qemu qemu-xhci,id=usb \
		--qemu -blockdev --qemu "driver=raw,node-name=stick,file.driver=file,file.filename=$work/stick" \
		--qemu -chardev --qemu "socket,id=own,path=$work/monitor,server=on,wait=off" \
		--qemu -mon --qemu chardev=own,mode=readline \
		--qemu -chardev --qemu "socket,id=port,path=$work/monitor" \
		--qemu -device --qemu virtserialport,chardev=port,name=monitor,nr=2 \
		"$bench/disks_guest.sh" "$build" "$work" slow failing corrupt pulled
}

setup()
{
	cd "$work" || return 1
}

# The second take begins at the latest with the frame that the first one ends
# before.
check_seam()
{
	local at frames next

	cat "$1.takes" "$1.seams"
	read -r at frames < <(sed -n 1p "$1.seams")
	read -r next _ < <(sed -n 2p "$1.seams")
	[ $((at + frames)) -ge "$next" ]
	[ "$(cut -d' ' -f2 "$1.takes" | xargs)" = \
		"sample-complete sample-complete" ]
}

@test "a disk whose writes take four seconds costs nothing (dm-delay)" {
	cat slow.takes slow.seams
	[ "$(cut -d' ' -f2 slow.takes)" = sample-complete ]
	[ "$(cut -d' ' -f3 slow.takes)" = "$(cut -d' ' -f2 slow.seams)" ]
}

@test "a disk whose writes fail: on to the next without a lost sample (dm-flakey)" {
	check_seam failing
}

@test "a file system whose books are wrong: the take is on the next medium, whole" {
	cat corrupt.takes corrupt.seams
	[ "$(cut -d' ' -f2 corrupt.takes)" = sample-complete ]
	[ "$(cut -d' ' -f1 corrupt.seams)" != broken ]
}

@test "a USB stick pulled in mid-take: on to the next, and healed when it is back" {
	check_seam pulled
}
