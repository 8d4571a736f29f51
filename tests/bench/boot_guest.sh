#!/bin/bash
# The bench's service in the machine that boot.sh boots.
set -u
sleep 60
systemctl list-jobs
systemctl --no-pager status takebox-tape takeboxd
journalctl -b -o short-monotonic --no-pager | tail -80
takebox status
systemd-analyze
systemd-analyze critical-chain --no-pager takeboxd.service
systemd-analyze blame --no-pager| head -20
findmnt; ls -l /run/takebox /dev/gpiochip* /dev/snd
