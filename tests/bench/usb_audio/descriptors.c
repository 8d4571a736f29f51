/* Built up byte by byte: descriptors have lengths and totals that follow from
 * what is in them, and no alignment. */
#include "tests/bench/usb_audio/descriptors.h"

#include <errno.h>
#include <string.h>

#define TYPE_DEVICE    1
#define TYPE_CONFIG    2
#define TYPE_STRING    3
#define TYPE_INTERFACE 4
#define TYPE_ENDPOINT  5
#define TYPE_ASSOCIATE 11
#define CS_INTERFACE   0x24
#define CS_ENDPOINT    0x25

#define CLASS_AUDIO	 1
#define PROTOCOL_UAC2	 0x20
#define TRANSACTION_MAX	 1024
#define MICROFRAMES	 8000 /* a second */
#define INPUT_ID	 1
#define OUTPUT_ID	 2
#define CLOCK_READ_WRITE 7 /* the frequency; its validity can be read */
#define CLOCK_READ	 5

static const char *const strings[] = {
	NULL,
	"Takebox",
	"Bench Interface",
	NULL /* the serial number */,
};
#define STRING_MAKER   1
#define STRING_PRODUCT 2
#define STRING_SERIAL  3

struct builder {
	uint8_t *out;
	size_t used;
};

static void put(struct builder *b, const uint8_t *bytes, size_t count)
{
	memcpy(b->out + b->used, bytes, count);
	b->used += count;
}

#define PUT(builder, ...)                                                      \
	do {                                                                   \
		const uint8_t bytes_[] = {__VA_ARGS__};                        \
		put((builder), bytes_, sizeof(bytes_));                        \
	} while (0)

#define WORD(x) (uint8_t)((x)&0xff), (uint8_t)((x) >> 8 & 0xff)
#define QUAD(x) WORD((uint32_t)(x)), WORD((uint32_t)(x) >> 16)

unsigned shape_packet_bytes(const struct shape *shape)
{
	unsigned highest = 0;

	for (unsigned i = 0; i < shape->rates; i++)
		if (shape->rate[i] > highest)
			highest = shape->rate[i];
	return (highest / MICROFRAMES + 2) * shape->channels * shape->subslot;
}

/* wMaxPacketSize: bytes of a transaction, and how many more of them. */
static unsigned packet_field(unsigned bytes)
{
	unsigned more = (bytes - 1) / TRANSACTION_MAX;

	return (bytes + more) / (more + 1) | more << 11;
}

static void put_device(struct builder *b)
{
	/* 1209:0001 is free for tests that never leave the house. */
	PUT(b, 18, TYPE_DEVICE, WORD(0x0200), 0xef, 2, 1, 64, WORD(0x1209),
	    WORD(0x0001), WORD(0x0100), STRING_MAKER, STRING_PRODUCT,
	    STRING_SERIAL, 1);
}

static void put_control(struct builder *b, const struct shape *shape)
{
	const size_t start = b->used;
	uint8_t total[2];

	PUT(b, 9, CS_INTERFACE, 1, WORD(0x0200), 0x08, 0, 0, 0);
	PUT(b, 8, CS_INTERFACE, 0x0a, CLOCK_ID, 3,
	    shape->clock_fixed ? CLOCK_READ : CLOCK_READ_WRITE, 0, 0);
	PUT(b, 17, CS_INTERFACE, 2, INPUT_ID, WORD(0x0201), 0, CLOCK_ID,
	    (uint8_t)shape->channels, QUAD(0), 0, WORD(0), 0);
	PUT(b, 12, CS_INTERFACE, 3, OUTPUT_ID, WORD(0x0101), 0, INPUT_ID,
	    CLOCK_ID, WORD(0), 0);
	total[0] = (uint8_t)(b->used - start);
	total[1] = 0;
	memcpy(b->out + start + 6, total, sizeof(total));
}

static void put_stream(struct builder *b, const struct shape *shape)
{
	PUT(b, 16, CS_INTERFACE, 1, OUTPUT_ID, 0, 1, QUAD(1),
	    (uint8_t)shape->channels, QUAD(0), 0);
	PUT(b, 6, CS_INTERFACE, 2, 1, (uint8_t)shape->subslot, 24);
	PUT(b, 7, TYPE_ENDPOINT, STREAM_IN, 0x05,
	    WORD(packet_field(shape_packet_bytes(shape))), 1);
	PUT(b, 8, CS_ENDPOINT, 1, 0, 0, 0, WORD(0));
}

static void put_interface(struct builder *b, uint8_t number, uint8_t alternate,
			  uint8_t endpoints)
{
	PUT(b, 9, TYPE_INTERFACE, number, alternate, endpoints, CLASS_AUDIO,
	    (uint8_t)(number == CONTROL_NUMBER ? 1 : 2), PROTOCOL_UAC2, 0);
}

static void put_config(struct builder *b, const struct shape *shape)
{
	uint8_t total[2];

	PUT(b, 9, TYPE_CONFIG, 0, 0, 2, 1, 0, 0x80, 50);
	PUT(b, 8, TYPE_ASSOCIATE, 0, 2, CLASS_AUDIO, 0, PROTOCOL_UAC2, 0);
	put_interface(b, CONTROL_NUMBER, 0, 0);
	put_control(b, shape);
	put_interface(b, STREAM_NUMBER, 0, 0);
	put_interface(b, STREAM_NUMBER, 1, 1);
	put_stream(b, shape);
	total[0] = (uint8_t)b->used;
	total[1] = (uint8_t)(b->used >> 8);
	memcpy(b->out + 2, total, sizeof(total));
}

static int put_string(struct builder *b, const struct shape *shape,
		      unsigned index)
{
	const char *text = index == STRING_SERIAL  ? shape->serial
			   : index < STRING_SERIAL ? strings[index]
						   : NULL;

	if (index == 0) {
		PUT(b, 4, TYPE_STRING, WORD(0x0409));
		return 0;
	}
	if (!text)
		return -EPIPE;
	PUT(b, (uint8_t)(2 + 2 * strlen(text)), TYPE_STRING);
	for (; *text; text++)
		PUT(b, (uint8_t)*text, 0);
	return 0;
}

int descriptor_get(const struct shape *shape, unsigned type, unsigned index,
		   uint8_t *out)
{
	struct builder b = {.out = out};
	int error = 0;

	if (type == TYPE_DEVICE)
		put_device(&b);
	else if (type == TYPE_CONFIG && index == 0)
		put_config(&b, shape);
	else if (type == TYPE_STRING)
		error = put_string(&b, shape, index);
	else
		error = -EPIPE;
	return error < 0 ? error : (int)b.used;
}
