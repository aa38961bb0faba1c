/* Forecasts (forecast.c, least_squares.c, ends.c). */
#ifndef HW_PART_FORECAST_H
#define HW_PART_FORECAST_H

#include "../parts.h"
#include "../../rows/weights.h"
#include <stdbool.h>

enum {
    HW_FORECAST_INPUTS = 9,   /* columns that say what is known of a time ahead, the first of the vocabulary */
    HW_FORECAST_EXPERTS = 3,  /* season, linear, nets */
    HW_FORECAST_WINDOW = 500, /* errors kept of each horizon */
    HW_TAILS = 5,             /* shares of answers beyond an end that levels are followed for (ends.c) */
    HW_LEVELS = 4 * HW_TAILS + 1,
    HW_MOST_HORIZON = 1024,
    HW_MOST_SEASON = 16384,
    HW_MOST_LAGS = 1024
};
#define HW_MOST_ANSWER 1e30

enum { HW_FC_TIMES, HW_FC_ENTRIES, HW_FC_COUNTS }; /* times so far; entries kept of their columns */
enum {
    HW_FN_ANSWERS, /* how many there were */
    HW_FN_MEAN,    /* and their mean, */
    HW_FN_SPREAD,  /* variance, */
    HW_FN_FADING,  /* and a faster mean */
    HW_FN_FAR,     /* answers in a row that were too far off; */
    HW_FN_BOUNDED, /* all of them */
    HW_FN_SCALE,   /* the unit of least squares; 0: they have not begun */
    HW_FN_START,   /* the time when they began */
    HW_FN_NUMBERS
};
enum { HW_ORIGIN_LAST, HW_ORIGIN_MEAN, HW_ORIGIN_KNOWN, HW_ORIGIN }; /* what was known at a time */
enum { /* of a horizon: how many errors, fading squares of them, and what shares are made of: two numbers each */
       HW_E_COUNT,
       HW_E_SEASON,
       HW_E_LINEAR,
       HW_E_NETS,
       HW_E_LINEAR_SHARE,
       HW_E_NETS_SHARE = HW_E_LINEAR_SHARE + 2,
       HW_ERRORS = HW_E_NETS_SHARE + 2
};

/* Rings by time: time t stands at t modulo their length. */
typedef struct hw_forecast_t {
    int32_t horizon, season, lags; /* as declared */
    double forgetting;
    int64_t far;              /* seven seasons */
    int64_t kept;             /* answers */
    int32_t window, features; /* answers of seven seasons before; of these, the lags and 1 least squares are made */
    int64_t *counts;          /* (HW_FC_COUNTS) */
    double *numbers;          /* (HW_FN_NUMBERS) */
    double *past;             /* (kept) the last answers; once a weight was not 1, their weights behind them */
    bool weighed;             /* whether they are there */
    double *inverse;          /* (features, features) P of least squares */
    double *weights;          /* (horizon, features) */
    double *inputs, *gains;   /* (horizon, features) of the last times */
    double *said;             /* (2 horizon, horizon) what least squares said at the last times */
    double *origins;          /* (2 horizon, HW_ORIGIN) */
    double *errors;           /* (horizon, HW_ERRORS) */
    double *scores;           /* (horizon, HW_FORECAST_WINDOW) the mixture's last errors */
    double *levels;    /* (horizon, HW_LEVELS) of the ends of intervals: now, and at the origin whose answer is next */
    int32_t *happened; /* (horizon, horizon) what moved the levels at the last times, in bits */
    double *given;     /* (horizon, horizon) what the mixture said at the last times (keep_forecasts) */
    double *older;     /* (horizon, horizon) errors that made room for the last ones */
    int64_t *x_start, *x_count; /* (horizon) columns of the last times: stretches of */
    int32_t *x_slots;
    double *x;
    /* working memory */
    double weight; /* of the answer at hand */
    int64_t own;   /* entries of the sample at hand behind the forecaster's own */
    double *row;
} hw_forecast_t;
enum {
    HW_FC_FEATURES = 1,
    HW_FC_HORIZON,
    HW_FC_ORIGINS,
    HW_FC_KEPT,
    HW_FC_WINDOW,
    HW_FC_OLDER,
    HW_FC_COLUMNS,
    HW_FC_ENDS = HW_NEWER | HW_FC_HORIZON
}; /* of shapes */

/* Recursive least squares of a forecaster (least_squares.c): where its numbers lie. */
typedef struct hw_least_squares {
    int32_t lags, window, features; /* last answers; of these seven seasons before; of both inputs are made, and 1 */
    int64_t season, far;            /* 0: none; seven seasons */
    int64_t origins;                /* times whose forecasts are kept */
    double needed;                  /* answers before it begins */
    double *scale, *start;
    double *inverse, *weights, *inputs, *gains, *said;
} hw_least_squares;
void hw_begin_linear(const hw_forecast_t *f, hw_least_squares *s, int64_t t);
void hw_say_linear(hw_forecast_t *f, hw_least_squares *s, int64_t t, bool known);
void hw_learn_linear(const hw_forecast_t *f, hw_least_squares *s, int64_t t, double y);

