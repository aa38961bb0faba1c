/* Decisions: which of some actions to take, learned from the rewards of those that were taken.
 *
 * Each action is an output. Its value in a context x is the reward expected of it, in [0, 1]: a weighted mean of what the
 * nets say and of what a linear function of the inputs says, one an action, kept by recursive least squares. Only the
 * output of the action that was taken has an error to learn from. Which action is taken is drawn (squarecb and others), so
 * its probability is known. Formulas and sources stand in headwater/plain/kinds/bandit.py. */
#include "elementary.h"
#include "learner.h"

static const double RIDGE = 1;     /* P of least squares begins as the unit matrix over this */
static const double RATE = 0.3;    /* of the weights, by squared error, */
static const double FADES = 0.002; /* of which about the last 500 count */
static const double HEAVIEST = 10; /* the error of an action that is seldom taken counts at most so many times */
static const double SHARE = 1e-3;  /* no weight is smaller */
enum { FEWEST = 8 };               /* inputs of least squares at first */
enum { DRAW_ACTION = 11 };
static const double TRIED = 3;       /* an action is young until it was taken so often */
static const double BONUS = 0.07;    /* squarecb: so many deviations of least squares are added to a value, */
static const double FEW_INPUTS = 16; /* of more inputs fewer, by the root of how many */
static const double DRIFTS = 3e-4;   /* P of least squares grows back by this share each time: what was long ago fades */
static const double FRESH = 2;       /* the first errors of an action say nothing of its row */
static const double UNTRIED = 2;     /* "greedy" takes an action once before it judges: above all values */
/* What bandits of older files go on with, which have no stack. */
static const double BONUS_BEFORE = 0.1;

static double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }
static bool finite(double x) { return x - x == 0; }

/* Where the nets' mixture goes. */
static void *slot(hw_learner *l) { return (char *)l->predictions + (l->all + 3) * l->output_capacity * hw_number(l); }

/* ---- where things lie -------------------------------------------------------------------------------------- */

static int check_declared(const hw_learner *l, const double *all, const double *d, hw_fault *fault)
{
    static const struct {
        int at;
        double low, high;
        const char *name, *expected;
    } bounds[] = {{HW_B_EXPLORE, 0, HW_EXPLORATIONS - 1, "explore", "one of the explorations"},
                  {HW_B_AMOUNT, 0, 1e9, "amount of exploration", "0 to 1e9"},
                  {HW_B_POWER, 0, 1, "power of exploration", "0 to 1"},
                  {HW_B_LOWEST, -1e30, 1e30, "lowest reward", "a number"},
                  {HW_B_HIGHEST, -1e30, 1e30, "highest reward", "a number"},
                  {HW_B_INPUTS, 1, HW_MOST_LINEAR, "inputs of least squares", "1 to 256"}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        double x = d[bounds[i].at];
        bool whole = bounds[i].at != HW_B_EXPLORE && bounds[i].at != HW_B_INPUTS;
        if (!(x >= bounds[i].low && x <= bounds[i].high && (whole || x == (double)(int64_t)x))) {
            *fault = (hw_fault){bounds[i].name, bounds[i].expected, x};
            return HW_BAD_DECLARATION;
        }
    }
    if (!(d[HW_B_HIGHEST] > d[HW_B_LOWEST])) {
        *fault = (hw_fault){"highest reward", "above the lowest", d[HW_B_HIGHEST]};
        return HW_BAD_DECLARATION;
    }
    if (hw_is_of_classes((int)all[HW_HEAD + HW_E_LOSS])) {
        *fault = (hw_fault){"losses of the experts", "none of classes where actions are chosen", 1};
        return HW_BAD_DECLARATION;
    }
    if (!l->growing || l->targets || l->history || l->intervals || l->mixture) {
        *fault = (hw_fault){"a bandit", "nets of numbers that are not standardised, without history and intervals", 1};
        return HW_BAD_DECLARATION;
    }
    return 0;
}

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    int status = check_declared(l, all, d, fault);
    if (status < 0)
        return status;
    hw_bandit_t *b = hw_begin_part(l, HW_PART_bandit);
    if (!b)
        return HW_NO_MEMORY;
    b->explore = (int)d[HW_B_EXPLORE];
    b->amount = d[HW_B_AMOUNT];
    b->power = d[HW_B_POWER];
    b->lowest = d[HW_B_LOWEST];
    b->highest = d[HW_B_HIGHEST];
    b->most = (int64_t)d[HW_B_INPUTS];
    return 0;
}

