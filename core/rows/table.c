/* The flat vectors, and what grows: rows of the table, working memory, outputs. */
#include "learner.h"

static bool extend(hw_learner *l, void *pointer_to_pointer, int64_t count, size_t size)
{
    return count >= 0 && hw_extend(&l->memory, pointer_to_pointer, (uint64_t)count * size);
}

/* ---- parameters ------------------------------------------------------------------------------------------ */

/* Fresh vectors for the layout as it is, with room for so many rows; gains begin at 1, variances of units never seen too.
 */
static int fresh_vectors(hw_learner *l, int64_t capacity)
{
    int64_t size = hw_vector_length(l, -1, capacity), numbers = hw_vector_length(l, 0, capacity);
    l->weights = hw_allocate(&l->memory, (uint64_t)size * hw_number(l));
    bool got = l->weights;
    for (int k = 0; k < HW_MOST_STATES; k++) {
        l->state[k] = k < l->states ? hw_allocate(&l->memory, (uint64_t)numbers * hw_number(l)) : NULL;
        got = got && (k >= l->states || l->state[k]);
    }
    l->buffer = hw_allocate(&l->memory, (uint64_t)(l->buffers + 1) * hw_number(l));
    if (!got || !l->buffer)
        return HW_NO_MEMORY;
    l->row_capacity = capacity;
    for (int q = 0; q < l->ops; q++) {
        const hw_op *o = l->op + q;
        if ((o->kind == HW_LAYER_NORM || o->kind == HW_BATCH_NORM) && o->weights >= 0)
            for (int j = 0; j < o->units; j++)
                hw_put(l, l->weights, o->weights + j, 1);
        for (int j = 0; o->buffer >= 0 && j < o->units; j++)
            hw_put(l, l->buffer, o->buffer + o->units + j, 1);
    }
    return 0;
}

int hw_make_vectors(hw_learner *l)
{
    int64_t capacity = l->row_capacity > l->rows ? l->row_capacity : l->rows;
    int status = fresh_vectors(l, capacity);
    if (status < 0)
        return status;
    return extend(l, &l->touched, capacity, 8) && extend(l, &l->row_keys, capacity, 8) ? 0 : HW_NO_MEMORY;
}

int hw_reserve_rows(hw_learner *l, int64_t rows)
{
    if (rows <= l->row_capacity)
        return 0;
    if (rows > INT32_MAX - 64)
        return HW_TOO_LARGE;
    int64_t capacity = l->row_capacity + l->row_capacity / 2;
    capacity = capacity < rows ? rows : capacity;
    capacity = capacity < 16 ? 16 : capacity;
    if (!extend(l, &l->touched, capacity, 8) || !extend(l, &l->row_keys, capacity, 8) ||
        !extend(l, &l->weights, hw_vector_length(l, -1, capacity), hw_number(l)))
        return HW_NO_MEMORY;
    for (int k = 0; k < l->states; k++)
        if (!extend(l, &l->state[k], hw_vector_length(l, k, capacity), hw_number(l)))
            return HW_NO_MEMORY;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        if (l->parts[p] && hw_parts[p]->reserve_rows && hw_parts[p]->reserve_rows(l, capacity) < 0)
            return HW_NO_MEMORY;
    l->row_capacity = capacity;
    return 0;
}

int64_t hw_append_row(hw_learner *l, uint64_t key)
{
    int status = hw_reserve_rows(l, l->rows + 1);
    if (status < 0)
        return status;
    l->row_keys[l->rows] = key;
    l->touched[l->rows] = 0;
    return l->rows++;
}

/* How many of an expert's first columns stay 0 in a row: of a spline basis those that a recurrence reads. */
static int curve_columns(const hw_learner *l, const hw_expert_t *x, int64_t row)
{
    const hw_recurrent_t *m = l->recurrent;
    return x->recurrent >= 0 && row < m->curves_capacity && m->curves[row] ? 2 * m->units : 0;
}

int hw_draw_rows(hw_learner *l)
{
    if (!l->fan_in || l->drawn >= l->rows)
        return 0;
    l->staged = false;
    for (; l->drawn < l->rows; l->drawn++)
        for (int e = 0; e < l->all; e++) {
            const hw_expert_t *x = l->expert + e;
            if (x->initializer == HW_INITIALIZER_zeros)
                continue;
            int initializer = x->initializer == HW_INITIALIZER_orthogonal ? HW_INITIALIZER_lecun : x->initializer;
            hw_draw_row(initializer, x->scale, hw_mix64(l->row_keys[l->drawn] + (uint64_t)e), l->fan_in, x->width,
                        l->staging);
            for (int j = curve_columns(l, x, l->drawn); j < x->width; j++)
                hw_put(l, l->weights, l->dense + l->drawn * l->stride + x->column + j, l->staging[j]);
        }
    return 0;
}

