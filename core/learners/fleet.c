/* A fleet: many small learners of one declaration, each of which learns on its own.
 *
 * What the declaration says (operations, where numbers lie) and working memory are there once, in a seat: a learner into
 * which the state of one member after the other is put. A member at rest is one block of bytes, the arrays of its state one
 * behind the other, and a vocabulary, which members that have seen the same names in the same order share. A member that
 * has learned nothing has no block of its own. So each learns to the bit what a learner of its own would, at the price of
 * copying its state in and out: fleets are for small nets.
 *
 * As a record, for a file or another machine, a member is the block and behind it the arrays of its names. */
#include "learner.h"

enum { FIRST_NAME = 2, FIRST_STATE = 9, MOST_SEATS = 64, COUNTS = HW_FLEET_COUNTS };

struct vocabulary {
    hw_names names;
    hw_columns_t columns;
    uint64_t digest, number; /* its number is never used again */
    int64_t references;
    struct vocabulary *next; /* of the same bucket */
};

typedef struct state { /* in front of the arrays of a member at rest */
    int64_t bytes;     /* of the arrays */
    int64_t sizes[HW_SIZES];
} state;

typedef struct member {
    state *at_rest; /* NULL: it is somewhere else (hw_fleet_drop) */
    struct vocabulary *vocabulary;
    int32_t *labels; /* what its outputs stand for; NULL: none yet */
    int32_t label_count, label_capacity;
} member;

struct hw_fleet {
    hw_allocator memory;
    hw_limits limits;
    member first; /* what new members begin as */
    member *members;
    int64_t count, capacity, present;
    hw_learner *seats[MOST_SEATS];
    int seat_count, level;
    hw_learner *seat;   /* with the state of member `seated` */
    int64_t seated;     /* -1: none; -2: the first one's */
    hw_learner *layout; /* by which the last record was cut; NULL: none was read */
    hw_learner *reader; /* into which records like it are put; without names between two of them; NULL: none */
    bool changed;       /* since it was put there */
    double counts[COUNTS], before[COUNTS];
    struct vocabulary **buckets;
    int64_t bucket_count, vocabulary_count;
    uint64_t next_number;
};

static int64_t aligned(int64_t bytes) { return (bytes + 7) / 8 * 8; }

/* ---- vocabularies ---------------------------------------------------------------------------------------- */

typedef struct piece {
    void **data;
    int64_t bytes;
} piece;

enum { PIECES = 7 };

/* The arrays that tell a vocabulary, in the order of the state. */
static void pieces_of(hw_names *n, hw_columns_t *c, piece *out)
{
    int64_t names = n->count, columns = c->count;
    piece all[PIECES] = {{(void **)&n->owner, names * 4},  {(void **)&n->value, names * 4},
                         {(void **)&n->end, names * 8},    {(void **)&n->bytes, names ? n->end[names - 1] : 0},
                         {(void **)&c->name, columns * 4}, {(void **)&c->kind, columns},
                         {(void **)&c->slot, columns * 4}};
    memcpy(out, all, sizeof all);
}

static void release_names(hw_names *n, hw_columns_t *c)
{
    void *arrays[] = {n->owner, n->value, n->end, n->bytes, n->table, c->name, c->kind, c->slot, c->order};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        hw_release(arrays[i]);
}

static bool is_of(struct vocabulary *v, const piece *p)
{
    piece own[PIECES];
    pieces_of(&v->names, &v->columns, own);
    for (int i = 0; i < PIECES; i++)
        if (own[i].bytes != p[i].bytes || (p[i].bytes && memcmp(*own[i].data, *p[i].data, (size_t)p[i].bytes) != 0))
            return false;
    return true;
}

static uint64_t digest_of_names(const piece *p)
{
    uint64_t digest = 0;
    for (int i = 0; i < PIECES; i++)
        digest = hw_hash(digest, p[i].bytes ? *p[i].data : "", (uint64_t)p[i].bytes);
    return digest;
}

/* The vocabulary that these arrays tell, or NULL where no member has it. */
static struct vocabulary *find_vocabulary(const hw_fleet *f, const piece *p, uint64_t digest)
{
    struct vocabulary *v = f->bucket_count ? f->buckets[digest & (uint64_t)(f->bucket_count - 1)] : NULL;
    while (v && (v->digest != digest || !is_of(v, p)))
        v = v->next;
    return v;
}

