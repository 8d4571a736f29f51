# Takes are deleted by a command that names them, and by nothing else.

load recorder.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	session=$PWD/medium/Takebox/Show
}

# A take of a fraction of a second; its folder's name is the output.
make_take() {
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 0.3 \
		-o medium --session Show --json 2>/dev/null |
		jq -r '.take.folder // .folder' | xargs basename
}

hashes() {
	(cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2)
}

@test "a take that is named is deleted, others keep every byte" {
	[ "$(make_take)" = Take-001 ]
	make_take && make_take
	hashes "$session/Take-001" >before
	run takebox delete --yes "$session/Take-002"
	[ "$status" -eq 0 ]
	[ ! -e "$session/Take-002" ]
	hashes "$session/Take-001" >after
	cmp before after
	takebox verify "$session/Take-001" "$session/Take-003"
}

@test "the number of a deleted take is never given again" {
	make_take && make_take
	takebox delete --yes "$session/Take-002" "$session/Take-001"
	[ "$(make_take)" = Take-003 ]
	takebox delete --yes "$session/Take-003"
	rm -f "$session"/.last-00[12]
	[ "$(make_take)" = Take-004 ]
}

@test "nobody is asked, so nothing is deleted; no is no" {
	make_take
	run takebox delete "$session/Take-001" </dev/null
	[ "$status" -eq 4 ]
	takebox verify "$session/Take-001"
	run script -qec "$BUILD/takebox delete $session/Take-001" /dev/null <<<y
	[ "$status" -eq 4 ]
	takebox verify "$session/Take-001"
	run script -qec "$BUILD/takebox delete $session/Take-001" /dev/null <<<yes
	[ "$status" -eq 0 ]
	[ ! -e "$session/Take-001" ]
}

@test "files of others stay, and so does what is no take" {
	make_take
	echo mix >"$session/Take-001/mix.txt"
	mkdir "$session/Take-001/Bounces"
	echo wav >"$session/Take-001/Bounces/1.wav"
	run takebox delete --yes --json "$session/Take-001"
	[ "$status" -eq 0 ]
	[ "$(jq -r '.takes[0].foreign' <<<"$output")" -eq 2 ]
	[ "$(cd "$session/Take-001" && find . -type f | sort | xargs)" = \
		"./Bounces/1.wav ./mix.txt" ]
	mkdir -p photos
	echo jpg >photos/1.jpg
	run takebox delete --yes photos
	[ "$status" -eq 10 ]
	run takebox delete --yes medium
	[ "$status" -eq 10 ]
	run takebox delete --yes "$session"
	[ "$status" -eq 10 ]
	[ -e photos/1.jpg ]
	[ -d "$session" ]
}

@test "a take that is being recorded is left alone" {
	takebox run -D takebox_virtual:CHANNELS=2,SIGNAL=counter -c 2 -d 3 \
		-o medium --session Show >/dev/null 2>&1 3>&- &
	pid=$!
	for _ in $(seq 100); do
		[ -s "$session/Take-001/take.ledger" ] && break
		sleep 0.05
	done
	run takebox delete --yes "$session/Take-001"
	[ "$status" -eq 4 ]
	wait $pid
	takebox verify "$session/Take-001"
}

@test "what a power cut left of a deletion goes with the next one" {
	make_take && make_take
	mv "$session/Take-001" "$session/.deleted-Take-001"
	rm "$session/.deleted-Take-001/take.json"
	takebox heal medium
	[ ! -e "$session/.deleted-Take-001/take.json" ]
	takebox delete --yes "$session/Take-002"
	[ -z "$(find "$session" -mindepth 1 -not -name '.last-*' \
		-not \( -name '.deleted-*' -type f \))" ]
}