/* Where a recurrence begins: |lambda| even over a ring, its angle even (Orvieto et al. 2023). nu = ln(-ln |lambda|), and ln
 * of the angle. */
static void draw_recurrence(hw_learner *l, const hw_op *o, uint64_t key)
{
    if (!HW_WHOLE)
        return;
    const hw_recurrent_t *m = l->recurrent;
    for (int32_t k = 0; k < m->units; k++) {
        double u = hw_unit(hw_bits(key, 2 * (uint64_t)k)), v = hw_unit(hw_bits(key, 2 * (uint64_t)k + 1));
        double square = u * (m->most * m->most - m->least * m->least) + m->least * m->least;
        double nu = -0.5 * hw_logarithm(square < 1e-30 ? 1e-30 : square);
        hw_put(l, l->weights, o->weights + k, hw_logarithm(nu < 1e-4 ? 1e-4 : nu > 3 ? 3 : nu));
        hw_put(l, l->weights, o->bias + k, hw_logarithm(m->turn * (v < 1e-6 ? 1e-6 : v)));
    }
}

/* Draw one dense layer, or a convolution; there is room for its matrix (reserve_matrix). */
static void draw_matrix(hw_learner *l, const hw_op *o, uint64_t key)
{
    int64_t m = hw_columns_in(o);
    hw_draw(o->initializer, o->scale, key, o->n, m, l->matrix);
    for (int64_t i = 0; i < o->n; i++)
        for (int64_t j = 0; j < m; j++)
            hw_put(l, l->weights, o->weights + i * o->stride + j, l->matrix[i * m + j]);
}

/* Room to draw any one matrix of an expert. */
static int reserve_matrix(hw_learner *l, const hw_expert_t *x)
{
    int64_t most = l->growing ? 1 : hw_table_inputs(l) * x->width + 1;
    for (int q = x->first; q < x->last; q++)
        if (hw_is_matrix(l->op + q) && (int64_t)l->op[q].n * hw_columns_in(l->op + q) > most)
            most = (int64_t)l->op[q].n * hw_columns_in(l->op + q);
    return extend(l, &l->matrix, most, sizeof(double)) ? 0 : HW_NO_MEMORY;
}

static void release_matrix(hw_learner *l)
{
    hw_release(l->matrix);
    l->matrix = NULL;
}

enum { DRAW_DENSE = 11, DRAW_TABLE, DRAW_REINITIALISED };

int hw_draw_dense(hw_learner *l)
{
    for (int e = 0; e < l->all; e++) {
        const hw_expert_t *x = l->expert + e;
        int status = reserve_matrix(l, x);
        if (status < 0)
            return status;
        for (int q = x->first; q < x->last; q++)
            if (hw_is_matrix(l->op + q)) {
                uint64_t which = (uint64_t)e << 32 | (uint64_t)(q - x->first + 1);
                draw_matrix(l, l->op + q, hw_key(l->seed, DRAW_DENSE, which));
            } else if (l->op[q].kind == HW_RECURRENT) {
                draw_recurrence(l, l->op + q,
                                hw_key(l->seed, DRAW_DENSE, (uint64_t)e << 32 | (uint64_t)(q - x->first + 1)));
            }
        /* a fixed number of inputs: all rows of the table are there, and are one matrix */
        int64_t n = hw_table_inputs(l);
        hw_draw(x->initializer, x->scale, hw_key(l->seed, DRAW_DENSE, (uint64_t)e << 32), n, x->width, l->matrix);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < x->width; j++)
                hw_put(l, l->weights, l->dense + (i + 1) * l->stride + x->column + j, l->matrix[i * x->width + j]);
    }
    release_matrix(l);
    return 0;
}

static void zero(hw_learner *l, void *vector, int64_t at, int64_t count)
{
    memset((char *)vector + (size_t)at * hw_number(l), 0, (size_t)count * hw_number(l));
}

