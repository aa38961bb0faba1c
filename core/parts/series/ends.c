/* Between which ends the answer of a time ahead will lie: quantiles of past errors, at levels that adapt.
 *
 * The window of an origin holds the last errors y - f that were known then at that horizon. A tail p, such as 0.05, asks
 * for an end that a share p of the answers lies beyond. The end is the window's quantile at level q = p e^-v, and v follows
 * how often answers did lie beyond (Gibbs & Candes 2021, in the logarithm of the level, so that q stays above 0): v <- v +
 * RATE ([beyond] - p),   at time t, for the end that was given out at time t - h for time t. So over T answers the share
 * beyond is p to within |v| / (RATE T), whatever the series does. Beyond the farthest error there is no quantile: there the
 * end moves on by half the window's width each time q falls to an e-th. headwater/plain/outputs/ends.py has the formulas.
 *
 * What an end given out at an origin was is not kept, but follows: v of the origin (`due`) lags behind v by h times, since
 * what moved it stands in a ring, and so does the window.
 *
 * A forecaster with a pool follows evened errors (widths.c) in the same way, and asks the normal distribution for their
 * quantile at level q in the place of a window, or Student's t while errors are few.
 */
#include "elementary.h"
#include "learner.h"
#include "rank.h"

static const double RATE = 0.1;
static const double FARTHEST_LEVEL = 1e6; /* |v| of a sound state is far below */
static const double TAILS[HW_TAILS] = {0.005, 0.025, 0.05, 0.1, 0.25};
static const double LOG_TAILS[HW_TAILS] = {-5.298317366548036, -3.6888794541139363, -2.995732273553991, -2.3025850929940455,
                                           -1.3862943611198906};

static const double SOME_ERRORS = 4; /* of a horizon: so many say how far a later one is off */
enum { LOW = 0, HIGH = HW_TAILS, DUE = 2 * HW_TAILS, COUNT = 4 * HW_TAILS }; /* in the levels of a horizon */
enum { BEYOND_LOW = 1, BEYOND_HIGH = 1 << HW_TAILS, TOLD = 1 << 2 * HW_TAILS, KNOWN = 1 << 3 * HW_TAILS };

static double less(double a, double b) { return a < b ? a : b; }

/* ---- levels ------------------------------------------------------------------------------------------------ */

/* What happened at a time moves the levels, by `rate`. */
static void move_levels(double *v, int32_t happened, double rate)
{
    for (int k = 0; k < HW_TAILS; k++)
        if (happened & TOLD << k) {
            v[LOW + k] += rate * (((happened & BEYOND_LOW << k) != 0) - TAILS[k]);
            v[HIGH + k] += rate * (((happened & BEYOND_HIGH << k) != 0) - TAILS[k]);
        }
}

/* ln q of each tail; a wider tail's is no smaller. */
static void log_levels(const double *v, double *out)
{
    for (int k = 0; k < HW_TAILS; k++) {
        double x = LOG_TAILS[k] - v[k];
        out[k] = k && out[k - 1] > x ? out[k - 1] : x;
    }
}

/* ln q of a tail between those that are followed: between theirs. */
static double log_level(const double *v, double p)
{
    double known[HW_TAILS];
    int k = 0;
    log_levels(v, known);
    while (k < HW_TAILS && p > TAILS[k])
        k++;
    if (k == 0 || k == HW_TAILS) {
        k = k ? k - 1 : 0;
        return known[k] + hw_log64(p) - LOG_TAILS[k];
    }
    double share = (hw_log64(p) - LOG_TAILS[k - 1]) / (LOG_TAILS[k] - LOG_TAILS[k - 1]);
    return known[k - 1] + share * (known[k] - known[k - 1]);
}

/* Whether n errors are enough to tell a tail. */
static bool is_told(int64_t n, double p) { return (double)(n + 1) * p >= 1 - 1e-9; }

/* The rank of level q among n errors, 0 beyond all. */
static int64_t rank_of(double log_level, int64_t n)
{
    return (int64_t)((double)(n + 1) * less(hw_exp64(log_level), 0.5) + 1e-9);
}

/* How far beyond the farthest of n errors an end lies whose rank is 0. */
static double farther(double log_level, int64_t n, double width)
{
    return -0.5 * (hw_log64((double)(n + 1)) + log_level) * width;
}

/* ---- what was given out ------------------------------------------------------------------------------------ */

/* A window as an error e sees it. */
typedef struct seen {
    int64_t n, below, above; /* errors; of these at most e, and at least e */
    double least, most;
} seen;

