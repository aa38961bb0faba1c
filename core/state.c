/* The state: ONE list of all that learning changes. Saving, loading, checking, copying, hashing and merging are loops over
 * it. */
#include "learner.h"

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

#define AT(field) offsetof(hw_learner, field)
static const struct row {
    const char *name;
    int type, merge, owner, across;
    size_t at; /* where a learner keeps the array */
} LIST[] = {
    {"declaration", HW_F64, HW_KEEP_FIRST, HW_OF_DECLARATION, ALONE, AT(declaration)},
    {"sizes", HW_I64, HW_BY_NAME, HW_OF_SIZES, ALONE, AT(sizes)},
    {"names_owner", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.owner)},
    {"names_value", HW_I32, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.value)},
    {"names_end", HW_I64, HW_BY_NAME, HW_OF_NAMES, ALONE, AT(names.end)},
    {"names_bytes", HW_U8, HW_BY_NAME, HW_OF_BYTES, ALONE, AT(names.bytes)},
    {"column_name", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.name)},
    {"column_kind", HW_U8, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.kind)},
    {"column_slot", HW_I32, HW_BY_NAME, HW_OF_COLUMNS, ALONE, AT(columns.slot)},
    {"slot_row", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.row)},
    {"slot_basis", HW_I32, HW_BY_NAME, HW_OF_SLOTS, ALONE, AT(slots.basis)},
    {"slot_mean", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.mean)},
    {"slot_variance", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.variance)},
    {"slot_seen", HW_F64, HW_EXACT_STATISTICS, HW_OF_SLOTS, ALONE, AT(slots.seen)},
    {"slot_knot_count", HW_I32, HW_SAMPLE, HW_OF_SLOTS, ALONE, AT(slots.knot_count)},
    {"slot_knots", HW_F64, HW_SAMPLE, HW_OF_SLOTS, PER_KNOT, AT(slots.knots)},
    {"slot_reservoir", HW_F64, HW_SAMPLE, HW_OF_RESERVOIR, ALONE, AT(packed)},
    {"cell_code", HW_I32, HW_MOST_TESTS, HW_OF_TESTS, ALONE, AT(cells.code)},
    {"cell_threshold", HW_F64, HW_MOST_TESTS, HW_OF_TESTS, ALONE, AT(cells.threshold)},
    {"shared_slots", HW_I32, HW_BY_NAME, HW_OF_SHARED, ALONE, AT(shared_slots)},
    {"row_keys", HW_U64, HW_BY_NAME, HW_OF_ROWS, ALONE, AT(row_keys)},
    {"touched", HW_I64, HW_SUM, HW_OF_ROWS, ALONE, AT(touched)},
    {"weights", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(weights)},
    {"state_0", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[0])},
    {"state_1", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[1])},
    {"state_2", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[2])},
    {"state_3", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[3])},
    {"state_4", REAL, HW_MEAN_BY_TOUCHES, HW_OF_PARAMETERS, ALONE, AT(state[4])},
    {"buffer", REAL, HW_MEAN, HW_OF_BUFFERS, ALONE, AT(buffer)},
    {"running", HW_F64, HW_NUMBER_BY_NUMBER, HW_OF_EXPERTS, PER_RUNNING, AT(running)},
    {"answers", HW_F64, HW_EXACT_STATISTICS, HW_OF_OUTPUTS, PER_THREE, AT(answers)},
    {"random", HW_U64, HW_SUM, HW_OF_TWO, ALONE, AT(random)},
    {"scores", HW_F64, HW_IN_TURN, HW_OF_SCORES, ALONE, AT(scores)},
    {"label_history", HW_F64, HW_LAST, HW_OF_HISTORY, ALONE, AT(label_history)},
    {"step", HW_F64, HW_KEEP_FIRST, HW_OF_TWO, ALONE, AT(step)},
    {"sample_start", HW_I64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_start)},
    {"sample_count", HW_I64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_count)},
    {"sample_y", HW_F64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_y)},
    {"sample_w", HW_F64, HW_CLEAR, HW_OF_RING, ALONE, AT(sample_w)},
    {"pair_rows", HW_I32, HW_CLEAR, HW_OF_PAIRS, ALONE, AT(pair_rows)},
    {"pair_values", REAL, HW_CLEAR, HW_OF_PAIRS, ALONE, AT(pair_values)},
    {"pending_key", HW_U64, HW_CLEAR, HW_OF_PENDING, ALONE, AT(pending_key)},
    {"pending_highest_row", HW_I64, HW_CLEAR, HW_OF_PENDING, ALONE, AT(pending_highest_row)},
    {"pending", REAL, HW_CLEAR, HW_OF_PENDING, PER_COMPONENT, AT(pending)},
    {"pending_answers", HW_F64, HW_CLEAR, HW_OF_PENDING_ANSWERS, PER_ANSWER_INPUT, AT(pending_answers)},
    {"text_counts", HW_I64, HW_BY_NAME, HW_OF_TEXT, ALONE, AT(text.counts)},
    {"text_columns", HW_I32, HW_BY_NAME, HW_OF_TEXT_COLUMNS, ALONE, AT(text.columns)},
    {"text_keys", HW_U64, HW_BY_NAME, HW_OF_TEXT_ROWS, ALONE, AT(text.keys)},
    {"text_seen", HW_F64, HW_BY_NAME, HW_OF_TEXT_ROWS, ALONE, AT(text.seen)},
    {"text_weights", REAL, HW_BY_NAME, HW_OF_TEXT_ROWS, PER_CAPACITY, AT(text.weights)},
    {"memory_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_MEMORY, ALONE, AT(recurrent.numbers)},
    {"memory_keys", HW_U64, HW_KEEP_FIRST, HW_OF_KEYS, PER_KEY, AT(recurrent.keys)},
    {"memory_states", REAL, HW_KEEP_FIRST, HW_OF_KEYS, PER_STATE, AT(recurrent.states)},
    {"memory_blocks", HW_I64, HW_KEEP_FIRST, HW_OF_BLOCKS, PER_HEAD, AT(recurrent.blocks)},
    {"memory_traces", REAL, HW_KEEP_FIRST, HW_OF_BLOCKS, PER_TRACE, AT(recurrent.traces)},
    {"forecast_counts", HW_I64, HW_KEEP_FIRST, HW_OF_FORECAST, ALONE, AT(forecast.counts)},
    {"forecast_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_NUMBERS, ALONE, AT(forecast.numbers)},
    {"forecast_past", HW_F64, HW_KEEP_FIRST, HW_OF_PAST, ALONE, AT(forecast.past)},
    {"forecast_inverse", HW_F64, HW_KEEP_FIRST, HW_OF_FEATURES, PER_FEATURE, AT(forecast.inverse)},
    {"forecast_weights", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.weights)},
    {"forecast_inputs", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.inputs)},
    {"forecast_gains", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_FEATURE, AT(forecast.gains)},
    {"forecast_said", HW_F64, HW_KEEP_FIRST, HW_OF_ORIGINS, PER_HORIZON, AT(forecast.said)},
    {"forecast_origins", HW_F64, HW_KEEP_FIRST, HW_OF_ORIGINS, PER_ORIGIN, AT(forecast.origins)},
    {"forecast_errors", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_ERROR, AT(forecast.errors)},
    {"forecast_scores", HW_F64, HW_KEEP_FIRST, HW_OF_HORIZONS, PER_SCORE, AT(forecast.scores)},
    {"forecast_column_start", HW_I64, HW_KEEP_FIRST, HW_OF_HORIZONS, ALONE, AT(forecast.x_start)},
    {"forecast_column_count", HW_I64, HW_KEEP_FIRST, HW_OF_HORIZONS, ALONE, AT(forecast.x_count)},
    {"forecast_column_slots", HW_I32, HW_KEEP_FIRST, HW_OF_COLUMN_ENTRIES, ALONE, AT(forecast.x_slots)},
    {"forecast_column_x", HW_F64, HW_KEEP_FIRST, HW_OF_COLUMN_ENTRIES, ALONE, AT(forecast.x)},
    {"forecast_levels", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_LEVEL, AT(forecast.levels)},
    {"forecast_happened", HW_I32, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.happened)},
    {"forecast_given", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.given)},
    {"forecast_older", HW_F64, HW_KEEP_FIRST, HW_OF_ENDS, PER_HORIZON, AT(forecast.older)},
    {"bandit_counts", HW_I64, HW_KEEP_FIRST, HW_OF_BANDIT, ALONE, AT(bandit.counts)},
    {"bandit_shares", HW_F64, HW_KEEP_FIRST, HW_OF_SHARES, PER_TWO, AT(bandit.shares)},
    {"bandit_actions", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_NUMBER, AT(bandit.actions)},
    {"bandit_weights", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_INPUT, AT(bandit.weights)},
    {"bandit_inverse", HW_F64, HW_KEEP_FIRST, HW_OF_ACTIONS, PER_PAIR_OF_INPUTS, AT(bandit.inverse)},
    {"bandit_ring", HW_I32, HW_KEEP_FIRST, HW_OF_DECISIONS, ALONE, AT(bandit.ring)},
    {"agent_numbers", HW_F64, HW_KEEP_FIRST, HW_OF_AGENT, ALONE, AT(agent.numbers)},
    {"agent_returns", HW_F64, HW_KEEP_FIRST, HW_OF_EPISODES, ALONE, AT(agent.returns)},
    {"agent_lengths", HW_F64, HW_KEEP_FIRST, HW_OF_EPISODES, ALONE, AT(agent.lengths)},
    {"agent_rows", HW_F64, HW_KEEP_FIRST, HW_OF_AGENT_ROWS, PER_THREE, AT(agent.rows)},
    {"coverage", HW_F64, HW_COVERED, HW_OF_COVERAGE, PER_COVERAGE, AT(coverage)},
    {"pending_ends", HW_F64, HW_CLEAR, HW_OF_PENDING_GIVEN, PER_GIVEN, AT(pending_ends)},
    {"pending_shown", REAL, HW_CLEAR, HW_OF_PENDING_SHOWN, ALONE, AT(pending_shown)},
};
enum { STATES = sizeof LIST / sizeof *LIST, WEIGHTS = 22 };

