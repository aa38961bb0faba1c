/* Merging: what several workers have learned since they were copied from one base, in one learner.
 *
 * The workers go their own ways for some rows, from the same weights g, and are averaged (parallel stochastic gradient
 * descent: Zinkevich et al. 2010, McMahan et al. 2017, Stich 2019). state.c says of each array by which rule; what a rule
 * does stands beside its function below. Where only one worker has moved something, that is taken over to the bit.
 *
 * Names.   What is new is appended, worker by worker, in the order of the worker's rows. A row is drawn from its name, so
 *          all who know a name have drawn the same row; outputs are told apart by the caller, who knows their labels.
 * Weights. P = g + (a / k) sum (P_i - g), over the k workers that have moved this row of this expert. The factor
 *          a = (1 - e^(-N/c)) / (1 - e^(-N/(k c))) lies between 1, the mean, and k, the sum: if a touch removes 1/c of what
 *          is wrong, k ways of N/k touches each, all from the same start, must together get as far as one way of N. A step
 *          beyond the mean is that of Reddi et al. 2021; here it shrinks as the workers arrive. c is about 0.6/lr for SGD,
 *          0.016/lr sqrt(touches before) for AdaGrad, whose steps shrink so, 0.03/lr where steps are normalised (measured
 *          on real streams, blocks of 100 rows, four and eight workers). N are touches, and replays as many again.
 * Mixture. Its weights are learned by steps too: the same factor, with c = 150 rows. Those of Hedge, which sum to 1, follow
 *          the mean.
 * Rules.   Their fading means follow the plain mean; sums of squares (AdaGrad, FTRL) the factor of the weights. FTRL and
 *          COCOB compute a weight from sums, so the sums are merged and the weight is computed from them.
 * Statistics. As if one learner had seen the rows of all one after the other, up to rounding and to the bounds on outliers:
 *          what a worker saw alone is taken out of its fading mean and variance (West 1979), and then joined with the
 *          others' (Chan, Golub & LeVeque 1983). Knots: from a sample of all, drawn from the workers' samples.
 * Cell tables. Tests are only ever added. The worker with the most of them, the first among equals, gives them; each new
 * cell begins as the one it is a part of. A worker with other tests is left out, in the cells.
 * Samples kept for replay are the last of the base, of the first worker, of the second, …, as of one learner that has
 * learned the rows of all. Predictions that wait for answers begin empty.
 *
 * Nobody has measured, and the plainest choice was taken: batch norm's running numbers (mean of what moved), scores of
 * intervals (the base's and the workers' last ones in turn), label history (the last worker's), names that find no room any
 * more (what was learned of them is lost), an expert that a worker began anew (it is left out, unless all began anew),
 * rules besides SGD, AdaGrad and RMSProp. */
#include "elementary.h"
#include "learner.h"

typedef struct worker {
    hw_learner *l;
    hw_learner *own;                       /* as it was given */
    hw_learner *refitted;                  /* a copy of it, where it stands for it; else NULL */
    bool live;                             /* it has learned something since the base */
    bool same_tests;                       /* all its tests are tests of the merged learner's cell tables */
    bool in_order;                         /* its outputs are the first of the merged learner, in that order */
    int32_t *to_row, *to_slot, *to_column; /* of each of its own, the merged one; -1: there is none */
    int32_t *row, *slot, *output;          /* of each merged one, its own; -1: it has none */
} worker;

typedef struct merging {
    hw_learner *to; /* begins as a copy of the base */
    hw_learner *base;
    worker *worker;
    int count, live;
    double *steps;       /* (workers, experts) steps taken since the base; -1: it stands apart from what is merged */
    double *steps_a_row; /* (experts) with the replays, since the base */
    bool anew;           /* there is an expert that all began anew: the first stands, for rows that nobody touched too */
    bool *knots_due;     /* (slots of the merged one) its knots move once its rows are merged */
    bool *replayed;      /* (rows of the base) it stands in a sample kept for replay */
    int64_t *at;         /* (workers) where the stretch at hand begins; -1: it has none */
    double *touches;     /* (workers) how often it was learned */
    bool *here;          /* (workers) it has moved it */
    struct {
        int first, last;
    } vectors;       /* that hold numbers of the stretch at hand: from the weights, -1, up to but not the last */
    double *numbers; /* a stretch's numbers: (workers and the base, vectors, STRETCH) */
} merging;

enum { STRETCH = 512, DRAW_SAMPLE = 21 };

static bool is_finite(double x) { return x - x == 0; }
static double least(double a, double b) { return b < a ? b : a; }
static double most(double a, double b) { return b > a ? b : a; }
static double power(double a, double n) { return hw_ipow64(a, (uint64_t)least(n, 1e15)); }
static bool same(const void *a, const void *b, size_t bytes) { return !bytes || !memcmp(a, b, bytes); }

static void copy(double *to, const double *from, int64_t count)
{
    if (count > 0)
        memcpy(to, from, (size_t)count * sizeof(double));
}

static bool take(merging *m, void *pointer_to_pointer, int64_t count, size_t size)
{
    return hw_extend(&m->to->memory, pointer_to_pointer, (uint64_t)count * size);
}

/* ---- who may be merged ----------------------------------------------------------------------------------- */

/* Whether a learner can have been copied from this base: all names and rows of the base are there, in their places. */
static bool descends(const hw_learner *base, const hw_learner *l)
{
    const hw_names *a = &base->names, *b = &l->names;
    const hw_columns_t *c = &base->columns, *d = &l->columns;
    const hw_slots *s = &base->slots, *t = &l->slots;
    if (hw_declared(l) != hw_declared(base) || !same(base->declaration, l->declaration, (size_t)hw_declared(base) * 8) ||
        l->learned < base->learned || l->outputs < base->outputs || l->rows < base->rows || b->count < a->count ||
        d->count < c->count || t->count < s->count || (base->fan_in && l->fan_in != base->fan_in) ||
        (base->shared_from ? l->shared_from != base->shared_from : l->shared_from && l->shared_from < base->rows))
        return false;
    size_t names = (size_t)a->count, columns = (size_t)c->count;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        if (base->parts[p] && hw_parts[p]->descends && !hw_parts[p]->descends(base, l))
            return false;
    if (!same(a->owner, b->owner, names * 4) || !same(a->value, b->value, names * 4) || !same(a->end, b->end, names * 8) ||
        !same(a->bytes, b->bytes, names ? (size_t)a->end[names - 1] : 0) || !same(c->name, d->name, columns * 4) ||
        !same(c->slot, d->slot, columns * 4) || !same(s->row, t->row, (size_t)s->count * 4) ||
        !same(base->row_keys, l->row_keys, (size_t)base->rows * 8))
        return false;
    for (int32_t i = 0; i < c->count; i++) /* a category may have been found to be text */
        if (c->kind[i] != d->kind[i] && !(c->kind[i] == HW_CATEGORY && hw_is_text(d->kind[i])))
            return false;
    for (int32_t i = 0; i < s->count; i++)
        if (s->basis[i] != 0 && s->basis[i] != t->basis[i])
            return false;
    for (int64_t r = 0; r < base->rows; r++)
        if (l->touched[r] < base->touched[r])
            return false;
    return true;
}

/* How many outputs there will be; the base's keep their places, and no two of a worker become one. */
static int count_outputs(merging *m, const int32_t *const *outputs)
{
    int64_t total = m->base->outputs, most_of_all = total;
    for (int i = 0; i < m->count; i++)
        most_of_all += m->worker[i].l->outputs - m->base->outputs;
    if (most_of_all > HW_MOST_OUTPUTS)
        return HW_TOO_LARGE;
    for (int i = 0; i < m->count; i++)
        for (int j = 0; j < m->worker[i].l->outputs; j++) {
            int32_t place = outputs && outputs[i] ? outputs[i][j] : j;
            if (place >= most_of_all || (j < m->base->outputs ? place != j : place < m->base->outputs))
                return HW_BAD_ARGUMENT;
            total = place + 1 > total ? place + 1 : total;
        }
    return (int)total;
}

static int merge_outputs(merging *m, const int32_t *const *outputs, double bias)
{
    int total = count_outputs(m, outputs);
    if (total < 0 || !is_finite(bias))
        return total < 0 ? total : HW_BAD_ARGUMENT;
    int status = total > m->to->outputs ? hw_add_outputs(m->to, total, bias) : 0;
    for (int i = 0; status >= 0 && i < m->count; i++) {
        worker *w = m->worker + i;
        if (!take(m, &w->output, total, 4))
            return HW_NO_MEMORY;
        memset(w->output, 0xFF, (size_t)total * 4);
        w->in_order = true;
        for (int j = 0; j < w->l->outputs; j++) {
            int32_t place = outputs && outputs[i] ? outputs[i][j] : j;
            if (w->output[place] >= 0)
                return HW_BAD_ARGUMENT;
            w->output[place] = j;
            w->in_order = w->in_order && place == j;
        }
    }
    return status;
}

