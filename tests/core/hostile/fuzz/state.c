/* States with numbers, shapes and types that a fuzzer draws: refused, or a learner that can be used. */
#define FUZZED
#include "../../programs/stress.c"

enum { SUBJECTS = 12, ARRAYS = 128 };

/* The states to begin from: copies of what learners of some kinds have after some rows. */
static hw_array states[SUBJECTS][ARRAYS];
static const size_t SIZES[] = {1, 4, 8, 8, 4, 8};

static size_t bytes_of(const hw_array *a) { return (size_t)(a->shape[0] * a->shape[1]) * SIZES[a->type]; }

static declaration subject(int kind)
{
    if (kind == 5)
        return declare_anomaly(false, 5, 20);
    if (kind == 6)
        return declare_joint(true, 3, 4, 5, 0, 1e300);
    if (kind == 7) {
        declaration a = declare_bandit(false, HW_SQUARECB, 10, 4, 12);
        a.numbers[HW_D_RING] = 20;
        return a;
    }
    if (kind == 8) {
        declaration memory = declare(false, true, 0, 1);
        add_recurrent(&memory, "cross_entropy", "adam", 0.01, 3, 2, 4);
        add_memory(&memory, 3, 6, 3, 4, "x1", "x2");
        return memory;
    }
    if (kind == 9)
        return declare_agent(true, HW_ACTION_VALUES, 6, 2, false);
    if (kind == 11)
        return declare_table(false, 6, 2, 3, 4);
    if (kind == 10)
        return declare_agent(false, HW_NORMAL_POLICY, 6, 2, true);
    declaration a = declare(kind == 2, kind < 4, kind < 4 ? 0 : 5, kind < 4 ? 1 : 3);
    const char *loss = kind == 1 || kind == 2 ? "huber" : "cross_entropy";
    if (kind == 4) { /* inputs that are fixed */
        add_expert(&a, loss, "adam", 0.01);
        add_dense(&a, 6, "he");
        add_layer(&a, HW_BATCH_NORM)[HW_L_CONSTANT] = 0.1;
        add_activation(&a, "relu");
        add_dense(&a, 3, "he");
        return a;
    }
    a.numbers[HW_D_TARGETS] = kind == 1 || kind == 2;
    a.numbers[HW_D_INTERVALS] = kind == 1 || kind == 2 ? HW_SCALED : 0;
    a.numbers[HW_D_HISTORY] = kind != 2;
    a.numbers[HW_D_KNOTS] = kind == 3 ? 0 : 4;
    a.numbers[HW_D_RING] = 20;
    a.numbers[HW_D_MAX_ROWS] = kind == 3 ? 24 : 1 << 16;
    add_net(&a, loss, "adam", 0.01, 5, 1);
    add_net(&a, loss, "sgd", 0.1, 0, kind == 1);
    if (kind != 1)
        add_cells(&a, 5, 3);
    return a;
}

static void remember_states(void)
{
    for (int kind = 0; kind < SUBJECTS; kind++) {
        declaration a = subject(kind);
        hw_learner *l = made(&PLAIN_MEMORY, &a, 1);
        static double p[64];
        if (kind < 4)
            hw_cover(l);
        for (int i = 0; i < 60 && kind != 4; i++) {
            hw_value values[4];
            char names[4][8], text[8];
            for (int j = 0; j < 4; j++)
                values[j] = (hw_value){.column = -1,
                                       .kind = HW_NUMBER,
                                       .has = HW_HAS_NUMBER,
                                       .name = names[j],
                                       .name_size = (uint32_t)snprintf(names[j], 8, "x%d", j),
                                       .number = share_at((uint64_t)i, (uint64_t)j)};
            values[1].kind = HW_CATEGORY;
            values[1].has = HW_HAS_TEXT;
            values[1].text = text;
            values[1].text_size = (uint32_t)snprintf(text, 8, "t%d", i % 17);
            if (kind == 0 && i % 20 == 5)
                hw_add_outputs(l, i / 20 + 2, -2);
            hw_read(l, values, 4, 0, 0, NULL);
            if (i % 3 == 0)
                hw_predict_pending(l, p);
            hw_read(l, values, 4, 1, 0, NULL);
            double action[] = {i % 2, 0.5};
            if (kind >= 8)
                hw_learn_transition(l, action, share_at((uint64_t)i, 9), i % 20 == 19, 0, i % 5 ? 1 : 2);
            else if (kind == 6)
                hw_learn_next(l, i % 9 == 4 ? __builtin_nan("") : share_at((uint64_t)i, 9), i % 5 ? 1 : 2);
            else if (kind == 7) {
                if (i % 20 == 5)
                    hw_add_outputs(l, i / 20 + 2, 0);
                hw_learn_action(l, i / 20, share_at((uint64_t)i, 9), 0.5, 1);
            } else
                hw_learn(l, kind == 1 || kind == 2 ? share_at((uint64_t)i, 9) : 0, 1, p);
        }
        for (int i = 0; i < hw_states(); i++) {
            hw_array *array = states[kind] + i;
            hw_state(l, i, array);
            void *copy = malloc(bytes_of(array) + 1);
            if (bytes_of(array))
                memcpy(copy, array->data, bytes_of(array));
            array->data = copy;
        }
        hw_free(l);
    }
}

