/* Learners of every kind learn 10,000 rows each; one line a case: its name, and a digest of its whole state and of all that
   it predicted. Every machine, compiler and level must print golden.txt.

   golden [level [level from the middle on [rows [part parts]]]]: halfway each learner is saved, and goes on from its state.
   Where the second level is a lower one, learners are declared as they were before there were tags.
 */
#include "declare.h"

enum { NUMBERS = 4, CATEGORIES = 3, COLUMNS = NUMBERS + CATEGORIES + 1, DELAY = 40, BLOCK = 100, MOST = 128 };

static struct {
    int level, later;
    int64_t rows;
    int part, parts, cases;
} run = {.rows = 10000, .parts = 1};

/* Running numbers that some case must have moved: else the cases prove less than they say. */
static double reached[HW_RUNNING + 3];

typedef struct subject {
    const char *name;
    hw_learner *l;
    hw_shape shape;
    uint64_t predictions; /* of all predictions */
    double p[MOST * BLOCK];
} subject;

static void fail(const subject *s, const char *what, int status)
{
    fprintf(stderr, "%s: %s (%d)\n", s->name, what, status);
    exit(1);
}

static void expect(const subject *s, const char *what, int status)
{
    if (status < 0)
        fail(s, what, status);
}

/* Put predictions into the digest; none of them may be infinite or NaN, whose bits are not fixed. */
static void note(subject *s, const void *p, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double x = s->shape.is_double ? ((const double *)p)[i] : (double)((const float *)p)[i];
        if (x - x != 0)
            fail(s, "a prediction is not finite", 0);
        uint64_t bits;
        memcpy(&bits, &x, 8);
        s->predictions = (s->predictions ^ bits) * 0x100000001b3u;
    }
}

/* Make the learner of a case; false where another part of the cases is asked for. */
static bool begin(subject *s, const char *name, const declaration *a)
{
    if (run.cases++ % run.parts != run.part)
        return false;
    declaration older = untagged(a);
    *s = (subject){.name = name,
                   .l = made(&PLAIN_MEMORY, run.later < run.level ? &older : a, run.level),
                   .predictions = 0xcbf29ce484222325u};
    hw_describe(s->l, &s->shape);
    return true;
}

/* Save and load the learner, and go on at the other level. */
static void change_level(subject *s)
{
    int status;
    uint64_t before = hw_digest(s->l);
    hw_learner *again = moved(&PLAIN_MEMORY, s->l, run.later, &status);
    expect(s, "restore", status);
    if (hw_digest(again) != before)
        fail(s, "the state that was loaded is another one", 0);
    hw_free(s->l);
    s->l = again;
}

static void end(subject *s)
{
    hw_array a;
    expect(s, "weights", hw_view(s->l, "weights", &a));
    for (int64_t i = 0; i < a.shape[0]; i++) {
        double w = s->shape.is_double ? ((double *)a.data)[i] : (double)((float *)a.data)[i];
        if (w - w != 0)
            fail(s, "a weight is not finite", 0);
    }
    hw_describe(s->l, &s->shape);
    for (int e = 0; e < s->shape.experts; e++)
        for (int i = 0; i < HW_RUNNING; i++)
            reached[i] += hw_running(s->l, e)[i];
    reached[HW_RUNNING] += (double)s->shape.shared_names;
    if (!hw_view(s->l, "slot_basis", &a))
        for (int64_t i = 0; i < a.shape[0]; i++)
            reached[HW_RUNNING + (((int32_t *)a.data)[i] > 0 ? 1 : 2)] += ((int32_t *)a.data)[i] != 0;
    printf("%s %016llx\n", s->name, (unsigned long long)(hw_digest(s->l) ^ s->predictions * 0x9e3779b97f4a7c15u));
    fflush(stdout);
    hw_free(s->l);
}

/* ---- rows of an array --------------------------------------------------------------------------------------------------
 */

static double signal(int64_t i, int inputs, bool embedding)
{
    double sum = 0;
    for (int j = 0; j < inputs; j++) {
        double x = embedding ? (double)(draw_at((uint64_t)i, (uint64_t)j) % 11) / 5 - 1
                             : 2 * share_at((uint64_t)i, (uint64_t)j) - 1;
        sum += (j % 2 ? -1 : 1) * x + (j == 1 ? 2 * x * x : 0);
    }
    return sum + share_at((uint64_t)i, 60) - 0.5;
}

static int class_of(double z, int classes)
{
    int c = (int)((z + 3) / 6 * classes);
    return c < 0 ? 0 : c >= classes ? classes - 1 : c;
}

/* Rows from `first` on: inputs (ids, or numbers of which some are missing, and a few huge), answers, weights. */
static void fill(const subject *s, int64_t first, int64_t count, int inputs, bool classes, int answers, double huge,
                 void *X, double *y, double *w)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t row = (uint64_t)(first + i);
        for (int j = 0; j < inputs; j++) {
            double x = 2 * share_at(row, (uint64_t)j) - 1;
            if (s->shape.embedding)
                x = (double)(draw_at(row, (uint64_t)j) % 11);
            else if (draw_at(row, 40 + (uint64_t)j) % 16 == 0)
                x = draw_at(row, 50) % 2 ? 0 : __builtin_nan("");
            else if (draw_at(row, 51) % 1000 == 0)
                x *= huge;
            if (s->shape.is_double)
                ((double *)X)[i * inputs + j] = x;
            else
                ((float *)X)[i * inputs + j] = (float)x;
        }
        double z = signal(first + i, inputs, s->shape.embedding);
        for (int j = 0; j < answers; j++)
            y[i * answers + j] = classes ? class_of(z, s->shape.outputs > 1 ? s->shape.outputs : 2) : z * (j + 1) / 2;
        w[i] = draw_at(row, 61) % 8 ? 1 : draw_at(row, 62) % 2 ? 2.5 : 0;
    }
}

typedef enum answer { NUMBER, CLASS, YES, COUNT, SHARES } answer;

/* batch 0: row by row; else mini-batches of so many rows. */
static void learn_array(const char *name, const declaration *a, int inputs, answer kind, int batch)
{
    static subject s;
    static double X[BLOCK * 64], y[BLOCK * 64], w[BLOCK];
    if (!begin(&s, name, a))
        return;
    bool each = kind == NUMBER || kind == COUNT || kind == SHARES;
    int answers = each || s.shape.outputs == 1 ? s.shape.outputs : 1;
    size_t bytes = (size_t)s.shape.parameters * (s.shape.is_double ? 8 : 4);
    void *g = malloc(bytes);
    expect(&s, "ids", hw_set_ids(s.l, inputs));
    for (int64_t at = 0; at < run.rows; at += BLOCK) {
        fill(&s, at, BLOCK, inputs, kind == CLASS || kind == YES, answers, batch ? 1e300 * 1e300 : 1e39, X, y, w);
        for (int64_t i = 0; kind == COUNT && i < BLOCK * answers; i++)
            y[i] = (double)(int)(y[i] > 0 ? y[i] : 0);
        for (int64_t i = 0; kind == SHARES && i < BLOCK * answers; i++)
            y[i] = 1.0 / answers;
        if (at >= run.rows / 2 && at - BLOCK < run.rows / 2)
            change_level(&s);
        if (!batch) {
            expect(&s, "learn", hw_learn_array(s.l, X, y, w, BLOCK, answers, s.p));
            note(&s, s.p, BLOCK * s.shape.outputs);
            continue;
        }
        for (int64_t i = 0; i < BLOCK; i += batch) {
            int64_t some = BLOCK - i < batch ? BLOCK - i : batch;
            const char *part = (const char *)X + (size_t)(i * inputs) * (s.shape.is_double ? 8 : 4);
            double loss;
            memset(g, 0, bytes);
            expect(&s, "forward", hw_forward(s.l, part, some, s.p));
            note(&s, s.p, some * s.shape.outputs);
            expect(&s, "gradient",
                   hw_gradient(s.l, part, y + i * answers, w + i, some, answers, (double)some, 1, g, &loss));
            expect(&s, "apply", hw_apply(s.l, g, at % 1000 != 0));
        }
    }
    free(g);
    end(&s);
}

