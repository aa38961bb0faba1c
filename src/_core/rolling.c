/* Rolling: what happened before a row, as columns more of its dict. */
#include "rolling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../core/rows/random.h"

static const uint64_t FIRST_KEY = 0x243F6A8885A308D3u,
                      SECOND_KEY = 0x13198A2E03707344u; /* of π: a file needs none of its own */
static const double MOST_SECONDS = 1e12;

/* ---- values ---------------------------------------------------------------------------------------------- */

static uint64_t word_of(double x)
{
    uint64_t word;
    x = isfinite(x) ? x : NAN;
    memcpy(&word, &x, sizeof word);
    return x == x ? word : 0x7FF8000000000000u;
}

static void hash_bytes(const char *bytes, size_t size, uint64_t *hash)
{
    hash[0] = hw_hash(FIRST_KEY, bytes, size);
    hash[1] = hw_hash(SECOND_KEY, bytes, size);
    hash[0] += hash[0] == HW_ROLL_NONE;
}

static int hash_text(PyObject *text, uint64_t *hash)
{
    PyObject *own = text_bytes(text);
    char *p;
    Py_ssize_t n;
    int status = own ? PyBytes_AsStringAndSize(own, &p, &n) : -1;
    if (status >= 0)
        hash_bytes(p, (size_t)n, hash);
    Py_XDECREF(own);
    return status < 0 ? -1 : 1;
}

/* Two hashes of the text that a value is as a name: 5, 5.0 and "5" are one. Returns 1, 0 if it is missing, or -1. */
static int hash_name(const Rolling *self, PyObject *value, uint64_t *hash)
{
    if (is_exactly(value, &PyUnicode_Type)) {
        Py_ssize_t n;
        const char *p = PyUnicode_AsUTF8AndSize(value, &n);
        if (p)
            return hash_bytes(p, (size_t)n, hash), 1;
        PyErr_Clear(); /* a lone surrogate */
        return hash_text(value, hash);
    }
    if (is_exactly(value, &PyLong_Type)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        char digits[24];
        if (!overflow && !PyErr_Occurred() && number < 1LL << 53 && number > -(1LL << 53))
            return hash_bytes(digits, (size_t)snprintf(digits, sizeof digits, "%lld", number), hash), 1;
        PyErr_Clear();
    }
    PyObject *text = value == Py_None ? Py_NewRef(value) : PyObject_CallMethod(self->reader, "name", "(O)", value);
    int status = !text ? -1 : text == Py_None ? 0 : hash_text(text, hash);
    Py_XDECREF(text);
    return status;
}

static int read_number(const Rolling *self, PyObject *name, PyObject *value, uint64_t *word)
{
    double x = NAN;
    if (is_exactly(value, &PyFloat_Type)) {
        x = PyFloat_AsDouble(value);
    } else if (value != Py_None) {
        PyObject *number = PyObject_CallMethod(self->reader, "number", "(OO)", name, value);
        x = number ? PyFloat_AsDouble(number) : -1;
        Py_XDECREF(number);
        if (x == -1 && PyErr_Occurred())
            return -1;
    }
    *word = word_of(x);
    return 0;
}

