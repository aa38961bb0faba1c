/* ONE list of all arrays of a learner: where it keeps each, whose numbers they are, of which type and shape, and what is
 * done with them. Freeing, saving, loading, checking, copying, hashing and merging are loops over it. */
#include "learner.h"

#include <float.h>

enum { REAL = -1 }; /* the learner's own number type */

/* Along the second dimension, where there is one: a number, or HW_SHAPE. */
enum { ALONE, PER_KNOT, PER_COMPONENT };

/* What the numbers of an array may be, at most: whatever is restored is looked at, number by number. */
struct range {
    double low, high;
    const char *what;
    bool gaps; /* NaN stands for what is not there */
};
static const struct range FINITE = {-DBL_MAX, DBL_MAX, "finite numbers", false};
/* In float32 a square of far values may have overflowed, and a column ahead is kept as it came: what a learner made itself
 * must load. */
static const struct range NUMBERS = {-__builtin_huge_val(), __builtin_huge_val(), "numbers", false};
static const struct range VALUES = {-1.01e30, 1.01e30, "numbers up to 1e30", false};
static const struct range SQUARES = {0, 1e100, "numbers from 0 to 1e100", false};
static const struct range SUMS = {-1e100, 1e100, "numbers up to 1e100", false};
static const struct range GIVEN = {-1e100, 1e100, "numbers up to 1e100", true};
static const struct range ANSWERS = {-1.01e30, 1.01e30, "numbers up to 1e30", true};
static const struct range ANY = {-__builtin_huge_val(), __builtin_huge_val(), "numbers", true};
static const struct range COUNTS = {0, 9007199254740992.0, "counts", false};
static const struct range INTEGERS = {0, 0, "", false}; /* not looked at here: what they count or point at is */
static const struct range IMPORTANCE = {0, 1e30, "weights of samples", false};

