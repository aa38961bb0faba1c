/* How unusual a sample is, against those that came before it.
 *
 * Four detectors look at it, each with a raw score: the mean square of its standardised numbers; its mean distance to the
 * nearest of the last samples; what an autoencoder fails to rebuild; the surprise of its categories and of what is new.
 * A raw score becomes a p-value, the share of the samples so far that had a larger one, where old ones fade (HW_ANOMALY: of
 * the last HW_SCORED samples). The pool's own raw score is the weighted sum of -ln p, and the answer is 1 - p of that.
 * Formulas and sources stand in headwater/plain/kinds/anomaly.py. */
#ifndef HW_ANOMALY_C
#define HW_ANOMALY_C

#include "../learn.c"

static const double POOL_WEIGHT[HW_DETECTORS] = {1.5, 1, 1, 1};
/* Heavy tails would make deviations unsteady; steady ones can forget faster. */
static const tracking TRACKED = {2.5e-3, 2.5};
static const double FARTHEST = 10;  /* a standardised number lies within ±10 */
static const double RARE = 0.001;   /* a p-value below this is an anomaly, which is not learned at once */
static const double TOGETHER = 100; /* but no more of them in succession: things may be so from now on */
enum { NEAREST = 10 };              /* samples that a distance is measured to */

static const double LOG_FIRST = -12, LOG_WIDTH = 0.25, POOL_WIDTH = 0.25; /* bins of scores; the first is of those of 0 */
static const double REMEMBERED = 20000;                                   /* samples after which one counts 1/e */
static const double TAIL = 0.02;          /* share of the pool's largest scores, beyond which it falls exponentially: */
static const double EXCESS = 3;           /* its mean excess before anything is known, */
static const double EXCESSES = 10;        /* which counts as so many samples */
static const double SMALLEST_P = 0x1p-24; /* so that 1 - p is below 1 in float32 */

/* The sample at hand: pair 0 is the bias, pair i + 1 is entry i. */
typedef struct looked_at {
    int64_t pairs, numbers;
    double score[HW_DETECTORS + 1], p[HW_DETECTORS + 1]; /* raw scores and p-values; the pool's last */
    int bin[HW_DETECTORS + 1];
} looked_at;

/* Where the parts of a score go: each row of the table gets factor times what it contributes. NULL: nowhere. */
typedef struct parts_of {
    double *row;
    double factor, new; /* what each new name contributes */
} parts_of;

/* A number in units of its column's deviation. Not inline: it is called twice, and pages load it. */
static __attribute__((noinline)) double deviations_of(hw_learner *l, int32_t slot, double x, bool learn)
{
    hw_slots *s = &l->slots;
    tracking by = l->intervals == HW_ANOMALY ? (tracking){FORGET, BOUND} : TRACKED;
    return standardise_by(by, s->mean + slot, s->variance + slot, s->seen + slot, x, FARTHEST, learn,
                          running(l, 0) + HW_FAR);
}

/* ---- the sample as pairs --------------------------------------------------------------------------------- */

/* A pair for each entry that is a number or a category; what is new counts as nothing but a surprise, so its value is 0. */
static void standardise_entries(hw_learner *l, looked_at *at, bool learn)
{
    int64_t n = 0;
    double *run = running(l, 0);
    real *v = l->values_at;
    l->rows_at[0] = 0;
    v[0] = 1;
    at->numbers = 0;
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        double x = l->entry_x[i];
        if (x != x)
            continue;
        if (magnitude(x) > HUGE_INPUT) { /* as far off as can be: no gap, but an anomaly */
            if (learn)
                run[HW_HUGE] += 1;
            x = x < 0 ? -HUGE_INPUT : HUGE_INPUT;
        }
        l->entry_slots[n] = slot;
        l->entry_x[n++] = x;
        if (slot < 0) {
            l->rows_at[n] = -slot - 1;
            v[n] = l->touched[-slot - 1] > 0;
            continue;
        }
        hw_slots *s = &l->slots;
        double z = deviations_of(l, slot, x, false);
        bool known = s->seen[slot] > 0;
        l->rows_at[n] = s->row[slot];
        v[n] = known ? (real)z : 0;
        at->numbers += known;
    }
    l->entries = (int32_t)n;
    at->pairs = l->pairs = l->active = n + 1;
}

static inline bool is_number(const hw_learner *l, int64_t pair) { return pair > 0 && l->entry_slots[pair - 1] >= 0; }

/* ---- detectors ------------------------------------------------------------------------------------------- */

