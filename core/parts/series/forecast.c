/* Forecasts of a series: what its next answers will be, each from what is known now.
 *
 * At time t the learner knows the answers up to y_t. For each horizon h = 1 ... H three experts speak of y_{t+h}:
 *   season   the answer a whole number of seasons before,
 *   linear   recursive least squares on the last answers (headwater/plain/kinds/least_squares.py has the formulas),
 *   nets     what the learner's nets add to the linear forecast: they read the columns known for time t + h besides.
 * The forecast is season + a (linear - season) + b nets, with the shares a and b of each horizon that would have fitted
 * past errors best (headwater/plain/kinds/least_squares.py). With a pool (pool.c) it is one of several that speak.
 *
 * A horizon is learned from only after it has passed. The gain of the features of time s is kept beside them, so y_t
 * teaches horizon h with those of time t - h, at once. The nets are shared by all horizons, so they learn y_{t-H+1} at time
 * t: then what they say of any horizon that ends at t follows from answers up to its origin, and is scored as a forecast.
 */
#include "learner.h"

static const double FADES = 0.005;   /* squared errors fade so fast, */
static const double STEADY = 0.0005; /* and what shares are made of so */
static const double WILD = 3;    /* a difference beyond so many times the season's error counts as if it were that large */
static const double SLOW = 1e-3; /* mean and spread of the answers fade so fast, */
static const double FAST = 0.05; /* and the faster mean */
static const double FARTHEST = 10; /* an answer farther off counts as if it lay so many deviations from the mean */
static const double SETTLED = 10;  /* answers before that applies */
static const double REPEATED = 3;  /* so many far answers in a row are a new level: the spread follows them fast */
static const double TINY = 1e-300;

static const char *const NAMES[HW_FORECAST_INPUTS] = {"forecast horizon",     "forecast phase",       "forecast phase of 7",
                                                      "forecast season",      "forecast 2 seasons",   "forecast 7 seasons",
                                                      "forecast last answer", "forecast mean answer", "forecast linear"};

static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }
static bool finite(double x) { return x - x == 0; }