static void look(seen *s, const double *x, int64_t n, double e)
{
    int64_t below = 0, above = 0;
    double least = s->n ? s->least : x[0], most = s->n ? s->most : x[0];
    for (int64_t i = 0; i < n; i++) {
        below += x[i] <= e;
        above += x[i] >= e;
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    *s = (seen){s->n + n, s->below + below, s->above + above, least, most};
}

/* The window as it was after `count` errors, of `total` by now. */
static seen look_back(const hw_forecast_t *f, int64_t row, int64_t count, int64_t total, double e)
{
    const double *scores = f->scores + row * HW_FORECAST_WINDOW, *older = f->older + row * f->horizon;
    int64_t i = count > HW_FORECAST_WINDOW ? count - HW_FORECAST_WINDOW : 0, gone = total - HW_FORECAST_WINDOW;
    seen s = {0};
    while (i < count) {
        bool left = i < gone;
        int64_t size = left ? f->horizon : HW_FORECAST_WINDOW, place = i % size;
        int64_t n = size - place, until = left && gone < count ? gone : count;
        n = n < until - i ? n : until - i;
        look(&s, (left ? older : scores) + place, n, e);
        i += n;
    }
    return s;
}

/* What error e did to the ends that were given out at the origin. */
static int32_t judge(const seen *s, const double *v, double e)
{
    double low[HW_TAILS], high[HW_TAILS], width = s->most - s->least;
    int32_t happened = KNOWN;
    log_levels(v + LOW, low);
    log_levels(v + HIGH, high);
    for (int k = 0; k < HW_TAILS; k++) {
        if (!is_told(s->n, TAILS[k]))
            continue;
        int64_t down = rank_of(low[k], s->n), up = rank_of(high[k], s->n);
        bool under = down ? s->below < down : e < s->least - farther(low[k], s->n, width);
        bool over = up ? s->above < up : e > s->most + farther(high[k], s->n, width);
        happened |= TOLD << k | (under ? BEYOND_LOW << k : 0) | (over ? BEYOND_HIGH << k : 0);
    }
    return happened;
}

/* The quantile of Student's t beyond which a share p lies: that of the normal (Hastings 1955, formula 26.2.23 of Abramowitz
 * & Stegun), widened by the expansion in 1/n (their 26.7.5). */
static double student(double p, double n)
{
    double u = __builtin_sqrt(-2 * hw_log64(p < 0.5 ? p : 0.5));
    double z = u - (2.515517 + u * (0.802853 + u * 0.010328)) / (1 + u * (1.432788 + u * (0.189269 + u * 0.001308)));
    double z2 = z * z, first = z * (z2 + 1) / 4, second = z * (3 + z2 * (16 + z2 * 5)) / 96;
    return z + first / n + second / (n * n);
}

/* What an evened error u did to the ends that were given out at the origin, where n errors were known. */
static int32_t judge_evened(double n, const double *v, double u)
{
    double levels[HW_TAILS];
    int32_t happened = KNOWN, beyond = u < 0 ? BEYOND_LOW : BEYOND_HIGH;
    if (n < SOME_ERRORS)
        return happened;
    log_levels(v + (u < 0 ? LOW : HIGH), levels);
    for (int k = 0; k < HW_TAILS; k++)
        happened |= TOLD << k;
    for (int k = HW_TAILS - 1; k >= 0 && (u < 0 ? -u : u) > student(hw_exp64(levels[k]), n); k--)
        happened |= beyond << k;
    return happened;
}

void hw_keep_evened(hw_forecast_t *f, int64_t t, int64_t h, double u)
{
    double *v = f->levels + (h - 1) * HW_LEVELS;
    int32_t happened = judge_evened(v[COUNT], v + DUE, u);
    f->happened[(h - 1) * f->horizon + t % f->horizon] = happened;
    move_levels(v, happened, hw_weigh(f, RATE));
}

void hw_pass_time(hw_forecast_t *f, int64_t t)
{
    for (int64_t h = 1; h <= f->horizon; h++) {
        int32_t *happened = f->happened + (h - 1) * f->horizon;
        double *v = f->levels + (h - 1) * HW_LEVELS;
        if (h <= t) {
            move_levels(v + DUE, happened[(t - h) % f->horizon], hw_weighed(RATE, hw_row_weight(f, t - h)));
            v[COUNT] += (happened[(t - h) % f->horizon] & KNOWN) != 0;
        }
        happened[t % f->horizon] = 0;
    }
}

void hw_keep_error(hw_forecast_t *f, int64_t t, int64_t h, double e)
{
    int64_t row = h - 1, n = (int64_t)f->errors[row * HW_ERRORS + HW_E_COUNT];
    double *v = f->levels + row * HW_LEVELS, *place = f->scores + row * HW_FORECAST_WINDOW + n % HW_FORECAST_WINDOW;
    int64_t count = (int64_t)v[COUNT];
    seen s = look_back(f, row, count < n ? count : n, n, e);
    int32_t happened = judge(&s, v + DUE, e);
    f->happened[row * f->horizon + t % f->horizon] = happened;
    move_levels(v, happened, hw_weigh(f, RATE));
    if (n >= HW_FORECAST_WINDOW)
        f->older[row * f->horizon + (n - HW_FORECAST_WINDOW) % f->horizon] = *place;
    *place = e;
}

/* ---- what is given out now --------------------------------------------------------------------------------- */

HW_SELECT_RANK(select_rank, double)

/* The nearest horizon that has some errors, or the first. */
static int64_t nearest_known(const hw_forecast_t *f, int64_t h)
{
    while (h > 1 && f->errors[(h - 1) * HW_ERRORS + HW_E_COUNT] < SOME_ERRORS)
        h--;
    return h;
}

/* The ends of evened errors: what a normal one would have, at the levels that are followed. */
static void evened_ends(const hw_forecast_t *f, int64_t h, double p, double *ends)
{
    const double *v = f->levels + (h - 1) * HW_LEVELS;
    double n = f->errors[(nearest_known(f, h) - 1) * HW_ERRORS + HW_E_COUNT];
    ends[0] = n < 2 ? -__builtin_inf() : -student(hw_exp64(log_level(v + LOW, p)), n);
    ends[1] = n < 2 ? __builtin_inf() : student(hw_exp64(log_level(v + HIGH, p)), n);
}

static void ends_of(const hw_forecast_t *f, int64_t h, double p, double *ends)
{
    double x[HW_FORECAST_WINDOW], total = f->errors[(h - 1) * HW_ERRORS + HW_E_COUNT];
    const double *v = f->levels + (h - 1) * HW_LEVELS;
    int64_t n = total < HW_FORECAST_WINDOW ? (int64_t)total : HW_FORECAST_WINDOW;
    if (!is_told(n, p)) {
        ends[1] = __builtin_inf();
        ends[0] = -ends[1];
        return;
    }
    memcpy(x, f->scores + (h - 1) * HW_FORECAST_WINDOW, (size_t)n * sizeof *x);
    double low = log_level(v + LOW, p), high = log_level(v + HIGH, p);
    int64_t down = rank_of(low, n), up = rank_of(high, n);
    double least = select_rank(x, 0, n - 1, 0), most = select_rank(x, 0, n - 1, n - 1);
    ends[0] = down ? select_rank(x, 0, n - 1, down - 1) : least - farther(low, n, most - least);
    ends[1] = up ? select_rank(x, 0, n - 1, n - up) : most + farther(high, n, most - least);
}

int hw_forecast_ends(const hw_learner *l, int64_t h, double coverage, double *ends)
{
    const hw_forecast_t *f = l->forecast;
    if (!f || h < 1 || h > f->horizon || !(coverage > 0 && coverage < 1))
        return HW_BAD_ARGUMENT;
    double p = (1 - coverage) / 2;
    if (!l->bank) {
        ends_of(f, h, p, ends);
        return 0;
    }
    int64_t o = f->counts[HW_FC_TIMES] - 1;
    evened_ends(f, h, p, ends);
    for (int i = 0; i < 2 && o >= 0; i++)
        ends[i] = hw_uneven(l, o, h, ends[i]);
    return 0;
}

/* ---- state ------------------------------------------------------------------------------------------------- */

void hw_begin_ends(hw_forecast_t *f)
{
    for (int64_t h = 0; h < f->horizon; h++) {
        f->levels[h * HW_LEVELS + COUNT] = f->errors[h * HW_ERRORS + HW_E_COUNT];
        for (int64_t i = 0; i < f->horizon; i++)
            f->given[h * f->horizon + i] = __builtin_nan("");
    }
}

bool hw_has_ends(const hw_forecast_t *f)
{
    for (int64_t h = 0; h < f->horizon; h++) {
        const double *v = f->levels + h * HW_LEVELS;
        for (int i = 0; i < COUNT; i++)
            if (!(v[i] >= -FARTHEST_LEVEL && v[i] <= FARTHEST_LEVEL))
                return false;
        if (!(v[COUNT] >= 0 && v[COUNT] <= 9007199254740992.0))
            return false;
    }
    return true;
}