static int widen_buckets(hw_fleet *f)
{
    int64_t count = f->bucket_count ? 2 * f->bucket_count : 64;
    struct vocabulary **buckets = hw_allocate(&f->memory, (uint64_t)count * sizeof *buckets);
    if (!buckets)
        return HW_NO_MEMORY;
    for (int64_t i = 0; i < f->bucket_count; i++)
        for (struct vocabulary *v = f->buckets[i], *next; v; v = next) {
            struct vocabulary **bucket = buckets + (v->digest & (uint64_t)(count - 1));
            next = v->next;
            v->next = *bucket;
            *bucket = v;
        }
    hw_release(f->buckets);
    f->buckets = buckets;
    f->bucket_count = count;
    return 0;
}

static void leave_vocabulary(hw_fleet *f, struct vocabulary *v)
{
    if (!v || --v->references)
        return;
    struct vocabulary **at = f->buckets + (v->digest & (uint64_t)(f->bucket_count - 1));
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    release_names(&v->names, &v->columns);
    hw_release(v);
    f->vocabulary_count--;
}

/* The vocabulary of a learner as one that others may share: the one that is there already, or its own arrays, which it
 * borrows from now on. One reference is the caller's. NULL: no memory. */
static struct vocabulary *share_vocabulary(hw_fleet *f, hw_learner *l)
{
    piece p[PIECES];
    pieces_of(&l->names, &l->columns, p);
    uint64_t digest = digest_of_names(p);
    struct vocabulary *known = find_vocabulary(f, p, digest);
    if (known) {
        release_names(&l->names, &l->columns);
        l->names_borrowed = true;
        known->references++;
        l->names = known->names;
        l->columns = known->columns;
        return known;
    }
    if (f->vocabulary_count >= f->bucket_count && widen_buckets(f) < 0)
        return NULL;
    struct vocabulary *v = hw_allocate(&f->memory, sizeof *v);
    if (!v)
        return NULL;
    struct vocabulary **bucket = f->buckets + (digest & (uint64_t)(f->bucket_count - 1));
    *v = (struct vocabulary){.names = l->names,
                             .columns = l->columns,
                             .digest = digest,
                             .number = ++f->next_number,
                             .references = 1,
                             .next = *bucket};
    l->names_borrowed = true;
    *bucket = v;
    f->vocabulary_count++;
    return v;
}

/* Let a learner read the names of a vocabulary; it owns none of its own then. */
static void borrow_vocabulary(hw_learner *l, const struct vocabulary *v)
{
    if (!l->names_borrowed)
        release_names(&l->names, &l->columns);
    l->names = v->names;
    l->columns = v->columns;
    l->names_borrowed = true;
}

/* ---- a member at rest ------------------------------------------------------------------------------------ */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* How many bytes of an array are kept: of rings that are not full yet only what was put there. `scored`: how many scores
 * there ever were. */
static int64_t bytes_kept(const hw_learner *l, const hw_array *a, int owner, double scored)
{
    int64_t count = a->shape[0] * a->shape[1];
    if (owner == HW_OF_SCORES && count && !hw_is_anomaly(l))
        count = 1 + (scored < HW_WINDOW ? (int64_t)scored : HW_WINDOW);
    if (owner == HW_OF_RING)
        count = least(l->sizes[HW_N_KEPT], l->ring);
    return count * (int64_t)hw_size_of(a->type);
}

static void reservoir_out(const hw_learner *l, double *out)
{
    for (int32_t i = 0; l->knots && i < l->slots.count; i++) {
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        int64_t there = least(count, (int64_t)(hw_capacity(l->slots.reservoir[i]) / 8));
        if (there)
            memcpy(out, l->slots.reservoir[i], (size_t)there * 8);
        memset(out + there, 0, (size_t)(count - there) * 8);
        out += count;
    }
}

static int reservoir_in(hw_learner *l, const double *from)
{
    for (int32_t i = 0; l->knots && i < l->slots.count; i++) {
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        if (count && !hw_extend(&l->memory, &l->slots.reservoir[i], (uint64_t)count * 8))
            return HW_NO_MEMORY;
        if (count)
            memcpy(l->slots.reservoir[i], from, (size_t)count * 8);
        from += count;
    }
    return 0;
}

/* The arrays of a learner's state, but for declaration, sizes and names, one behind the other; NULL only measures. */
static int64_t arrays_out(hw_learner *l, char *out)
{
    int64_t at = 0;
    hw_array a;
    hw_locate(l, 0, &a);
    for (int i = FIRST_STATE; i < hw_states(); i++) {
        if (hw_is_lacking(l, i))
            continue;
        int owner = hw_locate(l, i, &a);
        int64_t bytes = bytes_kept(l, &a, owner, l->scores[0]);
        if (out && bytes && owner == HW_OF_RESERVOIR)
            reservoir_out(l, (double *)(void *)(out + at));
        else if (out && bytes)
            memcpy(out + at, a.data, (size_t)bytes);
        if (out)
            memset(out + at + bytes, 0, (size_t)(aligned(bytes) - bytes));
        at += aligned(bytes);
    }
    return at;
}

