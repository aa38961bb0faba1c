/* A diagonal linear recurrence with exact gradients, one row at a time (real-time recurrent learning, RTRL).
 *
 * Unit k has lambda = r e^(i theta), r = exp(-e^nu), theta = e^vartheta, gamma = sqrt(1 - r^2); of the layer before it come
 * Re w and Im w of w = (U + iV) x, and numbers that pass through. With D = lambda^dt:
 *   h <- D h + gamma w                                     the output is [Re h, Im h, what passes through]
 *   s_nu <- D s_nu - e^nu dt D h + (e^nu r^2 / gamma) w     dh/dnu
 *   s_theta <- D s_theta + i theta dt D h                   dh/dvartheta
 *   e_j <- D e_j + gamma x_j                                dh/dU_j; dh/dV_j = i e_j
 * where h on the right is the state before. With c = dL/dRe h - i dL/dIm h at this very row, the gradients are Re(c s) and
 * Re(c e_j), Re(i c e_j): those of backpropagation through the whole past, while weights stand still. Sources stand in
 * headwater/plain/network/recurrent.py. */
#ifndef HW_RECURRENT_C
#define HW_RECURRENT_C

#include "../net.c"

#ifndef HW_WITHOUT_recurrent

static const double LEAST_DECAY = 1e-4, MOST_DECAY = 3, MOST_ANGLE = 6.283185307179586, LEAST_ANGLE = 1e-6;
static const double OF_DECAYS = 0.5; /* nu and theta take half the step: traces age while they move */

/* Of the numbers behind the outputs: D, gamma, e^nu dt, e^nu r^2 / gamma, theta dt. */
enum { OWN_RE, OWN_IM, OWN_GAMMA, OWN_DECAY, OWN_GAIN, OWN_ANGLE };

static const real *state_before(const hw_learner *l)
{
    const hw_recurrent_t *m = l->recurrent;
    return m->at < 0 ? m->none : (const real *)m->states + m->at * 2 * m->units;
}

/* D, gamma and what sensitivities need, as the weights stand and for the gap at hand. */
static void turn_and_decay(const hw_learner *l, const real *nu, const real *angle, real *own)
{
    const hw_recurrent_t *m = l->recurrent;
    int n = m->units;
    double dt = m->gap;
    for (int k = 0; k < n; k++) {
        double decay = hw_exp64((double)nu[k]), theta = hw_exp64((double)angle[k]), one = hw_exp64(-2 * decay);
        double r = dt == 1 ? __builtin_sqrt(one) : hw_exp64(-decay * dt), gamma = __builtin_sqrt(1 - one);
        double turns = theta * dt * 0.15915494309189535;
        own[OWN_RE * n + k] = (real)(r * hw_cos2pi64(turns));
        own[OWN_IM * n + k] = (real)(r * hw_sin2pi64(turns));
        own[OWN_GAMMA * n + k] = (real)gamma;
        own[OWN_DECAY * n + k] = (real)(decay * dt);
        own[OWN_GAIN * n + k] = (real)(decay * one / gamma);
        own[OWN_ANGLE * n + k] = (real)(theta * dt);
    }
}

static void recurrent_forward(hw_learner *l, const hw_op *o, const real *x, real *y, real *own)
{
    int n = l->recurrent->units;
    const real *h = state_before(l), *re = own + OWN_RE * n, *im = own + OWN_IM * n, *gamma = own + OWN_GAMMA * n;
    turn_and_decay(l, parameter(l, o->weights), parameter(l, o->bias), own);
    for (int k = 0; k < n; k++) {
        y[k] = re[k] * h[k] - im[k] * h[n + k] + gamma[k] * x[k];
        y[n + k] = re[k] * h[n + k] + im[k] * h[k] + gamma[k] * x[n + k];
    }
    for (int j = 2 * n; j < o->m; j++)
        y[j] = x[j];
}

/* ---- what is carried forward ----------------------------------------------------------------------------- */

static inline real *traces_of(const hw_recurrent_t *m, int64_t block)
{
    return (real *)m->traces + block * hw_block_size(m);
}
static inline int64_t block_at_hand(const hw_recurrent_t *m)
{
    return (int64_t)m->keys[m->at * HW_MEMORY_KEY + HW_MK_BLOCK] - 1;
}