/* How many replays follow rows 1 to t, all together (replays_after in kernels/replay.c). */
static double replays_until(const hw_expert_t *x, int64_t t)
{
    double all = (double)x->replays * (double)t;
    for (int64_t r = x->replays + 1; r <= x->first_replays; r++) { /* rows that have r of them or more */
        int64_t rows = (int64_t)x->first_replays * HW_FIRST_ROWS / r;
        all += (double)(rows < t ? rows : t);
    }
    return all;
}

/* How many replays follow a row, in the mean of the rows from one to another. */
static double replays_a_row(const hw_expert_t *x, int64_t from, int64_t to)
{
    return to > from ? (replays_until(x, to) - replays_until(x, from)) / (double)(to - from) : x->replays;
}

/* Who has learned, and how many steps of which expert. An expert that began anew has nothing in common with the others. */
static void count_steps(merging *m)
{
    int all = m->to->all;
    int64_t rows = m->base->learned;
    for (int i = 0; i < m->count; i++) {
        worker *w = m->worker + i;
        rows = w->l->learned > rows ? w->l->learned : rows;
        w->live = w->l->learned > m->base->learned;
        for (int e = 0; e < all; e++) {
            const double *run = w->l->running + e * HW_RUNNING, *before = m->base->running + e * HW_RUNNING;
            double *steps = m->steps + i * all + e;
            *steps = run[HW_STEPS] - before[HW_STEPS];
            w->live = w->live || *steps != 0;
            if (run[HW_REINITIALISED] != before[HW_REINITIALISED] || *steps < 0)
                *steps = -1;
        }
        m->live += w->live;
    }
    for (int e = 0; e < all; e++) {
        m->steps_a_row[e] = 1 + replays_a_row(m->to->expert + e, m->base->learned, rows);
        double *first = NULL;
        bool anew = true;
        for (int i = 0; i < m->count; i++) {
            double *steps = m->steps + i * all + e;
            anew = anew && (*steps < 0 || !m->worker[i].live);
            first = !first && *steps < 0 ? steps : first;
        }
        if (anew && first) {
            m->anew = true;
            *first = 1;
        }
    }
}

/* ---- names
 * ------------------------------------------------------------------------------------------------------------------------
 */

static int numbers_of(int kind) { return kind == HW_NUMBER ? 1 : kind == HW_TIME ? HW_TIME_PARTS : 0; }

/* Append a worker's column; says how many rows it has there, or an error. */
static int merge_column(merging *m, worker *w, int32_t column)
{
    hw_learner *to = m->to;
    const hw_learner *l = w->l;
    uint32_t size;
    const char *name = hw_column_name(l, column, &size);
    hw_value v = {.kind = l->columns.kind[column], .name = name, .name_size = size};
    int32_t merged = hw_append_column(to, &v);
    if (merged < -1)
        return merged;
    w->to_column[column] = merged;
    int count = numbers_of(v.kind);
    if (merged >= 0 && to->columns.kind[merged] == v.kind)
        for (int i = 0; i < count; i++) {
            int32_t slot = l->columns.slot[column] + i, place = to->columns.slot[merged] + i;
            w->to_slot[slot] = place;
            w->to_row[l->slots.row[slot]] = to->slots.row[place];
        }
    return count;
}

/* Append name i of a worker. */
static int merge_name(merging *m, worker *w, int32_t i)
{
    const hw_learner *l = w->l;
    int32_t owner, value;
    hw_value v = {0};
    const char *text = hw_category(l, i, &owner, &value, &v.text_size);
    if (owner < 0)
        return merge_column(m, w, value);
    int32_t column = w->to_column[owner];
    v.text = text;
    if (column >= 0) {
        uint32_t size;
        const char *name = hw_column_name(m->to, column, &size);
        int64_t row = hw_category_row(m->to, column, name, size, &v, 1);
        if (row < 0)
            return (int)row;
        w->to_row[value] = m->to->shared_from && row >= m->to->shared_from ? -1 : (int32_t)row;
    }
    return 1;
}

static int merge_basis(merging *m, worker *w, int32_t slot)
{
    hw_learner *to = m->to;
    int32_t place = w->to_slot[slot], first = w->l->slots.basis[slot];
    if (place < 0)
        return 0;
    int status = to->slots.basis[place] ? 0 : hw_append_basis(to, place);
    for (int k = 0; status >= 0 && to->slots.basis[place] > 0 && k < to->knots; k++)
        w->to_row[first + k] = to->slots.basis[place] + k;
    return status;
}

/* Append what a worker has and the base has not, in the order of the worker's rows. */
static int merge_names(merging *m, worker *w)
{
    const hw_learner *l = w->l, *base = m->base;
    int64_t r = base->rows, end = l->shared_from && l->shared_from >= r ? l->shared_from : l->rows;
    int32_t i = base->names.count, *basis = NULL; /* 1 + the slot whose basis begins at row base->rows + … */
    int status = take(m, &basis, l->rows - base->rows, 4) ? 0 : HW_NO_MEMORY;
    for (int32_t s = 0; status >= 0 && l->knots && s < l->slots.count; s++)
        if (l->slots.basis[s] >= base->rows)
            basis[l->slots.basis[s] - base->rows] = s + 1;
    while (status >= 0 && (r < end || i < l->names.count)) {
        int32_t slot = r < end ? basis[r - base->rows] - 1 : -1;
        status = slot >= 0 ? merge_basis(m, w, slot) : i < l->names.count ? merge_name(m, w, i++) : 1;
        r += slot >= 0 ? l->knots : status;
    }
    hw_release(basis);
    return status;
}

/* Rows that names share, and slots of those which numbers share. */
static int merge_shared(merging *m, worker *w)
{
    hw_learner *to = m->to;
    const hw_learner *l = w->l;
    for (int64_t i = 0; l->shared_from && i < hw_to_share(l); i++) {
        int32_t slot = l->shared_slots[i];
        w->to_row[l->shared_from + i] = (int32_t)(to->shared_from + i);
        if (slot < 0)
            continue;
        if (to->shared_slots[i] < 0) {
            int place = hw_append_slot(to, (int32_t)(to->shared_from + i), -1);
            if (place < 0)
                return place;
            to->shared_slots[i] = place;
        }
        w->to_slot[slot] = to->shared_slots[i];
    }
    return 0;
}

static bool number_the_base(merging *m, worker *w)
{
    const hw_learner *l = w->l, *base = m->base;
    if (!take(m, &w->to_row, l->rows, 4) || !take(m, &w->to_slot, l->slots.count, 4) ||
        !take(m, &w->to_column, l->columns.count, 4))
        return false;
    for (int64_t r = 0; r < l->rows; r++)
        w->to_row[r] = r < base->rows ? (int32_t)r : -1;
    for (int32_t s = 0; s < l->slots.count; s++)
        w->to_slot[s] = s < base->slots.count ? s : -1;
    for (int32_t c = 0; c < l->columns.count; c++)
        w->to_column[c] = c < base->columns.count ? c : -1;
    return true;
}

static bool number_back(merging *m, worker *w)
{
    if (!take(m, &w->row, m->to->rows, 4) || !take(m, &w->slot, m->to->slots.count, 4))
        return false;
    memset(w->row, 0xFF, (size_t)m->to->rows * 4);
    memset(w->slot, 0xFF, (size_t)m->to->slots.count * 4);
    for (int64_t r = 0; r < w->l->rows; r++)
        if (w->to_row[r] >= 0)
            w->row[w->to_row[r]] = (int32_t)r;
    for (int32_t s = 0; s < w->l->slots.count; s++)
        if (w->to_slot[s] >= 0)
            w->slot[w->to_slot[s]] = s;
    return true;
}

/* Names, rows, slots and counts of all. */
static int merge_vocabulary(merging *m)
{
    hw_learner *to = m->to;
    int status = 0;
    bool full = false;
    for (int i = 0; status >= 0 && i < m->count; i++) {
        worker *w = m->worker + i;
        status = number_the_base(m, w) ? merge_names(m, w) : HW_NO_MEMORY;
        full = full || w->l->shared_from;
    }
    if (status >= 0 && full && !to->shared_from)
        status = hw_share_rows(to);
    for (int i = 0; status >= 0 && i < m->count; i++) {
        const hw_learner *l = m->worker[i].l;
        status = merge_shared(m, m->worker + i);
        int32_t top = m->worker[i].to_row[l->highest_row];
        to->highest_row = top > to->highest_row ? top : to->highest_row;
        to->learned += l->learned - m->base->learned;
        to->shared_names += l->shared_names - m->base->shared_names;
        to->fan_in = to->fan_in ? to->fan_in : l->fan_in;
    }
    if (status >= 0)
        status = hw_draw_rows(to);
    for (int i = 0; status >= 0 && i < m->count; i++)
        status = number_back(m, m->worker + i) ? 0 : HW_NO_MEMORY;
    return status;
}

/* ---- arrays whose numbers are merged one by one ---------------------------------------------------------- */