static void *resize(hw_fleet *f, void *block, int64_t old, int64_t size)
{
    return f->memory.resize(f->memory.context, block, (size_t)old, (size_t)size);
}

static void drop_state(hw_fleet *f, member *m)
{
    if (m->at_rest && (m == &f->first || m->at_rest != f->first.at_rest))
        resize(f, m->at_rest, (int64_t)sizeof(state) + m->at_rest->bytes, 0);
    m->at_rest = NULL;
}

/* Room for a state of so many bytes in a member; NULL: no memory. */
static state *make_state(hw_fleet *f, member *m, int64_t bytes)
{
    state *s = m == &f->first || m->at_rest != f->first.at_rest ? m->at_rest : NULL;
    if (s && s->bytes == bytes)
        return s;
    s = resize(f, s, s ? (int64_t)sizeof(state) + s->bytes : 0, (int64_t)sizeof(state) + bytes);
    if (!s)
        return NULL;
    s->bytes = bytes;
    m->at_rest = s;
    return s;
}

/* Put a learner's state into a member; it borrows its names from then on. */
static int put_to_rest(hw_fleet *f, hw_learner *l, member *m)
{
    int64_t bytes = arrays_out(l, NULL);
    if (!l->names_borrowed) {
        struct vocabulary *v = share_vocabulary(f, l);
        if (!v)
            return HW_NO_MEMORY;
        leave_vocabulary(f, m->vocabulary);
        m->vocabulary = v;
    }
    state *s = make_state(f, m, bytes);
    if (!s)
        return HW_NO_MEMORY;
    arrays_out(l, (char *)(s + 1));
    memcpy(s->sizes, l->sizes, sizeof s->sizes);
    return 0;
}

/* Room in a seat for the state whose sizes are l->sizes. */
static int reserve(hw_learner *l)
{
    const int64_t *n = l->sizes;
    int status = hw_reserve_rows(l, n[HW_N_ROWS]);
    if (status >= 0)
        status = hw_reserve_slots(l, n[HW_N_SLOTS]);
    if (status < 0)
        return status;
    hw_replay_t *r = l->replay;
    if (r && n[HW_N_PAIRS] > r->capacity) {
        if (!hw_extend(&l->memory, &r->rows, (uint64_t)n[HW_N_PAIRS] * 4) ||
            !hw_extend(&l->memory, &r->values, (uint64_t)n[HW_N_PAIRS] * hw_number(l)))
            return HW_NO_MEMORY;
        r->capacity = n[HW_N_PAIRS];
    }
    if (!n[HW_N_HAS_PENDING])
        hw_drop_part(l, HW_PART_late);
    if (!n[HW_N_SHARED_FROM]) {
        hw_release(l->shared_slots);
        l->shared_slots = NULL;
    } else if (!hw_extend(&l->memory, &l->shared_slots, (uint64_t)hw_to_share(l) * 4)) {
        return HW_NO_MEMORY;
    }
    return n[HW_N_HAS_PENDING] ? hw_make_pending(l) : 0;
}

/* How many bytes the arrays take that the learner holds now. */
static void bytes_now(hw_learner *l, int64_t *bytes)
{
    hw_array a;
    hw_locate(l, 0, &a);
    for (int i = FIRST_STATE; i < hw_states(); i++) {
        int owner = hw_locate(l, i, &a);
        bytes[i] = owner == HW_OF_SHARED || owner == HW_OF_PENDING || owner == HW_OF_PENDING_ANSWERS
                       ? 0
                       : a.shape[0] * a.shape[1] * (int64_t)hw_size_of(a.type);
    }
}

/* One array of a member's state into the seat, and zeros where the member before had more; returns the status. from: where
 * the member's lies, which moves behind it. */
static int put_array(hw_learner *l, int i, const char **from, int64_t before)
{
    hw_array a;
    int owner = hw_locate(l, i, &a), status = 0;
    double scored = 0;
    if (owner == HW_OF_SCORES && a.shape[0])
        memcpy(&scored, *from, sizeof scored);
    int64_t bytes = bytes_kept(l, &a, owner, scored);
    if (owner == HW_OF_RESERVOIR)
        status = reservoir_in(l, (const double *)(const void *)*from);
    else if (bytes)
        memcpy(a.data, *from, (size_t)bytes);
    if (owner != HW_OF_RESERVOIR && before > bytes)
        memset((char *)a.data + bytes, 0, (size_t)(before - bytes));
    *from += aligned(bytes);
    return status;
}

