/* Answers before as inputs: what a learner of numbers with label history knows of the stream so far.
 *
 * The last three answers and a fading mean are columns of their own, the first four of the vocabulary. What experts learn
 * is not the answer, but how far it lies from what the last one makes likely (hw_set_base): on a stream whose answers move
 * slowly that is far less. Formulas and reasons stand in headwater/plain/inputs/answers.py. */
#include "learner.h"

static const double FASTEST = 0.05; /* the fading mean forgets so fast, */
static const double SLOW = 1e-3;    /* the mean so slowly at least, */
static const double STEADY = 2e-3;  /* and so does how strongly one answer follows another */
static const double FARTHEST = 10;  /* an answer farther off counts as if it lay so many deviations from the mean */
static const double SETTLED = 10;   /* answers before that applies */

static const char *const NAMES[HW_ANSWER_INPUTS] = {"last answer", "answer 2 before", "answer 3 before", "mean answer"};

int hw_append_answers(hw_learner *l)
{
    for (int i = 0; i < l->answer_inputs; i++) {
        hw_value v = {.column = -1, .kind = HW_NUMBER, .name = NAMES[i], .name_size = (uint32_t)strlen(NAMES[i])};
        int32_t column = hw_append_column(l, &v);
        if (column < 0)
            return column == -1 ? HW_TOO_LARGE : column;
    }
    return 0;
}

/* Whether the first columns of the vocabulary are those. */
bool hw_has_answers(const hw_learner *l)
{
    for (int i = 0; i < l->answer_inputs; i++)
        if (i >= l->columns.count || l->columns.slot[i] != i || l->columns.kind[i] != HW_NUMBER)
            return false;
    return true;
}

void hw_read_answers(const hw_learner *l, double *inputs)
{
    const double *past = l->label_history;
    for (int i = 0; i < HW_ANSWER_INPUTS; i++) {
        int needed = i < HW_PAST_FADING - HW_PAST_LAST ? i + 1 : 1;
        inputs[i] = past[HW_PAST_ANSWERS] >= needed ? past[HW_PAST_LAST + i] : __builtin_nan("");
    }
}

/* y − mean, no more than ten deviations. */
static double bounded_miss(const double *past, double y)
{
    double d = y - past[HW_PAST_MEAN], bound = FARTHEST * __builtin_sqrt(past[HW_PAST_SPREAD]);
    if (past[HW_PAST_ANSWERS] <= SETTLED || !(past[HW_PAST_SPREAD] > 0))
        return d;
    return d > bound ? bound : d < -bound ? -bound : d;
}

/* What the last answer says of the next: that it will be the same (repeated), and the mean + rho (last - mean). What its
 * columns give is multiplied by |rho|: where answers have nothing to do with each other, they are noise. */
void hw_set_base(hw_learner *l, double last)
{
    const double *past = l->label_history;
    bool known = last - last == 0 && past[HW_PAST_ANSWERS] > 0;
    double d = known ? bounded_miss(past, last) : 0, rho = 0;
    if (past[HW_PAST_SPREAD] > 1e-300)
        rho = past[HW_PAST_PRODUCT] / past[HW_PAST_SPREAD];
    rho = rho > 1 ? 1 : rho > -1 ? rho : -1;
    l->lag->share = rho < 0 ? -rho : rho;
    rho = rho > 0 ? rho : 0;
    l->lag->last = known ? last : __builtin_nan("");
    l->lag->repeated = past[HW_PAST_MEAN] + d;
    l->lag->base = past[HW_PAST_MEAN] + rho * d;
}

/* An answer has come; miss: how far it lies from its base. */
void hw_record_answer(hw_learner *l, double y, double miss)
{
    double *past = l->label_history, t = past[HW_PAST_ANSWERS] + 1, last = l->lag->last;
    double d = bounded_miss(past, y), rate = 1 / t > SLOW ? 1 / t : SLOW, fast = 1 / t > FASTEST ? 1 / t : FASTEST;
    if (last == last && t > 1) {
        double e = bounded_miss(past, last), steady = 1 / (t - 1) > STEADY ? 1 / (t - 1) : STEADY;
        past[HW_PAST_PRODUCT] += (d * e - past[HW_PAST_PRODUCT]) * steady;
        past[HW_PAST_SPREAD] += (e * e - past[HW_PAST_SPREAD]) * steady;
    }
    past[HW_PAST_FADING] += (past[HW_PAST_MEAN] + d - past[HW_PAST_FADING]) * fast;
    past[HW_PAST_MEAN] += d * rate;
    past[HW_PAST_MISS] = miss;
    past[HW_PAST_LAST + 2] = past[HW_PAST_LAST + 1];
    past[HW_PAST_LAST + 1] = past[HW_PAST_LAST];
    past[HW_PAST_LAST] = y;
    past[HW_PAST_ANSWERS] = t;
}

/* Begin a sample's entries with the answers before it. */
void hw_begin_entries(hw_learner *l, const double *inputs)
{
    l->entries = 0;
    for (int i = 0; i < l->answer_inputs; i++)
        if (inputs[i] == inputs[i]) {
            l->entry_slots[l->entries] = i;
            l->entry_x[l->entries++] = inputs[i];
        }
    l->added = (int32_t)l->entries;
    hw_set_base(l, inputs[0]);
}

/* A sample that names such a column itself says it itself. */
void hw_end_entries(hw_learner *l)
{
    double last = l->added && l->entry_slots[0] == 0 ? l->entry_x[0] : __builtin_nan("");
    bool own = false;
    for (int64_t i = l->added; i < l->entries; i++)
        own = own || (l->entry_slots[i] >= 0 && l->entry_slots[i] < l->answer_inputs);
    l->lag->own = own;
    if (!own)
        return;
    hw_drop_added(l);
    for (int64_t i = 0; i < l->entries; i++)
        last = l->entry_slots[i] == 0 ? l->entry_x[i] : last;
    hw_set_base(l, last);
}

/* Take away what hw_begin_entries has put in front of a sample. */
void hw_drop_added(hw_learner *l)
{
    if (!l->added)
        return;
    l->entries -= l->added;
    memmove(l->entry_slots, l->entry_slots + l->added, (size_t)l->entries * sizeof(int32_t));
    memmove(l->entry_x, l->entry_x + l->added, (size_t)l->entries * sizeof(double));
    l->added = 0;
}

/* Put other answers in front of the sample at hand: those that were known when it was predicted. */
void hw_replace_answers(hw_learner *l, const double *inputs)
{
    if (l->lag->own)
        return;
    int64_t n = 0, count = l->entries - l->added;
    for (int i = 0; i < l->answer_inputs; i++)
        n += inputs[i] == inputs[i];
    memmove(l->entry_slots + n, l->entry_slots + l->added, (size_t)count * sizeof(int32_t));
    memmove(l->entry_x + n, l->entry_x + l->added, (size_t)count * sizeof(double));
    hw_begin_entries(l, inputs);
    l->entries = (int32_t)(n + count);
}