/* Where a worker keeps number i of those of which there is one a row, a slot, an output, …; -1: nowhere. */
static int64_t place_in(const worker *w, int owner, int64_t i)
{
    return owner == HW_OF_ROWS ? w->row[i] : owner == HW_OF_SLOTS ? w->slot[i] : owner == HW_OF_OUTPUTS ? w->output[i] : i;
}

/* Whole numbers: the base's, and what each has added. */
static int merge_sum(merging *m, int i)
{
    hw_array to, from, before;
    int owner = hw_locate(m->to, i, &to);
    hw_locate(m->base, i, &before);
    if (to.type != HW_I64 && to.type != HW_U64)
        return HW_BAD_ARGUMENT;
    uint64_t *sum = to.data;
    for (int q = 0; q < m->count; q++) {
        hw_locate(m->worker[q].l, i, &from);
        for (int64_t j = 0; j < to.shape[0]; j++) {
            int64_t own = place_in(m->worker + q, owner, j);
            if (own >= 0)
                sum[j] +=
                    ((const uint64_t *)from.data)[own] - (j < before.shape[0] ? ((const uint64_t *)before.data)[j] : 0);
        }
    }
    return 0;
}

/* Numbers of the learner's own type: the base's, and the mean of what moved. */
static int merge_mean(merging *m, int i)
{
    hw_array to, from;
    int owner = hw_locate(m->to, i, &to);
    for (int64_t j = 0; j < to.shape[0]; j++) {
        double before = hw_get(m->to, to.data, j), moved = 0, last = before;
        for (int q = 0; q < m->count; q++) {
            int64_t own = place_in(m->worker + q, owner, j);
            hw_locate(m->worker[q].l, i, &from);
            if (m->worker[q].live && own >= 0) {
                last = hw_get(m->to, from.data, own);
                moved += last - before;
            }
        }
        if (m->live)
            hw_put(m->to, to.data, j, m->live == 1 ? last : before + moved / m->live);
    }
    return 0;
}

/* ---- weights
 * -------------------------------------------------------------------------------------------------------------------------
 */

static const double OF_STEPS = 0.6, OF_SUMS = 0.016,
                    OF_NORMALISED = 0.03; /* times 1/lr: touches after which most is learned */

/* c, for numbers that were touched so often before: a touch removes about 1/c of what is wrong. */
static double slowness(const merging *m, int e, double before)
{
    const hw_expert_t *x = m->to->expert + e;
    const double *run = m->base->running + e * HW_RUNNING, *n = x->schedule_numbers;
    double lr = hw_rate(x->schedule, x->lr, n[0], n[1], (int64_t)run[HW_STEPS] + 1) * run[HW_STEP_SCALE];
    switch (x->rule) {
    case HW_RULE_sgd: return OF_STEPS / lr;
    case HW_RULE_momentum:
    case HW_RULE_nesterov: return OF_STEPS * (1 - x->rule_numbers[0]) / lr;
    case HW_RULE_adagrad:
    case HW_RULE_ftrl: return OF_SUMS / lr * __builtin_sqrt(most(before, 1));
    case HW_RULE_cocob: return 0; /* it has no step size: the mean */
    default: return OF_NORMALISED / lr;
    }
}

/* The factor a on the mean of what moved: from k, where next to nothing was learned, to 1. */
static double reach(double touches, int k, double c)
{
    double x = touches / c;
    return x > 1e-9 ? hw_expm1_64(-x) / hw_expm1_64(-x / k) : k;
}

static char *vector_of(const hw_learner *l, int v, int64_t at) /* v = -1: the weights; else the rule's numbers */
{
    return (char *)(v < 0 ? l->weights : l->state[v]) + (size_t)at * hw_number(l);
}

/* Number j of a stretch as worker w counts it; -1: an output that it doesn't know. */
static int64_t own_number(const worker *w, bool outputs, int64_t j) { return outputs ? w->output[j] : j; }

/* Whether a worker's stretch differs from the base's, which is still in place. */
static bool has_moved(const merging *m, int i, int64_t at, int64_t count, bool outputs)
{
    const worker *w = m->worker + i;
    size_t size = hw_number(m->to);
    bool in_one = !outputs || w->in_order;
    int64_t some = outputs && w->l->outputs < count ? w->l->outputs : count;
    for (int v = m->vectors.first; v < m->vectors.last; v++) {
        if (in_one && memcmp(vector_of(m->to, v, at), vector_of(w->l, v, m->at[i]), (size_t)some * size))
            return true;
        for (int64_t j = 0; !in_one && j < count; j++) {
            int64_t own = w->output[j];
            if (own >= 0 && memcmp(vector_of(m->to, v, at + j), vector_of(w->l, v, m->at[i] + own), size))
                return true;
        }
    }
    return false;
}

static void take_over(merging *m, int i, int64_t at, int64_t count, bool outputs)
{
    const worker *w = m->worker + i;
    for (int v = m->vectors.first; v < m->vectors.last; v++)
        for (int64_t j = 0; j < count; j++) {
            int64_t own = own_number(w, outputs, j);
            if (own >= 0)
                memcpy(vector_of(m->to, v, at + j), vector_of(w->l, v, m->at[i] + own), hw_number(m->to));
        }
}

/* Numbers of worker i (the base behind the last), of vector v, in the stretch at hand. */
static double *numbers(const merging *m, int i, int v) { return m->numbers + (i * (1 + HW_MOST_STATES) + 1 + v) * STRETCH; }

/* FTRL (McMahan et al. 2013): z begins where w is the initial weight, which is what 0 stands for. */
static void begin_ftrl(const hw_expert_t *x, double lr, const double *w, double *z, const double *n, int count)
{
    for (int j = 0; j < count; j++)
        if (n[j] == 0)
            z[j] = -w[j] * (x->rule_numbers[0] / lr + x->rule_numbers[2]) - (w[j] > 0   ? x->rule_numbers[1]
                                                                             : w[j] < 0 ? -x->rule_numbers[1]
                                                                                        : 0);
}

static void settle_ftrl(const hw_expert_t *x, double lr, double *w, double *z, const double *n, int count)
{
    double beta = x->rule_numbers[0], l1 = x->rule_numbers[1], l2 = x->rule_numbers[2];
    for (int j = 0; j < count; j++) {
        if (n[j] > 0) {
            double beyond = z[j] > l1 ? z[j] - l1 : z[j] < -l1 ? z[j] + l1 : 0;
            w[j] = -beyond / ((beta + __builtin_sqrt(n[j])) / lr + l2);
        } else {
            z[j] = 0;
        }
    }
}

/* COCOB (Orabona & Tommasi 2017): the largest gradient of all, the weight that bets began from, and the bet on the sums. */
static void settle_cocob(const merging *m, const hw_expert_t *x, int count)
{
    double *w = numbers(m, m->count, -1), *largest = numbers(m, m->count, 0), *sum = numbers(m, m->count, 1);
    double *reward = numbers(m, m->count, 2), *theta = numbers(m, m->count, 3), *first = numbers(m, m->count, 4);
    for (int j = 0; j < count; j++) {
        double most_of_all = 0;
        for (int i = 0; i < m->count; i++) {
            if (!m->here[i] || numbers(m, i, 0)[j] == 0)
                continue;
            first[j] = most_of_all == 0 ? numbers(m, i, 4)[j] : first[j]; /* those who began have begun from the same one */
            most_of_all = most(most_of_all, numbers(m, i, 0)[j]);
        }
        if (most_of_all == 0)
            continue;
        largest[j] = most_of_all;
        double bound = most(sum[j] + largest[j], x->rule_numbers[0] * largest[j]);
        w[j] = first[j] + theta[j] / (largest[j] * bound) * (largest[j] + reward[j]);
    }
}

/* Join some numbers of a stretch, which more than one worker has moved; those of the base become the merged ones. */
static void join(merging *m, int e, int k, double factor, int count)
{
    const hw_expert_t *x = m->to->expert + e;
    bool sums = x->rule == HW_RULE_adagrad || x->rule == HW_RULE_ftrl;
    double lr = 0;
    if (x->rule == HW_RULE_ftrl) {
        const double *run = m->base->running + e * HW_RUNNING, *n = x->schedule_numbers;
        lr = hw_rate(x->schedule, x->lr, n[0], n[1], (int64_t)run[HW_STEPS] + 1) * run[HW_STEP_SCALE];
        for (int i = 0; lr > 0 && i <= m->count; i++)
            if (i == m->count || m->here[i])
                begin_ftrl(x, lr, numbers(m, i, -1), numbers(m, i, 0), numbers(m, i, 1), count);
    }
    for (int v = m->vectors.first; v < m->vectors.last; v++) {
        double moved[STRETCH] = {0}, *to = numbers(m, m->count, v), part = (v < 0 || sums ? factor : 1) / k;
        bool squares = sums && v == (x->rule == HW_RULE_ftrl ? 1 : 0); /* fall only where a curve was refitted */
        for (int i = 0; i < m->count; i++) {
            const double *own = numbers(m, i, v);
            for (int j = 0; m->here[i] && j < count; j++)
                moved[j] += squares ? most(own[j] - to[j], 0) : own[j] - to[j];
        }
        for (int j = 0; j < count; j++)
            to[j] += part * moved[j];
    }
    if (x->rule == HW_RULE_ftrl && lr > 0)
        settle_ftrl(x, lr, numbers(m, m->count, -1), numbers(m, m->count, 0), numbers(m, m->count, 1), count);
    if (x->rule == HW_RULE_cocob)
        settle_cocob(m, x, count);
}

