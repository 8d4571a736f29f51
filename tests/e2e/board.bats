# takebox board: what it says of good, wrong and missing board files; that the
# shipped tables, drawings and overlays are those of the shipped boards.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-build}
	case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
	export TAKEBOX=${TAKEBOX:-$BUILD/takebox}
	export TAKEBOX_BOARDS=$ROOT/board
	cd "$BATS_TEST_TMPDIR" || return 1
}

shipped="bench none pedal rack16 rack8"

@test "list has the shipped boards, each with what it is" {
	run -0 "$TAKEBOX" board list
	[ "$(cut -d' ' -f1 <<<"$output" | xargs)" = "$shipped" ]
	[[ $output == *"one footswitch, one two-colour LED"* ]]
}

@test "list --json has names, texts and files" {
	run -0 "$TAKEBOX" board list --json
	[ "$(jq -r '.boards | map(.name) | join(" ")' <<<"$output")" = "$shipped" ]
	[ "$(jq -r '.boards[2].file' <<<"$output")" = "$TAKEBOX_BOARDS/pedal.board" ]
	[ "$(jq .ok <<<"$output")" = true ]
}

@test "list shows what is wrong with a board that cannot be read" {
	TAKEBOX_BOARDS=$PWD
	echo 'inputs = 1;' >bad.board
	run -0 "$TAKEBOX" board list
	[[ $output == *"bad.board:1: inputs must be a list"* ]]
	[[ $output == *"none"* ]]
}

@test "check finds nothing in the shipped boards" {
	run -0 "$TAKEBOX" board check "$TAKEBOX_BOARDS"/*.board
	[ "${#lines[@]}" -eq 5 ]
	[ "$(grep -c ': can be wired$' <<<"$output")" -eq 5 ]
}

@test "check says file, line and what, and ends with 9" {
	cat >mine.board <<-END
		inputs = (
			{ role = "rec"; line = "GPIO5"; },
			{ role = "stop"; line = "GPIO5"; }
		);
		outputs = ( { role = "rec"; line = "GPIO19"; } );
	END
	run -9 "$TAKEBOX" board check mine.board
	[ "${lines[0]}" = "./mine.board:3: error: GPIO5 is used twice: by rec (line 2) and by stop" ]
	[ "${lines[1]}" = "./mine.board:5: warning: GPIO19 (rec) belongs to I2S: it works with a USB interface, not with an I2S one" ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "check ends with 0 if there are but warnings" {
	echo 'outputs = ({ role = "ready"; line = "GPIO14"; });' >mine.board
	run -0 "$TAKEBOX" board check ./mine.board
	[[ ${lines[0]} == "./mine.board:1: warning: GPIO14"* ]]
	[[ ${lines[1]} == *"can be wired" ]]
}

@test "check of a file that cannot be read ends with 9, of none with 10" {
	echo 'inputs = ({ rolle = "rec"; });' >mine.board
	run -9 "$TAKEBOX" board check mine.board
	[ "$output" = "./mine.board:1: unknown key 'rolle' in inputs; did you mean 'role'?" ]
	run -10 "$TAKEBOX" board check ./nowhere.board
	[ "$output" = "./nowhere.board: there is no such file" ]
	run -10 "$TAKEBOX" board check nowhere
	[[ $output == "there is no board 'nowhere' in "* ]]
	# A wrong one is worse than a missing one, wherever it stands.
	run -9 "$TAKEBOX" board check mine.board ./nowhere.board
	run -9 "$TAKEBOX" board check ./nowhere.board mine.board
}

@test "check --json has the findings of every file" {
	echo 'inputs = ({ role = "mark"; line = "GPIO1"; });' >a.board
	echo 'nonsense' >b.board
	run -9 "$TAKEBOX" board check --json a.board b.board pedal
	[ "$(jq -c '[.ok, (.boards | map(.errors))]' <<<"$output")" = "[false,[1,1,0]]" ]
	[ "$(jq -r '.boards[0].findings[0] | "\(.level) \(.line)"' <<<"$output")" = "error 1" ]
	[[ $(jq -r '.boards[1].findings[0].text' <<<"$output") == *"syntax error"* ]]
}

@test "show lists pins and gestures" {
	run -0 "$TAKEBOX" board show pedal
	[[ $output == *"footswitch     GPIO5    header pin 29   button to ground"* ]]
	[[ $output == *"footswitch     hold     end the take"* ]]
	run -0 "$TAKEBOX" board show rack16
	[[ $output == *"arm 16         GPB7     mcp23017 pin 8"* ]]
	[[ $output == *"bar 16, -0.5 dB QH       register 18"* ]]
}

@test "show --json has all of a board" {
	run -0 "$TAKEBOX" board show rack16 --json
	[ "$(jq -c '.board | [.inputs, .outputs, .gestures] | map(length)' <<<"$output")" = "[22,149,6]" ]
	[ "$(jq -c '.board.outputs[148] | [.role, .track, .chain, .bit, .db]' <<<"$output")" = '["bar",16,"leds",151,-0.5]' ]
	[ "$(jq .board.times.hold <<<"$output")" = 0.7 ]
	run -10 --separate-stderr "$TAKEBOX" board show nix --json
	jq -e '(.ok | not) and .error == "not-found"' <<<"$output"
}

@test "wrong command lines end with 2" {
	run -2 "$TAKEBOX" board
	run -2 "$TAKEBOX" board burn pedal
	run -2 "$TAKEBOX" board check
	run -2 "$TAKEBOX" board show
	run -2 "$TAKEBOX" board show pedal rack8
	run -2 "$TAKEBOX" board list pedal
	run -0 "$TAKEBOX" board --help
}

@test "the committed tables and drawings are those of the boards" {
	for board in $shipped; do
		"$TAKEBOX" board table "$board" >"$board.md"
		cmp "$board.md" "$TAKEBOX_BOARDS/$board.md"
		"$TAKEBOX" board draw "$board" >"$board.svg"
		cmp "$board.svg" "$TAKEBOX_BOARDS/$board.svg"
	done
}

# overlay NAME: compiles it without a warning and applies it to a Pi.
overlay() {
	dtc -@ -I dts -O dtb -o pi.dtb "$ROOT/tests/e2e/pi.dts"
	run -0 dtc -@ -I dts -O dtb -o "$1.dtbo" "$ROOT/board/overlays/$1.dts"
	[ -z "$output" ]
	run -0 fdtoverlay -i pi.dtb -o "$1.dtb" "$1.dtbo"
	[ -z "$output" ]
}

expander=/soc/i2c@7e804000/gpio@20

@test "rack16's overlays give it its expander, as its board file has it" {
	interrupt=$(sed -n 's/.*interrupt = "GPIO\([0-9]*\)".*/\1/p' "$ROOT/board/rack16.board")
	address=$(sed -n 's/.*address = \(0x[0-9]*\).*/\1/p' "$ROOT/board/rack16.board")
	for name in takebox-rack16 takebox-rack16-mainline; do
		overlay $name
		[ "$(fdtget $name.dtb $expander compatible)" = microchip,mcp23017 ]
		[ "$(fdtget $name.dtb $expander reg)" -eq $((address)) ]
		[ "$(fdtget $name.dtb $expander interrupts)" = "$interrupt 8" ]
		[ "$(fdtget $name.dtb $expander gpio-line-names | wc -w)" -eq 16 ]
		[ "$(fdtget $name.dtb $expander/pull-ups pins | wc -w)" -eq 16 ]
		fdtget -p $name.dtb $expander/pull-ups | grep -qx bias-pull-up
		[ "$(fdtget $name.dtb /soc/i2c@7e804000 status)" = okay ]
	done
}

