/* The vocabulary: which row of the table belongs to which name, for ever.
 *
 * Names are only ever appended. A column of numbers has one row, which its value scales, and a slot for its statistics; a
 * category has a row of its own in its column; a date-time is seven numbers. Row 0 is the bias. Beyond max_rows no name is
 * remembered any more, of columns neither: new ones share a stretch of rows, picked by their hash, so memory stays bounded
 * on an endless stream of names. A column that came too late has no kind: each of its values is taken for what it is. */
#include "learner.h"

uint64_t hw_name_key(const hw_names *n, int32_t owner, const char *bytes, uint32_t size)
{
    return hw_hash(n->key ^ hw_mix64((uint64_t)(owner + 2)), bytes, size);
}

static const char *bytes_of(const hw_names *n, int32_t i, uint32_t *size)
{
    int64_t start = i ? n->end[i - 1] : 0;
    *size = (uint32_t)(n->end[i] - start);
    return n->bytes + start;
}

/* Place of a name, or where it would stand in the table (as −1 − place). */
static int64_t seek(const hw_names *n, int32_t owner, const char *bytes, uint32_t size)
{
    if (!n->table_size)
        return -1;
    uint64_t mask = (uint64_t)n->table_size - 1, at = hw_name_key(n, owner, bytes, size) & mask;
    for (;; at = (at + 1) & mask) {
        int32_t i = n->table[at];
        uint32_t own;
        if (i < 0)
            return -1 - (int64_t)at;
        if (n->owner[i] == owner && bytes_of(n, i, &own) && own == size && !memcmp(bytes_of(n, i, &own), bytes, size))
            return i;
    }
}

int32_t hw_find(const hw_learner *l, int32_t owner, const char *bytes, uint32_t size)
{
    int64_t at = seek(&l->names, owner, bytes, size);
    return at < 0 ? -1 : (int32_t)at;
}

static int rehash(hw_learner *l, int64_t size)
{
    hw_names *n = &l->names;
    int32_t *table = hw_allocate(&l->memory, (uint64_t)size * sizeof(int32_t));
    if (!table)
        return HW_NO_MEMORY;
    memset(table, 0xFF, (size_t)size * sizeof(int32_t));
    hw_release(n->table);
    n->table = table;
    n->table_size = (uint32_t)size;
    for (int32_t i = 0; i < n->count; i++) {
        uint32_t own;
        const char *bytes = bytes_of(n, i, &own);
        int64_t at = seek(n, n->owner[i], bytes, own);
        if (at >= 0)
            return HW_BAD_STATE; /* the same name twice */
        table[-1 - at] = i;
    }
    return 0;
}

int hw_rehash(hw_learner *l)
{
    int64_t size = 64;
    while (size < 2 * (int64_t)l->names.count)
        size *= 2;
    return rehash(l, size);
}

static bool reserve_array(hw_learner *l, void *array, int64_t count, size_t size)
{
    void *now;
    memcpy(&now, array, sizeof now);
    if (now && hw_capacity(now) >= (uint64_t)count * size)
        return true;
    int64_t capacity = count < 16 ? 16 : count + count / 2;
    return hw_extend(&l->memory, array, (uint64_t)capacity * size);
}

/* Copy names and columns that are borrowed. */
static int own_names(hw_learner *l)
{
    if (!HW_WHOLE) /* they are a fleet's */
        return HW_NOT_BUILT;
    hw_names *n = &l->names;
    hw_columns_t *c = &l->columns;
    void **arrays[] = {(void **)&n->owner, (void **)&n->value, (void **)&n->end,  (void **)&n->bytes, (void **)&n->table,
                       (void **)&c->name,  (void **)&c->kind,  (void **)&c->slot, (void **)&c->order};
    enum { ARRAYS = sizeof arrays / sizeof *arrays };
    void *copies[ARRAYS] = {0};
    for (int i = 0; i < ARRAYS; i++) {
        size_t bytes = hw_capacity(*arrays[i]);
        copies[i] = *arrays[i] ? hw_allocate(&l->memory, bytes) : NULL;
        if (*arrays[i] && !copies[i]) {
            while (i-- > 0)
                hw_release(copies[i]);
            return HW_NO_MEMORY;
        }
        if (copies[i] && bytes)
            memcpy(copies[i], *arrays[i], bytes);
    }
    for (int i = 0; i < ARRAYS; i++)
        *arrays[i] = copies[i];
    l->names_borrowed = false;
    return 0;
}

