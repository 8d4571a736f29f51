#!/bin/bash
# Linters: format, static checks, shell scripts, man pages, and that vendor
# headers stay in their files.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0

complain()
{
	echo "lint: $*" >&2
	status=1
}

mapfile -t sources < <(git ls-files '*.c' '*.h')
# Each clang-format has its own taste; Debian 12's is the house's.
if clang-format --version | grep -q ' 14\.'; then
	clang-format --dry-run --Werror "${sources[@]}" ||
		complain "clang-format -i mends the format"
else
	echo "lint: the format is checked by clang-format 14 only"
fi

cppcheck --quiet --std=c11 --language=c --enable=warning,portability \
	--inline-suppr --suppress=missingIncludeSystem --error-exitcode=1 \
	--suppress=normalCheckLevelMaxBranches --suppress=shiftTooManyBitsSigned -Ifirmware -I. -DTAKEBOX_VERSION='""' \
	-j2 firmware drivers tools || complain "cppcheck found something"

mapfile -t scripts < <(git ls-files '*.sh' tests/starve.bash .ci/run drivers/virtual/virtualctl \
	board/media/takebox-medium debian/takebox.postinst debian/takebox.postrm)
shellcheck "${scripts[@]}" || complain "shellcheck found something"

# Vendor headers: one room each.
git grep -nE '#include <(alsa/|gpiod)' -- '*.c' '*.h' |
	grep -vE '^(drivers/|tests/)' && complain "<alsa/> outside drivers/"
git grep -nE '#include <FLAC/' -- '*.c' '*.h' |
	grep -vE '^(firmware/take/(encoder|flac_)|tests/)' &&
	complain "<FLAC/> outside its files"
# Includes point one way: surface, transport, take, engine, base.
git grep -nE '#include "(take|transport|surface)/' -- firmware/engine firmware/base drivers \
	| grep . && complain "an include points upwards"
git grep -nE '#include "(transport|surface)/' -- firmware/take | grep . &&
	complain "an include points upwards"
git grep -nE 'TODO|FIXME|\bXXX\b' -- '*.c' '*.h' '*.sh' Makefile |
	grep -v tests/lint.sh && complain "something is left for later"

[ "$status" -eq 0 ] && echo "lint: clean"
exit "$status"
