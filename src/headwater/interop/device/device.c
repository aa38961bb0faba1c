
/* ---- the model: predict, learn, save ------------------------------------------------------------------------------ */

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

static void take_state(void)
{
    self.learned = now.learned;
    self.highest_row = now.highest_row;
}

void model_begin(void)
{
    memcpy(&now, &model_first, sizeof now);
    take_state();
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

void model_predict(const double *x, float *p)
{
    read_inputs(x);
    kernel_predict(&self, p, NULL);
}

int model_learn(const double *x, double y, double weight, float *p)
{
    bool fits = MODEL_CLASSES ? y >= 0 && y < (MODEL_CLASSES) && y == (double)(int32_t)y : y - y == 0;
    if (!fits || !(weight >= 0 && weight <= 1e15))
        return MODEL_BAD_LABEL;
    read_inputs(x);
    return kernel_learn(&self, y, weight, p, false);
}

const model_state *model_now(void)
{
    now.learned = self.learned;
    now.highest_row = self.highest_row;
    return &now;
}

/* ---- a number that stands for a state ------------------------------------------------------------------------------ */

static uint64_t digest_of(uint64_t h, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, (const char *)from + i, 8);
        h = hw_mix64(h ^ word);
    }
    return h;
}

uint64_t model_digest(void) { return digest_of(0, model_now(), sizeof now); }

/* ---- flash: two areas, of which one is whole at any moment ---------------------------------------------------------- */

typedef struct record { /* behind a state; it is written last */
    uint64_t model, number, digest;
} record;
_Static_assert(sizeof(model_state) + sizeof(record) == MODEL_FLASH_BYTES, "an area holds a state and its record");

/* The number of the save in an area; 0: there is no whole one. */
static uint64_t number_of(const model_flash *f, uint32_t area)
{
    record r;
    uint64_t part[8], h;
    if (f->read(f->context, area + sizeof now, &r, sizeof r) != 0 || r.model != MODEL_ID || !r.number)
        return 0;
    h = hw_mix64(MODEL_ID ^ r.number);
    for (uint32_t at = 0; at < sizeof now; at += sizeof part) {
        uint32_t bytes = sizeof now - at < sizeof part ? sizeof now - at : sizeof part;
        if (f->read(f->context, area + at, part, bytes) != 0)
            return 0;
        h = digest_of(h, part, bytes);
    }
    return h == r.digest ? r.number : 0;
}

int model_save(const model_flash *f)
{
    uint64_t first = number_of(f, f->first), second = number_of(f, f->second);
    uint32_t area = first > second ? f->second : f->first; /* the newest save stays */
    const model_state *s = model_now();
    record r = {MODEL_ID, (first > second ? first : second) + 1, 0};
    r.digest = digest_of(hw_mix64(MODEL_ID ^ r.number), s, sizeof *s);
    if (f->erase(f->context, area, MODEL_FLASH_BYTES) != 0 || f->program(f->context, area, s, sizeof *s) != 0 ||
        f->program(f->context, area + sizeof *s, &r, sizeof r) != 0)
        return MODEL_BAD_FLASH;
    return number_of(f, area) == r.number ? 0 : MODEL_BAD_FLASH;
}

int model_load(const model_flash *f)
{
    uint64_t first = number_of(f, f->first), second = number_of(f, f->second);
    if (!first && !second)
        return MODEL_NOTHING_SAVED;
    if (f->read(f->context, first > second ? f->first : f->second, &now, sizeof now) != 0)
        return MODEL_BAD_FLASH;
    take_state();
    return 0;
}