/* Put a member's state into a seat of its layout. What the member before left behind becomes zero again, as in a learner
 * that never had it. */
static int put_in_seat(hw_learner *l, const member *m)
{
    int64_t before[HW_MOST_ARRAYS], room;
    const char *from = (const char *)(m->at_rest + 1);
    int outputs = l->outputs;
    borrow_vocabulary(l, m->vocabulary); /* first: the one that was borrowed before may be gone */
    bytes_now(l, before);
    memcpy(l->sizes, m->at_rest->sizes, sizeof m->at_rest->sizes);
    int status = reserve(l);
    if (status < 0)
        return status;
    l->rows = l->sizes[HW_N_ROWS];
    room = l->replay ? l->replay->capacity : 0;
    hw_set_counts(l);
    if (l->replay)
        l->replay->capacity = room;
    for (int i = FIRST_STATE; i < hw_states() && status >= 0; i++)
        status = put_array(l, i, &from, before[i]);
    if (status < 0)
        return status;
    if (outputs != (int)l->sizes[HW_N_OUTPUTS]) {
        hw_set_outputs(l, (int)l->sizes[HW_N_OUTPUTS]);
        hw_clear_scratch(l);
    }
    l->predicted_count = -1;
    l->entries = l->added = 0;
    if (l->curves)
        l->curves->due_count = 0;
    status = hw_place_tests(l);
    return status < 0 ? status : hw_set_step(l, l->step[0], l->step[1]);
}

/* ---- seats ----------------------------------------------------------------------------------------------- */

static void free_seat(hw_learner *l)
{
    if (l && l->names_borrowed) {
        l->names = (hw_names){0};
        l->columns = (hw_columns_t){0};
    }
    hw_free(l);
}

static bool has_layout(const hw_learner *l, int64_t capacity, int64_t tests)
{
    return l->output_capacity == capacity && hw_tests_used(l) == tests;
}

/* A learner laid out for so many outputs and tests, whose numbers mean nothing yet. */
static hw_learner *make_seat(hw_fleet *f, const hw_learner *like, const int64_t *sizes, int *status)
{
    hw_learner *l = hw_new(&f->memory, like->declaration, hw_declared(like), f->level, like->names.key, status, NULL);
    if (!l)
        return NULL;
    hw_set_tests(l, sizes);
    l->rows = l->row_capacity = 1;
    *status = hw_lower(l, (int)sizes[HW_N_OUTPUTS], (int)sizes[HW_N_OUTPUT_CAPACITY]);
    if (*status >= 0)
        *status = hw_make_fixed(l);
    if (*status >= 0)
        *status = hw_make_vectors(l);
    if (*status >= 0)
        *status = hw_make_scratch(l);
    if (*status >= 0)
        *status = hw_make_parts(l);
    if (*status >= 0)
        *status = hw_set_limits(l, &f->limits);
    if (*status < 0)
        return hw_free(l), NULL;
    return l;
}

/* A seat that changed its layout while a member grew may be as another one is: one of them goes. */
static void drop_twins(hw_fleet *f)
{
    for (int i = 0; i < f->seat_count; i++)
        for (int j = i + 1; j < f->seat_count; j++) {
            const hw_learner *a = f->seats[i];
            if (has_layout(f->seats[j], a->output_capacity, hw_tests_used(a))) {
                free_seat(f->seats[j]);
                f->seats[j--] = f->seats[--f->seat_count];
            }
        }
}

/* The seat for a member at rest. */
static hw_learner *find_seat(hw_fleet *f, const int64_t *sizes, int *status)
{
    for (int i = 0; i < f->seat_count; i++)
        if (has_layout(f->seats[i], sizes[HW_N_OUTPUT_CAPACITY], sizes[HW_N_TESTS]))
            return f->seats[i];
    drop_twins(f);
    hw_learner *made = make_seat(f, f->seats[0], sizes, status);
    if (!made)
        return NULL;
    if (f->seat_count == MOST_SEATS)
        free_seat(f->seats[--f->seat_count]);
    f->seats[f->seat_count++] = made;
    return made;
}

/* ---- counts ---------------------------------------------------------------------------------------------- */

static void read_counts(const hw_learner *l, double *out)
{
    static const int of_first[] = {HW_INFINITE, HW_HUGE, HW_FAR, HW_FAR_TARGET};
    for (int i = 0; i < 4; i++)
        out[i] = l->running[of_first[i]];
    out[4] = out[5] = 0;
    for (int e = 0; e < l->experts; e++) {
        out[4] += l->running[e * HW_RUNNING + HW_OVERFLOW];
        out[5] += l->running[e * HW_RUNNING + HW_UNDONE];
    }
    out[6] = (double)l->learned;
}