int hw_states(void) { return STATES; }

static size_t size_of(int type)
{
    static const size_t sizes[] = {1, 4, 8, 8, 4, 8};
    return sizes[type];
}

static void fill_sizes(hw_learner *l)
{
    int64_t past = 0, *n = l->sizes;
    for (int32_t i = 0; l->knots && i < l->slots.count; i++)
        past += l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
    n[HW_N_ROWS] = l->rows;
    n[HW_N_DRAWN] = l->drawn;
    n[HW_N_SLOTS] = l->slots.count;
    n[HW_N_NAMES] = l->names.count;
    n[HW_N_COLUMNS] = l->columns.count;
    n[HW_N_BYTES] = l->names.count ? l->names.end[l->names.count - 1] : 0;
    n[HW_N_OUTPUTS] = l->outputs;
    n[HW_N_OUTPUT_CAPACITY] = l->output_capacity;
    n[HW_N_FAN_IN] = l->fan_in;
    n[HW_N_LEARNED] = l->learned;
    n[HW_N_SHARED_FROM] = l->shared_from;
    n[HW_N_SHARED_NAMES] = l->shared_names;
    n[HW_N_HIGHEST_ROW] = l->highest_row;
    n[HW_N_KEPT] = l->ring_added;
    n[HW_N_PAIRS] = l->pairs_end;
    n[HW_N_RESERVOIR] = past;
    n[HW_N_PENDING_ADDED] = l->pending_added;
    n[HW_N_PENDING_OLDEST] = l->pending_oldest;
    n[HW_N_HAS_PENDING] = l->pending != NULL;
    n[HW_N_TESTS] = l->cells.used;
    n[HW_N_CANDIDATES] = l->cells.candidates;
    n[HW_N_OFFERED] = l->cells.offered;
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
static void locate(hw_learner *l, int i, hw_array *a)
{
    const struct row *r = LIST + i;
    *a = (hw_array){.name = r->name,
                    .merge = r->merge,
                    .dimensions = r->across == ALONE ? 1 : 2,
                    .shape = {count_of(l, i), across(l, i), 1}};
    a->type = r->type == REAL ? (l->is_double ? HW_F64 : HW_F32) : r->type;
    memcpy(&a->data, (const char *)l + r->at, sizeof a->data);
}

static int pack(hw_learner *l)
{
    int64_t at = 0;
    if (!hw_extend(&l->memory, &l->packed, (uint64_t)(l->sizes[HW_N_RESERVOIR] + 1) * 8))
        return HW_NO_MEMORY;
    for (int32_t i = 0; l->knots && i < l->slots.count; i++) {
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        int64_t there = (int64_t)(hw_capacity(l->slots.reservoir[i]) / 8);
        for (int64_t j = 0; j < count; j++)
            l->packed[at++] = j < there ? l->slots.reservoir[i][j] : 0;
    }
    return 0;
}

static int ready(hw_learner *l)
{
    if (l->ring && l->ring_added) {
        int status = hw_compact_ring(l, 0);
        if (status < 0)
            return status;
    }
    if (l->forecast.horizon) {
        int status = hw_compact_columns(l, 0);
        if (status < 0)
            return status;
    }
    fill_sizes(l);
    return pack(l);
}

int hw_state(hw_learner *l, int i, hw_array *array)
{
    if (i < 0 || i >= STATES)
        return HW_BAD_ARGUMENT;
    if (i == 0) { /* asked for in order: the first makes all the others ready */
        int status = ready(l);
        if (status < 0)
            return status;
    }
    locate(l, i, array);
    return 0;
}

int hw_view(hw_learner *l, const char *name, hw_array *array)
{
    l->predicted_count = -1; /* it may be written to, and released before the next sample */
    fill_sizes(l);
    for (int i = 0; i < STATES; i++)
        if (!strcmp(LIST[i].name, name)) {
            locate(l, i, array);
            return !strcmp(name, "slot_reservoir") || LIST[i].merge == HW_CLEAR ? HW_BAD_ARGUMENT : 0;
        }
    return HW_BAD_ARGUMENT;
}

int hw_locate(hw_learner *l, int i, hw_array *array)
{
    if (i == 0)
        fill_sizes(l);
    locate(l, i, array);
    return LIST[i].owner;
}

/* Whether array i belongs to a kind of learner that this one is not. */
static bool is_of_others(const hw_learner *l, int i)
{
    int owner = LIST[i].owner;
    return (owner == HW_OF_TESTS && !l->cells.tables) ||
           (owner >= HW_OF_FORECAST && owner < HW_OF_BANDIT && !l->forecast.horizon) ||
           (owner >= HW_OF_BANDIT && owner < HW_OF_PENDING && !l->bandit.on) ||
           (owner >= HW_OF_TEXT && owner < HW_OF_MEMORY && !l->text.grams) ||
           (owner >= HW_OF_MEMORY && owner < HW_OF_AGENT && !l->recurrent.units) ||
           (owner >= HW_OF_AGENT && !l->agent.policy);
}
static bool is_of_text(int i) { return LIST[i].owner >= HW_OF_TEXT && LIST[i].owner < HW_OF_MEMORY; }
static bool is_of_coverage(int i) { return LIST[i].owner >= HW_OF_COVERAGE && LIST[i].owner <= HW_OF_PENDING_SHOWN; }

/* What digests begin with. It follows no version: a digest stays what it is as long as the state means the same. */
static const uint64_t DIGEST = 0x6865616477617465u;

/* Of what was declared all but the version of the list. What only some learners have counts as a block of a tag, how many
 * numbers follow, and these: so does the digest outlast the form in which they are declared. */
static uint64_t hash_declaration(const hw_learner *l)
{
    enum { CELLS = 1, TEXT, MEMORY, FORECAST, BANDIT, ANOMALY, AGENT, BLOCK = 2 };
    const double *d = l->declaration, *end = d + l->declaration_size, *at = d + HW_HEAD;
    double head[HW_HEAD], cells[] = {CELLS, BLOCK, d[HW_D_TABLES], d[HW_D_TESTS]}, none[] = {ANOMALY, 0};
    int n = 0;
    for (int i = HW_D_DOUBLE; i < HW_HEAD; i++)
        if (i != HW_D_TABLES && i != HW_D_TESTS)
            head[n++] = i == HW_D_INTERVALS && d[i] == HW_ANOMALY ? HW_UNKNOWN : d[i];
    for (int e = 0; e < l->experts; e++)
        at += HW_EXPERT + HW_LAYER * (int64_t)at[HW_E_LAYERS];
    uint64_t digest = hw_hash(DIGEST, (const char *)head, (size_t)n * 8);
    digest = hw_hash(digest, (const char *)(d + HW_HEAD), (size_t)(at - d - HW_HEAD) * 8);
    if (l->cells.tables)
        digest = hw_hash(digest, (const char *)cells, sizeof cells);
    struct {
        double tag;
        int64_t count;
    } blocks[] = {{TEXT, l->text.grams ? HW_TEXT : 0},
                  {MEMORY, l->recurrent.units ? HW_MEMORY + l->recurrent.by_size + l->recurrent.time_size : 0},
                  {FORECAST, l->forecast.horizon ? HW_FORECAST : 0},
                  {BANDIT, l->bandit.on ? HW_BANDIT : 0},
                  {AGENT, l->agent.policy ? HW_AGENT : 0}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        double before[] = {blocks[i].tag, (double)blocks[i].count};
        if (!blocks[i].count || blocks[i].count > end - at)
            continue;
        digest =
            hw_hash(hw_hash(digest, (const char *)before, sizeof before), (const char *)at, (size_t)blocks[i].count * 8);
        at += blocks[i].count;
    }
    return l->intervals == HW_ANOMALY ? hw_hash(digest, (const char *)none, sizeof none) : digest;
}

uint64_t hw_digest(hw_learner *l)
{
    if (ready(l) < 0)
        return 0;
    uint64_t digest = hash_declaration(l);
    for (int i = 1; i < STATES; i++) {
        hw_array a;
        locate(l, i, &a);
        if (is_of_others(l, i) || (is_of_coverage(i) && !l->covering)) /* as if there was no such array */
            continue;
        size_t bytes = (size_t)(a.shape[0] * a.shape[1]) * size_of(a.type);
        digest = hw_hash(digest, bytes ? a.data : "", bytes);
    }
    return digest;
}

/* ---- loading: nothing is believed ------------------------------------------------------------------------ */

#define CHECK(good, where, what, value)                                                                                    \
    do {                                                                                                                   \
        if (!(good)) {                                                                                                     \
            if (fault)                                                                                                     \
                *fault = (hw_fault){where, what, (double)(value)};                                                         \
            return HW_BAD_STATE;                                                                                           \
        }                                                                                                                  \
    } while (0)

int hw_check_sizes(const hw_learner *l, hw_fault *fault)
{
    const int64_t *n = l->sizes;
    for (int i = 0; i < HW_SIZES; i++)
        CHECK(n[i] >= 0 && n[i] < (int64_t)1 << 53, "sizes", "0 or more", n[i]);
    CHECK(n[HW_N_ROWS] >= 1 && n[HW_N_ROWS] < INT32_MAX - 64, "rows", "1 or more", n[HW_N_ROWS]);
    CHECK(l->growing || n[HW_N_ROWS] == hw_table_inputs(l) + 1, "rows", "as many as inputs, and one", n[HW_N_ROWS]);
    CHECK(n[HW_N_DRAWN] >= 1 && n[HW_N_DRAWN] <= n[HW_N_ROWS], "rows drawn", "1 to all", n[HW_N_DRAWN]);
    CHECK(n[HW_N_HIGHEST_ROW] < n[HW_N_ROWS], "highest row", "below the number of rows", n[HW_N_HIGHEST_ROW]);
    CHECK(n[HW_N_SLOTS] < INT32_MAX && n[HW_N_NAMES] < INT32_MAX && n[HW_N_COLUMNS] <= n[HW_N_NAMES], "names",
          "as many as columns, or more", n[HW_N_NAMES]);
    CHECK(n[HW_N_OUTPUTS] >= 1 && n[HW_N_OUTPUTS] <= HW_MOST_OUTPUTS, "outputs", "1 or more", n[HW_N_OUTPUTS]);
    CHECK(n[HW_N_OUTPUT_CAPACITY] >= n[HW_N_OUTPUTS] && n[HW_N_OUTPUT_CAPACITY] <= 2 * n[HW_N_OUTPUTS] + 64 &&
              hw_lanes(n[HW_N_OUTPUT_CAPACITY]) == n[HW_N_OUTPUT_CAPACITY],
          "room for outputs", "whole vectors for the outputs", n[HW_N_OUTPUT_CAPACITY]);
    CHECK(l->growing || n[HW_N_OUTPUTS] == (int64_t)l->declaration[HW_D_OUTPUTS], "outputs", "as declared",
          n[HW_N_OUTPUTS]);
    CHECK(n[HW_N_HAS_PENDING] <= 1 && n[HW_N_PENDING_OLDEST] <= n[HW_N_PENDING_ADDED] &&
              n[HW_N_PENDING_ADDED] - n[HW_N_PENDING_OLDEST] <= HW_MOST_PENDING,
          "pending predictions", "at most 2048", n[HW_N_PENDING_ADDED] - n[HW_N_PENDING_OLDEST]);
    CHECK(n[HW_N_HAS_PENDING] == 1 || n[HW_N_PENDING_ADDED] == n[HW_N_PENDING_OLDEST], "pending predictions",
          "none without their array", 1);
    CHECK(n[HW_N_SHARED_FROM] == 0 || (n[HW_N_SHARED_FROM] + l->shared <= n[HW_N_ROWS]), "shared rows", "inside the table",
          n[HW_N_SHARED_FROM]);
    CHECK(n[HW_N_TESTS] <= l->cells.tests, "tests of the cell tables", "at most as many as declared", n[HW_N_TESTS]);
    CHECK(n[HW_N_CANDIDATES] <= hw_test_count(l) - n[HW_N_TESTS] * l->cells.tables, "candidates of the cell tables",
          "at most as many as may become tests", n[HW_N_CANDIDATES]);
    CHECK(n[HW_N_OFFERED] >= n[HW_N_CANDIDATES], "values offered", "as many as candidates, or more", n[HW_N_OFFERED]);
    return 0;
}

static int check_names(const hw_learner *l, hw_fault *fault)
{
    const hw_names *n = &l->names;
    const hw_columns_t *c = &l->columns;
    int64_t before = 0;
    int32_t columns = 0;
    for (int32_t i = 0; i < n->count; i++) {
        CHECK(n->end[i] >= before && n->end[i] - before <= UINT32_MAX && n->end[i] <= l->sizes[HW_N_BYTES], "names_end",
              "ascending", n->end[i]);
        before = n->end[i];
        CHECK(n->owner[i] >= -1 && n->owner[i] < c->count, "names_owner", "a column, or -1", n->owner[i]);
        if (n->owner[i] < 0) {
            CHECK(n->value[i] >= 0 && n->value[i] < c->count && c->name[n->value[i]] == i, "names_value",
                  "the column of that name", n->value[i]);
            columns++;
        } else {
            CHECK(n->value[i] >= 1 && n->value[i] < l->rows, "names_value", "a row of the table", n->value[i]);
        }
    }
    CHECK(before == l->sizes[HW_N_BYTES], "names_end", "all bytes", before);
    CHECK(columns == c->count, "columns", "one name each", columns);
    for (int32_t i = 0; i < c->count; i++) {
        int numbers = c->kind[i] == HW_NUMBER ? 1 : c->kind[i] == HW_TIME ? HW_TIME_PARTS : 0;
        CHECK(c->kind[i] < (l->text.grams ? HW_KINDS : HW_WORDS), "column_kind", "a kind", c->kind[i]);
        CHECK(!l->text.grams || l->text.columns[i] >= -1, "text_columns", "-1 or more", l->text.columns[i]);
        CHECK(c->name[i] >= 0 && c->name[i] < n->count && n->owner[c->name[i]] == -1, "column_name", "a name of a column",
              c->name[i]);
        CHECK(numbers ? c->slot[i] >= 0 && c->slot[i] <= l->slots.count - numbers : c->slot[i] == -1, "column_slot",
              "slots that there are", c->slot[i]);
    }
    CHECK(hw_has_forecast(l), "columns", "those of a forecaster as the first", c->count);
    CHECK(hw_has_agent(l), "columns", "that of an agent as the first", c->count);
    CHECK(hw_has_answers(l), "columns", "those of answers before as the first", c->count);
    for (int64_t i = 0; l->shared_slots && i < l->shared; i++)
        CHECK(l->shared_slots[i] >= -1 && l->shared_slots[i] < l->slots.count, "shared_slots", "a slot, or -1",
              l->shared_slots[i]);
    return 0;
}

static bool countable(double x) { return x >= 0 && x <= 9007199254740992.0; }

static int check_numbers(const hw_learner *l, hw_fault *fault)
{
    const hw_slots *s = &l->slots;
    for (int32_t i = 0; i < s->count; i++) {
        CHECK(s->row[i] >= 1 && s->row[i] < l->rows, "slot_row", "a row of the table", s->row[i]);
        CHECK(s->basis[i] >= -1 && (s->basis[i] <= 0 || s->basis[i] <= l->rows - l->knots), "slot_basis",
              "rows of the table", s->basis[i]);
        CHECK(s->knot_count[i] >= 0 && s->knot_count[i] <= l->knots, "slot_knot_count", "at most as many as declared",
              s->knot_count[i]);
        CHECK(countable(s->seen[i]), "slot_seen", "a count", s->seen[i]);
    }
    for (int64_t i = 0; i < l->rows; i++)
        CHECK(l->touched[i] >= 0 && l->touched[i] < (int64_t)1 << 53, "touched", "a count", l->touched[i]);
    for (int e = 0; e < l->experts + 2; e++) {
        const double *run = l->running + e * HW_RUNNING;
        static const int counts[] = {HW_STEPS, HW_REINITIALISED, HW_UNDONE,     HW_OVERFLOW, HW_INFINITE,
                                     HW_HUGE,  HW_FAR,           HW_FAR_TARGET, HW_MIXED};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            CHECK(countable(run[counts[i]]), "running", "counts", run[counts[i]]);
    }
    for (int i = 0; l->intervals && i < (l->intervals == HW_ANOMALY ? HW_SCORES_HEAD : 1); i++)
        CHECK(countable(l->scores[i]), "scores", "a count", l->scores[i]);
    CHECK(l->step[0] > 0 && l->step[0] <= 1e30 && l->step[1] > 0 && l->step[1] <= 1e30, "step", "above 0", l->step[0]);
    bool classes = hw_is_of_classes(l->expert[0].loss);
    if (l->history && l->targets)
        CHECK(countable(l->label_history[HW_PAST_ANSWERS]), "label_history", "a count", l->label_history[HW_PAST_ANSWERS]);
    if (l->history && !l->targets) {
        double last = l->label_history[0];
        CHECK(last == -1 || (last >= 0 && last < l->outputs && last == (double)(int)last), "label_history",
              "a class, or -1", last);
    }
    int64_t count = l->ring_added < l->ring ? l->ring_added : l->ring;
    for (int64_t i = 0; i < count; i++) {
        CHECK(l->sample_start[i] >= 0 && l->sample_count[i] >= 0 && l->sample_start[i] <= l->pairs_end &&
                  l->sample_count[i] <= l->pairs_end - l->sample_start[i],
              "sample_start", "inside the pairs", l->sample_start[i]);
        double y = l->sample_y[i];
        CHECK(!classes || (y >= 0 && y < l->outputs && y == (double)(int)y), "sample_y", "a class", y);
    }
    for (int64_t i = 0; l->ring && i < l->pairs_end; i++)
        CHECK(l->pair_rows[i] >= 0 && l->pair_rows[i] < l->rows, "pair_rows", "a row of the table", l->pair_rows[i]);
    return 0;
}

/* Counts of samples. */
static int check_text(hw_learner *l, hw_fault *fault)
{
    for (int64_t i = 0; l->text.grams && i < l->text.counts[HW_TC_ROWS]; i++)
        CHECK(countable(l->text.seen[i]), "text_seen", "counts", l->text.seen[i]);
    int status = hw_rehash_text(l);
    CHECK(status != HW_BAD_STATE, "text_keys", "each once", 2);
    return status;
}

/* Times and counts from which places follow, and columns that there are. */
static int check_forecast(const hw_learner *l, hw_fault *fault)
{
    const hw_forecast_t *f = &l->forecast;
    if (!f->horizon)
        return 0;
    int64_t entries = f->counts[HW_FC_ENTRIES];
    static const int counts[] = {HW_FN_ANSWERS, HW_FN_FAR, HW_FN_BOUNDED, HW_FN_START};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        CHECK(countable(f->numbers[counts[i]]), "forecast_numbers", "counts", f->numbers[counts[i]]);
    CHECK(f->numbers[HW_FN_SCALE] >= 0 && f->numbers[HW_FN_SPREAD] >= 0, "forecast_numbers", "a unit of 0 or more",
          f->numbers[HW_FN_SCALE]);
    for (int64_t h = 0; h < f->horizon; h++) {
        CHECK(countable(f->errors[h * HW_ERRORS + HW_E_COUNT]), "forecast_errors", "a count",
              f->errors[h * HW_ERRORS + HW_E_COUNT]);
        CHECK(f->x_start[h] >= 0 && f->x_count[h] >= 0 && f->x_start[h] <= entries &&
                  f->x_count[h] <= entries - f->x_start[h],
              "forecast_column_start", "inside the columns", f->x_start[h]);
    }
    CHECK(hw_has_ends(f), "forecast_levels", "levels that can be, and counts", f->levels[0]);
    for (int64_t i = 0; i < entries; i++) {
        int64_t slot = f->x_slots[i];
        CHECK(slot < l->slots.count && -slot - 1 < l->rows && slot != -1, "forecast_column_slots",
              "slots or categories that there are", slot);
    }
    return 0;
}

static int check_coverage(const hw_learner *l, hw_fault *fault)
{
    static const int counts[] = {HW_C_ROWS, HW_C_COVERED, HW_C_UNSEEN, HW_C_KNOWN};
    for (int i = 0; l->covering && i < HW_COVERAGES; i++) {
        const double *c = l->coverage + i * HW_COVERAGE_NUMBERS;
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++)
            CHECK(countable(c[counts[j]]), "coverage", "counts", c[counts[j]]);
        CHECK(c[HW_C_KNOWN] <= HW_MOST_OUTPUTS, "coverage", "as many classes as there may be", c[HW_C_KNOWN]);
        CHECK(c[HW_C_BELOW] >= -20 && c[HW_C_BELOW] <= 20 && c[HW_C_ABOVE] >= -20 && c[HW_C_ABOVE] <= 20, "coverage",
              "ends whose logarithm is from -20 to 20", c[HW_C_BELOW]);
    }
    const double *ends = l->pending_ends;
    for (int64_t i = 0; l->covering && l->pending && i < HW_MOST_PENDING; i++)
        CHECK(ends[i * HW_GIVEN + HW_GIVEN_KNOWN] >= 0 && ends[i * HW_GIVEN + HW_GIVEN_KNOWN] <= HW_MOST_OUTPUTS,
              "pending_ends", "as many classes as there may be", ends[i * HW_GIVEN + HW_GIVEN_KNOWN]);
    return 0;
}

