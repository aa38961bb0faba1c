/* The mixture of experts: a weighted mean of their predictions. A weight follows how well its expert has done.
 * A component is an expert, or the label history behind the last expert.
 *
 * Classes: p = softmax(sum of w_e z_e) over the experts' logits; numbers: the sum of w_e y_e; both with weights that follow
 * the gradient of the mixture's own loss. Otherwise: probabilities by fixed-share Hedge. Formulas and sources stand in
 * headwater/plain/mixture.py. */
#ifndef HW_MIXTURE_C
#define HW_MIXTURE_C

#include "../step.c"
#include "../input/text.c"

static const double SHARE = 0.003;                        /* of Hedge's weights that is spread evenly after each row */
static const double HARDEST = 9;                          /* the largest loss, and gain, that they see */
static const double FIRST_RATE = 0.01, OF_NUMBERS = 0.02; /* step of the weights at first: of logits, of numbers */
static const double LAST_RATE = 0.002, COOLING = 1000;
static const double NEAR = 0.1;   /* is added to the sum of squares by which experts differ, */
static const double UNLIKE = 100; /* which counts as this, if more, in its mean */
static const double LEAP = 0.1;   /* no row moves a weight by more */
static const double STEADY = 0.005, PART = 0.5, SMALLEST = 0.01; /* where answers come late */
static const double TINY = 1e-300;
static const double LARGEST_MISS = 1e100; /* an error beyond this counts as this one: an expert has run away */

static inline double deviation(double variance) { return variance > TINY ? __builtin_sqrt(variance) : 1; }
static inline int components(const hw_learner *l) { return l->experts + l->history; }
static inline int64_t running_index(const hw_learner *l, int m) { return m == l->experts ? m + 1 : m; }

/* What component m puts into the mixture (k): now, or when the sample was predicted, if it is pending. */
static const real *component_output(hw_learner *l, const sample *s, int m)
{
    if (HW_WHOLE && l->pending_place > 0)
        return (const real *)l->late->predictions + ((l->pending_place - 1) * hw_components(l) + m) * l->output_capacity;
    if (m == l->experts)
        return prediction_slot(l, l->all);
    return l->mixture == HW_CLASSES ? s->x + l->expert[m].logits : prediction_slot(l, m);
}

static void mix(hw_learner *l, const sample *s, real *out)
{
    int k = l->outputs;
    const real *text = text_output(l);
    if (components(l) == 1 && !text) { /* its weight is 1 */
        const real *own = prediction_slot(l, 0);
        for (int j = 0; j < k; j++)
            out[j] = own[j];
        return;
    }
    for (int j = 0; j < k; j++)
        out[j] = 0;
    for (int m = 0; m < components(l); m++) {
        const real *own = component_output(l, s, m), w = (real)running(l, running_index(l, m))[HW_WEIGHT];
        for (int j = 0; j < k; j++)
            out[j] += w * own[j];
    }
    for (int j = 0; text && j < k; j++)
        out[j] += text[j];
    if (l->mixture == HW_CLASSES)
        softmax(out, out, k);
}

/* Fixed-share Hedge (Herbster & Warmuth 1998): w = w exp(-weight loss / 2), normalised, then a share spread evenly. */
static void hedge_update(hw_learner *l, const double *losses, double weight)
{
    double part = least(weight, 1), lowest = HARDEST, sum = 0;
    int n = l->experts;
    for (int e = 0; e < n; e++)
        lowest = least(lowest, most(losses[e], -HARDEST));
    for (int e = 0; e < n; e++) {
        double more = within(losses[e], -HARDEST, HARDEST) - lowest; /* the best keeps its weight: no sum underflows */
        running(l, e)[HW_WEIGHT] *= hw_exp64(-0.5 * weight * more);
        sum += running(l, e)[HW_WEIGHT];
    }
    for (int e = 0; e < n; e++) {
        double *w = running(l, e) + HW_WEIGHT;
        *w = (1 - SHARE * part) * *w / sum + SHARE * part / n;
    }
}

