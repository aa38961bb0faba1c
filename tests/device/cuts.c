/* Saves that are cut at each byte that they erase or program, or at every STEP-th, in flash that holds noise where the power failed. After each cut
 * a device begins anew: it must find the state before or the one that was being saved, whole. */
#include "headwater.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef STEP
#define STEP 1
#endif

static _Alignas(8) unsigned char flash[2 * MODEL_FLASH_BYTES];
static long left;             /* bytes until the power fails; then nothing succeeds */
static unsigned noise = 2463; /* of a byte that was being written */

static int read_flash(void *context, uint32_t at, void *to, uint32_t bytes)
{
    (void)context;
    memcpy(to, flash + at, bytes);
    return left < 0;
}

static int change(uint32_t at, int value)
{
    if (left-- > 0)
        return flash[at] = (unsigned char)value, 0;
    if (left == -1)
        flash[at] = (unsigned char)((noise = noise * 1103515245u + 12345u) >> 16);
    left = -2;
    return 1;
}

static int erase_flash(void *context, uint32_t at, uint32_t bytes)
{
    (void)context;
    for (uint32_t i = 0; i < bytes; i++)
        if (change(at + i, 0xFF))
            return 1;
    return 0;
}

static int program_flash(void *context, uint32_t at, const void *from, uint32_t bytes)
{
    (void)context;
    for (uint32_t i = 0; i < bytes; i++)
        if (change(at + i, flash[at + i] & ((const unsigned char *)from)[i]))
            return 1;
    return 0;
}

int main(void)
{
    const model_flash memory = {read_flash, erase_flash, program_flash, NULL, 0, MODEL_FLASH_BYTES, flash};
    const long all = 2 * MODEL_FLASH_BYTES;
    double x[MODEL_INPUTS];
    float p[MODEL_OUTPUTS];
    long old = 0, new = 0;
    memset(flash, 0xFF, sizeof flash);
    model_begin();
    left = all + 1;
    if (model_save(&memory) != 0)
        return puts("the first save fails"), 1;
    for (long cut = 0; cut < all; cut += STEP) {
        uint64_t before = model_digest();
        for (int i = 0; i < MODEL_INPUTS; i++)
            x[i] = (double)((cut * 31 + i * 17) % 101) - 50;
        model_learn(x, (double)(cut % MODEL_OUTPUTS), 1, p);
        uint64_t after = model_digest();
        left = cut;
        int saved = model_save(&memory);
        if (saved == 0 && left >= 0)
            break; /* a state may be smaller than its area */
        if (saved == 0)
            return printf("cut %ld: saved, although the power failed\n", cut), 1;
        left = all;
        model_begin();
        if (model_load(&memory) != 0)
            return printf("cut %ld: no whole state\n", cut), 1;
        old += model_digest() == before;
        new += model_digest() == after;
        if (model_digest() != before && model_digest() != after)
            return printf("cut %ld: a state that never was\n", cut), 1;
    }
    left = all + 1;
    if (model_save(&memory) != 0)
        return puts("the last save fails"), 1;
    printf("%ld cuts: %ld found the state before, %ld the new one\n", old + new, old, new);
    return 0;
}
