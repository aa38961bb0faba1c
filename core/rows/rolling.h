/* What happened before a row, by key: counts, sums, means, distinct names and times since, over windows that end with it
 * (rolling.c; plain/inputs/rolling.py says the same in Python). It is no part of a learner: it writes columns before one
 * reads. */
#ifndef HW_ROLLING_H
#define HW_ROLLING_H

#include "../headwater.h"

enum { HW_ROLL_COUNT, HW_ROLL_SINCE, HW_ROLL_SUM, HW_ROLL_MEAN, HW_ROLL_DISTINCT, HW_ROLL_WHATS };
enum { HW_ROLL_COLUMNS = 64, HW_ROLL_WINDOWS = 16 };
/* A row to come, one that enters, and one that has its aggregates already and enters unless it is in. */
enum { HW_ROLL_LOOK, HW_ROLL_ENTER, HW_ROLL_AGAIN };
enum { HW_ROLL_KEYS_DROPPED, HW_ROLL_EVENTS_DROPPED, HW_ROLL_LATE, HW_ROLL_UNREAD, HW_ROLL_COUNTS };

#define HW_ROLL_MOST_TIME ((int64_t)1 << 60) /* microseconds since 1970, before and after */
#define HW_ROLL_NONE 0u                      /* the hash of a name that is missing */

/* One number of a row: of all rows (column −1), of a column of numbers, or (from `numbers` on) of one of names. */
typedef struct hw_aggregate {
    int32_t what, column, window;
} hw_aggregate;

typedef struct hw_roll_declaration {
    int32_t numbers, names, windows, aggregates;
    int64_t over[HW_ROLL_WINDOWS]; /* microseconds, rising */
    const hw_aggregate *asked;     /* (aggregates), the caller's for as long as the rolling lives */
    int64_t most_events;           /* of a key: beyond them its oldest goes */
    int64_t most_bytes;            /* of all: beyond them the key that was quiet longest goes */
} hw_roll_declaration;

/* A row: what names its key (two hashes), when it was, and its values: numbers as they lie in memory, hashes of names. */
typedef struct hw_roll_row {
    uint64_t key[2];
    int64_t time;
    uint64_t values[HW_ROLL_COLUMNS];
} hw_roll_row;

typedef struct hw_rolling hw_rolling;

hw_rolling *hw_rolling_make(const hw_allocator *allocator, const hw_roll_declaration *declared);
void hw_rolling_free(hw_rolling *r);

/* Bytes that a key with so many events is counted with. */
int64_t hw_rolling_cost(const hw_roll_declaration *declared, int64_t events);

/* The aggregates of a row, NaN where there is none. What enters waits for hw_rolling_enter, which can't fail then; other
 * calls in between forget it. */
int hw_rolling_look(hw_rolling *r, const hw_roll_row *row, int how, double *out);
void hw_rolling_enter(hw_rolling *r);
void hw_rolling_forget(hw_rolling *r);         /* what waits to enter */
void hw_rolling_note(hw_rolling *r, int what); /* one more of a count */

/* Copy the events of a key that another one holds, unless it is here already. */
int hw_rolling_copy_key(hw_rolling *r, const hw_rolling *from, const uint64_t *key);

/* Its state: keys (n, 2) from the one that was quiet longest on, where the events of each end (n), and all events
 * (m, 1 + numbers + names): a time, then values. */
enum { HW_ROLL_KEYS, HW_ROLL_EVENTS, HW_ROLL_BYTES, HW_ROLL_SIZES };
void hw_rolling_size(const hw_rolling *r, int64_t *sizes, int64_t *counts);
void hw_rolling_save(const hw_rolling *r, uint64_t *keys, int64_t *ends, uint64_t *events);
int hw_rolling_load(hw_rolling *r, const uint64_t *keys, const int64_t *ends, int64_t n, const uint64_t *events, int64_t m,
                    const int64_t *counts);

#endif