/* ---- where things lie -------------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    (void)all;
    static const struct {
        int at;
        double low, high;
        const char *name, *expected;
    } bounds[] = {{HW_F_HORIZON, 1, HW_MOST_HORIZON, "horizon", "1 to 1024"},
                  {HW_F_SEASON, 1, HW_MOST_SEASON, "season", "1 to 16384"},
                  {HW_F_LAGS, 2, HW_MOST_LAGS, "lags", "2 to 1024"}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        double x = d[bounds[i].at];
        if (!(x >= bounds[i].low && x <= bounds[i].high && x == (double)(int64_t)x)) {
            *fault = (hw_fault){bounds[i].name, bounds[i].expected, x};
            return HW_BAD_DECLARATION;
        }
    }
    if (!(d[HW_F_FORGETTING] > 0.9 && d[HW_F_FORGETTING] <= 1)) {
        *fault = (hw_fault){"forgetting", "above 0.9, at most 1", d[HW_F_FORGETTING]};
        return HW_BAD_DECLARATION;
    }
    if (!l->growing || !l->targets || l->history || l->intervals || l->ring) {
        *fault = (hw_fault){"a forecaster", "nets of numbers without history, intervals and replay", 1};
        return HW_BAD_DECLARATION;
    }
    hw_forecast_t *f = hw_begin_part(l, HW_PART_forecast);
    if (!f)
        return HW_NO_MEMORY;
    f->horizon = (int32_t)d[HW_F_HORIZON];
    f->season = (int32_t)d[HW_F_SEASON];
    f->lags = (int32_t)d[HW_F_LAGS];
    f->forgetting = d[HW_F_FORGETTING];
    f->far = 7 * (int64_t)f->season;
    f->window = (int32_t)least_of(f->horizon, f->season);
    f->features = f->lags + f->window;
    f->kept = 2 * (int64_t)f->horizon + (f->far > f->lags ? f->far : f->lags) + 1;
    return 0;
}

static int64_t count(const hw_learner *l, int code);

static int make(hw_learner *l)
{
    hw_forecast_t *f = l->forecast;
    const hw_allocator *m = &l->memory;
    if (!f)
        return 0;
    uint64_t horizon = (uint64_t)f->horizon, features = (uint64_t)f->features;
    uint64_t window = l->bank ? 0 : HW_FORECAST_WINDOW;
    if (!hw_extend(m, &f->counts, HW_FC_COUNTS * 8))
        return HW_NO_MEMORY;
    if (!hw_extend(m, &f->numbers, HW_FN_NUMBERS * 8) || !hw_extend(m, &f->past, (uint64_t)count(l, HW_FC_KEPT) * 8) ||
        !hw_extend(m, &f->inverse, features * features * 8) || !hw_extend(m, &f->weights, horizon * features * 8) ||
        !hw_extend(m, &f->inputs, horizon * features * 8) || !hw_extend(m, &f->gains, horizon * features * 8) ||
        !hw_extend(m, &f->said, 2 * horizon * horizon * 8) || !hw_extend(m, &f->origins, 2 * horizon * HW_ORIGIN * 8) ||
        !hw_extend(m, &f->errors, horizon * HW_ERRORS * 8) || !hw_extend(m, &f->scores, horizon * window * 8) ||
        !hw_extend(m, &f->levels, horizon * HW_LEVELS * 8) || !hw_extend(m, &f->happened, horizon * horizon * 4) ||
        !hw_extend(m, &f->given, horizon * horizon * 8) || !hw_extend(m, &f->older, (window ? horizon * horizon : 0) * 8) ||
        !hw_extend(m, &f->x_start, horizon * 8) || !hw_extend(m, &f->x_count, horizon * 8) ||
        !hw_extend(m, &f->row, features * 8) || !hw_extend(m, &f->x_slots, (uint64_t)f->counts[HW_FC_ENTRIES] * 4 + 64) ||
        !hw_extend(m, &f->x, (uint64_t)f->counts[HW_FC_ENTRIES] * 8 + 128))
        return HW_NO_MEMORY;
    return 0;
}

/* The columns that say what is known of a time ahead. */
static int begin(hw_learner *l)
{
    for (int i = 0; l->forecast && i < HW_FORECAST_INPUTS; i++) {
        hw_value v = {.column = -1, .kind = HW_NUMBER, .name = NAMES[i], .name_size = (uint32_t)strlen(NAMES[i])};
        int32_t column = hw_append_column(l, &v);
        if (column < 0)
            return column == -1 ? HW_TOO_LARGE : column;
    }
    return 0;
}

static bool has_columns(const hw_learner *l)
{
    for (int i = 0; i < HW_FORECAST_INPUTS; i++)
        if (i >= l->columns.count || l->columns.slot[i] != i || l->columns.kind[i] != HW_NUMBER)
            return false;
    return true;
}

/* ---- what is known at an origin ---------------------------------------------------------------------------- */