/* Room for the numbers of so many actions with so many inputs each. Nothing is changed where there is none. */
static int lay_out(hw_learner *l, int64_t actions, int64_t inputs)
{
    hw_bandit_t *b = l->bandit;
    int64_t known = b->counts[HW_BC_ACTIONS], before = b->counts[HW_BC_INPUTS], room = l->output_capacity;
    double *weights = b->weights, *inverse = b->inverse;
    if (!hw_extend(&l->memory, &b->actions, (uint64_t)room * HW_A_NUMBERS * 8) ||
        !hw_extend(&l->memory, &b->row, 2 * (uint64_t)inputs * 8))
        return HW_NO_MEMORY;
    if (inputs != before || hw_capacity(weights) < (size_t)(actions * inputs) * 8 ||
        hw_capacity(inverse) < (size_t)(actions * inputs * inputs) * 8) {
        weights = hw_allocate(&l->memory, (uint64_t)(room * inputs) * 8);
        inverse = hw_allocate(&l->memory, (uint64_t)(room * inputs * inputs) * 8);
        if (!weights || !inverse)
            return hw_release(weights), hw_release(inverse), HW_NO_MEMORY;
        for (int64_t a = 0; a < known; a++) {
            memcpy(weights + a * inputs, b->weights + a * before, (size_t)before * 8);
            for (int64_t i = 0; i < before; i++)
                memcpy(inverse + (a * inputs + i) * inputs, b->inverse + (a * before + i) * before, (size_t)before * 8);
        }
        hw_release(b->weights);
        hw_release(b->inverse);
        b->weights = weights;
        b->inverse = inverse;
    }
    for (int64_t a = 0; a < actions; a++)
        for (int64_t i = a < known ? before : 0; i < inputs; i++)
            b->inverse[(a * inputs + i) * inputs + i] = 1 / RIDGE;
    for (int64_t i = known * HW_A_NUMBERS; i < actions * HW_A_NUMBERS; i++)
        b->actions[i] = 0;
    b->counts[HW_BC_ACTIONS] = actions;
    b->counts[HW_BC_INPUTS] = inputs;
    return 0;
}

/* Room for least squares of all actions, and of the rows that the table has, as far as they take part. */
static int reserve(hw_learner *l, int64_t pairs)
{
    const hw_bandit_t *b = l->bandit;
    (void)pairs;
    if (!b)
        return 0;
    int64_t inputs = b->counts[HW_BC_INPUTS] ? b->counts[HW_BC_INPUTS] : FEWEST;
    while (inputs < l->rows && inputs < b->most)
        inputs *= 2;
    inputs = inputs < b->most && !(HW_EMBEDS && l->text) ? inputs : b->most;
    bool fits = inputs == b->counts[HW_BC_INPUTS] && l->outputs == b->counts[HW_BC_ACTIONS];
    int status = fits ? 0 : hw_reserve_stack(l);
    return fits || status < 0 ? status : lay_out(l, l->outputs, inputs);
}

static int make(hw_learner *l)
{
    hw_bandit_t *b = l->bandit;
    const hw_allocator *m = &l->memory;
    if (!b)
        return 0;
    if (!hw_extend(m, &b->counts, HW_BC_COUNTS * 8) || !hw_extend(m, &b->shares, 2 * (uint64_t)(l->experts + 1) * 8) ||
        !hw_extend(m, &b->ring, (uint64_t)l->ring * 4 + 4))
        return HW_NO_MEMORY;
    uint64_t actions = (uint64_t)b->counts[HW_BC_ACTIONS], inputs = (uint64_t)b->counts[HW_BC_INPUTS];
    bool got = hw_extend(m, &b->actions, actions * HW_A_NUMBERS * 8 + 8) &&
               hw_extend(m, &b->weights, actions * inputs * 8 + 8) &&
               hw_extend(m, &b->inverse, actions * inputs * inputs * 8 + 8) && hw_extend(m, &b->row, 2 * inputs * 8 + 8);
    return got ? 0 : HW_NO_MEMORY;
}

/* Equal weights. */
static int begin(hw_learner *l)
{
    double share = 1.0 / (l->experts + 1);
    for (int e = 0; l->bandit && e <= l->experts; e++) {
        l->bandit->shares[2 * e] = share;
        if (e < l->experts)
            l->running[e * HW_RUNNING + HW_WEIGHT] = share;
    }
    return 0;
}

