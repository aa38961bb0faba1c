/* Changes of units (units.c, ../../kernels/input/units.c). */
#ifndef HW_PART_UNITS_H
#define HW_PART_UNITS_H

#include "../../headwater.h"
#include <stdbool.h>

enum { HW_MOST_UNITS = 4096, HW_FIRST_READ = 8 }; /* slots that are watched: the first ones; rows until readings compete */

/* Numbers of the part. */
enum {
    HW_U_ROWS,        /* of the block at hand, or since the alarm */
    HW_U_COMPETING,   /* 1 from an alarm until it is decided */
    HW_U_SPEAKS,      /* 1: the columns are read as if they were rescaled */
    HW_U_GAIN,        /* of that reading: the sum of losses saved, each bounded */
    HW_U_LOSS,        /* sums of losses: as they come, */
    HW_U_LOSS_READ,   /* and rescaled */
    HW_U_LIKELY,      /* 1: most columns changed, or by factors that units differ by */
    HW_U_SINCE,       /* rows learned before the alarm */
    HW_U_CREDIT,      /* comparisons that may be paid for */
    HW_U_BLOCK_LOSS,  /* sum of losses in this block, */
    HW_U_BLOCK_ROWS,  /* of so many rows, */
    HW_U_BLOCKS,      /* and of blocks: how many, */
    HW_U_USUAL_LOSS,  /* their fading mean */
    HW_U_LOSS_SPREAD, /* and variance */
    HW_U_ANSWER_MEAN,
    HW_U_ANSWER_VARIANCE,
    HW_U_ANSWER_SEEN,
    HW_U_ANSWER_ALARM, /* 1: the answer was among those that gave the alarm */
    HW_U_CHANGES,      /* how many changes there were */
    HW_U_FAR_ROWS,     /* rows in succession whose answer is out of all measure */
    HW_U_NUMBERS
};
/* Numbers of the answer, and of each slot. */
enum {
    HW_UNIT_ROWS, /* sums in the block at hand, or since the alarm: rows, */
    HW_UNIT_SUM,  /* differences from a point: the mean at the begin of the block, or the reference; */
    HW_UNIT_SQUARE,
    HW_UNIT_MEAN, /* as they were one block ago, */
    HW_UNIT_VARIANCE,
    HW_UNIT_REFERENCE, /* and two blocks ago: nothing of a change that has just happened is in them */
    HW_UNIT_REFERENCE_VARIANCE,
    HW_UNIT_USUAL,      /* how far blocks of this column usually lie off, in units of an alarm */
    HW_UNIT_SCALE,      /* how it would be read: scale times x (0: as it comes, a slot that is new), */
    HW_UNIT_SHIFT,      /* and this */
    HW_UNIT_CHANGED,    /* the last change: after so many rows, */
    HW_UNIT_CHANGED_BY, /* its scale */
    HW_UNIT_CHANGED_SHIFT,
    HW_UNIT
};

typedef struct hw_units_t {
    double *numbers; /* (HW_U_NUMBERS) */
    double *of;      /* (1 + slots, HW_UNIT) of the answer, and of each slot */
    double *raw;     /* (entries) numbers of the sample at hand as they came, while readings compete */
    double other;    /* loss of the sample at hand by the reading that doesn't speak; below 0: not compared */
    bool taken;      /* the entries are rescaled */
} hw_units_t;
enum { HW_U_ROWS_OF = 1 }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_UNITS_ARRAYS(A, HW_DERIVED)                                                                                     \
    A(units, units, HW_F64, HW_CLEAR, HW_U_NUMBERS, 0, numbers, SUMS)                                                      \
    A(units, unit_slots, HW_F64, HW_CLEAR, HW_SHAPE(HW_U_ROWS_OF), HW_UNIT, of, SUMS)                                      \
    HW_DERIVED(units, raw)

static inline double *hw_unit_of(const hw_units_t *u, int64_t slot)
{
    return u->of + (1 + slot) * HW_UNIT;
} /* -1: answer */

/* After a row was learned: y as it came, `loss` of what was given out, below 0 if that is not known. */
void hw_watch_units(hw_learner *l, double y, double loss);
int hw_reserve_readings(hw_learner *l); /* of the sample at hand, before it is predicted */

#endif
