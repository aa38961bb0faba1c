/* Limits: what a sample would make the learner grow by, estimated before anything is allocated or changed.
 *
 * An estimate of bytes has three parts: rows of the table, with the rule's numbers for each weight and half as many rows
 * again, since the table grows by half; the bytes of names; and what a sample's pairs need while it is learned and kept.
 * Rows of spline bases are counted when their column is new, although they come with its 32nd value. */
#include "learner.h"

enum { NAME_BYTES = 64, ENTRY_BYTES = 64 };

int hw_set_limits(hw_learner *l, const hw_limits *limits)
{
    if (limits->entries < 0 || limits->names < 0 || limits->outputs < 1 || limits->bytes < 0)
        return HW_BAD_ARGUMENT;
    hw_limit_t *own = hw_begin_part(l, HW_PART_limit);
    if (!own)
        return HW_NO_MEMORY;
    own->most = *limits;
    if (own->most.entries > HW_MOST_ENTRIES)
        own->most.entries = HW_MOST_ENTRIES;
    if (own->most.outputs > HW_MOST_OUTPUTS)
        own->most.outputs = HW_MOST_OUTPUTS;
    return 0;
}

const hw_limits *hw_limits_of(const hw_learner *l)
{
    static const hw_limits types = {HW_MOST_ENTRIES, INT32_MAX, HW_MOST_OUTPUTS, INT64_MAX};
    return l->limit ? &l->limit->most : &types;
}

void hw_get_limits(const hw_learner *l, hw_limits *limits) { *limits = *hw_limits_of(l); }

void hw_exceeded(const hw_learner *l, hw_fault *fault, double *limit)
{
    const hw_limit_t none = {0}, *own = l->limit ? l->limit : &none;
    *fault = (hw_fault){own->name, "at most the limit", own->got};
    *limit = own->limit;
}

int hw_exceed(hw_learner *l, const char *name, int64_t limit, int64_t got)
{
    hw_limits most = *hw_limits_of(l);
    hw_limit_t *own = hw_begin_part(l, HW_PART_limit);
    if (own)
        *own = (hw_limit_t){most, name, (double)limit, (double)got};
    return HW_TOO_LARGE;
}

static int64_t bytes_of_row(const hw_learner *l)
{
    return (l->stride + l->states * l->numbers.stride) * (int64_t)hw_number(l) + 16;
}

/* What a sample's pairs need: to be read, to undo a step on them, and in the ring. */
static int64_t bytes_of_entry(const hw_learner *l)
{
    int64_t lanes = 0, pairs = l->knots ? 3 : 1;
    for (int e = 0; e < l->all; e++)
        lanes = l->expert[e].most_lanes > lanes ? l->expert[e].most_lanes : lanes;
    return ENTRY_BYTES + pairs * (1 + l->states) * lanes * (int64_t)hw_number(l) + (l->ring ? pairs * 24 : 0);
}

/* Bytes as a whole number; an estimate beyond any memory is as good as any other there. */
static int64_t bounded(double bytes) { return bytes < 1e18 ? (int64_t)bytes : (int64_t)1e18; }

/* A row of words: one number for each output. */
static double bytes_of_words(const hw_learner *l, int64_t words)
{
    return 1.5 * (double)words * (double)(l->output_capacity * (int64_t)hw_number(l) + 32) + 96.0 * (double)words;
}

static int64_t bytes_of(const hw_learner *l, int64_t rows, int64_t names, int64_t text, int64_t entries)
{
    return bounded(1.5 * ((double)rows * (double)bytes_of_row(l) + (double)text) + (double)names * NAME_BYTES +
                   (double)entries * (double)bytes_of_entry(l));
}

/* ---- measuring ------------------------------------------------------------------------------------------- */

