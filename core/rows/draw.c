/* Initial weights: drawn by counting from a key, so that nothing depends on the order in which names arrive. */
#include "elementary.h"
#include "learner.h"

uint64_t hw_key(uint64_t seed, uint64_t what, uint64_t which)
{
    return hw_mix64(hw_mix64(hw_mix64(seed) + what * 0x9E3779B97F4A7C15u) + which);
}

/* m numbers of a row of a layer of n inputs; Box & Muller 1958 for the normal ones. */
void hw_draw_row(int initializer, double scale, uint64_t key, int64_t n, int64_t m, double *out)
{
    double std = initializer == HW_INITIALIZER_glorot ? __builtin_sqrt(2.0 / (double)(n + m))
                 : initializer == HW_INITIALIZER_he   ? __builtin_sqrt(2.0 / (double)n)
                                                      : __builtin_sqrt(1.0 / (double)n);
    if (HW_WHOLE && initializer == HW_INITIALIZER_uniform) {
        for (int64_t j = 0; j < m; j++)
            out[j] = (2 * hw_unit(hw_bits(key, (uint64_t)(2 * j))) - 1) * scale;
    } else if (HW_WHOLE && initializer == HW_INITIALIZER_sparse) {
        for (int64_t j = 0; j < m; j++) {
            double u = hw_unit(hw_bits(key, (uint64_t)(2 * j))), v = hw_unit(hw_bits(key, (uint64_t)(2 * j + 1)));
            out[j] = v < 0.9 ? 0 : (2 * u - 1) / __builtin_sqrt((double)n);
        }
    } else if (initializer == HW_INITIALIZER_zeros) {
        for (int64_t j = 0; j < m; j++)
            out[j] = 0;
    } else {
        double u[64], v[64];
        for (int64_t at = 0; at < m; at += 64) {
            int64_t some = m - at < 64 ? m - at : 64;
            for (int64_t j = 0; j < some; j++) {
                u[j] = 1 - hw_unit(hw_bits(key, (uint64_t)(2 * (at + j))));
                v[j] = hw_unit(hw_bits(key, (uint64_t)(2 * (at + j) + 1)));
            }
            for (int64_t j = 0; j < some; j++)
                out[at + j] = std * __builtin_sqrt(-2 * hw_log64(u[j])) * hw_cos2pi64(v[j]);
        }
    }
}

/* Orthonormal rows (n <= m) or columns (n > m), times scale: normal numbers through Gram & Schmidt, twice for stability.
 * Saxe, McClelland & Ganguli 2014. */
static void orthogonal(double scale, int64_t n, int64_t m, double *out)
{
    int64_t count = n < m ? n : m, size = n < m ? m : n;
    int64_t across = n < m ? m : 1, along = n < m ? 1 : m; /* vector i begins at i * across; its numbers lie along */
    for (int64_t i = 0; i < count; i++)
        for (int pass = 0; pass < 2; pass++) {
            double *a = out + i * across, square = 0;
            for (int64_t k = 0; k < i; k++) {
                const double *b = out + k * across;
                double overlap = 0;
                for (int64_t j = 0; j < size; j++)
                    overlap += a[j * along] * b[j * along];
                for (int64_t j = 0; j < size; j++)
                    a[j * along] -= overlap * b[j * along];
            }
            for (int64_t j = 0; j < size; j++)
                square += a[j * along] * a[j * along];
            double norm = square > 0 ? 1 / __builtin_sqrt(square) : 0;
            for (int64_t j = 0; j < size; j++)
                a[j * along] *= norm;
        }
    for (int64_t i = 0; i < n * m; i++)
        out[i] *= scale;
}

int hw_draw(int initializer, double scale, uint64_t key, int64_t n, int64_t m, double *out)
{
    if (initializer < 0 || initializer >= HW_INITIALIZER_COUNT || n < 0 || m < 0)
        return HW_BAD_ARGUMENT;
    for (int64_t i = 0; i < n; i++)
        hw_draw_row(initializer == HW_INITIALIZER_orthogonal ? HW_INITIALIZER_lecun : initializer, scale,
                    hw_bits(key, (uint64_t)i), n, m, out + i * m);
    if (HW_WHOLE && initializer == HW_INITIALIZER_orthogonal)
        orthogonal(scale == 0.05 ? 1 : scale, n, m, out);
    return 0;
}

double hw_logarithm(double x) { return hw_log64(x); }
double hw_sine(double turns) { return hw_sin2pi64(turns); }
double hw_cosine(double turns) { return hw_cos2pi64(turns); }
