/* Normalisation and dropout, forward beside backward. Layer norm measures the units of one sample against each other;
 * batch norm measures a unit against its own past, on a mini-batch against the batch. Sources: headwater/plain/layers.py.
 *
 * x, y, dy, dx (m) units; gain, shift (m) or NULL; kept (2) holds mean and 1/deviation between forward and backward;
 * running (2m + 1): means, variances, the count. */

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

/* One sample: it moves the running statistics first (learn), and is then normalised by them. */
static void batch_norm_row(const real *x, const real *gain, const real *shift, double momentum, real *running, bool learn,
                           real *y, int m)
{
    if (learn) {
        running[2 * m] += 1;
        real a = (real)most(1 / ((double)running[2 * m] + 9), momentum * ROW_RATE);
        for (int j = 0; j < m; j++) {
            real u = x[j] - running[j];
            running[j] += a * u;
            running[m + j] = (1 - a) * (running[m + j] + a * u * u);
        }
    }
    for (int j = 0; j < m; j++)
        y[j] = gain[j] * (x[j] - running[j]) / square_root(running[m + j] + (real)NORM_EPS) + shift[j];
}

static void batch_norm_row_backward(const real *x, const real *gain, const real *running, const real *dy, real *dgain,
                                    real *dx, int m)
{
    for (int j = 0; j < m; j++) {
        real r = 1 / square_root(running[m + j] + (real)NORM_EPS);
        dgain[j] = dy[j] * (x[j] - running[j]) * r;
        dx[j] = dy[j] * gain[j] * r;
    }
}

/* The other samples of a batch lie `step` numbers further on. */
static void batch_norm_forward(const real *x, real *y, size_t step, int64_t count, int m, const real *gain,
                               const real *shift, double momentum, real *running, real *mean, real *rstd)
{
    for (int j = 0; j < m; j++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < count; i++)
            sum += (double)x[i * step + j];
        double mu = sum / (double)count;
        for (int64_t i = 0; i < count; i++) {
            double u = (double)x[i * step + j] - mu;
            square += u * u;
        }
        mean[j] = (real)mu;
        rstd[j] = (real)(1 / __builtin_sqrt(square / (double)count + NORM_EPS));
        running[j] += (real)(momentum * (mu - (double)running[j]));
        if (count > 1) /* the running variance is the unbiased one */
            running[m + j] += (real)(momentum * (square / (double)(count - 1) - (double)running[m + j]));
        for (int64_t i = 0; i < count; i++)
            y[i * step + j] = gain[j] * (x[i * step + j] - mean[j]) * rstd[j] + shift[j];
    }
    running[2 * m] += 1;
}

/* dx = gain r (dy - mean dy - xhat mean(dy xhat)) */
static void batch_norm_backward(const real *x, const real *dy, real *dx, size_t step, int64_t count, int m,
                                const real *gain, const real *mean, const real *rstd, real *dgain, real *dshift)
{
    for (int j = 0; j < m; j++) {
        double sum = 0, along = 0;
        for (int64_t i = 0; i < count; i++) {
            double u = dy[i * step + j];
            sum += u;
            along += u * (double)((x[i * step + j] - mean[j]) * rstd[j]);
        }
        dshift[j] += (real)sum;
        dgain[j] += (real)along;
        real mean_dy = (real)(sum / (double)count), mean_along = (real)(along / (double)count);
        for (int64_t i = 0; i < count; i++) {
            real hat = (x[i * step + j] - mean[j]) * rstd[j];
            dx[i * step + j] = gain[j] * rstd[j] * (dy[i * step + j] - mean_dy - hat * mean_along);
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
