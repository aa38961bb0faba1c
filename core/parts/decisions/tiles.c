/* Linear action values beside an agent's net, for small worlds: Q(lambda) over a table. Categories alone make one row a
 * state; of a few numbers, each tiling cuts their range into bins, and a state is one row of each tiling. Which of both
 * takes the actions follows from the returns of their trials. Formulas, sources and the reasons stand in
 * headwater/plain/kinds/tiles.py. */
#include "elementary.h"
#include "learner.h"

static const double FAINT = 0.02;                        /* a trace below it has ended */
static const double LARGEST = 1e90;                      /* of a value */
static const double FAR_DEVIATIONS = 10, FAR_SEEN = 10;  /* a number farther off widens no range, once so many were seen */
static const double FIRST_ROWS = 1000, NEW_ROWS = 0.125; /* a world of ids is small: rows at first, and for each step */
static const double OFTEN_RANDOM = 0.2, FIRST_SHARE = 0.8; /* while more actions are random, the table's share of trials */
static const double LEAST_SHARE = 0.02, LEAST_TRIALS = 3, TRIAL_PACE = 0.05, HOPELESS = 3;
static const double TURN = 500; /* steps of a trial where no episode ends */
enum { TRIAL = 43 };

/* ---- where things lie -------------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    (void)all;
    DECLARED(l->agent && l->agent->policy == HW_ACTION_VALUES, "policy", "action values beside a table",
             l->agent ? l->agent->policy : 0);
    DECLARED(d[HW_Q_TILINGS] >= 1 && d[HW_Q_TILINGS] <= HW_MOST_TILINGS && d[HW_Q_TILINGS] == (int)d[HW_Q_TILINGS],
             "tilings", "1 to 16", d[HW_Q_TILINGS]);
    DECLARED(d[HW_Q_BINS] >= 1 && d[HW_Q_BINS] <= 1024 && d[HW_Q_BINS] == (int)d[HW_Q_BINS], "bins", "1 to 1024",
             d[HW_Q_BINS]);
    DECLARED(d[HW_Q_COLUMNS] >= 0 && d[HW_Q_COLUMNS] <= HW_MOST_TILED && d[HW_Q_COLUMNS] == (int)d[HW_Q_COLUMNS],
             "numbers of a tiling", "0 to 8", d[HW_Q_COLUMNS]);
    DECLARED(d[HW_Q_STEP] > 0 && d[HW_Q_STEP] <= 1, "step of a table", "above 0, at most 1", d[HW_Q_STEP]);
    DECLARED(d[HW_Q_TRACE] >= 0 && d[HW_Q_TRACE] <= 1, "trace of a table", "0 to 1", d[HW_Q_TRACE]);
    DECLARED(d[HW_Q_FIRST] > 0 && d[HW_Q_FIRST] <= 1, "first step of a table", "above 0, at most 1", d[HW_Q_FIRST]);
    hw_tiles_t *t = hw_begin_part(l, HW_PART_tiles);
    if (!t)
        return HW_NO_MEMORY;
    t->tilings = (int)d[HW_Q_TILINGS];
    t->bins = (int)d[HW_Q_BINS];
    t->columns = (int)d[HW_Q_COLUMNS];
    t->step = d[HW_Q_STEP];
    t->trace = d[HW_Q_TRACE];
    t->first = d[HW_Q_FIRST];
    return 0;
}

static int64_t rows_of(const hw_tiles_t *t) { return t->numbers ? (int64_t)t->numbers[HW_TN_ROWS] : 0; }

static uint64_t slots_of(const hw_tiles_t *t) { return hw_capacity(t->places) / sizeof(int32_t); }

/* The place of a key in the hash table: where it lies, or where it would. */
static uint64_t place_of(const hw_tiles_t *t, uint64_t key)
{
    uint64_t mask = slots_of(t) - 1, at = hw_mix64(key) & mask;
    while (t->places[at] && t->keys[t->places[at] - 1] != key)
        at = (at + 1) & mask;
    return at;
}

