/* Learner: one learner of the core as a Python object. */
#include "core.h"

#include "rolling.h"

#include <stdlib.h>
#include <string.h>

static int64_t held; /* bytes that all learners and fleets of this process hold */

static void *resize(void *context, void *block, size_t old, size_t size)
{
    (void)context;
    void *now = size ? realloc(block, size) : NULL;
    if (!size)
        free(block);
    if (now || !size)
        __atomic_add_fetch(&held, (int64_t)size - (int64_t)(block ? old : 0), __ATOMIC_RELAXED);
    return now;
}

long long bytes_held(void) { return (long long)__atomic_load_n(&held, __ATOMIC_RELAXED); }

static const hw_allocator MEMORY = {resize, NULL};

const hw_allocator *allocator(void) { return &MEMORY; }

PyObject *raise_status(int status, const hw_fault *fault)
{
    if (status == HW_NO_MEMORY)
        return PyErr_NoMemory();
    if (fault && fault->at) {
        PyObject *got = PyFloat_FromDouble(fault->got);
        PyObject *parts = got ? Py_BuildValue("(ssN)", fault->at, fault->expected, got) : NULL;
        if (parts)
            PyErr_SetObject(PyExc_ValueError, parts);
        Py_XDECREF(parts);
        return NULL;
    }
    PyErr_SetString(PyExc_ValueError, status == HW_TOO_LARGE
                                          ? "expected a sample within the limits, got one that is too large"
                                      : status == HW_BAD_ARGUMENT ? "expected arguments that fit this learner"
                                                                  : "expected a state that fits its declaration");
    return NULL;
}

PyObject *raise_sample(Learner *self, int status)
{
    hw_fault fault;
    double limit;
    if (status != HW_TOO_LARGE)
        return raise_status(status, NULL);
    hw_exceeded(self->core, &fault, &limit);
    PyObject *error = PyObject_CallMethod(self->reader, "beyond_limit", "(sdd)", fault.at, limit, fault.got);
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

/* ---- turns ----------------------------------------------------------------------------------------------- */

/* Sleep between looks at something that another thread does soon: 20 µs at first, 1 ms at most. */
#define UNTIL(done)                                                                                                        \
    for (long long pause = 20; !(done); pause = pause < 1000 ? 2 * pause : pause)                                          \
    PyThread_acquire_lock_timed(self->gate, pause, 0)

static void wait_for_turn(Learner *self)
{
    if (!__atomic_exchange_n(&self->busy, 1, __ATOMIC_ACQUIRE))
        return;
    __atomic_add_fetch(&self->waiting, 1, __ATOMIC_RELAXED);
    Py_BEGIN_ALLOW_THREADS;
    UNTIL(!__atomic_exchange_n(&self->busy, 1, __ATOMIC_ACQUIRE));
    Py_END_ALLOW_THREADS;
    __atomic_sub_fetch(&self->waiting, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&self->handed, 1, __ATOMIC_RELAXED);
}

static int raise_nested(void)
{
    PyErr_SetString(PyExc_RuntimeError,
                    "expected one call at a time, got another from a value of the sample. Give plain values.");
    return -1;
}

int enter(Learner *self)
{
    unsigned long me = PyThread_get_thread_ident();
    if (!self->core) {
        PyErr_SetString(PyExc_ValueError, "expected a learner that was made");
        return -1;
    }
    if (__atomic_load_n(&self->holder, __ATOMIC_RELAXED) == me) { /* nobody else can have set it */
        if (self->inside)
            return raise_nested();
    } else {
        wait_for_turn(self);
        __atomic_store_n(&self->holder, me, __ATOMIC_RELAXED);
    }
    self->inside = 1;
    return 0;
}

static void pass_on(Learner *self)
{
    __atomic_store_n(&self->holder, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&self->busy, 0, __ATOMIC_RELEASE);
}

void leave(Learner *self)
{
    self->inside = 0;
    if (!self->depth)
        pass_on(self);
}

/* hold(): keep the turn for several calls, until as many release() as hold(). Who waits already goes first, so that a
 * thread that holds it again and again starves nobody. */
static PyObject *learner_hold(Learner *self, PyObject *ignored)
{
    unsigned long me = PyThread_get_thread_ident();
    (void)ignored;
    if (__atomic_load_n(&self->holder, __ATOMIC_RELAXED) != me) {
        unsigned handed = __atomic_load_n(&self->handed, __ATOMIC_RELAXED);
        if (__atomic_load_n(&self->waiting, __ATOMIC_RELAXED)) {
            Py_BEGIN_ALLOW_THREADS;
            UNTIL(!__atomic_load_n(&self->waiting, __ATOMIC_RELAXED) ||
                  __atomic_load_n(&self->handed, __ATOMIC_RELAXED) != handed);
            Py_END_ALLOW_THREADS;
        }
        wait_for_turn(self);
        __atomic_store_n(&self->holder, me, __ATOMIC_RELAXED);
    } else if (self->inside) {
        raise_nested();
        return NULL;
    }
    self->depth++;
    Py_RETURN_NONE;
}

static PyObject *learner_release(Learner *self, PyObject *ignored)
{
    (void)ignored;
    if (__atomic_load_n(&self->holder, __ATOMIC_RELAXED) != PyThread_get_thread_ident() || !self->depth) {
        PyErr_SetString(PyExc_RuntimeError, "expected a learner that this thread holds, got one that it does not hold");
        return NULL;
    }
    if (!--self->depth)
        pass_on(self);
    Py_RETURN_NONE;
}

int refresh(Learner *self)
{
    hw_describe(self->core, &self->shape);
    Py_ssize_t size = self->shape.outputs + 1;
    if (size > self->out_capacity) {
        double *out = PyMem_Realloc(self->out, (size_t)(2 * size + 8) * sizeof *out);
        if (!out)
            return PyErr_NoMemory(), -1;
        self->out = out;
        self->out_capacity = 2 * size + 8;
    }
    return 0;
}

/* ---- making ---------------------------------------------------------------------------------------------- */

static Learner *allocate(PyTypeObject *type, PyObject *reader)
{
    Learner *self = (Learner *)PyType_GenericAlloc(type, 0);
    if (!self)
        return NULL;
    self->reader = Py_NewRef(reader);
    self->formatted = PyObject_HasAttrString(reader, "formatted");
    self->firm = PyObject_GetAttrString(reader, "Text");
    self->scalars = self->firm ? PyObject_GetAttrString(reader, "SCALARS") : NULL;
    if (!self->scalars) {
        Py_DECREF(self);
        return NULL;
    }
    self->gate = PyThread_allocate_lock();
    if (!self->gate || !PyThread_acquire_lock(self->gate, NOWAIT_LOCK)) {
        Py_DECREF(self);
        PyErr_NoMemory();
        return NULL;
    }
    return self;
}

Learner *new_reader(Learner *like) { return allocate(Py_TYPE((PyObject *)like), like->reader); }

static PyObject *finish(Learner *self, int status, const hw_fault *fault)
{
    if (!self->core) {
        raise_status(status, fault);
        Py_DECREF(self);
        return NULL;
    }
    if (refresh(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Learner(declaration: array of float64, reader: module, level: int, key: int) */
static PyObject *learner_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_buffer view;
    PyObject *reader;
    int level = 0, status = 0;
    unsigned long long key = 0;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "y*O|iK", &view, &reader, &level, &key))
        return NULL;
    Learner *self = allocate(type, reader);
    hw_fault fault = {0};
    if (self) { /* it may draw millions of weights: other threads go on meanwhile */
        hw_learner *made;
        Py_BEGIN_ALLOW_THREADS;
        made = hw_make(&MEMORY, view.buf, view.len / 8, level, key, &status, &fault);
        Py_END_ALLOW_THREADS;
        self->core = made;
    }
    PyBuffer_Release(&view);
    return self ? finish(self, status, &fault) : NULL;
}

/* One array of a state from (name, type, rows, columns, bytes). False: it can't be read, or its bytes don't fit its shape,
 * which fault says then. */
static bool read_array(PyObject *item, hw_array *array, Py_buffer *view, int place, hw_fault *fault, int *sound)
{
    static const int sizes[] = {1, 4, 8, 8, 4, 8};
    const char *name;
    int kind;
    long long rows, columns;
    PyObject *data;
    if (!PyTuple_Check(item) || !PyArg_ParseTuple(item, "siLLO", &name, &kind, &rows, &columns, &data) ||
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE) < 0)
        return false;
    int flat = columns < 0;
    *array = (hw_array){
        .name = name, .type = kind, .dimensions = flat ? 1 : 2, .shape = {rows, flat ? 1 : columns, 1}, .data = view->buf};
    if (kind < 0 || kind > HW_F64 || rows < 0 || (!flat && columns < 0) || rows > (1LL << 40) || columns > (1LL << 20) ||
        rows * (flat ? 1 : columns) * sizes[kind] != view->len) {
        *fault = (hw_fault){"state", "arrays whose bytes fit their shapes", (double)place};
        *sound = 0;
    }
    return true;
}

/* restore(arrays: list of (type, shape, buffer) in the order of states(), reader, level, key) */
static PyObject *learner_restore(PyObject *cls, PyObject *args)
{
    PyObject *list, *reader;
    int level = 0, status = HW_BAD_STATE, count = hw_states();
    unsigned long long key = 0;
    if (!PyArg_ParseTuple(args, "O!O|iK", &PyList_Type, &list, &reader, &level, &key))
        return NULL;
    Learner *self = allocate((PyTypeObject *)cls, reader);
    if (!self)
        return NULL;
    hw_fault fault = {"state", "all its arrays", (double)PyList_Size(list)};
    hw_array *arrays = PyMem_Calloc((size_t)count, sizeof *arrays);
    Py_buffer *views = PyMem_Calloc((size_t)count, sizeof *views);
    int open = 0, sound = arrays && views && PyList_Size(list) == count;
    for (; sound && open < count; open++)
        if (!read_array(PyList_GetItem(list, open), arrays + open, views + open, open, &fault, &sound))
            break;
    if (sound && open == count)
        self->core = hw_restore(&MEMORY, arrays, count, level, key, &status, &fault);
    for (int i = 0; i < open; i++)
        PyBuffer_Release(views + i);
    PyMem_Free(arrays);
    PyMem_Free(views);
    if (PyErr_Occurred()) {
        Py_DECREF(self);
        return NULL;
    }
    return finish(self, status, &fault);
}

