/* The first level of a pool of forecasters: a bank of exponential smoothing, whose members speak by their past errors.
 *
 * Members are, for each kind of season (none, added, multiplied), smoothing at several rates, Theta (smoothing and half the
 * slope of a line, Assimakopoulos & Nikolopoulos 2000) and Holt's linear trend, damped (Gardner & McKenzie 1985); and four
 * simple ones. A gain is at least 1/n, so that a young state is a mean. headwater/plain/kinds/smoothing.py has the
 * formulas.
 *
 * The season's indices are running means of what an answer lies off the mean of the season around it.
 */
#include "learner.h"
#include "rank.h"

static const double RATES[HW_SMOOTHED] = {0.1, 0.3, 0.5, 0.8};
enum { SHAPES_OF_TREND = 5, RATES_OF_TREND = HW_TRENDS / SHAPES_OF_TREND };
static const double TREND_RATES[RATES_OF_TREND] = {0.2, 0.5, 0.8};
static const double TREND_GAINS[SHAPES_OF_TREND] = {0.05, 0.3, 0.1, 0.3, 0.1};
static const double DAMPING[SHAPES_OF_TREND] = {0.98, 0.98, 0.9, 0.9, 1};
static const double FADES = 0.01; /* losses fade so fast */
static const double SHRINKS = 10; /* a horizon's losses count as that many beside the mean over horizons */
static const double INDEX = 0.15; /* the least gain of an index */
static const float NO_BETTER = 0.01f, NO_WORSE = 100; /* a relative loss lies between these */
static const float FARTHEST = 1e35f;
static const double UNIT = 1e-3;                   /* of an error's size: a difference below it is none */
static const double SMALLEST = 0.02, LARGEST = 50; /* an index that multiplies lies between these */

static bool finite(double x) { return x - x == 0; }
static double larger(double a, double b) { return a > b ? a : b; }
static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- the season --------------------------------------------------------------------------------------------- */

typedef struct index_t {
    double added, times;
} index_t;

/* What the phase of time i adds to, or multiplies, an answer. */
static index_t index_of(const hw_bank_t *b, int64_t i)
{
    const double *p = b->indices + i % b->season * HW_SEASON_NUMBERS, *n = b->numbers;
    index_t out = {0, 1};
    if (!(p[HW_SN_COUNT] > 0 && n[HW_BN_PHASES] > 0))
        return out;
    out.added = p[HW_SN_ADDED] - n[HW_BN_ADDED] / n[HW_BN_PHASES];
    if (n[HW_BN_LEAST] >= 0 && n[HW_BN_TIMES] > 0)
        out.times = hw_within(p[HW_SN_TIMES] * n[HW_BN_PHASES] / n[HW_BN_TIMES], SMALLEST, LARGEST);
    return out;
}

/* Sums that would collect what rounding leaves. */
static void add_up(const hw_forecast_t *f, hw_bank_t *b, int64_t t)
{
    double *n = b->numbers, sums[HW_SEASON_NUMBERS] = {0}, sum = 0;
    for (int64_t i = t - b->season + 1; i <= t; i++)
        sum += i < 0 ? 0 : hw_past_at(f, i);
    for (int64_t i = 0; i < b->season; i++) {
        const double *p = b->indices + i * HW_SEASON_NUMBERS;
        sums[HW_SN_ADDED] += p[HW_SN_ADDED];
        sums[HW_SN_TIMES] += p[HW_SN_TIMES];
        sums[HW_SN_COUNT] += p[HW_SN_COUNT] > 0;
    }
    n[HW_BN_SUM] = sum;
    n[HW_BN_ADDED] = sums[HW_SN_ADDED];
    n[HW_BN_TIMES] = sums[HW_SN_TIMES];
    n[HW_BN_PHASES] = sums[HW_SN_COUNT];
}