static void list_rows(hw_tiles_t *t)
{
    memset(t->places, 0, slots_of(t) * sizeof *t->places);
    for (int64_t r = 0; r < rows_of(t); r++)
        t->places[place_of(t, t->keys[r])] = (int32_t)r + 1;
}

/* Room for so many rows, of which the hash table has at least twice as many places. */
static int reserve(hw_learner *l, int64_t rows)
{
    hw_tiles_t *t = l->tiles;
    const hw_allocator *m = &l->memory;
    uint64_t capacity = 64, outputs = (uint64_t)l->outputs;
    while (capacity < (uint64_t)rows)
        capacity *= 2;
    if (t->places && slots_of(t) >= 2 * capacity)
        return 0;
    if (!hw_extend(m, &t->keys, capacity * 8) || !hw_extend(m, &t->values, capacity * outputs * 8) ||
        !hw_extend(m, &t->counts, capacity * outputs * 8))
        return HW_NO_MEMORY;
    int32_t *places = hw_allocate(m, 2 * capacity * sizeof *places);
    if (!places)
        return HW_NO_MEMORY;
    hw_release(t->places);
    t->places = places;
    list_rows(t);
    return 0;
}

static int make(hw_learner *l)
{
    hw_tiles_t *t = l->tiles;
    const hw_allocator *m = &l->memory;
    if (!t)
        return 0;
    if (!hw_extend(m, &t->numbers, HW_TILE_NUMBERS * 8) || !hw_extend(m, &t->ranges, HW_MOST_TILED * HW_TILE_RANGE * 8) ||
        !hw_extend(m, &t->traces, HW_TILE_TRACES * HW_TILE_TRACE * 8) || !hw_extend(m, &t->out, (uint64_t)l->outputs * 8))
        return HW_NO_MEMORY;
    return reserve(l, rows_of(t));
}

static int begin(hw_learner *l)
{
    if (l->tiles)
        l->tiles->numbers[HW_TN_READER] = HW_BY_TABLE;
    return 0;
}

static int64_t most_rows(const hw_learner *l) { return l->max_rows; }

/* Rows say how large its arrays are. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    hw_tiles_t *t = l->tiles;
    if (!t)
        return 0;
    SAVED(first->type == HW_F64 && first->dimensions == 1 && first->shape[0] == HW_TILE_NUMBERS, "tile_numbers",
          "its numbers", first->shape[0]);
    if (!hw_extend(&l->memory, &t->numbers, HW_TILE_NUMBERS * 8))
        return HW_NO_MEMORY;
    memcpy(t->numbers, first->data, HW_TILE_NUMBERS * 8);
    double rows = t->numbers[HW_TN_ROWS];
    bool sound = rows >= 0 && rows <= (double)most_rows(l) && rows == (double)(int64_t)rows;
    if (!sound)
        t->numbers[HW_TN_ROWS] = 0;
    SAVED(sound, "tile_numbers", "as many rows as a table may have", rows);
    return 0;
}

static bool is_count(double x) { return x >= 0 && x <= 9007199254740992.0 && x == (double)(int64_t)x; }

static int check(hw_learner *l, hw_fault *fault)
{
    hw_tiles_t *t = l->tiles;
    static const int counts[] = {HW_TN_TRACES, HW_TN_TAKEN, HW_TN_STEPS, HW_TN_TRIALS, HW_TN_TRIALS + 1},
                     flags[] = {HW_TN_READER, HW_TN_HANDED, HW_TN_SETTLED};
    if (!t)
        return 0;
    const double *n = t->numbers;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        SAVED(is_count(n[counts[i]]), "tile_numbers", "counts", n[counts[i]]);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        SAVED(n[flags[i]] == 0 || n[flags[i]] == 1, "tile_numbers", "0 or 1", n[flags[i]]);
    SAVED(n[HW_TN_TRACES] <= HW_TILE_TRACES, "tile_numbers", "as many traces as are kept", n[HW_TN_TRACES]);
    SAVED(n[HW_TN_SPREAD] >= 0 && n[HW_TN_SPREAD + 1] >= 0, "tile_numbers", "variances", n[HW_TN_SPREAD]);
    for (int i = 0; i < HW_MOST_TILED; i++) {
        const double *r = t->ranges + i * HW_TILE_RANGE;
        SAVED(r[HW_TR_LOW] <= r[HW_TR_HIGH] && (r[HW_TR_KNOWN] == 0 || r[HW_TR_KNOWN] == 1), "tile_ranges", "ranges",
              r[HW_TR_LOW]);
    }
    for (int64_t i = 0; i < (int64_t)n[HW_TN_TRACES]; i++) {
        const double *z = t->traces + i * HW_TILE_TRACE;
        SAVED(is_count(z[HW_TT_ROW]) && z[HW_TT_ROW] < n[HW_TN_ROWS], "tile_traces", "rows of the table", z[HW_TT_ROW]);
        SAVED(is_count(z[HW_TT_ACTION]) && z[HW_TT_ACTION] < l->outputs, "tile_traces", "actions", z[HW_TT_ACTION]);
    }
    list_rows(t);
    return 0;
}

/* ---- states ------------------------------------------------------------------------------------------------ */