static double *said_at(const hw_forecast_t *f, int64_t o) { return f->said + o % (2 * f->horizon) * f->horizon; }
static double *origin_at(const hw_forecast_t *f, int64_t o) { return f->origins + o % (2 * f->horizon) * HW_ORIGIN; }
static double *given_at(const hw_forecast_t *f, int64_t o) { return f->given + o % f->horizon * f->horizon; }
/* Least squares on the last answers and on those seven seasons before. */
static hw_least_squares linear_of(hw_forecast_t *f)
{
    return (hw_least_squares){.lags = f->lags,
                              .window = f->window,
                              .features = f->features,
                              .season = f->season,
                              .far = f->far,
                              .origins = 2 * (int64_t)f->horizon,
                              .needed = 2.0 * (double)least_of(f->season, f->lags),
                              .scale = f->numbers + HW_FN_SCALE,
                              .start = f->numbers + HW_FN_START,
                              .inverse = f->inverse,
                              .weights = f->weights,
                              .inputs = f->inputs,
                              .gains = f->gains,
                              .said = f->said};
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

double hw_bounded(const hw_forecast_t *f, double y)
{
    const double *n = f->numbers;
    double bound = FARTHEST * __builtin_sqrt(n[HW_FN_SPREAD]);
    if (n[HW_FN_ANSWERS] <= SETTLED || !(n[HW_FN_SPREAD] > 0))
        return y;
    return hw_within(y, n[HW_FN_MEAN] - bound, n[HW_FN_MEAN] + bound);
}

/* Note an answer in the statistics; returns it as it counts. They say what answers look like, whatever their weights. */
static double record_answer(hw_forecast_t *f, double own)
{
    double *n = f->numbers, y = hw_bounded(f, own), t = n[HW_FN_ANSWERS] + 1;
    n[HW_FN_FAR] = y == own ? 0 : n[HW_FN_FAR] + 1;
    n[HW_FN_BOUNDED] += y == own ? 0 : 1;
    double slow = n[HW_FN_FAR] >= REPEATED ? FAST : SLOW, rate = 1 / t > slow ? 1 / t : slow;
    double d = y - n[HW_FN_MEAN], fast = 1 / t > FAST ? 1 / t : FAST;
    n[HW_FN_MEAN] += rate * d;
    n[HW_FN_SPREAD] = (1 - rate) * (n[HW_FN_SPREAD] + rate * d * d);
    n[HW_FN_FADING] += fast * (y - n[HW_FN_FADING]);
    n[HW_FN_ANSWERS] = t;
    return y;
}

/* What stands in the place of an answer that is missing: the linear forecast of it. */
static double filled(const hw_forecast_t *f, int64_t t)
{
    return t > 0 && f->numbers[HW_FN_ANSWERS] > 0 ? said_at(f, t - 1)[0] : 0;
}

/* ---- the nets ---------------------------------------------------------------------------------------------- */

/* Put what is known at origin o of time o + h in front of the columns of that time, which begin at l->forecast->own. */
static void compose(hw_learner *l, int64_t o, int64_t h)
{
    const hw_forecast_t *f = l->forecast;
    const double *origin = origin_at(f, o);
    const double inputs[HW_FORECAST_INPUTS] = {
        (double)h,
        (double)((o + h) % f->season),
        (double)((o + h) % f->far),
        hw_seasonal(f, o, h, 1),
        hw_seasonal(f, o, h, 2),
        h <= f->far ? hw_past_at(f, o + h - f->far) : __builtin_nan(""),
        origin[HW_ORIGIN_LAST],
        origin[HW_ORIGIN_MEAN],
        said_at(f, o)[h - 1],
    };
    for (int i = 0; i < HW_FORECAST_INPUTS; i++) {
        l->entry_slots[i] = i;
        l->entry_x[i] = inputs[i];
    }
    l->entries = (int32_t)(HW_FORECAST_INPUTS + f->own);
}

/* Room for so many entries. None is given back, as hw_reserve_entries might: the sample at hand would go with it. */
static int reserve_room(hw_learner *l, int64_t entries)
{
    int64_t pairs = entries * (l->knots ? 3 : 1) + 3;
    int status = entries > l->entry_capacity ? hw_reserve_entries(l, entries) : 0;
    return status < 0 || pairs <= l->pair_capacity ? status : hw_reserve_pairs(l, entries);
}

/* Make room in front of the sample that was read; what it says itself of the forecaster's columns is left out. */
static int make_place(hw_learner *l)
{
    int64_t n = 0;
    int status = reserve_room(l, l->entries + HW_FORECAST_INPUTS);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < l->entries; i++)
        if (l->entry_slots[i] < 0 || l->entry_slots[i] >= HW_FORECAST_INPUTS) {
            l->entry_slots[n] = l->entry_slots[i];
            l->entry_x[n++] = l->entry_x[i];
        }
    memmove(l->entry_slots + HW_FORECAST_INPUTS, l->entry_slots, (size_t)n * sizeof(int32_t));
    memmove(l->entry_x + HW_FORECAST_INPUTS, l->entry_x, (size_t)n * sizeof(double));
    l->forecast->own = n;
    return 0;
}

/* The size of error of the linear forecast at a horizon, which nets' answers are in units of. */
static double unit_of(const hw_forecast_t *f, int64_t h)
{
    double square = f->errors[(h - 1) * HW_ERRORS + HW_E_LINEAR];
    return square > TINY ? __builtin_sqrt(square) : 0;
}

/* What the nets add to the linear forecast of the sample at hand, in the answer's own units. */
static double ask_nets(hw_learner *l, int64_t h)
{
    double said = 0;
    hw_predict(l, &said, NULL); /* there is room, and without intervals nothing else can be lacking */
    double p = hw_get(l, &said, 0);
    return finite(p) ? hw_within(p, -FARTHEST, FARTHEST) * unit_of(l->forecast, h) : 0;
}

