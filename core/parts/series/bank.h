/* A pool of forecasters in two levels (pool.c, joint.c, bank.c, widths.c). */
#ifndef HW_PART_BANK_H
#define HW_PART_BANK_H

#include "../../headwater.h"
#include <stdbool.h>

enum {
    HW_SMOOTHED = 4,                              /* exponential smoothing, at so many rates */
    HW_TRENDS = 15,                               /* and so many of Holt's, with a damped trend */
    HW_EACH_SEASON = 2 * HW_SMOOTHED + HW_TRENDS, /* members of a kind of season: smoothing, Theta, Holt */
    HW_SIMPLE = 4,                                /* last, drift, season before, season before with drift */
    HW_SEASONS = 3,                               /* none, added, multiplied */
    HW_MOST_BANK = HW_SEASONS * HW_EACH_SEASON + HW_SIMPLE
};
enum { HW_OF_BANK, HW_OF_LINEAR, HW_OF_PLAIN, HW_OF_SEASON, HW_SPEAKERS }; /* the second level */
enum { HW_PRODUCTS = HW_SPEAKERS * HW_SPEAKERS };                          /* of what two of them miss */
enum { HW_PHASES = 168, HW_OF_VISIT = 6, HW_MOST_VISITS = 100, HW_PHASE_ERRORS = HW_MOST_VISITS * HW_OF_VISIT };

enum {
    HW_BN_FIRST,                          /* the first answer */
    HW_BN_LEARNED,                        /* answers since states began */
    HW_BN_SUM,                            /* of the last season's answers */
    HW_BN_LEAST,                          /* answer */
    HW_BN_BROKEN,                         /* answers that are no whole numbers */
    HW_BN_SCALE,                          /* of least squares without season, */
    HW_BN_START,                          /* and when they began */
    HW_BN_ADDED,                          /* sum of the season's added indices, */
    HW_BN_TIMES,                          /* and of those that multiply */
    HW_BN_PHASES,                         /* phases that have an index */
    HW_BN_AGE,                            /* mean age of what smoothing averages, at each rate */
    HW_BN_LINE = HW_BN_AGE + HW_SMOOTHED, /* of each kind of season: mean and co-moment with time, */
    HW_BN_NUMBERS = HW_BN_LINE + 2 * HW_SEASONS
};
enum { HW_SN_ADDED, HW_SN_TIMES, HW_SN_COUNT, HW_SEASON_NUMBERS }; /* of a phase */
enum { HW_G_BANK, HW_G_PLAIN, HW_G_SCALE, HW_POOL_GIVEN };         /* of a forecast that was given out */

typedef struct hw_bank_t {
    int32_t plain; /* as declared: lags of least squares without season; 0: none */
    double low, high;
    double pull;    /* towards shares by single errors; 0: these are the shares */
    int32_t scores; /* numbers of a horizon in speakers */
    int32_t season, seasons, members, phases, visits_kept;
    double *numbers;  /* (HW_BN_NUMBERS) */
    double *indices;  /* (season, HW_SEASON_NUMBERS) */
    double *states;   /* (members, 2) level and trend */
    float *origins;   /* (horizon, 2 members) the same at the last times, from the answer of that time */
    float *losses;    /* (horizon, members) fading, relative to the median's */
    double *speakers; /* (horizon, scores) mean |e| of the second level, and with a pull the mean products of two */
    double *given;    /* (horizon, HW_POOL_GIVEN horizon) what was said at the last times, and the size of an error */
    float *shares;    /* (horizon, HW_SPEAKERS horizon) and who spoke */
    double *sizes;    /* (horizon) running mean of |error| */
    double *visits;   /* (phases) errors so far */
    float *errors;    /* (phases, HW_OF_VISIT visits_kept) of a phase, in units of the horizon's size */
    float *shapes;    /* (horizon + season, 2 HW_TAILS) their quantiles at the last times */
    double *inverse, *weights, *inputs, *gains, *said; /* of least squares without season, as in hw_forecast_t */
} hw_bank_t;
enum {
    HW_BK_SEASON = 1,
    HW_BK_MEMBERS,
    HW_BK_ORIGINS,
    HW_BK_HORIZON,
    HW_BK_GIVEN,
    HW_BK_SHARES,
    HW_BK_PHASES,
    HW_BK_SHAPES,
    HW_BK_ERRORS,
    HW_BK_PLAIN,
    HW_BK_SAID,
    HW_BK_SCORES
};

