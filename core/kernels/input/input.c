/* From a sample's entries to the pairs (row, value) that the net reads.
 *
 * The input layer is a table of rows, z = b + sum of value times row: a number scales its row, a category picks its row, a
 * missing value has no pair. Numbers are standardised as they stream and also read as a curve (a linear spline). Formulas
 * and reasons stand in headwater/plain/inputs/input.py. */
#ifndef HW_INPUT_C
#define HW_INPUT_C

#include "../step.c"

static const double CLIP = 5;      /* a standardised input lies within ±5 */
static const double FORGET = 1e-3; /* statistics never forget slower than this */
static const double BOUND = 10;    /* a value farther than this many deviations moves the statistics as if it lay there */
static const double OUTLIER = 1e3; /* one farther than this is taken for an error: the mean stands for it, */
static const double ERROR_BOUND =
    5;                            /* and it moves the statistics as if it lay there: at ten, 1 in 100 let them run away */
static const double SETTLED = 10; /* rows before these bounds apply */
static const double NEAR_DATE = 2 * 365.25 * 86400; /* seconds: a date that is no farther from the mean is no outlier */
enum { DATED = 64 }; /* columns among which those of dates are looked for: few values are far */
static const double HUGE_INPUT = 1e30;
static const double NOTHING = 1e-300; /* what lies nearer to 0 is 0 */
static const double ROUNDING = 1e-20; /* a variance below this share of mean² is rounding */

/* How statistics follow a column: they forget no slower than `forget`, and a value moves them as if it lay within `bound`
 * deviations. */
typedef struct tracking {
    double forget, bound;
} tracking;

/* x in units of its running deviation, within ±clip. The statistics include x: it is known before its answer. */
static double standardise_by(tracking by, double *mean, double *variance, double *seen, double x, double clip, bool learn,
                             double *far)
{
    double t = *seen + 1, a = t * by.forget > 1 ? by.forget : 1 / t, mu = *mean, var = *variance, d = x - mu;
    if (t > SETTLED && var > 0 && d * d > by.bound * by.bound * var) {
        if (learn && d * d > BOUND * BOUND * var)
            *far += 1;
        bool error = by.bound > ERROR_BOUND && d * d > OUTLIER * OUTLIER * var;
        double bound = (error ? ERROR_BOUND : by.bound) * __builtin_sqrt(var);
        d = within(d, -bound, bound);
    }
    mu += a * d;
    var = (1 - a) * (var + a * d * d);
    if (learn) {
        *mean = mu;
        *variance = var;
        *seen = t;
    }
    if (var <= ROUNDING * mu * mu || var <= NOTHING) /* a column that never moved, or only by rounding, says nothing */
        return 0;
    return within((x - mu) / __builtin_sqrt(var), -clip, clip);
}

static double standardise(double *mean, double *variance, double *seen, double x, double clip, bool learn, double *far)
{
    return standardise_by((tracking){FORGET, BOUND}, mean, variance, seen, x, clip, learn, far);
}

/* Whether a far value is a date that went on as dates do: where rows of a day, a month or a year come together, the next
 * one lies many deviations off. Its circles of hours, weekdays and days of the year have no outliers at all. */
static bool is_next_date(const hw_learner *l, int32_t slot, double d)
{
    for (int32_t c = 0; c < l->columns.count && c < DATED; c++) {
        int32_t part = slot - l->columns.slot[c];
        if (l->columns.kind[c] == HW_TIME && l->columns.slot[c] >= 0 && part >= 0 && part < HW_TIME_PARTS)
            return part > 0 || magnitude(d) <= NEAR_DATE;
    }
    return false;
}

/* Standardise a value of a slot and learn it; what is far is counted, but for dates that go on. */
static double standardise_slot(hw_learner *l, int32_t slot, double x, double clip, bool learn)
{
    hw_slots *s = &l->slots;
    double d = x - s->mean[slot], *far = running(l, 0) + HW_FAR, before = *far;
    double z = standardise(s->mean + slot, s->variance + slot, s->seen + slot, x, clip, learn, far);
    if (*far > before && is_next_date(l, slot, d))
        *far = before;
    return z;
}

