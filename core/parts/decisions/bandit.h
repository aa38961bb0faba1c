/* Decisions (bandit.c). */
#ifndef HW_PART_BANDIT_H
#define HW_PART_BANDIT_H

#include "../../headwater.h"
#include <stdbool.h>

enum { HW_MOST_LINEAR = 256 }; /* rows of the table that least squares may read */
enum {
    HW_BC_INPUTS,
    HW_BC_ACTIONS,
    HW_BC_DRAWS,
    HW_BC_COUNTS
}; /* rows that they read, of how many actions; draws so far */
enum { HW_A_TAKEN, HW_A_REWARD, HW_A_NUMBERS }; /* of an action: how often it was taken, mean reward */

typedef struct hw_bandit_t {
    bool learning; /* an action and its reward are at hand */
    int explore;
    double amount, power, lowest, highest; /* as declared */
    int64_t most;
    int64_t *counts;   /* (HW_BC_COUNTS) */
    double *shares;    /* (experts + 1, 2) weight and fading loss; the last of least squares */
    double *actions;   /* (actions, HW_A_NUMBERS) */
    double *weights;   /* (actions, inputs) */
    double *inverse;   /* (actions, inputs, inputs) */
    int32_t *ring;     /* (ring) which action was taken in a sample that is kept */
    int32_t action;    /* which was taken in the sample at hand, while it is learned */
    double importance; /* and how much its error counts */
    double *row;       /* working memory */
} hw_bandit_t;
enum { HW_BC_SHARES = 1, HW_BC_TAKEN, HW_BC_READ, HW_BC_SQUARES, HW_BC_RING }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_BANDIT_ARRAYS(A, HW_DERIVED)                                                                                    \
    A(bandit, bandit_counts, HW_I64, HW_KEEP_FIRST, HW_BC_COUNTS, 0, counts, INTEGERS)                                     \
    A(bandit, bandit_shares, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BC_SHARES), 2, shares, FINITE)                             \
    A(bandit, bandit_actions, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BC_TAKEN), HW_A_NUMBERS, actions, SUMS)                   \
    A(bandit, bandit_weights, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BC_TAKEN), HW_SHAPE(HW_BC_READ), weights, SUMS)           \
    A(bandit, bandit_inverse, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BC_TAKEN), HW_SHAPE(HW_BC_SQUARES), inverse, SUMS)        \
    A(bandit, bandit_ring, HW_I32, HW_KEEP_FIRST, HW_SHAPE(HW_BC_RING), 0, ring, INTEGERS)                                 \
    HW_DERIVED(bandit, row)

double hw_miss_of_value(const hw_learner *l, double y);       /* of the action that was taken in the sample at hand */
void hw_learn_values(hw_learner *l, double y, double weight); /* all experts have predicted the sample at hand */

#endif
