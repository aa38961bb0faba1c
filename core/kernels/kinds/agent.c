/* An agent learns from one transition at a time: states and what they are worth, actions, and traces of past gradients.
 *
 * The trace of the gradient g is z = gamma lambda z + g, and a step along it is w = w + eta delta z, with a step size eta
 * that bounds how far it overshoots (ObGD). Dense layers and their traces are swept whole. A row of the table is brought up
 * to date only where it is read: with c, the product of all gamma lambda so far, and A, the sum of all c eta delta so far,
 * a row that was up to date at A' stands at w + (A - A') z / c. So z / c is stored, and c and A are two numbers for all
 * rows. Formulas, sources, and the same with dense traces stand in headwater/plain/kinds. */
#ifndef HW_AGENT_C
#define HW_AGENT_C

#include "../learn.c"

static const double STATE_PACE = 1e-6; /* statistics of states never forget faster than this: values refer to all of them */
static const double STATE_CLIP = 10;   /* a standardised number of a state lies within ±10 */
static const double SMALLEST_SCALE = 1e-6; /* below it rows are brought up to date: A must not lose what is added to it */
static const double FADED = 1e-12, FAINTEST = 1e-20; /* a trace whose numbers are all smaller is none; of adaptive steps */
static const double SQUARES = 0.999;                 /* adaptive steps: what fades of the squares, */
static const double SQUARE_EPSILON = 1e-8;           /* and what they are at least */
static const double FARTHEST_ACTION = 10; /* an action farther off its mean teaches as if it lay so many deviations off */
static const double AGENT_FADES = 1e-3;   /* means that are shown fade so fast */

static real *traces(hw_learner *l) { return l->state[0]; }
static double *agent_row(hw_learner *l, int64_t r) { return l->agent->rows + r * HW_AGENT_ROW; }
static int64_t place_of(const hw_learner *l, int64_t r, int e) { return l->dense + r * l->stride + l->expert[e].column; }

/* ---- states ---------------------------------------------------------------------------------------------- */

/* x in units of the deviation of all that it ever was (Welford 1962), within ±10. */
static real standardise_state(hw_learner *l, int32_t slot, double x, bool learn)
{
    double *mean = l->slots.mean + slot, *variance = l->slots.variance + slot, *seen = l->slots.seen + slot;
    double t = *seen + 1, a = 1 / t > STATE_PACE ? 1 / t : SLOWEST, d = x - *mean;
    if (t > SETTLED && *variance > 0 && d * d > BOUND * BOUND * *variance) {
        double bound = BOUND * __builtin_sqrt(*variance);
        d = within(d, -bound, bound);
        if (learn)
            running(l, 0)[HW_FAR] += 1;
    }
    double mu = *mean + a * d, var = (1 - a) * (*variance + a * d * d);
    if (learn) {
        *mean = mu;
        *variance = var;
        *seen = t;
    }
    if (var <= ROUNDING * mu * mu || var <= NOTHING)
        return 0;
    return (real)within((x - mu) / __builtin_sqrt(var), -STATE_CLIP, STATE_CLIP);
}

/* The pairs of the state that was read, whose first entry is the time in the episode. */
static void read_state(hw_learner *l, bool learn)
{
    int64_t n = 0;
    int32_t *rows = l->rows_at;
    real *v = l->values_at;
    rows[n] = 0;
    v[n++] = 1;
    l->rows_in_order = false;
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        double x = l->entry_x[i];
        if (x != x)
            continue;
        if (magnitude(x) > HUGE_INPUT) {
            bool infinite = magnitude(x) > 1.7976931348623157e308;
            if (learn)
                running(l, 0)[infinite ? HW_INFINITE : HW_HUGE] += 1;
            if (infinite)
                continue;
            x = x < 0 ? -HUGE_INPUT : HUGE_INPUT;
        }
        rows[n] = slot < 0 ? -slot - 1 : l->slots.row[slot];
        v[n++] = slot < 0 ? (real)x : standardise_state(l, slot, x, learn);
    }
    unseen_last(l, n);
}