/* The answer half a season ago lies in the middle of a season that is known by now. */
static void learn_season(const hw_forecast_t *f, hw_bank_t *b, int64_t t)
{
    double *n = b->numbers, before = n[HW_BN_SUM];
    int64_t m = b->season, centre = t - m / 2;
    if (t % m == 0)
        add_up(f, b, t);
    else
        n[HW_BN_SUM] += hw_past_at(f, t) - (t < m ? 0 : hw_past_at(f, t - m));
    if (t < m || (HW_WEIGHS && !(hw_row_weight(f, centre) > 0)))
        return;
    double mean = m % 2 ? n[HW_BN_SUM] / (double)m : (n[HW_BN_SUM] + before) / (2 * (double)m);
    double *p = b->indices + centre % m * HW_SEASON_NUMBERS, y = hw_past_at(f, centre), old = p[HW_SN_ADDED];
    double gain = hw_weighed(larger(1 / (p[HW_SN_COUNT] + 1), INDEX), hw_row_weight(f, centre));
    p[HW_SN_ADDED] += gain * (y - mean - old);
    n[HW_BN_ADDED] += p[HW_SN_ADDED] - old;
    n[HW_BN_PHASES] += p[HW_SN_COUNT] == 0;
    p[HW_SN_COUNT] += 1;
    old = p[HW_SN_TIMES];
    double ratio = mean > 0 && y >= 0 ? hw_within(y / mean, 0, LARGEST) : old > 0 ? old : 1;
    p[HW_SN_TIMES] += gain * (ratio - old);
    n[HW_BN_TIMES] += p[HW_SN_TIMES] - old;
}

/* ---- states -------------------------------------------------------------------------------------------------- */

/* What a line through n answers learns as the last in the place of x, of weight w: so the line comes out as that of
 * weighted least squares. Its lever is that of a line's last point; two are on every line. */
static double drawn(const double *line, double x, double n, double w)
{
    if (!HW_WEIGHS || w == 1 || n < 3)
        return x;
    double before = n - 1, slope = line[1] / (before * (before * before - 1) / 12), said = line[0] + slope * n / 2;
    double lever = (4 * n - 2) / (n * (n + 1));
    return said + hw_weighed(lever, w) / lever * (x - said);
}

/* Members of one kind of season learn an answer of weight w from which that season is taken. */
static void learn_one(double *state, double *line, double x, double n, double w)
{
    for (int j = 0; j < HW_SMOOTHED; j++)
        state[2 * j] += hw_weighed(larger(RATES[j], 1 / n), w) * (x - state[2 * j]);
    state += 4 * HW_SMOOTHED;
    for (int j = 0; j < HW_TRENDS; j++, state += 2) {
        double gain = hw_weighed(larger(TREND_RATES[j % RATES_OF_TREND], 1 / n), w);
        double trend = DAMPING[j / RATES_OF_TREND] * state[1], miss = x - state[0] - trend;
        state[0] = n > 1 ? state[0] + trend + gain * miss : x;
        state[1] = n > 1 ? trend + TREND_GAINS[j / RATES_OF_TREND] * gain * miss : 0;
    }
    x = drawn(line, x, n, w);
    line[0] += (x - line[0]) / n;
    line[1] += n / 2 * (x - line[0]);
}

static void learn_states(hw_bank_t *b, int64_t t, double y, double w)
{
    double *n = b->numbers;
    n[HW_BN_FIRST] = n[HW_BN_LEARNED] > 0 ? n[HW_BN_FIRST] : y;
    double count = n[HW_BN_LEARNED] += 1;
    index_t index = index_of(b, t);
    double x[HW_SEASONS] = {y, y - index.added, y / index.times};
    for (int k = 0; k < b->seasons; k++)
        learn_one(b->states + 2 * k * HW_EACH_SEASON, n + HW_BN_LINE + 2 * k, x[k], count, w);
    for (int j = 0; j < HW_SMOOTHED; j++)
        n[HW_BN_AGE + j] = (1 - hw_weighed(larger(RATES[j], 1 / count), w)) * (n[HW_BN_AGE + j] + 1);
}

/* An answer is missing: trends go on. */
static void pass_states(hw_bank_t *b)
{
    for (int k = 0; k < b->seasons; k++) {
        double *state = b->states + 2 * (k * HW_EACH_SEASON + 2 * HW_SMOOTHED);
        for (int j = 0; j < HW_TRENDS; j++, state += 2) {
            state[1] *= DAMPING[j / RATES_OF_TREND];
            state[0] += state[1];
        }
    }
}

static double slope_of(const hw_bank_t *b, int kind)
{
    double n = b->numbers[HW_BN_LEARNED];
    return n > 1 ? b->numbers[HW_BN_LINE + 2 * kind + 1] / (n * (n * n - 1) / 12) : 0;
}

