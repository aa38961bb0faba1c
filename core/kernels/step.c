/* One expert learns one sample: the loss, the step, and the step taken back where it did harm. */
#ifndef HW_STEP_C
#define HW_STEP_C

#include "net.c"
#include "output/losses.h"
#include "optimizers/schedule.c"

static const double PROBATION = 10; /* steps that are all checked: there is no fading mean yet to judge by */
static const double SUSPICIOUS = 4; /* a loss this many times its fading mean has its step checked */
static const double EXPLOSION = 4;  /* an early step after which its sample costs this many times as much is taken back; */
/* later any after which a suspicious sample costs more: so runs away what never returns */
static const double HEAVY = 1e12; /* a value times a weight beyond this may make weights infinite: they are looked at */
static const double LARGEST_LOSS = 1e100; /* no loss counts as more: its fading mean stays a number that can be saved */
static const double RECOVERY = 1.001;     /* the step size grows back by this factor a row */

enum { KEEP, UNDO, REDO };

static inline double *running(hw_learner *l, int64_t e)
{
    HW_ASSERT_INSIDE(l->running, e * HW_RUNNING, HW_RUNNING, sizeof(double));
    return l->running + e * HW_RUNNING;
}

static inline real *prediction_slot(hw_learner *l, int64_t q)
{
    HW_ASSERT_INSIDE(l->predictions, q * l->output_capacity, l->output_capacity, sizeof(real));
    return (real *)l->predictions + q * l->output_capacity;
}

/* ---- a log link: effects multiply ------------------------------------------------------------------------ */

static const double FAR = 10;     /* deviations within which it predicts, and the largest slope */
static const double TIMES = 1000; /* times the mean, no answer counts as more */

/* Whether expert e has a log link among standardised answers. */
static inline bool has_log_link(const hw_learner *l, int e)
{
    return l->targets && e < l->experts && l->expert[e].loss == HW_LOSS_poisson;
}

/* The answers' mean in their deviations, m; 0 if it lies below. */
static inline double mean_in_deviations(const hw_learner *l)
{
    return l->answers[1] > 1e-300 ? most(l->answers[0], 0) / __builtin_sqrt(l->answers[1]) : 0;
}

/* The mean times e^(z/s), in deviations: m (e^(z/s) - 1). s: far from 0, where a small factor is many deviations, a step of
 * z moves it by two. */
static double log_link(double m, double z)
{
    double s = most(m / 2, 1);
    return within(m * (hw_exp64(within(z / s, -LIMIT, LIMIT)) - 1), -FAR, FAR);
}

/* Poisson's loss s² (e^(z/s) - r z/s) of an answer that is r times their mean, and its slope by z. */
static double log_link_loss(double m, double z, double y, real *d)
{
    double s = most(m / 2, 1), p = hw_exp64(within(z / s, -LIMIT, LIMIT)), r = m > 0 ? within(y / m + 1, 0, TIMES) : 1;
    *d = (real)within(s * (p - r), -FAR, FAR);
    return s * (s * p - r * z);
}

/* Put expert e's prediction, its logits through the link, into its slot. Logits that are not finite count as zeros. */
static bool forward_and_link(hw_learner *l, int e, const sample *s, bool learn)
{
    const hw_expert_t *x = l->expert + e;
    bool sound = forward_expert(l, x, s, learn);
    real *z = s->x + x->logits;
    if (!sound)
        for (int j = 0; j < x->outputs; j++)
            z[j] = 0;
    if (has_log_link(l, e))
        prediction_slot(l, e)[0] = (real)log_link(mean_in_deviations(l), (double)z[0]);
    else
        apply_link(x->loss, z, prediction_slot(l, e), x->outputs);
    return sound;
}

/* Where actions are chosen, only the output of the one that was taken has an error. */
static double action_loss_and_gradient(hw_learner *l, int e, const sample *s, const double *y)
{
    const hw_expert_t *x = l->expert + e;
    real *d = s->d + x->logits;
    int a = l->bandit->action;
    for (int j = 0; j < x->outputs; j++)
        d[j] = 0;
    return loss_and_gradient(x->loss, x->loss_number, s->x + x->logits + a, prediction_slot(l, e) + a, y, 1, d + a, 1);
}