/* All numbers of an expert, of the weights (vector -1) or of its rule, become 0. */
static void zero_expert(hw_learner *l, const hw_expert_t *x, int vector)
{
    bool weights = vector < 0;
    void *numbers = weights ? l->weights : l->state[vector];
    const hw_numbers *at = &l->numbers;
    const hw_op *o = x->cells < 0 ? NULL : l->op + x->cells;
    int64_t first = weights ? l->dense + x->column : at->rows + x->numbers, stride = weights ? l->stride : at->stride;
    zero(l, numbers, x->dense_first, x->dense_last - x->dense_first);
    if (o && (weights || o->squares < 0))
        zero(l, numbers, o->weights, o->n * o->stride);
    else if (o)
        zero(l, numbers, o->squares, o->n);
    if (!weights && x->factored)
        zero(l, numbers, at->units + x->column, x->lanes);
    for (int64_t r = 0; r < l->rows; r++)
        zero(l, numbers, first + r * stride, weights || !x->factored ? x->lanes : 1);
}

/* Draw all weights of an expert anew, its output layer's too, and forget its rule's numbers and its losses. */
int hw_reinitialise(hw_learner *l, int expert, uint64_t key)
{
    if (expert < 0 || expert >= l->experts)
        return HW_BAD_ARGUMENT;
    const hw_expert_t *x = l->expert + expert;
    double *run = l->running + expert * HW_RUNNING;
    int status = reserve_matrix(l, x);
    if (status < 0)
        return status;
    l->predicted_count = -1;
    run[HW_STEPS] = run[HW_FADING_LOSS] = run[HW_FAILING] = 0;
    run[HW_STEP_SCALE] = run[HW_PRODUCT] = 1;
    for (int k = -1; k < x->states; k++)
        zero_expert(l, x, k);
    int64_t fan_in = l->growing ? (l->fan_in ? l->fan_in : 1) : hw_table_inputs(l);
    for (int64_t r = 1; r < l->rows; r++) {
        hw_draw_row(x->initializer == HW_INITIALIZER_orthogonal ? HW_INITIALIZER_lecun : x->initializer, x->scale,
                    hw_bits(key, (uint64_t)r), fan_in, x->width, l->staging);
        for (int j = curve_columns(l, x, r); j < x->width; j++)
            hw_put(l, l->weights, l->dense + r * l->stride + x->column + j, l->staging[j]);
    }
    if (x->recurrent >= 0) /* states of other weights say nothing to these */
        hw_forget_states(l);
    for (int q = x->first; q < x->last; q++) {
        const hw_op *o = l->op + q;
        if (o->kind == HW_CELLS)
            continue;
        if (o->kind == HW_RECURRENT) {
            draw_recurrence(l, o, hw_mix64(key + (uint64_t)(q - x->first + 1)));
        } else if (hw_is_matrix(o)) {
            draw_matrix(l, o, hw_mix64(key + (uint64_t)(q - x->first + 1)));
        } else if (o->weights >= 0) {
            for (int j = 0; j < o->units; j++) /* gains begin at 1 */
                hw_put(l, l->weights, o->weights + j, 1);
        }
    }
    return 0;
}

int hw_reserve_matrices(hw_learner *l)
{
    int status = 0;
    bool near = false;
    for (int e = 0; HW_WHOLE && l->experts > 1 && e < l->experts && status >= 0; e++)
        if (l->running[e * HW_RUNNING + HW_FAILING] >= HW_PATIENCE - HW_OVERFLOW_COUNTS) {
            status = reserve_matrix(l, l->expert + e);
            near = true;
        }
    if (!near)
        release_matrix(l);
    return status;
}

int hw_reserve_all_matrices(hw_learner *l)
{
    int status = 0;
    for (int e = 0; e < l->experts && status >= 0; e++)
        status = reserve_matrix(l, l->expert + e);
    return status;
}

void hw_reinitialise_failing(hw_learner *l)
{
    for (int e = 0; e < l->experts; e++) {
        double *run = l->running + e * HW_RUNNING;
        if (run[HW_FAILING] < HW_PATIENCE)
            continue;
        uint64_t which = (uint64_t)l->touched[0] << 16 ^ (uint64_t)run[HW_REINITIALISED] << 8 ^ (uint64_t)e;
        hw_reinitialise(l, e, hw_key(l->seed, DRAW_REINITIALISED, which)); /* there is room: hw_reserve_matrices */
        run[HW_REINITIALISED] += 1;
    }
}

