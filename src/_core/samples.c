/* From a mapping to the values that the core reads: the dict is walked here, and Python is asked only about kinds of values
 * that the core doesn't know. */
#include "core.h"

#include "rolling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 8 };

/* A text as UTF-8; lone surrogates pass. A new reference to bytes. */
PyObject *text_bytes(PyObject *text) { return PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass"); }

static int reserve_values(Learner *self, Py_ssize_t count)
{
    if (count <= self->capacity)
        return 0;
    Py_ssize_t wanted = count + count / 2 + 16;
    hw_value *values = PyMem_Realloc(self->values, (size_t)wanted * sizeof *values);
    if (values)
        self->values = values;
    void *parts = PyMem_Realloc(self->parts, (size_t)wanted * sizeof *self->parts);
    if (parts)
        self->parts = parts;
    if (!values || !parts)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < self->used && i < wanted; i++) /* times point into what has moved */
        if (values[i].has & HW_HAS_TIME)
            values[i].time = self->parts[i];
    self->capacity = wanted;
    return 0;
}

static void release_held(Learner *self)
{
    while (self->held_count)
        Py_DECREF(self->held[--self->held_count]);
}

/* Keep an object as long as the sample is read. Steals the reference. */
static int hold(Learner *self, PyObject *object)
{
    if (self->held_count == self->held_capacity) {
        Py_ssize_t wanted = 2 * self->held_capacity + 64;
        PyObject **held = PyMem_Realloc(self->held, (size_t)wanted * sizeof *held);
        if (!held) {
            Py_DECREF(object);
            return PyErr_NoMemory(), -1;
        }
        self->held = held;
        self->held_capacity = wanted;
    }
    self->held[self->held_count++] = object;
    return 0;
}

/* The bytes of a text; `own` gets an object that they lie in where that is not the text itself. */
static int bytes_of(PyObject *text, const char **bytes, uint32_t *size, PyObject **own)
{
    Py_ssize_t n;
    const char *p = PyUnicode_AsUTF8AndSize(text, &n);
    *own = NULL;
    if (!p) {
        PyErr_Clear();
        char *q;
        *own = text_bytes(text);
        if (!*own || PyBytes_AsStringAndSize(*own, &q, &n) < 0)
            return -1;
        p = q;
    }
    if (n > 1 << 28) {
        PyErr_SetString(PyExc_ValueError, "a text of more than 268435456 bytes");
        return -1;
    }
    *bytes = p;
    *size = (uint32_t)n;
    return 0;
}

/* A name as bytes: a text as it stands, anything else as Python says. */
static int name_of(Learner *self, PyObject *name, hw_value *v, PyObject **own)
{
    if (PyUnicode_Check(name))
        return bytes_of(name, &v->name, &v->name_size, own);
    *own = PyObject_CallMethod(self->reader, "name_bytes", "(O)", name);
    char *p;
    Py_ssize_t n;
    if (!*own || PyBytes_AsStringAndSize(*own, &p, &n) < 0)
        return -1;
    v->name = p;
    v->name_size = (uint32_t)n;
    return 0;
}

static int set_text(Learner *self, hw_value *v, PyObject *text)
{
    PyObject *own;
    int status = bytes_of(text, &v->text, &v->text_size, &own);
    if (own && hold(self, own) < 0)
        return -1;
    v->has |= HW_HAS_TEXT;
    return status;
}

/* Ask Python for a text, or a number, or the parts of a time; steals nothing. */
static PyObject *ask(Learner *self, const char *what, PyObject *value)
{
    PyObject *answer = PyObject_CallMethod(self->reader, what, "(O)", value);
    return answer && hold(self, answer) < 0 ? NULL : answer;
}

static int set_parts(Learner *self, hw_value *v, Py_ssize_t at, PyObject *parts)
{
    for (int i = 0; i < HW_TIME_PARTS; i++) {
        PyObject *part = PyTuple_GetItem(parts, i);
        double x = part ? PyFloat_AsDouble(part) : -1;
        if (!part || (x == -1 && PyErr_Occurred()))
            return -1;
        self->parts[at][i] = x;
    }
    v->time = self->parts[at];
    v->has |= HW_HAS_TIME;
    return 0;
}

static int may_be_time(const char *p, uint32_t n)
{
    return n >= 10 && p[4] == '-' && p[7] == '-' && p[0] >= '0' && p[0] <= '9';
}

/* Whether a column is one of embeddings, whose values are lists alone. */
static int is_of_embeddings(Learner *self, const hw_value *v)
{
    int kind = v->column < 0 ? -1 : hw_column_kind(self->core, v->column);
    return kind == HW_COSINE || kind == HW_RAW;
}

/* A value that is no embedding of its column. Rows that come in blocks, or from a journal, go on without it. */
static int refuse_embedding(Learner *self, hw_value *v, PyObject *value)
{
    if (!self->strict) {
        self->unusable += self->learning;
        v->has = 0;
        return 0;
    }
    int size = hw_embedding_size(self->core, v->column);
    uint32_t name_size;
    const char *name = hw_column_name(self->core, v->column, &name_size);
    PyObject *error = PyObject_CallMethod(self->reader, "no_embedding", "(y#Oi)", name, (Py_ssize_t)name_size, value, size);
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return -1;
}

