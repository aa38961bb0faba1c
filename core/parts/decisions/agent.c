/* An agent: what comes in is checked, room is made, rewards are scaled, and actions are drawn. kernels/kinds/agent.c
 * learns. */
#include "elementary.h"
#include "learner.h"

static const double FAR_REWARD = 20; /* a sum of rewards farther off counts as if it lay so many deviations from the mean,
                                      * and so does the reward that took it there */
static const double SETTLED = 10;    /* steps before that applies */
static const double LEAST_SPREAD = 1e-8;
static const double MOST_REWARD = 1e30;
static const double SHOWN_PACE = 1e-3; /* means that are shown fade so fast */
static const char TIME[] = "agent time";
enum { ACT = 41 };

/* ---- where things lie -------------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    double outputs = all[HW_D_OUTPUTS];
    double policy = d[HW_A_POLICY];
    DECLARED(policy == HW_ACTION_VALUES || policy == HW_SOFTMAX_POLICY || policy == HW_NORMAL_POLICY, "policy",
             "one of the policies", policy);
    DECLARED(d[HW_A_GAMMA] >= 0 && d[HW_A_GAMMA] <= 1, "gamma", "0 to 1", d[HW_A_GAMMA]);
    DECLARED(d[HW_A_LAMBDA] >= 0 && d[HW_A_LAMBDA] <= 1, "trace", "0 to 1", d[HW_A_LAMBDA]);
    for (int i = HW_A_VALUES; i <= HW_A_ACTIONS; i++)
        DECLARED(d[i] > 0 && d[i] <= 1e6, "kappa", "above 0, at most 1000000", d[i]);
    DECLARED(d[HW_A_ENTROPY] >= 0 && d[HW_A_ENTROPY] <= 1e6, "entropy", "0 to 1000000", d[HW_A_ENTROPY]);
    DECLARED(d[HW_A_EXPLORE] >= 0 && d[HW_A_EXPLORE] <= 1e15, "explore", "0 or more steps", d[HW_A_EXPLORE]);
    DECLARED(d[HW_A_RANDOM] >= 0 && d[HW_A_RANDOM] <= 1, "random", "0 to 1", d[HW_A_RANDOM]);
    DECLARED(d[HW_A_BOOTSTRAP] == 0 || d[HW_A_BOOTSTRAP] == 1, "bootstrap", "0 or 1", d[HW_A_BOOTSTRAP]);
    DECLARED(d[HW_A_BOUNDED] == 0 || d[HW_A_BOUNDED] == 1, "bounded", "0 or 1", d[HW_A_BOUNDED]);
    DECLARED(d[HW_A_ADAPTIVE] == 0 || d[HW_A_ADAPTIVE] == 1, "adaptive", "0 or 1", d[HW_A_ADAPTIVE]);
    bool bare =
        !l->targets && !l->history && !l->intervals && !l->ring && !l->knots && !l->cells && !l->embedding && !l->lean;
    DECLARED(l->growing && l->standard && bare, "an agent", "nets of standardised numbers, and nothing besides", 1);
    DECLARED(l->experts == (policy == HW_ACTION_VALUES ? 1 : 2), "experts of an agent",
             "one of values, and one of a policy", l->experts);
    DECLARED(policy != HW_NORMAL_POLICY || (int)outputs % 2 == 0, "outputs", "a mean and a deviation of each number",
             outputs);
    hw_agent_t *a = hw_begin_part(l, HW_PART_agent);
    if (!a)
        return HW_NO_MEMORY;
    a->policy = (int32_t)policy;
    a->gamma = d[HW_A_GAMMA];
    a->lambda = d[HW_A_LAMBDA];
    a->kappa[0] = d[HW_A_VALUES];
    a->kappa[1] = d[HW_A_ACTIONS];
    a->entropy = d[HW_A_ENTROPY];
    a->explore = d[HW_A_EXPLORE];
    a->random = d[HW_A_RANDOM];
    a->bootstrap = d[HW_A_BOOTSTRAP] == 1;
    a->bounded = d[HW_A_BOUNDED] == 1;
    a->adaptive = d[HW_A_ADAPTIVE] == 1;
    return 0;
}

int reserve_rows(hw_learner *l, int64_t rows)
{
    hw_agent_t *a = l->agent;
    if (!a)
        return 0;
    return hw_extend(&l->memory, &a->rows, (uint64_t)rows * HW_AGENT_ROW * 8) &&
                   hw_extend(&l->memory, &a->live, (uint64_t)rows * 4)
               ? 0
               : HW_NO_MEMORY;
}

static int make(hw_learner *l)
{
    hw_agent_t *a = l->agent;
    const hw_allocator *m = &l->memory;
    if (!a)
        return 0;
    if (l->states < 1 + a->adaptive)
        return HW_BAD_DECLARATION;
    if (!hw_extend(m, &a->numbers, HW_AGENT_NUMBERS * 8) || !hw_extend(m, &a->returns, HW_AGENT_EPISODES * 8) ||
        !hw_extend(m, &a->lengths, HW_AGENT_EPISODES * 8) ||
        !hw_extend(m, &a->out, HW_AGENT_EXPERTS * (uint64_t)l->outputs * 8))
        return HW_NO_MEMORY;
    a->numbers[HW_AN_SCALE] = 1;
    return reserve_rows(l, l->row_capacity);
}

/* The column that says how long an episode has lasted. */
static int begin(hw_learner *l)
{
    if (!l->agent)
        return 0;
    hw_value v = {.column = -1, .kind = HW_NUMBER, .name = TIME, .name_size = sizeof TIME - 1};
    int32_t column = hw_append_column(l, &v);
    return column == -1 ? HW_TOO_LARGE : column < 0 ? column : 0;
}

