/* Calls of the whole public header in any order, with whatever a caller may pass: sanitizers watch.

   stress calls [first seed [seeds]]     random learners, random calls
   stress memory [step]                  one scenario, again and again, whose n-th allocation fails, for every n

   After each call that fails, the learner must be what it was; whatever happens, its state can be saved and loaded, nothing
   is written beside a block, and nothing is left when it is freed. */
#include "declare.h"
#include "learner.h" /* hw_allocate, hw_capacity: where a block's data lie, to look at what follows them */

/* ---- memory that fails when asked to, and is looked at ------------------------------------------------------------------
 */

enum { MOST_BLOCKS = 4096, LINE = 64 };

static struct {
    void *blocks[MOST_BLOCKS];
    size_t sizes[MOST_BLOCKS], total, most;
    int count;
    int64_t calls, fails_at; /* the call that fails: 0 for none */
    bool for_ever;           /* and all that follow */
    size_t offset;           /* from a block to its data */
    int64_t failed;
} heap = {.most = (size_t)1 << 28};

static const char *at_hand = "";
static uint64_t seed_at_hand;

static void stop(const char *why)
{
    fprintf(stderr, "seed %llu, %s: %s\n", (unsigned long long)seed_at_hand, at_hand, why);
    abort();
}

static void *watched_resize(void *context, void *block, size_t old, size_t size)
{
    (void)context;
    if (!size) {
        for (int i = heap.count - 1; i >= 0; i--)
            if (heap.blocks[i] == block) {
                if (heap.sizes[i] != old)
                    stop("a block is freed with another size than it was taken with");
                heap.total -= old;
                heap.count--;
                heap.blocks[i] = heap.blocks[heap.count];
                heap.sizes[i] = heap.sizes[heap.count];
                free(block);
                return NULL;
            }
        stop("what is freed was never taken");
    }
    heap.calls++;
    bool fails = heap.fails_at && (heap.for_ever ? heap.calls >= heap.fails_at : heap.calls == heap.fails_at);
    if (fails || heap.total + size > heap.most || size > heap.most || heap.count == MOST_BLOCKS) {
        heap.failed++;
        return NULL;
    }
    void *taken = aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    if (!taken)
        return NULL;
    memset(taken, 0xA5, size);
    heap.blocks[heap.count] = taken;
    heap.sizes[heap.count++] = size;
    heap.total += size;
    return taken;
}

static const hw_allocator WATCHED = {watched_resize, NULL};

/* What lies between the end of a block's numbers and the end of the block is zero, and stays so. */
static void look_beside_blocks(void)
{
    for (int i = 0; i < heap.count; i++) {
        const unsigned char *data = (unsigned char *)heap.blocks[i] + heap.offset;
        const unsigned char *end =
            (unsigned char *)heap.blocks[i] + heap.sizes[i] - LINE + (LINE - heap.offset % LINE) % LINE;
        for (const unsigned char *p = data + hw_capacity(data); p < end; p++)
            if (*p)
                stop("something was written behind the end of a block");
    }
}

static void find_offset(void)
{
    void *data = hw_allocate(&WATCHED, 1);
    heap.offset = (size_t)((char *)data - (char *)heap.blocks[0]);
    hw_release(data);
}

/* ---- numbers without pattern
 * ----------------------------------------------------------------------------------------------- */

static uint64_t state;
static bool exhausted; /* nothing is left to draw */

#ifdef FUZZED /* by a fuzzer, which draws what leads to code that it has not seen: two bytes a number */
static const uint8_t *input, *input_end;

static uint64_t draw(void)
{
    uint64_t two = 0;
    exhausted = input_end - input < 2;
    if (!exhausted) {
        two = (uint64_t)input[0] | (uint64_t)input[1] << 8;
        input += 2;
    }
    return two < 0xff00 ? two | two << 48 : draw_at(two, 0);
}
#else
static uint64_t draw(void)
{
    state += 1;
    return draw_at(state, 0);
}
#endif
static uint64_t below(uint64_t n) { return draw() % n; }
static bool once_in(uint64_t n) { return below(n) == 0; }
static double share(void) { return (double)(int64_t)(draw() >> 11) * 0x1p-53; }

/* Three of four learners meet numbers that no use has, and step sizes of 1000: what comes of them may leave the range of a
 * sound number, and such a state may be refused by name. The state of any other learner is loaded. */
static bool wild;

static double hostile(void)
{
    if (!wild)
        return 4 * share() - 2;
    static const double odd[] = {0,     -0.0,    1,    -1,     1e-320, 1e-30,  -1e-30, 1e30,       -1e30,
                                 1e38,  4e38,    1e39, -1e300, 1e308,  1e-310, 0.5,    2147483647, -2147483648.0,
                                 255.5, 1 << 24, 4e9,  9e15,   1e19,   -1e19,  3};
    if (once_in(8))
        return once_in(3) ? __builtin_nan("") : once_in(2) ? __builtin_inf() : -__builtin_inf();
    return once_in(3) ? odd[below(sizeof odd / sizeof *odd)] : once_in(4) ? 1e6 * (share() - 0.5) : 4 * share() - 2;
}

static int64_t hostile_count(int64_t usual)
{
    static const int64_t odd[] = {-1, -101, INT32_MIN, INT32_MAX, 1 << 20, 1 << 24, 0, 1, INT64_MAX, INT64_MIN};
    return once_in(10) ? odd[below(10)] : (int64_t)below((uint64_t)(usual > 0 ? usual : 1));
}

/* ---- random learners
 * ----------------------------------------------------------------------------------------------------------- */

typedef struct learner {
    hw_learner *l;
    hw_shape shape;
    uint64_t level;
    void *kept[64]; /* views, across growth */
    hw_array arrays[128];
    int views;
    double *numbers; /* inputs, outputs, gradients */
    int64_t room;
    int64_t ids;
} learner;

static double random_code(const char *const *(*list)(int *))
{
    int count;
    list(&count);
    return (double)below((uint64_t)count);
}

