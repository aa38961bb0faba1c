/* A lone net of one layer of ReLUs and one output, by plain descent: the sums, steps and bits of the general route in two
 * sweeps. Its arithmetic takes a tenth of a microsecond, and as long again the calls from operation to operation. */
#ifndef HW_NARROW_C
#define HW_NARROW_C

#include "../step.c"

/* Whether all is so that `learn_narrow` may take a row. */
static bool is_narrow(const hw_learner *l)
{
    const hw_expert_t *e = l->expert;
    const hw_op *relu_op = l->op + e->first, *out = relu_op + 1;
#define HAS(name, type) || l->name
    if (l->experts != 1 || !l->bias || l->embedding || l->targets || l->history || l->intervals || l->mixture || l->ring ||
        l->image HW_KINDS_OF_PARTS(HAS))
        return false;
#undef HAS
    if (e->rule != HW_RULE_sgd || !e->plain || e->clip_norm > 0 || e->loss != HW_LOSS_binary_cross_entropy)
        return false;
    return e->last - e->first == 2 && relu_op->kind == HW_ACTIVATION && relu_op->code == HW_ACT_relu &&
           out->kind == HW_DENSE && out->single && out->bias >= 0 && e->lanes == l->stride && e->lanes % LANES == 0 &&
           out->n_lanes == e->lanes;
}

/* The output's weights step, and the derivatives by the hidden units come back, times the step size lr. */
static void step_output(const real *z, const real *h, real *w, real d, real lr, real *back, int m)
{
    real step = lr * d;
    for (int j = 0; j < m; j += NATIVE) {
        native v = load(w + j);
        store(back + j, lr * (native)((native_mask)(d * v) & (load(z + j) > 0)));
        store(w + j, v - step * load(h + j));
    }
}

/* Predict a row, whose values are in order, and learn it. False: nothing has changed, and the general route must look at
 * it, since its step may be dangerous. */
static bool learn_narrow(hw_learner *l, const sample *s, double y, real *p)
{
    const hw_expert_t *e = l->expert;
    const hw_op *o = l->op + e->first + 1;
    const real *v = l->values_at;
    real *z = s->x + LANES, *h = s->x + o->source, *w = parameter(l, o->weights), *bias = parameter(l, o->bias);
    real *table = parameter(l, l->dense), *back = s->d + LANES;
    int m = e->lanes, n = (int)l->pairs;
    sum_rows_(table, (size_t)l->stride, NULL, v, n, NULL, z, m);
    relu(z, h, m);
    real logit = dot(h, w, m) + bias[0];
    if (logit - logit != 0 || is_heavy(l, v, n, 1))
        return false;
    apply_link(e->loss, &logit, p, 1);
    real d;
    double *run = running(l, 0), t = run[HW_STEPS], loss = 0;
    bool later = !is_suspicious(run, loss_at_most(e->loss, &logit, &y, 1, 1)); /* no step waits for a logarithm */
    if (later)
        bounded_loss_gradient(e->loss, p, &y, &d, 1);
    else if (is_suspicious(run, loss = loss_and_gradient(e->loss, e->loss_number, &logit, p, &y, 1, &d, 1)))
        return false;
    run[HW_STEPS] = t + 1;
    double lr = rate_at(e->schedule, e->lr, e->schedule_numbers[0], e->schedule_numbers[1], t + 1) * run[HW_STEP_SCALE];
    if (lr > 0) {
        step_output(z, h, w, d, (real)lr, back, m);
        bias[0] -= (real)lr * d;
        step_rows_(table, (size_t)l->stride, NULL, v, n, back, m);
    }
    run[HW_STEP_SCALE] = least(run[HW_STEP_SCALE] * RECOVERY, 1);
    note_loss(run, t, later ? loss_and_gradient(e->loss, e->loss_number, &logit, p, &y, 1, &d, 1) : loss);
    return true;
}

#endif
