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
    int32_t slot, count; /* whose it is, and how many knots it had; once it is known to have moved, how many it has */
    int32_t basis;       /* its first row */
    const double *knots; /* as they were; once it is known to have moved, as they are now */
    int64_t last;        /* the sample that was last read again under it, counted from 1 */
    bool here;           /* the sample at hand lies under it, */
    double x, height;    /* at this number, under splines whose heights add up to this */
} curve;

/* Curves whose knots have moved, in the order in which they were due. Their arrays are the learner's (hw_reserve_moves). */
typedef struct moved {
    int32_t count, first, span;
    curve *curve;
    double *knot; /* (span,) the one of row first + …, as it was */
    int32_t *of;  /* (span,) 1 + the curve that row first + … belongs to; 0: none */
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
    m->of = l->curves->of;
    m->knot = l->curves->knot;
    memset(m->of, 0, (size_t)m->span * sizeof(int32_t));
    for (int32_t i = 0; i < l->curves->due_count; i++) {
        int32_t slot = l->curves->due[i];
        if (!has_curve(l, slot))
            continue;
        double *knots = l->curves->knots + (int64_t)m->count * l->knots;
        m->curve[m->count] = (curve){.slot = slot, .count = s->knot_count[slot], .basis = s->basis[slot], .knots = knots};
        memcpy(knots, s->knots + (int64_t)slot * l->knots, (size_t)l->knots * sizeof(double));
        m->count += 1;
    }
}

/* Note that a curve has other knots now. */
static void note_moved(const hw_learner *l, moved *m, int32_t which)
{
    curve *c = m->curve + which;
    for (int32_t k = 0; k < l->knots; k++) {
        int32_t at = c->basis - m->first + k;
        m->of[at] = which + 1;
        m->knot[at] = c->knots[k < c->count ? k : c->count - 1];
    }
    c->count = l->slots.knot_count[c->slot];
    c->knots = l->slots.knots + (int64_t)c->slot * l->knots;
}

/* Find which of these curves have other knots now; says whether there are any. */
static bool find_moved(const hw_learner *l, moved *m)
{
    bool any = false;
    for (int32_t which = 0; which < m->count; which++) {
        int32_t slot = m->curve[which].slot, count = m->curve[which].count;
        size_t bytes = (size_t)count * sizeof(double);
        if (count == l->slots.knot_count[slot] &&
            !memcmp(m->curve[which].knots, l->slots.knots + (int64_t)slot * l->knots, bytes))
            continue;
        any = true;
        note_moved(l, m, which);
    }
    return any;
}

static curve *curve_of(const moved *m, int32_t row)
{
    int64_t at = (int64_t)row - m->first;
    return at >= 0 && at < m->span && m->of[at] ? m->curve + m->of[at] - 1 : NULL;
}

/* ---- samples --------------------------------------------------------------------------------------------- */

enum { MOST_NEW = 64 };

/* Pairs as they are written, one behind the other. */
typedef struct pairs {
    int32_t *rows;
    void *values;
    int64_t end;
    int32_t new_rows[MOST_NEW], new_count; /* rows that only the sample at hand has touched: to take that back */
} pairs;

/* A number under the splines of a curve as it is now: the heights of two rows, one after the other. */
typedef struct split {
    int32_t row;
    bool has_lower, has_upper;
    double lower, upper;
} split;

static inline split split_number(const hw_learner *l, const curve *c, double x, double height)
{
    if (c->count < 3)
        return (split){0};
    bool smaller = c->slot >= l->answer_inputs && height > 0 && height < 1 - ROUNDED;
    if (smaller)
        x /= height;
    else
        height = 1;
    double u;
    int32_t k = hw_knot_below(c->knots, c->count, x, &u);
    u = u < ROUNDED ? 0 : u;
    u = u > 1 - ROUNDED ? 1 : u;
    return (split){c->basis + k, u < 1, u > 0, (1 - u) * height, u * height};
}

