/* Rows of four numbers, such as those of two classes, side by side in one vector: a machine with wide vectors takes the
 * roots of several rows at once. FOURS: how many, 1 where nothing is gained. */
#ifndef HW_FOURS_H
#define HW_FOURS_H

#include "../vec.h"

#if defined(__AVX512F__) && HW_LEVEL == 4 && !HW_DOUBLE
enum { FOURS = 4 };
static inline native join(real *const *p)
{
    __m256 low = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p[0])), _mm_loadu_ps(p[1]), 1);
    __m256 high = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p[2])), _mm_loadu_ps(p[3]), 1);
    return (native)_mm512_castpd_ps(
        _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_castps_pd(low)), _mm256_castps_pd(high), 1));
}
static inline void split(native v, real *const *p)
{
    _mm_storeu_ps(p[0], _mm512_castps512_ps128((__m512)v));
    _mm_storeu_ps(p[1], _mm512_extractf32x4_ps((__m512)v, 1));
    _mm_storeu_ps(p[2], _mm512_extractf32x4_ps((__m512)v, 2));
    _mm_storeu_ps(p[3], _mm512_extractf32x4_ps((__m512)v, 3));
}
/* Number i of v, i = 0 to 3, in all lanes of row i. */
static inline native spread(const real *v)
{
    const native_mask lanes = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    return (native)_mm512_permutexvar_ps((__m512i)lanes, _mm512_castps128_ps512(_mm_loadu_ps(v)));
}
#elif defined(__AVX__) && HW_LEVEL == 3 && !HW_DOUBLE
enum { FOURS = 2 };
static inline native join(real *const *p)
{
    return (native)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p[0])), _mm_loadu_ps(p[1]), 1);
}
static inline void split(native v, real *const *p)
{
    _mm_storeu_ps(p[0], _mm256_castps256_ps128((__m256)v));
    _mm_storeu_ps(p[1], _mm256_extractf128_ps((__m256)v, 1));
}
static inline native spread(const real *v) { return (native){v[0], v[0], v[0], v[0], v[1], v[1], v[1], v[1]}; }
#else
enum { FOURS = 1 };
static inline native join(real *const *p) { return load(p[0]); }
static inline void split(native v, real *const *p) { store(p[0], v); }
static inline native spread(const real *v) { return v[0] - (native){0}; }
#endif

/* Whether FOURS rows are different ones; without a list they are. */
static inline bool all_differ(const int32_t *rows)
{
    bool same = false;
    for (int a = 1; rows && a < FOURS; a++)
        for (int b = 0; b < a; b++)
            same |= rows[a] == rows[b];
    return !same;
}

#endif
