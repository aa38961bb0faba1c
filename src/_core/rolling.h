/* Rolling: what happened before a row, as columns more of its dict. */
#ifndef HW_PYTHON_ROLLING_H
#define HW_PYTHON_ROLLING_H

#include "core.h"

#include "../../core/rows/rolling.h"

enum { HW_ROLL_ASKED = 256 };

typedef struct Rolling {
    PyObject_HEAD hw_rolling *core;
    hw_roll_declaration declared;
    hw_aggregate asked[HW_ROLL_ASKED];
    double out[HW_ROLL_ASKED];
    PyObject *key, *time;      /* names of columns; of key None too */
    PyObject *numbers, *names; /* of the columns that are aggregated */
    PyObject *titles;          /* of the aggregates */
    PyObject *reader;          /* Python's functions for values that are neither float nor text */
} Rolling;

extern PyTypeObject *Rolling_Type;

/* A dict with its aggregates, a new reference; the dict itself where it has some, or no key or time. What enters waits for
 * enter_rolled. */
PyObject *rolled(PyObject *rolling, PyObject *x, int how);
void enter_rolled(PyObject *rolling); /* NULL: nothing */

#endif