static double square_of_numbers(hw_learner *l, const looked_at *at, parts_of *parts)
{
    const real *v = l->values_at;
    double sum = 0;
    for (int64_t i = 1; i < at->pairs; i++) {
        double own = is_number(l, i) && at->numbers ? (double)v[i] * (double)v[i] / (double)at->numbers : 0;
        sum += own;
        if (parts)
            parts->row[l->rows_at[i]] += parts->factor * own;
    }
    return sum;
}

static inline real square_distance(const real *restrict a, const real *restrict b, int n)
{
    real sum;
    SUM_UNITS(sum, n, (a[j] - b[j]) * (a[j] - b[j]));
    return sum;
}

/* The sample's values in the order of the pairs of sample i of the ring; 0 where it has none: the mean, or no category. */
static const real *in_order_of(hw_learner *l, const looked_at *at, int64_t i)
{
    const int32_t *rows = l->replay->rows + l->replay->start[i];
    int64_t n = l->replay->count[i];
    const real *by_row = l->anomaly->by_row;
    real *own = l->anomaly->reordered;
    if (n == at->pairs && !memcmp(rows, l->rows_at, (size_t)n * sizeof *rows))
        return l->values_at;
    for (int64_t j = 0; j < n; j++)
        own[j] = by_row[rows[j]];
    return own;
}

/* Put sample i of the ring, at a distance of root d, among the nearest, if it belongs there; returns how many there are. */
static int insert_nearest(double *nearest, int64_t *place, int found, double d, int64_t i)
{
    if (found == NEAREST && !(d < nearest[NEAREST - 1]))
        return found;
    int q = found < NEAREST ? found++ : NEAREST - 1;
    for (; q > 0 && nearest[q - 1] > d; q--) {
        nearest[q] = nearest[q - 1];
        place[q] = place[q - 1];
    }
    nearest[q] = d;
    place[q] = i;
    return found;
}

static double distance_to_nearest(hw_learner *l, const looked_at *at, parts_of *parts)
{
    int64_t some = hw_kept_samples(l), place[NEAREST] = {0};
    double nearest[NEAREST] = {0}, sum = 0;
    real *by_row = l->anomaly->by_row;
    int found = 0;
    for (int64_t i = 0; i < at->pairs; i++)
        by_row[l->rows_at[i]] = ((const real *)l->values_at)[i];
    for (int64_t i = 0; i < some; i++) {
        const real *kept = (const real *)l->replay->values + l->replay->start[i];
        double d = (double)square_distance(in_order_of(l, at, i), kept, (int)l->replay->count[i]);
        found = insert_nearest(nearest, place, found, d, i);
    }
    for (int q = 0; q < found; q++) {
        double distance = __builtin_sqrt(nearest[q]);
        sum += distance / found;
        if (!parts || !(distance > 0))
            continue;
        const int32_t *rows = l->replay->rows + l->replay->start[place[q]];
        const real *own = in_order_of(l, at, place[q]),
                   *kept = (const real *)l->replay->values + l->replay->start[place[q]];
        for (int64_t j = 0; j < l->replay->count[place[q]]; j++) {
            double apart = (double)(own[j] - kept[j]);
            parts->row[rows[j]] += parts->factor * apart * apart / (distance * found);
        }
    }
    for (int64_t i = 0; i < at->pairs; i++)
        by_row[l->rows_at[i]] = 0;
    return sum;
}

/* h = tanh(b + sum of value times the encoder's row), into the sample's values; what a number's own row of the decoder
 * makes of it differs from the number by an error, into l->anomaly->errors. The decoder lies where a rule's numbers would.
 */
static double failure_to_rebuild(hw_learner *l, const looked_at *at, parts_of *parts)
{
    const hw_expert_t *e = l->expert;
    const real *v = l->values_at, *decoder = (const real *)l->state[0] + l->dense;
    real *h = (real *)l->values + 16, *errors = l->anomaly->errors;
    double sum = 0;
    sum_rows((const real *)l->weights + l->dense, (size_t)l->stride, l->rows_at, v, (int)at->pairs, NULL, h, e->lanes);
    for (int j = 0; j < e->lanes; j++)
        h[j] = HW_MATH(hw_tanh)(h[j]);
    errors[0] = 0;
    for (int64_t i = 1; i < at->pairs; i++) {
        errors[i] = 0;
        if (!is_number(l, i))
            continue;
        errors[i] = dot(h, decoder + (int64_t)l->rows_at[i] * l->stride, e->lanes) - v[i];
        double own = at->numbers ? (double)errors[i] * (double)errors[i] / (double)at->numbers : 0;
        sum += own;
        if (parts)
            parts->row[l->rows_at[i]] += parts->factor * own;
    }
    return sum;
}

