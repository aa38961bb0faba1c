/* The face of a learner: what comes in is checked here, room is made before anything is changed, and the kernels compute.
 */
#include "elementary.h"
#include "learner.h"

/* A sample's weight is at most this: the square of a gradient times it is finite in float32. */
static const double HEAVIEST = 1e15;

/* ---- names of the tables --------------------------------------------------------------------------------- */

#define NAME(name) #name,
#define RULE_NAME(name, states, exact, epsilon, corrected) #name,
#define LOSS_NAME(name, classes) #name,
#define LIST(function, rows, row)                                                                                          \
    const char *const *function(int *count)                                                                                \
    {                                                                                                                      \
        static const char *const names[] = {rows(row)};                                                                    \
        *count = (int)(sizeof names / sizeof *names);                                                                      \
        return names;                                                                                                      \
    }
LIST(hw_activations, HW_ACTIVATIONS, NAME)
LIST(hw_losses, HW_LOSSES, LOSS_NAME)
LIST(hw_rules, HW_RULES, RULE_NAME)
LIST(hw_schedules, HW_SCHEDULES, NAME)
LIST(hw_initializers, HW_INITIALIZERS, NAME)

#include "kernels/optimizers/schedule.c"
double hw_rate(int schedule, double lr, double a, double b, int64_t t) { return rate_at(schedule, lr, a, b, (double)t); }

/* ---- levels ---------------------------------------------------------------------------------------------- */

#if defined(__x86_64__) && !defined(HW_ONE_LEVEL)
#include <cpuid.h>

/* What the processor has, and the operating system keeps (bits of XCR0). */
static int best_level(void)
{
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA) || !(c & bit_MOVBE) ||
        !(c & bit_F16C))
        return 1;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2) || !(b & bit_BMI) || !(b & bit_BMI2))
        return 1;
    unsigned wanted = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
    unsigned b7 = b;
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(c & bit_LZCNT))
        return 1;
    return (b7 & wanted) == wanted && (low & 0xE6) == 0xE6 ? 4 : 3;
}

/* Asked once: a virtual machine traps each cpuid, which takes tens of microseconds, and a file of a fleet makes learners by
 * the million. Threads that ask at once find the same. */
static int known_level(void)
{
    static int known;
    int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!level)
        __atomic_store_n(&known, level = best_level(), __ATOMIC_RELAXED);
    return level;
}
#else
static int known_level(void) { return 1; }
#endif

int hw_level(int wanted)
{
    int best = known_level();
    return wanted == 0 || wanted > best ? best : wanted >= 3 ? wanted : 1;
}

static const hw_kernels *kernels_of(bool is_double, int level)
{
#if defined(__x86_64__) && !defined(HW_ONE_LEVEL)
    if (level == 4)
        return is_double ? &hw_kernels_64_4 : &hw_kernels_32_4;
    if (level == 3)
        return is_double ? &hw_kernels_64_3 : &hw_kernels_32_3;
#endif
    (void)level;
#ifdef HW_FLOAT_ONLY
    return is_double ? NULL : &hw_kernels_32_1;
#else
    return is_double ? &hw_kernels_64_1 : &hw_kernels_32_1;
#endif
}

/* ---- making and freeing ---------------------------------------------------------------------------------- */

hw_learner *hw_new(const hw_allocator *memory, const double *declaration, int64_t count, int level, uint64_t key,
                   int *status, hw_fault *fault)
{
    hw_learner *l = count > 0 && count < (1 << 24) ? hw_allocate(memory, sizeof *l) : NULL;
    *status = l ? 0 : count > 0 && count < (1 << 24) ? HW_NO_MEMORY : HW_BAD_DECLARATION;
    if (!l)
        return NULL;
    l->memory = *memory;
    l->names.key = key;
    l->level = (uint8_t)hw_level(level);
    l->predicted_count = -1;
    l->declaration = hw_allocate(memory, (uint64_t)count * sizeof(double));
    l->step = hw_allocate(memory, 2 * sizeof(double));
    l->sizes = hw_allocate(memory, HW_SIZES * sizeof(int64_t));
    *status = l->declaration && l->step && l->sizes ? hw_parse(l, declaration, count, fault) : HW_NO_MEMORY;
    if (*status < 0)
        return hw_free(l), NULL;
    memcpy(l->declaration, declaration, (size_t)count * sizeof(double));
    l->kernels = kernels_of(l->is_double, l->level);
    if (!l->kernels) {
        if (fault)
            *fault = (hw_fault){"dtype", "float32, as this build has", 1};
        *status = HW_BAD_DECLARATION;
        return hw_free(l), NULL;
    }
    l->step[0] = l->step[1] = 1;
    return l;
}