/* The numbers of a piece of a stretch: the base's, and each worker's that has moved it. */
static void gather_piece(merging *m, int64_t at, int64_t from, int some, bool outputs)
{
    hw_learner *to = m->to;
    for (int v = m->vectors.first; v < m->vectors.last; v++) {
        double *base = numbers(m, m->count, v);
        const void *there = vector_of(to, v, at + from);
        for (int j = 0; j < some; j++)
            base[j] = hw_get(to, there, j);
        for (int i = 0; i < m->count; i++) {
            if (!m->here[i])
                continue;
            double *own = numbers(m, i, v);
            const void *theirs = vector_of(m->worker[i].l, v, m->at[i]);
            for (int j = 0; j < some; j++) {
                int64_t place = own_number(m->worker + i, outputs, from + j);
                own[j] = place >= 0 ? hw_get(to, theirs, place) : base[j];
            }
        }
    }
}

static void put_piece(merging *m, int64_t at, int some)
{
    for (int v = m->vectors.first; v < m->vectors.last; v++) {
        const double *merged = numbers(m, m->count, v);
        void *there = vector_of(m->to, v, at);
        for (int j = 0; j < some; j++)
            hw_put(m->to, there, j, merged[j]);
    }
}

/* Merge `count` numbers of expert e that lie together at `at`, and at m->at[i] in worker i. before: touches of the base. */
static void merge_stretch(merging *m, int e, int64_t at, int64_t count, bool outputs, double before)
{
    hw_learner *to = m->to;
    int k = 0, only = 0;
    double touches = 0;
    for (int i = 0; i < m->count; i++) {
        m->here[i] =
            m->at[i] >= 0 && m->steps[i * to->all + e] > 0 && (m->touches[i] > 0 || has_moved(m, i, at, count, outputs));
        if (!m->here[i])
            continue;
        only = i;
        k += 1;
        touches += most(m->touches[i], 1); /* a row that is only replayed is not counted as touched */
    }
    if (k == 1)
        take_over(m, only, at, count, outputs);
    if (k < 2)
        return;
    double factor = reach(touches * m->steps_a_row[e], k, slowness(m, e, before));
    for (int64_t from = 0; from < count; from += STRETCH) {
        int some = count - from < STRETCH ? (int)(count - from) : STRETCH;
        gather_piece(m, at, from, some, outputs);
        join(m, e, k, factor, some);
        put_piece(m, at + from, some);
    }
}

/* Touches of an expert's layers: its steps, less the replays. */
static void count_touches(merging *m, int e)
{
    for (int i = 0; i < m->count; i++)
        m->touches[i] = m->steps[i * m->to->all + e] / m->steps_a_row[e];
}

static void merge_layer(merging *m, int e, int q, bool outputs)
{
    const hw_op *o = m->to->op + q;
    double before =
        m->base->running[e * HW_RUNNING + HW_STEPS] / (1 + replays_a_row(m->to->expert + e, 0, m->base->learned));
    int64_t rows = hw_is_matrix(o) && !o->single ? o->n : 1, count = o->single ? o->n : hw_columns_in(o);
    count_touches(m, e);
    for (int64_t r = 0; o->weights >= 0 && r < rows; r++) {
        for (int i = 0; i < m->count; i++) {
            const hw_op *own = m->worker[i].l->op + q;
            m->at[i] = own->weights + r * own->stride;
        }
        merge_stretch(m, e, o->weights + r * o->stride, count, outputs, before);
    }
    for (int i = 0; i < m->count; i++)
        m->at[i] = m->worker[i].l->op[q].bias;
    if (o->bias >= 0)
        merge_stretch(m, e, o->bias, hw_columns_in(o), outputs, before);
}

/* Which vectors hold numbers of the stretches that follow. */
static void take_vectors(merging *m, int first, int last)
{
    m->vectors.first = first;
    m->vectors.last = last;
}

/* What a worker's code is called in the merged learner; 0: nothing. */
static int32_t merged_code(const worker *w, int32_t code)
{
    if (code >= 0)
        return w->to_slot[code] < 0 ? 0 : w->to_slot[code] + 1;
    int32_t row = w->to_row[-code - 1];
    return row < 0 ? 0 : -row - 1;
}

/* Whether all tests of a worker's table are tests of the merged learner's. */
static bool has_same_table(const hw_cells *to, const worker *w, int32_t table)
{
    const hw_cells *own = w->l->cells;
    bool same_ones = own->used <= to->used;
    for (int64_t i = table; same_ones && i < (int64_t)own->used * own->tables; i += own->tables) {
        int32_t code = merged_code(w, own->code[i]);
        same_ones = code && to->code[i] == (code > 0 ? code - 1 : code) && to->threshold[i] == own->threshold[i];
    }
    return same_ones;
}

static bool has_same_tests(const hw_cells *to, const worker *w)
{
    bool same_ones = true;
    for (int32_t table = 0; same_ones && table < to->tables; table++)
        same_ones = has_same_table(to, w, table);
    return same_ones;
}

/* Whether a worker's cells of a table are merged: where tests were exchanged, those of tables that ask the same. */
static bool joins_table(const merging *m, const worker *w, int32_t table)
{
    bool grown = m->to->cells->used > m->base->cells->used;
    return w->same_tests || (!grown && has_same_table(m->to->cells, w, table));
}

/* Rows of the cells, each of which is touched by a share of the samples. A worker whose tables have fewer tests moved all
 * cells that its own one became. */
static void merge_cells(merging *m, int e, bool outputs, bool squares)
{
    const hw_expert_t *x = m->to->expert + e;
    const hw_op *o = m->to->op + x->cells;
    int used = m->to->cells->used;
    double share = 1.0 / (1 << used), before = m->base->running[e * HW_RUNNING + HW_STEPS] * share;
    int64_t at = squares ? o->squares : o->weights, stride = squares ? 1 : o->stride, count = squares ? 1 : o->m;
    for (int64_t r = 0; r < o->n; r++) {
        count_touches(m, e);
        for (int i = 0; i < m->count; i++) {
            const hw_learner *l = m->worker[i].l;
            const hw_op *own = l->op + x->cells;
            int64_t row = r >> used << l->cells->used | (r & ((1 << l->cells->used) - 1));
            m->at[i] = squares ? own->squares + row : own->weights + row * own->stride;
            m->touches[i] *= share;
            if (!joins_table(m, m->worker + i, (int32_t)(r >> used)) || !has_moved(m, i, at + r * stride, count, outputs))
                m->at[i] = -1;
        }
        merge_stretch(m, e, at + r * stride, count, outputs, before);
    }
}

/* Whether anybody may have moved row r of the table: it was touched, or stands in a sample that the base kept for replay.
 * Where the names are fixed, rows are not counted. */
static bool is_touched(merging *m, int64_t r)
{
    const hw_learner *base = m->base;
    bool touched = !base->growing || (r < base->rows && m->replayed[r]);
    for (int i = 0; i < m->count; i++) {
        const hw_learner *l = m->worker[i].l;
        int64_t own = m->worker[i].row[r], times = r < base->rows ? base->touched[r] : 0;
        m->touches[i] = own >= 0 && l->touched[own] > times ? (double)(l->touched[own] - times) : 0;
        touched = touched || m->touches[i] > 0;
    }
    return touched;
}

/* Where expert e has its weights of row r, or its rule's numbers. */
static int64_t place_in_row(const hw_learner *l, int e, int64_t r, bool numbers)
{
    const hw_expert_t *x = l->expert + e;
    const hw_numbers *at = &l->numbers;
    return numbers ? at->rows + r * at->stride + x->numbers : l->dense + r * l->stride + x->column;
}

/* numbers: those of the rule, by themselves. */
static void merge_row(merging *m, int e, int64_t r, bool outputs, bool numbers)
{
    const hw_learner *to = m->to, *base = m->base;
    int64_t at = place_in_row(to, e, r, numbers), count = numbers && to->expert[e].factored ? 1 : to->expert[e].width;
    double before = r < base->rows ? (double)base->touched[r] : 0;
    for (int i = 0; i < m->count; i++) {
        const hw_learner *l = m->worker[i].l;
        int64_t own = m->worker[i].row[r];
        bool drawn = own >= 0 && (!l->growing || own < l->drawn);
        m->at[i] = drawn ? place_in_row(l, e, own, numbers) : -1;
    }
    if (!to->growing) { /* what moved was touched with every step */
        before = base->running[e * HW_RUNNING + HW_STEPS];
        count_touches(m, e);
        for (int i = 0; i < m->count; i++)
            if (!(m->touches[i] > 0 && has_moved(m, i, at, count, outputs)))
                m->at[i] = -1;
    }
    merge_stretch(m, e, at, count, outputs, before);
}