/* Note a key; whether it is new. */
static int note(hw_learner *l, hw_growth *g, uint64_t key)
{
    key += key == 0; /* 0 is an empty place */
    if (2 * (g->names + 1) > g->seen_size) {
        int64_t size = g->seen_size ? 2 * g->seen_size : 64;
        uint64_t *table = hw_allocate(&l->memory, (uint64_t)size * sizeof(uint64_t));
        if (!table)
            return HW_NO_MEMORY;
        for (int64_t i = 0; i < g->seen_size; i++) {
            uint64_t at = g->seen[i] & (uint64_t)(size - 1);
            while (g->seen[i] && table[at])
                at = (at + 1) & (uint64_t)(size - 1);
            if (g->seen[i])
                table[at] = g->seen[i];
        }
        hw_release(g->seen);
        g->seen = table;
        g->seen_size = size;
    }
    uint64_t mask = (uint64_t)g->seen_size - 1, at = key & mask;
    for (; g->seen[at]; at = (at + 1) & mask)
        if (g->seen[at] == key)
            return 0;
    g->seen[at] = key;
    g->names += 1;
    return 1;
}

static int32_t column_of(const hw_learner *l, const hw_value *v)
{
    return v->column >= 0 ? v->column : hw_column(l, v->name, v->name_size);
}

/* How many words and pairs the texts of a sample may have: an estimate where that is within the limit, else counted. */
static int64_t words_in(const hw_learner *l, const hw_value *values, int64_t count, int64_t most)
{
    int64_t words = 0;
    for (int pass = 0; pass < 2 && l->text; pass++) {
        words = 0;
        for (int64_t i = 0; i < count && words <= most; i++)
            if (values[i].has & HW_HAS_TEXT && hw_may_be_text(l, values + i, column_of(l, values + i)))
                words += pass ? hw_count_text(values + i, most) : (int64_t)values[i].text_size + 2;
        if (words <= most)
            break;
    }
    return words;
}

typedef struct new_words {
    hw_growth *growth;
    int64_t count;
} new_words;

static int note_word(hw_learner *l, void *context, uint64_t key)
{
    new_words *n = context;
    int fresh = note(l, n->growth, key);
    n->count += fresh > 0;
    return fresh;
}

/* A text whose words have rows, or will have; `words`: how many new ones there are. */
static int measure_text(hw_learner *l, const hw_value *v, int32_t column, hw_growth *g, int64_t *words)
{
    uint32_t size = v->name_size;
    const char *name = column < 0 ? v->name : hw_column_name(l, column, &size);
    new_words found = {.growth = g};
    int status = hw_visit_new_text(l, v, name, size, note_word, &found);
    *words += found.count;
    return status;
}

static int measure_value(hw_learner *l, const hw_value *v, hw_growth *g, int64_t *text, int64_t *words, int64_t *rows)
{
    if (v->has == HW_HAS_NUMBER && v->number != v->number)
        return 0;
    int32_t column = column_of(l, v);
    int kind = column >= 0 ? hw_column_kind(l, column) : hw_text_kind(l, v->kind), fresh = 0;
    int64_t slots = kind == HW_NUMBER ? 1 : kind == HW_TIME ? HW_TIME_PARTS : 0;
    uint64_t key = column < 0 ? hw_name_key(&l->names, -1, v->name, v->name_size) : 0;
    if (column < 0) {
        fresh = note(l, g, key);
        if (fresh < 0)
            return fresh;
        g->rows += fresh ? slots * (1 + l->knots) : 0;
        *text += fresh ? v->name_size : 0;
    }
    bool block = HW_EMBEDS && v->has & HW_HAS_NUMBERS && !hw_embedding_size(l, column);
    if (block && hw_is_anomaly(l))
        g->rows += (int64_t)v->count;
    else if (block) /* its rows are no names */
        *rows += (int64_t)v->count;
    if (!(v->has & HW_HAS_TEXT) || (kind == HW_NUMBER && v->has & HW_HAS_NUMBER) ||
        (kind == HW_TIME && v->has & HW_HAS_TIME))
        return 0;
    if (hw_is_text(kind))
        return measure_text(l, v, column, g, words);
    if (column >= 0 && ((v->row > 0 && v->row < l->rows) || hw_find(l, column, v->text, v->text_size) >= 0))
        return 0;
    uint64_t owner = column < 0 ? key : (uint64_t)column + 1;
    fresh = note(l, g, hw_hash(hw_mix64(owner), v->text, v->text_size));
    g->rows += fresh > 0;
    *text += fresh > 0 ? v->text_size : 0;
    return fresh;
}

