#!/bin/sh
# Installs what is missing on Debian 12, 13 and Raspberry Pi OS:
#
#     tools/setup.sh [--list] GROUP...
#
# The groups and their packages are in packages.txt beside this script. When
# all is there, nothing but dpkg's own database is read, so that every make
# can afford to ask. Otherwise apt-get runs, as root or through sudo.

set -eu

list=$(dirname "$0")/packages.txt
list_only=no

usage()
{
	echo "usage: tools/setup.sh [--list] GROUP..." >&2
	echo "groups: $(groups_known | tr '\n' ' ')" >&2
	exit 2
}

groups_known()
{
	sed -n 's/^\([a-z][a-z]*\) .*/\1/p' "$list" | sort -u
}

# The packages of one group, one line each: names that would do, in order.
packages_of()
{
	sed -n "s/^$1  *//p" "$list" | while read -r line; do
		case $line in
		*\[*"$arch"*\]) echo "${line%%\[*}" ;;
		*\[*\]) ;;
		*) echo "$line" ;;
		esac
	done | tr '|' ' '
}

installed_packages()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
		sed -n 's/^installed //p'
}

any_installed()
{
	for name; do
		case "
$present
" in
		*"
$name
"*) return 0 ;;
		esac
	done
	return 1
}

# The lines of these groups of which no package is there.
missing()
{
	present=$(installed_packages)
	for group; do
		packages_of "$group"
	done | while read -r names; do
		# Names of packages hold no blanks.
		# shellcheck disable=SC2086
		any_installed $names || echo "$names"
	done
}

# The first of the names that apt can install.
pick()
{
	for name; do
		if apt-cache policy "$name" 2>/dev/null |
			grep -q '^  Candidate: [^(]'; then
			echo "$name"
			return 0
		fi
	done
	return 1
}

pick_all()
{
	echo "$1" | while read -r names; do
		# shellcheck disable=SC2086
		pick $names || exit 1
	done
}

apt()
{
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=300 "$@"
}

install()
{
	# shellcheck disable=SC2086
	apt install -y --no-install-recommends $1
}

while [ $# -gt 0 ]; do
	case $1 in
	--list) list_only=yes ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage
for group; do
	groups_known | grep -qx -e "$group" || usage
done
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup: this is no Debian; install these yourself:" >&2
	arch=amd64
	for group; do packages_of "$group"; done >&2
	exit 1
fi

arch=$(dpkg --print-architecture)
if [ $list_only = yes ]; then
	for group; do packages_of "$group"; done
	exit
fi

wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0
in_words=$(echo "$wanted" | tr -s '\n ' ' ')

as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null || ! sudo -v; then
		echo "setup: these packages are missing, and installing them" \
			"needs root or sudo: $in_words" >&2
		exit 1
	fi
fi

echo "setup: installing $in_words"
# A machine that has never asked for its package lists knows none of them.
if ! chosen=$(pick_all "$wanted"); then
	apt update
	if ! chosen=$(pick_all "$wanted"); then
		echo "setup: apt does not know all of: $in_words" >&2
		exit 1
	fi
fi
# Old lists name versions that the mirror has dropped: ask again, once.
if ! install "$chosen"; then
	apt update
	install "$chosen"
fi