static bool has_column(const hw_learner *l)
{
    return l->columns.count && l->columns.slot[0] == 0 && l->columns.kind[0] == HW_NUMBER;
}

int hw_policy(const hw_learner *l) { return l->agent ? l->agent->policy : HW_NO_POLICY; }

static bool is_count(double x) { return x >= 0 && x <= 9007199254740992.0; }

/* Numbers of a state that was loaded: those that divide others, or say where something stands; and which rows have a trace.
 */
static int check(hw_learner *l, hw_fault *fault)
{
    hw_agent_t *a = l->agent;
    static const int counts[] = {HW_AN_TIME, HW_AN_REWARDS, HW_AN_EPISODES, HW_AN_TAKEN, HW_AN_TAKEN + 1};
    if (!a)
        return 0;
    SAVED(has_column(l), "columns", "that of an agent as the first", l->columns.count);
    a->live_count = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        SAVED(is_count(a->numbers[counts[i]]), "agent_numbers", "counts", a->numbers[counts[i]]);
    SAVED(a->numbers[HW_AN_SCALE] > 0 && a->numbers[HW_AN_SCALE] <= 1, "agent_numbers", "a scale above 0, at most 1",
          a->numbers[HW_AN_SCALE]);
    SAVED(a->numbers[HW_AN_SPREAD] >= 0, "agent_numbers", "a variance", a->numbers[HW_AN_SPREAD]);
    for (int64_t r = 0; r < l->rows; r++) {
        const double *own = a->rows + r * HW_AGENT_ROW;
        SAVED(own[HW_AR_LIVE] == 0 || own[HW_AR_LIVE] == 1, "agent_rows", "whether a row has a trace", own[HW_AR_LIVE]);
        for (int e = 0; e < HW_AGENT_EXPERTS; e++)
            SAVED(!a->adaptive || is_count(own[e]), "agent_rows", "steps that were taken", own[e]);
        if (own[HW_AR_LIVE] == 1)
            a->live[a->live_count++] = (int32_t)r;
    }
    return 0;
}

/* ---- states ---------------------------------------------------------------------------------------------- */

/* Put the time in front of the state that was read; what it says itself under that name is left out. */
static int put_time(hw_learner *l, double time)
{
    int64_t n = 0, entries = l->entries + 1;
    int status = entries > l->entry_capacity ? hw_reserve_entries(l, entries) : 0;
    if (status >= 0 && entries + 3 > l->pair_capacity)
        status = hw_reserve_pairs(l, entries);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < l->entries; i++)
        if (l->entry_slots[i] != 0) {
            l->entry_slots[n] = l->entry_slots[i];
            l->entry_x[n++] = l->entry_x[i];
        }
    memmove(l->entry_slots + 1, l->entry_slots, (size_t)n * sizeof(int32_t));
    memmove(l->entry_x + 1, l->entry_x, (size_t)n * sizeof(double));
    l->entry_slots[0] = 0;
    l->entry_x[0] = time;
    l->entries = (int32_t)n + 1;
    return 0;
}

