/* Text: a column of sentences becomes words and pairs of words.
 *
 * A word is a run of letters, marks and digits, in lower case. Where scripts don't put spaces between words (Chinese,
 * Japanese, Thai, …) each character is one, and pairs of neighbours stand for what others write as a word; so is each
 * emoji. Each word and each pair has a hash of 64 bits, and each hash a row of a table of its own with one number for each
 * output: z = sum of value times row, added to the mixture's logits (kernels/input/text.c). Rows are only ever appended;
 * beyond max_rows new hashes share the rows that are there. The value of a word is that of tf-idf, (1 + ln times) ln(1 + (n
 * + 1) / (n_w + 1)), n texts so far and n_w of them with the word; a pair counts half; and all of a sample together have
 * length 1. Sources: hashing, Weinberger et al. 2009; tf-idf, Salton & Buckley 1988; pairs of words, Wang & Manning 2012.
 *
 * A column may also be found to be text: its first 16 values never repeat and have four words on average. Until then they
 * are categories, and stay so afterwards: a text that was one still has its row. Rows of words begin at zero, so nothing
 * that was predicted before moves. */
#include "elementary.h"
#include "learner.h"
#include "unicode.h"

static const double OF_A_PAIR = 0.5;
enum {
    FIRST_VALUES = 16,   /* values after which it is decided whether a column is text */
    WORDS_ON_AVERAGE = 4 /* that they need */
};

/* ---- characters ------------------------------------------------------------------------------------------ */

enum { BETWEEN, OF_A_WORD, ALONE };

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Scripts without spaces between words, and emoji: each character is a word. */
static const uint32_t STANDS_ALONE[][2] = {{0xE01, 0xEFF},     {0x1000, 0x109F},  {0x1780, 0x17FF}, {0x2600, 0x27BF},
                                           {0x3040, 0x30FF},   {0x3400, 0x4DBF},  {0x4E00, 0x9FFF}, {0xF900, 0xFAFF},
                                           {0x1F000, 0x1FAFF}, {0x20000, 0x3FFFF}};

static int kind_of(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' ? OF_A_WORD : BETWEEN;
    for (size_t i = 0; c >= STANDS_ALONE[0][0] && i < COUNT(STANDS_ALONE); i++)
        if (c >= STANDS_ALONE[i][0] && c <= STANDS_ALONE[i][1])
            return ALONE;
    size_t low = 0, high = COUNT(HW_WORD_BORDERS); /* how many borders are at or below c */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (HW_WORD_BORDERS[middle] <= c)
            low = middle + 1;
        else
            high = middle;
    }
    return low % 2 ? OF_A_WORD : BETWEEN;
}

