/* In place of parts of single kinds that a build leaves out: with -DHW_WITHOUT_bandit decisions/bandit.c need not be there,
 * and so on. A declaration of theirs is refused, so the rest is never reached. */
#include "learner.h"

#if defined HW_WITHOUT_recurrent || defined HW_WITHOUT_forecast || defined HW_WITHOUT_bandit ||                            \
    defined HW_WITHOUT_agent || defined HW_WITHOUT_anomaly
static int refuse(hw_learner *l, const double *d, const hw_span *own, hw_fault *fault)
{
    (void)l, (void)d;
    *fault = (hw_fault){"a kind of learner", "one that this core has", own->at[0]};
    return HW_BAD_DECLARATION;
}
#endif

#ifdef HW_WITHOUT_recurrent
const hw_part hw_part_recurrent = {.tag = HW_TAG_RECURRENT, .least = HW_MEMORY, .most = INT32_MAX, .parse = refuse};
#endif

#ifdef HW_WITHOUT_forecast
const hw_part hw_part_forecast = {.tag = HW_TAG_FORECAST, .least = HW_FORECAST, .most = HW_FORECAST, .parse = refuse};
const hw_part hw_part_bank = {.tag = HW_TAG_BANK, .least = HW_BANK, .most = HW_BANK + HW_JOINT, .parse = refuse};
#endif

#ifdef HW_WITHOUT_bandit
const hw_part hw_part_bandit = {.tag = HW_TAG_BANDIT, .least = HW_BANDIT, .most = HW_BANDIT, .parse = refuse};
const hw_part hw_part_stack = {.tag = HW_TAG_STACK, .least = HW_STACK, .most = HW_STACK, .parse = refuse};
void hw_learn_values(hw_learner *l, double y, double weight) { (void)l, (void)y, (void)weight; }
double hw_miss_of_value(const hw_learner *l, double y) { return (void)l, y; }
#endif

#ifdef HW_WITHOUT_agent
const hw_part hw_part_agent = {.tag = HW_TAG_AGENT, .least = HW_AGENT, .most = HW_AGENT, .parse = refuse};
const hw_part hw_part_tiles = {.tag = HW_TAG_TILES, .least = HW_TILES, .most = HW_TILES, .parse = refuse};
#endif

#ifdef HW_WITHOUT_anomaly
const hw_part hw_part_anomaly = {.parse = refuse};
int hw_reserve_anomaly(hw_learner *l) { return (void)l, 0; }
#endif
