/* Declarations written line by line, samples without pattern, and an allocator: what the programs beside this file share.
   It needs the core's public header alone. */
#ifndef DECLARE_H
#define DECLARE_H

#include "headwater.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static inline void *plain_resize(void *context, void *block, size_t old, size_t size)
{
    (void)context, (void)old;
    if (size)
        return realloc(block, size);
    free(block);
    return NULL;
}

static const hw_allocator PLAIN_MEMORY = {plain_resize, NULL};

/* ---- declarations: head, then expert by expert, layer by layer ------------------------------------------------------ */

typedef struct declaration {
    double numbers[4096];
    int count, expert, block; /* where the expert at hand begins, and the last block */
} declaration;

/* The place of a name in one of the core's lists. */
static inline double code_of(const char *const *(*list)(int *), const char *name)
{
    int count;
    const char *const *names = list(&count);
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    fprintf(stderr, "expected a name of the core's lists, got %s\n", name);
    exit(1);
}

static inline declaration declare(bool is_double, bool growing, int inputs, int outputs)
{
    declaration a = {.count = HW_HEAD};
    a.numbers[HW_D_VERSION] = HW_VERSION;
    a.numbers[HW_D_DOUBLE] = is_double;
    a.numbers[HW_D_GROWING] = growing;
    a.numbers[HW_D_INPUTS] = inputs;
    a.numbers[HW_D_STANDARD] = growing;
    a.numbers[HW_D_SEED_LOW] = 7;
    a.numbers[HW_D_MAX_ROWS] = 1 << 20;
    a.numbers[HW_D_OUTPUTS] = outputs;
    return a;
}

/* A rule with the numbers that its paper gives, in the order of the core's list. */
static inline void add_expert(declaration *a, const char *loss, const char *rule, double lr)
{
    static const double usual[][4] = {{0},                       /* sgd */
                                      {0.9},                     /* momentum */
                                      {0.9},                     /* nesterov */
                                      {1e-10},                   /* adagrad */
                                      {0.9, 1e-8},               /* rmsprop */
                                      {0.95, 1e-6},              /* adadelta */
                                      {0.9, 0.999, 1e-8},        /* adam */
                                      {0.9, 0.999, 1e-8, 0.01},  /* adamw */
                                      {0.9, 0.999, 1e-8},        /* amsgrad */
                                      {0.9, 0.999, 1e-8, 0.004}, /* nadam */
                                      {1, 0.001, 0.001},         /* ftrl */
                                      {100}};                    /* cocob */
    double *e = a->numbers + a->count;
    a->expert = a->count;
    a->count += HW_EXPERT;
    a->numbers[HW_D_EXPERTS] += 1;
    memset(e, 0, HW_EXPERT * sizeof *e);
    e[HW_E_LOSS] = code_of(hw_losses, loss);
    e[HW_E_LOSS_NUMBER] = !strcmp(loss, "quantile") ? 0.7 : 1;
    e[HW_E_RULE] = code_of(hw_rules, rule);
    memcpy(e + HW_E_RULE_NUMBERS, usual[(int)code_of(hw_rules, rule)], sizeof *usual);
    e[HW_E_LR] = lr;
}

static inline double *add_layer(declaration *a, int kind)
{
    double *layer = a->numbers + a->count, *layers = a->numbers + a->expert + HW_E_LAYERS;
    memset(layer, 0, HW_LAYER * sizeof *layer);
    layer[HW_L_KIND] = kind;
    layer[HW_L_INDEX] = (*layers)++;
    a->count += HW_LAYER;
    return layer;
}

static inline double *add_dense(declaration *a, int units, const char *initializer)
{
    double *layer = add_layer(a, HW_DENSE);
    layer[HW_L_UNITS] = units;
    layer[HW_L_BIAS] = 1;
    layer[HW_L_INITIALIZER] = code_of(hw_initializers, initializer);
    layer[HW_L_SCALE] = 0.05;
    return layer;
}

static inline void add_activation(declaration *a, const char *name)
{
    double *layer = add_layer(a, HW_ACTIVATION);
    layer[HW_L_CODE] = code_of(hw_activations, name);
    layer[HW_L_CONSTANT] = !strcmp(name, "leaky_relu") ? 0.01 : 1;
}

