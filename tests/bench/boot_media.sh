#!/bin/bash
# How the stick of boot_guest.sh is mounted, by file system. Sourced by it, whose
# functions it uses.

fsck_comes_first()
{
	systemctl show -P Requires media-takebox-BAND.mount |
		grep -q systemd-fsck@
}

# reformat COMMAND...: the stick comes back with what that makes of it.
reformat()
{
	takebox eject && "$@" "/dev/$(cd /sys/block && echo sd*)" && replug
}

has_flags()
{
	grep -E "^/dev/sd[a-z] /media/takebox/BAND $1 " /proc/mounts |
		tee /tmp/flags | grep -q noatime && ! grep -qw sync /tmp/flags
}

exfat_flags()
{
	has_flags exfat && grep -q 'errors=continue' /tmp/flags &&
		! fsck_comes_first
}

takes_go_there()
{
	record && takebox stop && whole &&
		[[ $(newest_take) == /media/takebox/BAND/* ]]
}

play_file_systems()
{
	check "formatted exFAT it is mounted" reformat mkfs.exfat -L BAND
	check "without fsck, and with errors=continue" exfat_flags
	sed 's/^/# /' /tmp/flags
	check "takes go to it, whole" takes_go_there
	check "formatted ext4 it is mounted" reformat mkfs.ext4 -q -F -L BAND
	check "with its flags" has_flags ext4
	sed 's/^/# /' /tmp/flags
	check "takes go to it, whole" takes_go_there
}
