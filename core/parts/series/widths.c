/* How wide intervals are at each phase of the season: errors are written in units in which every phase has alike ones.
 *
 * An error e of a horizon, over the mean |error| of that horizon, is a number whose quantiles are kept for each phase, from
 * the last visits. Between these quantiles a straight line leads to those of the normal distribution, so that u = T(e) is
 * spread alike at night and by day. ends.c follows u in the place of e. headwater/plain/outputs/widths.py
 * has the formulas.
 */
#include "learner.h"
#include "rank.h"

enum { KNOTS = 2 * HW_TAILS };
static const double NORMAL[KNOTS] = {-2.5758293035489004, -1.9599639845400545, -1.6448536269514722, -1.2815515655446004,
                                     -0.6744897501960817, 0.6744897501960817,  1.2815515655446004,  1.6448536269514722,
                                     1.9599639845400545,  2.5758293035489004};
static const double TAILS[HW_TAILS] = {0.005, 0.025, 0.05, 0.1, 0.25};
static const double FADES = 0.004;
static const double USUAL = 1.2533141373155001; /* deviation of a normal error in units of its mean size */
static const double LEAST = 1e-3;               /* width that is left where all errors of a phase are the same */
static const double BEYOND = 0.1; /* at least so far in units of the mean size leads a unit of u beyond the last knot */
static const double ENOUGH = 20;  /* visits after which a phase's own quantiles stand alone */
static const double FARTHEST = 1e9;
static const double YOUNG = 20,
                    NEAR = 5; /* before a horizon has so many errors, its size is uncertain: u is at most so large */

static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

static const float *shape_at(const hw_learner *l, int64_t t)
{
    const hw_bank_t *b = l->bank;
    return t < 0 ? NULL : b->shapes + t % ((int64_t)l->forecast->horizon + b->season) * KNOTS;
}

/* The knots of errors of horizon h from time o. Returns the mean size. */
static double knots_of(const hw_learner *l, int64_t o, int64_t h, double *knots)
{
    const hw_forecast_t *f = l->forecast;
    const hw_bank_t *b = l->bank;
    const float *shape = shape_at(l, o + h - (h + b->season - 1) / b->season * b->season);
    double size = b->given[(o % f->horizon * f->horizon + h - 1) * HW_POOL_GIVEN + HW_G_SCALE];
    size = size > 0 ? size : b->sizes[h - 1];
    for (int k = 0; k < KNOTS; k++)
        knots[k] = size * (shape ? (double)shape[k] + LEAST * NORMAL[k] : USUAL * NORMAL[k]);
    return size;
}

/* How far e leads for each unit of u between two knots, and beyond the outer ones. */
static double slope_of(const double *knots, int k, bool beyond, double size)
{
    double slope = (knots[k + 1] - knots[k]) / (NORMAL[k + 1] - NORMAL[k]);
    return beyond && slope < BEYOND * size ? BEYOND * size : slope;
}

double hw_evened(const hw_learner *l, int64_t o, int64_t h, double e)
{
    double knots[KNOTS], size = knots_of(l, o, h, knots);
    double most = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT] < YOUNG ? NEAR : FARTHEST;
    int k = 0;
    if (!(size > 0))
        return e == 0 ? 0 : e < 0 ? -most : most;
    while (k < KNOTS && e > knots[k])
        k++;
    int from = k ? k - 1 : 0, pair = least_of(from, KNOTS - 2);
    double slope = slope_of(knots, (int)pair, k == 0 || k == KNOTS, size);
    return slope > 0 ? hw_within(NORMAL[from] + (e - knots[from]) / slope, -most, most) : NORMAL[from];
}

double hw_uneven(const hw_learner *l, int64_t o, int64_t h, double u)
{
    double knots[KNOTS], size = knots_of(l, o, h, knots);
    int k = 0;
    if (u - u != 0)
        return u;
    while (k < KNOTS && u > NORMAL[k])
        k++;
    int from = k ? k - 1 : 0, pair = (int)least_of(from, KNOTS - 2);
    return knots[from] + (u - NORMAL[from]) * slope_of(knots, pair, k == 0 || k == KNOTS, size);
}

void hw_note_size(hw_learner *l, int64_t h, double e)
{
    double n = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], rate = 1 / (n + 1);
    l->bank->sizes[h - 1] +=
        hw_weigh(l->forecast, rate > FADES ? rate : FADES) * ((e < 0 ? -e : e) - l->bank->sizes[h - 1]);
}

HW_SELECT_RANK(select_rank, float)

/* The values of ranks first ... last - 1 among x[low] ... x[high], to out; x is put into another order. */
static void select_ranks(float *x, int low, int high, const int *ranks, float *out, int first, int last)
{
    if (first >= last)
        return;
    int at = (first + last) / 2, rank = ranks[at];
    out[at] = select_rank(x, low, high, rank);
    select_ranks(x, low, rank, ranks, out, first, at);
    select_ranks(x, rank, high, ranks, out, at + 1, last);
}

/* The errors at time t, one of each horizon that was forecast of it, join their phase; its quantiles are those of time t.
 */
void hw_note_phase(hw_learner *l, int64_t t, const double *errors, int64_t most)
{
    const hw_forecast_t *f = l->forecast;
    hw_bank_t *b = l->bank;
    int64_t phase = t % b->season * b->phases / b->season, taken = least_of(f->horizon, HW_OF_VISIT),
            size = b->visits_kept * taken;
    float *ring = b->errors + phase * HW_OF_VISIT * b->visits_kept,
          *shape = b->shapes + t % ((int64_t)f->horizon + b->season) * KNOTS;
    for (int64_t i = 0; i < taken; i++) {
        int64_t h = 1 + (i * f->horizon + t / b->season % f->horizon) / taken % f->horizon;
        if (h <= most && b->sizes[h - 1] > 0) {
            ring[(int64_t)b->visits[phase] % size] = (float)hw_within(errors[h - 1] / b->sizes[h - 1], -1e6, 1e6);
            b->visits[phase] += 1;
        }
    }
    float sorted[HW_PHASE_ERRORS], own[KNOTS];
    int ranks[KNOTS], n = (int)least_of((int64_t)b->visits[phase], size);
    double known = b->visits[phase] / (ENOUGH * (double)taken);
    known = known < 1 ? known : 1;
    for (int k = 0; k < HW_TAILS; k++) {
        int rank = (int)((double)(n + 1) * TAILS[k]);
        ranks[k] = rank ? rank - 1 : 0;
        ranks[KNOTS - 1 - k] = n - 1 - ranks[k];
    }
    memcpy(sorted, ring, (size_t)n * 4);
    if (n)
        select_ranks(sorted, 0, n - 1, ranks, own, 0, KNOTS);
    for (int k = 0; k < KNOTS; k++)
        shape[k] = (float)((1 - known) * USUAL * NORMAL[k] + (n ? known * (double)own[k] : 0));
}
