/* ONE list of all arrays of a learner: where it keeps each, whose numbers they are, of which type and shape, and what is
 * done with them. Freeing, saving, loading, checking, copying, hashing and merging are loops over it. */
#include "learner.h"

#include <float.h>
#include <math.h>

enum { REAL = -1 }; /* the learner's own number type */

/* Along the second dimension, where there is one. */
enum {
    ALONE,
    PER_KNOT,
    PER_RUNNING,
    PER_THREE,
    PER_COMPONENT,
    PER_ANSWER_INPUT,
    PER_FEATURE,
    PER_HORIZON,
    PER_ORIGIN,
    PER_ERROR,
    PER_SCORE,
    PER_LEVEL,
    PER_TWO,
    PER_NUMBER,
    PER_INPUT,
    PER_PAIR_OF_INPUTS,
    PER_CAPACITY,
    PER_COVERAGE,
    PER_GIVEN,
    PER_KEY,
    PER_STATE,
    PER_HEAD,
    PER_TRACE
};

/* What the numbers of an array may be, at most: whatever is restored is looked at, number by number. */
struct range {
    double low, high;
    const char *what;
    bool gaps; /* NaN stands for what is not there */
};
static const struct range FINITE = {-DBL_MAX, DBL_MAX, "finite numbers"};
/* In float32 a square of far values may have overflowed, and a column ahead is kept as it came: what a learner made itself
 * must load. */
static const struct range NUMBERS = {-HUGE_VAL, HUGE_VAL, "numbers"};
static const struct range VALUES = {-1.01e30, 1.01e30, "numbers up to 1e30"};
static const struct range SQUARES = {0, 1e100, "numbers from 0 to 1e100"};
static const struct range SUMS = {-1e100, 1e100, "numbers up to 1e100"};
static const struct range GIVEN = {-1e100, 1e100, "numbers up to 1e100", true};
static const struct range ANSWERS = {-1.01e30, 1.01e30, "numbers up to 1e30", true};
static const struct range COUNTS = {0, 9007199254740992.0, "counts"};
static const struct range IMPORTANCE = {0, 1e30, "weights of samples"};

