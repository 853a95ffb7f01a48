/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: the input taken apart, and the end when something is wrong.
 *
 * A target is LLVMFuzzerTestOneInput() in a file of its own. It judges by what the documents and
 * headers promise, worked out here a second time or by other code of the tree, and not merely by
 * whether the program survives. The same file is linked with libFuzzer, which looks for inputs,
 * and with corpus_main.c, which runs those that are kept. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program with a sentence unless what must hold does. */
#define must(holds, sentence) ((holds) ? (void)0 : fuzz_found(sentence, __FILE__, __LINE__))
_Noreturn void fuzz_found(const char *sentence, const char *file, int line);

/* The input, taken from the front. Behind its end there are zeros. */
struct feed {
    const uint8_t *at;
    size_t left;
};

uint8_t feed_u8(struct feed *f);
uint16_t feed_u16(struct feed *f);
/* At most n bytes, lent; *taken says how many. */
const uint8_t *feed_bytes(struct feed *f, size_t n, size_t *taken);

/* CRC-16/MODBUS, worked out bit by bit from its definition: polynomial 0x8005 reflected, start
 * 0xFFFF. */
uint16_t fuzz_crc(const uint8_t *p, size_t n);

/* 0x20 to 0x7E alone, and a NUL within cap bytes. */
bool fuzz_is_printable(const char *text, size_t cap);

#endif
