/* Linear action values of an agent in a small world (tiles.c). */
#ifndef HW_PART_TILES_H
#define HW_PART_TILES_H

#include "../../headwater.h"
#include <stdbool.h>

enum { HW_MOST_TILINGS = 16, HW_MOST_TILED = 8, HW_TILE_TRACES = 512 };
enum { HW_BY_NET, HW_BY_TABLE, HW_READERS }; /* who takes the actions */

/* Numbers of the part. */
enum {
    HW_TN_ROWS,                    /* of the table */
    HW_TN_TRACES,                  /* that are kept */
    HW_TN_TAKEN,                   /* steps */
    HW_TN_READER,                  /* whose trial this is: HW_BY_NET or HW_BY_TABLE, */
    HW_TN_HANDED,                  /* 1: it went too badly, and the other goes on with it */
    HW_TN_SETTLED,                 /* 1: random actions are rare, and returns are those since */
    HW_TN_RETURN,                  /* rewards of the trial so far, */
    HW_TN_STEPS,                   /* in so many steps */
    HW_TN_TRIALS,                  /* of each reader: how many trials, */
    HW_TN_MEAN = HW_TN_TRIALS + 2, /* mean return, */
    HW_TN_SPREAD = HW_TN_MEAN + 2, /* and variance */
    HW_TILE_NUMBERS = HW_TN_SPREAD + 2
};
enum { HW_TR_LOW, HW_TR_HIGH, HW_TR_KNOWN, HW_TILE_RANGE }; /* of a number; 1: there is one */
enum { HW_TT_ROW, HW_TT_ACTION, HW_TT_STRENGTH, HW_TILE_TRACE };

typedef struct hw_tiles_t {
    int tilings, bins, columns; /* as declared */
    double step, trace, first;
    double *numbers; /* (HW_TILE_NUMBERS) */
    double *ranges;  /* (HW_MOST_TILED, HW_TILE_RANGE) */
    uint64_t *keys;  /* (rows) */
    double *values;  /* (rows, outputs) an action is worth the sum over the rows of a state */
    double *counts;  /* (rows, outputs) how often it was learned */
    double *traces;  /* (HW_TILE_TRACES, HW_TILE_TRACE), the faintest first */
    /* derived from these */
    int32_t *places; /* hash table: row + 1 */
    /* working memory */
    double next; /* what the state that followed is worth */
    double *out; /* (outputs) */
} hw_tiles_t;
enum { HW_TS_ROWS = 1, HW_TS_OUTPUTS }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_TILES_ARRAYS(A, HW_DERIVED)                                                                                     \
    A(tiles, tile_numbers, HW_F64, HW_KEEP_FIRST, HW_TILE_NUMBERS, 0, numbers, SUMS)                                       \
    A(tiles, tile_ranges, HW_F64, HW_KEEP_FIRST, HW_MOST_TILED, HW_TILE_RANGE, ranges, SUMS)                               \
    A(tiles, tile_keys, HW_U64, HW_KEEP_FIRST, HW_SHAPE(HW_TS_ROWS), 0, keys, INTEGERS)                                    \
    A(tiles, tile_values, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_TS_ROWS), HW_SHAPE(HW_TS_OUTPUTS), values, SUMS)              \
    A(tiles, tile_counts, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_TS_ROWS), HW_SHAPE(HW_TS_OUTPUTS), counts, COUNTS)            \
    A(tiles, tile_traces, HW_F64, HW_KEEP_FIRST, HW_TILE_TRACES, HW_TILE_TRACE, traces, SUMS)                              \
    HW_DERIVED(tiles, places)                                                                                              \
    HW_DERIVED(tiles, out)

/* What the table is to an agent at the state at hand: nothing, all, or one of two readers. */
enum { HW_NO_TABLE, HW_TABLE_ALONE, HW_TABLE_BESIDE };
int hw_tiles_role(const hw_learner *l);
/* What each action is worth in the state at hand, in units of rewards. */
void hw_tiles_look(const hw_learner *l, double *values);
double hw_tiles_value(const hw_learner *l, const double *values); /* of a state, if its share of actions stays random */
int hw_reserve_tiles(hw_learner *l);                              /* before a transition is learned */
/* Learn a transition; t->next is known. Returns the temporal-difference error. */
double hw_learn_tiles(hw_learner *l, int action, double reward, bool ended);
void hw_end_tile_traces(hw_learner *l);
/* A step of a trial is over; random: the share of random actions. */
void hw_follow_trial(hw_learner *l, double reward, double random, bool ended);
int hw_reader(const hw_learner *l);        /* who takes the next action, */
int hw_better_reader(const hw_learner *l); /* and who had the larger returns */

#endif