static bool grows(const hw_learner *l, int e)
{
    int loss = l->expert[e].loss;
    return l->growing && e < l->experts && hw_is_of_classes(loss);
}

/* What a rule keeps of each unit, where it is factored. */
static void merge_units(merging *m, int e)
{
    const hw_learner *base = m->base;
    double before = base->running[e * HW_RUNNING + HW_STEPS] / (1 + replays_a_row(m->to->expert + e, 0, base->learned));
    count_touches(m, e);
    for (int i = 0; i < m->count; i++)
        m->at[i] = m->worker[i].l->numbers.units + m->worker[i].l->expert[e].column;
    merge_stretch(m, e, m->to->numbers.units + m->to->expert[e].column, m->to->expert[e].width, false, before);
}

/* The rules' numbers of the table and of cells in a lean pool, by themselves: they lie otherwise than the weights. */
static void merge_lean(merging *m)
{
    const hw_learner *to = m->to;
    take_vectors(m, 0, to->states);
    for (int e = 0; e < to->all; e++) {
        if (to->expert[e].factored)
            merge_units(m, e);
        if (to->expert[e].cells >= 0 && to->expert[e].states)
            merge_cells(m, e, false, true);
    }
    for (int64_t r = 0; r < to->rows; r++) {
        bool moved = is_touched(m, r) || m->anew;
        for (int e = 0; moved && e < to->all; e++)
            if (to->expert[e].states)
                merge_row(m, e, r, grows(to, e) && hw_outputs_in_table(to, to->expert + e), true);
    }
}

/* The weights, and with them the rules' numbers. */
static int merge_weights(merging *m, int i)
{
    hw_array array;
    hw_locate(m->to, i, &array);
    if (array.data != m->to->weights)
        return 0;
    int last = m->to->lean ? 0 : m->to->states; /* where the table's numbers lie as its weights do */
    for (int e = 0; e < m->to->all; e++) {
        const hw_expert_t *x = m->to->expert + e;
        for (int q = x->first; q < x->last; q++) {
            bool outputs_last = grows(m->to, e) && q == x->last - 1;
            take_vectors(m, -1, q == x->cells ? last : m->to->states);
            if (q == x->cells)
                merge_cells(m, e, outputs_last, false);
            else
                merge_layer(m, e, q, outputs_last);
        }
    }
    take_vectors(m, -1, last);
    for (int64_t r = 0; r < m->to->rows; r++)
        if (is_touched(m, r) || m->anew)
            for (int e = 0; e < m->to->all; e++)
                merge_row(m, e, r, grows(m->to, e) && hw_outputs_in_table(m->to, m->to->expert + e), false);
    if (m->to->lean)
        merge_lean(m);
    return 0;
}

/* ---- tests of the cell tables ---------------------------------------------------------------------------- */

static void take_tests(hw_cells *to, const worker *w)
{
    const hw_cells *from = w->l->cells;
    int64_t count = (int64_t)from->used * from->tables + from->candidates;
    for (int64_t i = 0; i < count; i++) {
        int32_t code = merged_code(w, from->code[i]);
        to->code[i] = code > 0 ? code - 1 : code < 0 ? code : -2;
        to->threshold[i] = code ? from->threshold[i] : 1e300; /* a name that found no room: nothing is above it */
    }
    to->candidates = from->candidates;
    to->offered = from->offered;
}

/* Merged are the tests of who has the most; of several with as many those of the first that has exchanged some. */
static int merge_tests(merging *m, int i)
{
    hw_cells *to = m->to->cells;
    hw_array array;
    hw_locate(m->to, i, &array);
    if (!to || array.data != to->code)
        return 0; /* merged with the codes */
    const worker *w = NULL;
    int tests = m->live == 1 ? -1 : m->base->cells->used;
    for (int q = 0; q < m->count; q++) {
        const hw_cells *own = m->worker[q].l->cells;
        if (m->worker[q].live && (own->used > tests || (!w && own->used == tests && !has_same_tests(to, m->worker + q)))) {
            w = m->worker + q;
            tests = own->used;
        }
    }
    int status = w && tests > to->used ? hw_grow_cells(m->to, tests) : 0;
    if (status < 0)
        return status;
    if (w)
        take_tests(to, w);
    for (int q = 0; q < m->count; q++)
        m->worker[q].same_tests = has_same_tests(to, m->worker + q);
    return hw_place_tests(m->to);
}

/* ---- statistics ------------------------------------------------------------------------------------------ */

static const double SLOWEST = 1e-3, SETTLED = 1000; /* a row moves fading statistics by 1/t, but not by less than 1/1000 */

typedef struct moments {
    double mean, variance, seen;
} moments;

/* What the rows from `before` to `after` leave of what was known before: the product of 1 - max(1/t, 1/1000). */
static double left_of(double before, double after)
{
    double young = before < SETTLED ? before / least(after, SETTLED) : 1, old = after - most(before, SETTLED);
    return young * (old > 0 ? power(1 - SLOWEST, old) : 1);
}

/* Put rows with moments `new` behind those with moments `old`, of which `left` is left. */
static moments behind(moments old, moments new, double left)
{
    double apart = old.mean - new.mean;
    return (moments){left * old.mean + (1 - left) * new.mean,
                     left * old.variance + (1 - left) * new.variance + left * (1 - left) * apart * apart,
                     old.seen + new.seen};
}

/* The other way round: the rows that were put behind the old ones, and made these of them. */
static moments without(moments old, moments all)
{
    double left = left_of(old.seen, all.seen), part = 1 - left, mean = old.mean + (all.mean - old.mean) / part;
    double apart = old.mean - mean, variance = (all.variance - left * old.variance - left * part * apart * apart) / part;
    return (moments){mean, most(variance, 0), all.seen - old.seen};
}

/* The moments of one number as the base (worker -1) or a worker has them, `step` numbers apart: mean, variance, count. */
typedef struct statistics {
    double *mean, *variance, *seen;
    int64_t count, step;
} statistics;

static statistics statistics_of(hw_learner *l, int owner)
{
    if (owner == HW_OF_OUTPUTS)
        return (statistics){l->answers, l->answers + 1, l->answers + 2, l->outputs, 3};
    return (statistics){l->slots.mean, l->slots.variance, l->slots.seen, l->slots.count, 1};
}

static moments moments_at(const statistics *s, int64_t i)
{
    i *= s->step;
    return (moments){s->mean[i], s->variance[i], s->seen[i]};
}

static int merge_statistics(merging *m, int i)
{
    hw_array array;
    int owner = hw_locate(m->to, i, &array);
    statistics to = statistics_of(m->to, owner);
    if (array.data != to.mean)
        return 0; /* merged with the means */
    for (int64_t j = 0; j < to.count; j++) {
        moments old = moments_at(&to, j), merged = old, own = old, new = {0, 0, 0};
        int k = 0;
        for (int pass = 0; pass < 2; pass++) /* first the mean of what is new, then the variance around it */
            for (int q = 0; q < m->count; q++) {
                statistics from = statistics_of(m->worker[q].l, owner);
                int64_t place = place_in(m->worker + q, owner, j);
                if (place < 0 || !(from.seen[place * from.step] > old.seen))
                    continue;
                own = moments_at(&from, place);
                moments rows = without(old, own);
                if (pass == 0) {
                    k += 1;
                    new.seen += rows.seen;
                    new.mean += (rows.mean - new.mean) * (rows.seen / new.seen);
                } else {
                    double apart = rows.mean - new.mean;
                    new.variance += rows.seen / new.seen * (rows.variance + apart * apart);
                }
            }
        if (k)
            merged = k == 1 ? own : behind(old, new, left_of(old.seen, old.seen + new.seen));
        if (!is_finite(merged.mean) || !is_finite(merged.variance)) {
            merged.mean = own.mean;
            merged.variance = own.variance;
        }
        to.mean[j * to.step] = merged.mean;
        to.variance[j * to.step] = merged.variance;
        to.seen[j * to.step] = merged.seen;
    }
    return 0;
}

/* ---- samples of the past, and knots ---------------------------------------------------------------------- */

typedef struct source { /* values that stand for `rows` rows */
    double *values;
    int64_t count;
    double rows;
} source;

static int64_t kept_values(const hw_learner *l, int32_t slot)
{
    int64_t capacity = (int64_t)(hw_capacity(l->slots.reservoir[slot]) / sizeof(double));
    int64_t count = l->slots.seen[slot] < HW_RESERVOIR ? (int64_t)l->slots.seen[slot] : HW_RESERVOIR;
    return count < capacity ? count : capacity;
}

