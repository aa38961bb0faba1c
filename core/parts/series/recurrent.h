/* Memory (recurrent.c). */
#ifndef HW_PART_RECURRENT_H
#define HW_PART_RECURRENT_H

#include "../../headwater.h"
#include <stdbool.h>
#include <string.h>

enum { HW_MN_CLOCK, HW_MN_KEYS, HW_MN_BLOCKS, HW_MN_GAP, HW_MN_GAPS, HW_MN_NUMBERS }; /* rows learned; mean gap in time */
enum {
    HW_MK_KEY,
    HW_MK_USED,
    HW_MK_BLOCK,
    HW_MK_TIME,
    HW_MEMORY_KEY
}; /* of a key: hash, clock, block + 1, bits of its time */
enum { HW_OWN = 6 }; /* numbers of a unit beside its outputs: lambda, gamma, and what sensitivities need of them */

typedef struct hw_recurrent_t {
    int32_t units, most_keys, most_blocks, traced; /* as declared */
    double least, most, turn;
    char *by, *time;
    uint32_t by_size, time_size;
    double *numbers; /* (HW_MN_NUMBERS) */
    uint64_t *keys;  /* (keys, HW_MEMORY_KEY) */
    void *states;    /* (keys, 2 units) Re h, Im h */
    int64_t
        *blocks;  /* (blocks, 1 + 2 traced) the key it belongs to; rows of the table, -1: none; when each was read last */
    void *traces; /* (blocks, (4 + 2 traced) units) of nu and theta, then of each row; real and imaginary parts */
    /* derived from these */
    int32_t *table;
    int64_t table_size;
    int32_t by_column, time_column; /* -1: not seen yet */
    uint8_t *curves;                /* (curves_capacity) 1: a row of a spline basis */
    int64_t curves_capacity;
    /* of the sample at hand */
    uint64_t key;
    int64_t at;      /* its key; -1: it has no state yet */
    double now, gap; /* its time; how many mean gaps passed since the row before */
    void *next;      /* (2 units) the state that follows */
    void *row;       /* a row's gradient */
    void *value;     /* (traced) what each traced row is multiplied by */
    void *none;      /* (2 units) zeros */
    int32_t *moved;  /* rows that a step moves */
    int64_t moved_count;
} hw_recurrent_t;

static inline int64_t hw_block_head(const hw_recurrent_t *m) { return 1 + 2 * (int64_t)m->traced; }
static inline int64_t hw_block_size(const hw_recurrent_t *m) { return (4 + 2 * (int64_t)m->traced) * m->units; }
static inline uint64_t hw_time_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return bits;
}
static inline double hw_time_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, 8);
    return x;
}
enum { HW_MN_STATES = 1, HW_MN_SENSITIVITIES, HW_MN_STATE, HW_MN_HEAD, HW_MN_SIZE }; /* of shapes */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_RECURRENT_ARRAYS(A, HW_DERIVED)                                                                                 \
    A(recurrent, memory_numbers, HW_F64, HW_KEEP_FIRST, HW_MN_NUMBERS, 0, numbers, SQUARES)                                \
    A(recurrent, memory_keys, HW_U64, HW_KEEP_FIRST, HW_SHAPE(HW_MN_STATES), HW_MEMORY_KEY, keys, INTEGERS)                \
    A(recurrent, memory_states, REAL, HW_KEEP_FIRST, HW_SHAPE(HW_MN_STATES), HW_SHAPE(HW_MN_STATE), states, FINITE)        \
    A(recurrent, memory_blocks, HW_I64, HW_KEEP_FIRST, HW_SHAPE(HW_MN_SENSITIVITIES), HW_SHAPE(HW_MN_HEAD), blocks,        \
      INTEGERS)                                                                                                            \
    A(recurrent, memory_traces, REAL, HW_KEEP_FIRST, HW_SHAPE(HW_MN_SENSITIVITIES), HW_SHAPE(HW_MN_SIZE), traces, NUMBERS) \
    HW_DERIVED(recurrent, by)                                                                                              \
    HW_DERIVED(recurrent, time)                                                                                            \
    HW_DERIVED(recurrent, table)                                                                                           \
    HW_DERIVED(recurrent, curves)                                                                                          \
    HW_DERIVED(recurrent, next)                                                                                            \
    HW_DERIVED(recurrent, row)                                                                                             \
    HW_DERIVED(recurrent, value)                                                                                           \
    HW_DERIVED(recurrent, none)                                                                                            \
    HW_DERIVED(recurrent, moved)

#ifdef HW_WITHOUT_recurrent /* a build that has none refuses its declaration, and never comes here */
static inline bool hw_is_recurrent(const double *d, int64_t count) { return d && count < 0; }
static inline bool hw_place_keys(hw_learner *l) { return l; }
static inline void hw_forget_states(hw_learner *l) { (void)l; }
static inline void hw_find_state(hw_learner *l, uint64_t key, double now) { (void)l, (void)key, (void)now; }
static inline void hw_read_key(hw_learner *l, const hw_value *values, int64_t count) { (void)l, (void)values, (void)count; }
static inline void hw_read_key_of_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count)
{
    (void)l, (void)slots, (void)x, (void)count;
}
#else
bool hw_is_recurrent(const double *d, int64_t count); /* whether what stands behind the last expert declares a memory */
bool hw_place_keys(hw_learner *l);
int64_t hw_take_state(hw_learner *l); /* the state of the sample's key is about to move: it has a place and a block now */
void hw_forget_states(hw_learner *l);
void hw_find_state(hw_learner *l, uint64_t key, double now);
void hw_read_key(hw_learner *l, const hw_value *values, int64_t count);
void hw_read_key_of_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count);
#endif

#endif