/* The first layer of expert e, with rows as they stand once they are brought up to date. Nothing is changed. */
static void read_first_layer_of(hw_learner *l, const sample *s, int e)
{
    const hw_expert_t *x = l->expert + e;
    const real *v = l->values_at;
    real *owed = (real *)l->values_at + l->pair_capacity, *more = l->row_gradient, *z = s->x + LANES + x->column;
    sum_rows((const real *)l->weights + l->dense + x->column, (size_t)l->stride, l->rows_at, v, (int)l->active, NULL, z,
             x->lanes);
    if (l->agent->adaptive || !l->agent->live_count)
        return;
    for (int64_t i = 0; i < l->active; i++)
        owed[i] = v[i] * (real)(l->agent->numbers[HW_AN_STEPS + e] - agent_row(l, l->rows_at[i])[e]);
    sum_rows(traces(l) + l->dense + x->column, (size_t)l->stride, l->rows_at, owed, (int)l->active, NULL, more, x->lanes);
    for (int j = 0; j < x->lanes; j++)
        z[j] += more[j];
}

/* What expert e says of the state at hand (outputs). Returns whether it is finite. */
static bool look_at(hw_learner *l, const sample *s, int e, double *out)
{
    const hw_expert_t *x = l->expert + e;
    read_first_layer_of(l, s, e);
    bool sound = forward_expert(l, x, s, false);
    for (int j = 0; j < x->outputs; j++)
        out[j] = sound ? (double)s->x[x->logits + j] : 0;
    return sound;
}

static bool kernel_look(hw_learner *l, int e, double *out)
{
    sample s = at_hand(l);
    if (e == 0)
        read_state(l, false);
    return look_at(l, &s, e, out);
}

/* ---- traces ---------------------------------------------------------------------------------------------- */

/* z = factor z; numbers near 0 end there. */
static void scale_trace(real *z, int64_t n, double factor)
{
    for (int64_t j = 0; j < n; j += NATIVE)
        store(z + j, decay_native(load(z + j) * (real)factor));
}

/* The sum of what n numbers are in size, a whole number of stretches, in 16 partial sums. */
static real size_of_trace(const real *z, int64_t n)
{
    real t[LANES] = {0};
    for (int64_t j = 0; j < n; j += LANES)
        for (int q = 0; q < LANES; q++)
            t[q] += z[j + q] < 0 ? -z[j + q] : z[j + q];
    return tree(t);
}

static void step_along(real *restrict w, const real *restrict z, int64_t n, double step)
{
    for (int64_t j = 0; j < n; j++)
        w[j] += (real)step * z[j];
}

static real size_of_row(const real *z, int m)
{
    real size;
    SUM_UNITS(size, m, z[j] < 0 ? -z[j] : z[j]);
    return size;
}

/* Bring row r up to date: take the steps that it owes. */
static void take_owed(hw_learner *l, int64_t r, int e)
{
    double *own = agent_row(l, r), owed = l->agent->numbers[HW_AN_STEPS + e] - own[e];
    int64_t at = place_of(l, r, e);
    if (owed != 0)
        step_along(parameter(l, at), traces(l) + at, l->expert[e].lanes, owed);
    own[e] = l->agent->numbers[HW_AN_STEPS + e];
}

/* Bring all rows up to date, with traces `factor` times what is stored; those that have faded away end. */
static void settle_rows(hw_learner *l, double factor)
{
    hw_agent_t *a = l->agent;
    int64_t kept = 0;
    for (int64_t i = 0; i < a->live_count; i++) {
        int32_t r = a->live[i];
        real most = 0;
        for (int e = 0; e < l->experts; e++) {
            real *z = traces(l) + place_of(l, r, e);
            int m = l->expert[e].lanes;
            if (!a->adaptive) {
                take_owed(l, r, e);
                agent_row(l, r)[e] = 0;
            }
            for (int j = 0; j < m; j++) {
                z[j] *= (real)factor;
                most = z[j] > most ? z[j] : -z[j] > most ? -z[j] : most;
            }
        }
        if (most > (real)(a->adaptive ? FAINTEST : FADED)) {
            a->live[kept++] = r;
            continue;
        }
        for (int e = 0; e < l->experts; e++)
            memset(traces(l) + place_of(l, r, e), 0, (size_t)l->expert[e].lanes * sizeof(real));
        agent_row(l, r)[HW_AR_LIVE] = 0;
    }
    a->live_count = kept;
    a->numbers[HW_AN_SCALE] = 1;
    for (int e = 0; e < HW_AGENT_EXPERTS; e++) {
        a->numbers[HW_AN_STEPS + e] = 0;
        if (!kept)
            a->numbers[HW_AN_TRACES + e] = 0;
    }
}