static int learner_traverse(Learner *self, visitproc visit, void *arg)
{
    Py_VISIT((PyObject *)Py_TYPE((PyObject *)self));
    Py_VISIT(self->reader);
    Py_VISIT(self->firm);
    Py_VISIT(self->scalars);
    Py_VISIT(self->rolling);
    Py_VISIT(self->rolled);
    return 0;
}

static void learner_dealloc(Learner *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    forget_plan(self);
    while (self->held_count)
        Py_DECREF(self->held[--self->held_count]);
    hw_free(self->core);
    PyMem_Free(self->plan.keys);
    PyMem_Free(self->plan.bytes);
    PyMem_Free(self->plan.recent);
    PyMem_Free(self->plan.categories);
    PyMem_Free(self->plan.place);
    PyMem_Free(self->plan.number);
    PyMem_Free(self->plan.slots);
    PyMem_Free(self->plan.x);
    PyMem_Free(self->plan.list_columns);
    PyMem_Free(self->values);
    PyMem_Free(self->parts);
    PyMem_Free(self->held);
    PyMem_Free(self->out);
    Py_XDECREF(self->reader);
    Py_XDECREF(self->firm);
    Py_XDECREF(self->scalars);
    Py_XDECREF(self->rolling);
    Py_XDECREF(self->rolled);
    if (self->gate) {
        PyThread_release_lock(self->gate);
        PyThread_free_lock(self->gate);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* ---- one sample ------------------------------------------------------------------------------------------ */

static double prediction(const Learner *self, Py_ssize_t j)
{
    return self->shape.is_double ? self->out[j] : (double)((const float *)(const void *)self->out)[j];
}

PyObject *last_prediction(const Learner *self)
{
    PyObject *list = PyList_New(self->shape.outputs);
    for (Py_ssize_t j = 0; list && j < self->shape.outputs; j++) {
        PyObject *x = PyFloat_FromDouble(prediction(self, j));
        if (!x)
            return Py_DECREF(list), NULL;
        PyList_SetItem(list, j, x);
    }
    return list;
}

/* Read a sample and predict it; the turn is the caller's. */
static int predict_sample(Learner *self, PyObject *x)
{
    int status = read_strictly(self, x, 0);
    if (status >= 0) {
        int code = hw_predict(self->core, self->out, NULL);
        if (code < 0)
            raise_status(code, NULL), status = -1;
    }
    return status;
}

static PyObject *learner_predict_one(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    PyObject *answer = predict_sample(self, x) < 0 ? NULL : last_prediction(self);
    leave(self);
    return answer;
}

/* predict_value_one(x): the first prediction. */
static PyObject *learner_predict_value_one(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    PyObject *answer = predict_sample(self, x) < 0 ? NULL : PyFloat_FromDouble(prediction(self, 0));
    leave(self);
    return answer;
}

static PyObject *by_label(const Learner *self, PyObject *labels)
{
    Py_ssize_t k = PyList_Size(labels);
    k = k < self->shape.outputs ? k : self->shape.outputs;
    double sum = 0;
    for (Py_ssize_t j = 0; j < k; j++)
        sum += prediction(self, j);
    PyObject *dict = PyDict_New();
    for (Py_ssize_t j = 0; dict && j < k; j++) {
        PyObject *p = PyFloat_FromDouble(prediction(self, j) / sum), *label = PyList_GetItem(labels, j);
        if (!p || !label || PyDict_SetItem(dict, label, p) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(p);
    }
    return dict;
}

/* predict_proba_one(x, labels): {label: probability}, which sum to 1. */
static PyObject *learner_predict_proba_one(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "predict_proba_one(x, labels)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    PyObject *answer = predict_sample(self, args[0]) < 0 ? NULL : by_label(self, args[1]);
    leave(self);
    return answer;
}

/* predict_label_one(x, labels): the most probable label, of equal ones the first; None without any. */
static PyObject *learner_predict_label_one(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "predict_label_one(x, labels)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    PyObject *answer = NULL;
    if (predict_sample(self, args[0]) >= 0) {
        Py_ssize_t k = PyList_Size(args[1]), best = 0;
        k = k < self->shape.outputs ? k : self->shape.outputs;
        for (Py_ssize_t j = 1; j < k; j++)
            if (prediction(self, j) > prediction(self, best))
                best = j;
        answer = Py_NewRef(k ? PyList_GetItem(args[1], best) : Py_None);
    }
    leave(self);
    return answer;
}

/* A float or an int as a double; an int without a float made of it first. -1 with an error. */
static double number_from(PyObject *value)
{
    return is_exactly(value, &PyLong_Type) ? PyLong_AsDouble(value) : PyFloat_AsDouble(value);
}

/* learn_one(x, y, w) → how many rows were learned by now, or 0 where w is 0: this one wasn't. */
static PyObject *learner_learn_one(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "learn_one(x, y, w)");
        return NULL;
    }
    double y = number_from(args[1]), w = number_from(args[2]);
    if (((y == -1 || w == -1) && PyErr_Occurred()) || enter(self) < 0)
        return NULL;
    int code = read_strictly(self, args[0], 1);
    if (code >= 0) {
        code = hw_learn(self->core, y, w, self->out);
        if (code < 0)
            raise_status(code, NULL), code = -1;
        else
            enter_rolled(self->rolling);
        self->shape.learned += code == 1;
    }
    long long learned = code > 0 ? (long long)self->shape.learned : 0;
    leave(self);
    return code < 0 ? NULL : PyLong_FromLongLong(learned);
}

/* contributions_one(x) → (raw score, what each new name contributes, [(row of the table, what it contributes), …]). */
static PyObject *learner_contributions_one(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    double score, of_new, *parts = NULL;
    PyObject *list = NULL;
    int code = read_sample(self, x, 0);
    if (code >= 0)
        code = refresh(self);
    if (code >= 0) {
        parts = PyMem_Calloc((size_t)self->shape.rows, sizeof *parts);
        code = parts ? hw_contributions(self->core, parts, &score, &of_new) : HW_NO_MEMORY;
        if (code < 0)
            raise_status(code, NULL);
        list = code < 0 ? NULL : PyList_New(0);
    }
    for (int64_t r = 0; list && r < self->shape.rows; r++) {
        PyObject *item = parts[r] != 0 ? Py_BuildValue("(Ld)", (long long)r, parts[r]) : NULL;
        if (parts[r] != 0 && (!item || PyList_Append(list, item) < 0))
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    PyMem_Free(parts);
    leave(self);
    return list ? Py_BuildValue("(ddN)", score, of_new, list) : NULL;
}

/* texts(x) → list of (column, start, end, times, value, row): words and pairs of a sample's texts, by the bytes where they
 * first stand; row -1: never seen. */
static PyObject *learner_texts(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    int code = read_sample(self, x, 0);
    PyObject *list = code < 0 ? NULL : PyList_New(0);
    for (int64_t i = 0; list && i < hw_texts(self->core); i++) {
        hw_word w;
        hw_text(self->core, i, &w);
        uint32_t size = 0;
        const char *name = hw_column_name(self->core, w.column, &size);
        PyObject *item =
            Py_BuildValue("(y#IIIdi)", name ? name : "", (Py_ssize_t)size, w.start, w.end, w.times, w.value, (int)w.row);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    leave(self);
    return list;
}

/* add_text_column(name as bytes, kind) */
static PyObject *learner_add_text_column(Learner *self, PyObject *args)
{
    const char *name;
    Py_ssize_t size;
    int kind;
    if (!PyArg_ParseTuple(args, "y#i", &name, &size, &kind) || enter(self) < 0)
        return NULL;
    int code = hw_add_text_column(self->core, name, (uint32_t)size, kind);
    leave(self);
    return code < 0 ? raise_status(code, NULL) : Py_NewRef(Py_None);
}

/* learn_next(x, y, w=1): the answer of the next time of a series, NaN where it is missing, its weight, and the columns of
 * that time. → whether it was learned. */
static PyObject *learner_learn_next(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 && nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "learn_next(x, y, w=1)");
        return NULL;
    }
    double y = PyFloat_AsDouble(args[1]), w = nargs == 3 && !PyErr_Occurred() ? PyFloat_AsDouble(args[2]) : 1;
    if (PyErr_Occurred() || enter(self) < 0)
        return NULL;
    int code = read_sample(self, args[0], 1);
    if (code >= 0) {
        code = hw_learn_next(self->core, y, w);
        if (code < 0)
            raise_status(code, NULL);
    }
    int described = refresh(self);
    leave(self);
    return code < 0 || described < 0 ? NULL : PyBool_FromLong(code);
}

/* forecast(xs, horizon): a list of what the next answers will be; xs: the columns of each of these times, in a list. */
static PyObject *learner_forecast(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t horizon = nargs == 2 && PyList_Check(args[0]) ? PyLong_AsSsize_t(args[1]) : -1;
    if (horizon < 0 || PyList_Size(args[0]) < horizon) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "forecast(xs, horizon)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    for (Py_ssize_t h = 1; list && h <= horizon; h++) {
        PyObject *x = PyList_GetItem(args[0], h - 1);
        double y = 0;
        Py_XINCREF(x);
        int code = x ? read_sample(self, x, 0) : -1;
        Py_XDECREF(x);
        if (code >= 0 && (code = hw_forecast(self->core, h, &y)) < 0)
            raise_status(code, NULL);
        PyObject *said = code < 0 ? NULL : PyFloat_FromDouble(y);
        if (!said || PyList_Append(list, said) < 0)
            Py_CLEAR(list);
        Py_XDECREF(said);
    }
    leave(self);
    return list;
}

/* forecast_ends(horizon, coverage): how far below and above each of the next forecasts its answer will lie, a list
 * of pairs. */
