/* Fleet: many small learners behind their keys. Rows are read by a Learner into whose core one member after the other is
 * put. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

enum { OF_STORE = 1, OF_COPY = 2, OF_ALL = OF_STORE | OF_COPY }; /* who has not yet a member as it is */

typedef struct Score { /* of the predictions that were given out before their rows were learned */
    int64_t rows;
    double sum;      /* of correct ones, or of |y - p| */
    uint32_t used;   /* when it was used last, in blocks */
    int32_t changed; /* since these were settled */
    int32_t head;    /* first event of the block at hand; -1: none */
} Score;

typedef struct Fleet {
    PyObject_HEAD hw_fleet *core;
    Learner *reader;
    PyObject *index; /* key -> number of its member */
    PyObject *keys;  /* list, in the order of their numbers */
    PyObject *name;  /* of the column that holds the key */
    Score *scores;
    Py_ssize_t capacity;
    uint64_t vocabulary; /* that the reader's plan knows */
    uint32_t clock;
    int classify, binary; /* binary: one output tells two classes */
    double rare;          /* the least bias of a new class */
    long long most;       /* keys */
} Fleet;

/* ---- making ---------------------------------------------------------------------------------------------- */

/* The core's fleet, of members that begin as a learner is now. */
static void begin_core(Fleet *self, Learner *from, const int32_t *numbers, Py_ssize_t count)
{
    int status = 0;
    self->core = hw_fleet_make(allocator(), from->core, numbers, (int32_t)count, &status);
    leave(from);
    if (!self->core)
        raise_status(status, NULL);
    else
        self->reader->core = hw_fleet_take(self->core, -1, 0, &status);
}

/* Fleet(learner, name, classify, binary, rare, most, labels): members begin as copies of the learner, whose outputs stand
 * for these labels. */
static PyObject *fleet_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *learner, *name, *labels;
    int classify, binary;
    double rare;
    long long most;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!OppdLO!", Learner_Type, &learner, &name, &classify, &binary, &rare, &most, &PyList_Type,
                          &labels))
        return NULL;
    Py_ssize_t count = PyList_Size(labels);
    int32_t *numbers = PyMem_Calloc((size_t)count + 1, sizeof *numbers);
    for (Py_ssize_t j = 0; numbers && j < count; j++)
        numbers[j] = (int32_t)PyLong_AsLong(PyList_GetItem(labels, j));
    Fleet *self = numbers && !PyErr_Occurred() ? (Fleet *)PyType_GenericAlloc(type, 0) : NULL;
    Learner *from = (Learner *)learner;
    if (self) {
        self->index = PyDict_New();
        self->keys = PyList_New(0);
        self->name = Py_NewRef(name);
        self->reader = new_reader(from);
        self->classify = classify;
        self->binary = binary;
        self->rare = rare;
        self->most = most;
    }
    if (self && self->index && self->keys && self->reader && enter(from) >= 0)
        begin_core(self, from, numbers, count);
    PyMem_Free(numbers);
    if (self && !PyErr_Occurred() && self->reader->core && refresh(self->reader) >= 0)
        return (PyObject *)self;
    if (!PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF((PyObject *)self);
    return NULL;
}

static int fleet_traverse(Fleet *self, visitproc visit, void *arg)
{
    Py_VISIT((PyObject *)Py_TYPE((PyObject *)self));
    Py_VISIT(self->index);
    Py_VISIT(self->keys);
    Py_VISIT(self->name);
    return 0;
}

