/* Array: one array of the core, for NumPy. A view keeps the memory, also when the learner has grown. */
#include "core.h"

#include <string.h>

typedef struct Array {
    PyObject_HEAD hw_array array;
    Py_ssize_t shape[3], strides[3];
    bool copied;
} Array;

static const char *const FORMATS[] = {"B", "i", "q", "Q", "f", "d"};
static const Py_ssize_t SIZES[] = {1, 4, 8, 8, 4, 8};

PyObject *new_array(const hw_array *array, bool copy)
{
    Array *self = (Array *)PyType_GenericAlloc(Array_Type, 0);
    if (!self)
        return NULL;
    self->array = *array;
    self->copied = copy;
    Py_ssize_t stride = SIZES[array->type];
    for (int k = array->dimensions - 1; k >= 0; k--) {
        self->shape[k] = (Py_ssize_t)array->shape[k];
        self->strides[k] = stride;
        stride *= self->shape[k];
    }
    if (!copy) {
        hw_retain(array->data);
        return (PyObject *)self;
    }
    self->array.data = PyMem_Malloc((size_t)stride);
    if (self->array.data && array->data)
        memcpy(self->array.data, array->data, (size_t)stride);
    if (self->array.data)
        return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static void array_dealloc(Array *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    if (self->copied)
        PyMem_Free(self->array.data);
    else
        hw_release(self->array.data);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int array_getbuffer(Array *self, Py_buffer *view, int flags)
{
    static char nothing[8];
    Py_ssize_t size = SIZES[self->array.type], length = size;
    for (int k = 0; k < self->array.dimensions; k++)
        length *= self->shape[k];
    view->obj = Py_NewRef((PyObject *)self);
    view->buf = self->array.data ? self->array.data : nothing;
    view->len = length;
    view->itemsize = size;
    view->readonly = 0;
    view->ndim = self->array.dimensions;
    view->format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)FORMATS[self->array.type] : NULL;
    view->shape = flags & PyBUF_ND ? self->shape : NULL;
    view->strides = flags & PyBUF_STRIDES ? self->strides : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

static PyType_Slot array_slots[] = {{Py_tp_dealloc, (void *)array_dealloc},
                                    {Py_bf_getbuffer, (void *)array_getbuffer},
                                    {Py_tp_doc, "A view of one array of a learner, for numpy.asarray."},
                                    {0, NULL}};
PyType_Spec array_spec = {.name = "headwater._core.Array",
                          .basicsize = sizeof(Array),
                          .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          .slots = array_slots};