/* The place of a row among those with traces; of a new one that which was read least recently, and begins at 0. */
static int place_of_row(const hw_recurrent_t *m, int64_t *rows, int64_t *used, real *traces, int64_t row)
{
    int oldest = 0;
    for (int q = 0; q < m->traced; q++) {
        if (rows[q] == row || rows[q] < 0) {
            rows[q] = row;
            return q;
        }
        oldest = used[q] < used[oldest] ? q : oldest;
    }
    if (used[oldest] == (int64_t)m->numbers[HW_MN_CLOCK]) /* all belong to the sample at hand */
        return -1;
    rows[oldest] = row;
    memset(traces + 2 * (int64_t)oldest * m->units, 0, 2 * (size_t)m->units * sizeof(real));
    return oldest;
}

/* What each traced row of the table is worth in the sample at hand. */
static void value_traced(hw_recurrent_t *m, int64_t *traced, int64_t *used, real *traces, const int32_t *rows,
                         const real *v, int64_t part)
{
    real *value = m->value;
    for (int q = 0; q < m->traced; q++)
        value[q] = 0;
    for (int64_t i = 0; i < part; i++) {
        if (rows[i] < m->curves_capacity && m->curves[rows[i]])
            continue;
        int q = place_of_row(m, traced, used, traces, rows[i]);
        if (q < 0)
            continue;
        used[q] = (int64_t)m->numbers[HW_MN_CLOCK];
        value[q] += v[i];
    }
}

/* Take the sensitivities of the key at hand one row on, and list the rows that a step will move: those with traces, then
 * the sample's others. The state itself follows in keep_state. */
static void advance_traces(hw_learner *l, const hw_expert_t *e, const sample *s, const int32_t *rows, const real *v,
                           int64_t part, int64_t count)
{
    hw_recurrent_t *m = l->recurrent;
    const hw_op *o = l->op + e->recurrent;
    int n = m->units;
    const real *w = s->x + o->source, *y = s->x + o->target, *own = y + o->m_lanes;
    const real *re = own + OWN_RE * n, *im = own + OWN_IM * n, *gamma = own + OWN_GAMMA * n, *decay = own + OWN_DECAY * n;
    const real *gain = own + OWN_GAIN * n, *angle = own + OWN_ANGLE * n;
    hw_take_state(l);
    const real *h = state_before(l);
    int64_t block = block_at_hand(m), *traced = m->blocks + block * hw_block_head(m) + 1, *used = traced + m->traced;
    real *sums = traces_of(m, block), *traces = sums + 4 * n, *value = m->value;
    memcpy(m->next, y, 2 * (size_t)n * sizeof(real));
    for (int k = 0; k < n; k++) {
        real dre = re[k] * h[k] - im[k] * h[n + k], dim = re[k] * h[n + k] + im[k] * h[k]; /* D h */
        real a = sums[k], b = sums[n + k], c = sums[2 * n + k], d = sums[3 * n + k];
        sums[k] = re[k] * a - im[k] * b - decay[k] * dre + gain[k] * w[k];
        sums[n + k] = re[k] * b + im[k] * a - decay[k] * dim + gain[k] * w[n + k];
        sums[2 * n + k] = re[k] * c - im[k] * d - angle[k] * dim;
        sums[3 * n + k] = re[k] * d + im[k] * c + angle[k] * dre;
    }
    value_traced(m, traced, used, traces, rows, v, part);
    m->moved_count = 0;
    for (int q = 0; q < m->traced && traced[q] >= 0; q++) {
        real *t = traces + 2 * (int64_t)q * n;
        for (int k = 0; k < n; k++) {
            real a = t[k], b = t[n + k];
            t[k] = re[k] * a - im[k] * b + gamma[k] * value[q];
            t[n + k] = re[k] * b + im[k] * a;
        }
        m->moved[m->moved_count++] = (int32_t)traced[q];
    }
    for (int64_t i = 0; i < count; i++)
        m->moved[m->moved_count++] = rows[i]; /* once more where it has traces: exchange undoes the first of two last */
}

/* Let the state follow; one that is not finite begins anew. */
static void keep_state(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    real *h = (real *)m->states + m->at * 2 * m->units, *sums = traces_of(m, block_at_hand(m));
    int64_t *traced = m->blocks + block_at_hand(m) * hw_block_head(m) + 1;
    if (all_finite(m->next, 2 * m->units) && all_finite(sums, hw_block_size(m))) {
        memcpy(h, m->next, 2 * (size_t)m->units * sizeof(real));
        return;
    }
    memset(h, 0, 2 * (size_t)m->units * sizeof(real));
    memset(sums, 0, (size_t)hw_block_size(m) * sizeof(real));
    for (int q = 0; q < m->traced; q++)
        traced[q] = -1;
}

/* ---- gradients ------------------------------------------------------------------------------------------- */