/* ---- samples of names
 * ----------------------------------------------------------------------------------------------------- */

typedef struct flow {
    int classes; /* 0: numbers; they appear one after another where `more` rows have gone by each */
    int64_t more;
    bool ids;      /* categories alone */
    int64_t words; /* how many different words the third category has; 0: ever new ones */
    bool late, counts;
    bool silent;  /* every other answer never comes */
    bool tidy;    /* numbers alone, none of them missing */
    bool mild;    /* no number beyond 1e30 */
    bool few;     /* two numbers and a category */
    bool prose;   /* the third category is a text */
    bool changes; /* halfway an expert begins anew, weights are evened out, steps become longer */
    bool covers;  /* coverage is followed, and its ends are noted */
} flow;

static const char *const NAMES[COLUMNS] = {"measured b", "x2",  "gr\xc3\xb6\xc3\x9f\x65", "measured a", "colour", "city",
                                           "",           "when"};
static const double SCALES[NUMBERS] = {1, 1000, 1e-3, 50};
static const double SHIFTS[NUMBERS] = {0, 5000, 0, -7};

/* Words in several scripts, some of which say what the answer is, and bytes that are no UTF-8. */
static int sentence(uint64_t row, int good, char *text, size_t room)
{
    static const char *const words[] = {"card",
                                        "CARD",
                                        "lost",
                                        "Stra\xC3\x9F"
                                        "e",
                                        "\xC3\x96"
                                        "FFNEN",
                                        "\xD0\x9C\xD0\xB8\xD1\x80",
                                        "\xE5\xA4\xA9\xE6\xB0\x94",
                                        "\xE5\xA5\xBD",
                                        "\xF0\x9F\x98\x80",
                                        "\xFF\xE5",
                                        "don't",
                                        "42"};
    int at = snprintf(text, room, "%s", good ? "good" : "Bad");
    for (int i = 0, n = 3 + (int)(draw_at(row, 60) % 12); i < n; i++) {
        uint64_t draw = draw_at(row, 61 + (uint64_t)i);
        at += draw % 3 ? snprintf(text + at, room - (size_t)at, " %s", words[draw % 12])
                       : snprintf(text + at, room - (size_t)at, ", w%d", (int)(draw % 900));
    }
    return at;
}

/* Sample i: numbers of any size, gaps, outliers, texts, times. */
static int sample(const flow *f, int64_t i, hw_value *values, double *score)
{
    static char texts[CATEGORIES][400];
    static double time[HW_TIME_PARTS];
    uint64_t row = (uint64_t)i;
    int count = 0;
    double z = 0;
    for (int j = 0; j < NUMBERS; j++) {
        double u = 2 * share_at(row, (uint64_t)j) - 1;
        z += (j == 0 && (i / 3000) % 2 ? -2 : j % 2 ? -1 : 1) * u + (j == 1 ? 2 * u * u : 0);
        if (f->ids || (f->few && j > 1))
            continue;
        if (!f->tidy && ((j == 3 && draw_at(row, 20) % 3) || draw_at(row, 21 + (uint64_t)j) % 16 == 0))
            continue;
        double x = SCALES[j] * (j == 2 ? u * u * u : u) + SHIFTS[j];
        if (draw_at(row, 30) % (f->tidy ? 1000 : 250) == 0)
            x *= draw_at(row, 31) % 2 || f->mild ? 1e6 : 1e33;
        values[count++] = (hw_value){.column = -1, .kind = HW_NUMBER, .has = HW_HAS_NUMBER, .number = x};
        values[count - 1].name = NAMES[j];
        values[count - 1].name_size = (uint32_t)strlen(NAMES[j]);
    }
    *score = z / 2 + share_at(row, 50) - 0.5;
    if (f->tidy)
        return count;
    double u = share_at(row, 32);
    int64_t which[CATEGORIES] = {(int64_t)(draw_at(row, 33) % 7), (int64_t)(u * u * u * 300),
                                 f->words ? (int64_t)(draw_at(row, 34) % (uint64_t)f->words) : i};
    z += (double)which[0] / 3 - 1 + (double)(which[1] % 5) / 4;
    for (int j = 0; j < CATEGORIES; j++) {
        if ((f->few && j != 1) || draw_at(row, 36 + (uint64_t)j) % 8 == 0)
            continue;
        const char *name = NAMES[NUMBERS + j];
        int size = snprintf(texts[j], sizeof texts[j], "%s %lld", name, (long long)which[j]);
        if (f->prose && j == 2)
            size = sentence(row, z > 0, texts[j], sizeof texts[j]);
        values[count++] = (hw_value){.column = -1,
                                     .kind = HW_CATEGORY,
                                     .has = HW_HAS_TEXT,
                                     .text = texts[j],
                                     .text_size = (uint32_t)size,
                                     .name = name,
                                     .name_size = (uint32_t)strlen(name)};
    }
    if (draw_at(row, 40) % 8 == 0 && !f->few && !f->ids) {
        for (int j = 0; j < HW_TIME_PARTS; j++)
            time[j] = j ? 2 * share_at(row, 41 + (uint64_t)j) - 1 : (double)i;
        values[count++] =
            (hw_value){.column = -1, .kind = HW_TIME, .has = HW_HAS_TIME, .time = time, .name = "when", .name_size = 4};
        z += time[3];
    }
    *score = z / 2 + share_at(row, 50) - 0.5;
    return count;
}

static double answer_of(subject *s, const flow *f, int64_t i, double score)
{
    if (f->counts)
        return (double)(int)(score > 0 ? 2 * score : 0);
    if (!f->classes)
        return (100 + 20 * score) * (draw_at((uint64_t)i, 53) % 700 ? 1 : 1e4);
    int known = f->more && i / f->more + 2 < f->classes ? (int)(i / f->more) + 2 : f->classes;
    int c = class_of(score, known);
    if (c >= s->shape.outputs && (s->shape.outputs > 1 || s->shape.growing)) {
        expect(s, "more outputs", hw_add_outputs(s->l, c + 1, -1 - (double)c / 16));
        hw_describe(s->l, &s->shape);
    }
    return c;
}

/* What the net reads of the sample at hand, and where every number is at its mean. */
static void note_pairs(subject *s)
{
    for (int at_mean = 0; at_mean < 2; at_mean++) {
        const int32_t *rows;
        const void *values;
        int64_t n = hw_pairs(s->l, at_mean, &rows, &values);
        note(s, values, n);
        for (int64_t i = 0; i < n; i++)
            s->predictions = (s->predictions ^ (uint64_t)rows[i]) * 0x100000001b3u;
    }
}

