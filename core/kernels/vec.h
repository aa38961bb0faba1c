/* Numbers and vectors.
 *
 * Why every machine gives the same bits: a loop over units changes no order (each unit is summed by itself, input after
 * input); where one number comes out of many (a dot product, a mean), there are always 16 partial sums, whatever the width
 * of the machine's vectors, added up in one fixed tree; products and sums are rounded each by itself (no fused
 * multiply-add); and mathematics beyond + - * / and the square root comes from elementary.h. So the width of a vector below
 * is a matter of speed alone.
 *
 * Shapes: rows of weights and vectors of units are padded to 4, 8, or a multiple of 16 numbers (hw_lanes); the padding is
 * zero and stays zero.
 */
#ifndef HW_VEC_H
#define HW_VEC_H

#include "../elementary.h"
#include "../learner.h"

#ifndef HW_LEVEL /* one file alone, as an editor reads it: of float32, with functions that others call */
#define HW_LEVEL 1
#define HW_DOUBLE 0
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

#if HW_DOUBLE
typedef double real;
#define HW_MATH(name) name##64
#define HW_SQRT __builtin_sqrt
#else
typedef float real;
#define HW_MATH(name) name##32
#define HW_SQRT __builtin_sqrtf
#endif

#if HW_LEVEL == 4
#define HW_VECTOR 64
#elif HW_LEVEL == 3
#define HW_VECTOR 32
#else
#define HW_VECTOR 16
#endif

/* Before a loop over the vectors of a block: they stay in registers, also where a compiler is asked for small code. */
#ifdef __wasm__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED
#endif

enum { LANES = 16, NATIVE = HW_VECTOR / sizeof(real) };
typedef real native __attribute__((vector_size(HW_VECTOR)));
typedef real real4 __attribute__((vector_size(4 * sizeof(real))));
/* The same as they lie in memory, wherever that is. */
typedef native native_memory __attribute__((aligned(sizeof(real)), may_alias));
typedef real4 real4_memory __attribute__((aligned(sizeof(real)), may_alias));

/* Square roots and choices, of either width. A mask is all ones or all zeros in each lane. */
#if HW_DOUBLE
typedef int64_t lane;
#else
typedef int32_t lane;
#endif
typedef lane lane_memory __attribute__((may_alias));
typedef lane native_mask __attribute__((vector_size(HW_VECTOR)));
typedef lane real4_mask __attribute__((vector_size(4 * sizeof(lane))));

#if defined(__AVX512F__) && HW_LEVEL == 4
#include <immintrin.h>
#define ROOT(v) HW_PICK((native)_mm512_sqrt_pd((__m512d)(v)), (native)_mm512_sqrt_ps((__m512)(v)))
#define ROOT4(v) HW_PICK((real4)_mm256_sqrt_pd((__m256d)(v)), (real4)_mm_sqrt_ps((__m128)(v)))
#elif defined(__AVX__) && HW_LEVEL == 3
#include <immintrin.h>
#define ROOT(v) HW_PICK((native)_mm256_sqrt_pd((__m256d)(v)), (native)_mm256_sqrt_ps((__m256)(v)))
#define ROOT4(v) HW_PICK((real4)_mm256_sqrt_pd((__m256d)(v)), (real4)_mm_sqrt_ps((__m128)(v)))
#endif
#if HW_DOUBLE
#define HW_PICK(d, f) d
#else
#define HW_PICK(d, f) f
#endif

static inline native square_root_native(native v)
{
#ifdef ROOT
    return ROOT(v);
#else
    for (int j = 0; j < NATIVE; j++)
        v[j] = HW_SQRT(v[j]);
    return v;
#endif
}

static inline real4 square_root_real4(real4 v)
{
#ifdef ROOT4
    return ROOT4(v);
#else
    for (int j = 0; j < 4; j++)
        v[j] = HW_SQRT(v[j]);
    return v;
#endif
}

static inline native select_native(native_mask m, native yes, native no)
{
    return (native)((m & (native_mask)yes) | (~m & (native_mask)no));
}

static inline real4 select_real4(real4_mask m, real4 yes, real4 no)
{
    return (real4)((m & (real4_mask)yes) | (~m & (real4_mask)no));
}

/* What decays for ever must end at zero: numbers near 1e-38 cost a hundred cycles each on many machines. */
static inline native decay_native(native v)
{
    return (native)((native_mask)v & ((v >= (real)1e-30) | (v <= (real)-1e-30)));
}
static inline real4 decay_real4(real4 v) { return (real4)((real4_mask)v & ((v >= (real)1e-30) | (v <= (real)-1e-30))); }
static inline real square_root(real x) { return HW_SQRT(x); }

static inline native load(const real *p) { return *(const native_memory *)p; }
static inline void store(real *p, native v) { *(native_memory *)p = v; }
static inline real4 load4(const real *p) { return *(const real4_memory *)p; }
static inline void store4(real *p, real4 v) { *(real4_memory *)p = v; }