/* Return the loss of expert e's linked prediction; write its gradient to the derivatives of the logits. */
static double expert_loss_and_gradient(hw_learner *l, int e, const sample *s, const double *y, int answers)
{
    const hw_expert_t *x = l->expert + e;
    if (has_log_link(l, e))
        return log_link_loss(mean_in_deviations(l), (double)s->x[x->logits], y[0], s->d + x->logits);
    if (l->bandit)
        return action_loss_and_gradient(l, e, s, y);
    return loss_and_gradient(x->loss, x->loss_number, s->x + x->logits, prediction_slot(l, e), y, answers, s->d + x->logits,
                             x->outputs);
}

/* One step of expert e: the loss's gradient stands at its logits, the sample's values are in place. */
static void take_step(hw_learner *l, int e, const sample *s, const int32_t *rows, const real *v, int64_t n, double weight)
{
    const hw_expert_t *x = l->expert + e;
    double *run = running(l, e), t = run[HW_STEPS] + 1;
    double lr = rate_at(x->schedule, x->lr, x->schedule_numbers[0], x->schedule_numbers[1], t) * run[HW_STEP_SCALE];
    if (HW_WHOLE && x->rule == HW_RULE_nadam)
        run[HW_PRODUCT] *= nadam_momentum(x, t);
    real *d = s->d + x->logits;
    if (weight != 1)
        for (int j = 0; j < x->outputs; j++)
            d[j] *= (real)weight;
    if (HW_WHOLE && x->clip_norm > 0) {
        gradient_sink measured = {.scratch = l->row_gradient};
        backward_expert(l, x, s, rows, v, n, &measured);
        double size = __builtin_sqrt(measured.square);
        if (size > x->clip_norm) /* gradients are linear in the logits' delta: scale it and all are scaled */
            for (int j = 0; j < x->outputs; j++)
                d[j] *= (real)(x->clip_norm / size);
    }
    run[HW_STEPS] = t;
    if (!(lr > 0)) /* a schedule that has come to its end: nothing moves, and FTRL would divide by it */
        return;
    update u;
    begin_update(&u, l, x, lr, t, run[HW_PRODUCT]);
    gradient_sink g = {.step = &u, .scratch = l->row_gradient};
    backward_expert(l, x, s, rows, v, n, &g);
}

/* Whether a lean pool leaves a step out: nothing can be learned where no derivative is large, and what is squared there may
 * be so small that a machine needs a hundred times as long. It counts as taken. */
static bool leave_out(hw_learner *l, int e, const sample *s)
{
    const hw_expert_t *x = l->expert + e;
    const real *d = s->d + x->logits;
    if (!l->lean || e >= l->experts || (double)largest_of(d, x->outputs, 0) >= l->lean->gradient)
        return false;
    running(l, e)[HW_STEPS] += 1;
    return true;
}

/* Stretches of one array that a step on some rows can change, all of one length: number q begins at first + places[q]
 * stride; without a list there is one, at first. */
typedef struct stretches {
    const int32_t *places;
    int64_t first, stride, length, count;
} stretches;

enum { DENSE, ROWS, CELLS, UNITS, MOVED };

/* Rows 0, 1, 2, … of a lone expert lie one behind the other: they are one stretch. */
static inline bool is_one_stretch(const hw_learner *l, const hw_expert_t *e, const int32_t *rows)
{
    return l->rows_in_order && l->bias && rows == l->rows_at && e->lanes == l->stride;
}

/* All that a step on n rows can change, of the weights (vector -1) or of a rule's numbers: the expert's dense layers, its
 * columns of each row, its rows of the sample's cells; of factored numbers one for each row and cell, and last those of the
 * units. */
static void moved_by(const hw_learner *l, const hw_expert_t *e, const int32_t *rows, int64_t n, int vector, stretches *of)
{
    bool weights = vector < 0, one = !HW_SMALL && is_one_stretch(l, e, rows);
    const hw_numbers *at = &l->numbers;
    int64_t length = weights || !e->factored ? e->lanes : 1, stride = weights ? l->stride : at->stride;
    int64_t base = weights ? l->dense + e->column : at->rows + e->numbers;
    of[DENSE] = (stretches){.first = e->dense_first, .length = e->dense_last - e->dense_first, .count = 1};
    of[ROWS] = (stretches){.places = rows, .first = base, .stride = stride, .length = length, .count = n};
    if (one)
        of[ROWS] = (stretches){.first = base + rows[0] * stride, .length = (n - 1) * stride + length, .count = 1};
    of[CELLS] = (stretches){0};
    if (e->cells >= 0) {
        const hw_op *o = l->op + e->cells;
        bool single = !weights && o->squares >= 0;
        of[CELLS] = (stretches){.places = l->cells->rows,
                                .first = single ? o->squares : o->weights,
                                .stride = single ? 1 : o->stride,
                                .length = single ? 1 : e->lanes,
                                .count = active_tables(l)};
    }
    of[UNITS] = (stretches){.first = at->units + e->column, .length = e->lanes, .count = !weights && e->factored};
}

