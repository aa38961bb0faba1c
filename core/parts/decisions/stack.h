/* How far a bandit trusts its row (stack.c). */
#ifndef HW_PART_STACK_H
#define HW_PART_STACK_H

#include "../../headwater.h"
#include <stdbool.h>

/* Numbers of the part. Sums fade, and rows count by how improbable their action was. */
enum {
    HW_ST_SQUARES,   /* sum of d^2, d what the row changes in the value of the action that was taken, */
    HW_ST_PRODUCTS,  /* of d times what the action's mean missed, */
    HW_ST_MEAN_LOSS, /* of squared errors of that mean */
    HW_ST_LOSS,      /* and of the value that the row gives, */
    HW_ST_WEIGHT,    /* and of their weights */
    HW_ST_SHARE,     /* how much of d is believed, from 0 to 1 */
    HW_ST_REWARD,    /* mean of all rewards, */
    HW_ST_ROWS,      /* and of how many */
    HW_ST_NUMBERS
};
enum { HW_SM_SUM, HW_SM_COUNT, HW_SM_NUMBERS }; /* of an action: fading sum and number of its rewards */

typedef struct hw_stack_t {
    double *numbers; /* (HW_ST_NUMBERS) */
    double *means;   /* (actions, HW_SM_NUMBERS) */
} hw_stack_t;
enum { HW_SM_ACTIONS = 1 }; /* of shapes */

/* Its arrays in the state. */
#define HW_STACK_ARRAYS(A, HW_DERIVED)                                                                                     \
    A(stack, bandit_stack, HW_F64, HW_KEEP_FIRST, HW_ST_NUMBERS, 0, numbers, SUMS)                                         \
    A(stack, bandit_means, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_SM_ACTIONS), HW_SM_NUMBERS, means, SUMS)

/* The first four are for learners that have the part. */
double hw_mean_reward(const hw_stack_t *s); /* of all actions */
double hw_stacked_value(const hw_stack_t *s, int64_t action, double of_row);
double hw_stacked_bonus(const hw_stack_t *s, int64_t action); /* what is uncertain of the action's own mean */
/* An action has earned y, where its row gave it the value of_row. importance: how much an error counts, rows: of how many
 * such rows, fresh: the action is new, so that its errors say nothing. */
void hw_learn_stack(hw_stack_t *s, int64_t action, double of_row, double y, double importance, double rows, bool fresh);
int hw_reserve_stack(hw_learner *l); /* room for all actions, before they are counted */

#endif
