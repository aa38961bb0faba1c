/* Mini-batches: the same operations over many samples at once, and the gradient written down.
 *
 * The four steps of the principle stand apart: forward, the loss and the gradient (backward, summed over the samples), and
 * the update. Operation by operation over the samples, so that a layer's weights are read from the nearest cache for the
 * whole batch, and so that batch norm can see it. */
#ifndef HW_BATCH_C
#define HW_BATCH_C

#include "step.c"
#include "input/input.c"

static sample batch_sample(hw_learner *l, int64_t i)
{
    return (sample){(real *)l->batch->values + i * l->length, (real *)l->batch->deltas + i * l->length,
                    l->batch->lists + i * l->lists, (real *)l->batch->list_values + i * l->lists};
}

/* Pairs of all samples, those of value 0 left out: they add nothing to a sum or to a gradient. */
static void list_batch(hw_learner *l, const real *X, int64_t count)
{
    int64_t inputs = l->embedding ? l->ids : (int64_t)l->declaration[HW_D_INPUTS], n = 0;
    int32_t *rows = l->batch->rows;
    real *v = l->batch->row_values;
    l->batch->ends[0] = 0;
    for (int64_t i = 0; i < count; i++) {
        const real *x = X + i * inputs;
        if (l->bias) {
            rows[n] = 0;
            v[n++] = 1;
        }
        for (int64_t j = 0; j < inputs; j++) {
            rows[n] = l->embedding ? (int32_t)x[j] + 1 : (int32_t)j + 1;
            v[n] = l->embedding               ? 1
                   : x[j] > (real)HUGE_INPUT  ? (real)HUGE_INPUT
                   : x[j] < -(real)HUGE_INPUT ? -(real)HUGE_INPUT
                                              : x[j];
            n += l->embedding || (x[j] != 0 && x[j] - x[j] == 0);
        }
        l->batch->ends[i + 1] = n;
    }
}

static real *moments_of(hw_learner *l, const hw_op *o) { return (real *)l->batch->moments + 2 * o->buffer; }

static void forward_batch(hw_learner *l, const real *X, int64_t count, bool learn)
{
    const hw_expert_t *e = l->expert;
    if (!l->image)
        list_batch(l, X, count);
    for (int64_t i = 0; i < count; i++) {
        sample s = batch_sample(l, i);
        if (l->image) {
            double odd = 0;
            read_image(X + i * l->image, l->image_channels, l->image / l->image_channels, (real)HUGE_INPUT, s.x + LANES,
                       &odd, &odd);
            continue;
        }
        int64_t at = l->batch->ends[i];
        read_table(l, &s, l->batch->rows + at, (const real *)l->batch->row_values + at, l->batch->ends[i + 1] - at, 0,
                   (int)l->stride);
    }
    for (int q = e->first; q < e->last; q++) {
        const hw_op *o = l->op + q;
        if (learn && o->kind == HW_BATCH_NORM) {
            real *x = l->batch->values, *mean = moments_of(l, o);
            batch_norm_forward(x + o->source, x + o->target, (size_t)l->length, count, o->units, o->m / o->units,
                               parameter(l, o->weights), parameter(l, o->bias), o->constant, (real *)l->buffer + o->buffer,
                               mean, mean + hw_lanes(o->units));
            continue;
        }
        for (int64_t i = 0; i < count; i++) {
            sample s = batch_sample(l, i);
            operation_forward(l, o, &s, learn);
        }
    }
}

/* Logits that are not finite count as zeros. */
static void zero_if_not_finite(real *z, int k)
{
    bool sound = true;
    for (int j = 0; j < k; j++)
        sound = sound && finite(z[j]);
    for (int j = 0; j < k; j++)
        z[j] = sound ? z[j] : 0;
}

static int kernel_forward(hw_learner *l, const void *X, int64_t count, void *p)
{
    const hw_expert_t *e = l->expert;
    forward_batch(l, X, count, false);
    for (int64_t i = 0; i < count; i++) {
        real *z = batch_sample(l, i).x + e->logits;
        zero_if_not_finite(z, e->outputs);
        apply_link(e->loss, z, (real *)p + i * e->outputs, e->outputs);
    }
    return 0;
}

