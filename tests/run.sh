#!/bin/bash
# Runs tests and counts them: tests/run.sh [GROUP...], all groups if none is
# named. Each group is a list of programs that speak TAP (cmocka and bats do).
# Passed tests are counted, failed and skipped ones shown. The last line is
# "N passed, N failed, N skipped".
#
#   unit   modules, each by itself             e2e   the programs together
#   asan   unit and e2e under the address and undefined-behaviour sanitizers
#   tsan   unit and e2e under the thread sanitizer
#   fuzz   each fuzz target for $FUZZ_SECONDS (default 10)
#   rt     what the real-time thread may call
#   vm     the virtual machine with real kernel devices
#   lines, steady  the same, where how busy this machine is does not matter

set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export BUILD CACHE=${CACHE:-$PWD/.cache}
FUZZ_SECONDS=${FUZZ_SECONDS:-10}
logs=$BUILD/logs
mkdir -p "$logs" "$CACHE"
# Tests must not depend on what the user has set.
unset NO_COLOR TAKEBOX_SOCKET ALSA_CONFIG_PATH
export LC_ALL=C.UTF-8

passed=0 failed=0 skipped=0

# count LOG NAME STATUS: adds up a TAP log.
count()
{
	local log=$1 name=$2 status=$3 good bad skip

	# How Debian 12's cmocka says it.
	sed -i -E 's/^not (ok [0-9]+ # SKIP)/\1/' "$log"
	skip=$(grep -cE '^ok .*# (skip|SKIP)' "$log")
	good=$(($(grep -c '^ok ' "$log") - skip))
	bad=$(grep -c '^not ok ' "$log")
	# A program that died, or ran nothing, has failed.
	if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] ||
		[ $((good + skip)) -eq 0 ]; }; then
		bad=1
		echo "not ok - $name ended with status $status" >>"$log"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
	printf '%-34s %4d passed' "$name" "$good"
	[ "$skip" -eq 0 ] || printf ', %d skipped' "$skip"
	[ "$bad" -eq 0 ] || printf ', %d FAILED' "$bad"
	printf '  (%d s)\n' "$((SECONDS - started))"
	# Why stands in it, or in the line before.
	grep -B 1 -E '^ok .*# (skip|SKIP)' "$log" |
		grep -E '^#|# (skip|SKIP)' | sed 's/^/    /'
	if [ "$bad" -ne 0 ]; then
		grep -vE '^ok ' "$log" | tail -n 60 | sed 's/^/    /'
	fi
}

# try NAME SECONDS COMMAND...: one program, with a time limit.
try()
{
	local name=$1 limit=$2 log status

	shift 2
	log=$logs/$(echo "$name" | tr '/ ' '__').tap
	started=$SECONDS
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" "$@" \
		>"$log" 2>&1 </dev/null
	status=$?
	count "$log" "$name" "$status"
}

unit_tests()
{
	local label=$1 dir=$2 program

	for program in "$dir"/tests/test_*; do
		case $program in *.d | *.o) continue ;; esac
		try "$label$(basename "$program")" 300 "$program"
	done
}

e2e_tests()
{
	local label=$1 dir=$2 file

	shift 2
	for file; do
		BUILD=$dir try "$label$(basename "$file")" 600 \
			bats --tap "$file"
	done
}

group_unit()
{
	unit_tests "" "$BUILD"
}

