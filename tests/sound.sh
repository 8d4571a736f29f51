#!/bin/bash
# Makes a band out of recordings: real, multitrack, different on each channel.
#
#     tests/sound.sh [--raw] OUTDIR CHANNELS RATE SECONDS [BITS]
#
# puts NN-Name.wav, mono, 16 or 24 bit (24), into OUTDIR, and with --raw also
# all channels as interleaved S32_LE: CHANNELS.s32. The recordings are those of
# Debian packages: hydrogen-drumkits, sonic-pi-samples, freepats (instruments),
# alsa-utils and espeak-ng (voices).
#
# The packages hold 16 bit at 44.1 kHz and less. Here each hit and note is
# played at its pitch and strength, at the rate asked for, in 32-bit floating
# point; then the neighbours' bleed and the noise of a preamplifier are added,
# and the level set as an engineer leaves it: the sum has 24 bits of content.
# Players pause as they do. The same request gives the same samples; tracks are
# kept in $CACHE until this script changes, and OUTDIR gets links to them.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CACHE:-$here/../.cache}
export LC_ALL=C

kits=/usr/share/hydrogen/data/drumkits
pearl="$kits/The Black Pearl 1.0"
hand="$kits/Gimme A Hand 1.0"
pats=/usr/share/midi/freepats/Tone_000
loops=/usr/share/sonic-pi/samples
spoken=/usr/share/sounds/alsa

# The band: name | peak in dBFS | how | from what | what is played.
# A step is an eighth of a second. "hit": strength (1-5)/steps; "note": MIDI
# note/steps; "play": file/steps; "say": voice and words, one line per phrase;
# "-/steps" is a pause.
band()
{
	cat <<-'END'
	Kick In|-5|hit|pearl/PearlKick|5/4 4/4 5/3 3/1 4/4 5/4 4/2 3/2 5/4 5/4
	Kick Out|-9|hit|pearl/PearlKick|4/4 5/4 4/3 2/1 5/4 4/4 3/2 5/2 4/4 3/4
	Snare Top|-6|hit|pearl/PearlSnare|-/4 5/7 1/1 5/3 1/1 -/4 4/6 2/1 1/1 5/4
	Snare Bottom|-13|hit|pearl/PearlSnareRimshot|-/4 4/8 3/8 5/8 2/2 3/2
	Hi-Hat|-14|hit|pearl/SabianHatClosed|4/2 2/2 3/2 2/2 5/2 1/2 3/2 2/1 1/1
	Tom 1|-9|hit|pearl/PearlTom1|-/24 4/2 3/2 5/4 -/56 5/2 4/2 3/4
	Tom 2|-10|hit|pearl/PearlTom2|-/28 5/2 4/2 -/60 3/2 5/2
	Floor Tom|-8|hit|pearl/PearlTomFloor|-/30 5/2 3/16 -/40 4/4 5/4
	Ride|-15|hit|pearl/PaisteRide|3/4 2/4 4/4 2/2 2/2 3/4 5/8
	Overhead L|-12|hit|pearl/SabianCrash|4/32 -/16 3/16 5/64
	Overhead R|-12|hit|pearl/ZildjianSplash|-/16 3/32 5/16 -/32 2/32
	Tambourine|-14|hit|hand/Tambourine|4/4 2/2 2/2 5/4 1/2 2/2 -/32
	Cajon|-9|hit|hand/CajonThumps|5/4 2/2 3/2 4/6 3/2 -/8 5/4 4/4
	Bongos|-12|hit|hand/BongoHi|3/1 2/1 4/2 2/2 3/2 5/4 -/12 4/1 4/1 3/2
	Bass DI|-10|note|033_Finger_Bass|28/4 28/2 31/2 33/4 35/4 28/6 26/2 28/8 33/4 33/2 36/2 38/4 40/4 28/12 -/4
	Bass Amp|-8|note|032_Acoustic_Bass|40/4 40/2 43/2 45/4 47/4 40/6 38/2 40/8 45/4 45/2 48/2 50/4 52/4 40/12 -/4
	Guitar L|-11|note|027_Clean_Electric_Guitar|52/2 55/2 59/2 64/2 62/4 59/4 57/8 -/8 50/2 57/2 62/2 66/2 64/8 -/16
	Guitar R|-9|note|029_Overdriven_Guitar|40/8 43/4 45/4 47/12 -/4 40/6 40/2 50/8 47/16
	Acoustic|-12|note|025_Steel_Guitar|52/2 59/2 64/2 67/2 64/2 59/2 55/2 59/2 50/2 57/2 62/2 66/2 62/4 57/4
	Nylon|-13|note|024_Nylon_Guitar|64/3 62/1 60/4 59/4 57/4 -/16 55/3 57/1 59/12
	Piano L|-10|note|000_Acoustic_Grand_Piano|40/8 47/8 43/8 50/8 45/8 52/4 48/4 40/16
	Piano R|-10|note|001_Acoustic_Brite_Piano|64/2 67/2 71/4 69/2 67/2 64/4 62/6 66/2 64/8 -/32
	Rhodes|-13|note|004_Electric_Piano_1_Rhodes|59/6 62/2 64/8 57/6 60/2 62/8 -/16
	Organ|-14|note|016_Hammond_Organ|52/16 55/16 57/16 59/8 55/8 -/32
	Strings|-16|note|048_String_Ensemble_1_Marcato|64/16 67/16 66/16 62/16 64/32 -/32
	Trumpet|-10|note|056_Trumpet|-/64 64/2 67/2 69/4 71/8 -/8 74/4 71/2 69/2 67/16
	Trombone|-11|note|057_Trombone|-/64 52/4 55/4 57/8 -/8 50/4 52/4 55/16
	Lead Vocal|-8|say|en-us+f3|nothing you played is ever lost/24 -/6 we ran the tape before the first chord rang/30 -/12 and when the room went quiet/20 the tape went on/14 -/24
	Backing 1|-14|say|en-gb+m2|-/40 ever lost/12 -/30 the tape went on/16 -/22
	Backing 2|-15|say|en-us+f5|-/42 ever lost/12 -/28 the tape went on/16 -/22
	Talkback|-12|play|spoken|Front_Left.wav/16 -/48 Rear_Center.wav/16 Side_Right.wav/12 -/80
	Sampler|-9|play|loops|loop_amen.flac/14 loop_tabla.flac/84 loop_breakbeat.flac/15 -/31 ambi_choir.flac/13 guit_em9.flac/76
	END
}

