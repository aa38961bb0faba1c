
/* ---- the model: predict and learn ------------------------------------------------------------------------------ */

_Static_assert(sizeof(model_state) % 8 == 0, "a state is whole words of 64 bits");
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a state is written with its lowest byte first: this processor has another order"
#endif

/* What kernels call where several nets are mixed, which one alone never is. */
void hw_reinitialise_failing(hw_learner *l) { (void)l; }

bool hw_is_of_classes(int loss)
{
#define OF_CLASSES(name, classes) classes,
    static const bool of_classes[] = {HW_LOSSES(OF_CLASSES)};
    return of_classes[loss];
}

typedef int model_taker(void *to, const void *from, uint32_t bytes);

static void take_state(void)
{
    self.learned = now.learned;
    self.highest_row = now.highest_row;
}

int model_begin(void)
{
    memcpy(&now, &model_first, sizeof now);
    take_state();
    return 0;
}

/* Numbers in the order of MODEL_COLUMNS; those that are missing are left out, as in headwater. */
static void read_inputs(const double *x)
{
    int64_t n = 0;
    for (int32_t i = 0; i < MODEL_INPUTS; i++) {
        room.entry_slots[n] = slot_of_input[i];
        room.entry_x[n] = x[i];
        n += x[i] == x[i];
    }
    self.entries = n;
}

int model_predict(const double *x, float *p)
{
    read_inputs(x);
    kernel_predict(&self, p, NULL);
    return 0;
}

int model_learn(const double *x, double y, double weight, float *p)
{
    bool fits = MODEL_CLASSES ? y >= 0 && y < (MODEL_CLASSES) && y == (double)(int32_t)y : y - y == 0;
    if (!fits || !(weight >= 0 && weight <= 1e15))
        return MODEL_BAD_LABEL;
    read_inputs(x);
    return kernel_learn(&self, y, weight, p, false);
}

#ifdef MODEL_EXPLAINS
int model_explain(const double *x, int chosen, float *contributions, float *baseline)
{
    if (MODEL_CLASSES && chosen >= MODEL_CLASSES)
        return MODEL_BAD_LABEL;
    read_inputs(x);
    explain_row(&self, chosen, contributions, baseline);
    return 0;
}
#endif

const model_state *model_now(void)
{
    now.learned = self.learned;
    now.highest_row = self.highest_row;
    return &now;
}

static int give_state(model_taker *take, void *to) { return take(to, model_now(), sizeof now); }

static uint32_t bytes_of_save(const model_flash *f, uint32_t area) { return (void)f, (void)area, (uint32_t)sizeof now; }

static int go_on_from(const model_flash *f, uint32_t area)
{
    if (f->read(f->context, area, &now, sizeof now) != 0)
        return MODEL_BAD_FLASH;
    take_state();
    return 0;
}