/* Arrays whose size follows from the declaration alone. */
int hw_make_fixed(hw_learner *l)
{
    const hw_allocator *m = &l->memory;
    size_t ring = (size_t)l->ring * 8;
    if (!hw_extend(m, &l->running, (uint64_t)(l->experts + 2) * HW_RUNNING * 8) || !hw_extend(m, &l->random, 16) ||
        !hw_extend(m, &l->answers, 3 * (uint64_t)l->output_capacity * 8) ||
        !hw_extend(m, &l->scores, (uint64_t)hw_score_count(l) * 8 + 8))
        return HW_NO_MEMORY;
    if (ring && (!hw_extend(m, &l->replay->start, ring) || !hw_extend(m, &l->replay->count, ring) ||
                 !hw_extend(m, &l->replay->y, ring) || !hw_extend(m, &l->replay->w, ring)))
        return HW_NO_MEMORY;
    if (l->history) {
        int64_t capacity = l->output_capacity, counted = l->targets || capacity > 2 * HW_COUNTED ? 0 : capacity * capacity;
        if (!hw_extend(m, &l->label_history, (uint64_t)(hw_history_head(l) + counted) * 8))
            return HW_NO_MEMORY;
    }
    return 0;
}

int hw_make_parts(hw_learner *l)
{
    int status = 0;
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = hw_parts[p]->make ? hw_parts[p]->make(l) : 0;
    return status;
}

/* The numbers that a learner begins with. */
static void begin_numbers(hw_learner *l)
{
    double share = 1.0 / (l->experts + l->history);
    for (int e = 0; e < l->experts + 2; e++) {
        double *run = l->running + e * HW_RUNNING;
        run[HW_STEP_SCALE] = run[HW_PRODUCT] = 1;
        run[HW_WEIGHT] = share;
    }
    l->random[1] = hw_key(l->seed, 1, 0);
    if (l->history)
        l->label_history[l->targets ? HW_PAST_REPEATS : 0] = l->targets ? 0.5 : -1;
}

/* capacity: room for outputs; 0: as much as is sensible */
static hw_learner *make(const hw_allocator *memory, const double *declaration, int64_t count, int level, uint64_t key,
                        int capacity, int *status, hw_fault *fault)
{
    hw_learner *l = hw_new(memory, declaration, count, level, key, status, fault);
    if (!l)
        return NULL;
    int64_t inputs = hw_table_inputs(l);
    *status = hw_lower(l, (int)declaration[HW_D_OUTPUTS], capacity);
    l->rows = 1;
    if (*status >= 0)
        *status = hw_make_fixed(l);
    l->row_capacity = inputs + 1;
    if (*status >= 0)
        *status = hw_make_vectors(l);
    if (*status >= 0)
        *status = hw_make_scratch(l);
    for (int p = 0; p < HW_KIND_PARTS && *status >= 0; p++)
        if (hw_parts[p]->suits && hw_parts[p]->suits(l) && !hw_begin_part(l, p))
            *status = HW_NO_MEMORY;
    if (*status >= 0)
        *status = hw_make_parts(l);
    if (*status < 0)
        return hw_free(l), NULL;
    begin_numbers(l);
    l->rows = inputs + 1;
    l->drawn = (int32_t)l->rows;
    *status = hw_draw_dense(l);
    if (*status >= 0)
        *status = hw_append_answers(l);
    for (int p = 0; p < HW_KIND_PARTS && *status >= 0; p++)
        *status = l->parts[p] && hw_parts[p]->begin ? hw_parts[p]->begin(l) : 0;
    if (*status < 0)
        return hw_free(l), NULL;
    return l;
}

hw_learner *hw_make(const hw_allocator *memory, const double *declaration, int64_t count, int level, uint64_t key,
                    int *status, hw_fault *fault)
{
    return make(memory, declaration, count, level, key, 0, status, fault);
}

hw_learner *hw_make_alike(const hw_learner *l, int *status)
{
    return make(&l->memory, l->declaration, hw_declared(l), l->level, l->names.key, l->output_capacity, status, NULL);
}

void hw_free(hw_learner *l)
{
    if (!l)
        return;
    hw_drop_plan(l);
    hw_free_arrays(l);
    hw_release(l);
}

