/* Numbers drawn by counting: the i-th number of a key is a function of key and i alone, so the order in which names arrive,
 * or in which workers draw, changes nothing. SplitMix64 (Steele, Lea & Flood 2014). */
#ifndef HW_RANDOM_H
#define HW_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hw_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static inline uint64_t hw_bits(uint64_t key, uint64_t i) /* number i = 0, 1, … of a key */
{
    return hw_mix64(key + (i + 1) * 0x9E3779B97F4A7C15u);
}

static inline double hw_unit(uint64_t bits) /* in [0, 1) */ { return (double)(int64_t)(bits >> 11) * 0x1p-53; }

static inline double
hw_uniform(uint64_t *state) /* the next number in [0, 1) of a state, which is how many were drawn and a key */
{
    return hw_unit(hw_bits(state[1], state[0]++));
}

/* A number that stands for some bytes, eight at a time; the same on every machine. */
static inline uint64_t hw_hash(uint64_t key, const char *bytes, size_t size)
{
    uint64_t h = key ^ (size * 0x9E3779B97F4A7C15u);
    while (size) {
        size_t n = size < 8 ? size : 8;
        uint64_t word = 0;
        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
        h = hw_mix64(h ^ word);
        bytes += n;
        size -= n;
    }
    return hw_mix64(h);
}

#endif
