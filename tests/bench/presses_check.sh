#!/bin/bash
# Judges what panel_guest.sh presses left in FOLDER:
#
#     presses_check.sh FOLDER
#
#   presses   each press: button, and the time before and after its first edge;
#             with a question mark it may have been a bounce
#   crystal   the virtual interface's: a frame's number is a time
#   takes     each take: number of its first frame, frames, markers
#
# The time of a sample is in the sample itself: the virtual interface plays the
# number of each frame, which is an exact function of CLOCK_MONOTONIC. So
# nothing of the recorder's own clock judges the recorder. Each REC must have
# begun a take, each MARK in it must be a marker, each STOP its end, within
# 1 ms; and nothing else may be there. Prints the distribution of the errors.

set -euo pipefail

awk -v limit=1 '
function seconds(frame) { return (ns + (frame - zero) * 1e9 / hz) / 1e9 }
# The frame of what this press did: how far it is, in milliseconds, from the
# middle of the time in which the edge was written; that is all that is known of
# the edge, so only what lies outside of that time is certainly an error.
function note(kind, frame,   ms, half) {
	ms = seconds(frame) * 1e3 - (before[press] + after[press]) / 2e6
	half = (after[press] - before[press]) / 2e6
	count[kind]++
	sum[kind] += ms
	ms = ms < 0 ? -ms : ms
	errors[kind, count[kind]] = ms
	errors["known", ++count["known"]] = half
	if (ms - half > limit)
		wrong(kind " " press " is off by " ms - half " ms")
}
# Whether the frame is what this press did: asked only where it may be none.
function near(frame,   ms) {
	ms = seconds(frame) * 1e3
	return ms > before[press] / 1e6 - limit && ms < after[press] / 1e6 + limit
}
# What a press would have done that may have been none.
function done() {
	if (name[press] == "MARK")
		return running && marked < marks[take] && \
			near(first[take] + mark[take, marked + 1])
	if (name[press] == "REC")
		return !running && take < takes && near(first[take + 1])
	return running && near(first[take] + frames[take])
}
function wrong(text) {
	if (bad++ < 20)
		print "wrong: " text
}
function sort(kind, n,   i, j, x) {
	for (i = 2; i <= n; i++) {
		x = errors[kind, i]
		for (j = i - 1; j > 0 && errors[kind, j] > x; j--)
			errors[kind, j + 1] = errors[kind, j]
		errors[kind, j + 1] = x
	}
}
function report(kind,   n) {
	n = count[kind]
	if (n == 0)
		return
	sort(kind, n)
	printf "%s: %d; error in ms: median %.3f, 95 %% %.3f, 99 %% %.3f, " \
		"largest %.3f, mean %+.3f\n", kind, n,
		errors[kind, int((n + 1) / 2)], errors[kind, int(n * 0.95 + 0.5)],
		errors[kind, int(n * 0.99 + 0.5)], errors[kind, n],
		sum[kind] / n
}
FILENAME ~ /crystal$/ { ns = $2; zero = $3; hz = $4; next }
FILENAME ~ /takes$/ {
	first[++takes] = $1
	frames[takes] = $2
	marks[takes] = NF - 2
	for (i = 3; i <= NF; i++)
		mark[takes, i - 2] = $i
	next
}
{ name[++presses] = $1; before[presses] = $2; after[presses] = $3 }
END {
	for (press = 1; press <= presses; press++) {
		if (sub(/\?$/, "", name[press])) {
			count["unsure"]++
			if (!done())
				continue
		}
		if (name[press] == "REC" && !running) {
			running = 1
			marked = 0
			if (++take > takes) {
				wrong("press " press " began no take")
				continue
			}
			if (first[take] == "broken") {
				wrong("take " take " is not one stretch of sound")
				continue
			}
			note("REC", first[take])
		} else if (name[press] == "MARK" && running) {
			if (++marked > marks[take])
				wrong("press " press " set no marker")
			else
				note("MARK", first[take] + mark[take, marked])
		} else if (name[press] == "STOP" && running) {
			running = 0
			note("STOP", first[take] + frames[take])
			if (marked != marks[take])
				wrong("take " take " has " marks[take] \
					" markers, not " marked)
		} else
			count["idle"]++
	}
	if (take != takes)
		wrong(takes " takes, not " take)
	report("REC")
	report("MARK")
	report("STOP")
	n = count["known"]
	sort("known", n)
	printf "when the edges were is known within +- ms: median %.3f, " \
		"95 %% %.3f, largest %.3f\n", errors["known", int((n + 1) / 2)],
		errors["known", int(n * 0.95 + 0.5)], errors["known", n]
	printf "%d presses, %d of them with nothing to do, %d takes: %d wrong\n",
		presses - count["unsure"], count["idle"], takes, bad
	if (count["unsure"] > 0)
		printf "%d more bounces may have been presses, as the machine " \
			"stood still\n", count["unsure"]
	exit bad > 0 || presses == 0
}' "$1/crystal" "$1/takes" "$1/presses"
