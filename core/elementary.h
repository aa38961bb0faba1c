/* Elementary functions that give the same bits on every machine.

   They use + - * / and integer operations alone. IEEE 754 fixes the result of each, so the compiler, the processor and
   the width of its vectors don't matter. What the build must promise: no fused multiply-add (-ffp-contract=off) and no
   -ffast-math. With -fno-math-errno -fno-trapping-math compilers vectorise a loop that calls any function here but
   hw_ipow64, from x86-64 upwards. Nothing branches: a condition only selects.

   An ulp is the distance of two neighbouring numbers at the exact result. The errors are measured: of float functions
   over every argument, of double ones over 40 million; tests/core/test_elementary.py holds them against mpmath. Every
   argument has a defined result, and NaN gives NaN. For normal arguments nothing depends on how the processor treats
   subnormal numbers.

   The polynomials are minimax: a Remez exchange, weighted so that the error of the function's result is even. */
#ifndef HW_ELEMENTARY_H
#define HW_ELEMENTARY_H

#include <stdint.h>

#ifdef __FAST_MATH__
#error "elementary.h must be compiled without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "elementary.h needs float arithmetic in float (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* Numbers and their bits. */
static inline uint32_t hw_bits32(float x)
{
    union {
        float number;
        uint32_t bits;
    } u = {.number = x};
    return u.bits;
}
static inline float hw_number32(uint32_t bits)
{
    union {
        uint32_t bits;
        float number;
    } u = {.bits = bits};
    return u.number;
}
static inline uint64_t hw_bits64(double x)
{
    union {
        double number;
        uint64_t bits;
    } u = {.number = x};
    return u.bits;
}
static inline double hw_number64(uint64_t bits)
{
    union {
        uint64_t bits;
        double number;
    } u = {.bits = bits};
    return u.number;
}
static inline float hw_abs32(float x) { return hw_number32(hw_bits32(x) & 0x7fffffffu); }
static inline double hw_abs64(double x) { return hw_number64(hw_bits64(x) & 0x7fffffffffffffffu); }

/* size >= 0 with the sign of x. */
static inline float hw_sign32(float size, float x) { return hw_number32(hw_bits32(size) | (hw_bits32(x) & 0x80000000u)); }
static inline double hw_sign64(double size, double x)
{
    return hw_number64(hw_bits64(size) | (hw_bits64(x) & 0x8000000000000000u));
}

/* ---- float ------------------------------------------------------------------------------------------------------ */

/* ln 2 in two parts. HIGH has 16 bits: its product with an exponent is exact. */
#define HW_LN2_HIGH32 0.693145751953125f
#define HW_LN2_LOW32 1.4286068e-06f

/* x = k ln 2 + r + lost with |r| <= ln 2 / 2, for -87 <= x <= 88; power = 2^k, and lost is what rounding took from r.
   Adding 1.5 * 2^23 rounds x / ln 2 to the integer k, and 127 more makes the last 8 bits the exponent of 2^k. */
static inline float hw_split32(float x, float *power, float *lost)
{
    float shifted = x * 1.442695f + 12583039.0f;
    float k = shifted - 12583039.0f;
    *power = hw_number32(hw_bits32(shifted) << 23);
    float high = x - k * HW_LN2_HIGH32, low = k * HW_LN2_LOW32, r = high - low;
    *lost = (high - r) - low;
    return r;
}

/* (e^r - 1 - r) / r^2, for |r| <= ln 2 / 2. */
static inline float hw_exp_tail32(float r)
{
    float r2 = r * r;
    return (0.49999997f + 0.16666543f * r) + r2 * ((0.0416672f + 0.0083665475f * r) + r2 * 0.0013882531f);
}

/* e^x, x taken into [-87, 88]. At most 1.04 ulp. */
static inline float hw_exp32(float x)
{
    float power, lost;
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float r = hw_split32(x, &power, &lost);
    return power * (1.0f + (r + r * r * hw_exp_tail32(r)));
}

/* e^x - 1, x taken into [-87, 88]. At most 1.75 ulp. */
static inline float hw_expm1_32(float x)
{
    float power, lost;
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float r = hw_split32(x, &power, &lost);
    return power * (r + (r * r * hw_exp_tail32(r) + lost)) + (power - 1.0f);
}

