#!/bin/bash
# Under uml.sh: plays the disk /dev/ubdb again and again into one end of
# snd-aloop and soaks the other end, onto the disk /dev/ubda.
#
#     soak_guest.sh SECONDS CHANNELS RATE BUILD LOG_FOLDER
#
# Exit status: that of tests/soak.sh; 3 when the player does not play.

set -u

seconds=$1 channels=$2 rate=$3 logs=$5
here=$(cd "$(dirname "$0")" && pwd)
export BUILD=$4 CHANNELS=$2 DEVICE=hw:Loopback,1 FOLDER=/mnt/take VERIFY=no
export TMPDIR=/run # sockets, which hostfs has none of

sound()
{
	while chrt -f 60 cat /dev/ubdb; do :; done
}

# The player is no part of what is tested: the longest buffer that snd-aloop
# has, and real-time priority. What it complains of goes to player.log.
play()
{
	sound | chrt -f 60 aplay -q -D hw:Loopback,0 -c "$channels" -r "$rate" \
		-f S32_LE -t raw --buffer-time=340000 2>"$logs/player.log"
}

wait_for_player()
{
	for ((i = 0; i < 300; i++)); do
		! grep -qs RUNNING /proc/asound/Loopback/pcm0p/sub0/status ||
			return 0
		sleep 0.1
	done
	return 1
}

mount /dev/ubda /mnt || exit 3
mkdir $FOLDER
play &
if ! wait_for_player; then
	echo "the player does not play"
	cat "$logs/player.log"
	exit 3
fi
"$BUILD/bench/stall" "$logs/stall" &
watch=$!
"$here/../soak.sh" "$seconds"
status=$?
kill $watch
cp "$logs/player.log" "$logs/player.at-end" # before it is killed
pkill -x aplay
wait
mv "$logs/player.at-end" "$logs/player.log"
umount /mnt
exit $status
