_Static_assert(sizeof(double) == 8, "a double has 64 bits: boards of 8 bits can't hold a model");

/* Square roots, rounded to the nearest number, where the processor has none of its own. */

#if defined __x86_64__ || defined __aarch64__ || defined __wasm__
#define DEVICE_ROOTS 64
#elif defined __ARM_FP && !defined __SOFTFP__
#define DEVICE_ROOTS (__ARM_FP & 8 ? 64 : 32)
#elif defined __riscv_flen
#define DEVICE_ROOTS __riscv_flen
#else
#define DEVICE_ROOTS 0
#endif

/* The instruction itself: else GCC would also call the C library, for errno. */
#if defined __arm__ && DEVICE_ROOTS
#define DEVICE_ROOT(x) __asm__("vsqrt.f32 %0, %1" : "=t"(x) : "t"(x))
#define DEVICE_WIDE_ROOT(x) __asm__("vsqrt.f64 %P0, %P1" : "=w"(x) : "w"(x))
#elif defined __riscv && DEVICE_ROOTS
#define DEVICE_ROOT(x) __asm__("fsqrt.s %0, %1" : "=f"(x) : "f"(x))
#define DEVICE_WIDE_ROOT(x) __asm__("fsqrt.d %0, %1" : "=f"(x) : "f"(x))
#elif defined __aarch64__
#define DEVICE_ROOT(x) __asm__("fsqrt %s0, %s1" : "=w"(x) : "w"(x))
#define DEVICE_WIDE_ROOT(x) __asm__("fsqrt %d0, %d1" : "=w"(x) : "w"(x))
#endif

#if DEVICE_ROOTS < 64
static double device_sqrt(double x)
{
    uint64_t bits, m, root = 0, left = 0;
    memcpy(&bits, &x, 8);
    int64_t exponent = (int64_t)(bits >> 52 & 0x7FF);
    if (x != x || x == 0 || bits >> 63 || exponent == 0x7FF)
        return x == 0 || x > 0 ? x : (x - x) / (x - x);
    m = bits & 0xFFFFFFFFFFFFF;
    if (exponent)
        m |= (uint64_t)1 << 52;
    else
        for (exponent = 1; !(m >> 52); exponent--)
            m <<= 1;
    exponent -= 1023;
    m <<= 10 + (exponent & 1); /* in [2^62, 2^64): two bits of it for each of the root, then zeros: 54 bits of a root */
    for (int i = 0; i < 54; i++) {
        left = left << 2 | m >> 62;
        m <<= 2;
        uint64_t more = root << 2 | 1;
        root <<= 1;
        if (left >= more) {
            left -= more;
            root |= 1;
        }
    }
    root = (root >> 1) + (root & 1); /* 54 bits, of which the last rounds: no root lies just between two numbers */
    exponent = (exponent - (exponent & 1)) / 2 + 1023;
    bits = root + ((uint64_t)(exponent - 1) << 52); /* the leading one adds 1 to the exponent */
    memcpy(&x, &bits, 8);
    return x;
}
#elif defined DEVICE_WIDE_ROOT
static inline double device_sqrt(double x)
{
    DEVICE_WIDE_ROOT(x);
    return x;
}
#else
#define device_sqrt __builtin_sqrt
#endif

#if DEVICE_ROOTS < 32
static float device_sqrtf(float x)
{
    uint32_t bits, m, root = 0, left = 0;
    memcpy(&bits, &x, 4);
    int32_t exponent = (int32_t)(bits >> 23 & 0xFF);
    if (x != x || x == 0 || bits >> 31 || exponent == 0xFF)
        return x == 0 || x > 0 ? x : (x - x) / (x - x);
    m = bits & 0x7FFFFF;
    if (exponent)
        m |= (uint32_t)1 << 23;
    else
        for (exponent = 1; !(m >> 23); exponent--)
            m <<= 1;
    exponent -= 127;
    m <<= 7 + (exponent & 1);
    for (int i = 0; i < 25; i++) {
        left = left << 2 | m >> 30;
        m <<= 2;
        uint32_t more = root << 2 | 1;
        root <<= 1;
        if (left >= more) {
            left -= more;
            root |= 1;
        }
    }
    root = (root >> 1) + (root & 1);
    exponent = (exponent - (exponent & 1)) / 2 + 127;
    bits = root + ((uint32_t)(exponent - 1) << 23);
    memcpy(&x, &bits, 4);
    return x;
}
#elif defined DEVICE_ROOT
static inline float device_sqrtf(float x)
{
    DEVICE_ROOT(x);
    return x;
}
#else
#define device_sqrtf __builtin_sqrtf
#endif