/* ---- what least squares read of the sample at hand --------------------------------------------------------- */

/* Rows of the table that may take part. The last inputs are the sketch of embeddings, where these are read. */
static int64_t table_inputs(const hw_learner *l)
{
    return l->bandit->most - (HW_EMBEDS && l->text && l->bandit->most > HW_SKETCH ? HW_SKETCH : 0);
}

static int64_t sketched(const hw_learner *l)
{
    return HW_EMBEDS && hw_has_words(l) ? l->bandit->most - table_inputs(l) : 0;
}

/* sum, and that of the inputs at hand times the numbers of n inputs. */
static double add_products(const hw_learner *l, const double *numbers, int64_t n, double sum)
{
    int64_t most = table_inputs(l), rows = n < most ? n : most, sketch = n > most ? sketched(l) : 0;
    for (int64_t i = 0; i < l->active; i++)
        if (l->rows_at[i] < rows)
            sum += numbers[l->rows_at[i]] * hw_get(l, l->values_at, i);
    for (int64_t k = 0; k < sketch; k++)
        sum += numbers[most + k] * l->text->sketch[k];
    return sum;
}

/* ---- what the inputs say by themselves ----------------------------------------------------------------------- */

/* theta' x of action a: the mean of all rewards, and the sum over the sample's pairs of rows that take part. */
static double linear_value(const hw_learner *l, int64_t a)
{
    const hw_bandit_t *b = l->bandit;
    int64_t n = b->counts[HW_BC_INPUTS];
    double sum = l->stack ? hw_mean_reward(l->stack) : 0;
    if (a < 0 || a >= b->counts[HW_BC_ACTIONS])
        return sum;
    return add_products(l, b->weights + a * n, n, sum);
}

/* x' P x of action a; of one that has none yet, as it would begin. */
static double linear_variance(const hw_learner *l, int64_t a)
{
    const hw_bandit_t *b = l->bandit;
    int64_t n = a >= 0 && a < b->counts[HW_BC_ACTIONS] ? b->counts[HW_BC_INPUTS] : 0, most = table_inputs(l);
    const double *P = b->inverse + (n ? a * n * n : 0);
    double sum = 0;
    for (int64_t i = 0; i < l->active; i++) {
        int64_t r = l->rows_at[i];
        double x = hw_get(l, l->values_at, i);
        if (r < n && r < most)
            sum += x * add_products(l, P + r * n, n, 0);
        else
            sum += r < most ? x * x / RIDGE : 0;
    }
    for (int64_t k = 0; k < sketched(l); k++) {
        double x = l->text->sketch[k];
        sum += n > most ? x * add_products(l, P + (most + k) * n, n, 0) : x * x / RIDGE;
    }
    return sum;
}

/* P of action a begins anew; its weights stay. */
static void begin_inverse(hw_bandit_t *b, int64_t a)
{
    int64_t n = b->counts[HW_BC_INPUTS];
    memset(b->inverse + a * n * n, 0, (size_t)(n * n) * 8);
    for (int64_t i = 0; i < n; i++)
        b->inverse[(a * n + i) * n + i] = 1 / RIDGE;
}

/* P grows towards its beginning, as for weights that wander: so they follow what changes. It stays symmetric and definite.
 * part: how much of a row has passed, at most 1. */
static void let_drift(hw_bandit_t *b, int64_t a, double part)
{
    int64_t n = b->counts[HW_BC_INPUTS];
    double *P = b->inverse + a * n * n;
    for (int64_t i = 0; i < n; i++)
        P[i * n + i] += DRIFTS * part * most(0, 1 - P[i * n + i] * RIDGE);
}

static void add_row(double *restrict sum, const double *restrict row, double x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        sum[i] += row[i] * x;
}