/* ---- one sample ------------------------------------------------------------------------------------------ */

static bool is_class(const hw_learner *l) { return hw_is_of_classes(l->expert[0].loss); }

static bool answer_fits(const hw_learner *l, double y)
{
    if (is_class(l))
        return y >= 0 && y < l->outputs && y == (double)(int32_t)y;
    return y - y == 0;
}

/* A bound on the pairs of the sample at hand: a number has three where its spline basis takes part, else one. */
static int64_t most_pairs(const hw_learner *l)
{
    int64_t pairs = l->entries + 1;
    if (!l->knots)
        return pairs;
    if (l->entries < 1024) /* counting is worth it for wide samples */
        return 3 * l->entries + 1;
    for (int64_t i = 0; i < l->entries; i++)
        pairs += l->entry_slots[i] >= 0 && l->slots.basis[l->entry_slots[i]] > 0 ? 2 : 0;
    return pairs;
}

static int reserve_parts(hw_learner *l, int64_t pairs)
{
    int status = 0;
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = l->parts[p] && hw_parts[p]->reserve ? hw_parts[p]->reserve(l, pairs) : 0;
    return status;
}

/* Memory for all that learning the sample that was read takes: from here on nothing can be lacking. */
int hw_reserve_learning(hw_learner *l)
{
    hw_due due = {.values = l->answer_inputs}; /* answers before may take the place of others */
    int status = hw_foresee(l, l->entry_slots, l->entries, &due);
    int64_t pairs = most_pairs(l);
    if (status >= 0)
        status = hw_reserve_due(l, &due, pairs);
    if (status >= 0 && l->ring)
        status = hw_reserve_ring(l, pairs);
    if (status >= 0)
        status = hw_reserve_undo(l, pairs + hw_traced(l));
    return status < 0 ? status : reserve_parts(l, pairs); /* the last: a bandit's room counts as its state */
}

/* What stands before a learner learns a sample: its rows are drawn. A sample without a number or a name teaches the bias;
 * the first with some says how wide samples are. */
static void draw_new_rows(hw_learner *l)
{
    int64_t filled = 0;
    for (int64_t i = 0; !l->fan_in && i < l->entries; i++)
        filled += l->entry_x[i] - l->entry_x[i] == 0;
    if (!l->fan_in)
        l->fan_in = filled * (l->knots ? 3 : 1);
    hw_draw_rows(l);
}

static int prepare(hw_learner *l)
{
    int status = hw_reserve_learning(l);
    if (status < 0)
        return status;
    draw_new_rows(l);
    if (l->curves)
        l->curves->due_count = 0;
    return 1;
}

static int learn_anomaly(hw_learner *l, double w, void *p)
{
    int status = w > 0 ? hw_reserve_learning(l) : 0;
    if (status >= 0)
        status = hw_reserve_anomaly(l);
    if (status >= 0 && w > 0)
        draw_new_rows(l);
    if (status >= 0)
        hw_count_shared(l);
    return status < 0 ? status : l->kernels->learn_unusual(l, w, p);
}

int hw_contributions(hw_learner *l, double *row, double *score, double *of_new)
{
    int status = hw_is_anomaly(l) ? hw_reserve_anomaly(l) : HW_BAD_ARGUMENT;
    if (status >= 0)
        l->kernels->contributions(l, row, score, of_new);
    return status;
}

int hw_predict(hw_learner *l, void *p, double *width)
{
    if (!l->growing || l->agent)
        return HW_BAD_ARGUMENT;
    l->predicted_count = -1;
    if (hw_is_anomaly(l)) {
        int status = hw_reserve_anomaly(l);
        if (width)
            *width = 0;
        return status < 0 ? status : l->kernels->score(l, p);
    }
    int status = hw_reserve_readings(l);
    if (status >= 0)
        status = l->kernels->predict(l, p, width);
    if (status >= 0 && !width) {
        memcpy(l->entry_slots + l->entry_capacity, l->entry_slots, (size_t)l->entries * sizeof(int32_t));
        memcpy(l->entry_x + l->entry_capacity, l->entry_x, (size_t)l->entries * sizeof(double));
        l->predicted_count = l->entries;
        if (l->text)
            l->text->predicted = l->text->digest;
    }
    return status;
}

/* Whether the sample at hand is the one that was predicted last, and nothing has changed since. Somebody who holds a view
 * of the weights may have written to them; rows that are shared may stand in a sample twice. */
