/*
 * gpio_find: names of lines on machines that are made up, the words for what
 * is wrong, who holds a line in a /proc that is made up, and levels as debugfs
 * prints them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/gpio_find.h"

static struct gpio_listing listing;
static char error[256];

static void add_chip(const char *chip, const char *label,
		     const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct gpio_line line = {.offset = i};

		snprintf(line.chip, sizeof(line.chip), "%s", chip);
		snprintf(line.label, sizeof(line.label), "%s", label);
		snprintf(line.name, sizeof(line.name), "%s", names[i]);
		assert_int_equal(gpio_listing_add(&listing, &line), 0);
	}
	listing.chips++;
}

/* A Pi with an expander. */
static int make_machine(void **state)
{
	static const char *const pi[] = {"ID_SDA", "GPIO1", "GPIO2", "", "-:1"};
	static const char *const expander[] = {"", "GPIO2", "LED"};

	(void)state;
	memset(error, 'x', sizeof(error));
	add_chip("gpiochip0", "pinctrl-rp1", pi, 5);
	add_chip("gpiochip4", "mcp:20", expander, 3);
	return 0;
}

static int free_machine(void **state)
{
	(void)state;
	gpio_listing_free(&listing);
	return 0;
}

static const struct gpio_line *pick(const char *name, int expected)
{
	int result = 1;
	const struct gpio_line *line = gpio_listing_pick(
		&listing, name, &result, error, sizeof(error));

	assert_int_equal(result, expected);
	assert_int_equal(line == NULL, expected != 0);
	return line;
}

static void assert_found(const char *name, const char *chip, unsigned offset)
{
	const struct gpio_line *line = pick(name, 0);

	assert_string_equal(line->chip, chip);
	assert_int_equal(line->offset, offset);
	assert_string_equal(error, "");
}

static void names_and_places_are_found(void **state)
{
	(void)state;
	assert_found("GPIO1", "gpiochip0", 1);
	assert_found("LED", "gpiochip4", 2);
	assert_found("pinctrl-rp1:2", "gpiochip0", 2);
	/* A label may have a colon, and so may a name. */
	assert_found("mcp:20:1", "gpiochip4", 1);
	assert_found("-:1", "gpiochip0", 4);
}

static void numbers_of_chips_mean_nothing(void **state)
{
	(void)state;
	pick("gpiochip0:1", -ENOENT);
	pick("0:1", -ENOENT);
	pick("1", -ENOENT);
}

static void a_line_without_a_name_is_not_found_by_no_name(void **state)
{
	(void)state;
	pick("", -ENOENT);
	pick(":1", -ENOENT);
	pick("mcp:20:", -ENOENT);
	pick("mcp:20:-1", -ENOENT);
	pick("mcp:20:1x", -ENOENT);
	pick("mcp:20:99999999999999999999", -ENOENT);
}

static void a_name_on_two_chips_is_told_with_both_places(void **state)
{
	(void)state;
	pick("GPIO2", -ENOTUNIQ);
	assert_string_equal(error,
			    "two GPIO lines have the name \"GPIO2\": write "
			    "pinctrl-rp1:2 or mcp:20:1");
}

static void a_label_on_two_chips_is_told(void **state)
{
	static const char *const names[] = {"A", "B"};

	(void)state;
	add_chip("gpiochip5", "mcp:20", names, 2);
	pick("mcp:20:1", -ENOTUNIQ);
	assert_string_equal(error,
			    "two GPIO chips are labelled \"mcp:20\": give "
			    "their lines names (by a device-tree overlay) and "
			    "use those");
	assert_found("B", "gpiochip5", 1);
}

static void an_offset_beyond_the_chip_is_told_with_its_range(void **state)
{
	(void)state;
	pick("mcp:20:3", -ENOENT);
	assert_string_equal(error, "the GPIO chip \"mcp:20\" has the lines 0 "
				   "to 2, and no 3");
}