/* ---- more outputs ---------------------------------------------------------------------------------------- */

static bool grows(const hw_learner *l, const hw_expert_t *e)
{
    return l->growing && (l->bandit || hw_is_of_classes(e->loss));
}

/* What every layout has: an expert's output layer, as rows of numbers. */
typedef struct matrix {
    int64_t at, stride, rows;
} matrix;

static matrix outputs_of(const hw_learner *l, const hw_expert_t *e, bool bias)
{
    if (hw_outputs_in_table(l, e))
        return bias ? (matrix){l->dense + e->column, l->stride, 1}
                    : (matrix){l->dense + l->stride + e->column, l->stride, l->rows - 1};
    const hw_op *o = l->op + e->last - 1;
    return bias ? (matrix){o->bias, 0, o->bias >= 0} : (matrix){o->weights, o->stride, o->n};
}

static void copy_numbers(const hw_learner *l, void *to, int64_t at, const void *from, int64_t there, int64_t count)
{
    size_t size = hw_number(l);
    memcpy((char *)to + (size_t)at * size, (const char *)from + (size_t)there * size, (size_t)count * size);
}

/* One vector of a layout: the weights, or numbers of the rules. */
typedef struct vector {
    const hw_learner *l;
    void *numbers;
    bool weights;
} vector;

static vector vector_of(const hw_learner *l, int k) { return (vector){l, k < 0 ? l->weights : l->state[k], k < 0}; }

/* Cells of tables whose tests may be more than they were: a new cell begins as the one it is a part of. */
static void move_cells(vector to, const hw_op *o, vector from, const hw_op *p)
{
    int64_t cells = o->n / to.l->cells->tables, before = p->n / to.l->cells->tables;
    bool squares = !to.weights && o->squares >= 0;
    for (int64_t i = 0; i < o->n; i++) {
        int64_t j = i / cells * before + i % before;
        if (squares)
            copy_numbers(to.l, to.numbers, o->squares + i, from.numbers, p->squares + j, 1);
        else
            copy_numbers(to.l, to.numbers, o->weights + i * o->stride, from.numbers, p->weights + j * p->stride,
                         p->m_lanes);
    }
}

/* An expert's columns of the table, and what its rule keeps of their units. */
static void move_columns(vector to, vector from, int e)
{
    const hw_learner *l = to.l, *old = from.l;
    const hw_expert_t *x = l->expert + e, *y = old->expert + e;
    int64_t at = to.weights ? l->dense + x->column : l->numbers.rows + x->numbers,
            before = from.weights ? old->dense + y->column : old->numbers.rows + y->numbers;
    int64_t stride = to.weights ? l->stride : l->numbers.stride, step = from.weights ? old->stride : old->numbers.stride;
    bool factored = !to.weights && x->factored;
    for (int64_t r = 0; r < l->rows; r++)
        copy_numbers(l, to.numbers, at + r * stride, from.numbers, before + r * step, factored ? 1 : y->lanes);
    if (factored)
        copy_numbers(l, to.numbers, l->numbers.units + x->column, from.numbers, old->numbers.units + y->column, y->lanes);
}

/* Move all parameters and the rules' numbers from one layout to another of the same experts with more room for outputs. */
static void move_numbers(hw_learner *l, const hw_learner *old)
{
    for (int k = -1; k < l->states; k++) {
        vector own = vector_of(l, k), before = vector_of(old, k);
        void *to = own.numbers;
        const void *from = before.numbers;
        for (int e = 0; e < l->all; e++) {
            const hw_expert_t *x = l->expert + e;
            if (k >= x->states)
                continue;
            move_columns(own, before, e);
            for (int q = x->first; q < x->last; q++) {
                const hw_op *o = l->op + q, *p = old->op + q;
                if (o->weights < 0)
                    continue;
                if (o->kind == HW_CELLS)
                    move_cells(own, o, before, p);
                else if (o->kind == HW_DENSE && !o->single)
                    for (int64_t i = 0; i < o->n; i++)
                        copy_numbers(l, to, o->weights + i * o->stride, from, p->weights + i * p->stride, p->m_lanes);
                else
                    copy_numbers(l, to, o->weights, from, p->weights, o->kind == HW_DENSE ? p->n_lanes : p->m_lanes);
                if (o->bias >= 0)
                    copy_numbers(l, to, o->bias, from, p->bias, p->m_lanes);
            }
        }
    }
    memcpy(l->buffer, old->buffer, (size_t)l->buffers * hw_number(l));
}