static bool is_last_predicted(const hw_learner *l)
{
    size_t n = (size_t)l->entries;
    const hw_words *t = l->text;
    bool same_text = !t || (t->predicted == t->digest && (!t->weights || hw_references(t->weights) == 1));
    return l->predicted_count == l->entries && same_text && !l->shared_from && hw_references(l->weights) == 1 &&
           !memcmp(l->entry_slots + l->entry_capacity, l->entry_slots, n * sizeof(int32_t)) &&
           !memcmp(l->entry_x + l->entry_capacity, l->entry_x, n * sizeof(double));
}

static int end_row(hw_learner *l)
{
    hw_append_due(l);
    if (l->succession)
        hw_follow_losses(l);
    return 1;
}

int hw_learn(hw_learner *l, double y, double w, void *p)
{
    if (!l->growing || l->agent || !answer_fits(l, y) || !(w >= 0 && w <= HEAVIEST) || (l->bandit && !l->bandit->learning))
        return HW_BAD_ARGUMENT;
    if (hw_is_anomaly(l))
        return learn_anomaly(l, w, p);
    int ready = w > 0 ? prepare(l) : 0;
    if (ready < 0)
        return ready;
    hw_count_shared(l);
    bool predicted = ready && is_last_predicted(l);
    l->predicted_count = -1;
    if (ready && l->succession)
        hw_learn_beside(l, y, w, false);
    int result = l->kernels->learn(l, y, ready ? w : 0, p, predicted);
    return result == 1 ? end_row(l) : result;
}

int hw_predict_pending(hw_learner *l, void *p)
{
    if (!l->growing || l->agent)
        return HW_BAD_ARGUMENT;
    if (hw_is_anomaly(l))
        return hw_predict(l, p, NULL);
    l->predicted_count = -1;
    int status = l->mixture || l->coverage ? hw_make_pending(l) : 0;
    if (status >= 0)
        status = hw_reserve_readings(l);
    if (status >= 0 && l->succession)
        status = hw_predict_beside(l);
    return status < 0 ? status : l->kernels->ask(l, p);
}

int hw_learn_late(hw_learner *l, double y, double w)
{
    if (!l->growing || l->bandit || l->agent || !answer_fits(l, y) || !(w >= 0 && w <= HEAVIEST))
        return HW_BAD_ARGUMENT;
    if (hw_is_anomaly(l))
        return learn_anomaly(l, w, NULL);
    int ready = w > 0 ? prepare(l) : 0;
    if (ready < 0)
        return ready;
    l->predicted_count = -1;
    hw_count_shared(l);
    if (!ready)
        return 0;
    if (l->succession)
        hw_learn_beside(l, y, w, true);
    int result = l->kernels->learn_late(l, y, w);
    return result == 1 ? end_row(l) : result;
}

int64_t hw_pairs(hw_learner *l, int at_mean, const int32_t **rows, const void **values)
{
    l->predicted_count = -1;
    hw_drop_added(l);
    if (hw_reserve_readings(l) < 0)
        return HW_NO_MEMORY;
    l->kernels->pairs(l, at_mean);
    *rows = l->rows_at;
    *values = l->values_at;
    return l->active;
}

/* ---- arrays ---------------------------------------------------------------------------------------------- */

static bool are_within(const double *x, int64_t count, double low, double high)
{
    for (int64_t i = 0; i < count; i++)
        if (!(x[i] >= low && x[i] <= high))
            return false;
    return true;
}

static int check_arrays(const hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers)
{
    int64_t inputs = (int64_t)l->declaration[HW_D_INPUTS];
    if (l->growing || count < 0 || (y && answers != 1 && answers != l->outputs))
        return HW_BAD_ARGUMENT;
    if (y && answers > 1 && is_class(l) && l->experts + l->history > 1)
        return HW_BAD_ARGUMENT; /* a mixture of classes learns from the number of one */
    if (y && (!are_within(y, count * answers, -1e300, 1.7976931348623157e308) || !are_within(w, count, 0, HEAVIEST)))
        return HW_BAD_ARGUMENT;
    if (y && answers == 1 && l->outputs > 1) {
        if (!is_class(l))
            return HW_BAD_ARGUMENT;
        for (int64_t i = 0; i < count; i++)
            if (!answer_fits(l, y[i]))
                return HW_BAD_ARGUMENT;
    } else if (y && answers == 1 && l->expert[0].loss == HW_LOSS_cross_entropy) {
        for (int64_t i = 0; i < count; i++)
            if (y[i] != 0)
                return HW_BAD_ARGUMENT;
    }
    if (l->embedding)
        for (int64_t i = 0; i < count * l->ids; i++) {
            double id = hw_get(l, X, i);
            if (!(id >= 0 && id < (double)inputs && id == (double)(int64_t)id))
                return HW_BAD_ARGUMENT;
        }
    return 0;
}