/* -ln of the share of samples that had a category; a new name counts as half a sample. */
static double surprise_of_names(hw_learner *l, const looked_at *at, parts_of *parts)
{
    double all = (double)(l->touched[0] + 1), of_new = hw_log64(2 * all), sum = of_new * (double)l->unknown;
    if (parts)
        parts->new = parts->factor * of_new;
    for (int64_t i = 1; i < at->pairs; i++) {
        double own = 0, seen = (double)l->touched[l->rows_at[i]];
        if (!is_number(l, i))
            own = seen > 0 ? hw_log64(all / (seen + 0.5)) : of_new;
        else if (l->slots.seen[l->entry_slots[i - 1]] == 0)
            own = of_new;
        own = own > 0 ? own : 0;
        sum += own;
        if (parts)
            parts->row[l->rows_at[i]] += parts->factor * own;
    }
    return sum;
}

static double (*const DETECTORS[HW_DETECTORS])(hw_learner *, const looked_at *, parts_of *) = {
    square_of_numbers, distance_to_nearest, failure_to_rebuild, surprise_of_names};

/* ---- from scores to one answer --------------------------------------------------------------------------- */

static double *scores_of(hw_learner *l, int detector) { return l->scores + HW_SCORES_HEAD + (int64_t)detector * HW_SCORED; }

static double *bins_of(hw_learner *l, int detector) { return l->scores + HW_SCORE_BINS + (int64_t)detector * HW_LOG_BINS; }

static int bins_in(int detector) { return detector < HW_DETECTORS ? HW_LOG_BINS : HW_POOL_BINS; }

static int bin_of(int detector, double score)
{
    if (!(score > 0))
        return 0;
    double at = detector < HW_DETECTORS ? (hw_log64(score) - LOG_FIRST) / LOG_WIDTH : score / POOL_WIDTH + 1;
    int last = bins_in(detector) - 1;
    return at < 1 ? 1 : at < last ? (int)at : last;
}

/* The share of samples so far in larger bins; the own bin and this sample count half. */
static double fading_p_value(const double *bins, int n, int own)
{
    double below = 0, above = 0;
    for (int i = 0; i < own; i++)
        below += bins[i];
    for (int i = own + 1; i < n; i++)
        above += bins[i];
    return (above + 0.5 * bins[own] + 0.5) / (below + bins[own] + above + 1);
}

/* The pool's p-value: among its largest scores its bins are nearly empty, and a tail that falls exponentially from the edge
 * of TAIL on, by the mean excess of the scores there, tells how much farther one lies. */
static double tail_p_value(const double *bins, int own, double score)
{
    double all = 0, within_tail = 0, excess = 0;
    for (int i = 0; i < HW_POOL_BINS; i++)
        all += bins[i];
    int first = HW_POOL_BINS;
    while (first > 1 && within_tail + bins[first - 1] <= TAIL * all)
        within_tail += bins[--first];
    if (!(all > 0) || own < first)
        return fading_p_value(bins, HW_POOL_BINS, own);
    double edge = (first - 1) * POOL_WIDTH;
    for (int i = first; i < HW_POOL_BINS; i++)
        excess += bins[i] * ((i - 0.5) * POOL_WIDTH - edge);
    double mean = (excess + EXCESSES * EXCESS) / (within_tail + EXCESSES);
    return most((within_tail + 0.5) / (all + 1) * hw_exp64((edge - score) / mean), SMALLEST_P);
}

/* The share of the last scores that are larger; equal ones count half, and so does this one: never 0 and never 1. */
static double recent_p_value(hw_learner *l, int detector, double score)
{
    double ever = l->scores[HW_SCORES_EVER];
    const double *scores = scores_of(l, detector);
    int count = ever < HW_SCORED ? (int)ever : HW_SCORED, twice = 1;
    for (int i = 0; i < count; i++)
        twice += (scores[i] > score) + (scores[i] >= score);
    return 0.5 * twice / (count + 1);
}

static double p_value(hw_learner *l, looked_at *at, int detector)
{
    if (l->intervals == HW_ANOMALY)
        return recent_p_value(l, detector, at->score[detector]);
    int own = at->bin[detector] = bin_of(detector, at->score[detector]);
    const double *bins = bins_of(l, detector);
    return detector < HW_DETECTORS ? fading_p_value(bins, HW_LOG_BINS, own) : tail_p_value(bins, own, at->score[detector]);
}

/* What a detector adds to the pool's raw score. One that finds nothing at all adds nothing: where rows never differ, its
 * p-value follows how many there were. */
static double surprise_of(const looked_at *at, int detector)
{
    return at->score[detector] > 0 ? -POOL_WEIGHT[detector] * hw_log64(at->p[detector]) : 0;
}