/* Arrays for as many as the sizes say; what is larger than the file does not come this far. */
static int make_arrays(hw_learner *l)
{
    const int64_t *n = l->sizes;
    const hw_allocator *m = &l->memory;
    hw_slots *s = &l->slots;
    uint64_t names = (uint64_t)n[HW_N_NAMES], columns = (uint64_t)n[HW_N_COLUMNS], slots = (uint64_t)n[HW_N_SLOTS];
    if (!hw_extend(m, &l->names.owner, names * 4 + 4) || !hw_extend(m, &l->names.value, names * 4 + 4) ||
        !hw_extend(m, &l->names.end, names * 8 + 8) || !hw_extend(m, &l->names.bytes, (uint64_t)n[HW_N_BYTES] + 8) ||
        !hw_extend(m, &l->columns.name, columns * 4 + 4) || !hw_extend(m, &l->columns.kind, columns + 1) ||
        !hw_extend(m, &l->columns.slot, columns * 4 + 4) || !hw_extend(m, &l->columns.order, columns * 8 + 8) ||
        !hw_extend(m, &s->row, slots * 4 + 4) || !hw_extend(m, &s->basis, slots * 4 + 4) ||
        !hw_extend(m, &s->mean, slots * 8 + 8) || !hw_extend(m, &s->variance, slots * 8 + 8) ||
        !hw_extend(m, &s->seen, slots * 8 + 8) || !hw_extend(m, &s->knot_count, slots * 4 + 4) ||
        !hw_extend(m, &s->knots, slots * 8 * (uint64_t)l->knots + 8) ||
        !hw_extend(m, &s->reservoir, slots * sizeof(double *) + 8) ||
        !hw_extend(m, &l->packed, (uint64_t)n[HW_N_RESERVOIR] * 8 + 8) ||
        !hw_extend(m, &l->pair_rows, (uint64_t)n[HW_N_PAIRS] * 4 + 4) ||
        !hw_extend(m, &l->pair_values, (uint64_t)n[HW_N_PAIRS] * hw_number(l) + 8))
        return HW_NO_MEMORY;
    if (n[HW_N_SHARED_FROM] && !hw_extend(m, &l->shared_slots, (uint64_t)l->shared * 4))
        return HW_NO_MEMORY;
    l->rows = l->row_capacity = n[HW_N_ROWS];
    int status = hw_make_fixed(l);
    if (status >= 0)
        status = hw_make_vectors(l);
    if (status >= 0)
        status = hw_make_scratch(l);
    if (status >= 0)
        status = hw_make_cells(l);
    if (status >= 0)
        status = hw_make_forecast(l);
    if (status >= 0)
        status = hw_make_bandit(l);
    if (status >= 0)
        status = hw_make_agent(l);
    if (status >= 0)
        status = hw_make_text(l);
    if (status >= 0 && l->text.grams)
        status =
            hw_extend(m, &l->text.columns, columns * 4 + 4) ? hw_extend_text(l, l->text.counts[HW_TC_ROWS]) : HW_NO_MEMORY;
    if (status >= 0)
        status = hw_make_recurrent(l);
    if (status >= 0 && n[HW_N_HAS_PENDING])
        status = hw_make_pending(l);
    return status;
}

