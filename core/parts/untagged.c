/* Where the numbers of parts lie in declarations of the versions 2 to 4, which had no tags (docs/formats/core.md). */
#include "learner.h"

int hw_find_untagged(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own)
{
    int64_t lean = d[HW_D_VERSION] > HW_FIRST_VERSION ? (int64_t)d[HW_D_VERSION] - 1 : 0;
    if (lean && d + count - tail >= lean) {
        own[HW_PART_lean] = (hw_span){tail, lean};
        tail += lean;
    }
    int64_t rest = d + count - tail,
            words = rest > HW_TEXT && hw_is_recurrent(tail + HW_TEXT, rest - HW_TEXT) ? HW_TEXT : 0;
    bool blocks = HW_EMBEDS && !recurrent && rest == HW_TEXT + HW_BANDIT + HW_STACK; /* a bandit that reads embeddings */
    /* The last forecaster has as many numbers as a recurrence without names, but no 0 where that counts a name's bytes. */
    int part = rest == HW_FORECAST                         ? HW_PART_forecast
               : rest == HW_FORECAST + HW_BANK             ? HW_PART_forecast
               : rest == HW_BANDIT                         ? HW_PART_bandit
               : rest == HW_BANDIT + HW_STACK || blocks    ? HW_PART_bandit
               : rest == HW_TEXT || words                  ? HW_PART_text
               : rest == HW_AGENT && !recurrent            ? HW_PART_agent
               : rest == HW_AGENT + HW_TILES && !recurrent ? HW_PART_agent
               : hw_is_recurrent(tail, rest)               ? HW_PART_recurrent
               : rest == HW_FORECAST + HW_BANK + HW_JOINT  ? HW_PART_forecast
                                                           : -1;
    if (blocks)
        own[HW_PART_text] = (hw_span){tail, HW_TEXT};
    tail += blocks ? HW_TEXT : 0;
    rest -= blocks ? HW_TEXT : 0;
    if (part < 0)
        return rest ? HW_BAD_DECLARATION : 0;
    static const struct {
        int first, count, second; /* a part, its numbers, and whose are the rest */
    } pairs[] = {{HW_PART_forecast, HW_FORECAST, HW_PART_bank},
                 {HW_PART_agent, HW_AGENT, HW_PART_tiles},
                 {HW_PART_bandit, HW_BANDIT, HW_PART_stack},
                 {HW_PART_text, HW_TEXT, HW_PART_recurrent}};
    own[part] = (hw_span){tail, rest};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (part == pairs[i].first && rest > pairs[i].count) {
            own[part].count = pairs[i].count;
            own[pairs[i].second] = (hw_span){tail + pairs[i].count, rest - pairs[i].count};
        }
    return 0;
}