/* How many numbers a sample has. */
int hw_set_ids(hw_learner *l, int64_t ids)
{
    if (l->growing || ids < 0 || ids > HW_MOST_ENTRIES || (!l->embedding && ids != (int64_t)l->declaration[HW_D_INPUTS]))
        return HW_BAD_ARGUMENT;
    l->ids = (int32_t)ids;
    return 0;
}

int hw_learn_array(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers, void *p)
{
    int status = check_arrays(l, X, y, w, count, answers);
    if (status >= 0 && l->ring && answers > 1)
        return HW_BAD_ARGUMENT;
    int64_t inputs = l->embedding ? l->ids : (int64_t)l->declaration[HW_D_INPUTS];
    if (status >= 0)
        status = hw_reserve_pairs(l, inputs + answers);
    if (status >= 0)
        status = hw_reserve_undo(l, inputs + 1 + hw_traced(l));
    if (status >= 0)
        status = reserve_parts(l, inputs + 1);
    if (status >= 0 && l->ring)
        return HW_BAD_ARGUMENT;
    if (status >= 0 && l->experts > 1)
        status = hw_reserve_all_matrices(l);
    return status < 0 ? status : l->kernels->learn_array(l, X, y, w, count, answers, p);
}

static int reserve_batch(hw_learner *l, int64_t count)
{
    int64_t width = (l->embedding ? l->ids : (int64_t)l->declaration[HW_D_INPUTS]) + 1;
    return count > (1 << 30) / (width + l->length) * 4 ? HW_TOO_LARGE : hw_reserve_batch(l, count, count * width + 1);
}

/* Rows that follow one another, from the state as it stands, which is put back afterwards. */
static int through_sequence(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                            double total, void *p, void *g, double *loss)
{
    hw_recurrent_t *m = l->recurrent;
    int64_t inputs = (int64_t)l->declaration[HW_D_INPUTS];
    int status = hw_reserve_pairs(l, inputs + answers);
    if (status >= 0)
        status = reserve_parts(l, inputs + 1);
    if (status < 0)
        return status;
    void *const arrays[] = {m->numbers, m->keys, m->states, m->blocks, m->traces};
    void *kept[5] = {0};
    for (int i = 0; i < 5 && status >= 0; i++) {
        kept[i] = hw_allocate(&l->memory, hw_capacity(arrays[i]));
        status = kept[i] ? 0 : HW_NO_MEMORY;
        if (kept[i])
            memcpy(kept[i], arrays[i], hw_capacity(arrays[i]));
    }
    if (status >= 0)
        status = l->kernels->sequence(l, X, y, w, count, answers, total, p, g, loss);
    for (int i = 0; i < 5; i++) {
        if (kept[4])
            memcpy(arrays[i], kept[i], hw_capacity(arrays[i]));
        hw_release(kept[i]);
    }
    hw_place_keys(l);
    return status;
}

int hw_memory_of(const hw_learner *l, double *state, double *gap)
{
    const hw_recurrent_t *m = l->recurrent;
    *gap = 0;
    if (!m)
        return 0;
    for (int64_t k = 0; k < 2 * (int64_t)m->units; k++)
        state[k] = m->at < 0 ? 0 : hw_get(l, m->states, m->at * 2 * m->units + k);
    *gap = m->gap;
    return m->units;
}

int hw_reset_memory(hw_learner *l)
{
    hw_forget_states(l);
    return l->recurrent ? 0 : HW_BAD_ARGUMENT;
}

int hw_forward(hw_learner *l, const void *X, int64_t count, void *p)
{
    int status = check_arrays(l, X, NULL, NULL, count, 1);
    if (status < 0 || count == 0)
        return status;
    if (l->recurrent)
        return through_sequence(l, X, NULL, NULL, count, 1, 1, p, NULL, NULL);
    status = reserve_batch(l, count);
    return status < 0 ? status : l->kernels->forward(l, X, count, p);
}

