/* A net: its operations one after the other, forward, and backward with each layer's step as soon as its delta has passed.
 *
 * Samples' values lie in one array: an operation reads n numbers at `source` and writes m at `target`; the derivatives by
 * them lie at the same places of another array. Behind a target follow the operation's own numbers: a dropout's mask, a
 * layer norm's mean and deviation. */
#ifndef HW_NET_C
#define HW_NET_C

#include "vec.h"
#include "activations.h"
#include "optimizers/optim.c"
#include "layers/norm.c"
#include "layers/image.c"

typedef struct sample { /* where one sample's numbers lie */
    real *x, *d;        /* values, and the derivatives by them */
    int32_t *list;      /* positions of non-zero inputs, for each dense layer a stretch: how many, then they */
    real *list_x;       /* their values, laid out alike */
} sample;

static inline sample at_hand(hw_learner *l) { return (sample){l->values, l->deltas, l->list_rows, l->list_values}; }

static inline real *parameter(hw_learner *l, int64_t at) { return (real *)l->weights + at; }

/* List the inputs that are not zero. */
static inline int list_inputs(const real *restrict x, int n, int32_t *restrict rows, real *restrict v)
{
    int count = 0, i = 0;
#if defined(__AVX512F__) && HW_LEVEL == 4 && !HW_DOUBLE
    __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; i + NATIVE <= n; i += NATIVE) { /* what is written behind the last is written over */
        __m512 value = _mm512_loadu_ps(x + i);
        __mmask16 some = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_si512(rows + count, _mm512_maskz_compress_epi32(some, at));
        _mm512_storeu_ps(v + count, _mm512_maskz_compress_ps(some, value));
        at = _mm512_add_epi32(at, _mm512_set1_epi32(NATIVE));
        count += __builtin_popcount(some);
    }
#endif
    for (; i < n; i++) {
        rows[count] = i;
        v[count] = x[i];
        count += x[i] != 0;
    }
    return count;
}

static void dense_forward(hw_learner *l, const hw_op *o, const sample *s)
{
    const real *x = s->x + o->source, *w = parameter(l, o->weights), *b = o->bias < 0 ? NULL : parameter(l, o->bias);
    real *y = s->x + o->target;
    if (o->single) {
        y[0] = dot(x, w, o->n_lanes) + (b ? b[0] : 0);
    } else if (o->sparse) {
        int32_t *list = s->list + o->list;
        list[0] = list_inputs(x, o->n, list + 1, s->list_x + o->list + 1);
        sum_rows(w, (size_t)o->stride, list + 1, s->list_x + o->list + 1, list[0], b, y, o->m_lanes);
    } else {
        sum_rows(w, (size_t)o->stride, NULL, x, o->n, b, y, o->m_lanes);
    }
}

/* As relu_forward and relu_backward, side by side: behind a ReLU stands most of what is learned. */
static void relu(const real *x, real *y, int m)
{
    int j = 0;
    for (; j + NATIVE <= m; j += NATIVE) {
        native v = load(x + j);
        store(y + j, (native)((native_mask)v & ~(v < 0)));
    }
    for (; j < m; j++)
        y[j] = relu_value(x[j], 0);
}

static void relu_delta(const real *x, const real *dy, real *dx, int m)
{
    int j = 0;
    for (; j + NATIVE <= m; j += NATIVE)
        store(dx + j, (native)((native_mask)load(dy + j) & (load(x + j) > 0)));
    for (; j < m; j++)
        dx[j] = x[j] > 0 ? dy[j] : 0;
}

/* The pixels are made with gaps between them where a pixel is no whole number of vectors. */
static void conv_forward(hw_learner *l, const hw_op *o, const sample *s)
{
    if (!HW_WHOLE)
        return;
    const real *x = s->x + o->source, *b = o->bias < 0 ? NULL : parameter(l, o->bias);
    real *y = s->x + o->target, *z = o->stride == o->units ? y : l->window->room;
    convolve(&o->window, x, parameter(l, o->weights), b, z, (int)o->stride);
    if (z != y)
        close_gaps(z, y, o->m / o->units, o->units, (int)o->stride);
    clear(y, o->m, o->m_lanes);
}

