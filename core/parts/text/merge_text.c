/* Merging what several workers have learned of words: rows have hashes for names, so a row that several have is one row.
 *
 * W = B + (a / k) sum (W_i - B) over the k workers whose samples had the word, B the base's row or zeros. As for the other
 * weights (merge.c) a lies between 1, the mean, and k, the sum: a = (1 - e^(-N/c)) / (1 - e^(-N/(k c))), N samples with the
 * word since the base. c = 16 is a guess: a step removes about its value squared of what is wrong, and that is small for
 * one word of many. */
#include "elementary.h"
#include "learner.h"

static const double C = 16;

/* Whether a worker's words can have been copied from this base. */
bool hw_text_descends(const hw_learner *base, const hw_learner *l)
{
    int64_t rows = base->text ? base->text->counts[HW_TC_ROWS] : 0;
    if (!base->text)
        return true;
    if (hw_is_anomaly(base)) /* its blocks are rows of the table, which names alone don't say */
        return false;
    if (l->text->counts[HW_TC_ROWS] < rows || l->text->counts[HW_TC_TEXTS] < base->text->counts[HW_TC_TEXTS] ||
        (rows && memcmp(base->text->keys, l->text->keys, (size_t)rows * 8) != 0))
        return false;
    for (int64_t r = 0; r < rows; r++)
        if (l->text->seen[r] < base->text->seen[r])
            return false;
    return true;
}

/* A column that a worker has found to be text is text; of those on their way the one that is farthest counts. */
static void merge_column(hw_learner *to, int32_t merged, const hw_learner *l, int32_t own)
{
    if (merged < 0)
        return;
    int32_t *way = to->text->columns + merged, other = l->text->columns[own];
    if (hw_is_embedding(to->columns.kind[merged]) && to->columns.kind[merged] == l->columns.kind[own] && !*way)
        *way = other;
    if (to->columns.kind[merged] != HW_CATEGORY)
        return;
    if (hw_is_text(l->columns.kind[own]))
        to->columns.kind[merged] = l->columns.kind[own];
    *way = other < 0 || *way < 0 ? -1 : other > *way ? other : *way;
}

typedef struct many {
    hw_learner *to;
    const hw_learner *base, **l;
    const int32_t **output; /* of each merged output, a worker's own; -1 */
    int count;
    double *sum; /* (outputs) */
} many;

static double weight_at(const hw_learner *l, int64_t row, int64_t output)
{
    return hw_get(l, l->text->weights, row * l->output_capacity + output);
}

/* One row, where it lies in `to`, the base (-1: it has none) and the workers. */
static void merge_row(const many *m, int64_t to, int64_t before, const int64_t *rows)
{
    hw_learner *l = m->to;
    double touches = 0, old = before < 0 ? 0 : m->base->text->seen[before];
    int k = 0;
    memset(m->sum, 0, (size_t)l->outputs * 8);
    for (int i = 0; i < m->count; i++) {
        if (rows[i] < 0 || m->l[i]->text->seen[rows[i]] <= old)
            continue;
        touches += m->l[i]->text->seen[rows[i]] - old;
        k++;
        for (int j = 0; j < l->outputs; j++)
            if (m->output[i][j] >= 0)
                m->sum[j] += weight_at(m->l[i], rows[i], m->output[i][j]) -
                             (before < 0 || j >= m->base->outputs ? 0 : weight_at(m->base, before, j));
    }
    if (!k)
        return;
    double share = k == 1 ? 1 : (1 - hw_exp64(-touches / C)) / (1 - hw_exp64(-touches / (k * C))) / k;
    l->text->seen[to] = old + touches;
    for (int j = 0; j < l->outputs; j++) {
        double now = before < 0 || j >= m->base->outputs ? 0 : weight_at(m->base, before, j);
        hw_put(l, l->text->weights, to * l->output_capacity + j, now + share * m->sum[j]);
    }
}

/* Append what workers have and the base has not; fills place (workers, rows): where the merged rows lie in each. */
static int merge_rows(const many *m, int64_t *place, int64_t most)
{
    int64_t base = m->base->text->counts[HW_TC_ROWS];
    for (int64_t i = 0; i < m->count * most; i++)
        place[i] = -1;
    for (int i = 0; i < m->count; i++)
        for (int64_t r = 0; r < m->l[i]->text->counts[HW_TC_ROWS]; r++) {
            int64_t to = r < base ? r : hw_merged_text_row(m->to, m->l[i]->text->keys[r]);
            if (to < 0)
                return (int)to;
            if (r < base ||
                m->to->text->keys[to] == m->l[i]->text->keys[r]) /* else it shares a row: what it learned is lost */
                place[i * most + to] = r;
        }
    return 0;
}

int hw_merge_text(const hw_merging *all)
{
    hw_learner *to = all->to;
    const hw_learner *base = all->base;
    int count = all->count;
    int64_t most = base->text->counts[HW_TC_ROWS], rows = most;
    for (int i = 0; i < count; i++) {
        most += all->worker[i]->text->counts[HW_TC_ROWS] - rows;
        for (int32_t c = 0; c < all->worker[i]->columns.count; c++)
            merge_column(to, all->column[i][c], all->worker[i], c);
    }
    many m = {.to = to, .base = base, .l = all->worker, .output = all->output, .count = count};
    int64_t *place = hw_allocate(&to->memory, ((uint64_t)most * (uint64_t)count + 1) * 8),
            *own = hw_allocate(&to->memory, (uint64_t)count * 8 + 8);
    m.sum = hw_allocate(&to->memory, (uint64_t)to->outputs * 8);
    int status = place && own && m.sum ? merge_rows(&m, place, most) : HW_NO_MEMORY;
    for (int64_t r = 0; status >= 0 && r < to->text->counts[HW_TC_ROWS]; r++) {
        for (int i = 0; i < count; i++)
            own[i] = place[i * most + r];
        merge_row(&m, r, r < rows ? r : -1, own);
    }
    for (int i = 0; status >= 0 && i < count; i++)
        to->text->counts[HW_TC_TEXTS] += all->worker[i]->text->counts[HW_TC_TEXTS] - base->text->counts[HW_TC_TEXTS];
    hw_release(place);
    hw_release(own);
    hw_release(m.sum);
    return status;
}