static int unpack(hw_learner *l, hw_fault *fault)
{
    int64_t at = 0;
    for (int32_t i = 0; l->knots && i < l->slots.count; i++) {
        CHECK(countable(l->slots.seen[i]), "slot_seen", "a count", l->slots.seen[i]);
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        CHECK(count <= l->sizes[HW_N_RESERVOIR] - at, "slot_reservoir", "as many as were seen", l->sizes[HW_N_RESERVOIR]);
        if (count && !hw_extend(&l->memory, &l->slots.reservoir[i], (uint64_t)count * 8))
            return HW_NO_MEMORY;
        if (count)
            memcpy(l->slots.reservoir[i], l->packed + at, (size_t)count * 8);
        at += count;
    }
    CHECK(at == l->sizes[HW_N_RESERVOIR], "slot_reservoir", "as many as were seen", at);
    return 0;
}

void hw_set_counts(hw_learner *l)
{
    const int64_t *n = l->sizes;
    l->drawn = n[HW_N_DRAWN];
    l->fan_in = n[HW_N_FAN_IN];
    l->learned = n[HW_N_LEARNED];
    l->shared_from = n[HW_N_SHARED_FROM];
    l->shared_names = n[HW_N_SHARED_NAMES];
    l->highest_row = n[HW_N_HIGHEST_ROW];
    l->ring_added = n[HW_N_KEPT];
    l->pending_added = n[HW_N_PENDING_ADDED];
    l->pending_oldest = n[HW_N_PENDING_OLDEST];
    l->cells.candidates = n[HW_N_CANDIDATES];
    l->cells.offered = n[HW_N_OFFERED];
    l->pairs_end = l->pairs_capacity = n[HW_N_PAIRS];
    l->names.count = (int32_t)n[HW_N_NAMES];
    l->columns.count = (int32_t)n[HW_N_COLUMNS];
    l->slots.count = (int32_t)n[HW_N_SLOTS];
}