/* ---- the mixture ------------------------------------------------------------------------------------------- */

/* What is said of time o + h: by the season, by least squares, and what nets add to that. */
static void experts_of(const hw_forecast_t *f, int64_t o, int64_t h, double nets, double *out)
{
    double season = hw_seasonal(f, o, h, 1);
    out[0] = season == season ? season : origin_at(f, o)[HW_ORIGIN_LAST];
    out[1] = said_at(f, o)[h - 1];
    out[2] = nets;
}

static double share_of(const double *moments) { return moments[1] > TINY ? hw_within(moments[0] / moments[1], 0, 1) : 1; }

/* season + a (least squares - season) + b b nets: a and b from 0 to 1, those that would have fitted past errors best. That
 * of the nets is squared, since a small one is mostly chance. */
static double mix(const hw_forecast_t *f, int64_t h, const double *experts)
{
    const double *m = f->errors + (h - 1) * HW_ERRORS;
    double linear = experts[0] + share_of(m + HW_E_LINEAR_SHARE) * (experts[1] - experts[0]);
    double share = share_of(m + HW_E_NETS_SHARE);
    return linear + share * share * experts[2];
}

/* Fading means of d e and d d, whose quotient is the share of d that fits e best. */
static void fit_share(double *moments, double d, double e, double bound, double rate)
{
    d = hw_within(d, -bound, bound);
    e = hw_within(e, -bound, bound);
    moments[0] += rate * (d * e - moments[0]);
    moments[1] += rate * (d * d - moments[1]);
}

/* y_t is known: how far each expert's forecast of it lay off at horizon h. */
static void score(hw_forecast_t *f, int64_t t, int64_t h, double y, double nets)
{
    double said[HW_FORECAST_EXPERTS], *m = f->errors + (h - 1) * HW_ERRORS;
    experts_of(f, t - h, h, nets, said);
    double n = m[HW_E_COUNT], first = 1 / (n + 1), rate = hw_weigh(f, first > FADES ? first : FADES);
    double miss[HW_FORECAST_EXPERTS] = {y - said[0], y - said[1], y - said[1] - nets};
    for (int e = 0; e < HW_FORECAST_EXPERTS; e++)
        m[HW_E_SEASON + e] += rate * (miss[e] * miss[e] - m[HW_E_SEASON + e]);
    double linear = said[0] + share_of(m + HW_E_LINEAR_SHARE) * (said[1] - said[0]);
    double bound = WILD * __builtin_sqrt(m[HW_E_SEASON]), steady = hw_weigh(f, first > STEADY ? first : STEADY);
    fit_share(m + HW_E_LINEAR_SHARE, said[1] - said[0], miss[0], bound, steady);
    fit_share(m + HW_E_NETS_SHARE, nets, y - linear, bound, steady);
    m[HW_E_COUNT] = n + 1;
}

/* ---- columns of the last times ----------------------------------------------------------------------------- */

/* Move what is kept of the last times' columns together, in the order of time, with room for `more` entries behind. */
int compact_columns(hw_learner *l, int64_t more)
{
    hw_forecast_t *f = l->forecast;
    int64_t need = more, t = f->counts[HW_FC_TIMES], end = 0;
    for (int64_t i = t > f->horizon ? t - f->horizon : 0; i < t; i++)
        need += f->x_count[i % f->horizon];
    int32_t *slots = f->x_slots;
    double *x = f->x;
    int64_t capacity = f->x_slots ? (int64_t)(hw_capacity(f->x_slots) / sizeof(int32_t)) : 0;
    if (capacity < need) {
        slots = hw_allocate(&l->memory, (uint64_t)(2 * need + 16) * sizeof(int32_t));
        x = hw_allocate(&l->memory, (uint64_t)(2 * need + 16) * sizeof(double));
        if (!slots || !x) {
            hw_release(slots);
            hw_release(x);
            return HW_NO_MEMORY;
        }
    }
    for (int64_t i = t > f->horizon ? t - f->horizon : 0; i < t; i++) {
        int64_t place = i % f->horizon, count = f->x_count[place];
        if (count) {
            memmove(slots + end, f->x_slots + f->x_start[place], (size_t)count * sizeof(int32_t));
            memmove(x + end, f->x + f->x_start[place], (size_t)count * sizeof(double));
        }
        f->x_start[place] = end;
        end += count;
    }
    if (slots != f->x_slots) {
        hw_release(f->x_slots);
        hw_release(f->x);
        f->x_slots = slots;
        f->x = x;
    }
    f->counts[HW_FC_ENTRIES] = end;
    return 0;
}

