/* Parts: what only some learners have, each in a struct of its own behind one hw_part. What all learners share loops over
 * them and names none; a new part is a file here, a line in HW_KINDS_OF_PARTS and one in HW_PART_ARRAYS. */
#ifndef HW_PARTS_H
#define HW_PARTS_H

#include "../headwater.h"
#include <stdbool.h>

/* A shape that a part computes (hw_part.count), where others are numbers; HW_NEWER: of an array that older files lack. */
#define HW_SHAPE(code) (-1 - (code))
enum { HW_NEWER = 1 << 8 };

/* What merging hands to a part: to begins as a copy of the base; output and column say what those of a worker are called
 * there. */
typedef struct hw_merging {
    hw_learner *to;
    const hw_learner *base, **worker;
    const int32_t **output, **column;
    int count;
} hw_merging;

#include "decisions/agent.h"
#include "anomaly/anomaly.h"
#include "change/succession.h"
#include "change/units.h"
#include "decisions/bandit.h"
#include "decisions/stack.h"
#include "decisions/tiles.h"
#include "pool/cells.h"
#include "coverage/coverage.h"
#include "pool/lean.h"
#include "pool/relevance.h"
#include "series/forecast.h"
#include "series/bank.h"
#include "series/recurrent.h"
#include "text/text.h"
#include "workings.h"

#define HW_KINDS_OF_PARTS(X)                                                                                               \
    X(cells, hw_cells)                                                                                                     \
    X(lean, hw_lean_t)                                                                                                     \
    X(text, hw_words)                                                                                                      \
    X(recurrent, hw_recurrent_t)                                                                                           \
    X(forecast, hw_forecast_t)                                                                                             \
    X(bandit, hw_bandit_t)                                                                                                 \
    X(stack, hw_stack_t)                                                                                                   \
    X(agent, hw_agent_t)                                                                                                   \
    X(tiles, hw_tiles_t)                                                                                                   \
    X(coverage, hw_coverage_t)                                                                                             \
    X(anomaly, hw_anomaly_t)                                                                                               \
    X(units, hw_units_t)                                                                                                   \
    X(succession, hw_succession_t)                                                                                         \
    X(bank, hw_bank_t)                                                                                                     \
    X(relevance, hw_relevance_t)
/* Those without functions of their own. */
#define HW_WORKINGS(X)                                                                                                     \
    X(replay, hw_replay_t)                                                                                                 \
    X(late, hw_late_t)                                                                                                     \
    X(lag, hw_lag_t)                                                                                                       \
    X(limit, hw_limit_t)                                                                                                   \
    X(curves, hw_curves_t)                                                                                                 \
    X(window, hw_window_t)                                                                                                 \
    X(batch, hw_batch_t)
#define HW_PARTS(X) HW_KINDS_OF_PARTS(X) HW_WORKINGS(X)

/* Arrays of the state in the order of the state, behind those that all learners have; those of cells stand among them. */
#define HW_PART_ARRAYS(A, D)                                                                                               \
    HW_LEAN_ARRAYS(A, D)                                                                                                   \
    HW_TEXT_ARRAYS(A, D)                                                                                                   \
    HW_RECURRENT_ARRAYS(A, D)                                                                                              \
    HW_FORECAST_ARRAYS(A, D)                                                                                               \
    HW_BANDIT_ARRAYS(A, D)                                                                                                 \
    HW_AGENT_ARRAYS(A, D)                                                                                                  \
    HW_TILES_ARRAYS(A, D)                                                                                                  \
    HW_COVERAGE_ARRAYS(A, D)                                                                                               \
    HW_ANOMALY_ARRAYS(A, D)                                                                                                \
    HW_UNITS_ARRAYS(A, D)                                                                                                  \
    HW_SUCCESSION_ARRAYS(A, D)                                                                                             \
    HW_STACK_ARRAYS(A, D)                                                                                                  \
    HW_BANK_ARRAYS(A, D)                                                                                                   \
    HW_RELEVANCE_ARRAYS(A, D)

#define HW_CODE(name, type) HW_PART_##name,
enum {
    HW_KINDS_OF_PARTS(HW_CODE) HW_KIND_PARTS,
    HW_BEFORE_WORKINGS = HW_KIND_PARTS - 1,
    HW_WORKINGS(HW_CODE) HW_PART_COUNT
};
#undef HW_CODE

#define HW_BIT(name) (UINT32_C(1) << HW_PART_##name)

/* The numbers of a part in a declaration; at NULL: it is not declared. */
typedef struct hw_span {
    const double *at;
    int count;
} hw_span;

/* A part's functions; NULL: nothing to do. A function finds the part in the learner, where it may be missing. */
typedef struct hw_part {
    int tag;                            /* of its block in a declaration and in a digest; 0: none */
    int least, most;                    /* numbers that its block in a declaration may have; 0: it stands at the head */
    uint32_t needs, bars;               /* parts without which it isn't declared, and beside which */
    bool in_fleet, merges, several;     /* it may be in a fleet; be merged; have several outputs that are no classes */
    bool alone;                         /* it is of a learner of its own: members of a fleet are without it */
    bool (*suits)(const hw_learner *l); /* a new learner has it, undeclared, where this says so */
    /* declared: d all numbers, own those of the part. Checks them, and begins the part. */
    int (*parse)(hw_learner *l, const double *d, const hw_span *own, hw_fault *fault);
    /* before a state is loaded: its first array, whose numbers say how large the others are */
    int (*read)(hw_learner *l, const hw_array *first, hw_fault *fault);
    int64_t (*count)(const hw_learner *l, int code);               /* a shape */
    int (*make)(hw_learner *l);                                    /* its arrays */
    int (*begin)(hw_learner *l);                                   /* of a new learner: what it begins with */
    void (*fill)(hw_learner *l);                                   /* of one that was loaded: what an older file lacks */
    int (*check)(hw_learner *l, hw_fault *fault);                  /* of one that was loaded: whether it is sound */
    int (*pack)(hw_learner *l);                                    /* before it is saved */
    void (*drop)(hw_learner *l);                                   /* what is no array goes */
    int (*reserve)(hw_learner *l, int64_t pairs);                  /* before a row of at most so many pairs is learned */
    int (*reserve_rows)(hw_learner *l, int64_t rows);              /* of the table */
    bool (*descends)(const hw_learner *base, const hw_learner *l); /* whether it can have been copied from the base */
    int (*merge)(const hw_merging *m);
} hw_part;

/* Pages don't merge: what only merging calls would be loaded for nothing. */
#ifdef HW_PAGE
#define HW_MERGING(function) (0 ? function : NULL)
#else
#define HW_MERGING(function) function
#endif

#define HW_DECLARE(name, type) extern const hw_part hw_part_##name;
HW_KINDS_OF_PARTS(HW_DECLARE)
#undef HW_DECLARE
extern const hw_part *const hw_parts[HW_KIND_PARTS];

/* Where the numbers of each part that is declared lie in a declaration of count numbers, whose last expert ends at tail. */
int hw_find_declared(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own, hw_fault *fault);
/* The same of a learner, which was checked. */
void hw_find_own(const hw_learner *l, const double *tail, hw_span *own);
/* The same of a version before tags: how many numbers there are says whose they are. */
bool hw_find_untagged(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own);

#endif
