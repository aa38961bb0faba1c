/* The division of floats that exported models bring along, beside that of this processor: bits drawn at random, and all pairs of bits
 * where something ends. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DEVICE_ROOTS 64
#define DEVICE_DIVIDE divided
float divided(float a, float b);
#include "divide.h"

static uint64_t drawn = 88172645463325252u;

static uint32_t next_bits(void)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    return (uint32_t)(drawn >> 16);
}

/* Whether both divisions give the same bits; any number that is none is the same. */
static bool agree(uint32_t x, uint32_t y)
{
    volatile float a, b;
    memcpy((void *)&a, &x, 4);
    memcpy((void *)&b, &y, 4);
    float wanted = a / b, got = divided(a, b);
    if ((wanted != wanted && got != got) || memcmp(&wanted, &got, 4) == 0)
        return true;
    printf("%a / %a: expected %a, got %a\n", (double)a, (double)b, (double)wanted, (double)got);
    return false;
}

int main(void)
{
    static const uint32_t ends[] = {0, 1, 2, 3, 0x7FFFFF, 0x800000, 0x800001, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3FC00000,
                                    0x40000000, 0x40400000, 0x7F000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000};
    const int count = sizeof ends / sizeof *ends;
    long tried = 0;
    for (int i = 0; i < 4 * count * count; i++, tried++)
        if (!agree(ends[i / 4 % count] | (uint32_t)(i & 1) << 31, ends[i / 4 / count] | (uint32_t)(i & 2) << 30))
            return 1;
    for (; tried < 4000000; tried++) {
        uint32_t x = next_bits(), y = next_bits();
        /* every other quotient lies near the smallest numbers */
        if (!agree(tried & 1 ? x & 0x83FFFFFF : x, tried & 1 ? (y & 0x80FFFFFF) | 0x3F000000 | (y & 0x1F) << 23 : y))
            return 1;
    }
    printf("%ld quotients\n", tried);
    return 0;
}