/* How a row of numbers moves a weight: -rate (slope y - base), for what its component says, y. */
typedef struct {
    double rate, slope, base;
} number_step;

/* Along the gradient of Huber's loss, linear beyond the fading mean error, at most 1/sum of squares, beyond which it would
 * overshoot; and, since experts differ by far less than what they say, by normalised least mean squares (Nagumo & Noda
 * 1967) over their differences from their mean. Where they differ by more than usual, more of the error is theirs. */
static number_step step_of_numbers(hw_learner *l, const sample *s, double miss, double weight, double rate, bool late)
{
    double *error = running(l, 0) + HW_ERROR, *usual = running(l, 1) + HW_ERROR, square = 0, sum = 0;
    double factor = l->lean && !late ? l->lean->apart : 0, part = least(weight, 1);
    miss = within(miss, -LARGEST_MISS, LARGEST_MISS);
    double size = magnitude(miss);
    *error = running(l, 0)[HW_MIXED] == 0 ? size : *error + (size - *error) * 0.003 * part;
    for (int m = 0; m < components(l); m++) {
        double own = component_output(l, s, m)[0];
        square += own * own;
        sum += own;
    }
    double mean = sum / components(l), apart = most(square - sum * mean, 0), bound = *error + __builtin_sqrt(apart);
    if (factor > 0)
        *usual += (least(apart, UNLIKE) - *usual) * 0.003 * part;
    double along = factor * within(miss, -bound, bound) / (most(apart, *usual) + NEAR);
    return (number_step){least(rate, 1 / most(square, factor)), within(miss, -*error, *error) + along, along * mean};
}

/* Move the weights along the gradient of the mixture's loss; mixed (k) as mix gave it. Classes: sum of p_j z_ej - z_e(y).
 * Predictions given out earlier move each weight in proportion to itself (Kivinen & Warmuth 1997): what is learned from
 * them is late, and steps as large for weak experts as for strong ones then swing. */
static void update_mixture_weights(hw_learner *l, const sample *s, const real *mixed, double y, double weight)
{
    double *rows = running(l, 0) + HW_MIXED;
    int k = l->outputs;
    bool late = HW_WHOLE && l->pending_place > 0, numbers = l->targets;
    double begin = numbers ? OF_NUMBERS : FIRST_RATE;
    double rate = weight * most(begin / (1 + *rows / COOLING), late ? STEADY : LAST_RATE);
    number_step of = {rate, 0, 0};
    if (numbers)
        of = step_of_numbers(l, s, (double)mixed[0] - y, weight, rate, late);
    *rows += 1;
    for (int m = 0; m < components(l); m++) {
        const real *own = component_output(l, s, m);
        double slope = of.slope * (double)own[0] - of.base;
        double *w = running(l, running_index(l, m)) + HW_WEIGHT;
        if (!numbers) {
            real along;
            SUM_UNITS(along, k, mixed[j] * own[j]);
            slope = (double)along - (double)own[(int)y];
        }
        double step = of.rate * slope;
        if (step != step) /* 0 times a slope that overflowed */
            step = 0;
        if (late) { /* none falls below the smallest: after a drift all were wrong for as long as answers take */
            double moved = *w - most(magnitude(*w), SMALLEST) * within(step, -PART, PART);
            *w = most(moved, least(*w, SMALLEST));
        } else {
            *w -= within(step, -LEAP, LEAP);
        }
    }
}

/* Note what expert e lost on a row; whether it should begin anew: after 500 rows on which it fadingly cost one nat more
 * than knowing nothing does (ln k for classes, at most 1 for standardised numbers), or ten whose logits weren't finite. */
