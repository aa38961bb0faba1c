/* Workers learn apart and are merged, again and again, for learners of every kind; one line a case: its name, and a digest
   of all merged learners. Between rounds a merged learner is saved, loaded, and goes on. With any argument each merging is
   also tried without memory: the first time its first request fails, then its second, …: an error each time, and nothing is
   lost. */
#include "declare.h"

enum { WORKERS = 3, ROUNDS = 3, WARM = 90, ROWS = 50, NUMBERS = 3, COLUMNS = NUMBERS + 4, MOST = 64 };

static bool starve;

static void fail(const char *name, const char *what, int status)
{
    fprintf(stderr, "%s: %s (%d)\n", name, what, status);
    exit(1);
}

/* An allocator that gives nothing at one request, and counts. */
typedef struct meagre {
    int64_t asked, refused, held;
} meagre;

static void *meagre_resize(void *context, void *block, size_t old, size_t size)
{
    meagre *m = context;
    if (size && m->asked++ == m->refused)
        return NULL;
    m->held += (size != 0) - (block != NULL);
    return plain_resize(NULL, block, old, size);
}

typedef struct flow {
    int classes; /* how many a worker may meet, each from another one on; 0: numbers */
    int words;   /* how many different ones */
} flow;

/* Row i of round t as worker w (0: the base) meets it: numbers of which some are missing, words that only some workers
   know, a time, and two columns that are new to all workers. */
static double row_of(hw_learner *l, const flow *f, uint64_t i, int t, int w)
{
    static const char *const names[COLUMNS] = {"a", "bb", "c", "word", "when", "odd", "late0"};
    static char texts[2][16], late[16];
    static double parts[HW_TIME_PARTS];
    hw_value v[COLUMNS];
    int n = 0;
    double z = 0;
    snprintf(late, sizeof late, "late%d", t);
    for (int j = 0; j < COLUMNS; j++) {
        const char *name = j < COLUMNS - 1 ? names[j] : late;
        v[n] = (hw_value){
            .column = -1, .kind = HW_NUMBER, .has = HW_HAS_NUMBER, .name = name, .name_size = (uint32_t)strlen(name)};
        double x = share_at(i, (uint64_t)j) * 4 - 2;
        if (j < NUMBERS) {
            z += j == 1 ? x * x : x;
            v[n].number = j == 1 ? x * 1000 : x;
        } else if (j == NUMBERS) {
            int word = (int)(draw_at(i, 20) % (uint64_t)f->words) + (draw_at(i, 21) % 4 == 0 ? 1000 * w : 0);
            z += word % 3;
            snprintf(texts[0], sizeof texts[0], "w%d", word);
            v[n].kind = HW_CATEGORY, v[n].has = HW_HAS_TEXT, v[n].text = texts[0],
            v[n].text_size = (uint32_t)strlen(texts[0]);
        } else if (j == NUMBERS + 1) {
            for (int k = 0; k < HW_TIME_PARTS; k++)
                parts[k] = share_at(i, 30 + (uint64_t)k);
            v[n].kind = HW_TIME, v[n].has = HW_HAS_TIME, v[n].time = parts;
        } else if (j == COLUMNS - 1) {
            v[n].number = x;
        } else { /* some take it for a number, others for a word */
            v[n].number = x;
            snprintf(texts[1], sizeof texts[1], "o%d", (int)(draw_at(i, 23) % 5));
            v[n].kind = w % 2 ? HW_CATEGORY : HW_NUMBER;
            v[n].has = w % 2 ? HW_HAS_TEXT : HW_HAS_NUMBER;
            v[n].text = texts[1], v[n].text_size = (uint32_t)strlen(texts[1]);
        }
        n += draw_at(i, 40 + (uint64_t)j) % 6 != 0 && (j < COLUMNS - 2 || w > 0);
    }
    int status = hw_read(l, v, n, 1, 0, NULL);
    if (status < 0)
        fail("read", "a sample", status);
    return z;
}

/* Learn rows as worker w of round t; labels[c]: the output of class c, -1: it has none yet. */
static void learn_rows(const char *name, hw_learner *l, const flow *f, int t, int w, int64_t rows, int *labels)
{
    static double p[MOST];
    for (int64_t i = 0; i < rows; i++) {
        uint64_t row = (uint64_t)((t * 8 + w) * 1000 + i);
        double y = row_of(l, f, row, t, w) + share_at(row, 60) - 0.5;
        if (f->classes) {
            int c = ((int)(y + 8) % 2 + (draw_at(row, 61) % 8 == 0 ? 2 + t * WORKERS + w : 0)) % f->classes;
            if (labels[c] < 0) {
                hw_shape shape;
                hw_describe(l, &shape);
                labels[c] = shape.outputs;
                int status = hw_add_outputs(l, shape.outputs + 1, -4);
                if (status < 0)
                    fail(name, "more outputs", status);
                row_of(l, f, row, t, w);
            }
            y = labels[c];
        }
        if (draw_at(row, 62) % 5 == 0) { /* some are asked, and their answers may never come */
            int status = hw_predict_pending(l, p);
            if (status >= 0 && draw_at(row, 63) % 2)
                status = hw_learn_late(l, y, 1);
            if (status < 0)
                fail(name, "ask", status);
            continue;
        }
        int status = hw_learn(l, y, draw_at(row, 64) % 7 ? 1 : 0, p);
        if (status < 0)
            fail(name, "learn", status);
    }
}