#define AT(field) offsetof(hw_learner, field)
#define WORK(field) {.at = AT(field)} /* memory that is no part of the state: it has no name */
static const struct row {
    const char *name;
    int type, merge, owner, across;
    size_t at;                 /* where a learner keeps the array */
    const struct range *range; /* of floating-point numbers */
} LIST[] = {
    {"declaration", HW_F64, HW_KEEP_FIRST, HW_OF_DECLARATION, ALONE, AT(declaration), &FINITE},
    {"sizes", HW_I64, HW_BY_NAME, HW_OF_SIZES, ALONE, AT(sizes), NULL},
    {"names_owner", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.owner), NULL},
    {"names_value", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.value), NULL},
    {"names_end", HW_I64, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.end), NULL},
    {"names_bytes", HW_U8, HW_BY_NAME, HW_OF_BYTES, ALONE, AT(names.bytes), NULL},
    {"column_name", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.name), NULL},
    {"column_kind", HW_U8, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.kind), NULL},
    {"column_slot", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.slot), NULL},
    {"slot_row", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.row), NULL},
    {"slot_basis", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.basis), NULL},
    {"slot_mean", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.mean), &SUMS},
    {"slot_variance", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.variance), &SQUARES},
    {"slot_seen", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.seen), &COUNTS},
    {"slot_knot_count", HW_I32, HW_SAMPLE, HW_OF_SLOTS, ALONE, AT(slots.knot_count), NULL},
    {"slot_knots", HW_F64, HW_SAMPLE, HW_OF_SLOTS, PER_KNOT, AT(slots.knots), &VALUES},
    {"slot_reservoir", HW_F64, HW_SAMPLE, HW_OF_RESERVOIR, ALONE, AT(packed), &VALUES},
    {"cell_code", HW_I32, HW_MOST_TESTS, HW_OF_TESTS, ALONE, AT(cells.code), NULL},
    {"cell_threshold", HW_F64, HW_MOST_TESTS, HW_OF_TESTS, ALONE, AT(cells.threshold), &FINITE},
    {"shared_slots", HW_I32, HW_BY_NAME, HW_OF_SHARED, ALONE, AT(shared_slots), NULL},
    {"row_keys", HW_U64, HW_BY_NAME, HW_OF_ROWS, ALONE, AT(row_keys), NULL},
    {"touched", HW_I64, HW_SUM, HW_OF_ROWS, ALONE, AT(touched), NULL},
    {"weights", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(weights), &FINITE},
    {"state_0", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[0]), &NUMBERS},
    {"state_1", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[1]), &NUMBERS},
    {"state_2", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[2]), &NUMBERS},
    {"state_3", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[3]), &NUMBERS},
    {"state_4", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[4]), &NUMBERS},
    {"buffer", REAL, HW_MEAN, HW_OF_BUFFERS, ALONE, AT(buffer), &NUMBERS},
    {"running", HW_F64, HW_NUMBER_BY_NUMBER, HW_OF_EXPERTS, PER_RUNNING, AT(running), &SUMS},
    {"answers", HW_F64, HW_EXACT_STATISTICS, HW_OF_OUTPUTS, PER_THREE, AT(answers), &SUMS},
    {"random", HW_U64, HW_SUM, HW_OF_TWO, ALONE, AT(random), NULL},
    {"scores", HW_F64, HW_IN_TURN, HW_OF_SCORES, ALONE, AT(scores), &SUMS},
    {"label_history", HW_F64, HW_LAST, HW_OF_HISTORY, ALONE, AT(label_history), &SUMS},
    {"step", HW_F64, HW_KEEP_FIRST, HW_OF_TWO, ALONE, AT(step), &FINITE},
    {"sample_start", HW_I64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_start), NULL},
    {"sample_count", HW_I64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_count), NULL},
    {"sample_y", HW_F64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_y), &VALUES},
    {"sample_w", HW_F64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_w), &IMPORTANCE},
    {"pair_rows", HW_I32, HW_CLEAR, HW_OF_PAIRS, ALONE, AT(pair_rows), NULL},
    {"pair_values", REAL, HW_CLEAR, HW_OF_PAIRS, ALONE, AT(pair_values), &FINITE},
    {"pending_key", HW_U64, HW_CLEAR, HW_OF_PENDING, ALONE, AT(pending_key), NULL},
    {"pending_highest_row", HW_I64, HW_CLEAR, HW_OF_PENDING, ALONE, AT(pending_highest_row), NULL},
    {"pending", REAL, HW_CLEAR, HW_OF_PENDING, PER_COMPONENT, AT(pending), &FINITE},
    {"pending_answers", HW_F64, HW_CLEAR, HW_OF_PENDING_ANSWERS, PER_ANSWER_INPUT, AT(pending_answers), &ANSWERS},
    {"text_counts", HW_I64, HW_BY_NAME, HW_OF_TEXT, ALONE, AT(text.counts), NULL},
    {"text_columns", HW_I32, HW_BY_NAME, HW_OF_TEXT_COLUMNS, ALONE, AT(text.columns), NULL},
    {"text_keys", HW_U64, HW_BY_NAME, HW_OF_TEXT_ROWS, ALONE, AT(text.keys), NULL},
    {"text_seen", HW_F64, HW_BY_NAME, HW_OF_TEXT_ROWS, ALONE, AT(text.seen), &COUNTS},
    {"text_weights", REAL, HW_BY_NAME, HW_OF_TEXT_ROWS, PER_CAPACITY, AT(text.weights), &FINITE},
    {"memory_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_MEMORY, ALONE, AT(recurrent.numbers), &SQUARES},
    {"memory_keys", HW_U64, HW_KEEP_FIRST, HW_OF_KEYS, PER_KEY, AT(recurrent.keys), NULL},
    {"memory_states", REAL, HW_KEEP_FIRST, HW_OF_KEYS, PER_STATE, AT(recurrent.states), &FINITE},
    {"memory_blocks", HW_I64, HW_KEEP_FIRST, HW_OF_BLOCKS, PER_HEAD, AT(recurrent.blocks), NULL},
    {"memory_traces", REAL, HW_KEEP_FIRST, HW_OF_BLOCKS, PER_TRACE, AT(recurrent.traces), &NUMBERS},
    {"forecast_counts", HW_I64, HW_KEEP_FIRST, HW_OF_FORECAST, ALONE, AT(forecast.counts), NULL},
    {"forecast_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_NUMBERS, ALONE, AT(forecast.numbers), &SUMS},
    {"forecast_past", HW_F64, HW_KEEP_FIRST, HW_OF_PAST, ALONE, AT(forecast.past), &VALUES},
    {"forecast_inverse", HW_F64, HW_KEEP_FIRST, HW_OF_FEATURES, PER_FEATURE, AT(forecast.inverse), &SUMS},
    {"forecast_weights", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.weights), &SUMS},
    {"forecast_inputs", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.inputs), &SUMS},
    {"forecast_gains", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.gains), &SUMS},
    {"forecast_said", HW_F64, HW_KEEP_FIRST, HW_OF_ORIGINS, PER_HORIZON, AT(forecast.said), &SUMS},
    {"forecast_origins", HW_F64, HW_KEEP_FIRST, HW_OF_ORIGINS, PER_ORIGIN, AT(forecast.origins), &SUMS},
    {"forecast_errors", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_ERROR, AT(forecast.errors), &SUMS},
    {"forecast_scores", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_SCORE, AT(forecast.scores), &SUMS},
    {"forecast_column_start", HW_I64, HW_KEEP_FIRST, HW_OF_HORIZONS, ALONE, AT(forecast.x_start), NULL},
    {"forecast_column_count", HW_I64, HW_KEEP_FIRST, HW_OF_HORIZONS, ALONE, AT(forecast.x_count), NULL},
    {"forecast_column_slots", HW_I32, HW_KEEP_FIRST, HW_OF_COLUMN_ENTRIES, ALONE, AT(forecast.x_slots), NULL},
    {"forecast_column_x", HW_F64, HW_KEEP_FIRST, HW_OF_COLUMN_ENTRIES, ALONE, AT(forecast.x), &NUMBERS},
    {"forecast_levels", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_LEVEL, AT(forecast.levels), &SUMS},
    {"forecast_happened", HW_I32, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.happened), NULL},
    {"forecast_given", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.given), &GIVEN},
    {"forecast_older", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.older), &SUMS},
    {"bandit_counts", HW_I64, HW_KEEP_FIRST, HW_OF_BANDIT, ALONE, AT(bandit.counts), NULL},
    {"bandit_shares", HW_F64, HW_KEEP_FIRST, HW_OF_SHARES, PER_TWO, AT(bandit.shares), &FINITE},
    {"bandit_actions", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_NUMBER, AT(bandit.actions), &SUMS},
    {"bandit_weights", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_INPUT, AT(bandit.weights), &SUMS},
    {"bandit_inverse", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_PAIR_OF_INPUTS, AT(bandit.inverse), &SUMS},
    {"bandit_ring", HW_I32, HW_KEEP_FIRST, HW_OF_DECISIONS, ALONE, AT(bandit.ring), NULL},
    {"agent_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_AGENT, ALONE, AT(agent.numbers), &SUMS},
    {"agent_returns", HW_F64, HW_KEEP_FIRST, HW_OF_EPISODES, ALONE, AT(agent.returns), &SUMS},
    {"agent_lengths", HW_F64, HW_KEEP_FIRST, HW_OF_EPISODES, ALONE, AT(agent.lengths), &COUNTS},
    {"agent_rows", HW_F64, HW_KEEP_FIRST, HW_OF_AGENT_ROWS, PER_THREE, AT(agent.rows), &SUMS},
    {"coverage", HW_F64, HW_COVERED, HW_OF_COVERAGE, PER_COVERAGE, AT(coverage), &SUMS},
    {"pending_ends", HW_F64, HW_CLEAR, HW_OF_PENDING_GIVEN, PER_GIVEN, AT(pending_ends), &SUMS},
    {"pending_shown", REAL, HW_CLEAR, HW_OF_PENDING_SHOWN, ALONE, AT(pending_shown), &FINITE},
    WORK(expert),
    WORK(op),
    WORK(names.table),
    WORK(columns.order),
    WORK(slots.reservoir),
    WORK(cells.hash),
    WORK(cells.place),
    WORK(cells.x),
    WORK(cells.cell),
    WORK(cells.rows),
    WORK(cells.values),
    WORK(forecast.row),
    WORK(bandit.row),
    WORK(text.table),
    WORK(text.word),
    WORK(text.set),
    WORK(text.rows),
    WORK(text.values),
    WORK(text.steps),
    WORK(text.z),
    WORK(text.d),
    WORK(recurrent.by),
    WORK(recurrent.time),
    WORK(recurrent.table),
    WORK(recurrent.curves),
    WORK(recurrent.next),
    WORK(recurrent.row),
    WORK(recurrent.value),
    WORK(recurrent.none),
    WORK(recurrent.moved),
    WORK(agent.live),
    WORK(agent.out),
    WORK(entry_slots),
    WORK(entry_x),
    WORK(rows_at),
    WORK(rows_spare),
    WORK(values_at),
    WORK(values_spare),
    WORK(values),
    WORK(deltas),
    WORK(list_rows),
    WORK(list_values),
    WORK(predictions),
    WORK(row_gradient),
    WORK(image_room),
    WORK(row_undo),
    WORK(losses),
    WORK(staging),
    WORK(knots_due),
    WORK(moved_curves),
    WORK(moved_knots),
    WORK(moved_of),
    WORK(moved_rows),
    WORK(moved_values),
    WORK(matrix),
    WORK(sorted),
    WORK(batch_values),
    WORK(batch_deltas),
    WORK(batch_lists),
    WORK(batch_list_values),
    WORK(batch_ends),
    WORK(batch_rows),
    WORK(batch_row_values),
    WORK(moments),
    WORK(by_row),
    WORK(reordered),
    WORK(errors),
    WORK(predicted_slots),
    WORK(predicted_x),
};
enum { STATES = 87, WEIGHTS = 22, ARRAYS = sizeof LIST / sizeof *LIST };

