/* A detector of anomalies: there are no answers, and what is predicted is how unusual a sample is.
 * kernels/kinds/anomaly.c scores and learns. */
#include "learner.h"

static int parse(hw_learner *l, const double *d, const hw_span *own, hw_fault *fault)
{
    (void)own;
    bool bare = !l->targets && !l->history && !l->knots && !l->cells && !hw_is_of_classes((int)d[HW_HEAD + HW_E_LOSS]);
    DECLARED(l->growing && l->standard && bare, "intervals", "a learner of rows alone, of standardised numbers",
             HW_ANOMALY);
    DECLARED(l->experts == 1 && hw_rule_states((int)d[HW_HEAD + HW_E_RULE]) >= 1, "experts",
             "one, whose rule keeps a number a weight", l->experts);
    DECLARED(d[HW_HEAD + HW_E_LAYERS] >= 2 && d[HW_HEAD + HW_E_LR] <= 1, "layers and step size",
             "an encoder and an output, at most 1", d[HW_HEAD + HW_E_LR]);
    DECLARED(l->ring >= 1 && l->ring <= 1 << 14, "samples kept for replay", "1 to 16384", l->ring);
    return hw_begin_part(l, HW_PART_anomaly) ? 0 : HW_NO_MEMORY;
}

/* Room to look at the sample at hand beside those of the ring. */
int hw_reserve_anomaly(hw_learner *l)
{
    int64_t widest = l->entries + 1, count = hw_kept_samples(l);
    for (int64_t i = 0; i < count; i++)
        widest = l->replay->count[i] > widest ? l->replay->count[i] : widest;
    uint64_t size = hw_number(l);
    bool got = hw_extend(&l->memory, &l->anomaly->by_row, (uint64_t)l->row_capacity * size) &&
               hw_extend(&l->memory, &l->anomaly->reordered, (uint64_t)widest * size) &&
               hw_extend(&l->memory, &l->anomaly->errors, (uint64_t)widest * size);
    return got ? 0 : HW_NO_MEMORY;
}

const hw_part hw_part_anomaly = {.tag = 6, .in_fleet = true, .merges = true, .parse = parse};
