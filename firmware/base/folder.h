/*
 * folder: folders by descriptor, so that what is looked at stays the same
 * folder whatever becomes of its name. Any thread. Errors are negative errno.
 */
#ifndef TAKEBOX_FOLDER_H
#define TAKEBOX_FOLDER_H

#include <dirent.h>

/* The folder name in parent (AT_FDCWD: a path); not through a symbolic link. */
int folder_open(int parent, const char *name);

/* From its beginning, for closedir; dir stays the caller's, and where it is.
 * NULL: see errno. */
DIR *folder_list(int dir);

#endif
