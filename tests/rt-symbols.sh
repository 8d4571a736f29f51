#!/bin/bash
# What runs in the real-time thread calls nothing but what rt-symbols.allow
# lists, and has no variables of its own: all it touches is handed to it. Shown
# by the undefined symbols and the sections of its object files; and so that
# this is known to be a test, by the same with a call too many.
#
# TAP. BUILD: the build folder (default build); CC.

set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
allow=tests/rt-symbols.allow
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sources=(
	drivers/pcm_alsa_rt
	firmware/engine/capture
	firmware/engine/deinterleave
	firmware/engine/posclock
	firmware/engine/posclock_line
	firmware/engine/posclock_rate
	firmware/engine/rate_fit
	firmware/engine/rate_steps
	firmware/engine/rate_watch
	firmware/engine/tape_writer
)
objects=()
for source in "${sources[@]}"; do
	objects+=("$BUILD/obj/$source.o")
done

# Fields of a symbol, NAME CLASS SECTION, of all objects given.
symbols()
{
	nm -f sysv "$@" | awk -F'|' 'NF >= 7 {
		gsub(/ /, "", $1); gsub(/ /, "", $3); gsub(/ /, "", $7)
		print $1, $3, $7
	}'
}

allowed()
{
	sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$allow"
}

# Calls that leave the objects, and are not allowed.
forbidden()
{
	symbols "$@" >"$scratch/all"
	comm -23 <(awk '$2 == "U" { print $1 }' "$scratch/all" | sort -u) \
		<(awk '$2 ~ /^[TW]$/ { print $1 }' "$scratch/all" |
			cat - <(allowed | tr -d '?') | sort -u)
}

# Variables that can be written, once relocated.
variables()
{
	symbols "$@" | awk '$2 ~ /^[bBdDCsSgGV]$/ &&
		$3 !~ /^\.data\.rel\.ro/ { print $1 }'
}

number=0 failed=0
report()
{
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		failed=1
		echo "not ok $number - $1"
		# shellcheck disable=SC2001
		echo "$2" | sed 's/^/# /'
	fi
}

# with TEXT: the objects, with TEXT added to capture.c.
with()
{
	{
		cat firmware/engine/capture.c
		echo "$1"
	} >"$scratch/capture.c"
	${CC:-cc} -std=c11 -O2 -fPIC -D_GNU_SOURCE -Ifirmware -I. -w \
		-c "$scratch/capture.c" -o "$scratch/capture.o" || exit 1
	printf '%s\n' "${objects[@]/*\/capture.o/$scratch/capture.o}"
}

# must_see WHAT CHECK TEXT: CHECK finds WHAT in the objects with TEXT.
must_see()
{
	local found

	mapfile -t changed < <(with "$3")
	found=$("$2" "${changed[@]}")
	[ "$found" = "$1" ] && found="" || found="found: '$found'"
	report "$1 would be found" "$found"
}

echo "1..12"
missing=""
for object in "${objects[@]}"; do
	[ -f "$object" ] || missing+="$object is not built "
done
report "all objects are there" "$missing"
[ -z "$missing" ] || exit 1
report "they call only what is allowed" "$(forbidden "${objects[@]}")"
report "they have no variables" "$(variables "${objects[@]}")"
report "nothing is allowed in vain" "$(comm -23 \
	<(allowed | grep -v '?$' | sort) \
	<(symbols "${objects[@]}" | awk '$2 == "U" { print $1 }' | sort -u))"

must_see malloc forbidden '#include <stdlib.h>
void *too_much(void); void *too_much(void) { return malloc(1); }'
must_see printf forbidden '#include <stdio.h>
void too_much(int x); void too_much(int x) { printf("%d", x); }'
must_see log_write forbidden '#include "base/log.h"
void too_much(void); void too_much(void) { log_error("late"); }'
must_see pthread_mutex_lock forbidden '#include <pthread.h>
void too_much(pthread_mutex_t *m);
void too_much(pthread_mutex_t *m) { pthread_mutex_lock(m); }'
must_see write forbidden '#include <unistd.h>
void too_much(void); void too_much(void) { write(1, "", 1); }'
must_see snd_pcm_drain forbidden 'int snd_pcm_drain(void *);
void too_much(void); void too_much(void) { snd_pcm_drain(0); }'
must_see a_variable variables 'int a_variable;'
must_see a_static_one variables 'static int a_static_one;
int count(void); int count(void) { return ++a_static_one; }'

exit "$failed"
