
/* ---- the model: a learner in an arena ------------------------------------------------------------------------------- */

#if defined __BYTE_ORDER__ && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a state is written with its lowest byte first: this processor has another order"
#endif
#ifndef MODEL_ARENA_PLACE /* such as __attribute__((section(".psram"))) */
#define MODEL_ARENA_PLACE
#endif

typedef int model_taker(void *to, const void *from, uint32_t bytes);

static MODEL_ARENA_PLACE _Alignas(16) unsigned char memory[MODEL_ARENA_BYTES];
static hw_arena arena;
static hw_learner *self;

static int told(int status)
{
    return status >= 0 ? status : status == HW_NO_MEMORY ? MODEL_NO_MEMORY : MODEL_REFUSED;
}

/* A state is its bytes, how many arrays it has, and each of them: its type, its dimensions, two numbers of its shape, and its
 * numbers in whole words. */
static int describe(const hw_allocator *allocator, const uint64_t *words, hw_array *arrays)
{
    hw_learner *nothing = hw_allocate(allocator, sizeof *nothing);
    int64_t *sizes = hw_allocate(allocator, HW_SIZES * sizeof *sizes);
    if (nothing && sizes) {
        nothing->sizes = sizes;
        words += 2;
        for (int i = 0; i < hw_states(); i++) {
            hw_array *a = arrays + i;
            hw_array_at(nothing, i, a); /* for its name */
            a->type = (int)(words[0] & 0xFF);
            a->dimensions = (int)(words[0] >> 8);
            a->shape[0] = (int64_t)words[1];
            a->shape[1] = (int64_t)words[2];
            a->shape[2] = 1;
            a->data = (void *)(uintptr_t)(words + 3);
            words += 3 + (a->shape[0] * a->shape[1] * (int64_t)hw_size_of(a->type) + 7) / 8;
        }
    }
    int status = nothing && sizes ? 0 : HW_NO_MEMORY;
    hw_release(nothing);
    hw_release(sizes);
    return status;
}

static int restore_from(const uint64_t *words)
{
    hw_fault fault;
    hw_allocator allocator = hw_begin_arena(&arena, memory, sizeof memory);
    hw_array *arrays = hw_allocate(&allocator, HW_MOST_ARRAYS * sizeof *arrays);
    int status = arrays ? describe(&allocator, words, arrays) : HW_NO_MEMORY;
    self = NULL;
    if (status >= 0)
        self = hw_restore(&allocator, arrays, hw_states(), 1, MODEL_ID, &status, &fault);
    hw_release(arrays);
    return self ? 0 : told(status);
}

int model_begin(void) { return restore_from(model_first); }

/* Numbers in the order of MODEL_COLUMNS; NAN: missing. */
static int read_inputs(const double *x) { return self ? hw_read_numbers(self, slot_of_input, x, MODEL_INPUTS) : HW_BAD_STATE; }

#ifdef MODEL_HORIZON
int model_forecast(const double *x, int horizon, double *y)
{
    int status = read_inputs(x);
    return told(status < 0 ? status : hw_forecast(self, horizon, y));
}

int model_predict(const double *x, float *p)
{
    double y;
    int status = model_forecast(x, 1, &y);
    *p = (float)y;
    return status;
}

int model_learn(const double *x, double y, double weight, float *p)
{
    (void)weight;
    int status = p ? model_predict(x, p) : 0;
    if (status >= 0)
        status = read_inputs(x);
    return told(status < 0 ? status : hw_learn_next(self, y, 1));
}
#else
int model_predict(const double *x, float *p)
{
    int status = read_inputs(x);
    return told(status < 0 ? status : hw_predict(self, p, NULL));
}

int model_learn(const double *x, double y, double weight, float *p)
{
    bool fits = MODEL_SCORES || (MODEL_CLASSES ? y >= 0 && y < (MODEL_CLASSES) && y == (double)(int32_t)y : y - y == 0);
    if (!fits || !(weight >= 0 && weight <= 1e15))
        return MODEL_BAD_LABEL;
    int status = read_inputs(x);
    return told(status < 0 ? status : hw_learn(self, MODEL_SCORES ? 0 : y, weight, p));
}
#endif

