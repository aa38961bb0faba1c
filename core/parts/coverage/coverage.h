/* Coverage (coverage.c, ../../kernels/output/coverage.c). */
#ifndef HW_PART_COVERAGE_H
#define HW_PART_COVERAGE_H

#include "../../headwater.h"
#include <stdbool.h>

/* What was given out for a sample: ends below and above for each level of coverage, the width that they are multiples of,
 * and how many classes were known. */
enum { HW_GIVEN_WIDTH = 2 * HW_COVERAGES, HW_GIVEN_KNOWN, HW_GIVEN };

/* Coverage. From hw_cover on. */
typedef struct hw_coverage_t {
    double *numbers; /* (HW_COVERAGES, HW_COVERAGE_NUMBERS) */
    double *ends;    /* (HW_MOST_PENDING, HW_GIVEN) what was given out for samples whose answers have not come, */
    void *shown;     /* (HW_MOST_PENDING, output_capacity) and the predictions */
} hw_coverage_t;
enum { HW_C_GIVEN = 1, HW_C_SHOWN }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_COVERAGE_ARRAYS(A, HW_DERIVED)                                                                                  \
    A(coverage, coverage, HW_F64, HW_COVERED, HW_COVERAGES, HW_COVERAGE_NUMBERS, numbers, SUMS)                            \
    A(coverage, pending_ends, HW_F64, HW_CLEAR, HW_SHAPE(HW_C_GIVEN), HW_GIVEN, ends, SUMS)                                \
    A(coverage, pending_shown, REAL, HW_CLEAR, HW_SHAPE(HW_C_SHOWN), 0, shown, FINITE)

extern const double HW_COVERAGE_LEVELS[HW_COVERAGES];
bool hw_can_cover(const hw_learner *l);

#endif