int32_t hw_append(hw_learner *l, int32_t owner, const char *bytes, uint32_t size, int32_t value)
{
    hw_names *n = &l->names;
    int64_t start = n->count ? n->end[n->count - 1] : 0;
    if (l->names_borrowed && own_names(l) < 0)
        return HW_NO_MEMORY;
    if (n->count >= HW_MOST_NAMES || !reserve_array(l, &n->owner, n->count + 1, 4) ||
        !reserve_array(l, &n->value, n->count + 1, 4) || !reserve_array(l, &n->end, n->count + 1, 8) ||
        !reserve_array(l, &n->bytes, start + size + 8, 1))
        return HW_NO_MEMORY;
    if (n->table_size < 2 * ((int64_t)n->count + 1)) {
        int status = rehash(l, n->table_size ? 2 * n->table_size : 64);
        if (status < 0)
            return status;
    }
    int64_t at = seek(n, owner, bytes, size);
    if (at >= 0)
        return HW_BAD_ARGUMENT;
    if (size)
        memcpy(n->bytes + start, bytes, size);
    n->owner[n->count] = owner;
    n->value[n->count] = value;
    n->end[n->count] = start + size;
    n->table[-1 - at] = n->count;
    return n->count++;
}

/* The order of a sample's columns: by length, then by letter, so x2 comes before x10. */
uint64_t hw_order(const char *bytes, uint32_t size)
{
    uint64_t order = size < 255 ? size : 255;
    for (uint32_t i = 0; i < 7; i++)
        order = order << 8 | (i < size ? (unsigned char)bytes[i] : 0);
    return order;
}

/* ---- keys from which rows are drawn ------------------------------------------------------------------------------------
 */

enum { KEY_NUMBER = 1, KEY_CATEGORY, KEY_BASIS, KEY_SHARED, KEY_PART };

static uint64_t draw_key(const hw_learner *l, uint64_t what, const char *name, uint32_t name_size, uint64_t which)
{
    return hw_mix64(hw_hash(hw_mix64(l->seed + 1) ^ what << 56, name, name_size) + which);
}

static uint64_t category_key(const hw_learner *l, const char *name, uint32_t name_size, const char *text, uint32_t size)
{
    return hw_hash(draw_key(l, KEY_CATEGORY, name, name_size, 0), text, size);
}

/* ---- columns --------------------------------------------------------------------------------------------- */

int hw_reserve_shared(hw_learner *l)
{
    int status = hw_reserve_rows(l, l->rows + hw_to_share(l));
    if (status < 0 || l->shared_slots)
        return status;
    l->shared_slots = hw_allocate(&l->memory, (uint64_t)hw_to_share(l) * sizeof(int32_t));
    if (!l->shared_slots)
        return HW_NO_MEMORY;
    memset(l->shared_slots, 0xFF, (size_t)hw_to_share(l) * sizeof(int32_t));
    return 0;
}

/* The table is full: append the rows that new names share from now on. */
int hw_share_rows(hw_learner *l)
{
    int64_t first = l->rows;
    int status = hw_reserve_shared(l);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < hw_to_share(l); i++)
        hw_append_row(l, draw_key(l, KEY_SHARED, "", 0, (uint64_t)i));
    l->shared_from = (int32_t)first;
    return 0;
}

/* Whether that many rows can be appended; the first time they can't, the rows to share are. */
static int has_space(hw_learner *l, int64_t count)
{
    if (!l->shared_from && l->rows + count > l->max_rows - hw_to_share(l)) {
        int status = hw_share_rows(l);
        if (status < 0)
            return status;
    }
    return l->shared_from == 0;
}

int hw_reserve_slots(hw_learner *l, int64_t n)
{
    hw_slots *s = &l->slots;
    if (n >= INT32_MAX || !reserve_array(l, &s->row, n, 4) || !reserve_array(l, &s->basis, n, 4) ||
        !reserve_array(l, &s->mean, n, 8) || !reserve_array(l, &s->variance, n, 8) || !reserve_array(l, &s->seen, n, 8) ||
        !reserve_array(l, &s->knot_count, n, 4) || (l->knots && !reserve_array(l, &s->knots, n * l->knots, 8)) ||
        !reserve_array(l, &s->reservoir, n, sizeof(double *)))
        return HW_NO_MEMORY;
    return 0;
}

int hw_append_slot(hw_learner *l, int32_t row, int32_t basis)
{
    hw_slots *s = &l->slots;
    int status = hw_reserve_slots(l, (int64_t)s->count + 1);
    if (status < 0)
        return status;
    s->row[s->count] = row;
    s->basis[s->count] = basis;
    return s->count++;
}

