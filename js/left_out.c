/* In place of the kinds of learners that pages do without, so that they needn't load them: forecasters, bandits and agents,
 * and in kernels.c and lower.c detectors of anomalies (HW_PAGE). Their declarations are refused, so the rest is never
 * reached. */
#include "learner.h"

static int refuse(hw_fault *fault, double got)
{
    *fault = (hw_fault){"a kind of learner", "a classifier, a regressor or a network", got};
    return HW_BAD_DECLARATION;
}

int hw_parse_forecast(hw_learner *l, const double *d, hw_fault *fault)
{
    (void)l;
    return refuse(fault, d[0]);
}

int hw_parse_bandit(hw_learner *l, const double *d, hw_fault *fault)
{
    (void)l;
    return refuse(fault, d[0]);
}

int hw_parse_agent(hw_learner *l, const double *d, double outputs, hw_fault *fault)
{
    (void)l, (void)outputs;
    return refuse(fault, d[0]);
}

int hw_make_forecast(hw_learner *l) { return (void)l, 0; }
int hw_append_forecast(hw_learner *l) { return (void)l, 0; }
bool hw_has_forecast(const hw_learner *l) { return (void)l, true; }
int hw_compact_columns(hw_learner *l, int64_t more) { return (void)l, (void)more, 0; }
void hw_begin_ends(hw_forecast_t *f) { (void)f; }
bool hw_has_ends(const hw_forecast_t *f) { return (void)f, true; }
int hw_make_bandit(hw_learner *l) { return (void)l, 0; }
int hw_reserve_bandit(hw_learner *l) { return (void)l, 0; }
void hw_begin_bandit(hw_learner *l) { (void)l; }
void hw_learn_values(hw_learner *l, double y) { (void)l, (void)y; }
