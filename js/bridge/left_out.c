/* In place of the kinds of learners that pages do without, so that they needn't load them: recurrences, forecasters,
 * bandits, agents and detectors of anomalies. Their declarations are refused, so the rest is never reached. */
#include "learner.h"

static int refuse(hw_learner *l, const double *d, const double *own, hw_fault *fault)
{
    (void)l, (void)d;
    *fault = (hw_fault){"a kind of learner", "a classifier, a regressor or a network", own[0]};
    return HW_BAD_DECLARATION;
}

const hw_part hw_part_recurrent = {.parse = refuse};
const hw_part hw_part_forecast = {.parse = refuse};
const hw_part hw_part_bank = {.parse = refuse};
const hw_part hw_part_bandit = {.parse = refuse};
const hw_part hw_part_stack = {.parse = refuse};
const hw_part hw_part_agent = {.parse = refuse};
const hw_part hw_part_tiles = {.parse = refuse};
const hw_part hw_part_anomaly = {.parse = refuse};

int hw_reserve_anomaly(hw_learner *l) { return (void)l, 0; }
void hw_learn_values(hw_learner *l, double y) { (void)l, (void)y; }
