/* Table: a block of rows as columns (arrays, data frames) or as compressed rows (sparse matrices). */
#include "core.h"

#include <stdio.h>
#include <string.h>

/* A buffer of numbers of 8 bytes; its address, and how many. */
static const void *numbers(Table *self, PyObject *object, Py_ssize_t *count, Py_ssize_t *step)
{
    Py_buffer *view = self->buffers + self->buffer_count;
    if (PyObject_GetBuffer(object, view, PyBUF_STRIDES | PyBUF_FORMAT) < 0)
        return NULL;
    self->buffer_count++;
    if (view->itemsize != 8 || view->ndim != 1 || view->strides[0] % 8 || (view->shape[0] > 1 && view->strides[0] < 0)) {
        PyErr_SetString(PyExc_ValueError, "expected a one-dimensional array of 64-bit numbers");
        return NULL;
    }
    *count = view->shape[0];
    *step = view->strides[0] / 8;
    return view->buf;
}

/* One different value of a coded column: (kind, text or None, number or None, seven parts or None). */
static int read_form(TableColumn *c, Py_ssize_t i, PyObject *form)
{
    int kind;
    PyObject *text, *number, *parts;
    hw_value *v = c->values + i;
    *v = (hw_value){.column = -1};
    if (!PyTuple_Check(form) || !PyArg_ParseTuple(form, "iOOO", &kind, &text, &number, &parts))
        return -1;
    v->kind = (uint8_t)kind;
    if (text != Py_None) {
        char *p;
        Py_ssize_t n;
        if (PyBytes_AsStringAndSize(text, &p, &n) < 0)
            return -1;
        v->text = p;
        v->text_size = (uint32_t)n;
        v->has |= HW_HAS_TEXT;
    }
    if (number != Py_None) {
        v->number = PyFloat_AsDouble(number);
        if (v->number == -1 && PyErr_Occurred())
            return -1;
        v->has |= HW_HAS_NUMBER;
    }
    if (parts != Py_None) {
        for (int k = 0; k < HW_TIME_PARTS; k++) {
            PyObject *part = PyTuple_GetItem(parts, k);
            c->parts[i][k] = part ? PyFloat_AsDouble(part) : -1;
            if (PyErr_Occurred())
                return -1;
        }
        v->time = c->parts[i];
        v->has |= HW_HAS_TIME;
    }
    return 0;
}

/* One column: (name as bytes, kind, numbers or None, codes or None, forms of the different values). */
static int read_column(Table *self, PyObject *item)
{
    TableColumn *c = self->columns + self->count;
    int kind;
    PyObject *name, *x, *codes, *forms;
    char *p;
    Py_ssize_t n, step;
    if (!PyTuple_Check(item) || !PyArg_ParseTuple(item, "OiOOO", &name, &kind, &x, &codes, &forms) ||
        PyBytes_AsStringAndSize(name, &p, &n) < 0)
        return -1;
    *c = (TableColumn){.name = p, .name_size = (uint32_t)n, .column = -1, .kind = (uint8_t)kind};
    self->count++;
    if (x != Py_None) {
        c->x = numbers(self, x, &n, &c->step);
        if (!c->x)
            return -1;
        if (kind == HW_TIME) { /* seven numbers a row, side by side */
            n = c->step == 1 ? n / HW_TIME_PARTS : -1;
        }
    } else {
        c->codes = numbers(self, codes, &n, &step);
        c->count = c->codes ? PyList_Size(forms) : -1;
        if (c->count < 0)
            return -1;
        c->step = step;
        c->values = PyMem_Calloc((size_t)c->count + 1, sizeof *c->values);
        c->parts = PyMem_Calloc((size_t)c->count + 1, sizeof *c->parts);
        if (!c->values || !c->parts)
            return PyErr_NoMemory(), -1;
        for (Py_ssize_t i = 0; i < c->count; i++)
            if (read_form(c, i, PyList_GetItem(forms, i)) < 0)
                return -1;
    }
    if (n < self->rows) {
        PyErr_SetString(PyExc_ValueError, "expected columns of as many values as there are rows");
        return -1;
    }
    return 0;
}