static void random_expert(declaration *a, int index, bool classes, bool embedding, bool growing)
{
    static const char *const of_classes[] = {"cross_entropy", "hinge"};
    static const char *const of_numbers[] = {"mse", "mae", "huber", "binary_cross_entropy", "poisson", "quantile"};
    int outputs = (int)a->numbers[HW_D_OUTPUTS], layers = (int)below(4), k;
    const char *const *rules = hw_rules(&k);
    (void)index;
    add_expert(a, classes ? of_classes[below(2)] : of_numbers[below(6)], rules[below((uint64_t)k)],
               wild && once_in(8) ? 1e3
               : once_in(8)       ? 1e-6
                                  : 0.1 * share() + 1e-9);
    double *e = a->numbers + a->expert;
    e[HW_E_SCHEDULE] = random_code(hw_schedules);
    e[HW_E_SCHEDULE_NUMBERS] = (double)below(50);
    e[HW_E_SCHEDULE_NUMBERS + 1] = share();
    for (int i = HW_E_L1; i <= HW_E_CLIP_VALUE; i++)
        e[i] = once_in(4) ? share() : 0;
    e[HW_E_REPLAYS] = a->numbers[HW_D_RING] > 0 ? (double)below(3) : 0;
    int initializers;
    const char *const *starts = hw_initializers(&initializers);
    if (embedding)
        add_dense(a, layers ? 1 + (int)below(40) : outputs, starts[below((uint64_t)initializers)])[HW_L_KIND] =
            HW_EMBEDDING;
    for (int i = 0; i < layers; i++) {
        if (!embedding || i)
            add_dense(a, 1 + (int)below(once_in(5) ? 150 : 20), starts[below((uint64_t)initializers)])[HW_L_BIAS] =
                !once_in(4);
        double *layer = add_layer(a, HW_ACTIVATION + (int)below(4));
        layer[HW_L_CONSTANT] = layer[HW_L_KIND] == HW_DROPOUT ? 0.9 * share() : share();
        layer[HW_L_BIAS] = once_in(2) || layer[HW_L_KIND] == HW_BATCH_NORM;
        layer[HW_L_CODE] = random_code(hw_activations);
    }
    if (layers || !embedding)
        add_dense(a, outputs, starts[below((uint64_t)initializers)])[HW_L_BIAS] = !once_in(4);
    if (!growing && once_in(8))
        add_layer(a, HW_ACTIVATION)[HW_L_CODE] = random_code(hw_activations);
}

/* A recurrence, alone or beside a linear expert; keys and times are columns that samples often have. */
static declaration random_memory(void)
{
    static const char *const rules[] = {"sgd", "adam", "rmsprop", "nadam", "ftrl", "cocob"};
    bool growing = !once_in(3), classes = once_in(2);
    int units = 1 + (int)below(9);
    declaration a = declare(once_in(2), growing, growing ? 0 : (int)below(12), 1);
    const char *loss = !growing ? "mse" : classes ? "cross_entropy" : "huber";
    a.numbers[HW_D_KNOTS] = growing && once_in(2) ? 4 : 0;
    a.numbers[HW_D_TARGETS] = growing && !classes;
    a.numbers[HW_D_MAX_ROWS] = once_in(2) ? 16 + (double)below(300) : 1 << 16;
    if (growing && once_in(2))
        add_net(&a, loss, "sgd", 0.1, 0, 0);
    add_recurrent(&a, loss, rules[below(6)], share(), units, (int)below(5), (int)below(2) * 6);
    add_memory(&a, units, growing ? 1 + (int)below(20) : 1, 1 + (int)below(6), 1 + (int)below(12),
               growing && once_in(2) ? "n1" : "", growing && once_in(2) ? "n2" : "");
    return a;
}

/* Let a pool learn lean, by rules that can. */
static void learn_lean(declaration *a)
{
    static const char *const rules[] = {"sgd", "adagrad", "rmsprop"};
    for (int i = 0, e = HW_HEAD; i < (int)a->numbers[HW_D_EXPERTS]; i++) {
        a->numbers[e + HW_E_RULE] = code_of(hw_rules, rules[below(3)]);
        a->numbers[e + HW_E_RULE_NUMBERS] = share();
        e += HW_EXPERT + HW_LAYER * (int)a->numbers[e + HW_E_LAYERS];
    }
    add_lean(a, once_in(2) ? 0 : share() / 10, share());
    if (once_in(2))
        add_apart(a, 10 * share());
}

