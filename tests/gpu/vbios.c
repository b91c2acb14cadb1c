// SPDX-License-Identifier: MIT
/*
 * vbios.c - the smallest video BIOS that amdgpu accepts.
 *
 * The driver reads it through ROM_INDEX and ROM_DATA (amdgpu/soc15.c,
 * amdgpu_soc15_read_bios_from_rom) and walks its ATOM tables
 * (amdgpu/atom.c, include/atomfirmware.h). BIOS_SCRATCH_7 says that the ASIC
 * has been posted already, so nothing in it is executed but, after a reset,
 * the one command that there is: ASIC_Init, which does nothing.
 */
#include <string.h>

#include "gpu.h"

/* where the tables lie; any place in the image would do */
enum {
	ROM_HEADER = 0x100,
	COMMAND_TABLE = 0x140,
	ASIC_INIT = 0x1f0,
	DATA_TABLE = 0x200,
	IIO_TABLE = 0x280,
	STRINGS = 0x300,
	FIRMWARE_INFO = 0x340,
};

/* amdgpu/atom.h (ATOM_*_PTR) and amdgpu/atom.c (atom_get_vbios_*) */
enum {
	OFFSET_SIZE = 0x02,		/* image size in 512-byte units */
	OFFSET_NUMBER_OF_STRINGS = 0x2f,
	OFFSET_VBIOS_SIGNATURE = 0x30,	/* AMD_VBIOS_SIGNATURE_OFFSET, amdgpu_bios.c */
	OFFSET_ROM_HEADER = 0x48,	/* ATOM_ROM_TABLE_PTR */
	OFFSET_DATE = 0x50,
	OFFSET_PART_NUMBER = 0x6e,	/* ATOM_ROM_PART_NUMBER_PTR */
	HEADER_MAGIC = 0x04,
	HEADER_COMMAND_TABLE = 0x1e,	/* ATOM_ROM_CMD_PTR */
	HEADER_DATA_TABLE = 0x20,	/* ATOM_ROM_DATA_PTR */
	COMMAND_ASIC_INIT = 4 + 2 * 0,	/* ATOM_CMD_INIT */
	COMMAND_CODE = 0x06,		/* ATOM_CT_CODE_PTR */
	OP_END_OF_TABLE = 91,		/* ATOM_OP_EOT */
	DATA_IIO = 0x32,		/* ATOM_DATA_IIO_PTR */
	DATA_FIRMWARE_INFO = 4 + 2 * 4,	/* atom_master_list_of_data_tables_v2_1.firmwareinfo */
};

static void put16(uint8_t *rom, unsigned int offset, unsigned int value)
{
	rom[offset] = value & 0xff;
	rom[offset + 1] = value >> 8 & 0xff;
}

static void put32(uint8_t *rom, unsigned int offset, uint32_t value)
{
	put16(rom, offset, value & 0xffff);
	put16(rom, offset + 2, value >> 16);
}

/* struct atom_common_table_header */
static void put_table_header(uint8_t *rom, unsigned int offset, unsigned int size,
			     unsigned int format_revision, unsigned int content_revision)
{
	put16(rom, offset, size);
	rom[offset + 2] = format_revision;
	rom[offset + 3] = content_revision;
}

/* struct atom_firmware_info_v3_1 */
static void put_firmware_info(uint8_t *rom)
{
	put_table_header(rom, FIRMWARE_INFO, 72, 3, 1);
	put32(rom, FIRMWARE_INFO + 0x08, 85200);	/* bootup_sclk_in10khz */
	put32(rom, FIRMWARE_INFO + 0x0c, 80000);	/* bootup_mclk_in10khz */
	put32(rom, FIRMWARE_INFO + 0x18, mmBIOS_SCRATCH_0); /* bios_scratch_reg_startaddr */
}

void vbios_build(uint8_t *rom)
{
	/* the part number, a NUL, CR LF and the name: atom_get_vbios_pn() and _name() */
	static const char strings[] = "113-PHANTOM-000\0\r\nPHANTOM VEGA10";
	uint8_t sum = 0;

	memset(rom, 0, VBIOS_BYTES);
	rom[0] = 0x55;
	rom[1] = 0xaa;
	rom[OFFSET_SIZE] = VBIOS_BYTES / 512;
	memcpy(rom + OFFSET_VBIOS_SIGNATURE, " 761295520", 10);
	memcpy(rom + OFFSET_DATE, "11/22/26 00:00", 14);
	put16(rom, OFFSET_ROM_HEADER, ROM_HEADER);

	put_table_header(rom, ROM_HEADER, 0x24, 1, 1);
	memcpy(rom + ROM_HEADER + HEADER_MAGIC, "ATOM", 4);
	put16(rom, ROM_HEADER + HEADER_COMMAND_TABLE, COMMAND_TABLE);
	put16(rom, ROM_HEADER + HEADER_DATA_TABLE, DATA_TABLE);

	put_table_header(rom, COMMAND_TABLE, 4 + 2 * 81, 1, 1);
	put16(rom, COMMAND_TABLE + COMMAND_ASIC_INIT, ASIC_INIT);
	put_table_header(rom, ASIC_INIT, COMMAND_CODE + 1, 1, 1);
	rom[ASIC_INIT + COMMAND_CODE] = OP_END_OF_TABLE;
	put_table_header(rom, DATA_TABLE, 4 + 2 * 36, 2, 1);
	put16(rom, DATA_TABLE + DATA_IIO, IIO_TABLE);	/* all zero: no indirect IO programs */
	put16(rom, DATA_TABLE + DATA_FIRMWARE_INFO, FIRMWARE_INFO);
	put_firmware_info(rom);

	/* must be there: without it atom_get_vbios_pn() follows a null pointer */
	rom[OFFSET_NUMBER_OF_STRINGS] = 1;
	put16(rom, OFFSET_PART_NUMBER, STRINGS);
	memcpy(rom + STRINGS, strings, sizeof(strings));

	for (unsigned int i = 0; i < VBIOS_BYTES; i++)
		sum += rom[i];
	rom[VBIOS_BYTES - 1] = -sum;
}