static void hold_within(real *x, int n, double low, double high)
{
    for (int k = 0; k < n; k++)
        x[k] = x[k]<(real)low ? (real)low : x[k]>(real) high ? (real)high : x[k];
}

static update slower(const update *u, double factor)
{
    update out = *u;
    out.lr *= factor;
    out.c.lr *= (real)factor;
    if (u->rule == HW_RULE_nadam) {
        out.c.ahead *= (real)factor;
        out.c.gradient *= (real)factor;
    }
    return out;
}

/* Those of nu and vartheta; the derivatives by the state and by what passes through go on to the layer before. */
static void recurrent_backward(hw_learner *l, const hw_op *o, const real *dy, real *dx, gradient_sink *g)
{
    hw_recurrent_t *m = l->recurrent;
    int n = m->units;
    const real *sums = traces_of(m, block_at_hand(m));
    real *d = m->row;
    for (int j = 0; j < o->m_lanes; j++)
        dx[j] = j < o->m ? dy[j] : 0;
    for (int part = 0; part < 2; part++) {
        const real *a = sums + 2 * part * n, *b = a + n;
        for (int k = 0; k < o->m_lanes; k++)
            d[k] = k < n ? dy[k] * a[k] + dy[n + k] * b[k] : 0;
        int64_t at = part ? o->bias : o->weights;
        if (g->step) {
            update *whole = g->step, half = slower(whole, OF_DECAYS);
            g->step = &half;
            apply_vector_gradient(g, at, d, o->m_lanes, false);
            g->step = whole;
            if (part)
                hold_within(parameter(l, at), n, hw_log64(LEAST_ANGLE), hw_log64(MOST_ANGLE));
            else
                hold_within(parameter(l, at), n, hw_log64(LEAST_DECAY), hw_log64(MOST_DECAY));
        } else {
            apply_vector_gradient(g, at, d, o->m_lanes, false);
        }
    }
}

/* The gradient of the layer before: each row with a trace, and the sample's others by what passes through alone. */
static void recurrent_rows(hw_learner *l, const hw_expert_t *e, const int32_t *rows, const real *v, int64_t count,
                           const real *d, gradient_sink *g)
{
    hw_recurrent_t *m = l->recurrent;
    int n = m->units;
    int64_t block = block_at_hand(m), *traced = m->blocks + block * hw_block_head(m) + 1, *used = traced + m->traced;
    const real *traces = traces_of(m, block) + 4 * n, *value = m->value;
    real *row = m->row;
    for (int q = 0; q < m->traced && traced[q] >= 0; q++) {
        const real *t = traces + 2 * (int64_t)q * n;
        int32_t r = (int32_t)traced[q];
        for (int k = 0; k < n; k++) {
            row[k] = d[k] * t[k] + d[n + k] * t[n + k];
            row[n + k] = d[n + k] * t[k] - d[k] * t[n + k];
        }
        for (int j = 2 * n; j < e->lanes; j++)
            row[j] = value[q] * d[j];
        apply_gradient(g, l->dense + e->column, l->stride, &r, &ONE, 1, row, e->lanes, 0);
    }
    for (int j = 0; j < e->lanes; j++)
        row[j] = j < 2 * n ? 0 : d[j];
    for (int64_t i = 0; i < count; i++) {
        bool has = false;
        for (int q = 0; q < m->traced && traced[q] >= 0 && !has; q++)
            has = traced[q] == rows[i] && used[q] == (int64_t)m->numbers[HW_MN_CLOCK];
        if (!has)
            apply_gradient(g, l->dense + e->column, l->stride, rows + i, v + i, 1, row, e->lanes, 0);
    }
}

#else

static void recurrent_forward(hw_learner *l, const hw_op *o, const real *x, real *y, real *own)
{
    (void)l, (void)o, (void)x, (void)y, (void)own;
}

static void recurrent_backward(hw_learner *l, const hw_op *o, const real *dy, real *dx, gradient_sink *g)
{
    (void)l, (void)o, (void)dy, (void)dx, (void)g;
}

static void recurrent_rows(hw_learner *l, const hw_expert_t *e, const int32_t *rows, const real *v, int64_t count,
                           const real *d, gradient_sink *g)
{
    (void)l, (void)e, (void)rows, (void)v, (void)count, (void)d, (void)g;
}

static void advance_traces(hw_learner *l, const hw_expert_t *e, const sample *s, const int32_t *rows, const real *v,
                           int64_t part, int64_t count)
{
    (void)l, (void)e, (void)s, (void)rows, (void)v, (void)part, (void)count;
}

static void keep_state(hw_learner *l) { (void)l; }

#endif

#endif