/* Read the sample again, as slots: its columns are known by now. */
static void read_numbers(subject *s, const hw_value *values, int count)
{
    int32_t slots[COLUMNS];
    double x[COLUMNS];
    for (int i = 0; i < count; i++) {
        static const int order[] = {1, 2, 3, 0}; /* by length, then by letter */
        const hw_value *v = values + order[i];
        slots[i] = hw_column_slot(s->l, v->column);
        x[i] = v->number;
    }
    if (count != NUMBERS || hw_column_slot(s->l, values[0].column) < 0)
        return;
    expect(s, "read numbers", hw_read_numbers(s->l, slots, x, count));
}

/* The ends at a share that is followed, at one between two, and at one beyond all. */
static void note_ends(subject *s)
{
    static const double shares[] = {0.9, 0.7, 0.999};
    for (int i = 0; i < 3; i++) {
        double ends[2];
        expect(s, "ends", hw_ends(s->l, shares[i], ends, ends + 1));
        for (int j = 0; j < 2; j++) {
            uint64_t bits;
            memcpy(&bits, ends + j, 8);
            s->predictions = (s->predictions ^ bits) * 0x100000001b3u;
        }
    }
}

static void learn_samples(const char *name, const declaration *a, flow f)
{
    static subject s;
    hw_value values[COLUMNS];
    double score, width = 0;
    if (!begin(&s, name, a))
        return;
    if (f.covers)
        expect(&s, "cover", hw_cover(s.l));
    for (int64_t i = 0; i < run.rows + (f.late ? DELAY : 0); i++) {
        if (f.covers && i % 100 == 0)
            note_ends(&s);
        if (i == run.rows / 2) {
            change_level(&s);
            if (f.changes) {
                expect(&s, "reinitialise", hw_reinitialise(s.l, 0, 5));
                expect(&s, "share", hw_spread_mixture_weights(s.l, 0.5));
                expect(&s, "step", hw_set_step(s.l, 1.5, 0.75));
            }
        }
        int64_t old = f.late ? i - DELAY : i;
        if (f.late && i < run.rows) {
            int count = sample(&f, i, values, &score);
            expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
            expect(&s, "ask", hw_predict_pending(s.l, s.p));
            note(&s, s.p, s.shape.outputs);
        }
        if (old < 0)
            continue;
        if (f.silent && draw_at((uint64_t)old, 52) % 2)
            continue;
        int count = sample(&f, old, values, &score);
        double y = answer_of(&s, &f, old, score), w = draw_at((uint64_t)old, 51) % 8 ? 1 : 2;
        if (!f.late && i % 3) {
            expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
            expect(&s, "predict", hw_predict(s.l, s.p, s.shape.intervals && i % 3 == 1 ? &width : NULL));
            note(&s, s.p, s.shape.outputs);
            if (width - width != 0)
                fail(&s, "a width is not finite", 0);
            uint64_t bits;
            memcpy(&bits, &width, 8);
            s.predictions = (s.predictions ^ bits) * 0x100000001b3u;
        }
        if (i % 200 == 7)
            note_pairs(&s);
        expect(&s, "read", hw_read(s.l, values, count, 1, 0, NULL));
        if (f.tidy && i % 2)
            read_numbers(&s, values, count);
        expect(&s, "learn", f.late ? hw_learn_late(s.l, y, w) : hw_learn(s.l, y, w, s.p));
        if (!f.late)
            note(&s, s.p, s.shape.outputs);
    }
    end(&s);
}

/* ---- the cases
 * ------------------------------------------------------------------------------------------------------------- */

static char *named(const char *what, const char *which, bool is_double)
{
    static char name[80];
    snprintf(name, sizeof name, "%s/%s/%d", what, which, is_double ? 64 : 32);
    return name;
}

/* A net of 5 inputs: hidden units, then what the caller appends, then outputs. */
static declaration net(bool is_double, const char *loss, const char *rule, double lr, int outputs)
{
    declaration a = declare(is_double, false, 5, outputs);
    add_expert(&a, loss, rule, lr);
    add_dense(&a, 9, "he");
    return a;
}

static void every_layer(bool d)
{
    static const char *const names[] = {"dense",      "no_bias",         "linear",     "dropout",
                                        "layer_norm", "layer_norm_bare", "batch_norm", "everything"};
    for (int i = 0; i < 8; i++)
        for (int batch = 0; batch < 2; batch++) {
            declaration a = net(d, "cross_entropy", "sgd", 0.05, 3);
            double *layer;
            if (i == 2) { /* the table's columns are the outputs */
                a = declare(d, false, 5, 3);
                add_expert(&a, "cross_entropy", "sgd", 0.05);
            }
            if (i == 1)
                a.numbers[a.count - HW_LAYER + HW_L_BIAS] = 0;
            if (i == 4 || i == 5 || i == 7) {
                layer = add_layer(&a, HW_LAYER_NORM);
                layer[HW_L_CONSTANT] = 1e-5;
                layer[HW_L_BIAS] = i != 5;
            }
            if (i == 6 || i == 7)
                add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
            if (i != 2)
                add_activation(&a, "relu");
            if (i == 3 || i == 7)
                add_layer(&a, HW_DROPOUT)[HW_L_CONSTANT] = 0.25;
            if (i == 7) {
                add_dense(&a, 6, "glorot")[HW_L_BIAS] = 0;
                add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
                add_activation(&a, "tanh");
            }
            add_dense(&a, 3, "glorot")[HW_L_BIAS] = i != 1;
            learn_array(named(batch ? "layer_in_batches" : "layer", names[i], d), &a, 5, CLASS, batch ? 32 : 0);
        }
    for (int batch = 0; batch < 2; batch++) {
        declaration a = declare(d, false, 11, 1);
        a.numbers[HW_D_EMBEDDING] = 1;
        add_expert(&a, "mse", "adagrad", 0.05);
        double *layer = add_layer(&a, HW_EMBEDDING);
        layer[HW_L_UNITS] = 6;
        layer[HW_L_INITIALIZER] = code_of(hw_initializers, "uniform");
        layer[HW_L_SCALE] = 0.05;
        add_activation(&a, "tanh");
        add_dense(&a, 1, "glorot");
        learn_array(named(batch ? "layer_in_batches" : "layer", "embedding", d), &a, 4, NUMBER, batch ? 32 : 0);
    }
}

/* A window on the image at hand, and what it belongs to. */
static double *add_window(declaration *a, int kind, int size, int step, int padding)
{
    double *seen = add_layer(a, HW_KERNEL);
    seen[HW_L_UNITS] = size;
    seen[HW_L_CONSTANT] = step;
    seen[HW_L_SCALE] = padding;
    return add_layer(a, kind);
}

static void add_convolution(declaration *a, int channels, int size, int step, int padding)
{
    double *layer = add_window(a, HW_CONV, size, step, padding);
    layer[HW_L_UNITS] = channels;
    layer[HW_L_BIAS] = 1;
    layer[HW_L_INITIALIZER] = code_of(hw_initializers, "he");
}