/* Write the columns of the sample at hand behind those that are kept. */
static void write_columns(hw_learner *l)
{
    hw_forecast_t *f = l->forecast;
    int64_t end = f->counts[HW_FC_ENTRIES];
    if (f->own) {
        memcpy(f->x_slots + end, l->entry_slots + HW_FORECAST_INPUTS, (size_t)f->own * sizeof(int32_t));
        memcpy(f->x + end, l->entry_x + HW_FORECAST_INPUTS, (size_t)f->own * sizeof(double));
    }
}

/* Take `count` columns from where they are kept as those of the sample at hand. */
static void take_columns(hw_learner *l, int64_t start, int64_t count)
{
    hw_forecast_t *f = l->forecast;
    f->own = count;
    if (count) {
        memcpy(l->entry_slots + HW_FORECAST_INPUTS, f->x_slots + start, (size_t)count * sizeof(int32_t));
        memcpy(l->entry_x + HW_FORECAST_INPUTS, f->x + start, (size_t)count * sizeof(double));
    }
}

/* Keep the columns that were written as those of time t. */
static void keep_columns(hw_forecast_t *f, int64_t t, int64_t count)
{
    f->x_start[t % f->horizon] = f->counts[HW_FC_ENTRIES];
    f->x_count[t % f->horizon] = count;
    f->counts[HW_FC_ENTRIES] += count;
}

/* Room for the columns of the sample at hand, and for reading those of the last times again. */
static int reserve_columns(hw_learner *l, int64_t t)
{
    hw_forecast_t *f = l->forecast;
    int64_t capacity = f->x_slots ? (int64_t)(hw_capacity(f->x_slots) / sizeof(int32_t)) : 0;
    if (capacity - f->counts[HW_FC_ENTRIES] < f->own && compact_columns(l, f->own) < 0)
        return HW_NO_MEMORY;
    int64_t most = f->own;
    for (int64_t i = 0; i < f->horizon && i < t; i++)
        most = f->x_count[i] > most ? f->x_count[i] : most;
    most += HW_FORECAST_INPUTS;
    int status = reserve_room(l, most);
    return status < 0 ? status : hw_reserve_undo(l, 3 * most + 1);
}

/* Memory for what falls due when nets learn the columns of a time. The sample at hand is that of time t. */
static int reserve_nets(hw_learner *l, int64_t t, int64_t target)
{
    static const int32_t first[HW_FORECAST_INPUTS] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    hw_forecast_t *f = l->forecast;
    hw_due due = {0};
    if (target < 1)
        return 0;
    const int32_t *slots = target == t ? l->entry_slots + HW_FORECAST_INPUTS : f->x_slots + f->x_start[target % f->horizon];
    int status = hw_foresee(l, first, HW_FORECAST_INPUTS, &due);
    if (status >= 0)
        status = hw_foresee(l, slots, target == t ? f->own : f->x_count[target % f->horizon], &due);
    if (status >= 0 && l->ring)
        status = hw_reserve_ring(l, 3 * due.values + 1);
    return status < 0 ? status : hw_reserve_due(l, &due, 3 * due.values + 1);
}

/* ---- one step of time -------------------------------------------------------------------------------------- */

/* The nets learn the answer of a time whose forecasts from every origin are past, from one of these: at a horizon that is
 * drawn. From all of them they would take as many steps along much the same row. */
static void learn_nets(hw_learner *l, int64_t target)
{
    hw_forecast_t *f = l->forecast;
    if (target < 1 || !(origin_at(f, target)[HW_ORIGIN_KNOWN] > 0))
        return;
    int64_t h = 1 + (int64_t)(hw_key(l->seed, (uint64_t)target, 1) % (uint64_t)f->horizon), o = target - h;
    double unit = unit_of(f, h), weight = hw_row_weight(f, target), said = 0;
    if (!(weight > 0) || o < 0 || !(origin_at(f, o)[HW_ORIGIN_KNOWN] > 0) || unit == 0)
        return;
    take_columns(l, f->x_start[target % f->horizon], f->x_count[target % f->horizon]);
    compose(l, o, h);
    hw_learn(l, (hw_past_at(f, target) - said_at(f, o)[h - 1]) / unit, weight, &said);
}

