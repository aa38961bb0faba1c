/* Where the numbers of parts lie in declarations of the versions 2 to 4, which had no tags (docs/formats/core.md). */
#include "../learner.h"

/* How many numbers there are says whose they are: the first of them one part's, the others, if any, another's. */
static const struct {
    uint8_t first, second;
} untagged_pairs[] = {{HW_PART_forecast, HW_PART_bank},
                      {HW_PART_bandit, HW_PART_stack},
                      {HW_PART_agent, HW_PART_tiles},
                      {HW_PART_text, HW_PART_cells}};

bool hw_find_untagged(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own)
{
    int lean = d[HW_D_VERSION] > HW_FIRST_VERSION ? (int)d[HW_D_VERSION] - 1 : 0;
    if (lean && d + count - tail >= lean) {
        own[HW_PART_lean] = (hw_span){tail, lean};
        tail += lean;
    }
    int64_t rest = d + count - tail;
    if (recurrent ? rest > HW_TEXT && hw_is_recurrent(tail + HW_TEXT, rest - HW_TEXT)
                  : HW_EMBEDS && rest == HW_TEXT + HW_BANDIT + HW_STACK) { /* a bandit that reads embeddings */
        own[HW_PART_text] = (hw_span){tail, HW_TEXT};
        tail += HW_TEXT;
        rest -= HW_TEXT;
    }
    if (recurrent && hw_is_recurrent(tail, rest)) {
        own[HW_PART_recurrent] = (hw_span){tail, (int)rest};
        return true;
    }
    for (size_t i = 0; i < sizeof untagged_pairs / sizeof *untagged_pairs; i++) {
        const hw_part *second = hw_parts[untagged_pairs[i].second];
        int first = hw_parts[untagged_pairs[i].first]->most;
        int64_t more = rest - first;
        if (!more || more == second->least || more == second->most) {
            own[untagged_pairs[i].first] = (hw_span){tail, first};
            if (more)
                own[untagged_pairs[i].second] = (hw_span){tail + first, (int)more};
            return true;
        }
    }
    return !rest;
}