/* Number columns that states have, behind the time of the episode. */
static int tiled(const hw_learner *l) { return l->slots.count > 1 ? l->slots.count - 1 : 0; }

int hw_tiles_role(const hw_learner *l)
{
    const hw_tiles_t *t = l->tiles;
    if (!t || tiled(l) > t->columns)
        return HW_NO_TABLE;
    bool small = t->numbers[HW_TN_ROWS] <= FIRST_ROWS + NEW_ROWS * (double)l->learned;
    return tiled(l) == 0 && small ? HW_TABLE_ALONE : HW_TABLE_BESIDE;
}

/* A bin of column j in tiling k: tilings are displaced by odd multiples (Miller & Glanz 1996). */
static int bin_of(const hw_tiles_t *t, int j, int k, double x)
{
    const double *r = t->ranges + j * HW_TILE_RANGE;
    double width = r[HW_TR_HIGH] - r[HW_TR_LOW], part = width > 0 ? (x - r[HW_TR_LOW]) / width : 0;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return (int)(part * t->bins + (double)((2 * j + 1) * k % t->tilings) / t->tilings);
}

static bool is_number(double x) { return x - x == 0; }

/* The numbers of the state at hand, by column; their mean so far where one is missing. */
static void numbers_of(const hw_learner *l, double *x)
{
    for (int j = 0; j < tiled(l); j++)
        x[j] = l->slots.mean[j + 1];
    for (int64_t i = 0; i < l->entries; i++)
        if (l->entry_slots[i] > 0 && is_number(l->entry_x[i]))
            x[l->entry_slots[i] - 1] = l->entry_x[i];
}

/* The keys of the rows that the state at hand has in the table; the order of its columns doesn't matter. Returns how many:
 * one for categories alone, else one for each tiling. */
static int keys_of(const hw_learner *l, uint64_t *keys)
{
    const hw_tiles_t *t = l->tiles;
    int count = tiled(l) ? t->tilings : 1;
    uint64_t categories = 0;
    double x[HW_MOST_TILED];
    numbers_of(l, x);
    for (int64_t i = 0; i < l->entries; i++)
        if (l->entry_slots[i] < 0)
            categories += hw_mix64(l->row_keys[-l->entry_slots[i] - 1]);
    for (int k = 0; k < count; k++) {
        uint64_t sum = categories;
        for (int j = 0; j < tiled(l); j++)
            sum += hw_mix64(((uint64_t)j << 32 | (uint64_t)bin_of(t, j, k, x[j])) + 1);
        keys[k] = hw_mix64(sum + (uint64_t)k);
    }
    return count;
}

