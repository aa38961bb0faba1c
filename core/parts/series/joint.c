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
static const double YOUNG = 2000; /* c is larger by as many times one */
static const double LEAST = 1e-9; /* share by single errors with which anyone begins */

static double *products_at(const hw_learner *l, int64_t h)
{
    return l->bank->speakers + (h - 1) * l->bank->scores + HW_SPEAKERS;
}

static int64_t place_of(int a, int b) { return a < b ? b * (b + 1) / 2 + a : a * (a + 1) / 2 + b; }

void hw_score_joint(hw_learner *l, int64_t h, const double *miss, double own)
{
    double *p = products_at(l, h);
    double n = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], rate = RECENT / (n + RECENT);
    double size = own < 0 ? -own : own, small = SMALL * l->bank->sizes[h - 1];
    double counts = small > 0 && size > small ? small / size : 1;
    rate = rate > FADES ? rate : FADES;
    for (int a = 0; a < HW_SPEAKERS; a++)
        for (int b = 0; b <= a; b++)
            p[place_of(a, b)] += rate * (counts * miss[a] * miss[b] - p[place_of(a, b)]);
}

/* v of A v = 1, of those that speak; false: A is not positive definite, by rounding or in a state that was made up. */
static bool solve(double a[HW_SPEAKERS][HW_SPEAKERS], const bool *speaks, double *v)
{
    for (int i = 0; i < HW_SPEAKERS; i++)
        v[i] = speaks[i];
    for (int i = 0; i < HW_SPEAKERS; i++) {
        if (!speaks[i])
            continue;
        if (!(a[i][i] > 0))
            return false;
        for (int j = i + 1; j < HW_SPEAKERS; j++) {
            double share = speaks[j] ? a[j][i] / a[i][i] : 0;
            for (int k = i; k < HW_SPEAKERS; k++)
                a[j][k] -= share * a[i][k];
            v[j] -= share * v[i];
        }
    }
    for (int i = HW_SPEAKERS - 1; i >= 0; i--) {
        for (int j = i + 1; j < HW_SPEAKERS; j++)
            v[i] -= speaks[i] && speaks[j] ? a[i][j] * v[j] : 0;
        v[i] = speaks[i] ? v[i] / a[i][i] : 0;
    }
    return true;
}

/* Weigh those that speak. Who comes out below 0 speaks no longer: returns how many; -1: there is nothing to go by. */
static int weigh(const double *p, double unit, const double *drawn, bool *speaks, double *v)
{
    double a[HW_SPEAKERS][HW_SPEAKERS], sum = 0;
    int out = 0;
    for (int i = 0; i < HW_SPEAKERS; i++)
        for (int j = 0; j < HW_SPEAKERS; j++)
            a[i][j] = p[place_of(i, j)] / unit + (i == j ? drawn[i] : 0);
    if (!solve(a, speaks, v))
        return -1;
    for (int i = 0; i < HW_SPEAKERS; i++) {
        out += speaks[i] && !(v[i] > 0);
        speaks[i] = v[i] > 0;
        v[i] = speaks[i] ? v[i] : 0;
        sum += v[i];
    }
    for (int i = 0; i < HW_SPEAKERS; i++)
        v[i] /= sum;
    return sum > 0 && sum - sum == 0 ? out : -1;
}

void hw_join_shares(const hw_learner *l, int64_t h, double *shares)
{
    const double *p = products_at(l, h);
    double own[HW_SPEAKERS] = {p[place_of(0, 0)], p[place_of(1, 1)], p[place_of(2, 2)], p[place_of(3, 3)]};
    double unit = hw_usual_of(own, l->bank->plain);
    double n = l->forecast->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], pull = l->bank->pull * (1 + YOUNG / n) / 2;
    double drawn[HW_SPEAKERS], v[HW_SPEAKERS], sum = 0;
    bool speaks[HW_SPEAKERS];
    if (!(n >= 2 && unit > 0))
        return;
    for (int k = 0; k < HW_SPEAKERS; k++) {
        speaks[k] = k != HW_OF_PLAIN || l->bank->plain;
        drawn[k] = shares[k] > LEAST ? shares[k] : LEAST;
        sum += speaks[k] ? drawn[k] : 0;
    }
    for (int k = 0; k < HW_SPEAKERS; k++)
        drawn[k] = pull * sum / drawn[k];
    int out = weigh(p, unit, drawn, speaks, v);
    out = out > 0 ? weigh(p, unit, drawn, speaks, v) : out;
    if (out >= 0)
        memcpy(shares, v, sizeof v);
}