/* The values of a worker's sample that are not in the base's; both sorted. */
static int64_t new_values(double *own, int64_t count, const double *old, int64_t before)
{
    int64_t n = 0, j = 0;
    for (int64_t i = 0; i < count; i++) {
        while (j < before && old[j] < own[i])
            j++;
        if (j < before && old[j] == own[i])
            j++;
        else
            own[n++] = own[i];
    }
    return n;
}

/* Draw from samples of several pasts a sample of all of them: from which each value comes is drawn by how many rows there
 * are left in each, and so no row of one past is likelier to be there than one of another. */
static int64_t draw_sample(source *from, int count, uint64_t key, double *out, int64_t want)
{
    uint64_t state[2] = {0, key};
    double rows = 0;
    int64_t n = 0;
    for (int i = 0; i < count; i++)
        rows += from[i].rows;
    bool whole = rows <= HW_RESERVOIR;
    while (n < want) {
        double left = 0;
        int chosen = -1;
        for (int i = 0; i < count; i++)
            left += from[i].count ? from[i].rows : 0;
        if (!(left > 0))
            break;
        double at = whole ? 0 : hw_uniform(state) * left;
        for (int i = 0; i < count && at >= 0; i++)
            if (from[i].count && from[i].rows > 0) {
                chosen = i;
                at -= from[i].rows;
            }
        source *s = from + chosen;
        int64_t place = whole ? s->count - 1 : (int64_t)(hw_uniform(state) * (double)s->count);
        out[n++] = s->values[place];
        s->values[place] = s->values[--s->count];
        s->rows -= 1;
    }
    return n;
}

static bool crosses_a_power(double before, double after)
{
    for (double power = HW_FIRST_KNOTS; power <= after && power < 1e15; power *= 2)
        if (before < power)
            return true;
    return false;
}

/* The values of a past that one worker alone has seen more of, and its knots. */
static void take_past(hw_learner *to, int32_t slot, const worker *w)
{
    int32_t own = w->slot[slot];
    const hw_slots *s = &w->l->slots;
    copy(to->slots.reservoir[slot], s->reservoir[own], kept_values(w->l, own));
    copy(to->slots.knots + (int64_t)slot * to->knots, s->knots + (int64_t)own * to->knots, to->knots);
    to->slots.knot_count[slot] = s->knot_count[own];
}

/* What each worker has seen since the base, whose values are the first source. */
static void gather_pasts(const merging *m, int32_t slot, source *from, double *values)
{
    for (int i = 0; i < m->count; i++) {
        const hw_learner *l = m->worker[i].l;
        int32_t own = m->worker[i].slot[slot];
        from[i + 1] = (source){values + (i + 1) * HW_RESERVOIR, 0, 0};
        if (own < 0 || !(l->slots.seen[own] > from[0].rows))
            continue;
        int64_t count = kept_values(l, own);
        copy(from[i + 1].values, l->slots.reservoir[own], count);
        hw_sort(from[i + 1].values, count);
        from[i + 1].count = new_values(from[i + 1].values, count, values, from[0].count);
        from[i + 1].rows = l->slots.seen[own] - from[0].rows;
    }
}

/* One slot: the samples of several workers; where the count passes a power of two the knots move, as they do in a learner.
 */
static int merge_past(merging *m, int32_t slot, source *from, double *values)
{
    hw_learner *to = m->to;
    bool known = slot < m->base->slots.count;
    int64_t before = known ? kept_values(m->base, slot) : 0;
    double seen = known ? m->base->slots.seen[slot] : 0;
    int k = 0;
    worker *only = NULL;
    for (int i = 0; i < m->count; i++) {
        worker *w = m->worker + i;
        int32_t own = w->slot[slot];
        if (own >= 0 && w->l->slots.seen[own] > seen) {
            k += 1;
            only = w;
        }
    }
    if (!k)
        return 0;
    int64_t want = to->slots.seen[slot] < HW_RESERVOIR ? (int64_t)to->slots.seen[slot] : HW_RESERVOIR;
    if (!hw_extend(&to->memory, &to->slots.reservoir[slot], (uint64_t)want * 8 + 8))
        return HW_NO_MEMORY;
    double *past = to->slots.reservoir[slot];
    if (k == 1) {
        take_past(to, slot, only);
        return 0;
    }
    from[0] = (source){values, before, seen};
    copy(values, before ? m->base->slots.reservoir[slot] : NULL, before);
    hw_sort(values, before);
    gather_pasts(m, slot, from, values);
    uint64_t which = to->row_keys[to->slots.row[slot]] ^ (uint64_t)m->base->touched[0];
    int64_t n = draw_sample(from, m->count + 1, hw_key(to->seed, DRAW_SAMPLE, which), past, want);
    for (int64_t j = n; n && j < want; j++) /* values that a worker had no memory for */
        past[j] = past[j - n];
    m->knots_due[slot] = want >= 2 && crosses_a_power(seen, to->slots.seen[slot]);
    return 0;
}

static int merge_samples(merging *m, int i)
{
    hw_array array;
    hw_locate(m->to, i, &array);
    if (array.data != m->to->slots.knot_count || !m->to->knots)
        return 0; /* merged with the counts of knots */
    double *values = NULL;
    source *from = NULL;
    int status = take(m, &values, (int64_t)(m->count + 1) * HW_RESERVOIR, 8) && take(m, &from, m->count + 1, sizeof(source))
                     ? 0
                     : HW_NO_MEMORY;
    for (int32_t slot = 0; status >= 0 && slot < m->to->slots.count; slot++)
        status = merge_past(m, slot, from, values);
    hw_release(values);
    hw_release(from);
    return status;
}

/* ---- running numbers ------------------------------------------------------------------------------------- */

static const double FADING = 0.01, FADING_ERROR = 0.003; /* by which a row moves the fading loss, and the mixture's error */
static const double OF_MIXTURE = 150;                    /* rows after which most is learned by weights of logits */

enum { NONE, COUNT, SMALLEST, LOSS, MIXTURE_ERROR, PRODUCT, AVERAGE };
static const int HOW[HW_RUNNING] = {[HW_STEPS] = COUNT,      [HW_STEP_SCALE] = SMALLEST, [HW_FADING_LOSS] = LOSS,
                                    [HW_UNDONE] = COUNT,     [HW_OVERFLOW] = COUNT,      [HW_PRODUCT] = PRODUCT,
                                    [HW_INFINITE] = COUNT,   [HW_HUGE] = COUNT,          [HW_FAR] = COUNT,
                                    [HW_FAR_TARGET] = COUNT, [HW_WEIGHT] = AVERAGE,      [HW_ERROR] = MIXTURE_ERROR,
                                    [HW_FAILING] = SMALLEST, [HW_MIXED] = COUNT,         [HW_REINITIALISED] = COUNT};

/* Those which an expert that stands apart has for itself. */
static bool is_own(int number)
{
    return number == HW_STEPS || number == HW_STEP_SCALE || number == HW_FADING_LOSS || number == HW_PRODUCT ||
           number == HW_FAILING;
}

/* By how many rows a fading mean has moved since the base. */
static double rows_behind(const merging *m, const worker *w, int e, int how)
{
    const double *run = w->l->running + e * HW_RUNNING, *before = m->base->running + e * HW_RUNNING;
    if (how == LOSS)
        return (double)(w->l->learned - m->base->learned) - (run[HW_OVERFLOW] - before[HW_OVERFLOW]);
    run = w->l->running; /* rows of the mixture are counted at the first expert */
    before = m->base->running;
    return run[HW_MIXED] < before[HW_MIXED] ? run[HW_MIXED] : run[HW_MIXED] - before[HW_MIXED];
}

/* x = D x0 + (1 - D) sum of w_i x_i': what each has seen alone, x_i', by its share w_i of the rows; D is left of what was.
 */
static double merge_fading(const merging *m, int e, int number, int how)
{
    double old = m->base->running[e * HW_RUNNING + number], rows = 0, mean = 0, last = old;
    double slow = 1 - (how == LOSS ? FADING : FADING_ERROR), mixed = m->base->running[HW_MIXED];
    bool begun = how == LOSS ? m->base->running[e * HW_RUNNING + HW_STEPS] > 0 : mixed > 0;
    int k = 0;
    for (int i = 0; i < m->count; i++) {
        const worker *w = m->worker + i;
        double n = rows_behind(m, w, e, how), x = w->l->running[e * HW_RUNNING + number];
        if (!w->live || !(n > 0) || (how == LOSS && e < m->to->all && m->steps[i * m->to->all + e] < 0))
            continue;
        bool anew = !begun || (how == MIXTURE_ERROR && w->l->running[HW_MIXED] < mixed);
        double alone = anew ? x : old + (x - old) / (1 - power(slow, n));
        rows += n;
        mean += (alone - mean) * (n / rows);
        last = x;
        k += 1;
    }
    if (k < 2)
        return last;
    double left = begun ? power(slow, rows) : 0;
    return left * old + (1 - left) * mean;
}