/* The forms of a number that its column needs. */
static int set_number(Learner *self, hw_value *v, double x, PyObject *object)
{
    v->kind = HW_NUMBER;
    v->number = x;
    if (x != x) {
        v->has = 0;
        return 0;
    }
    v->has = HW_HAS_NUMBER;
    if (v->column >= 0 && hw_column_kind(self->core, v->column) != HW_NUMBER) {
        if (is_of_embeddings(self, v))
            return refuse_embedding(self, v, object);
        PyObject *text = ask(self, "as_text", object);
        return text ? set_text(self, v, text) : -1;
    }
    return 0;
}

/* Whether the sample is a row of texts alone, which is read as a row of a file. A value that is missing says nothing. */
static int is_of_texts(Learner *self)
{
    if (self->texts >= 0)
        return self->texts;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    self->texts = self->sample != NULL;
    while (self->texts && PyDict_Next(self->sample, &at, &key, &value))
        self->texts = is_exactly(value, &PyUnicode_Type) || value == Py_None;
    return self->texts;
}

/* The number that a text reads as. Returns 1, 0 if it is none, or -1 with an error. */
static int number_of(const hw_value *v, PyObject *text, double *x)
{
    unsigned char first = v->text_size ? (unsigned char)v->text[0] : 'x';
    if (first > ' ' && first < 0x80 && !strchr("0123456789+-.iInN", first)) /* most texts, without an error to clear */
        return 0;
    PyObject *number = PyFloat_FromString(text);
    if (number) {
        *x = PyFloat_AsDouble(number);
        Py_DECREF(number);
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_ValueError))
        return -1;
    PyErr_Clear();
    return 0;
}

/* Whether a character may be a space: in UTF-8 the first byte of those beyond ASCII is one of four. */
static int may_be_space(char c) { return (unsigned char)c <= ' ' || strchr("\xC2\xE1\xE2\xE3", c) != NULL; }

/* Whether a text may be a gap, or has spaces around it: Python says whether it is so. */
static int may_be_gap(const hw_value *v)
{
    const char *p = v->text;
    uint32_t n = v->text_size;
    if (!n || may_be_space(p[0]) || (unsigned char)p[n - 1] <= ' ' || (n <= 5 && strchr("Nn#<+-", p[0])))
        return 1;
    return (n > 1 && p[n - 2] == '\xC2') || (n > 2 && (unsigned char)p[n - 3] >= 0xE1 && may_be_space(p[n - 3]));
}

/* A text of a column that is new, or of a row of texts: Python says whether it is a gap, a number, or which text. */
static int set_cell(Learner *self, hw_value *v, PyObject *text, int kind)
{
    PyObject *cell = PyObject_CallMethod(self->reader, "cell", "(Oii)", text, kind, is_of_texts(self));
    if (!cell || hold(self, cell) < 0)
        return -1;
    if (cell == Py_None) {
        v->has = 0;
        return 0;
    }
    if (PyUnicode_Check(cell))
        return cell == text ? 0 : set_text(self, v, cell);
    v->kind = kind < 0 ? HW_NUMBER : v->kind;
    v->number = PyFloat_AsDouble(cell);
    v->has |= HW_HAS_NUMBER;
    return v->number == -1 && PyErr_Occurred() ? -1 : 0;
}

/* A text of a column whose format Python knows: a number, the parts of a time, a gap, or a text. Returns 0 if it may be
 * something else. */
static int set_formatted(Learner *self, hw_value *v, Py_ssize_t at, PyObject *text)
{
    PyObject *read = PyObject_CallMethod(self->reader, "formatted", "(y#O)", v->name, (Py_ssize_t)v->name_size, text);
    if (!read || hold(self, read) < 0)
        return -1;
    if (read == Py_Ellipsis)
        return 0;
    if (read == Py_None) {
        v->has = 0;
        return 1;
    }
    if (PyTuple_Check(read)) {
        v->kind = HW_TIME;
        return set_parts(self, v, at, read) < 0 ? -1 : 1;
    }
    if (PyUnicode_Check(read))
        return set_text(self, v, read) < 0 ? -1 : 1;
    v->kind = HW_NUMBER;
    v->number = PyFloat_AsDouble(read);
    v->has |= HW_HAS_NUMBER;
    return v->number == -1 && PyErr_Occurred() ? -1 : 1;
}

/* The forms of a text that its column needs. A firm one begins a column of texts, whatever it reads as. */
static int set_string(Learner *self, hw_value *v, Py_ssize_t at, PyObject *text, int firm)
{
    v->kind = HW_CATEGORY;
    if (set_text(self, v, text) < 0)
        return -1;
    int done = self->formatted ? set_formatted(self, v, at, text) : 0;
    if (done)
        return done < 0 ? -1 : 0;
    int kind = v->column >= 0 ? hw_column_kind(self->core, v->column) : -1;
    if (kind > HW_BIGRAMS)
        return refuse_embedding(self, v, text);
    if (kind == HW_NUMBER) {
        int found = number_of(v, text, &v->number);
        if (found <= 0)
            return found < 0 ? -1 : firm || !is_of_texts(self) ? 0 : set_cell(self, v, text, kind);
        v->has = v->number == v->number ? v->has | HW_HAS_NUMBER : 0;
        return 0;
    }
    if (firm && kind < 0)
        return 0;
    if (kind != HW_CATEGORY && kind < HW_WORDS && may_be_time(v->text, v->text_size)) {
        PyObject *parts = ask(self, "parts_of", text);
        if (!parts)
            return -1;
        if (parts != Py_None) {
            v->kind = HW_TIME;
            return set_parts(self, v, at, parts);
        }
    }
    if (kind < 0 || (!firm && may_be_gap(v) && is_of_texts(self)))
        return set_cell(self, v, text, kind);
    return 0;
}