/* ---- what was forecast, to be held against the answer ------------------------------------------------------ */

/* Read the columns of whole seasons before a time ahead, where they are known when it is forecast, and kept until it comes.
 */
static void take_seasonal_columns(hw_learner *l, int64_t target, int64_t h)
{
    hw_forecast_t *f = l->forecast;
    int64_t back = (h + f->season - 1) / f->season * f->season, place = (target - back) % f->horizon;
    bool kept = back <= f->horizon && back <= target;
    take_columns(l, kept ? f->x_start[place] : 0, kept ? f->x_count[place] : 0);
}

/* Keep what is forecast at time t. The columns of the times ahead are not known: those of seasons before stand for them. */
static void keep_forecasts(hw_learner *l, int64_t t)
{
    hw_forecast_t *f = l->forecast;
    double said[HW_FORECAST_EXPERTS];
    for (int64_t h = 1; h <= f->horizon; h++) {
        take_seasonal_columns(l, t + h, h);
        compose(l, t, h);
        experts_of(f, t, h, ask_nets(l, h), said);
        given_at(f, t)[h - 1] = mix(f, h, said);
    }
}

/* What was forecast of time t, whose columns are known by now, h times before. What these say where those of seasons before
 * stood is as the nets say now: they have learned a little more since. `own`: how many columns it has. */
static double forecast_then(hw_learner *l, int64_t t, int64_t h, double nets, int64_t own)
{
    hw_forecast_t *f = l->forecast;
    double said[HW_FORECAST_EXPERTS], given = given_at(f, t - h)[h - 1];
    experts_of(f, t - h, h, nets, said);
    double mixed = mix(f, h, said);
    if (!finite(given))
        return mixed;
    take_seasonal_columns(l, t, h);
    if (!f->own && !own)
        return given;
    compose(l, t - h, h);
    said[2] = ask_nets(l, h);
    return given + (mixed - mix(f, h, said));
}

/* y_t is known. The sample at hand is that of time t. */
static void score_all(hw_learner *l, int64_t t, double y, double *errors)
{
    hw_forecast_t *f = l->forecast;
    int64_t own = f->own, most = least_of(f->horizon, t);
    double nets[HW_MOST_HORIZON];
    for (int64_t h = 1; h <= most; h++) {
        compose(l, t - h, h);
        nets[h - 1] = ask_nets(l, h);
    }
    for (int64_t h = 1; h <= most; h++) {
        double said = forecast_then(l, t, h, nets[h - 1], own);
        errors[h - 1] = y - (l->bank ? hw_pool_says(l, t - h, h, said) : said);
        if (!l->bank) {
            hw_keep_error(f, t, h, errors[h - 1]);
            continue;
        }
        hw_score_pool(l, t, h, y, said, errors[h - 1]);
        hw_note_size(l, h, errors[h - 1]);
        hw_keep_evened(f, t, h, hw_evened(l, t - h, h, errors[h - 1]));
    }
    for (int64_t h = 1; h <= most; h++)
        score(f, t, h, y, nets[h - 1]);
}

/* Weights of the answers that are kept, for what learns them late: the nets, the season, and levels of intervals. */
static int begin_weights(hw_learner *l)
{
    hw_forecast_t *f = l->forecast;
    if (!hw_extend(&l->memory, &f->past, 2 * (uint64_t)f->kept * 8))
        return HW_NO_MEMORY;
    for (int64_t i = 0; i < f->kept; i++)
        f->past[f->kept + i] = 1;
    f->weighed = true;
    return 0;
}

/* Room for all that time t takes, before anything is changed. */
static int reserve_time(hw_learner *l, int64_t t)
{
    int status = make_place(l);
    if (HW_WEIGHS && status >= 0 && l->forecast->weight != 1 && !l->forecast->weighed)
        status = begin_weights(l);
    if (status >= 0)
        status = reserve_columns(l, t);
    return status < 0 ? status : reserve_nets(l, t, t - l->forecast->horizon + 1);
}