/* Microseconds of a time. Returns 1, 0 if it is missing or none, or -1 with an error. */
static int read_time(const Rolling *self, PyObject *value, int64_t *time)
{
    if (is_exactly(value, &PyFloat_Type)) {
        double x = PyFloat_AsDouble(value);
        if (!(x > -MOST_SECONDS && x < MOST_SECONDS))
            return 0;
        *time = (int64_t)floor(x * 1e6 + 0.5);
        return 1;
    }
    PyObject *read = PyObject_CallMethod(self->reader, "time", "(OO)", self->time, value);
    int overflow = 0, known = read && read != Py_None;
    long long number = known ? PyLong_AsLongLongAndOverflow(read, &overflow) : 0;
    Py_XDECREF(read);
    if (!read || PyErr_Occurred())
        return -1;
    *time = number;
    return known && !overflow && number <= HW_ROLL_MOST_TIME && number >= -HW_ROLL_MOST_TIME;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

/* A value of a dict, None where there is none. Borrowed; NULL with an error. */
static PyObject *value_of(PyObject *x, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(x, name);
    return value || PyErr_Occurred() ? value : Py_None;
}

/* Read what a row is in the core. Returns 1, 0 if it has no key or no time, or -1 with an error. */
static int read_event(const Rolling *self, PyObject *x, hw_roll_row *row)
{
    PyObject *value = value_of(x, self->time);
    int status = value ? read_time(self, value, &row->time) : -1;
    row->key[0] = row->key[1] = 0;
    if (status > 0 && self->key != Py_None) {
        value = value_of(x, self->key);
        status = value ? hash_name(self, value, row->key) : -1;
    }
    for (int32_t i = 0; status > 0 && i < self->declared.numbers; i++) {
        PyObject *name = PyTuple_GetItem(self->numbers, i);
        value = value_of(x, name);
        status = value && read_number(self, name, value, row->values + i) >= 0 ? 1 : -1;
    }
    for (int32_t i = 0; status > 0 && i < self->declared.names; i++) {
        uint64_t hash[2] = {HW_ROLL_NONE, 0};
        value = value_of(x, PyTuple_GetItem(self->names, i));
        status = value && hash_name(self, value, hash) >= 0 ? 1 : -1;
        row->values[self->declared.numbers + i] = hash[0];
    }
    return status;
}

/* Whether a row has aggregates already, as one that was observed does: those that are missing may have gone. */
static int has_any(const Rolling *self, PyObject *x)
{
    int has = 0;
    for (int32_t i = 0; !has && i < self->declared.aggregates; i++)
        has = PyDict_Contains(x, PyTuple_GetItem(self->titles, i));
    return has;
}

/* A copy of a dict with its aggregates. */
static PyObject *with_columns(const Rolling *self, PyObject *x)
{
    PyObject *out = PyDict_Copy(x);
    for (int32_t i = 0; out && i < self->declared.aggregates; i++) {
        double number = self->out[i];
        PyObject *value = number == number ? PyFloat_FromDouble(number) : Py_NewRef(Py_None);
        if (!value || PyDict_SetItem(out, PyTuple_GetItem(self->titles, i), value) < 0)
            Py_CLEAR(out);
        Py_XDECREF(value);
    }
    return out;
}

PyObject *rolled(PyObject *object, PyObject *x, int how)
{
    Rolling *self = (Rolling *)object;
    hw_roll_row row;
    hw_rolling_forget(self->core);
    int has = has_any(self, x);
    if (has < 0 || (has && how != HW_ROLL_ENTER))
        return has < 0 ? NULL : Py_NewRef(x);
    int status = read_event(self, x, &row);
    if (status < 0)
        return NULL;
    if (!status) {
        if (how == HW_ROLL_ENTER)
            hw_rolling_note(self->core, HW_ROLL_UNREAD);
        return Py_NewRef(x);
    }
    int code = hw_rolling_look(self->core, &row, has ? HW_ROLL_AGAIN : how, self->out);
    if (code < 0)
        return raise_status(code, NULL);
    return has ? Py_NewRef(x) : with_columns(self, x);
}

void enter_rolled(PyObject *object)
{
    if (object)
        hw_rolling_enter(((Rolling *)object)->core);
}

/* ---- the object ------------------------------------------------------------------------------------------ */

/* Numbers of a tuple of whole numbers. */
static int whole_numbers(PyObject *tuple, int64_t *out, Py_ssize_t most)
{
    Py_ssize_t n = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < n && n <= most; i++)
        out[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
    return n < 0 || n > most || PyErr_Occurred() ? -1 : (int)n;
}

static int declare(Rolling *self, PyObject *over, PyObject *asked)
{
    hw_roll_declaration *d = &self->declared;
    Py_ssize_t n = PyTuple_Size(asked), columns = PyTuple_Size(self->numbers) + PyTuple_Size(self->names);
    int windows = whole_numbers(over, d->over, HW_ROLL_WINDOWS);
    if (windows < 1 || n < 1 || n > HW_ROLL_ASKED || n != PyTuple_Size(self->titles) || columns > HW_ROLL_COLUMNS)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        hw_aggregate *a = self->asked + i;
        if (!PyArg_ParseTuple(PyTuple_GetItem(asked, i), "iii", &a->what, &a->column, &a->window) || a->what < 0 ||
            a->what >= HW_ROLL_WHATS || a->column < -1 || a->column >= columns || a->window < 0 || a->window >= windows)
            return -1;
    }
    for (int i = 0; i < windows; i++)
        if (d->over[i] <= (i ? d->over[i - 1] : 0) || d->over[i] > HW_ROLL_MOST_TIME / 4)
            return -1;
    d->windows = windows;
    d->aggregates = (int32_t)n;
    d->numbers = (int32_t)PyTuple_Size(self->numbers);
    d->names = (int32_t)PyTuple_Size(self->names);
    d->asked = self->asked;
    return 0;
}