static void add_counts(hw_fleet *f)
{
    double now[COUNTS];
    read_counts(f->seat, now);
    for (int i = 0; i < COUNTS; i++)
        f->counts[i] += now[i] - f->before[i];
    memcpy(f->before, now, sizeof now);
}

void hw_fleet_counts(hw_fleet *f, double *counts)
{
    if (f->changed)
        add_counts(f);
    memcpy(counts, f->counts, sizeof f->counts);
}

/* ---- the face -------------------------------------------------------------------------------------------- */

hw_fleet *hw_fleet_make(const hw_allocator *memory, hw_learner *first, const int32_t *labels, int32_t label_count,
                        int *status)
{
    hw_fleet *f = hw_allocate(memory, sizeof *f);
    *status = first->growing && label_count <= first->outputs ? HW_NO_MEMORY : HW_BAD_ARGUMENT;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        if (first->parts[p] && !hw_parts[p]->in_fleet)
            *status = HW_BAD_ARGUMENT;
    if (!f || *status == HW_BAD_ARGUMENT)
        return hw_release(f), NULL;
    f->memory = *memory;
    f->limits = *hw_limits_of(first);
    f->level = first->level;
    f->seated = -1;
    hw_array a;
    hw_learner *copy = NULL;
    if (hw_locate(first, 0, &a) >= 0 && (copy = hw_copy_whole(memory, first, status))) {
        for (int p = 0; p < HW_KIND_PARTS; p++)
            if (hw_parts[p]->alone)
                hw_drop_part(copy, p);
        f->seats[f->seat_count++] = copy;
    }
    if (copy)
        *status = put_to_rest(f, copy, &f->first);
    if (copy && *status >= 0)
        *status = hw_set_limits(copy, &f->limits);
    if (label_count && copy && *status >= 0) {
        f->first.labels = resize(f, NULL, 0, label_count * 4);
        *status = f->first.labels ? 0 : HW_NO_MEMORY;
        if (f->first.labels)
            memcpy(f->first.labels, labels, (size_t)label_count * 4);
        f->first.label_count = f->first.label_capacity = label_count;
    }
    if (!copy || *status < 0)
        return hw_fleet_free(f), NULL;
    return f;
}

static void free_member(hw_fleet *f, member *m)
{
    leave_vocabulary(f, m->vocabulary);
    drop_state(f, m);
    if (m->labels)
        resize(f, m->labels, m->label_capacity * 4, 0);
    *m = (member){0};
}

void hw_fleet_free(hw_fleet *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->seat_count; i++)
        free_seat(f->seats[i]);
    for (int64_t i = 0; i < f->count; i++)
        free_member(f, f->members + i);
    free_member(f, &f->first);
    hw_free(f->layout);
    free_seat(f->reader);
    hw_release(f->members);
    hw_release(f->buckets);
    hw_release(f);
}

int64_t hw_fleet_count(const hw_fleet *f) { return f->count; }
int64_t hw_fleet_present(const hw_fleet *f) { return f->present; }
int64_t hw_fleet_vocabularies(const hw_fleet *f) { return f->vocabulary_count; }

int hw_fleet_set_limits(hw_fleet *f, const hw_limits *limits)
{
    for (int i = 0; i < f->seat_count; i++) {
        int status = hw_set_limits(f->seats[i], limits);
        if (status < 0)
            return status;
    }
    f->limits = *limits;
    return 0;
}

static int copy_labels(hw_fleet *f, member *m, const int32_t *labels, int32_t count)
{
    if (count > m->label_capacity) {
        int32_t capacity = count < 2 ? 2 : count + count / 2;
        int32_t *more = resize(f, m->labels, m->label_capacity * 4, capacity * 4);
        if (!more)
            return HW_NO_MEMORY;
        m->labels = more;
        m->label_capacity = capacity;
    }
    if (count)
        memcpy(m->labels, labels, (size_t)count * 4);
    m->label_count = count;
    return 0;
}

int64_t hw_fleet_add(hw_fleet *f)
{
    if (f->count == f->capacity) {
        int64_t capacity = f->capacity + f->capacity / 2 + 64;
        if (!hw_extend(&f->memory, &f->members, (uint64_t)capacity * sizeof(member)))
            return HW_NO_MEMORY;
        f->capacity = capacity;
    }
    member *m = f->members + f->count;
    *m = (member){.at_rest = f->first.at_rest, .vocabulary = f->first.vocabulary};
    int status = copy_labels(f, m, f->first.labels, f->first.label_count);
    if (status < 0)
        return status;
    m->vocabulary->references++;
    f->present++;
    return f->count++;
}