/* A step later: all traces are gamma lambda times what they were. */
static void fade_traces(hw_learner *l)
{
    hw_agent_t *a = l->agent;
    double factor = a->gamma * a->lambda;
    for (int e = 0; e < l->experts; e++) {
        const hw_expert_t *x = l->expert + e;
        scale_trace(traces(l) + x->dense_first, x->dense_last - x->dense_first, factor);
        a->numbers[HW_AN_TRACES + e] *= factor;
    }
    if (a->adaptive || a->numbers[HW_AN_SCALE] * factor < SMALLEST_SCALE)
        settle_rows(l, a->numbers[HW_AN_SCALE] * factor);
    else
        a->numbers[HW_AN_SCALE] *= factor;
}

static void end_traces(hw_learner *l)
{
    settle_rows(l, 0);
    for (int e = 0; e < l->experts; e++) {
        const hw_expert_t *x = l->expert + e;
        memset(traces(l) + x->dense_first, 0, (size_t)(x->dense_last - x->dense_first) * sizeof(real));
    }
}

/* Squares that an adaptive step is scaled by fade while a row is not touched. */
static void fade_squares(hw_learner *l, int64_t r, int e)
{
    double *own = agent_row(l, r), steps = l->agent->numbers[HW_AN_TAKEN + e];
    if (steps > own[e]) {
        double factor = hw_ipow64(SQUARES, (uint64_t)(steps - own[e]));
        real *v = (real *)l->state[1] + place_of(l, r, e);
        for (int j = 0; j < l->expert[e].lanes; j++)
            v[j] *= (real)factor;
    }
    own[e] = steps;
}

/* Add the gradient of expert e, whose derivatives by its logits are known, to the traces. */
static void add_gradient(hw_learner *l, const sample *s, int e)
{
    const hw_expert_t *x = l->expert + e;
    hw_agent_t *a = l->agent;
    gradient_sink sink = {.gradient = traces(l)};
    const real *d = s->d + LANES + x->column, *v = l->values_at;
    double scale = a->numbers[HW_AN_SCALE], more = 0;
    for (int o = x->last - 1; o >= x->first; o--)
        operation_backward(l, l->op + o, s, &sink);
    for (int64_t i = 0; i < l->pairs; i++) {
        int32_t r = l->rows_at[i];
        real *z = traces(l) + place_of(l, r, e), part = v[i] * (real)(1 / scale);
        double *own = agent_row(l, r);
        if (a->adaptive)
            fade_squares(l, r, e);
        else
            take_owed(l, r, e);
        if (own[HW_AR_LIVE] == 0) {
            own[HW_AR_LIVE] = 1;
            a->live[a->live_count++] = r;
        } else {
            more -= (double)size_of_row(z, x->lanes);
        }
        for (int j = 0; j < x->lanes; j++)
            z[j] += part * d[j];
        more += (double)size_of_row(z, x->lanes);
    }
    a->numbers[HW_AN_TRACES + e] = most(a->numbers[HW_AN_TRACES + e] + scale * more, 0);
}

/* ---- steps ----------------------------------------------------------------------------------------------- */

/* What a step of weight w is longer than one of weight 1 that takes away a share of the error: as in hw_weighed. */
static double longer(const hw_agent_t *a, double share)
{
    double w = hw_transition_weight(a);
    return !HW_WEIGHS || w == 1 ? 1 : w / (1 - share + w * share);
}

/* The step size times the error: alpha / max(1, alpha kappa max(|delta|, 1) |z|), Elsayed, Vasan & Mahmood 2024. It takes
 * away at most 1 / kappa of the error. */
