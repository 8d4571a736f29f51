#!/bin/bash
# Debian's base system as a tar file, made by debootstrap from the mirror that
# this machine uses, and kept for a week:
#
#     tools/base.sh SUITE [ARCHITECTURE]
#
# Prints the file's path. Another architecture's packages are unpacked, but not
# yet configured: that takes its processor (/debootstrap/debootstrap
# --second-stage). Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
suite=$1
native=$(dpkg --print-architecture)
architecture=${2:-$native}
cache=${CACHE:-$here/../.cache}/fresh
PATH=$PATH:/usr/sbin:/sbin

name=$suite
options=("--include=ca-certificates,git,make")
if [ "$architecture" != "$native" ]; then
	name=$suite-$architecture
	options=(--arch "$architecture" --foreign)
fi
tar=$cache/$name.tar

# The address of Debian's archive, as this machine's apt knows it, by its
# label: "Debian" or "Debian-Security".
mirror()
{
	apt-get indextargets \
		"Origin: Debian" "Label: $1" "Identifier: Packages" \
		"Component: main" --format "\$(REPO_URI)" | sed -n '1s,/*$,,p'
}

make_base()
{
	local main security

	main=$(mirror Debian)
	security=$(mirror Debian-Security)
	if [ -z "$main" ]; then
		echo "base: apt has no Debian archive: try apt-get update" >&2
		return 1
	fi
	work=$(mktemp -d "$cache/base.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	chmod 755 "$work"
	if ! debootstrap --variant=minbase "${options[@]}" \
		"$suite" "$work" "$main" >"$cache/$name.log" 2>&1; then
		tail -n 5 "$cache/$name.log" >&2
		echo "base: debootstrap failed ($cache/$name.log)" >&2
		return 1
	fi
	{
		echo "deb $main $suite main"
		[ -z "$security" ] || echo "deb $security $suite-security main"
	} >"$work/etc/apt/sources.list"
	apt-config dump --format '%F "%v";%n' |
		grep -E '^Acquire::https?::Proxy' \
			>"$work/etc/apt/apt.conf.d/90proxy" || true
	# The second stage wants what the first has fetched.
	[ "$architecture" != "$native" ] ||
		rm -rf "$work"/var/lib/apt/lists/* \
			"$work"/var/cache/apt/archives/*.deb
	tar -C "$work" -cf "$tar.new" .
	mv "$tar.new" "$tar"
}

[ "$(id -u)" -eq 0 ] || {
	echo "base: debootstrap needs root" >&2
	exit 1
}
command -v debootstrap >/dev/null || "$here/setup.sh" fresh >&2
mkdir -p "$cache"
exec 9>"$cache/$name.lock"
flock 9
[ -n "$(find "$tar" -mtime -7 2>/dev/null)" ] || make_base
echo "$tar"