/* The experts of a pool, as headwater/auto.py declares them. Their outputs begin at zero. */
static inline void add_net(declaration *a, const char *loss, const char *rule, double lr, int units, int replays)
{
    add_expert(a, loss, rule, lr);
    a->numbers[a->expert + HW_E_REPLAYS] = replays;
    if (!strcmp(rule, "rmsprop"))
        a->numbers[a->expert + HW_E_RULE_NUMBERS] = 0.999;
    if (units) {
        add_dense(a, units, "lecun");
        add_layer(a, HW_LAYER_NORM)[HW_L_CONSTANT] = 1e-5;
        add_activation(a, "relu");
    }
    add_dense(a, (int)a->numbers[HW_D_OUTPUTS], "zeros");
}

/* Let the expert at hand read cell tables. */
static inline void add_cells(declaration *a, int tables, int tests)
{
    a->numbers[HW_D_TABLES] = tables;
    a->numbers[HW_D_TESTS] = tests;
    a->numbers[a->expert + HW_E_CELLS] = 1;
}

static inline void add_pool(declaration *a, const char *loss, const char *effort)
{
    bool accurate = !strcmp(effort, "accurate");
    int units = accurate ? 64 : 32, replays = accurate ? 8 : 2;
    a->numbers[HW_D_KNOTS] = 16;
    add_net(a, loss, "sgd", 0.03, units, 0);
    add_net(a, loss, "sgd", 0.1, units, 0);
    if (strcmp(effort, "fast")) {
        a->numbers[HW_D_RING] = 1000;
        add_net(a, loss, "rmsprop", 0.01, units, 0);
    }
    add_net(a, loss, "adagrad", 0.1, 0, 0);
    if (strcmp(effort, "fast")) {
        add_net(a, loss, "adagrad", 0.1, units, replays);
        a->numbers[a->expert + HW_E_FIRST_REPLAYS] = 32;
        add_net(a, loss, "rmsprop", 0.003, units, replays);
        a->numbers[a->expert + HW_E_FIRST_REPLAYS] = 32;
        add_net(a, loss, "adagrad", 0.02, 0, 0);
        add_net(a, loss, "adagrad", 0.1, 0, 0);
        add_cells(a, accurate ? 256 : 64, accurate ? 10 : 8);
    }
    if (accurate) {
        add_net(a, loss, "rmsprop", 0.0005, units, 4);
        a->numbers[a->expert + HW_E_RULE_NUMBERS] = 0.9999;
    }
}

/* One number more of the last block. */
static inline void add_number(declaration *a, double x)
{
    a->numbers[a->count++] = x;
    a->numbers[a->block + 1] += 1;
}

/* A block of a part; behind the last expert, in the order of HW_TAG_... */
static inline void add_block(declaration *a, int tag, const double *numbers, int count)
{
    a->block = a->count;
    a->numbers[a->count++] = tag;
    a->numbers[a->count++] = 0;
    for (int i = 0; i < count; i++)
        add_number(a, numbers[i]);
}

/* A count, of what takes so many numbers each, where a declaration has room for it: a drawn one may hold anything. */
static inline int count_at(const declaration *a, int at, int each)
{
    double count = at < a->count ? a->numbers[at] : 0;
    return count >= 0 && count < (double)(a->count - at) / each ? (int)count : 0;
}

/* The same as it was declared before there were tags. */
static inline declaration untagged(const declaration *a)
{
    declaration older = *a;
    int at = HW_HEAD;
    for (int e = count_at(a, HW_D_EXPERTS, HW_EXPERT); e > 0 && at < a->count; e--)
        at += HW_EXPERT + HW_LAYER * count_at(a, at + HW_E_LAYERS, HW_LAYER);
    older.numbers[HW_D_VERSION] = HW_FIRST_VERSION;
    older.count = at < a->count ? at : a->count;
    while (at + 1 < a->count) {
        int count = count_at(a, at + 1, 1);
        if (a->numbers[at] == HW_TAG_LEAN)
            older.numbers[HW_D_VERSION] = count > HW_LEAN_APART ? HW_APART_VERSION : HW_LEAN_VERSION;
        memcpy(older.numbers + older.count, a->numbers + at + 2, (size_t)count * sizeof *a->numbers);
        older.count += count;
        at += 2 + count;
    }
    return older;
}

/* Let the pool learn lean. */
static inline void add_lean(declaration *a, double gradient, double weight)
{
    const double lean[] = {[HW_LEAN_GRADIENT] = gradient, [HW_LEAN_WEIGHT] = weight};
    add_block(a, HW_TAG_LEAN, lean, HW_LEAN_APART);
}

/* And one of numbers let its weights learn along how far experts lie apart; right behind that. */
static inline void add_apart(declaration *a, double factor) { add_number(a, factor); }

