/* How far a bandit trusts its row.
 *
 * Beside the values that depend on the row stands the mean reward of each action, whatever the row. The value that decides
 * is the mean plus a share of what the row changes in it. The share is a regression of one number, shrunk towards 1
 * (Wolpert 1992, stacking): rows that say nothing are soon not believed, and a few hundred decisions between two actions
 * are those of their means. Formulas and sources stand in headwater/plain/kinds/bandit.py. */
#include "elementary.h"
#include "learner.h"

static const double FADES = 0.002;       /* of losses and shares: about the last 500 rows count, */
static const double MEANS_FADE = 0.001;  /* and the last 1,000 rewards of an action in its mean */
static const double PRIOR = 3;           /* so many times an error's variance speak for a share of 1 */
static const double NETS_BEHIND = 5;     /* nets begin with such a loss, since least squares learn earlier */
static const double FEWEST_LOSSES = .02; /* stands in for errors while there are none */

static double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static double least(double a, double b) { return a < b ? a : b; }

/* As if 0.5 had been earned once before. */
double hw_mean_reward(const hw_stack_t *s)
{
    const double *n = s->numbers;
    return (n[HW_ST_REWARD] * n[HW_ST_ROWS] + 0.5) / (n[HW_ST_ROWS] + 1);
}

/* As if it had earned the mean of all actions once before. */
static double mean_of(const hw_stack_t *s, int64_t action)
{
    const double *own = s->means + action * HW_SM_NUMBERS;
    return (own[HW_SM_SUM] + hw_mean_reward(s)) / (own[HW_SM_COUNT] + 1);
}

double hw_stacked_value(const hw_stack_t *s, int64_t action, double of_row)
{
    double share = s->numbers[HW_ST_SHARE];
    return share * of_row + (1 - share) * mean_of(s, action);
}

/* The deviation of the mean, as far as it is the mean that decides. */
double hw_stacked_bonus(const hw_stack_t *s, int64_t action)
{
    const double *n = s->numbers;
    double count = action < 0 ? 0 : s->means[action * HW_SM_NUMBERS + HW_SM_COUNT];
    double variance = (n[HW_ST_MEAN_LOSS] + 0.25) / (n[HW_ST_WEIGHT] + 1);
    return (1 - n[HW_ST_SHARE]) * __builtin_sqrt(variance / (count + 1));
}

void hw_learn_stack(hw_stack_t *s, int64_t action, double of_row, double y, double importance, double rows, bool fresh)
{
    double *n = s->numbers, *own = s->means + action * HW_SM_NUMBERS;
    double weight = importance * rows, fades = MEANS_FADE * least(rows, 1);
    double mean = mean_of(s, action), changed = of_row - mean, stays = 1 - FADES * least(weight, 1);
    if (!fresh) {
        n[HW_ST_SQUARES] = stays * n[HW_ST_SQUARES] + weight * changed * changed;
        n[HW_ST_PRODUCTS] = stays * n[HW_ST_PRODUCTS] + weight * changed * (y - mean);
        n[HW_ST_MEAN_LOSS] = stays * n[HW_ST_MEAN_LOSS] + weight * (y - mean) * (y - mean);
        n[HW_ST_LOSS] = stays * n[HW_ST_LOSS] + weight * (y - of_row) * (y - of_row);
        n[HW_ST_WEIGHT] = stays * n[HW_ST_WEIGHT] + weight;
    }
    double variance = (least(n[HW_ST_LOSS], n[HW_ST_MEAN_LOSS]) + FEWEST_LOSSES) / (n[HW_ST_WEIGHT] + 1);
    n[HW_ST_SHARE] = within((PRIOR * variance + n[HW_ST_PRODUCTS]) / (PRIOR * variance + n[HW_ST_SQUARES]), 0, 1);
    own[HW_SM_SUM] += rows * y - fades * own[HW_SM_SUM];
    own[HW_SM_COUNT] += rows - fades * own[HW_SM_COUNT];
    n[HW_ST_ROWS] += rows;
    n[HW_ST_REWARD] += rows * (y - n[HW_ST_REWARD]) / n[HW_ST_ROWS];
}

/* ---- the part ---------------------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    (void)all;
    DECLARED(own->at[HW_K_FEATURES] == 0 || own->at[HW_K_FEATURES] == 1, "features of actions", "0 or 1",
             own->at[HW_K_FEATURES]);
    return hw_begin_part(l, HW_PART_stack) ? 0 : HW_NO_MEMORY;
}

static int64_t count(const hw_learner *l, int code)
{
    (void)code;
    return l->bandit->counts[HW_BC_ACTIONS];
}

int hw_reserve_stack(hw_learner *l)
{
    uint64_t actions = (uint64_t)l->output_capacity;
    return !l->stack || hw_extend(&l->memory, &l->stack->means, actions * HW_SM_NUMBERS * 8) ? 0 : HW_NO_MEMORY;
}

static int make(hw_learner *l)
{
    if (!l->stack)
        return 0;
    return hw_extend(&l->memory, &l->stack->numbers, HW_ST_NUMBERS * 8) ? hw_reserve_stack(l) : HW_NO_MEMORY;
}

static int begin(hw_learner *l)
{
    l->stack->numbers[HW_ST_SHARE] = 1;
    for (int e = 0; e < l->experts; e++)
        l->bandit->shares[2 * e + 1] = NETS_BEHIND;
    return 0;
}

static int check(hw_learner *l, hw_fault *fault)
{
    const double *n = l->stack->numbers;
    for (int i = HW_ST_SQUARES; i < HW_ST_NUMBERS; i++)
        SAVED(i == HW_ST_PRODUCTS || i == HW_ST_REWARD || n[i] >= 0, "bandit_stack", "sums and weights of 0 or more", n[i]);
    SAVED(n[HW_ST_SHARE] <= 1, "bandit_stack", "a share from 0 to 1", n[HW_ST_SHARE]);
    for (int64_t a = 0; a < l->bandit->counts[HW_BC_ACTIONS]; a++)
        SAVED(l->stack->means[a * HW_SM_NUMBERS + HW_SM_COUNT] >= 0, "bandit_means", "counts",
              l->stack->means[a * HW_SM_NUMBERS + HW_SM_COUNT]);
    return 0;
}

const hw_part hw_part_stack = {.tag = HW_TAG_STACK,
                               .least = HW_STACK,
                               .most = HW_STACK,
                               .needs = HW_BIT(bandit),
                               .parse = parse,
                               .count = count,
                               .make = make,
                               .begin = begin,
                               .check = check};