/* What has a number for each output is copied into wider rows; NULL: there is none. */
static void widen(hw_learner *l, void **kept, void *wider, int64_t rows, int old_capacity)
{
    if (!wider)
        return;
    for (int64_t i = 0; i < rows; i++)
        copy_numbers(l, wider, i * l->output_capacity, *kept, i * old_capacity, old_capacity);
    hw_release(*kept);
    *kept = wider;
}

/* Which class followed which, copied into wider rows. */
static void widen_history(hw_learner *l, double *past, bool counted, int old_capacity, int old_outputs)
{
    memcpy(past, l->label_history, (size_t)hw_history_head(l) * 8);
    for (int i = 0; counted && i < old_outputs && old_capacity <= 2 * HW_COUNTED; i++)
        memcpy(past + 3 + (int64_t)i * l->output_capacity, l->label_history + 3 + (int64_t)i * old_capacity,
               (size_t)old_outputs * 8);
}

/* Arrays of as many outputs: answers, label history, pending predictions. All are allocated before anything is changed. */
static int reserve_answers(hw_learner *l, int old_capacity, int old_outputs)
{
    int capacity = l->output_capacity, waiting = HW_MOST_PENDING * hw_components(l);
    int64_t words = l->text ? l->text->row_capacity : -1, size = words * capacity;
    int64_t counted = l->targets || capacity > 2 * HW_COUNTED ? 0 : (int64_t)capacity * capacity;
    void *predictions = hw_allocate(&l->memory, (uint64_t)(l->all + 4) * (uint64_t)capacity * hw_number(l));
    double *past = l->history ? hw_allocate(&l->memory, (uint64_t)(hw_history_head(l) + counted) * 8) : NULL;
    void *pending = l->late ? hw_allocate(&l->memory, (uint64_t)waiting * (uint64_t)capacity * hw_number(l)) : NULL;
    bool gave = l->coverage && l->late;
    void *shown = gave ? hw_allocate(&l->memory, (uint64_t)HW_MOST_PENDING * (uint64_t)capacity * hw_number(l)) : NULL;
    void *text = words > 0 ? hw_allocate(&l->memory, (uint64_t)size * hw_number(l)) : NULL;
    if (!predictions || (l->history && !past) || (l->late && !pending) || (words > 0 && !text) || (gave && !shown) ||
        !extend(l, &l->answers, 3 * (int64_t)capacity, 8) ||
        (words >= 0 &&
         (!extend(l, &l->text->z, capacity, hw_number(l)) || !extend(l, &l->text->d, capacity, hw_number(l)))))
        return hw_release(predictions), hw_release(past), hw_release(pending), hw_release(text), hw_release(shown),
               HW_NO_MEMORY;
    if (text)
        widen(l, &l->text->weights, text, l->text->counts[HW_TC_ROWS], old_capacity);
    if (past)
        widen_history(l, past, counted > 0, old_capacity, old_outputs);
    if (pending)
        widen(l, &l->late->predictions, pending, waiting, old_capacity);
    if (gave)
        widen(l, &l->coverage->shown, shown, HW_MOST_PENDING, old_capacity);
    hw_release(l->predictions);
    hw_release(l->label_history);
    l->predictions = predictions;
    l->label_history = past;
    return 0;
}

int hw_make_pending(hw_learner *l)
{
    hw_coverage_t *c = l->coverage;
    if (c && (!extend(l, &c->ends, HW_MOST_PENDING * HW_GIVEN, 8) ||
              !extend(l, &c->shown, (int64_t)HW_MOST_PENDING * l->output_capacity, hw_number(l))))
        return HW_NO_MEMORY;
    if (l->late)
        return 0;
    hw_late_t *p = hw_begin_part(l, HW_PART_late);
    int64_t count = (int64_t)HW_MOST_PENDING * hw_components(l) * l->output_capacity;
    if (p && extend(l, &p->key, HW_MOST_PENDING, 8) && extend(l, &p->highest_row, HW_MOST_PENDING, 8) &&
        (!l->answer_inputs || extend(l, &p->answers, HW_MOST_PENDING * HW_ANSWER_INPUTS, 8)) &&
        extend(l, &p->predictions, count, hw_number(l)))
        return 0;
    hw_drop_part(l, HW_PART_late);
    return HW_NO_MEMORY;
}