static void recurrent_forward(hw_learner *l, const hw_op *o, const real *x, real *y, real *own); /* recurrent.c */

static void operation_forward(hw_learner *l, const hw_op *o, const sample *s, bool learn)
{
    const real *x = s->x + o->source;
    real *y = s->x + o->target, *own = y + o->m_lanes;
    switch (o->kind) {
    case HW_DENSE: dense_forward(l, o, s); break;
    case HW_ACTIVATION:
        if (!HW_WHOLE || o->code == HW_ACT_relu)
            relu(x, y, o->m_lanes);
        else
            activate(o->code, x, (real)o->constant, y, o->m);
        break;
    case HW_CELLS:
        sum_rows(parameter(l, o->weights), (size_t)o->stride, l->cells->rows, l->cells->values, active_tables(l), x, y,
                 o->m_lanes);
        break;
    case HW_RECURRENT: recurrent_forward(l, o, x, y, own); break;
    case HW_DROPOUT:
        if (HW_WHOLE)
            dropout_forward(x, o->constant, l->random, learn, own, y, o->m);
        break;
    case HW_LAYER_NORM: {
        const real *gain = !HW_WHOLE || o->weights < 0 ? NULL : parameter(l, o->weights);
        layer_norm_forward(x, gain, gain ? parameter(l, o->bias) : NULL, o->constant, own, y, o->m);
        break;
    }
    case HW_CONV: conv_forward(l, o, s); break;
    case HW_POOL:
        if (HW_WHOLE)
            pool_forward(o, x, y, own);
        break;
    case HW_FLATTEN: flatten(o, x, y); break;
    default:
        if (!HW_WHOLE)
            break;
        batch_norm_row(x, parameter(l, o->weights), parameter(l, o->bias), o->constant, (real *)l->buffer + o->buffer,
                       learn, y, o->units, o->m / o->units);
    }
}

/* What happens to a gradient: it moves the weights, is added to a vector, or is only measured. */
typedef struct gradient_sink {
    update *step;   /* by the expert's rule; or NULL */
    real *gradient; /* added here; or NULL */
    double square;  /* of its norm, where both are NULL */
    real *scratch;  /* numbers for one row */
} gradient_sink;

/* A gradient below it moves nothing: weights that a penalty alone moves would shrink for ever, their squares below all
 * normal numbers, which cost a hundred cycles each on many machines. */
static const real NO_GRADIENT = (real)1e-15;

/* Clip each number of a gradient and add the penalty, row by row. */
static void penalised_rows(gradient_sink *g, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n,
                           const real *d, int m, int64_t exempt)
{
    const hw_expert_t *e = g->step->e;
    real l1 = (real)e->l1, l2 = (real)e->l2, bound = (real)e->clip_value;
    static const real one = 1;
    bool penalised = l1 > 0 || l2 > 0;
    for (int i = 0; i < n; i++) {
        int32_t r = rows ? rows[i] : i;
        const real *w = g->step->p + base + r * stride;
        for (int j = 0; j < m; j++) {
            real x = v[i] * d[j];
            if (bound > 0)
                x = x < -bound ? -bound : x > bound ? bound : x;
            if (r != exempt)
                x += l2 * w[j] + (w[j] > 0 ? l1 : w[j] < 0 ? -l1 : 0);
            g->scratch[j] = penalised && magnitude(x) < NO_GRADIENT ? 0 : x;
        }
        apply_rule(g->step, base, stride, &r, &one, 1, g->scratch, m, exempt);
    }
}

/* Hand the rank-one gradient of n rows, v d, to what is to happen with it. Row `exempt` is a bias: no penalty. */
static void apply_gradient(gradient_sink *g, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n,
                           const real *d, int m, int64_t exempt)
{
    if (g->step) {
        if (!HW_WHOLE || g->step->e->plain)
            apply_rule(g->step, base, stride, rows, v, n, d, m, exempt);
        else
            penalised_rows(g, base, stride, rows, v, n, d, m, exempt);
    } else if (HW_WHOLE && g->gradient) {
        real minus[64];
        for (int j = 0; j < m; j += 64) {
            int some = m - j < 64 ? m - j : 64;
            for (int q = 0; q < some; q++)
                minus[q] = -d[j + q];
            step_rows(g->gradient + base + j, (size_t)stride, rows, v, n, minus, some);
        }
    } else {
        double vv = 0, dd = 0;
        for (int i = 0; i < n; i++)
            vv += (double)v[i] * (double)v[i];
        for (int j = 0; j < m; j++)
            dd += (double)d[j] * (double)d[j];
        g->square += vv * dd;
    }
}

