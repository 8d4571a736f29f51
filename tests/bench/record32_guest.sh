#!/bin/bash
# In the virtual machine: plays SOURCE into one end of snd-aloop and records
# the other end onto the disk /dev/vda.
#
#     record32_guest.sh SOURCE CHANNELS RATE SECONDS RECORDER LOG_FOLDER
#
# Exit status: the recorder's; 3 when the player, not the recorder, failed.

set -u

source=$1 channels=$2 rate=$3 seconds=$4 recorder=$5 logs=$6
status=/proc/asound/Loopback/pcm1c/sub0/status
format=(-c "$channels" -r "$rate" -f S32_LE)

record()
{
	case $recorder in
	arecord)
		arecord -D hw:Loopback,1 "${format[@]}" --mmap -t raw -d "$seconds" \
			--buffer-time=340000 /mnt/take/record.s32
		;;
	*)
		"$recorder" run -D hw:Loopback,1 "${format[@]}" -d "$seconds" \
			-o /mnt/take
		;;
	esac
}

# The capture end gives silence until the player begins.
wait_for_recorder()
{
	for ((i = 0; i < 300; i++)); do
		! grep -qs RUNNING $status || return 0
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

mount /dev/vda /mnt || exit 3
mkdir /mnt/take
time record >"$logs/recorder.log" 2>&1 &
if ! wait_for_recorder $!; then
	echo "the recorder does not run"
	cat "$logs/recorder.log"
	exit 1
fi
# (aplay tells an underrun, and its status does not.)
aplay -D hw:Loopback,0 "${format[@]}" -t raw --buffer-time=340000 "$source" \
	2>"$logs/player.log"
player=$?
wait %1
recorded=$?
tail -n 20 "$logs/recorder.log"
umount /mnt
if [ $player -ne 0 ] || grep -q underrun "$logs/player.log"; then
	echo "the player failed, and what was recorded says nothing:"
	cat "$logs/player.log"
	exit 3
fi
exit $recorded