/* The factor on the mean of what moved the mixture's weights; rows of the first expert are those of all. Weights of numbers
 * step by up to a tenth of their error a row: the sum of what several moved after the same rows would overshoot, and run
 * away. */
static double mixture_reach(const merging *m, int k)
{
    double rows = 0;
    for (int i = 0; i < m->count; i++)
        rows += m->worker[i].live ? most(rows_behind(m, m->worker + i, 0, MIXTURE_ERROR), 0) : 0;
    return m->to->mixture == HW_CLASSES ? reach(rows, k, OF_MIXTURE) : 1;
}

static double merge_number(const merging *m, int e, int number)
{
    double old = m->base->running[e * HW_RUNNING + number], sum = old, product = old, smallest = old, mean = 0, last = old;
    int how = HOW[number], k = 0;
    bool back = false;
    if (how == LOSS || how == MIXTURE_ERROR)
        return merge_fading(m, e, number, how);
    for (int i = 0; i < m->count; i++) {
        double x = m->worker[i].l->running[e * HW_RUNNING + number];
        if (!m->worker[i].live || (is_own(number) && e < m->to->all && m->steps[i * m->to->all + e] < 0))
            continue;
        sum += x - old;
        back = back || x < old; /* a count that was set back */
        product = old == 0 ? 0 : product * (x / old);
        smallest = k ? least(smallest, x) : x;
        mean += x - old;
        last = x;
        k += 1;
    }
    if (k < 2)
        return last;
    if (how == AVERAGE)
        return old + mean / k * mixture_reach(m, k);
    return how == COUNT ? (back ? smallest : sum) : how == SMALLEST ? smallest : product;
}

static int merge_running(merging *m, int i)
{
    (void)i;
    for (int e = 0; e < m->to->experts + 2; e++)
        for (int number = 0; number < HW_RUNNING; number++)
            m->to->running[e * HW_RUNNING + number] = merge_number(m, e, number);
    return 0;
}

/* ---- scores and label history ---------------------------------------------------------------------------- */

/* Of intervals one ring of scores; of detectors a ring each, which turn together, and counts in bins. */
static int merge_scores(merging *m, int i)
{
    (void)i;
    bool several = hw_is_anomaly(m->to);
    int64_t head = several ? HW_SCORES_HEAD : 1, window = several ? HW_SCORED : HW_WINDOW;
    int64_t last = several ? HW_SCORE_BINS : hw_score_count(m->to);
    double *to = m->to->scores, begin = m->base->scores[0];
    for (int q = 0; m->to->intervals && q < m->count; q++) {
        const double *own = m->worker[q].l->scores;
        for (double n = most(begin, own[0] - (double)window); n < own[0]; n++) {
            int64_t place = (int64_t)(to[0] + (n - begin)) % window;
            for (int64_t first = head; first < last; first += window)
                to[first + place] = own[first + (int64_t)n % window];
        }
        to[0] += most(own[0] - begin, 0);
        for (int64_t bin = last; bin < hw_score_count(m->to); bin++)
            to[bin] = most(to[bin] + own[bin] - m->base->scores[bin], 0);
    }
    return 0;
}

/* The last worker's label, share of repeats and counts, which lie as (class, class). */
static int merge_history(merging *m, int i)
{
    enum { LAST, HEAD = 3 };
    hw_array to, from;
    hw_locate(m->to, i, &to);
    const worker *w = NULL;
    for (int q = 0; q < m->count; q++)
        w = m->worker[q].live ? m->worker + q : w;
    if (!w || !m->to->history)
        return 0;
    hw_locate(w->l, i, &from);
    double *past = to.data;
    const double *own = from.data;
    int k = m->to->outputs, capacity = m->to->output_capacity, own_capacity = w->l->output_capacity;
    copy(past, own, (int)hw_history_head(m->to));
    for (int a = 0; !m->to->targets && own[LAST] >= 0 && a < k; a++)
        if (w->output[a] == (int32_t)own[LAST])
            past[LAST] = a;
    bool counted = to.shape[0] > HEAD && from.shape[0] > HEAD;
    for (int a = 0; counted && a < k; a++)
        for (int b = 0; b < k; b++) {
            bool both = w->output[a] >= 0 && w->output[b] >= 0;
            past[HEAD + (int64_t)a * capacity + b] =
                both ? own[HEAD + (int64_t)w->output[a] * own_capacity + w->output[b]] : 0;
        }
    return 0;
}

/* Ends of coverage move by the mean of what moved, and counts by what each has counted; means are those of the last worker.
 */
static int merge_coverage(merging *m, int i)
{
    (void)i;
    enum { ENDS = HW_C_ABOVE + 1 };
    for (int n = 0; m->to->coverage && n < HW_COVERAGES * HW_COVERAGE_NUMBERS; n++) {
        int number = n % HW_COVERAGE_NUMBERS;
        double before = m->base->coverage->numbers[n], moved = 0, last = before;
        for (int q = 0; q < m->count; q++)
            if (m->worker[q].live && m->worker[q].l->coverage) {
                last = m->worker[q].l->coverage->numbers[n];
                moved += last - before;
            }
        if (number < ENDS)
            m->to->coverage->numbers[n] = m->live == 1 ? last : m->live ? before + moved / m->live : before;
        else if (number == HW_C_ROWS || number == HW_C_COVERED || number == HW_C_UNSEEN)
            m->to->coverage->numbers[n] = before + moved;
        else if (number == HW_C_KNOWN)
            m->to->coverage->numbers[n] = hw_covers_classes(m->to) ? most(last, m->to->outputs) : last;
        else
            m->to->coverage->numbers[n] = last;
    }
    return 0;
}

/* ---- samples kept for replay ----------------------------------------------------------------------------- */

/* Samples that one learner kept: those of the base, and those that a worker has added to them. */
typedef struct kept {
    const hw_learner *of;
    const worker *w;     /* NULL: the base */
    int64_t first, last; /* their numbers, counted from the first sample ever kept */
    int64_t added;       /* since the base; some of them may have left already */
    int32_t *row;        /* of each of its rows the merged one; -1: none, or its curve runs through other knots now */
} kept;

static int begin_kept(merging *m, kept *k)
{
    const hw_slots *own = &k->of->slots, *to = &m->to->slots;
    if (!take(m, &k->row, k->of->rows, 4))
        return HW_NO_MEMORY;
    for (int64_t r = 0; r < k->of->rows; r++)
        k->row[r] = k->w ? k->w->to_row[r] : (int32_t)r;
    for (int32_t slot = 0; m->to->knots && slot < own->count; slot++) {
        int32_t there = k->w ? k->w->to_slot[slot] : slot, count = own->knot_count[slot], basis = own->basis[slot];
        int64_t at = (int64_t)slot * m->to->knots, to_at = (int64_t)there * m->to->knots;
        bool same_knots = there >= 0 && to->knot_count[there] == count &&
                          same(own->knots + at, to->knots + to_at, (size_t)count * sizeof(double));
        for (int32_t r = 0; basis > 0 && !same_knots && r < m->to->knots && basis + r < k->of->rows; r++)
            k->row[basis + r] = -1;
    }
    return 0;
}

/* What a sample's answer is called in the merged learner; -1: it has no such class. */
static double merged_answer(const merging *m, const kept *k, double y)
{
    if (!k->w || m->to->targets || k->w->in_order)
        return y;
    for (int j = 0; j < m->to->outputs; j++)
        if (k->w->output[j] == (int32_t)y)
            return j;
    return -1;
}

static bool is_known(const merging *m, const kept *k, int64_t number)
{
    const hw_replay_t *r = k->of->replay;
    int64_t i = number % k->of->ring, first = r->start[i], last = first + r->count[i];
    if (!m->to->targets && merged_answer(m, k, r->y[i]) < 0)
        return false;
    for (int64_t at = first; at < last; at++)
        if (k->row[r->rows[at]] < 0)
            return false;
    return true;
}

/* Put a sample behind the others, as learning a row does. */
static int keep(merging *m, const kept *k, int64_t number)
{
    const hw_replay_t *r = k->of->replay;
    hw_replay_t *to = m->to->replay;
    int64_t from = number % k->of->ring, n = r->count[from], i = to->added % m->to->ring;
    int status = hw_reserve_ring(m->to, n);
    if (status < 0)
        return status;
    to->start[i] = to->end;
    to->count[i] = n;
    to->y[i] = merged_answer(m, k, r->y[from]);
    to->w[i] = r->w[from];
    for (int64_t j = 0; j < n; j++)
        to->rows[to->end + j] = k->row[r->rows[r->start[from] + j]];
    size_t size = hw_number(m->to);
    memcpy((char *)to->values + (size_t)to->end * size, (const char *)r->values + (size_t)r->start[from] * size,
           (size_t)n * size);
    to->end += n;
    to->added += 1;
    return 0;
}