/* The answer of time i, filled where it was missing; NaN before the first. */
static inline double hw_past_at(const hw_forecast_t *f, int64_t i)
{
    return i < 0 ? __builtin_nan("") : f->past[i % f->kept];
}

/* The answer `seasons` seasons before time o + h, and as many more as it takes to be known at time o. */
static inline double hw_seasonal(const hw_forecast_t *f, int64_t o, int64_t h, int64_t seasons)
{
    int64_t back = (h + f->season - 1) / f->season + seasons - 1;
    return hw_past_at(f, o + h - back * f->season);
}

/* The same, or the newest answer where the series is too short. */
static inline double hw_season_before(const hw_forecast_t *f, int64_t o, int64_t h)
{
    double y = hw_seasonal(f, o, h, 1);
    return y == y ? y : hw_past_at(f, o);
}

/* The weight of the answer of time i, one of those that are kept. */
static inline double hw_row_weight(const hw_forecast_t *f, int64_t i)
{
    return HW_WEIGHS && f->weighed ? f->past[f->kept + i % f->kept] : 1;
}

static inline double hw_weigh(const hw_forecast_t *f, double rate) { return hw_weighed(rate, f->weight); }

static inline double hw_within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
double hw_bounded(const hw_forecast_t *f, double y); /* no farther from the mean than an answer counts */

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_FORECAST_ARRAYS(A, HW_DERIVED)                                                                                  \
    A(forecast, forecast_counts, HW_I64, HW_KEEP_FIRST, HW_FC_COUNTS, 0, counts, INTEGERS)                                 \
    A(forecast, forecast_numbers, HW_F64, HW_KEEP_FIRST, HW_FN_NUMBERS, 0, numbers, SUMS)                                  \
    A(forecast, forecast_past, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_KEPT), 0, past, VALUES)                               \
    A(forecast, forecast_inverse, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_FEATURES), HW_SHAPE(HW_FC_FEATURES), inverse,      \
      SUMS)                                                                                                                \
    A(forecast, forecast_weights, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), HW_SHAPE(HW_FC_FEATURES), weights, SUMS) \
    A(forecast, forecast_inputs, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), HW_SHAPE(HW_FC_FEATURES), inputs, SUMS)   \
    A(forecast, forecast_gains, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), HW_SHAPE(HW_FC_FEATURES), gains, SUMS)     \
    A(forecast, forecast_said, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ORIGINS), HW_SHAPE(HW_FC_HORIZON), said, SUMS)        \
    A(forecast, forecast_origins, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ORIGINS), HW_ORIGIN, origins, SUMS)                \
    A(forecast, forecast_errors, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), HW_ERRORS, errors, SUMS)                  \
    A(forecast, forecast_scores, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), HW_SHAPE(HW_FC_WINDOW), scores, SUMS)     \
    A(forecast, forecast_column_start, HW_I64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), 0, x_start, INTEGERS)               \
    A(forecast, forecast_column_count, HW_I64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_HORIZON), 0, x_count, INTEGERS)               \
    A(forecast, forecast_column_slots, HW_I32, HW_KEEP_FIRST, HW_SHAPE(HW_FC_COLUMNS), 0, x_slots, INTEGERS)               \
    A(forecast, forecast_column_x, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_COLUMNS), 0, x, NUMBERS)                          \
    A(forecast, forecast_levels, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ENDS), HW_LEVELS, levels, SUMS)                     \
    A(forecast, forecast_happened, HW_I32, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ENDS), HW_SHAPE(HW_FC_HORIZON), happened,         \
      INTEGERS)                                                                                                            \
    A(forecast, forecast_given, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ENDS), HW_SHAPE(HW_FC_HORIZON), given, GIVEN)        \
    A(forecast, forecast_older, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_FC_ENDS), HW_SHAPE(HW_FC_OLDER), older, SUMS)           \
    HW_DERIVED(forecast, row)

void hw_pass_time(hw_forecast_t *f, int64_t t);                        /* before the answer of time t is looked at */
void hw_keep_error(hw_forecast_t *f, int64_t t, int64_t h, double e);  /* of horizon h at time t; before it is counted */
void hw_keep_evened(hw_forecast_t *f, int64_t t, int64_t h, double u); /* the same in a pool, of an evened error */
void hw_begin_ends(hw_forecast_t *f);                                  /* of a forecaster from a file that has none */
bool hw_has_ends(const hw_forecast_t *f);

#endif