#define TYPE(name, type) typedef type type_of_##name;
HW_PARTS(TYPE)
#undef TYPE
enum { OF_LEARNER = -1 };
#define AT(field) OF_LEARNER, offsetof(hw_learner, field), 0
#define OF(part, field) HW_PART_##part, offsetof(type_of_##part, field), 0
#define WORK(place) {NULL, 0, 0, 0, 0, place, NULL} /* memory that is no part of the state: it has no name */
#define PART(part, name, type, merge, count, across, field, range)                                                         \
    {#name, type, merge, HW_OF_PART, across, HW_PART_##part, offsetof(type_of_##part, field), count, &range},
#define PART_WORK(part, field) WORK(OF(part, field)),
#define NOTHING(...)
static const struct row {
    const char *name;
    int8_t type, merge, owner;
    int16_t across;
    int8_t part; /* where the array is kept: in a part, or OF_LEARNER; */
    uint16_t at;
    int16_t count;             /* of HW_OF_PART: how many, or HW_SHAPE */
    const struct range *range; /* of floating-point numbers */
} LIST[] = {{"declaration", HW_F64, HW_KEEP_FIRST, HW_OF_DECLARATION, ALONE, AT(declaration), &FINITE},
            {"sizes", HW_I64, HW_BY_NAME, HW_OF_SIZES, ALONE, AT(sizes), &INTEGERS},
            {"names_owner", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.owner), &INTEGERS},
            {"names_value", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.value), &INTEGERS},
            {"names_end", HW_I64, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.end), &INTEGERS},
            {"names_bytes", HW_U8, HW_BY_NAME, HW_OF_BYTES, ALONE, AT(names.bytes), &INTEGERS},
            {"column_name", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.name), &INTEGERS},
            {"column_kind", HW_U8, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.kind), &INTEGERS},
            {"column_slot", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.slot), &INTEGERS},
            {"slot_row", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.row), &INTEGERS},
            {"slot_basis", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.basis), &INTEGERS},
            {"slot_mean", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.mean), &SUMS},
            {"slot_variance", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.variance), &SQUARES},
            {"slot_seen", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.seen), &COUNTS},
            {"slot_knot_count", HW_I32, HW_SAMPLE, HW_OF_SLOTS, ALONE, AT(slots.knot_count), &INTEGERS},
            {"slot_knots", HW_F64, HW_SAMPLE, HW_OF_SLOTS, HW_SHAPE(PER_KNOT), AT(slots.knots), &VALUES},
            {"slot_reservoir", HW_F64, HW_SAMPLE, HW_OF_RESERVOIR, ALONE, OF(curves, packed), &VALUES},
            HW_CELLS_ARRAYS(PART, NOTHING) /* in the order of the state */
            {"shared_slots", HW_I32, HW_BY_NAME, HW_OF_SHARED, ALONE, AT(shared_slots), &INTEGERS},
            {"row_keys", HW_U64, HW_BY_NAME, HW_OF_ROWS, ALONE, AT(row_keys), &INTEGERS},
            {"touched", HW_I64, HW_SUM, HW_OF_ROWS, ALONE, AT(touched), &INTEGERS},
            {"weights", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(weights), &FINITE},
            {"state_0", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[0]), &NUMBERS},
            {"state_1", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[1]), &NUMBERS},
            {"state_2", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[2]), &NUMBERS},
            {"state_3", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[3]), &NUMBERS},
            {"state_4", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[4]), &NUMBERS},
            {"buffer", REAL, HW_MEAN, HW_OF_BUFFERS, ALONE, AT(buffer), &NUMBERS},
            {"running", HW_F64, HW_NUMBER_BY_NUMBER, HW_OF_EXPERTS, HW_RUNNING, AT(running), &SUMS},
            {"answers", HW_F64, HW_EXACT_STATISTICS, HW_OF_OUTPUTS, 3, AT(answers), &SUMS},
            {"random", HW_U64, HW_SUM, HW_OF_TWO, ALONE, AT(random), &INTEGERS},
            {"scores", HW_F64, HW_IN_TURN, HW_OF_SCORES, ALONE, AT(scores), &SUMS},
            {"label_history", HW_F64, HW_LAST, HW_OF_HISTORY, ALONE, AT(label_history), &SUMS},
            {"step", HW_F64, HW_KEEP_FIRST, HW_OF_TWO, ALONE, AT(step), &FINITE},
            {"sample_start", HW_I64, HW_SAMPLES_IN_TURN, HW_OF_RING, ALONE, OF(replay, start), &INTEGERS},
            {"sample_count", HW_I64, HW_SAMPLES_IN_TURN, HW_OF_RING, ALONE, OF(replay, count), &INTEGERS},
            {"sample_y", HW_F64, HW_SAMPLES_IN_TURN, HW_OF_RING, ALONE, OF(replay, y), &VALUES},
            {"sample_w", HW_F64, HW_SAMPLES_IN_TURN, HW_OF_RING, ALONE, OF(replay, w), &IMPORTANCE},
            {"pair_rows", HW_I32, HW_SAMPLES_IN_TURN, HW_OF_PAIRS, ALONE, OF(replay, rows), &INTEGERS},
            {"pair_values", REAL, HW_SAMPLES_IN_TURN, HW_OF_PAIRS, ALONE, OF(replay, values), &FINITE},
            {"pending_key", HW_U64, HW_CLEAR, HW_OF_PENDING, ALONE, OF(late, key), &INTEGERS},
            {"pending_highest_row", HW_I64, HW_CLEAR, HW_OF_PENDING, ALONE, OF(late, highest_row), &INTEGERS},
            {"pending", REAL, HW_CLEAR, HW_OF_PENDING, HW_SHAPE(PER_COMPONENT), OF(late, predictions), &FINITE},
            {"pending_answers", HW_F64, HW_CLEAR, HW_OF_PENDING_ANSWERS, HW_ANSWER_INPUTS, OF(late, answers), &ANSWERS},
            HW_PART_ARRAYS(PART, NOTHING) /* the state ends here */
            WORK(AT(expert)),
            WORK(AT(op)),
            WORK(AT(names.table)),
            WORK(AT(columns.order)),
            WORK(AT(slots.reservoir)),
            WORK(AT(entry_slots)),
            WORK(AT(entry_x)),
            WORK(AT(rows_at)),
            WORK(AT(values_at)),
            WORK(AT(values)),
            WORK(AT(deltas)),
            WORK(AT(list_rows)),
            WORK(AT(list_values)),
            WORK(AT(predictions)),
            WORK(AT(row_gradient)),
            WORK(OF(window, room)),
            WORK(AT(row_undo)),
            WORK(AT(losses)),
            WORK(AT(staging)),
            WORK(OF(curves, due)),
            WORK(OF(curves, moved)),
            WORK(OF(curves, knots)),
            WORK(OF(curves, knot)),
            WORK(OF(curves, of)),
            WORK(OF(curves, rows)),
            WORK(OF(curves, values)),
            WORK(AT(matrix)),
            WORK(AT(sorted)),
            WORK(OF(batch, values)),
            WORK(OF(batch, deltas)),
            WORK(OF(batch, lists)),
            WORK(OF(batch, list_values)),
            WORK(OF(batch, ends)),
            WORK(OF(batch, rows)),
            WORK(OF(batch, row_values)),
            WORK(OF(batch, moments)),
            HW_CELLS_ARRAYS(NOTHING, PART_WORK) HW_PART_ARRAYS(NOTHING, PART_WORK)};