/* Keep levels and trends as those of time t. */
static void keep_origin(const hw_forecast_t *f, hw_bank_t *b, int64_t t)
{
    float *level = b->origins + t % f->horizon * 2 * b->members, *trend = level + b->members;
    double base = hw_past_at(f, t), n = b->numbers[HW_BN_LEARNED];
    for (int k = 0; k < b->seasons; k++) {
        const double *state = b->states + 2 * k * HW_EACH_SEASON;
        double half = slope_of(b, k) / 2;
        for (int j = 0; j < HW_EACH_SEASON; j++) {
            bool theta = j >= HW_SMOOTHED && j < 2 * HW_SMOOTHED;
            const double *own = state + 2 * (theta ? j - HW_SMOOTHED : j);
            *level++ = (float)(own[0] - base + (theta ? half * b->numbers[HW_BN_AGE + j - HW_SMOOTHED] : 0));
            *trend++ = (float)(theta ? half : own[1]);
        }
    }
    const double simple[HW_SIMPLE] = {0, n > 1 ? (base - b->numbers[HW_BN_FIRST]) / (n - 1) : 0, 0,
                                      slope_of(b, b->seasons > 1)};
    for (int j = 0; j < HW_SIMPLE; j++) {
        *level++ = 0;
        *trend++ = (float)simple[j];
    }
}

/* ---- what members say ------------------------------------------------------------------------------------------ */

/* How far trends reach at a horizon, in steps. */
typedef struct reach {
    double damped[SHAPES_OF_TREND];
    float steps[HW_EACH_SEASON];
} reach;

/* At the next horizon, h. */
static void reach_on(reach *r, int64_t h)
{
    for (int k = 0; k < SHAPES_OF_TREND; k++)
        r->damped[k] = DAMPING[k] * (r->damped[k] + 1);
    for (int j = 0; j < HW_EACH_SEASON; j++)
        r->steps[j] = j < HW_SMOOTHED       ? 0
                      : j < 2 * HW_SMOOTHED ? (float)h
                                            : (float)r->damped[(j - 2 * HW_SMOOTHED) / RATES_OF_TREND];
}

/* What members said at time o of time o + h, from the answer of time o. */
static void say(const hw_forecast_t *f, const hw_bank_t *b, int64_t o, int64_t h, const reach *r, float *out)
{
    const float *level = b->origins + o % f->horizon * 2 * b->members, *trend = level + b->members;
    double base = hw_past_at(f, o);
    index_t index = index_of(b, o + h);
    const float shift[HW_SEASONS] = {0, (float)index.added, (float)(base * (index.times - 1))};
    const float times[HW_SEASONS] = {1, 1, (float)index.times};
    for (int k = 0; k < b->seasons; k++, level += HW_EACH_SEASON, trend += HW_EACH_SEASON, out += HW_EACH_SEASON)
        for (int j = 0; j < HW_EACH_SEASON; j++)
            out[j] = shift[k] + times[k] * (level[j] + trend[j] * r->steps[j]);
    int64_t back = (h + b->season - 1) / b->season * b->season;
    float season = (float)(hw_season_before(f, o, h) - base);
    out[0] = 0;
    out[1] = trend[1] * (float)h;
    out[2] = season;
    out[3] = season + trend[3] * (float)back;
}

HW_SELECT_RANK(select_rank, float)

void hw_bank_score(hw_learner *l, int64_t t, double y)
{
    const hw_forecast_t *f = l->forecast;
    hw_bank_t *b = l->bank;
    reach r = {0};
    float said[HW_MOST_BANK];
    for (int64_t h = 1; h <= least_of(f->horizon, t); h++) {
        float *loss = b->losses + (h - 1) * b->members, came = (float)(y - hw_past_at(f, t - h));
        float rate = (float)hw_weigh(f, larger(1 / (double)(t - h + 1), FADES));
        reach_on(&r, h);
        say(f, b, t - h, h, &r, said);
        for (int e = 0; e < b->members; e++) {
            float miss = came > said[e] ? came - said[e] : said[e] - came;
            miss = miss < FARTHEST ? miss : FARTHEST; /* what is no number too */
            loss[e] += rate * (miss - loss[e]);
        }
    }
}

/* The losses of a horizon relative to that of the member in the middle. */
static void relative(const hw_bank_t *b, int64_t h, float *out)
{
    float sorted[HW_MOST_BANK], none = (float)(UNIT * b->sizes[h - 1]);
    const float *loss = b->losses + (h - 1) * b->members;
    memcpy(sorted, loss, (size_t)b->members * sizeof *sorted);
    float usual = select_rank(sorted, 0, b->members - 1, b->members / 2) + none;
    for (int e = 0; e < b->members; e++) {
        float ratio = usual > 1e-30f ? (loss[e] + none) / usual : 1;
        out[e] = ratio < NO_WORSE ? ratio : NO_WORSE;
    }
}