#if defined MODEL_EXPLAINS && defined EXPLAINS_BY_MOVES
/* What is predicted of a row: the probability of class `*chosen`, by default of the likeliest, or the number. */
static int predicted_value(const double *x, int *chosen, double *value)
{
    float p[MODEL_OUTPUTS];
    int status = model_predict(x, p);
    if (status < 0)
        return status;
    if (!MODEL_CLASSES)
        *value = (double)p[0];
    else if (MODEL_OUTPUTS == 1) { /* the second class's */
        *chosen = *chosen < 0 ? p[0] > 0.5f : *chosen;
        *value = *chosen ? (double)p[0] : 1 - (double)p[0];
    } else {
        for (int j = 1, best = 0; *chosen < 0; j++) {
            if (j == MODEL_OUTPUTS)
                *chosen = best;
            else
                best = p[j] > p[best] ? j : best;
        }
        *value = (double)p[*chosen];
    }
    return 0;
}

/* Columns go one by one from the baseline to the row, in their order and in the reverse one. Half of what the prediction changes each
 * time is the column's (Castro, Gómez & Tejada 2009, with these two orders). At the baseline every number is at its mean; of a series
 * no column is known. */
int model_explain(const double *x, int chosen, float *contributions, float *baseline)
{
    double row[MODEL_INPUTS + 1], value = 0, bare = 0;
    if (MODEL_CLASSES && chosen >= MODEL_CLASSES)
        return MODEL_BAD_LABEL;
    int status = predicted_value(x, &chosen, &value);
    for (int i = 0; i < MODEL_INPUTS; i++)
        contributions[i] = 0;
    for (int reverse = 0; reverse < 2 && status >= 0; reverse++) {
        for (int i = 0; i < MODEL_INPUTS; i++)
            row[i] = x[i] == x[i] ? BASELINE(self->slots.mean[slot_of_input[i]]) : x[i];
        status = predicted_value(row, &chosen, &bare);
        double before = bare;
        for (int k = 0; k < MODEL_INPUTS && status >= 0; k++) {
            int i = reverse ? MODEL_INPUTS - 1 - k : k;
            if (x[i] != x[i]) /* missing */
                continue;
            row[i] = x[i];
            status = predicted_value(row, &chosen, &value);
            contributions[i] += (float)((value - before) / 2);
            before = value;
        }
    }
    if (baseline && status >= 0)
        *baseline = (float)bare;
    return status;
}
#elif defined MODEL_EXPLAINS
int model_explain(const double *x, int chosen, float *contributions, float *baseline)
{
    if (MODEL_CLASSES && chosen >= MODEL_CLASSES)
        return MODEL_BAD_LABEL;
    int status = read_inputs(x);
    return told(status < 0 ? status : explain_row(self, chosen, contributions, baseline));
}
#endif

static int give_state(model_taker *take, void *to)
{
    uint64_t head[3] = {16, 0, 0};
    hw_array a;
    int status = 0;
    for (int i = 0; i < hw_states() && status >= 0; i++) {
        status = hw_state(self, i, &a);
        head[0] += 24 + (uint64_t)(a.shape[0] * a.shape[1] * (int64_t)hw_size_of(a.type) + 7) / 8 * 8;
    }
    head[1] = (uint64_t)hw_states();
    if (status >= 0)
        status = take(to, head, 16);
    for (int i = 0; i < hw_states() && status >= 0; i++) {
        hw_state(self, i, &a);
        uint32_t bytes = (uint32_t)(a.shape[0] * a.shape[1]) * (uint32_t)hw_size_of(a.type), whole = bytes / 8 * 8;
        uint64_t last = 0;
        head[0] = (uint64_t)a.type | (uint64_t)a.dimensions << 8;
        head[1] = (uint64_t)a.shape[0];
        head[2] = (uint64_t)a.shape[1];
        status = take(to, head, 24);
        if (status >= 0 && whole)
            status = take(to, a.data, whole);
        if (status >= 0 && bytes > whole) {
            memcpy(&last, (const char *)a.data + whole, bytes - whole);
            status = take(to, &last, 8);
        }
    }
    return status;
}

static uint32_t bytes_of_save(const model_flash *f, uint32_t area)
{
    uint64_t bytes;
    bool read = f->read(f->context, area, &bytes, sizeof bytes) == 0;
    return read && bytes % 8 == 0 && bytes <= MODEL_STATE_BYTES ? (uint32_t)bytes : 0;
}

static int go_on_from(const model_flash *f, uint32_t area)
{
    int status = f->mapped ? restore_from((const uint64_t *)(const void *)(f->mapped + area)) : MODEL_BAD_FLASH;
    if (status < 0 && !self)
        model_begin();
    return status;
}