/* Sample i as it is, behind the others. */
static void copy_sample(hw_learner *l, pairs *to, int64_t i)
{
    size_t size = hw_number(l), n = (size_t)l->replay->count[i];
    memmove(to->rows + to->end, l->replay->rows + l->replay->start[i], n * sizeof(int32_t));
    memmove((char *)to->values + (size_t)to->end * size,
            (const char *)l->replay->values + (size_t)l->replay->start[i] * size, n * size);
    l->replay->start[i] = to->end;
    to->end += l->replay->count[i];
}

static inline void write_pair(const pairs *to, int64_t at, int32_t row, double value, bool is_double)
{
    to->rows[at] = row;
    hw_put_as(is_double, to->values, at, value);
}

/* The row will be learned. Whether that could be noted. */
static bool touch(hw_learner *l, pairs *to, int32_t row)
{
    if (l->touched[row])
        return true;
    if (to->new_count == MOST_NEW)
        return false;
    l->touched[row] = 1;
    to->new_rows[to->new_count++] = row;
    return true;
}

/* Write both heights of a number, each over the other where it is none: no branch to guess. Whether both rows could be
 * touched. */
static inline bool write_split(hw_learner *l, pairs *to, int64_t *end, split s, bool is_double)
{
    write_pair(to, *end, s.row, s.lower, is_double);
    *end += s.has_lower;
    write_pair(to, *end, s.row + 1, s.upper, is_double);
    *end += s.has_upper;
    return (!s.has_lower || touch(l, to, s.row)) && (!s.has_upper || touch(l, to, s.row + 1));
}

/* Sample i, the one numbered q, behind the others; its numbers are read again where their curves have moved. Whether each
 * curve's pairs lie side by side: else it is to be done again by read_apart. In registers, since there are many pairs. */
static inline bool read_side_by_side(hw_learner *l, pairs *to, int64_t i, int64_t q, const moved *m, bool is_double)
{
    const int32_t *rows = l->replay->rows, *of = m->of;
    const double *knot = m->knot;
    const void *values = l->replay->values;
    const uint32_t base = (uint32_t)m->first, span = (uint32_t)m->span;
    int64_t end = to->end, at = l->replay->start[i], last = at + l->replay->count[i];
    while (at < last) {
        uint32_t place = (uint32_t)rows[at] - base;
        int32_t which = place < span ? of[place] : 0;
        if (!which) {
            write_pair(to, end++, rows[at], hw_get_as(is_double, values, at), is_double);
            at += 1;
            continue;
        }
        curve *c = m->curve + which - 1;
        if (c->last == q)
            return false;
        c->last = q;
        double x = 0, height = 0;
        do {
            double value = hw_get_as(is_double, values, at);
            x += value * knot[place];
            height += value;
            place = ++at < last ? (uint32_t)rows[at] - base : span;
        } while (place < span && of[place] == which);
        if (!write_split(l, to, &end, split_number(l, c, x, height), is_double))
            return false;
    }
    to->end = end;
    return true;
}

/* Whether sample i could be read so; else nothing has changed. */
static bool read_in_one_sweep(hw_learner *l, pairs *to, int64_t i, int64_t q, const moved *m)
{
    to->new_count = 0;
    if (hw_is_double(l) ? read_side_by_side(l, to, i, q, m, true) : read_side_by_side(l, to, i, q, m, false))
        return true;
    while (to->new_count)
        l->touched[to->new_rows[--to->new_count]] = 0;
    return false;
}

/* The same where pairs of a curve lie apart, as those of two names that share a slot: first all numbers, then their places.
 */
