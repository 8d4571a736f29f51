#!/bin/bash
# Builds this tree on the other Debian, 13 on 12 and 12 on 13, and runs a
# command there in the virtual machine: other libraries (libgpiod 2 or 1), the
# same kernel and the same bench.
#
#     tests/bench/other_debian.sh TARGETS VM-ARGUMENT...
#
# TARGETS are make's, in one word; the rest is vm.sh's, without --root. The
# command runs in a folder with this tree, where build/ has what was built.
#
# The other Debian is a folder in $CACHE/other made by debootstrap, with the
# packages of the groups build and guest; it is kept, and what is built there
# too. Root only. Exit status: the command's; 125 if it did not come to that.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
export CACHE=${CACHE:-$tree/.cache}
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "other_debian: $*" >&2
	exit 125
}

[ $# -ge 2 ] || die "usage: other_debian.sh TARGETS VM-ARGUMENT..."
[ "$(id -u)" -eq 0 ] || die "a chroot needs root"
case $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) in
trixie) suite=bookworm ;;
*) suite=trixie ;;
esac
targets=$1
shift
root=$CACHE/other/$suite

# Runs a command in the folder, in mount and process namespaces of its own.
inside()
{
	# In a chroot, whose root is no mount, nothing can be said of how mounts
	# spread; there they are those of whoever made the chroot.
	# shellcheck disable=SC2016 # the inner shell's own
	unshare --mount --propagation unchanged --pid --fork --kill-child \
		bash -euc '
		mount --make-rprivate / 2>/dev/null || true
		mount -t proc proc "$0/proc"
		mount --bind /dev "$0/dev"
		exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			${http_proxy:+http_proxy="$http_proxy"} \
			bash -euc "cd /takebox && $1"' "$root" "$1"
}

make_root()
{
	local base

	command -v debootstrap >/dev/null || "$tree/tools/setup.sh" fresh
	base=$("$tree/tools/base.sh" "$suite")
	[ ! "$root" -nt "$base" ] || return 0
	rm -rf --one-file-system "$root"
	mkdir -p "$root.new/takebox"
	tar -C "$root.new" -xf "$base"
	cp -L /etc/resolv.conf /etc/hosts "$root.new/etc/"
	touch "$root.new"
	mv "$root.new" "$root"
}

# Copies what differs only, so that make sees what changed.
copy_tree()
{
	local file

	cd "$tree"
	git -c safe.directory="$tree" ls-files -co --exclude-standard \
		>"$root/takebox.files"
	(cd "$root/takebox" && find . -path ./build -prune -o -type f -print) |
		sed 's,^\./,,' | grep -vxFf "$root/takebox.files" |
		(cd "$root/takebox" && xargs -r -d '\n' rm -f)
	while IFS= read -r file; do
		[ -f "$file" ] || continue
		cmp -s "$file" "$root/takebox/$file" ||
			install -D "$file" "$root/takebox/$file"
	done <"$root/takebox.files"
}

prepare()
{
	rm -rf --one-file-system "$root.new"
	make_root
	copy_tree
	inside "tools/setup.sh build guest && make -j$(nproc) $targets"
}

mkdir -p "$CACHE/other" "$CACHE/fresh"
exec 9>"$CACHE/other/lock"
flock 9
log=$CACHE/other/$suite.log
if ! prepare >"$log" 2>&1 9>&-; then
	tail -n 20 "$log" >&2
	die "$suite cannot be made ready ($log)"
fi
cd "$root/takebox"
"$here/vm.sh" --root "$root" "$@" 9>&-