/* Append a number's row and slot. */
static int append_number(hw_learner *l, uint64_t key)
{
    int64_t row = hw_append_row(l, key);
    return row < 0 ? (int)row : hw_append_slot(l, (int32_t)row, 0);
}

int hw_append_basis(hw_learner *l, int32_t slot)
{
    hw_slots *s = &l->slots;
    int capacity = has_space(l, l->knots);
    if (capacity < 0)
        return capacity;
    if (!capacity) {
        s->basis[slot] = -1; /* the number alone has to do */
        return 0;
    }
    int status = hw_reserve_rows(l, l->rows + l->knots);
    if (status < 0)
        return status;
    uint64_t key = l->row_keys[s->row[slot]];
    int32_t first = (int32_t)l->rows;
    for (int k = 0; k < l->knots; k++)
        hw_append_row(l, hw_mix64(key ^ (uint64_t)KEY_BASIS << 56) + (uint64_t)k);
    s->basis[slot] = first;
    if (l->recurrent)
        l->recurrent->curves_capacity = 0; /* to be marked before they are drawn */
    return 0;
}

/* ---- knots ------------------------------------------------------------------------------------------------ */

/* Where a new knot lies among the old ones: between k and k + 1, u of the way; neither was touched: nowhere. */
typedef struct knot_place {
    int32_t k;
    double u;
    bool nowhere;
} knot_place;

enum { TOGETHER = 16 }; /* columns of a basis's rows that are refitted at once */

/* Some columns of a basis's rows, of the weights or of a rule's numbers: what the old curves have at the new knots. */
static void refit_columns(hw_learner *l, void *all, int64_t at, int64_t stride, int wide, int32_t old_count,
                          const knot_place *place, int32_t count)
{
    double old[64][TOGETHER], now[TOGETHER];
    for (int32_t k = 0; k < old_count; k++) {
        for (int j = 0; j < wide; j++)
            old[k][j] = hw_get(l, all, at + k * stride + j);
        for (int j = wide; j < TOGETHER; j++)
            old[k][j] = 0;
    }
    for (int32_t i = 0; i < count; i++) {
        if (place[i].nowhere)
            continue;
        const double *lower = old[place[i].k], *upper = old[place[i].k + 1], u = place[i].u;
        const double *one = u < 1 ? lower : upper;
        for (int j = 0; j < TOGETHER; j++) {
            double x = lower[j] + u * (upper[j] - lower[j]);
            now[j] = x == x ? x : one[j]; /* a sum of squares that overflowed lies beside it */
        }
        for (int j = 0; j < wide; j++)
            hw_put(l, all, at + i * stride + j, now[j]);
    }
}

/* Give a slot other knots, and let its curve stay what it was: the row of a new knot, and the rule's numbers for it, lie
 * between those of the old knots around it. A row that no sample has had yet says nothing: its neighbour stands for it. A
 * row that moves counts as touched once more. */
void hw_refit_curve(hw_learner *l, int32_t slot, const double *knots, int32_t count)
{
    hw_slots *s = &l->slots;
    double *old_knots = s->knots + (int64_t)slot * l->knots;
    int32_t old_count = s->knot_count[slot];
    int64_t first = s->basis[slot], *touched = l->touched + first;
    if (old_count >= 3 && count >= 3 && first > 0 && first + l->knots <= l->drawn) {
        knot_place place[64];
        for (int32_t i = 0; i < count; i++) {
            knot_place *p = place + i;
            p->k = hw_knot_below(old_knots, old_count, knots[i], &p->u);
            p->nowhere = !touched[p->k] && !touched[p->k + 1];
            p->u = !touched[p->k] ? 1 : !touched[p->k + 1] ? 0 : p->u;
        }
        for (int v = -1; v < l->states; v++) {
            int64_t stride = v < 0 ? l->stride : l->numbers.stride, at = v < 0 ? l->dense : l->numbers.rows;
            for (int64_t j = 0; j < stride; j += TOGETHER)
                refit_columns(l, v < 0 ? l->weights : l->state[v], at + first * stride + j, stride,
                              (int)(stride - j < TOGETHER ? stride - j : TOGETHER), old_count, place, count);
        }
        for (int32_t i = 0; i < count; i++)
            touched[i] += !place[i].nowhere;
    }
    memcpy(old_knots, knots, (size_t)count * sizeof(double));
    s->knot_count[slot] = count;
}

/* In ascending order; equal ones stay, and 0 and -0 are equal. */
static inline void order_two(double *a, double *b)
{
    double x = *a, y = *b;
    *a = y < x ? y : x;
    *b = x > y ? x : y;
}