/* ---- NumPy's scalars: what an array gives one by one, so they are as common as Python's own -----------------------------
 */

enum { NO_SCALAR, A_NUMBER, A_TEXT };

/* Which kind of NumPy's scalars a value is, by a look at all types. */
static int scalar_kind(Learner *self, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    Py_ssize_t n = PyTuple_Size(self->scalars);
    for (Py_ssize_t i = 0; i < n; i++) {
        if ((PyObject *)type != PyTuple_GetItem(self->scalars, i))
            continue;
        if (i == n - 1)
            return A_TEXT;
        self->met = type;
        return A_NUMBER;
    }
    return NO_SCALAR;
}

/* A float of Python, or a number of NumPy's type that was met last. Returns 1, or 0 if it is none. */
static int read_number(const Learner *self, PyObject *value, double *x)
{
    if (!is_exactly(value, &PyFloat_Type) && Py_TYPE(value) != self->met)
        return 0;
    *x = PyFloat_AsDouble(value);
    if (*x == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

static int add_value(Learner *self, PyObject *value, Py_ssize_t at, int learn, int depth);

/* Values that lie inside another: a list of (the end of the name, value). They are appended behind what is there. */
static int add_nested(Learner *self, PyObject *items, Py_ssize_t at, int learn, int depth)
{
    Py_ssize_t n = PyList_Size(items);
    char *start = NULL;
    hw_value outer = self->values[at];
    self->values[at].has = 0;
    const char *text = outer.name_size && !outer.name[0] ? memchr(outer.name, ' ', outer.name_size) : NULL;
    if (text) { /* a name that is no string goes on as the text it stands for */
        outer.name_size -= (uint32_t)(text + 1 - outer.name);
        outer.name = text + 1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *pair = PyList_GetItem(items, i), *end = pair ? PyTuple_GetItem(pair, 0) : NULL;
        PyObject *value = end ? PyTuple_GetItem(pair, 1) : NULL;
        if (!value || reserve_values(self, self->used + 1) < 0)
            return -1;
        Py_ssize_t own = self->used++;
        hw_value *v = self->values + own;
        *v = (hw_value){.column = -1};
        const char *tail;
        uint32_t tail_size;
        PyObject *tail_bytes;
        if (bytes_of(end, &tail, &tail_size, &tail_bytes) < 0 || (tail_bytes && hold(self, tail_bytes) < 0))
            return -1;
        PyObject *name = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)outer.name_size + tail_size);
        if (!name)
            return -1;
        start = PyBytes_AsString(name);
        memcpy(start, outer.name, outer.name_size);
        memcpy(start + outer.name_size, tail, tail_size);
        if (hold(self, name) < 0)
            return -1;
        v->name = start;
        v->name_size = outer.name_size + tail_size;
        v->column = hw_column(self->core, v->name, v->name_size);
        if (add_value(self, value, own, learn, depth + 1) < 0)
            return -1;
    }
    return 0;
}

/* ---- lists of numbers: an embedding has the same columns in each sample, so its names are made once -------------------
 */

/* Remember the columns of the nested values from `first` on, if all of them are known columns of numbers. */
static void note_list(Learner *self, PyObject *value, Py_ssize_t place, Py_ssize_t first)
{
    plan *p = &self->plan;
    Py_ssize_t count = self->used - first;
    p->list_count = 0;
    if (count > p->list_capacity) {
        int32_t *columns = PyMem_Realloc(p->list_columns, (size_t)count * sizeof *columns);
        if (!columns)
            return;
        p->list_columns = columns;
        p->list_capacity = count;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        p->list_columns[i] = self->values[first + i].column;
        if (hw_column_kind(self->core, p->list_columns[i]) != HW_NUMBER)
            return;
    }
    p->list_place = place;
    p->list_type = Py_TYPE(value);
    p->list_count = count;
}

static void put_number(Learner *self, Py_ssize_t i, double x)
{
    hw_value *v = self->values + self->used++;
    *v = (hw_value){.column = self->plan.list_columns[i], .kind = HW_NUMBER, .number = x};
    v->has = x == x ? HW_HAS_NUMBER : 0;
}

/* A list of floats, or an array, whose columns the sample before had. Returns 1, 0 if it is not so, or -1 with an error. */
static int add_known_list(Learner *self, PyObject *value, Py_ssize_t at)
{
    const plan *p = &self->plan;
    Py_ssize_t n = p->list_count, begin = self->used;
    Py_buffer view;
    if (!n || p->list_place != at || p->list_type != Py_TYPE(value) || reserve_values(self, self->used + n) < 0)
        return PyErr_Occurred() ? -1 : 0;
    if (is_exactly(value, &PyList_Type)) {
        for (Py_ssize_t i = 0; i < n && PyList_Size(value) == n; i++) {
            PyObject *item = PyList_GetItem(value, i);
            if (!is_exactly(item, &PyFloat_Type))
                break;
            put_number(self, i, PyFloat_AsDouble(item));
        }
    } else if (PyObject_CheckBuffer(value) && !PyObject_GetBuffer(value, &view, PyBUF_ND | PyBUF_FORMAT)) {
        int is_double = view.format && !strcmp(view.format, "d"), is_float = view.format && !strcmp(view.format, "f");
        for (Py_ssize_t i = 0; i < n && view.ndim == 1 && view.shape[0] == n && (is_double || is_float); i++)
            put_number(self, i, is_double ? ((double *)view.buf)[i] : (double)((float *)view.buf)[i]);
        PyBuffer_Release(&view);
    }
    PyErr_Clear(); /* of what gives no such buffer */
    if (self->used - begin == n) {
        self->values[at].has = 0;
        return 1;
    }
    self->used = begin;
    return 0;
}