/* The answer of time t as it counts; what stands in its place where it is missing. */
static double take_answer(hw_forecast_t *f, int64_t t, double y, bool learned)
{
    if (learned)
        return record_answer(f, y);
    return HW_WEIGHS && y == y ? hw_bounded(f, y) : filled(f, t);
}

static void keep_answer(hw_forecast_t *f, int64_t t, double answer)
{
    f->past[t % f->kept] = answer;
    if (HW_WEIGHS && f->weighed)
        f->past[f->kept + t % f->kept] = f->weight;
}

static void begin_origin(hw_forecast_t *f, int64_t t, double answer, bool known)
{
    double *origin = origin_at(f, t);
    origin[HW_ORIGIN_LAST] = answer;
    origin[HW_ORIGIN_MEAN] = f->numbers[HW_FN_FADING];
    origin[HW_ORIGIN_KNOWN] = known;
}

int hw_learn_next(hw_learner *l, double y, double w)
{
    hw_forecast_t *f = l->forecast;
    bool known = y == y, learned = known && (!HW_WEIGHS || w > 0);
    if (!f || (known && !(y >= -HW_MOST_ANSWER && y <= HW_MOST_ANSWER)) || (HW_WEIGHS && !(w >= 0 && w <= HW_MOST_WEIGHT)))
        return HW_BAD_ARGUMENT;
    int64_t t = f->counts[HW_FC_TIMES];
    if (!learned && t == 0) /* a gap before the first answer: time has not begun */
        return 0;
    f->weight = HW_WEIGHS && known ? w : 1;
    int status = reserve_time(l, t);
    if (status < 0)
        return status;
    hw_count_shared(l);
    double answer = take_answer(f, t, y, learned); /* from here on nothing fails: no answer counts twice */
    int64_t own = f->own;
    double errors[HW_MOST_HORIZON];
    hw_least_squares linear = linear_of(f);
    write_columns(l);
    hw_pass_time(f, t);
    if (learned)
        score_all(l, t, answer, errors);
    if (known)
        hw_learn_linear(f, &linear, t, answer);
    if (l->bank)
        hw_note_phase(l, t, errors, learned ? least_of(f->horizon, t) : 0);
    keep_answer(f, t, answer);
    begin_origin(f, t, answer, known);
    hw_begin_linear(f, &linear, t);
    hw_say_linear(f, &linear, t, known);
    if (l->bank)
        hw_learn_pool(l, t, answer, known);
    keep_columns(f, t, own);
    f->counts[HW_FC_TIMES] = t + 1;
    learn_nets(l, t - f->horizon + 1);
    keep_forecasts(l, t);
    return learned;
}

int hw_forecast(hw_learner *l, int64_t h, double *y)
{
    hw_forecast_t *f = l->forecast;
    double experts[HW_FORECAST_EXPERTS];
    if (!f || h < 1 || h > f->horizon)
        return HW_BAD_ARGUMENT;
    int64_t o = f->counts[HW_FC_TIMES] - 1;
    *y = 0;
    if (o < 0)
        return 0;
    int status = make_place(l);
    if (status < 0)
        return status;
    compose(l, o, h);
    experts_of(f, o, h, ask_nets(l, h), experts);
    *y = mix(f, h, experts);
    if (l->bank)
        *y = hw_pool_says(l, o, h, *y);
    return 0;
}

/* ---- state ------------------------------------------------------------------------------------------------- */

enum { PAST = 2 }; /* its place among the arrays of a forecaster */