static void a_missing_line_is_told_with_where_to_look(void **state)
{
	(void)state;
	pick("GPIO17", -ENOENT);
	assert_string_equal(error,
			    "there is no GPIO line \"GPIO17\"; \"takebox "
			    "gpio\" lists those that there are");
	gpio_listing_free(&listing);
	pick("GPIO17", -ENOENT);
	assert_string_equal(error, "this machine has no GPIO chip, so no line "
				   "\"GPIO17\"");
}

static void a_chip_that_may_not_be_opened_explains_what_is_missing(void **state)
{
	(void)state;
	strcpy(listing.denied, "/dev/gpiochip1");
	pick("GPIO17", -EACCES);
	assert_string_equal(error,
			    "/dev/gpiochip1 may not be opened: the recorder's "
			    "user must be in the group gpio");
	assert_found("LED", "gpiochip4", 2);
}

static void words_fit_the_room_that_they_are_given(void **state)
{
	char small[16];
	int result;

	(void)state;
	memset(small, 'x', sizeof(small));
	assert_null(gpio_listing_pick(&listing, "GPIO17", &result, small, 8));
	assert_int_equal(strlen(small), 7);
	assert_int_equal(small[8], 'x');
	assert_null(gpio_listing_pick(&listing, "GPIO17", &result, NULL, 0));
}

/* ---- who holds a line ---- */

static char proc[32];

static int make_proc(void **state)
{
	(void)state;
	strcpy(proc, "/tmp/gpio-proc.XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int free_proc(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", proc);
	return system(command);
}