/* ---- embeddings: a list or an array of numbers that stays one value ----------------------------------------------------
 */

enum { FEWEST_NUMBERS = 64, MOST_NUMBERS = 4096 };

/* Whether a list's items are finite numbers, written to `out`. Clears what they raise. */
static int copy_items(PyObject *list, Py_ssize_t n, double *out)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GetItem(list, i); /* borrowed; NULL if the list has shrunk */
        int text = !item || (!is_exactly(item, &PyFloat_Type) && PyUnicode_Check(item));
        double x = text ? -1 : PyFloat_AsDouble(item);
        if (text || (x == -1 && PyErr_Occurred()) || x - x != 0) {
            PyErr_Clear();
            return 0;
        }
        out[i] = x;
    }
    return 1;
}

static int copy_buffer(const Py_buffer *view, Py_ssize_t n, double *out)
{
    int is_double = !strcmp(view->format, "d"), odd = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        out[i] = is_double ? ((const double *)view->buf)[i] : (double)((const float *)view->buf)[i];
        odd |= !(out[i] - out[i] == 0);
    }
    return !odd;
}

/* The `fewest` to `most` numbers of a list or of an array of one dimension, as doubles that are held until the sample is
 * read. Returns 1, 0 if it is none such, -1 with an error. */
static int numbers_in(Learner *self, PyObject *value, Py_ssize_t fewest, Py_ssize_t most, const double **numbers,
                      uint32_t *size)
{
    Py_buffer view = {0};
    int is_list = is_exactly(value, &PyList_Type), good = 0;
    if (!is_list && (PyUnicode_Check(value) || PyObject_GetBuffer(value, &view, PyBUF_ND | PyBUF_FORMAT) < 0))
        return PyErr_Clear(), 0;
    int known = is_list || (view.ndim == 1 && view.format && (!strcmp(view.format, "d") || !strcmp(view.format, "f")));
    Py_ssize_t n = is_list ? PyList_Size(value) : known ? view.shape[0] : -1;
    if (n >= fewest && n <= most) {
        PyObject *own = PyBytes_FromStringAndSize(NULL, n * (Py_ssize_t)sizeof(double));
        double *out = own ? (double *)(void *)PyBytes_AsString(own) : NULL;
        good = !own || hold(self, own) < 0 ? -1 : is_list ? copy_items(value, n, out) : copy_buffer(&view, n, out);
        *numbers = out;
        *size = (uint32_t)n;
    }
    if (!is_list)
        PyBuffer_Release(&view);
    return good;
}

/* Whether a new column is one of embeddings. Where its list was read before them, or was shorter, its numbers are columns.
 */
static int may_begin_embedding(Learner *self, const hw_value *v)
{
    char first[256];
    if (v->column >= 0 || !hw_reads_embeddings(self->core) || v->name_size > sizeof first - 3)
        return 0;
    memcpy(first, v->name, v->name_size);
    memcpy(first + v->name_size, "[0]", 3);
    return hw_column(self->core, first, v->name_size + 3) < 0;
}

/* An embedding. Returns 1, 0 if it is none, or -1 with an error. */
static int add_embedding(Learner *self, PyObject *value, Py_ssize_t at)
{
    hw_value *v = self->values + at;
    int known = is_of_embeddings(self, v);
    if (!known && !may_begin_embedding(self, v))
        return 0;
    int size = known ? hw_embedding_size(self->core, v->column) : 0, fewest = known ? 1 : FEWEST_NUMBERS;
    PyObject *flat = is_exactly(value, &PyList_Type) ? Py_NewRef(value)
                                                     : PyObject_CallMethod(self->reader, "flat", "(Oi)", value, known);
    if (!flat)
        return -1;
    const double *numbers = NULL;
    uint32_t count = 0;
    int good =
        flat == Py_None ? 0 : numbers_in(self, flat, size ? size : fewest, size ? size : MOST_NUMBERS, &numbers, &count);
    Py_DECREF(flat);
    if (!good && known && flat != Py_None)
        return refuse_embedding(self, v, value) < 0 ? -1 : 1;
    if (good <= 0)
        return good;
    if (!size && hw_check_room(self->core, count) < 0) {
        if (self->strict)
            return raise_sample(self, HW_TOO_LARGE), -1;
        self->unusable += self->learning;
        v->has = 0;
        return 1;
    }
    v->kind = HW_COSINE; /* of a new column */
    v->has = HW_HAS_NUMBERS;
    v->numbers = numbers;
    v->count = count;
    return 1;
}

/* A list or a mapping, which becomes several values; the deepest ones are unusable. */
static int add_several(Learner *self, PyObject *value, PyObject *plain, Py_ssize_t at, int learn, int depth)
{
    if (depth + 1 > DEPTH) {
        for (Py_ssize_t i = 0; i < PyList_Size(plain); i++)
            self->unusable += learn && PyTuple_GetItem(PyList_GetItem(plain, i), 1) != Py_None;
        self->values[at].has = 0;
        return 0;
    }
    Py_ssize_t first = self->used;
    int status = add_nested(self, plain, at, learn, depth);
    if (status >= 0 && depth == 0 && self->used - first == PyList_Size(plain))
        note_list(self, value, at, first);
    return status;
}