/* Channels that fill vectors and channels that don't, windows that overlap, steps, frames; norms and dropout between. */
static void every_image(bool d)
{
    static const char *const names[] = {"largest", "mean", "steps", "norms", "adam"};
    for (int i = 0; i < 5; i++)
        for (int batch = 0; batch < 2; batch++) {
            declaration a = declare(d, false, 2 * 5 * 6, 3);
            add_expert(&a, "cross_entropy", i == 4 ? "adam" : "sgd", i == 4 ? 0.003 : 0.02);
            if (i == 4)
                a.numbers[a.expert + HW_E_L2] = 1e-3;
            double *image = add_layer(&a, HW_IMAGE);
            image[HW_L_UNITS] = 2;
            image[HW_L_CONSTANT] = 5;
            image[HW_L_SCALE] = 6;
            add_convolution(&a, i == 2 ? 20 : 5, 3, i == 2 ? 2 : 1, 1);
            if (i == 3) {
                add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
                add_layer(&a, HW_DROPOUT)[HW_L_CONSTANT] = 0.1;
            }
            add_activation(&a, i == 1 ? "tanh" : "relu");
            if (i != 2)
                add_window(&a, HW_POOL, i == 3 ? 3 : 2, i == 3 ? 1 : 2, i == 3)[HW_L_CODE] = i == 1;
            add_convolution(&a, 4, 2, 1, 0);
            if (i == 3) {
                double *norm = add_layer(&a, HW_LAYER_NORM);
                norm[HW_L_CONSTANT] = 1e-5;
                norm[HW_L_BIAS] = 1;
            }
            add_activation(&a, "relu");
            add_layer(&a, HW_FLATTEN);
            add_dense(&a, 7, "he");
            add_activation(&a, "relu");
            add_dense(&a, 3, "glorot");
            learn_array(named(batch ? "image_in_batches" : "image", names[i], d), &a, 2 * 5 * 6, CLASS, batch ? 32 : 0);
        }
}

static void every_name(bool d)
{
    int count;
    const char *const *names = hw_activations(&count);
    for (int i = 0; i < count; i++) {
        declaration a = net(d, "mse", "sgd", 0.02, 1);
        add_activation(&a, names[i]);
        add_dense(&a, 7, "glorot");
        add_activation(&a, names[i]);
        add_dense(&a, 1, "glorot");
        learn_array(named("activation", names[i], d), &a, 5, NUMBER, 0);
    }
    names = hw_losses(&count);
    for (int i = 0; i < count; i++)
        for (int k = 1; k < 4; k += 2) {
            bool classes = !strcmp(names[i], "cross_entropy") || !strcmp(names[i], "hinge");
            bool yes = !strcmp(names[i], "binary_cross_entropy");
            if (k == 1 && !strcmp(names[i], "cross_entropy"))
                continue; /* one class: nothing to tell apart */
            declaration a = net(d, names[i], "sgd", 0.02, k);
            add_activation(&a, "tanh");
            add_dense(&a, k, "glorot");
            answer kind = classes && k > 1 ? CLASS : yes || classes ? YES : !strcmp(names[i], "poisson") ? COUNT : NUMBER;
            if (yes && k > 1)
                kind = SHARES;
            learn_array(named(k > 1 ? "loss_of_three" : "loss", names[i], d), &a, 5, kind, 0);
        }
    declaration soft = net(d, "cross_entropy", "sgd", 0.02, 3);
    add_activation(&soft, "tanh");
    add_dense(&soft, 3, "glorot");
    learn_array(named("loss_of_three", "cross_entropy_of_shares", d), &soft, 5, SHARES, 0);

    names = hw_rules(&count);
    for (int i = 0; i < count; i++) {
        double lr = !strcmp(names[i], "adadelta") || !strcmp(names[i], "cocob") ? 1
                    : !strcmp(names[i], "ftrl")                                 ? 0.1
                                                                                : 0.01;
        for (int way = 0; way < 4; way++) {
            if (way == 3 - d)
                continue; /* a hidden layer at one precision, none at the other */
            declaration a = way < 2 ? net(d, "cross_entropy", names[i], lr, 3) : declare(d, true, 0, 1);
            if (way >= 2) {
                add_expert(&a, "cross_entropy", names[i], lr);
                if (way == 2)
                    add_dense(&a, 7, "he");
            }
            if (way < 3)
                add_activation(&a, "relu");
            add_dense(&a, way < 2 ? 3 : 1, "glorot");
            static const char *const ways[] = {"rule", "rule_in_batches", "rule_of_names", "rule_of_names_linear"};
            if (way < 2)
                learn_array(named(ways[way], names[i], d), &a, 5, CLASS, way ? 20 : 0);
            else
                learn_samples(named(ways[way], names[i], d), &a, (flow){.classes = 3, .words = 50, .tidy = i % 2});
        }
    }
    names = hw_schedules(&count);
    for (int i = 0; i < count; i++) {
        static const double numbers[][2] = {{0, 0}, {0.3, 0}, {6000, 0.001}, {1500, 0.5}, {900, 0}};
        declaration a = net(d, "mse", "sgd", 0.05, 1);
        double *e = a.numbers + a.expert;
        e[HW_E_SCHEDULE] = i;
        memcpy(e + HW_E_SCHEDULE_NUMBERS, numbers[i], sizeof numbers[i]);
        add_activation(&a, "relu");
        add_dense(&a, 1, "glorot");
        learn_array(named("schedule", names[i], d), &a, 5, NUMBER, 0);
    }
    declaration ending = net(d, "mse", "sgd", 0.05, 1);
    ending.numbers[ending.expert + HW_E_SCHEDULE] = code_of(hw_schedules, "cosine");
    ending.numbers[ending.expert + HW_E_SCHEDULE_NUMBERS] = 4000;
    add_dense(&ending, 1, "glorot");
    learn_array(named("schedule", "cosine_to_zero", d), &ending, 5, NUMBER, 0);

    names = hw_initializers(&count);
    for (int i = 0; i < count; i++) {
        declaration a = net(d, "mse", "sgd", 0.02, 2);
        a.numbers[a.count - HW_LAYER + HW_L_INITIALIZER] = i;
        add_activation(&a, "sigmoid");
        add_dense(&a, 12, names[i]);
        add_activation(&a, "tanh");
        add_dense(&a, 2, names[i]);
        learn_array(named("initializer", names[i], d), &a, 5, NUMBER, 0);
    }
    static const struct {
        const char *name;
        int at;
        double value;
    } bounds[] = {{"l1", HW_E_L1, 1e-4},
                  {"l2", HW_E_L2, 1e-3},
                  {"clip_norm", HW_E_CLIP_NORM, 0.5},
                  {"clip_value", HW_E_CLIP_VALUE, 0.05},
                  {"all", 0, 0}};
    for (int i = 0; i < 5; i++)
        for (int batch = 0; batch < 2; batch++) {
            declaration a = net(d, "mse", i == 4 ? "adam" : "sgd", 0.02, 1);
            for (int j = 0; j < 4; j++)
                if (i == j || i == 4)
                    a.numbers[a.expert + bounds[j].at] = bounds[j].value;
            add_activation(&a, "relu");
            add_dense(&a, 4, "glorot");
            add_activation(&a, "relu");
            add_dense(&a, 1, "glorot");
            learn_array(named(batch ? "bound_in_batches" : "bound", bounds[i].name, d), &a, 5, NUMBER, batch ? 20 : 0);
        }
}

/* Widths that fill vectors, and widths that do not. */
static void every_width(bool d)
{
    static const int widths[] = {1, 4, 7, 8, 12, 16, 17, 40, 100, 150};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char name[8];
        declaration a = declare(d, false, 3, 2);
        add_expert(&a, "mse", i % 2 ? "sgd" : "adam", 0.01);
        add_dense(&a, widths[i], "he");
        add_layer(&a, HW_LAYER_NORM)[HW_L_CONSTANT] = 1e-5;
        add_activation(&a, i % 3 ? "relu" : "silu");
        add_dense(&a, widths[sizeof widths / sizeof *widths - 1 - i] / 4 + 1, "he");
        add_activation(&a, "relu");
        add_dense(&a, 2, "glorot");
        snprintf(name, sizeof name, "%d", widths[i]);
        learn_array(named("width", name, d), &a, 3, NUMBER, 0);
    }
}

