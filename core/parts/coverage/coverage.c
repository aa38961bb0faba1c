/* Coverage: for each of a few levels, ends between which answers lie that often in the long run. kernels/output/coverage.c
 * moves them after each row; here they begin, and are read between the levels. Formulas and sources stand in
 * plain/outputs/coverage.py.
 */
#include "elementary.h"
#include "learner.h"

const double HW_COVERAGE_LEVELS[HW_COVERAGES] = {0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99};

static double log_odds(double p) { return hw_log64(p / (1 - p)); }

/* Where ends begin: of classes at the odds of a miss; of numbers as if errors over what was expected were exponential. */
static double end_of(bool classes, double level) { return classes ? -log_odds(level) : hw_log64(-hw_log64(1 - level)); }

bool hw_can_cover(const hw_learner *l)
{
    bool numbers = l->intervals == HW_PLAIN || l->intervals == HW_SCALED || l->intervals == HW_PEARSON;
    return l->growing && !l->forecast && !l->bandit && (numbers || hw_covers_classes(l));
}

int make(hw_learner *l)
{
    return !l->coverage || hw_extend(&l->memory, &l->coverage->numbers, HW_COVERAGES * HW_COVERAGE_NUMBERS * 8)
               ? 0
               : HW_NO_MEMORY;
}

int hw_cover(hw_learner *l)
{
    if (l->coverage)
        return 0;
    if (!hw_can_cover(l))
        return HW_BAD_ARGUMENT;
    bool classes = hw_covers_classes(l);
    int status = hw_begin_part(l, HW_PART_coverage) ? make(l) : HW_NO_MEMORY;
    if (status >= 0 && l->late)
        status = hw_make_pending(l);
    if (status < 0)
        return hw_drop_part(l, HW_PART_coverage), status;
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = l->coverage->numbers + i * HW_COVERAGE_NUMBERS;
        c[HW_C_BELOW] = c[HW_C_ABOVE] = end_of(classes, HW_COVERAGE_LEVELS[i]);
        c[HW_C_KNOWN] = classes && l->learned ? (l->outputs > 1 ? l->outputs : 2) : !classes;
    }
    return 0;
}

/* On the line through the two levels next to it, over log odds; what is followed is the logarithm of an end. */
static double between(const hw_learner *l, int number, double coverage)
{
    int i = 0;
    while (i < HW_COVERAGES - 2 && coverage > HW_COVERAGE_LEVELS[i + 1])
        i++;
    double from = log_odds(HW_COVERAGE_LEVELS[i]), to = log_odds(HW_COVERAGE_LEVELS[i + 1]);
    double part = (log_odds(coverage) - from) / (to - from), a, b;
    if (coverage == HW_COVERAGE_LEVELS[i] || coverage == HW_COVERAGE_LEVELS[i + 1])
        part = coverage == HW_COVERAGE_LEVELS[i + 1]; /* what is given out there is what was followed, to the bit */
    if (l->coverage) {
        a = l->coverage->numbers[i * HW_COVERAGE_NUMBERS + number];
        b = l->coverage->numbers[(i + 1) * HW_COVERAGE_NUMBERS + number];
    } else {
        bool classes = hw_covers_classes(l);
        a = end_of(classes, HW_COVERAGE_LEVELS[i]);
        b = end_of(classes, HW_COVERAGE_LEVELS[i + 1]);
    }
    return part == 0 ? a : part == 1 ? b : a + part * (b - a);
}

int hw_ends(const hw_learner *l, double coverage, double *below, double *above)
{
    if (!hw_can_cover(l) || !(coverage > 0 && coverage < 1))
        return HW_BAD_ARGUMENT;
    *below = between(l, HW_C_BELOW, coverage);
    *above = between(l, HW_C_ABOVE, coverage);
    if (hw_covers_classes(l)) {
        *below = *above = 1 / (1 + hw_exp64(-*below));
    } else {
        *below = hw_exp64(*below);
        *above = hw_exp64(*above);
    }
    return 0;
}

/* ---- state ------------------------------------------------------------------------------------------------- */

/* Whether coverage is followed is said by its array alone. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    if (!first->shape[0])
        return 0;
    SAVED(hw_can_cover(l), "coverage", "none of such a learner", first->shape[0]);
    return hw_begin_part(l, HW_PART_coverage) ? 0 : HW_NO_MEMORY;
}

static int check(hw_learner *l, hw_fault *fault)
{
    static const int counts[] = {HW_C_ROWS, HW_C_COVERED, HW_C_UNSEEN, HW_C_KNOWN};
    for (int i = 0; l->coverage && i < HW_COVERAGES; i++) {
        const double *c = l->coverage->numbers + i * HW_COVERAGE_NUMBERS;
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++)
            SAVED(hw_countable(c[counts[j]]), "coverage", "counts", c[counts[j]]);
        SAVED(c[HW_C_KNOWN] <= HW_MOST_OUTPUTS, "coverage", "as many classes as there may be", c[HW_C_KNOWN]);
        SAVED(c[HW_C_BELOW] >= -20 && c[HW_C_BELOW] <= 20 && c[HW_C_ABOVE] >= -20 && c[HW_C_ABOVE] <= 20, "coverage",
              "ends whose logarithm is from -20 to 20", c[HW_C_BELOW]);
    }
    const double *ends = l->coverage ? l->coverage->ends : NULL;
    for (int64_t i = 0; ends && l->late && i < HW_MOST_PENDING; i++)
        SAVED(ends[i * HW_GIVEN + HW_GIVEN_KNOWN] >= 0 && ends[i * HW_GIVEN + HW_GIVEN_KNOWN] <= HW_MOST_OUTPUTS,
              "pending_ends", "as many classes as there may be", ends[i * HW_GIVEN + HW_GIVEN_KNOWN]);
    return 0;
}

static int64_t count(const hw_learner *l, int code)
{
    int64_t waiting = l->sizes[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    return code == HW_C_GIVEN ? waiting : waiting * l->sizes[HW_N_OUTPUT_CAPACITY];
}

const hw_part hw_part_coverage = {
    .alone = true, .in_fleet = true, .merges = true, .read = read, .count = count, .make = make, .check = check};
