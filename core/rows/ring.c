/* The ring of last samples, some of which experts learn again (kernels/replay.c). A sample's pairs (row, value) lie behind
 * those of the one before it, in one array.
 *
 * A number is kept as its places under the splines of its column's curve. When the knots of that curve move, it is read
 * again: linear splines give back the number itself, x = sum of height times knot, within the outer knots. Heights add up
 * to 1, and to less where the column was read smaller (pool/relevance.c). */
#include "learner.h"

static const double ROUNDED = 1e-5; /* a height below this is what rounding has left of 0 */

/* ---- curves that have moved ------------------------------------------------------------------------------ */

typedef struct curve {
    int32_t slot, count; /* whose it is, and how many knots it had */
    bool here;           /* the sample at hand lies under it, */
    double x, height;    /* at this number, under splines whose heights add up to this */
} curve;

/* Curves whose knots have moved, in the order in which they were due. Their arrays are the learner's (hw_reserve_moves). */
typedef struct moved {
    int32_t count, first, span;
    curve *curve;
    double *knots; /* (count, knots) as they were */
    int32_t *of;   /* (span,) 1 + the curve that row first + … belongs to; 0: none */
} moved;

static bool has_curve(const hw_learner *l, int32_t slot)
{
    int32_t basis = l->slots.basis[slot];
    return l->slots.knot_count[slot] >= 3 && basis > 0 && basis + l->knots <= l->drawn;
}

/* Note the knots of the curves that are due, as long as they stand. */
static void note_curves(const hw_learner *l, moved *m)
{
    const hw_slots *s = &l->slots;
    int32_t last = 0, count = 0;
    for (int32_t i = 0; i < l->curves->due_count; i++) {
        int32_t slot = l->curves->due[i];
        if (!has_curve(l, slot))
            continue;
        m->first = count && m->first < s->basis[slot] ? m->first : s->basis[slot];
        last = last > s->basis[slot] ? last : s->basis[slot];
        count += 1;
    }
    if (!count)
        return;
    m->span = last + l->knots - m->first;
    m->curve = l->curves->moved;
    m->knots = l->curves->knots;
    m->of = l->curves->of;
    memset(m->of, 0, (size_t)m->span * sizeof(int32_t));
    for (int32_t i = 0; i < l->curves->due_count; i++) {
        int32_t slot = l->curves->due[i];
        if (!has_curve(l, slot))
            continue;
        m->curve[m->count] = (curve){.slot = slot, .count = s->knot_count[slot]};
        memcpy(m->knots + (int64_t)m->count * l->knots, s->knots + (int64_t)slot * l->knots,
               (size_t)l->knots * sizeof(double));
        m->count += 1;
    }
}

/* Find which of these curves have other knots now; says whether there are any. */
static bool find_moved(const hw_learner *l, moved *m)
{
    bool any = false;
    for (int32_t c = 0; c < m->count; c++) {
        int32_t slot = m->curve[c].slot, count = m->curve[c].count;
        size_t bytes = (size_t)count * sizeof(double);
        if (count == l->slots.knot_count[slot] &&
            !memcmp(m->knots + (int64_t)c * l->knots, l->slots.knots + (int64_t)slot * l->knots, bytes))
            continue;
        any = true;
        for (int32_t k = 0; k < l->knots; k++)
            m->of[l->slots.basis[slot] - m->first + k] = c + 1;
    }
    return any;
}

static curve *curve_of(const moved *m, int32_t row)
{
    int32_t at = row - m->first;
    return at >= 0 && at < m->span && m->of[at] ? m->curve + m->of[at] - 1 : NULL;
}

/* ---- samples --------------------------------------------------------------------------------------------- */

/* Pairs as they are written, one behind the other. */
typedef struct pairs {
    int32_t *rows;
    void *values;
    int64_t end;
} pairs;

static void put_pair(hw_learner *l, pairs *to, int32_t row, double value)
{
    l->touched[row] += l->touched[row] == 0; /* it will be learned */
    to->rows[to->end] = row;
    hw_put(l, to->values, to->end, value);
    to->end += 1;
}

/* The pairs of a number under the splines of a curve as it is now. */
static void put_number(hw_learner *l, pairs *to, const curve *c)
{
    double u;
    int32_t count = l->slots.knot_count[c->slot], first = l->slots.basis[c->slot];
    if (count < 3)
        return;
    bool smaller = c->slot >= l->answer_inputs && c->height > 0 && c->height < 1 - ROUNDED;
    double height = smaller ? c->height : 1;
    int32_t k = hw_knot_below(l->slots.knots + (int64_t)c->slot * l->knots, count, c->x / height, &u);
    u = u < ROUNDED ? 0 : u > 1 - ROUNDED ? 1 : u;
    if (u < 1)
        put_pair(l, to, first + k, (1 - u) * height);
    if (u > 0)
        put_pair(l, to, first + k + 1, u * height);
}

/* Put sample i behind the others as it is. */
static void copy_sample(hw_learner *l, pairs *to, int64_t i)
{
    size_t size = hw_number(l), n = (size_t)l->replay->count[i];
    memcpy(to->rows + to->end, l->replay->rows + l->replay->start[i], n * sizeof(int32_t));
    memcpy((char *)to->values + (size_t)to->end * size,
           (const char *)l->replay->values + (size_t)l->replay->start[i] * size, n * size);
    l->replay->start[i] = to->end;
    to->end += l->replay->count[i];
}