/* From here on a step moves rows of the table, to whose units the deltas d came back. */
static void begin_table(hw_learner *l, const hw_expert_t *e, gradient_sink *g, factors *f, const real *d)
{
    update *u = g->step;
    u->own = true; /* a row of the table has a clock of its own */
    u->at = l->numbers.rows + e->numbers;
    u->stride = l->numbers.stride;
    if (!e->factored)
        return;
    begin_factors(f, u, e->width, u->s[0] + u->at, u->stride, g->scratch + HW_STRETCH + l->widest, e->lanes);
    step_units(f, u, u->s[0] + l->numbers.units + e->column, d, e->lanes);
    u->factors = f;
}

static void end_table(gradient_sink *g)
{
    g->step->own = false;
    g->step->factors = NULL;
}

static const real ONE = 1;

/* A vector of gradients: one row of m numbers at base. */
static void apply_vector_gradient(gradient_sink *g, int64_t base, const real *d, int m, bool weights)
{
    apply_gradient(g, base, 0, NULL, &ONE, 1, d, m, weights ? -1 : 0);
}

/* A layer of one output, whose weights lie as one row. */
static void single_backward(hw_learner *l, const hw_op *o, const real *x, const real *dy, real *dx, gradient_sink *g)
{
    const real *w = parameter(l, o->weights);
    real q = dy[0];
    if (g->step && o->n_lanes && g->step->rule == HW_RULE_sgd && g->step->e->plain) { /* both in one sweep */
        real *column = parameter(l, o->weights), step = g->step->c.lr * q;
        for (int i = 0; i < o->n_lanes; i++) {
            dx[i] = q * column[i];
            column[i] -= step * x[i];
        }
        if (o->bias >= 0)
            parameter(l, o->bias)[0] -= step;
        return;
    }
    for (int i = 0; i < o->n_lanes; i++)
        dx[i] = q * w[i];
    apply_gradient(g, o->weights, 0, NULL, &q, 1, x, o->n_lanes, -1);
    if (o->bias >= 0)
        apply_vector_gradient(g, o->bias, dy, o->m_lanes, false);
}

/* Derivatives by the inputs rows, or first, first + 1, …, without a list; each is a row's dot with the delta. */
static void dense_delta(hw_learner *l, const hw_op *o, const int32_t *rows, int first, int n, const real *dy, real *dx)
{
    const real *w = parameter(l, o->weights);
    for (int i = 0; i < n; i++) {
        int64_t r = rows ? rows[i] : first + i;
        dx[r] = dot(w + r * o->stride, dy, o->m_lanes);
    }
}

static void dense_backward(hw_learner *l, const hw_op *o, const sample *s, gradient_sink *g)
{
    enum {
        FEW = 8,
        NEAR = 8192
    }; /* rows that step while they are near at hand, of more weights than the nearest cache has */
    const real *x = s->x + o->source, *dy = s->d + o->target;
    real *dx = s->d + o->source;
    if (o->single) {
        single_backward(l, o, x, dy, dx, g);
        return;
    }
    bool skip = o->sparse && (!g->step || (g->step->e->exact && g->step->e->l1 == 0 && g->step->e->l2 == 0));
    const int32_t *list = s->list + o->list, *rows = o->sparse ? list + 1 : NULL; /* the others' deltas are 0 */
    int all = o->sparse ? list[0] : o->n;
    for (int i = 0; o->sparse && i < o->n_lanes; i++)
        dx[i] = 0;
    bool whole = !g->step || skip != (bool)o->sparse || o->n * o->stride < NEAR; /* a measure is one sum; other rows step */
    for (int i = 0; i < all; i += whole ? all : FEW) {
        int some = whole || all - i < FEW ? all - i : FEW;
        dense_delta(l, o, rows ? rows + i : NULL, i, some, dy, dx);
        if (whole)
            break;
        apply_gradient(g, o->weights + (rows ? 0 : i * o->stride), o->stride, rows ? rows + i : NULL,
                       rows ? s->list_x + o->list + 1 + i : x + i, some, dy, o->m_lanes, -1);
    }
    if (whole && skip)
        apply_gradient(g, o->weights, o->stride, rows, s->list_x + o->list + 1, all, dy, o->m_lanes, -1);
    else if (whole)
        apply_gradient(g, o->weights, o->stride, NULL, x, o->n, dy, o->m_lanes, -1);
    if (o->bias >= 0)
        apply_vector_gradient(g, o->bias, dy, o->m_lanes, false);
}