/* Any other kind of value, as Python reads it. */
static int add_foreign(Learner *self, PyObject *value, Py_ssize_t at, int learn, int depth)
{
    int known = depth == 0 ? add_known_list(self, value, at) : 0;
    if (!known && depth == 0)
        known = add_embedding(self, value, at);
    if (known)
        return known < 0 ? -1 : 0;
    hw_value *v = self->values + at;
    PyObject *plain = depth > DEPTH ? NULL : ask(self, "plain", value);
    if (!plain && depth <= DEPTH)
        return -1;
    v = self->values + at;
    if (depth > DEPTH || plain == Py_Ellipsis) {
        self->unusable += learn;
        v->has = 0;
        return 0;
    }
    if (PyList_Check(plain))
        return add_several(self, value, plain, at, learn, depth);
    if (PyTuple_Check(plain)) { /* a time: seven parts and its text */
        PyObject *text = PyTuple_GetItem(plain, HW_TIME_PARTS);
        v->kind = HW_TIME;
        return !text || set_text(self, v, text) < 0 ? -1 : set_parts(self, v, at, plain);
    }
    if (PyUnicode_Check(plain))
        return set_string(self, v, at, plain, 0);
    if (plain == Py_None) {
        v->has = 0;
        return 0;
    }
    double x = PyFloat_AsDouble(plain);
    return x == -1 && PyErr_Occurred() ? -1 : set_number(self, v, x, plain);
}

static int add_value(Learner *self, PyObject *value, Py_ssize_t at, int learn, int depth)
{
    hw_value *v = self->values + at;
    v->has = 0;
    v->row = 0;
    if (is_exactly(value, &PyFloat_Type))
        return set_number(self, v, PyFloat_AsDouble(value), value);
    if (value == Py_None)
        return 0;
    if (is_exactly(value, &PyUnicode_Type))
        return set_string(self, v, at, value, 0);
    if ((PyObject *)Py_TYPE(value) == self->firm)
        return set_string(self, v, at, value, 1);
    if (is_exactly(value, &PyBool_Type))
        return set_number(self, v, value == Py_True, value);
    if (is_exactly(value, &PyLong_Type)) {
        double x = PyLong_AsDouble(value);
        if (x == -1 && PyErr_Occurred()) {
            PyErr_Clear(); /* a whole number beyond float: ±1e300, which the core clips and counts */
            PyObject *zero = PyLong_FromLong(0);
            int below = zero ? PyObject_RichCompareBool(value, zero, Py_LT) : -1;
            Py_XDECREF(zero);
            if (below < 0)
                return -1;
            x = below ? -1e300 : 1e300;
        }
        return set_number(self, v, x, value);
    }
    int kind = scalar_kind(self, value);
    double number;
    if (kind == A_NUMBER && read_number(self, value, &number))
        return set_number(self, v, number, value);
    if (kind == A_TEXT) {
        PyObject *text = PyUnicode_FromObject(value);
        return !text || hold(self, text) < 0 ? -1 : set_string(self, v, at, text, 0);
    }
    return add_foreign(self, value, at, learn, depth);
}

/* ---- plans ----------------------------------------------------------------------------------------------- */

void forget_plan(Learner *self)
{
    for (Py_ssize_t i = 0; i < self->plan.count; i++) {
        Py_DECREF(self->plan.keys[i]);
        Py_DECREF(self->plan.recent[i]);
        Py_XDECREF(self->plan.bytes[i]);
        Py_XDECREF(self->plan.categories[i]);
    }
    self->plan.count = 0;
    self->plan.numbers = 0;
    self->plan.list_count = 0;
}

/* Give back the memory that one very wide sample took. */
static void shrink_plan(Learner *self)
{
    plan *p = &self->plan;
    void *arrays[] = {p->keys, p->recent,       p->bytes,     p->place,    p->number,  p->slots,
                      p->x,    p->list_columns, self->values, self->parts, self->held, p->categories};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        PyMem_Free(arrays[i]);
    *p = (plan){0};
    self->values = NULL;
    self->parts = NULL;
    self->held = NULL;
    self->capacity = self->held_capacity = self->used = 0;
}

/* Order of two names: by length, then by letter. */
static int comes_before(const hw_value *a, const hw_value *b)
{
    if (a->name_size != b->name_size)
        return a->name_size < b->name_size;
    return memcmp(a->name, b->name, a->name_size) < 0;
}