static void sort_fours(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += 4) {
        double a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
        for (int round = 0; round < 2; round++) {
            order_two(&a, &b);
            order_two(&c, &d);
            order_two(&b, &c);
        }
        x[i] = a;
        x[i + 1] = b;
        x[i + 2] = c;
        x[i + 3] = d;
    }
}

/* Two runs of the same length are merged from both ends at once, so that neither waits for the other; and without a branch,
 * which would be guessed wrong. */
static void merge_runs(const double *from, int64_t run, double *to)
{
    int64_t i = 0, j = run, last_i = run - 1, last_j = 2 * run - 1;
    for (int64_t k = 0; k < run; k++) {
        int64_t second = from[j] < from[i], first = from[last_j] < from[last_i];
        to[k] = second ? from[j] : from[i];
        to[2 * run - 1 - k] = first ? from[last_i] : from[last_j];
        j += second;
        i += 1 - second;
        last_i -= first;
        last_j -= 1 - first;
    }
}

static void merge_rest(const double *from, int64_t run, int64_t n, double *to)
{
    int64_t middle = run < n ? run : n, i = 0, j = middle, at = 0;
    while (i < middle && j < n) {
        bool second = from[j] < from[i];
        to[at++] = second ? from[j] : from[i];
        j += second;
        i += !second;
    }
    memcpy(to + at, from + (i < middle ? i : j), (size_t)(n - at) * sizeof(double));
}

void hw_sort(double *x, int64_t n)
{
    double spare[HW_RESERVOIR], *from = x, *to = spare, *other;
    int64_t run = HW_SMALL || n % 4 ? 1 : 4, start;
    if (run == 4)
        sort_fours(x, n);
    for (; run < n; run *= 2, other = from, from = to, to = other) {
        for (start = 0; !HW_SMALL && start + 2 * run <= n; start += 2 * run)
            merge_runs(from + start, run, to + start);
        for (; start < n; start += 2 * run)
            merge_rest(from + start, run, n - start < 2 * run ? n - start : 2 * run, to + start);
    }
    if (from != x)
        memcpy(x, from, (size_t)n * sizeof(double));
}

/* Move a slot's knots to the quantiles of the values kept of its past, equal ones once; says how many there are. */
int hw_move_knots(hw_learner *l, int32_t slot)
{
    double *past = l->slots.reservoir[slot], knots[64];
    int64_t room = (int64_t)(hw_capacity(past) / sizeof(double)), seen = (int64_t)l->slots.seen[slot];
    int64_t n = seen < HW_RESERVOIR ? seen : HW_RESERVOIR;
    n = n < room ? n : room;
    if (n < 2)
        return 0;
    hw_sort(past, n); /* sorting the sample itself keeps it a sample */
    int32_t count = 0;
    for (int k = 0; k < l->knots; k++) {
        double q = past[k * (n - 1) / (l->knots - 1)];
        if (count == 0 || q > knots[count - 1])
            knots[count++] = q;
    }
    hw_refit_curve(l, slot, knots, count);
    return count;
}

/* Append a column; its number, −1 if the table is full, or an error. */
int32_t hw_append_column(hw_learner *l, const hw_value *v)
{
    hw_columns_t *c = &l->columns;
    int32_t known = hw_column(l, v->name, v->name_size);
    if (known >= 0)
        return known;
    if (l->names_borrowed && own_names(l) < 0)
        return HW_NO_MEMORY;
    int numbers = v->kind == HW_NUMBER ? 1 : v->kind == HW_TIME ? HW_TIME_PARTS : 0;
    int capacity = has_space(l, numbers ? numbers : 1);
    if (capacity <= 0)
        return capacity < 0 ? capacity : -1;
    if (!reserve_array(l, &c->name, c->count + 1, 4) || !reserve_array(l, &c->kind, c->count + 1, 1) ||
        !reserve_array(l, &c->slot, c->count + 1, 4) || !reserve_array(l, &c->order, c->count + 1, 8) ||
        (l->text && !reserve_array(l, &l->text->columns, c->count + 1, 4)))
        return HW_NO_MEMORY;
    int status = hw_reserve_rows(l, l->rows + numbers);
    if (status >= 0)
        status = hw_reserve_slots(l, (int64_t)l->slots.count + numbers);
    if (status < 0)
        return status;
    int32_t name = hw_append(l, -1, v->name, v->name_size, c->count);
    if (name < 0)
        return name;
    c->slot[c->count] = numbers ? l->slots.count : -1;
    for (int i = 0; i < numbers; i++) {
        uint64_t what = v->kind == HW_TIME ? KEY_PART : KEY_NUMBER;
        status = append_number(l, draw_key(l, what, v->name, v->name_size, (uint64_t)i));
        if (status < 0)
            return status;
    }
    c->name[c->count] = name;
    c->kind[c->count] = (uint8_t)hw_text_kind(l, v->kind);
    if (l->text)
        l->text->columns[c->count] =
            hw_is_embedding(v->kind) || (v->kind == HW_CATEGORY && l->text->found == HW_FIND_LONG) ? 0 : -1;
    c->order[c->count] = hw_order(v->name, v->name_size);
    return c->count++;
}