/* The layout and the vectors that it is made for: operations, experts, parameters. */
static void take_layout(hw_learner *l, const hw_learner *from)
{
    l->expert = from->expert;
    l->op = from->op;
    l->ops = from->ops;
    l->outputs = from->outputs;
    l->output_capacity = from->output_capacity;
    l->dense = from->dense;
    l->stride = from->stride;
    l->buffers = from->buffers;
    l->length = from->length;
    l->lists = from->lists;
    l->widest = from->widest;
    l->states = from->states;
    l->numbers = from->numbers;
    l->weights = from->weights;
    memcpy(l->state, from->state, sizeof l->state);
    l->buffer = from->buffer;
}

static void drop_layout(hw_learner *l)
{
    hw_release(l->expert);
    hw_release(l->op);
    hw_release(l->weights);
    hw_release(l->buffer);
    for (int k = 0; k < HW_MOST_STATES; k++)
        hw_release(l->state[k]);
}

/* Make a layout with room for so many outputs; its numbers mean nothing yet. If there is no memory, all stays as it is.
 * Working memory that has grown serves the old layout too. */
static int begin_layout(hw_learner *l, int outputs, int capacity)
{
    hw_learner old = *l;
    l->expert = NULL;
    l->op = NULL;
    l->weights = l->buffer = NULL;
    memset(l->state, 0, sizeof l->state);
    int status = hw_lower(l, outputs, capacity);
    if (status >= 0)
        status = fresh_vectors(l, l->row_capacity);
    if (status >= 0)
        status = hw_make_scratch(l);
    if (status < 0) {
        drop_layout(l);
        take_layout(l, &old);
    }
    return status;
}

static void move_from(hw_learner *l, hw_learner *old)
{
    move_numbers(l, old);
    drop_layout(old);
    hw_set_step(l, l->step[0], l->step[1]);
}

static int lay_out(hw_learner *l, int outputs, int capacity)
{
    hw_drop_plan(l);
    hw_learner old = *l;
    int status = begin_layout(l, outputs, capacity);
    if (status < 0)
        return status;
    status = reserve_answers(l, old.output_capacity, old.outputs);
    if (status < 0) {
        drop_layout(l);
        take_layout(l, &old);
        return status;
    }
    move_from(l, &old);
    return 0;
}

void hw_drop_plan(hw_learner *l)
{
    hw_cells *c = l->cells;
    if (!c || !c->plan)
        return;
    drop_layout(c->plan);
    hw_release(c->plan);
    c->plan = NULL;
}

int hw_plan_cells(hw_learner *l, int tests)
{
    hw_cells *c = l->cells;
    if (c->plan && c->planned == tests && c->plan->row_capacity == l->row_capacity)
        return 0;
    hw_learner old = *l, *plan = hw_allocate(&l->memory, sizeof *l);
    int used = c->used;
    if (!plan)
        return HW_NO_MEMORY;
    hw_drop_plan(l);
    l->predicted_count = -1; /* what was computed for it lies in the working memory of before */
    c->used = tests;
    int status = begin_layout(l, l->outputs, l->output_capacity);
    c->used = used;
    if (status < 0)
        return hw_release(plan), status;
    take_layout(plan, l);
    plan->row_capacity = l->row_capacity;
    take_layout(l, &old);
    c->plan = plan;
    c->planned = tests;
    return 0;
}

bool hw_take_plan(hw_learner *l)
{
    hw_cells *c = l->cells;
    if (c->plan && c->plan->row_capacity != l->row_capacity)
        hw_drop_plan(l);
    if (!c->plan)
        return false;
    hw_learner old = *l;
    take_layout(l, c->plan);
    c->used = c->planned;
    hw_release(c->plan);
    c->plan = NULL;
    l->predicted_count = -1;
    move_from(l, &old);
    hw_clear_scratch(l);
    return true;
}

int hw_grow_cells(hw_learner *l, int tests)
{
    int status = hw_plan_cells(l, tests);
    if (status >= 0)
        hw_take_plan(l);
    return status;
}

void hw_set_outputs(hw_learner *l, int outputs)
{
    l->outputs = outputs;
    for (int e = 0; e < l->experts; e++) {
        hw_expert_t *x = l->expert + e;
        if (!grows(l, x))
            continue;
        x->outputs = outputs;
        if (hw_outputs_in_table(l, x)) {
            x->width = outputs;
            x->lanes = hw_lanes(outputs);
        }
        for (int q = x->first; q < x->last; q++) {
            hw_op *o = l->op + q;
            if (q == x->last - 1 && (o->kind == HW_DENSE || o->kind == HW_CELLS)) {
                o->m = outputs;
                o->m_lanes = hw_lanes(outputs);
            }
        }
    }
}