/* k = P x / (1 / weight + x'P x), theta += k (y - theta'x), P -= k (P x)'. P stays symmetric to the bit. */
static void learn_linear(hw_learner *l, int64_t a, double y, double weight)
{
    hw_bandit_t *b = l->bandit;
    int64_t n = b->counts[HW_BC_INPUTS], most = table_inputs(l);
    double *P = b->inverse + a * n * n, *w = b->weights + a * n, *px = b->row, along, miss = y - linear_value(l, a);
    for (int64_t i = 0; i < n; i++)
        px[i] = 0;
    for (int64_t j = 0; j < l->active; j++)
        if (l->rows_at[j] < n && l->rows_at[j] < most)
            add_row(px, P + l->rows_at[j] * n, hw_get(l, l->values_at, j), n);
    for (int64_t k = 0; n > most && k < sketched(l); k++)
        add_row(px, P + (most + k) * n, l->text->sketch[k], n);
    along = add_products(l, px, n, 0);
    double down = 1 / weight + along;                       /* infinite for the least weights, which then move nothing */
    if (!(along >= 0) || !finite(along) || !finite(miss)) { /* rounding has made it no inverse any more */
        begin_inverse(b, a);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double *p = P + i * n, x = px[i];
        if (x == 0)
            continue;
        w[i] += x / down * miss;
        for (int64_t j = 0; j < n; j++)
            p[j] -= x * px[j] / down;
    }
    if (l->stack)
        let_drift(b, a, least(weight, 1));
}

/* ---- values -------------------------------------------------------------------------------------------------- */

/* Weights of nets and of least squares: w ~ exp(-RATE L), L their fading sums of squared errors. */
static void weigh(hw_learner *l, double linear, double y, double weight)
{
    hw_bandit_t *b = l->bandit;
    int n = l->experts + 1;
    double lowest = 0, sum = 0;
    for (int e = 0; e < n; e++) {
        double said = e < l->experts ? hw_get(l, l->predictions, (int64_t)e * l->output_capacity + b->action) : linear;
        double miss = finite(said) ? y - within(said, 0, 1) : 1, *loss = b->shares + 2 * e + 1;
        *loss += weight * miss * miss - FADES * least(weight, 1) * *loss;
        lowest = e == 0 || *loss < lowest ? *loss : lowest;
    }
    for (int e = 0; e < n; e++)
        sum += b->shares[2 * e] = hw_exp64(-RATE * within(b->shares[2 * e + 1] - lowest, 0, 500));
    for (int e = 0; e < n; e++) {
        double *w = b->shares + 2 * e;
        *w = (1 - n * SHARE) * *w / sum + SHARE;
        if (e < l->experts)
            l->running[e * HW_RUNNING + HW_WEIGHT] = *w;
    }
}

/* What the sample's embeddings add to the value of action a. */
static double value_of_blocks(const hw_learner *l, int64_t a)
{
    return HW_EMBEDS && hw_has_words(l) ? hw_get(l, l->text->z, a) : 0;
}

/* The value that the sample at hand gives to action a, in [0, 1]. */
static double value_of_row(const hw_learner *l, int64_t a)
{
    double nets = 0;
    for (int e = 0; e < l->experts; e++)
        nets += l->running[e * HW_RUNNING + HW_WEIGHT] * hw_get(l, l->predictions, (int64_t)e * l->output_capacity + a);
    double value = nets + l->bandit->shares[2 * l->experts] * linear_value(l, a) + value_of_blocks(l, a);
    return finite(value) ? within(value, 0, 1) : 0;
}

/* The value of action a of the sample that was predicted just now, in [0, 1]; a new one has 0. */
static double value_of(const hw_learner *l, int64_t a)
{
    if (a < 0 || a >= l->outputs)
        return 0;
    double value = value_of_row(l, a);
    return l->stack && a < l->bandit->counts[HW_BC_ACTIONS] ? hw_stacked_value(l->stack, a, value) : value;
}

double hw_miss_of_value(const hw_learner *l, double y) { return value_of_row(l, l->bandit->action) - y; }

void hw_learn_values(hw_learner *l, double y, double weight)
{
    hw_bandit_t *b = l->bandit;
    double *own = b->actions + b->action * HW_A_NUMBERS, linear = linear_value(l, b->action);
    double of_row = l->stack ? value_of_row(l, b->action) : 0;
    weigh(l, linear, y, b->importance * weight);
    learn_linear(l, b->action, y, weight);
    if (l->stack)
        hw_learn_stack(l->stack, b->action, of_row, y, b->importance, weight, own[HW_A_TAKEN] < FRESH);
    own[HW_A_TAKEN] += 1;
    own[HW_A_REWARD] += (y - own[HW_A_REWARD]) / own[HW_A_TAKEN];
}