int hw_gradient(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers, double total,
                int learn, void *g, double *loss)
{
    int status = check_arrays(l, X, y, w, count, answers);
    *loss = 0;
    if (status < 0 || count == 0)
        return status;
    if (l->recurrent)
        return through_sequence(l, X, y, w, count, answers, total, NULL, g, loss);
    status = reserve_batch(l, count);
    return status < 0 ? status : l->kernels->gradient(l, X, y, w, count, answers, total, learn, g, loss);
}

int hw_apply(hw_learner *l, void *g, int penalise)
{
    return l->growing ? HW_BAD_ARGUMENT : l->kernels->apply(l, g, penalise);
}

/* ---- changing and looking -------------------------------------------------------------------------------- */

int hw_set_step(hw_learner *l, double factor, double more)
{
    if (!(factor > 0 && factor <= 1e30 && more > 0 && more <= 1e30))
        return HW_BAD_ARGUMENT;
    l->step[0] = factor;
    l->step[1] = more;
    for (int e = 0; e < l->experts; e++)
        l->expert[e].lr = l->expert[e].lr_declared * factor * more;
    return 0;
}

int hw_spread_mixture_weights(hw_learner *l, double share)
{
    if (!(share >= 0 && share <= 1))
        return HW_BAD_ARGUMENT;
    for (int e = 0; e < l->experts; e++) {
        double *w = l->running + e * HW_RUNNING + HW_WEIGHT;
        *w = (1 - share) * *w + share / l->experts;
    }
    l->predicted_count = -1;
    l->running[HW_MIXED] = 0;
    return 0;
}

void hw_describe(const hw_learner *l, hw_shape *s)
{
    *s = (hw_shape){.is_double = l->is_double,
                    .growing = l->growing,
                    .standard = l->standard,
                    .targets = l->targets,
                    .knots = l->knots,
                    .ring = l->ring,
                    .tables = l->cells ? l->cells->tables : 0,
                    .tests = hw_tests_used(l),
                    .intervals = l->intervals,
                    .history = l->history,
                    .mixture = l->mixture,
                    .embedding = l->embedding,
                    .experts = l->experts,
                    .outputs = l->outputs,
                    .states = l->states,
                    .bias = l->bias,
                    .dense = l->dense,
                    .stride = l->stride,
                    .rows = l->rows,
                    .parameters = l->dense + l->rows * l->stride,
                    .slots = l->slots.count,
                    .learned = l->forecast ? (int64_t)l->forecast->numbers[HW_FN_ANSWERS] : l->learned,
                    .fan_in = l->fan_in,
                    .shared_from = l->shared_from,
                    .shared_rows = hw_to_share(l),
                    .shared_names = l->shared_names,
                    .max_rows = l->max_rows,
                    .step = l->step[0],
                    .text = l->text != NULL,
                    .numbers = l->numbers.rows,
                    .numbers_stride = l->numbers.stride};
}

int hw_operations(const hw_learner *l, int expert)
{
    return expert < 0 || expert >= l->all ? HW_BAD_ARGUMENT : l->expert[expert].last - l->expert[expert].first;
}

int hw_operation_at(const hw_learner *l, int expert, int o, hw_operation *out)
{
    if (o < 0 || o >= hw_operations(l, expert))
        return HW_BAD_ARGUMENT;
    const hw_op *p = l->op + l->expert[expert].first + o;
    *out = (hw_operation){p->kind,    p->code,   expert,  p->layer,  p->n,       p->m,
                          p->weights, p->stride, p->bias, p->buffer, p->constant};
    return 0;
}

int hw_hidden(const hw_learner *l, int expert, double *x)
{
    if (hw_operations(l, expert) < 1 || l->op[l->expert[expert].last - 1].kind != HW_DENSE)
        return HW_BAD_ARGUMENT;
    const hw_op *o = l->op + l->expert[expert].last - 1;
    for (int i = 0; x && i < o->n; i++)
        x[i] = hw_get(l, l->values, o->source + i);
    return o->n;
}

int hw_columns_of(const hw_learner *l, int expert, int *first, int *width)
{
    if (expert < 0 || expert >= l->all)
        return HW_BAD_ARGUMENT;
    *first = l->expert[expert].column;
    *width = l->expert[expert].width;
    return 0;
}

const double *hw_running(const hw_learner *l, int expert)
{
    return expert < 0 || expert >= l->experts + 2 ? NULL : l->running + expert * HW_RUNNING;
}
