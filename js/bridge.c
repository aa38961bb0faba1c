/* What core.mjs calls besides headwater.h: an allocator, faults where JavaScript can read them, one call for one row, and
 * counts as int or double where the core has 64 bits (which JavaScript would have to make BigInts of). */
#include "elementary.h"
#include "learner.h"
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* core.mjs reads and writes these by their places. */
_Static_assert(sizeof(void *) == 4, "WebAssembly of 32 bits");
_Static_assert(sizeof(hw_value) == 40 && offsetof(hw_value, kind) == 4 && offsetof(hw_value, has) == 5 &&
                   offsetof(hw_value, row) == 8 && offsetof(hw_value, name_size) == 12 &&
                   offsetof(hw_value, text_size) == 16 && offsetof(hw_value, name) == 20 &&
                   offsetof(hw_value, text) == 24 && offsetof(hw_value, time) == 28 && offsetof(hw_value, number) == 32,
               "VALUE in core.mjs");
_Static_assert(sizeof(hw_array) == 48 && offsetof(hw_array, type) == 4 && offsetof(hw_array, dimensions) == 12 &&
                   offsetof(hw_array, shape) == 16 && offsetof(hw_array, data) == 40,
               "ARRAY in core.mjs");

_Static_assert(sizeof(hw_operation) == 64 && offsetof(hw_operation, layer) == 12 && offsetof(hw_operation, n) == 16 &&
                   offsetof(hw_operation, weights) == 24 && offsetof(hw_operation, stride) == 32 &&
                   offsetof(hw_operation, bias) == 40 && offsetof(hw_operation, code) == 4 &&
                   offsetof(hw_operation, buffer) == 48 && offsetof(hw_operation, constant) == 56,
               "OPERATION in descent.mjs");
_Static_assert(sizeof(hw_shape) == 184 && offsetof(hw_shape, bias) == 60 && offsetof(hw_shape, dense) == 64 &&
                   offsetof(hw_shape, stride) == 72 && offsetof(hw_shape, rows) == 80 &&
                   offsetof(hw_shape, targets) == 12 && offsetof(hw_shape, history) == 28 &&
                   offsetof(hw_shape, mixture) == 32 && offsetof(hw_shape, tables) == 40 &&
                   offsetof(hw_shape, tests) == 44 && offsetof(hw_shape, outputs) == 52,
               "SHAPE in descent.mjs");

_Static_assert(HW_HEAD == 18 && HW_D_EXPERTS == 17 && HW_D_TARGETS == 5 && HW_EXPERT == 19 && HW_E_LOSS == 0 &&
                   HW_E_LAYERS == 18 && HW_LAYER == 8 && HW_RECURRENT == 12,
               "DECLARED in memory.mjs");