/* The pool of detectors, as headwater/kinds/anomaly/learner.py declares it. */
static inline declaration declare_anomaly(bool is_double, int units, int neighbours)
{
    declaration a = declare(is_double, true, 0, 1);
    a.numbers[HW_D_INTERVALS] = HW_ANOMALY_FADING;
    a.numbers[HW_D_RING] = neighbours;
    add_expert(&a, "mse", "momentum", 0.003);
    add_dense(&a, units, "lecun");
    add_activation(&a, "tanh");
    add_dense(&a, 1, "lecun");
    return a;
}

/* A forecaster with the nets of headwater/kinds/forecaster/learner.py. */
static inline declaration declare_forecast(bool is_double, int horizon, int season, int lags, double forgetting)
{
    declaration a = declare(is_double, true, 0, 1);
    const double ahead[HW_FORECAST] = {
        [HW_F_HORIZON] = horizon, [HW_F_SEASON] = season, [HW_F_LAGS] = lags, [HW_F_FORGETTING] = forgetting};
    a.numbers[HW_D_TARGETS] = 1;
    a.numbers[HW_D_KNOTS] = 16;
    add_net(&a, "huber", "adagrad", 0.01, 32, 0);
    add_net(&a, "huber", "adagrad", 0.03, 32, 0);
    add_net(&a, "huber", "adagrad", 0.01, 0, 0);
    add_block(&a, HW_TAG_FORECAST, ahead, HW_FORECAST);
    return a;
}

/* The same with a pool in two levels, and bounds. */
static inline declaration declare_pool(bool is_double, int horizon, int season, int lags, double low, double high)
{
    declaration a = declare_forecast(is_double, horizon, season, lags, 1);
    const double pool[HW_BANK] = {
        [HW_K_LAGS] = season > 1 ? lags : 0, [HW_K_LOW] = low, [HW_K_HIGH] = high, [HW_K_VISITS] = season > 1 ? 40 : 100};
    add_block(&a, HW_TAG_BANK, pool, HW_BANK);
    return a;
}

/* The same whose members are weighed by what they miss together. */
static inline declaration declare_joint(bool is_double, int horizon, int season, int lags, double low, double high)
{
    declaration a = declare_pool(is_double, horizon, season, lags, low, high);
    add_number(&a, 0.005);
    return a;
}

/* A bandit with the nets of headwater/kinds/bandit/learner.py, the first of so many units. */
static inline declaration declare_bandit(bool is_double, int explore, double amount, int units, int inputs)
{
    declaration a = declare(is_double, true, 0, 1);
    const double decides[HW_BANDIT] = {[HW_B_EXPLORE] = explore, [HW_B_AMOUNT] = amount, [HW_B_POWER] = 0.5,
                                       [HW_B_LOWEST] = -1,       [HW_B_HIGHEST] = 2,     [HW_B_INPUTS] = inputs};
    a.numbers[HW_D_RING] = 1000;
    add_net(&a, "mse", "adagrad", 0.05, units, 2);
    a.numbers[a.expert + HW_E_FIRST_REPLAYS] = 8;
    add_net(&a, "mse", "rmsprop", 0.003, (units + 1) / 2, 2);
    a.numbers[a.expert + HW_E_FIRST_REPLAYS] = 32;
    add_block(&a, HW_TAG_BANDIT, decides, HW_BANDIT);
    return a;
}

/* Mean rewards of actions beside the values of rows, behind a bandit. */
static inline void add_stack(declaration *a, bool features)
{
    const double stacked[HW_STACK] = {[HW_K_FEATURES] = features};
    add_block(a, HW_TAG_STACK, stacked, HW_STACK);
}

/* Let a pool read texts. */
static inline void add_text(declaration *a, int grams, int found, int rows)
{
    const double text[HW_TEXT] = {[HW_T_GRAMS] = grams, [HW_T_FOUND] = found, [HW_T_ROWS] = rows};
    add_block(a, HW_TAG_TEXT, text, HW_TEXT);
}

/* An expert with a recurrence of so many units, and `direct` numbers beside it. */
static inline void add_recurrent(declaration *a, const char *loss, const char *rule, double lr, int units, int direct,
                                 int hidden)
{
    add_expert(a, loss, rule, lr);
    add_dense(a, 2 * units + direct, "lecun");
    add_layer(a, HW_RECURRENT);
    if (hidden) {
        add_dense(a, hidden, "lecun");
        add_layer(a, HW_LAYER_NORM)[HW_L_CONSTANT] = 1e-5;
        add_activation(a, "relu");
    }
    add_dense(a, (int)a->numbers[HW_D_OUTPUTS], hidden ? "zeros" : "lecun");
}

