/* Succession: a new learner beside one that fails (succession.c). */
#ifndef HW_PART_SUCCESSION_H
#define HW_PART_SUCCESSION_H

#include "../../headwater.h"
#include <stdbool.h>

/* Numbers of the part. */
enum {
    HW_S_FOLLOWS,  /* 1: losses are followed; 0: of a successor that competes, and of what was merged */
    HW_S_BORN,     /* rows learned before this learner began, of all that are counted */
    HW_S_COUNT,    /* how many successors took over, */
    HW_S_SINCE,    /* the last one after so many rows, from which on it learned, */
    HW_S_TAKEN,    /* and was taken after so many */
    HW_S_ROWS,     /* rows of which a usual loss is known, */
    HW_S_USUAL,    /* its fading mean */
    HW_S_VARIANCE, /* and variance */
    HW_S_EXCESS,   /* what rows since the last usual one cost more than usual, in deviations */
    HW_S_PATIENCE, /* and how much of that is an alarm */
    HW_S_DUE,      /* 1: a successor begins before the next row */
    HW_S_AGE,      /* rows that two learners have competed for */
    HW_S_SPEAKS,   /* 1: the successor is the one that predicts */
    HW_S_OLD_LOSS, /* fading losses of the two, */
    HW_S_NEW_LOSS,
    HW_S_OLD_MEAN, /* and slower ones */
    HW_S_NEW_MEAN,
    HW_S_KEPT,    /* rows kept, */
    HW_S_ENTRIES, /* entries of these, */
    HW_S_BYTES,   /* and bytes of the other learner, as of the last time that the state was asked for */
    HW_S_NUMBERS
};
/* Numbers of a kept row. */
enum { HW_KEPT_LABEL, HW_KEPT_WEIGHT, HW_KEPT_LOSS, HW_KEPT_ENTRIES, HW_KEPT };

typedef struct hw_succession_t {
    double *numbers; /* (HW_S_NUMBERS) */
    double *rows;    /* (kept, HW_KEPT) rows since the last that cost no more than usual: a successor learns them first */
    int32_t *slots;  /* (entries) */
    double *x;
    uint8_t *packed;   /* (bytes) the state of the other learner */
    hw_learner *other; /* the one of two that doesn't predict; NULL: there is but one */
    void *p;           /* (outputs) what it would have predicted */
    double lost;       /* what predicting the sample at hand cost this learner; below 0: nothing is known */
    double rescaled;   /* by this the label's unit has just changed; 0: it has not */
} hw_succession_t;

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_SUCCESSION_ARRAYS(A, HW_DERIVED)                                                                                \
    A(succession, succession, HW_F64, HW_CLEAR, HW_S_NUMBERS, 0, numbers, SUMS)                                            \
    A(succession, succession_rows, HW_F64, HW_CLEAR, HW_SHAPE(HW_S_KEPT), HW_KEPT, rows, SUMS)                             \
    A(succession, succession_slots, HW_I32, HW_CLEAR, HW_SHAPE(HW_S_ENTRIES), 0, slots, INTEGERS)                          \
    A(succession, succession_x, HW_F64, HW_CLEAR, HW_SHAPE(HW_S_ENTRIES), 0, x, ANY)                                       \
    A(succession, successor, HW_U8, HW_CLEAR, HW_SHAPE(HW_S_BYTES), 0, packed, INTEGERS)                                   \
    HW_DERIVED(succession, p)

/* A row is about to be learned, and all memory is there: the other learner learns it, or the row is kept. */
void hw_learn_beside(hw_learner *l, double y, double w, bool late);
/* It was learned: losses are compared, and it may be that the two change places. */
void hw_follow_losses(hw_learner *l);
/* The sample at hand is predicted, and its label will come later: the other learner predicts it too. */
int hw_predict_beside(hw_learner *l);

#endif
