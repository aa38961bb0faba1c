/* Shares of a pool's speakers by what they miss together, in place of by what each of them misses.
 *
 * Where two speakers miss alike, the one that misses less is to have nearly all; where they miss apart, both are heard. Of
 * the mean products P of what speakers lie off, over the median of those with themselves, and of shares s by single errors:
 *
 *     (P + c / (2 s)) v = 1,  shares v / sum(v)        (Bates & Granger 1969, with s to begin with)
 *
 * c is as declared, and larger while there are few errors. Who comes out below 0 is left out, and the others are weighed
 * anew. Large misses count by their size, small ones by its square: headwater/plain/kinds/smoothing.py has the formulas.
 */
#include "learner.h"

static const double FADES = 0.0005;
static const double RECENT = 2;   /* the first errors are those of young members: later ones count so many times more */
static const double SMALL = 0.2;  /* misses of the pool below this share of their mean size count by their square */
static const double YOUNG = 4000; /* c / 2 is larger, after n errors, by c times this over n */
static const double LEAST = 1e-9; /* share by single errors with which anyone begins */
static const double NONE = 1e30;  /* as large is what is added to P for one who doesn't speak: v is 0 but for rounding */

void hw_score_joint(hw_learner *l, int64_t h, const double *miss, double own)
{
    double *p = l->bank->speakers + (h - 1) * l->bank->scores + HW_SPEAKERS;
    double n = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], rate = RECENT / (n + RECENT);
    double size = __builtin_fabs(own), small = SMALL * l->bank->sizes[h - 1];
    double counts = size > small ? small / size : 1; /* a first error, whose usual size is unknown, not at all */
    rate = hw_weigh(l->forecast, rate > FADES ? rate : FADES);
    for (int i = 0; i < HW_PRODUCTS; i++)
        p[i] += rate * (counts * miss[i / HW_SPEAKERS] * miss[i % HW_SPEAKERS] - p[i]);
}

/* v of (P + the diagonal) v = 1, of those whose v was not below 0, by Gauss and Jordan; half: c / 2. Returns the sum of v,
 * which a state that was made up may make no number. */
static double solve(const double *p, double unit, double half, const double *shares, double *v)
{
    double a[HW_SPEAKERS][HW_SPEAKERS + 1], sum = 0;
    for (int i = 0; i < HW_PRODUCTS; i++)
        a[i / HW_SPEAKERS][i % HW_SPEAKERS] = p[i] / unit;
    for (int i = 0; i < HW_SPEAKERS; i++) {
        a[i][i] += v[i] >= 0 ? half / (shares[i] > LEAST ? shares[i] : LEAST) : NONE;
        a[i][HW_SPEAKERS] = 1;
    }
    for (int i = 0; i < HW_PRODUCTS; i++) {
        double *from = a[i / HW_SPEAKERS], *to = a[i % HW_SPEAKERS];
        double times = to[i / HW_SPEAKERS] / from[i / HW_SPEAKERS];
        for (int k = 0; from != to && k <= HW_SPEAKERS; k++)
            to[k] -= times * from[k];
    }
    for (int i = 0; i < HW_SPEAKERS; i++)
        sum += v[i] = a[i][HW_SPEAKERS] / a[i][i];
    return sum;
}

static bool is_any_below(const double *v)
{
    bool below = false;
    for (int k = 0; k < HW_SPEAKERS; k++)
        below |= !(v[k] >= 0);
    return below;
}

void hw_join_shares(const hw_learner *l, int64_t h, double *shares)
{
    const double *p = l->bank->speakers + (h - 1) * l->bank->scores + HW_SPEAKERS;
    double n = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], half = l->bank->pull * (0.5 + YOUNG / n), sum = 0;
    double v[HW_SPEAKERS];
    for (int k = 0; k < HW_SPEAKERS; k++)
        v[k] = p[k * (HW_SPEAKERS + 1)];
    double unit = hw_usual_of(v, l->bank->plain);
    for (int turn = 0; turn < 2 && unit > 0; turn++)
        if (HW_SMALL || !turn || is_any_below(v)) /* else it would say the same again */
            sum = solve(p, unit, half, shares, v);
    for (int k = 0; k < HW_SPEAKERS && sum > 0; k++)
        shares[k] = v[k] > 0 ? v[k] / sum : 0;
}