static int kernel_gradient(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                           double total, int learn, void *g, double *loss)
{
    const hw_expert_t *e = l->expert;
    forward_batch(l, X, count, learn);
    real *link = prediction_slot(l, 0);
    double value = 0;
    for (int64_t i = 0; i < count; i++) {
        sample s = batch_sample(l, i);
        real *d = s.d + e->logits;
        apply_link(e->loss, s.x + e->logits, link, e->outputs);
        value += w[i] *
                 loss_and_gradient(e->loss, e->loss_number, s.x + e->logits, link, y + i * answers, answers, d, e->outputs);
        for (int j = 0; j < e->outputs; j++)
            d[j] *= (real)(w[i] / total);
    }
    gradient_sink sum = {.gradient = g, .scratch = l->row_gradient};
    for (int q = e->last - 1; q >= e->first; q--) {
        const hw_op *o = l->op + q;
        if (learn && o->kind == HW_BATCH_NORM) {
            real *x = l->batch->values, *d = l->batch->deltas, *mean = moments_of(l, o);
            batch_norm_backward(x + o->source, d + o->target, d + o->source, (size_t)l->length, count, o->units,
                                o->m / o->units, parameter(l, o->weights), mean, mean + hw_lanes(o->units),
                                (real *)g + o->weights, (real *)g + o->bias);
            continue;
        }
        for (int64_t i = 0; i < count; i++) {
            sample s = batch_sample(l, i);
            operation_backward(l, o, &s, &sum);
        }
    }
    for (int64_t i = 0; !l->image && i < count; i++) {
        sample s = batch_sample(l, i);
        int64_t at = l->batch->ends[i];
        apply_gradient(&sum, l->dense, l->stride, l->batch->rows + at, (const real *)l->batch->row_values + at,
                       (int)(l->batch->ends[i + 1] - at), s.d + LANES, (int)l->stride, -1);
    }
    *loss = value / total;
    return 0;
}

static void apply_stretch(gradient_sink *d, const real *g, int64_t at, int64_t count, bool weights)
{
    apply_whole_gradient(d, at, g + at, count, weights); /* the gradient itself as delta of a row of value 1 */
}

/* The gradient at most as long as an expert allows. */
static void clip_gradient(const hw_expert_t *e, real *g, int64_t all)
{
    double square = 0;
    for (int64_t j = 0; j < all; j++)
        square += (double)g[j] * (double)g[j];
    double size = __builtin_sqrt(square);
    if (size > e->clip_norm)
        for (int64_t j = 0; j < all; j++)
            g[j] *= (real)(e->clip_norm / size);
}

static int kernel_apply(hw_learner *l, void *gradient, int penalise)
{
    hw_expert_t *e = l->expert;
    double *run = running(l, 0), t = run[HW_STEPS] + 1;
    double lr = rate_at(e->schedule, e->lr, e->schedule_numbers[0], e->schedule_numbers[1], t) * run[HW_STEP_SCALE];
    real *g = gradient;
    int64_t all = l->dense + l->rows * l->stride;
    if (e->rule == HW_RULE_nadam)
        run[HW_PRODUCT] *= nadam_momentum(e, t);
    if (e->clip_norm > 0)
        clip_gradient(e, g, all);
    hw_expert_t own = *e;
    if (!penalise) {
        own.l1 = own.l2 = 0;
        own.plain = own.clip_value == 0;
    }
    update u;
    begin_update(&u, l, &own, lr, t, run[HW_PRODUCT]);
    gradient_sink d = {.step = &u, .scratch = l->row_gradient};
    for (int q = e->first; q < e->last; q++) {
        const hw_op *o = l->op + q;
        if (hw_is_matrix(o))
            apply_stretch(&d, g, o->weights, o->single ? o->n_lanes : o->n * o->stride, true);
        else if (o->weights >= 0)
            apply_stretch(&d, g, o->weights, hw_lanes(o->units), false);
        if (o->bias >= 0)
            apply_stretch(&d, g, o->bias, hw_lanes(hw_columns_in(o)), false);
    }
    if (l->bias)
        apply_stretch(&d, g, l->dense, l->stride, false);
    if (!l->image)
        apply_stretch(&d, g, l->dense + l->stride, (l->rows - 1) * l->stride, true);
    run[HW_STEPS] = t;
    for (int64_t r = 0; r < l->rows; r++)
        l->touched[r] += 1;
    return 0;
}

#endif
