/* The state: all that learning changes, saved, loaded, checked, copied and hashed by loops over the list of arrays
 * (arrays.c).
 */
#include "learner.h"

static void fill_sizes(hw_learner *l)
{
    int64_t past = HW_LEARNS ? 0 : l->sizes[HW_N_RESERVOIR], *n = l->sizes;
    for (int32_t i = 0; HW_LEARNS && l->knots && i < l->slots.count; i++)
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
    n[HW_N_KEPT] = l->replay ? l->replay->added : 0;
    n[HW_N_PAIRS] = l->replay ? l->replay->end : 0;
    n[HW_N_RESERVOIR] = past;
    n[HW_N_PENDING_ADDED] = l->late ? l->late->added : 0;
    n[HW_N_PENDING_OLDEST] = l->late ? l->late->oldest : 0;
    n[HW_N_HAS_PENDING] = l->late != NULL;
    n[HW_N_TESTS] = hw_tests_used(l);
    n[HW_N_CANDIDATES] = l->cells ? l->cells->candidates : 0;
    n[HW_N_OFFERED] = l->cells ? l->cells->offered : 0;
}

static int pack(hw_learner *l)
{
    int64_t at = 0;
    if (!HW_LEARNS || !l->curves) /* what only predicts keeps it as it was packed */
        return 0;
    if (!hw_extend(&l->memory, &l->curves->packed, (uint64_t)(l->sizes[HW_N_RESERVOIR] + 1) * 8))
        return HW_NO_MEMORY;
    for (int32_t i = 0; i < l->slots.count; i++) {
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        int64_t there = (int64_t)(hw_capacity(l->slots.reservoir[i]) / 8);
        for (int64_t j = 0; j < count; j++)
            l->curves->packed[at++] = j < there ? l->slots.reservoir[i][j] : 0;
    }
    return 0;
}