static member *member_of(hw_fleet *f, int64_t i) { return i < 0 ? &f->first : f->members + i; }

/* Take what was learned out of the seat. */
static int clear_seat(hw_fleet *f)
{
    if (f->changed) {
        add_counts(f);
        int status = put_to_rest(f, f->seat, member_of(f, f->seated));
        if (status < 0)
            return status;
    }
    f->changed = false;
    return 0;
}

int hw_fleet_is_present(const hw_fleet *f, int64_t i) { return i < 0 || (i < f->count && f->members[i].at_rest); }

hw_learner *hw_fleet_take(hw_fleet *f, int64_t i, int learn, int *status)
{
    i = i < 0 ? -2 : i;
    *status = i >= f->count || !hw_fleet_is_present(f, i) || (i < 0 && learn) ? HW_BAD_ARGUMENT : 0;
    if (*status < 0)
        return NULL;
    if (f->seated != i) {
        *status = clear_seat(f);
        if (*status < 0)
            return NULL;
        f->seated = -1;
        hw_learner *l = find_seat(f, member_of(f, i)->at_rest->sizes, status);
        if (!l)
            return NULL;
        *status = put_in_seat(l, member_of(f, i));
        if (*status < 0)
            return NULL;
        f->seat = l;
        f->seated = i;
        read_counts(l, f->before);
    }
    f->changed = f->changed || learn;
    return f->seat;
}

uint64_t hw_fleet_vocabulary(const hw_fleet *f)
{
    if (!f->seat || f->seated == -1 || !f->seat->names_borrowed)
        return 0;
    return (f->seated < 0 ? &f->first : f->members + f->seated)->vocabulary->number;
}

int32_t hw_fleet_labels(const hw_fleet *f, int64_t i, const int32_t **labels)
{
    const member *m = i < 0 ? &f->first : f->members + i;
    *labels = m->labels;
    return m->label_count;
}

int hw_fleet_add_label(hw_fleet *f, int64_t i, int32_t label)
{
    member *m = f->members + i;
    int32_t count = m->label_count;
    int status = i < 0 || i >= f->count ? HW_BAD_ARGUMENT : copy_labels(f, m, m->labels, count);
    if (status >= 0 && count == m->label_capacity) {
        int32_t capacity = count + count / 2 + 2;
        int32_t *more = resize(f, m->labels, m->label_capacity * 4, capacity * 4);
        if (!more)
            return HW_NO_MEMORY;
        m->labels = more;
        m->label_capacity = capacity;
    }
    if (status < 0)
        return status;
    m->labels[count] = label;
    m->label_count = count + 1;
    return 0;
}

void hw_fleet_drop_label(hw_fleet *f, int64_t i) { f->members[i].label_count--; }

/* ---- records --------------------------------------------------------------------------------------------- */

static int64_t bytes_of_names(struct vocabulary *v)
{
    piece p[PIECES];
    int64_t bytes = 0;
    pieces_of(&v->names, &v->columns, p);
    for (int i = 0; i < PIECES; i++)
        bytes += aligned(p[i].bytes);
    return bytes;
}

int64_t hw_fleet_write(hw_fleet *f, int64_t i, void *out, int64_t size)
{
    if (i >= f->count || !hw_fleet_is_present(f, i))
        return HW_BAD_ARGUMENT;
    int status = f->seated == i ? clear_seat(f) : 0;
    const member *m = member_of(f, i);
    int64_t own = (int64_t)sizeof(state) + m->at_rest->bytes, bytes = own + bytes_of_names(m->vocabulary);
    if (status < 0 || !out)
        return status < 0 ? status : bytes;
    if (size < bytes)
        return HW_BAD_ARGUMENT;
    char *at = (char *)out + own;
    piece p[PIECES];
    memcpy(out, m->at_rest, (size_t)own);
    memset(at, 0, (size_t)(bytes - own));
    pieces_of(&m->vocabulary->names, &m->vocabulary->columns, p);
    for (int k = 0; k < PIECES; k++) {
        if (p[k].bytes)
            memcpy(at, *p[k].data, (size_t)p[k].bytes);
        at += aligned(p[k].bytes);
    }
    return bytes;
}