/* A pool of three: affine norms, a hidden layer of one unit, dropout, a linear expert. */
static void add_few(declaration *a, const char *loss)
{
    a->numbers[HW_D_KNOTS] = 6;
    a->numbers[HW_D_RING] = 200;
    add_expert(a, loss, "rmsprop", 0.01);
    a->numbers[a->expert + HW_E_REPLAYS] = 1;
    add_dense(a, 7, "lecun");
    double *norm = add_layer(a, HW_LAYER_NORM);
    norm[HW_L_CONSTANT] = 1e-5;
    norm[HW_L_BIAS] = 1;
    add_activation(a, "relu");
    add_dense(a, 1, "glorot");
    add_activation(a, "tanh");
    add_dense(a, 1, "zeros");
    add_net(a, loss, "adagrad", 0.1, 0, 0);
    add_expert(a, loss, "sgd", 0.03);
    add_dense(a, 4, "he");
    add_layer(a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
    add_activation(a, "relu");
    add_layer(a, HW_DROPOUT)[HW_L_CONSTANT] = 0.1;
    add_dense(a, 1, "orthogonal");
}

static void every_stream(bool d)
{
    static const char *const efforts[] = {"fast", "default", "accurate"};
    flow classes = {.classes = 4, .more = 300, .words = 400}, numbers = {.words = 400};
    for (int i = 0; i < (d ? 1 : 3); i++) {
        classes.few = numbers.few = i > 0; /* the costly ones */
        declaration a = declare(d, true, 0, 1);
        add_pool(&a, "cross_entropy", efforts[i]);
        learn_samples(named("classify", efforts[i], d), &a, classes);
        a = declare(d, true, 0, 1);
        a.numbers[HW_D_TARGETS] = 1;
        a.numbers[HW_D_INTERVALS] = HW_SCALED;
        add_pool(&a, "huber", efforts[i]);
        learn_samples(named("regress", efforts[i], d), &a, numbers);
    }
    numbers.few = false;

    declaration a = declare(d, true, 0, 1);
    add_few(&a, "cross_entropy");
    learn_samples(named("growth", "names", d), &a, (flow){.classes = 3});
    a.numbers[HW_D_MAX_ROWS] = 400;
    learn_samples(named("growth", "full_table", d), &a, (flow){.classes = 3});
    a.numbers[HW_D_MAX_ROWS] = 16;
    learn_samples(named("growth", "tiny_table", d), &a, (flow){.classes = 3});
    a.numbers[HW_D_MAX_ROWS] = 1 << 20;
    if (!d)
        learn_samples(named("growth", "classes", d), &a, (flow){.classes = 85, .more = 100, .words = 50});
    learn_samples(named("growth", "numbers_alone", d), &a, (flow){.classes = 3, .tidy = true});
    a.numbers[HW_D_HISTORY] = 1;
    learn_samples(named("history", "classes", d), &a, (flow){.classes = 20, .more = 200, .words = 50});
    learn_samples(named("late", "history", d), &a, (flow){.classes = 20, .more = 200, .words = 50, .late = true});
    if (!d)
        learn_samples(named("changes", "classes", d), &a, (flow){.classes = 5, .words = 50, .changes = true});

    a = declare(d, true, 0, 1);
    a.numbers[HW_D_TARGETS] = a.numbers[HW_D_HISTORY] = 1;
    a.numbers[HW_D_INTERVALS] = HW_SCALED;
    add_few(&a, "huber");
    learn_samples(named("history", "numbers", d), &a, numbers);
    learn_samples(named("late", "numbers", d), &a, (flow){.words = 400, .late = true});
    a.numbers[HW_D_MAX_ROWS] = 400;
    learn_samples(named("late", "full_table", d), &a, (flow){.late = true, .silent = true});
    if (d)
        learn_samples(named("changes", "numbers", d), &a, (flow){.words = 50, .changes = true});

    a = declare(d, true, 0, 1);
    add_few(&a, "cross_entropy");
    learn_samples(named("late", "classes", d), &a, (flow){.classes = 9, .more = 200, .words = 50, .late = true});

    a = declare(d, true, 0, 1);
    a.numbers[HW_D_KNOTS] = 4;
    add_net(&a, "cross_entropy", "adagrad", 0.1, 0, 0);
    add_cells(&a, 12, 5);
    add_net(&a, "cross_entropy", "rmsprop", 0.01, 5, 0);
    add_cells(&a, 12, 5);
    learn_samples(named("cells", "classes", d), &a, (flow){.classes = 20, .more = 200, .words = 50});
    learn_samples(named("cells", "late", d), &a, (flow){.classes = 3, .words = 50, .late = true});
    learn_samples(named("cells", "changes", d), &a, (flow){.classes = 5, .words = 50, .changes = true});
    a.numbers[HW_D_MAX_ROWS] = 64;
    learn_samples(named("cells", "full_table", d), &a, (flow){.classes = 3});
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_TARGETS] = 1;
    a.numbers[HW_D_INTERVALS] = HW_SCALED;
    add_net(&a, "huber", "sgd", 0.02, 0, 0);
    add_cells(&a, 64, 8);
    learn_samples(named("cells", "numbers", d), &a, numbers);
    add_net(&a, "huber", "sgd", 30, 0, 0);
    add_cells(&a, 3, 12);
    learn_samples(named("cells", "harm", d), &a, numbers);

    a = declare(d, true, 0, 1); /* several experts whose answers are mixed by Hedge */
    a.numbers[HW_D_RING] = 100;
    add_net(&a, "hinge", "sgd", 0.01, 8, 0);
    add_net(&a, "hinge", "adam", 0.001, 8, 1);
    add_net(&a, "hinge", "ftrl", 0.1, 0, 1);
    learn_samples(named("hedge", "hinge", d), &a, (flow){.classes = 5, .more = 500, .words = 50});
    a = declare(d, true, 0, 1);
    add_net(&a, "binary_cross_entropy", "sgd", 0.05, 8, 0);
    add_net(&a, "binary_cross_entropy", "nadam", 0.002, 0, 0);
    learn_samples(named("hedge", "binary_cross_entropy", d), &a, (flow){.classes = 1, .words = 50});

    a = declare(d, true, 0, 1);
    a.numbers[HW_D_INTERVALS] = HW_PEARSON;
    add_net(&a, "poisson", "sgd", 0.01, 8, 0);
    learn_samples(named("intervals", "pearson", d), &a, (flow){.words = 50, .counts = true});
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_TARGETS] = 1;
    a.numbers[HW_D_INTERVALS] = HW_PLAIN;
    a.numbers[HW_D_KNOTS] = 5;
    add_net(&a, "quantile", "rmsprop", 0.003, 8, 0);
    learn_samples(named("intervals", "plain", d), &a, numbers);

    a = declare(d, true, 0, 1); /* steps far too long: taken back, and experts that begin anew */
    add_net(&a, "cross_entropy", "sgd", 300, 8, 0);
    add_net(&a, "cross_entropy", "sgd", 30, 0, 0);
    add_net(&a, "cross_entropy", "momentum", 1, 8, 0);
    learn_samples(named("harm", "classes", d), &a, (flow){.classes = 4, .words = 50});
    a = declare(d, true, 0, 1); /* as they are, inputs of 1e30 and more: logits that are not finite */
    a.numbers[HW_D_STANDARD] = 0;
    for (int i = 0; i < 2; i++) {
        add_expert(&a, "mse", i ? "adagrad" : "sgd", 0.01);
        for (int j = 0; j < 11; j++)
            add_dense(&a, 5, "he");
        add_dense(&a, 1, "glorot");
    }
    learn_samples(named("harm", "overflow", d), &a, numbers);
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_STANDARD] = 0;
    add_expert(&a, "mse", "sgd", 0.01);
    add_dense(&a, 8, "he");
    add_activation(&a, "relu");
    add_layer(&a, HW_DROPOUT)[HW_L_CONSTANT] = 0.2;
    add_dense(&a, 1, "glorot");
    learn_samples(named("harm", "unscaled", d), &a, (flow){.words = 400, .mild = true});
}

