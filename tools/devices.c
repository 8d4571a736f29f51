/* takebox devices: the machine's capture interfaces and what they can do. */
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "drivers/pcm.h"
#include "tools/commands.h"
#include "tools/options.h"

static const char help[] =
	"usage: takebox devices [--json]\n\n"
	"Lists the capture interfaces of this machine: the name to record by,\n"
	"channels, rates and formats, and who holds one that is busy.\n";

static json_t *formats_of(const struct pcm_info *info)
{
	json_t *formats = json_array();

	for (int i = 0; i < PCM_FORMATS; i++)
		if (info->formats & (1u << i))
			json_array_append_new(formats,
					      json_string(pcm_format_name(i)));
	return formats;
}

static void collect(void *context, const struct pcm_info *info)
{
	json_t *devices = context;
	json_t *one =
		json_pack("{ss ss ss ss ss sb so}", "device", info->device,
			  "name", info->name, "card", info->card_id, "id",
			  info->identity, "holder", info->holder, "readable",
			  (int)info->readable, "formats", formats_of(info));

	if (info->readable) {
		json_object_set_new(one, "channels",
				    json_pack("[ii]", (int)info->channels_min,
					      (int)info->channels_max));
		json_object_set_new(one, "rates",
				    json_pack("[ii]", (int)info->rate_min,
					      (int)info->rate_max));
	}
	json_array_append_new(devices, one);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int number(const json_t *object, const char *key, size_t index)
{
	return (int)json_integer_value(
		json_array_get(json_object_get(object, key), index));
}

static void show(const json_t *device)
{
	const json_t *formats = json_object_get(device, "formats");

	printf("%-28s %s\n", text(device, "device"), text(device, "name"));
	if (text(device, "id")[0])
		printf("    %s\n", text(device, "id"));
	if (!json_is_true(json_object_get(device, "readable"))) {
		printf("    in use by %s\n", text(device, "holder")[0]
						     ? text(device, "holder")
						     : "another program");
		return;
	}
	printf("    %d to %d channels, %d to %d Hz,",
	       number(device, "channels", 0), number(device, "channels", 1),
	       number(device, "rates", 0), number(device, "rates", 1));
	for (size_t i = 0; i < json_array_size(formats); i++)
		printf(" %s", json_string_value(json_array_get(formats, i)));
	printf("\n");
}

static void print_json(json_t *devices)
{
	json_t *reply = json_pack("{sb sO}", "ok", 1, "devices", devices);

	options_print_json(reply);
	json_decref(reply);
}

int command_devices(int argc, char **argv)
{
	struct options options = {.help = help};
	json_t *devices;
	int code = options_read(&options, argc, argv);

	if (code >= 0)
		return code;
	if (optind < argc)
		return options_wrong(argv, "'%s' is too much", argv[optind]);
	devices = json_array();
	pcm_list(collect, devices);
	if (options.json)
		print_json(devices);
	else if (json_array_size(devices) == 0)
		printf("no capture interface is plugged in\n");
	for (size_t i = 0; !options.json && i < json_array_size(devices); i++)
		show(json_array_get(devices, i));
	json_decref(devices);
	return EXIT_OK;
}