/* Put sample i behind the others; its numbers are read again where their curves have moved. */
static void read_sample_again(hw_learner *l, pairs *to, int64_t i, const moved *m)
{
    int64_t first = l->replay->start[i], last = first + l->replay->count[i];
    for (int64_t at = first; at < last; at++) {
        int32_t row = l->replay->rows[at];
        curve *c = curve_of(m, row);
        if (!c)
            continue;
        int32_t k = row - l->slots.basis[c->slot];
        double value = hw_get(l, l->replay->values, at);
        c->x = (c->here ? c->x : 0) + value * m->knots[(c - m->curve) * l->knots + (k < c->count ? k : c->count - 1)];
        c->height = (c->here ? c->height : 0) + value;
        c->here = true;
    }
    l->replay->start[i] = to->end;
    for (int64_t at = first; at < last; at++) {
        curve *c = curve_of(m, l->replay->rows[at]);
        if (!c) {
            to->rows[to->end] = l->replay->rows[at];
            hw_put(l, to->values, to->end, hw_get(l, l->replay->values, at));
            to->end += 1;
        } else if (c->here) {
            put_number(l, to, c);
            c->here = false;
        }
    }
    l->replay->count[i] = to->end - l->replay->start[i];
}

static int64_t kept_samples(const hw_learner *l) { return l->replay->added < l->ring ? l->replay->added : l->ring; }

static int64_t kept_pairs(const hw_learner *l)
{
    int64_t live = 0;
    for (int64_t i = 0; i < kept_samples(l); i++)
        live += l->replay->count[i];
    return live;
}

/* Move the samples of the ring, the oldest first, to the front of `to`, which takes the place of their array. m: NULL if no
 * curve has moved. */
static void move_samples(hw_learner *l, pairs to, int64_t capacity, const moved *m)
{
    int64_t count = kept_samples(l), oldest = l->replay->added > l->ring ? l->replay->added % l->ring : 0;
    for (int64_t q = 0; q < count; q++)
        if (m)
            read_sample_again(l, &to, (oldest + q) % l->ring, m);
        else
            copy_sample(l, &to, (oldest + q) % l->ring);
    hw_release(l->replay->rows);
    hw_release(l->replay->values);
    l->replay->rows = to.rows;
    l->replay->values = to.values;
    l->replay->capacity = capacity;
    l->replay->end = to.end;
}

/* Twice the pairs that there are and `more`: a number read again has two pairs where it had one. */
static int64_t roomy(const hw_learner *l, int64_t more)
{
    int64_t capacity = 2 * (kept_pairs(l) + more);
    return capacity < 256 ? 256 : capacity;
}

static int take_pairs(hw_learner *l, pairs *p, int64_t capacity)
{
    *p = (pairs){hw_allocate(&l->memory, (uint64_t)capacity * 4),
                 hw_allocate(&l->memory, (uint64_t)capacity * hw_number(l)), 0};
    if (p->rows && p->values)
        return 0;
    hw_release(p->rows);
    hw_release(p->values);
    return HW_NO_MEMORY;
}

static void release_spare(hw_learner *l)
{
    hw_release(l->curves->rows);
    hw_release(l->curves->values);
    l->curves->rows = NULL;
    l->curves->values = NULL;
    l->curves->capacity = 0;
}

int hw_compact_ring(hw_learner *l, int64_t more)
{
    pairs to;
    int64_t capacity = roomy(l, more);
    int status = take_pairs(l, &to, capacity);
    if (status >= 0)
        move_samples(l, to, capacity, NULL);
    return status;
}

/* Memory for one sample more; at the end of the array those still in the ring move to the front of a new one. Once a lap a
 * large array is looked at: a very wide sample may have left it. */
int hw_reserve_ring(hw_learner *l, int64_t pairs)
{
    if (l->replay->capacity > 1 << 16 && l->replay->added % l->ring == 0 &&
        8 * (kept_pairs(l) + pairs) < l->replay->capacity)
        return hw_compact_ring(l, pairs);
    return l->replay->end + pairs <= l->replay->capacity ? 0 : hw_compact_ring(l, pairs);
}

/* ---- knots ----------------------------------------------------------------------------------------------- */

/* Memory for hw_move_due_knots once the sample at hand, of so many pairs, is learned. */
int hw_reserve_moves(hw_learner *l, const hw_due *due, int64_t pairs)
{
    const hw_allocator *m = &l->memory;
    uint64_t curves = (uint64_t)due->curves, knots = (uint64_t)l->knots;
    if (!hw_extend(m, &l->curves->moved, curves * sizeof(curve)) ||
        !hw_extend(m, &l->curves->knots, curves * knots * sizeof(double)) ||
        !hw_extend(m, &l->curves->of, ((uint64_t)(due->last - due->first) + knots) * sizeof(int32_t)))
        return HW_NO_MEMORY;
    int64_t capacity = roomy(l, pairs);
    if (capacity <= l->curves->capacity)
        return 0;
    struct pairs to;
    int status = take_pairs(l, &to, capacity);
    if (status < 0)
        return status;
    release_spare(l);
    l->curves->rows = to.rows;
    l->curves->values = to.values;
    l->curves->capacity = capacity;
    return 0;
}

void hw_move_due_knots(hw_learner *l)
{
    moved m = {0};
    if (l->ring && l->replay->added)
        note_curves(l, &m);
    for (int32_t i = 0; i < l->curves->due_count; i++) {
        int32_t slot = l->curves->due[i];
        if (hw_move_knots(l, slot) >= 3 && l->slots.basis[slot] == 0)
            hw_append_basis(l, slot);
    }
    l->curves->due_count = 0;
    if (m.count && find_moved(l, &m)) {
        move_samples(l, (pairs){l->curves->rows, l->curves->values, 0}, l->curves->capacity, &m);
        l->curves->rows = NULL; /* they are the ring's now */
        l->curves->values = NULL;
    }
    release_spare(l);
}
