/* The table of parts, and where their numbers lie in a declaration. */
#include "learner.h"

#define ROW(name, type) &hw_part_##name,
const hw_part *const hw_parts[HW_KIND_PARTS] = {HW_KINDS_OF_PARTS(ROW)};

int hw_find_declared(const double *d, int64_t count, const double *tail, bool recurrent, const double **own)
{
    int64_t lean = hw_lean_numbers(d);
    lean = d + count - tail >= lean ? lean : 0;
    own[HW_PART_lean] = lean ? tail : NULL;
    tail += lean;
    int64_t rest = d + count - tail,
            words = rest > HW_TEXT && hw_is_recurrent(tail + HW_TEXT, rest - HW_TEXT) ? HW_TEXT : 0;
    bool blocks = HW_EMBEDS && !recurrent && rest == HW_TEXT + HW_BANDIT + HW_STACK; /* a bandit that reads embeddings */
    own[HW_PART_cells] = d[HW_D_TABLES] > 0 ? d + HW_D_TABLES : NULL;
    own[HW_PART_anomaly] = d[HW_D_INTERVALS] >= HW_ANOMALY ? d + HW_D_INTERVALS : NULL;
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
        own[HW_PART_text] = tail;
    tail += blocks ? HW_TEXT : 0;
    if (part >= 0)
        own[part] = tail;
    if (part == HW_PART_forecast && rest > HW_FORECAST)
        own[HW_PART_bank] = tail + HW_FORECAST;
    if (part == HW_PART_agent && rest > HW_AGENT)
        own[HW_PART_tiles] = tail + HW_AGENT;
    if (part == HW_PART_bandit && rest > HW_BANDIT)
        own[HW_PART_stack] = tail + HW_BANDIT;
    if (words)
        own[HW_PART_recurrent] = tail + words;
    return part >= 0 || !rest ? 0 : HW_BAD_DECLARATION;
}