static double bounded_step(hw_learner *l, int e, double delta, double size)
{
    double alpha = l->expert[e].lr, kappa = l->agent->kappa[e], m = alpha * kappa * most(magnitude(delta), 1) * size,
           *n = l->agent->numbers;
    if (e == 0)
        n[HW_AN_BOUNDED] += AGENT_FADES * ((m > 1) - n[HW_AN_BOUNDED]);
    return alpha / most(m, 1) * delta * longer(l->agent, least(least(m, 1) / kappa, 1));
}

/* Squares of delta z fade; z over their root is the way, whose size is returned. */
static double move_squares(hw_learner *l, int64_t at, int64_t n, double delta, double correction)
{
    real *restrict v = (real *)l->state[1] + at, b = (real)SQUARES, t[LANES] = {0};
    const real *restrict z = traces(l) + at;
    for (int64_t j = 0; j < n; j++) {
        real u = (real)delta * z[j], size = z[j] < 0 ? -z[j] : z[j];
        v[j] = b * v[j] + (1 - b) * u * u;
        t[j % LANES] += size / square_root(v[j] * (real)correction + (real)SQUARE_EPSILON);
    }
    return (double)tree(t);
}

static void step_adaptively(hw_learner *l, int64_t at, int64_t n, double step, double correction)
{
    const real *restrict v = (const real *)l->state[1] + at, *restrict z = traces(l) + at;
    real *restrict w = parameter(l, at);
    for (int64_t j = 0; j < n; j++)
        w[j] += (real)step * z[j] / square_root(v[j] * (real)correction + (real)SQUARE_EPSILON);
}

static bool take_adaptive_step(hw_learner *l, int e, double delta)
{
    const hw_expert_t *x = l->expert + e;
    hw_agent_t *a = l->agent;
    int64_t dense = x->dense_last - x->dense_first;
    double *taken = a->numbers + HW_AN_TAKEN + e;
    *taken += 1;
    double correction = 1 / (1 - hw_ipow64(SQUARES, (uint64_t)*taken));
    double size = move_squares(l, x->dense_first, dense, delta, correction);
    for (int64_t i = 0; i < a->live_count; i++) {
        size += move_squares(l, place_of(l, a->live[i], e), x->lanes, delta, correction);
        agent_row(l, a->live[i])[e] = *taken;
    }
    double step = bounded_step(l, e, delta, size);
    if (!finite(step))
        return false;
    step_adaptively(l, x->dense_first, dense, step, correction);
    for (int64_t i = 0; i < a->live_count; i++)
        step_adaptively(l, place_of(l, a->live[i], e), x->lanes, step, correction);
    return true;
}

static bool take_trace_step(hw_learner *l, int e, double delta)
{
    const hw_expert_t *x = l->expert + e;
    hw_agent_t *a = l->agent;
    if (!(hw_transition_weight(a) > 0))
        return true;
    if (a->adaptive)
        return take_adaptive_step(l, e, delta);
    int64_t dense = x->dense_last - x->dense_first;
    real *z = traces(l) + x->dense_first;
    double step = bounded_step(l, e, delta, (double)size_of_trace(z, dense) + a->numbers[HW_AN_TRACES + e]);
    if (!finite(step))
        return false;
    step_along(parameter(l, x->dense_first), z, dense, step);
    a->numbers[HW_AN_STEPS + e] += step * a->numbers[HW_AN_SCALE];
    a->numbers[HW_AN_TAKEN + e] += 1;
    return true;
}

/* ---- gradients by the logits ------------------------------------------------------------------------------------------
 */

static int best_of(const double *values, int n)
{
    int best = 0;
    for (int j = 1; j < n; j++)
        best = values[j] > values[best] ? j : best;
    return best;
}