/* What is carried of it. */
static inline void add_memory(declaration *a, int units, int keys, int blocks, int traced, const char *by, const char *time)
{
    const double head[HW_MEMORY] = {[HW_M_UNITS] = units,
                                    [HW_M_KEYS] = keys,
                                    [HW_M_BLOCKS] = blocks,
                                    [HW_M_TRACED] = traced,
                                    [HW_M_LEAST] = 0.1,
                                    [HW_M_MOST] = 0.999,
                                    [HW_M_TURN] = 6.28,
                                    [HW_M_BY] = (double)strlen(by),
                                    [HW_M_TIME] = (double)strlen(time)};
    add_block(a, HW_TAG_RECURRENT, head, HW_MEMORY);
    for (const char *name = by; *name; name++)
        add_number(a, (unsigned char)*name);
    for (const char *name = time; *name; name++)
        add_number(a, (unsigned char)*name);
}

/* An agent with the nets of headwater/kinds/agent/learner.py. */
static inline declaration declare_agent(bool is_double, int policy, int units, int outputs, bool adaptive)
{
    declaration a = declare(is_double, true, 0, outputs);
    const double own[HW_AGENT] = {
        [HW_A_POLICY] = policy,    [HW_A_GAMMA] = 0.99,       [HW_A_LAMBDA] = 0.8,
        [HW_A_VALUES] = 2,         [HW_A_ACTIONS] = 3,        [HW_A_ENTROPY] = 0.01,
        [HW_A_EXPLORE] = 3000,     [HW_A_RANDOM] = 0.05,      [HW_A_BOOTSTRAP] = policy != HW_SOFTMAX_POLICY,
        [HW_A_BOUNDED] = adaptive, [HW_A_ADAPTIVE] = adaptive};
    for (int e = 0; e < (policy == HW_ACTION_VALUES ? 1 : 2); e++) {
        add_expert(&a, "mse", adaptive ? "adam" : "momentum", 1);
        for (int i = 0; i < 2; i++) {
            add_dense(&a, units, "sparse");
            add_layer(&a, HW_LAYER_NORM)[HW_L_CONSTANT] = 1e-5;
            add_activation(&a, "leaky_relu");
        }
        add_dense(&a, outputs, "sparse");
    }
    add_block(&a, HW_TAG_AGENT, own, HW_AGENT);
    return a;
}

/* The same with a table beside its net. */
static inline declaration declare_table(bool is_double, int units, int outputs, int tilings, int columns)
{
    declaration a = declare_agent(is_double, HW_ACTION_VALUES, units, outputs, false);
    const double own[HW_TILES] = {[HW_Q_TILINGS] = tilings, [HW_Q_BINS] = 8,    [HW_Q_COLUMNS] = columns,
                                  [HW_Q_STEP] = 0.2,        [HW_Q_TRACE] = 0.9, [HW_Q_FIRST] = 0.5};
    add_block(&a, HW_TAG_TILES, own, HW_TILES);
    return a;
}

static inline hw_learner *made(const hw_allocator *memory, const declaration *a, int level)
{
    int status;
    hw_fault fault = {"", "", 0};
    hw_learner *l = hw_make(memory, a->numbers, a->count, level, 1, &status, &fault);
    if (!l && status != HW_NO_MEMORY) {
        fprintf(stderr, "%s: expected %s, got %g (%d)\n", fault.at, fault.expected, fault.got, status);
        exit(1);
    }
    return l;
}

/* The same learner anew, from its state. */
static inline hw_learner *moved(const hw_allocator *memory, hw_learner *l, int level, int *status)
{
    hw_array arrays[128];
    hw_fault fault = {"", "", 0};
    *status = 0;
    for (int i = 0; i < hw_states() && *status >= 0; i++)
        *status = hw_state(l, i, arrays + i);
    if (*status < 0)
        return NULL;
    hw_learner *again = hw_restore(memory, arrays, hw_states(), level, 2, status, &fault);
    if (!again && *status != HW_NO_MEMORY)
        fprintf(stderr, "%s: expected %s, got %g (%d)\n", fault.at, fault.expected, fault.got, *status);
    return again;
}

/* ---- numbers without pattern ----------------------------------------------------------------------------------------- */

/* Number j of row i, the same on every machine. */
static inline uint64_t draw_at(uint64_t i, uint64_t j)
{
    uint64_t z = (i * 64 + j + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double share_at(uint64_t i, uint64_t j) { return (double)(int64_t)(draw_at(i, j) >> 11) * 0x1p-53; }

#endif