/* Cut a record into the arrays of a state, as they follow from its sizes; a ring that is not full gets all its places. */
static int cut_record(hw_learner *l, const char *record, int64_t size, hw_array *arrays, void **whole)
{
    int64_t at = (int64_t)sizeof(state);
    for (int q = 0; q < hw_states() - FIRST_NAME; q++) {
        int i = q < hw_states() - FIRST_STATE ? q + FIRST_STATE : q - (hw_states() - FIRST_STATE) + FIRST_NAME;
        int owner = hw_locate(l, i, arrays + i);
        double scored = 0;
        if (owner == HW_OF_SCORES && arrays[i].shape[0] && at + 8 <= size)
            memcpy(&scored, record + at, sizeof scored);
        if (!(scored >= 0 && scored <= 9007199254740992.0))
            return HW_BAD_STATE;
        int64_t bytes = bytes_kept(l, arrays + i, owner, scored),
                all = arrays[i].shape[0] * arrays[i].shape[1] * (int64_t)hw_size_of(arrays[i].type);
        if (bytes < 0 || bytes > size - at)
            return HW_BAD_STATE;
        arrays[i].data = (void *)(uintptr_t)(record + at);
        if (bytes < all) {
            arrays[i].data = whole[i] = hw_allocate(&l->memory, (uint64_t)all);
            if (!whole[i])
                return HW_NO_MEMORY;
            memcpy(whole[i], record + at, (size_t)bytes);
        }
        at += aligned(bytes);
    }
    return at == size ? 0 : HW_BAD_STATE;
}

/* A learner of these sizes without its arrays, by which a record is cut: kept, since only what has other outputs or tests
 * is laid out otherwise. */
static int lay_out(hw_fleet *f, const int64_t *sizes, hw_fault *fault)
{
    const hw_learner *like = f->seats[0];
    hw_learner *l = f->layout;
    int status = 0;
    bool alike = l && l->outputs == sizes[HW_N_OUTPUTS] && has_layout(l, sizes[HW_N_OUTPUT_CAPACITY], sizes[HW_N_TESTS]);
    f->layout = NULL;
    if (!alike) {
        hw_free(l);
        l = hw_new(&f->memory, like->declaration, hw_declared(like), f->level, like->names.key, &status, NULL);
    }
    if (!l)
        return status;
    memcpy(l->sizes, sizes, HW_SIZES * sizeof *sizes);
    status = hw_check_sizes(l, fault);
    if (!alike)
        hw_set_tests(l, l->sizes);
    if (status >= 0 && !alike)
        status = hw_lower(l, (int)l->sizes[HW_N_OUTPUTS], (int)l->sizes[HW_N_OUTPUT_CAPACITY]);
    if (status < 0)
        return hw_free(l), status;
    f->layout = l;
    return 0;
}

/* ---- reading one record after the other -------------------------------------------------------------------- */

static void drop_reader(hw_fleet *f)
{
    free_seat(f->reader);
    f->reader = NULL;
}

/* Let a learner that was read be the one into which the next record is put. Its names belong to vocabularies. */
static void keep_reader(hw_fleet *f, hw_learner *l)
{
    if (f->reader != l)
        drop_reader(f);
    l->names = (hw_names){.key = l->names.key};
    l->columns = (hw_columns_t){0};
    f->reader = l;
}

/* Whether a record of the layout at hand can be put into a learner that is there: nothing of it is made or left out anew.
 */
static bool can_reread(const hw_fleet *f)
{
    const hw_learner *l = f->reader;
    const int64_t *n = f->layout->sizes;
    if (!l || l->outputs != n[HW_N_OUTPUTS] || !has_layout(l, n[HW_N_OUTPUT_CAPACITY], n[HW_N_TESTS]))
        return false;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        if (l->parts[p] && hw_parts[p]->read)
            return false;
    return !n[HW_N_HAS_PENDING] && !n[HW_N_SHARED_FROM];
}

/* Put the arrays of a record, whose names some member has, into the reader; NULL where that can't be, or is refused. */
static hw_learner *reread(hw_fleet *f, hw_array *arrays, struct vocabulary **known, int *status, hw_fault *fault)
{
    piece p[PIECES];
    hw_learner *l = f->reader;
    if (!can_reread(f))
        return NULL;
    for (int i = 0; i < PIECES; i++) {
        hw_array *a = arrays + FIRST_NAME + i;
        p[i] = (piece){&a->data, a->shape[0] * a->shape[1] * (int64_t)hw_size_of(a->type)};
    }
    *known = find_vocabulary(f, p, digest_of_names(p));
    if (!*known)
        return NULL;
    borrow_vocabulary(l, *known);
    memcpy(l->sizes, f->layout->sizes, HW_SIZES * sizeof *l->sizes);
    *status = reserve(l);
    if (*status >= 0)
        *status = hw_restore_again(l, arrays, fault);
    if (*status < 0)
        return drop_reader(f), NULL;
    return l;
}