static declaration random_declaration(void)
{
    if (once_in(6)) {
        declaration detectors = declare_anomaly(once_in(2), 1 + (int)below(40), 1 + (int)below(60));
        detectors.numbers[HW_D_MAX_ROWS] = once_in(2) ? 16 + (double)below(300) : 1 << 16;
        return detectors;
    }
    if (once_in(6)) {
        int horizon = 1 + (int)below(once_in(4) ? 40 : 6), season = 1 + (int)below(30), lags = 2 + (int)below(20);
        double low = once_in(2) ? 0 : -1e300;
        declaration forecasts = once_in(3)   ? declare_pool(once_in(2), horizon, season, lags, low, 1e300)
                                : once_in(2) ? declare_joint(once_in(2), horizon, season, lags, low, 1e300)
                                             : declare_forecast(once_in(2), horizon, season, lags, once_in(2) ? 1 : 0.95);
        forecasts.numbers[HW_D_MAX_ROWS] = once_in(2) ? 40 + (double)below(300) : 1 << 16;
        return forecasts;
    }
    if (once_in(6)) {
        declaration decides = declare_bandit(once_in(2), (int)below(HW_EXPLORATIONS), once_in(3) ? 0 : 100 * share(),
                                             1 + (int)below(20), 1 + (int)below(once_in(4) ? 256 : 30));
        decides.numbers[HW_D_MAX_ROWS] = once_in(2) ? 16 + (double)below(300) : 1 << 16;
        decides.numbers[HW_D_RING] = 1 + (double)below(60);
        return decides;
    }
    if (once_in(6))
        return random_memory();
    if (once_in(6)) {
        int policy = 1 + (int)below(HW_POLICIES - 1);
        declaration agent = declare_agent(once_in(2), policy, 1 + (int)below(20), 2 + 2 * (int)below(3), once_in(2));
        if (once_in(2))
            agent = declare_table(once_in(2), 1 + (int)below(20), 1 + (int)below(5), 1 + (int)below(16), (int)below(9));
        agent.numbers[HW_D_MAX_ROWS] = once_in(2) ? 40 + (double)below(300) : 1 << 16;
        return agent;
    }
    bool growing = !once_in(3), classes = once_in(2), embedding = !growing && once_in(4);
    int outputs = growing ? (classes ? 1 + (int)below(once_in(4) ? 120 : 5) : 1) : 1 + (int)below(once_in(6) ? 300 : 5);
    declaration a = declare(once_in(2), growing, growing ? 0 : (int)below(30) + embedding, outputs);
    double *d = a.numbers;
    d[HW_D_STANDARD] = once_in(2);
    d[HW_D_EMBEDDING] = embedding;
    if (growing) {
        d[HW_D_KNOTS] = once_in(2) ? 0 : 3 + (double)below(20);
        d[HW_D_RING] = once_in(2) ? 0 : 1 + (double)below(40);
        d[HW_D_TARGETS] = !classes && once_in(2);
        d[HW_D_INTERVALS] = outputs == 1 ? (double)below(HW_INTERVAL_KINDS) : 0;
        d[HW_D_MAX_ROWS] = once_in(2) ? 16 + (double)below(300) : 1 << 16;
    }
    int experts = 1 + (int)below(growing ? 4 : 2);
    bool cross_entropy = classes;
    for (int i = 0; i < experts; i++) {
        random_expert(&a, i, classes, embedding, growing);
        cross_entropy = cross_entropy && a.numbers[a.expert + HW_E_LOSS] == code_of(hw_losses, "cross_entropy");
    }
    for (int i = 0, e = HW_HEAD; growing && once_in(2) && i < experts; i++) { /* some read cell tables */
        if (a.numbers[e + HW_E_REPLAYS] == 0 && !once_in(4)) {
            a.numbers[e + HW_E_CELLS] = 1;
            d[HW_D_TABLES] = d[HW_D_TABLES] > 0 ? d[HW_D_TABLES] : 1 + (double)below(40);
            d[HW_D_TESTS] = d[HW_D_TESTS] > 0 ? d[HW_D_TESTS] : 1 + (double)below(8);
        }
        e += HW_EXPERT + HW_LAYER * (int)a.numbers[e + HW_E_LAYERS];
    }
    if (growing && (cross_entropy || d[HW_D_TARGETS] == 1))
        d[HW_D_HISTORY] = once_in(2);
    if (growing && d[HW_D_INTERVALS] < HW_ANOMALY && once_in(2))
        learn_lean(&a);
    bool mixes = cross_entropy || d[HW_D_TARGETS] == 1;
    if (growing && d[HW_D_INTERVALS] < HW_ANOMALY && mixes && experts + (int)d[HW_D_HISTORY] > 1 && once_in(2))
        add_text(&a, 1 + (int)below(2), (int)below(3), once_in(2) ? 16 + (int)below(100) : 1 << 16);
    for (int i = 0; wild && once_in(4) && i < 3; i++) /* and what nobody should declare */
        a.numbers[below((uint64_t)a.count)] = once_in(2) ? hostile() : (double)below(70);
    return a;
}

static void look_again(learner *s)
{
    hw_describe(s->l, &s->shape);
    int64_t most = 4096 + 64 * (int64_t)s->shape.outputs + s->shape.parameters + 20 * s->shape.rows;
    if (most > s->room) {
        s->room = 2 * most;
        s->numbers = realloc(s->numbers, (size_t)s->room * sizeof(double));
    }
}

/* ---- the state, saved and loaded
 * ---------------------------------------------------------------------------------------------- */

/* With memory enough for once, whatever fails elsewhere. */
static uint64_t digest(learner *s)
{
    int64_t at = heap.fails_at;
    heap.fails_at = 0;
    uint64_t number = hw_digest(s->l);
    heap.fails_at = at;
    return number;
}

static void round_trip(learner *s, bool go_on)
{
    int64_t at = heap.fails_at;
    int status;
    heap.fails_at = 0;
    uint64_t before = digest(s);
    hw_learner *again = moved(&WATCHED, s->l, (int)s->level, &status);
    if (!again) {
        if (status != HW_NO_MEMORY && !wild)
            stop("a learner's own state is refused");
    } else {
        if (hw_digest(again) != before)
            stop("the state that was loaded is another one");
        if (go_on) {
            hw_learner *old = s->l;
            s->l = again;
            again = old;
        }
        hw_free(again);
    }
    heap.fails_at = at;
}

/* ---- random calls
 * ---------------------------------------------------------------------------------------------------------------- */

enum { MOST_VALUES = 3000 };
static bool several; /* more than one call was made: not all of them may have failed */

static int random_values(learner *s, hw_value *values)
{
    static char names[MOST_VALUES][16], texts[MOST_VALUES][16];
    static double times[MOST_VALUES][HW_TIME_PARTS];
    int count = (int)below(once_in(40) ? MOST_VALUES : once_in(4) ? 60 : 12), spread = once_in(20) ? 100000 : 30;
    int32_t columns = hw_columns(s->l);
    for (int i = 0; i < count; i++) {
        hw_value *v = values + i;
        int name = snprintf(names[i], sizeof names[i], once_in(3) ? "n%d" : "a longer %d", (int)below((uint64_t)spread));
        int text = snprintf(texts[i], sizeof texts[i], "t%d", (int)below(once_in(4) ? 100000 : 10));
        *v = (hw_value){.column = -1,
                        .kind = (uint8_t)below(3),
                        .has = (uint8_t)below(8),
                        .name = names[i],
                        .text = texts[i],
                        .name_size = (uint32_t)(once_in(30) ? 0 : name),
                        .text_size = (uint32_t)(once_in(30) ? 0 : text),
                        .time = times[i],
                        .number = once_in(2) ? hostile() : share()};
        for (int j = 0; j < HW_TIME_PARTS; j++)
            times[i][j] = hostile();
        if (once_in(4) && columns > 0)
            v->column = (int32_t)below((uint64_t)columns);
        if (once_in(300))
            v->column = (int32_t)hostile_count(columns + 3);
        if (once_in(300))
            v->kind = (uint8_t)below(256);
        if (once_in(2) && v->column == -1) /* plain numbers, most of the time */
            v->kind = HW_NUMBER, v->has = HW_HAS_NUMBER;
    }
    return count;
}