static bool is_failing(hw_learner *l, int e, double loss)
{
    double *run = running(l, e), ignorant = __builtin_inf();
    if (l->targets)
        ignorant = 1;
    else if (l->expert[e].loss == HW_LOSS_cross_entropy)
        ignorant = hw_log64(l->expert[e].outputs);
    if (!finite(loss))
        run[HW_FAILING] += HW_OVERFLOW_COUNTS;
    else if (run[HW_FADING_LOSS] > ignorant + 1)
        run[HW_FAILING] += 1;
    else
        run[HW_FAILING] = 0;
    return run[HW_FAILING] >= HW_PATIENCE;
}

/* ---- label history: what the last answer says of the next one -------------------------------------------------------- */

enum { PAST_LAST, PAST_STAY, PAST_MOVES, PAST_COUNTS }; /* of classes; of numbers HW_PAST_… */
static const double FADES = 0.99, TRUST = 5, SLOWEST = 0.002;

static inline bool counts_classes(const hw_learner *l) { return !l->targets && l->outputs <= HW_COUNTED; }

/* p(j) = (n(last, j) + 5 q(j)) / (sum of n(last, .) + 5), q the share of repeats for the last class and the rest evenly;
 * z = ln p. Numbers: how far the last answer lay from its base, standardised. */
static void history_logits(hw_learner *l)
{
    if (!HW_WHOLE)
        return;
    const double *past = l->label_history;
    real *z = prediction_slot(l, l->all);
    int k = l->outputs;
    for (int j = 0; j < k; j++)
        z[j] = 0;
    if (l->targets) {
        if (l->answers[1] > TINY)
            z[0] = (real)within((past[HW_PAST_MISS] - l->answers[0]) / __builtin_sqrt(l->answers[1]), -10, 10);
        return;
    }
    if (past[PAST_LAST] < 0)
        return;
    int last = (int)past[PAST_LAST];
    const double *counts = counts_classes(l) ? past + PAST_COUNTS + (int64_t)last * l->output_capacity : NULL;
    double sum = TRUST, rest = (1 - past[PAST_STAY]) / (k > 1 ? k - 1 : 1);
    for (int j = 0; counts && j < k; j++)
        sum += counts[j];
    for (int j = 0; j < k; j++) {
        double share = TRUST * (j == last ? past[PAST_STAY] : rest) + (counts ? counts[j] : 0);
        z[j] = (real)hw_log64(most(share / sum, 1e-300));
    }
}

static void record_label(hw_learner *l, double y)
{
    if (!HW_WHOLE)
        return;
    double *past = l->label_history;
    int now = (int)y, last = (int)past[PAST_LAST];
    past[PAST_LAST] = now;
    if (last < 0) {
        past[PAST_STAY] = 0.5;
        return;
    }
    past[PAST_MOVES] += 1;
    double rate = most(1 / (past[PAST_MOVES] + 1), SLOWEST);
    past[PAST_STAY] = within(past[PAST_STAY] + ((now == last) - past[PAST_STAY]) * rate, 1e-4, 1 - 1e-4);
    if (counts_classes(l)) {
        double *counts = past + PAST_COUNTS + (int64_t)last * l->output_capacity;
        for (int j = 0; j < l->outputs; j++)
            counts[j] *= FADES;
        counts[now] += 1;
    }
}

/* What is predicted of a number: the mixture, and a share of the mere repetition of the last answer. Standardised. */
static double with_repetition(const hw_learner *l, double mixed)
{
    if (!HW_WHOLE || !l->lag || !(l->lag->last == l->lag->last) || !(l->answers[1] > TINY))
        return mixed;
    double again = (l->lag->repeated - l->lag->base - l->answers[0]) / __builtin_sqrt(l->answers[1]);
    return mixed + l->label_history[HW_PAST_REPEATS] * (again - mixed);
}

