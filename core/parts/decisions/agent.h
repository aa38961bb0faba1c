/* Agents (agent.c, kernels/kinds/agent.c). */
#ifndef HW_PART_AGENT_H
#define HW_PART_AGENT_H

#include "../../headwater.h"
#include "../../rows/weights.h"
#include <stdbool.h>

enum {
    HW_AN_SCALE,                    /* what a step leaves of the traces, multiplied since rows were brought up to date */
    HW_AN_STEPS,                    /* of each expert: step size times error times scale, summed since then; */
    HW_AN_TRACES = HW_AN_STEPS + 2, /* and the sum of what traces of rows are in size */
    HW_AN_TIME = HW_AN_TRACES + 2,  /* steps of the episode so far */
    HW_AN_FOLLOWED,                 /* discounted sum of the rewards so far, */
    HW_AN_REWARDS,                  /* how many there were, */
    HW_AN_MEAN,                     /* the mean of that sum, */
    HW_AN_SPREAD,                   /* and its variance, which rewards are scaled by */
    HW_AN_RETURN,                   /* rewards of the episode so far */
    HW_AN_EPISODES,                 /* that have ended */
    HW_AN_ERROR,                    /* fading means: size of the temporal-difference error, */
    HW_AN_BOUNDED,                  /* share of steps that the bound made smaller, */
    HW_AN_RANDOM,                   /* share of actions that were not the best, */
    HW_AN_WORTH,                    /* and what states are worth */
    HW_AN_TAKEN,                    /* steps of each expert */
    HW_AGENT_NUMBERS = HW_AN_TAKEN + 2
};
enum { HW_AR_LIVE = 2, HW_AGENT_ROW }; /* of a row: HW_AN_STEPS as it is up to date with, for each expert; 1: has a trace */
enum { HW_AGENT_EPISODES = 200, HW_AGENT_EXPERTS = 2 };
#define HW_LEAST_DEVIATION 1e-3 /* of a number of an action */

typedef struct hw_agent_t {
    int32_t policy; /* as declared */
    bool bootstrap, bounded, adaptive;
    double gamma, lambda, kappa[HW_AGENT_EXPERTS], entropy, explore, random;
    double *numbers;           /* (HW_AGENT_NUMBERS) */
    double *returns, *lengths; /* (HW_AGENT_EPISODES) of the last episodes: a ring */
    double *rows;              /* (rows, HW_AGENT_ROW) */
    /* derived from these */
    int32_t *live; /* rows that have a trace */
    int64_t live_count;
    /* working memory */
    double weight; /* of the transition at hand */
    double next;   /* what the state that followed is worth; NaN: not known */
    double *out;   /* (2, outputs) what the experts say */
} hw_agent_t;
enum { HW_AN_ROWS = 1 }; /* of shapes */

static inline double hw_transition_weight(const hw_agent_t *a) { return HW_WEIGHS ? a->weight : 1; }

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_AGENT_ARRAYS(A, HW_DERIVED)                                                                                     \
    A(agent, agent_numbers, HW_F64, HW_KEEP_FIRST, HW_AGENT_NUMBERS, 0, numbers, SUMS)                                     \
    A(agent, agent_returns, HW_F64, HW_KEEP_FIRST, HW_AGENT_EPISODES, 0, returns, SUMS)                                    \
    A(agent, agent_lengths, HW_F64, HW_KEEP_FIRST, HW_AGENT_EPISODES, 0, lengths, COUNTS)                                  \
    A(agent, agent_rows, HW_F64, HW_KEEP_FIRST, HW_SHAPE(HW_AN_ROWS), 3, rows, SUMS)                                       \
    HW_DERIVED(agent, live)                                                                                                \
    HW_DERIVED(agent, out)

#endif