group_e2e()
{
	e2e_tests "" "$BUILD" tests/e2e/*.bats
}

# Each case is some ten times as slow there: fewer of the many alike.
export_fewer()
{
	export SANITIZED=1 CALL_STRIDE=40 POSCLOCK_HOURS=0.25
}

# What runs other people's programs on our plugin cannot run sanitized. Not
# among them either: comeback.bats, which is clean under the address sanitizer
# (SANITIZED=1 BUILD=$PWD/build/asan bats tests/e2e/comeback.bats) and takes
# most of a minute, since it waits for power that comes back.
sanitized_e2e="tests/e2e/cli.bats tests/e2e/daemon.bats tests/e2e/faults.bats tests/e2e/panel.bats tests/e2e/tape_dies.bats"

group_asan()
{
	export_fewer
	export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
	unit_tests "asan " "$BUILD/asan"
	# A panel whose terminal goes away in the middle of the leak check never
	# ends: the check's helper gets the hangup too.
	ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
		e2e_tests "asan " "$BUILD/asan" "${sanitized_e2e%% *}"
	# shellcheck disable=SC2086
	e2e_tests "asan " "$BUILD/asan" tests/e2e/board.bats \
		${sanitized_e2e#* }
	unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
}

group_tsan()
{
	export_fewer
	export TSAN_OPTIONS=halt_on_error=1:suppressions=$PWD/tests/tsan.supp
	unit_tests "tsan " "$BUILD/tsan"
	# takebox itself has no threads: cli.bats would show nothing.
	# shellcheck disable=SC2086
	e2e_tests "tsan " "$BUILD/tsan" ${sanitized_e2e#* }
	unset TSAN_OPTIONS
}

fuzz_one()
{
	local target=$1 name corpus seeds=()

	name=$(basename "$target")
	corpus=$CACHE/corpus/$name
	mkdir -p "$corpus"
	[ ! -d "tests/fuzz/corpus/$name" ] || seeds=("tests/fuzz/corpus/$name")
	echo "1..1"
	if "$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 \
		-artifact_prefix="$logs/$name-" "$corpus" "${seeds[@]}" 2>&1
	then
		echo "ok 1 - $name"
	else
		echo "not ok 1 - $name"
	fi
}

group_fuzz()
{
	local target

	for target in "$BUILD"/fuzz/fuzz_*; do
		[ -x "$target" ] || continue
		case $target in *.d | *.o) continue ;; esac
		export -f fuzz_one
		export FUZZ_SECONDS logs
		try "$(basename "$target")" $((FUZZ_SECONDS + 60)) \
			bash -c "fuzz_one $target"
	done
}

group_rt()
{
	try "rt-symbols" 60 tests/rt-symbols.sh
}

group_vm()
{
	try "vm.bats" 900 bats --tap tests/bench/vm.bats
	grep '^# ' "$logs/vm.bats.tap" | sed 's/^# /    /'
	return 0
}

# Virtual machines whose time does not depend on how busy this one is.
group_lines()
{
	try "devices.bats" 300 bats --tap tests/bench/devices.bats
	try "gpio.bats" 600 bats --tap tests/bench/gpio.bats
	try "gpio_lines" 300 tests/bench/gpio_lines.sh
	try "gpio_lines, other libgpiod" 600 tests/bench/gpio_lines.sh other
	try "panel session" 600 tests/bench/panel.sh session
	try "panel presses" 600 tests/bench/panel.sh presses 100
	sed -n '/^REC:/,$p' "$logs/panel_presses.tap" | sed 's/^/    /'
}

group_steady()
{
	try "powercut.bats" 900 bats --tap tests/bench/powercut.bats
	grep '^# ' "$logs/powercut.bats.tap" | sed 's/^# /    /'
	try "long.bats" 900 bats --tap tests/bench/long.bats
	grep '^# ' "$logs/long.bats.tap" | sed 's/^# /    /'
	try "usb.bats" 1000 bats --tap tests/bench/usb.bats
	try "disks.bats" 1000 bats --tap tests/bench/disks.bats
}

# Lots of groups at once, on two cores: much of their time they wait for sound.
# Their counts are added up.
side_by_side()
{
	local lot logs_of=() total good bad skip

	for lot; do
		# shellcheck disable=SC2086
		tests/run.sh $lot >"$logs/${lot// /_}.out" 2>&1 &
		logs_of+=("$logs/${lot// /_}.out")
	done
	wait
	for lot in "${logs_of[@]}"; do
		grep -vE '^took|^[0-9]+ passed' "$lot"
		total=$(grep -E '^[0-9]+ passed' "$lot" | tail -n 1)
		if [ -z "$total" ]; then
			failed=$((failed + 1))
			continue
		fi
		read -r good bad skip < <(tr -dc '0-9 \n' <<<"$total")
		passed=$((passed + good))
		failed=$((failed + bad))
		skipped=$((skipped + ${skip:-0}))
	done
}

began=$SECONDS
if [ $# -gt 0 ]; then
	for group; do
		"group_$group" || exit 2
	done
else
	# The virtual machine last and alone: nothing may hold it up.
	side_by_side "unit rt fuzz asan" "e2e tsan" "lines steady"
	group_vm
fi
echo "took $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