int hw_states(void) { return STATES; }

void hw_free_arrays(hw_learner *l)
{
    for (int32_t i = 0; i < l->slots.count && l->slots.reservoir; i++)
        hw_release(l->slots.reservoir[i]);
    for (int i = 0; i < ARRAYS; i++) {
        void *array;
        memcpy(&array, (const char *)l + LIST[i].at, sizeof array);
        hw_release(array);
    }
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
        hw_array_at(l, i, &a);
        int64_t count = r ? a.shape[0] * a.shape[1] : 0;
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

/* How many there are along the first dimension of row i, as l->sizes says. */
static int64_t count_of(const hw_learner *l, int i)
{
    const int64_t *n = l->sizes, capacity = n[HW_N_OUTPUT_CAPACITY];
    switch (LIST[i].owner) {
    case HW_OF_DECLARATION: return l->declaration_size;
    case HW_OF_SIZES: return HW_SIZES;
    case HW_OF_NAMES: return n[HW_N_NAMES];
    case HW_OF_BYTES: return n[HW_N_BYTES];
    case HW_OF_COLUMNS: return n[HW_N_COLUMNS];
    case HW_OF_SLOTS: return n[HW_N_SLOTS];
    case HW_OF_RESERVOIR: return n[HW_N_RESERVOIR];
    case HW_OF_TESTS: return hw_test_count(l);
    case HW_OF_SHARED: return n[HW_N_SHARED_FROM] ? l->shared : 0;
    case HW_OF_ROWS: return n[HW_N_ROWS];
    case HW_OF_PARAMETERS: return i - WEIGHTS < l->states + 1 ? l->dense + n[HW_N_ROWS] * l->stride : 0;
    case HW_OF_BUFFERS: return l->buffers;
    case HW_OF_EXPERTS: return l->experts + 2;
    case HW_OF_OUTPUTS: return n[HW_N_OUTPUTS];
    case HW_OF_TWO: return 2;
    case HW_OF_SCORES: return hw_score_count(l);
    case HW_OF_HISTORY:
        return !l->history ? 0 : hw_history_head(l) + (l->targets || capacity > 2 * HW_COUNTED ? 0 : capacity * capacity);
    case HW_OF_RING: return l->ring;
    case HW_OF_PAIRS: return n[HW_N_PAIRS];
    case HW_OF_FORECAST: return l->forecast.horizon ? HW_FC_COUNTS : 0;
    case HW_OF_NUMBERS: return l->forecast.horizon ? HW_FN_NUMBERS : 0;
    case HW_OF_PAST: return l->forecast.kept;
    case HW_OF_FEATURES: return l->forecast.features;
    case HW_OF_ENDS:
    case HW_OF_HORIZONS: return l->forecast.horizon;
    case HW_OF_ORIGINS: return 2 * (int64_t)l->forecast.horizon;
    case HW_OF_COLUMN_ENTRIES: return l->forecast.horizon ? l->forecast.counts[HW_FC_ENTRIES] : 0;
    case HW_OF_BANDIT: return l->bandit.on ? HW_BC_COUNTS : 0;
    case HW_OF_SHARES: return l->bandit.on ? l->experts + 1 : 0;
    case HW_OF_ACTIONS: return l->bandit.on ? l->bandit.counts[HW_BC_ACTIONS] : 0;
    case HW_OF_DECISIONS: return l->bandit.on ? l->ring : 0;
    case HW_OF_TEXT: return l->text.grams ? HW_TC_COUNTS : 0;
    case HW_OF_TEXT_COLUMNS: return l->text.grams ? n[HW_N_COLUMNS] : 0;
    case HW_OF_TEXT_ROWS: return l->text.grams ? l->text.counts[HW_TC_ROWS] : 0;
    case HW_OF_COVERAGE: return l->covering ? HW_COVERAGES : 0;
    case HW_OF_PENDING_GIVEN: return l->covering && n[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    case HW_OF_PENDING_SHOWN: return l->covering && n[HW_N_HAS_PENDING] ? HW_MOST_PENDING * capacity : 0;
    case HW_OF_MEMORY: return l->recurrent.units ? HW_MN_NUMBERS : 0;
    case HW_OF_KEYS: return l->recurrent.units ? (int64_t)l->recurrent.numbers[HW_MN_KEYS] : 0;
    case HW_OF_BLOCKS: return l->recurrent.units ? (int64_t)l->recurrent.numbers[HW_MN_BLOCKS] : 0;
    case HW_OF_AGENT: return l->agent.policy ? HW_AGENT_NUMBERS : 0;
    case HW_OF_EPISODES: return l->agent.policy ? HW_AGENT_EPISODES : 0;
    case HW_OF_AGENT_ROWS: return l->agent.policy ? n[HW_N_ROWS] : 0;
    case HW_OF_PENDING_ANSWERS: return l->answer_inputs && n[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    default: return n[HW_N_HAS_PENDING] ? HW_MOST_PENDING : 0;
    }
}

static int64_t across(const hw_learner *l, int i)
{
    switch (LIST[i].across) {
    case PER_KNOT: return l->knots;
    case PER_RUNNING: return HW_RUNNING;
    case PER_THREE: return 3;
    case PER_ANSWER_INPUT: return HW_ANSWER_INPUTS;
    case PER_FEATURE: return l->forecast.features;
    case PER_HORIZON: return l->forecast.horizon;
    case PER_ORIGIN: return HW_ORIGIN;
    case PER_ERROR: return HW_ERRORS;
    case PER_SCORE: return HW_FORECAST_WINDOW;
    case PER_TWO: return 2;
    case PER_NUMBER: return HW_A_NUMBERS;
    case PER_INPUT: return l->bandit.on ? l->bandit.counts[HW_BC_INPUTS] : 0;
    case PER_PAIR_OF_INPUTS: return l->bandit.on ? l->bandit.counts[HW_BC_INPUTS] * l->bandit.counts[HW_BC_INPUTS] : 0;
    case PER_LEVEL: return HW_LEVELS;
    case PER_KEY: return HW_MEMORY_KEY;
    case PER_STATE: return 2 * (int64_t)l->recurrent.units;
    case PER_HEAD: return hw_block_head(&l->recurrent);
    case PER_TRACE: return hw_block_size(&l->recurrent);
    case PER_CAPACITY: return l->sizes[HW_N_OUTPUT_CAPACITY];
    case PER_COMPONENT: return hw_components(l) * l->sizes[HW_N_OUTPUT_CAPACITY];
    case PER_COVERAGE: return HW_COVERAGE_NUMBERS;
    case PER_GIVEN: return HW_GIVEN;
    default: return 1;
    }
}

/* Where array i lies and its shape, as l->sizes says. */
int hw_array_at(hw_learner *l, int i, hw_array *a)
{
    const struct row *r = LIST + i;
    *a = (hw_array){.name = r->name,
                    .merge = r->merge,
                    .dimensions = r->across == ALONE ? 1 : 2,
                    .shape = {count_of(l, i), across(l, i), 1}};
    a->type = r->type == REAL ? (l->is_double ? HW_F64 : HW_F32) : r->type;
    memcpy(&a->data, (const char *)l + r->at, sizeof a->data);
    return r->owner;
}

int hw_owner_of(int i) { return LIST[i].owner; }