/* The two basis functions of the linear spline under which x lies: row of knot k with 1 - u, of knot k + 1 with u. */
static int64_t spline_basis(const hw_learner *l, int32_t slot, double x, int32_t *rows, real *v, int64_t n)
{
    int32_t count = l->slots.knot_count[slot], first = l->slots.basis[slot];
    if (count < 3 || first <= 0)
        return n;
    const double *knots = l->slots.knots + (int64_t)slot * l->knots;
    int32_t k = 0, last = count - 2;
    for (int32_t step = 32; step; step >>= 1) /* the last knot that is not above x, by halving: no branch to guess */
        k += k + step <= last && x >= knots[k + step <= last ? k + step : last] ? step : 0;
    double u = within((x - knots[k]) / (knots[k + 1] - knots[k]), 0, 1);
    rows[n] = first + k;
    v[n] = (real)(1 - u);
    n += u < 1;
    rows[n] = first + k + 1;
    v[n] = (real)u;
    n += u > 0;
    return n;
}

/* Keep x in a sample of the slot's past (Vitter's algorithm R). After 16, 32, 64, … values the knots move to its quantiles,
 * once this sample is learned. */
static void update_reservoir(hw_learner *l, int32_t slot, double x)
{
    hw_slots *s = &l->slots;
    int64_t t = (int64_t)s->seen[slot], capacity = (int64_t)(hw_capacity(s->reservoir[slot]) / sizeof(double));
    int64_t at = t <= HW_RESERVOIR ? t - 1 : (int64_t)(hw_uniform(l->random) * (double)t);
    if (at >= 0 && at < capacity && at < HW_RESERVOIR) /* there is room: hw_foresee */
        s->reservoir[slot][at] = x;
    if (t >= HW_FIRST_KNOTS && (t & (t - 1)) == 0 && l->curves->due_count < l->curves->due_capacity)
        l->curves->due[l->curves->due_count++] = slot;
}

/* 1 - s, s the share of rows that had the column, this row included. */
static inline double presence_offset(double seen, double rows_seen, double inverse)
{
    return seen >= rows_seen ? 0 : 1 - seen * inverse;
}

/* The pairs of a column count as much as it is relevant; those of answers before as much as one answer says of the next. */
static inline void scale_pairs(const hw_learner *l, int32_t slot, real *v, int64_t from, int64_t to)
{
    double factor = slot < l->answer_inputs ? l->lag->share : 1;
    if (l->relevance && slot < hw_followed(l->relevance))
        factor *= 1 - l->relevance->of[(int64_t)slot * HW_R_SLOT + HW_R_SHRUNK];
    for (int64_t i = from; i < to && factor != 1; i++)
        v[i] *= (real)factor;
}

/* A huge number as the largest one, an infinite one as missing; both are counted. */
static double without_huge(hw_learner *l, double x, bool learn)
{
    if (!(magnitude(x) > HUGE_INPUT))
        return x;
    bool infinite = magnitude(x) > 1.7976931348623157e308;
    if (learn)
        running(l, 0)[infinite ? HW_INFINITE : HW_HUGE] += 1;
    return infinite ? x - x : x < 0 ? -HUGE_INPUT : HUGE_INPUT;
}

/* A number of a slot, standardised, an outlier as the mean; `value`: what stands for it on the curve. rows_seen: what is
 * often absent counts by being there. */
static double standardised_entry(hw_learner *l, int32_t slot, double x, double rows_seen, bool learn, double *value)
{
    hw_slots *s = &l->slots;
    HW_ASSERT(slot < s->count && s->row[slot] < l->rows);
    double *seen = s->seen + slot, mean = s->mean[slot], d = x - mean;
    *value = x;
    if (!l->standard) {
        *seen += learn;
        return x;
    }
    bool outlier = *seen + 1 > SETTLED && s->variance[slot] > 0 && d * d > OUTLIER * OUTLIER * s->variance[slot];
    *value = outlier ? mean : x;
    double z = standardise_slot(l, slot, x, CLIP, learn);
    if (outlier)
        z = 0;
    if (rows_seen > 0 && magnitude(x) > NOTHING)
        z += presence_offset(learn ? *seen : *seen + 1, rows_seen, 1 / rows_seen);
    return z;
}

/* One entry. Returns the new number of pairs. */
static int64_t read_entry(hw_learner *l, int32_t slot, double x, double rows_seen, bool learn, int64_t n)
{
    int32_t *rows = l->rows_at;
    real *v = l->values_at;
    x = without_huge(l, x, learn);
    if (x != x)
        return n;
    if (slot < 0) {
        rows[n] = -slot - 1;
        v[n] = (real)x;
        return n + 1;
    }
    double value, z = standardised_entry(l, slot, x, rows_seen, learn, &value);
    int64_t from = n;
    rows[n] = l->slots.row[slot];
    v[n] = (real)z;
    n++;
    if (l->knots) {
        n = spline_basis(l, slot, value, rows, v, n);
        if (learn)
            update_reservoir(l, slot, value);
    }
    scale_pairs(l, slot, v, from, n);
    return n;
}