/* The counts from which the shapes of a forecaster's columns follow. */
static int read_times(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    hw_forecast_t *f = &l->forecast;
    int i = 0;
    if (!f->horizon)
        return 0;
    while (LIST[i].owner != HW_OF_FORECAST)
        i++;
    CHECK(arrays[i].type == HW_I64 && arrays[i].dimensions == 1 && arrays[i].shape[0] == HW_FC_COUNTS, "forecast_counts",
          "its counts", arrays[i].shape[0]);
    if (!hw_extend(&l->memory, &f->counts, HW_FC_COUNTS * 8))
        return HW_NO_MEMORY;
    memcpy(f->counts, arrays[i].data, HW_FC_COUNTS * 8);
    for (int j = 0; j < HW_FC_COUNTS; j++)
        CHECK(f->counts[j] >= 0 && f->counts[j] < (int64_t)1 << 53, "forecast_counts", "0 or more", f->counts[j]);
    return 0;
}

/* The counts from which the shapes of a bandit's arrays follow. */
static int read_actions(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    hw_bandit_t *b = &l->bandit;
    int i = 0;
    if (!b->on)
        return 0;
    while (LIST[i].owner != HW_OF_BANDIT)
        i++;
    CHECK(arrays[i].type == HW_I64 && arrays[i].dimensions == 1 && arrays[i].shape[0] == HW_BC_COUNTS, "bandit_counts",
          "its counts", arrays[i].shape[0]);
    if (!hw_extend(&l->memory, &b->counts, HW_BC_COUNTS * 8))
        return HW_NO_MEMORY;
    memcpy(b->counts, arrays[i].data, HW_BC_COUNTS * 8);
    CHECK(b->counts[HW_BC_INPUTS] >= 0 && b->counts[HW_BC_INPUTS] <= b->most, "bandit_counts", "inputs as declared",
          b->counts[HW_BC_INPUTS]);
    CHECK(b->counts[HW_BC_ACTIONS] >= 0 && b->counts[HW_BC_ACTIONS] <= l->outputs, "bandit_counts",
          "as many actions as outputs", b->counts[HW_BC_ACTIONS]);
    CHECK(b->counts[HW_BC_DRAWS] >= 0 && b->counts[HW_BC_DRAWS] < (int64_t)1 << 53, "bandit_counts", "draws",
          b->counts[HW_BC_DRAWS]);
    return 0;
}

