/* Coverage: ends that follow whether answers lay between them. After each answer the logarithm of an end moves by
 * step · (miss − α), whose sum over all rows stays bounded: so the share of misses tends to α, whatever the stream does.
 * What is looked at is what was given out: where an answer comes late, as it was when its row was asked. */
#ifndef HW_COVERAGE_C
#define HW_COVERAGE_C

#include "mixture.c"

static const double STEP_OF_NUMBERS = 0.08, STEP_OF_CLASSES = 0.6; /* of the logarithm of an end */
static const double PATIENT = 32;                                  /* answers on their way that halve a step */
static const double LEAST_END = -10, LARGEST_END = 20;             /* of that logarithm */
static const double LATELY = 1e-3;                                 /* at least this weight has the newest row in means */

static inline double *coverage_at(const hw_learner *l, int i) { return l->coverage->numbers + i * HW_COVERAGE_NUMBERS; }

/* What is given out now: (2, HW_COVERAGES) ends, the width, and how many classes have been learned. */
static void give_ends(hw_learner *l, const sample *s, double said, double *given)
{
    bool classes = hw_covers_classes(l);
    for (int i = 0; i < HW_COVERAGES; i++) {
        const double *c = coverage_at(l, i);
        given[i] = classes ? 1 / (1 + hw_exp64(-c[HW_C_BELOW])) : hw_exp64(c[HW_C_BELOW]);
        given[HW_COVERAGES + i] = classes ? given[i] : hw_exp64(c[HW_C_ABOVE]);
    }
    given[HW_GIVEN_WIDTH] = classes ? 0 : width_of(l, s, said);
    given[HW_GIVEN_KNOWN] = coverage_at(l, 0)[HW_C_KNOWN];
}

/* The probability of class j as predicted; a net with one output gives that of the second. */
static inline double share_of(const hw_learner *l, const real *p, int j)
{
    if (l->outputs > 1 || l->expert[0].loss == HW_LOSS_cross_entropy)
        return (double)p[j];
    return j == 1 ? (double)p[0] : 1 - (double)p[0];
}

static void count_row(double *c, double covered, double size)
{
    size = size < 1e300 ? size : 1e300;
    double rows = c[HW_C_ROWS] + 1, rate = most(1 / rows, LATELY);
    c[HW_C_ROWS] = rows;
    c[HW_C_COVERED] += covered;
    c[HW_C_SIZE] += (size - c[HW_C_SIZE]) / rows;
    c[HW_C_LATELY] += (covered - c[HW_C_LATELY]) * rate;
    c[HW_C_LATELY_SIZE] += (size - c[HW_C_LATELY_SIZE]) * rate;
}

/* Nobody can cover a class that was never seen: an answer that is one is only counted. */
static bool count_unseen(hw_learner *l, double y, int known)
{
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = coverage_at(l, i);
        c[HW_C_KNOWN] = most(c[HW_C_KNOWN], y + 1);
        c[HW_C_UNSEEN] += y >= known;
    }
    return y >= known;
}

/* How many classes each level's set has, and whether the answer y is one of them. */
static void follow_sets(hw_learner *l, const double *given, const real *p, double y, int k, double step)
{
    double size[HW_COVERAGES] = {0}, own = share_of(l, p, (int)y);
    for (int j = 0; j < k; j++) {
        double share = share_of(l, p, j);
        for (int i = 0; i < HW_COVERAGES; i++)
            size[i] += share >= given[i];
    }
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = coverage_at(l, i), covered = own >= given[i], alpha = 1 - HW_COVERAGE_LEVELS[i];
        count_row(c, covered, size[i]);
        c[HW_C_BELOW] = c[HW_C_ABOVE] = within(c[HW_C_BELOW] - step * (1 - covered - alpha), -LARGEST_END, LARGEST_END);
    }
}

/* The size of each level's interval, and whether the answer y lies in it. An end that can't become smaller leaves what is
 * missing to the other, so that the sum of both counts every miss. */
static void follow_intervals(hw_learner *l, const double *given, double said, double y, double step)
{
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = coverage_at(l, i), alpha = 1 - HW_COVERAGE_LEVELS[i];
        double low = given[HW_GIVEN_WIDTH] * given[i], high = given[HW_GIVEN_WIDTH] * given[HW_COVERAGES + i];
        double below = y < said - low;
        double above = y > said + high;
        count_row(c, below + above == 0, low + high);
        low = c[HW_C_BELOW] + step * (below - alpha / 2);
        high = c[HW_C_ABOVE] + step * (above - alpha / 2);
        double left = least(low - LEAST_END, 0), right = least(high - LEAST_END, 0);
        c[HW_C_BELOW] = within(low + right, LEAST_END, LARGEST_END);
        c[HW_C_ABOVE] = within(high + left, LEAST_END, LARGEST_END);
    }
}

/* The answer y is there of a row of which p and ends were given out, `late` predictions ago. */
static void follow_ends(hw_learner *l, const double *given, const real *p, double y, double weight, int64_t late)
{
    bool classes = hw_covers_classes(l), two = l->outputs == 1 && l->expert[0].loss != HW_LOSS_cross_entropy;
    int known = (int)given[HW_GIVEN_KNOWN], most_known = two ? known : l->outputs;
    double step = (classes ? STEP_OF_CLASSES : STEP_OF_NUMBERS) * least(weight, 1) / (1 + (double)late / PATIENT);
    if (!finite((double)p[0]) || (!classes && !known)) /* nothing was kept of it */
        return;
    if (!classes)
        follow_intervals(l, given, (double)p[0], y, step);
    else if (!count_unseen(l, y, known))
        follow_sets(l, given, p, y, known < most_known ? known : most_known, step);
}

/* Of the sample at hand, just predicted as p: its answer is there. */
static void follow_now(hw_learner *l, const sample *s, const real *p, double y, double weight)
{
    double given[HW_GIVEN];
    if (!l->coverage)
        return;
    give_ends(l, s, (double)p[0], given);
    follow_ends(l, given, p, y, weight, 0);
}

/* Of a sample that was predicted earlier, whose predictions stand at place − 1. */
static void follow_late(hw_learner *l, int64_t place, double y, double weight)
{
    if (!HW_WHOLE || !l->coverage || place <= 0)
        return;
    int64_t late = (l->late->added - place) % HW_MOST_PENDING;
    follow_ends(l, l->coverage->ends + (place - 1) * HW_GIVEN,
                (const real *)l->coverage->shown + (place - 1) * l->output_capacity, y, weight, late);
}

/* Keep what is given out of a sample whose answer will come. */
static void store_ends(hw_learner *l, const sample *s, const real *p, int64_t place)
{
    real *shown = (real *)l->coverage->shown + place * l->output_capacity;
    give_ends(l, s, (double)p[0], l->coverage->ends + place * HW_GIVEN);
    for (int j = 0; j < l->output_capacity; j++)
        shown[j] = j < l->outputs ? p[j] : 0;
}

#endif