static uint32_t folded(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    size_t low = 0, high = COUNT(HW_FOLDS);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (HW_FOLDS[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    const struct hw_fold *f = HW_FOLDS + low;
    if (low == COUNT(HW_FOLDS) || c < f->first || (c - f->first) % (uint32_t)f->step)
        return c;
    return (uint32_t)((int32_t)c + f->difference);
}

/* The code point that begins at `at`, which moves behind it. A byte that begins none stands between words. */
static uint32_t next_character(const unsigned char *p, uint32_t size, uint32_t *at)
{
    uint32_t first = p[*at], more = first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 0;
    *at += 1;
    if (first < 0x80)
        return first;
    uint32_t c = more == 1 ? first & 0x1F : more == 2 ? first & 0xF : first & 7;
    if (!more || more > size - *at)
        return 0xFFFD;
    for (uint32_t i = 0; i < more; i++) {
        if ((p[*at + i] & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | (p[*at + i] & 0x3F);
    }
    if (c < (more == 2 ? 0x800u : more == 3 ? 0x10000u : 0x80u) || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF)
        return 0xFFFD;
    *at += more;
    return c;
}

/* ---- words ----------------------------------------------------------------------------------------------- */

typedef struct word {
    uint64_t hash;
    uint32_t start, end; /* its bytes */
    int alone;           /* it is one character of a script without spaces */
} word;

/* The next word at or behind `at`, which moves behind it. */
static bool next_word(const char *text, uint32_t size, uint32_t *at, word *w)
{
    const unsigned char *p = (const unsigned char *)text;
    uint64_t hash = 0;
    int kind = BETWEEN;
    while (*at < size) {
        uint32_t behind = *at, c = next_character(p, size, &behind);
        int own = kind_of(c);
        if (kind == OF_A_WORD && own != OF_A_WORD)
            break;
        if (own == BETWEEN) {
            *at = behind;
            continue;
        }
        w->start = kind == BETWEEN ? *at : w->start;
        kind = own;
        *at = behind;
        hash = HW_WHOLE ? (hash + folded(c) + 1) * 0x9E3779B97F4A7C15u : 0; /* where words are counted alone */
        hash ^= hash >> 32;
        if (own == ALONE)
            break;
    }
    w->hash = hash;
    w->end = *at;
    w->alone = kind == ALONE;
    return kind != BETWEEN;
}

/* Up to `most` words of a text; two characters of a script without spaces count as one. */
static int64_t count_words(const char *text, uint32_t size, int64_t most)
{
    uint32_t at = 0;
    int64_t halves = 0;
    word w;
    while (halves < 2 * most && next_word(text, size, &at, &w))
        halves += w.alone ? 1 : 2;
    return (halves + 1) / 2;
}

/* ---- the words of a sample ------------------------------------------------------------------------------- */

static hw_words *words_of(hw_learner *l) { return l->text; }

static bool reserve_words(hw_learner *l, int64_t count)
{
    hw_words *t = words_of(l);
    if (count <= t->capacity)
        return true;
    int64_t capacity = count + count / 2 + 64, places = 256;
    while (places < 2 * capacity)
        places *= 2;
    size_t number = hw_number(l);
    int32_t *set = hw_allocate(&l->memory, (uint64_t)places * 4);
    if (!set || !hw_extend(&l->memory, &t->word, (uint64_t)capacity * sizeof *t->word) ||
        !hw_extend(&l->memory, &t->rows, (uint64_t)capacity * 4) ||
        !hw_extend(&l->memory, &t->values, (uint64_t)capacity * number) ||
        !hw_extend(&l->memory, &t->steps, (uint64_t)capacity * number))
        return hw_release(set), false;
    hw_release(t->set);
    t->set = set;
    t->set_size = places;
    for (int64_t i = 0; i < t->count; i++) {
        uint64_t place = t->word[i].key & (uint64_t)(places - 1);
        while (set[place])
            place = (place + 1) & (uint64_t)(places - 1);
        set[place] = (int32_t)i + 1;
    }
    t->capacity = capacity;
    return true;
}

static bool add_word(hw_learner *l, uint64_t key, int32_t column, uint32_t start, uint32_t end, double weight)
{
    hw_words *t = words_of(l);
    if (!reserve_words(l, t->count + 1))
        return false;
    uint64_t mask = (uint64_t)t->set_size - 1, place = key & mask;
    for (; t->set[place]; place = (place + 1) & mask)
        if (t->word[t->set[place] - 1].key == key) {
            t->word[t->set[place] - 1].times += 1;
            return true;
        }
    t->word[t->count] = (hw_word){.key = key, .row = -1, .column = column, .start = start, .end = end, .times = 1};
    t->word[t->count].value = weight;
    t->set[place] = (int32_t)++t->count;
    return true;
}

static uint64_t pair_of(uint64_t before, uint64_t hash) { return hw_mix64(before * 0xD1B54A32D192ED03u + hash + 1); }

/* The words of one text and its pairs: `grams` 1 leaves pairs out but between characters that stand alone. */
static bool add_text(hw_learner *l, const char *text, uint32_t size, uint64_t of_column, int32_t column, int grams)
{
    uint32_t at = 0;
    word before = {.hash = 1}, w;
    while (next_word(text, size, &at, &w)) {
        if (!add_word(l, hw_mix64(w.hash ^ of_column), column, w.start, w.end, 1))
            return false;
        if ((grams > 1 || (before.alone && w.alone && before.end == w.start)) &&
            !add_word(l, hw_mix64(pair_of(before.hash, w.hash) ^ of_column), column, before.start, w.end, OF_A_PAIR))
            return false;
        before = w;
    }
    return true;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

static int64_t seek(const hw_words *t, uint64_t key, uint64_t secret) /* its row, or -1 - its place */
{
    if (!t->table_size)
        return -1;
    uint64_t mask = (uint64_t)t->table_size - 1, at = hw_mix64(key ^ secret) & mask;
    for (; t->table[at] >= 0; at = (at + 1) & mask)
        if (t->keys[t->table[at]] == key)
            return t->table[at];
    return -1 - (int64_t)at;
}

int64_t hw_seek_text(const hw_learner *l, uint64_t key) { return seek(l->text, key, l->names.key); }

static int rehash(hw_learner *l, int64_t size)
{
    hw_words *t = words_of(l);
    int32_t *table = hw_allocate(&l->memory, (uint64_t)size * 4);
    if (!table)
        return HW_NO_MEMORY;
    memset(table, 0xFF, (size_t)size * 4);
    hw_release(t->table);
    t->table = table;
    t->table_size = size;
    for (int64_t i = 0; i < t->counts[HW_TC_ROWS]; i++) {
        int64_t at = seek(t, t->keys[i], l->names.key);
        if (at >= 0)
            return HW_BAD_STATE; /* the same hash twice */
        table[-1 - at] = (int32_t)i;
    }
    return 0;
}

int extend_rows(hw_learner *l, int64_t rows)
{
    hw_words *t = words_of(l);
    if (rows <= t->row_capacity)
        return 0;
    int64_t capacity = rows + rows / 2 + 16;
    capacity = capacity > t->max_rows ? t->max_rows : capacity;
    if (!hw_extend(&l->memory, &t->keys, (uint64_t)capacity * 8) ||
        !hw_extend(&l->memory, &t->seen, (uint64_t)capacity * 8) ||
        !hw_extend(&l->memory, &t->weights, (uint64_t)capacity * (uint64_t)l->output_capacity * hw_number(l)))
        return HW_NO_MEMORY;
    t->row_capacity = capacity;
    return 0;
}

/* Memory for so many rows in all, at most max_rows. */
static int reserve_text(hw_learner *l, int64_t rows)
{
    hw_words *t = words_of(l);
    int status = extend_rows(l, rows);
    if (status < 0)
        return status;
    int64_t size = t->table_size ? t->table_size : 64;
    while (size < 2 * rows)
        size *= 2;
    return size == t->table_size ? 0 : rehash(l, size);
}

/* The row of a hash, appended if it has none and there is room for one; beyond, one that is there. Memory is reserved. */
int64_t hw_text_row(hw_learner *l, uint64_t key)
{
    hw_words *t = words_of(l);
    int64_t at = seek(t, key, l->names.key), rows = t->counts[HW_TC_ROWS];
    if (at >= 0)
        return at;
    if (rows >= t->max_rows)
        return (int64_t)(key % (uint64_t)rows);
    t->table[-1 - at] = (int32_t)rows;
    t->keys[rows] = key;
    t->seen[rows] = 0;
    return t->counts[HW_TC_ROWS]++;
}

/* Values of length 1, and the rows that there are. */
static void weigh_words(hw_learner *l)
{
    hw_words *t = words_of(l);
    double square = 0, texts = t->counts[HW_TC_TEXTS] + 1;
    for (int64_t i = 0; i < t->count; i++) {
        hw_word *w = t->word + i;
        double seen = w->row < 0 ? 0 : t->seen[w->row];
        w->value *= hw_log64(1 + texts / (seen + 1));
        if (w->times > 1)
            w->value *= 1 + hw_log64(w->times);
        square += w->value * w->value;
        t->digest += hw_mix64(w->key);
    }
    double length = square > 0 ? __builtin_sqrt(square) : 1;
    for (int64_t i = 0; i < t->count; i++) {
        hw_word *w = t->word + i;
        w->value /= length;
        if (w->row < 0)
            continue;
        t->rows[t->known] = w->row;
        hw_put(l, t->values, t->known++, w->value);
    }
}

void hw_clear_text(hw_learner *l)
{
    hw_words *t = words_of(l);
    if (t->count > 0 && t->set_size > 64 * t->count) {
        for (int64_t i = 0; i < t->count; i++) {
            uint64_t place = t->word[i].key & (uint64_t)(t->set_size - 1);
            for (; t->set[place]; place = (place + 1) & (uint64_t)(t->set_size - 1))
                t->set[place] = 0;
        }
    } else if (t->count > 0) {
        memset(t->set, 0, (size_t)t->set_size * 4);
    }
    t->count = t->known = 0;
    if (HW_EMBEDS)
        t->of_words = t->blocks = t->embedded = 0;
    if (HW_EMBEDS)
        memset(t->sketch, 0, sizeof t->sketch);
    t->digest = 0;
}

int hw_read_text(hw_learner *l, const hw_value *v, int32_t column, const char *name, uint32_t name_size)
{
    int kind = column < 0 ? hw_text_kind(l, HW_CATEGORY) : l->columns.kind[column], grams = kind == HW_WORDS ? 1 : 2;
    return add_text(l, v->text, v->text_size, hw_hash(0, name, name_size), column, grams) ? 0 : HW_NO_MEMORY;
}

static void end_words(hw_learner *l, int learn)
{
    hw_words *t = words_of(l);
    bool appends = learn || t->counts[HW_TC_ROWS] >= t->max_rows;
    for (int64_t i = 0; i < t->count; i++) {
        int64_t row = appends ? hw_text_row(l, t->word[i].key) : seek(t, t->word[i].key, l->names.key);
        t->word[i].row = row < 0 ? -1 : (int32_t)row;
    }
    weigh_words(l);
}

/* All texts and embeddings of the sample are read: find the rows of their words and numbers, or append them. */
int hw_end_text(hw_learner *l, int learn)
{
    if (!HW_WHOLE)
        return 0;
    hw_words *t = words_of(l);
    int64_t most = t->counts[HW_TC_ROWS] + t->count + (HW_EMBEDS ? hw_rows_of_embeddings(t) : 0);
    int status = learn ? reserve_text(l, most < t->max_rows ? most : t->max_rows) : 0;
    if (status < 0)
        return status;
    if (HW_EMBEDS && !reserve_words(l, t->count + t->embedded))
        return HW_NO_MEMORY;
    if (t->count)
        end_words(l, learn);
    if (HW_EMBEDS) {
        t->of_words = t->known;
        hw_end_embeddings(l, learn);
    }
    return 0;
}

/* ---- columns that are found to be text ------------------------------------------------------------------- */

/* A new column of texts: what kind it has. */
int hw_text_kind(const hw_learner *l, int kind)
{
    if (!l->text || kind != HW_CATEGORY || l->text->found != HW_FIND_ALL)
        return kind;
    return l->text->grams > 1 ? HW_BIGRAMS : HW_WORDS;
}

/* How far a column is on its way: how many values, and their words times 32. Below 0: it is none. */
void hw_note_text(hw_learner *l, int32_t column, const hw_value *v, bool repeated)
{
    int32_t *way = l->text->columns + column;
    if (*way < 0)
        return;
    if (repeated) {
        *way = -1;
        return;
    }
    *way += 1 + 32 * (int32_t)count_words(v->text, v->text_size, 1000);
    if (*way % 32 < FIRST_VALUES)
        return;
    if (*way / 32 >= FIRST_VALUES * WORDS_ON_AVERAGE)
        l->columns.kind[column] = l->text->grams > 1 ? HW_BIGRAMS : HW_WORDS;
    *way = -1;
}

/* Whether a value will be read as words, or may be found to be; `column`: -1 if it is new. */
bool hw_may_be_text(const hw_learner *l, const hw_value *v, int32_t column)
{
    if (!l->text || !(v->has & HW_HAS_TEXT))
        return false;
    int kind = column < 0 ? hw_text_kind(l, v->kind) : l->columns.kind[column];
    if (kind == HW_WORDS || kind == HW_BIGRAMS)
        return true;
    return kind == HW_CATEGORY && l->text->found && (column < 0 || l->text->columns[column] >= 0);
}

/* How many words and pairs a text has, repetitions among them, up to `most` and one more. */
int64_t hw_count_text(const hw_value *v, int64_t most)
{
    uint32_t at = 0;
    int64_t count = 0;
    word w;
    while (count <= most && next_word(v->text, v->text_size, &at, &w))
        count += 2;
    return count;
}

/* Call for the hash of each word and pair that has no row yet. */
int hw_visit_new_text(hw_learner *l, const hw_value *v, const char *name, uint32_t name_size,
                      int (*visit)(hw_learner *l, void *context, uint64_t key), void *context)
{
    hw_words *t = words_of(l);
    uint64_t of_column = hw_hash(0, name, name_size), before = 1;
    uint32_t at = 0;
    word w;
    int status = 0;
    while (status >= 0 && next_word(v->text, v->text_size, &at, &w)) {
        uint64_t keys[] = {hw_mix64(w.hash ^ of_column), hw_mix64(pair_of(before, w.hash) ^ of_column)};
        for (int i = 0; status >= 0 && i < 2; i++)
            status = seek(t, keys[i], l->names.key) >= 0 ? 0 : visit(l, context, keys[i]);
        before = w.hash;
    }
    return status;
}

int hw_add_text_column(hw_learner *l, const char *name, uint32_t size, int kind)
{
    hw_value v = {.column = -1, .kind = (uint8_t)kind, .name = name, .name_size = size};
    if (!l->text || !(hw_is_text(kind) || hw_is_embedding(kind)))
        return HW_BAD_ARGUMENT;
    int32_t column = hw_append_column(l, &v);
    return column < -1 ? column : column < 0 || l->columns.kind[column] != kind ? HW_BAD_ARGUMENT : 0;
}

/* ---- declaring, keeping, looking ------------------------------------------------------------------------- */

static const char MIXED[] = "a pool of experts whose logits or numbers are mixed";

/* A bandit and an anomaly model have no mixture: they read embeddings alone. Called once all parts are declared. */
int hw_check_reader(hw_learner *l, hw_fault *fault)
{
    DECLARED(!l->text || l->mixture || l->bandit || hw_is_anomaly(l), "text", MIXED, l->mixture);
    return 0;
}

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    const double *d = own->at;
    (void)all;
    DECLARED(d[HW_T_GRAMS] == 1 || d[HW_T_GRAMS] == 2, "words in a row", "1 or 2", d[HW_T_GRAMS]);
    DECLARED(d[HW_T_FOUND] == HW_FIND_NONE || d[HW_T_FOUND] == HW_FIND_LONG || d[HW_T_FOUND] == HW_FIND_ALL,
             "columns found to be text", "0, 1 or 2", d[HW_T_FOUND]);
    DECLARED(d[HW_T_ROWS] >= 16 && d[HW_T_ROWS] <= 1 << 30 && d[HW_T_ROWS] == (double)(int64_t)d[HW_T_ROWS],
             "rows of words", "16 to 1073741824", d[HW_T_ROWS]);
    DECLARED(l->growing && (l->mixture || (HW_EMBEDS && d[HW_T_FOUND] == HW_FIND_NONE)), "text", MIXED, l->mixture);
    hw_words *t = hw_begin_part(l, HW_PART_text);
    if (!t)
        return HW_NO_MEMORY;
    t->grams = (int32_t)d[HW_T_GRAMS];
    t->found = (int32_t)d[HW_T_FOUND];
    t->max_rows = (int64_t)d[HW_T_ROWS];
    return 0;
}

/* Arrays that are always there, and rows as many as were read. */
static int make(hw_learner *l)
{
    hw_words *t = words_of(l);
    uint64_t size = (uint64_t)l->output_capacity * hw_number(l);
    if (!t)
        return 0;
    if (!hw_extend(&l->memory, &t->counts, HW_TC_COUNTS * 8) || !hw_extend(&l->memory, &t->z, size) ||
        !hw_extend(&l->memory, &t->d, size))
        return HW_NO_MEMORY;
    if (!hw_extend(&l->memory, &t->columns, (uint64_t)l->sizes[HW_N_COLUMNS] * 4 + 4) || !reserve_words(l, 1))
        return HW_NO_MEMORY;
    return extend_rows(l, t->counts[HW_TC_ROWS]);
}

static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    hw_words *t = words_of(l);
    if (!t)
        return 0;
    SAVED(first->type == HW_I64 && first->dimensions == 1 && first->shape[0] == HW_TC_COUNTS, "text_counts", "its counts",
          first->shape[0]);
    if (!hw_extend(&l->memory, &t->counts, HW_TC_COUNTS * 8))
        return HW_NO_MEMORY;
    const int64_t *counts = first->data;
    SAVED(counts[HW_TC_ROWS] >= 0 && counts[HW_TC_ROWS] <= t->max_rows, "text_counts", "at most max_rows",
          counts[HW_TC_ROWS]);
    SAVED(counts[HW_TC_TEXTS] >= 0 && counts[HW_TC_TEXTS] < (int64_t)1 << 53, "text_counts", "0 or more",
          counts[HW_TC_TEXTS]);
    memcpy(t->counts, counts, HW_TC_COUNTS * 8);
    return 0;
}

static int64_t count(const hw_learner *l, int code)
{
    switch (code) {
    case HW_TC_COLUMNS: return l->sizes[HW_N_COLUMNS];
    case HW_TC_WORDS: return l->text->counts[HW_TC_ROWS];
    default: return l->sizes[HW_N_OUTPUT_CAPACITY];
    }
}

static int check(hw_learner *l, hw_fault *fault)
{
    const hw_words *t = l->text;
    if (!t)
        return 0;
    for (int32_t i = 0; i < l->columns.count; i++)
        SAVED(t->columns[i] >= (hw_is_embedding(l->columns.kind[i]) ? 0 : -1), "text_columns", "-1 or more", t->columns[i]);
    for (int64_t i = 0; i < t->counts[HW_TC_ROWS]; i++)
        SAVED(t->seen[i] >= 0 && t->seen[i] <= 9007199254740992.0, "text_seen", "counts", t->seen[i]);
    int64_t size = 64;
    while (size < 2 * t->counts[HW_TC_ROWS])
        size *= 2;
    int status = rehash(l, size);
    SAVED(status != HW_BAD_STATE, "text_keys", "each once", 2);
    return status;
}

const hw_part hw_part_text = {.tag = HW_TAG_TEXT,
                              .least = HW_TEXT,
                              .most = HW_TEXT,
                              .merges = true,
                              .parse = parse,
                              .read = read,
                              .count = count,
                              .make = make,
                              .check = check,
                              .descends = HW_MERGING(hw_text_descends),
                              .merge = HW_MERGING(hw_merge_text)};

/* The row of a hash in a learner that others are merged into, appended if it has none. */
int64_t hw_merged_text_row(hw_learner *l, uint64_t key)
{
    int64_t rows = l->text->counts[HW_TC_ROWS] + 1;
    int status = reserve_text(l, rows < l->text->max_rows ? rows : l->text->max_rows);
    return status < 0 ? status : hw_text_row(l, key);
}

int64_t hw_texts(const hw_learner *l)
{
    const hw_words *t = l->text;
    return !t ? 0 : t->count + (HW_EMBEDS ? t->known - t->of_words : 0);
}

int hw_text(const hw_learner *l, int64_t i, hw_word *out)
{
    const hw_words *t = l->text;
    if (i < 0 || i >= hw_texts(l))
        return HW_BAD_ARGUMENT;
    if (!HW_EMBEDS || i < t->count) {
        *out = t->word[i];
        return 0;
    }
    const hw_block *b = t->block;
    int64_t place = t->of_words + i - t->count;
    while (b->first < 0 || place >= b->at + b->size)
        b++;
    *out = (hw_word){.column = b->column, .row = t->rows[place], .value = hw_get(l, t->values, place)};
    return 0;
}