/* Room for a plan of so many names; what could be had stays with the plan, and goes with it. */
static int reserve_plan(plan *p, Py_ssize_t n)
{
    Py_ssize_t wanted = n + n / 2 + 16;
    void *keys = PyMem_Realloc(p->keys, (size_t)wanted * sizeof *p->keys);
    p->keys = keys ? keys : p->keys;
    void *place = PyMem_Realloc(p->place, (size_t)wanted * sizeof *p->place);
    p->place = place ? place : p->place;
    void *bytes = PyMem_Realloc(p->bytes, (size_t)wanted * sizeof *p->bytes);
    p->bytes = bytes ? bytes : p->bytes;
    void *number = PyMem_Realloc(p->number, (size_t)wanted);
    p->number = number ? number : p->number;
    void *slots = PyMem_Realloc(p->slots, (size_t)wanted * sizeof *p->slots);
    p->slots = slots ? slots : p->slots;
    void *numbers = PyMem_Realloc(p->x, (size_t)wanted * sizeof *p->x);
    p->x = numbers ? numbers : p->x;
    void *recent = PyMem_Realloc(p->recent, (size_t)wanted * sizeof *p->recent);
    p->recent = recent ? recent : p->recent;
    void *categories = PyMem_Realloc(p->categories, (size_t)wanted * sizeof *p->categories);
    p->categories = categories ? categories : p->categories;
    if (!recent || !categories || !keys || !place || !bytes || !number || !slots || !numbers)
        return PyErr_NoMemory(), -1;
    p->capacity = wanted;
    return 0;
}

/* The keys of a dict as names, in its own order; n: how many there are. Returns the status. */
static int name_keys(Learner *self, PyObject *x, hw_value *named, Py_ssize_t *n)
{
    plan *p = &self->plan;
    PyObject *key, *value;
    Py_ssize_t at = 0, i = 0;
    int status = 0;
    while (status >= 0 && i < *n && PyDict_Next(x, &at, &key, &value)) {
        named[i] = (hw_value){.column = -1};
        p->keys[i] = Py_NewRef(key);
        p->recent[i] = Py_NewRef(key);
        p->bytes[i] = p->categories[i] = NULL;
        p->count = i + 1;
        status = name_of(self, key, named + i, &p->bytes[i]);
        i++;
    }
    *n = i;
    return status;
}