static PyObject *learner_forecast_ends(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t horizon = nargs == 2 ? PyLong_AsSsize_t(args[0]) : -1;
    double coverage = nargs == 2 ? PyFloat_AsDouble(args[1]) : 0, ends[2];
    if (horizon < 0 || PyErr_Occurred()) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "forecast_ends(horizon, coverage)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    for (Py_ssize_t h = 1; list && h <= horizon; h++) {
        int code = hw_forecast_ends(self->core, h, coverage, ends);
        if (code < 0)
            raise_status(code, NULL);
        PyObject *pair = code < 0 ? NULL : Py_BuildValue("dd", ends[0], ends[1]);
        if (!pair || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    leave(self);
    return list;
}

PyObject *list_of_numbers(const double *numbers, Py_ssize_t n)
{
    PyObject *list = PyList_New(n);
    for (Py_ssize_t j = 0; list && j < n; j++) {
        PyObject *x = PyFloat_FromDouble(numbers[j]);
        if (!x)
            return Py_DECREF(list), NULL;
        PyList_SetItem(list, j, x);
    }
    return list;
}

/* values(x): a list of the reward that is expected of each action. */
static PyObject *learner_values(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    PyObject *list = NULL;
    Py_ssize_t k = self->shape.outputs;
    double *values = PyMem_Calloc((size_t)k, sizeof *values);
    int code = values ? read_sample(self, x, 0) : -1;
    if (!values)
        PyErr_NoMemory();
    if (code >= 0 && (code = hw_values(self->core, values)) < 0)
        raise_status(code, NULL);
    if (code >= 0)
        list = list_of_numbers(values, k);
    PyMem_Free(values);
    leave(self);
    return list;
}

/* decide(x, actions: array of int32, draw: bool) -> (which of them was drawn, probabilities, values); without a draw, which
 * is the best. */
static PyObject *learner_decide(Learner *self, PyObject *args)
{
    PyObject *x;
    Py_buffer offered;
    int draw;
    if (!PyArg_ParseTuple(args, "Oy*p", &x, &offered, &draw))
        return NULL;
    Py_ssize_t n = offered.len / 4;
    double *numbers = PyMem_Calloc((size_t)(2 * n + 1), sizeof *numbers);
    PyObject *answer = NULL;
    if (!numbers) {
        PyErr_NoMemory();
    } else if (enter(self) >= 0) {
        int code = read_sample(self, x, 0);
        if (code >= 0 && (code = hw_decide(self->core, offered.buf, n, numbers, numbers + n)) < 0)
            raise_status(code, NULL);
        Py_ssize_t chosen = code >= 0 && draw ? (Py_ssize_t)hw_draw_action(self->core, numbers + n, n) : code;
        if (code >= 0)
            answer = Py_BuildValue("(nNN)", chosen, list_of_numbers(numbers + n, n), list_of_numbers(numbers, n));
        leave(self);
    }
    PyMem_Free(numbers);
    PyBuffer_Release(&offered);
    return answer;
}

/* Score the action 0 in each of some rows. */
static int score_rows(Learner *self, PyObject *rows, Py_ssize_t n, double *scores)
{
    int code = 0;
    for (Py_ssize_t i = 0; i < n && code >= 0; i++) {
        code = read_sample(self, PyList_GetItem(rows, i), 0);
        if (code >= 0 && (code = hw_score_action(self->core, 0, scores + i)) < 0)
            raise_status(code, NULL);
    }
    return code;
}

/* decide_rows(rows: list, draw: bool) -> as decide, where each action comes with a row of its own and all share an output.
 */
static PyObject *learner_decide_rows(Learner *self, PyObject *args)
{
    PyObject *rows, *answer = NULL;
    int draw;
    if (!PyArg_ParseTuple(args, "O!p", &PyList_Type, &rows, &draw))
        return NULL;
    Py_ssize_t n = PyList_Size(rows);
    double *numbers = PyMem_Calloc((size_t)(2 * n + 1), sizeof *numbers);
    int32_t *actions = PyMem_Calloc((size_t)n + 1, sizeof *actions);
    if (!numbers || !actions) {
        PyErr_NoMemory();
    } else if (enter(self) >= 0) {
        int code = score_rows(self, rows, n, numbers);
        if (code >= 0 && (code = hw_choose(self->core, actions, numbers, n, numbers + n)) < 0)
            raise_status(code, NULL);
        Py_ssize_t chosen = code >= 0 && draw ? (Py_ssize_t)hw_draw_action(self->core, numbers + n, n) : code;
        if (code >= 0)
            answer = Py_BuildValue("(nNN)", chosen, list_of_numbers(numbers + n, n), list_of_numbers(numbers, n));
        leave(self);
    }
    PyMem_Free(numbers);
    PyMem_Free(actions);
    return answer;
}

/* learn_action(x, action, reward, p, w=1): what came of an action that was taken with probability p. → whether it was
 * learned. */
static PyObject *learner_learn_action(Learner *self, PyObject *args)
{
    PyObject *x;
    int action;
    double reward, p, w = 1;
    if (!PyArg_ParseTuple(args, "Oidd|d", &x, &action, &reward, &p, &w) || enter(self) < 0)
        return NULL;
    int code = read_sample(self, x, 1);
    if (code >= 0) {
        code = hw_learn_action(self->core, action, reward, p, w);
        if (code < 0)
            raise_status(code, NULL);
        else
            enter_rolled(self->rolling);
    }
    int described = refresh(self);
    leave(self);
    return code < 0 || described < 0 ? NULL : PyBool_FromLong(code);
}

/* cover(): follow coverage from now on, if that is not done yet. */
static PyObject *learner_cover(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    int code = hw_cover(self->core);
    leave(self);
    if (code < 0) {
        raise_status(code, NULL);
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ends(coverage): how many widths an interval reaches below and above; of classes twice the least probability. */
static PyObject *learner_ends(Learner *self, PyObject *coverage)
{
    double share = PyFloat_AsDouble(coverage), below = 0, above = 0;
    if (PyErr_Occurred() || enter(self) < 0)
        return NULL;
    int code = hw_ends(self->core, share, &below, &above);
    leave(self);
    if (code < 0) {
        raise_status(code, NULL);
        return NULL;
    }
    return Py_BuildValue("(dd)", below, above);
}

/* ---- an agent -------------------------------------------------------------------------------------------- */

/* How many numbers an action has; 0: it is the number of one. */
static Py_ssize_t numbers_of_action(const Learner *self)
{
    return self->core && hw_policy(self->core) == HW_NORMAL_POLICY ? self->shape.outputs / 2 : 0;
}

/* act(x, explore): the number of an action, or a list of its numbers. */
static PyObject *learner_act(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    int explore = nargs == 2 ? PyObject_IsTrue(args[1]) : -1;
    if (explore < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "act(x, explore)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    int code = read_sample(self, args[0], 0);
    if (code >= 0 && (code = hw_act(self->core, explore, self->out)) < 0)
        raise_status(code, NULL);
    Py_ssize_t count = numbers_of_action(self);
    PyObject *answer = NULL;
    if (code >= 0)
        answer = count ? list_of_numbers(self->out, count) : PyLong_FromDouble(self->out[0]);
    leave(self);
    return answer;
}

/* state_value(x): what the state, or each action, is worth, and how actions are distributed. */
static PyObject *learner_state_value(Learner *self, PyObject *x)
{
    if (enter(self) < 0)
        return NULL;
    int code = read_sample(self, x, 0);
    if (code >= 0 && (code = hw_state_value(self->core, self->out)) < 0)
        raise_status(code, NULL);
    PyObject *answer = code < 0 ? NULL : list_of_numbers(self->out, self->shape.outputs + 1);
    leave(self);
    return answer;
}

/* learn_transition(x, action, reward, next, terminated, truncated, w=1) → whether it was learned. next: a sample, or None
 * where the episode has terminated. */
static PyObject *learner_learn_transition(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    bool given = nargs == 6 || nargs == 7;
    double reward = given ? PyFloat_AsDouble(args[2]) : 0, w = nargs == 7 ? PyFloat_AsDouble(args[6]) : 1;
    int terminated = given ? PyObject_IsTrue(args[4]) : -1, truncated = given ? PyObject_IsTrue(args[5]) : -1;
    Py_ssize_t count = numbers_of_action(self);
    double *action = given ? PyMem_Calloc((size_t)count + 1, sizeof *action) : NULL;
    if (!action) {
        PyErr_SetString(PyExc_TypeError, "learn_transition(x, action, reward, next, terminated, truncated, w=1)");
        return NULL;
    }
    if (!count)
        action[0] = PyFloat_AsDouble(args[1]);
    else if (!PyList_Check(args[1]) || PyList_Size(args[1]) != count)
        PyErr_SetString(PyExc_TypeError, "expected a list of the numbers of an action");
    for (Py_ssize_t j = 0; j < count && !PyErr_Occurred(); j++)
        action[j] = PyFloat_AsDouble(PyList_GetItem(args[1], j));
    if (PyErr_Occurred() || enter(self) < 0) {
        PyMem_Free(action);
        return NULL;
    }
    int code = args[3] == Py_None ? 0 : read_sample(self, args[3], 0);
    if (code >= 0 && args[3] != Py_None && (code = hw_read_next(self->core)) < 0)
        raise_status(code, NULL);
    if (code >= 0)
        code = read_sample(self, args[0], 1);
    if (code >= 0 && (code = hw_learn_transition(self->core, action, reward, terminated, truncated, w)) < 0)
        raise_status(code, NULL);
    int described = refresh(self);
    leave(self);
    PyMem_Free(action);
    return code < 0 || described < 0 ? NULL : PyBool_FromLong(code);
}

static PyObject *learner_last_prediction(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    PyObject *answer = last_prediction(self);
    leave(self);
    return answer;
}

/* ---- many samples ---------------------------------------------------------------------------------------- */

typedef struct rows { /* where samples come from */
    PyObject *list;
    Table *table;
} rows;

static int rows_of(PyObject *source, Py_ssize_t start, Py_ssize_t stop, rows *out)
{
    *out = (rows){NULL, NULL};
    if (is_exactly(source, Table_Type)) {
        out->table = (Table *)source;
        if (table_fits(out->table, start, stop))
            return 0;
    } else if (PyList_Check(source)) {
        out->list = source;
        if (0 <= start && start <= stop && stop <= PyList_Size(source))
            return 0;
    }
    PyErr_SetString(PyExc_ValueError, "expected a list or a table with those rows");
    return -1;
}

static int read_row(Learner *self, const rows *from, Py_ssize_t i, int learn)
{
    if (from->table)
        return read_table_row(self, from->table, i, learn);
    PyObject *x = PyList_GetItem(from->list, i);
    if (!x)
        return -1;
    Py_INCREF(x);
    int status = read_sample(self, x, learn);
    Py_DECREF(x);
    if (status >= 0 && learn && self->rolling) /* what is learned is handed back as it was read */
        status = PyList_SetItem(from->list, i, Py_NewRef(self->rolled));
    return status;
}

void *numbers_of(PyObject *object, Py_buffer *view, int writable, Py_ssize_t size, Py_ssize_t count)
{
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO) < 0)
        return NULL;
    if (view->len < size * count) {
        PyBuffer_Release(view);
        PyErr_SetString(PyExc_ValueError, "expected an array of as many numbers as are needed");
        return NULL;
    }
    return view->buf;
}

/* Whether a buffer, measured in one's turn, holds so many numbers of the learner's type. */
static int holds(const Learner *self, const Py_buffer *view, int64_t count)
{
    if (view->len >= (self->shape.is_double ? 8 : 4) * count)
        return 1;
    PyErr_SetString(PyExc_ValueError, "expected an array of as many numbers as are needed");
    return 0;
}

/* A row that costs about a millisecond or more is computed without the interpreter's lock: other threads run meanwhile. */
enum { COSTLY = 1 << 17 };

static PyThreadState *let_others_run(const Learner *self, int table)
{
    int64_t values = self->used > self->plan.count ? self->used : self->plan.count;
    return !table && self->shape.dense + values * self->shape.stride > COSTLY ? PyEval_SaveThread() : NULL;
}

static int learned_apart(Learner *self, int table, double y, double weight, void *out)
{
    PyThreadState *state = let_others_run(self, table);
    int code = out ? hw_learn(self->core, y, weight, out) : hw_learn_late(self->core, y, weight);
    if (state)
        PyEval_RestoreThread(state);
    if (code >= 0)
        enter_rolled(self->rolling);
    return code;
}

static int predicted_apart(Learner *self, int table, void *out, double *width, int waiting)
{
    PyThreadState *state = let_others_run(self, table);
    int code = waiting ? hw_predict_pending(self->core, out) : hw_predict(self->core, out, width);
    if (state)
        PyEval_RestoreThread(state);
    return code;
}

Py_ssize_t learn_sample(Learner *self, PyObject *x, double y, double *p, Py_ssize_t room)
{
    if (enter(self) < 0)
        return -1;
    Py_ssize_t k = self->shape.outputs < room ? self->shape.outputs : room;
    int code = read_sample(self, x, 1);
    if (code >= 0)
        code = learned_apart(self, 0, y, 1, self->out);
    if (code < -1)
        raise_sample(self, code);
    self->shape.learned += code == 1;
    for (Py_ssize_t j = 0; j < k; j++)
        p[j] = prediction(self, j);
    leave(self);
    return code < 0 ? -1 : k;
}

/* learn_row(x, y, out) → how many rows were learned by now: the sample is predicted into out, then learned with y. */
static PyObject *learner_learn_row(Learner *self, PyObject *const *args, Py_ssize_t nargs)
{
    Py_buffer view = {0};
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "learn_row(x, y, out)");
        return NULL;
    }
    double y = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred() || !numbers_of(args[2], &view, 1, 1, 0))
        return NULL;
    int inside = enter(self) >= 0;
    int code = inside && holds(self, &view, self->shape.outputs) ? read_sample(self, args[0], 1) : -1;
    if (code >= 0)
        code = learned_apart(self, 0, y, 1, view.buf);
    if (code < -1)
        raise_sample(self, code);
    self->shape.learned += code == 1;
    long long learned = (long long)self->shape.learned;
    if (inside)
        leave(self);
    PyBuffer_Release(&view);
    return code < 0 ? NULL : PyLong_FromLongLong(learned);
}

