/* The ring of last samples, some of which experts learn again (kernels/replay.c). A sample's pairs (row, value) lie behind
 * those of the one before it, in one array.
 *
 * A number is kept as its places under the splines of its column's curve. When the knots of that curve move, it is read
 * again: linear splines give back the number itself, x = sum of height times knot, within the outer knots. */
#include "learner.h"

static const double ROUNDED = 1e-5; /* a height below this is what rounding has left of 0 */

/* ---- curves that have moved ------------------------------------------------------------------------------ */

typedef struct curve {
    int32_t slot, count; /* whose it is, and how many knots it had */
    bool here;           /* the sample at hand lies under it, */
    double x;            /* at this number */
} curve;

/* Curves whose knots have moved, in the order in which they were due. */
typedef struct moved {
    int32_t count, first, span;
    curve *curve;
    double *knots; /* (count, knots) as they were */
    int32_t *of;   /* (span,) 1 + the curve that row first + … belongs to; 0: none */
} moved;

static void release(moved *m)
{
    hw_release(m->curve);
    hw_release(m->knots);
    hw_release(m->of);
}

static bool has_curve(const hw_learner *l, int32_t slot)
{
    int32_t basis = l->slots.basis[slot];
    return l->slots.knot_count[slot] >= 3 && basis > 0 && basis + l->knots <= l->drawn;
}

/* Note the knots of the curves that are due, as long as they stand. */
static int note_curves(hw_learner *l, moved *m)
{
    const hw_slots *s = &l->slots;
    int32_t count = 0, last = 0;
    for (int32_t i = 0; i < l->knots_due_count; i++) {
        int32_t slot = l->knots_due[i];
        if (!has_curve(l, slot))
            continue;
        m->first = count && m->first < s->basis[slot] ? m->first : s->basis[slot];
        last = last > s->basis[slot] ? last : s->basis[slot];
        count += 1;
    }
    if (!count)
        return 0;
    m->span = last + l->knots - m->first;
    m->curve = hw_allocate(&l->memory, (uint64_t)count * sizeof(curve));
    m->knots = hw_allocate(&l->memory, (uint64_t)count * (uint64_t)l->knots * sizeof(double));
    m->of = hw_allocate(&l->memory, (uint64_t)m->span * sizeof(int32_t));
    if (!m->curve || !m->knots || !m->of)
        return HW_NO_MEMORY;
    for (int32_t i = 0; i < l->knots_due_count; i++) {
        int32_t slot = l->knots_due[i];
        if (!has_curve(l, slot))
            continue;
        m->curve[m->count] = (curve){.slot = slot, .count = s->knot_count[slot]};
        memcpy(m->knots + (int64_t)m->count * l->knots, s->knots + (int64_t)slot * l->knots,
               (size_t)l->knots * sizeof(double));
        m->count += 1;
    }
    return 0;
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
    int32_t k = hw_knot_below(l->slots.knots + (int64_t)c->slot * l->knots, count, c->x, &u);
    u = u < ROUNDED ? 0 : u > 1 - ROUNDED ? 1 : u;
    if (u < 1)
        put_pair(l, to, first + k, 1 - u);
    if (u > 0)
        put_pair(l, to, first + k + 1, u);
}

/* Put sample i behind the others as it is. */
static void copy_sample(hw_learner *l, pairs *to, int64_t i)
{
    size_t size = hw_number(l), n = (size_t)l->sample_count[i];
    memcpy(to->rows + to->end, l->pair_rows + l->sample_start[i], n * sizeof(int32_t));
    memcpy((char *)to->values + (size_t)to->end * size, (const char *)l->pair_values + (size_t)l->sample_start[i] * size,
           n * size);
    l->sample_start[i] = to->end;
    to->end += l->sample_count[i];
}