static void fleet_dealloc(Fleet *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    if (self->reader) {
        self->reader->core = NULL; /* it was the fleet's */
        Py_DECREF((PyObject *)self->reader);
    }
    hw_fleet_free(self->core);
    PyMem_Free(self->scores);
    Py_XDECREF(self->index);
    Py_XDECREF(self->keys);
    Py_XDECREF(self->name);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* ---- members --------------------------------------------------------------------------------------------- */

/* A new member. Returns its number, or -1 with an error. */
static Py_ssize_t add_member(Fleet *self, PyObject *key)
{
    Py_ssize_t n = (Py_ssize_t)hw_fleet_count(self->core);
    if (n == self->capacity) {
        Py_ssize_t capacity = n + n / 2 + 64;
        Score *scores = PyMem_Realloc(self->scores, (size_t)capacity * sizeof *scores);
        if (!scores)
            return PyErr_NoMemory(), -1;
        self->scores = scores;
        self->capacity = capacity;
    }
    PyObject *number = PyLong_FromSsize_t(n);
    int status = number ? PyDict_SetItem(self->index, key, number) : -1;
    Py_XDECREF(number);
    if (status < 0 || PyList_Append(self->keys, key) < 0)
        return -1;
    int64_t added = hw_fleet_add(self->core);
    if (added < 0) {
        PyDict_DelItem(self->index, key);
        PyList_SetSlice(self->keys, n, n + 1, NULL);
        return raise_status((int)added, NULL), -1;
    }
    self->scores[n] = (Score){.head = -1, .changed = OF_ALL};
    return n;
}

enum { NO_KEY = -2, TOO_MANY = -3, UNKNOWN = -1 };

/* A key in the form in which it is kept: plain values as they are; of any other kind Python says it. A new reference;
 * Ellipsis for what can't be a key; NULL with an error. */
static PyObject *kept_key(Fleet *self, PyObject *key)
{
    int overflow = 0;
    if (is_exactly(key, &PyUnicode_Type) || is_exactly(key, &PyBool_Type) || is_exactly(key, &PyBytes_Type))
        return Py_NewRef(key);
    if (is_exactly(key, &PyLong_Type)) {
        PyLong_AsLongLongAndOverflow(key, &overflow);
        if (!overflow)
            return Py_NewRef(key);
    }
    if (is_exactly(key, &PyFloat_Type) && PyFloat_AsDouble(key) == PyFloat_AsDouble(key))
        return Py_NewRef(key);
    return PyObject_CallMethod(self->reader->reader, "as_key", "(O)", key);
}

/* The member of a key, or UNKNOWN, NO_KEY; -4 with an error. An unknown one goes into kept, as it is kept. */
static Py_ssize_t find_member(Fleet *self, PyObject *key, PyObject **kept)
{
    PyObject *own = key == Py_None ? Py_NewRef(Py_Ellipsis) : kept_key(self, key);
    PyObject *number = own && own != Py_Ellipsis ? PyDict_GetItemWithError(self->index, own) : NULL;
    Py_ssize_t member = own == Py_Ellipsis ? NO_KEY : UNKNOWN;
    if (number)
        member = PyLong_AsSsize_t(number);
    if (PyErr_Occurred())
        member = -4;
    if (kept && member == UNKNOWN)
        *kept = Py_NewRef(own);
    Py_XDECREF(own);
    return member;
}

/* place(keys, add, good, out): the members of keys into out (n) int64; where `add` and good[i], a new one for a key that
 * has none. NO_KEY: it can't be a key; TOO_MANY: there may be no more. */
static PyObject *fleet_place(Fleet *self, PyObject *args)
{
    PyObject *keys, *good_, *out_;
    int add;
    Py_buffer good = {0}, out = {0};
    if (!PyArg_ParseTuple(args, "O!pOO", &PyList_Type, &keys, &add, &good_, &out_))
        return NULL;
    Py_ssize_t n = PyList_Size(keys), i = 0;
    const char *may = numbers_of(good_, &good, 0, 1, n);
    int64_t *places = may ? numbers_of(out_, &out, 1, 8, n) : NULL;
    if (places && enter(self->reader) >= 0) {
        self->clock++;
        for (; i < n; i++) {
            PyObject *key = PyList_GetItem(keys, i);
            PyObject *kept = NULL;
            Py_ssize_t place = key ? find_member(self, key, &kept) : -4;
            if (place == UNKNOWN && add && may[i])
                place = hw_fleet_count(self->core) >= self->most ? TOO_MANY : add_member(self, kept);
            Py_XDECREF(kept);
            if (place < -3 || PyErr_Occurred())
                break;
            if (place >= 0)
                self->scores[place].used = self->clock;
            places[i] = place;
        }
        leave(self->reader);
    }
    if (good.obj)
        PyBuffer_Release(&good);
    if (out.obj)
        PyBuffer_Release(&out);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* split(rows) -> (keys, rows without it): None where a row has no key. */
static PyObject *fleet_split(Fleet *self, PyObject *rows)
{
    if (!PyList_Check(rows)) {
        PyErr_SetString(PyExc_TypeError, "split(rows: list of dict)");
        return NULL;
    }
    Py_ssize_t n = PyList_Size(rows);
    PyObject *keys = PyList_New(n), *rest = PyList_New(n);
    for (Py_ssize_t i = 0; keys && rest && i < n; i++) {
        PyObject *x = PyList_GetItem(rows, i), *own = x ? as_dict_copy(x) : NULL;
        PyObject *key = own ? PyDict_GetItemWithError(own, self->name) : NULL;
        key = Py_NewRef(key ? key : Py_None);
        if (own && key != Py_None && PyDict_DelItem(own, self->name) < 0)
            Py_CLEAR(own);
        else if (own && !PyErr_Occurred() && PyDict_GetItemWithError(own, self->name)) /* it was there, and None */
            PyDict_DelItem(own, self->name);
        PyList_SetItem(keys, i, key);
        if (!own || PyErr_Occurred() || PyList_SetItem(rest, i, own) < 0) {
            Py_CLEAR(rest);
            break;
        }
    }
    if (keys && rest)
        return Py_BuildValue("(NN)", keys, rest);
    Py_XDECREF(keys);
    Py_XDECREF(rest);
    return NULL;
}

/* Let the reader read with a member's state. */
static int take(Fleet *self, int64_t member, int learn)
{
    int status;
    hw_learner *core = hw_fleet_take(self->core, member, learn, &status);
    if (!core)
        return raise_status(status, NULL), -1;
    uint64_t vocabulary = hw_fleet_vocabulary(self->core);
    self->reader->core = core;
    if (learn && member >= 0)
        self->scores[member].changed = OF_ALL;
    if (vocabulary != self->vocabulary) {
        renew_plan(self->reader);
        self->vocabulary = vocabulary;
    }
    return refresh(self->reader);
}

/* ---- predicting ------------------------------------------------------------------------------------------ */

static double output(const Fleet *self, Py_ssize_t j)
{
    const Learner *r = self->reader;
    return r->shape.is_double ? r->out[j] : (double)((const float *)(const void *)r->out)[j];
}

static void put(const Fleet *self, char *out, Py_ssize_t at, double x)
{
    if (self->reader->shape.is_double)
        ((double *)(void *)out)[at] = x;
    else
        ((float *)(void *)out)[at] = (float)x;
}

/* The probabilities of all labels from the member's outputs into a row; returns the most probable label, or -1. */
static int32_t spread(Fleet *self, int64_t member, char *row, Py_ssize_t width)
{
    const int32_t *labels;
    int32_t k = hw_fleet_labels(self->core, member, &labels), best = -1;
    double top = 0;
    for (int32_t j = 0; j < k; j++) {
        double p = !self->binary ? output(self, j) : k == 1 ? 1 : j ? output(self, 0) : 0;
        if (self->binary && k > 1 && j == 0)
            p = self->reader->shape.is_double ? 1 - output(self, 0) : (double)(1 - (float)output(self, 0));
        if (labels[j] >= 0 && labels[j] < width)
            put(self, row, labels[j], p);
        if (best < 0 || p > top) {
            top = p;
            best = labels[j];
        }
    }
    return best;
}

/* What rows, answers and places of a call lie in. */
typedef struct Call {
    PyObject *rows, *ask;
    Py_buffer members, y, w, good, out, said, asked;
    Py_ssize_t n, asks, width;
    int waiting;
} Call;

static void close_call(Call *c)
{
    Py_buffer *views[] = {&c->members, &c->y, &c->w, &c->good, &c->out, &c->said, &c->asked};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i]->obj)
            PyBuffer_Release(views[i]);
}