/* A range grows with its numbers, but for those that are out of all measure. */
static void widen(hw_learner *l)
{
    hw_tiles_t *t = l->tiles;
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i], j = slot - 1;
        double x = l->entry_x[i];
        if (j < 0 || j >= t->columns || !is_number(x))
            continue;
        double *r = t->ranges + j * HW_TILE_RANGE, d = x - l->slots.mean[slot], variance = l->slots.variance[slot];
        bool far = l->slots.seen[slot] > FAR_SEEN && variance > 0 && d * d > FAR_DEVIATIONS * FAR_DEVIATIONS * variance;
        if (far || x > 1e30 || x < -1e30)
            continue;
        r[HW_TR_LOW] = r[HW_TR_KNOWN] == 0 || x < r[HW_TR_LOW] ? x : r[HW_TR_LOW];
        r[HW_TR_HIGH] = r[HW_TR_KNOWN] == 0 || x > r[HW_TR_HIGH] ? x : r[HW_TR_HIGH];
        r[HW_TR_KNOWN] = 1;
    }
}

void hw_tiles_look(const hw_learner *l, double *values)
{
    const hw_tiles_t *t = l->tiles;
    uint64_t keys[HW_MOST_TILINGS];
    int count = keys_of(l, keys);
    memset(values, 0, (size_t)l->outputs * sizeof *values);
    for (int k = 0; k < count; k++) {
        int32_t row = t->places[place_of(t, keys[k])] - 1;
        for (int j = 0; row >= 0 && j < l->outputs; j++)
            values[j] += t->values[(int64_t)row * l->outputs + j];
    }
}

static double largest(const double *x, int n)
{
    double top = x[0];
    for (int j = 1; j < n; j++)
        top = x[j] > top ? x[j] : top;
    return top;
}

double hw_tiles_value(const hw_learner *l, const double *values)
{
    double sum = 0, random = l->agent->random;
    for (int j = 0; j < l->outputs; j++)
        sum += values[j];
    return (1 - random) * largest(values, l->outputs) + random * (sum / l->outputs);
}

/* ---- transitions ------------------------------------------------------------------------------------------- */

int hw_reserve_tiles(hw_learner *l)
{
    int64_t wanted = rows_of(l->tiles) + l->tiles->tilings;
    return reserve(l, wanted < most_rows(l) ? wanted : most_rows(l));
}

/* The row of a key, which is appended; in a full table it shares one. */
static int64_t row_of(hw_learner *l, uint64_t key)
{
    hw_tiles_t *t = l->tiles;
    uint64_t at = place_of(t, key);
    int64_t rows = rows_of(t);
    if (t->places[at])
        return t->places[at] - 1;
    if (rows >= most_rows(l))
        return (int64_t)(key % (uint64_t)rows);
    t->keys[rows] = key;
    t->places[at] = (int32_t)rows + 1;
    t->numbers[HW_TN_ROWS] += 1;
    return rows;
}

/* Traces fade; those of the rows and the action at hand end, since they begin anew (replacing traces, Singh & Sutton 1996).
 */
static void fade(hw_learner *l, const int64_t *rows, int count, int action)
{
    hw_tiles_t *t = l->tiles;
    int64_t kept = 0, all = (int64_t)t->numbers[HW_TN_TRACES], most = HW_TILE_TRACES - count;
    double factor = tiled(l) ? l->agent->gamma * t->trace : 0;
    for (int64_t i = 0; i < all; i++) {
        double *z = t->traces + i * HW_TILE_TRACE, strength = z[HW_TT_STRENGTH] * factor;
        bool goes_on = strength >= FAINT && all - i <= most;
        for (int k = 0; k < count && goes_on; k++)
            goes_on = z[HW_TT_ROW] != (double)rows[k] || z[HW_TT_ACTION] != action;
        if (!goes_on)
            continue;
        double *to = t->traces + kept++ * HW_TILE_TRACE;
        to[HW_TT_ROW] = z[HW_TT_ROW];
        to[HW_TT_ACTION] = z[HW_TT_ACTION];
        to[HW_TT_STRENGTH] = strength;
    }
    t->numbers[HW_TN_TRACES] = (double)kept;
}