/* The last samples of the base, of the first worker, of the second, …, as if one learner had kept them. Left out are those
 * with a name that found no room, and those on a curve whose knots have moved: they are few, and lie on the old ones. */
static int keep_in_turn(merging *m, kept *k)
{
    int64_t known = 0, added = k->last;
    int status = 0;
    for (int q = 0; q <= m->count && status >= 0; q++) {
        added += k[q].added;
        status = begin_kept(m, k + q);
        for (int64_t n = k[q].first; n < k[q].last && status >= 0; n++)
            known += is_known(m, k + q, n);
    }
    int64_t over = known > m->to->ring ? known - m->to->ring : 0;
    m->to->replay->added =
        known < m->to->ring ? 0 : added - m->to->ring; /* so that each has the place that it would have */
    for (int q = 0; q <= m->count && status >= 0; q++)
        for (int64_t n = k[q].first; n < k[q].last && status >= 0; n++)
            if (is_known(m, k + q, n) && --over < 0)
                status = keep(m, k + q, n);
    return status;
}

static int merge_kept(merging *m)
{
    if (!m->to->ring || hw_is_anomaly(m->to)) /* a detector's rows begin anew */
        return 0;
    kept *k = NULL;
    if (!take(m, &k, m->count + 1, sizeof *k))
        return HW_NO_MEMORY;
    int64_t before = m->base->replay->added;
    for (int q = 0; q <= m->count; q++) {
        const hw_learner *l = q ? m->worker[q - 1].own : m->base;
        int64_t added = l->replay->added, some = hw_kept_samples(l);
        int64_t own = !q ? 0 : added >= before ? added - before : added, kept_of_it = q && own < some ? own : some;
        k[q] = (kept){.of = l, .w = q ? m->worker + q - 1 : NULL, .first = added - kept_of_it, .last = added, .added = own};
    }
    int status = keep_in_turn(m, k);
    for (int q = 0; q <= m->count; q++)
        hw_release(k[q].row);
    hw_release(k);
    return status;
}

/* ---- the whole
 * ---------------------------------------------------------------------------------------------------------------------------
 */

/* One function a rule. Names are merged before the others, what is cleared and what the base keeps stand in its copy. */
static int (*const RULES[HW_MERGES])(merging *m, int i) = {[HW_MEAN_BY_TOUCHES] = merge_weights,
                                                           [HW_EXACT_STATISTICS] = merge_statistics,
                                                           [HW_MEAN] = merge_mean,
                                                           [HW_SUM] = merge_sum,
                                                           [HW_NUMBER_BY_NUMBER] = merge_running,
                                                           [HW_SAMPLE] = merge_samples,
                                                           [HW_MOST_TESTS] = merge_tests,
                                                           [HW_IN_TURN] = merge_scores,
                                                           [HW_LAST] = merge_history,
                                                           [HW_COVERED] = merge_coverage};

/* Whether several workers have moved a curve of the base, and this one has moved its knots too. */
static bool is_bent(const merging *m, const worker *w, int32_t slot)
{
    const hw_slots *s = &m->base->slots, *own = &w->l->slots;
    int k = 0;
    for (int i = 0; i < m->count; i++)
        k += m->worker[i].l->slots.seen[slot] > s->seen[slot];
    size_t bytes = (size_t)s->knot_count[slot] * sizeof(double);
    int64_t at = (int64_t)slot * m->base->knots;
    return k > 1 && s->basis[slot] > 0 && s->knot_count[slot] >= 3 &&
           (own->knot_count[slot] != s->knot_count[slot] || !same(own->knots + at, s->knots + at, bytes));
}

/* Rows of a curve can be joined where its knots are the same: in a copy of the worker, they become the base's again. */
static int refit_curves(merging *m)
{
    const hw_slots *s = &m->base->slots;
    for (int i = 0; i < m->count; i++) {
        worker *w = m->worker + i;
        for (int32_t slot = 0; m->base->knots && slot < s->count; slot++) {
            int status = 0;
            if (!is_bent(m, w, slot))
                continue;
            if (!w->refitted && !(w->refitted = hw_copy(&m->to->memory, w->l, &status)))
                return status;
            w->l = w->refitted;
            hw_refit_curve(w->l, slot, s->knots + (int64_t)slot * m->base->knots, s->knot_count[slot]);
        }
    }
    return 0;
}

static int merge_parts(merging *m)
{
    hw_merging all = {.to = m->to, .base = m->base, .count = m->count};
    bool got = take(m, &all.worker, m->count, sizeof *all.worker) && take(m, &all.output, m->count, sizeof *all.output) &&
               take(m, &all.column, m->count, sizeof *all.column);
    for (int i = 0; got && i < m->count; i++) {
        all.worker[i] = m->worker[i].l;
        all.output[i] = m->worker[i].output;
        all.column[i] = m->worker[i].to_column;
    }
    int status = got ? 0 : HW_NO_MEMORY;
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = m->to->parts[p] && hw_parts[p]->merge ? hw_parts[p]->merge(&all) : 0;
    hw_release(all.worker);
    hw_release(all.output);
    hw_release(all.column);
    return status;
}

static bool make_room(merging *m)
{
    int64_t n = m->count, all = m->to->all;
    return take(m, &m->steps, n * all, 8) && take(m, &m->steps_a_row, all, 8) &&
           take(m, &m->replayed, m->base->rows, sizeof(bool)) && take(m, &m->at, n, 8) && take(m, &m->touches, n, 8) &&
           take(m, &m->here, n, sizeof(bool)) && take(m, &m->numbers, (n + 1) * (1 + HW_MOST_STATES) * STRETCH, 8);
}

static int merge(merging *m, const int32_t *const *outputs, double bias)
{
    if (!make_room(m))
        return HW_NO_MEMORY;
    count_steps(m);
    for (int64_t i = 0; m->base->ring && i < m->base->replay->end; i++)
        m->replayed[m->base->replay->rows[i]] = true;
    int status = merge_outputs(m, outputs, bias);
    if (status >= 0)
        status = merge_vocabulary(m);
    if (status >= 0)
        status = take(m, &m->knots_due, m->to->slots.count + 1, sizeof(bool)) ? refit_curves(m) : HW_NO_MEMORY;
    for (int i = 0; status >= 0 && i < hw_states(); i++) {
        hw_array array;
        hw_locate(m->to, i, &array);
        status = RULES[array.merge] ? RULES[array.merge](m, i) : 0;
    }
    if (status >= 0)
        status = merge_parts(m);
    hw_learner *to = m->to;
    for (int32_t s = 0; status >= 0 && to->knots && s < to->slots.count; s++) { /* as a learner does after the row */
        if (m->knots_due[s])
            hw_move_knots(to, s);
        if (to->slots.knot_count[s] >= 3 && to->slots.basis[s] == 0)
            status = hw_append_basis(to, s);
    }
    for (int used = -1; status >= 0 && to->cells && used < to->cells->used;) {
        used = to->cells->used;
        status = hw_reserve_tests(to, to->learned, to->entries);
        if (status >= 0)
            hw_learn_tests(to);
    }
    return status < 0 ? status : merge_kept(m);
}

static void drop(merging *m)
{
    for (int i = 0; i < m->count && m->worker; i++) {
        worker *w = m->worker + i;
        void *own[] = {w->to_row, w->to_slot, w->to_column, w->row, w->slot, w->output};
        for (size_t j = 0; j < sizeof own / sizeof *own; j++)
            hw_release(own[j]);
        hw_free(w->refitted);
    }
    void *arrays[] = {m->worker,  m->steps, m->steps_a_row, m->replayed, m->at,
                      m->touches, m->here,  m->numbers,     m->knots_due};
    for (size_t j = 0; j < sizeof arrays / sizeof *arrays; j++)
        hw_release(arrays[j]);
}

hw_learner *hw_merge(const hw_allocator *memory, hw_learner *base, hw_learner *const *workers, int count,
                     const int32_t *const *outputs, double bias, int *status)
{
    *status = count < 0 || count > 1 << 12 ? HW_BAD_ARGUMENT : 0;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        if (base->parts[p] && !hw_parts[p]->merges) /* a series has one order, and so have episodes */
            *status = HW_BAD_ARGUMENT;
    for (int i = 0; *status >= 0 && i < count; i++)
        if (!descends(base, workers[i]))
            *status = HW_BAD_ARGUMENT;
    if (*status < 0)
        return NULL;
    merging m = {.base = base, .to = hw_copy(memory, base, status)};
    if (!m.to)
        return NULL;
    m.count = count;
    if (!take(&m, &m.worker, count, sizeof(worker)))
        *status = HW_NO_MEMORY;
    for (int i = 0; *status >= 0 && i < count; i++) {
        hw_array first;
        m.worker[i].l = m.worker[i].own = workers[i];
        hw_locate(workers[i], 0, &first); /* its sizes as they are now */
    }
    if (*status >= 0)
        *status = merge(&m, outputs, bias);
    drop(&m);
    if (*status >= 0)
        return m.to;
    hw_free(m.to);
    return NULL;
}
