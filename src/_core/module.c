/* headwater._core: the core for Python. */
#include "core.h"

PyTypeObject *Learner_Type, *Table_Type, *Array_Type, *Fleet_Type, *Rolling_Type;
PyObject *secret_block(PyObject *, PyObject *), *secret_normals(PyObject *, PyObject *);
PyObject *entries_predict(PyObject *, PyObject *), *entries_gradient(PyObject *, PyObject *);
extern PyType_Spec learner_spec, table_spec, array_spec, fleet_spec, rolling_spec;

static PyObject *list_of(const char *const *names, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++)
        PyTuple_SetItem(tuple, i, PyUnicode_FromString(names[i]));
    return tuple;
}

static PyObject *level(PyObject *self, PyObject *args)
{
    int wanted = 0;
    (void)self;
    return PyArg_ParseTuple(args, "|i", &wanted) ? PyLong_FromLong(hw_level(wanted)) : NULL;
}

static PyObject *turns(PyObject *args, double (*function)(double))
{
    PyObject *array;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "O", &array))
        return NULL;
    if (PyFloat_Check(array))
        return PyFloat_FromDouble(function(PyFloat_AsDouble(array)));
    if (PyObject_GetBuffer(array, &view, PyBUF_CONTIG) < 0)
        return NULL;
    for (Py_ssize_t i = 0; i < view.len / 8; i++)
        ((double *)view.buf)[i] = function(((double *)view.buf)[i]);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *sine(PyObject *self, PyObject *args) { return (void)self, turns(args, hw_sine); }
static PyObject *cosine(PyObject *self, PyObject *args) { return (void)self, turns(args, hw_cosine); }

static PyObject *logarithm(PyObject *self, PyObject *args)
{
    double x;
    (void)self;
    return PyArg_ParseTuple(args, "d", &x) ? PyFloat_FromDouble(hw_logarithm(x)) : NULL;
}

static PyObject *rate(PyObject *self, PyObject *args)
{
    int schedule;
    double lr, a, b;
    long long t;
    (void)self;
    if (!PyArg_ParseTuple(args, "idddL", &schedule, &lr, &a, &b, &t))
        return NULL;
    return PyFloat_FromDouble(hw_rate(schedule, lr, a, b, t));
}

/* draw(initializer, scale, key, n, m, out) */
static PyObject *draw(PyObject *self, PyObject *args)
{
    int initializer;
    double scale;
    unsigned long long key;
    long long n, m;
    PyObject *out;
    Py_buffer view;
    (void)self;
    if (!PyArg_ParseTuple(args, "idKLLO", &initializer, &scale, &key, &n, &m, &out) ||
        PyObject_GetBuffer(out, &view, PyBUF_CONTIG) < 0)
        return NULL;
    int code = n < 0 || m < 0 || n > (1 << 24) || m > (1 << 24) || view.len < n * m * 8
                   ? HW_BAD_ARGUMENT
                   : hw_draw(initializer, scale, key, n, m, view.buf);
    PyBuffer_Release(&view);
    if (code < 0)
        return raise_status(code, NULL);
    Py_RETURN_NONE;
}

static PyObject *key(PyObject *self, PyObject *args)
{
    unsigned long long seed, what, which;
    (void)self;
    if (!PyArg_ParseTuple(args, "KKK", &seed, &what, &which))
        return NULL;
    return PyLong_FromUnsignedLongLong(hw_key(seed, what, which));
}