static void add_traces(hw_learner *l, const int64_t *rows, int count, int action)
{
    hw_tiles_t *t = l->tiles;
    for (int k = 0; k < count; k++) {
        double *z = t->traces + (int64_t)t->numbers[HW_TN_TRACES] * HW_TILE_TRACE;
        z[HW_TT_ROW] = (double)rows[k];
        z[HW_TT_ACTION] = action;
        z[HW_TT_STRENGTH] = 1;
        t->numbers[HW_TN_TRACES] += 1;
    }
}

void hw_end_tile_traces(hw_learner *l)
{
    memset(l->tiles->traces, 0, HW_TILE_TRACES * HW_TILE_TRACE * sizeof(double));
    l->tiles->numbers[HW_TN_TRACES] = 0;
}

/* Of ids, the step falls with the fourth root of how often the action was learned in the state. Tilings share it. A heavier
 * transition moves a value farther, but not beyond its target. */
static double step_of(hw_learner *l, const int64_t *rows, int count, int action)
{
    hw_tiles_t *t = l->tiles;
    double w = hw_transition_weight(l->agent);
    for (int k = 0; k < count; k++)
        t->counts[rows[k] * l->outputs + action] += 1;
    double visits = t->counts[rows[0] * l->outputs + action];
    return tiled(l) ? hw_weighed(t->step, w) / count : hw_weighed(t->first / __builtin_sqrt(__builtin_sqrt(visits)), w);
}

static void step_along(hw_learner *l, double step)
{
    hw_tiles_t *t = l->tiles;
    for (int64_t i = 0; i < (int64_t)t->numbers[HW_TN_TRACES]; i++) {
        const double *z = t->traces + i * HW_TILE_TRACE;
        double *w = t->values + (int64_t)z[HW_TT_ROW] * l->outputs + (int64_t)z[HW_TT_ACTION];
        double value = *w + step * z[HW_TT_STRENGTH];
        *w = value < -LARGEST ? -LARGEST : value > LARGEST ? LARGEST : value;
    }
    t->numbers[HW_TN_TAKEN] += 1;
}

double hw_learn_tiles(hw_learner *l, int action, double reward, bool ended)
{
    hw_tiles_t *t = l->tiles;
    uint64_t keys[HW_MOST_TILINGS];
    int64_t rows[HW_MOST_TILINGS];
    bool learns = hw_transition_weight(l->agent) > 0;
    if (learns)
        widen(l);
    int count = keys_of(l, keys);
    hw_tiles_look(l, t->out);
    double delta = reward + l->agent->gamma * t->next - t->out[action];
    for (int k = 0; k < count; k++)
        rows[k] = row_of(l, keys[k]);
    fade(l, rows, count, action);
    add_traces(l, rows, count, action);
    if (learns)
        step_along(l, step_of(l, rows, count, action) * delta);
    if (ended || t->out[action] < largest(t->out, l->outputs))
        hw_end_tile_traces(l);
    return delta;
}

/* ---- trials ------------------------------------------------------------------------------------------------ */

static bool is_tried(const double *n) { return n[HW_TN_TRIALS] >= LEAST_TRIALS && n[HW_TN_TRIALS + 1] >= LEAST_TRIALS; }

/* The share of trials that the table gets: most while actions are random, which teaches both; then both by how their
 * returns compare. */
static double share_of_table(const double *n)
{
    if (!n[HW_TN_SETTLED])
        return FIRST_SHARE;
    if (!is_tried(n))
        return 0.5;
    double gap = n[HW_TN_MEAN + HW_BY_TABLE] - n[HW_TN_MEAN + HW_BY_NET];
    double spread = __builtin_sqrt((n[HW_TN_SPREAD] + n[HW_TN_SPREAD + 1]) / 2) + 1e-12;
    double far = (gap < 0 ? -gap : gap) / spread, worse = far < 50 ? 0.5 * hw_exp64(-2 * far) : 0;
    worse = worse > LEAST_SHARE ? worse : LEAST_SHARE;
    return gap > 0 ? 1 - worse : worse;
}

