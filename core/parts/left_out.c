/* In place of parts of single kinds that a build leaves out: with -DHW_WITHOUT_bandit decisions/bandit.c need not be there,
 * and so on. A declaration of theirs is refused, so the rest is never reached. */
#include "learner.h"

#if defined HW_WITHOUT_recurrent || defined HW_WITHOUT_forecast || defined HW_WITHOUT_bandit ||                            \
    defined HW_WITHOUT_agent || defined HW_WITHOUT_anomaly
static int refuse(hw_learner *l, const double *d, const double *own, hw_fault *fault)
{
    (void)l, (void)d;
    *fault = (hw_fault){"a kind of learner", "one that this core has", own[0]};
    return HW_BAD_DECLARATION;
}
#endif

#ifdef HW_WITHOUT_recurrent
const hw_part hw_part_recurrent = {.parse = refuse};
#endif

#ifdef HW_WITHOUT_forecast
const hw_part hw_part_forecast = {.parse = refuse};
const hw_part hw_part_bank = {.parse = refuse};
#endif

#ifdef HW_WITHOUT_bandit
const hw_part hw_part_bandit = {.parse = refuse};
const hw_part hw_part_stack = {.parse = refuse};
void hw_learn_values(hw_learner *l, double y, double weight) { (void)l, (void)y, (void)weight; }
double hw_miss_of_value(const hw_learner *l, double y) { return (void)l, y; }
#endif

#ifdef HW_WITHOUT_agent
const hw_part hw_part_agent = {.parse = refuse};
const hw_part hw_part_tiles = {.parse = refuse};
#endif

#ifdef HW_WITHOUT_anomaly
const hw_part hw_part_anomaly = {.parse = refuse};
int hw_reserve_anomaly(hw_learner *l) { return (void)l, 0; }
#endif
