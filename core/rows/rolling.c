/* Rolling aggregates by key. Each key holds its events in the order of their times, so a row that comes late changes what a
 * window function over all rows would have changed. An aggregate is summed anew over its window, from the row back to its
 * beginning: nothing is carried on, so nothing drifts, and the numbers are those of the events alone. An event goes when it
 * is older than twice the longest window before one that enters: all that the window of a row within it may hold stays. */
#include "rolling.h"

#include "random.h"

#include <string.h>

typedef struct key_events {
    uint64_t key[2];
    uint64_t *events; /* (capacity, width), sorted by time */
    int32_t count, capacity;
    int32_t older, newer; /* its neighbours in the order of what entered last; `older` is the next one where it is free */
} key_events;

struct hw_rolling {
    hw_allocator memory;
    hw_roll_declaration d;
    int32_t width;
    key_events *keys;
    int32_t used, space, free; /* places in keys: those ever used, room, and the first that is free again, −1: none */
    int32_t oldest, newest, live;
    int32_t *slots; /* open addressing: a place in keys, −1: none */
    int32_t slot_count;
    int64_t events, cost, counts[HW_ROLL_COUNTS];
    uint64_t *seen; /* names of a window, of which each is counted once */
    uint32_t *marks, mark;
    int64_t seen_count;
    uint64_t *spare; /* the block of a key that is new */
    hw_roll_row row; /* what waits to enter, if ready */
    int ready;
};

enum { FIRST = 4, KEY_BYTES = 80 }; /* events of a new key's block; a key's place, slots and the heap's own share */

static void *resize(hw_rolling *r, void *block, size_t old, size_t size)
{
    return r->memory.resize(r->memory.context, block, old, size);
}

/* The least of 4, 6, 9, 13, … that holds so many: a function of the count alone, so that a saved state costs the same. */
static int64_t capacity_of(int64_t count)
{
    int64_t capacity = FIRST;
    while (capacity < count)
        capacity += capacity / 2;
    return capacity;
}

static size_t bytes_of(const hw_rolling *r, int64_t capacity) { return (size_t)(capacity * r->width) * sizeof(uint64_t); }

int64_t hw_rolling_cost(const hw_roll_declaration *d, int64_t events)
{
    return KEY_BYTES + capacity_of(events) * (1 + d->numbers + d->names) * (int64_t)sizeof(uint64_t);
}

hw_rolling *hw_rolling_make(const hw_allocator *memory, const hw_roll_declaration *declared)
{
    hw_rolling *r = memory->resize(memory->context, NULL, 0, sizeof *r);
    if (!r)
        return NULL;
    *r = (hw_rolling){.memory = *memory, .d = *declared, .free = -1, .oldest = -1, .newest = -1};
    r->width = 1 + declared->numbers + declared->names;
    return r;
}

static void clear(hw_rolling *r)
{
    for (int32_t i = 0; i < r->used; i++)
        if (r->keys[i].events)
            resize(r, r->keys[i].events, bytes_of(r, r->keys[i].capacity), 0);
    r->used = r->live = 0;
    r->free = r->oldest = r->newest = -1;
    r->events = r->cost = 0;
    for (int32_t i = 0; i < r->slot_count; i++)
        r->slots[i] = -1;
}

