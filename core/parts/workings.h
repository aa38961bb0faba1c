/* What else only some learners have: arrays of the state that they need not have, and working memory. */
#ifndef HW_PART_WORKINGS_H
#define HW_PART_WORKINGS_H

#include "../headwater.h"
#include <stdbool.h>

/* The last samples, for replay: a ring of stretches in one array of pairs. Where some are declared. */
typedef struct hw_replay_t {
    int64_t added;          /* how many ever */
    int64_t *start, *count; /* (ring,) */
    double *y, *w;
    int32_t *rows;
    void *values;
    int64_t end, capacity;
} hw_replay_t;

/* Predictions of samples whose answers have not come yet. From the first on. */
typedef struct hw_late_t {
    int64_t added, oldest;
    uint64_t *key; /* (HW_MOST_PENDING,) */
    int64_t *highest_row;
    void *predictions; /* (HW_MOST_PENDING, components, output_capacity) */
    double *answers;   /* (HW_MOST_PENDING, HW_ANSWER_INPUTS) answers known then, where they are inputs */
} hw_late_t;

/* Answers before as inputs: of the sample at hand. */
typedef struct hw_lag_t {
    double base, repeated, last; /* what the last answer says of it; NaN: not known */
    double share;                /* how much one answer says of the next, 0 to 1: what these columns are worth */
    bool own;                    /* the sample had named these columns itself */
} hw_lag_t;

/* Curves: slots whose knots move after the sample at hand; those curves, the knots as they were, of each row too, and which
 * curve a row belongs to; and where the samples for replay are read again to. Where knots are declared. */
typedef struct hw_curves_t {
    int32_t *due;
    int32_t due_count, due_capacity;
    void *moved;
    double *knots, *knot;
    int32_t *of;
    int32_t *rows;
    void *values;
    int64_t capacity;
    double *packed; /* values of all slots, one behind the other, for saving */
} hw_curves_t;

/* Limits, where some are set, and the last sample that was too large. */
typedef struct hw_limit_t {
    hw_limits most;
    const char *name;
    double limit, got;
} hw_limit_t;

/* Working memory of convolutions. */
typedef struct hw_window_t {
    void *room; /* (numbers,) */
    int64_t numbers;
} hw_window_t;

/* Working memory of mini-batches. From the first on. */
typedef struct hw_batch_t {
    int64_t samples, pairs; /* room for so many */
    void *values, *deltas;  /* (samples, length) */
    int32_t *lists;
    void *list_values;
    int64_t *ends;
    int32_t *rows;
    void *row_values;
    void *moments; /* means, 1/deviations */
} hw_batch_t;

#endif