/* 1 - e^-x for 0 <= x <= 87. */
static inline float hw_complement32(float x)
{
    float power, lost, r = hw_split32(-x, &power, &lost);
    return (1.0f - power) - power * (r + r * r * hw_exp_tail32(r));
}

/* ln(1 + f) + k ln 2, for sqrt(1/2) <= 1 + f <= sqrt(2). With s = f / (2 + f): ln(1 + f) = 2 artanh s. */
static inline float hw_log_sum32(float f, float k)
{
    float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
    float tail = z * (0.66666776f + z * (0.39977565f + z * 0.29871204f));
    return k * HW_LN2_HIGH32 - ((half - (s * (half + tail) + k * HW_LN2_LOW32)) - f);
}

/* ln x for normal x > 0 and infinity; any less gives ln of the smallest normal number, -87.3. At most 0.85 ulp. */
static inline float hw_log32(float x)
{
    x = x < 1.17549435e-38f ? 1.17549435e-38f : x;
    uint32_t bits = hw_bits32(x) + (0x3f800000u - 0x3f3504f3u);
    float k = (float)((int32_t)(bits >> 23) - 127);
    float f = hw_number32((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float y = hw_log_sum32(f, k);
    return x <= 3.40282347e+38f ? y : x;
}

/* ln(1 + x) for x > -1; any less gives ln(2^-24). At most 1.40 ulp. */
static inline float hw_log1p_32(float x)
{
    x = x < -0.99999994f ? -0.99999994f : x;
    float u = 1.0f + x;
    uint32_t bits = hw_bits32(u) + (0x3f800000u - 0x3f3504f3u), exponent = bits >> 23;
    float lost = x - (u - 1.0f);                        /* what rounding took from u */
    float scale = hw_number32((255u - exponent) << 23); /* 2 / 2^k */
    float k = (float)((int32_t)exponent - 127);
    float f = (hw_number32((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f) + scale * (0.5f * lost);
    float y = hw_log_sum32(f, k);
    return u <= 3.40282347e+38f ? y : u;
}

/* 1 / (1 + e^-x), |x| taken into [0, 87], so that nothing overflows. At most 2.45 ulp. */
static inline float hw_logistic32(float x)
{
    float power, lost, size = hw_abs32(x);
    size = size > 87.0f ? 87.0f : size;
    float r = hw_split32(-size, &power, &lost);
    float e = power * (1.0f + (r + r * r * hw_exp_tail32(r)));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* tanh x = d / (2 - d) with d = 1 - e^-2x. At most 2.60 ulp. */
static inline float hw_tanh32(float x)
{
    float size = hw_abs32(x);
    size = size > 10.0f ? 10.0f : size;
    float d = hw_complement32(2.0f * size);
    return hw_sign32(d / (2.0f - d), x);
}

/* erf x = 1 - e^-g(x) with g(x) = x + x p(x), p a polynomial. At most 2.25 ulp. */
static inline float hw_erf32(float x)
{
    float a = hw_abs32(x);
    a = a > 4.0f ? 4.0f : a;
    float a2 = a * a, a4 = a2 * a2;
    float low = (0.12837917f + 0.6366194f * a) + a2 * (0.10277783f - 0.019153068f * a);
    float high = (-0.00016038358f + 0.0016670111f * a) + a2 * (-0.00063282583f + 0.00011763768f * a);
    float g = a + a * (low + a4 * (high - a4 * 9.255817e-06f));
    return hw_sign32(hw_complement32(g), x);
}

/* ---- double ----------------------------------------------------------------------------------------------------- */

/* ln 2 in two parts. HIGH has 42 bits: its product with an exponent is exact. */
#define HW_LN2_HIGH64 0.6931471805598903
#define HW_LN2_LOW64 5.497923018708371e-14

/* x = k ln 2 + r + lost with |r| <= ln 2 / 2, for -708 <= x <= 709. As hw_split32, with 1.5 * 2^52 and 1023. */
static inline double hw_split64(double x, double *power, double *lost)
{
    double shifted = x * 1.4426950408889634 + 6755399441056767.0;
    double k = shifted - 6755399441056767.0;
    *power = hw_number64(hw_bits64(shifted) << 52);
    double high = x - k * HW_LN2_HIGH64, low = k * HW_LN2_LOW64, r = high - low;
    *lost = (high - r) - low;
    return r;
}

/* (e^r - 1 - r) / r^2, for |r| <= ln 2 / 2. */
static inline double hw_exp_tail64(double r)
{
    double r2 = r * r, r4 = r2 * r2;
    double low = (0.5000000000000006 + 0.1666666666666659 * r) + r2 * (0.04166666666657642 + 0.008333333333388896 * r);
    double middle =
        (0.0013888888931692079 + 0.00019841269720866566 * r) + r2 * (2.48015051086267e-05 + 2.7557405555155957e-06 * r);
    return low + r4 * (middle + r4 * (2.762610685981196e-07 + 2.5054495087041072e-08 * r));
}

/* e^x, x taken into [-708, 709]. At most 1.05 ulp. */
static inline double hw_exp64(double x)
{
    double power, lost;
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    double r = hw_split64(x, &power, &lost);
    return power * (1.0 + (r + r * r * hw_exp_tail64(r)));
}

/* e^x - 1, x taken into [-708, 709]. At most 1.60 ulp. */
static inline double hw_expm1_64(double x)
{
    double power, lost;
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    double r = hw_split64(x, &power, &lost);
    return power * (r + (r * r * hw_exp_tail64(r) + lost)) + (power - 1.0);
}

/* 1 - e^-x for 0 <= x <= 708. */
static inline double hw_complement64(double x)
{
    double power, lost, r = hw_split64(-x, &power, &lost);
    return (1.0 - power) - power * (r + r * r * hw_exp_tail64(r));
}

/* An exponent field (0 to 2047) as the number k = field - 1023, through the bits of 2^52 + field. */
static inline double hw_exponent64(uint64_t field) { return hw_number64(field | 0x4330000000000000u) - 4503599627371519.0; }

/* ln(1 + f) + k ln 2, for sqrt(1/2) <= 1 + f <= sqrt(2). With s = f / (2 + f): ln(1 + f) = 2 artanh s. */
static inline double hw_log_sum64(double f, double k)
{
    double s = f / (2.0 + f), z = s * s, z2 = z * z, half = 0.5 * f * f;
    double low = (0.6666666666666734 + 0.39999999999415664 * z) + z2 * (0.2857142874218659 + 0.22222198591903516 * z);
    double high = (0.18183563453482685 + 0.1531407034569524 * z) + z2 * 0.1479577641970877;
    double tail = z * (low + z2 * z2 * high);
    return k * HW_LN2_HIGH64 - ((half - (s * (half + tail) + k * HW_LN2_LOW64)) - f);
}

/* ln x for normal x > 0 and infinity; any less gives ln of the smallest normal number, -708.4. At most 0.85 ulp. */
static inline double hw_log64(double x)
{
    x = x < 2.2250738585072014e-308 ? 2.2250738585072014e-308 : x;
    uint64_t bits = hw_bits64(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double k = hw_exponent64(bits >> 52);
    double f = hw_number64((bits & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    double y = hw_log_sum64(f, k);
    return x <= 1.7976931348623157e+308 ? y : x;
}

/* ln(1 + x) for x > -1; any less gives ln(2^-53). At most 1.40 ulp. */
static inline double hw_log1p_64(double x)
{
    x = x < -0.9999999999999999 ? -0.9999999999999999 : x;
    double u = 1.0 + x;
    uint64_t bits = hw_bits64(u) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu), exponent = bits >> 52;
    double lost = x - (u - 1.0);                          /* what rounding took from u */
    double scale = hw_number64((2047u - exponent) << 52); /* 2 / 2^k */
    double f = (hw_number64((bits & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0) + scale * (0.5 * lost);
    double y = hw_log_sum64(f, hw_exponent64(exponent));
    return u <= 1.7976931348623157e+308 ? y : u;
}

/* 1 / (1 + e^-x), |x| taken into [0, 708], so that nothing overflows. At most 2.45 ulp. */
static inline double hw_logistic64(double x)
{
    double power, lost, size = hw_abs64(x);
    size = size > 708.0 ? 708.0 : size;
    double r = hw_split64(-size, &power, &lost);
    double e = power * (1.0 + (r + r * r * hw_exp_tail64(r)));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/* tanh x = d / (2 - d) with d = 1 - e^-2x. At most 2.60 ulp. */
static inline double hw_tanh64(double x)
{
    double size = hw_abs64(x);
    size = size > 20.0 ? 20.0 : size;
    double d = hw_complement64(2.0 * size);
    return hw_sign64(d / (2.0 - d), x);
}

/* erf x = 1 - e^-g(x) with g(x) = x + x (x + p(u)), p a polynomial in u = x / (x + 3). At most 2.25 ulp. */
static inline double hw_erf64(double x)
{
    double a = hw_abs64(x);
    a = a > 6.0 ? 6.0 : a;
    double u = a / (a + 3.0), u2 = u * u, u4 = u2 * u2;
    double p0 = (0.12837916709551257 - 1.0901406828972244 * u) - u2 * (0.16518725318713237 - 0.24329810796151954 * u);
    double p1 = (0.11837060095228638 - 0.14473549708189604 * u) - u2 * (0.16882823100358954 - 0.031927213431386596 * u);
    double p2 = (0.15504458995748166 + 0.0581549263692137 * u) - u2 * (0.19293373160943292 - 0.10186483657144577 * u);
    double p3 = (-0.5047234344317382 + 1.1400127172714583 * u) - u2 * (1.0937779962800809 - 0.49683188386035837 * u);
    double p = p0 + u4 * (p1 + u4 * (p2 + u4 * (p3 - u4 * 0.09778371906228266)));
    return hw_sign64(hw_complement64(a + a * (a + p)), x);
}

/* a^b = e^(b ln a) for normal a > 0, the exponent taken into [-708, 709]. Relative error at most 1e-14 where
   |b ln a| < 50. */
static inline double hw_pow64(double a, double b) { return hw_exp64(b * hw_log64(a)); }

/* ln(1 + e^x). */
static inline double hw_softplus64(double x)
{
    double size = x > 0 ? x : -x;
    return (x > 0 ? x : 0) + hw_log1p_64(hw_exp64(size > 700 ? -700 : -size));
}

/* a^n by repeated squaring, from the lowest bit of n; a^0 = 1. */
static inline double hw_ipow64(double a, uint64_t n)
{
    double y = 1.0;
    for (; n; n >>= 1) {
        y = n & 1 ? y * a : y;
        a *= a;
    }
    return y;
}

/* sin(2 pi (t + quarters / 4)). The nearest quarter turn is taken off exactly, and says which of the two series. */
static inline double hw_turn64(double t, uint64_t quarters)
{
    double shifted = 4.0 * t + 6755399441055744.0;
    double r = t - 0.25 * (shifted - 6755399441055744.0), z = r * r, z2 = z * z;
    uint64_t quarter = hw_bits64(shifted) + quarters;
    double odd = (-41.34170224039967 + 81.60524927596518 * z) +
                 z2 * ((-76.70585970788572 + 42.05868539125551 * z) - z2 * (15.093822583242668 - 3.7812200581230266 * z));
    double even = (-19.739208802178716 + 64.93939402266798 * z) +
                  z2 * ((-85.45681720652819 + 60.24464132936524 * z) +
                        z2 * ((-26.426250925244094 + 7.903091488499074 * z) - z2 * 1.6968327625392303));
    uint64_t sine = hw_bits64(6.283185307179586 * r + r * (z * odd + 2.4492935982947064e-16));
    uint64_t cosine = hw_bits64(1.0 + z * even);
    uint64_t swap = 0u - (quarter & 1u);
    return hw_number64((sine ^ ((sine ^ cosine) & swap)) ^ ((quarter & 2u) << 62));
}

/* sin(2 pi t), t in turns, |t| < 2^31. At most 1.65 ulp. */
static inline double hw_sin2pi64(double t) { return hw_turn64(t, 0); }

/* cos(2 pi t), t in turns, |t| < 2^31. At most 1.65 ulp. */
static inline double hw_cos2pi64(double t) { return hw_turn64(t, 1); }

#endif
