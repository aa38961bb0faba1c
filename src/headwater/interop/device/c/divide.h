
/* Quotients of floats, rounded as IEEE 754 says, where the processor has no division of its own. Clang's library cuts those below
 * 1.2e-38 off, so weights that fade would end in other last digits. Weak: GCC's library, which rounds, comes before it. */
#if defined __clang__ && DEVICE_ROOTS < 32 && defined __arm__
#define DEVICE_DIVIDE __aeabi_fdiv
#elif defined __clang__ && DEVICE_ROOTS < 32
#define DEVICE_DIVIDE __divsf3
#endif

#ifdef DEVICE_DIVIDE
#if defined __ARM_FEATURE_IDIV || defined __riscv_div
#define DIVIDE_DIGITS 8 /* at once, by a division of whole numbers */
#elif !defined DIVIDE_DIGITS
#define DIVIDE_DIGITS 1
#endif

/* The bits of a float as a whole number of 24 digits, and its exponent. */
static uint32_t divide_part(uint32_t bits, int32_t *exponent)
{
    uint32_t m = bits & 0x7FFFFF;
    *exponent = (int32_t)(bits >> 23);
    if (*exponent)
        return m | (uint32_t)1 << 23;
    for (*exponent = 1; !(m >> 23); *exponent -= 1)
        m <<= 1;
    return m;
}

/* q has 25 digits, of which the last rounds; more: the quotient has digits behind them. */
static uint32_t divide_rounded(uint32_t q, bool more, int32_t exponent)
{
    int32_t gone = exponent < 1 ? 2 - exponent : 1;
    gone = gone > 26 ? 26 : gone;
    uint32_t bits = q >> gone, rest = q & (((uint32_t)1 << gone) - 1), half = (uint32_t)1 << (gone - 1);
    bits += rest > half || (rest == half && (more || (bits & 1)));
    return exponent < 1 ? bits : bits + ((uint32_t)(exponent - 1) << 23); /* the leading one adds 1 to the exponent */
}

__attribute__((weak)) float DEVICE_DIVIDE(float a, float b)
{
    const uint32_t infinite = (uint32_t)0xFF << 23;
    uint32_t x, y, sign, q = 1;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    sign = (x ^ y) >> 31 << 31;
    x = x << 1 >> 1;
    y = y << 1 >> 1;
    if (x > infinite || y > infinite || (x == y && (x == 0 || x == infinite))) {
        x = infinite | 1 << 22; /* not a number */
    } else if (x == infinite || y == 0) {
        x = sign | infinite;
    } else if (x == 0 || y == infinite) {
        x = sign;
    } else {
        int32_t of_a, of_b;
        uint32_t m = divide_part(x, &of_a), n = divide_part(y, &of_b);
        int32_t exponent = of_a - of_b + 127 - (m < n);
        m = (m << (m < n)) - n; /* the first digit is 1 */
        for (int i = 0; i < 24; i += DIVIDE_DIGITS) {
            m <<= DIVIDE_DIGITS;
            uint32_t digits = DIVIDE_DIGITS > 1 ? m / n : m >= n;
            q = q << DIVIDE_DIGITS | digits;
            m -= digits * n;
        }
        x = sign | (exponent > 254 ? infinite : divide_rounded(q, m != 0, exponent));
    }
    memcpy(&a, &x, 4);
    return a;
}
#endif