static double largest(const double *x, int n)
{
    double top = x[0];
    for (int j = 1; j < n; j++)
        top = x[j] > top ? x[j] : top;
    return top;
}

/* What the state that was read is worth, `later` steps from now. */
static int worth(hw_learner *l, double later, double *value)
{
    hw_agent_t *a = l->agent;
    int status = put_time(l, a->numbers[HW_AN_TIME] + later);
    if (status < 0)
        return status;
    l->kernels->look(l, 0, a->out);
    *value = a->policy == HW_ACTION_VALUES ? largest(a->out, l->outputs) : a->out[0];
    return 0;
}

/* ---- actions --------------------------------------------------------------------------------------------- */

static void softmax(const double *z, double *p, int n)
{
    double top = largest(z, n), sum = 0;
    for (int j = 0; j < n; j++)
        sum += p[j] = hw_exp64(z[j] - top < -60 ? -60 : z[j] - top);
    for (int j = 0; j < n; j++)
        p[j] /= sum;
}

/* The share of random actions falls from 1 over the first steps, and stays. */
static double share_of_random(const hw_learner *l)
{
    const hw_agent_t *a = l->agent;
    double left = a->explore > 0 ? 1 - (double)l->learned / a->explore : 0;
    return left > 0 ? a->random + (1 - a->random) * left : a->random;
}

static double mean_of(const hw_learner *l, double z) { return l->agent->bounded ? hw_tanh64(z) : z; }
static double deviation(double z) { return hw_softplus64(z) + HW_LEAST_DEVIATION; }

static int drawn(const double *p, int n, double u)
{
    for (int j = 0; j < n - 1; j++) {
        u -= p[j];
        if (u < 0)
            return j;
    }
    return n - 1;
}

/* A reward's unit: the deviation of their discounted sum. */
static double unit_of(const hw_agent_t *a)
{
    double t = a->numbers[HW_AN_REWARDS], spread = t > 1 ? a->numbers[HW_AN_SPREAD] * t / (t - 1) : 1;
    return __builtin_sqrt(spread + LEAST_SPREAD);
}

/* What the table says, in units that rewards are scaled by. */
static int value_of_table(hw_learner *l, double *value)
{
    hw_tiles_look(l, value + 1);
    value[0] = largest(value + 1, l->outputs);
    for (int j = 0; j <= l->outputs; j++)
        value[j] /= unit_of(l->agent);
    return 0;
}

int hw_state_value(hw_learner *l, double *value)
{
    hw_agent_t *a = l->agent;
    if (a && hw_better_reader(l) == HW_BY_TABLE)
        return value_of_table(l, value);
    int n = l->outputs, half = n / 2, status = a ? worth(l, 0, value) : HW_BAD_ARGUMENT;
    if (status < 0)
        return status;
    if (a->policy == HW_ACTION_VALUES) {
        memcpy(value + 1, a->out, (size_t)n * sizeof(double));
        return 0;
    }
    l->kernels->look(l, 1, a->out);
    if (a->policy == HW_SOFTMAX_POLICY) {
        softmax(a->out, value + 1, n);
        return 0;
    }
    for (int j = 0; j < half; j++) {
        value[1 + j] = mean_of(l, a->out[j]);
        value[1 + half + j] = deviation(a->out[half + j]);
    }
    return 0;
}

/* Box & Muller 1958. */
static double normal(uint64_t key, uint64_t i)
{
    double u = 1 - hw_unit(hw_bits(key, 2 * i)), v = hw_unit(hw_bits(key, 2 * i + 1));
    return __builtin_sqrt(-2 * hw_log64(u)) * hw_cos2pi64(v);
}

static int best_of(const double *values, int n)
{
    int best = 0;
    for (int j = 1; j < n; j++)
        best = values[j] > values[best] ? j : best;
    return best;
}