static void read_apart(hw_learner *l, pairs *to, int64_t i, const moved *m)
{
    int64_t first = l->replay->start[i], last = first + l->replay->count[i];
    for (int64_t at = first; at < last; at++) {
        curve *c = curve_of(m, l->replay->rows[at]);
        if (!c)
            continue;
        double value = hw_get(l, l->replay->values, at);
        c->x = (c->here ? c->x : 0) + value * m->knot[l->replay->rows[at] - m->first];
        c->height = (c->here ? c->height : 0) + value;
        c->here = true;
    }
    for (int64_t at = first; at < last; at++) {
        curve *c = curve_of(m, l->replay->rows[at]);
        if (!c) {
            write_pair(to, to->end++, l->replay->rows[at], hw_get(l, l->replay->values, at), hw_is_double(l));
        } else if (c->here) {
            split s = split_number(l, c, c->x, c->height);
            for (int32_t k = !s.has_lower; k <= s.has_upper; k++) {
                l->touched[s.row + k] += l->touched[s.row + k] == 0;
                write_pair(to, to->end++, s.row + k, k ? s.upper : s.lower, hw_is_double(l));
            }
            c->here = false;
        }
    }
}

static void read_sample_again(hw_learner *l, pairs *to, int64_t i, int64_t q, const moved *m)
{
    int64_t start = to->end;
    if (HW_SMALL || !read_in_one_sweep(l, to, i, q, m))
        read_apart(l, to, i, m);
    l->replay->start[i] = start;
    l->replay->count[i] = to->end - start;
}

/* How the samples lie in their array. */
typedef struct layout {
    int64_t oldest, count; /* the first of them, and how many */
    int64_t pairs, widest; /* of all of them, and of one */
    bool together;         /* one right behind the other, the oldest first */
} layout;

static layout look_at_samples(const hw_learner *l)
{
    const hw_replay_t *r = l->replay;
    layout at = {.oldest = r->added > l->ring ? r->added % l->ring : 0, .count = hw_kept_samples(l), .together = true};
    int64_t end = 0;
    for (int64_t q = 0; q < at.count; q++) {
        int64_t i = (at.oldest + q) % l->ring;
        at.together = at.together && (q == 0 || r->start[i] == end);
        end = r->start[i] + r->count[i];
        at.pairs += r->count[i];
        at.widest = r->count[i] > at.widest ? r->count[i] : at.widest;
    }
    at.together = at.together && end == r->end;
    return at;
}

/* Whether nobody else keeps the array, as a saved state does: then samples may move in place. */
static bool is_own(const hw_learner *l, const layout *at)
{
    return at->together && hw_references(l->replay->rows) == 1 && hw_references(l->replay->values) == 1;
}

/* The samples from the one numbered q on move to the end of their array. */
static void make_space(hw_learner *l, const layout *at, int64_t q)
{
    hw_replay_t *r = l->replay;
    size_t size = hw_number(l);
    int64_t from = r->start[(at->oldest + q) % l->ring], by = r->capacity - r->end;
    size_t n = (size_t)(r->end - from);
    memmove(r->rows + from + by, r->rows + from, n * sizeof(int32_t));
    memmove((char *)r->values + (size_t)(from + by) * size, (char *)r->values + (size_t)from * size, n * size);
    for (; q < at->count; q++)
        r->start[(at->oldest + q) % l->ring] += by;
    r->end = r->capacity;
}

/* Read the samples again, the oldest first, to the front of `to`. That may be their own array: where a sample would be
 * written over before it is read, it and all behind it make space (fits_in_place). */
static void read_samples_again(hw_learner *l, const layout *at, pairs *to, const moved *m)
{
    for (int64_t q = 0; q < at->count; q++) {
        int64_t i = (at->oldest + q) % l->ring;
        if (!HW_SMALL && to->rows == l->replay->rows && to->end + 2 * l->replay->count[i] > l->replay->start[i])
            make_space(l, at, q);
        read_sample_again(l, to, i, q + 1, m);
    }
}

/* Twice the pairs, as a number read again has two where it had one, and the widest sample: so those that make space lie two
 * of themselves behind what is written. */
static bool fits_in_place(const hw_learner *l, const layout *at, int64_t more)
{
    return !HW_SMALL && is_own(l, at) && 2 * (at->pairs + more) + at->widest + more <= l->replay->capacity;
}