/* As read_entry, of an entry whose pairs stand there. */
static void learn_entry(hw_learner *l, int32_t slot, double x)
{
    double value;
    x = without_huge(l, x, true);
    if (x != x || slot < 0)
        return;
    standardised_entry(l, slot, x, 0, true, &value);
    if (l->knots)
        update_reservoir(l, slot, value);
}

/* n numbers x standardised side by side by statistics that lie side by side: z, and the statistics as they then are. The
 * same operations as in read_entry. Returns whether none was odd: missing, huge, many deviations off. settled: all were
 * seen so often that their statistics forget at the slowest pace. */
static inline __attribute__((always_inline)) bool
standardise_numbers(int64_t n, const double *restrict x, const double *restrict mean, const double *restrict variance,
                    const double *restrict seen, double rows_seen, double *restrict z, double *restrict mu,
                    double *restrict var, bool settled)
{
    double inverse = rows_seen > 0 ? 1 / rows_seen : 0;
    int64_t odd = 0;
    for (int64_t i = 0; i < n; i++) {
        double count = seen[i] + 1, a = settled ? FORGET : count * FORGET > 1 ? FORGET : 1 / count, d = x[i] - mean[i];
        double wide = count > SETTLED ? BOUND * BOUND * variance[i] : 1e300, bound = variance[i] > 0 ? wide : 1e300;
        odd |= !(d * d <= bound) | !(x[i] <= HUGE_INPUT) | !(x[i] >= -HUGE_INPUT); /* also where x is NaN */
        double m = mean[i] + a * d, u = (1 - a) * (variance[i] + a * d * d);
        double scaled = (x[i] - m) / __builtin_sqrt(u);
        scaled = scaled < -CLIP ? -CLIP : scaled;
        scaled = scaled > CLIP ? CLIP : scaled;
        scaled = u <= ROUNDING * m * m ? 0 : scaled;
        scaled = u <= NOTHING ? 0 : scaled;
        double absent = count >= rows_seen ? 0 : 1 - count * inverse;
        double size = x[i] < 0 ? -x[i] : x[i];
        z[i] = scaled + (size > NOTHING ? absent : 0);
        mu[i] = m;
        var[i] = u;
    }
    return !odd;
}

static __attribute__((noinline)) bool standardise_young(int64_t n, const double *x, const double *mean,
                                                        const double *variance, const double *seen, double rows_seen,
                                                        double *z, double *mu, double *var)
{
    return standardise_numbers(n, x, mean, variance, seen, rows_seen, z, mu, var, false);
}

static __attribute__((noinline)) bool standardise_settled(int64_t n, const double *x, const double *mean,
                                                          const double *variance, const double *seen, double rows_seen,
                                                          double *z, double *mu, double *var)
{
    return standardise_numbers(n, x, mean, variance, seen, rows_seen, z, mu, var, true);
}

/* n entries, of the slots from `first` on, are learned: their statistics are those that lie in staging. */
static void keep_staged(hw_learner *l, int32_t first, int64_t n)
{
    const double *mu = l->staging + n, *var = mu + n;
    double *seen = l->slots.seen + first;
    memcpy(l->slots.mean + first, mu, (size_t)n * sizeof(double));
    memcpy(l->slots.variance + first, var, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++)
        seen[i] += 1;
}

/* Entries of consecutive slots, if that is what they are and none is odd: standardised into staging. */
static bool standardise_side_by_side(hw_learner *l, const int32_t *slots, const double *x, int64_t n, double rows_seen,
                                     bool learn)
{
    int32_t first = slots[0], odd = 0, young = 0;
    double *mean = l->slots.mean + first, *variance = l->slots.variance + first, *seen = l->slots.seen + first;
    double *z = l->staging, *mu = z + n, *var = mu + n;
    for (int64_t i = 0; i < n; i++)
        odd |= slots[i] ^ (first + (int32_t)i);
    if (odd)
        return false;
    for (int64_t i = 0; i < n; i++)
        young |= !((seen[i] + 1) * FORGET > 1);
    if (!(young ? standardise_young : standardise_settled)(n, x, mean, variance, seen, rows_seen, z, mu, var))
        return false;
    if (learn)
        keep_staged(l, first, n);
    return true;
}