static int read_sparse(Table *self, PyObject *names, PyObject *ends, PyObject *places, PyObject *x)
{
    Py_ssize_t n_ends, n_places, n_x, step[3];
    self->ends = numbers(self, ends, &n_ends, &step[0]);
    self->places = self->ends ? numbers(self, places, &n_places, &step[1]) : NULL;
    self->x = self->places ? numbers(self, x, &n_x, &step[2]) : NULL;
    if (!self->x)
        return -1;
    Py_ssize_t count = PyList_Size(names), widest = 0;
    int sound = n_ends == self->rows + 1 && n_places == n_x && (n_ends < 2 || step[0] == 1) &&
                (n_x < 2 || (step[1] == 1 && step[2] == 1));
    for (Py_ssize_t i = 0; sound && i < self->rows; i++) {
        sound = self->ends[i] >= 0 && self->ends[i] <= self->ends[i + 1] && self->ends[i + 1] <= n_x;
        if (sound && self->ends[i + 1] - self->ends[i] > widest)
            widest = self->ends[i + 1] - self->ends[i];
    }
    for (Py_ssize_t i = 0; sound && i < n_places; i++)
        sound = self->places[i] >= 0 && self->places[i] < count;
    if (!sound) {
        PyErr_SetString(PyExc_ValueError, "expected compressed rows: ends, places and values that fit each other");
        return -1;
    }
    self->columns = PyMem_Calloc((size_t)count + 1, sizeof *self->columns);
    self->row_capacity = widest;
    if (!self->columns)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t j = 0; j < count; j++) {
        char *p;
        Py_ssize_t n;
        if (PyBytes_AsStringAndSize(PyList_GetItem(names, j), &p, &n) < 0)
            return -1;
        self->columns[j] = (TableColumn){.name = p, .name_size = (uint32_t)n, .column = -1, .kind = HW_NUMBER};
        self->count++;
    }
    return 0;
}