int hw_add_outputs(hw_learner *l, int outputs, double bias)
{
    int before = l->outputs;
    l->predicted_count = -1;
    if (!l->growing || outputs < before || outputs > HW_MOST_OUTPUTS || !(bias >= -1e30 && bias <= 1e30))
        return HW_BAD_ARGUMENT;
    if (outputs > hw_limits_of(l)->outputs)
        return hw_exceed(l, "outputs", hw_limits_of(l)->outputs, outputs);
    for (int e = 0; e < l->experts; e++)
        if (!grows(l, l->expert + e))
            return HW_BAD_ARGUMENT;
    if (outputs > l->output_capacity) {
        int status = lay_out(l, outputs, 0);
        if (status < 0)
            return status;
    } else {
        hw_set_outputs(l, outputs);
    }
    for (int e = 0; e < l->experts; e++) {
        matrix b = outputs_of(l, l->expert + e, true);
        for (int j = before; b.rows && b.at >= 0 && j < outputs; j++)
            hw_put(l, l->weights, b.at + j, bias);
    }
    int64_t components = hw_components(l);
    for (int64_t i = 0; l->late && i < HW_MOST_PENDING * components; i++)
        for (int j = before; j < outputs; j++) /* a new class had only its bias when these were predicted */
            hw_put(l, l->late->predictions, i * l->output_capacity + j,
                   l->text && i % components == components - 1 ? 0 : bias);
    return 0;
}

/* ---- working memory -------------------------------------------------------------------------------------- */

int hw_make_scratch(hw_learner *l)
{
    size_t size = hw_number(l);
    int64_t gradient = 3 * (int64_t)l->widest + HW_STRETCH + 64, staging = l->widest + 64;
    /* fresh, and not extended: the padding of what lies there now would not be zero */
    void *values = hw_allocate(&l->memory, (uint64_t)l->length * size),
         *deltas = hw_allocate(&l->memory, (uint64_t)l->length * size);
    if (!values || !deltas)
        return hw_release(values), hw_release(deltas), HW_NO_MEMORY;
    hw_release(l->values);
    hw_release(l->deltas);
    l->values = values;
    l->deltas = deltas;
    hw_drop_part(l, HW_PART_batch);
    if (!extend(l, &l->list_rows, l->lists, 4) || !extend(l, &l->list_values, l->lists, size) ||
        !extend(l, &l->predictions, (int64_t)(l->all + 4) * l->output_capacity, size) ||
        !extend(l, &l->row_gradient, gradient, size) ||
        (l->window && !extend(l, &l->window->room, l->window->numbers, size)) || !extend(l, &l->losses, l->all, 8) ||
        !extend(l, &l->staging, staging, 8))
        return HW_NO_MEMORY;
    l->pair_capacity = l->undo_pairs = 0;                          /* a row may be wider now */
    int status = l->entry_capacity ? 0 : hw_reserve_entries(l, 1); /* the arrays are always there */
    return status < 0 ? status : hw_reserve_pairs(l, l->entries > 5 ? l->entries : 5);
}

void hw_clear_scratch(hw_learner *l)
{
    zero(l, l->values, 0, l->length);
    zero(l, l->deltas, 0, l->length);
    zero(l, l->predictions, 0, (int64_t)(l->all + 4) * l->output_capacity);
}

/* Working memory made for one very wide sample is given back when samples are narrow again. */
static bool is_too_wide(int64_t capacity, int64_t needed) { return capacity > 1 << 16 && needed < capacity / 16; }

/* A fresh array in the place of another. Returns false, and changes nothing, if there is no memory. */
static bool replace(hw_learner *l, void *pointer_to_pointer, int64_t count, size_t size)
{
    void *old, *data = hw_allocate(&l->memory, (uint64_t)count * size);
    if (!data)
        return false;
    memcpy(&old, pointer_to_pointer, sizeof old);
    memcpy(pointer_to_pointer, &data, sizeof data);
    hw_release(old);
    return true;
}

static int64_t with_slack(int64_t count) { return count + (count < 1 << 16 ? count / 4 : 1 << 14) + 16; }