static void take_array(hw_learner *l, const pairs *to, int64_t capacity)
{
    if (to->rows != l->replay->rows) {
        hw_release(l->replay->rows);
        hw_release(l->replay->values);
        l->replay->rows = to->rows;
        l->replay->values = to->values;
        l->replay->capacity = capacity;
    }
    l->replay->end = to->end;
}

/* Twice the pairs that there are and `more`, and some for samples that are wider than those before. */
static int64_t roomy(const layout *at, int64_t more)
{
    int64_t capacity = 2 * (at->pairs + more);
    if (!HW_SMALL)
        capacity += capacity / 16 + at->widest + more;
    return capacity < 256 ? 256 : capacity;
}

static int take_pairs(hw_learner *l, pairs *p, int64_t capacity)
{
    *p = (pairs){.rows = hw_allocate_unset(&l->memory, (uint64_t)capacity * 4), /* read up to what was written */
                 .values = hw_allocate_unset(&l->memory, (uint64_t)capacity * hw_number(l))};
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

/* A very wide sample may have left it. */
static bool is_too_large(const hw_learner *l, const layout *at, int64_t more)
{
    return l->replay->capacity > 1 << 16 && 8 * (at->pairs + more) < l->replay->capacity;
}

/* The samples still in the ring move to the front of their array, or to that of another where it is too small or too
 * large. */
static int compact(hw_learner *l, const layout *at, int64_t more)
{
    pairs to = {.rows = l->replay->rows, .values = l->replay->values};
    int64_t capacity = l->replay->capacity, needed = 2 * (at->pairs + more);
    if (!is_own(l, at) || is_too_large(l, at, more) || needed - needed / 8 > capacity) {
        capacity = roomy(at, more);
        int status = take_pairs(l, &to, capacity);
        if (status < 0)
            return status;
    }
    for (int64_t q = 0; q < at->count; q++)
        copy_sample(l, &to, (at->oldest + q) % l->ring);
    take_array(l, &to, capacity);
    return 0;
}

int hw_compact_ring(hw_learner *l, int64_t more)
{
    layout at = look_at_samples(l);
    return compact(l, &at, more);
}

/* Memory for one sample more. Once a lap a large array is looked at. */
int hw_reserve_ring(hw_learner *l, int64_t pairs)
{
    bool is_full = l->replay->end + pairs > l->replay->capacity;
    if (!is_full && (l->replay->capacity <= 1 << 16 || l->replay->added % l->ring))
        return 0;
    layout at = look_at_samples(l);
    return is_full || is_too_large(l, &at, pairs) ? compact(l, &at, pairs) : 0;
}

/* ---- knots ----------------------------------------------------------------------------------------------- */

/* Memory for hw_move_due_knots once the sample at hand, of so many pairs, is learned. */
int hw_reserve_moves(hw_learner *l, const hw_due *due, int64_t pairs)
{
    const hw_allocator *m = &l->memory;
    uint64_t curves = (uint64_t)due->curves, knots = (uint64_t)l->knots, span = (uint64_t)(due->last - due->first);
    if (!hw_extend(m, &l->curves->moved, curves * sizeof(curve)) ||
        !hw_extend(m, &l->curves->knots, curves * knots * sizeof(double)) ||
        !hw_extend(m, &l->curves->knot, (span + knots) * sizeof(double)) ||
        !hw_extend(m, &l->curves->of, (span + knots) * sizeof(int32_t)))
        return HW_NO_MEMORY;
    layout at = look_at_samples(l);
    int64_t capacity = roomy(&at, pairs);
    if (fits_in_place(l, &at, pairs) || capacity <= l->curves->capacity)
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
        layout at = look_at_samples(l);
        pairs to = {.rows = l->replay->rows, .values = l->replay->values};
        if (!fits_in_place(l, &at, 0)) { /* the spare ones are the ring's from now on */
            to.rows = l->curves->rows;
            to.values = l->curves->values;
            l->curves->rows = NULL;
            l->curves->values = NULL;
        }
        read_samples_again(l, &at, &to, &m);
        take_array(l, &to, l->curves->capacity);
    }
    release_spare(l);
}
