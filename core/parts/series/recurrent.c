/* Memory: the states of a diagonal linear recurrence, one for each key, and the sensitivities that make its gradients
 * exact.
 *
 * The learner's recurrent layer computes h <- lambda^dt h + gamma (U + iV) x for the key of each row
 * (kernels/layers/recurrent.c; formulas and sources in headwater/plain/network/recurrent.py). Here lies what is carried
 * from row to row: keys     of the last keys the state h, when each was learned last, and the time of its last row; blocks
 * of the last few of them the sensitivities of h: two for each unit, and one for each unit and row of the table. Both are
 * bounded. What was used least recently gives its place away: a key that comes back begins with h = 0, and one whose block
 * is gone begins its sensitivities at 0 while its state stays. */
#include "learner.h"

enum { MOST_MEMORY_UNITS = 4096, MOST_KEYS = 1 << 20, MOST_BLOCKS = 4096, MOST_TRACED = 1 << 14, MOST_NAME = 1 << 12 };

static const double FARTHEST = 1e6; /* no gap counts as more times the mean gap */
static const double BOUND = 10;     /* none moves the mean as if it were more times as long */
static const double SLOW = 1e-3;    /* the mean gap never forgets slower */

static int refuse(hw_fault *fault, const char *at, const char *expected, double got)
{
    if (fault)
        *fault = (hw_fault){at, expected, got};
    return HW_BAD_DECLARATION;
}

static bool whole(double x, double low, double high) { return x >= low && x <= high && x == (double)(int64_t)x; }

/* ---- declaring ------------------------------------------------------------------------------------------- */

bool hw_is_recurrent(const double *d, int64_t count)
{
    return count >= HW_MEMORY && whole(d[HW_M_BY], 0, MOST_NAME) && whole(d[HW_M_TIME], 0, MOST_NAME) &&
           count == HW_MEMORY + (int64_t)d[HW_M_BY] + (int64_t)d[HW_M_TIME];
}

static int read_name(hw_learner *l, const double *d, int64_t size, char **name, hw_fault *fault)
{
    *name = hw_allocate(&l->memory, (uint64_t)size + 1);
    if (!*name)
        return HW_NO_MEMORY;
    for (int64_t i = 0; i < size; i++) {
        if (!whole(d[i], 0, 255))
            return refuse(fault, "name of a column of a memory", "bytes", d[i]);
        (*name)[i] = (char)(unsigned char)d[i];
    }
    return 0;
}