die()
{
	echo "sound: $*" >&2
	exit 1
}

# --- one piece: a hit, a note, a phrase --------------------------------------

# Four bytes of a file at an offset, as a number.
u32()
{
	od -A n -t u4 -j "$2" -N 4 "$1" | tr -d ' '
}

# A Gravis patch's first sample as raw 16 bit, its loop played on for seconds.
# The sample's header is at 239: sizes at 8, 12, 16, rate at 20, root at 30.
patch_sound()
{
	local file=$pats/$1.pat out=$2 begin end i

	begin=$(u32 "$file" 251)
	end=$(u32 "$file" 255)
	tail -c +336 "$file" | head -c "$end" >"$out" || true
	for ((i = 0; end - begin > 2 && i < 600000 / (end - begin); i++)); do
		tail -c +"$((336 + begin))" "$file" |
			head -c "$((end - begin))" >>"$out" || true
	done
}

# piece KIND FROM WHAT STEPS OUT: raw 32-bit float of exactly so many steps.
piece()
{
	local kind=$1 from=$2 what=$3 steps=$4 out=$5
	local frames=$((steps * rate / 8)) strength=5 speed=1 input=() suffix

	case $kind,$what in
	*,-)
		head -c $((frames * 4)) /dev/zero >"$out"
		return
		;;
	hit,*)
		suffix=(- Softest Soft Med Hard Hardest)
		input=("$from-${suffix[$what]}.wav")
		strength=$what
		;;
	note,*)
		local file=$pats/$from.pat notes=$work/$from.raw
		[ -f "$notes" ] || patch_sound "$from" "$notes"
		input=(-t raw -e signed -b 16 -c 1
			-r "$(($(u32 "$file" 259) % 65536))" "$notes")
		speed=$(awk -v note="$what" -v root="$(u32 "$file" 269)" \
			'BEGIN { print 440000 * 2^((note - 69) / 12) / root }')
		strength=$((3 + what % 3))
		;;
	play,*) input=("$from/$what") ;;
	say,*)
		espeak-ng -v "$from" -s 130 -w "$out.wav" "$what"
		input=("$out.wav")
		;;
	esac
	# (-V1: where the recording is longer, nothing is padded, which sox tells.)
	sox -V1 -D "${input[@]}" -t f32 -c 1 "$out" gain -4 speed "$speed" \
		rate "$rate" gain $((2 * strength - 9)) pad 0 "${frames}s" \
		trim 0 "${frames}s" fade t 0 -0 0.01
}

# --- one track ---------------------------------------------------------------

source_of()
{
	case $1 in
	pearl/*) echo "$pearl/${1#*/}" ;;
	hand/*) echo "$hand/${1#*/}" ;;
	loops) echo "$loops" ;;
	spoken) echo "$spoken" ;;
	*) echo "$1" ;;
	esac
}

# Splits what is played into its events, one a line: WHAT/STEPS. Words have
# blanks, so an event ends with its number.
events_of()
{
	echo "$1" | sed 's,/\([0-9][0-9]*\) *,/\1\n,g' | sed '/^$/d'
}