static void *resize(void *context, void *block, size_t old, size_t size)
{
    (void)context;
    (void)old;
    if (!size) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const hw_allocator MEMORY = {resize, NULL};

/* ---- making ---------------------------------------------------------------------------------------------------------- */

/* The last fault: at, expected, got, and the status. */
static struct {
    hw_fault fault;
    int status;
} last;

void *EXPORT(js_fault)(void) { return &last; }
/* 1 predicts, 2 learns too, 3 is the whole (learner.h). */
int EXPORT(js_build)(void) { return HW_BUILD; }
int EXPORT(js_version)(void) { return HW_VERSION; }
/* Whether learners may compute in float64 here. */
int EXPORT(js_has_double)(void)
{
#ifdef HW_FLOAT_ONLY
    return 0;
#else
    return 1;
#endif
}

/* As in Python, coverage is followed wherever it can be. */
static hw_learner *covering(hw_learner *l)
{
    if (HW_LEARNS && l)
        hw_cover(l);
    return l;
}

#if HW_BUILD >= 2
hw_learner *EXPORT(js_make)(const double *declaration, int count, uint32_t low, uint32_t high)
{
    last.fault = (hw_fault){0};
    return covering(hw_make(&MEMORY, declaration, count, 0, (uint64_t)high << 32 | low, &last.status, &last.fault));
}

#endif

hw_learner *EXPORT(js_restore)(const hw_array *arrays, int count, uint32_t low, uint32_t high)
{
    last.fault = (hw_fault){0};
    return covering(hw_restore(&MEMORY, arrays, count, 0, (uint64_t)high << 32 | low, &last.status, &last.fault));
}

/* The name and the type of array i of a state, without numbers. */
void EXPORT(js_array)(int i, hw_array *out)
{
    static int64_t sizes[HW_SIZES];
    static const hw_learner nothing = {.sizes = sizes};
    hw_array_at((hw_learner *)(uintptr_t)&nothing, i, out);
    out->shape[0] = 0;
}

/* Outputs, rows learned. */
void EXPORT(js_describe)(const hw_learner *l, double *out)
{
    out[0] = l->outputs;
    out[1] = (double)l->learned;
}

/* ---- one row -----------------------------------------------------------------------------------------------------------
 */

#if HW_BUILD >= 2
int EXPORT(js_learn)(hw_learner *l, hw_value *values, int count, int learn, int in_order, double y, double w, void *p)
{
    int status = hw_read(l, values, count, learn, in_order, NULL);
    return status < 0 ? status : hw_learn(l, y, w, p);
}

#endif

int EXPORT(js_predict)(hw_learner *l, hw_value *values, int count, int in_order, void *p, double *width)
{
    int status = hw_read(l, values, count, 0, in_order, NULL);
    return status < 0 ? status : hw_predict(l, p, width);
}

#if HW_BUILD >= 2
/* The same for a row of numbers of known columns. */
int EXPORT(js_learn_numbers)(hw_learner *l, const int32_t *slots, const double *x, int count, double y, double w, void *p)
{
    int status = hw_read_numbers(l, slots, x, count);
    return status < 0 ? status : hw_learn(l, y, w, p);
}

int EXPORT(js_predict_numbers)(hw_learner *l, const int32_t *slots, const double *x, int count, void *p, double *width)
{
    int status = hw_read_numbers(l, slots, x, count);
    return status < 0 ? status : hw_predict(l, p, width);
}
#endif

#if HW_BUILD >= 3
/* What the net reads of a row, for explaining: rows, values, cells and how many tables, in out. */
int EXPORT(js_pairs)(hw_learner *l, hw_value *values, int count, int in_order, int at_mean, int32_t *out)
{
    int status = hw_read(l, values, count, 0, in_order, NULL);
    if (status < 0)
        return status;
    const int32_t *rows, *cells = NULL;
    const void *numbers;
    int pairs = (int)hw_pairs(l, at_mean, &rows, &numbers);
    out[3] = hw_cells_of(l, &cells);
    out[0] = (int32_t)(intptr_t)rows;
    out[1] = (int32_t)(intptr_t)numbers;
    out[2] = (int32_t)(intptr_t)cells;
    return pairs;
}

double EXPORT(js_erf)(double x) { return hw_erf64(x); }

#ifndef HW_WITHOUT_recurrent
/* The state that a row reads, for explaining: 2n numbers, and the gap since. Returns n. */
int EXPORT(js_memory)(hw_learner *l, hw_value *values, int count, int in_order, double *state, double *gap)
{
    int status = hw_read(l, values, count, 0, in_order, NULL);
    return status < 0 ? status : hw_memory_of(l, state, gap);
}
#endif

/* ---- arrays ---------------------------------------------------------------------------------------------- */

int EXPORT(js_learn_array)(hw_learner *l, const void *X, const double *y, const double *w, int count, int answers, int ids,
                           void *p)
{
    int status = hw_set_ids(l, ids);
    return status < 0 ? status : hw_learn_array(l, X, y, w, count, answers, p);
}

int EXPORT(js_forward)(hw_learner *l, const void *X, int count, int ids, void *p)
{
    int status = hw_set_ids(l, ids);
    return status < 0 ? status : hw_forward(l, X, count, p);
}

int EXPORT(js_gradient)(hw_learner *l, const void *X, const double *y, const double *w, int count, int answers, int ids,
                        double total, int learn, void *g, double *loss)
{
    int status = hw_set_ids(l, ids);
    return status < 0 ? status : hw_gradient(l, X, y, w, count, answers, total, learn, g, loss);
}
#endif