void hw_rolling_free(hw_rolling *r)
{
    if (!r)
        return;
    clear(r);
    if (r->keys)
        resize(r, r->keys, (size_t)r->space * sizeof *r->keys, 0);
    if (r->slots)
        resize(r, r->slots, (size_t)r->slot_count * sizeof *r->slots, 0);
    if (r->seen)
        resize(r, r->seen, (size_t)r->seen_count * sizeof *r->seen, 0);
    if (r->marks)
        resize(r, r->marks, (size_t)r->seen_count * sizeof *r->marks, 0);
    if (r->spare)
        resize(r, r->spare, bytes_of(r, FIRST), 0);
    resize(r, r, sizeof *r, 0);
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static uint32_t home(const hw_rolling *r, const uint64_t *key) { return (uint32_t)key[0] & (uint32_t)(r->slot_count - 1); }

/* The slot of a key, or the empty one where it belongs. */
static uint32_t slot_of(const hw_rolling *r, const uint64_t *key)
{
    uint32_t at = home(r, key), mask = (uint32_t)(r->slot_count - 1);
    while (r->slots[at] >= 0 && memcmp(r->keys[r->slots[at]].key, key, sizeof r->keys->key) != 0)
        at = (at + 1) & mask;
    return at;
}

static key_events *find(const hw_rolling *r, const uint64_t *key)
{
    int32_t place = r->slot_count ? r->slots[slot_of(r, key)] : -1;
    return place < 0 ? NULL : r->keys + place;
}

static int reserve_slots(hw_rolling *r)
{
    if (r->slot_count && r->live + 1 <= r->slot_count / 4 * 3)
        return 0;
    int32_t wanted = r->slot_count ? 2 * r->slot_count : 64;
    int32_t *slots = wanted > 0 ? resize(r, NULL, 0, (size_t)wanted * sizeof *slots) : NULL;
    if (!slots)
        return HW_NO_MEMORY;
    if (r->slots)
        resize(r, r->slots, (size_t)r->slot_count * sizeof *slots, 0);
    r->slots = slots;
    r->slot_count = wanted;
    for (int32_t i = 0; i < wanted; i++)
        slots[i] = -1;
    for (int32_t i = r->oldest; i >= 0; i = r->keys[i].newer)
        slots[slot_of(r, r->keys[i].key)] = i;
    return 0;
}

/* Room for one more key: its place, its slot, and its first block. */
static int reserve_key(hw_rolling *r)
{
    if (reserve_slots(r) < 0)
        return HW_NO_MEMORY;
    if (!r->spare && !(r->spare = resize(r, NULL, 0, bytes_of(r, FIRST))))
        return HW_NO_MEMORY;
    if (r->free >= 0 || r->used < r->space)
        return 0;
    int32_t wanted = r->space + r->space / 2 + 16;
    key_events *keys = resize(r, r->keys, (size_t)r->space * sizeof *keys, (size_t)wanted * sizeof *keys);
    if (!keys)
        return HW_NO_MEMORY;
    r->keys = keys;
    r->space = wanted;
    return 0;
}

static void unlink_key(hw_rolling *r, key_events *k)
{
    *(k->older >= 0 ? &r->keys[k->older].newer : &r->oldest) = k->newer;
    *(k->newer >= 0 ? &r->keys[k->newer].older : &r->newest) = k->older;
}

static void link_newest(hw_rolling *r, key_events *k)
{
    int32_t place = (int32_t)(k - r->keys);
    k->older = r->newest;
    k->newer = -1;
    *(r->newest >= 0 ? &r->keys[r->newest].newer : &r->oldest) = place;
    r->newest = place;
}

/* Add a key, for which reserve_key has made room. It holds no event yet. */
static key_events *add_key(hw_rolling *r, const uint64_t *key)
{
    int32_t place = r->free >= 0 ? r->free : r->used++;
    key_events *k = r->keys + place;
    if (place == r->free)
        r->free = k->older;
    *k = (key_events){.key = {key[0], key[1]}, .events = r->spare, .capacity = FIRST};
    r->spare = NULL;
    r->slots[slot_of(r, key)] = place;
    r->live++;
    r->cost += hw_rolling_cost(&r->d, 0);
    link_newest(r, k);
    return k;
}

/* Empty a slot, and move up what lies behind it and belongs before. */
static void empty_slot(hw_rolling *r, uint32_t at)
{
    uint32_t mask = (uint32_t)(r->slot_count - 1);
    for (uint32_t next = (at + 1) & mask; r->slots[next] >= 0; next = (next + 1) & mask) {
        uint32_t first = home(r, r->keys[r->slots[next]].key);
        if (((next - first) & mask) < ((next - at) & mask))
            continue;
        r->slots[at] = r->slots[next];
        at = next;
    }
    r->slots[at] = -1;
}

static void drop_key(hw_rolling *r, int32_t place)
{
    key_events *k = r->keys + place;
    empty_slot(r, slot_of(r, k->key));
    unlink_key(r, k);
    r->counts[HW_ROLL_KEYS_DROPPED]++;
    r->counts[HW_ROLL_EVENTS_DROPPED] += k->count;
    r->events -= k->count;
    r->cost -= hw_rolling_cost(&r->d, k->count);
    r->live--;
    resize(r, k->events, bytes_of(r, k->capacity), 0);
    *k = (key_events){.older = r->free, .newer = -1};
    r->free = place;
}

/* ---- aggregates ------------------------------------------------------------------------------------------ */

static int64_t time_of(const uint64_t *event) { return (int64_t)event[0]; }

static double number_of(uint64_t word)
{
    double x;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* How many events of a key are not later than a time. */
static int32_t not_later(const hw_rolling *r, const key_events *k, int64_t time)
{
    int32_t low = 0, high = k->count;
    if (high && time_of(k->events + (int64_t)(high - 1) * r->width) <= time)
        return high;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (time_of(k->events + (int64_t)middle * r->width) <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int reserve_seen(hw_rolling *r, int64_t events)
{
    int64_t wanted = r->seen_count ? r->seen_count : 64;
    while (wanted < 2 * (events + 1))
        wanted *= 2;
    if (wanted == r->seen_count)
        return 0;
    uint64_t *seen = resize(r, NULL, 0, (size_t)wanted * sizeof *seen);
    uint32_t *marks = seen ? resize(r, NULL, 0, (size_t)wanted * sizeof *marks) : NULL;
    if (!marks) {
        if (seen)
            resize(r, seen, (size_t)wanted * sizeof *seen, 0);
        return HW_NO_MEMORY;
    }
    if (r->seen) {
        resize(r, r->seen, (size_t)r->seen_count * sizeof *seen, 0);
        resize(r, r->marks, (size_t)r->seen_count * sizeof *marks, 0);
    }
    memset(marks, 0, (size_t)wanted * sizeof *marks);
    r->seen = seen;
    r->marks = marks;
    r->seen_count = wanted;
    r->mark = 0;
    return 0;
}

static void begin_names(hw_rolling *r)
{
    if (++r->mark)
        return;
    memset(r->marks, 0, (size_t)r->seen_count * sizeof *r->marks);
    r->mark = 1;
}

static int is_new_name(hw_rolling *r, uint64_t name)
{
    uint64_t mask = (uint64_t)r->seen_count - 1, at = name & mask;
    for (; r->marks[at] == r->mark; at = (at + 1) & mask)
        if (r->seen[at] == name)
            return 0;
    r->marks[at] = r->mark;
    r->seen[at] = name;
    return 1;
}

/* What one column (or, without one, the rows themselves) came to so far, from the row back. */
typedef struct running {
    int64_t count, names, since; /* since: microseconds, −1: not yet */
    double sum;
} running;

typedef struct span { /* events [first, row) of a key, and the row's own values */
    const key_events *k;
    int32_t first, row;
    const hw_roll_row *own;
} span;

static void take_number(running *sum, uint64_t word)
{
    double x = number_of(word);
    if (x != x)
        return;
    sum->count++;
    sum->sum += x;
}

static void take_name(hw_rolling *r, running *sum, uint64_t name, int distinct)
{
    if (name == HW_ROLL_NONE)
        return;
    sum->count++;
    sum->names += distinct && is_new_name(r, name);
}

static void take(hw_rolling *r, running *sum, int32_t column, uint64_t word, int distinct)
{
    if (column < 0)
        sum->count++;
    else if (column < r->d.numbers)
        take_number(sum, word);
    else
        take_name(r, sum, word, distinct);
}

static double said(const running *sum, int what)
{
    switch (what) {
    case HW_ROLL_SINCE: return sum->since < 0 ? __builtin_nan("") : (double)sum->since / 1e6;
    case HW_ROLL_SUM: return sum->count ? sum->sum : __builtin_nan("");
    case HW_ROLL_MEAN: return sum->count ? sum->sum / (double)sum->count : __builtin_nan("");
    case HW_ROLL_DISTINCT: return (double)sum->names;
    default: return (double)sum->count;
    }
}

/* Whether an event has the name whose last time is asked for: of the rows themselves, each has. */
static int is_like(int32_t column, const uint64_t *event, const hw_roll_row *own)
{
    return column < 0 || (own->values[column] == event[1 + column] && event[1 + column] != HW_ROLL_NONE);
}

static void write_window(const hw_rolling *r, int32_t column, int32_t window, const running *sum, double *out)
{
    for (int32_t a = 0; a < r->d.aggregates; a++)
        if (r->d.asked[a].column == column && r->d.asked[a].window == window)
            out[a] = said(sum, r->d.asked[a].what);
}

/* All aggregates of a column: one way back over the longest window, in which each shorter one ends. */
static void aggregate(hw_rolling *r, const span *s, int32_t column, int distinct, double *out)
{
    running sum = {.since = -1};
    int32_t window = 0;
    if (distinct)
        begin_names(r);
    take(r, &sum, column, column < 0 ? 0 : s->own->values[column], distinct);
    for (int32_t i = s->row - 1; i >= s->first; i--) {
        const uint64_t *event = s->k->events + (int64_t)i * r->width;
        int64_t ago = s->own->time - time_of(event);
        for (; ago > r->d.over[window]; window++)
            write_window(r, column, window, &sum, out);
        if (sum.since < 0 && is_like(column, event, s->own))
            sum.since = ago;
        take(r, &sum, column, column < 0 ? 0 : event[1 + column], distinct);
    }
    for (; window < r->d.windows; window++)
        write_window(r, column, window, &sum, out);
}

/* Whether an event of a key is the row itself. */
static int is_in(const hw_rolling *r, const key_events *k, const hw_roll_row *own)
{
    for (int32_t i = not_later(r, k, own->time) - 1; i >= 0; i--) {
        const uint64_t *event = k->events + (int64_t)i * r->width;
        if (time_of(event) != own->time)
            return 0;
        if (!memcmp(event + 1, own->values, (size_t)(r->width - 1) * sizeof *event))
            return 1;
    }
    return 0;
}

static int is_asked(const hw_rolling *r, int32_t column, int what)
{
    for (int32_t a = 0; a < r->d.aggregates; a++)
        if (r->d.asked[a].column == column && (what < 0 || r->d.asked[a].what == what))
            return 1;
    return 0;
}

/* Room for what enters: a new key, or one more event of a known one. */
static int reserve_event(hw_rolling *r, key_events *k)
{
    if (!k)
        return reserve_key(r);
    if (k->count < k->capacity || k->count >= r->d.most_events)
        return 0;
    int64_t wanted = capacity_of(k->count + 1);
    uint64_t *events = resize(r, k->events, bytes_of(r, k->capacity), bytes_of(r, wanted));
    if (!events)
        return HW_NO_MEMORY;
    k->events = events;
    k->capacity = (int32_t)wanted;
    return 0;
}

/* Whether a row that comes again is in already, or so old that it would go at once. */
static int is_known(const hw_rolling *r, const key_events *k, const hw_roll_row *row)
{
    if (!k)
        return 0;
    int64_t newest = time_of(k->events + (int64_t)(k->count - 1) * r->width);
    int is_full = k->count >= r->d.most_events && time_of(k->events) > row->time;
    return is_full || row->time < newest - 2 * r->d.over[r->d.windows - 1] || is_in(r, k, row);
}

static int reserve_row(hw_rolling *r, key_events *k, const hw_roll_row *row)
{
    if (reserve_event(r, k) < 0)
        return HW_NO_MEMORY;
    r->row = *row;
    r->ready = 1;
    return 0;
}

int hw_rolling_look(hw_rolling *r, const hw_roll_row *row, int how, double *out)
{
    key_events *k = find(r, row->key);
    span s = {.k = k, .own = row};
    r->ready = 0;
    if (how == HW_ROLL_AGAIN)
        return is_known(r, k, row) ? 0 : reserve_row(r, k, row);
    if (k) {
        s.row = not_later(r, k, row->time);
        s.first = not_later(r, k, row->time - r->d.over[r->d.windows - 1] - 1);
    }
    if (reserve_seen(r, s.row - s.first) < 0)
        return HW_NO_MEMORY;
    for (int32_t column = -1; column < r->width - 1; column++)
        if (is_asked(r, column, -1))
            aggregate(r, &s, column, is_asked(r, column, HW_ROLL_DISTINCT), out);
    return how == HW_ROLL_ENTER ? reserve_row(r, k, row) : 0;
}

/* ---- what enters ----------------------------------------------------------------------------------------- */

/* Let the first events of a key go. */
static void shift(hw_rolling *r, key_events *k, int32_t count)
{
    if (!count)
        return;
    memmove(k->events, k->events + (int64_t)count * r->width, bytes_of(r, k->count - count));
    r->cost -= hw_rolling_cost(&r->d, k->count) - hw_rolling_cost(&r->d, k->count - count);
    k->count -= count;
    r->events -= count;
}

static void insert(hw_rolling *r, key_events *k, const hw_roll_row *row)
{
    int32_t at = not_later(r, k, row->time);
    uint64_t *event = k->events + (int64_t)at * r->width;
    memmove(event + r->width, event, bytes_of(r, k->count - at));
    event[0] = (uint64_t)row->time;
    memcpy(event + 1, row->values, (size_t)(r->width - 1) * sizeof *event);
    r->cost += hw_rolling_cost(&r->d, k->count + 1) - hw_rolling_cost(&r->d, k->count);
    k->count++;
    r->events++;
}

/* Give back what a key holds beyond its events; where that fails, it is kept. */
static void fit(hw_rolling *r, key_events *k)
{
    int64_t wanted = capacity_of(k->count);
    uint64_t *events = wanted < k->capacity ? resize(r, k->events, bytes_of(r, k->capacity), bytes_of(r, wanted)) : NULL;
    if (!events)
        return;
    k->events = events;
    k->capacity = (int32_t)wanted;
}

void hw_rolling_enter(hw_rolling *r)
{
    const hw_roll_row *row = &r->row;
    if (!r->ready)
        return;
    r->ready = 0;
    int64_t longest = r->d.over[r->d.windows - 1];
    key_events *k = find(r, row->key);
    if (k && k->count && time_of(k->events + (int64_t)(k->count - 1) * r->width) - longest > row->time)
        r->counts[HW_ROLL_LATE]++;
    if (k) {
        unlink_key(r, k);
        link_newest(r, k);
    } else {
        k = add_key(r, row->key);
    }
    shift(r, k, not_later(r, k, row->time - 2 * longest - 1));
    if (k->count >= r->d.most_events) {
        r->counts[HW_ROLL_EVENTS_DROPPED]++;
        if (time_of(k->events) > row->time) /* it is the oldest itself */
            return;
        shift(r, k, 1);
    }
    insert(r, k, row);
    fit(r, k);
    while (r->cost > r->d.most_bytes && r->oldest != r->newest)
        drop_key(r, r->oldest);
}

void hw_rolling_forget(hw_rolling *r) { r->ready = 0; }

void hw_rolling_note(hw_rolling *r, int what) { r->counts[what]++; }

/* ---- state ----------------------------------------------------------------------------------------------- */

void hw_rolling_size(const hw_rolling *r, int64_t *sizes, int64_t *counts)
{
    sizes[HW_ROLL_KEYS] = r->live;
    sizes[HW_ROLL_EVENTS] = r->events;
    sizes[HW_ROLL_BYTES] = r->cost;
    memcpy(counts, r->counts, sizeof r->counts);
}

void hw_rolling_save(const hw_rolling *r, uint64_t *keys, int64_t *ends, uint64_t *events)
{
    int64_t end = 0, i = 0;
    for (int32_t place = r->oldest; place >= 0; place = r->keys[place].newer, i++) {
        const key_events *k = r->keys + place;
        memcpy(keys + 2 * i, k->key, sizeof k->key);
        memcpy(events + end * r->width, k->events, bytes_of(r, k->count));
        end += k->count;
        ends[i] = end;
    }
}

/* Whether the events of a key can be: some, in order, with times that can be and numbers that are finite or missing. */
static int are_sound(const hw_rolling *r, const uint64_t *events, int64_t count)
{
    int64_t before = -HW_ROLL_MOST_TIME;
    if (count < 1 || count > r->d.most_events)
        return 0;
    for (int64_t i = 0; i < count; i++, events += r->width) {
        if (time_of(events) < before || time_of(events) > HW_ROLL_MOST_TIME)
            return 0;
        before = time_of(events);
        for (int32_t c = 0; c < r->d.numbers; c++)
            if (__builtin_isinf(number_of(events[1 + c])))
                return 0;
    }
    return 1;
}

static int load_key(hw_rolling *r, const uint64_t *key, const uint64_t *events, int64_t count)
{
    if (!are_sound(r, events, count) || find(r, key))
        return HW_BAD_STATE;
    if (reserve_key(r) < 0)
        return HW_NO_MEMORY;
    key_events *k = add_key(r, key);
    int64_t wanted = capacity_of(count);
    uint64_t *own = wanted > FIRST ? resize(r, k->events, bytes_of(r, FIRST), bytes_of(r, wanted)) : k->events;
    if (!own)
        return HW_NO_MEMORY;
    k->events = own;
    k->capacity = (int32_t)wanted;
    memcpy(own, events, bytes_of(r, count));
    k->count = (int32_t)count;
    r->events += count;
    r->cost += hw_rolling_cost(&r->d, count) - hw_rolling_cost(&r->d, 0);
    return 0;
}

int hw_rolling_copy_key(hw_rolling *r, const hw_rolling *from, const uint64_t *key)
{
    const key_events *k = find(from, key);
    return !k || find(r, key) ? 0 : load_key(r, key, k->events, k->count);
}

int hw_rolling_load(hw_rolling *r, const uint64_t *keys, const int64_t *ends, int64_t n, const uint64_t *events, int64_t m,
                    const int64_t *counts)
{
    int64_t start = 0;
    int status = 0;
    clear(r);
    for (int64_t i = 0; !status && i < n; i++) {
        status = ends[i] <= start || ends[i] > m ? HW_BAD_STATE
                                                 : load_key(r, keys + 2 * i, events + start * r->width, ends[i] - start);
        start = ends[i];
    }
    for (int i = 0; i < HW_ROLL_COUNTS; i++)
        if (counts[i] < 0)
            status = HW_BAD_STATE;
    if (!status && start != m)
        status = HW_BAD_STATE;
    if (status)
        clear(r);
    else
        memcpy(r->counts, counts, sizeof r->counts);
    return status;
}