/* Slot of the row that a nameless number shares; −1 if it has none yet and may get none; or an error. */
static int32_t shared_slot(hw_learner *l, uint64_t key, int learn)
{
    int64_t at = (int64_t)(key % (uint64_t)hw_to_share(l));
    if (l->shared_slots[at] < 0 && learn) {
        int slot = hw_append_slot(l, (int32_t)(l->shared_from + at), -1);
        if (slot < 0)
            return slot;
        l->shared_slots[at] = slot;
    }
    return l->shared_slots[at];
}

/* How many slots a column has, one behind the other: an anomaly model has some for the numbers of an embedding. */
int32_t hw_numbers_of_column(const hw_learner *l, int32_t column)
{
    int kind = l->columns.kind[column];
    if (hw_is_embedding(kind) && hw_is_anomaly(l))
        return l->columns.slot[column] < 0 ? 0 : hw_embedding_size(l, column);
    return hw_numbers_of_kind(kind);
}

/* Append slots of an embedding's numbers; 1, 0 if there is no space, or an error. */
static int append_numbers(hw_learner *l, int32_t column, int32_t count)
{
    uint32_t size;
    const char *name = hw_column_name(l, column, &size);
    int status = has_space(l, count);
    if (status <= 0)
        return status;
    status = hw_reserve_rows(l, l->rows + count);
    if (status >= 0)
        status = hw_reserve_slots(l, (int64_t)l->slots.count + count);
    if (status < 0)
        return status;
    l->columns.slot[column] = l->slots.count;
    l->text->columns[column] = count;
    for (int32_t i = 0; status >= 0 && i < count; i++)
        status = append_number(l, draw_key(l, KEY_PART, name, size, (uint64_t)i));
    return status < 0 ? status : 1;
}

/* ---- samples as entries ---------------------------------------------------------------------------------- */

static void add_entry(hw_learner *l, int32_t slot, double x)
{
    HW_ASSERT(slot < l->slots.count && -(int64_t)slot - 1 < l->rows);
    HW_ASSERT_INSIDE(l->entry_x, l->entries, 1, sizeof *l->entry_x);
    l->entry_slots[l->entries] = slot;
    l->entry_x[l->entries++] = x;
}

/* Row of a category; −1 if it has none. */
int64_t hw_category_row(hw_learner *l, int32_t column, const char *name, uint32_t name_size, const hw_value *v, int learn)
{
    int32_t found = column < 0 ? -1 : hw_find(l, column, v->text, v->text_size);
    learn = HW_LEARNS ? learn : 0;
    if (found >= 0)
        return l->names.value[found];
    if (!learn && !l->shared_from)
        return -1;
    uint64_t key = category_key(l, name, name_size, v->text, v->text_size);
    int capacity = l->shared_from ? 0 : has_space(l, 1);
    if (capacity < 0)
        return capacity;
    if (!capacity || column < 0) {
        if (learn)
            l->sharing += 1;
        return l->shared_from + (int64_t)(key % (uint64_t)hw_to_share(l));
    }
    int status = hw_reserve_rows(l, l->rows + 1);
    if (status < 0)
        return status;
    int32_t place = hw_append(l, column, v->text, v->text_size, (int32_t)l->rows);
    return place < 0 ? place : hw_append_row(l, key);
}

static int add_parts(hw_learner *l, const double *parts, int32_t first, const hw_value *v, int learn)
{
    for (int i = 0; i < HW_TIME_PARTS; i++) {
        int32_t slot = first + i;
        if (first < 0)
            slot = shared_slot(l, draw_key(l, KEY_PART, v->name, v->name_size, (uint64_t)i), learn);
        if (slot < -1)
            return slot;
        if (slot >= 0 && parts[i] == parts[i])
            add_entry(l, slot, parts[i]);
        l->unknown += slot < 0 && parts[i] == parts[i];
    }
    return 0;
}