/* Merge sort of places by their names. order: room for twice as many. Returns where the sorted ones lie. */
static const int32_t *in_order(const hw_value *named, int32_t *order, Py_ssize_t n)
{
    int32_t *a = order, *b = order + n;
    for (Py_ssize_t i = 0; i < n; i++)
        a[i] = (int32_t)i;
    for (Py_ssize_t width = 1; width < n; width *= 2) {
        for (Py_ssize_t from = 0; from < n; from += 2 * width) {
            Py_ssize_t middle = from + width < n ? from + width : n, end = from + 2 * width < n ? from + 2 * width : n;
            Py_ssize_t q = from, r = middle, k = from;
            while (q < middle && r < end)
                b[k++] = comes_before(named + a[r], named + a[q]) ? a[r++] : a[q++];
            while (q < middle)
                b[k++] = a[q++];
            while (r < end)
                b[k++] = a[r++];
        }
        int32_t *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* Plan for samples of these keys: where each value goes so that all stand in the order of their names. */
static int make_plan(Learner *self, PyObject *x)
{
    plan *p = &self->plan;
    Py_ssize_t n = PyDict_Size(x);
    forget_plan(self);
    if (self->capacity > 1 << 16 && n < self->capacity / 16 && !self->held_count)
        shrink_plan(self);
    if (n > p->capacity && reserve_plan(p, n) < 0)
        return -1;
    if (reserve_values(self, n) < 0)
        return -1;
    hw_value *named = PyMem_Malloc((size_t)(n + 1) * sizeof *named);
    int32_t *order = PyMem_Malloc((size_t)(n + 1) * 2 * sizeof *order);
    int status = named && order ? name_keys(self, x, named, &n) : -1;
    if (status >= 0) {
        const int32_t *sorted = in_order(named, order, n);
        for (Py_ssize_t i = 0; i < n; i++) {
            p->place[sorted[i]] = (int32_t)i;
            self->values[i] = named[sorted[i]];
            self->values[i].column = hw_column(self->core, self->values[i].name, self->values[i].name_size);
            p->number[i] = hw_column_kind(self->core, self->values[i].column) == HW_NUMBER;
        }
    } else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    PyMem_Free(named);
    PyMem_Free(order);
    if (status < 0)
        forget_plan(self);
    return status;
}

/* Whether a key is key i of the plan. The next sample is likely to have it as this one does. */
static inline int is_key(const plan *p, Py_ssize_t i, PyObject *key)
{
    if (key == p->recent[i])
        return 1;
    if (!is_exactly(key, &PyUnicode_Type) || !is_exactly(p->keys[i], &PyUnicode_Type))
        return key == p->keys[i];
    int order = PyUnicode_Compare(key, p->keys[i]);
    if (order == -1 && PyErr_Occurred())
        PyErr_Clear();
    if (order)
        return 0;
    Py_INCREF(key);
    Py_DECREF(p->recent[i]);
    p->recent[i] = key;
    return 1;
}

/* Whether a value is the very text that stood in its place last, a category whose row is known: most rows are predicted
 * just before they are learned. */
static int is_last_text(Learner *self, Py_ssize_t at, const PyObject *value)
{
    return self->plan.categories[at] == value && self->values[at].row > 0 && !self->formatted;
}

/* Keep a text that was read for the next time. own: its bytes lie in itself. What a text that may be a gap is, and one of a
 * column with a format, depends on more than itself. */
static void keep_text(Learner *self, Py_ssize_t at, PyObject *value, int own)
{
    const hw_value *v = self->values + at;
    PyObject **kept = self->plan.categories + at, *before = *kept;
    int category = own && v->has == HW_HAS_TEXT && is_exactly(value, &PyUnicode_Type) && v->column >= 0 &&
                   hw_column_kind(self->core, v->column) == HW_CATEGORY && !may_be_gap(v);
    if (!category && !before)
        return;
    *kept = category ? Py_NewRef(value) : NULL;
    Py_XDECREF(before);
}

/* Put the sample's values where the plan says. Returns 1, 0 if its keys are others, or -1 with an error. */
static int follow_plan(Learner *self, PyObject *x, int learn)
{
    const plan *p = &self->plan;
    if (!p->count || PyDict_Size(x) != p->count)
        return 0;
    PyObject *key, *value;
    Py_ssize_t at = 0, i = 0;
    self->used = p->count;
    for (; i < p->count && PyDict_Next(x, &at, &key, &value); i++) {
        if (!is_key(p, i, key))
            return 0;
        hw_value *v = self->values + p->place[i];
        double number;
        if (p->number[p->place[i]] && read_number(self, value, &number)) {
            v->number = number;
            v->has = number == number ? HW_HAS_NUMBER : 0;
            continue;
        }
        if (is_last_text(self, p->place[i], value))
            continue;
        Py_ssize_t held = self->held_count;
        Py_INCREF(value);
        int status = add_value(self, value, p->place[i], learn, 0);
        if (status >= 0)
            keep_text(self, p->place[i], value, self->held_count == held);
        Py_DECREF(value);
        if (status < 0)
            return -1;
    }
    return i == p->count;
}

/* The common case: every value is a float of a known column of numbers. Returns 1, or 0 if it is not so. */
static int follow_numbers(Learner *self, PyObject *x)
{
    const plan *p = &self->plan;
    PyObject *key, *value;
    Py_ssize_t at = 0, i = 0;
    if (!p->numbers || PyDict_Size(x) != p->count)
        return 0;
    for (; i < p->count && PyDict_Next(x, &at, &key, &value); i++) {
        if (!is_key(p, i, key) || !read_number(self, value, p->x + p->place[i]))
            return 0;
    }
    return i == p->count;
}

/* After the core has read a sample, columns that were new have their numbers: remember them, and their kinds. */
static void settle_plan(Learner *self)
{
    Py_ssize_t numbers = 0;
    if (self->plan.numbers)
        return;
    for (Py_ssize_t i = 0; i < self->plan.count; i++) {
        hw_value *v = self->values + i;
        if (v->column >= 0 && self->plan.number[i]) {
            self->plan.slots[i] = hw_column_slot(self->core, v->column);
            numbers++;
            continue;
        }
        if (v->column < 0)
            v->column = hw_column(self->core, v->name, v->name_size);
        self->plan.number[i] = hw_column_kind(self->core, v->column) == HW_NUMBER;
    }
    self->plan.numbers = numbers == self->plan.count;
}

static int read_dict(Learner *self, PyObject *x, int learn)
{
    long long unusable = self->unusable;
    self->sample = x;
    self->texts = -1;
    self->learning = learn;
    int status = follow_plan(self, x, learn);
    if (status == 0) {
        self->unusable = unusable; /* values that were read for nothing are read again */
        if (make_plan(self, x) < 0)
            return -1;
        status = self->plan.count ? follow_plan(self, x, learn) : 1;
        if (status == 0) {
            PyErr_SetString(PyExc_RuntimeError,
                            "expected a dict that stays as it is while it is read, got one that changed");
            return -1;
        }
    }
    self->sample = NULL;
    return status < 0 ? -1 : 0;
}

/* A mapping as a dict: a new reference, or NULL with an error. */
static PyObject *as_dict(PyObject *x)
{
    if (PyDict_CheckExact(x))
        return Py_NewRef(x);
    PyObject *dict = PyDict_New();
    if (dict && PyDict_Update(dict, x) < 0)
        Py_CLEAR(dict);
    return dict;
}

/* The dict of a sample, with what happened before it where that is asked for. */
static PyObject *as_columns(Learner *self, PyObject *x, int how)
{
    PyObject *dict = as_dict(x);
    if (!dict || !self->rolling)
        return dict;
    PyObject *out = rolled(self->rolling, dict, how), *last = self->rolled;
    Py_DECREF(dict);
    self->rolled = out ? Py_NewRef(out) : NULL;
    Py_XDECREF(last);
    return out;
}

PyObject *as_dict_copy(PyObject *x)
{
    if (PyDict_CheckExact(x))
        return PyDict_Copy(x);
    return as_dict(x);
}

void renew_plan(Learner *self)
{
    plan *p = &self->plan;
    for (Py_ssize_t i = 0; i < p->count; i++) {
        hw_value *v = self->values + i;
        v->row = 0;
        v->column = hw_column(self->core, v->name, v->name_size);
        p->number[i] = hw_column_kind(self->core, v->column) == HW_NUMBER;
    }
    p->numbers = 0;
    p->list_count = 0;
}

/* Read a sample's values, of which none may be wrong for a column of embeddings, and add to `growth`, unless it is NULL,
 * what learning it would append. The learner stays as it is. Returns -1 with an error, or 0. */
int measure_sample(Learner *self, PyObject *x, hw_growth *growth)
{
    PyObject *dict = growth ? as_columns(self, x, HW_ROLL_LOOK) : as_dict(x);
    if (!dict)
        return -1;
    int status;
    Py_BEGIN_CRITICAL_SECTION(dict);
    self->used = 0;
    self->strict = 1;
    release_held(self);
    status = read_dict(self, dict, 0);
    self->strict = 0;
    Py_END_CRITICAL_SECTION();
    int code = status < 0 || !growth ? 0 : hw_measure(self->core, self->values, self->used, growth);
    if (code < 0)
        raise_status(code, NULL);
    if (status < 0 || code < 0)
        forget_plan(self);
    Py_DECREF(dict);
    return status < 0 || code < 0 ? -1 : 0;
}

/* Read a sample into the core. Returns -1 with an error, or 0. Names that the plan points to live in its keys. */
int read_sample(Learner *self, PyObject *x, int learn)
{
    PyObject *own = as_columns(self, x, learn ? HW_ROLL_ENTER : HW_ROLL_LOOK);
    int status, numbers;
    if (!own)
        return -1;
    x = own;
    Py_BEGIN_CRITICAL_SECTION(x);
    self->used = 0;
    release_held(self);
    numbers = follow_numbers(self, x);
    status =
        numbers ? hw_read_numbers(self->core, self->plan.slots, self->plan.x, self->plan.count) : read_dict(self, x, learn);
    Py_END_CRITICAL_SECTION();
    if (numbers) {
        if (status < 0)
            raise_sample(self, status), status = -1;
    } else if (status >= 0) {
        int nested = self->used > self->plan.count;
        int code = hw_read(self->core, self->values, self->used, learn, !nested, NULL);
        if (code < 0) {
            raise_sample(self, code);
            status = -1;
        } else {
            settle_plan(self);
        }
    }
    if (status < 0)
        forget_plan(self);
    Py_DECREF(own);
    return status;
}

int read_strictly(Learner *self, PyObject *x, int learn)
{
    self->strict = 1;
    int status = read_sample(self, x, learn);
    self->strict = 0;
    return status;
}

/* A name of an object of a JSON text that is open, as it is spelled. The first of an object's, at `own`, has no name, and
 * in its hash the place of the one of the object around it. */
typedef struct {
    uint64_t hash;
    const char *name;
    Py_ssize_t size;
} open_name;

typedef struct {
    open_name *list;
    Py_ssize_t used, room, own; /* own: -1 outside of objects */
    uint64_t last;              /* the names of an object that has each once, as a hash of them all */
} open_names;

enum { COMPARED_IN_PAIRS = 32 };

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const open_name *)a)->hash, y = ((const open_name *)b)->hash;
    return (x > y) - (x < y);
}

