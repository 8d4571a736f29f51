/*
 * The three checks: CRC-8 of a frame's header, CRC-16 of a frame (RFC 9639
 * sections 9.1.8 and 9.3) and the CRC-32 of Takebox's own records.
 *
 * The CRC-16 may run over all of a take, so it is taken eight bytes at a time:
 * crc16_table[k][b] is what byte b leaves behind after k more bytes, and what
 * the eight leave behind adds up. The tables are filled before main and
 * constant ever after.
 */
#include "take/flac_format.h"

static uint8_t crc8_table[256];
static uint16_t crc16_table[8][256];
static uint32_t crc32_table[256];

static void fill_byte(unsigned byte)
{
	uint32_t crc8 = byte, crc16 = byte << 8, crc32 = byte;
	unsigned bit;

	for (bit = 0; bit < 8; bit++) {
		crc8 = crc8 << 1 ^ (crc8 & 0x80 ? 0x107 : 0);
		crc16 = crc16 << 1 ^ (crc16 & 0x8000 ? 0x18005 : 0);
		crc32 = crc32 >> 1 ^ (crc32 & 1 ? 0xedb88320 : 0);
	}
	crc8_table[byte] = (uint8_t)crc8;
	crc16_table[0][byte] = (uint16_t)crc16;
	crc32_table[byte] = crc32;
}

__attribute__((constructor)) static void fill_tables(void)
{
	unsigned byte, k, crc;

	for (byte = 0; byte < 256; byte++)
		fill_byte(byte);
	for (k = 1; k < 8; k++) {
		for (byte = 0; byte < 256; byte++) {
			crc = crc16_table[k - 1][byte];
			crc16_table[k][byte] =
				(uint16_t)(crc << 8 ^ crc16_table[0][crc >> 8]);
		}
	}
}

uint8_t flac_crc8(const uint8_t *data, size_t size)
{
	uint8_t crc = 0;

	while (size--)
		crc = crc8_table[crc ^ *data++];
	return crc;
}

uint16_t flac_crc16(uint16_t crc, const uint8_t *data, size_t size)
{
	unsigned first, second;

	for (; size >= 8; data += 8, size -= 8) {
		first = data[0] ^ crc >> 8;
		second = data[1] ^ (crc & 0xff);
		crc = crc16_table[7][first] ^ crc16_table[6][second] ^
		      crc16_table[5][data[2]] ^ crc16_table[4][data[3]] ^
		      crc16_table[3][data[4]] ^ crc16_table[2][data[5]] ^
		      crc16_table[1][data[6]] ^ crc16_table[0][data[7]];
	}
	for (; size; data++, size--)
		crc = (uint16_t)(crc << 8 ^
				 crc16_table[0][(crc >> 8 ^ *data) & 0xff]);
	return crc;
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (crc = ~crc; size; p++, size--)
		crc = crc >> 8 ^ crc32_table[(crc ^ *p) & 0xff];
	return ~crc;
}