/* 16 partial sums to one number, in a fixed tree. */
static inline real tree(const real *t)
{
    real a[8], b[4];
    for (int j = 0; j < 8; j++)
        a[j] = t[j] + t[j + 8];
    for (int j = 0; j < 4; j++)
        b[j] = a[j] + a[j + 4];
    return (b[0] + b[2]) + (b[1] + b[3]);
}

/* a . b over n numbers, a whole number of stretches. */
static inline real dot(const real *restrict a, const real *restrict b, int n)
{
    if (n < LANES) { /* the same tree, whose other sums are zero: a zero is added, since -0 + 0 is 0 */
        real4 four = load4(a) * load4(b) + (real4){0};
        if (n == 8)
            four += load4(a + 4) * load4(b + 4) + (real4){0};
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
    real t[LANES] __attribute__((aligned(64)));
    enum { PARTS = LANES / NATIVE };
    native s[PARTS];
    UNROLLED
    for (int k = 0; k < PARTS; k++)
        s[k] = load(a + k * NATIVE) * load(b + k * NATIVE);
    for (int i = LANES; i < n; i += LANES) {
        UNROLLED
        for (int k = 0; k < PARTS; k++)
            s[k] += load(a + i + k * NATIVE) * load(b + i + k * NATIVE);
    }
    UNROLLED
    for (int k = 0; k < PARTS; k++)
        store(t + k * NATIVE, s[k]);
    return tree(t);
}

/* out = the sum of `term` over the units j below m, in 16 partial sums. */
#define SUM_UNITS(out, m, term)                                                                                            \
    do {                                                                                                                   \
        real t_[LANES] = {0};                                                                                              \
        int i_ = 0;                                                                                                        \
        for (; i_ + LANES <= (m); i_ += LANES)                                                                             \
            for (int q_ = 0; q_ < LANES; q_++) {                                                                           \
                const int j = i_ + q_;                                                                                     \
                t_[q_] += (term);                                                                                          \
            }                                                                                                              \
        for (int j = i_; j < (m); j++)                                                                                     \
            t_[j - i_] += (term);                                                                                          \
        (out) = tree(t_);                                                                                                  \
    } while (0)

/* z[j] = start[j] + sum over i of v[i] * w[row(i)][j], in the order of i; row(i) = rows[i], or i itself without a list.
 * A block of units stays in registers while all rows pass. */
#define SUM_BLOCK(VEC, COUNT, j)                                                                                           \
    do {                                                                                                                   \
        VEC s_[COUNT];                                                                                                     \
        const int w_ = (int)(sizeof(VEC) / sizeof(real));                                                                  \
        UNROLLED                                                                                                           \
        for (int k_ = 0; k_ < (COUNT); k_++) {                                                                             \
            s_[k_] = (VEC){0};                                                                                             \
            if (start)                                                                                                     \
                s_[k_] = *(const VEC##_memory *)(start + (j) + k_ * w_);                                                   \
        }                                                                                                                  \
        const real *p_ = w + (j);                                                                                          \
        for (int i_ = 0; i_ < n; i_++) {                                                                                   \
            const real *q_ = rows ? p_ + (size_t)rows[i_] * stride : p_ + (size_t)i_ * stride;                             \
            VEC x_ = v[i_] - (VEC){0};                                                                                     \
            UNROLLED                                                                                                       \
            for (int k_ = 0; k_ < (COUNT); k_++)                                                                           \
                s_[k_] += x_ * *(const VEC##_memory *)(q_ + k_ * w_);                                                      \
        }                                                                                                                  \
        UNROLLED                                                                                                           \
        for (int k_ = 0; k_ < (COUNT); k_++)                                                                               \
            *(VEC##_memory *)(z + (j) + k_ * w_) = s_[k_];                                                                 \
    } while (0)

static inline __attribute__((always_inline)) void sum_rows_(const real *restrict w, size_t stride,
                                                            const int32_t *restrict rows, const real *restrict v, int n,
                                                            const real *restrict start, real *restrict z, int m)
{
    enum { WIDE = 8 }; /* vectors of a block: half of the registers or less */
    int j = 0;
    for (; j + WIDE * NATIVE <= m; j += WIDE * NATIVE)
        SUM_BLOCK(native, WIDE, j);
    if (NATIVE * 4 >= 16 && j + NATIVE * 4 <= m) {
        SUM_BLOCK(native, 4, j);
        j += NATIVE * 4;
    }
    for (; j + 16 <= m; j += 16)
        SUM_BLOCK(native, (int)(16 / NATIVE), j);
    if (m - j >= 8) {
        SUM_BLOCK(real4, 2, j);
        j += 8;
    }
    if (m - j >= 4)
        SUM_BLOCK(real4, 1, j);
}

static void sum_rows(const real *restrict w, size_t stride, const int32_t *restrict rows, const real *restrict v, int n,
                     const real *restrict start, real *restrict z, int m)
{
    if (rows)
        sum_rows_(w, stride, rows, v, n, start, z, m);
    else
        sum_rows_(w, stride, NULL, v, n, start, z, m);
}

/* w[row(i)][j] -= v[i] * d[j]: one step of plain descent along n rows, or with a negative d a sum of gradients. */
#define STEP_BLOCK(VEC, COUNT, j)                                                                                          \
    do {                                                                                                                   \
        VEC d_[COUNT];                                                                                                     \
        const int w_ = (int)(sizeof(VEC) / sizeof(real));                                                                  \
        UNROLLED                                                                                                           \
        for (int k_ = 0; k_ < (COUNT); k_++)                                                                               \
            d_[k_] = *(const VEC##_memory *)(d + (j) + k_ * w_);                                                           \
        real *p_ = w + (j);                                                                                                \
        for (int i_ = 0; i_ < n; i_++) {                                                                                   \
            real *q_ = rows ? p_ + (size_t)rows[i_] * stride : p_ + (size_t)i_ * stride;                                   \
            VEC x_ = v[i_] - (VEC){0};                                                                                     \
            UNROLLED                                                                                                       \
            for (int k_ = 0; k_ < (COUNT); k_++)                                                                           \
                *(VEC##_memory *)(q_ + k_ * w_) -= x_ * d_[k_];                                                            \
        }                                                                                                                  \
    } while (0)

static inline __attribute__((always_inline)) void step_rows_(real *restrict w, size_t stride, const int32_t *restrict rows,
                                                             const real *restrict v, int n, const real *restrict d, int m)
{
    int j = 0;
    for (; j + 8 * NATIVE <= m; j += 8 * NATIVE)
        STEP_BLOCK(native, 8, j);
    if (NATIVE * 4 >= 16 && j + NATIVE * 4 <= m) {
        STEP_BLOCK(native, 4, j);
        j += NATIVE * 4;
    }
    for (; j + 16 <= m; j += 16)
        STEP_BLOCK(native, (int)(16 / NATIVE), j);
    if (m - j >= 8) {
        STEP_BLOCK(real4, 2, j);
        j += 8;
    }
    if (m - j >= 4)
        STEP_BLOCK(real4, 1, j);
}

static void step_rows(real *restrict w, size_t stride, const int32_t *restrict rows, const real *restrict v, int n,
                      const real *restrict d, int m)
{
    if (rows)
        step_rows_(w, stride, rows, v, n, d, m);
    else
        step_rows_(w, stride, NULL, v, n, d, m);
}

/* Numbers are finite if none has an exponent of ones. */
static const lane EXPONENT = HW_PICK(0x7FF0000000000000, 0x7F800000);

static inline bool any(native_mask wide, real4_mask four)
{
    lane some = four[0] | four[1] | four[2] | four[3];
    for (int q = 0; q < NATIVE; q++)
        some |= wide[q];
    return some;
}

static inline bool all_finite(const real *x, int64_t m)
{
    const lane_memory *bits = (const lane_memory *)x;
    native_mask odd = {0};
    lane rest = 0;
    int64_t j = 0;
    for (; j + NATIVE <= m; j += NATIVE)
        odd |= ((native_mask)load(x + j) & EXPONENT) == EXPONENT;
    for (; j < m; j++)
        rest |= (bits[j] & EXPONENT) == EXPONENT;
    return !(rest | any(odd, (real4_mask){0}));
}

static inline native larger_native(native a, native b) { return select_native(b > a, b, a); }
static inline native size_native(native v) { return select_native(v < 0, -v, v); }

/* The largest |x[j]| of n numbers, at least `floor`; none is NaN. The last vector may overlap the one before. */
static inline real largest_of(const real *x, int64_t n, real floor)
{
    if (n >= NATIVE) {
        native most_of = size_native(load(x + n - NATIVE));
        for (int64_t j = 0; j < n - NATIVE; j += NATIVE)
            most_of = larger_native(most_of, size_native(load(x + j)));
        real t[NATIVE] __attribute__((aligned(64)));
        store(t, most_of);
        UNROLLED
        for (int width = NATIVE / 2; width; width /= 2)
            for (int q = 0; q < width; q++)
                t[q] = t[q] > t[q + width] ? t[q] : t[q + width];
        return t[0] > floor ? t[0] : floor;
    }
    for (int64_t j = 0; j < n; j++)
        floor = x[j] > floor ? x[j] : -x[j] > floor ? -x[j] : floor;
    return floor;
}

static inline bool finite(double x) { return x - x == 0; }
static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }
static inline double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static inline double magnitude(double x) { return x < 0 ? -x : x; }

#endif
