#!/bin/bash
# One run of Takebox, or of what people use instead: from the ALSA device
# "bench", S32_LE, to a FLAC file per channel in FOLDER.
#
#     BUILD=... RATE=... LEVEL=... record.sh RECORDER FOLDER CHANNELS SECONDS
#
# FFMPEG_MAPS=no: ffmpeg has no -map_channel.
#
# The device delivers as fast as it is read, so a recorder ends by counting
# samples and not by the clock.

set -euo pipefail
: "${BUILD:?}" "${RATE:?}" "${LEVEL:?}"

# Each is given FOLDER CHANNELS SECONDS, and is in FOLDER already.

record_takebox()
{
	"$BUILD/takebox" run -D bench -c "$2" -r "$RATE" -f S32_LE -d "$3" \
		-o . --tape $(($3 + 2)) --level "$LEVEL" --json >summary.json
}

# Only the first second of it, on a tape as long: what the tape's memory costs,
# which an unpaced device needs for its whole length.
record_tape()
{
	"$BUILD/takebox" run -D bench -c "$2" -r "$RATE" -f S32_LE -d 1 \
		-o . --tape $(($3 + 2)) --level "$LEVEL" --json >summary.json
}

record_source()
{
	arecord -q -D bench -c "$2" -r "$RATE" -f S32_LE -d "$3" -t raw \
		/dev/null
}

record_arecord()
{
	local k fifos=()

	for ((k = 1; k <= $2; k++)); do
		mkfifo "$k.fifo"
		fifos+=("$k.fifo")
		flac -s "-$LEVEL" --force-raw-format --endian=little \
			--sign=signed --channels=1 --bps=32 \
			--sample-rate="$RATE" -o "$k.flac" - <"$k.fifo" &
	done
	arecord -q -D bench -c "$2" -r "$RATE" -f S32_LE -d "$3" -t raw \
		-I "${fifos[@]}"
	wait
}

# Its own time stamps are those of the wall clock, which an unpaced device has
# nothing to do with: asetpts makes them count samples. Since version 7 it has
# no -map_channel, which is the pan filter by another name.
record_ffmpeg()
{
	local k outputs=()

	for ((k = 0; k < $2; k++)); do
		if [ "${FFMPEG_MAPS:-yes}" = yes ]; then
			outputs+=(-map_channel "0.0.$k" -af asetpts=N/SR/TB)
		else
			outputs+=(-af "pan=mono|c0=c$k,asetpts=N/SR/TB")
		fi
		outputs+=(-c:a flac -compression_level "$LEVEL" -sample_fmt s32
			-bits_per_raw_sample 24 -t "$3" "$k.flac")
	done
	ffmpeg -v error -nostdin -y -f alsa -channels "$2" \
		-sample_rate "$RATE" -c:a pcm_s32le -i bench "${outputs[@]}"
}

# Without its disk thread (nodb), which drops what it cannot write in time.
record_ecasound()
{
	local k chains=()

	for ((k = 1; k <= $2; k++)); do
		chains+=("-a:$k" "-chorder:$k" "-f:s32_le,1,$RATE"
			"-o:$k.wav")
	done
	ecasound -q -x -z:nodb -b:1024 "-f:s32_le,$2,$RATE" "-t:$3" -a:all \
		-i:alsa,bench "${chains[@]}" >/dev/null
	for ((k = 1; k <= $2; k++)); do
		flac -s "-$LEVEL" --delete-input-file "$k.wav"
	done
}

record_sox()
{
	local k

	AUDIODEV=bench sox -q -V1 -t alsa bench -c "$2" -r "$RATE" -b 32 \
		-e signed all.wav trim 0 "$3"
	for ((k = 1; k <= $2; k++)); do
		sox -q -V1 all.wav -C "$LEVEL" -b 24 "$k.flac" remix "$k"
	done
	rm all.wav
}

mkdir -p "$2"
cd "$2"
"record_$1" "$2" "$3" "$4"