/* A gradient that is written down: one long row. */
static void apply_whole_gradient(gradient_sink *g, int64_t base, const real *d, int64_t count, bool weights)
{
    for (int64_t j = 0; j < count; j += HW_STRETCH)
        apply_vector_gradient(g, base + j, d + j, (int)(count - j < HW_STRETCH ? count - j : HW_STRETCH), weights);
}

/* Nobody asks for the derivatives by the image itself. */
static void conv_backward(hw_learner *l, const hw_op *o, const sample *s, gradient_sink *g)
{
    if (!HW_WHOLE)
        return;
    int lanes = (int)o->stride;
    window_room r = room_of(&o->window, l->window->room, o->units, lanes);
    real *dx = o->source == LANES ? NULL : s->d + o->source;
    convolve_back(&o->window, &r, s->x + o->source, parameter(l, o->weights), s->d + o->target, dx, o->units, lanes);
    apply_whole_gradient(g, o->weights, r.gradient, (int64_t)o->n * lanes, true);
    if (o->bias >= 0)
        apply_vector_gradient(g, o->bias, r.shift, lanes, false);
}

/* Of a sample's cells each is one of its table alone: a rule that is factored keeps one number for each, and none for
 * units.
 */
static void cells_backward(hw_learner *l, const hw_op *o, const real *dy, real *dx, gradient_sink *g)
{
    factors f;
    for (int j = 0; j < o->m_lanes; j++)
        dx[j] = dy[j];
    if (g->step && o->squares >= 0) {
        begin_factors(&f, g->step, o->m, g->step->s[0] + o->squares, 1, g->scratch + HW_STRETCH + l->widest, o->m_lanes);
        g->step->factors = &f;
    }
    apply_gradient(g, o->weights, o->stride, l->cells->rows, l->cells->values, active_tables(l), dy, o->m_lanes, -1);
    if (g->step)
        g->step->factors = NULL;
}

static void recurrent_backward(hw_learner *l, const hw_op *o, const real *dy, real *dx, gradient_sink *g);
static void recurrent_rows(hw_learner *l, const hw_expert_t *e, const int32_t *rows, const real *v, int64_t count,
                           const real *d, gradient_sink *g);

static void norm_backward(hw_learner *l, const hw_op *o, const sample *s, gradient_sink *g)
{
    const real *x = s->x + o->source, *dy = s->d + o->target, *own = s->x + o->target + o->m_lanes;
    real *dx = s->d + o->source;
    int lanes = hw_lanes(o->units);
    if (!HW_WHOLE) {
        layer_norm_backward(x, NULL, own, dy, (real *)l->row_gradient + HW_STRETCH, dx, o->m);
        return;
    }
    real *dgain = (real *)l->row_gradient + HW_STRETCH, *dshift = dgain + lanes;
    for (int j = o->units; j < lanes; j++)
        dgain[j] = dshift[j] = 0;
    if (o->kind == HW_LAYER_NORM) {
        layer_norm_backward(x, o->weights < 0 ? NULL : parameter(l, o->weights), own, dy, dgain, dx, o->m);
        if (o->weights < 0)
            return;
    } else {
        batch_norm_row_backward(x, parameter(l, o->weights), (real *)l->buffer + o->buffer, dy, dgain, dshift, dx, o->units,
                                o->m / o->units);
    }
    apply_whole_gradient(g, o->weights, dgain, lanes, false);
    apply_whole_gradient(g, o->bias, o->kind == HW_LAYER_NORM ? dy : dshift, lanes, false);
}

