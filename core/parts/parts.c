/* The table of parts, and where their numbers lie in a declaration. */
#include "learner.h"

#define ROW(name, type) &hw_part_##name,
const hw_part *const hw_parts[HW_KIND_PARTS] = {HW_KINDS_OF_PARTS(ROW)};

/* Each block is one of the table, behind those of parts before it. */
static int find_blocks(const double *at, const double *end, hw_span *own, hw_fault *fault)
{
    for (int p = 0; at < end; p++) {
        while (p < HW_KIND_PARTS && !(hw_parts[p]->most && hw_parts[p]->tag == at[0]))
            p++;
        DECLARED(p < HW_KIND_PARTS, "tag of a block", "one of HW_TAG_..., in their order", at[0]);
        double room = (double)(end - at - 2), count = room < 0 ? -1 : at[1];
        DECLARED(count <= room && count >= hw_parts[p]->least && count <= hw_parts[p]->most && count == (int64_t)count,
                 "numbers of a block", "as many as its part has", count);
        own[p] = (hw_span){at + 2, (int64_t)count};
        at += 2 + own[p].count;
    }
    return 0;
}

static int check_company(const hw_span *own, hw_fault *fault)
{
    uint32_t declared = 0;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        declared |= (uint32_t)(own[p].at != NULL) << p;
    for (int p = 0; p < HW_KIND_PARTS; p++) {
        const hw_part *part = hw_parts[p];
        DECLARED(!own[p].at || (!(declared & part->bars) && !(part->needs & ~declared)), "parts of a declaration",
                 "some that go together", part->tag);
    }
    return 0;
}

int hw_find_declared(const double *d, int64_t count, const double *tail, bool recurrent, hw_span *own, hw_fault *fault)
{
    if (d[HW_D_TABLES] > 0)
        own[HW_PART_cells] = (hw_span){d + HW_D_TABLES, 2};
    if (d[HW_D_INTERVALS] >= HW_ANOMALY)
        own[HW_PART_anomaly] = (hw_span){d + HW_D_INTERVALS, 1};
    if (d[HW_D_VERSION] < HW_VERSION) {
        DECLARED(hw_find_untagged(d, count, tail, recurrent, own) >= 0, "size of the declaration",
                 "nothing behind the last layer", (double)count);
        return 0;
    }
    int status = find_blocks(tail, d + count, own, fault);
    return status < 0 ? status : check_company(own, fault);
}