static int ready(hw_learner *l)
{
    if (HW_LEARNS && l->replay && l->replay->added) {
        int status = hw_compact_ring(l, 0);
        if (status < 0)
            return status;
    }
    for (int p = 0; p < HW_KIND_PARTS; p++) {
        int status = l->parts[p] && hw_parts[p]->pack ? hw_parts[p]->pack(l) : 0;
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

/* Whether it is nothing that a copy begins with. */
static bool begins_empty(const hw_array *array) { return array->merge == HW_CLEAR || array->merge == HW_SAMPLES_IN_TURN; }

int hw_view(hw_learner *l, const char *name, hw_array *array)
{
    l->predicted_count = -1; /* it may be written to, and released before the next sample */
    fill_sizes(l);
    for (int i = 0; i < hw_states(); i++) {
        int owner = hw_array_at(l, i, array);
        if (!strcmp(array->name, name))
            return owner == HW_OF_RESERVOIR || (begins_empty(array) && owner != HW_OF_PART) ? HW_BAD_ARGUMENT : 0;
    }
    return HW_BAD_ARGUMENT;
}

int hw_locate(hw_learner *l, int i, hw_array *array)
{
    if (i == 0)
        fill_sizes(l);
    return hw_array_at(l, i, array);
}

/* What digests begin with. It follows no version: a digest stays what it is as long as the state means the same. */
static const uint64_t DIGEST = 0x6865616477617465u;

/* Of what was declared all but the version of the list. What only some learners have counts as a block of a tag, how many
 * numbers follow, and these: so does the digest outlast the form in which they are declared. */
static uint64_t hash_declaration(const hw_learner *l)
{
    const double *d = l->declaration, *at = d + HW_HEAD;
    double head[HW_HEAD];
    int n = 0;
    for (int i = HW_D_DOUBLE; i < HW_HEAD; i++)
        if (i != HW_D_TABLES && i != HW_D_TESTS)
            head[n++] = i == HW_D_INTERVALS && d[i] >= HW_ANOMALY ? HW_UNKNOWN : d[i];
    for (int e = 0; e < l->experts; e++)
        at += HW_EXPERT + HW_LAYER * (int64_t)at[HW_E_LAYERS];
    uint64_t digest = hw_hash(DIGEST, (const char *)head, (size_t)n * 8);
    digest = hw_hash(digest, (const char *)(d + HW_HEAD), (size_t)(at - d - HW_HEAD) * 8);
    hw_span own[HW_KIND_PARTS] = {0};
    hw_find_own(l, at, own);
    for (int p = 0; p < HW_KIND_PARTS; p++) {
        if (!own[p].at)
            continue;
        bool ahead = !hw_parts[p]->most;
        double block[2 + 2] = {hw_parts[p]->tag, own[p].count};
        if (ahead)
            memcpy(block + 2, own[p].at, (size_t)own[p].count * 8);
        digest = hw_hash(digest, (const char *)block, (size_t)(2 + ahead * own[p].count) * 8);
        if (!ahead)
            digest = hw_hash(digest, (const char *)own[p].at, (size_t)own[p].count * 8);
    }
    return digest;
}

uint64_t hw_digest(hw_learner *l)
{
    if (ready(l) < 0)
        return 0;
    uint64_t digest = hash_declaration(l);
    for (int i = 1; i < hw_states(); i++) {
        hw_array a;
        hw_array_at(l, i, &a);
        if (hw_is_lacking(l, i)) /* as if there was no such array */
            continue;
        size_t bytes = (size_t)(a.shape[0] * a.shape[1]) * hw_size_of(a.type);
        digest = hw_hash(digest, bytes ? a.data : "", bytes);
    }
    return digest;
}

/* ---- loading: nothing is believed ------------------------------------------------------------------------ */

int hw_check_sizes(const hw_learner *l, hw_fault *fault)
{
    const int64_t *n = l->sizes;
    for (int i = 0; i < HW_SIZES; i++)
        SAVED(n[i] >= 0 && n[i] < (int64_t)1 << 53, "sizes", "0 or more", n[i]);
    SAVED(n[HW_N_ROWS] >= 1 && n[HW_N_ROWS] < INT32_MAX - 64, "rows", "1 or more", n[HW_N_ROWS]);
    SAVED(l->growing || n[HW_N_ROWS] == hw_table_inputs(l) + 1, "rows", "as many as inputs, and one", n[HW_N_ROWS]);
    SAVED(n[HW_N_DRAWN] >= 1 && n[HW_N_DRAWN] <= n[HW_N_ROWS], "rows drawn", "1 to all", n[HW_N_DRAWN]);
    SAVED(n[HW_N_HIGHEST_ROW] < n[HW_N_ROWS], "highest row", "below the number of rows", n[HW_N_HIGHEST_ROW]);
    SAVED(n[HW_N_SLOTS] < INT32_MAX && n[HW_N_NAMES] <= HW_MOST_NAMES && n[HW_N_COLUMNS] <= n[HW_N_NAMES], "names",
          "as many as columns, or more", n[HW_N_NAMES]);
    SAVED(n[HW_N_OUTPUTS] >= 1 && n[HW_N_OUTPUTS] <= HW_MOST_OUTPUTS, "outputs", "1 or more", n[HW_N_OUTPUTS]);
    SAVED(n[HW_N_OUTPUT_CAPACITY] >= n[HW_N_OUTPUTS] && n[HW_N_OUTPUT_CAPACITY] <= 2 * n[HW_N_OUTPUTS] + 64 &&
              hw_lanes(n[HW_N_OUTPUT_CAPACITY]) == n[HW_N_OUTPUT_CAPACITY],
          "room for outputs", "whole vectors for the outputs", n[HW_N_OUTPUT_CAPACITY]);
    SAVED(l->growing || n[HW_N_OUTPUTS] == (int64_t)l->declaration[HW_D_OUTPUTS], "outputs", "as declared",
          n[HW_N_OUTPUTS]);
    SAVED(n[HW_N_HAS_PENDING] <= 1 && n[HW_N_PENDING_OLDEST] <= n[HW_N_PENDING_ADDED] &&
              n[HW_N_PENDING_ADDED] - n[HW_N_PENDING_OLDEST] <= HW_MOST_PENDING,
          "pending predictions", "at most 2048", n[HW_N_PENDING_ADDED] - n[HW_N_PENDING_OLDEST]);
    SAVED(n[HW_N_HAS_PENDING] == 1 || n[HW_N_PENDING_ADDED] == n[HW_N_PENDING_OLDEST], "pending predictions",
          "none without their array", 1);
    SAVED(n[HW_N_SHARED_FROM] == 0 || (n[HW_N_SHARED_FROM] + hw_to_share(l) <= n[HW_N_ROWS]), "shared rows",
          "inside the table", n[HW_N_SHARED_FROM]);
    const hw_cells none = {0}, *c = l->cells ? l->cells : &none;
    SAVED(n[HW_N_TESTS] <= c->tests, "tests of the cell tables", "at most as many as declared", n[HW_N_TESTS]);
    SAVED(n[HW_N_CANDIDATES] <= hw_test_count(c) - n[HW_N_TESTS] * c->tables, "candidates of the cell tables",
          "at most as many as may become tests", n[HW_N_CANDIDATES]);
    SAVED(n[HW_N_OFFERED] >= n[HW_N_CANDIDATES], "values offered", "as many as candidates, or more", n[HW_N_OFFERED]);
    return 0;
}

static int check_names(const hw_learner *l, hw_fault *fault)
{
    const hw_names *n = &l->names;
    const hw_columns_t *c = &l->columns;
    int64_t before = 0;
    int32_t columns = 0;
    for (int32_t i = 0; i < n->count; i++) {
        SAVED(n->end[i] >= before && n->end[i] - before <= UINT32_MAX && n->end[i] <= l->sizes[HW_N_BYTES], "names_end",
              "ascending", n->end[i]);
        before = n->end[i];
        SAVED(n->owner[i] >= -1 && n->owner[i] < c->count, "names_owner", "a column, or -1", n->owner[i]);
        if (n->owner[i] < 0) {
            SAVED(n->value[i] >= 0 && n->value[i] < c->count && c->name[n->value[i]] == i, "names_value",
                  "the column of that name", n->value[i]);
            columns++;
        } else {
            SAVED(n->value[i] >= 1 && n->value[i] < l->rows, "names_value", "a row of the table", n->value[i]);
        }
    }
    SAVED(before == l->sizes[HW_N_BYTES], "names_end", "all bytes", before);
    SAVED(columns == c->count, "columns", "one name each", columns);
    for (int32_t i = 0; i < c->count; i++) {
        int numbers = HW_EMBEDS ? hw_numbers_of_column(l, i) : hw_numbers_of_kind(c->kind[i]);
        SAVED(c->kind[i] < (!l->text    ? HW_WORDS
                            : HW_EMBEDS ? HW_KINDS
                                        : HW_COSINE),
              "column_kind", HW_EMBEDS ? "a kind" : "a kind that is here, as embeddings are not", c->kind[i]);
        SAVED(c->name[i] >= 0 && c->name[i] < n->count && n->owner[c->name[i]] == -1, "column_name", "a name of a column",
              c->name[i]);
        SAVED(numbers ? c->slot[i] >= 0 && c->slot[i] <= l->slots.count - numbers : c->slot[i] == -1, "column_slot",
              "slots that there are", c->slot[i]);
    }
    SAVED(hw_has_answers(l), "columns", "those of answers before as the first", c->count);
    for (int64_t i = 0; l->shared_slots && i < hw_to_share(l); i++)
        SAVED(l->shared_slots[i] >= -1 && l->shared_slots[i] < l->slots.count, "shared_slots", "a slot, or -1",
              l->shared_slots[i]);
    return 0;
}

/* Whether so many of a rule's numbers hold one below zero. */
static bool has_negative(const hw_learner *l, const void *vector, int64_t at, int64_t count)
{
    for (int64_t i = at; i < at + count; i++)
        if (hw_get(l, vector, i) < 0)
            return true;
    return false;
}

/* Squares of gradients, whose roots a rule takes: bit k says that its k-th numbers are some. */
static int check_squares(const hw_learner *l, hw_fault *fault)
{
    static const unsigned char squares[HW_RULE_COUNT] = {
        [HW_RULE_adagrad] = 1, [HW_RULE_rmsprop] = 1, [HW_RULE_adadelta] = 3, [HW_RULE_adam] = 2,
        [HW_RULE_adamw] = 2,   [HW_RULE_amsgrad] = 6, [HW_RULE_nadam] = 2,    [HW_RULE_ftrl] = 2};
    for (int k = 0; l->lean && k < l->states; k++) /* it has no other numbers */
        SAVED(!has_negative(l, l->state[k], 0, hw_vector_length(l, k, l->rows)), "state_0", "squares of 0 or more", -1);
    for (int e = 0; !l->lean && e < l->all; e++) {
        const hw_expert_t *x = l->expert + e;
        for (int k = 0; k < l->states; k++) {
            if (!(squares[x->rule] >> k & 1))
                continue;
            bool negative = has_negative(l, l->state[k], x->dense_first, x->dense_last - x->dense_first);
            for (int64_t r = 0; r < l->rows && !negative; r++)
                negative = has_negative(l, l->state[k], l->dense + r * l->stride + x->column, x->lanes);
            if (x->cells >= 0 && !negative)
                negative =
                    has_negative(l, l->state[k], l->op[x->cells].weights, l->op[x->cells].n * l->op[x->cells].stride);
            SAVED(!negative, "state_0", "squares of 0 or more", -1);
        }
    }
    return 0;
}

static int check_slots(const hw_learner *l, hw_fault *fault)
{
    const hw_slots *s = &l->slots;
    for (int32_t i = 0; i < s->count; i++) {
        SAVED(s->row[i] >= 1 && s->row[i] < l->rows, "slot_row", "a row of the table", s->row[i]);
        SAVED(s->basis[i] >= -1 && (s->basis[i] <= 0 || s->basis[i] <= l->rows - l->knots), "slot_basis",
              "rows of the table", s->basis[i]);
        SAVED(s->knot_count[i] >= 0 && s->knot_count[i] <= l->knots, "slot_knot_count", "at most as many as declared",
              s->knot_count[i]);
        SAVED(hw_countable(s->seen[i]), "slot_seen", "a count", s->seen[i]);
    }
    for (int64_t i = 0; i < l->rows; i++)
        SAVED(l->touched[i] >= 0 && l->touched[i] < (int64_t)1 << 53, "touched", "a count", l->touched[i]);
    return 0;
}

static int check_history(const hw_learner *l, hw_fault *fault)
{
    if (l->history && l->targets)
        SAVED(hw_countable(l->label_history[HW_PAST_ANSWERS]), "label_history", "a count",
              l->label_history[HW_PAST_ANSWERS]);
    if (l->history && !l->targets) {
        double last = l->label_history[0];
        SAVED(last == -1 || (last >= 0 && last < l->outputs && last == (double)(int)last), "label_history",
              "a class, or -1", last);
    }
    return 0;
}

static int check_replay(const hw_learner *l, hw_fault *fault)
{
    bool classes = hw_is_of_classes(l->expert[0].loss);
    const hw_replay_t *r = l->replay;
    int64_t count = r ? hw_kept_samples(l) : 0;
    for (int64_t i = 0; i < count; i++) {
        SAVED(r->start[i] >= 0 && r->count[i] >= 0 && r->start[i] <= r->end && r->count[i] <= r->end - r->start[i],
              "sample_start", "inside the pairs", r->start[i]);
        double y = r->y[i];
        SAVED(!classes || (y >= 0 && y < l->outputs && y == (double)(int)y), "sample_y", "a class", y);
    }
    for (int64_t i = 0; r && i < r->end; i++)
        SAVED(r->rows[i] >= 0 && r->rows[i] < l->rows, "pair_rows", "a row of the table", r->rows[i]);
    return 0;
}

static int check_numbers(const hw_learner *l, hw_fault *fault)
{
    for (int e = 0; e < l->experts + 2; e++) {
        const double *run = l->running + e * HW_RUNNING;
        static const int counts[] = {HW_STEPS, HW_REINITIALISED, HW_UNDONE,     HW_OVERFLOW, HW_INFINITE,
                                     HW_HUGE,  HW_FAR,           HW_FAR_TARGET, HW_MIXED};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            SAVED(hw_countable(run[counts[i]]), "running", "counts", run[counts[i]]);
    }
    for (int i = 0; l->intervals && i < (hw_is_anomaly(l) ? HW_SCORES_HEAD : 1); i++)
        SAVED(hw_countable(l->scores[i]), "scores", "a count", l->scores[i]);
    for (int64_t i = HW_SCORE_BINS; i < hw_score_count(l); i++)
        SAVED(hw_countable(l->scores[i]), "scores", "counts", l->scores[i]);
    for (int j = 0; j < l->outputs; j++) {
        const double *a = l->answers + 3 * j; /* mean, variance, count */
        SAVED(a[1] >= 0 && hw_countable(a[2]), "answers", "variances of 0 or more, and counts", a[1]);
    }
    SAVED(l->step[0] > 0 && l->step[0] <= 1e30 && l->step[1] > 0 && l->step[1] <= 1e30, "step", "above 0", l->step[0]);
    int status = check_history(l, fault);
    if (status >= 0)
        status = check_replay(l, fault);
    return status < 0 ? status : check_squares(l, fault);
}

/* What predicting reads; the rest is looked at where it is learned from. */
static int check_what_is_read(hw_learner *l, hw_fault *fault)
{
    int status = hw_check_ranges(l, fault);
    if (status >= 0)
        status = check_names(l, fault);
    return status < 0 ? status : check_slots(l, fault);
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
        !hw_extend(m, &s->reservoir, slots * sizeof(double *) + 8))
        return HW_NO_MEMORY;
    if (l->curves && !hw_extend(m, &l->curves->packed, (uint64_t)n[HW_N_RESERVOIR] * 8 + 8))
        return HW_NO_MEMORY;
    if (l->replay && (!hw_extend(m, &l->replay->rows, (uint64_t)n[HW_N_PAIRS] * 4 + 4) ||
                      !hw_extend(m, &l->replay->values, (uint64_t)n[HW_N_PAIRS] * hw_number(l) + 8)))
        return HW_NO_MEMORY;
    if (n[HW_N_SHARED_FROM] && !hw_extend(m, &l->shared_slots, (uint64_t)hw_to_share(l) * 4))
        return HW_NO_MEMORY;
    l->rows = l->row_capacity = n[HW_N_ROWS];
    int status = hw_make_fixed(l);
    if (status >= 0)
        status = hw_make_vectors(l);
    if (status >= 0)
        status = hw_make_scratch(l);
    if (status >= 0)
        status = hw_make_parts(l);
    if (HW_WHOLE && status >= 0 && n[HW_N_HAS_PENDING])
        status = hw_make_pending(l);
    return status;
}

static int unpack(hw_learner *l, hw_fault *fault)
{
    int64_t at = 0;
    for (int32_t i = 0; l->knots && i < l->slots.count; i++) {
        SAVED(hw_countable(l->slots.seen[i]), "slot_seen", "a count", l->slots.seen[i]);
        int64_t count = l->slots.seen[i] < HW_RESERVOIR ? (int64_t)l->slots.seen[i] : HW_RESERVOIR;
        SAVED(count <= l->sizes[HW_N_RESERVOIR] - at, "slot_reservoir", "as many as were seen", l->sizes[HW_N_RESERVOIR]);
        if (count && !hw_extend(&l->memory, &l->slots.reservoir[i], (uint64_t)count * 8))
            return HW_NO_MEMORY;
        if (count)
            memcpy(l->slots.reservoir[i], l->curves->packed + at, (size_t)count * 8);
        at += count;
    }
    SAVED(at == l->sizes[HW_N_RESERVOIR], "slot_reservoir", "as many as were seen", at);
    return 0;
}

void hw_set_counts(hw_learner *l)
{
    const int64_t *n = l->sizes;
    l->drawn = (int32_t)n[HW_N_DRAWN];
    l->fan_in = n[HW_N_FAN_IN];
    l->learned = n[HW_N_LEARNED];
    l->shared_from = (int32_t)n[HW_N_SHARED_FROM];
    l->shared_names = n[HW_N_SHARED_NAMES];
    l->highest_row = (int32_t)n[HW_N_HIGHEST_ROW];
    if (l->replay) {
        l->replay->added = n[HW_N_KEPT];
        l->replay->end = l->replay->capacity = n[HW_N_PAIRS];
    }
    if (l->late) {
        l->late->added = n[HW_N_PENDING_ADDED];
        l->late->oldest = n[HW_N_PENDING_OLDEST];
    }
    if (l->cells) {
        l->cells->candidates = n[HW_N_CANDIDATES];
        l->cells->offered = n[HW_N_OFFERED];
    }
    l->names.count = (int32_t)n[HW_N_NAMES];
    l->columns.count = (int32_t)n[HW_N_COLUMNS];
    l->slots.count = (int32_t)n[HW_N_SLOTS];
}

/* Whether a file that is older than an array lacks it. */
static bool is_older(const hw_array *arrays, int i) { return hw_is_newer(i) && !arrays[i].shape[0]; }

static int check_shapes(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    for (int i = 0; i < hw_states(); i++) {
        hw_array own;
        hw_array_at(l, i, &own);
        SAVED(!strcmp(own.name, arrays[i].name), "state", "its arrays in order", i);
        if (hw_is_lacking(l, i) && arrays[i].shape[0] == 0)
            continue; /* whatever the rest of its shape */
        SAVED(own.type == arrays[i].type, own.name, "another type of numbers", arrays[i].type);
        SAVED(is_older(arrays, i) || (own.dimensions == arrays[i].dimensions && own.shape[0] == arrays[i].shape[0] &&
                                      (own.dimensions == 1 || own.shape[1] == arrays[i].shape[1])),
              own.name, "the shape that follows from the declaration and the sizes", arrays[i].shape[0]);
    }
    return 0;
}

static void copy_arrays(hw_learner *l, const hw_array *arrays)
{
    for (int i = 2; i < hw_states(); i++) {
        hw_array own;
        if (HW_LEARNS && hw_is_lacking(l, i))
            continue; /* only sooner: a build that only predicts, where bytes count, leaves it out */
        hw_array_at(l, i, &own);
        size_t bytes = (size_t)(own.shape[0] * own.shape[1]) * hw_size_of(own.type);
        if (bytes && !is_older(arrays, i))
            memcpy(own.data, arrays[i].data, bytes);
    }
    for (int p = 0; p < HW_KIND_PARTS; p++) {
        bool older = false;
        for (int i = l->parts[p] ? hw_first_array(p) : -1; i >= 0 && i < hw_states() && !older; i++)
            older = hw_part_of(i) == p && is_older(arrays, i);
        if (older)
            hw_parts[p]->fill(l);
    }
}

static int check_parts(hw_learner *l, hw_fault *fault)
{
    int status = 0;
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = l->parts[p] && hw_parts[p]->check ? hw_parts[p]->check(l, fault) : 0;
    return status;
}

static int restore(hw_learner *l, const hw_array *arrays, int count, hw_fault *fault)
{
    SAVED(count == hw_states(), "state", "all its arrays", count);
    SAVED(arrays[1].type == HW_I64 && arrays[1].shape[0] == HW_SIZES && arrays[1].shape[1] == 1, "sizes", "the counts",
          arrays[1].shape[0]);
    memcpy(l->sizes, arrays[1].data, HW_SIZES * sizeof(int64_t));
    int status = hw_check_sizes(l, fault);
    if (status < 0)
        return status;
    BUILT(l->sizes[HW_N_HAS_PENDING] == 0, "pending predictions", "none", l->sizes[HW_N_HAS_PENDING]);
    hw_set_tests(l, l->sizes);
    status = hw_lower(l, (int)l->sizes[HW_N_OUTPUTS], (int)l->sizes[HW_N_OUTPUT_CAPACITY]);
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = hw_parts[p]->read ? hw_parts[p]->read(l, arrays + hw_first_array(p), fault) : 0;
    if (status >= 0)
        status = check_shapes(l, arrays, fault);
    if (status >= 0)
        status = make_arrays(l);
    if (status < 0)
        return status;
    copy_arrays(l, arrays);
    hw_set_counts(l);
    if ((status = check_what_is_read(l, fault)) < 0)
        return status;
    if (!HW_LEARNS && l->cells && (status = hw_part_cells.check(l, fault)) < 0)
        return status;
    if (HW_LEARNS &&
        ((status = check_numbers(l, fault)) < 0 || (status = check_parts(l, fault)) < 0 || (status = unpack(l, fault)) < 0))
        return status;
    for (int32_t i = 0; i < l->columns.count; i++) {
        uint32_t size;
        const char *name = hw_column_name(l, i, &size);
        l->columns.order[i] = hw_order(name, size);
    }
    status = hw_rehash(l);
    SAVED(status != HW_BAD_STATE, "names", "each once", 2);
    BUILT(hw_check_built(l) >= 0, "state", "no text, answers that are on their way, or changes that are not decided", 1);
    return status < 0 ? status : hw_set_step(l, l->step[0], l->step[1]);
}

#ifndef HW_PAGE /* which has no fleets */
int hw_restore_again(hw_learner *l, const hw_array *arrays, hw_fault *fault)
{
    if (l->curves &&
        !hw_extend(&l->memory, &l->curves->packed, (uint64_t)l->sizes[HW_N_RESERVOIR] * sizeof(double) + sizeof(double)))
        return HW_NO_MEMORY;
    l->rows = l->sizes[HW_N_ROWS];
    for (int64_t i = l->sizes[HW_N_SLOTS]; l->curves && i < l->slots.count; i++) { /* columns of the state before */
        hw_release(l->slots.reservoir[i]);
        l->slots.reservoir[i] = NULL;
    }
    for (int i = 2; i < hw_states(); i++) {
        hw_array own;
        if (hw_is_lacking(l, i))
            continue;
        int owner = hw_array_at(l, i, &own);
        if (owner == HW_OF_NAMES || owner == HW_OF_BYTES || owner == HW_OF_COLUMNS)
            continue;
        SAVED(own.type == arrays[i].type && own.shape[0] == arrays[i].shape[0] && own.shape[1] == arrays[i].shape[1],
              own.name, "the shape that follows from the declaration and the sizes", arrays[i].shape[0]);
        size_t bytes = (size_t)(own.shape[0] * own.shape[1]) * hw_size_of(own.type);
        if (bytes)
            memcpy(own.data, arrays[i].data, bytes);
    }
    hw_set_counts(l);
    int status = check_what_is_read(l, fault);
    if (status < 0 || (status = check_numbers(l, fault)) < 0 || (status = check_parts(l, fault)) < 0)
        return status;
    status = unpack(l, fault);
    return status < 0 ? status : hw_set_step(l, l->step[0], l->step[1]);
}
#endif

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
        if (begins_empty(arrays + i) && bytes)
            memset(arrays[i].data, 0, bytes);
    }
    for (int p = 0; copy && p < HW_KIND_PARTS; p++)
        if (copy->parts[p] && hw_parts[p]->drop)
            hw_parts[p]->drop(copy);
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
