/*
 * config_kept: the configuration that a process runs with, for the one after
 * it.
 *
 * A file in the folder that the service manager gives its service and that
 * outlives the process, not the machine (RUNTIME_DIRECTORY, systemd.exec(5)).
 * Where there is no such folder nothing is kept. One thread.
 */
#ifndef TAKEBOX_CONFIG_KEPT_H
#define TAKEBOX_CONFIG_KEPT_H

#include "base/config.h"

/* In place of what was kept before, as a whole or not at all. */
void config_keep(const struct config *config);

/* Negative errno: there is none, or it cannot be read. */
int config_kept(struct config *config);

#endif