/* Pools that learn lean, as those of headwater do. */
static void every_lean_pool(bool d)
{
    static const char *const efforts[] = {"fast", "default", "accurate"};
    flow classes = {.classes = 4, .more = 300, .words = 400}, numbers = {.words = 400};
    for (int i = 0; i < (d ? 1 : 3); i++) {
        classes.few = numbers.few = i > 0; /* the costly ones */
        declaration a = declare(d, true, 0, 1);
        add_pool(&a, "cross_entropy", efforts[i]);
        add_lean(&a, 0.01, 0.25);
        learn_samples(named("lean_classify", efforts[i], d), &a, classes);
        a = declare(d, true, 0, 1);
        a.numbers[HW_D_TARGETS] = 1;
        a.numbers[HW_D_INTERVALS] = HW_SCALED;
        add_pool(&a, "huber", efforts[i]);
        add_lean(&a, 0.001, 0.25);
        learn_samples(named("lean_regress", efforts[i], d), &a, numbers);
        add_apart(&a, 5);
        learn_samples(named("apart_regress", efforts[i], d), &a, numbers);
    }
    declaration a = declare(d, true, 0, 1);
    a.numbers[HW_D_KNOTS] = 4;
    a.numbers[HW_D_MAX_ROWS] = 400;
    add_net(&a, "cross_entropy", "rmsprop", 0.01, 5, 0); /* with cells, penalties and bounds */
    add_cells(&a, 12, 5);
    a.numbers[a.expert + HW_E_L1] = a.numbers[a.expert + HW_E_L2] = 1e-4;
    a.numbers[a.expert + HW_E_CLIP_VALUE] = 0.1;
    add_net(&a, "cross_entropy", "adagrad", 0.1, 24, 0);
    add_net(&a, "cross_entropy", "adagrad", 0.1, 0, 0);
    add_cells(&a, 12, 5);
    add_recurrent(&a, "cross_entropy", "rmsprop", 0.003, 6, 16, 16);
    add_lean(&a, 0, 0);
    add_memory(&a, 6, 16, 4, 5, "city", "x2");
    learn_samples(named("lean", "changes", d), &a, (flow){.classes = 5, .words = 50, .changes = true});
    a = declare(d, true, 0, 1);
    add_net(&a, "cross_entropy", "rmsprop", 30, 8, 0);
    add_net(&a, "cross_entropy", "adagrad", 300, 8, 0);
    add_lean(&a, 1e-3, 0.5);
    learn_samples(named("lean", "harm", d), &a, (flow){.classes = 20, .more = 200, .words = 50, .late = true});
}

/* What contributes to the score of the sample at hand, into the digest. */
static void note_contributions(subject *s)
{
    double score, of_new;
    hw_describe(s->l, &s->shape);
    double *row = calloc((size_t)s->shape.rows, sizeof *row);
    subject as_doubles = {.name = s->name, .shape = {.is_double = 1}, .predictions = s->predictions};
    expect(s, "contributions", hw_contributions(s->l, row, &score, &of_new));
    note(&as_doubles, row, s->shape.rows);
    note(&as_doubles, &score, 1);
    note(&as_doubles, &of_new, 1);
    s->predictions = as_doubles.predictions;
    free(row);
}

static void look_for_anomalies(const char *name, const declaration *a, flow f)
{
    static subject s;
    hw_value values[COLUMNS];
    double score;
    if (!begin(&s, name, a))
        return;
    for (int64_t i = 0; i < run.rows; i++) {
        if (i == run.rows / 2)
            change_level(&s);
        int count = sample(&f, i, values, &score);
        if (i % 3) {
            expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
            expect(&s, "predict", hw_predict(s.l, s.p, NULL));
            note(&s, s.p, 1);
        }
        if (i % 500 == 7)
            note_contributions(&s);
        expect(&s, "read", hw_read(s.l, values, count, 1, 0, NULL));
        expect(&s, "learn", hw_learn(s.l, 0, i % 11 ? 1 : 0, s.p));
        note(&s, s.p, 1);
    }
    end(&s);
}

static void every_detector(bool d)
{
    declaration a = declare_anomaly(d, 8, 100);
    look_for_anomalies(named("anomaly", "names", d), &a, (flow){.words = 400});
    look_for_anomalies(named("anomaly", "numbers_alone", d), &a, (flow){.tidy = true});
    a.numbers[HW_D_MAX_ROWS] = 64;
    look_for_anomalies(named("anomaly", "full_table", d), &a, (flow){0});
    a = declare_anomaly(d, 3, 7);
    look_for_anomalies(named("anomaly", "small", d), &a, (flow){.few = true});
}

/* Answer i of a series: a season, what its columns say, noise; outliers, gaps, a new unit near the start, a new level. */
static double next_answer(int season, int64_t i, double score)
{
    uint64_t row = (uint64_t)i;
    double y = 3 * share_at((uint64_t)(i % season), 55) + score / 4;
    if (draw_at(row, 56) % 16 == 0)
        return __builtin_nan("");
    if (draw_at(row, 57) % 300 == 0)
        y *= draw_at(row, 58) % 2 ? 1e4 : -1e25;
    return i < 70 ? y / 50 : i > run.rows * 3 / 4 ? y + 100 : y;
}

/* Forecast all horizons now and then, the first of them every time; learn one answer after another. */
static void forecast(const char *name, const declaration *a, int horizon, int season, bool bare, flow f)
{
    static subject s;
    hw_value values[COLUMNS];
    double score, y;
    if (!begin(&s, name, a))
        return;
    subject doubles = {.name = name, .shape = {.is_double = 1}, .predictions = s.predictions};
    for (int64_t i = 0; i < run.rows; i++) {
        if (i == run.rows / 2)
            change_level(&s);
        for (int64_t h = 1; h <= (i % 50 == 7 ? horizon : 1); h++) {
            int count = sample(&f, i + h - 1, values, &score);
            expect(&s, "read", hw_read(s.l, values, bare ? 0 : count, 0, 0, NULL));
            expect(&s, "forecast", hw_forecast(s.l, h, &y));
            note(&doubles, &y, 1);
        }
        int count = sample(&f, i, values, &score);
        y = next_answer(season, i, score);
        expect(&s, "read", hw_read(s.l, values, bare ? 0 : count, 1, 0, NULL));
        if (i % 1000 == 9 &&
            (hw_learn_next(s.l, __builtin_inf(), 1) != HW_BAD_ARGUMENT || hw_learn_next(s.l, -2e30, 1) >= 0))
            fail(&s, "an answer that can't be was learned", 0);
        if (hw_learn_next(s.l, y, 1) != (y == y))
            fail(&s, "an answer was not learned", 0);
    }
    s.predictions = doubles.predictions;
    end(&s);
}