static int is_same(const open_name *a, const open_name *b)
{
    return a->hash == b->hash && a->size == b->size && !memcmp(a->name, b->name, (size_t)a->size);
}

/* Close an object. Returns a name that it has twice, or NULL. */
static const open_name *close_object(open_names *o)
{
    open_name *names = o->list + o->own + 1;
    Py_ssize_t count = o->used - o->own - 1;
    uint64_t all = 1;
    for (Py_ssize_t i = 0; i < count; i++)
        all = all * 0x9e3779b97f4a7c15u + names[i].hash;
    o->used = o->own;
    o->own = (Py_ssize_t)o->list[o->own].hash;
    if (all == o->last)
        return NULL;
    o->last = all;
    if (count > COMPARED_IN_PAIRS)
        qsort(names, (size_t)count, sizeof *names, by_hash);
    for (Py_ssize_t i = 1; i < count; i++)
        for (Py_ssize_t k = count > COMPARED_IN_PAIRS ? i - 1 : 0; k < i; k++)
            if (is_same(names + k, names + i))
                return names + i;
    return NULL;
}

static int push_name(open_names *o, uint64_t hash, const char *name, Py_ssize_t size)
{
    if (o->used == o->room) {
        Py_ssize_t room = 2 * o->room + 64;
        open_name *list = PyMem_Realloc(o->list, (size_t)room * sizeof *list);
        if (!list)
            return -1;
        o->list = list;
        o->room = room;
    }
    o->list[o->used++] = (open_name){hash, name, size};
    return 0;
}

/* Read a text that begins behind its quote; a colon behind it makes it a name. Returns where it ends, or NULL. */
static const char *pass_text(open_names *o, const char *begin, const char *end)
{
    uint64_t hash = 14695981039346656037u;
    const char *at = begin, *next;
    for (; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            hash = (hash ^ (unsigned char)*at++) * 1099511628211u;
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    for (next = at + 1; next < end && (*next == ' ' || *next == '\t' || *next == '\n' || *next == '\r');)
        next++;
    if (next < end && *next == ':' && o->own >= 0 && push_name(o, hash, begin, at - begin) < 0)
        return NULL;
    return at;
}

/* repeated_name(json): the text is valid, or what is returned means nothing. */
PyObject *repeated_name(PyObject *module, PyObject *args)
{
    const char *at, *end;
    Py_ssize_t size;
    open_names o = {NULL, 0, 0, -1, 0};
    const open_name *twice = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "s#", &at, &size))
        return NULL;
    for (end = at + size; at && at < end && !twice; at++) {
        if (*at == '"') {
            at = pass_text(&o, at + 1, end);
        } else if (*at == '{') {
            Py_ssize_t own = o.used;
            at = push_name(&o, (uint64_t)o.own, NULL, 0) < 0 ? NULL : at;
            o.own = own;
        } else if (*at == '}' && o.own >= 0) {
            twice = close_object(&o);
        }
        if (!at)
            break;
    }
    PyObject *name = !at ? PyErr_NoMemory() : twice ? PyUnicode_DecodeUTF8(twice->name, twice->size, "replace") : Py_None;
    PyMem_Free(o.list);
    return name == Py_None ? Py_NewRef(name) : name;
}