/* The learner whose record this is; nothing in it is believed. known: the vocabulary that it borrows; NULL: none. */
static hw_learner *learner_of(hw_fleet *f, const void *record, int64_t size, struct vocabulary **known, int *status,
                              hw_fault *fault)
{
    hw_learner *like = f->seats[0], *made = NULL;
    hw_array arrays[HW_MOST_ARRAYS];
    void *whole[HW_MOST_ARRAYS] = {0};
    state head;
    *fault = (hw_fault){"record of a member", "as many bytes as its sizes say", (double)size};
    *status = size < (int64_t)sizeof head ? HW_BAD_STATE : 0;
    if (*status < 0)
        return NULL;
    memcpy(&head, record, sizeof head);
    *status = lay_out(f, head.sizes, fault);
    if (*status < 0)
        return NULL;
    arrays[0] = (hw_array){"declaration", HW_F64, HW_KEEP_FIRST, 1, {hw_declared(like), 1, 1}, like->declaration};
    hw_array_at(f->layout, 1, arrays + 1);
    *status = cut_record(f->layout, record, size, arrays, whole);
    if (*status >= 0)
        made = reread(f, arrays, known, status, fault);
    if (*status >= 0 && !made)
        made = hw_restore(&f->memory, arrays, hw_states(), f->level, like->names.key, status, fault);
    for (int i = 0; i < hw_states(); i++)
        hw_release(whole[i]);
    return made;
}

/* Let a member rest as its record says, which was put into the reader and found sound: what the reader would write are the
 * same bytes, unless it counts otherwise. */
static int rest_as_read(hw_fleet *f, member *m, const void *record, int64_t own)
{
    hw_array first;
    hw_locate(f->reader, 0, &first);
    if (memcmp((const char *)record + offsetof(state, sizes), f->reader->sizes, HW_SIZES * sizeof(int64_t)) != 0)
        return put_to_rest(f, f->reader, m);
    int64_t bytes = own - (int64_t)sizeof(state);
    state *s = make_state(f, m, bytes);
    if (!s)
        return HW_NO_MEMORY;
    memcpy(s, record, (size_t)own);
    s->bytes = bytes;
    return 0;
}

int hw_fleet_read(hw_fleet *f, int64_t i, const void *record, int64_t size, const int32_t *labels, int32_t label_count,
                  hw_fault *fault)
{
    int status = i >= f->count || label_count < 0 || (i < 0 && f->count) ? HW_BAD_ARGUMENT : 0;
    struct vocabulary *known = NULL;
    hw_learner *l = status < 0 ? NULL : learner_of(f, record, size, &known, &status, fault);
    if (!l)
        return status;
    member *m = member_of(f, i);
    bool was_present = m->at_rest;
    if (f->seated == (i < 0 ? -2 : i)) {
        f->seated = -1;
        f->changed = false;
    }
    if (i >= 0 && !m->vocabulary) { /* it was away */
        m->vocabulary = f->first.vocabulary;
        m->vocabulary->references++;
    }
    if (known) {
        known->references++;
        leave_vocabulary(f, m->vocabulary);
        m->vocabulary = known;
    }
    status = copy_labels(f, m, labels, label_count);
    if (status >= 0)
        status = known ? rest_as_read(f, m, record, size - bytes_of_names(known)) : put_to_rest(f, l, m);
    f->present += i >= 0 && !was_present && m->at_rest;
    if (status >= 0)
        keep_reader(f, l);
    else if (l == f->reader)
        drop_reader(f);
    else
        free_seat(l);
    return status;
}

int hw_fleet_drop(hw_fleet *f, int64_t i)
{
    if (i < 0 || i >= f->count)
        return HW_BAD_ARGUMENT;
    int status = f->seated == i ? clear_seat(f) : 0;
    if (status < 0)
        return status;
    if (f->seated == i)
        f->seated = -1;
    f->present -= f->members[i].at_rest != NULL;
    free_member(f, f->members + i);
    return 0;
}

/* A seat that holds the member is cleared without keeping it, so nothing here needs memory. */
int hw_fleet_remove(hw_fleet *f, int64_t i)
{
    int64_t last = f->count - 1;
    if (i < 0 || i > last)
        return HW_BAD_ARGUMENT;
    if (f->seated == i) {
        if (f->changed)
            add_counts(f);
        f->changed = false;
        f->seated = -1;
    }
    f->present -= f->members[i].at_rest != NULL;
    free_member(f, f->members + i);
    if (i < last) {
        f->members[i] = f->members[last];
        f->members[last] = (member){0};
        f->seated = f->seated == last ? i : f->seated;
    }
    f->count = last;
    return 0;
}