static int check_bandit(const hw_learner *l, hw_fault *fault)
{
    const hw_bandit_t *b = &l->bandit;
    if (!b->on)
        return 0;
    for (int64_t a = 0; a < b->counts[HW_BC_ACTIONS]; a++)
        CHECK(countable(b->actions[a * HW_A_NUMBERS + HW_A_TAKEN]), "bandit_actions", "counts",
              b->actions[a * HW_A_NUMBERS + HW_A_TAKEN]);
    for (int e = 0; e <= l->experts; e++)
        CHECK(b->shares[2 * e] >= 0 && b->shares[2 * e] <= 1 && b->shares[2 * e + 1] >= 0 && b->shares[2 * e + 1] <= 1e300,
              "bandit_shares", "weights from 0 to 1 and losses of 0 or more", b->shares[2 * e]);
    for (int64_t i = 0; i < l->ring; i++)
        CHECK(b->ring[i] >= 0 && b->ring[i] < l->outputs, "bandit_ring", "an action", b->ring[i]);
    return 0;
}

/* Whether a file that is older than an array lacks it. */
static bool is_lacking(const hw_array *arrays, int i) { return LIST[i].owner == HW_OF_ENDS && !arrays[i].shape[0]; }

/* And of a learner that reads texts: how many rows its words have. */
static int read_text(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    int i = 0;
    if (!l->text.grams)
        return 0;
    while (LIST[i].owner != HW_OF_TEXT)
        i++;
    CHECK(arrays[i].type == HW_I64 && arrays[i].dimensions == 1 && arrays[i].shape[0] == HW_TC_COUNTS, "text_counts",
          "its counts", arrays[i].shape[0]);
    if (!hw_extend(&l->memory, &l->text.counts, HW_TC_COUNTS * 8))
        return HW_NO_MEMORY;
    const int64_t *counts = arrays[i].data;
    CHECK(counts[HW_TC_ROWS] >= 0 && counts[HW_TC_ROWS] <= l->text.max_rows, "text_counts", "at most max_rows",
          counts[HW_TC_ROWS]);
    CHECK(counts[HW_TC_TEXTS] >= 0 && counts[HW_TC_TEXTS] < (int64_t)1 << 53, "text_counts", "0 or more",
          counts[HW_TC_TEXTS]);
    memcpy(l->text.counts, counts, HW_TC_COUNTS * 8);
    return 0;
}

