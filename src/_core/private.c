/* The sums of private learners for Python: entries of rows, clipped gradients, secret noise. */
#include "core.h"

#include "../../core/parts/privacy/private.h"

enum { BUFFERS = 7 };

/* The buffers of one call: each is contiguous, and released at the end. */
typedef struct held_buffers {
    Py_buffer views[BUFFERS];
    int count;
} held_buffers;

static void release(held_buffers *held)
{
    while (held->count)
        PyBuffer_Release(&held->views[--held->count]);
}

static void *take(held_buffers *held, PyObject *object, bool writable)
{
    Py_buffer *view = &held->views[held->count];
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO) < 0)
        return NULL;
    held->count++;
    return view->buf ? view->buf : "";
}

static Py_ssize_t length(const held_buffers *held, int which) { return held->views[which].len / 8; }

static PyObject *settled(held_buffers *held, bool good)
{
    release(held);
    if (PyErr_Occurred())
        return NULL;
    if (!good)
        return PyErr_SetString(PyExc_ValueError, "arrays of other sizes, or features that there are not"), NULL;
    Py_RETURN_NONE;
}

/* Fill `out` from the stream of a key: with the bytes of a block, or with normal numbers. */
static PyObject *from_stream(PyObject *args, bool normals)
{
    PyObject *key, *out;
    unsigned long long block;
    held_buffers held = {.count = 0};
    if (!PyArg_ParseTuple(args, "OKO", &key, &block, &out))
        return NULL;
    const uint8_t *secret = take(&held, key, false);
    void *into = secret ? take(&held, out, true) : NULL;
    bool good = into && held.views[0].len == HW_SECRET_KEY && (normals || held.views[1].len == HW_SECRET_BLOCK);
    if (good && normals)
        hw_secret_normals(secret, block, into, length(&held, 1));
    else if (good)
        hw_secret_block(secret, block, into);
    return settled(&held, good);
}

PyObject *secret_block(PyObject *self, PyObject *args) { return (void)self, from_stream(args, false); }
PyObject *secret_normals(PyObject *self, PyObject *args) { return (void)self, from_stream(args, true); }

/* Features, values and ends of rows are the buffers from `first` on. */
static bool are_entries(const held_buffers *held, int first, int64_t features, hw_entries_t *rows)
{
    *rows = (hw_entries_t){held->views[first].buf, held->views[first + 1].buf, held->views[first + 2].buf,
                           length(held, first + 2)};
    int64_t entries = length(held, first), start = 0;
    if (length(held, first + 1) != entries)
        return false;
    for (int64_t i = 0; i < rows->rows; start = rows->end[i++])
        if (rows->end[i] < start || rows->end[i] > entries)
            return false;
    for (int64_t e = 0; e < entries; e++)
        if (rows->feature[e] < 0 || rows->feature[e] >= features)
            return false;
    return true;
}

/* entries_predict(weights, outputs, classes, features, values, ends, out): shares of classes, or of a regressor numbers */
PyObject *entries_predict(PyObject *self, PyObject *args)
{
    PyObject *given[5];
    long long outputs;
    int classes;
    held_buffers held = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OLpOOOO", &given[0], &outputs, &classes, &given[1], &given[2], &given[3], &given[4]))
        return NULL;
    for (int i = 0; i < 5; i++)
        if (!take(&held, given[i], i == 4))
            return settled(&held, false);
    hw_entries_t rows;
    bool good = outputs >= 0 && outputs < 1 << 20 && (outputs || classes) &&
                are_entries(&held, 1, outputs ? length(&held, 0) / outputs : INT64_MAX, &rows) &&
                length(&held, 4) >= rows.rows * (outputs + (classes ? 1 : 0));
    double *work = good ? PyMem_Malloc((size_t)(outputs + 1) * sizeof(double)) : NULL;
    if (good && !work)
        PyErr_NoMemory();
    if (work)
        hw_entries_predict(held.views[0].buf, outputs, &rows, classes, held.views[4].buf, work);
    PyMem_Free(work);
    return settled(&held, good);
}

/* entries_gradient(weights, outputs, classes, clip, features, values, ends, y, w, sums) */
PyObject *entries_gradient(PyObject *self, PyObject *args)
{
    PyObject *given[7];
    long long outputs;
    int classes;
    double clip;
    held_buffers held = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OLpdOOOOOO", &given[0], &outputs, &classes, &clip, &given[1], &given[2], &given[3],
                          &given[4], &given[5], &given[6]))
        return NULL;
    for (int i = 0; i < 7; i++)
        if (!take(&held, given[i], i == 6))
            return settled(&held, false);
    hw_entries_t rows;
    bool good = outputs >= 0 && outputs < 1 << 20 &&
                are_entries(&held, 1, outputs ? length(&held, 0) / outputs : INT64_MAX, &rows) &&
                length(&held, 4) == rows.rows && length(&held, 5) == rows.rows && length(&held, 6) == length(&held, 0);
    double *work = good ? PyMem_Malloc((size_t)(2 * outputs + 1) * sizeof(double)) : NULL;
    if (good && !work)
        PyErr_NoMemory();
    if (work)
        hw_entries_gradient(held.views[0].buf, outputs, &rows, held.views[4].buf, held.views[5].buf, classes, clip,
                            held.views[6].buf, work);
    PyMem_Free(work);
    return settled(&held, good);
}