/* The entries of an embedding of an anomaly model: numbers of a block, whose statistics lie one behind the other. */
static int read_block(hw_learner *l, const hw_value *v, int32_t column, int learn)
{
    double square = 0;
    for (uint32_t i = 0; i < v->count; i++)
        square += v->numbers[i] * v->numbers[i];
    if (!(square > 0)) /* it has no direction */
        return 0;
    if (learn && l->columns.slot[column] < 0) {
        int status = append_numbers(l, column, (int32_t)v->count);
        if (status <= 0)
            return status;
    }
    int32_t first = l->columns.slot[column];
    double unit = l->columns.kind[column] == HW_COSINE ? __builtin_sqrt(square) : 1;
    for (uint32_t i = 0; first >= 0 && i < v->count; i++)
        add_entry(l, first + (int32_t)i, v->numbers[i] / unit);
    return 0;
}

/* How many values a value is, as its own kind reads it. */
static int values_in(const hw_value *v)
{
    int parts = 0;
    for (int i = 0; v->kind == HW_TIME && v->has & HW_HAS_TIME && i < HW_TIME_PARTS; i++)
        parts += v->time[i] == v->time[i];
    return v->kind == HW_TIME && v->has & HW_HAS_TIME ? parts : 1;
}

/* The entries of one value. */
static int read_number(hw_learner *l, const hw_value *v, int32_t column, const char *name, uint32_t size, int learn)
{
    int32_t slot = column < 0 ? shared_slot(l, draw_key(l, KEY_NUMBER, name, size, 0), learn) : l->columns.slot[column];
    if (slot < -1)
        return slot;
    if (column < 0 && learn)
        l->sharing += 1;
    if (slot >= 0)
        add_entry(l, slot, v->number);
    l->unknown += slot < 0;
    return 0;
}

static int read_category(hw_learner *l, hw_value *v, int32_t column, const char *name, uint32_t size, int learn)
{
    bool watched = learn && l->text && column >= 0 && l->text->columns[column] >= 0;
    bool known = watched && hw_find(l, column, v->text, v->text_size) >= 0;
    int64_t row = v->row > 0 && v->row < l->rows ? v->row : hw_category_row(l, column, name, size, v, learn);
    if (row < -1)
        return (int)row;
    if (watched)
        hw_note_text(l, column, v, known);
    v->row = !l->shared_from && row > 0 ? (int32_t)row : 0;
    if (row >= 0)
        add_entry(l, (int32_t)(-row - 1), 1);
    l->unknown += row < 0;
    return 0;
}

static int read_value(hw_learner *l, hw_value *v, int learn)
{
    int32_t column = v->column;
    if (!v->has)
        return 0;
    if (v->has == HW_HAS_NUMBER && v->number != v->number)
        return 0;
    if (column < 0 && learn && !l->shared_from) {
        column = hw_append_column(l, v);
        if (column < -1)
            return column;
        v->column = column;
    }
    if (column < 0 && !l->shared_from) {
        l->unknown += values_in(v);
        return 0;
    }
    int kind = column < 0 ? hw_text_kind(l, v->kind) : l->columns.kind[column];
    uint32_t size = v->name_size;
    const char *name = column < 0 ? v->name : hw_column_name(l, column, &size);
    if (kind == HW_NUMBER && v->has & HW_HAS_NUMBER)
        return read_number(l, v, column, name, size, learn);
    if (kind == HW_TIME && v->has & HW_HAS_TIME) {
        if (column < 0 && learn)
            l->sharing += 1;
        return add_parts(l, v->time, column < 0 ? -1 : l->columns.slot[column], v, learn);
    }
    if (HW_WHOLE && v->has & HW_HAS_TEXT && hw_is_text(kind)) {
        int32_t category = column < 0 ? -1 : hw_find(l, column, v->text, v->text_size);
        if (category >= 0) /* it was one before its column was found to be text */
            add_entry(l, -l->names.value[category] - 1, 1);
        return hw_read_text(l, v, column, name, size);
    }
    if (hw_is_embedding(kind) && hw_is_anomaly(l))
        return v->has & HW_HAS_NUMBERS && column >= 0 ? read_block(l, v, column, learn) : 0;
    if (hw_is_embedding(kind))
        return v->has & HW_HAS_NUMBERS && column >= 0 ? hw_read_embedding(l, v, column, learn) : 0;
    return v->has & HW_HAS_TEXT ? read_category(l, v, column, name, size, learn) : 0;
}

/* ---- order ----------------------------------------------------------------------------------------------- */

static const char *name_of(const hw_learner *l, const hw_value *v, uint32_t *size)
{
    if (v->column >= 0)
        return hw_column_name(l, v->column, size);
    *size = v->name_size;
    return v->name;
}