/* Whether coverage is followed is said by its array alone. */
static int read_coverage(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    int i = 0;
    while (LIST[i].owner != HW_OF_COVERAGE)
        i++;
    l->covering = arrays[i].shape[0] > 0;
    CHECK(!l->covering || hw_can_cover(l), "coverage", "none of such a learner", arrays[i].shape[0]);
    return 0;
}

static int read_memory(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    int i = 0;
    while (LIST[i].owner != HW_OF_MEMORY)
        i++;
    return hw_read_memory_numbers(l, arrays + i, fault);
}

static int restore(hw_learner *l, const hw_array *arrays, int count, hw_fault *fault)
{
    CHECK(count == STATES, "state", "all its arrays", count);
    CHECK(arrays[1].type == HW_I64 && arrays[1].shape[0] == HW_SIZES && arrays[1].shape[1] == 1, "sizes", "the counts",
          arrays[1].shape[0]);
    memcpy(l->sizes, arrays[1].data, HW_SIZES * sizeof(int64_t));
    int status = hw_check_sizes(l, fault);
    if (status < 0)
        return status;
    l->cells.used = (int32_t)l->sizes[HW_N_TESTS];
    status = hw_lower(l, (int)l->sizes[HW_N_OUTPUTS], (int)l->sizes[HW_N_OUTPUT_CAPACITY]);
    if (status >= 0)
        status = read_times(l, arrays, fault);
    if (status >= 0)
        status = read_actions(l, arrays, fault);
    if (status >= 0)
        status = read_text(l, arrays, fault);
    if (status >= 0)
        status = read_coverage(l, arrays, fault);
    if (status >= 0)
        status = read_memory(l, arrays, fault);
    if (status < 0)
        return status;
    for (int i = 0; i < STATES; i++) {
        hw_array own;
        locate(l, i, &own);
        CHECK(!strcmp(own.name, arrays[i].name), "state", "its arrays in order", i);
        if (is_of_text(i) && !l->text.grams && arrays[i].shape[0] == 0)
            continue; /* of files that don't have it, whatever the rest of its shape */
        CHECK(own.type == arrays[i].type, own.name, "another type of numbers", arrays[i].type);
        CHECK(is_lacking(arrays, i) || (own.dimensions == arrays[i].dimensions && own.shape[0] == arrays[i].shape[0] &&
                                        (own.dimensions == 1 || own.shape[1] == arrays[i].shape[1])),
              own.name, "the shape that follows from the declaration and the sizes", arrays[i].shape[0]);
    }
    status = make_arrays(l);
    if (status < 0)
        return status;
    bool lacking = false;
    for (int i = 2; i < STATES; i++) {
        hw_array own;
        locate(l, i, &own);
        size_t bytes = (size_t)(own.shape[0] * own.shape[1]) * size_of(own.type);
        lacking |= is_lacking(arrays, i);
        if (bytes && !is_lacking(arrays, i))
            memcpy(own.data, arrays[i].data, bytes);
    }
    if (lacking)
        hw_begin_ends(&l->forecast);
    hw_set_counts(l);
    if ((status = check_names(l, fault)) < 0 || (status = check_numbers(l, fault)) < 0 ||
        (status = check_forecast(l, fault)) < 0 || (status = check_bandit(l, fault)) < 0 ||
        (status = check_text(l, fault)) < 0 || (status = check_coverage(l, fault)) < 0 ||
        (status = hw_check_recurrent(l, fault)) < 0 || (status = hw_check_agent(l, fault)) < 0 ||
        (status = unpack(l, fault)) < 0)
        return status;
    for (int32_t i = 0; i < l->columns.count; i++) {
        uint32_t size;
        const char *name = hw_column_name(l, i, &size);
        l->columns.order[i] = hw_order(name, size);
    }
    CHECK(hw_place_tests(l) >= 0, "cell_code", "slots or categories that there are, with thresholds", l->cells.candidates);
    status = hw_rehash(l);
    CHECK(status != HW_BAD_STATE, "names", "each once", 2);
    return status < 0 ? status : hw_set_step(l, l->step[0], l->step[1]);
}