/* Table(rows, columns) or Table(rows, names, ends, places, values). */
static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t rows;
    PyObject *columns, *ends = NULL, *places = NULL, *x = NULL;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "nO!|OOO", &rows, &PyList_Type, &columns, &ends, &places, &x))
        return NULL;
    Table *self = (Table *)PyType_GenericAlloc(type, 0);
    if (!self)
        return NULL;
    Py_ssize_t n = PyList_Size(columns);
    self->rows = rows;
    self->keep = Py_NewRef(args);
    self->buffers = PyMem_Calloc((size_t)n + 4, sizeof *self->buffers);
    int status = self->buffers ? 0 : -1;
    if (status >= 0 && x) {
        status = read_sparse(self, columns, ends, places, x);
    } else if (status >= 0) {
        self->columns = PyMem_Calloc((size_t)n + 1, sizeof *self->columns);
        self->row_capacity = n;
        status = self->columns ? 0 : -1;
        for (Py_ssize_t j = 0; status >= 0 && j < n; j++)
            status = read_column(self, PyList_GetItem(columns, j));
    }
    if (status >= 0) {
        self->row = PyMem_Calloc((size_t)self->row_capacity + 1, sizeof *self->row);
        self->slots = PyMem_Calloc((size_t)n + 1, sizeof *self->slots);
        self->numbers = PyMem_Calloc((size_t)n + 1, sizeof *self->numbers);
        status = self->row && self->slots && self->numbers ? 0 : -1;
    }
    if (status < 0) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void table_dealloc(Table *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    for (Py_ssize_t i = 0; i < self->buffer_count; i++)
        PyBuffer_Release(self->buffers + i);
    for (Py_ssize_t j = 0; j < self->count; j++) {
        PyMem_Free(self->columns[j].values);
        PyMem_Free(self->columns[j].parts);
    }
    PyMem_Free(self->columns);
    PyMem_Free(self->buffers);
    PyMem_Free(self->row);
    PyMem_Free(self->slots);
    PyMem_Free(self->numbers);
    Py_XDECREF(self->keep);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

int table_fits(Table *table, Py_ssize_t start, Py_ssize_t stop)
{
    return 0 <= start && start <= stop && stop <= table->rows;
}

static void know_columns(Learner *self, Table *t)
{
    if (t->learner == self->core)
        return;
    for (Py_ssize_t j = 0; j < t->count; j++) {
        TableColumn *c = t->columns + j;
        c->column = hw_column(self->core, c->name, c->name_size);
        for (Py_ssize_t i = 0; i < c->count; i++)
            c->values[i].row = 0;
    }
    t->learner = self->core;
    t->all_numbers = 0;
}

static void set_value(const TableColumn *c, hw_value *v, double x)
{
    *v = (hw_value){.column = c->column,
                    .kind = c->kind,
                    .has = x == x ? HW_HAS_NUMBER : 0,
                    .number = x,
                    .name = c->name,
                    .name_size = c->name_size};
}

/* Whether every column is one of numbers that the core knows by now. */
static int settle_numbers(Learner *self, Table *t)
{
    for (Py_ssize_t j = 0; j < t->count; j++) {
        const TableColumn *c = t->columns + j;
        if (!c->x || c->kind != HW_NUMBER || hw_column_kind(self->core, c->column) != HW_NUMBER)
            return 0;
        t->slots[j] = hw_column_slot(self->core, c->column);
    }
    return t->count > 0 && !t->ends;
}

/* The values of row i; returns how many there are. */
static Py_ssize_t values_of_row(Learner *self, Table *t, Py_ssize_t i)
{
    Py_ssize_t n = 0, first = t->ends ? t->ends[i] : 0, last = t->ends ? t->ends[i + 1] : t->count;
    for (Py_ssize_t q = first; q < last; q++) {
        TableColumn *c = t->columns + (t->ends ? t->places[q] : q);
        hw_value *v = t->row + n++;
        if (c->column < 0) /* it may have come with a row before */
            c->column = hw_column(self->core, c->name, c->name_size);
        if (t->ends) {
            set_value(c, v, t->x[q]);
            continue;
        }
        if (c->x && c->kind == HW_TIME) {
            set_value(c, v, 0);
            v->time = c->x + i * HW_TIME_PARTS;
            v->has = v->time[0] == v->time[0] ? HW_HAS_TIME : 0;
            continue;
        }
        if (c->x) {
            set_value(c, v, c->x[i * c->step]);
            continue;
        }
        int64_t code = c->codes[i * c->step];
        if (code < 0 || code >= c->count) {
            *v = (hw_value){.column = c->column};
            continue;
        }
        *v = c->values[code];
        v->column = c->column;
        v->name = c->name;
        v->name_size = c->name_size;
        if (c->kind != 255)
            v->kind = c->kind;
    }
    return n;
}

int measure_table_row(Learner *self, Table *t, Py_ssize_t i, hw_growth *growth)
{
    know_columns(self, t);
    return hw_measure(self->core, t->row, values_of_row(self, t, i), growth);
}

/* Read row i into the core; no Python object is touched. Returns the core's status. */
int read_table_row(Learner *self, Table *t, Py_ssize_t i, int learn)
{
    know_columns(self, t);
    if (t->all_numbers) {
        for (Py_ssize_t j = 0; j < t->count; j++)
            t->numbers[j] = t->columns[j].x[i * t->columns[j].step];
        return hw_read_numbers(self->core, t->slots, t->numbers, t->count);
    }
    Py_ssize_t n = values_of_row(self, t, i);
    int code = hw_read(self->core, t->row, n, learn, 1, NULL);
    if (code < 0 || t->ends)
        return code;
    for (Py_ssize_t j = 0; j < t->count; j++) { /* a category needs no second look-up */
        TableColumn *c = t->columns + j;
        if (!c->codes)
            continue;
        int64_t place = c->codes[i * c->step];
        if (place >= 0 && place < c->count)
            c->values[place].row = t->row[j].row;
    }
    if (i % 64 == 0)
        t->all_numbers = settle_numbers(self, t);
    return code;
}

static PyType_Slot table_slots[] = {{Py_tp_new, (void *)table_new},
                                    {Py_tp_dealloc, (void *)table_dealloc},
                                    {Py_tp_doc, "A block of rows as columns, or as compressed rows."},
                                    {0, NULL}};
PyType_Spec table_spec = {
    .name = "headwater._core.Table", .basicsize = sizeof(Table), .flags = Py_TPFLAGS_DEFAULT, .slots = table_slots};