int hw_values(hw_learner *l, double *values)
{
    int status = l->bandit ? hw_predict(l, slot(l), NULL) : HW_BAD_ARGUMENT;
    for (int64_t a = 0; status >= 0 && a < l->outputs; a++)
        values[a] = l->bandit->lowest + (l->bandit->highest - l->bandit->lowest) * value_of(l, a);
    return status < 0 ? status : 0;
}

/* ---- which action ---------------------------------------------------------------------------------------------- */

static double times_taken(const hw_learner *l, int64_t a)
{
    const hw_bandit_t *b = l->bandit;
    return a >= 0 && a < b->counts[HW_BC_ACTIONS] ? b->actions[a * HW_A_NUMBERS + HW_A_TAKEN] : 0;
}

/* How far action a has been tried: 0 if never, 1 once it was taken often enough to be judged. */
static double tried(const hw_learner *l, int64_t a) { return least(times_taken(l, a) / TRIED, 1); }

/* The probability of action a, of `count` offered, whose score lies `gap` below the best. */
static double probability_of(const hw_learner *l, int64_t a, double gap, double count)
{
    const hw_bandit_t *b = l->bandit;
    double known = tried(l, a), t = known * (double)l->learned, gamma = t > 0 ? b->amount * hw_pow64(t, b->power) : 0;
    double young = (1 - known) / count;
    switch (b->explore) {
    case HW_SQUARECB: return 1 / (count + gamma * gap);
    case HW_EPSILON: return most(b->amount / count, young);
    case HW_SOFTMAX: return hw_exp64(-within(b->amount * gap * known, 0, 700));
    default: return 0;
    }
}