/* Pairs of numbers that were standardised side by side, without a spline basis. Returns whether their rows are those after
 * the bias, one after the other: then nothing that follows has to look a row up. */
static bool pair_side_by_side(hw_learner *l, int32_t first, int64_t count, int64_t n)
{
    const int32_t *row = l->slots.row + first;
    const double *z = l->staging;
    int32_t *restrict rows = l->rows_at + n, odd = 0;
    real *restrict v = (real *)l->values_at + n;
    for (int64_t i = 0; i < count; i++) {
        rows[i] = row[i];
        odd |= row[i] ^ (int32_t)(i + 1);
        v[i] = (real)z[i];
    }
    return !odd;
}

/* Pairs whose row no step has touched go behind the others: a name counts from its second sight. */
static void unseen_last(hw_learner *l, int64_t n)
{
    int32_t *rows = l->rows_at, *spare_rows = rows + l->pair_capacity;
    real *v = l->values_at, *spare_v = v + l->pair_capacity;
    int64_t part = 0, late = 0, i = 0, unseen = 0;
    if (l->rows_in_order) {
        for (int64_t r = 0; r < n; r++)
            unseen += l->touched[r] == 0;
        l->pairs = l->active = n;
        if (!unseen)
            return;
        l->rows_in_order = false;
    }
    while (i < n && l->touched[rows[i]])
        i++;
    for (part = i; i < n; i++) {
        if (l->touched[rows[i]] == 0) {
            spare_rows[late] = rows[i];
            spare_v[late++] = v[i];
        } else {
            rows[part] = rows[i];
            v[part++] = v[i];
        }
    }
    for (i = 0; i < late; i++) {
        rows[part + i] = spare_rows[i];
        v[part + i] = spare_v[i];
    }
    l->pairs = n;
    l->active = part;
}

static inline double rows_seen_by(const hw_learner *l) { return l->bias && l->growing ? (double)(l->touched[0] + 1) : 0; }

static bool all_side_by_side(hw_learner *l, bool learn)
{
    return l->entries >= 4 && l->standard && l->entry_slots[0] >= 0 &&
           standardise_side_by_side(l, l->entry_slots, l->entry_x, l->entries, rows_seen_by(l), learn);
}

/* Pairs of the entries at hand. Predicting leaves no trace: statistics then move in registers only. */
static void read_entries(hw_learner *l, bool learn)
{
    const int32_t *slots = l->entry_slots;
    const double *x = l->entry_x;
    int32_t *rows = l->rows_at;
    real *v = l->values_at;
    int64_t n = 0, count = l->entries;
    l->rows_in_order = false;
    if (l->bias) {
        rows[n] = 0;
        v[n++] = 1;
    }
    bool beside = all_side_by_side(l, learn);
    if (!HW_SMALL)
        l->staged = beside && !learn;
    if (beside && !l->knots) {
        l->rows_in_order = pair_side_by_side(l, slots[0], count, n) && l->bias;
        n += count;
    } else if (beside) {
        for (int64_t i = 0; i < count; i++) {
            int64_t from = n;
            rows[n] = l->slots.row[slots[i]];
            v[n++] = (real)l->staging[i];
            n = spline_basis(l, slots[i], x[i], rows, v, n);
            if (learn)
                update_reservoir(l, slots[i], x[i]);
            scale_pairs(l, slots[i], v, from, n);
        }
    } else {
        for (int64_t i = 0; i < count; i++)
            n = read_entry(l, slots[i], x[i], rows_seen_by(l), learn, n);
    }
    if (l->growing) {
        unseen_last(l, n);
    } else {
        l->pairs = l->active = n;
    }
}

/* The pairs of the sample at hand stand there since it was predicted: its entries move the statistics. */
static void learn_entries(hw_learner *l)
{
    if (HW_SMALL) {
        read_entries(l, true);
        return;
    }
    bool beside = l->staged;
    l->staged = false;
    if (beside)
        keep_staged(l, l->entry_slots[0], l->entries);
    for (int64_t i = 0; (!beside || l->knots) && i < l->entries; i++) {
        if (beside)
            update_reservoir(l, l->entry_slots[i], l->entry_x[i]);
        else
            learn_entry(l, l->entry_slots[i], l->entry_x[i]);
    }
}

#endif