static void look(hw_learner *l, looked_at *at, bool learn)
{
    standardise_entries(l, at, learn);
    double pool = 0;
    for (int d = 0; d < HW_DETECTORS; d++) {
        at->score[d] = DETECTORS[d](l, at, NULL);
        at->p[d] = p_value(l, at, d);
        pool += surprise_of(at, d);
    }
    at->score[HW_DETECTORS] = pool;
    at->p[HW_DETECTORS] = p_value(l, at, HW_DETECTORS);
}

static int kernel_score(hw_learner *l, void *p)
{
    looked_at at;
    look(l, &at, false);
    *(real *)p = (real)(1 - at.p[HW_DETECTORS]);
    return 0;
}

/* What each row of the table, and each new name, contributes to the pool's raw score: every detector's -ln p, weighted, is
 * divided in proportion to what the rows contribute to its own raw score. */
static void kernel_contributions(hw_learner *l, double *row, double *score, double *of_new)
{
    looked_at at;
    look(l, &at, false);
    *score = at.score[HW_DETECTORS];
    *of_new = 0;
    for (int d = 0; d < HW_DETECTORS; d++) {
        parts_of parts = {row, 0, 0};
        if (at.score[d] > 0)
            parts.factor = surprise_of(&at, d) / at.score[d];
        DETECTORS[d](l, &at, &parts);
        *of_new += parts.new;
    }
}

/* ---- learning -------------------------------------------------------------------------------------------- */

static void record_scores(hw_learner *l, const looked_at *at)
{
    int64_t place = (int64_t)l->scores[HW_SCORES_EVER] % HW_SCORED;
    for (int d = 0; d <= HW_DETECTORS; d++)
        scores_of(l, d)[place] = at->score[d];
    if (l->intervals == HW_ANOMALY_FADING) {
        double *bins = bins_of(l, 0);
        for (int i = 0; l->scores[HW_SCORES_EVER] >= REMEMBERED && i < HW_DETECTORS * HW_LOG_BINS + HW_POOL_BINS; i++)
            bins[i] *= 1 - 1 / REMEMBERED;
        for (int d = 0; d <= HW_DETECTORS; d++)
            bins_of(l, d)[at->bin[d]] += 1;
    }
    l->scores[HW_SCORES_EVER] += 1;
}

/* One step of the autoencoder along the gradient of ½ |error|²; each of its two layers steps in proportion to what it
 * reads (normalised least mean squares), so no step overshoots. */
static void learn_to_rebuild(hw_learner *l, const looked_at *at)
{
    const hw_expert_t *e = l->expert;
    real *h = (real *)l->values + 16, *d = (real *)l->deltas + 16, *errors = l->anomaly->errors, *v = l->values_at;
    real *encoder = (real *)l->weights + l->dense, *decoder = (real *)l->state[0] + l->dense;
    int n = (int)at->pairs;
    real of_h = dot(h, h, e->lanes) + 1, of_v = 0, lr = (real)least(e->lr, 1);
    SUM_UNITS(of_v, n, v[j] * v[j]);
    sum_rows(decoder, (size_t)l->stride, l->rows_at, errors, n, NULL, d, e->lanes);
    for (int j = 0; j < e->lanes; j++)
        d[j] *= (1 - h[j] * h[j]) * (lr / of_v);
    for (int i = 0; i < n; i++)
        errors[i] *= lr / of_h;
    step_rows(decoder, (size_t)l->stride, l->rows_at, errors, n, h, e->lanes);
    step_rows(encoder, (size_t)l->stride, l->rows_at, v, n, d, e->lanes);
}

static void learn_sample_of_names(hw_learner *l)
{
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        if (slot >= 0)
            deviations_of(l, slot, l->entry_x[i], true);
        else
            ((real *)l->values_at)[i + 1] = 1;
    }
    l->rows_in_order = false;
    count_rows(l);
}

static int kernel_learn_unusual(hw_learner *l, double w, void *p)
{
    looked_at at;
    look(l, &at, w > 0);
    if (p)
        *(real *)p = (real)(1 - at.p[HW_DETECTORS]);
    if (!(w > 0))
        return 0;
    record_scores(l, &at);
    l->learned += 1;
    double *skipped = l->scores + HW_SCORES_SKIPPED;
    if (at.p[HW_DETECTORS] < RARE && *skipped < TOGETHER) {
        *skipped += 1;
        return 1;
    }
    *skipped = 0;
    learn_to_rebuild(l, &at);
    learn_sample_of_names(l);
    keep_sample(l, 0, 1);
    return 1;
}

#endif