static void forget_trials(double *n)
{
    for (int r = 0; r < HW_READERS; r++)
        n[HW_TN_TRIALS + r] = n[HW_TN_MEAN + r] = n[HW_TN_SPREAD + r] = 0;
}

static void end_trial(hw_learner *l, double random)
{
    double *n = l->tiles->numbers;
    int r = (int)n[HW_TN_READER];
    double pace = 1 / (n[HW_TN_TRIALS + r] += 1), d = n[HW_TN_RETURN] - n[HW_TN_MEAN + r];
    pace = pace > TRIAL_PACE ? pace : TRIAL_PACE;
    n[HW_TN_MEAN + r] += pace * d;
    n[HW_TN_SPREAD + r] = (1 - pace) * (n[HW_TN_SPREAD + r] + pace * d * d);
    if (!n[HW_TN_SETTLED] && random <= OFTEN_RANDOM) {
        n[HW_TN_SETTLED] = 1;
        forget_trials(n);
    }
    double u = hw_unit(hw_bits(hw_key(l->seed, TRIAL, (uint64_t)l->learned), 0));
    n[HW_TN_READER] = u < share_of_table(n) ? HW_BY_TABLE : HW_BY_NET;
    n[HW_TN_HANDED] = n[HW_TN_RETURN] = n[HW_TN_STEPS] = 0;
}

static bool is_hopeless(const double *n)
{
    int r = (int)n[HW_TN_READER], other = 1 - r;
    return n[HW_TN_SETTLED] && is_tried(n) && n[HW_TN_MEAN + other] > n[HW_TN_MEAN + r] &&
           n[HW_TN_RETURN] < n[HW_TN_MEAN + other] - HOPELESS * __builtin_sqrt(n[HW_TN_SPREAD + other]);
}

void hw_follow_trial(hw_learner *l, double reward, double random, bool ended)
{
    double *n = l->tiles->numbers;
    bool endless = l->agent->numbers[HW_AN_EPISODES] == 0;
    if (hw_tiles_role(l) != HW_TABLE_BESIDE)
        return;
    n[HW_TN_RETURN] += reward;
    n[HW_TN_STEPS] += 1;
    if (ended || (endless && n[HW_TN_STEPS] >= TURN))
        end_trial(l, random);
    else if (is_hopeless(n))
        n[HW_TN_HANDED] = 1;
}

int hw_reader(const hw_learner *l)
{
    int role = hw_tiles_role(l);
    if (role != HW_TABLE_BESIDE)
        return role == HW_TABLE_ALONE ? HW_BY_TABLE : HW_BY_NET;
    const double *n = l->tiles->numbers;
    return n[HW_TN_HANDED] == 1 ? 1 - (int)n[HW_TN_READER] : (int)n[HW_TN_READER];
}

int hw_better_reader(const hw_learner *l)
{
    int role = hw_tiles_role(l);
    if (role != HW_TABLE_BESIDE)
        return role == HW_TABLE_ALONE ? HW_BY_TABLE : HW_BY_NET;
    const double *n = l->tiles->numbers;
    return n[HW_TN_SETTLED] && is_tried(n) && n[HW_TN_MEAN + HW_BY_NET] > n[HW_TN_MEAN + HW_BY_TABLE] ? HW_BY_NET
                                                                                                      : HW_BY_TABLE;
}

static int64_t count(const hw_learner *l, int code) { return code == HW_TS_OUTPUTS ? l->outputs : rows_of(l->tiles); }

const hw_part hw_part_tiles = {.tag = HW_TAG_TILES,
                               .least = HW_TILES,
                               .most = HW_TILES,
                               .needs = HW_BIT(agent),
                               .parse = parse,
                               .read = read,
                               .count = count,
                               .make = make,
                               .begin = begin,
                               .check = check};