/* Rolling(key, time, over, numbers, names, asked, titles, most_events, most_bytes, reader) */
static PyObject *rolling_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *key, *time, *over, *numbers, *names, *asked, *titles, *reader;
    long long most_events, most_bytes;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOO!O!O!O!O!LLO", &key, &time, &PyTuple_Type, &over, &PyTuple_Type, &numbers,
                          &PyTuple_Type, &names, &PyTuple_Type, &asked, &PyTuple_Type, &titles, &most_events, &most_bytes,
                          &reader))
        return NULL;
    Rolling *self = (Rolling *)PyType_GenericAlloc(type, 0);
    if (!self)
        return NULL;
    self->key = Py_NewRef(key);
    self->time = Py_NewRef(time);
    self->numbers = Py_NewRef(numbers);
    self->names = Py_NewRef(names);
    self->titles = Py_NewRef(titles);
    self->reader = Py_NewRef(reader);
    self->declared.most_events = most_events;
    self->declared.most_bytes = most_bytes;
    if (declare(self, over, asked) < 0 || most_events < 1 || most_events > 1 << 24) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "expected windows, columns and aggregates that fit");
        Py_DECREF(self);
        return NULL;
    }
    self->core = hw_rolling_make(allocator(), &self->declared);
    if (self->core)
        return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static int rolling_traverse(Rolling *self, visitproc visit, void *arg)
{
    Py_VISIT((PyObject *)Py_TYPE((PyObject *)self));
    Py_VISIT(self->key);
    Py_VISIT(self->time);
    Py_VISIT(self->numbers);
    Py_VISIT(self->names);
    Py_VISIT(self->titles);
    Py_VISIT(self->reader);
    return 0;
}