static void put(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A file of the made-up /proc. */
static void put(const char *text, const char *format, ...)
{
	char name[64], path[128];
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", proc, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A process with one descriptor. */
static void add_process(int pid, const char *name, const char *target,
			const char *info)
{
	static const char *const folders[] = {"", "/fd", "/fdinfo"};
	char path[128];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%d%s", proc, pid, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof(path), "%s/%d/fd/7", proc, pid);
	assert_int_equal(symlink(target, path), 0);
	put(name, "%d/comm", pid);
	put(info, "%d/fdinfo/7", pid);
}

static void assert_holder(const char *consumer, const char *words)
{
	struct gpio_line line = {
		.chip = "gpiochip0", .offset = 3, .used = true};
	char text[256];

	snprintf(line.consumer, sizeof(line.consumer), "%s", consumer);
	gpio_holder(proc, &line, text, sizeof(text));
	assert_string_equal(text, words);
}

static void a_holder_without_a_process_is_its_consumer(void **state)
{
	(void)state;
	add_process(1, "init\n", "/dev/null", "pos:\t0\n");
	assert_holder("led0", "\"led0\"");
	assert_holder("", "the kernel or another program");
}

static void the_process_that_the_kernel_names_holds_the_line(void **state)
{
	(void)state;
	add_process(20, "other\n", "anon_inode:gpio-line",
		    "pos:\t0\ngpio-chip:\tgpiochip0\ngpio-line:\t2\n");
	add_process(21, "right\n", "anon_inode:gpio-line",
		    "gpio-chip:\tgpiochip0\ngpio-line:\t2\ngpio-line:\t3\n");
	add_process(22, "chip\n", "anon_inode:gpio-line",
		    "gpio-chip:\tgpiochip1\ngpio-line:\t3\n");
	assert_holder("button", "\"button\" (process 21, right)");
}

static void without_that_the_only_process_with_lines_is_named(void **state)
{
	(void)state;
	add_process(20, "bash\n", "/dev/tty1", "pos:\t0\n");
	add_process(21, "python3\n", "anon_inode:gpio-event", "pos:\t0\n");
	assert_holder("button", "\"button\" (process 21, python3)");
}

static void among_several_the_consumer_s_name_decides(void **state)
{
	(void)state;
	add_process(20, "python3\n", "anon_inode:gpio-event", "pos:\t0\n");
	add_process(21, "takeboxd\n", "anon_inode:gpio-linehandle", "");
	assert_holder("takebox", "\"takebox\" (process 21, takeboxd)");
}

static void what_cannot_be_decided_is_told(void **state)
{
	char text[256];
	struct gpio_line line = {.chip = "gpiochip0", .consumer = "x"};

	(void)state;
	add_process(20, "one\n", "anon_inode:gpio-event", "pos:\t0\n");
	add_process(21, "two\n", "anon_inode:gpio-event", "pos:\t0\n");
	gpio_holder(proc, &line, text, sizeof(text));
	assert_non_null(strstr(text, "process 20, one"));
	assert_non_null(strstr(text, "process 21, two"));
	assert_non_null(strstr(text, " or process "));
}

static void a_program_recognises_itself(void **state)
{
	char words[128];

	(void)state;
	add_process(getpid(), "me\n", "anon_inode:gpio-line", "pos:\t0\n");
	snprintf(words, sizeof(words),
		 "\"takebox\" (process %d, this program itself)", getpid());
	assert_holder("takebox", words);
}

/* ---- levels ---- */

static int level_of(const char *chip, unsigned offset)
{
	static const char text[] =
		"gpiochip1: GPIOs 496-503, parent: platform/x, other:\n"
		" gpio-499 (hi                  |hi lo               ) in  lo "
		"\n"
		"\n"
		"gpiochip0: GPIOs 504-511, parent: platform/gpio-sim.0, "
		"panel:\n"
		" gpio-504 (REC                 |gpiomon             ) in  hi "
		"IRQ\n"
		" gpio-505 (STOP                )\n"
		" gpio-507 (                    |led (red)           ) out lo "
		"\n";
	struct gpio_line line = {.offset = offset};
	FILE *file = fmemopen((void *)text, sizeof(text) - 1, "r");
	int level;

	snprintf(line.chip, sizeof(line.chip), "%s", chip);
	level = gpio_level_in(file, &line);
	fclose(file);
	return level;
}

static void levels_are_read_from_debugfs(void **state)
{
	(void)state;
	assert_int_equal(level_of("gpiochip0", 0), 1);
	assert_int_equal(level_of("gpiochip0", 3), 0);
	assert_int_equal(level_of("gpiochip1", 3), 0);
	assert_int_equal(level_of("gpiochip0", 1), -ENOENT);
	assert_int_equal(level_of("gpiochip0", 2), -ENOENT);
	assert_int_equal(level_of("gpiochip2", 0), -ENOENT);
}

static void pin_controllers_are_known_by_their_label(void **state)
{
	(void)state;
	assert_true(gpio_chip_is_muxed("gpiochip98", "pinctrl-bcm2711"));
	assert_false(gpio_chip_is_muxed("gpiochip98", "mcp23017"));
}

#define ON_A_MACHINE(name)                                                     \
	cmocka_unit_test_setup_teardown(name, make_machine, free_machine)
#define IN_A_PROC(name)                                                        \
	cmocka_unit_test_setup_teardown(name, make_proc, free_proc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_MACHINE(names_and_places_are_found),
		ON_A_MACHINE(numbers_of_chips_mean_nothing),
		ON_A_MACHINE(a_line_without_a_name_is_not_found_by_no_name),
		ON_A_MACHINE(a_name_on_two_chips_is_told_with_both_places),
		ON_A_MACHINE(a_label_on_two_chips_is_told),
		ON_A_MACHINE(an_offset_beyond_the_chip_is_told_with_its_range),
		ON_A_MACHINE(a_missing_line_is_told_with_where_to_look),
		ON_A_MACHINE(
			a_chip_that_may_not_be_opened_explains_what_is_missing),
		ON_A_MACHINE(words_fit_the_room_that_they_are_given),
		IN_A_PROC(a_holder_without_a_process_is_its_consumer),
		IN_A_PROC(the_process_that_the_kernel_names_holds_the_line),
		IN_A_PROC(without_that_the_only_process_with_lines_is_named),
		IN_A_PROC(among_several_the_consumer_s_name_decides),
		IN_A_PROC(what_cannot_be_decided_is_told),
		IN_A_PROC(a_program_recognises_itself),
		cmocka_unit_test(levels_are_read_from_debugfs),
		cmocka_unit_test(pin_controllers_are_known_by_their_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