static double random_answer(const learner *s)
{
    return once_in(5) ? hostile() : (double)below((uint64_t)s->shape.outputs + once_in(9));
}

static int call_growing(learner *s)
{
    static hw_value values[MOST_VALUES];
    static int32_t slots[64];
    double width, *p = s->numbers, action[16] = {0};
    hw_entries entries;
    int count, status, horizon = s->l->forecast ? s->l->forecast->horizon : 0;
    if (horizon && !once_in(3)) {
        if (once_in(3)) {
            at_hand = "hw_forecast";
            return hw_forecast(s->l, hostile_count(horizon + 1), p);
        }
        if (once_in(2)) {
            at_hand = "hw_learn_next";
            return hw_learn_next(s->l, once_in(3) ? hostile() : share(), once_in(5) ? hostile() : 1);
        }
    }
    if (s->l->bandit && !once_in(3)) {
        int32_t offered[8];
        int64_t offers = 1 + (int64_t)below(8);
        for (int64_t i = 0; i < offers; i++)
            offered[i] = (int32_t)(once_in(9) ? hostile_count(9) : (int64_t)below((uint64_t)s->shape.outputs + 1) - 1);
        if (once_in(3)) {
            at_hand = "hw_learn_action";
            return hw_learn_action(s->l, offered[0], once_in(5) ? hostile() : share(), once_in(5) ? hostile() : 1 - share(),
                                   once_in(5) ? hostile() : 1);
        }
        at_hand = "hw_decide";
        status = once_in(3) ? hw_values(s->l, p) : hw_decide(s->l, offered, once_in(9) ? 0 : offers, p, p + offers);
        if (status >= 0 && once_in(2))
            return hw_draw_action(s->l, p, s->shape.outputs < offers ? s->shape.outputs : offers) < 0 ? -1 : 0;
        return status < 0 ? status : 0;
    }
    if (s->l->agent && !once_in(3)) {
        for (int i = 0; i < s->shape.outputs; i++)
            action[i] = once_in(5) ? hostile() : hw_policy(s->l) == HW_NORMAL_POLICY ? share() : (double)below(3);
        at_hand = "an agent";
        switch (below(4)) {
        case 0: return hw_act(s->l, once_in(2), p);
        case 1: return hw_state_value(s->l, p);
        case 2: return hw_read_next(s->l);
        default:
            return hw_learn_transition(s->l, action, once_in(5) ? hostile() : share(), once_in(9), once_in(9),
                                       once_in(5) ? hostile() : 1);
        }
    }
    switch (below(16)) {
    case 0:
    case 1:
    case 2:
        at_hand = "hw_read";
        count = random_values(s, values);
        return hw_read(s->l, values, count, !once_in(3), once_in(3), once_in(2) ? &entries : NULL);
    case 3:
        at_hand = "hw_read_numbers";
        count = (int)below(64);
        for (int i = 0; i < count; i++) {
            slots[i] = (int32_t)(once_in(200) ? hostile_count(9) : (int64_t)below((uint64_t)s->shape.slots + 1));
            p[i] = hostile();
        }
        return hw_read_numbers(s->l, slots, p, count);
    case 4:
        if (once_in(3)) {
            double score, of_new;
            at_hand = "hw_contributions";
            memset(p, 0, (size_t)s->shape.rows * sizeof *p);
            status = hw_contributions(s->l, p, &score, &of_new);
            return s->shape.intervals >= HW_ANOMALY || status == HW_BAD_ARGUMENT ? status : 2;
        }
        at_hand = "hw_predict";
        return hw_predict(s->l, p, once_in(2) ? &width : NULL);
    case 5:
    case 6:
    case 7: at_hand = "hw_learn"; return hw_learn(s->l, random_answer(s), once_in(6) ? hostile() : 1, p);
    case 8:
        at_hand = "hw_predict_pending";
        for (int i = once_in(40) ? 3000 : 1; i > 0; i--)
            if ((status = hw_predict_pending(s->l, p)) < 0)
                return status;
        return 0;
    case 9: at_hand = "hw_learn_late"; return hw_learn_late(s->l, random_answer(s), once_in(6) ? hostile() : 1);
    case 10:
        at_hand = "hw_add_outputs";
        several = once_in(3);
        if (several) /* between a sample and its answer */
            hw_read(s->l, values, random_values(s, values), 1, 0, NULL);
        status =
            hw_add_outputs(s->l, once_in(8) ? (int)hostile_count(300) : s->shape.outputs + (int)below(once_in(8) ? 70 : 3),
                           once_in(9) ? hostile() : -3);
        if (status < 0 || once_in(2))
            return status;
        look_again(s);
        several = true;
        return hw_learn(s->l, random_answer(s), 1, s->numbers);
    case 11: {
        const int32_t *rows;
        const void *numbers;
        at_hand = "hw_pairs";
        int64_t n = hw_pairs(s->l, once_in(2), &rows, &numbers);
        for (int64_t i = 0; i < n; i++)
            if (rows[i] < 0 || rows[i] >= s->shape.rows)
                stop("a pair of no row");
        return n < 0 ? (int)n : 0;
    }
    case 12: at_hand = "hw_reinitialise"; return hw_reinitialise(s->l, (int)hostile_count(s->shape.experts), draw());
    case 13: {
        hw_growth growth = {0};
        at_hand = "hw_measure";
        status = 0;
        for (int i = 0; i < 3 && status >= 0; i++)
            status = hw_measure(s->l, values, random_values(s, values), &growth);
        hw_measured(&growth);
        if (status >= 0 && (growth.names < 0 || growth.rows < 0 || growth.bytes < 0 || growth.rows > s->shape.max_rows))
            stop("growth that can't be");
        return hw_bytes_of_outputs(s->l, (int)hostile_count(300)) < 0 ? -1 : status;
    }
    case 14: {
        hw_limits limits = {hostile_count(40), hostile_count(20), hostile_count(70), hostile_count(1 << 20)};
        at_hand = "hw_set_limits";
        if (once_in(2)) /* as good as none */
            limits = (hw_limits){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
        return hw_set_limits(s->l, &limits);
    }
    default:
        at_hand = "hw_set_step, hw_spread_mixture_weights";
        return once_in(2) ? hw_set_step(s->l, hostile(), hostile()) : hw_spread_mixture_weights(s->l, hostile());
    }
}

static int call_fixed(learner *s)
{
    int64_t inputs = s->shape.embedding ? s->ids : s->shape.rows - 1, count = (int64_t)below(20);
    int answers = once_in(3) ? 1 : s->shape.outputs;
    double *X = s->numbers, *y = calloc(20 * (size_t)s->shape.outputs + 20, 8), w[20], loss;
    double *p = calloc(20 * (size_t)s->shape.outputs + 20, 8);
    int status;
    if (once_in(20))
        answers = (int)hostile_count(9);
    for (int64_t i = 0; i < count * inputs; i++) {
        double x = s->shape.embedding ? (double)hostile_count(s->shape.rows - 1) : once_in(9) ? hostile() : share();
        if (s->shape.embedding && !once_in(30))
            x = (double)below((uint64_t)s->shape.rows - 1);
        if (s->shape.is_double)
            X[i] = x;
        else
            ((float *)X)[i] = (float)x;
    }
    for (int64_t i = 0; i < count * (answers > 0 && answers <= s->shape.outputs ? answers : 1); i++)
        y[i] = answers == 1 ? (double)below((uint64_t)s->shape.outputs) : once_in(20) ? hostile() : share();
    for (int64_t i = 0; i < count; i++)
        w[i] = once_in(20) ? hostile() : share();
    if (answers != 1 && answers != s->shape.outputs)
        count = once_in(2) ? 0 : count;
    switch (below(6)) {
    case 0:
        at_hand = "hw_set_ids";
        inputs = once_in(2) ? inputs : hostile_count(12);
        status = hw_set_ids(s->l, inputs);
        if (status >= 0 && inputs <= 12)
            s->ids = inputs;
        else if (status >= 0) /* more than there are numbers for */
            hw_set_ids(s->l, s->ids);
        break;
    case 1:
        at_hand = "hw_forward";
        status = hw_forward(s->l, X, count, p);
        break;
    case 2: {
        at_hand = "hw_gradient, hw_apply";
        size_t bytes = (size_t)s->shape.parameters * (s->shape.is_double ? 8 : 4);
        void *g = calloc(bytes, 1);
        status = hw_gradient(s->l, X, y, w, count, answers, once_in(9) ? hostile() : 20, once_in(2), g, &loss);
        wild = true; /* where a step from a gradient ends is for the caller to look at */
        if (status >= 0)
            status = hw_apply(s->l, g, once_in(2));
        free(g);
        break;
    }
    case 3:
        at_hand = "hw_reinitialise";
        status = hw_reinitialise(s->l, (int)hostile_count(s->shape.experts), draw());
        break;
    default: at_hand = "hw_learn_array"; status = hw_learn_array(s->l, X, y, w, count, answers, p);
    }
    free(y);
    free(p);
    return status;
}

/* What an expert's last layer read of the last sample. */
static void look_at_hidden(learner *s, int e)
{
    int n = hw_hidden(s->l, e, NULL);
    double *x = n < 0 ? NULL : malloc((size_t)n * sizeof(double) + 1);
    if (x && hw_hidden(s->l, e, x) != n)
        stop("a layer that reads more or less than it has");
    free(x);
}

/* What only looks. */
static void look_at(learner *s)
{
    uint32_t size;
    int32_t column, row;
    int first, width;
    hw_operation operation;
    int32_t c = (int32_t)hostile_count(hw_columns(s->l) + 2);
    at_hand = "looking";
    const char *name = hw_column_name(s->l, c, &size);
    if (name && size)
        c = hw_column(s->l, name, size);
    hw_column_kind(s->l, c);
    hw_column_slot(s->l, c);
    hw_is_full(s->l);
    const char *text = hw_category(s->l, (int32_t)hostile_count(hw_categories(s->l) + 2), &column, &row, &size);
    if (text && (row < 0 || (column >= 0 && row >= s->shape.rows)))
        stop("a category of no row");
    int e = (int)hostile_count(s->shape.experts + 3);
    for (int o = 0; o < hw_operations(s->l, e); o++)
        if (hw_operation_at(s->l, e, o, &operation) < 0 || operation.weights > s->shape.dense)
            stop("an operation beside the parameters");
    hw_operation_at(s->l, e, (int)hostile_count(4), &operation);
    look_at_hidden(s, e);
    hw_columns_of(s->l, e, &first, &width);
    const double *running = hw_running(s->l, e);
    if (running && running[HW_STEPS] < 0)
        stop("steps below 0");
}

static const char *const VIEWS[] = {"weights", "touched",     "state_0",    "slot_mean", "running",
                                    "answers", "names_bytes", "row_keys",   "sample_y",  "slot_reservoir",
                                    "nothing", "sizes",       "slot_knots", "buffer"};

static void keep_view(learner *s)
{
    at_hand = "hw_view";
    if (s->views == 64 || once_in(4)) { /* look at all that is kept, and let some go */
        double sum = 0;
        for (int i = 0; i < s->views; i++)
            for (size_t j = 0; j < hw_capacity(s->kept[i]); j++)
                sum += ((unsigned char *)s->kept[i])[j];
        while (s->views && (sum < 0 || !once_in(3)))
            hw_release(s->kept[--s->views]);
        return;
    }
    hw_array a;
    if (hw_view(s->l, VIEWS[below(sizeof VIEWS / sizeof *VIEWS)], &a) < 0 || !a.data)
        return;
    hw_retain(a.data);
    s->kept[s->views++] = a.data;
    if (wild && a.type >= HW_F32 && strcmp(a.name, "running") && hw_capacity(a.data) >= 8 &&
        once_in(8)) { /* numbers may be written to */
        int64_t i = (int64_t)below((uint64_t)(a.shape[0] * a.shape[1] + 1));
        double x = strcmp(a.name, "slot_seen") ? hostile() : 5;
        if (i == a.shape[0] * a.shape[1])
            return;
        if (a.type == HW_F64)
            ((double *)a.data)[i] = x;
        else
            ((float *)a.data)[i] = (float)(x = (float)x);
    }
}

static void fail_soon(void)
{
    heap.fails_at = heap.calls + 1 + (int64_t)below(6);
    heap.for_ever = once_in(4);
}

/* Copies go on by themselves, with as odd calls as any, and are merged; the learner may go on as what they became. */
static void merge_copies(learner *s)
{
    enum { MOST_WORKERS = 3 };
    learner workers[MOST_WORKERS];
    hw_learner *cores[MOST_WORKERS];
    int32_t places[MOST_WORKERS][512];
    const int32_t *outputs[MOST_WORKERS];
    int count = (int)below(MOST_WORKERS + 1), made_all = 1, status;
    for (int i = 0; i < count; i++) {
        learner *w = workers + i;
        *w = (learner){.level = s->level, .ids = s->ids};
        cores[i] = w->l = moved(&WATCHED, s->l, (int)w->level, &status);
        if (!w->l && status != HW_NO_MEMORY && !wild)
            stop("a learner's own state is refused");
        made_all = made_all && w->l;
        for (int calls = (int)below(60); w->l && calls > 0; calls--) {
            look_again(w);
            if (w->shape.growing && !once_in(50))
                call_growing(w);
            else
                call_fixed(w);
        }
        if (w->l)
            look_again(w);
        for (int j = 0; j < 512; j++)
            places[i][j] = once_in(500) ? (int32_t)hostile_count(300) : j;
        outputs[i] = once_in(3) || (w->l && w->shape.outputs > 512) ? NULL : places[i];
    }
    at_hand = "hw_merge";
    uint64_t before = digest(s);
    if (once_in(4))
        fail_soon();
    hw_learner *merged = made_all ? hw_merge(&WATCHED, s->l, cores, count, once_in(3) ? NULL : outputs,
                                             once_in(20) ? hostile() : -3, &status)
                                  : NULL;
    heap.fails_at = 0;
    if (made_all && (merged ? status < 0 : status > HW_NO_MEMORY || status < HW_TOO_LARGE))
        stop("a status that does not fit");
    if (digest(s) != before)
        stop("merging has changed the base");
    for (int i = 0; i < count; i++) {
        hw_free(workers[i].l);
        free(workers[i].numbers);
    }
    if (!merged)
        return;
    learner now = {.l = merged, .level = s->level};
    round_trip(&now, false);
    if (once_in(2)) {
        hw_free(s->l);
        s->l = merged;
        look_again(s);
    } else {
        hw_free(merged);
    }
}

/* So many random calls of a learner, and what must hold after each. */
static void use(learner *s, int calls)
{
    for (int i = 0; i < calls && !exhausted; i++) {
        look_again(s);
        uint64_t before = once_in(2) ? digest(s) : 0;
        if (once_in(6))
            fail_soon();
        several = false;
        int status = s->shape.growing && !once_in(50) ? call_growing(s) : call_fixed(s);
        heap.fails_at = 0;
        look_again(s);
        bool reads = !strcmp(at_hand, "hw_read"); /* names that were read before memory lacked stay */
        if (status < 0 && before && !several && !(status == HW_NO_MEMORY && reads) && digest(s) != before)
            stop("what failed has changed something");
        if (status > 1 || (status < 0 && (status > HW_NO_MEMORY || status < HW_TOO_LARGE)))
            stop("a status that there is not");
        if (once_in(10))
            round_trip(s, once_in(2));
        if (once_in(40))
            merge_copies(s);
        if (once_in(10))
            look_at(s);
        if (once_in(10))
            keep_view(s);
        if (once_in(5))
            look_beside_blocks();
    }
}

/* Free all: nothing may be left. */
static void let_go(learner *s)
{
    at_hand = "hw_free";
    look_beside_blocks();
    hw_free(s->l);
    while (s->views)
        hw_release(s->kept[--s->views]);
    free(s->numbers);
    if (heap.count || heap.total)
        stop("memory is left");
}

static learner make_from(const declaration *a)
{
    learner s = {.level = (uint64_t[]){0, 1, 3, 4}[below(4)]};
    int status;
    hw_fault fault;
    at_hand = "hw_make";
    if (once_in(8))
        fail_soon();
    s.l = hw_make(&WATCHED, a->numbers, a->count, (int)s.level, draw(), &status, &fault);
    heap.fails_at = 0;
    if (s.l ? status < 0 : status > HW_NO_MEMORY || status < HW_TOO_LARGE)
        stop("a status that does not fit");
    return s;
}

static inline void live(uint64_t seed)
{
    state = seed << 20;
    seed_at_hand = seed;
    exhausted = false;
    wild = !once_in(4);
    declaration a = random_declaration();
    learner s = make_from(&a);
    if (s.l)
        use(&s, 30 + (int)below(300));
    let_go(&s);
}

#ifndef FUZZED
/* ---- one scenario whose n-th allocation fails
 * --------------------------------------------------------------------------------- */

/* Call again what was refused memory, once. */
#define AGAIN(call)                                                                                                        \
    do {                                                                                                                   \
        status = (call);                                                                                                   \
        if (status == HW_NO_MEMORY && !for_ever)                                                                           \
            status = (call);                                                                                               \
    } while (0)

/* Returns whether an allocation failed. What fails is called again, so a single failure must not show in the end: `plenty`
 * is the digest of a learner that had all memory, or 0 to be set. */
static bool run_short_of_memory(const declaration *a, int64_t n, bool for_ever, bool classes, uint64_t *plenty)
{
    heap.calls = 0;
    heap.fails_at = n;
    heap.for_ever = for_ever;
    int64_t failed = heap.failed;
    int status, outputs = 1;
    hw_fault fault;
    static double p[512];
    hw_learner *l = hw_make(&WATCHED, a->numbers, a->count, 0, 1, &status, &fault);
    for (int64_t i = 0; l && i < 120; i++) {
        if (i == 10)
            AGAIN(hw_cover(l)); /* refused of a detector */
        hw_value values[9];
        char names[9][16], text[16];
        double time[HW_TIME_PARTS] = {(double)i, 1, 0.5};
        for (int j = 0; j < 9; j++) {
            int size = snprintf(names[j], sizeof names[j], "x%d", j + (j > 5 ? (int)(i / 10) : 0));
            values[j] = (hw_value){.column = -1,
                                   .kind = HW_NUMBER,
                                   .has = HW_HAS_NUMBER,
                                   .name = names[j],
                                   .name_size = (uint32_t)size,
                                   .number = 4 * share_at((uint64_t)i, (uint64_t)j) - 2};
        }
        values[3].kind = HW_CATEGORY;
        values[3].has = HW_HAS_TEXT;
        values[3].text = text;
        values[3].text_size = (uint32_t)snprintf(text, sizeof text, "t%lld", (long long)i);
        values[4].kind = HW_TIME;
        values[4].has = HW_HAS_TIME;
        values[4].time = time;
        if (classes && i % 3 == 2) {
            AGAIN(hw_add_outputs(l, outputs + 1 + (i == 50) * 70, -2));
            outputs += status < 0 ? 0 : 1 + (i == 50) * 70;
        }
        if (i % 4 == 0) {
            AGAIN(hw_read(l, values, 9, 0, 0, NULL));
            if (status >= 0)
                AGAIN(hw_predict_pending(l, p));
        }
        AGAIN(hw_read(l, values, 9, 1, 0, NULL));
        if (status >= 0) {
            double y = classes ? (double)(i % outputs) : share_at((uint64_t)i, 20), said[4];
            int32_t offered[] = {-1, (int32_t)(i % outputs)};
            if (i % 3)
                AGAIN(hw_predict(l, p, NULL));
            if (l->bandit) {
                AGAIN(hw_decide(l, offered, 2, said, said + 2));
                AGAIN(hw_learn_action(l, offered[1], share_at((uint64_t)i, 20), 0.5, 1));
            } else if (i % 4)
                AGAIN(hw_learn(l, y, 1, p));
            else
                AGAIN(hw_learn_late(l, y, 1));
        }
        if (i % 40 == 39) {
            hw_learner *again = moved(&WATCHED, l, 0, &status);
            if (!again && status != HW_NO_MEMORY)
                stop("a learner's own state is refused");
            hw_learner *old = l;
            if (again) {
                l = again;
                hw_free(old);
            }
        }
        if (i == 60)
            AGAIN(hw_reinitialise(l, 0, 3));
    }
    heap.fails_at = 0;
    if (l) {
        learner s = {.l = l};
        uint64_t now = digest(&s);
        bool known = *plenty == now; /* this very state has been saved and loaded before */
        *plenty = *plenty ? *plenty : now;
        if (!for_ever && now != *plenty)
            stop("a row was learned twice, or by halves");
        look_beside_blocks();
        if (!known)
            round_trip(&s, true);
        l = s.l;
    }
    hw_free(l);
    if (heap.count)
        stop("memory is left");
    return heap.failed > failed;
}

/* As run_short_of_memory, of a forecaster: an answer counts once, or the call fails and it does not count. */
static bool forecast_short_of_memory(const declaration *a, int64_t n, bool for_ever, uint64_t *plenty)
{
    heap.calls = 0;
    heap.fails_at = n;
    heap.for_ever = for_ever;
    int64_t failed = heap.failed, times = 0;
    int status;
    hw_fault fault;
    hw_array counts;
    double y;
    hw_learner *l = hw_make(&WATCHED, a->numbers, a->count, 0, 1, &status, &fault);
    for (int64_t i = 0; l && i < 120; i++) {
        hw_value values[40];
        char names[40][16], text[16];
        int count = i % 50 == 49 ? 40 : 3 + (int)(i % 3);
        for (int j = 0; j < count; j++)
            values[j] = (hw_value){.column = -1,
                                   .kind = HW_NUMBER,
                                   .has = HW_HAS_NUMBER,
                                   .name = names[j],
                                   .name_size = (uint32_t)snprintf(names[j], sizeof names[j], "x%d", j),
                                   .number = 4 * share_at((uint64_t)i, (uint64_t)j) - 2};
        values[2].kind = HW_CATEGORY;
        values[2].has = HW_HAS_TEXT;
        values[2].text = text;
        values[2].text_size = (uint32_t)snprintf(text, sizeof text, "t%lld", (long long)i / 2);
        AGAIN(hw_read(l, values, count, 0, 0, NULL));
        if (status >= 0)
            AGAIN(hw_forecast(l, 1 + i % (int64_t)l->forecast->horizon, &y));
        AGAIN(hw_read(l, values, count, 1, 0, NULL));
        if (status >= 0) {
            bool known = i % 9 != 4;
            y = known ? share_at((uint64_t)i, 50) + (double)(i % 4) : __builtin_nan("");
            status = hw_learn_next(l, y, i % 7 ? 1 : 0.5);
            if (status == HW_NO_MEMORY && !for_ever && hw_read(l, values, count, 1, 0, NULL) >= 0)
                status = hw_learn_next(l, y, i % 7 ? 1 : 0.5);
            times += status >= 0 && (known || times);
            if (status >= 0 ? status != known : status != HW_NO_MEMORY)
                stop("a status that does not fit");
            if (hw_view(l, "forecast_counts", &counts) < 0 || *(int64_t *)counts.data != times)
                stop("an answer counts twice, or not at all");
        }
        if (i % 40 == 39) {
            hw_learner *again = moved(&WATCHED, l, 0, &status), *old = l;
            if (!again && status != HW_NO_MEMORY)
                stop("a learner's own state is refused");
            l = again ? again : old;
            if (again)
                hw_free(old);
        }
    }
    heap.fails_at = 0;
    if (l) {
        learner s = {.l = l};
        uint64_t now = digest(&s);
        bool known = *plenty == now; /* this very state has been saved and loaded before */
        *plenty = *plenty ? *plenty : now;
        if (!for_ever && now != *plenty)
            stop("an answer was learned by halves");
        look_beside_blocks();
        if (!known)
            round_trip(&s, true);
        l = s.l;
    }
    hw_free(l);
    if (heap.count)
        stop("memory is left");
    return heap.failed > failed;
}

static void fail_everywhere(int64_t step)
{
    uint64_t plenty = 0;
    at_hand = "forecasters short of memory";
    for (int kind = 0; kind < 4; kind++) {
        declaration ahead = kind % 2 ? declare_joint(true, kind < 2 ? 1 : 5, 4, 6, -1e300, 1e300)
                                     : declare_forecast(false, kind < 2 ? 1 : 5, 4, 6, 1);
        ahead.numbers[HW_D_MAX_ROWS] = kind % 2 ? 100 : 1 << 16;
        plenty = 0;
        forecast_short_of_memory(&ahead, 0, false, &plenty);
        for (int64_t n = 1; forecast_short_of_memory(&ahead, n, kind == 2, &plenty); n += n < 200 ? 1 : step)
            seed_at_hand = (uint64_t)n;
    }
    for (int kind = 0; kind < 2; kind++) {
        declaration decides = declare_bandit(kind, HW_SQUARECB, 10, 4, kind ? 10 : 100);
        at_hand = "bandits short of memory";
        plenty = 0;
        run_short_of_memory(&decides, 0, false, true, &plenty);
        for (int64_t n = 1; run_short_of_memory(&decides, n, kind, true, &plenty); n += n < 200 ? 1 : step)
            seed_at_hand = (uint64_t)n;
    }
    declaration detectors = declare_anomaly(false, 5, 30);
    at_hand = "detectors of anomalies short of memory";
    plenty = 0;
    run_short_of_memory(&detectors, 0, false, false, &plenty);
    for (int64_t n = 1; run_short_of_memory(&detectors, n, false, false, &plenty); n += n < 200 ? 1 : step)
        seed_at_hand = (uint64_t)n;
    for (int kind = 0; kind < 4; kind++) {
        declaration a = declare(kind % 2, true, 0, 1);
        a.numbers[HW_D_HISTORY] = 1;
        a.numbers[HW_D_TARGETS] = kind > 1;
        a.numbers[HW_D_INTERVALS] = kind > 1 ? HW_SCALED : 0;
        a.numbers[HW_D_MAX_ROWS] = kind % 2 ? 100 : 1 << 16;
        const char *loss = kind > 1 ? "huber" : "cross_entropy";
        a.numbers[HW_D_KNOTS] = 4;
        a.numbers[HW_D_RING] = 30;
        add_net(&a, loss, kind % 2 ? "rmsprop" : "adam", 0.01, 5, 1);
        add_net(&a, loss, kind % 2 ? "adagrad" : "cocob", 1, 0, 0);
        add_cells(&a, 3, 2);
        if (kind % 2)
            add_lean(&a, 0.001, 0.25);
        at_hand = kind > 1 ? "a regression short of memory" : "a classification short of memory";
        plenty = 0;
        run_short_of_memory(&a, 0, false, kind < 2, &plenty);
        for (int for_ever = 0; for_ever < 2; for_ever++)
            for (int64_t n = 1;; n += n < 200 ? 1 : step) {
                seed_at_hand = (uint64_t)n;
                if (!run_short_of_memory(&a, n, for_ever, kind < 2, &plenty))
                    break;
            }
    }
    /* a fixed number of inputs, in mini-batches */
    declaration a = declare(false, false, 6, 3);
    add_expert(&a, "cross_entropy", "adam", 0.01);
    add_dense(&a, 9, "he");
    add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
    add_dense(&a, 3, "he");
    at_hand = "mini-batches short of memory";
    for (int64_t n = 1;; n++) {
        float X[60] = {0}, p[60], *g = calloc(4096, sizeof *g);
        double y[10] = {0, 1, 2}, w[10] = {1, 1, 1}, loss;
        int status;
        hw_fault fault;
        int64_t failed = heap.failed;
        heap.calls = 0;
        heap.fails_at = seed_at_hand = (uint64_t)n;
        heap.for_ever = false;
        hw_learner *l = hw_make(&WATCHED, a.numbers, a.count, 0, 1, &status, &fault);
        for (int i = 0; l && i < 3; i++) {
            hw_set_ids(l, 6);
            hw_learn_array(l, X, y, w, 10, 1, p);
            hw_forward(l, X, 5 + i, p);
            if (hw_gradient(l, X, y, w, 6 + i, 1, 6, 1, g, &loss) >= 0)
                hw_apply(l, g, 1);
        }
        heap.fails_at = 0;
        if (l)
            look_beside_blocks();
        hw_free(l);
        free(g);
        if (heap.count)
            stop("memory is left");
        if (heap.failed == failed)
            break;
    }
}

int main(int count, char **arguments)
{
    uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 0,
             seeds = count > 3 ? strtoull(arguments[3], NULL, 10) : 100;
    find_offset();
    if (count > 1 && !strcmp(arguments[1], "memory")) {
        fail_everywhere(first ? (int64_t)first : 1);
        printf("%lld allocations failed\n", (long long)heap.failed);
        return 0;
    }
    for (uint64_t i = 0; i < seeds; i++)
        live(first + i);
    printf("%llu learners, %lld allocations failed\n", (unsigned long long)seeds, (long long)heap.failed);
    return 0;
}
#endif