/* d/dz of log p(action) + w H(p), p = softmax(z), H its entropy. */
static void softmax_gradient(hw_learner *l, const sample *s, int action, double w)
{
    const hw_expert_t *x = l->expert + 1;
    real *p = prediction_slot(l, 0), *d = s->d + x->logits;
    double entropy = 0;
    softmax(s->x + x->logits, p, x->outputs);
    for (int j = 0; j < x->outputs; j++)
        entropy -= (double)p[j] * hw_log64((double)p[j] + NOTHING);
    for (int j = 0; j < x->outputs; j++)
        d[j] = (real)((j == action) - (double)p[j] - w * (double)p[j] * (hw_log64((double)p[j] + NOTHING) + entropy));
}

/* d/dz of log N(action; mean, deviation) + w H: means are the first half of z, or their tanh where actions are bounded, so
 * that no mean runs away from what can be done; softplus of the second half deviations. */
static void normal_gradient(hw_learner *l, const sample *s, const double *action, double w)
{
    const hw_expert_t *x = l->expert + 1;
    const real *z = s->x + x->logits;
    real *d = s->d + x->logits;
    int n = x->outputs / 2;
    for (int j = 0; j < n; j++) {
        double mean = l->agent->bounded ? hw_tanh64((double)z[j]) : (double)z[j],
               slope = l->agent->bounded ? 1 - mean * mean : 1;
        double deviation = hw_softplus64((double)z[n + j]) + HW_LEAST_DEVIATION, e = (action[j] - mean) / deviation;
        e = within(e, -FARTHEST_ACTION, FARTHEST_ACTION);
        d[j] = (real)(e / deviation * slope);
        d[n + j] = (real)((e * e - 1 + w) / deviation * hw_logistic64((double)z[n + j]));
    }
}

/* ---- one transition -------------------------------------------------------------------------------------- */

static void clear_derivatives(hw_learner *l, const sample *s, int e)
{
    const hw_expert_t *x = l->expert + e;
    for (int j = 0; j < x->outputs; j++)
        s->d[x->logits + j] = 0;
}

/* The policy's step on what a transition was worth more than expected. */
static bool learn_policy(hw_learner *l, sample *s, const double *action, double delta)
{
    hw_agent_t *a = l->agent;
    double entropy = delta > 0 ? a->entropy : delta < 0 ? -a->entropy : 0;
    bool sound = look_at(l, s, 1, a->out);
    clear_derivatives(l, s, 1);
    if (a->policy == HW_SOFTMAX_POLICY)
        softmax_gradient(l, s, (int)action[0], entropy);
    else
        normal_gradient(l, s, action, entropy);
    add_gradient(l, s, 1);
    return sound && take_trace_step(l, 1, delta);
}

/* reward: scaled; ended: the traces end with it. Returns 0 where a net has left what can be computed: its traces end. */
static int kernel_learn_transition(hw_learner *l, const double *action, double reward, bool ended)
{
    sample s = at_hand(l);
    hw_agent_t *a = l->agent;
    double *said = a->out, *n = a->numbers;
    bool values = a->policy == HW_ACTION_VALUES, greedy = true, learns = hw_transition_weight(a) > 0;
    read_state(l, learns);
    count_rows(l);
    bool sound = look_at(l, &s, 0, said);
    int which = values ? (int)action[0] : 0;
    double delta = reward + a->gamma * a->next - said[which];
    if (values)
        greedy = said[which] >= said[best_of(said, l->outputs)];
    fade_traces(l);
    clear_derivatives(l, &s, 0);
    s.d[l->expert[0].logits + which] = 1;
    add_gradient(l, &s, 0);
    sound = sound && finite(delta) && take_trace_step(l, 0, delta);
    if (!values && sound)
        sound = learn_policy(l, &s, action, delta);
    if (sound && learns) {
        n[HW_AN_ERROR] += AGENT_FADES * (magnitude(delta) - n[HW_AN_ERROR]);
        n[HW_AN_WORTH] += AGENT_FADES * (delta - reward + said[which] - n[HW_AN_WORTH]);
        n[HW_AN_RANDOM] += AGENT_FADES * (!greedy - n[HW_AN_RANDOM]);
    } else if (!sound) {
        running(l, 0)[HW_OVERFLOW] += 1;
    }
    if (ended || !greedy || !sound)
        end_traces(l);
    l->learned += 1;
    return sound;
}

#endif
