# Disks for powercut.sh and powercut_live.sh, which read this.
# shellcheck shell=bash disable=SC2154 # $build, $work, $size are theirs

# make_stale FOLDER: an older take of the same kind, which free space is full
# of.
make_stale()
{
	local device="takebox_virtual:CHANNELS=8,SIGNAL=counter"

	ALSA_CONFIG_PATH=$build/virtual.conf "$build/takebox" run \
		-D "$device" -c 8 -d 6 -o "$1/old" >/dev/null
	cat "$1"/old/Takebox/*/*/*.flac >"$1/stale"
	rm -rf "$1/old"
}

# make_disk SYSTEM FILE: the file system, and a sector's room for marks behind
# it.
make_disk()
{
	local system=$1 disk=$2

	while cat "$work/stale"; do :; done 2>/dev/null |
		head -c "$size" >"$disk" || true
	case $system in
	ext4) mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 \
		"$disk" ;;
	exfat) mkfs.exfat "$disk" >/dev/null ;;
	vfat) mkfs.vfat -F 32 "$disk" >/dev/null ;;
	esac
	truncate -s +4096 "$disk"
}