@test "rack16's overlays give it spidev on SPI0" {
	for name in takebox-rack16 takebox-rack16-mainline; do
		overlay $name
		[ "$(fdtget $name.dtb /soc/spi@7e204000 status)" = okay ]
		[ "$(fdtget $name.dtb /soc/spi@7e204000/spidev@0 reg)" -eq 0 ]
		[ "$(fdtget $name.dtb /soc/spi@7e204000/spidev@0 compatible)" = rohm,dh2228fv ]
	done
}

@test "the header's overlay names the lines as board files do" {
	overlay takebox-header-mainline
	read -ra names < <(fdtget takebox-header-mainline.dtb \
		/soc/gpio@7e200000 gpio-line-names)
	[ "${#names[@]}" -eq 28 ]
	for ((i = 2; i < 28; i++)); do
		[ "${names[i]}" = "GPIO$i" ]
	done
}

@test "a board that is installed is found by its name" {
	mkdir boards
	cp "$ROOT/board/pedal.board" boards/mine.board
	TAKEBOX_BOARDS=$PWD/boards run -0 "$TAKEBOX" board show mine
	[[ ${lines[0]} == "mine: one footswitch"* ]]
}

@test "completion offers verbs and boards" {
	command -v "$TAKEBOX" >/dev/null
	PATH=$(dirname "$TAKEBOX"):$PATH
	# shellcheck source=/dev/null
	source "$ROOT/tools/takebox.bash-completion"
	COMP_WORDS=(takebox board "") COMP_CWORD=2
	_takebox
	[[ " ${COMPREPLY[*]} " == *" check "* ]]
	COMP_WORDS=(takebox board show ra) COMP_CWORD=3
	_takebox
	[[ " ${COMPREPLY[*]} " == *" rack8 "* ]]
}