static bool comes_before(const hw_learner *l, const hw_value *a, const hw_value *b)
{
    uint32_t n, m;
    const char *p = name_of(l, a, &n), *q = name_of(l, b, &m);
    if (n != m)
        return n < m;
    int order = n ? memcmp(p, q, n) : 0;
    return order < 0 || (order == 0 && a < b);
}

typedef struct ranked {
    uint64_t order;
    hw_value *value;
} ranked;

static bool ranks_before(const hw_learner *l, const ranked *a, const ranked *b)
{
    return a->order != b->order ? a->order < b->order : comes_before(l, a->value, b->value);
}

/* Merge sort, from stretches of one up: never worse than n log n, and it keeps the order of what is equal. */
static void sort_values(const hw_learner *l, ranked *a, ranked *b, int64_t n)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t at = 0; at < n; at += 2 * width) {
            int64_t middle = at + width < n ? at + width : n, end = at + 2 * width < n ? at + 2 * width : n;
            int64_t i = at, j = middle, k = at;
            while (i < middle && j < end)
                b[k++] = ranks_before(l, &a[j], &a[i]) ? a[j++] : a[i++];
            while (i < middle)
                b[k++] = a[i++];
            while (j < end)
                b[k++] = a[j++];
        }
        memcpy(a, b, (size_t)n * sizeof(ranked));
    }
}

/* Answers before stand in front. */
static void begin_entries(hw_learner *l)
{
    double inputs[HW_ANSWER_INPUTS];
    if (!HW_WHOLE || !l->answer_inputs)
        return;
    hw_read_answers(l, inputs);
    hw_begin_entries(l, inputs);
}

/* Texts, a reading in other units, a successor, tests that are exchanged and experts that are drawn anew are there in the
 * whole build alone. */
int hw_check_built(const hw_learner *l)
{
    bool text = false, failing = false;
    if (HW_WHOLE)
        return 0;
    for (int e = 0; HW_LEARNS && e < l->experts && l->experts > 1; e++)
        failing = failing || l->running[e * HW_RUNNING + HW_FAILING] >= HW_PATIENCE - HW_OVERFLOW_COUNTS;
    for (int32_t i = 0; l->text && i < l->columns.count; i++)
        text = text || hw_is_text(l->columns.kind[i]);
    bool competing = l->units && l->units->numbers[HW_U_COMPETING] != 0;
    bool due = HW_LEARNS && l->succession && l->succession->numbers[HW_S_DUE] != 0;
    bool exchanges = HW_LEARNS && l->relevance && hw_may_exchange_tests(l);
    return text || failing || competing || due || exchanges || l->late ? HW_NOT_BUILT : 0;
}

/* The values of a row whose columns are to be looked up, in the order of their names. */
static int read_by_names(hw_learner *l, hw_value *values, int64_t count, int learn)
{
    if (hw_capacity(l->sorted) < 2 * (uint64_t)count * sizeof(ranked) &&
        !hw_extend(&l->memory, &l->sorted, (uint64_t)count * 4 * sizeof(ranked)))
        return HW_NO_MEMORY;
    ranked *order = (ranked *)(void *)l->sorted;
    bool ordered = true;
    for (int64_t i = 0; i < count; i++) {
        hw_value *v = values + i;
        if (v->column < 0) {
            int32_t found = hw_find(l, -1, v->name, v->name_size);
            v->column = found < 0 ? -1 : l->names.value[found];
        }
        order[i] = (ranked){v->column < 0 ? hw_order(v->name, v->name_size) : l->columns.order[v->column], v};
        ordered = ordered && (i == 0 || ranks_before(l, &order[i - 1], &order[i]));
    }
    if (!ordered)
        sort_values(l, order, order + count, count);
    int status = 0;
    for (int64_t i = 0; i < count && status >= 0; i++)
        status = read_value(l, order[i].value, learn);
    return status;
}

/* Check a row, and make room for what it may become. */
static int begin_row(hw_learner *l, const hw_value *values, int64_t count, int learn)
{
    int64_t most = 0;
    int status = hw_check_built(l);
    if (status < 0)
        return status;
    l->entries = l->added = l->unknown = l->sharing = 0;
    if (l->text)
        hw_clear_text(l);
    for (int64_t i = 0; i < count; i++) {
        if (values[i].column >= l->columns.count || values[i].column < -1 || !hw_is_value(values + i))
            return HW_BAD_ARGUMENT;
        most += hw_entries_in(values + i);
    }
    if (HW_EMBEDS && !hw_fits_embeddings(l, values, count))
        return HW_BAD_ARGUMENT;
    status = hw_check_sample(l, values, count, most, learn);
    return status < 0 ? status : hw_reserve_entries(l, most + l->answer_inputs);
}