static hw_learner *merged(const char *name, hw_learner *base, hw_learner *const *workers, const int32_t *const *outputs)
{
    int status;
    uint64_t before = hw_digest(base);
    for (int64_t n = 0; starve; n++) {
        meagre memory = {.refused = n};
        hw_allocator allocator = {meagre_resize, &memory};
        hw_learner *l = hw_merge(&allocator, base, workers, WORKERS, outputs, -5, &status);
        bool refused = memory.asked > n;
        hw_free(l);
        if (refused ? l || status != HW_NO_MEMORY : !l)
            fail(name, "expected an error where memory ends", status);
        if (memory.held)
            fail(name, "memory was lost", (int)memory.held);
        if (!refused)
            break;
    }
    hw_learner *l = hw_merge(&PLAIN_MEMORY, base, workers, WORKERS, outputs, -5, &status);
    if (!l)
        fail(name, "merge", status);
    if (hw_digest(base) != before)
        fail(name, "the base was changed", 0);
    hw_learner *again = hw_merge(&PLAIN_MEMORY, base, workers, WORKERS, outputs, -5, &status);
    if (!again || hw_digest(again) != hw_digest(l))
        fail(name, "merging again gives another learner", status);
    hw_free(again);
    again = moved(&PLAIN_MEMORY, l, 0, &status);
    if (!again || hw_digest(again) != hw_digest(l))
        fail(name, "a merged learner, loaded, is another one", status);
    hw_free(l);
    return again;
}

static void end(const char *name, hw_learner *l, uint64_t digest)
{
    hw_array weights;
    hw_view(l, "weights", &weights);
    for (int64_t i = 0; i < weights.shape[0]; i++) {
        double x = weights.type == HW_F64 ? ((double *)weights.data)[i] : (double)((float *)weights.data)[i];
        if (x - x != 0)
            fail(name, "a weight is not finite", 0);
    }
    printf("%s %016llx\n", name, (unsigned long long)digest);
    hw_free(l);
}

static void names(const char *name, const declaration *a, flow f)
{
    int labels[MOST] = {0}, own[WORKERS][MOST];
    int32_t places[WORKERS][MOST];
    uint64_t digest = 0;
    hw_learner *base = made(&PLAIN_MEMORY, a, 0);
    for (int c = 1; c < MOST; c++)
        labels[c] = -1;
    learn_rows(name, base, &f, 0, 0, WARM, labels);
    for (int t = 0; t < ROUNDS; t++) {
        hw_learner *workers[WORKERS];
        const int32_t *outputs[WORKERS];
        hw_shape shape;
        int status;
        hw_describe(base, &shape);
        int count = shape.outputs;
        for (int w = 0; w < WORKERS; w++) {
            workers[w] = moved(&PLAIN_MEMORY, base, 0, &status);
            memcpy(own[w], labels, sizeof labels);
            if (t == 1 ? w == 2 : t == 2) /* an expert that one begins anew, or all */
                hw_reinitialise(workers[w], t - 1, (uint64_t)w);
            learn_rows(name, workers[w], &f, t, 1 + w, t == 1 && w == 1 ? 0 : ROWS * (1 + w), own[w]);
        }
        for (int w = 0; w < WORKERS; w++) {
            for (int c = 0; c < MOST; c++)
                if (own[w][c] >= 0 && labels[c] < 0)
                    labels[c] = count++;
            for (int c = 0; c < MOST; c++)
                if (own[w][c] >= 0)
                    places[w][own[w][c]] = labels[c];
            outputs[w] = places[w];
        }
        if (hw_merge(&PLAIN_MEMORY, workers[WORKERS - 1], workers, WORKERS, outputs, -5, &status) ||
            status != HW_BAD_ARGUMENT)
            fail(name, "workers of another base are refused", status);
        hw_learner *l = merged(name, base, workers, f.classes ? outputs : NULL);
        for (int w = 0; w < WORKERS; w++)
            hw_free(workers[w]);
        hw_free(base);
        base = l;
        digest = digest * 0x100000001b3u + hw_digest(base);
    }
    learn_rows(name, base, &f, ROUNDS, 0, ROWS, labels);
    end(name, base, digest ^ hw_digest(base));
}

