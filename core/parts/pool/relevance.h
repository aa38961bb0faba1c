/* Relevance of columns of numbers (relevance.c). */
#ifndef HW_PART_RELEVANCE_H
#define HW_PART_RELEVANCE_H

#include "../../state/memory.h"
#include <stdbool.h>

enum { HW_MOST_RELEVANT = 4096, HW_BINS = 8, HW_CODES = 4 }; /* slots that are followed: the first ones */

/* Numbers of the part: rows so far; then of each code of the labels its mean, and its variance. */
enum { HW_R_ROWS, HW_R_MEANS, HW_R_VARIANCES = HW_R_MEANS + HW_CODES, HW_R_NUMBERS = HW_R_VARIANCES + HW_CODES };

/* Numbers of a slot: by how much its values are shrunk, 0 to 1; then of each bin the rows that fell into it, and for each
 * code the sum of what the labels lay above its mean. */
enum { HW_R_SHRUNK, HW_R_BINS, HW_R_BIN = 1 + HW_CODES, HW_R_SLOT = HW_R_BINS + HW_BINS * HW_R_BIN };

typedef struct hw_relevance_t {
    double *numbers; /* (HW_R_NUMBERS) */
    double *of;      /* (slots, HW_R_SLOT) */
    double *said;    /* (slots) how relevant each is, while they are judged */
} hw_relevance_t;
enum { HW_R_SLOTS = 1 }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_RELEVANCE_ARRAYS(A, HW_DERIVED)                                                                                 \
    A(relevance, relevance, HW_F64, HW_KEEP_FIRST, HW_R_NUMBERS, 0, numbers, SUMS)                                         \
    A(relevance, relevance_slots, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_R_SLOTS), HW_R_SLOT, of, SUMS)                        \
    HW_DERIVED(relevance, said)

/* Slots that there is room for. */
static inline int64_t hw_followed(const hw_relevance_t *r)
{
    return (int64_t)(hw_capacity(r->of) / (HW_R_SLOT * sizeof(double)));
}

/* Whether learning one more row may exchange tests of cell tables. */
bool hw_may_exchange_tests(const hw_learner *l);
/* The sample at hand was learned, with label y as experts see it. */
void hw_learn_relevance(hw_learner *l, double y, double w);

#endif