/* One of the best actions of the table, even by u: what was never tried in a new state is worth as much as the rest. */
static int best_of_table(const double *values, int n, double u)
{
    double top = largest(values, n);
    int equal = 0, place = 0;
    for (int j = 0; j < n; j++)
        equal += values[j] == top;
    for (int j = 0, left = (int)(u * equal); j < n; j++)
        if (values[j] == top && left-- == 0)
            place = j;
    return place;
}

int hw_act(hw_learner *l, int explore, double *action)
{
    hw_agent_t *a = l->agent;
    uint64_t key = hw_key(l->seed, ACT, (uint64_t)l->learned);
    if (a && a->policy == HW_ACTION_VALUES && explore && hw_unit(hw_bits(key, 0)) < share_of_random(l)) {
        action[0] = (double)(int64_t)(hw_unit(hw_bits(key, 1)) * l->outputs);
        return 0;
    }
    if (a && (explore ? hw_reader(l) : hw_better_reader(l)) == HW_BY_TABLE) {
        hw_tiles_look(l, a->out);
        action[0] = best_of_table(a->out, l->outputs, explore ? hw_unit(hw_bits(key, 2)) : 0);
        return 0;
    }
    int n = l->outputs, half = n / 2, status = a ? put_time(l, a->numbers[HW_AN_TIME]) : HW_BAD_ARGUMENT;
    if (status < 0)
        return status;
    l->kernels->look(l, 0, a->out); /* it reads the state */
    double *said = a->out + n;
    if (a->policy == HW_ACTION_VALUES)
        memcpy(said, a->out, (size_t)n * sizeof(double));
    else
        l->kernels->look(l, 1, said);
    if (a->policy == HW_NORMAL_POLICY) {
        for (int j = 0; j < half; j++)
            action[j] = mean_of(l, said[j]) + (explore ? deviation(said[half + j]) * normal(key, (uint64_t)j) : 0);
        return 0;
    }
    int best = best_of(said, n);
    if (explore && a->policy == HW_SOFTMAX_POLICY) {
        softmax(said, said, n);
        best = drawn(said, n, hw_unit(hw_bits(key, 0)));
    }
    action[0] = best;
    return 0;
}

/* ---- transitions ------------------------------------------------------------------------------------------ */

int hw_read_next(hw_learner *l)
{
    hw_agent_t *a = l->agent;
    int role = a ? hw_tiles_role(l) : HW_NO_TABLE;
    if (role != HW_NO_TABLE) {
        hw_tiles_look(l, a->out);
        l->tiles->next = hw_tiles_value(l, a->out);
    }
    if (a)
        a->next = 0;
    return !a ? HW_BAD_ARGUMENT : role == HW_TABLE_ALONE ? 0 : worth(l, 1, &a->next);
}

/* A reward that is not out of all measure; the deviation of their discounted sum follows it (Welford 1962). */
static double bounded(hw_agent_t *a, double reward)
{
    double *n = a->numbers, t = n[HW_AN_REWARDS] + 1, sum = a->gamma * n[HW_AN_FOLLOWED] + reward;
    double d = sum - n[HW_AN_MEAN], bound = FAR_REWARD * __builtin_sqrt(n[HW_AN_SPREAD]);
    if (t > SETTLED && bound > 0) {
        d = d < -bound ? -bound : d > bound ? bound : d;
        sum = n[HW_AN_MEAN] + d;
        reward = sum - a->gamma * n[HW_AN_FOLLOWED];
    }
    n[HW_AN_FOLLOWED] = sum;
    if (HW_WEIGHS && !(a->weight > 0))
        return reward;
    n[HW_AN_MEAN] += d / t;
    n[HW_AN_SPREAD] = (1 - 1 / t) * (n[HW_AN_SPREAD] + d * d / t);
    n[HW_AN_REWARDS] = t;
    return reward;
}

static void end_episode(hw_agent_t *a)
{
    double *n = a->numbers;
    int64_t place = (int64_t)n[HW_AN_EPISODES] % HW_AGENT_EPISODES;
    a->returns[place] = n[HW_AN_RETURN];
    a->lengths[place] = n[HW_AN_TIME];
    n[HW_AN_EPISODES] += 1;
    n[HW_AN_TIME] = n[HW_AN_FOLLOWED] = n[HW_AN_RETURN] = 0;
}