# What channel N plays by itself: n.f32. Above the band's size it plays on as
# another band, from another place in the bar.
dry_track()
{
	local n=$1 line name kind from played event events list=() file i

	line=$(band | sed -n "$(((n - 1) % size + 1))p")
	IFS='|' read -r name _ kind from played <<<"$line"
	from=$(source_of "$from")
	mapfile -t events < <(events_of "$played")
	work=$(mktemp -d "$folder/work.XXXXXX")
	for ((i = 0; i < ${#events[@]}; i++)); do
		event=${events[(i + (n - 1) / size) % ${#events[@]}]}
		file=$work/$(echo "$event" | tr '/ ' '__').f32
		[ -f "$file" ] || piece "$kind" "$from" "${event%/*}" \
			"${event##*/}" "$file" || die "$name: cannot make $event"
		list+=("$file")
	done
	while cat "${list[@]}"; do :; done 2>/dev/null |
		head -c $((seconds * rate * 4)) >"$work/dry" || true
	mv "$work/dry" "$folder/$n.f32"
	rm -rf "$work"
}

# The microphone of channel N: its player, the two before it, a little noise.
track()
{
	local n=$1 level a b raw=(-t f32 -c 1 -r "$rate")

	a=$((n > 1 ? n - 1 : 2))
	b=$((n > 2 ? n - 2 : 3))
	level=$(band | sed -n "$(((n - 1) % size + 1))p" | cut -d '|' -f 2)
	sox -D -m -v 1 "${raw[@]}" "$folder/$n.f32" \
		-v 0.03 "${raw[@]}" "$folder/$a.f32" \
		-v 0.01 "${raw[@]}" "$folder/$b.f32" \
		-v 1 "|sox -t f32 -c 1 -r $rate '$folder/noise.f32' -p trim $n $seconds" \
		-t wavpcm -b "$bits" "$folder/new-$n.wav" gain -n "$level"
	mv "$folder/new-$n.wav" "$(track_file "$n")"
}

track_file()
{
	local name

	name=$(band | sed -n "$((($1 - 1) % size + 1))p" | cut -d '|' -f 1)
	printf '%s/%02d-%s.wav' "$folder" "$1" "${name// /-}"
}

# Runs "$1 N" for every N after it, as many at a time as there are cores.
in_parallel()
{
	local job=$1 n

	shift
	for n; do
		while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
			wait -n
		done
		"$job" "$n" &
	done
	while [ -n "$(jobs -p)" ]; do
		wait -n || return 1
	done
}

# --- the request -------------------------------------------------------------

make_tracks()
{
	local n missing=() needed=()

	for ((n = 1; n <= channels; n++)); do
		[ -f "$(track_file "$n")" ] || missing+=("$n")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	for n in "${missing[@]}" 1 2 3 $((missing[0] - 1)) $((missing[0] - 2)); do
		[ "$n" -lt 1 ] || [ -f "$folder/$n.f32" ] || needed+=("$n")
	done
	mapfile -t needed < <(printf '%s\n' "${needed[@]}" | sort -nu)
	in_parallel dry_track "${needed[@]}"
	sox -R -D -n -t f32 -c 1 -r "$rate" "$folder/noise.f32" \
		synth $((seconds + channels + 1)) pinknoise gain -66
	in_parallel track "${missing[@]}"
	rm -f "$folder"/*.f32
}

make_raw()
{
	local n files=()

	for ((n = 1; n <= channels; n++)); do
		files+=("$(track_file "$n")")
	done
	if [ "$channels" -gt 1 ]; then
		files=(-M "${files[@]}")
	fi
	sox -D "${files[@]}" -t s32 "$folder/new.s32"
	mv "$folder/new.s32" "$folder/$channels.s32"
}

interleaved=no
if [ "${1-}" = --raw ]; then
	interleaved=yes
	shift
fi
if [ $# -lt 4 ] || [ $# -gt 5 ]; then
	die "usage: tests/sound.sh [--raw] OUTDIR CHANNELS RATE SECONDS [BITS]"
fi
out=$1 channels=$2 rate=$3 seconds=$4 bits=${5:-24}
size=$(band | wc -l)
for needed in "$pearl" "$hand" "$pats" "$loops" "$spoken"; do
	[ -d "$needed" ] || die "$needed is missing: tools/setup.sh test"
done

folder=$cache/sound/$rate-$seconds-$bits-$(cksum <"$0" | cut -d ' ' -f 1)
mkdir -p "$folder" "$out"
folder=$(cd "$folder" && pwd -P)
exec 9>"$folder/lock"
flock 9
make_tracks
for ((n = 1; n <= channels; n++)); do
	ln -sf "$(track_file "$n")" "$out/"
done
if [ $interleaved = yes ]; then
	[ -f "$folder/$channels.s32" ] || make_raw
	ln -sf "$folder/$channels.s32" "$out/"
fi