static void release_views(Py_buffer **views, int count)
{
    for (int i = 0; i < count; i++)
        if (views[i]->obj)
            PyBuffer_Release(views[i]);
}

/* How a block of rows is learned: those to ask first, answers and weights, and where predictions go. */
typedef struct block {
    rows from, ask;
    Py_ssize_t start, count, bytes; /* bytes of a row's predictions */
    const double *y, *w;
    const char *good;
    char *out;
    int asks, late, together;
} block;

/* Learn the rows of a block one by one. Returns how many were, and a code below 0 in *code where one could not be. */
static long long learn_rows(Learner *self, block *b, int *code)
{
    long long learned = 0;
    for (Py_ssize_t i = 0; *code >= 0 && i < b->count; i++) {
        double weight = b->good[i] ? b->w[i] : 0;
        char *p = b->out + i * b->bytes;
        if (b->asks) {
            *code = read_row(self, &b->ask, b->start + i, 0);
            if (*code >= 0)
                *code = predicted_apart(self, b->together, p, NULL, 1);
        }
        if (*code >= 0)
            *code = read_row(self, &b->from, b->start + i, b->good[i]);
        if (*code >= 0)
            *code = learned_apart(self, b->together, b->good[i] ? b->y[i] : 0, weight, b->asks || b->late ? NULL : p);
        learned += *code == 1;
    }
    return learned;
}

/* learn(source, start, stop, y, w, good, out, ask) → how many were learned. Row i of the source is predicted into out and
 * learned with y[i], w[i], where good[i]; with ask, its row i is predicted (and waits for its answer) instead; with ask =
 * False nothing is predicted, and the mixture learns only from the predictions stored when the rows were predicted. */
static PyObject *learner_learn(Learner *self, PyObject *args)
{
    PyObject *source, *y_, *w_, *good_, *out_, *ask_;
    Py_ssize_t start, stop;
    block b = {0};
    Py_buffer vy = {0}, vw = {0}, vg = {0}, vo = {0};
    if (!PyArg_ParseTuple(args, "OnnOOOOO", &source, &start, &stop, &y_, &w_, &good_, &out_, &ask_) ||
        rows_of(source, start, stop, &b.from) < 0)
        return NULL;
    b.late = ask_ == Py_False;
    b.asks = !b.late && ask_ != Py_None;
    if (b.asks && rows_of(ask_, start, stop, &b.ask) < 0)
        return NULL;
    Py_ssize_t n = stop - start, size = self->shape.is_double ? 8 : 4;
    b.y = numbers_of(y_, &vy, 0, 8, n);
    b.w = b.y ? numbers_of(w_, &vw, 0, 8, n) : NULL;
    b.good = b.w ? numbers_of(good_, &vg, 0, 1, n) : NULL;
    b.out = b.good ? numbers_of(out_, &vo, 1, size, n) : NULL;
    int code = b.out ? 0 : -1, inside = code >= 0 && enter(self) >= 0;
    long long learned = 0;
    if (!inside || !holds(self, &vo, n * self->shape.outputs))
        code = -1;
    if (code >= 0) {
        b.start = start, b.count = n, b.bytes = self->shape.outputs * size;
        b.together = b.from.table && (!b.asks || b.ask.table);
        PyThreadState *state = b.together ? PyEval_SaveThread() : NULL;
        learned = learn_rows(self, &b, &code);
        if (state)
            PyEval_RestoreThread(state);
        if (code < -1)
            raise_sample(self, code);
        self->shape.learned += learned;
    }
    if (inside)
        leave(self);
    release_views((Py_buffer *[]){&vy, &vw, &vg, &vo}, 4);
    return code < 0 ? NULL : PyLong_FromLongLong(learned);
}

/* predict(source, start, stop, out, widths or None, waiting) → outputs: predictions of rows; waiting: their answers will
 * come. Where another thread has added outputs since out was made, nothing is predicted: the caller makes room for them and
 * asks again. */
static PyObject *learner_predict(Learner *self, PyObject *args)
{
    PyObject *source, *out_, *widths_;
    Py_ssize_t start, stop;
    int waiting;
    rows from;
    Py_buffer vo = {0}, vw = {0};
    if (!PyArg_ParseTuple(args, "OnnOOp", &source, &start, &stop, &out_, &widths_, &waiting) ||
        rows_of(source, start, stop, &from) < 0)
        return NULL;
    Py_ssize_t n = stop - start, size = self->shape.is_double ? 8 : 4, k;
    char *out = numbers_of(out_, &vo, 1, size, n);
    double *widths = out && widths_ != Py_None ? numbers_of(widths_, &vw, 1, 8, n) : NULL;
    int code = out && (widths || widths_ == Py_None) ? 0 : -1, inside = code >= 0 && enter(self) >= 0;
    k = self->shape.outputs;
    int reserve_array = inside && n && vo.len % (n * size) == 0 && vo.len < n * k * size;
    if (!inside || (!reserve_array && !holds(self, &vo, n * k)))
        code = -1;
    if (code >= 0 && !reserve_array) {
        PyThreadState *state = from.table ? PyEval_SaveThread() : NULL;
        for (Py_ssize_t i = 0; code >= 0 && i < n; i++) {
            char *p = out + i * k * size;
            code = read_row(self, &from, start + i, 0);
            if (code >= 0)
                code = predicted_apart(self, !!from.table, p, widths ? widths + i : NULL, waiting);
        }
        if (state)
            PyEval_RestoreThread(state);
        if (code < -1)
            raise_sample(self, code);
    }
    if (inside)
        leave(self);
    if (vo.obj)
        PyBuffer_Release(&vo);
    if (vw.obj)
        PyBuffer_Release(&vw);
    return code < 0 ? NULL : PyLong_FromSsize_t(k);
}

/* Pairs of several rows, one after the other. */
typedef struct pairs {
    int64_t count, space;
    int32_t *rows;
    double *values;
} pairs;

/* The pairs of the row at hand behind those of the rows before. */
static int append_pairs(Learner *self, pairs *all, int at_mean)
{
    const int32_t *r;
    const void *v;
    int64_t n = hw_pairs(self->core, at_mean, &r, &v);
    if (all->count + n > all->space) {
        all->space = 2 * (all->count + n);
        void *a = PyMem_Realloc(all->rows, (size_t)all->space * 4);
        all->rows = a ? a : all->rows;
        void *b = PyMem_Realloc(all->values, (size_t)all->space * 8);
        all->values = b ? b : all->values;
        if (!a || !b)
            return HW_NO_MEMORY;
    }
    for (int64_t j = 0; j < n; j++) {
        all->rows[all->count] = r[j];
        all->values[all->count++] = self->shape.is_double ? ((const double *)v)[j] : (double)((const float *)v)[j];
    }
    return 0;
}