static void rolling_dealloc(Rolling *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    hw_rolling_free(self->core);
    PyObject *held[] = {self->key, self->time, self->numbers, self->names, self->titles, self->reader};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        Py_XDECREF(held[i]);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* row(x: dict, how) → the dict with its aggregates; one that enters has entered. */
static PyObject *rolling_row(Rolling *self, PyObject *args)
{
    PyObject *x;
    int how;
    if (!PyArg_ParseTuple(args, "O!i", &PyDict_Type, &x, &how))
        return NULL;
    PyObject *out = rolled((PyObject *)self, x, how);
    if (out)
        enter_rolled((PyObject *)self);
    return out;
}

/* A row with its aggregates, which enters `scratch` alone: what it holds of the row's key is copied before. */
static PyObject *row_ahead(Rolling *self, hw_rolling *scratch, PyObject *x)
{
    hw_roll_row row;
    int status = PyDict_Check(x) ? read_event(self, x, &row) : (PyErr_SetString(PyExc_TypeError, "expected dicts"), -1);
    int code = status > 0 ? hw_rolling_copy_key(scratch, self->core, row.key) : 0;
    if (status < 0 || code < 0)
        return status < 0 ? NULL : raise_status(code, NULL);
    hw_rolling *own = self->core;
    self->core = scratch;
    PyObject *out = rolled((PyObject *)self, x, HW_ROLL_ENTER);
    if (out)
        enter_rolled((PyObject *)self);
    self->core = own;
    return out;
}

/* ahead([dict, …]) → the dicts with the aggregates that each has once those before it have entered. Nothing enters. */
static PyObject *rolling_ahead(Rolling *self, PyObject *rows)
{
    if (!PyList_Check(rows))
        return PyErr_SetString(PyExc_TypeError, "expected a list"), NULL;
    hw_rolling *scratch = hw_rolling_make(allocator(), &self->declared);
    PyObject *out = scratch ? PyList_New(0) : PyErr_NoMemory();
    for (Py_ssize_t i = 0; out && i < PyList_Size(rows); i++) {
        PyObject *x = Py_XNewRef(PyList_GetItem(rows, i)), *row = x ? row_ahead(self, scratch, x) : NULL;
        if (!row || PyList_Append(out, row) < 0)
            Py_CLEAR(out);
        Py_XDECREF(row);
        Py_XDECREF(x);
    }
    hw_rolling_free(scratch);
    return out;
}

static int32_t width_of(const Rolling *self) { return 1 + self->declared.numbers + self->declared.names; }

/* state() → (keys, ends, events, counts): copies. */
static PyObject *rolling_state(Rolling *self, PyObject *unused)
{
    int64_t sizes[HW_ROLL_SIZES], counts[HW_ROLL_COUNTS];
    (void)unused;
    hw_rolling_size(self->core, sizes, counts);
    int64_t n = sizes[HW_ROLL_KEYS], m = sizes[HW_ROLL_EVENTS];
    uint64_t *keys = PyMem_Malloc((size_t)(2 * n + 1) * sizeof *keys);
    int64_t *ends = PyMem_Malloc((size_t)(n + 1) * sizeof *ends);
    uint64_t *events = PyMem_Malloc((size_t)(m * width_of(self) + 1) * sizeof *events);
    PyObject *out = keys && ends && events ? PyTuple_New(4) : PyErr_NoMemory();
    if (out) {
        hw_rolling_save(self->core, keys, ends, events);
        hw_array arrays[] = {{.type = HW_U64, .dimensions = 2, .shape = {n, 2, 1}, .data = keys},
                             {.type = HW_I64, .dimensions = 1, .shape = {n, 1, 1}, .data = ends},
                             {.type = HW_U64, .dimensions = 2, .shape = {m, width_of(self), 1}, .data = events},
                             {.type = HW_I64, .dimensions = 1, .shape = {HW_ROLL_COUNTS, 1, 1}, .data = counts}};
        for (int i = 0; i < 4 && out; i++) {
            PyObject *array = new_array(arrays + i, true);
            if (!array || PyTuple_SetItem(out, i, array) < 0)
                Py_CLEAR(out);
        }
    }
    PyMem_Free(keys);
    PyMem_Free(ends);
    PyMem_Free(events);
    return out;
}

/* load(keys, ends, events, counts): go on from what state gave. Nothing changes where that raises. */
static PyObject *rolling_load(Rolling *self, PyObject *args)
{
    PyObject *given[4];
    Py_buffer views[4] = {{0}};
    int open = 0, status = HW_BAD_STATE;
    if (!PyArg_ParseTuple(args, "OOOO", given, given + 1, given + 2, given + 3))
        return NULL;
    while (open < 4 && PyObject_GetBuffer(given[open], views + open, PyBUF_CONTIG_RO) >= 0)
        open++;
    Py_ssize_t n = views[1].len / 8, row = 8 * width_of(self), m = views[2].len / row;
    hw_rolling *fresh = open == 4 ? hw_rolling_make(allocator(), &self->declared) : NULL;
    if (fresh && views[0].len == 16 * n && views[1].len == 8 * n && views[2].len == row * m &&
        views[3].len == 8 * HW_ROLL_COUNTS)
        status = hw_rolling_load(fresh, views[0].buf, views[1].buf, n, views[2].buf, m, views[3].buf);
    for (int i = 0; i < open; i++)
        PyBuffer_Release(views + i);
    if (status < 0 || !fresh) {
        hw_rolling_free(fresh);
        return PyErr_Occurred() ? NULL : fresh ? raise_status(status, NULL) : PyErr_NoMemory();
    }
    hw_rolling_free(self->core);
    self->core = fresh;
    Py_RETURN_NONE;
}

/* size() → (keys, events, bytes, keys dropped, events dropped, late, unread) */
static PyObject *rolling_size(Rolling *self, PyObject *unused)
{
    int64_t s[HW_ROLL_SIZES], c[HW_ROLL_COUNTS];
    (void)unused;
    hw_rolling_size(self->core, s, c);
    return Py_BuildValue("(LLLLLLL)", (long long)s[0], (long long)s[1], (long long)s[2], (long long)c[0], (long long)c[1],
                         (long long)c[2], (long long)c[3]);
}

static PyObject *get_reader(Rolling *self, void *closure) { return (void)closure, Py_NewRef(self->reader); }

static int set_reader(Rolling *self, PyObject *value, void *closure)
{
    (void)closure;
    if (!value)
        return PyErr_SetString(PyExc_AttributeError, "it needs a reader"), -1;
    PyObject *old = self->reader;
    self->reader = Py_NewRef(value);
    Py_DECREF(old);
    return 0;
}

static PyMethodDef methods[] = {
    {"row", (PyCFunction)(void *)rolling_row, METH_VARARGS, "A row with its aggregates."},
    {"ahead", (PyCFunction)(void *)rolling_ahead, METH_O, "Rows as if each entered before the next."},
    {"state", (PyCFunction)(void *)rolling_state, METH_NOARGS, "Copies of all that it holds."},
    {"load", (PyCFunction)(void *)rolling_load, METH_VARARGS, "Go on from a state."},
    {"size", (PyCFunction)(void *)rolling_size, METH_NOARGS, "How many keys, events and bytes it holds."},
    {NULL, NULL, 0, NULL}};
static PyGetSetDef attributes[] = {
    {"reader", (getter)get_reader, (setter)set_reader, "Functions for values that are neither float nor text.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot rolling_slots[] = {{Py_tp_new, (void *)rolling_new},
                                      {Py_tp_dealloc, (void *)rolling_dealloc},
                                      {Py_tp_traverse, (void *)rolling_traverse},
                                      {Py_tp_methods, methods},
                                      {Py_tp_getset, attributes},
                                      {Py_tp_doc, "What happened before a row, by key."},
                                      {0, NULL}};
PyType_Spec rolling_spec = {.name = "headwater._core.Rolling",
                            .basicsize = sizeof(Rolling),
                            .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                            .slots = rolling_slots};
