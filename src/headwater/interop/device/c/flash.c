
/* ---- a number that stands for a state ------------------------------------------------------------------------------ */

static uint64_t digest_of(uint64_t h, const void *from, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, (const char *)from + i, 8);
        h = hw_mix64(h ^ word);
    }
    return h;
}

static int digest_piece(void *to, const void *from, uint32_t bytes)
{
    uint64_t h;
    memcpy(&h, to, 8);
    h = digest_of(h, from, bytes);
    memcpy(to, &h, 8);
    return 0;
}

uint64_t model_digest(void)
{
    uint64_t h = 0;
    give_state(digest_piece, &h);
    return h;
}

/* ---- flash: two areas, of which one is whole at any moment ---------------------------------------------------------- */

typedef struct record { /* behind the room of a state; it is written last */
    uint64_t model, number, digest;
} record;
_Static_assert(MODEL_STATE_BYTES % 8 == 0, "a state is whole words of 64 bits");
_Static_assert(MODEL_STATE_BYTES + sizeof(record) == MODEL_FLASH_BYTES, "an area holds a state and its record");

/* The number of the save in an area; 0: there is no whole one. */
static uint64_t save_in(const model_flash *f, uint32_t area)
{
    record r;
    uint64_t part[8], h;
    if (f->read(f->context, area + MODEL_STATE_BYTES, &r, sizeof r) != 0 || r.model != MODEL_ID || !r.number)
        return 0;
    uint32_t all = bytes_of_save(f, area);
    h = hw_mix64(MODEL_ID ^ r.number);
    for (uint32_t at = 0; at < all; at += sizeof part) {
        uint32_t bytes = all - at < sizeof part ? all - at : (uint32_t)sizeof part;
        if (f->read(f->context, area + at, part, bytes) != 0)
            return 0;
        h = digest_of(h, part, bytes);
    }
    return all && h == r.digest ? r.number : 0;
}

typedef struct writing {
    const model_flash *flash;
    uint32_t at, end;
} writing;

static int count_piece(void *to, const void *from, uint32_t bytes) { return (void)from, *(uint32_t *)to += bytes, 0; }

static int program_piece(void *to, const void *from, uint32_t bytes)
{
    writing *w = to;
    if (bytes > w->end - w->at || w->flash->program(w->flash->context, w->at, from, bytes) != 0)
        return MODEL_BAD_FLASH;
    w->at += bytes;
    return 0;
}

int model_save(const model_flash *f)
{
    uint64_t first = save_in(f, f->first), second = save_in(f, f->second);
    uint32_t area = first > second ? f->second : f->first, bytes = 0; /* the newest save stays */
    record r = {MODEL_ID, (first > second ? first : second) + 1, 0};
    r.digest = hw_mix64(MODEL_ID ^ r.number);
    if (give_state(digest_piece, &r.digest) < 0 || give_state(count_piece, &bytes) < 0)
        return MODEL_NO_MEMORY;
    if (bytes > MODEL_STATE_BYTES)
        return MODEL_TOO_LARGE;
    writing w = {f, area, area + MODEL_STATE_BYTES};
    if (f->erase(f->context, area, MODEL_FLASH_BYTES) != 0 || give_state(program_piece, &w) != 0 ||
        f->program(f->context, area + MODEL_STATE_BYTES, &r, sizeof r) != 0)
        return MODEL_BAD_FLASH;
    return save_in(f, area) == r.number ? 0 : MODEL_BAD_FLASH;
}

int model_load(const model_flash *f)
{
    uint64_t first = save_in(f, f->first), second = save_in(f, f->second);
    return first || second ? go_on_from(f, first > second ? f->first : f->second) : MODEL_NOTHING_SAVED;
}
