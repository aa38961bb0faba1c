/* Lean learning of a pool: what it leaves out, and rules that keep one number a row in place of one a weight. The reasons,
 * and what was measured, stand in headwater/plain/optimizers/lean.py. */
#include "learner.h"

static int parse(hw_learner *l, const double *d, const hw_span *block, hw_fault *fault)
{
    const double *x = d + HW_HEAD, *own = block->at;
    DECLARED(own[HW_LEAN_GRADIENT] >= 0 && own[HW_LEAN_GRADIENT] <= 1e30, "smallest gradient of a step", "0 or more",
             own[HW_LEAN_GRADIENT]);
    DECLARED(own[HW_LEAN_WEIGHT] >= 0 && own[HW_LEAN_WEIGHT] <= 1, "smallest weight of replays", "a share from 0 to 1",
             own[HW_LEAN_WEIGHT]);
    double apart = block->count > HW_LEAN_APART ? own[HW_LEAN_APART] : 0;
    DECLARED(apart >= 0 && apart <= 1e30, "factor on steps along differences", "0 or more", apart);
    DECLARED(l->growing && !hw_is_anomaly(l), "a lean pool", "names that grow, and answers", l->intervals);
    for (int e = 0; e < l->experts; e++, x += HW_EXPERT + HW_LAYER * (int64_t)x[HW_E_LAYERS])
        DECLARED(x[HW_E_RULE] == HW_RULE_sgd || hw_is_factored((int)x[HW_E_RULE]), "update rule of a lean pool",
                 "SGD, AdaGrad or RMSProp", x[HW_E_RULE]);
    hw_lean_t *lean = hw_begin_part(l, HW_PART_lean);
    if (!lean)
        return HW_NO_MEMORY;
    *lean = (hw_lean_t){own[HW_LEAN_GRADIENT], own[HW_LEAN_WEIGHT], apart};
    return 0;
}

const hw_part hw_part_lean = {
    .tag = HW_TAG_LEAN, .least = HW_LEAN_APART, .most = HW_LEAN, .in_fleet = true, .merges = true, .parse = parse};