static int64_t best_of(const double *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

/* What is uncertain of squarecb's value, as something to earn. */
static double bonus_of(const hw_learner *l, int64_t a)
{
    double square = linear_variance(l, a), deviation = square > 0 ? __builtin_sqrt(square) : 0;
    if (!l->stack)
        return BONUS_BEFORE * deviation;
    double few = least(1, __builtin_sqrt(FEW_INPUTS / most((double)(l->active + sketched(l)), 1)));
    return BONUS * few * deviation + hw_stacked_bonus(l->stack, a < l->bandit->counts[HW_BC_ACTIONS] ? a : -1);
}

/* What decides: the value, with a bonus for what is uncertain where the exploration has one. */
static double score_of(const hw_learner *l, int64_t a)
{
    const hw_bandit_t *b = l->bandit;
    if (b->explore == HW_GREEDY && l->stack && times_taken(l, a) == 0)
        return UNTRIED;
    if (b->explore != HW_LINUCB && b->explore != HW_SQUARECB)
        return value_of(l, a);
    if (b->explore == HW_SQUARECB) {
        double score = value_of(l, a) + bonus_of(l, a);
        return finite(score) ? within(score, 0, 1) : 0;
    }
    double square = linear_variance(l, a);
    double linear = linear_value(l, a) + (a < l->outputs ? value_of_blocks(l, a) : 0);
    double score = linear + (square > 0 ? b->amount * __builtin_sqrt(square) : 0);
    return finite(score) ? score : 0;
}

int hw_score_action(hw_learner *l, int32_t action, double *score)
{
    int status = l->bandit ? hw_predict(l, slot(l), NULL) : HW_BAD_ARGUMENT;
    if (status >= 0)
        *score = score_of(l, action);
    return status < 0 ? status : 0;
}

int hw_choose(const hw_learner *l, const int32_t *actions, const double *scores, int64_t count, double *p)
{
    const hw_bandit_t *b = l->bandit;
    if (!b || count < 1)
        return HW_BAD_ARGUMENT;
    int64_t best = best_of(scores, count);
    double others = 0;
    for (int64_t i = 0; i < count; i++) {
        p[i] = i == best ? 0 : probability_of(l, actions[i], scores[best] - scores[i], (double)count);
        others += p[i];
    }
    p[best] = b->explore == HW_SOFTMAX ? 1 : 1 - others;
    for (int64_t i = 0; i < count && b->explore == HW_SOFTMAX; i++)
        p[i] /= 1 + others;
    return (int)best;
}

int hw_decide(hw_learner *l, const int32_t *actions, int64_t count, double *values, double *p)
{
    int status = l->bandit && count > 0 ? hw_predict(l, slot(l), NULL) : HW_BAD_ARGUMENT;
    for (int64_t i = 0; status >= 0 && i < count; i++)
        values[i] = score_of(l, actions[i]);
    return status < 0 ? status : hw_choose(l, actions, values, count, p);
}

int64_t hw_draw_action(hw_learner *l, const double *p, int64_t count)
{
    hw_bandit_t *b = l->bandit;
    if (!b)
        return HW_BAD_ARGUMENT;
    double u = hw_unit(hw_bits(hw_key(l->seed, DRAW_ACTION, 0), (uint64_t)b->counts[HW_BC_DRAWS]++));
    for (int64_t i = 0; i < count; i++) {
        u -= p[i];
        if (u < 0)
            return i;
    }
    return best_of(p, count); /* rounding has left something */
}

int hw_learn_action(hw_learner *l, int32_t action, double reward, double p, double w)
{
    hw_bandit_t *b = l->bandit;
    if (!b || action < 0 || action >= l->outputs || !finite(reward) || !(p > 0 && p <= 1))
        return HW_BAD_ARGUMENT;
    double y = (reward - b->lowest) / (b->highest - b->lowest);
    b->action = action;
    b->importance = least(1 / p, HEAVIEST);
    b->learning = true;
    int result = hw_learn(l, within(y, 0, 1), w, slot(l));
    b->learning = false;
    return result;
}

/* ---- state ------------------------------------------------------------------------------------------------- */

/* The counts from which the shapes of a bandit's arrays follow. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    hw_bandit_t *b = l->bandit;
    if (!b)
        return 0;
    SAVED(first->type == HW_I64 && first->dimensions == 1 && first->shape[0] == HW_BC_COUNTS, "bandit_counts", "its counts",
          first->shape[0]);
    if (!hw_extend(&l->memory, &b->counts, HW_BC_COUNTS * 8))
        return HW_NO_MEMORY;
    memcpy(b->counts, first->data, HW_BC_COUNTS * 8);
    SAVED(b->counts[HW_BC_INPUTS] >= 0 && b->counts[HW_BC_INPUTS] <= b->most, "bandit_counts", "inputs as declared",
          b->counts[HW_BC_INPUTS]);
    SAVED(b->counts[HW_BC_ACTIONS] >= 0 && b->counts[HW_BC_ACTIONS] <= l->outputs, "bandit_counts",
          "as many actions as outputs", b->counts[HW_BC_ACTIONS]);
    SAVED(b->counts[HW_BC_DRAWS] >= 0 && b->counts[HW_BC_DRAWS] < (int64_t)1 << 53, "bandit_counts", "draws",
          b->counts[HW_BC_DRAWS]);
    return 0;
}

static int check(hw_learner *l, hw_fault *fault)
{
    const hw_bandit_t *b = l->bandit;
    if (!b)
        return 0;
    for (int64_t a = 0; a < b->counts[HW_BC_ACTIONS]; a++)
        SAVED(hw_countable(b->actions[a * HW_A_NUMBERS + HW_A_TAKEN]), "bandit_actions", "counts",
              b->actions[a * HW_A_NUMBERS + HW_A_TAKEN]);
    for (int e = 0; e <= l->experts; e++)
        SAVED(b->shares[2 * e] >= 0 && b->shares[2 * e] <= 1 && b->shares[2 * e + 1] >= 0 && b->shares[2 * e + 1] <= 1e300,
              "bandit_shares", "weights from 0 to 1 and losses of 0 or more", b->shares[2 * e]);
    for (int64_t i = 0; i < l->ring; i++)
        SAVED(b->ring[i] >= 0 && b->ring[i] < l->outputs, "bandit_ring", "an action", b->ring[i]);
    return 0;
}

static int64_t count(const hw_learner *l, int code)
{
    const int64_t *n = l->bandit->counts;
    switch (code) {
    case HW_BC_SHARES: return l->experts + 1;
    case HW_BC_TAKEN: return n[HW_BC_ACTIONS];
    case HW_BC_READ: return n[HW_BC_INPUTS];
    case HW_BC_SQUARES: return n[HW_BC_INPUTS] * n[HW_BC_INPUTS];
    default: return l->ring;
    }
}

const hw_part hw_part_bandit = {.tag = HW_TAG_BANDIT,
                                .least = HW_BANDIT,
                                .most = HW_BANDIT,
                                .bars = HW_BIT(recurrent) | HW_BIT(forecast) | (HW_EMBEDS ? 0 : HW_BIT(text)),
                                .parse = parse,
                                .read = read,
                                .count = count,
                                .make = make,
                                .begin = begin,
                                .check = check,
                                .reserve = reserve};
