#!/bin/bash
# In the virtual machine: plays the disk /dev/vdb into one end of snd-aloop and
# records the other end onto the disk /dev/vda.
#
#     record32_guest.sh CHANNELS RATE SECONDS RECORDER STALL LOG_FOLDER
#
# Exit status: the recorder's; 3 when the player failed, or the machine stood
# still for longer than the player and the recorder can bridge.

set -u

channels=$1 rate=$2 seconds=$3 recorder=$4 stall=$5 logs=$6
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
"$stall" "$logs/stall" &
watch=$!
record >"$logs/recorder.log" 2>&1 &
recording=$!
if ! wait_for_recorder $recording; then
	echo "the recorder does not run"
	cat "$logs/recorder.log"
	exit 1
fi
# The player is no part of what is tested: a disk of its own, which costs less
# than a file over 9p, the longest buffer that snd-aloop has, and real-time
# priority. (aplay tells an underrun, but its exit status does not.)
chrt -f 60 aplay -D hw:Loopback,0 "${format[@]}" -t raw --buffer-time=340000 \
	/dev/vdb 2>"$logs/player.log"
player=$?
wait $recording
recorded=$?
kill $watch
wait $watch
umount /mnt
if [ $player -ne 0 ] || grep -q underrun "$logs/player.log"; then
	cat "$logs/player.log"
	exit 3
fi
[ $recorded -ne 0 ] || exit 0
cat "$logs/recorder.log"
if [ "$(cat "$logs/stall")" -ge 250 ]; then
	echo "the machine stood still for $(cat "$logs/stall") ms"
	exit 3
fi
exit $recorded