static int open_call(Fleet *self, Call *c, PyObject *const *buffers)
{
    Py_buffer *views[] = {&c->members, &c->y, &c->w, &c->good, &c->out, &c->said, &c->asked};
    Py_ssize_t predicted = c->ask ? c->asks : c->n;
    Py_ssize_t count[] = {c->n, c->n, c->n, c->n, predicted * c->width, predicted, c->asks};
    Py_ssize_t size[] = {8, 8, 8, 1, self->reader->shape.is_double ? 8 : 4, 4, 8};
    for (int i = 0; i < 7; i++)
        if (buffers[i] && !numbers_of(buffers[i], views[i], i == 4 || i == 5, size[i], count[i]))
            return -1;
    int64_t most = hw_fleet_count(self->core);
    for (int part = 0; part < 2; part++) {
        const int64_t *members = part ? c->asked.buf : c->members.buf;
        for (Py_ssize_t i = 0; members && i < (part ? c->asks : c->n); i++)
            if (members[i] >= most) {
                PyErr_SetString(PyExc_ValueError, "expected members that there are");
                return -1;
            }
    }
    return 0;
}

static PyObject *row_at(PyObject *rows, Py_ssize_t i)
{
    if (PyDict_Check(rows)) /* a row that came alone */
        return Py_NewRef(rows);
    PyObject *x = PyList_GetItem(rows, i);
    return x ? Py_NewRef(x) : NULL;
}

/* Read row i of a list with the member's names, and predict it into its place. A classifier without a class says nothing.
 */
static int predict_row(Fleet *self, Call *c, PyObject *rows, int64_t member, Py_ssize_t i, double *width)
{
    const int32_t *labels;
    int32_t *said = (int32_t *)c->said.buf + i;
    *said = -1;
    if (self->classify && hw_fleet_labels(self->core, member, &labels) == 0)
        return 0;
    if (take(self, member, c->waiting && member >= 0) < 0)
        return -1;
    PyObject *x = row_at(rows, i);
    int code = x ? read_sample(self->reader, x, 0) : -1;
    Py_XDECREF(x);
    if (code < 0)
        return -1;
    code = c->waiting && member >= 0 ? hw_predict_pending(self->reader->core, self->reader->out)
                                     : hw_predict(self->reader->core, self->reader->out, width);
    if (code < 0)
        return raise_status(code, NULL), -1;
    char *out = (char *)c->out.buf + i * c->width * (self->reader->shape.is_double ? 8 : 4);
    if (self->classify)
        *said = spread(self, member, out, c->width);
    else
        put(self, out, 0, output(self, 0));
    return 0;
}

/* ---- learning -------------------------------------------------------------------------------------------- */

/* Give a member an output for a label. The first stands for the output that is there. */
static int add_class(Fleet *self, int64_t member, int32_t label, int32_t k)
{
    int status = hw_fleet_add_label(self->core, member, label);
    if (status >= 0 && k && !self->binary) {
        hw_shape shape;
        hw_describe(self->reader->core, &shape);
        double bias = -hw_logarithm((double)(shape.learned + k + 1));
        status = hw_add_outputs(self->reader->core, k + 1, bias > self->rare ? bias : self->rare);
        if (status < 0)
            hw_fleet_drop_label(self->core, member);
    }
    if (status < 0)
        return raise_sample(self->reader, status), -1;
    return refresh(self->reader);
}

/* The output that stands for a label; a new one is appended. -1 with an error. */
static Py_ssize_t place_label(Fleet *self, int64_t member, int32_t label)
{
    const int32_t *labels;
    int32_t k = hw_fleet_labels(self->core, member, &labels);
    for (int32_t j = 0; j < k; j++)
        if (labels[j] == label)
            return j;
    if (self->binary && k == 2) {
        PyErr_Format(PyExc_LookupError, "%d,%d,%d", labels[0], labels[1], label);
        return -1;
    }
    return add_class(self, member, label, k) < 0 ? -1 : k;
}