/* pairs(source, start, stop, at_mean) → (rows, values, ends) as bytes: what the net reads of each sample. */
static PyObject *learner_pairs(Learner *self, PyObject *args)
{
    PyObject *source;
    Py_ssize_t start, stop;
    int at_mean;
    rows from;
    if (!PyArg_ParseTuple(args, "Onnp", &source, &start, &stop, &at_mean) || rows_of(source, start, stop, &from) < 0 ||
        enter(self) < 0)
        return NULL;
    pairs all = {0};
    int64_t *ends = PyMem_Calloc((size_t)(stop - start) + 1, 8);
    int code = ends ? 0 : HW_NO_MEMORY;
    for (Py_ssize_t i = start; code >= 0 && i < stop; i++) {
        code = read_row(self, &from, i, 0);
        if (code >= 0)
            code = append_pairs(self, &all, at_mean);
        if (code >= 0)
            ends[i - start + 1] = all.count;
    }
    leave(self);
    PyObject *result = NULL;
    if (code >= 0)
        result = Py_BuildValue("(y#y#y#)", all.rows ? (const char *)all.rows : "", (Py_ssize_t)all.count * 4,
                               all.values ? (const char *)all.values : "", (Py_ssize_t)all.count * 8, (const char *)ends,
                               (Py_ssize_t)(stop - start + 1) * 8);
    else if (!PyErr_Occurred())
        raise_sample(self, code);
    PyMem_Free(all.rows);
    PyMem_Free(all.values);
    PyMem_Free(ends);
    return result;
}

/* measure(source, start, stop) → (entries, names, rows, bytes): what learning these rows would append; nothing is changed.
 */
static PyObject *learner_measure(Learner *self, PyObject *args)
{
    PyObject *source;
    Py_ssize_t start, stop;
    rows from;
    if (!PyArg_ParseTuple(args, "Onn", &source, &start, &stop) || rows_of(source, start, stop, &from) < 0 ||
        enter(self) < 0)
        return NULL;
    hw_growth growth = {0};
    int code = 0;
    for (Py_ssize_t i = start; code >= 0 && i < stop; i++) {
        PyObject *x = from.list ? PyList_GetItem(from.list, i) : NULL;
        if (from.list && !x)
            code = -1;
        else if (from.list)
            code = measure_sample(self, x, &growth);
        else
            code = measure_table_row(self, from.table, i, &growth);
    }
    hw_measured(&growth);
    leave(self);
    if (code < 0)
        return PyErr_Occurred() ? NULL : raise_status(code, NULL);
    return Py_BuildValue("(LLLL)", (long long)growth.entries, (long long)growth.names, (long long)growth.rows,
                         (long long)growth.bytes);
}

/* check_embeddings(rows): raise for the first of these dicts with what is no embedding of its column. */
static PyObject *learner_check_embeddings(Learner *self, PyObject *list)
{
    int known = 0, code = 0;
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "check_embeddings(list)");
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    for (int32_t i = 0; i < hw_columns(self->core); i++)
        known |= hw_column_kind(self->core, i) > HW_BIGRAMS;
    for (Py_ssize_t i = 0; known && code >= 0 && i < PyList_Size(list); i++) {
        PyObject *x = Py_NewRef(PyList_GetItem(list, i));
        code = PyDict_Check(x) ? measure_sample(self, x, NULL) : 0;
        Py_DECREF(x);
    }
    leave(self);
    return code < 0 ? NULL : Py_NewRef(Py_None);
}

/* cells(source, start, stop, at_mean) → int32 (n, tables) as bytes: the number of each sample's cell in each table. */
static PyObject *learner_cells(Learner *self, PyObject *args)
{
    PyObject *source;
    Py_ssize_t start, stop;
    int at_mean;
    rows from;
    if (!PyArg_ParseTuple(args, "Onnp", &source, &start, &stop, &at_mean) || rows_of(source, start, stop, &from) < 0)
        return NULL;
    Py_ssize_t width = (Py_ssize_t)self->shape.tables * 4;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (stop - start) * width);
    if (!result || enter(self) < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    char *out = PyBytes_AsString(result);
    int code = 0;
    for (Py_ssize_t i = start; code >= 0 && i < stop; i++) {
        const int32_t *rows_, *cells;
        const void *values;
        code = read_row(self, &from, i, 0);
        if (code < 0)
            break;
        hw_pairs(self->core, at_mean, &rows_, &values);
        hw_cells_of(self->core, &cells);
        memcpy(out + (i - start) * width, width ? (const char *)cells : "", (size_t)width);
    }
    leave(self);
    if (code >= 0)
        return result;
    Py_DECREF(result);
    return PyErr_Occurred() ? NULL : raise_status(code, NULL);
}

/* memory(source, start, stop, units) → float64 (n, 2 units + 1) as bytes: the state that each sample reads, and the gap
 * since.
 */
static PyObject *learner_memory(Learner *self, PyObject *args)
{
    PyObject *source;
    Py_ssize_t start, stop, units;
    rows from;
    if (!PyArg_ParseTuple(args, "Onnn", &source, &start, &stop, &units) || rows_of(source, start, stop, &from) < 0)
        return NULL;
    if (units < 0 || units > 1 << 12)
        return raise_status(HW_BAD_ARGUMENT, NULL);
    Py_ssize_t width = (2 * units + 1) * 8;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (stop - start) * width);
    if (!result || enter(self) < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    double own[(1 << 13) + 1];
    char *out = PyBytes_AsString(result);
    int code = 0;
    for (Py_ssize_t i = start; code >= 0 && i < stop; i++) {
        code = read_row(self, &from, i, 0);
        if (code >= 0 && hw_memory_of(self->core, own, own + 2 * units) != units)
            code = HW_BAD_ARGUMENT;
        if (code >= 0)
            memcpy(out + (i - start) * width, own, (size_t)width);
    }
    leave(self);
    if (code >= 0)
        return result;
    Py_DECREF(result);
    return PyErr_Occurred() ? NULL : raise_status(code, NULL);
}

/* hidden(source, start, stop, expert) → float64 (n, units) as bytes: what an expert's last dense layer reads of rows. */
static PyObject *learner_hidden(Learner *self, PyObject *args)
{
    PyObject *source;
    Py_ssize_t start, stop;
    int expert;
    rows from;
    if (!PyArg_ParseTuple(args, "Onni", &source, &start, &stop, &expert) || rows_of(source, start, stop, &from) < 0)
        return NULL;
    int units = hw_hidden(self->core, expert, NULL);
    if (units < 0)
        return raise_status(units, NULL);
    PyObject *result = PyBytes_FromStringAndSize(NULL, (stop - start) * units * 8);
    double *out = result ? PyMem_Malloc((size_t)units * 8) : NULL;
    if (!out || enter(self) < 0) {
        PyMem_Free(out);
        Py_XDECREF(result);
        return out || !result ? NULL : PyErr_NoMemory();
    }
    int code = 0;
    for (Py_ssize_t i = start; code >= 0 && i < stop; i++) {
        double width;
        code = read_row(self, &from, i, 0);
        if (code >= 0)
            code = predicted_apart(self, 0, self->out, &width, 0);
        if (code >= 0)
            code = hw_hidden(self->core, expert, out);
        if (code >= 0)
            memcpy(PyBytes_AsString(result) + (i - start) * units * 8, out, (size_t)units * 8);
    }
    leave(self);
    PyMem_Free(out);
    if (code >= 0)
        return result;
    Py_DECREF(result);
    if (code < -1)
        raise_sample(self, code);
    return NULL;
}

/* ---- a fixed number of inputs ---------------------------------------------------------------------------- */

/* learn_array(X, y, w, answers, out, ids): X (n, inputs) and out of the learner's type, y (n, answers) and w (n) float64.
 */