static inline real *stretch_at(real *source, const stretches *of, int64_t q)
{
    return source + of->first + (of->places ? of->places[q] * of->stride : 0);
}

/* A row may be listed twice, so a step is redone from the last stretch to the first. */
static void exchange_stretches(real *source, const stretches *of, real *kept, int mode)
{
    for (int64_t i = 0; i < of->count; i++) {
        int64_t q = mode == REDO ? of->count - 1 - i : i, j = 0;
        real *here = stretch_at(source, of, q), *there = kept + q * of->length;
        for (; !HW_SMALL && mode == KEEP && j + NATIVE <= of->length; j += NATIVE)
            store(there + j, load(here + j));
        for (; !HW_SMALL && mode == KEEP && j + 4 <= of->length; j += 4)
            store4(there + j, load4(here + j));
        for (; j < of->length; j++) {
            real x = here[j];
            here[j] = mode == KEEP ? x : there[j];
            there[j] = x;
        }
    }
}

/* KEEP all that a step can change, or exchange the two: UNDO a step, REDO it. */
static void exchange(hw_learner *l, const hw_expert_t *e, const int32_t *rows, int64_t n, int mode)
{
    real *kept = l->row_undo;
    for (int k = -1; k < e->states; k++) {
        stretches of[MOVED];
        moved_by(l, e, rows, n, k, of);
        for (int p = 0; p < MOVED; kept += of[p].count * of[p].length, p++)
            exchange_stretches(k < 0 ? l->weights : l->state[k], of + p, kept, mode);
    }
}

static bool are_finite(real *source, const stretches *of)
{
    if (HW_SMALL || of->length & 3) { /* or numbers, one a row */
        bool sound = true;
        for (int64_t q = 0; q < of->count; q++)
            sound &= all_finite(stretch_at(source, of, q), of->length);
        return sound;
    }
    native_mask odd = {0};
    real4_mask four = {0};
    for (int64_t q = 0; q < of->count; q++) {
        const real *here = stretch_at(source, of, q);
        int64_t j = 0;
        for (; j + NATIVE <= of->length; j += NATIVE)
            odd |= ((native_mask)load(here + j) & EXPONENT) == EXPONENT;
        for (; NATIVE != 4 && j < of->length; j += 4)
            four |= ((real4_mask)load4(here + j) & EXPONENT) == EXPONENT;
    }
    return !any(odd, four);
}

/* Whether the weights that a step on these rows can have changed, and the first so many numbers of the rule, are still
 * finite: an infinite number of a rule stands still for ever. */
static bool stays_finite(hw_learner *l, const hw_expert_t *e, const int32_t *rows, int64_t n, int states)
{
    bool sound = true;
    for (int k = -1; sound && k < states; k++) {
        real *source = k < 0 ? l->weights : l->state[k];
        stretches of[MOVED];
        moved_by(l, e, rows, n, k, of);
        for (int p = 0; p < MOVED; p++)
            sound &= are_finite(source, of + p);
    }
    return sound;
}

/* value <= times measure + more; a loss (Poisson's) may be negative */
static inline bool acceptable(double value, double measure, double times, double more)
{
    return value <= measure + (times - 1) * magnitude(measure) + more;
}

/* Loss of the sample as the weights now stand, infinite if its logits are. */
static double current_loss(hw_learner *l, int e, const sample *s, const int32_t *rows, const real *v, int64_t part,
                           const double *y, int answers)
{
    const hw_expert_t *x = l->expert + e;
    read_table(l, s, rows, v, part, x->column, x->lanes);
    bool sound = forward_and_link(l, e, s, false);
    double value = expert_loss_and_gradient(l, e, s, y, answers);
    return sound ? value : __builtin_inf();
}

static inline bool is_suspicious(const double *run, double before)
{
    return run[HW_STEPS] < PROBATION || !acceptable(before, run[HW_FADING_LOSS], SUSPICIOUS, 0);
}

/* Whether a step may make a weight infinite, however small the loss: by values that are not standardised, or the weight. */
static inline bool is_heavy(const hw_learner *l, const real *v, int64_t n, double weight)
{
    return (double)(l->standard ? 1 : largest_of(v, n, 1)) * weight > HEAVY;
}