static void score(Fleet *self, Call *c, int64_t member, Py_ssize_t i, double y)
{
    int32_t said = ((const int32_t *)c->said.buf)[i];
    if (self->classify && said < 0)
        return;
    double p = self->classify ? 0 : output(self, 0);
    Score *s = self->scores + member;
    s->rows++;
    s->sum += self->classify ? said == (int32_t)y : (y > p ? y - p : p - y);
}

/* Learn row i; where no other rows are asked it is predicted first. Returns 1 if it was learned. */
static int learn_row(Fleet *self, Call *c, int64_t member, Py_ssize_t i)
{
    const int32_t *labels;
    char good = ((const char *)c->good.buf)[i];
    double y = ((const double *)c->y.buf)[i], w = ((const double *)c->w.buf)[i];
    int early = !c->ask, size = self->reader->shape.is_double ? 8 : 4;
    if (!good || member < 0)
        return early ? predict_row(self, c, c->rows, member, i, NULL) : 0;
    if (take(self, member, 1) < 0)
        return -1;
    int32_t k = hw_fleet_labels(self->core, member, &labels), known = !self->classify;
    for (int32_t j = 0; j < k && !known; j++)
        known = labels[j] == (int32_t)y;
    if (early && !known && predict_row(self, c, c->rows, member, i, NULL) < 0)
        return -1;
    Py_ssize_t place = self->classify ? place_label(self, member, (int32_t)y) : 0;
    PyObject *x = place < 0 ? NULL : row_at(c->rows, i);
    int code = x ? read_sample(self->reader, x, 1) : -1;
    Py_XDECREF(x);
    if (code < 0)
        return -1;
    Learner *r = self->reader;
    double answer = self->classify ? (double)place : y;
    code = early ? hw_learn(r->core, answer, w, r->out) : hw_learn_late(r->core, answer, w);
    if (code < 0)
        return raise_status(code, NULL), -1;
    if (!hw_fleet_vocabulary(self->core)) /* it has grown: what the plan knows is this member's alone */
        self->vocabulary = 0;
    if (early && known) {
        char *out = (char *)c->out.buf + i * c->width * size;
        if (self->classify)
            ((int32_t *)c->said.buf)[i] = spread(self, member, out, c->width);
        else
            put(self, out, 0, output(self, 0));
    }
    if (early)
        score(self, c, member, i, y);
    return code;
}

/* ---- blocks ---------------------------------------------------------------------------------------------- */

/* The events of a block, member by member: event 2i asks for row i of `ask`, event 2i + 1 learns (or predicts) row i. */
typedef struct Order {
    int32_t *next;
    int64_t *touched;
    Py_ssize_t count;
    int32_t unplaced;
} Order;

static int64_t member_of_event(const Call *c, Py_ssize_t e)
{
    return e % 2 ? ((const int64_t *)c->members.buf)[e / 2] : ((const int64_t *)c->asked.buf)[e / 2];
}

static int make_order(Fleet *self, const Call *c, Order *o)
{
    Py_ssize_t most = c->n > c->asks ? c->n : c->asks;
    if (most > INT32_MAX / 2 - 1) {
        PyErr_SetString(PyExc_ValueError, "expected fewer rows at once");
        return -1;
    }
    *o = (Order){PyMem_Malloc((size_t)(2 * most + 1) * 4), PyMem_Malloc((size_t)(2 * most + 1) * 8), 0, -1};
    if (!o->next || !o->touched)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t e = 2 * most - 1; e >= 0; e--) {
        if (e / 2 >= (e % 2 ? c->n : c->asks))
            continue;
        int64_t m = member_of_event(c, e);
        int32_t *head = m < 0 ? &o->unplaced : &self->scores[m].head;
        if (m >= 0 && *head < 0)
            o->touched[o->count++] = m;
        o->next[e] = *head;
        *head = (int32_t)e;
    }
    return 0;
}

static int run_events(Fleet *self, Call *c, const Order *o, int32_t e, long long *learned, int learn)
{
    for (; e >= 0; e = o->next[e]) {
        Py_ssize_t i = e / 2;
        int code = 0;
        if (e % 2 == 0)
            code = predict_row(self, c, c->ask, member_of_event(c, e), i, NULL);
        else if (learn)
            code = learn_row(self, c, member_of_event(c, e), i);
        else
            code = predict_row(self, c, c->rows, member_of_event(c, e), i, NULL);
        if (code < 0)
            return -1;
        *learned += e % 2 && learn && code == 1;
    }
    return 0;
}

static int run_block(Fleet *self, Call *c, long long *learned, int learn)
{
    Order order = {0};
    int code = make_order(self, c, &order);
    if (code >= 0)
        code = run_events(self, c, &order, order.unplaced, learned, learn);
    for (Py_ssize_t k = order.count - 1; k >= 0; k--) {
        Score *s = self->scores + order.touched[k];
        if (code >= 0)
            code = run_events(self, c, &order, s->head, learned, learn);
        s->head = -1;
    }
    PyMem_Free(order.next);
    PyMem_Free(order.touched);
    return code;
}