hw_learner *hw_restore(const hw_allocator *memory, const hw_array *arrays, int count, int level, uint64_t key, int *status,
                       hw_fault *fault)
{
    if (count < 1 || arrays[0].type != HW_F64 || strcmp(arrays[0].name, "declaration")) {
        *status = HW_BAD_STATE;
        *fault = (hw_fault){"declaration", "the first array", count};
        return NULL;
    }
    hw_learner *l = hw_new(memory, arrays[0].data, arrays[0].shape[0], level, key, status, fault);
    if (!l)
        return NULL;
    *status = restore(l, arrays, count, fault);
    if (*status < 0)
        return hw_free(l), NULL;
    return l;
}

/* The sizes as they are without what merging clears decide how much of each array is read. */
hw_learner *hw_copy(const hw_allocator *memory, hw_learner *l, int *status)
{
    static const int cleared[] = {HW_N_KEPT, HW_N_PAIRS, HW_N_PENDING_ADDED, HW_N_PENDING_OLDEST, HW_N_HAS_PENDING};
    hw_array arrays[STATES];
    hw_fault fault;
    *status = ready(l);
    if (*status < 0)
        return NULL;
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        l->sizes[cleared[i]] = 0;
    for (int i = 0; i < STATES; i++)
        locate(l, i, arrays + i);
    hw_learner *copy = hw_restore(memory, arrays, STATES, l->level, l->names.key, status, &fault);
    fill_sizes(l);
    for (int i = 0; copy && i < STATES; i++) {
        locate(copy, i, arrays + i);
        size_t bytes = (size_t)(arrays[i].shape[0] * arrays[i].shape[1]) * size_of(arrays[i].type);
        if (LIST[i].merge == HW_CLEAR && bytes)
            memset(arrays[i].data, 0, bytes);
    }
    return copy;
}

hw_learner *hw_copy_whole(const hw_allocator *memory, hw_learner *l, int *status)
{
    hw_array arrays[STATES];
    hw_fault fault;
    *status = ready(l);
    if (*status < 0)
        return NULL;
    for (int i = 0; i < STATES; i++)
        locate(l, i, arrays + i);
    return hw_restore(memory, arrays, STATES, l->level, l->names.key, status, &fault);
}