/* The fading mean of the losses, t of them so far. One outlier must not lift it so far that nothing is suspicious any more.
 */
static inline void note_loss(double *run, double t, double before)
{
    before = least(before, LARGEST_LOSS);
    double mean = run[HW_FADING_LOSS], bounded = least(before, mean + (SUSPICIOUS - 1) * magnitude(mean) + 1);
    run[HW_FADING_LOSS] = t == 0 ? before : mean + (bounded - mean) * 0.01;
}

/* As learn_expert, of a sample that can't be suspicious: its loss is computed after the step, so that no step waits for a
 * logarithm. Returns whether it was learned. */
static bool learn_unsuspicious(hw_learner *l, int e, const sample *s, const int32_t *rows, const real *v, int64_t n,
                               const double *y, int answers, double weight)
{
    const hw_expert_t *x = l->expert + e;
    double *run = running(l, e), t = run[HW_STEPS];
    const real *z = s->x + x->logits, *p = prediction_slot(l, e);
    double most_loss = loss_at_most(x->loss, z, y, answers, x->outputs);
    if (x->recurrent >= 0 || !finite(most_loss) || is_suspicious(run, most_loss) || is_heavy(l, v, n, weight))
        return false;
    bounded_loss_gradient(x->loss, p, y, s->d + x->logits, x->outputs);
    take_step(l, e, s, rows, v, n, weight);
    run[HW_STEP_SCALE] = least(run[HW_STEP_SCALE] * RECOVERY, 1);
    note_loss(run, t, expert_loss_and_gradient(l, e, s, y, answers));
    return true;
}

static inline void note_undone(double *run, double product)
{
    run[HW_PRODUCT] = product;
    run[HW_STEP_SCALE] *= 0.5;
    run[HW_UNDONE] += 1;
}

/* Take a step back if its sample now costs far more than `before`; moved: the rows that it can have changed. */
static void check_step(hw_learner *l, int e, const sample *s, const int32_t *rows, const real *v, int64_t part,
                       const int32_t *moved, int64_t count, const double *y, int answers, double before, double product,
                       bool early)
{
    const hw_expert_t *x = l->expert + e;
    double *run = running(l, e), times = early ? EXPLOSION : 1, more = early ? 1 : 0;
    double after = current_loss(l, e, s, rows, v, part, y, answers);
    bool sound = stays_finite(l, x, moved, count, x->states);
    if (sound && acceptable(after, before, times, more))
        return;
    exchange(l, x, moved, count, UNDO);
    if (sound && x->two_pass && acceptable(after, current_loss(l, e, s, rows, v, part, y, answers), times, more)) {
        exchange(l, x, moved, count, REDO);
        return;
    }
    note_undone(run, product);
}

/* Step along the gradient of a sample that cost `before`, and step back if the same sample then costs far more.
 *
 * The check needs a second forward pass, so it is made only where a step can be dangerous. A step that is undone halves the
 * expert's step size, which then creeps back. With dropout the loss before is one of a thinned net, so before a step is
 * undone, the loss of the whole net is computed too. */
static void learn_expert(hw_learner *l, int e, const sample *s, const int32_t *rows, const real *v, int64_t part, int64_t n,
                         const double *y, int answers, double weight, double before)
{
    const hw_expert_t *x = l->expert + e;
    double *run = running(l, e), t = run[HW_STEPS], product = run[HW_PRODUCT];
    bool suspicious = is_suspicious(run, before), heavy = !suspicious && is_heavy(l, v, n, weight);
    note_loss(run, t, before);
    const int32_t *moved = rows;
    int64_t count = n;
    if (x->recurrent >= 0) {
        advance_traces(l, x, s, rows, v, part, n);
        moved = l->recurrent->moved;
        count = l->recurrent->moved_count;
    }
    if (leave_out(l, e, s)) {
        suspicious = heavy = false; /* there is nothing to take back */
    } else {
        if (suspicious || heavy)
            exchange(l, x, moved, count, KEEP);
        take_step(l, e, s, rows, v, n, weight);
    }
    run[HW_STEP_SCALE] = least(run[HW_STEP_SCALE] * RECOVERY, 1);
    if (suspicious)
        check_step(l, e, s, rows, v, part, moved, count, y, answers, before, product, t < PROBATION);
    else if (heavy && !stays_finite(l, x, moved, count, 0)) {
        exchange(l, x, moved, count, UNDO);
        note_undone(run, product);
    }
    if (x->recurrent >= 0)
        keep_state(l);
}

#endif