enum { STATES = 121, WEIGHTS = 22, ARRAYS = sizeof LIST / sizeof *LIST };
_Static_assert((int)STATES <= (int)HW_MOST_ARRAYS, "arrays of a state fit where they are listed");
_Static_assert(sizeof(hw_learner) <= UINT16_MAX && HW_SHAPE(HW_NEWER) * 2 >= INT16_MIN, "places and shapes are short");

int hw_states(void) { return STATES; }

/* The place where a learner keeps an array; NULL: it lacks the part. */
static void *pointer_of(const hw_learner *l, const struct row *r)
{
    char *owner = r->part == OF_LEARNER ? (char *)(uintptr_t)l : l->parts[r->part];
    return owner ? owner + r->at : NULL;
}

static void *array_of(const hw_learner *l, const struct row *r)
{
    void *data = NULL, *at = pointer_of(l, r);
    if (at)
        memcpy(&data, at, sizeof data);
    return data;
}

void *hw_begin_part(hw_learner *l, int part)
{
    static const size_t sizes[] = {
#define SIZE(name, type) sizeof(type),
        HW_PARTS(SIZE)
#undef SIZE
    };
    if (!l->parts[part])
        l->parts[part] = hw_allocate(&l->memory, sizes[part]);
    return l->parts[part];
}

void hw_drop_part(hw_learner *l, int part)
{
    if (l->parts[part] && part < HW_KIND_PARTS && hw_parts[part]->drop)
        hw_parts[part]->drop(l);
    for (int i = 0; i < ARRAYS && l->parts[part]; i++)
        if (LIST[i].part == part)
            hw_release(array_of(l, LIST + i));
    hw_release(l->parts[part]);
    l->parts[part] = NULL;
}

void hw_free_arrays(hw_learner *l)
{
    for (int part = 0; part < HW_KIND_PARTS; part++)
        if (l->parts[part] && hw_parts[part]->drop)
            hw_parts[part]->drop(l);
    for (int32_t i = 0; i < l->slots.count && l->slots.reservoir; i++)
        hw_release(l->slots.reservoir[i]);
    for (int i = 0; i < ARRAYS; i++)
        hw_release(array_of(l, LIST + i));
    for (int part = 0; part < HW_PART_COUNT; part++)
        hw_release(l->parts[part]);
}

