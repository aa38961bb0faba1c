/* Coverage: ends that follow whether answers lay between them. After each answer the logarithm of an end moves by
 * step · (miss − α), whose sum over all rows stays bounded: so the share of misses tends to α, whatever the stream does.
 * What is looked at is what was given out: where an answer comes late, as it was when its row was asked. */

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

/* Count a row, and move ends: step > 0 outwards where it lay outside. An end that can't become smaller leaves what is
 * missing to the other, so that the sum of both counts every miss. */
static void move_ends(double *c, bool classes, bool below, bool above, double alpha, double step)
{
    if (classes) {
        c[HW_C_BELOW] = c[HW_C_ABOVE] = within(c[HW_C_BELOW] - step * ((below ? 1 : 0) - alpha), -LARGEST_END, LARGEST_END);
        return;
    }
    double low = c[HW_C_BELOW] + step * ((below ? 1 : 0) - alpha / 2),
           high = c[HW_C_ABOVE] + step * ((above ? 1 : 0) - alpha / 2);
    double left = least(low - LEAST_END, 0), right = least(high - LEAST_END, 0);
    c[HW_C_BELOW] = within(low + right, LEAST_END, LARGEST_END);
    c[HW_C_ABOVE] = within(high + left, LEAST_END, LARGEST_END);
}

static void count_row(double *c, bool covered, double size)
{
    c[HW_C_ROWS] += 1;
    c[HW_C_COVERED] += covered;
    double rate = most(1 / c[HW_C_ROWS], LATELY);
    if (!(size < 1e300))
        size = 1e300;
    c[HW_C_SIZE] += (size - c[HW_C_SIZE]) / c[HW_C_ROWS];
    c[HW_C_LATELY] += ((covered ? 1 : 0) - c[HW_C_LATELY]) * rate;
    c[HW_C_LATELY_SIZE] += (size - c[HW_C_LATELY_SIZE]) * rate;
}

/* The answer y is there of a row of which p and ends were given out, `late` predictions ago. */
static void follow_ends(hw_learner *l, const double *given, const real *p, double y, double weight, int64_t late)
{
    bool classes = hw_covers_classes(l);
    int known = (int)given[HW_GIVEN_KNOWN], k = known;
    double step = (classes ? STEP_OF_CLASSES : STEP_OF_NUMBERS) * least(weight, 1) / (1 + (double)late / PATIENT);
    if (!finite((double)p[0]) || (!classes && !known)) /* nothing was kept of it */
        return;
    if (l->outputs == 1 && l->expert[0].loss == HW_LOSS_cross_entropy)
        k = known < 1 ? known : 1;
    k = l->outputs > 1 && k > l->outputs ? l->outputs : k;
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = coverage_at(l, i), size = 0;
        bool below, above = false;
        if (classes) {
            c[HW_C_KNOWN] = most(c[HW_C_KNOWN], y + 1);
            if (y >= known) { /* nobody can cover a class that was never seen */
                c[HW_C_UNSEEN] += 1;
                continue;
            }
            below = !(share_of(l, p, (int)y) >= given[i]);
            for (int j = 0; j < k; j++)
                size += share_of(l, p, j) >= given[i];
        } else {
            double width = given[HW_GIVEN_WIDTH], low = width * given[i], high = width * given[HW_COVERAGES + i];
            below = y < (double)p[0] - low;
            above = y > (double)p[0] + high;
            size = low + high;
        }
        count_row(c, !below && !above, size);
        move_ends(c, classes, below, above, 1 - HW_COVERAGE_LEVELS[i], step);
    }
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