int hw_read(hw_learner *l, hw_value *values, int64_t count, int learn, int in_order, hw_entries *entries)
{
    learn = HW_LEARNS ? learn : 0;
    int status = begin_row(l, values, count, learn);
    if (status < 0)
        return status;
    begin_entries(l);
    if (!in_order)
        status = read_by_names(l, values, count, learn);
    for (int64_t i = 0; in_order && i < count && status >= 0; i++)
        status = read_value(l, values + i, learn);
    if (status >= 0)
        status = hw_reserve_pairs(l, l->entries + l->answer_inputs);
    if (status >= 0 && hw_has_words(l))
        status = hw_end_text(l, learn);
    if (status < 0) {
        l->entries = l->added = 0;
        if (l->text)
            hw_clear_text(l);
        return status;
    }
    if (HW_WHOLE && l->answer_inputs)
        hw_end_entries(l);
    if (l->recurrent)
        hw_read_key(l, values, count);
    if (entries)
        *entries = (hw_entries){l->entries, l->entry_slots, l->entry_x};
    return 0;
}

/* A row of so many numbers is about to be read. */
static int begin_numbers(hw_learner *l, int64_t count)
{
    l->entries = l->added = l->unknown = l->sharing = 0;
    if (l->text)
        hw_clear_text(l);
    int status = hw_check_built(l);
    if (status >= 0)
        status = hw_check_sample(l, NULL, 0, count, 0);
    if (status >= 0)
        status = hw_reserve_entries(l, count + l->answer_inputs);
    return status < 0 ? status : hw_reserve_pairs(l, count + l->answer_inputs);
}

int hw_read_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count)
{
    int status = begin_numbers(l, count);
    if (status < 0)
        return status;
    int64_t n = 0, gaps = 0;
    uint32_t outside = 0, last = (uint32_t)l->slots.count - 1;
    for (int64_t i = 0; i < count; i++) /* one loop for each type of number: compilers make vectors of them */
        outside |= (uint32_t)slots[i] | (last - (uint32_t)slots[i]); /* the highest bit: below 0, or above the last */
    for (int64_t i = 0; i < count; i++)
        gaps |= x[i] != x[i];
    if (outside >> 31)
        return HW_BAD_ARGUMENT;
    begin_entries(l);
    n = l->entries;
    if (!gaps) {
        memcpy(l->entry_slots + n, slots, (size_t)count * sizeof(int32_t));
        memcpy(l->entry_x + n, x, (size_t)count * sizeof(double));
        n += count;
    }
    for (int64_t i = 0; gaps && i < count; i++) {
        l->entry_slots[n] = slots[i];
        l->entry_x[n] = x[i];
        n += x[i] == x[i];
    }
    l->entries = (int32_t)n;
    if (HW_WHOLE && l->answer_inputs)
        hw_end_entries(l);
    if (l->recurrent)
        hw_read_key_of_numbers(l, slots, x, count);
    return 0;
}

/* ---- looking at it --------------------------------------------------------------------------------------- */

int32_t hw_column(const hw_learner *l, const char *name, uint32_t size)
{
    int32_t found = hw_find(l, -1, name, size);
    return found < 0 ? -1 : l->names.value[found];
}

int hw_column_kind(const hw_learner *l, int32_t column)
{
    return column < 0 || column >= l->columns.count ? HW_BAD_ARGUMENT : l->columns.kind[column];
}

int32_t hw_columns(const hw_learner *l) { return l->columns.count; }

const char *hw_column_name(const hw_learner *l, int32_t column, uint32_t *size)
{
    *size = 0;
    return column < 0 || column >= l->columns.count ? NULL : bytes_of(&l->names, l->columns.name[column], size);
}

int32_t hw_column_slot(const hw_learner *l, int32_t column)
{
    return column < 0 || column >= l->columns.count ? -1 : l->columns.slot[column];
}

int hw_is_full(const hw_learner *l) { return l->shared_from != 0; }

int32_t hw_categories(const hw_learner *l) { return l->names.count; }

const char *hw_category(const hw_learner *l, int32_t c, int32_t *column, int32_t *row, uint32_t *size)
{
    if (c < 0 || c >= l->names.count)
        return NULL;
    *column = l->names.owner[c];
    *row = l->names.value[c];
    return bytes_of(&l->names, c, size);
}
