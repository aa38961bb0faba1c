
/* ---- explanation: integrated gradients (Sundararajan, Taly & Yan 2017), as headwater.explain computes them ----------------- */

enum { FEWEST_POINTS = 32, MOST_POINTS = 4096 }; /* on the path from the baseline to the row: doubled until the rest is small */
static const real REST = (real)1e-3;             /* of the distance from the baseline, */
static const real ROUNDED = (real)4e-6;          /* or so much of the unit: sums of floats know no better */

static struct { /* nothing in it outlives a call */
    real start[EXPLAINED_UNITS], end[EXPLAINED_UNITS], slope[EXPLAINED_UNITS];
} path;

typedef struct explained { /* the number that is explained: offset + scale · output[column] */
    int column;
    real offset, scale;
} explained;

/* Add a sign times what the net reads of each column, whose pairs stand in the order of the columns. */
static void add_pairs(const hw_learner *l, real sign, float *to)
{
    const real *v = l->values_at;
    int64_t k = l->bias;
    for (int i = 0; i < MODEL_INPUTS && k < l->active; i++)
        if (l->rows_at[k] == l->slots.row[slot_of_input[i]])
            to[i] += sign * v[k++];
}

/* Which number is explained; the net has just computed the row. */
static explained chosen_output(hw_learner *l, int chosen)
{
    const real *p = prediction_slot(l, 0);
    if (l->targets)
        return (explained){0, (real)l->answers[0], (real)__builtin_sqrt(l->answers[1])};
    if (l->outputs == 1 && MODEL_CLASSES == 2) {
        bool second = chosen < 0 ? p[0] > (real)0.5 : chosen == 1;
        return (explained){0, second ? 0 : 1, second ? 1 : -1};
    }
    int best = 0;
    for (int j = 1; j < l->outputs; j++)
        best = p[j] > p[best] ? j : best;
    return (explained){chosen < 0 ? best : chosen, 0, 1};
}

/* The net from its first layer z on, and the number that is explained. */
static real explained_at(hw_learner *l, const sample *s, const real *z, const explained *of)
{
    memcpy(s->x + LANES, z, EXPLAINED_UNITS * sizeof(real));
    forward_and_link(l, 0, s, false);
    return of->offset + of->scale * prediction_slot(l, 0)[of->column];
}

/* The derivative of that number by the logits, through the link. */
static void delta_of_logits(hw_learner *l, const sample *s, const explained *of)
{
    const hw_expert_t *e = l->expert;
    const real *p = prediction_slot(l, 0), own = p[of->column];
    real *d = s->d + e->logits, slope = 1;
    if (has_log_link(l, 0)) {
        double m = mean_in_deviations(l);
        slope = magnitude((double)own) < FAR ? (real)(((double)own + m) / most(m / 2, 1)) : 0;
    } else if (e->loss == HW_LOSS_poisson) {
        slope = own;
    } else if (e->loss == HW_LOSS_binary_cross_entropy) {
        slope = own * (1 - own);
    }
    for (int j = 0; j < e->outputs; j++)
        if (e->loss == HW_LOSS_cross_entropy)
            d[j] = of->scale * p[j] * ((j == of->column) - own);
        else
            d[j] = j == of->column ? of->scale * slope : 0;
}

/* The derivative by what an operation reads, given that by what it writes. No weight moves. */
static void delta_back(hw_learner *l, const hw_op *o, const sample *s)
{
    const real *dy = s->d + o->target;
    real *dx = s->d + o->source;
    if (o->kind != HW_DENSE) {
        gradient_sink nothing = {.scratch = l->row_gradient};
        operation_backward(l, o, s, &nothing);
    } else if (o->single) {
        for (int i = 0; i < o->n_lanes; i++)
            dx[i] = dy[0] * parameter(l, o->weights)[i];
    } else {
        const int32_t *list = s->list + o->list;
        for (int i = 0; o->sparse && i < o->n_lanes; i++)
            dx[i] = 0;
        dense_delta(l, o, o->sparse ? list + 1 : NULL, 0, o->sparse ? list[0] : o->n, dy, dx);
    }
}

/* The mean slope of that number by the first layer over the points of the path, by the midpoint rule. Returns what it makes of the way
 * from end to end. */
static real slope_of_path(hw_learner *l, const sample *s, const explained *of, int points)
{
    const hw_expert_t *e = l->expert;
    real z[EXPLAINED_UNITS], far = 0;
    for (int j = 0; j < EXPLAINED_UNITS; j++)
        path.slope[j] = 0;
    for (int i = 0; i < points; i++) {
        real share = ((real)i + (real)0.5) / (real)points;
        for (int j = 0; j < EXPLAINED_UNITS; j++)
            z[j] = path.start[j] + share * (path.end[j] - path.start[j]);
        explained_at(l, s, z, of);
        delta_of_logits(l, s, of);
        for (int o = e->last - 1; o >= e->first; o--)
            delta_back(l, l->op + o, s);
        for (int j = 0; j < e->lanes; j++)
            path.slope[e->column + j] += s->d[LANES + e->column + j];
    }
    for (int j = 0; j < EXPLAINED_UNITS; j++) {
        path.slope[j] /= (real)points;
        far += path.slope[j] * (path.end[j] - path.start[j]);
    }
    return far;
}

/* The entries of the row are at hand. */
static int explain_row(hw_learner *l, int chosen, float *contributions, float *baseline)
{
    sample s = at_hand(l);
    l->predicted_count = -1; /* what predictions have left is overwritten */
    for (int i = 0; i < MODEL_INPUTS; i++)
        contributions[i] = 0;
    kernel_pairs(l, false);
    add_pairs(l, 1, contributions);
    read_first_layer(l, &s);
    memcpy(path.end, s.x + LANES, sizeof path.end);
    forward_and_link(l, 0, &s, false);
    const explained of = chosen_output(l, chosen);
    kernel_pairs(l, true); /* every number at its mean */
    add_pairs(l, -1, contributions);
    read_first_layer(l, &s);
    memcpy(path.start, s.x + LANES, sizeof path.start);
    real from = explained_at(l, &s, path.start, &of), far = explained_at(l, &s, path.end, &of) - from;
    real most_rest = (real)most((double)(REST * (far < 0 ? -far : far)), (double)(ROUNDED * (of.scale < 0 ? -of.scale : of.scale)));
    for (int points = FEWEST_POINTS;; points *= 2) {
        real rest = slope_of_path(l, &s, &of, points) - far;
        if (points >= MOST_POINTS || (rest <= most_rest && -rest <= most_rest))
            break;
    }
    for (int i = 0; i < MODEL_INPUTS; i++)
        contributions[i] *= dot(parameter(l, l->dense) + l->slots.row[slot_of_input[i]] * l->stride, path.slope, (int)l->stride);
    if (baseline)
        *baseline = from;
    return 0;
}