/* step(rows, members, y, w, good, out, said, ask, asked, width) -> how many were learned. Row i is predicted into row i of
 * out (n, width), its most probable label into said[i], and learned with y[i], w[i] where good[i]. With ask, its rows are
 * predicted and wait for their answers instead, each before row i is learned. */
static PyObject *fleet_step(Fleet *self, PyObject *args)
{
    Call c = {0};
    PyObject *b[7] = {0};
    if (!PyArg_ParseTuple(args, "O!OOOOOOOOn", &PyList_Type, &c.rows, &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &c.ask,
                          &b[6], &c.width))
        return NULL;
    c.ask = c.ask == Py_None ? NULL : c.ask;
    c.n = PyList_Size(c.rows);
    c.asks = c.ask ? PyList_Size(c.ask) : 0;
    c.waiting = c.ask != NULL;
    b[6] = c.ask ? b[6] : NULL;
    long long learned = 0;
    int inside = c.asks >= 0 && enter(self->reader) >= 0;
    int code = inside && open_call(self, &c, b) >= 0 ? run_block(self, &c, &learned, 1) : -1;
    if (inside)
        leave(self->reader);
    close_call(&c);
    return code < 0 ? NULL : PyLong_FromLongLong(learned);
}

/* predict(rows, members, out, said, width): predictions of rows; nothing is changed. */
static PyObject *fleet_predict(Fleet *self, PyObject *args)
{
    Call c = {0};
    PyObject *b[7] = {0};
    if (!PyArg_ParseTuple(args, "O!OOOn", &PyList_Type, &c.rows, &b[0], &b[4], &b[5], &c.width))
        return NULL;
    c.n = PyList_Size(c.rows);
    long long learned = 0;
    int inside = enter(self->reader) >= 0;
    int code = inside && open_call(self, &c, b) >= 0 ? run_block(self, &c, &learned, 0) : -1;
    if (inside)
        leave(self->reader);
    close_call(&c);
    if (code < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- one row --------------------------------------------------------------------------------------------- */

/* A row without its key, and the member of the key: NO_KEY, UNKNOWN; -4 with an error. */
static Py_ssize_t split_one(Fleet *self, PyObject *x, PyObject **own)
{
    *own = as_dict_copy(x);
    PyObject *key = *own ? PyDict_GetItemWithError(*own, self->name) : NULL;
    if (!key)
        return PyErr_Occurred() ? -4 : NO_KEY;
    Py_ssize_t member = find_member(self, key, NULL);
    return PyDict_DelItem(*own, self->name) < 0 ? -4 : member;
}

/* predict_one(x) -> (member, outputs), or None if the member is away. */
static PyObject *fleet_predict_one(Fleet *self, PyObject *x)
{
    PyObject *own = NULL, *answer = NULL;
    if (enter(self->reader) < 0)
        return NULL;
    Py_ssize_t member = split_one(self, x, &own);
    if (member > -4 && !hw_fleet_is_present(self->core, member)) {
        answer = Py_NewRef(Py_None);
    } else if (member > -4 && take(self, member, 0) >= 0 && read_sample(self->reader, own, 0) >= 0) {
        int code = hw_predict(self->reader->core, self->reader->out, NULL);
        answer = code < 0 ? raise_status(code, NULL) : Py_BuildValue("(nN)", member, last_prediction(self->reader));
    }
    leave(self->reader);
    Py_XDECREF(own);
    return answer;
}

/* learn_one(x, y, w) -> 1 if it was learned, 0 where w is 0; None if there is no such member here. */
static PyObject *fleet_learn_one(Fleet *self, PyObject *args)
{
    PyObject *x, *own = NULL;
    double y, w, out[2];
    int32_t said = -1;
    char good = 1;
    if (!PyArg_ParseTuple(args, "Odd", &x, &y, &w) || enter(self->reader) < 0)
        return NULL;
    Py_ssize_t place = split_one(self, x, &own);
    int64_t member = place;
    int code = place < -3 ? -1 : 0, here = code >= 0 && place >= 0 && hw_fleet_is_present(self->core, place);
    if (here) {
        Call c = {.rows = own,
                  .members.buf = &member,
                  .y.buf = &y,
                  .w.buf = &w,
                  .good.buf = &good,
                  .out.buf = out,
                  .said.buf = &said,
                  .n = 1};
        self->scores[place].used = ++self->clock;
        code = learn_row(self, &c, member, 0);
    }
    leave(self->reader);
    Py_XDECREF(own);
    if (code < 0)
        return NULL;
    return here ? PyLong_FromLong(code) : Py_NewRef(Py_None);
}

/* ---- at rest --------------------------------------------------------------------------------------------- */

static PyObject *labels_of(Fleet *self, int64_t member)
{
    const int32_t *labels;
    int32_t k = hw_fleet_labels(self->core, member, &labels);
    PyObject *list = PyList_New(k);
    for (int32_t j = 0; list && j < k; j++)
        PyList_SetItem(list, j, PyLong_FromLong(labels[j]));
    return list;
}

static int member_argument(Fleet *self, PyObject *object, Py_ssize_t *member)
{
    *member = PyLong_AsSsize_t(object);
    if (*member == -1 && PyErr_Occurred())
        return -1;
    if (*member < -1 || *member >= hw_fleet_count(self->core)) {
        PyErr_SetString(PyExc_ValueError, "expected a member that there is");
        return -1;
    }
    return 0;
}

/* labels(member) -> what its outputs stand for. */
static PyObject *fleet_labels(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    if (enter(self->reader) < 0)
        return NULL;
    PyObject *list = member_argument(self, object, &member) < 0 ? NULL : labels_of(self, member);
    leave(self->reader);
    return list;
}

/* record(member) -> (bytes, labels, rows scored, sum of scores); member -1: what new ones begin as. */
static PyObject *fleet_record(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    PyObject *bytes = NULL, *answer = NULL;
    if (enter(self->reader) < 0)
        return NULL;
    if (member_argument(self, object, &member) >= 0) {
        int64_t size = hw_fleet_write(self->core, member, NULL, 0);
        bytes = size < 0 ? raise_status((int)size, NULL) : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (bytes) {
            Score none = {0}, *s = member < 0 ? &none : self->scores + member;
            hw_fleet_write(self->core, member, PyBytes_AsString(bytes), size);
            answer = Py_BuildValue("(NNLd)", bytes, labels_of(self, member), (long long)s->rows, s->sum);
        }
    }
    leave(self->reader);
    return answer;
}

/* copy(member) -> a Learner with the member's state. */
static PyObject *fleet_copy(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    Learner *copy = NULL;
    int status = 0;
    if (enter(self->reader) < 0)
        return NULL;
    if (member_argument(self, object, &member) >= 0 && take(self, member, 0) >= 0) {
        copy = new_reader(self->reader);
        if (copy)
            copy->core = hw_copy_whole(allocator(), self->reader->core, &status);
    }
    leave(self->reader);
    if (copy && !copy->core) {
        Py_DECREF((PyObject *)copy);
        return raise_status(status, NULL);
    }
    if (copy && refresh(copy) < 0)
        Py_CLEAR(copy);
    return (PyObject *)copy;
}

/* changed(who) -> members that are here and have learned since they were settled with the store (1) or a copy (2). */
static PyObject *fleet_changed(Fleet *self, PyObject *who)
{
    long since = PyLong_AsLong(who);
    PyObject *list = PyErr_Occurred() || enter(self->reader) < 0 ? NULL : PyList_New(0);
    if (!list)
        return NULL;
    for (Py_ssize_t i = 0; i < hw_fleet_count(self->core) && !PyErr_Occurred(); i++) {
        if (!(self->scores[i].changed & since) || !hw_fleet_is_present(self->core, i))
            continue;
        PyObject *number = PyLong_FromSsize_t(i);
        if (number)
            PyList_Append(list, number);
        Py_XDECREF(number);
    }
    leave(self->reader);
    if (PyErr_Occurred())
        Py_CLEAR(list);
    return list;
}

/* settle(members, who): the store (1) or a copy (2) has them as they are now. */
static PyObject *fleet_settle(Fleet *self, PyObject *args)
{
    PyObject *members;
    int who;
    if (!PyArg_ParseTuple(args, "O!i", &PyList_Type, &members, &who) || enter(self->reader) < 0)
        return NULL;
    Py_ssize_t member, n = PyList_Size(members);
    int code = 0;
    for (Py_ssize_t i = 0; code >= 0 && i < n; i++) {
        code = member_argument(self, PyList_GetItem(members, i), &member);
        if (code >= 0 && member >= 0)
            self->scores[member].changed &= ~who;
    }
    leave(self->reader);
    if (code < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* mark(member): it is among those that have changed. */
static PyObject *fleet_mark(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    if (member_argument(self, object, &member) < 0)
        return NULL;
    if (member >= 0)
        self->scores[member].changed = OF_ALL;
    Py_RETURN_NONE;
}

/* put(member, bytes, labels, rows, sum): a member comes back from a record, which is checked. */
static PyObject *fleet_put(Fleet *self, PyObject *args)
{
    PyObject *object, *labels;
    Py_buffer record = {0};
    long long rows;
    double sum;
    Py_ssize_t member;
    if (!PyArg_ParseTuple(args, "Oy*O!Ld", &object, &record, &PyList_Type, &labels, &rows, &sum))
        return NULL;
    Py_ssize_t k = PyList_Size(labels);
    int32_t *numbers = PyMem_Calloc((size_t)k + 1, 4);
    for (Py_ssize_t j = 0; numbers && j < k; j++)
        numbers[j] = (int32_t)PyLong_AsLong(PyList_GetItem(labels, j));
    hw_fault fault = {0};
    int code = numbers && !PyErr_Occurred() && enter(self->reader) >= 0 ? 0 : -1;
    if (code >= 0) {
        code = member_argument(self, object, &member);
        if (code >= 0)
            code = hw_fleet_read(self->core, member, record.buf, record.len, numbers, (int32_t)k, &fault);
        if (code >= 0 && member >= 0) {
            self->scores[member].rows = rows;
            self->scores[member].sum = sum;
            self->scores[member].used = self->clock;
        }
        leave(self->reader);
    }
    PyMem_Free(numbers);
    PyBuffer_Release(&record);
    if (code < 0)
        return PyErr_Occurred() ? NULL : raise_status(code, &fault);
    Py_RETURN_NONE;
}

/* drop(members): they are away from now on. */
static PyObject *fleet_drop(Fleet *self, PyObject *members)
{
    Py_ssize_t member, n = PyList_Check(members) ? PyList_Size(members) : 0;
    if (enter(self->reader) < 0)
        return NULL;
    int code = 0;
    for (Py_ssize_t i = 0; code >= 0 && i < n; i++) {
        code = member_argument(self, PyList_GetItem(members, i), &member);
        if (code >= 0)
            code = hw_fleet_drop(self->core, member);
    }
    leave(self->reader);
    if (code < 0)
        return PyErr_Occurred() ? NULL : raise_status(code, NULL);
    Py_RETURN_NONE;
}

/* remove(member): it is gone, and the last member has its number from now on. */
static PyObject *fleet_remove(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    int code = enter(self->reader);
    if (code < 0)
        return NULL;
    code = member_argument(self, object, &member);
    if (code >= 0 && member < 0) {
        PyErr_SetString(PyExc_ValueError, "expected a member that there is");
        code = -1;
    }
    if (code >= 0) {
        Py_ssize_t last = (Py_ssize_t)hw_fleet_count(self->core) - 1;
        PyObject *moves = PyList_GetItem(self->keys, last);
        code = PyDict_DelItem(self->index, PyList_GetItem(self->keys, member));
        if (code >= 0 && member < last)
            code = PyDict_SetItem(self->index, moves, object);
        if (code >= 0) {
            PyList_SetItem(self->keys, member, Py_NewRef(moves));
            PyList_SetSlice(self->keys, last, last + 1, NULL);
            self->scores[member] = self->scores[last];
            self->scores[member].changed |= OF_COPY; /* which has it as the last one's */
            code = hw_fleet_remove(self->core, member);
        }
    }
    leave(self->reader);
    if (code < 0)
        return PyErr_Occurred() ? NULL : raise_status(code, NULL);
    Py_RETURN_NONE;
}

/* away(members: int64 array, n) -> those of them that are not here, each once. */
static PyObject *fleet_away(Fleet *self, PyObject *args)
{
    PyObject *members_, *set = PySet_New(NULL);
    Py_ssize_t n;
    Py_buffer view = {0};
    if (!set || !PyArg_ParseTuple(args, "On", &members_, &n))
        return Py_XDECREF(set), NULL;
    const int64_t *members = numbers_of(members_, &view, 0, 8, n);
    for (Py_ssize_t i = 0; members && i < n && !PyErr_Occurred(); i++) {
        if (members[i] < 0 || hw_fleet_is_present(self->core, members[i]))
            continue;
        PyObject *number = PyLong_FromLongLong((long long)members[i]);
        if (!number || PySet_Add(set, number) < 0)
            break;
        Py_DECREF(number);
    }
    if (view.obj)
        PyBuffer_Release(&view);
    if (PyErr_Occurred())
        Py_CLEAR(set);
    return set;
}

/* uses(out: int32 array): when each member was used last, in blocks; -1 of those that are away. */
static PyObject *fleet_uses(Fleet *self, PyObject *out_)
{
    Py_buffer view = {0};
    Py_ssize_t n = (Py_ssize_t)hw_fleet_count(self->core);
    int32_t *out = numbers_of(out_, &view, 1, 4, n);
    if (!out)
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = hw_fleet_is_present(self->core, i) ? (int32_t)(self->scores[i].used & 0x7fffffff) : -1;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* scores(member) -> (rows, sum) of a member; of all with -1. */
static PyObject *fleet_scores(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    if (enter(self->reader) < 0)
        return NULL;
    PyObject *answer = NULL;
    if (member_argument(self, object, &member) >= 0) {
        Score all = {0};
        for (Py_ssize_t i = 0; member < 0 && i < hw_fleet_count(self->core); i++) {
            all.rows += self->scores[i].rows;
            all.sum += self->scores[i].sum;
        }
        const Score *s = member < 0 ? &all : self->scores + member;
        answer = Py_BuildValue("(Ld)", (long long)s->rows, s->sum);
    }
    leave(self->reader);
    return answer;
}

/* set_score(member, rows, sum) */
static PyObject *fleet_set_score(Fleet *self, PyObject *args)
{
    PyObject *object;
    long long rows;
    double sum;
    Py_ssize_t member;
    if (!PyArg_ParseTuple(args, "OLd", &object, &rows, &sum) || member_argument(self, object, &member) < 0 || member < 0)
        return NULL;
    self->scores[member].rows = rows;
    self->scores[member].sum = sum;
    Py_RETURN_NONE;
}

/* add(key) -> the number of a new member. */
static PyObject *fleet_add(Fleet *self, PyObject *key)
{
    PyObject *kept = NULL;
    if (enter(self->reader) < 0)
        return NULL;
    Py_ssize_t member = find_member(self, key, &kept);
    if (member == UNKNOWN)
        member = add_member(self, kept);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "expected a new key");
    leave(self->reader);
    Py_XDECREF(kept);
    return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(member);
}

/* key_of(member) -> its key. */
static PyObject *fleet_key_of(Fleet *self, PyObject *object)
{
    Py_ssize_t member;
    if (enter(self->reader) < 0)
        return NULL;
    int code = member_argument(self, object, &member);
    PyObject *key = code < 0 ? NULL : Py_XNewRef(PyList_GetItem(self->keys, member));
    leave(self->reader);
    return key;
}

/* find(key) -> the number of its member, or None. */
static PyObject *fleet_find(Fleet *self, PyObject *key)
{
    Py_ssize_t member = find_member(self, key, NULL);
    if (member < -3)
        return NULL;
    return member < 0 ? Py_NewRef(Py_None) : PyLong_FromSsize_t(member);
}

/* counts() -> what hw_fleet_counts says. */
static PyObject *fleet_counts(Fleet *self, PyObject *unused)
{
    double c[HW_FLEET_COUNTS];
    (void)unused;
    if (enter(self->reader) < 0)
        return NULL;
    hw_fleet_counts(self->core, c);
    leave(self->reader);
    return Py_BuildValue("(ddddddd)", c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
}

static PyObject *fleet_set_limits(Fleet *self, PyObject *args)
{
    long long entries, names, outputs, bytes;
    if (!PyArg_ParseTuple(args, "LLLL", &entries, &names, &outputs, &bytes) || enter(self->reader) < 0)
        return NULL;
    hw_limits limits = {entries, names, outputs, bytes};
    int code = hw_fleet_set_limits(self->core, &limits);
    leave(self->reader);
    if (code < 0)
        return raise_status(code, NULL);
    Py_RETURN_NONE;
}

static PyObject *get_present(Fleet *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong((long long)hw_fleet_present(self->core));
}

static PyObject *get_count(Fleet *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong((long long)hw_fleet_count(self->core));
}

static PyObject *get_keys(Fleet *self, void *closure)
{
    (void)closure;
    return PyList_GetSlice(self->keys, 0, PyList_Size(self->keys));
}

static PyObject *get_unusable(Fleet *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(self->reader->unusable);
}

static PyObject *get_vocabularies(Fleet *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong((long long)hw_fleet_vocabularies(self->core));
}

static PyMethodDef methods[] = {
    {"place", (PyCFunction)(void *)fleet_place, METH_VARARGS, "The members of keys."},
    {"split", (PyCFunction)(void *)fleet_split, METH_O, "Keys, and rows without them."},
    {"step", (PyCFunction)(void *)fleet_step, METH_VARARGS, "Predict and learn rows."},
    {"predict", (PyCFunction)(void *)fleet_predict, METH_VARARGS, "Predict rows."},
    {"predict_one", (PyCFunction)(void *)fleet_predict_one, METH_O, "Predict one row."},
    {"learn_one", (PyCFunction)(void *)fleet_learn_one, METH_VARARGS, "Learn one row."},
    {"labels", (PyCFunction)(void *)fleet_labels, METH_O, "What a member's outputs stand for."},
    {"record", (PyCFunction)(void *)fleet_record, METH_O, "A member as bytes."},
    {"copy", (PyCFunction)(void *)fleet_copy, METH_O, "A member as a learner of its own."},
    {"changed", (PyCFunction)(void *)fleet_changed, METH_O, "Members that have learned since."},
    {"settle", (PyCFunction)(void *)fleet_settle, METH_VARARGS, "Members that are kept elsewhere as they are."},
    {"mark", (PyCFunction)(void *)fleet_mark, METH_O, "Count a member among those that have changed."},
    {"put", (PyCFunction)(void *)fleet_put, METH_VARARGS, "A member from bytes."},
    {"drop", (PyCFunction)(void *)fleet_drop, METH_O, "Let members be away."},
    {"remove", (PyCFunction)(void *)fleet_remove, METH_O, "Let a member go for ever."},
    {"away", (PyCFunction)(void *)fleet_away, METH_VARARGS, "Members that are away."},
    {"uses", (PyCFunction)(void *)fleet_uses, METH_O, "When each member was used last."},
    {"scores", (PyCFunction)(void *)fleet_scores, METH_O, "Rows scored and their sum."},
    {"set_score", (PyCFunction)(void *)fleet_set_score, METH_VARARGS, "Set rows scored and their sum."},
    {"add", (PyCFunction)(void *)fleet_add, METH_O, "A new member."},
    {"key_of", (PyCFunction)(void *)fleet_key_of, METH_O, "A member's key."},
    {"find", (PyCFunction)(void *)fleet_find, METH_O, "The member of a key."},
    {"counts", (PyCFunction)(void *)fleet_counts, METH_NOARGS, "What was dropped, clipped, undone and learned."},
    {"set_limits", (PyCFunction)(void *)fleet_set_limits, METH_VARARGS, "What one sample may ask for."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef attributes[] = {{"count", (getter)get_count, NULL, "How many members there are.", NULL},
                                   {"present", (getter)get_present, NULL, "How many of them are not away.", NULL},
                                   {"keys", (getter)get_keys, NULL, "Their keys.", NULL},
                                   {"unusable", (getter)get_unusable, NULL, "Values of no usable type met.", NULL},
                                   {"vocabularies", (getter)get_vocabularies, NULL, "Different vocabularies.", NULL},
                                   {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot fleet_slots[] = {{Py_tp_new, (void *)fleet_new},
                                    {Py_tp_dealloc, (void *)fleet_dealloc},
                                    {Py_tp_traverse, (void *)fleet_traverse},
                                    {Py_tp_methods, methods},
                                    {Py_tp_getset, attributes},
                                    {Py_tp_doc, "Many small learners behind their keys."},
                                    {0, NULL}};
PyType_Spec fleet_spec = {.name = "headwater._core.Fleet",
                          .basicsize = sizeof(Fleet),
                          .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                          .slots = fleet_slots};