static PyObject *learner_learn_array(Learner *self, PyObject *args)
{
    PyObject *X_, *y_, *w_, *out_;
    int answers;
    Py_ssize_t n, ids;
    Py_buffer vx = {0}, vy = {0}, vw = {0}, vo = {0};
    if (!PyArg_ParseTuple(args, "OOOinOn", &X_, &y_, &w_, &answers, &n, &out_, &ids))
        return NULL;
    Py_ssize_t size = self->shape.is_double ? 8 : 4;
    const void *X = numbers_of(X_, &vx, 0, size, n * ids);
    const double *y = X ? numbers_of(y_, &vy, 0, 8, n * answers) : NULL, *w = y ? numbers_of(w_, &vw, 0, 8, n) : NULL;
    void *out = w ? numbers_of(out_, &vo, 1, size, n * self->shape.outputs) : NULL;
    int code = out ? 0 : -1;
    if (code >= 0 && enter(self) < 0)
        code = -1;
    if (code >= 0) {
        Py_BEGIN_ALLOW_THREADS;
        code = hw_set_ids(self->core, ids);
        if (code >= 0)
            code = hw_learn_array(self->core, X, y, w, n, answers, out);
        Py_END_ALLOW_THREADS;
        if (code < 0)
            raise_status(code, NULL);
        leave(self);
    }
    Py_buffer *views[] = {&vx, &vy, &vw, &vo};
    for (int i = 0; i < 4; i++)
        if (views[i]->obj)
            PyBuffer_Release(views[i]);
    if (code < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* forward(X, n, out, ids) */
static PyObject *learner_forward(Learner *self, PyObject *args)
{
    PyObject *X_, *out_;
    Py_ssize_t n, ids;
    Py_buffer vx = {0}, vo = {0};
    if (!PyArg_ParseTuple(args, "OnOn", &X_, &n, &out_, &ids))
        return NULL;
    Py_ssize_t size = self->shape.is_double ? 8 : 4;
    const void *X = numbers_of(X_, &vx, 0, size, n * ids);
    void *out = X ? numbers_of(out_, &vo, 1, size, n * self->shape.outputs) : NULL;
    int code = out ? 0 : -1;
    if (code >= 0 && enter(self) < 0)
        code = -1;
    if (code >= 0) {
        Py_BEGIN_ALLOW_THREADS;
        code = hw_set_ids(self->core, ids);
        if (code >= 0)
            code = hw_forward(self->core, X, n, out);
        Py_END_ALLOW_THREADS;
        if (code < 0)
            raise_status(code, NULL);
        leave(self);
    }
    if (vx.obj)
        PyBuffer_Release(&vx);
    if (vo.obj)
        PyBuffer_Release(&vo);
    if (code < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* gradient(X, y, w, answers, n, total, learn, g, ids) → loss; the gradient is added to g. */
static PyObject *learner_gradient(Learner *self, PyObject *args)
{
    PyObject *X_, *y_, *w_, *g_;
    int answers, learn;
    Py_ssize_t n, ids;
    double total, loss = 0;
    Py_buffer vx = {0}, vy = {0}, vw = {0}, vg = {0};
    if (!PyArg_ParseTuple(args, "OOOindpOn", &X_, &y_, &w_, &answers, &n, &total, &learn, &g_, &ids))
        return NULL;
    Py_ssize_t size = self->shape.is_double ? 8 : 4;
    const void *X = numbers_of(X_, &vx, 0, size, n * ids);
    const double *y = X ? numbers_of(y_, &vy, 0, 8, n * answers) : NULL, *w = y ? numbers_of(w_, &vw, 0, 8, n) : NULL;
    void *g = w ? numbers_of(g_, &vg, 1, size, (Py_ssize_t)self->shape.parameters) : NULL;
    int code = g ? 0 : -1;
    if (code >= 0 && enter(self) < 0)
        code = -1;
    if (code >= 0) {
        Py_BEGIN_ALLOW_THREADS;
        code = hw_set_ids(self->core, ids);
        if (code >= 0)
            code = hw_gradient(self->core, X, y, w, n, answers, total, learn, g, &loss);
        Py_END_ALLOW_THREADS;
        if (code < 0)
            raise_status(code, NULL);
        leave(self);
    }
    Py_buffer *views[] = {&vx, &vy, &vw, &vg};
    for (int i = 0; i < 4; i++)
        if (views[i]->obj)
            PyBuffer_Release(views[i]);
    return code < 0 ? NULL : PyFloat_FromDouble(loss);
}

/* apply(g, penalise): one step of the rule from a whole gradient. */
static PyObject *learner_apply(Learner *self, PyObject *args)
{
    PyObject *g_;
    int penalise;
    Py_buffer view = {0};
    if (!PyArg_ParseTuple(args, "Op", &g_, &penalise))
        return NULL;
    void *g = numbers_of(g_, &view, 1, self->shape.is_double ? 8 : 4, (Py_ssize_t)self->shape.parameters);
    if (!g)
        return NULL;
    int code = enter(self);
    if (code >= 0) {
        Py_BEGIN_ALLOW_THREADS;
        code = hw_apply(self->core, g, penalise);
        Py_END_ALLOW_THREADS;
        if (code < 0)
            raise_status(code, NULL);
        leave(self);
    }
    PyBuffer_Release(&view);
    if (code < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- changing -------------------------------------------------------------------------------------------- */

#define CHANGE(call)                                                                                                       \
    do {                                                                                                                   \
        if (enter(self) < 0)                                                                                               \
            return NULL;                                                                                                   \
        int code_ = call;                                                                                                  \
        if (code_ >= 0 && refresh(self) < 0)                                                                               \
            code_ = -1;                                                                                                    \
        leave(self);                                                                                                       \
        if (code_ < 0)                                                                                                     \
            return PyErr_Occurred() ? NULL : raise_sample(self, code_);                                                    \
        Py_RETURN_NONE;                                                                                                    \
    } while (0)

/* It may copy millions of weights: other threads go on meanwhile. */
static int add_outputs(Learner *self, int outputs, double bias)
{
    int code;
    Py_BEGIN_ALLOW_THREADS;
    code = hw_add_outputs(self->core, outputs, bias);
    Py_END_ALLOW_THREADS;
    return code;
}

static PyObject *learner_add_outputs(Learner *self, PyObject *args)
{
    int outputs;
    double bias;
    if (!PyArg_ParseTuple(args, "id", &outputs, &bias))
        return NULL;
    CHANGE(add_outputs(self, outputs, bias));
}

/* reset_memory(): all states of a recurrence begin anew at 0. */
static PyObject *learner_reset_memory(Learner *self, PyObject *args)
{
    (void)args;
    CHANGE(hw_reset_memory(self->core));
}

/* set_limits(entries, names, outputs, bytes): what one sample may ask for; not part of the state. */
static PyObject *learner_set_limits(Learner *self, PyObject *args)
{
    long long entries, names, outputs, bytes;
    if (!PyArg_ParseTuple(args, "LLLL", &entries, &names, &outputs, &bytes))
        return NULL;
    hw_limits limits = {entries, names, outputs, bytes};
    CHANGE(hw_set_limits(self->core, &limits));
}

/* bytes_of_outputs(outputs): an estimate of the memory that growing to so many would take. */
static PyObject *learner_bytes_of_outputs(Learner *self, PyObject *args)
{
    int outputs;
    if (!PyArg_ParseTuple(args, "i", &outputs) || enter(self) < 0)
        return NULL;
    int64_t bytes = hw_bytes_of_outputs(self->core, outputs);
    leave(self);
    return PyLong_FromLongLong(bytes);
}

static PyObject *learner_set_step(Learner *self, PyObject *args)
{
    double factor, more;
    if (!PyArg_ParseTuple(args, "dd", &factor, &more))
        return NULL;
    CHANGE(hw_set_step(self->core, factor, more));
}

static PyObject *learner_spread_mixture_weights(Learner *self, PyObject *args)
{
    double share;
    if (!PyArg_ParseTuple(args, "d", &share))
        return NULL;
    CHANGE(hw_spread_mixture_weights(self->core, share));
}

static PyObject *learner_reinitialise(Learner *self, PyObject *args)
{
    int expert;
    unsigned long long key;
    if (!PyArg_ParseTuple(args, "iK", &expert, &key))
        return NULL;
    CHANGE(hw_reinitialise(self->core, expert, hw_key(key, 3, (uint64_t)expert)));
}

/* ---- merging
 * -----------------------------------------------------------------------------------------------------------------------
 */

/* Take the turns of several learners, in the order of their addresses, so that two who do so never wait for each other. A
 * learner may stand there twice. Returns how many turns were taken; the last of them failed if it is fewer than wanted. */
static Py_ssize_t enter_all(Learner **all, Py_ssize_t count)
{
    for (Py_ssize_t i = 1; i < count; i++)
        for (Py_ssize_t j = i; j > 0 && (uintptr_t)all[j - 1] > (uintptr_t)all[j]; j--) {
            Learner *other = all[j];
            all[j] = all[j - 1];
            all[j - 1] = other;
        }
    for (Py_ssize_t i = 0; i < count; i++)
        if ((i == 0 || all[i] != all[i - 1]) && enter(all[i]) < 0)
            return i;
    return count;
}

static void leave_all(Learner **all, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (i == 0 || all[i] != all[i - 1])
            leave(all[i]);
}

/* What merging needs of Python's lists: the learners, their turns, and where each output belongs. */
typedef struct merge_arguments {
    Py_ssize_t count, opened;
    Learner **turns;
    hw_learner **workers;
    const int32_t **outputs;
    Py_buffer *views;
} merge_arguments;

static int read_merge_arguments(merge_arguments *g, Learner *self, PyObject *workers, PyObject *outputs)
{
    g->count = PyTuple_Size(workers);
    size_t capacity = (size_t)g->count + 1;
    g->turns = PyMem_Calloc(capacity, sizeof *g->turns);
    g->workers = PyMem_Calloc(capacity, sizeof *g->workers);
    g->outputs = PyMem_Calloc(capacity, sizeof *g->outputs);
    g->views = PyMem_Calloc(capacity, sizeof *g->views);
    if (!g->turns || !g->workers || !g->outputs || !g->views)
        return PyErr_NoMemory(), -1;
    g->turns[g->count] = self;
    for (Py_ssize_t i = 0; i < g->count; i++) {
        PyObject *worker = PyTuple_GetItem(workers, i);
        PyObject *places = PyTuple_Size(outputs) == g->count ? PyTuple_GetItem(outputs, i) : NULL;
        if (!places || !PyObject_TypeCheck(worker, Learner_Type)) {
            PyErr_SetString(PyExc_TypeError,
                            "merge(workers, outputs, bias): learners, and as many arrays of int32 or None");
            return -1;
        }
        g->turns[i] = (Learner *)worker;
        g->workers[i] = ((Learner *)worker)->core;
        if (places != Py_None && PyObject_GetBuffer(places, g->views + i, PyBUF_CONTIG_RO) < 0)
            return -1;
        g->opened = i + 1;
        g->outputs[i] = g->views[i].buf;
    }
    return 0;
}

static void release_merge_arguments(merge_arguments *g)
{
    for (Py_ssize_t i = 0; i < g->opened; i++)
        if (g->views[i].obj)
            PyBuffer_Release(g->views + i);
    PyMem_Free(g->turns);
    PyMem_Free(g->workers);
    PyMem_Free(g->outputs);
    PyMem_Free(g->views);
}

/* Whether each array of places has one for each output; it is their turn. */
static int places_fit(const merge_arguments *g)
{
    int fit = 1;
    for (Py_ssize_t i = 0; i < g->count; i++) {
        hw_shape shape;
        hw_describe(g->workers[i], &shape);
        fit = fit && (!g->outputs[i] || g->views[i].len == 4 * (Py_ssize_t)shape.outputs);
    }
    return fit;
}

static Learner *merge_with_arguments(Learner *self, merge_arguments *g, PyObject *workers, double bias)
{
    Learner *merged = allocate(Py_TYPE((PyObject *)self), self->reader);
    hw_fault fault = {"workers", "copies of this learner that went on learning, a place for each of their outputs",
                      (double)g->count};
    int status = HW_BAD_ARGUMENT;
    Py_ssize_t inside = merged ? enter_all(g->turns, g->count + 1) : 0;
    if (inside == g->count + 1 && places_fit(g)) {
        merged->unusable = self->unusable;
        for (Py_ssize_t i = 0; i < g->count; i++)
            merged->unusable += ((Learner *)PyTuple_GetItem(workers, i))->unusable - self->unusable;
        Py_BEGIN_ALLOW_THREADS;
        merged->core = hw_merge(&MEMORY, self->core, g->workers, (int)g->count, g->outputs, bias, &status);
        Py_END_ALLOW_THREADS;
    }
    leave_all(g->turns, inside);
    if (merged && PyErr_Occurred()) {
        Py_DECREF(merged);
        return NULL;
    }
    return merged ? (Learner *)finish(merged, status, &fault) : NULL;
}

/* merge(workers, outputs, bias) → a new learner: this one, and what each of the workers has learned since it was copied
 * from it. outputs: for each worker, to which output each of its own belongs, or None where they are the same. */
static PyObject *learner_merge(Learner *self, PyObject *args)
{
    PyObject *workers_, *outputs_;
    double bias;
    merge_arguments g = {0};
    if (!PyArg_ParseTuple(args, "OOd", &workers_, &outputs_, &bias))
        return NULL;
    PyObject *workers = PySequence_Tuple(workers_), *outputs = workers ? PySequence_Tuple(outputs_) : NULL;
    Learner *merged = outputs && read_merge_arguments(&g, self, workers, outputs) >= 0
                          ? merge_with_arguments(self, &g, workers, bias)
                          : NULL;
    release_merge_arguments(&g);
    Py_XDECREF(workers);
    Py_XDECREF(outputs);
    return (PyObject *)merged;
}

/* ---- looking --------------------------------------------------------------------------------------------- */

static bool is_listed(PyObject *names, const char *name)
{
    bool found = false;
    for (Py_ssize_t i = 0; !found && i < PyTuple_Size(names); i++) {
        PyObject *own = PyTuple_GetItem(names, i); /* borrowed */
        found = PyUnicode_Check(own) && PyUnicode_CompareWithASCIIString(own, name) == 0;
    }
    return found;
}

/* state(without=()) → list of (name, type, merge, array): copies of all that learning changes, but for arrays of these
 * names, with no row learned between two. */
static PyObject *learner_state(Learner *self, PyObject *args)
{
    PyObject *without = NULL;
    if (!PyArg_ParseTuple(args, "|O!", &PyTuple_Type, &without) || enter(self) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    int code = 0;
    for (int i = 0; list && code >= 0 && i < hw_states(); i++) {
        hw_array a;
        code = hw_state(self->core, i, &a);
        if (code >= 0 && without && is_listed(without, a.name))
            continue;
        PyObject *array = code >= 0 ? new_array(&a, true) : NULL;
        PyObject *item = array ? Py_BuildValue("(siiN)", a.name, a.type, a.merge, array) : NULL;
        if (!item || PyList_Append(list, item) < 0)
            code = code < 0 ? code : -1;
        Py_XDECREF(item);
    }
    leave(self);
    if (list && code < 0) {
        Py_DECREF(list);
        return PyErr_Occurred() ? NULL : raise_status(code, NULL);
    }
    return list;
}

/* array(name): a view of one array. */
static PyObject *learner_array(Learner *self, PyObject *name)
{
    Py_ssize_t n;
    const char *p = PyUnicode_AsUTF8AndSize(name, &n);
    hw_array a;
    if (!p || enter(self) < 0)
        return NULL;
    int code = hw_view(self->core, p, &a);
    PyObject *array = code < 0 ? NULL : new_array(&a, false);
    leave(self);
    if (code < 0)
        PyErr_SetObject(PyExc_KeyError, name);
    return array;
}

static PyObject *learner_describe(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    int code = refresh(self);
    leave(self);
    const hw_shape *s = &self->shape;
    if (code < 0)
        return NULL;
    return Py_BuildValue(
        "{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:d,s:i,s:i,"
        "s:i,s:L,s:L}",
        "is_double", s->is_double, "growing", s->growing, "standard", s->standard, "targets", s->targets, "knots", s->knots,
        "ring", s->ring, "intervals", s->intervals, "history", s->history, "mixture", s->mixture, "embedding", s->embedding,
        "experts", s->experts, "outputs", s->outputs, "states", s->states, "bias", s->bias, "dense", (long long)s->dense,
        "stride", (long long)s->stride, "rows", (long long)s->rows, "parameters", (long long)s->parameters, "slots",
        (long long)s->slots, "learned", (long long)s->learned, "fan_in", (long long)s->fan_in, "shared_from",
        (long long)s->shared_from, "shared_rows", (long long)s->shared_rows, "shared_names", (long long)s->shared_names,
        "max_rows", (long long)s->max_rows, "step", s->step, "tables", s->tables, "tests", s->tests, "text", s->text,
        "numbers", (long long)s->numbers, "numbers_stride", (long long)s->numbers_stride);
}

/* operations(expert) → list of (kind, code, layer, n, m, weights, stride, bias, buffer, constant) */
static PyObject *learner_operations(Learner *self, PyObject *args)
{
    int expert;
    if (!PyArg_ParseTuple(args, "i", &expert) || enter(self) < 0)
        return NULL;
    int count = hw_operations(self->core, expert);
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        hw_operation o;
        hw_operation_at(self->core, expert, i, &o);
        PyObject *item = Py_BuildValue("(iiiiiLLLLd)", o.kind, o.code, o.layer, o.n, o.m, (long long)o.weights,
                                       (long long)o.stride, (long long)o.bias, (long long)o.buffer, o.constant);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    leave(self);
    if (list && count < 0) {
        Py_DECREF(list);
        return raise_status(count, NULL);
    }
    return list;
}

/* inside() → list of (table, index, name, number): what the learner is made of. */
static PyObject *learner_inside(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    const char *name;
    double number;
    for (int table = 0; list && table < HW_INSIDES; table++)
        for (int index = 0; list && hw_inside(self->core, table, index, 0, &name, &number) == 0; index++)
            for (int i = 0; list && hw_inside(self->core, table, index, i, &name, &number) == 0; i++) {
                PyObject *item = Py_BuildValue("(iisd)", table, index, name, number);
                if (!item || PyList_Append(list, item) < 0)
                    Py_CLEAR(list);
                Py_XDECREF(item);
            }
    leave(self);
    return list;
}

/* rehearse(room, slots, X, y) → (bytes of an arena that were needed at once, bytes of the state): a copy in an arena of so
 * many bytes learns rows of numbers there, as on a device. */
static PyObject *learner_rehearse(Learner *self, PyObject *args)
{
    Py_ssize_t room;
    Py_buffer views[3] = {{0}};
    PyObject *objects[3], *found = NULL;
    if (!PyArg_ParseTuple(args, "nOOO", &room, objects, objects + 1, objects + 2) || enter(self) < 0)
        return NULL;
    int status = refresh(self);
    char *block = status < 0 ? NULL : PyMem_Malloc((size_t)room);
    if (!block && status >= 0)
        PyErr_NoMemory();
    for (int i = 0; block && i < 3; i++)
        if (PyObject_GetBuffer(objects[i], views + i, PyBUF_SIMPLE) < 0)
            status = -1;
    if (block && status >= 0) {
        int64_t most, bytes;
        hw_rows rows = {views[0].buf, views[1].buf, views[2].buf, views[0].len / 4, views[2].len / 8};
        status = rows.count * rows.inputs * 8 == views[1].len
                     ? hw_rehearse(self->core, block, (size_t)room, &rows, &most, &bytes)
                     : HW_BAD_ARGUMENT;
        found = status < 0 ? raise_status(status, NULL) : Py_BuildValue("(LL)", (long long)most, (long long)bytes);
    }
    for (int i = 0; i < 3; i++)
        PyBuffer_Release(views + i);
    PyMem_Free(block);
    leave(self);
    return found;
}

/* columns_of(expert) → (first, width): its columns in a row of the table. */
static PyObject *learner_columns_of(Learner *self, PyObject *args)
{
    int expert, first, width;
    if (!PyArg_ParseTuple(args, "i", &expert) || enter(self) < 0)
        return NULL;
    int code = hw_columns_of(self->core, expert, &first, &width);
    leave(self);
    return code < 0 ? raise_status(code, NULL) : Py_BuildValue("(ii)", first, width);
}

/* columns() → list of (name, kind, slot, [(category, row), …]); names and categories as bytes. */
static PyObject *learner_columns(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    int32_t n = hw_columns(self->core);
    for (int32_t i = 0; list && i < n; i++) {
        uint32_t size;
        const char *name = hw_column_name(self->core, i, &size);
        PyObject *item = Py_BuildValue("(y#iiN)", name, (Py_ssize_t)size, hw_column_kind(self->core, i),
                                       hw_column_slot(self->core, i), PyList_New(0));
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    for (int32_t c = 0; list && c < hw_categories(self->core); c++) {
        int32_t column, row;
        uint32_t size;
        const char *text = hw_category(self->core, c, &column, &row, &size);
        if (column < 0)
            continue;
        PyObject *item = Py_BuildValue("(y#i)", text, (Py_ssize_t)size, row);
        if (!item || PyList_Append(PyTuple_GetItem(PyList_GetItem(list, column), 3), item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    leave(self);
    return list;
}

/* names(most) → (the names of the first columns as bytes, how many columns there are). */
static PyObject *learner_names(Learner *self, PyObject *most)
{
    long wanted = PyLong_AsLong(most);
    if ((wanted == -1 && PyErr_Occurred()) || enter(self) < 0)
        return NULL;
    int32_t n = hw_columns(self->core);
    PyObject *list = PyList_New(0);
    for (int32_t i = 0; list && i < n && i < wanted; i++) {
        uint32_t size;
        const char *name = hw_column_name(self->core, i, &size);
        PyObject *item = PyBytes_FromStringAndSize(name, (Py_ssize_t)size);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    leave(self);
    return list ? Py_BuildValue("(Ni)", list, n) : NULL;
}

/* column(name as bytes) → (kind, slot, how many columns there are), or None. */
static PyObject *learner_column(Learner *self, PyObject *name)
{
    char *p;
    Py_ssize_t n;
    if (PyBytes_AsStringAndSize(name, &p, &n) < 0 || enter(self) < 0)
        return NULL;
    int32_t column = hw_column(self->core, p, (uint32_t)n);
    PyObject *answer = column < 0
                           ? Py_NewRef(Py_None)
                           : Py_BuildValue("(ii)", hw_column_kind(self->core, column), hw_column_slot(self->core, column));
    leave(self);
    return answer;
}

static PyObject *learner_digest(Learner *self, PyObject *unused)
{
    (void)unused;
    if (enter(self) < 0)
        return NULL;
    uint64_t digest = hw_digest(self->core);
    leave(self);
    return PyLong_FromUnsignedLongLong(digest);
}

static PyObject *get_learned(Learner *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong((long long)self->shape.learned);
}

static PyObject *get_outputs(Learner *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(self->shape.outputs);
}

static PyObject *get_unusable(Learner *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(self->unusable);
}

static int set_unusable(Learner *self, PyObject *value, void *closure)
{
    (void)closure;
    long long count = value ? PyLong_AsLongLong(value) : -1;
    if (PyErr_Occurred())
        return -1;
    self->unusable = count;
    return 0;
}

static PyObject *get_reader(Learner *self, void *closure)
{
    (void)closure;
    return Py_NewRef(self->reader);
}

/* Read values by other functions from now on, such as those that know the formats of a file. */
static int set_reader(Learner *self, PyObject *value, void *closure)
{
    (void)closure;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "a learner needs a reader");
        return -1;
    }
    PyObject *old = self->reader;
    self->reader = Py_NewRef(value);
    self->formatted = PyObject_HasAttrString(value, "formatted");
    Py_DECREF(old);
    return 0;
}

static PyObject *get_rolling(Learner *self, void *closure)
{
    (void)closure;
    return Py_NewRef(self->rolling ? self->rolling : Py_None);
}

static PyObject *get_rolled(Learner *self, void *closure)
{
    (void)closure;
    return Py_NewRef(self->rolled ? self->rolled : Py_None);
}

/* Read each sample with its aggregates from now on. */
static int set_rolling(Learner *self, PyObject *value, void *closure)
{
    (void)closure;
    if (!value || !is_exactly(value, Rolling_Type)) {
        PyErr_SetString(PyExc_TypeError, "expected a Rolling");
        return -1;
    }
    PyObject *old = self->rolling;
    self->rolling = Py_NewRef(value);
    Py_XDECREF(old);
    return 0;
}

static PyMethodDef methods[] = {
    {"restore", (PyCFunction)(void *)learner_restore, METH_VARARGS | METH_CLASS, "A learner from its state."},
    {"hold", (PyCFunction)(void *)learner_hold, METH_NOARGS, "Keep other threads out for several calls."},
    {"release", (PyCFunction)(void *)learner_release, METH_NOARGS, "Let other threads in again."},
    {"predict_one", (PyCFunction)(void *)learner_predict_one, METH_O, "Predictions of one sample."},
    {"predict_value_one", (PyCFunction)(void *)learner_predict_value_one, METH_O, "The first prediction of one sample."},
    {"predict_proba_one", (PyCFunction)(void *)learner_predict_proba_one, METH_FASTCALL, "Probability by label."},
    {"predict_label_one", (PyCFunction)(void *)learner_predict_label_one, METH_FASTCALL, "The most probable label."},
    {"contributions_one", (PyCFunction)(void *)learner_contributions_one, METH_O,
     "What each row of the table contributes to a sample's raw score."},
    {"texts", (PyCFunction)(void *)learner_texts, METH_O, "Words and pairs of words of a sample's texts."},
    {"add_text_column", (PyCFunction)(void *)learner_add_text_column, METH_VARARGS, "A column of text, from now on."},
    {"learn_one", (PyCFunction)(void *)learner_learn_one, METH_FASTCALL, "Predict, then learn, one sample."},
    {"learn_next", (PyCFunction)(void *)learner_learn_next, METH_FASTCALL, "Learn the next answer of a series."},
    {"forecast", (PyCFunction)(void *)learner_forecast, METH_FASTCALL, "The next answers of a series."},
    {"values", (PyCFunction)(void *)learner_values, METH_O, "What reward is expected of each action."},
    {"decide", (PyCFunction)(void *)learner_decide, METH_VARARGS, "Which of some actions, by their probabilities."},
    {"decide_rows", (PyCFunction)(void *)learner_decide_rows, METH_VARARGS,
     "Which of some actions with rows of their own."},
    {"learn_action", (PyCFunction)(void *)learner_learn_action, METH_VARARGS, "What came of an action."},
    {"forecast_ends", (PyCFunction)(void *)learner_forecast_ends, METH_FASTCALL, "How far from them answers will lie."},
    {"cover", (PyCFunction)(void *)learner_cover, METH_NOARGS, "Follow coverage."},
    {"ends", (PyCFunction)(void *)learner_ends, METH_O, "Ends of a coverage."},
    {"act", (PyCFunction)(void *)learner_act, METH_FASTCALL, "The action that an agent takes."},
    {"state_value", (PyCFunction)(void *)learner_state_value, METH_O, "What an agent says of a state."},
    {"learn_transition", (PyCFunction)(void *)learner_learn_transition, METH_FASTCALL, "Learn what an action led to."},
    {"last_prediction", (PyCFunction)(void *)learner_last_prediction, METH_NOARGS, "The last predictions of one sample."},
    {"learn_row", (PyCFunction)(void *)learner_learn_row, METH_FASTCALL, "Predict, then learn, one row."},
    {"learn", (PyCFunction)(void *)learner_learn, METH_VARARGS, "Predict and learn rows in turn."},
    {"predict", (PyCFunction)(void *)learner_predict, METH_VARARGS, "Predictions of rows."},
    {"pairs", (PyCFunction)(void *)learner_pairs, METH_VARARGS, "What the net reads of rows."},
    {"cells", (PyCFunction)(void *)learner_cells, METH_VARARGS, "In which cell of each table rows lie."},
    {"memory", (PyCFunction)(void *)learner_memory, METH_VARARGS, "The states that rows read."},
    {"hidden", (PyCFunction)(void *)learner_hidden, METH_VARARGS, "What an expert's last layer reads of rows."},
    {"learn_array", (PyCFunction)(void *)learner_learn_array, METH_VARARGS, "Predict and learn rows of an array in turn."},
    {"forward", (PyCFunction)(void *)learner_forward, METH_VARARGS, "Predictions of a mini-batch."},
    {"gradient", (PyCFunction)(void *)learner_gradient, METH_VARARGS, "Loss and gradient of a mini-batch."},
    {"apply", (PyCFunction)(void *)learner_apply, METH_VARARGS, "One step from a whole gradient."},
    {"add_outputs", (PyCFunction)(void *)learner_add_outputs, METH_VARARGS, "More outputs, with a bias."},
    {"reset_memory", (PyCFunction)(void *)learner_reset_memory, METH_NOARGS, "States of a recurrence begin anew."},
    {"check_embeddings", (PyCFunction)(void *)learner_check_embeddings, METH_O, "Raise for what is no embedding."},
    {"measure", (PyCFunction)(void *)learner_measure, METH_VARARGS, "What learning rows would append."},
    {"set_limits", (PyCFunction)(void *)learner_set_limits, METH_VARARGS, "What one sample may ask for."},
    {"bytes_of_outputs", (PyCFunction)(void *)learner_bytes_of_outputs, METH_VARARGS, "Memory that more outputs take."},
    {"set_step", (PyCFunction)(void *)learner_set_step, METH_VARARGS, "Multiply the step sizes."},
    {"spread_mixture_weights", (PyCFunction)(void *)learner_spread_mixture_weights, METH_VARARGS,
     "Even out the weights of the mixture."},
    {"reinitialise", (PyCFunction)(void *)learner_reinitialise, METH_VARARGS, "Draw an expert's weights anew."},
    {"merge", (PyCFunction)(void *)learner_merge, METH_VARARGS,
     "A new learner: this one, and what others have learned since."},
    {"state", (PyCFunction)(void *)learner_state, METH_VARARGS, "Copies of all that learning changes."},
    {"array", (PyCFunction)(void *)learner_array, METH_O, "A view of one array."},
    {"describe", (PyCFunction)(void *)learner_describe, METH_NOARGS, "Sizes and switches."},
    {"operations", (PyCFunction)(void *)learner_operations, METH_VARARGS, "An expert's operations."},
    {"inside", (PyCFunction)(void *)learner_inside, METH_NOARGS, "What it is made of, number by number."},
    {"rehearse", (PyCFunction)(void *)learner_rehearse, METH_VARARGS, "Memory that a copy takes that learns rows."},
    {"columns_of", (PyCFunction)(void *)learner_columns_of, METH_VARARGS, "An expert's columns in the table."},
    {"columns", (PyCFunction)(void *)learner_columns, METH_NOARGS, "The vocabulary."},
    {"names", (PyCFunction)(void *)learner_names, METH_O, "The names of the first columns, and how many there are."},
    {"column", (PyCFunction)(void *)learner_column, METH_O, "Kind and slot of a column."},
    {"digest", (PyCFunction)(void *)learner_digest, METH_NOARGS, "A number that stands for the whole state."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef attributes[] = {
    {"learned", (getter)get_learned, NULL, "How many rows were learned.", NULL},
    {"outputs", (getter)get_outputs, NULL, "How many outputs there are.", NULL},
    {"unusable", (getter)get_unusable, (setter)set_unusable, "Values of no usable type met while learning.", NULL},
    {"reader", (getter)get_reader, (setter)set_reader, "Functions for values that the core doesn't know.", NULL},
    {"rolled", (getter)get_rolled, NULL, "The last row as it was read with its aggregates.", NULL},
    {"rolling", (getter)get_rolling, (setter)set_rolling, "What adds columns of what happened before.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot learner_slots[] = {
    {Py_tp_new, (void *)learner_new},
    {Py_tp_dealloc, (void *)learner_dealloc},
    {Py_tp_traverse, (void *)learner_traverse},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, "One learner: vocabulary, statistics, weights, all that learning changes."},
    {0, NULL}};
PyType_Spec learner_spec = {.name = "headwater._core.Learner",
                            .basicsize = sizeof(Learner),
                            .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                            .slots = learner_slots};
