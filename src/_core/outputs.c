/* Several learners that learn one row, one after the other: what an earlier one predicts is an input of the later ones. */
#include "core.h"

static const double FARTHEST = 1e30; /* the largest magnitude of a number that is predicted */

typedef struct output { /* all but the label are borrowed from the tuple that Python gives */
    PyObject *name, *classes, *keys;
    Learner *learner;
    double y;
} output;

/* The number that a label is learned as. Returns 1, 0 where the label needs Python's judgement, -1 for an error. */
static int read_label(PyObject *label, PyObject *index, double least, double most, double *y)
{
    if (index == Py_None) {
        if (!is_exactly(label, &PyFloat_Type) && !is_exactly(label, &PyLong_Type))
            return 0;
        *y = PyFloat_AsDouble(label);
        if (PyErr_Occurred())
            return PyErr_Clear(), 0; /* an integer beyond any float */
        return *y >= least && *y <= most;
    }
    if (!is_exactly(label, &PyUnicode_Type) && !is_exactly(label, &PyLong_Type) && !is_exactly(label, &PyBool_Type))
        return 0;
    PyObject *number = PyDict_GetItemWithError(index, label); /* borrowed from a dict that nobody changes */
    if (!number)
        return PyErr_Occurred() ? -1 : 0;
    *y = PyFloat_AsDouble(number);
    return PyErr_Occurred() ? -1 : 1;
}

/* Read (learner, name, index of its classes or None, classes, (least, most) number, keys of what it adds to the row) with
 * its label. Returns what read_label does. */
static int read_output(PyObject *given, PyObject *labels, output *out)
{
    PyObject *learner, *index, *label;
    double least, most;
    if (!PyArg_ParseTuple(given, "OOOO(dd)O", &learner, &out->name, &index, &out->classes, &least, &most, &out->keys))
        return -1;
    if (!is_exactly(learner, Learner_Type) || !PyTuple_Check(out->keys) || !PyList_Check(out->classes)) {
        PyErr_SetString(PyExc_TypeError, "an output is (learner, name, index, classes, (least, most), keys)");
        return -1;
    }
    out->learner = (Learner *)learner;
    Py_BEGIN_CRITICAL_SECTION(labels);
    label = Py_XNewRef(PyDict_GetItemWithError(labels, out->name));
    Py_END_CRITICAL_SECTION();
    if (!label)
        return PyErr_Occurred() ? -1 : 0;
    int code = read_label(label, index, least, most, &out->y);
    Py_DECREF(label);
    return code;
}

/* Whether a row has a value that is no text: one of texts alone is read as a row of a file, and what is added to it is
 * text. */
static int has_number(PyObject *x)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int found = 0;
    Py_BEGIN_CRITICAL_SECTION(x);
    while (!found && PyDict_Next(x, &at, &key, &value))
        found = value != Py_None && !is_exactly(value, &PyUnicode_Type);
    Py_END_CRITICAL_SECTION();
    return found;
}

/* Add what a learner predicted to the row of the later ones, and return what it predicted: a class, or a number. */
static PyObject *tell(const output *o, const double *p, Py_ssize_t k, PyObject *row)
{
    Py_ssize_t added = PyTuple_Size(o->keys), first = PyList_Size(o->classes) ? 1 : 0, best = 0;
    for (Py_ssize_t j = 0; j < added && first + j < k; j++) {
        PyObject *value = PyFloat_FromDouble(p[first + j]);
        int code = value ? PyDict_SetItem(row, PyTuple_GetItem(o->keys, j), value) : -1;
        Py_XDECREF(value);
        if (code < 0)
            return NULL;
    }
    if (!first)
        return PyFloat_FromDouble(p[0]);
    for (Py_ssize_t j = 1; j < k; j++)
        best = p[j] > p[best] ? j : best;
    PyObject *label = PyList_GetItem(o->classes, best); /* borrowed */
    return label ? Py_NewRef(label) : NULL;
}

static int step(const output *o, PyObject *row, PyObject *said, double *p, Py_ssize_t room)
{
    Py_ssize_t k = learn_sample(o->learner, row, o->y, p, room);
    if (k > 0 && !PyList_Size(o->classes)) /* a number that a net says before it diverges */
        p[0] = p[0] > FARTHEST ? FARTHEST : p[0] < -FARTHEST ? -FARTHEST : p[0];
    PyObject *value = k < 0 ? NULL : tell(o, p, k, row);
    int code = value ? PyDict_SetItem(said, o->name, value) : -1;
    Py_XDECREF(value);
    return code;
}

/* learn_outputs(outputs, x, y) → {name: what was predicted} with every output learned, or None where a label needs Python's
 * judgement: nothing was learned then. */
PyObject *learn_outputs(PyObject *module, PyObject *args)
{
    PyObject *outputs, *x, *y, *row = NULL, *said = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyTuple_Type, &outputs, &PyDict_Type, &x, &PyDict_Type, &y))
        return NULL;
    Py_ssize_t n = PyTuple_Size(outputs), room = 1;
    if (!n || PyDict_Size(y) != n || !has_number(x))
        Py_RETURN_NONE;
    output *all = PyMem_Calloc((size_t)n, sizeof *all);
    int code = all ? 1 : (PyErr_NoMemory(), -1);
    for (Py_ssize_t i = 0; code > 0 && i < n; i++) {
        code = read_output(PyTuple_GetItem(outputs, i), y, &all[i]);
        Py_ssize_t k = code > 0 ? PyList_Size(all[i].classes) : 0;
        room = k > room ? k : room;
    }
    double *p = code > 0 ? PyMem_Calloc((size_t)room, sizeof *p) : NULL;
    if (code > 0) {
        row = PyDict_Copy(x), said = PyDict_New();
        code = p && row && said ? 1 : -1;
        if (!p)
            PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; code > 0 && i < n; i++)
        code = step(&all[i], row, said, p, room) < 0 ? -1 : 1;
    PyMem_Free(all);
    PyMem_Free(p);
    Py_XDECREF(row);
    if (code > 0)
        return said;
    Py_XDECREF(said);
    return code < 0 ? NULL : Py_NewRef(Py_None);
}