/* sum of w x over sum of w, w = 1/loss^12 */
static double weighted(const float *loss, const float *x, int n)
{
    float above[8] = {0}, below[8] = {0};
    for (int e = 0; e < n; e++) {
        float x1 = 1 / (loss[e] > NO_BETTER ? loss[e] : NO_BETTER), x4 = x1 * x1 * x1 * x1, w = x4 * x4 * x4;
        above[e % 8] += w * x[e];
        below[e % 8] += w;
    }
    double up = 0, down = 0;
    for (int j = 0; j < 8; j++) {
        up += (double)above[j];
        down += (double)below[j];
    }
    return up / down;
}

void hw_bank_say(const hw_learner *l, int64_t o, double *out)
{
    const hw_forecast_t *f = l->forecast;
    const hw_bank_t *b = l->bank;
    int64_t scored = least_of(f->horizon, o);
    float mean[HW_MOST_BANK] = {0}, past[HW_MOST_BANK], loss[HW_MOST_BANK], said[HW_MOST_BANK];
    reach r = {0};
    for (int64_t h = 1; h <= scored; h++) {
        relative(b, h, past);
        for (int e = 0; e < b->members; e++)
            mean[e] += past[e];
    }
    for (int e = 0; e < b->members; e++)
        mean[e] = scored ? mean[e] / (float)scored : 1;
    for (int64_t h = 1; h <= f->horizon; h++) {
        int64_t n = o - h + 1;
        float own = n < 1 ? 0 : (float)(n < 1 / FADES ? (double)n : 1 / FADES), all = own + (float)SHRINKS;
        relative(b, h, past);
        for (int e = 0; e < b->members; e++)
            loss[e] = (own * past[e] + (float)SHRINKS * mean[e]) / all;
        reach_on(&r, h);
        say(f, b, o, h, &r, said);
        double ahead = weighted(loss, said, b->members), base = hw_past_at(f, o);
        out[h - 1] = finite(ahead) ? hw_bounded(f, base + ahead) : base;
    }
}

/* ---- an answer ------------------------------------------------------------------------------------------------- */

void hw_bank_learn(hw_learner *l, int64_t t, double y, bool known)
{
    const hw_forecast_t *f = l->forecast;
    hw_bank_t *b = l->bank;
    double *n = b->numbers;
    if (known) {
        n[HW_BN_LEAST] = n[HW_BN_LEARNED] > 0 && n[HW_BN_LEAST] < y ? n[HW_BN_LEAST] : y;
        n[HW_BN_BROKEN] += y != (double)(int64_t)hw_within(y, -9e15, 9e15);
        learn_states(b, t, y, f->weight);
    } else
        pass_states(b);
    if (b->season > 1)
        learn_season(f, b, t);
    keep_origin(f, b, t);
}