static void every_text(bool d)
{
    declaration a = declare(d, true, 0, 1);
    add_few(&a, "cross_entropy");
    add_text(&a, 2, HW_FIND_LONG, 1 << 16);
    learn_samples(named("text", "found", d), &a, (flow){.classes = 20, .more = 100, .prose = true});
    learn_samples(named("text", "late", d), &a, (flow){.classes = 20, .more = 100, .prose = true, .late = true});
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_HISTORY] = 1;
    add_few(&a, "cross_entropy");
    add_text(&a, 1, HW_FIND_ALL, 300);
    learn_samples(named("text", "full_table", d), &a, (flow){.classes = 5, .prose = true, .changes = true});
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_TARGETS] = 1;
    a.numbers[HW_D_INTERVALS] = HW_SCALED;
    add_few(&a, "huber");
    add_text(&a, 2, HW_FIND_ALL, 1 << 16);
    learn_samples(named("text", "numbers", d), &a, (flow){.prose = true});
    learn_samples(named("text", "late_numbers", d), &a, (flow){.prose = true, .late = true});
}

static void every_forecaster(bool d)
{
    declaration a = declare_forecast(d, 1, 1, 24, 1);
    forecast(named("forecast", "next", d), &a, 1, 7, true, (flow){0});
    a = declare_forecast(d, 24, 24, 30, 1);
    forecast(named("forecast", "day", d), &a, 24, 24, false, (flow){.words = 50, .few = true});
    a = declare_forecast(d, 5, 7, 3, 0.99);
    forecast(named("forecast", "new_names", d), &a, 5, 7, false, (flow){.mild = true});
    a.numbers[HW_D_MAX_ROWS] = 160;
    forecast(named("forecast", "full_table", d), &a, 5, 7, false, (flow){0});
}

static void every_pool_of_forecasters(bool d)
{
    declaration a = declare_pool(d, 1, 1, 24, -1e300, 1e300);
    forecast(named("forecast", "pool_next", d), &a, 1, 7, true, (flow){0});
    a = declare_pool(d, 24, 24, 30, 0, 1e300);
    forecast(named("forecast", "pool_day", d), &a, 24, 24, false, (flow){.words = 50, .few = true});
    a = declare_pool(d, 5, 7, 3, -1e300, 1e300);
    forecast(named("forecast", "pool_new_names", d), &a, 5, 7, false, (flow){.mild = true});
    a = declare_joint(d, 1, 1, 24, -1e300, 1e300);
    forecast(named("forecast", "joint_next", d), &a, 1, 7, true, (flow){0});
    a = declare_joint(d, 24, 24, 30, 0, 1e300);
    forecast(named("forecast", "joint_day", d), &a, 24, 24, false, (flow){.words = 50, .few = true});
}

/* Draw an action now and then, one that was never seen among them; learn the reward of one. */
static void decide(const char *name, const declaration *a, int actions, flow f)
{
    static subject s;
    hw_value values[COLUMNS];
    double score, said[MOST], p[MOST];
    int32_t offered[MOST];
    if (!begin(&s, name, a))
        return;
    subject doubles = {.name = name, .shape = {.is_double = 1}, .predictions = s.predictions};
    for (int64_t i = 0; i < run.rows; i++) {
        uint64_t row = (uint64_t)i;
        if (i == run.rows / 2)
            change_level(&s);
        int count = sample(&f, i, values, &score), known = i < 50 ? 1 + (int)i / 20 : actions, first = (int)(i % known);
        hw_describe(s.l, &s.shape);
        if (s.shape.outputs < known)
            expect(&s, "outputs", hw_add_outputs(s.l, known, 0));
        for (int j = 0; j < known; j++)
            offered[j] = j == first && i % 97 == 5 ? -1 : j;
        expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
        expect(&s, "decide", hw_decide(s.l, offered, known, said, p));
        note(&doubles, said, known);
        note(&doubles, p, known);
        int64_t drawn = hw_draw_action(s.l, p, known);
        int taken = offered[drawn] < 0 ? first : offered[drawn];
        if (i % 50 == 9) {
            expect(&s, "values", hw_values(s.l, said));
            note(&doubles, said, known);
        }
        double best = class_of(score, actions), reward = 1 - __builtin_fabs(taken - best) / actions + share_at(row, 57) / 2;
        expect(&s, "read", hw_read(s.l, values, count, 1, 0, NULL));
        if (i % 1000 == 9 && (hw_learn_action(s.l, taken, __builtin_inf(), 1, 1) != HW_BAD_ARGUMENT ||
                              hw_learn_action(s.l, known, 0, 1, 1) >= 0 || hw_learn_action(s.l, taken, 0, 0, 1) >= 0))
            fail(&s, "an action that can't be was learned", 0);
        expect(&s, "learn", hw_learn_action(s.l, taken, draw_at(row, 58) % 200 ? reward : 1e9, p[drawn], 1));
    }
    s.predictions = doubles.predictions;
    end(&s);
}

static void every_bandit(bool d)
{
    declaration a = declare_bandit(d, HW_SQUARECB, 100, 24, 64);
    decide(named("bandit", "squarecb", d), &a, 5, (flow){.words = 50, .few = true});
    a = declare_bandit(d, HW_EPSILON, 0.1, 8, 20);
    decide(named("bandit", "epsilon", d), &a, 20, (flow){.tidy = true});
    a = declare_bandit(d, HW_SOFTMAX, 10, 5, 256);
    decide(named("bandit", "new_names", d), &a, 3, (flow){.mild = true});
    a = declare_bandit(d, HW_SQUARECB, 1000, 24, 64);
    add_stack(&a, false);
    decide(named("bandit", "stacked", d), &a, 5, (flow){.words = 50, .few = true});
    a = declare_bandit(d, HW_GREEDY, 0, 8, 64);
    add_stack(&a, false);
    decide(named("bandit", "greedy", d), &a, 4, (flow){.mild = true});
    a = declare_bandit(d, HW_LINUCB, 0.3, 3, 40);
    a.numbers[HW_D_MAX_ROWS] = 160;
    decide(named("bandit", "full_table", d), &a, 7, (flow){0});
}

static void every_coverage(bool d)
{
    flow classes = {.classes = 20, .more = 200, .words = 50, .covers = true}, numbers = {.words = 50, .covers = true};
    for (int late = 0; late < 2; late++) {
        classes.late = numbers.late = late;
        declaration a = declare(d, true, 0, 1);
        add_few(&a, "cross_entropy");
        learn_samples(named(late ? "coverage_late" : "coverage", "classes", d), &a, classes);
        a = declare(d, true, 0, 1);
        add_net(&a, "hinge", "adam", 0.01, 0, 0);
        learn_samples(named(late ? "coverage_late" : "coverage", "one_net", d), &a, classes);
        a = declare(d, true, 0, 1);
        a.numbers[HW_D_TARGETS] = 1;
        a.numbers[HW_D_INTERVALS] = HW_SCALED;
        add_few(&a, "huber");
        learn_samples(named(late ? "coverage_late" : "coverage", "numbers", d), &a, numbers);
    }
}

