# Memory that is short: one allocation of takeboxd fails, a few of them in turn.
# All of them: make starve.

@test "an allocation that fails loses no recorded sample" {
	run "$BATS_TEST_DIRNAME/../starve.sh" 40 2600 600 2
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "nor one of the takeboxd that goes on with a take" {
	run "$BATS_TEST_DIRNAME/../starve.sh" --again 330 2500 600 4
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "nor one of a heal" {
	run "$BATS_TEST_DIRNAME/../starve_heal.sh" 3 1500 100 2
	echo "$output"
	[ "$status" -eq 0 ]
}