static void operation_backward(hw_learner *l, const hw_op *o, const sample *s, gradient_sink *g)
{
    const real *x = s->x + o->source, *y = s->x + o->target, *dy = s->d + o->target, *own = y + o->m_lanes;
    real *dx = s->d + o->source;
    switch (o->kind) {
    case HW_DENSE: dense_backward(l, o, s, g); return;
    case HW_ACTIVATION:
        if (!HW_WHOLE || o->code == HW_ACT_relu)
            relu_delta(x, dy, dx, o->m_lanes);
        else
            differentiate(o->code, x, y, dy, (real)o->constant, dx, o->m);
        return;
    case HW_CELLS: cells_backward(l, o, dy, dx, g); return;
    case HW_RECURRENT: recurrent_backward(l, o, dy, dx, g); return;
    case HW_DROPOUT:
        for (int j = 0; j < o->m; j++)
            dx[j] = dy[j] * own[j];
        return;
    case HW_CONV: conv_backward(l, o, s, g); return;
    case HW_POOL:
        if (HW_WHOLE)
            pool_backward(o, own, dy, dx);
        return;
    case HW_FLATTEN: flatten_back(o, dy, dx); return;
    default: norm_backward(l, o, s, g);
    }
}

/* The first layer of some columns of the table: z = sum of value times row over the pairs. */
static void read_table(hw_learner *l, const sample *s, const int32_t *rows, const real *v, int64_t n, int column, int lanes)
{
    if (HW_WHOLE && l->image) /* it stands where the table's sums would */
        return;
    const int32_t *list = l->rows_in_order && l->bias && rows == l->rows_at ? NULL : rows; /* one after the other */
    HW_ASSERT(column >= 0 && column + lanes <= l->stride && (list || n <= l->rows));
    for (int64_t i = 0; list && i < n; i++)
        HW_ASSERT(list[i] >= 0 && list[i] < l->rows);
    HW_ASSERT_INSIDE(l->weights, l->dense, l->rows * l->stride, sizeof(real));
    sum_rows(parameter(l, l->dense) + column, (size_t)l->stride, list, v, (int)n, NULL, s->x + LANES + column, lanes);
}

/* Run expert e on what the table gave. Returns whether its logits are finite. */
static bool forward_expert(hw_learner *l, const hw_expert_t *e, const sample *s, bool learn)
{
    for (int o = e->first; o < e->last; o++)
        operation_forward(l, l->op + o, s, learn);
    HW_ASSERT(e->logits >= 0 && e->logits + e->outputs <= l->length);
    const real *z = s->x + e->logits;
    real sum = 0;
    for (int j = 0; j < e->outputs; j++)
        sum += z[j] - z[j];
    return sum == 0;
}

/* Derivatives of expert e from its logits down to the table, and what is to happen with each layer's gradient. */
static void backward_expert(hw_learner *l, const hw_expert_t *e, const sample *s, const int32_t *rows, const real *v,
                            int64_t n, gradient_sink *g)
{
    for (int o = e->last - 1; o >= e->first; o--)
        operation_backward(l, l->op + o, s, g);
    if (HW_WHOLE && l->image)
        return;
    factors f;
    if (g->step)
        begin_table(l, e, g, &f, s->d + LANES + e->column);
    const int32_t *list = l->rows_in_order && l->bias && rows == l->rows_at ? NULL : rows;
    if (HW_WHOLE && e->recurrent >= 0)
        recurrent_rows(l, e, rows, v, n, s->d + LANES + e->column, g);
    else
        apply_gradient(g, l->dense + e->column, l->stride, list, v, (int)n, s->d + LANES + e->column, e->lanes,
                       l->bias ? 0 : -1);
    if (g->step)
        end_table(g);
}

#include "layers/recurrent.c" /* which reads and steps along what is above */

#endif