/* Put sample i behind the others; its numbers are read again where their curves have moved. */
static void read_sample_again(hw_learner *l, pairs *to, int64_t i, const moved *m)
{
    int64_t first = l->sample_start[i], last = first + l->sample_count[i];
    for (int64_t at = first; at < last; at++) {
        int32_t row = l->pair_rows[at];
        curve *c = curve_of(m, row);
        if (!c)
            continue;
        int32_t k = row - l->slots.basis[c->slot];
        c->x = (c->here ? c->x : 0) +
               hw_get(l, l->pair_values, at) * m->knots[(c - m->curve) * l->knots + (k < c->count ? k : c->count - 1)];
        c->here = true;
    }
    l->sample_start[i] = to->end;
    for (int64_t at = first; at < last; at++) {
        curve *c = curve_of(m, l->pair_rows[at]);
        if (!c) {
            to->rows[to->end] = l->pair_rows[at];
            hw_put(l, to->values, to->end, hw_get(l, l->pair_values, at));
            to->end += 1;
        } else if (c->here) {
            put_number(l, to, c);
            c->here = false;
        }
    }
    l->sample_count[i] = to->end - l->sample_start[i];
}

/* Move the samples of the ring, the oldest first, to the front of an array with room for so many pairs more. m: NULL if no
 * curve has moved. */
static int move_samples(hw_learner *l, int64_t more, const moved *m)
{
    int64_t count = l->ring_added < l->ring ? l->ring_added : l->ring,
            oldest = l->ring_added > l->ring ? l->ring_added % l->ring : 0;
    int64_t live = 0;
    for (int64_t i = 0; i < count; i++)
        live += l->sample_count[i];
    int64_t capacity = 2 * (live + more); /* a number read again has two pairs where it had one */
    capacity = capacity < 256 ? 256 : capacity;
    pairs to = {hw_allocate(&l->memory, (uint64_t)capacity * 4), hw_allocate(&l->memory, (uint64_t)capacity * hw_number(l)),
                0};
    if (!to.rows || !to.values)
        return hw_release(to.rows), hw_release(to.values), HW_NO_MEMORY;
    for (int64_t q = 0; q < count; q++)
        if (m)
            read_sample_again(l, &to, (oldest + q) % l->ring, m);
        else
            copy_sample(l, &to, (oldest + q) % l->ring);
    hw_release(l->pair_rows);
    hw_release(l->pair_values);
    l->pair_rows = to.rows;
    l->pair_values = to.values;
    l->pairs_capacity = capacity;
    l->pairs_end = to.end;
    return 0;
}

int hw_compact_ring(hw_learner *l, int64_t more) { return move_samples(l, more, NULL); }

/* Memory for one sample more; at the end of the array those still in the ring move to the front of a new one. Once a lap a
 * large array is looked at: a very wide sample may have left it. */
int hw_reserve_ring(hw_learner *l, int64_t pairs)
{
    if (l->pairs_capacity > 1 << 16 && l->ring_added % l->ring == 0) {
        int64_t live = 0;
        for (int64_t i = 0; i < l->ring; i++)
            live += l->sample_count[i];
        if (8 * (live + pairs) < l->pairs_capacity)
            return hw_compact_ring(l, pairs);
    }
    return l->pairs_end + pairs <= l->pairs_capacity ? 0 : hw_compact_ring(l, pairs);
}

/* ---- knots ----------------------------------------------------------------------------------------------- */

int hw_move_due_knots(hw_learner *l)
{
    moved m = {0};
    int status = l->ring && l->ring_added ? note_curves(l, &m) : 0;
    for (int32_t i = 0; i < l->knots_due_count && status >= 0; i++) {
        int32_t slot = l->knots_due[i];
        if (hw_move_knots(l, slot) >= 3 && l->slots.basis[slot] == 0)
            status = hw_append_basis(l, slot);
    }
    l->knots_due_count = 0;
    if (status >= 0 && m.count && find_moved(l, &m))
        status = move_samples(l, 0, &m);
    release(&m);
    return status;
}