int hw_reserve_entries(hw_learner *l, int64_t entries)
{
    bool wide = is_too_wide(l->entry_capacity, entries);
    if (entries <= l->entry_capacity && !wide)
        return 0;
    int64_t capacity = with_slack(entries);
    bool (*make)(hw_learner *, void *, int64_t, size_t) = wide ? replace : extend;
    if (wide) /* from here on no array is known to be larger */
        l->entry_capacity = (int32_t)capacity;
    l->predicted_count = -1; /* it lies elsewhere */
    if (!make(l, &l->entry_slots, 2 * capacity, 4) || !make(l, &l->entry_x, 2 * capacity, 8))
        return HW_NO_MEMORY;
    l->entry_capacity = (int32_t)capacity;
    return 0;
}

/* Memory for the pairs of a sample of so many entries. */
int hw_reserve_pairs(hw_learner *l, int64_t entries)
{
    int64_t pairs = entries * (l->knots ? 3 : 1) + 3;
    bool wide = is_too_wide(l->pair_capacity, pairs);
    if (pairs <= l->pair_capacity && !wide)
        return 0;
    size_t size = hw_number(l);
    int64_t capacity = with_slack(pairs), staging = 4 * capacity + l->widest + 64;
    bool (*make)(hw_learner *, void *, int64_t, size_t) = wide ? replace : extend;
    if (wide) {
        l->pair_capacity = (int32_t)capacity;
        if (l->curves)
            l->curves->due_capacity = (int32_t)capacity;
    }
    l->rows_in_order = false;
    l->predicted_count = -1; /* its pairs lay there */
    if (!make(l, &l->rows_at, 2 * capacity, 4) || !make(l, &l->values_at, 2 * capacity, size) ||
        !make(l, &l->staging, staging, 8) || (l->curves && !make(l, &l->curves->due, capacity, 4)))
        return HW_NO_MEMORY;
    if (l->curves)
        l->curves->due_capacity = (int32_t)(capacity < INT32_MAX ? capacity : INT32_MAX);
    l->pair_capacity = (int32_t)capacity;
    return 0;
}

/* Memory to undo an expert's step on so many pairs. */
int hw_reserve_undo(hw_learner *l, int64_t pairs)
{
    bool wide = is_too_wide(l->undo_pairs, pairs);
    if (pairs <= l->undo_pairs && !wide)
        return 0;
    int64_t capacity = with_slack(pairs), lanes = 0, dense = 0;
    for (int e = 0; e < l->all; e++) {
        const hw_expert_t *x = l->expert + e;
        lanes = x->most_lanes > lanes ? x->most_lanes : lanes;
        dense = x->dense_last - x->dense_first > dense ? x->dense_last - x->dense_first : dense;
    }
    if (wide)
        l->undo_pairs = (int32_t)capacity;
    int64_t tables = l->cells ? l->cells->tables : 0, room = (1 + l->states) * (dense + (capacity + tables) * lanes);
    if (!(wide ? replace : extend)(l, &l->row_undo, room, hw_number(l)))
        return HW_NO_MEMORY;
    l->undo_pairs = (int32_t)capacity;
    return 0;
}

/* Working memory of a mini-batch. */
int hw_reserve_batch(hw_learner *l, int64_t samples, int64_t pairs)
{
    size_t size = hw_number(l);
    hw_batch_t *b = hw_begin_part(l, HW_PART_batch);
    if (!b)
        return HW_NO_MEMORY;
    if (samples > b->samples) {
        hw_release(b->values);
        hw_release(b->deltas);
        b->samples = 0;
        b->values = hw_allocate(&l->memory, (uint64_t)(samples * l->length) * size);
        b->deltas = hw_allocate(&l->memory, (uint64_t)(samples * l->length) * size);
        if (!b->values || !b->deltas || !extend(l, &b->lists, samples * l->lists, 4) ||
            !extend(l, &b->list_values, samples * l->lists, size) || !extend(l, &b->ends, samples + 1, 8) ||
            !extend(l, &b->moments, 2 * l->buffers + 16, size))
            return HW_NO_MEMORY;
        b->samples = samples;
    }
    if (pairs > b->pairs) {
        if (!extend(l, &b->rows, pairs, 4) || !extend(l, &b->row_values, pairs, size))
            return HW_NO_MEMORY;
        b->pairs = pairs;
    }
    return 0;
}
