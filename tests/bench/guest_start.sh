#!/bin/sh
# The guest's process 1 once its root is mounted: makes a machine of it, runs
# the command, tells the host how that ended, and turns it off. What vm.sh has
# to say is in /run/bench/settings.
# shellcheck disable=SC2154

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM="${TERM:-linux}"
# shellcheck source=/dev/null
. /run/bench/settings

# The root may have none of its own.
busybox()
{
	/run/bench/busybox "$@"
}

# Also called from a service, below.
if [ "${1-}" = service ]; then
	for out in /dev/vport*p1; do
		break
	done
	cd "$folder" && bash /run/bench/command >"$out" 2>&1 </dev/null
	echo $? >/run/bench/status
	sync
	busybox poweroff -f
fi

mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin
ln -sfn fd/1 /dev/stdout
ln -sfn fd/2 /dev/stderr
busybox ip link set lo up
busybox hostname bench

load_modules()
{
	while read -r name options; do
		[ -n "$name" ] || continue
		# Options are words.
		# shellcheck disable=SC2086
		modprobe "$name" $options || return 1
	done </run/bench/modules
}

run()
{
	if ! load_modules; then
		echo "guest: a kernel module does not load"
		return 125
	fi
	cd "$folder" || return 125
	bash /run/bench/command
}

# The root's own init, with the command as a service of its.
boot()
{
	units=/run/systemd/system
	load_modules || return 1
	bash /run/bench/hardware || return 1
	mkdir -p "$units/multi-user.target.wants"
	cat >"$units/bench.service" <<-EOF
		[Unit]
		Description=The bench's command
		[Service]
		ExecStart=/bin/sh /run/bench/guest_start.sh service
		Environment=HOME=/root
	EOF
	ln -s ../bench.service "$units/multi-user.target.wants/bench.service"
	# Its own shall be mounted.
	umount /dev/pts /dev/shm
	exec /sbin/init
}

if [ "$init" = yes ]; then
	boot >/dev/console 2>&1
elif [ "$shell" = yes ]; then
	load_modules
	cd "$folder" && setsid busybox cttyhack bash
else
	for out in /dev/vport*p1; do
		break
	done
	run >"$out" 2>&1 </dev/null
	echo $? >/run/bench/status
fi
sync
busybox poweroff -f
