/* The state: all that learning changes, saved, loaded, checked, copied and hashed by loops over the list of arrays
 * (arrays.c).
 */
#include "learner.h"

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
    if (i < 0 || i >= hw_states())
        return HW_BAD_ARGUMENT;
    if (i == 0) { /* asked for in order: the first makes all the others ready */
        int status = ready(l);
        if (status < 0)
            return status;
    }
    hw_array_at(l, i, array);
    return 0;
}

int hw_view(hw_learner *l, const char *name, hw_array *array)
{
    l->predicted_count = -1; /* it may be written to, and released before the next sample */
    fill_sizes(l);
    for (int i = 0; i < hw_states(); i++) {
        int owner = hw_array_at(l, i, array);
        if (!strcmp(array->name, name))
            return owner == HW_OF_RESERVOIR || array->merge == HW_CLEAR ? HW_BAD_ARGUMENT : 0;
    }
    return HW_BAD_ARGUMENT;
}

int hw_locate(hw_learner *l, int i, hw_array *array)
{
    if (i == 0)
        fill_sizes(l);
    return hw_array_at(l, i, array);
}

/* Whether array i belongs to a kind of learner that this one is not. */
static bool is_of_others(const hw_learner *l, int i)
{
    int owner = hw_owner_of(i);
    return (owner == HW_OF_TESTS && !l->cells.tables) ||
           (owner >= HW_OF_FORECAST && owner < HW_OF_BANDIT && !l->forecast.horizon) ||
           (owner >= HW_OF_BANDIT && owner < HW_OF_PENDING && !l->bandit.on) ||
           (owner >= HW_OF_TEXT && owner < HW_OF_MEMORY && !l->text.grams) ||
           (owner >= HW_OF_MEMORY && owner < HW_OF_AGENT && !l->recurrent.units) ||
           (owner >= HW_OF_AGENT && !l->agent.policy);
}
static bool is_of_text(int i) { return hw_owner_of(i) >= HW_OF_TEXT && hw_owner_of(i) < HW_OF_MEMORY; }
static bool is_of_coverage(int i) { return hw_owner_of(i) >= HW_OF_COVERAGE && hw_owner_of(i) <= HW_OF_PENDING_SHOWN; }

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
    for (int i = 1; i < hw_states(); i++) {
        hw_array a;
        hw_array_at(l, i, &a);
        if (is_of_others(l, i) || (is_of_coverage(i) && !l->covering)) /* as if there was no such array */
            continue;
        size_t bytes = (size_t)(a.shape[0] * a.shape[1]) * hw_size_of(a.type);
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
    for (int j = 0; j < l->outputs; j++) {
        const double *a = l->answers + 3 * j; /* mean, variance, count */
        CHECK(a[1] >= 0 && countable(a[2]), "answers", "variances of 0 or more, and counts", a[1]);
    }
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
    double unit = f->numbers[HW_FN_SCALE], mean = f->numbers[HW_FN_MEAN], fading = f->numbers[HW_FN_FADING];
    CHECK((unit == 0 || (unit >= 1e-150 && unit <= 1e31)) && f->numbers[HW_FN_SPREAD] >= 0, "forecast_numbers",
          "a unit of 0, or from 1e-150 to 1e31", unit);
    CHECK(mean >= -1.01e30 && mean <= 1.01e30 && fading >= -1.01e30 && fading <= 1.01e30, "forecast_numbers",
          "means of answers up to 1e30", mean);
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
    while (hw_owner_of(i) != HW_OF_FORECAST)
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
    while (hw_owner_of(i) != HW_OF_BANDIT)
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
static bool is_lacking(const hw_array *arrays, int i) { return hw_owner_of(i) == HW_OF_ENDS && !arrays[i].shape[0]; }

/* And of a learner that reads texts: how many rows its words have. */
static int read_text(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    int i = 0;
    if (!l->text.grams)
        return 0;
    while (hw_owner_of(i) != HW_OF_TEXT)
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
    while (hw_owner_of(i) != HW_OF_COVERAGE)
        i++;
    l->covering = arrays[i].shape[0] > 0;
    CHECK(!l->covering || hw_can_cover(l), "coverage", "none of such a learner", arrays[i].shape[0]);
    return 0;
}

static int read_memory(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    int i = 0;
    while (hw_owner_of(i) != HW_OF_MEMORY)
        i++;
    return hw_read_memory_numbers(l, arrays + i, fault);
}

static int restore(hw_learner *l, const hw_array *arrays, int count, hw_fault *fault)
{
    CHECK(count == hw_states(), "state", "all its arrays", count);
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
    for (int i = 0; i < hw_states(); i++) {
        hw_array own;
        hw_array_at(l, i, &own);
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
    for (int i = 2; i < hw_states(); i++) {
        hw_array own;
        hw_array_at(l, i, &own);
        size_t bytes = (size_t)(own.shape[0] * own.shape[1]) * hw_size_of(own.type);
        lacking |= is_lacking(arrays, i);
        if (bytes && !is_lacking(arrays, i))
            memcpy(own.data, arrays[i].data, bytes);
    }
    if (lacking)
        hw_begin_ends(&l->forecast);
    hw_set_counts(l);
    if ((status = hw_check_ranges(l, fault)) < 0 || (status = check_names(l, fault)) < 0 ||
        (status = check_numbers(l, fault)) < 0 || (status = check_forecast(l, fault)) < 0 ||
        (status = check_bandit(l, fault)) < 0 || (status = check_text(l, fault)) < 0 ||
        (status = check_coverage(l, fault)) < 0 || (status = hw_check_recurrent(l, fault)) < 0 ||
        (status = hw_check_agent(l, fault)) < 0 || (status = unpack(l, fault)) < 0)
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
    hw_array arrays[HW_MOST_ARRAYS];
    hw_fault fault;
    *status = ready(l);
    if (*status < 0)
        return NULL;
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        l->sizes[cleared[i]] = 0;
    for (int i = 0; i < hw_states(); i++)
        hw_array_at(l, i, arrays + i);
    hw_learner *copy = hw_restore(memory, arrays, hw_states(), l->level, l->names.key, status, &fault);
    fill_sizes(l);
    for (int i = 0; copy && i < hw_states(); i++) {
        hw_array_at(copy, i, arrays + i);
        size_t bytes = (size_t)(arrays[i].shape[0] * arrays[i].shape[1]) * hw_size_of(arrays[i].type);
        if (arrays[i].merge == HW_CLEAR && bytes)
            memset(arrays[i].data, 0, bytes);
    }
    return copy;
}

hw_learner *hw_copy_whole(const hw_allocator *memory, hw_learner *l, int *status)
{
    hw_array arrays[HW_MOST_ARRAYS];
    hw_fault fault;
    *status = ready(l);
    if (*status < 0)
        return NULL;
    for (int i = 0; i < hw_states(); i++)
        hw_array_at(l, i, arrays + i);
    return hw_restore(memory, arrays, hw_states(), l->level, l->names.key, status, &fault);
}