/* A fixed number of inputs: rows, or steps of mini-batches. */
static void array(const char *name, const declaration *a, int inputs, bool batches)
{
    static double X[ROWS * 8], y[ROWS], w[ROWS], p[ROWS];
    uint64_t digest = 0;
    hw_shape shape;
    int status;
    hw_learner *base = made(&PLAIN_MEMORY, a, 0);
    hw_describe(base, &shape);
    void *g = malloc((size_t)shape.parameters * (shape.is_double ? 8 : 4));
    for (int t = 0; t < ROUNDS; t++) {
        hw_learner *workers[WORKERS], *l;
        for (int q = 0; q < WORKERS; q++) {
            l = workers[q] = moved(&PLAIN_MEMORY, base, 0, &status);
            for (int i = 0; i < ROWS; i++) {
                uint64_t row = (uint64_t)((t * 8 + q) * 1000 + i);
                y[i] = share_at(row, 60), w[i] = 1;
                for (int j = 0; j < inputs; j++) {
                    double x =
                        shape.embedding ? (double)(draw_at(row, (uint64_t)j) % 20) : share_at(row, (uint64_t)j) - 0.5;
                    y[i] += j ? x / 20 : -x / 20;
                    if (shape.is_double)
                        X[i * inputs + j] = x;
                    else
                        ((float *)X)[i * inputs + j] = (float)x;
                }
            }
            hw_set_ids(l, inputs);
            double loss;
            memset(g, 0, (size_t)shape.parameters * (shape.is_double ? 8 : 4));
            status = batches ? hw_gradient(l, X, y, w, ROWS, 1, ROWS, 1, g, &loss) : hw_learn_array(l, X, y, w, ROWS, 1, p);
            if (status >= 0 && batches)
                status = hw_apply(l, g, 1);
            if (status < 0)
                fail(name, "learn", status);
        }
        l = merged(name, base, workers, NULL);
        for (int q = 0; q < WORKERS; q++)
            hw_free(workers[q]);
        hw_free(base);
        base = l;
        digest = digest * 0x100000001b3u + hw_digest(base);
    }
    free(g);
    end(name, base, digest);
}

int main(int count, char **arguments)
{
    (void)arguments;
    starve = count > 1;
    static const char *const efforts[] = {"fast", "default"};
    for (int e = 0; e < 2; e++) {
        declaration a = declare(false, true, 0, 1);
        a.numbers[HW_D_HISTORY] = e;
        add_pool(&a, "cross_entropy", efforts[e]);
        add_lean(&a, 0.01, 0.25);
        names(efforts[e], &a, (flow){.classes = 14, .words = 9});
        a = declare(true, true, 0, 1);
        a.numbers[HW_D_TARGETS] = a.numbers[HW_D_HISTORY] = 1;
        a.numbers[HW_D_INTERVALS] = e ? HW_SCALED : HW_PLAIN;
        add_pool(&a, "huber", efforts[e]);
        add_lean(&a, 0.001, 0.25);
        names(e ? "default-numbers" : "fast-numbers", &a, (flow){.words = 9});
    }
    declaration a = declare(false, true, 0, 1);
    a.numbers[HW_D_MAX_ROWS] = 64;
    add_pool(&a, "hinge", "default");
    names("full", &a, (flow){.classes = 3, .words = 60});
    for (int e = 0; e < 2; e++) { /* tests that workers add, and tests that they share */
        a = declare(e, true, 0, 1);
        a.numbers[HW_D_MAX_ROWS] = e ? 64 : 1 << 20;
        add_net(&a, "cross_entropy", "adagrad", 0.1, 0, 0);
        add_cells(&a, 7, e ? 1 : 12);
        add_net(&a, "cross_entropy", "sgd", 0.05, 3, 0);
        add_cells(&a, 7, e ? 1 : 12);
        names(e ? "cells-full" : "cells", &a, (flow){.classes = 5, .words = e ? 60 : 9});
    }
    int rules;
    const char *const *rule = hw_rules(&rules);
    for (int r = 0; r < rules; r++) {
        a = declare(r % 2, true, 0, 1);
        a.numbers[HW_D_KNOTS] = 3;
        add_net(&a, "cross_entropy", rule[r], 0.05, r % 3 * 5, 0);
        names(rule[r], &a, (flow){.classes = 5, .words = 7});
        a = declare(r % 2, false, 3, 1);
        add_net(&a, "mse", rule[r], 0.01, 5, 0);
        char name[32];
        snprintf(name, sizeof name, "%s-%s", rule[r], r % 3 ? "array" : "batches");
        array(name, &a, 3, r % 3 == 0);
    }
    a = declare(true, false, 4, 1);
    add_expert(&a, "mse", "adam", 0.01);
    add_dense(&a, 6, "lecun");
    add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
    add_activation(&a, "relu");
    add_layer(&a, HW_DROPOUT)[HW_L_CONSTANT] = 0.2;
    add_dense(&a, 1, "lecun");
    array("norms", &a, 4, false);
    a = declare(false, false, 20, 1);
    a.numbers[HW_D_EMBEDDING] = 1;
    add_expert(&a, "mse", "adagrad", 0.05);
    double *layer = add_layer(&a, HW_EMBEDDING);
    layer[HW_L_UNITS] = 4;
    layer[HW_L_INITIALIZER] = code_of(hw_initializers, "lecun");
    add_dense(&a, 1, "lecun");
    array("embedding", &a, 2, false);
    return 0;
}