/* The counts from which the shapes of a forecaster's columns follow, and whether there are weights. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    hw_forecast_t *f = l->forecast;
    if (!f)
        return 0;
    SAVED(first->type == HW_I64 && first->dimensions == 1 && first->shape[0] == HW_FC_COUNTS, "forecast_counts",
          "its counts", first->shape[0]);
    if (!hw_extend(&l->memory, &f->counts, HW_FC_COUNTS * 8))
        return HW_NO_MEMORY;
    memcpy(f->counts, first->data, HW_FC_COUNTS * 8);
    for (int j = 0; j < HW_FC_COUNTS; j++)
        SAVED(f->counts[j] >= 0 && f->counts[j] < (int64_t)1 << 53, "forecast_counts", "0 or more", f->counts[j]);
    f->weighed = HW_WEIGHS && first[PAST].shape[0] == 2 * f->kept;
    return 0;
}

/* Times and counts from which places follow, and columns that there are. */
static int check(hw_learner *l, hw_fault *fault)
{
    const hw_forecast_t *f = l->forecast;
    if (!f)
        return 0;
    SAVED(has_columns(l), "columns", "those of a forecaster as the first", l->columns.count);
    int64_t entries = f->counts[HW_FC_ENTRIES];
    static const int counts[] = {HW_FN_ANSWERS, HW_FN_FAR, HW_FN_BOUNDED, HW_FN_START};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        SAVED(hw_countable(f->numbers[counts[i]]), "forecast_numbers", "counts", f->numbers[counts[i]]);
    double unit = f->numbers[HW_FN_SCALE], mean = f->numbers[HW_FN_MEAN], fading = f->numbers[HW_FN_FADING];
    SAVED((unit == 0 || (unit >= 1e-150 && unit <= 1e31)) && f->numbers[HW_FN_SPREAD] >= 0, "forecast_numbers",
          "a unit of 0, or from 1e-150 to 1e31", unit);
    SAVED(mean >= -1.01e30 && mean <= 1.01e30 && fading >= -1.01e30 && fading <= 1.01e30, "forecast_numbers",
          "means of answers up to 1e30", mean);
    for (int64_t h = 0; h < f->horizon; h++) {
        SAVED(hw_countable(f->errors[h * HW_ERRORS + HW_E_COUNT]), "forecast_errors", "a count",
              f->errors[h * HW_ERRORS + HW_E_COUNT]);
        SAVED(f->x_start[h] >= 0 && f->x_count[h] >= 0 && f->x_start[h] <= entries &&
                  f->x_count[h] <= entries - f->x_start[h],
              "forecast_column_start", "inside the columns", f->x_start[h]);
    }
    for (int64_t i = f->kept; HW_WEIGHS && f->weighed && i < 2 * f->kept; i++)
        SAVED(f->past[i] >= 0 && f->past[i] <= HW_MOST_WEIGHT, "forecast_past", "weights of answers", f->past[i]);
    SAVED(hw_has_ends(f), "forecast_levels", "levels that can be, and counts", f->levels[0]);
    for (int64_t i = 0; i < entries; i++) {
        int64_t slot = f->x_slots[i];
        SAVED(slot < l->slots.count && -slot - 1 < l->rows && slot != -1, "forecast_column_slots",
              "slots or categories that there are", slot);
    }
    return 0;
}

static int64_t count(const hw_learner *l, int code)
{
    const hw_forecast_t *f = l->forecast;
    switch (code) {
    case HW_FC_FEATURES: return f->features;
    case HW_FC_HORIZON: return f->horizon;
    case HW_FC_ORIGINS: return 2 * (int64_t)f->horizon;
    case HW_FC_KEPT: return HW_WEIGHS && f->weighed ? 2 * f->kept : f->kept;
    case HW_FC_WINDOW: return l->bank ? 0 : HW_FORECAST_WINDOW;
    case HW_FC_OLDER: return l->bank ? 0 : f->horizon;
    default: return f->counts[HW_FC_ENTRIES];
    }
}

static void fill(hw_learner *l) { hw_begin_ends(l->forecast); }
static int pack(hw_learner *l)
{
    hw_forecast_t *f = l->forecast;
    bool odd = false;
    for (int64_t i = f->kept; HW_WEIGHS && f->weighed && i < 2 * f->kept; i++)
        odd |= f->past[i] != 1;
    if (HW_WEIGHS)
        f->weighed = odd; /* weights that are all 1 again say nothing */
    return compact_columns(l, 0);
}

const hw_part hw_part_forecast = {.tag = HW_TAG_FORECAST,
                                  .least = HW_FORECAST,
                                  .most = HW_FORECAST,
                                  .bars = HW_BIT(text) | HW_BIT(recurrent),
                                  .parse = parse,
                                  .read = read,
                                  .count = count,
                                  .make = make,
                                  .begin = begin,
                                  .fill = fill,
                                  .check = check,
                                  .pack = pack};
