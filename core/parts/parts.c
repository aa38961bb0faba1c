/* The table of parts, and where their numbers lie in a declaration. */
#include "learner.h"

#define ROW(name, type) &hw_part_##name,
const hw_part *const hw_parts[HW_KIND_PARTS] = {HW_KINDS_OF_PARTS(ROW)};

/* Each block is one of the table, behind those of parts before it, and beside none that its part bars. */
static bool find_blocks(const double *at, const double *end, hw_span *own)
{
    uint32_t before = 0;
    for (int p = 0; at < end; p++) {
        while (p < HW_KIND_PARTS && hw_parts[p]->tag != at[0])
            p++;
        if (p == HW_KIND_PARTS || end - at < 2)
            return false;
        const hw_part *part = hw_parts[p];
        if (!(part->most && at[1] >= part->least && at[1] <= part->most && at[1] <= end - at - 2))
            return false;
        int count = (int)at[1];
        if (count != at[1] || before & part->bars || part->needs & ~before)
            return false;
        before |= UINT32_C(1) << p;
        own[p] = (hw_span){at + 2, count};
        at += 2 + count;
    }
    return true;
}

int hw_find_declared(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own, hw_fault *fault)
{
    if (d[HW_D_TABLES] > 0)
        own[HW_PART_cells] = (hw_span){d + HW_D_TABLES, 2};
    if (d[HW_D_INTERVALS] >= HW_ANOMALY)
        own[HW_PART_anomaly] = (hw_span){d + HW_D_INTERVALS, 0};
    DECLARED(d[HW_D_VERSION] < HW_VERSION ? hw_find_untagged(d, count, tail, recurrent, own)
                                          : find_blocks(tail, d + count, own),
             "numbers behind the last layer", "those of parts that go together", count);
    return 0;
}

void hw_find_own(const hw_learner *l, const double *tail, hw_span *own)
{
    (void)hw_find_declared(l->declaration, hw_declared(l), tail, l->recurrent != NULL, own, NULL);
}
