/*
 * commands: what `takebox WORD ...` can do.
 *
 * Each takes its own command line: argv[0] is "takebox WORD", so that getopt's
 * messages read well; options given before WORD (--json, --socket PATH) come
 * first in it. Returns an exit code of base/exit_codes.h.
 */
#ifndef TAKEBOX_TOOLS_COMMANDS_H
#define TAKEBOX_TOOLS_COMMANDS_H

int command_status(int argc, char **argv);
int command_record(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_keep(int argc, char **argv);
int command_mark(int argc, char **argv);
int command_arm(int argc, char **argv);
int command_disarm(int argc, char **argv);
int command_name(int argc, char **argv);
int command_session(int argc, char **argv);
int command_takes(int argc, char **argv);
int command_eject(int argc, char **argv); /* eject.c */
int command_monitor(int argc, char **argv);
int command_panel(int argc, char **argv);

/* Those that need no recorder: devices.c, gpio.c, verify.c, heal.c, run.c. */
int command_devices(int argc, char **argv);
int command_gpio(int argc, char **argv);
int command_board(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_heal(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_mirror(int argc, char **argv);
int command_qualify(int argc, char **argv);
int command_run(int argc, char **argv);
int command_panel_test(int argc, char **argv); /* panel_test.c */

#endif
