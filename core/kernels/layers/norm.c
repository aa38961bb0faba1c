/* Normalisation and dropout, forward beside backward. Layer norm measures the units of one sample against each other;
 * batch norm measures a unit against its own past, on a mini-batch against the batch. Sources: headwater/plain/layers.py.
 *
 * x, y, dy, dx (m) units; gain, shift (m) or NULL; kept (2) holds mean and 1/deviation between forward and backward;
 * running (2m + 1): means, variances, the count. */
#ifndef HW_NORM_C
#define HW_NORM_C

#include "../vec.h"

static const double NORM_EPS = 1e-5;
static const double ROW_RATE = 0.01; /* one sample at a time the statistics move by at most momentum times this */

static void layer_norm_forward(const real *restrict x, const real *gain, const real *shift, double eps, real *kept,
                               real *restrict y, int m)
{
    real centre, square;
    SUM_UNITS(centre, m, x[j]);
    centre /= (real)m;
    SUM_UNITS(square, m, (x[j] - centre) * (x[j] - centre));
    real scale = 1 / square_root(square / (real)m + (real)eps);
    kept[0] = centre;
    kept[1] = scale;
    if (gain)
        for (int j = 0; j < m; j++)
            y[j] = (x[j] - centre) * scale * gain[j] + shift[j];
    else
        for (int j = 0; j < m; j++)
            y[j] = (x[j] - centre) * scale;
}

/* dx = r (u - mean u - xhat mean(u xhat)), u = dy gain; dgain = dy xhat */
static void layer_norm_backward(const real *restrict x, const real *gain, const real *kept, const real *restrict dy,
                                real *restrict dgain, real *restrict dx, int m)
{
    real centre = kept[0], r = kept[1], mean, along;
    if (gain)
        for (int j = 0; j < m; j++) {
            dgain[j] = dy[j] * ((x[j] - centre) * r);
            dx[j] = dy[j] * gain[j];
        }
    else
        for (int j = 0; j < m; j++)
            dx[j] = dy[j];
    SUM_UNITS(mean, m, dx[j]);
    SUM_UNITS(along, m, dx[j] * ((x[j] - centre) * r));
    mean /= (real)m;
    along /= (real)m;
    for (int j = 0; j < m; j++)
        dx[j] = r * (dx[j] - mean - (x[j] - centre) * r * along);
}

/* Mean of what a sample says of unit j, and the variance around it: of one number, or of a channel's pixels. */
static inline real sample_mean(const real *x, int m, int pixels, real *variance)
{
    *variance = 0;
    if (pixels == 1)
        return x[0];
    real sum = 0, square = 0;
    for (int p = 0; p < pixels; p++)
        sum += x[p * m];
    sum /= (real)pixels;
    for (int p = 0; p < pixels; p++)
        square += (x[p * m] - sum) * (x[p * m] - sum);
    *variance = square / (real)pixels;
    return sum;
}

/* One sample: it moves the running statistics first (learn), and is then normalised by them. Of an image, the m channels
 * of its pixels. */
static void batch_norm_row(const real *x, const real *gain, const real *shift, double momentum, real *running, bool learn,
                           real *y, int m, int pixels)
{
    if (learn) {
        running[2 * m] += 1;
        real a = (real)most(1 / ((double)running[2 * m] + 9), momentum * ROW_RATE);
        for (int j = 0; j < m; j++) {
            real within, u = sample_mean(x + j, m, pixels, &within) - running[j];
            running[j] += a * u;
            running[m + j] = (1 - a) * (running[m + j] + a * u * u) + a * within;
        }
    }
    for (int p = 0; p < pixels; p++, x += m, y += m)
        for (int j = 0; j < m; j++)
            y[j] = gain[j] * (x[j] - running[j]) / square_root(running[m + j] + (real)NORM_EPS) + shift[j];
}

static void batch_norm_row_backward(const real *x, const real *gain, const real *running, const real *dy, real *dgain,
                                    real *dshift, real *dx, int m, int pixels)
{
    for (int p = 0; p < pixels; p++, x += m, dy += m, dx += m)
        for (int j = 0; j < m; j++) {
            real r = 1 / square_root(running[m + j] + (real)NORM_EPS), along = dy[j] * (x[j] - running[j]) * r;
            dgain[j] = p ? dgain[j] + along : along;
            dshift[j] = p ? dshift[j] + dy[j] : dy[j];
            dx[j] = dy[j] * gain[j] * r;
        }
}

/* The other samples of a batch lie `step` numbers further on. Of images, the m channels of all their pixels. */
#define EACH(i, p)                                                                                                         \
    for (int64_t i = 0; i < count; i++)                                                                                    \
        for (int p = 0; p < pixels; p++)
static void batch_norm_forward(const real *x, real *y, size_t step, int64_t count, int m, int pixels, const real *gain,
                               const real *shift, double momentum, real *running, real *mean, real *rstd)
{
    double all = (double)(count * pixels);
    for (int j = 0; j < m; j++) {
        double sum = 0, square = 0;
        EACH(i, p)
        sum += (double)x[i * step + p * m + j];
        double mu = sum / all;
        EACH(i, p)
        {
            double u = (double)x[i * step + p * m + j] - mu;
            square += u * u;
        }
        mean[j] = (real)mu;
        rstd[j] = (real)(1 / __builtin_sqrt(square / all + NORM_EPS));
        running[j] += (real)(momentum * (mu - (double)running[j]));
        if (all > 1) /* the running variance is the unbiased one */
            running[m + j] += (real)(momentum * (square / (all - 1) - (double)running[m + j]));
        EACH(i, p)
        y[i * step + p * m + j] = gain[j] * (x[i * step + p * m + j] - mean[j]) * rstd[j] + shift[j];
    }
    running[2 * m] += 1;
}

/* dx = gain r (dy - mean dy - xhat mean(dy xhat)) */
static void batch_norm_backward(const real *x, const real *dy, real *dx, size_t step, int64_t count, int m, int pixels,
                                const real *gain, const real *mean, const real *rstd, real *dgain, real *dshift)
{
    double all = (double)(count * pixels);
    for (int j = 0; j < m; j++) {
        double sum = 0, along = 0;
        EACH(i, p)
        {
            double u = dy[i * step + p * m + j];
            sum += u;
            along += u * (double)((x[i * step + p * m + j] - mean[j]) * rstd[j]);
        }
        dshift[j] += (real)sum;
        dgain[j] += (real)along;
        real mean_dy = (real)(sum / all), mean_along = (real)(along / all);
        EACH(i, p)
        {
            real hat = (x[i * step + p * m + j] - mean[j]) * rstd[j];
            dx[i * step + p * m + j] = gain[j] * rstd[j] * (dy[i * step + p * m + j] - mean_dy - hat * mean_along);
        }
    }
}

/* Dropout: while learning, a unit is silent with probability `rate`, the others are scaled by 1/(1 - rate). */
static void dropout_forward(const real *x, double rate, uint64_t *random, bool learn, real *mask, real *y, int m)
{
    real keep = (real)(1 / (1 - rate));
    for (int j = 0; j < m; j++) {
        mask[j] = !learn ? 1 : hw_uniform(random) >= rate ? keep : 0;
        y[j] = x[j] * mask[j];
    }
}

#endif