/* ---- state ----------------------------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const hw_forecast_t *f = l->forecast;
    const double *d = own->at;
    (void)all;
    double lags = d[HW_K_LAGS];
    bool joint = own->count > HW_BANK;
    if (!(lags == 0 || (lags >= 2 && lags <= (double)f->lags && lags == (double)(int64_t)lags))) {
        *fault = (hw_fault){"lags without season", "0, or from 2 to lags", lags};
        return HW_BAD_DECLARATION;
    }
    if (!(d[HW_K_LOW] < d[HW_K_HIGH])) {
        *fault = (hw_fault){"bounds of forecasts", "low below high", d[HW_K_LOW]};
        return HW_BAD_DECLARATION;
    }
    double visits = d[HW_K_VISITS];
    if (!(visits >= 1 && visits <= HW_MOST_VISITS && visits == (double)(int64_t)visits)) {
        *fault = (hw_fault){"visits of a phase", "1 to 100", visits};
        return HW_BAD_DECLARATION;
    }
    DECLARED(!joint || d[HW_BANK + HW_J_PULL] >= 0, "pull", "0 or more", d[HW_BANK + HW_J_PULL]);
    hw_bank_t *b = hw_begin_part(l, HW_PART_bank);
    if (!b)
        return HW_NO_MEMORY;
    b->low = d[HW_K_LOW];
    b->high = d[HW_K_HIGH];
    b->scores = HW_SPEAKERS;
    if (joint) {
        b->pull = d[HW_BANK + HW_J_PULL];
        b->scores += HW_PRODUCTS;
    }
    b->plain = (int32_t)lags;
    b->season = f->season;
    b->seasons = f->season > 1 ? HW_SEASONS : 1;
    b->members = b->seasons * HW_EACH_SEASON + HW_SIMPLE;
    b->visits_kept = (int32_t)visits;
    b->phases = f->season > HW_PHASES ? HW_PHASES : f->season;
    return 0;
}

static int64_t count(const hw_learner *l, int code)
{
    const hw_forecast_t *f = l->forecast;
    const hw_bank_t *b = l->bank;
    switch (code) {
    case HW_BK_SCORES: return b->scores;
    case HW_BK_SEASON: return b->season;
    case HW_BK_MEMBERS: return b->members;
    case HW_BK_ORIGINS: return 2 * (int64_t)b->members;
    case HW_BK_HORIZON: return f->horizon;
    case HW_BK_GIVEN: return HW_POOL_GIVEN * (int64_t)f->horizon;
    case HW_BK_SHARES: return HW_SPEAKERS * (int64_t)f->horizon;
    case HW_BK_PHASES: return b->phases;
    case HW_BK_SHAPES: return (int64_t)f->horizon + b->season;
    case HW_BK_ERRORS: return HW_OF_VISIT * (int64_t)b->visits_kept;
    case HW_BK_PLAIN: return b->plain;
    default: return b->plain ? f->horizon : 0;
    }
}

static int make(hw_learner *l)
{
    const hw_allocator *m = &l->memory;
    hw_bank_t *b = l->bank;
    if (!b)
        return 0;
    uint64_t horizon = (uint64_t)l->forecast->horizon, members = (uint64_t)b->members, season = (uint64_t)b->season;
    uint64_t phases = (uint64_t)b->phases, plain = (uint64_t)b->plain;
    if (!hw_extend(m, &b->numbers, HW_BN_NUMBERS * 8) || !hw_extend(m, &b->indices, season * HW_SEASON_NUMBERS * 8) ||
        !hw_extend(m, &b->states, members * 16) || !hw_extend(m, &b->origins, horizon * members * 8) ||
        !hw_extend(m, &b->losses, horizon * members * 4) ||
        !hw_extend(m, &b->speakers, horizon * (uint64_t)b->scores * 8) ||
        !hw_extend(m, &b->given, horizon * horizon * HW_POOL_GIVEN * 8) ||
        !hw_extend(m, &b->shares, horizon * horizon * HW_SPEAKERS * 4) || !hw_extend(m, &b->sizes, horizon * 8) ||
        !hw_extend(m, &b->visits, phases * 8) ||
        !hw_extend(m, &b->errors, phases * (uint64_t)b->visits_kept * HW_OF_VISIT * 4) ||
        !hw_extend(m, &b->shapes, (horizon + season) * 2 * HW_TAILS * 4) ||
        !hw_extend(m, &b->inverse, plain * plain * 8 + 8) || !hw_extend(m, &b->weights, horizon * plain * 8 + 8) ||
        !hw_extend(m, &b->inputs, horizon * plain * 8 + 8) || !hw_extend(m, &b->gains, horizon * plain * 8 + 8) ||
        !hw_extend(m, &b->said, (plain ? horizon * horizon * 8 : 0) + 8))
        return HW_NO_MEMORY;
    return 0;
}

static int check(hw_learner *l, hw_fault *fault)
{
    const double *n = l->bank->numbers;
    static const int counts[] = {HW_BN_LEARNED, HW_BN_BROKEN, HW_BN_START, HW_BN_PHASES};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        SAVED(hw_countable(n[counts[i]]), "forecast_bank_numbers", "counts", n[counts[i]]);
    for (int64_t i = 0; i < l->bank->season; i++) {
        const double *p = l->bank->indices + i * HW_SEASON_NUMBERS;
        SAVED(hw_within(p[HW_SN_ADDED], -1e32, 1e32) == p[HW_SN_ADDED] && p[HW_SN_TIMES] >= 0 && p[HW_SN_TIMES] <= 1e32 &&
                  hw_countable(p[HW_SN_COUNT]),
              "forecast_bank_indices", "indices up to 1e32, and counts", p[HW_SN_ADDED]);
    }
    SAVED(n[HW_BN_SCALE] == 0 || (n[HW_BN_SCALE] >= 1e-150 && n[HW_BN_SCALE] <= 1e31), "forecast_bank_numbers",
          "a unit of 0, or from 1e-150 to 1e31", n[HW_BN_SCALE]);
    return 0;
}

const hw_part hw_part_bank = {.tag = HW_TAG_BANK,
                              .least = HW_BANK,
                              .most = HW_BANK + HW_JOINT,
                              .needs = HW_BIT(forecast),
                              .parse = parse,
                              .count = count,
                              .make = make,
                              .check = check};