/* A reference that is never given back: the object outlives the interpreter, and nothing of it is closed. */
static PyObject *keep(PyObject *self, PyObject *object)
{
    (void)self;
    Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *held(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    return PyLong_FromLongLong(bytes_held());
}

static PyMethodDef functions[] = {
    {"held", held, METH_NOARGS, "Bytes that all learners and fleets of this process hold."},
    {"level", level, METH_VARARGS, "The level of kernels that this processor runs: 1, 3 or 4."},
    {"sine", sine, METH_VARARGS, "sin(2πt), of a float or in place of an array."},
    {"cosine", cosine, METH_VARARGS, "cos(2πt), of a float or in place of an array."},
    {"logarithm", logarithm, METH_VARARGS, "ln x, with the same bits on every machine."},
    {"rate", rate, METH_VARARGS, "Step size of a schedule at a step."},
    {"draw", draw, METH_VARARGS, "Draw initial weights."},
    {"secret_block", secret_block, METH_VARARGS, "64 bytes of the stream of ChaCha20."},
    {"secret_normals", secret_normals, METH_VARARGS, "Normal numbers on a grid, from that stream."},
    {"entries_predict", entries_predict, METH_VARARGS, "What a linear model says of rows of entries."},
    {"entries_gradient", entries_gradient, METH_VARARGS, "Sum of the rows' clipped gradients."},
    {"key", key, METH_VARARGS, "A key for draws."},
    {"repeated_name", repeated_name, METH_VARARGS, "A name that an object of a JSON text has twice, or None."},
    {"learn_outputs", learn_outputs, METH_VARARGS, "Learn a row with several outputs."},
    {"project", (PyCFunction)(void *)project, METH_FASTCALL, "An embedding on random directions, by their names."},
    {"router_shares", (PyCFunction)(void *)router_shares, METH_FASTCALL, "The probability of each model of a router."},
    {"keep", keep, METH_O, "Keep an object for as long as the process lives."},
    {NULL, NULL, 0, NULL}};

static int add(PyObject *module, const char *name, const char *const *(*list)(int *))
{
    int count;
    const char *const *names = list(&count);
    PyObject *tuple = list_of(names, count);
    int status = tuple ? PyModule_AddObjectRef(module, name, tuple) : -1;
    Py_XDECREF(tuple);
    return status;
}

/* BLOCKS: of each block of a declaration the setting that gives its numbers, its tag, and how many it takes of those that
 * blocks before it left; 0: all. */
static int add_blocks(PyObject *module)
{
    PyObject *blocks = Py_BuildValue("((sii)(sii)(sii)(sii)(sii)(sii)(sii)(sii)(sii))", "lean", HW_TAG_LEAN, 0, "text",
                                     HW_TAG_TEXT, 0, "memory", HW_TAG_RECURRENT, 0, "forecast", HW_TAG_FORECAST,
                                     HW_FORECAST, "bandit", HW_TAG_BANDIT, HW_BANDIT, "bandit", HW_TAG_STACK, 0, "agent",
                                     HW_TAG_AGENT, HW_AGENT, "agent", HW_TAG_TILES, 0, "forecast", HW_TAG_BANK, 0);
    int status = blocks ? PyModule_AddObjectRef(module, "BLOCKS", blocks) : -1;
    Py_XDECREF(blocks);
    return status;
}

static PyTypeObject *make(PyObject *module, PyType_Spec *spec, const char *name)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddObjectRef(module, name, type) < 0)
        Py_CLEAR(type);
    return (PyTypeObject *)type;
}

static int execute(PyObject *module)
{
    Learner_Type = make(module, &learner_spec, "Learner");
    Table_Type = make(module, &table_spec, "Table");
    Array_Type = make(module, &array_spec, "Array");
    Fleet_Type = make(module, &fleet_spec, "Fleet");
    Rolling_Type = make(module, &rolling_spec, "Rolling");
    if (!Learner_Type || !Table_Type || !Array_Type || !Fleet_Type || !Rolling_Type)
        return -1;
    if (add(module, "ACTIVATIONS", hw_activations) < 0 || add(module, "LOSSES", hw_losses) < 0 ||
        add(module, "RULES", hw_rules) < 0 || add(module, "SCHEDULES", hw_schedules) < 0 ||
        add(module, "INITIALIZERS", hw_initializers) < 0)
        return -1;
    int count;
    hw_rules(&count);
    PyObject *states = PyTuple_New(count);
    for (int i = 0; states && i < count; i++)
        PyTuple_SetItem(states, i, PyLong_FromLong(hw_rule_states(i)));
    int status = states ? PyModule_AddObjectRef(module, "RULE_STATES", states) : -1;
    Py_XDECREF(states);
    if (status < 0 || add_blocks(module) < 0 || PyModule_AddIntConstant(module, "FIRST_VERSION", HW_FIRST_VERSION) < 0 ||
        PyModule_AddIntConstant(module, "LEAN_VERSION", HW_LEAN_VERSION) < 0 ||
        PyModule_AddIntConstant(module, "APART_VERSION", HW_APART_VERSION) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "VERSION", HW_VERSION);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)execute},
#ifdef Py_mod_gil
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                                   {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "headwater._core",
                                        .m_doc = "The core of headwater: one learner, and the functions it is made of.",
                                        .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
