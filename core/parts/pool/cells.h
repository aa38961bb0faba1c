/* Cell tables (cells.c). */
#ifndef HW_PART_CELLS_H
#define HW_PART_CELLS_H

#include "../../headwater.h"
#include <stdbool.h>

/* Test b of table t stands at b * tables + t: whether the sample's value of `code` (a slot, or -row - 1 of a category) is
 * above the threshold. Behind the tests in use stand candidates: values of rows seen so far. */
typedef struct hw_cells {
    int32_t tables, tests; /* as declared */
    int32_t used;          /* tests in use in each table */
    hw_learner *plan;      /* the layout with so many tests, made before the sample is learned after which they are due */
    int32_t planned;
    int64_t candidates; /* how many there are */
    int64_t offered;    /* how many values were offered as candidates */
    int32_t *code;
    double *threshold;
    /* derived from these */
    int32_t places, hash_size;
    int32_t *hash;        /* (hash_size, 2) open addressing: a code, and its place in x; -1: free */
    int32_t *place;       /* of each test: the place of its code */
    double *x;            /* the sample's values, -infinity where it has none */
    int32_t *cell, *rows; /* (tables) the sample's cells, and their rows */
    void *values;         /* (tables) what each row is multiplied by */
} hw_cells;
enum { HW_CELLS_TESTS = 1 }; /* of shapes: tests and candidates */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_CELLS_ARRAYS(A, HW_DERIVED)                                                                                     \
    A(cells, cell_code, HW_I32, HW_MOST_TESTS, HW_SHAPE(HW_CELLS_TESTS), 0, code, INTEGERS)                                \
    A(cells, cell_threshold, HW_F64, HW_MOST_TESTS, HW_SHAPE(HW_CELLS_TESTS), 0, threshold, FINITE)                        \
    HW_DERIVED(cells, hash)                                                                                                \
    HW_DERIVED(cells, place)                                                                                               \
    HW_DERIVED(cells, x)                                                                                                   \
    HW_DERIVED(cells, cell)                                                                                                \
    HW_DERIVED(cells, rows)                                                                                                \
    HW_DERIVED(cells, values)

void hw_learn_tests(hw_learner *l); /* after a row was learned: its candidates, and tests that are due */
int hw_place_tests(hw_learner *l);  /* derive what follows from the tests; HW_BAD_STATE: a code that names nothing */
bool hw_is_time_for_tests(const hw_learner *l, int64_t learned); /* whether the next are due after so many rows */
/* Tests of a table that ask a slot without a chance ask another one, drawn by chances; then its cells begin anew. */
void hw_exchange_tests(hw_learner *l, int32_t table, double (*chance)(const hw_learner *l, int64_t slot));
bool hw_tests_fit(const hw_learner *l); /* whether there may be more */

#endif
