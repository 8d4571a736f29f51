# Memory that is short: one allocation of takeboxd fails, a few of them in turn.
# All of them: make starve.

@test "an allocation that fails loses no recorded sample" {
	run "$BATS_TEST_DIRNAME/../starve.sh" 40 2600 600 2
	echo "$output"
	[ "$status" -eq 0 ]
}