static double number_at(const hw_array *a, int64_t i)
{
    return a->type == HW_F32 ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

int hw_check_ranges(hw_learner *l, hw_fault *fault)
{
    for (int i = 2; i < STATES; i++) { /* behind the declaration and the sizes, which are checked before */
        const struct range *r = LIST[i].range;
        hw_array a;
        if (!HW_SMALL && hw_is_lacking(l, i))
            continue;
        hw_array_at(l, i, &a);
        int64_t count = r == &INTEGERS ? 0 : a.shape[0] * a.shape[1];
        for (int64_t j = 0; j < count; j++) {
            double x = number_at(&a, j);
            if (!(x >= r->low && x <= r->high) && !(r->gaps && x != x)) {
                *fault = (hw_fault){a.name, r->what, x};
                return HW_BAD_STATE;
            }
        }
    }
    return 0;
}

size_t hw_size_of(int type)
{
    static const size_t sizes[] = {1, 4, 8, 8, 4, 8};
    return sizes[type];
}

/* A number, or what the part says. */
static int64_t of_part(const hw_learner *l, const struct row *r, int count)
{
    int part = r->part;
    return count >= 0 ? count : l->parts[part] ? hw_parts[part]->count(l, HW_SHAPE(count) & ~HW_NEWER) : 0;
}

/* How many there are along the first dimension of row i, as l->sizes says. */
static int64_t count_of(const hw_learner *l, int i)
{
    const int64_t *n = l->sizes, capacity = n[HW_N_OUTPUT_CAPACITY];
    switch (LIST[i].owner) {
    case HW_OF_PART: return hw_is_lacking(l, i) ? 0 : of_part(l, LIST + i, LIST[i].count);
    case HW_OF_DECLARATION: return hw_declared(l);
    case HW_OF_SIZES: return HW_SIZES;
    case HW_OF_NAMES: return n[HW_N_NAMES];
    case HW_OF_BYTES: return n[HW_N_BYTES];
    case HW_OF_COLUMNS: return n[HW_N_COLUMNS];
    case HW_OF_SLOTS: return n[HW_N_SLOTS];
    case HW_OF_RESERVOIR: return l->curves ? n[HW_N_RESERVOIR] : 0;
    case HW_OF_SHARED: return n[HW_N_SHARED_FROM] ? hw_to_share(l) : 0;
    case HW_OF_ROWS: return n[HW_N_ROWS];
    case HW_OF_PARAMETERS: return i - WEIGHTS < l->states + 1 ? hw_vector_length(l, i - WEIGHTS - 1, n[HW_N_ROWS]) : 0;
    case HW_OF_BUFFERS: return l->buffers;
    case HW_OF_EXPERTS: return l->experts + 2;
    case HW_OF_OUTPUTS: return n[HW_N_OUTPUTS];
    case HW_OF_TWO: return 2;
    case HW_OF_SCORES: return hw_score_count(l);
    case HW_OF_HISTORY:
        return !l->history ? 0 : hw_history_head(l) + (l->targets || capacity > 2 * HW_COUNTED ? 0 : capacity * capacity);
    case HW_OF_RING: return l->ring;
    case HW_OF_PAIRS: return l->replay ? n[HW_N_PAIRS] : 0;
    case HW_OF_PENDING_ANSWERS: return l->answer_inputs && n[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    default: return n[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    }
}

static int64_t across(const hw_learner *l, const struct row *r)
{
    if (r->across >= 0 || r->owner == HW_OF_PART)
        return r->across ? of_part(l, r, r->across) : 1;
    return r->across == HW_SHAPE(PER_KNOT) ? l->knots : hw_components(l) * l->sizes[HW_N_OUTPUT_CAPACITY];
}

/* Where array i lies and its shape, as l->sizes says. */
int hw_array_at(hw_learner *l, int i, hw_array *a)
{
    const struct row *r = LIST + i;
    *a = (hw_array){.name = r->name,
                    .merge = r->merge,
                    .dimensions = r->across == ALONE ? 1 : 2,
                    .shape = {count_of(l, i), across(l, r), 1}};
    a->type = r->type == REAL ? (hw_is_double(l) ? HW_F64 : HW_F32) : r->type;
    a->data = array_of(l, r);
    return r->owner;
}

int hw_owner_of(int i) { return LIST[i].owner; }

int hw_part_of(int i) { return LIST[i].part; }

bool hw_is_lacking(const hw_learner *l, int i) { return LIST[i].owner == HW_OF_PART && !l->parts[LIST[i].part]; }

bool hw_is_newer(int i) { return LIST[i].owner == HW_OF_PART && LIST[i].count < 0 && HW_SHAPE(LIST[i].count) & HW_NEWER; }

int hw_first_array(int part)
{
    for (int i = 0; i < STATES; i++)
        if (LIST[i].owner == HW_OF_PART && LIST[i].part == part)
            return i;
    return -1;
}
