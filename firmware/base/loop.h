/*
 * loop: the one event loop of everything that is not real time (epoll).
 *
 * A loop belongs to the thread that runs it; only loop_quit may be called
 * from another thread or a signal handler. Callbacks run one at a time.
 * Functions return 0 (or an object) or a negative errno (or NULL, errno set).
 */
#ifndef TAKEBOX_LOOP_H
#define TAKEBOX_LOOP_H

#include <stdint.h>

struct loop;
struct loop_source;

/* events: EPOLLIN and so on, as epoll gave them. */
typedef void (*loop_fd_fn)(void *context, uint32_t events);
typedef void (*loop_timer_fn)(void *context);
typedef void (*loop_signal_fn)(void *context, int signal_number);

struct loop *loop_create(void);
void loop_destroy(struct loop *loop); /* frees all its sources; NULL allowed */

int loop_run(struct loop *loop); /* until loop_quit; 0, or negative errno */
void loop_quit(struct loop *loop);

/* The loop does not own fd: close it after loop_remove. */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
				loop_fd_fn fn, void *context);
int loop_change_events(struct loop_source *source, uint32_t events);

/* Fires first_ns from now, then every interval_ns (0: once). */
struct loop_source *loop_add_timer(struct loop *loop, int64_t first_ns,
				   int64_t interval_ns, loop_timer_fn fn,
				   void *context);

/* Blocks the signal for the process and delivers it through the loop; call
 * before any thread is started. */
struct loop_source *loop_add_signal(struct loop *loop, int signal_number,
				    loop_signal_fn fn, void *context);

/* Safe from inside any callback, its own included. NULL allowed. */
void loop_remove(struct loop_source *source);

#endif