static int check_declared(const hw_learner *l, const double *d, hw_fault *fault)
{
    static const struct {
        int at;
        double low, high;
        const char *name, *expected;
    } bounds[] = {{HW_M_UNITS, 1, MOST_MEMORY_UNITS, "units of a memory", "1 to 4096"},
                  {HW_M_KEYS, 1, MOST_KEYS, "keys of a memory", "1 to 1048576"},
                  {HW_M_BLOCKS, 1, MOST_BLOCKS, "keys with sensitivities", "1 to 4096"},
                  {HW_M_TRACED, 1, MOST_TRACED, "inputs with sensitivities", "1 to 16384"}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (!whole(d[bounds[i].at], bounds[i].low, bounds[i].high))
            return refuse(fault, bounds[i].name, bounds[i].expected, d[bounds[i].at]);
    if (!(d[HW_M_LEAST] >= 0 && d[HW_M_LEAST] <= d[HW_M_MOST] && d[HW_M_MOST] <= 1 && d[HW_M_MOST] > 0))
        return refuse(fault, "radius of a memory", "0 to 1, the least first", d[HW_M_LEAST]);
    if (!(d[HW_M_TURN] > 0 && d[HW_M_TURN] <= 6.3))
        return refuse(fault, "angle of a memory", "above 0, at most 6.3", d[HW_M_TURN]);
    if (d[HW_M_BLOCKS] * d[HW_M_TRACED] * d[HW_M_UNITS] > 1 << 28 || d[HW_M_KEYS] * d[HW_M_UNITS] > 1 << 28)
        return refuse(fault, "size of a memory", "at most 268435456 numbers", d[HW_M_KEYS] * d[HW_M_UNITS]);
    if (!l->growing && (d[HW_M_BY] > 0 || d[HW_M_TIME] > 0))
        return refuse(fault, "columns of a memory", "none where inputs have no names", 1);
    if (l->embedding || l->image || hw_is_anomaly(l))
        return refuse(fault, "a memory", "dense nets that learn from answers", 1);
    return 0;
}

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    (void)all;
    if (!hw_is_recurrent(d, own->count))
        return refuse(fault, "name of a column of a memory", "bytes", own->count);
    int status = check_declared(l, d, fault);
    if (status < 0)
        return status;
    hw_recurrent_t *m = hw_begin_part(l, HW_PART_recurrent);
    if (!m)
        return HW_NO_MEMORY;
    m->units = (int32_t)d[HW_M_UNITS];
    m->most_keys = (int32_t)d[HW_M_KEYS];
    m->most_blocks = (int32_t)(d[HW_M_BLOCKS] < d[HW_M_KEYS] ? d[HW_M_BLOCKS] : d[HW_M_KEYS]);
    m->traced = (int32_t)d[HW_M_TRACED];
    m->least = d[HW_M_LEAST];
    m->most = d[HW_M_MOST];
    m->turn = d[HW_M_TURN];
    m->by_size = (uint32_t)d[HW_M_BY];
    m->time_size = (uint32_t)d[HW_M_TIME];
    m->by_column = m->time_column = -1;
    m->at = -1;
    status = read_name(l, d + HW_MEMORY, m->by_size, &m->by, fault);
    return status < 0 ? status : read_name(l, d + HW_MEMORY + m->by_size, m->time_size, &m->time, fault);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

static int64_t table_for(int64_t keys)
{
    int64_t size = 16;
    while (size < 2 * keys)
        size *= 2;
    return size;
}

/* Room for so many keys and blocks, and for the working arrays. */
static int reserve_keys(hw_learner *l, int64_t keys, int64_t blocks)
{
    hw_recurrent_t *m = l->recurrent;
    const hw_allocator *a = &l->memory;
    uint64_t size = hw_number(l), units = (uint64_t)m->units, traced = (uint64_t)m->traced;
    if (!hw_extend(a, &m->numbers, HW_MN_NUMBERS * 8) || !hw_extend(a, &m->keys, (uint64_t)keys * HW_MEMORY_KEY * 8 + 8) ||
        !hw_extend(a, &m->states, (uint64_t)keys * 2 * units * size + 8) ||
        !hw_extend(a, &m->blocks, (uint64_t)blocks * (uint64_t)hw_block_head(m) * 8 + 8) ||
        !hw_extend(a, &m->traces, (uint64_t)blocks * (uint64_t)hw_block_size(m) * size + 8) ||
        !hw_extend(a, &m->next, (2 * units + 16) * size) || !hw_extend(a, &m->row, ((uint64_t)l->widest + 64) * size) ||
        !hw_extend(a, &m->value, traced * size + 64) || !hw_extend(a, &m->none, 2 * units * size + 64))
        return HW_NO_MEMORY;
    if (table_for(keys) > m->table_size) {
        int32_t *table = hw_allocate(a, (uint64_t)table_for(keys) * 4);
        if (!table)
            return HW_NO_MEMORY;
        hw_release(m->table);
        m->table = table;
        m->table_size = table_for(keys);
        hw_place_keys(l);
    }
    return 0;
}

static int make(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    if (!m)
        return 0;
    if (!hw_extend(&l->memory, &m->numbers, HW_MN_NUMBERS * 8))
        return HW_NO_MEMORY;
    return reserve_keys(l, (int64_t)m->numbers[HW_MN_KEYS] + 1, (int64_t)m->numbers[HW_MN_BLOCKS] + 1);
}

static int64_t grown(int64_t count, int64_t most)
{
    int64_t more = count + count / 2 + 1;
    return more < most ? more : most;
}

/* Rows of spline bases: the recurrence reads numbers, and not their curves. */
static void mark_curves(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    for (int32_t i = 0; m->curves && i < l->slots.count; i++)
        for (int64_t r = l->slots.basis[i]; r > 0 && r < l->slots.basis[i] + l->knots && r < m->curves_capacity; r++)
            m->curves[r] = 1;
}

/* Room for one key more, one block more, and the rows that a step may move: before anything is changed. */
int reserve(hw_learner *l, int64_t pairs)
{
    hw_recurrent_t *m = l->recurrent;
    if (!m)
        return 0;
    int64_t keys = (int64_t)m->numbers[HW_MN_KEYS], blocks = (int64_t)m->numbers[HW_MN_BLOCKS];
    int64_t room = (int64_t)(hw_capacity(m->keys) / (HW_MEMORY_KEY * 8));
    int64_t spare = (int64_t)(hw_capacity(m->blocks) / 8) / hw_block_head(m);
    if (!hw_extend(&l->memory, &m->moved, (uint64_t)(m->traced + pairs) * 4 + 64))
        return HW_NO_MEMORY;
    if (!l->knots || m->curves_capacity >= l->row_capacity) {
        if ((keys < room || keys >= m->most_keys) && (blocks < spare || blocks >= m->most_blocks))
            return 0;
    } else if (!hw_extend(&l->memory, &m->curves, (uint64_t)l->row_capacity)) {
        return HW_NO_MEMORY;
    } else {
        m->curves_capacity = l->row_capacity;
        mark_curves(l);
    }
    return reserve_keys(l, keys < room ? room : grown(keys, m->most_keys),
                        blocks < spare ? spare : grown(blocks, m->most_blocks));
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static uint64_t *key_of(const hw_recurrent_t *m, int64_t i) { return m->keys + i * HW_MEMORY_KEY; }

static int64_t place_of(const hw_recurrent_t *m, uint64_t key)
{
    int64_t mask = m->table_size - 1, at = (int64_t)(hw_mix64(key) & (uint64_t)mask);
    while (m->table[at] && key_of(m, m->table[at] - 1)[HW_MK_KEY] != key)
        at = (at + 1) & mask;
    return at;
}

static int64_t find_key(const hw_recurrent_t *m, uint64_t key)
{
    return m->table_size ? (int64_t)m->table[place_of(m, key)] - 1 : -1;
}

/* Fill the hash table anew. Returns whether each key is there once. */
bool hw_place_keys(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    bool once = true;
    memset(m->table, 0, (size_t)m->table_size * 4);
    for (int64_t i = 0; i < (int64_t)m->numbers[HW_MN_KEYS]; i++) {
        int64_t at = place_of(m, key_of(m, i)[HW_MK_KEY]);
        once = once && !m->table[at];
        m->table[at] = (int32_t)i + 1;
    }
    return once;
}

/* Take a key out of the hash table: those behind it move up. */
static void forget_key(hw_recurrent_t *m, uint64_t key)
{
    int64_t mask = m->table_size - 1, hole = place_of(m, key);
    m->table[hole] = 0;
    for (int64_t at = (hole + 1) & mask; m->table[at]; at = (at + 1) & mask) {
        int64_t home = (int64_t)(hw_mix64(key_of(m, m->table[at] - 1)[HW_MK_KEY]) & (uint64_t)mask);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        m->table[hole] = m->table[at];
        m->table[at] = 0;
        hole = at;
    }
}

static void clear_key(hw_learner *l, int64_t i, uint64_t key)
{
    hw_recurrent_t *m = l->recurrent;
    size_t bytes = 2 * (size_t)m->units * hw_number(l);
    uint64_t *own = key_of(m, i);
    if (own[HW_MK_BLOCK])
        m->blocks[((int64_t)own[HW_MK_BLOCK] - 1) * hw_block_head(m)] = -1;
    own[HW_MK_KEY] = key;
    own[HW_MK_BLOCK] = 0;
    own[HW_MK_TIME] = hw_time_bits(__builtin_nan(""));
    memset((char *)m->states + (size_t)i * bytes, 0, bytes);
}

/* The least recently used of all keys gives its place away. */
static int64_t new_key(hw_learner *l, uint64_t key)
{
    hw_recurrent_t *m = l->recurrent;
    int64_t count = (int64_t)m->numbers[HW_MN_KEYS], i = 0;
    if (count < m->most_keys) {
        i = count;
        m->numbers[HW_MN_KEYS] += 1;
        key_of(m, i)[HW_MK_BLOCK] = 0;
    } else {
        for (int64_t q = 1; q < count; q++)
            i = key_of(m, q)[HW_MK_USED] < key_of(m, i)[HW_MK_USED] ? q : i;
        forget_key(m, key_of(m, i)[HW_MK_KEY]);
    }
    clear_key(l, i, key);
    m->table[place_of(m, key)] = (int32_t)i + 1;
    return i;
}

/* A block of zeros for key i: a free one, or that of the key that was used least recently. */
static void new_block(hw_learner *l, int64_t i)
{
    hw_recurrent_t *m = l->recurrent;
    int64_t count = (int64_t)m->numbers[HW_MN_BLOCKS], b = 0, head = hw_block_head(m), size = hw_block_size(m);
    if (count < m->most_blocks) {
        b = count;
        m->numbers[HW_MN_BLOCKS] += 1;
    } else {
        uint64_t least = UINT64_MAX;
        for (int64_t q = 0; q < count; q++) {
            int64_t owner = m->blocks[q * head];
            uint64_t used = owner < 0 ? 0 : key_of(m, owner)[HW_MK_USED];
            b = used < least ? q : b;
            least = used < least ? used : least;
        }
        if (m->blocks[b * head] >= 0)
            key_of(m, m->blocks[b * head])[HW_MK_BLOCK] = 0;
    }
    m->blocks[b * head] = i;
    for (int32_t q = 0; q < m->traced; q++) {
        m->blocks[b * head + 1 + q] = -1;
        m->blocks[b * head + 1 + m->traced + q] = 0;
    }
    memset((char *)m->traces + (size_t)(b * size) * hw_number(l), 0, (size_t)size * hw_number(l));
    key_of(m, i)[HW_MK_BLOCK] = (uint64_t)b + 1;
}

int64_t hw_take_state(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    if (m->at < 0)
        m->at = find_key(m, m->key); /* a learner that was just loaded has read no sample */
    if (m->at < 0)
        m->at = new_key(l, m->key);
    if (!key_of(m, m->at)[HW_MK_BLOCK])
        new_block(l, m->at);
    m->numbers[HW_MN_CLOCK] += 1;
    key_of(m, m->at)[HW_MK_USED] = (uint64_t)m->numbers[HW_MN_CLOCK];
    if (m->now == m->now) {
        double before = hw_time_of(key_of(m, m->at)[HW_MK_TIME]), gap = m->now - before;
        if (gap > 0 && gap - gap == 0) {
            double *mean = m->numbers + HW_MN_GAP, t = m->numbers[HW_MN_GAPS] += 1, rate = 1 / t > SLOW ? 1 / t : SLOW;
            gap = t > 1 && gap > BOUND * *mean ? BOUND * *mean : gap;
            *mean += (gap - *mean) * rate;
        }
        key_of(m, m->at)[HW_MK_TIME] = hw_time_bits(m->now);
    }
    return m->at;
}

void hw_forget_states(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    if (!m)
        return;
    m->numbers[HW_MN_KEYS] = m->numbers[HW_MN_BLOCKS] = 0;
    memset(m->table, 0, (size_t)m->table_size * 4);
    m->at = -1;
    l->predicted_count = -1;
}

/* ---- whose row it is ------------------------------------------------------------------------------------- */

void hw_find_state(hw_learner *l, uint64_t key, double now)
{
    hw_recurrent_t *m = l->recurrent;
    m->key = key;
    m->now = now;
    m->at = find_key(m, key);
    m->gap = 1;
    if (m->at < 0 || now != now)
        return;
    double gap = now - hw_time_of(key_of(m, m->at)[HW_MK_TIME]);
    if (gap != gap)
        return;
    double unit = m->numbers[HW_MN_GAP];
    gap = gap > 0 ? (unit > 0 ? gap / unit : 1) : 0;
    m->gap = gap < FARTHEST ? gap : FARTHEST;
}

static uint64_t key_of_number(double x)
{
    uint64_t bits;
    x += 0.0; /* -0 is 0 */
    memcpy(&bits, &x, 8);
    return hw_mix64(bits) | 1;
}

static void find_columns(hw_learner *l)
{
    hw_recurrent_t *m = l->recurrent;
    if (m->by_size && m->by_column < 0)
        m->by_column = hw_column(l, m->by, m->by_size);
    if (m->time_size && m->time_column < 0)
        m->time_column = hw_column(l, m->time, m->time_size);
}

/* The key and the time of a sample whose values were read. Rows that don't say a key share one. */
void hw_read_key(hw_learner *l, const hw_value *values, int64_t count)
{
    hw_recurrent_t *m = l->recurrent;
    uint64_t key = 0;
    double now = __builtin_nan("");
    find_columns(l);
    for (int64_t i = 0; i < count; i++) {
        const hw_value *v = values + i;
        if (v->column < 0 || !v->has || (v->column != m->by_column && v->column != m->time_column))
            continue;
        int kind = l->columns.kind[v->column];
        bool number = v->has & HW_HAS_NUMBER && kind == HW_NUMBER && v->number - v->number == 0;
        bool time = v->has & HW_HAS_TIME && kind == HW_TIME && v->time[0] - v->time[0] == 0;
        if (v->column == m->by_column)
            key = number                 ? key_of_number(v->number)
                  : time                 ? key_of_number(v->time[0])
                  : v->has & HW_HAS_TEXT ? hw_hash(1, v->text, v->text_size) | 1
                                         : 0;
        if (v->column == m->time_column && (number || time))
            now = time ? v->time[0] : v->number;
    }
    hw_find_state(l, key, now);
}

void hw_read_key_of_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count)
{
    hw_recurrent_t *m = l->recurrent;
    uint64_t key = 0;
    double now = __builtin_nan("");
    find_columns(l);
    int32_t by = m->by_column < 0 ? -1 : l->columns.slot[m->by_column];
    int32_t time = m->time_column < 0 ? -1 : l->columns.slot[m->time_column];
    for (int64_t i = 0; i < count; i++) {
        if (slots[i] == by && by >= 0 && x[i] - x[i] == 0)
            key = key_of_number(x[i]);
        if (slots[i] == time && time >= 0 && x[i] - x[i] == 0)
            now = x[i];
    }
    hw_find_state(l, key, now);
}

/* ---- loading --------------------------------------------------------------------------------------------- */

static bool countable(double x, double most) { return x >= 0 && x <= most && x == (double)(int64_t)x; }

/* The counts from which the shapes of the other arrays follow. */
static int read(hw_learner *l, const hw_array *array, hw_fault *fault)
{
    hw_recurrent_t *m = l->recurrent;
    if (!m)
        return 0;
    SAVED(array->type == HW_F64 && array->dimensions == 1 && array->shape[0] == HW_MN_NUMBERS, "memory_numbers",
          "its numbers", array->shape[0]);
    if (!hw_extend(&l->memory, &m->numbers, HW_MN_NUMBERS * 8))
        return HW_NO_MEMORY;
    memcpy(m->numbers, array->data, HW_MN_NUMBERS * 8);
    SAVED(countable(m->numbers[HW_MN_KEYS], m->most_keys), "memory_numbers", "at most as many keys as declared",
          m->numbers[HW_MN_KEYS]);
    SAVED(countable(m->numbers[HW_MN_BLOCKS], m->most_blocks), "memory_numbers", "at most as many blocks as declared",
          m->numbers[HW_MN_BLOCKS]);
    SAVED(countable(m->numbers[HW_MN_CLOCK], 9007199254740992.0) && countable(m->numbers[HW_MN_GAPS], 9007199254740992.0),
          "memory_numbers", "counts", m->numbers[HW_MN_CLOCK]);
    SAVED(m->numbers[HW_MN_GAP] >= 0, "memory_numbers", "a gap of 0 or more", m->numbers[HW_MN_GAP]);
    return 0;
}

static int check(hw_learner *l, hw_fault *fault)
{
    hw_recurrent_t *m = l->recurrent;
    if (!m)
        return 0;
    int64_t keys = (int64_t)m->numbers[HW_MN_KEYS], blocks = (int64_t)m->numbers[HW_MN_BLOCKS], head = hw_block_head(m);
    for (int64_t i = 0; i < keys; i++) {
        uint64_t *own = key_of(m, i), b = own[HW_MK_BLOCK];
        SAVED(own[HW_MK_USED] <= (uint64_t)m->numbers[HW_MN_CLOCK], "memory_keys", "used until now", own[HW_MK_USED]);
        SAVED(b <= (uint64_t)blocks && (b == 0 || m->blocks[((int64_t)b - 1) * head] == i), "memory_keys",
              "a block that belongs to it, or none", b);
    }
    for (int64_t b = 0; b < blocks; b++) {
        int64_t *own = m->blocks + b * head;
        SAVED(own[0] >= -1 && own[0] < keys && (own[0] < 0 || key_of(m, own[0])[HW_MK_BLOCK] == (uint64_t)b + 1),
              "memory_blocks", "the key that it belongs to, or none", own[0]);
        for (int32_t q = 0; q < m->traced; q++) {
            SAVED(own[1 + q] >= -1 && own[1 + q] < l->rows, "memory_blocks", "rows of the table", own[1 + q]);
            SAVED(own[1 + m->traced + q] >= 0 && (double)own[1 + m->traced + q] <= m->numbers[HW_MN_CLOCK], "memory_blocks",
                  "used until now", own[1 + m->traced + q]);
        }
    }
    SAVED(hw_place_keys(l), "memory_keys", "each key once", 2);
    return reserve(l, 0);
}

static int64_t count(const hw_learner *l, int code)
{
    const hw_recurrent_t *m = l->recurrent;
    switch (code) {
    case HW_MN_STATES: return (int64_t)m->numbers[HW_MN_KEYS];
    case HW_MN_SENSITIVITIES: return (int64_t)m->numbers[HW_MN_BLOCKS];
    case HW_MN_STATE: return 2 * (int64_t)m->units;
    case HW_MN_HEAD: return hw_block_head(m);
    default: return hw_block_size(m);
    }
}

const hw_part hw_part_recurrent = {.tag = HW_TAG_RECURRENT,
                                   .least = HW_MEMORY,
                                   .most = HW_MEMORY + 2 * MOST_NAME,
                                   .parse = parse,
                                   .read = read,
                                   .count = count,
                                   .make = make,
                                   .check = check,
                                   .reserve = reserve};