int hw_measure(hw_learner *l, const hw_value *values, int64_t count, hw_growth *g)
{
    int64_t entries = 0, text = 0, words = 0, numbers = 0, names = g->names, rows = g->rows;
    for (int64_t i = 0; i < count; i++)
        if (values[i].column >= l->columns.count || values[i].column < -1 || !hw_is_value(values + i))
            return HW_BAD_ARGUMENT;
    int64_t all = words_in(l, values, count, hw_limits_of(l)->entries);
    bool beyond = all > hw_limits_of(l)->entries; /* it will be refused: nothing of it is noted */
    for (int64_t i = 0; i < count; i++) {
        const hw_value *v = values + i;
        if (!v->has)
            continue;
        entries += hw_entries_in(v);
        int status = l->shared_from || beyond ? 0 : measure_value(l, v, g, &text, &words, &numbers);
        if (status < 0)
            return status;
    }
    int64_t space = l->max_rows - l->rows; /* beyond it, names share rows */
    if (g->rows > space)
        g->rows = rows > space ? rows : space < 0 ? 0 : space;
    g->bytes = bounded((double)g->bytes + (double)bytes_of(l, g->rows - rows, g->names - names - words, text, entries) +
                       bytes_of_words(l, words + numbers));
    entries += beyond ? all : 0;
    g->entries = entries > g->entries ? entries : g->entries;
    return 0;
}

void hw_measured(hw_growth *g)
{
    hw_release(g->seen);
    g->seen = NULL;
    g->seen_size = 0;
}

int64_t hw_bytes_of_outputs(const hw_learner *l, int outputs)
{
    int64_t numbers = 0, more = (outputs < HW_MOST_OUTPUTS ? outputs : HW_MOST_OUTPUTS) - (int64_t)l->outputs;
    if (more <= 0)
        return 0;
    for (int e = 0; e < l->experts; e++) {
        const hw_expert_t *x = l->expert + e;
        bool table = x->first == x->last || l->op[x->last - 1].kind != HW_DENSE;
        numbers += table ? l->rows : l->op[x->last - 1].n + 1;
    }
    double history = l->history && outputs <= HW_COUNTED ? 8.0 * outputs * outputs : 0;
    double each = (double)numbers * (1 + l->states) + 8.0 * (l->all + 4);
    if (l->bandit)
        history += (double)more * 8.0 * (double)l->bandit->most * (double)(l->bandit->most + 1);
    each += l->text ? (double)l->text->row_capacity : 0;
    return bounded((double)more * each * (double)hw_number(l) * 1.5 + history);
}

/* ---- checking -------------------------------------------------------------------------------------------- */

/* Whether a sample of so many entries may be read. Most samples cannot come near a limit, whatever of them is new. */
int hw_check_sample(hw_learner *l, const hw_value *values, int64_t count, int64_t entries, int learn)
{
    const hw_limits *most = hw_limits_of(l);
    int64_t text_bytes = 0;
    for (int64_t i = 0; !HW_WHOLE && i < count; i++) /* no page sets limits */
        text_bytes += values[i].text_size + 2;
    if (!HW_WHOLE)
        return entries > most->entries || text_bytes > most->entries ? HW_NOT_BUILT : 0;
    int64_t words = words_in(l, values, count, most->entries);
    if (entries > most->entries - words)
        return hw_exceed(l, "entries", most->entries, entries + words);
    if (!learn || l->shared_from || (2 * count + words <= most->names && most->bytes == INT64_MAX))
        return 0;
    int64_t text = 0;
    for (int64_t i = 0; i < count; i++)
        text += (int64_t)values[i].name_size + values[i].text_size;
    if (2 * count + words <= most->names &&
        (double)bytes_of(l, entries * (1 + l->knots), 2 * count, text, entries) + bytes_of_words(l, words) <=
            (double)most->bytes)
        return 0;
    hw_growth growth = {0};
    int status = hw_measure(l, values, count, &growth);
    hw_measured(&growth);
    if (status >= 0 && growth.names > most->names)
        return hw_exceed(l, "names", most->names, growth.names);
    if (status >= 0 && growth.bytes > most->bytes)
        return hw_exceed(l, "bytes", most->bytes, growth.bytes);
    return status;
}
