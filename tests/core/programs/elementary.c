/* The functions of elementary.h over arrays, and a program that prints a digest of what each gives for a fixed sample.
   test_elementary.py builds it as a shared library to measure errors, and as a program to compare machines. */
#include "elementary.h"

#include <stdio.h>

enum { BLOCK = 1024, BLOCKS = 192 };

#define EACH(FLOAT, DOUBLE)                                                                                                \
    FLOAT(exp32)                                                                                                           \
    FLOAT(log32)                                                                                                           \
    FLOAT(expm1_32)                                                                                                        \
    FLOAT(log1p_32) FLOAT(logistic32) FLOAT(tanh32) FLOAT(erf32) DOUBLE(exp64) DOUBLE(log64) DOUBLE(expm1_64)              \
        DOUBLE(log1p_64) DOUBLE(logistic64) DOUBLE(tanh64) DOUBLE(erf64) DOUBLE(sin2pi64) DOUBLE(cos2pi64)

#define OVER32(name)                                                                                                       \
    void over_##name(const float *restrict x, float *restrict y, long n)                                                   \
    {                                                                                                                      \
        for (long i = 0; i < n; i++)                                                                                       \
            y[i] = hw_##name(x[i]);                                                                                        \
    }
#define OVER64(name)                                                                                                       \
    void over_##name(const double *restrict x, double *restrict y, long n)                                                 \
    {                                                                                                                      \
        for (long i = 0; i < n; i++)                                                                                       \
            y[i] = hw_##name(x[i]);                                                                                        \
    }
EACH(OVER32, OVER64)

void over_pow64(const double *restrict a, const double *restrict b, double *restrict y, long n)
{
    for (long i = 0; i < n; i++)
        y[i] = hw_pow64(a[i], b[i]);
}

void over_ipow64(const double *restrict a, const uint64_t *restrict b, double *restrict y, long n)
{
    for (long i = 0; i < n; i++)
        y[i] = hw_ipow64(a[i], b[i]);
}

/* Numbers without pattern, the same in every run (splitmix64). */
static uint64_t state;
static uint64_t draw(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* By turns: any bit pattern at all; the edges of every binade, zeros, infinities and NaN among them; [-8, 8);
   [-1024, 1024). */
static double draw64(int kind)
{
    static const uint64_t edge[] = {0, 1, 0xfffffffffffffu, 0x8000000000000u};
    uint64_t z = draw();
    if (kind == 0)
        return hw_number64(z);
    if (kind == 1)
        return hw_number64((z & 0xfff0000000000000u) | edge[z & 3]);
    return (double)((int64_t)(z >> 11) - (1ll << 52)) * (kind == 2 ? 0x1p-49 : 0x1p-42);
}
static float draw32(int kind)
{
    static const uint32_t edge[] = {0, 1, 0x7fffffu, 0x400000u};
    uint64_t z = draw();
    if (kind == 0)
        return hw_number32((uint32_t)z);
    if (kind == 1)
        return hw_number32((uint32_t)(z >> 32 & 0xff800000u) | edge[z & 3]);
    return (float)((int32_t)(z >> 40) - (1 << 23)) * (kind == 2 ? 0x1p-20f : 0x1p-13f);
}

/* One NaN stands for all: which of them an operation gives is not fixed. */
static uint64_t digest64(uint64_t h, const double *y)
{
    for (int i = 0; i < BLOCK; i++)
        h = (h ^ (y[i] == y[i] ? hw_bits64(y[i]) : 0x7ff8000000000000u)) * 0x100000001b3u;
    return h ^ (h >> 29);
}
static uint64_t digest32(uint64_t h, const float *y)
{
    for (int i = 0; i < BLOCK; i++)
        h = (h ^ (y[i] == y[i] ? hw_bits32(y[i]) : 0x7fc00000u)) * 0x100000001b3u;
    return h ^ (h >> 29);
}

static float x32[BLOCK], y32[BLOCK];
static double x64[BLOCK], b64[BLOCK], y64[BLOCK];
static uint64_t n64[BLOCK];

static void show(const char *name, uint64_t h)
{
    printf("%s %08lx%08lx\n", name, (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffffu));
}

#define DIGEST(name, x, y, draw_one, digest)                                                                               \
    state = 0, h = 0;                                                                                                      \
    for (int block = 0; block < BLOCKS; block++) {                                                                         \
        for (int i = 0; i < BLOCK; i++)                                                                                    \
            x[i] = draw_one(block % 4);                                                                                    \
        over_##name(x, y, BLOCK);                                                                                          \
        h = digest(h, y);                                                                                                  \
    }                                                                                                                      \
    show(#name, h);
#define DIGEST32(name) DIGEST(name, x32, y32, draw32, digest32)
#define DIGEST64(name) DIGEST(name, x64, y64, draw64, digest64)

int main(void)
{
    uint64_t h;
    EACH(DIGEST32, DIGEST64)

    state = 0, h = 0;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < BLOCK; i++)
            x64[i] = draw64(block % 4), b64[i] = draw64(block / 4 % 4);
        over_pow64(x64, b64, y64, BLOCK);
        h = digest64(h, y64);
    }
    show("pow64", h);

    state = 0, h = 0;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < BLOCK; i++) {
            uint64_t n = draw();
            x64[i] = draw64(block % 4), n64[i] = n >> (n & 63);
        }
        over_ipow64(x64, n64, y64, BLOCK);
        h = digest64(h, y64);
    }
    show("ipow64", h);
    return 0;
}
