/*
 * qualify_id: which volume a folder is on. Part of qualify.
 *
 * By the UUID, or serial number, that the file system was made with, where
 * udev's database knows it; else as the kernel says (f_fsid of statfs(2)),
 * which for FAT, exFAT, NTFS, XFS and F2FS is no more than the number of the
 * device: another one when the same stick is sdb1 rather than sda1. With both
 * goes the size: a copy onto a larger medium can have the same UUID.
 */
#ifndef TAKEBOX_QUALIFY_ID_H
#define TAKEBOX_QUALIFY_ID_H

#include <stdbool.h>

#define QUALIFY_ID_MAX	64
#define QUALIFY_ID_UDEV "/run/udev/data"

/* dir: open, stays the caller's; udev: folder of the database. "": unknown. */
void qualify_id(char id[QUALIFY_ID_MAX], int dir, const char *udev);

/* Is it this volume's? Also if it is the kernel's word and udev knows more:
 * it was written when udev had not been asked, or did not know. */
bool qualify_id_fits(const char *id, int dir, const char *udev);

#endif
