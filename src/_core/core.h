/* The binding: Python's side of the core, on the stable ABI. */
#ifndef HW_PYTHON_H
#define HW_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pythread.h>
#include <stdbool.h>

#include "../../core/headwater.h"

#ifndef Py_GIL_DISABLED
#define Py_BEGIN_CRITICAL_SECTION(object)
#define Py_END_CRITICAL_SECTION()
#endif

/* The keys of the last sample and where each of its values goes. Samples of the same keys need no look-up. */
typedef struct plan {
    Py_ssize_t count, capacity;
    PyObject **keys;       /* strong references */
    PyObject **recent;     /* the same keys as the last sample had them: equal texts need not be one object */
    PyObject **bytes;      /* of a key that is no text, or no UTF-8: what its name points into; or NULL */
    PyObject **categories; /* the text that value i in order was last, if it alone says which category it is; or NULL */
    int32_t *place;        /* where the value of key i stands among values in order */
    uint8_t *number;       /* value i in order belongs to a known column of numbers */
    int32_t *slots;        /* if all do: their slots, and room for their values */
    double *x;
    int numbers;
    Py_ssize_t list_place, list_count, list_capacity; /* value `list_place` was a list of so many numbers, whose columns */
    int32_t *list_columns;                            /* are these, */
    const void *list_type;                            /* of this type */
} plan;

typedef struct Learner {
    PyObject_HEAD hw_learner *core;
    int busy;                /* 1 while a thread has the turn: set and cleared atomically */
    PyThread_type_lock gate; /* held for ever: to wait for it with a limit is to sleep */
    unsigned long holder;    /* the thread that has the turn; 0: none */
    int inside;              /* 1 while a call of that thread runs */
    int depth;               /* how often that thread holds the turn for several calls */
    int waiting;             /* threads that wait for the turn: counted atomically */
    unsigned handed;         /* how often a thread that waited got it: counted atomically */
    hw_shape shape;
    plan plan;
    hw_value *values; /* in the order of names, as planned */
    double (*parts)[HW_TIME_PARTS];
    PyObject **held; /* texts made for this sample */
    Py_ssize_t capacity, used, held_count, held_capacity;
    double *out; /* the last prediction, as it lies in the learner's own number type */
    Py_ssize_t out_capacity;
    long long unusable; /* values of no usable type met while learning */
    PyObject *reader;   /* Python's functions for kinds of values that the core doesn't know */
    int formatted;      /* whether it knows the formats of some columns */
    PyObject *firm;     /* its type of texts that stay texts, whatever they read as */
    PyObject *scalars;  /* its tuple of NumPy's types of numbers, and of texts as the last one */
    PyTypeObject *met;  /* the one of them that was met last; borrowed */
    int strict;         /* whether what is no embedding is refused; else it is missing, and counted where it is learned */
    int learning;       /* whether the sample is read to be learned */
    PyObject *rolling;  /* what adds columns of what happened before; or NULL */
    PyObject *rolled;   /* the last row as it was read with them; or NULL */
    PyObject *sample;   /* the dict that is read; borrowed */
    int texts;          /* whether all its values are texts, as in a row of csv.DictReader; -1: not looked yet */
} Learner;

/* A block of rows as columns: numbers, or codes into different values. */
typedef struct TableColumn {
    const char *name;
    uint32_t name_size;
    int32_t column;
    uint8_t kind;
    const double *x; /* one number a row, `step` apart; or NULL */
    Py_ssize_t step;
    const int64_t *codes; /* which of the different values; or NULL */
    hw_value *values;     /* (count) the different values */
    Py_ssize_t count;
    double (*parts)[HW_TIME_PARTS];
} TableColumn;

typedef struct Table {
    PyObject_HEAD Py_ssize_t rows, count;
    TableColumn *columns;
    Py_buffer *buffers;
    Py_ssize_t buffer_count;
    PyObject *keep;            /* the objects that the columns point into */
    const hw_learner *learner; /* to which the columns' numbers belong */
    /* or compressed rows: entries of row i from ends[i] to ends[i + 1] */
    const int64_t *ends, *places;
    const double *x;
    hw_value *row;  /* one row's values */
    int32_t *slots; /* if all are numbers of known columns: their slots, and one row's numbers */
    double *numbers;
    int all_numbers;
    Py_ssize_t row_capacity;
} Table;

extern PyTypeObject *Learner_Type, *Table_Type, *Array_Type, *Fleet_Type, *Rolling_Type;
PyObject *make_types(PyObject *module);

/* errors.c: raise the error of a status of the core. Returns NULL. */
PyObject *raise_status(int status, const hw_fault *fault);

/* arrays.c */
PyObject *new_array(const hw_array *array, bool copy);

/* The same for a sample that could not be read: one beyond a limit says which. */
PyObject *raise_sample(Learner *self, int status);

/* samples.c */
int measure_sample(Learner *self, PyObject *x, hw_growth *growth); /* NULL: only whether it can be read */
int read_sample(Learner *self, PyObject *x, int learn);
int read_strictly(Learner *self, PyObject *x, int learn); /* for a caller who hears of an error */
void forget_plan(Learner *self);
PyObject *text_bytes(PyObject *text);
PyObject *repeated_name(PyObject *module, PyObject *args);

/* outputs.c */
PyObject *learn_outputs(PyObject *module, PyObject *args);

/* routing.c */
PyObject *project(PyObject *module, PyObject *const *args, Py_ssize_t nargs);
PyObject *router_shares(PyObject *module, PyObject *const *args, Py_ssize_t nargs);

/* tables.c */
int measure_table_row(Learner *self, Table *table, Py_ssize_t i, hw_growth *growth);
int read_table_row(Learner *self, Table *table, Py_ssize_t i, int learn);
int table_fits(Table *table, Py_ssize_t start, Py_ssize_t stop);

PyObject *as_dict_copy(PyObject *x); /* a new reference to a dict of one's own */
void renew_plan(Learner *self);      /* its columns have other numbers now */

/* learner.c */
const hw_allocator *allocator(void);
long long bytes_held(void);         /* by all learners and fleets of this process */
Learner *new_reader(Learner *like); /* without a core */
int refresh(Learner *self);         /* its shape, and room for its outputs */
PyObject *last_prediction(const Learner *self);
PyObject *list_of_numbers(const double *numbers, Py_ssize_t n);
/* Predict a row into p (room for so many), then learn it with y. Returns how many numbers were predicted, -1 for an error.
 */
Py_ssize_t learn_sample(Learner *self, PyObject *x, double y, double *p, Py_ssize_t room);
/* A writable or readable buffer of count numbers of that size. */
void *numbers_of(PyObject *object, Py_buffer *view, int writable, Py_ssize_t size, Py_ssize_t count);

/* Take turns: a learner is used by one thread at a time. Returns -1 with an error if this very thread is inside already. */
int enter(Learner *self);
void leave(Learner *self);

static inline int is_exactly(PyObject *object, PyTypeObject *type) { return Py_TYPE(object) == type; }

#endif