/* Hedge between the mixture and repetition, by absolute errors in units of the mixture's fading one. */
static void weigh_repetition(hw_learner *l, double mixed, double y, double weight)
{
    double unit = running(l, 0)[HW_ERROR];
    if (!HW_WHOLE || !l->lag || !(l->lag->last == l->lag->last) || !(l->answers[1] > TINY) || !(unit > 0))
        return;
    double *share = l->label_history + HW_PAST_REPEATS, part = least(weight, 1);
    double again = (l->lag->repeated - l->lag->base - l->answers[0]) / __builtin_sqrt(l->answers[1]);
    double more = (least(magnitude(y - again) / unit, HARDEST) - least(magnitude(y - mixed) / unit, HARDEST)) * part;
    double odds = *share * hw_exp64(-0.5 * more), kept = odds / (odds + 1 - *share);
    *share = (1 - SHARE * part) * kept + SHARE * part / 2;
}

/* ---- what is predicted ---------------------------------------------------------------------------------- */

static inline double base_of(const hw_learner *l) { return l->lag ? l->lag->base : 0; }

/* A standardised answer, or prediction, in the answer's own units. */
static inline double in_answer_units(const hw_learner *l, double z)
{
    return base_of(l) + l->answers[0] + __builtin_sqrt(l->answers[1]) * z;
}

/* All experts on what the table gave, and their mixture into out (k), in the answer's own units. losses keeps which have
 * logits that are not finite: infinite for these, 0 for the others. */
static void predict_mixture(hw_learner *l, const sample *s, real *out)
{
    for (int e = 0; e < l->experts; e++)
        l->losses[e] = forward_and_link(l, e, s, false) ? 0 : __builtin_inf();
    if (l->history)
        history_logits(l);
    text_logits(l);
    mix(l, s, out);
    if (HW_WHOLE && l->answer_inputs)
        out[0] = (real)in_answer_units(l, with_repetition(l, (double)out[0]));
    else if (l->targets)
        for (int j = 0; j < l->outputs; j++)
            out[j] = (real)(l->answers[3 * j] + __builtin_sqrt(l->answers[3 * j + 1]) * (double)out[j]);
}

static void read_first_layer(hw_learner *l, const sample *s)
{
    read_table(l, s, l->rows_at, l->values_at, l->active, 0, (int)l->stride);
}

/* ---- intervals: how wide answers spread around what is predicted --------------------------------------------------------
 */

static const double NARROWEST = 1e-3; /* the scale expert's smallest prediction, in deviations of the answer */

/* Size of error expected for the sample at hand, whose mixture is `mixed`, in the units that the experts learn in. */
static double scale_of(hw_learner *l, const sample *s, double mixed)
{
    if (l->intervals == HW_PEARSON)
        return __builtin_sqrt(most(mixed, 1e-12));
    if (l->intervals == HW_PLAIN)
        return 1;
    forward_and_link(l, l->experts, s, false);
    return most(prediction_slot(l, l->experts)[0], NARROWEST);
}

static double width_of(hw_learner *l, const sample *s, double shown)
{
    double unit = scale_of(l, s, shown);
    return l->targets ? unit * __builtin_sqrt(l->answers[1]) : unit;
}

/* Keep the score (y - mixed) / scale, and let the scale expert learn |y - mixed|. */
static void score_interval(hw_learner *l, const sample *s, double mixed, double y, double weight)
{
    double miss = within(y - mixed, -LARGEST_MISS, LARGEST_MISS), size = magnitude(miss), scale = scale_of(l, s, mixed);
    l->scores[1 + (int64_t)l->scores[0] % HW_WINDOW] = within(miss / scale, -LARGEST_MISS, LARGEST_MISS);
    l->scores[0] += 1;
    if (l->intervals == HW_SCALED) {
        int e = l->experts;
        double before = expert_loss_and_gradient(l, e, s, &size, 1);
        if (finite(before))
            learn_expert(l, e, s, l->rows_at, l->values_at, l->active, l->pairs, &size, 1, weight, before);
    }
}

#endif