static void go_on(hw_learner *l, double reward, bool ended)
{
    hw_agent_t *a = l->agent;
    a->next = 0;
    a->numbers[HW_AN_TIME] += 1;
    a->numbers[HW_AN_RETURN] += reward;
    if (ended)
        end_episode(a);
    if (!l->tiles)
        return;
    l->tiles->next = 0;
    hw_follow_trial(l, reward, share_of_random(l), ended);
}

static bool is_action(const hw_learner *l, const double *action)
{
    if (l->agent->policy != HW_NORMAL_POLICY)
        return action[0] >= 0 && action[0] < l->outputs && action[0] == (double)(int32_t)action[0];
    for (int j = 0; j < l->outputs / 2; j++)
        if (!(action[j] >= -MOST_REWARD && action[j] <= MOST_REWARD))
            return false;
    return true;
}

static void end_future(hw_learner *l)
{
    l->agent->next = 0;
    if (l->tiles)
        l->tiles->next = 0;
}

/* What is shown of learning, where the net doesn't learn: the table has learned a transition. */
static void note_table(hw_learner *l, double action, double reward, double delta)
{
    double *n = l->agent->numbers, unit = unit_of(l->agent), value = l->tiles->out[(int)action];
    bool greedy = value >= largest(l->tiles->out, l->outputs);
    l->learned += 1;
    if (HW_WEIGHS && !(l->agent->weight > 0))
        return;
    n[HW_AN_ERROR] += SHOWN_PACE * ((delta < 0 ? -delta : delta) / unit - n[HW_AN_ERROR]);
    n[HW_AN_WORTH] += SHOWN_PACE * ((delta - reward + value) / unit - n[HW_AN_WORTH]);
    n[HW_AN_RANDOM] += SHOWN_PACE * (!greedy - n[HW_AN_RANDOM]);
}

/* Make room for a state with so many entries that are filled. */
static int reserve_transition(hw_learner *l, int64_t filled)
{
    int status = put_time(l, l->agent->numbers[HW_AN_TIME]);
    if (status < 0)
        return status;
    if (!l->fan_in)
        l->fan_in = filled;
    status = l->tiles ? hw_reserve_tiles(l) : 0;
    return status < 0 ? status : hw_draw_rows(l);
}

int hw_learn_transition(hw_learner *l, const double *action, double reward, int terminated, int truncated, double w)
{
    hw_agent_t *a = l->agent;
    bool known = reward == reward, ended = terminated || truncated;
    if (!a || (known && (!is_action(l, action) || !(reward >= -MOST_REWARD && reward <= MOST_REWARD))) ||
        (HW_WEIGHS && !(w >= 0 && w <= HW_MOST_WEIGHT)))
        return HW_BAD_ARGUMENT;
    a->weight = w;
    if (!known) {
        l->kernels->end_traces(l);
        if (l->tiles)
            hw_end_tile_traces(l);
        go_on(l, 0, ended);
        return 0;
    }
    int64_t filled = 1;
    for (int64_t i = 0; i < l->entries; i++)
        filled += l->entry_x[i] - l->entry_x[i] == 0;
    int status = reserve_transition(l, filled);
    if (status < 0)
        return status;
    hw_count_shared(l);
    double taken = bounded(a, reward);
    if (terminated || (truncated && !a->bootstrap))
        end_future(l);
    int role = hw_tiles_role(l), learned = 1;
    double delta = role == HW_NO_TABLE || hw_reader(l) == HW_BY_NET ? 0 : hw_learn_tiles(l, (int)action[0], taken, ended);
    if (role == HW_TABLE_ALONE)
        note_table(l, action[0], taken, delta);
    else
        learned = l->kernels->learn_transition(l, action, taken / unit_of(a), ended);
    go_on(l, reward, ended);
    return hw_transition_weight(a) > 0 ? learned : 0;
}

static int64_t count(const hw_learner *l, int code) { return (void)code, l->sizes[HW_N_ROWS]; }

const hw_part hw_part_agent = {.tag = HW_TAG_AGENT,
                               .least = HW_AGENT,
                               .most = HW_AGENT,
                               .bars = HW_BIT(text) | HW_BIT(recurrent) | HW_BIT(forecast) | HW_BIT(bandit),
                               .several = true,
                               .parse = parse,
                               .count = count,
                               .make = make,
                               .begin = begin,
                               .check = check,
                               .reserve_rows = reserve_rows};