/* States that are carried: of rows of an array, of the keys of samples, of more keys than are kept. */
static void every_memory(bool d)
{
    declaration a = declare(d, false, 4, 2);
    add_recurrent(&a, "mse", "sgd", 0.01, 5, 0, 0);
    add_memory(&a, 5, 1, 1, 5, "", "");
    learn_array(named("memory", "array", d), &a, 4, NUMBER, 0);
    learn_array(named("memory", "sequence", d), &a, 4, NUMBER, 20);
    a = declare(d, false, 3, 1);
    add_recurrent(&a, "binary_cross_entropy", "nadam", 0.003, 8, 8, 16);
    a.numbers[a.expert + HW_E_CLIP_NORM] = 1;
    a.numbers[a.expert + HW_E_L2] = 1e-4;
    add_memory(&a, 8, 1, 1, 4, "", "");
    learn_array(named("memory", "clipped", d), &a, 3, YES, 0);
    a = declare(d, true, 0, 1);
    add_pool(&a, "cross_entropy", "fast");
    add_recurrent(&a, "cross_entropy", "rmsprop", 0.003, 6, 16, 16);
    a.numbers[a.expert + HW_E_RULE_NUMBERS] = 0.999;
    declaration keyed = a;
    add_memory(&keyed, 6, 100, 20, 24, "colour", "when");
    learn_samples(named("memory", "keys", d), &keyed, (flow){.classes = 6, .more = 1000, .words = 40});
    keyed = a;
    add_memory(&keyed, 6, 16, 4, 5, "city", "x2");
    keyed.numbers[HW_D_MAX_ROWS] = 400;
    learn_samples(named("memory", "more_keys", d), &keyed, (flow){.classes = 3, .late = true, .changes = true});
    a = declare(d, true, 0, 1);
    a.numbers[HW_D_TARGETS] = 1;
    a.numbers[HW_D_INTERVALS] = HW_SCALED;
    add_net(&a, "huber", "rmsprop", 0.003, 32, 0);
    add_recurrent(&a, "huber", "adam", 0.003, 7, 3, 8);
    add_memory(&a, 7, 50, 50, 8, "measured b", "");
    learn_samples(named("memory", "numbers", d), &a, (flow){.tidy = true});
}

/* Act, see what follows, learn it: rewards follow from the action and the state; episodes end, or are cut off. */
static void act(const char *name, const declaration *a, int outputs, flow f)
{
    static subject s;
    hw_value values[COLUMNS];
    double score, action[MOST], said[MOST], again[MOST];
    if (!begin(&s, name, a))
        return;
    subject doubles = {.name = name, .shape = {.is_double = 1}, .predictions = s.predictions};
    bool normal = hw_policy(s.l) == HW_NORMAL_POLICY;
    int numbers = normal ? outputs / 2 : 1;
    for (int64_t i = 0; i < run.rows; i++) {
        if (i == run.rows / 2)
            change_level(&s);
        int count = sample(&f, i, values, &score);
        expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
        expect(&s, "act", hw_act(s.l, 1, action));
        expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
        expect(&s, "value", hw_state_value(s.l, said));
        expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
        expect(&s, "act", hw_act(s.l, 1, again));
        if (memcmp(action, again, (size_t)numbers * sizeof *action))
            fail(&s, "acting changed the agent", 0);
        note(&doubles, action, numbers);
        note(&doubles, said, 1 + outputs);
        bool terminated = draw_at((uint64_t)i, 70) % 90 == 0, truncated = draw_at((uint64_t)i, 71) % 150 == 0;
        double reward = normal ? -(action[0] - score) * (action[0] - score) : (action[0] == (score > 0) ? 1 : -0.5);
        if (!terminated) {
            count = sample(&f, i + 1, values, &said[0]);
            expect(&s, "read", hw_read(s.l, values, count, 0, 0, NULL));
            expect(&s, "the state that follows", hw_read_next(s.l));
        }
        count = sample(&f, i, values, &score);
        expect(&s, "read", hw_read(s.l, values, count, 1, 0, NULL));
        if (i % 1000 == 9 && hw_learn_transition(s.l, action, __builtin_inf(), 0, 0, 1) != HW_BAD_ARGUMENT)
            fail(&s, "a reward that can't be was learned", 0);
        if (hw_learn_transition(s.l, action, i % 700 ? reward : 1e12, terminated, truncated, 1) != 1)
            fail(&s, "a transition was not learned", 0);
    }
    s.predictions = doubles.predictions;
    end(&s);
}

static void every_agent(bool d)
{
    declaration a = declare_agent(d, HW_ACTION_VALUES, 16, 2, false);
    act(named("agent", "values", d), &a, 2, (flow){.tidy = true});
    act(named("agent", "rare_names", d), &a, 2, (flow){.words = 50});
    a = declare_agent(d, HW_ACTION_VALUES, 20, 5, true);
    act(named("agent", "adaptive", d), &a, 5, (flow){.words = 50});
    a = declare_agent(d, HW_SOFTMAX_POLICY, 16, 3, false);
    act(named("agent", "softmax", d), &a, 3, (flow){0});
    a = declare_agent(d, HW_NORMAL_POLICY, 8, 4, true);
    act(named("agent", "normal", d), &a, 4, (flow){.few = true, .words = 50});
    a.numbers[HW_D_MAX_ROWS] = 160;
    act(named("agent", "full_table", d), &a, 4, (flow){0});
    a = declare_table(d, 16, 3, 8, 2);
    act(named("agent", "tiles", d), &a, 3, (flow){.few = true});
    act(named("agent", "many_numbers", d), &a, 3, (flow){0});
    a = declare_table(d, 16, 3, 1, 4);
    act(named("agent", "ids", d), &a, 3, (flow){.ids = true, .words = 5});
    a.numbers[HW_D_MAX_ROWS] = 160;
    act(named("agent", "ever_new_ids", d), &a, 3, (flow){.ids = true});
}

/* What the core gives beside a learner. */
static void functions(void)
{
    subject s = {.name = "functions", .shape = {.is_double = 1}, .predictions = 0xcbf29ce484222325u};
    int schedules, initializers;
    hw_schedules(&schedules);
    hw_initializers(&initializers);
    for (int64_t i = 0; i < run.rows; i++) {
        double x[3] = {hw_sine(8 * share_at((uint64_t)i, 0) - 4), hw_cosine(8 * share_at((uint64_t)i, 1) - 4),
                       hw_rate((int)(i % schedules), 0.1, 1 + share_at((uint64_t)i, 2), 0.5, i + 1)};
        note(&s, x, 3);
    }
    for (int i = 0; i < initializers; i++)
        for (int n = 1; n < 40; n += 13) {
            hw_draw(i, 0.5, hw_key(7, 1, (uint64_t)n), n, MOST / n, s.p);
            note(&s, s.p, n * (MOST / n));
        }
    if (run.part == 0)
        printf("functions %016llx\n", (unsigned long long)s.predictions);
}

int main(int count, char **arguments)
{
    int given[5] = {1, 1, 10000, 0, 1};
    for (int i = 1; i < count && i < 6; i++)
        given[i - 1] = atoi(arguments[i]);
    run.level = given[0];
    run.later = count > 2 ? given[1] : given[0];
    run.rows = given[2];
    run.part = given[3];
    run.parts = given[4];
    if (hw_level(run.level) != run.level || hw_level(run.later) != run.later)
        return fprintf(stderr, "this processor lacks level %d\n", run.level > run.later ? run.level : run.later), 3;
    for (int d = 0; d < 2; d++) {
        every_layer(d);
        every_name(d);
        every_width(d);
        every_stream(d);
        every_detector(d);
        every_forecaster(d);
        every_pool_of_forecasters(d);
        every_bandit(d);
        every_image(d);
        every_text(d);
        every_coverage(d);
        every_memory(d);
        every_lean_pool(d);
    }
    for (int d = 0; d < 2; d++)
        every_agent(d);
    functions();
    for (int i = 0; i < HW_RUNNING + 3 && run.rows >= 10000 && run.parts == 1; i++)
        if (reached[i] == 0)
            return fprintf(stderr, "no case reaches %d\n", i), 1;
    return 0;
}
