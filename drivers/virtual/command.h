/*
 * command: the lines of the control FIFO and of the log.
 *
 *     [at FRAME] NAME [VALUE]               a command
 *     NS NAME FRAME LOST UNREAD [VALUE]     a line of the log
 *
 * Pure functions; takebox_virtual(5) says what the words mean.
 */
#ifndef TAKEBOX_VIRTUAL_COMMAND_H
#define TAKEBOX_VIRTUAL_COMMAND_H

#include <stddef.h>

#include "drivers/virtual/event.h"

/* 0, or -EINVAL and words. ns is left to the caller. */
int command_parse(const char *line, struct event *command, char *error,
		  size_t error_size);

/* Ends with a newline. */
void command_format(const struct event *note, char *line, size_t size);

#endif