#define HW_BANK_ARRAYS(A, HW_DERIVED)                                                                                      \
    A(bank, forecast_bank_numbers, HW_F64, HW_KEEP_FIRST, HW_BN_NUMBERS, 0, numbers, SUMS)                                 \
    A(bank, forecast_bank_indices, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SEASON), HW_SEASON_NUMBERS, indices, SUMS)        \
    A(bank, forecast_bank_states, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_MEMBERS), 2, states, SUMS)                         \
    A(bank, forecast_bank_origins, HW_F32, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), HW_SHAPE(HW_BK_ORIGINS), origins,       \
      NUMBERS)                                                                                                             \
    A(bank, forecast_bank_losses, HW_F32, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), HW_SHAPE(HW_BK_MEMBERS), losses,         \
      SQUARES)                                                                                                             \
    A(bank, forecast_pool_losses, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), HW_SHAPE(HW_BK_SCORES), speakers, SUMS)  \
    A(bank, forecast_pool_given, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), HW_SHAPE(HW_BK_GIVEN), given, SUMS)       \
    A(bank, forecast_pool_shares, HW_F32, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), HW_SHAPE(HW_BK_SHARES), shares, SQUARES) \
    A(bank, forecast_width_sizes, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_HORIZON), 0, sizes, SQUARES)                       \
    A(bank, forecast_width_visits, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_PHASES), 0, visits, COUNTS)                       \
    A(bank, forecast_width_errors, HW_F32, HW_KEEP_FIRST, HW_SHAPE(HW_BK_PHASES), HW_SHAPE(HW_BK_ERRORS), errors, FINITE)  \
    A(bank, forecast_width_shapes, HW_F32, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SHAPES), 2 * HW_TAILS, shapes, FINITE)            \
    A(bank, forecast_plain_inverse, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_PLAIN), HW_SHAPE(HW_BK_PLAIN), inverse, SUMS)    \
    A(bank, forecast_plain_weights, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SAID), HW_SHAPE(HW_BK_PLAIN), weights, SUMS)     \
    A(bank, forecast_plain_inputs, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SAID), HW_SHAPE(HW_BK_PLAIN), inputs, SUMS)       \
    A(bank, forecast_plain_gains, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SAID), HW_SHAPE(HW_BK_PLAIN), gains, SUMS)         \
    A(bank, forecast_plain_said, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_BK_SAID), HW_SHAPE(HW_BK_SAID), said, SUMS)

/* The bank (bank.c). */
void hw_bank_score(hw_learner *l, int64_t t, double y);             /* before its answer is learned */
void hw_bank_learn(hw_learner *l, int64_t t, double y, bool known); /* the answer of time t, which is in the past by now */
void hw_bank_say(const hw_learner *l, int64_t o, double *out);      /* what follows from time o, of each horizon */
/* The pool (pool.c). */
void hw_learn_pool(hw_learner *l, int64_t t, double y, bool known); /* the answer of time t; keeps what is given out then */
double hw_pool_says(const hw_learner *l, int64_t o, int64_t h, double linear);
void hw_score_pool(hw_learner *l, int64_t t, int64_t h, double y, double linear, double own); /* own: the pool's error */
double hw_usual_of(const double *miss, bool plain); /* the median of the speakers' */
/* What speakers miss together (joint.c). */
void hw_score_joint(hw_learner *l, int64_t h, const double *miss, double own);
void hw_join_shares(const hw_learner *l, int64_t h, double *shares); /* those by single errors become those by products */
/* Widths (widths.c): errors in units of which their phase has a share alike beyond each end. */
double hw_evened(const hw_learner *l, int64_t o, int64_t h, double e);
double hw_uneven(const hw_learner *l, int64_t o, int64_t h, double u);
void hw_note_size(hw_learner *l, int64_t h, double e);                            /* of an error at a horizon */
void hw_note_phase(hw_learner *l, int64_t t, const double *errors, int64_t most); /* the errors at time t of each horizon */

#endif