/* A whole number that may do harm; near what is there, most of the time. */
static int64_t drawn_count(int64_t now)
{
    if (once_in(2))
        return (int64_t)((uint64_t)now + below(5) - 2);
    return once_in(2) ? (int64_t)below(300) - 20 : hostile_count(1 << 16);
}

static void spoil_number(hw_array *a)
{
    size_t count = (size_t)(a->shape[0] * a->shape[1]);
    if (!count)
        return;
    size_t i = (size_t)(below(65000) * (once_in(4) ? 977 : 1)) % count;
    char *at = (char *)a->data + i * SIZES[a->type];
    if (a->type == HW_F64) {
        double x = once_in(3) ? (double)drawn_count((int64_t)i) : hostile();
        memcpy(at, &x, 8);
    } else if (a->type == HW_F32) {
        float x = (float)hostile();
        memcpy(at, &x, 4);
    } else {
        int64_t now = 0;
        memcpy(&now, at, SIZES[a->type]);
        if (a->type == HW_I32)
            now = (int32_t)now;
        now = drawn_count(now);
        memcpy(at, &now, SIZES[a->type]);
    }
}

/* A size, and with it the lengths of arrays that follow from it: all that are as long. */
static void spoil_size(hw_array *arrays)
{
    int64_t *sizes = arrays[1].data, i = (int64_t)below((uint64_t)arrays[1].shape[0]), old = sizes[i],
            now = drawn_count(old);
    sizes[i] = now;
    if (now < 0 || now > 2 * old + 64 || once_in(3))
        return;
    for (int k = 2; k < hw_states(); k++)
        if (arrays[k].shape[0] == old) {
            size_t before = bytes_of(arrays + k);
            arrays[k].shape[0] = now;
            char *more = calloc(bytes_of(arrays + k) + 1, 1);
            memcpy(more, arrays[k].data, before < bytes_of(arrays + k) ? before : bytes_of(arrays + k));
            free(arrays[k].data);
            arrays[k].data = more;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        remember_states();
    ready = true;
    input = data;
    input_end = data + size;
    exhausted = false;
    find_offset();
    heap.most = (size_t)1 << 26;
    int kind = (int)below(SUBJECTS), count = hw_states(), status = 0;
    hw_array arrays[ARRAYS];
    hw_fault fault = {"", "", 0};
    for (int i = 0; i < count; i++) { /* blocks of their own size: a read beyond the end is seen */
        arrays[i] = states[kind][i];
        arrays[i].data = malloc(bytes_of(arrays + i) + !bytes_of(arrays + i));
        memcpy(arrays[i].data, states[kind][i].data, bytes_of(arrays + i));
    }
    for (int n = 1 + (int)below(4); n > 0; n--) {
        if (once_in(4))
            spoil_size(arrays);
        else
            spoil_number(arrays + below(once_in(3) ? 2 : (uint64_t)count));
    }
    if (once_in(5)) { /* what an array is said to be */
        hw_array *a = arrays + below((uint64_t)count);
        if (once_in(3))
            a->type = (int)below(8) - 1;
        else if (once_in(2))
            a->name = arrays[below((uint64_t)count)].name;
        else
            a->dimensions = (int)below(4);
    }
    at_hand = "hw_restore";
    learner s = {.level = 1, .ids = 5};
    s.l = hw_restore(&WATCHED, arrays, once_in(50) ? (int)below(60) : count, 1, draw(), &status, &fault);
    if (s.l ? status < 0 : status > HW_NO_MEMORY || status < HW_TOO_LARGE)
        stop("a status that does not fit");
    for (int i = 0; i < count; i++)
        free(arrays[i].data);
    if (s.l)
        use(&s, 20);
    let_go(&s);
    return 0;
}
