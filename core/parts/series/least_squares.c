/* Recursive least squares on the last answers, for each horizon of a forecaster
 * (headwater/plain/kinds/least_squares.py has the formulas). */
#include "learner.h"

static const double RIDGE = 500;   /* where answers are in units of their deviation at the start */
static const double HALF = 0.5;    /* where they begin: half way from the newest answer to the season's */
static const double GROWN = 25;    /* they begin anew when the variance is so many times what it was then */
static const double EARLY = 4;     /* but not after so many answers a feature, since too much would be lost */
static const double LARGEST = 1e3; /* times its first trace P may reach: beyond that nothing is forgotten */
static const double TINY = 1e-300;

static bool finite(double x) { return x - x == 0; }

static double *said_at(const hw_forecast_t *f, const hw_least_squares *s, int64_t o)
{
    return s->said + o % s->origins * f->horizon;
}

static double *features_at(const hw_forecast_t *f, const hw_least_squares *s, double *array, int64_t o)
{
    return array + o % f->horizon * s->features;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double t[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            t[j] += a[i + j] * b[i + j];
    for (int j = 0; i < n; i++, j++)
        t[j] += a[i] * b[i];
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* How far answers lie from the newest, in units of the scale: the last ones, those seven seasons before each horizon, 1. */
static void read_features(const hw_forecast_t *f, const hw_least_squares *s, int64_t o, double *g)
{
    double newest = hw_past_at(f, o), scale = *s->scale;
    int64_t n = 0;
    for (int64_t i = 1; i < s->lags; i++) {
        double y = hw_past_at(f, o - i);
        g[n++] = y == y ? (y - newest) / scale : 0;
    }
    for (int64_t h = 1; h <= s->window; h++) {
        double y = hw_past_at(f, o + h - s->far);
        g[n++] = y == y ? (y - newest) / scale : 0;
    }
    g[n] = 1;
}

/* P begins anew; the weights stay. */
static void begin_inverse(const hw_least_squares *s)
{
    memset(s->inverse, 0, (size_t)s->features * (size_t)s->features * 8);
    for (int64_t i = 0; i < s->features; i++)
        s->inverse[i * s->features + i] = 1 / RIDGE;
}

/* The gain of features g: k = P g / (forgetting + g'P g), and P as it is then. It stays symmetric to the bit, since entry
 * (i, j) is computed as (j, i) is. */
static void take_gain(const hw_forecast_t *f, const hw_least_squares *s, const double *g, double *gain)
{
    int64_t n = s->features;
    double *P = s->inverse, trace = 0;
    for (int64_t i = 0; i < n; i++)
        f->row[i] = dot(P + i * n, g, n);
    double along = dot(f->row, g, n), down = f->forgetting + along;
    if (!(along >= 0) || !finite(down)) { /* rounding has made it no inverse any more */
        begin_inverse(s);
        memset(gain, 0, (size_t)n * 8);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        gain[i] = f->row[i] / down;
    for (int64_t i = 0; i < n; i++)
        trace += P[i * n + i];
    double grow = trace <= LARGEST / RIDGE * (double)n ? 1 / f->forgetting : 1;
    for (int64_t i = 0; i < n; i++) {
        double *p = P + i * n, x = f->row[i];
        for (int64_t j = 0; j < n; j++)
            p[j] = (p[j] - x * f->row[j] / down) * grow;
    }
}

/* The answer after time o, whose gain is there and was taken as that of weight 1, has another: P as if that had been known.
 * lever: g'k. Of longer horizons, whose answers are still to come, P counts the same. */
static void reweigh(const hw_forecast_t *f, const hw_least_squares *s, const double *gain, double lever)
{
    double w = f->weight, c = (1 - w) / (1 + (w - 1) * lever);
    for (int64_t i = 0; i < s->features; i++)
        for (int64_t j = 0; j < s->features; j++)
            s->inverse[i * s->features + j] += c * (gain[i] * gain[j]);
}

/* y_t is known: horizon h learns it with the features of time t - h. */
void hw_learn_linear(const hw_forecast_t *f, hw_least_squares *s, int64_t t, double y)
{
    double scale = *s->scale;
    for (int64_t h = 1; scale > 0 && h <= f->horizon; h++) {
        int64_t o = t - h;
        if (o < (int64_t)*s->start)
            break;
        const double *g = features_at(f, s, s->inputs, o), *gain = features_at(f, s, s->gains, o);
        double *w = s->weights + (h - 1) * s->features;
        double newest = f->origins[o % (2 * (int64_t)f->horizon) * HW_ORIGIN + HW_ORIGIN_LAST];
        double miss = (y - newest) / scale - dot(w, g, s->features);
        if (HW_WEIGHS && f->weight != 1) {
            double lever = dot(g, gain, s->features);
            miss *= f->weight / (1 + (f->weight - 1) * lever);
            if (h == 1)
                reweigh(f, s, gain, lever);
        }
        for (int64_t j = 0; j < s->features; j++)
            w[j] += gain[j] * miss;
    }
}

/* They begin once some answers have shown how far these spread, and anew where that proves far too little. */
void hw_begin_linear(const hw_forecast_t *f, hw_least_squares *s, int64_t t)
{
    const double *n = f->numbers;
    double scale = *s->scale;
    if (n[HW_FN_ANSWERS] < s->needed || !(n[HW_FN_SPREAD] > TINY))
        return;
    if (scale > 0 && (n[HW_FN_SPREAD] <= GROWN * scale * scale || n[HW_FN_ANSWERS] > EARLY * s->features))
        return;
    *s->scale = __builtin_sqrt(n[HW_FN_SPREAD]);
    *s->start = (double)t;
    begin_inverse(s);
    memset(s->weights, 0, (size_t)f->horizon * (size_t)s->features * 8);
    for (int64_t h = 1; h <= f->horizon && s->season; h++) {
        int64_t back = (h + s->season - 1) / s->season * s->season - h; /* from the newest answer to the season's */
        if (back >= 1 && back < s->lags)
            s->weights[(h - 1) * s->features + back - 1] = HALF;
    }
}

/* What they say at time t of each horizon; before they have begun, what the season says, or the newest answer. */
void hw_say_linear(hw_forecast_t *f, hw_least_squares *s, int64_t t, bool known)
{
    double *said = said_at(f, s, t), last = hw_past_at(f, t), *g = features_at(f, s, s->inputs, t);
    bool begun = *s->scale > 0;
    if (begun) {
        double *gain = features_at(f, s, s->gains, t);
        read_features(f, s, t, g);
        if (known)
            take_gain(f, s, g, gain);
        else
            memset(gain, 0, (size_t)s->features * 8);
    }
    for (int64_t h = 1; h <= f->horizon; h++) {
        double y = s->season ? hw_season_before(f, t, h) : last;
        if (begun)
            y = last + *s->scale * dot(s->weights + (h - 1) * s->features, g, s->features);
        said[h - 1] = finite(y) ? hw_bounded(f, y) : last;
    }
}
