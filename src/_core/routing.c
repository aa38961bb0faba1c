/* What a router computes for each prompt: an embedding on random directions, and with which probability each model is
 * chosen. Formulas stand in headwater/plain/kinds/router.py. */
#include "core.h"

#include <string.h>

typedef double pair __attribute__((vector_size(16)));
typedef pair pair_memory __attribute__((aligned(8), may_alias));
enum { PAIRS = 8, BLOCK = 2 * PAIRS };

/* ---- embeddings ------------------------------------------------------------------------------------------------ */

/* Read a list of numbers. Returns whether all are. */
static bool read_list(PyObject *list, double *x, Py_ssize_t n)
{
    bool good = true;
    Py_BEGIN_CRITICAL_SECTION(list);
    for (Py_ssize_t i = 0; i < n && good; i++) {
        PyObject *item = PyList_GetItem(list, i);
        x[i] = item ? PyFloat_AsDouble(item) : -1;
        good = x[i] != -1 || !PyErr_Occurred();
    }
    Py_END_CRITICAL_SECTION();
    PyErr_Clear();
    return good;
}

/* Read a buffer of floats or doubles in one row. Returns whether it is one. */
static bool read_buffer(PyObject *object, double *x, Py_ssize_t n)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return PyErr_Clear(), false;
    char format = view.format && !view.format[1] ? view.format[0] : 0;
    bool good = view.ndim == 1 && view.shape[0] == n && (format == 'd' || format == 'f');
    if (good && format == 'd')
        memcpy(x, view.buf, (size_t)n * sizeof *x);
    for (Py_ssize_t i = 0; good && format == 'f' && i < n; i++)
        x[i] = (double)((const float *)view.buf)[i];
    PyBuffer_Release(&view);
    return good;
}

static double length_of(const double *x, Py_ssize_t n)
{
    double sums[PAIRS] = {0};
    Py_ssize_t i = 0;
    for (; i + PAIRS <= n; i += PAIRS)
        for (int k = 0; k < PAIRS; k++)
            sums[k] += x[i + k] * x[i + k];
    for (int k = 0; i + k < n; k++)
        sums[k] += x[i + k] * x[i + k];
    for (int k = 1; k < PAIRS; k++)
        sums[0] += sums[k];
    return __builtin_sqrt(sums[0]);
}

/* out = x · directions, (n) by (n, width), where width is a whole number of blocks. */
static void multiply(const double *x, const double *directions, Py_ssize_t n, Py_ssize_t width, double *out)
{
    for (Py_ssize_t j = 0; j < width; j += BLOCK) {
        pair sums[PAIRS] = {{0}};
        for (Py_ssize_t i = 0; i < n; i++) {
            const double *row = directions + i * width + j;
            for (int k = 0; k < PAIRS; k++)
                sums[k] += x[i] * *(const pair_memory *)(row + 2 * k);
        }
        memcpy(out + j, sums, sizeof sums);
    }
}

/* A dict of the names of `blank` and the numbers over the length. */
static PyObject *named(PyObject *blank, const double *numbers, double length)
{
    PyObject *row = PyDict_Copy(blank), *name, *nothing;
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; row && PyDict_Next(blank, &at, &name, &nothing); i++) {
        PyObject *x = PyFloat_FromDouble(numbers[i] / length);
        if (!x || PyDict_SetItem(row, name, x) < 0)
            Py_CLEAR(row);
        Py_XDECREF(x);
    }
    return row;
}

/* project(embedding, directions, blank) → the embedding, scaled to length 1, times directions (n, width) or as it is for
 * None, by the names of `blank`; None for what is neither a list of numbers nor an array of one row, or has no length. */
