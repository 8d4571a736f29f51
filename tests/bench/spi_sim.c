// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel module for the guest: an SPI bus made of nothing, with one device on
 * it, /dev/spidev0.0. What was last clocked out is /sys/kernel/debug/spi-sim:
 * the bytes that a chain of shift registers would hold, the first of them
 * farthest from the bus.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>

static u8 last[4096];
static struct debugfs_blob_wrapper blob = {.data = last};
static struct dentry *file;
static struct platform_device *device;
static struct spi_controller *bus;

static int spi_sim_transfer(struct spi_controller *controller,
			    struct spi_message *message)
{
	struct spi_transfer *part;
	size_t size = 0;

	list_for_each_entry(part, &message->transfers, transfer_list)
	{
		size_t bytes = min_t(size_t, part->len, sizeof(last) - size);

		if (part->tx_buf)
			memcpy(last + size, part->tx_buf, bytes);
		else
			memset(last + size, 0, bytes);
		if (part->rx_buf)
			memset(part->rx_buf, 0, part->len);
		size += bytes;
		message->actual_length += part->len;
	}
	blob.size = size;
	message->status = 0;
	spi_finalize_current_message(controller);
	return 0;
}

static int __init spi_sim_start(void)
{
	/* A name that spidev knows; "spidev" itself is none. */
	struct spi_board_info info = {.modalias = "dh2228fv",
				      .max_speed_hz = 10000000};
	int error;

	device = platform_device_register_simple("spi-sim", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	bus = __spi_alloc_controller(&device->dev, 0, false);
	if (!bus) {
		platform_device_unregister(device);
		return -ENOMEM;
	}
	bus->bus_num = 0;
	bus->num_chipselect = 1;
	bus->mode_bits = SPI_CPOL | SPI_CPHA | SPI_CS_HIGH;
	bus->transfer_one_message = spi_sim_transfer;
	error = spi_register_controller(bus);
	if (error) {
		spi_controller_put(bus);
		platform_device_unregister(device);
		return error;
	}
	file = debugfs_create_blob("spi-sim", 0444, NULL, &blob);
	if (!spi_new_device(bus, &info))
		pr_warn("spi-sim: no device\n");
	return 0;
}

static void __exit spi_sim_end(void)
{
	debugfs_remove(file);
	spi_unregister_controller(bus);
	platform_device_unregister(device);
}

module_init(spi_sim_start);
module_exit(spi_sim_end);
MODULE_DESCRIPTION("an SPI bus made of nothing");
MODULE_LICENSE("GPL");
