/* Coverage: for each of a few levels, ends between which answers lie that often in the long run. kernels/coverage.c moves
 * them after each row; here they begin, and are read between the levels. Formulas and sources stand in
 * plain/outputs/coverage.py.
 */
#include "elementary.h"
#include "learner.h"

const double HW_COVERAGE_LEVELS[HW_COVERAGES] = {0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99};

static double log_odds(double p) { return hw_log64(p / (1 - p)); }

/* Where ends begin: of classes at the odds of a miss; of numbers as if errors over what was expected were exponential. */
static double begin(bool classes, double level) { return classes ? -log_odds(level) : hw_log64(-hw_log64(1 - level)); }

bool hw_can_cover(const hw_learner *l)
{
    bool numbers = l->intervals == HW_PLAIN || l->intervals == HW_SCALED || l->intervals == HW_PEARSON;
    return l->growing && !l->forecast.horizon && !l->bandit.on && (numbers || hw_covers_classes(l));
}

int hw_make_coverage(hw_learner *l)
{
    return !l->covering || hw_extend(&l->memory, &l->coverage, HW_COVERAGES * HW_COVERAGE_NUMBERS * 8) ? 0 : HW_NO_MEMORY;
}

int hw_cover(hw_learner *l)
{
    if (l->covering)
        return 0;
    if (!hw_can_cover(l))
        return HW_BAD_ARGUMENT;
    bool classes = hw_covers_classes(l);
    l->covering = true;
    int status = hw_make_coverage(l);
    if (status >= 0 && l->pending)
        status = hw_make_pending(l);
    if (status < 0)
        return l->covering = false, status;
    for (int i = 0; i < HW_COVERAGES; i++) {
        double *c = l->coverage + i * HW_COVERAGE_NUMBERS;
        for (int j = 0; j < HW_COVERAGE_NUMBERS; j++)
            c[j] = 0;
        c[HW_C_BELOW] = c[HW_C_ABOVE] = begin(classes, HW_COVERAGE_LEVELS[i]);
        c[HW_C_KNOWN] = classes && l->learned ? (l->outputs > 1 ? l->outputs : 2) : !classes;
    }
    return 0;
}

void hw_do_not_cover(hw_learner *l) { l->covering = false; }

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
    if (l->covering) {
        a = l->coverage[i * HW_COVERAGE_NUMBERS + number];
        b = l->coverage[(i + 1) * HW_COVERAGE_NUMBERS + number];
    } else {
        bool classes = hw_covers_classes(l);
        a = begin(classes, HW_COVERAGE_LEVELS[i]);
        b = begin(classes, HW_COVERAGE_LEVELS[i + 1]);
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