PyObject *project(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    Py_buffer directions = {.len = 0};
    bool lists = nargs == 3 && PyList_CheckExact(args[0]);
    Py_ssize_t n = nargs != 3 || !PyDict_Check(args[2]) ? -1 : lists ? PyList_Size(args[0]) : PyObject_Size(args[0]);
    if (n < 0 || (args[1] != Py_None && PyObject_GetBuffer(args[1], &directions, PyBUF_SIMPLE) < 0)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "project(embedding, directions, blank)");
        return NULL;
    }
    Py_ssize_t width = PyDict_Size(args[2]);
    PyObject *row = NULL;
    double *x = PyMem_Malloc((size_t)(n + width + 1) * sizeof *x), length = 0;
    bool fits = directions.buf ? width % BLOCK == 0 && directions.len / 8 == n * width : width == n;
    if (!x)
        PyErr_NoMemory();
    else if (fits && (lists ? read_list(args[0], x, n) : read_buffer(args[0], x, n)))
        length = length_of(x, n);
    if (x && length > 0 && length - length == 0) {
        if (directions.buf)
            multiply(x, directions.buf, n, width, x + n);
        row = named(args[2], directions.buf ? x + n : x, length);
    } else if (x) {
        row = Py_NewRef(Py_None);
    }
    PyMem_Free(x);
    if (directions.buf)
        PyBuffer_Release(&directions);
    return row;
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

/* What a choice depends on beside the models. */
typedef struct setting {
    double low, high, toll, left, hope, bonus, gamma;
} setting;
enum { LISTS = 3, NUMBERS = sizeof(setting) / sizeof(double) };

/* A model's value, where it is hoped to be as good as the best until it has rewards of its own. */
static void weigh(const double *quality, const double *taken, const double *cost, Py_ssize_t n, const setting *s,
                  double *value)
{
    double best = 0.5 * (s->low + s->high);
    bool seen = false;
    for (Py_ssize_t i = 0; i < n; i++)
        if (taken[i] > 0 && (!seen || quality[i] > best)) {
            best = quality[i];
            seen = true;
        }
    for (Py_ssize_t i = 0; i < n; i++) {
        double worth = (taken[i] * quality[i] + s->hope * best) / (taken[i] + s->hope);
        value[i] = (worth - s->low) / (s->high - s->low) + s->bonus / __builtin_sqrt(1 + taken[i]) - s->toll * cost[i];
    }
}

/* Probabilities by the gap to the best of the models that can be paid, or of the cheapest alone. */
static void share_out(const double *value, const double *cost, Py_ssize_t n, const setting *s, double *p)
{
    Py_ssize_t allowed = 0, best = -1, cheapest = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        cheapest = cost[i] < cost[cheapest] ? i : cheapest;
        if (cost[i] <= s->left) {
            allowed++;
            best = best < 0 || value[i] > value[best] ? i : best;
        }
    }
    double rest = 0;
    best = best < 0 ? cheapest : best;
    for (Py_ssize_t i = 0; i < n; i++) {
        p[i] = i != best && cost[i] <= s->left ? 1 / ((double)allowed + s->gamma * (value[best] - value[i])) : 0;
        rest += p[i];
    }
    p[best] = 1 - rest;
}

/* router_shares(qualities, taken, costs, low, high, toll, left, hope, bonus, gamma) → the probability of each model. */
PyObject *router_shares(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    setting s;
    double *numbers[] = {&s.low, &s.high, &s.toll, &s.left, &s.hope, &s.bonus, &s.gamma};
    Py_ssize_t n = nargs == LISTS + NUMBERS ? PyList_Size(args[0]) : -1;
    for (int k = 0; n > 0 && k < NUMBERS; k++)
        *numbers[k] = PyFloat_AsDouble(args[LISTS + k]);
    double *x = n > 0 && !PyErr_Occurred() ? PyMem_Malloc((size_t)n * 5 * sizeof *x) : NULL;
    bool good = x != NULL;
    for (int k = 0; good && k < LISTS; k++)
        good = PyList_CheckExact(args[k]) && PyList_Size(args[k]) == n && read_list(args[k], x + k * n, n);
    PyObject *shares = NULL;
    if (good) {
        weigh(x, x + n, x + 2 * n, n, &s, x + 3 * n);
        share_out(x + 3 * n, x + 2 * n, n, &s, x + 4 * n);
        shares = list_of_numbers(x + 4 * n, n);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "router_shares(qualities, taken, costs, seven numbers)");
    }
    PyMem_Free(x);
    return shares;
}
