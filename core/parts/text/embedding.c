/* Embeddings: a list of numbers as the value of one column, read as one dense block.
 *
 * A block's numbers have rows in the table of words, one behind the other, named by hashes of column, size and place. So
 * what grows, is saved and is merged is a table of words, and what a block says is added to the mixture as a text is:
 * without knots, cells, and statistics that cost more than the numbers are worth. Two rows stand in front of them. The
 * first has counted the block's samples, the second has summed their lengths; their weights stay zero. `seen` of a number
 * is the sum of its squares, those of an even embedding counting 1 (kernels/input/text.c steps by it).
 *
 * HW_COSINE scales a sample's numbers to length 1. HW_RAW divides them by the mean length of the samples before, and a
 * sample of five times that length and more has five. */
#include "learner.h"

enum { HEADS = 2, MOST_NUMBERS = 4096 };
static const double LONGEST = 5;

static uint64_t name_of(const char *name, uint32_t size, uint32_t count)
{
    return hw_mix64(hw_hash(1, name, size) + ((uint64_t)count << 32));
}

static uint64_t key_of(uint64_t name, int64_t row) { return hw_mix64(name + (uint64_t)row); }

int32_t hw_embedding_size(const hw_learner *l, int32_t column)
{
    return hw_is_embedding(hw_column_kind(l, column)) ? l->text->columns[column] : 0;
}

/* Whether a sample's embeddings are as long as those before. */
bool hw_fits_embeddings(const hw_learner *l, const hw_value *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const hw_value *v = values + i;
        if (!(v->has & HW_HAS_NUMBERS))
            continue;
        int32_t column = v->column >= 0 ? v->column : hw_column(l, v->name, v->name_size),
                size = hw_embedding_size(l, column);
        if (!l->text || !v->count || v->count > MOST_NUMBERS || (size && (uint32_t)size != v->count))
            return false;
    }
    return true;
}

static bool has_room(const hw_words *t, int64_t size) { return t->counts[HW_TC_ROWS] + size + HEADS <= t->max_rows; }

int hw_check_room(hw_learner *l, int64_t size)
{
    const hw_words *t = l->text;
    int64_t rows = l->rows + size, most = l->max_rows - hw_to_share(l);
    if (hw_is_anomaly(l)) /* they are rows of the table */
        return !l->shared_from && rows <= most ? 0 : hw_exceed(l, "max_rows", most, rows);
    return has_room(t, size) ? 0 : hw_exceed(l, "max_rows", t->max_rows, t->counts[HW_TC_ROWS] + size + HEADS);
}

/* Note the numbers of one value of the sample at hand. */
int hw_read_embedding(hw_learner *l, const hw_value *v, int32_t column, int learn)
{
    hw_words *t = l->text;
    double square = 0;
    for (uint32_t i = 0; i < v->count; i++)
        square += v->numbers[i] * v->numbers[i];
    if (!(square > 0)) /* it has no direction */
        return 0;
    if (!hw_extend(&l->memory, &t->block, (uint64_t)(t->blocks + 1) * sizeof *t->block))
        return HW_NO_MEMORY;
    if (learn)
        t->columns[column] = (int32_t)v->count;
    t->block[t->blocks++] = (hw_block){
        .column = column, .size = (int32_t)v->count, .first = -1, .length = __builtin_sqrt(square), .numbers = v->numbers};
    t->embedded += v->count;
    return 0;
}

/* The first row of a block, behind its heads; -1: it has none. */
static int64_t row_of(hw_learner *l, const hw_block *b, int learn)
{
    uint32_t size;
    const char *name = hw_column_name(l, b->column, &size);
    uint64_t own = name_of(name, size, (uint32_t)b->size);
    int64_t first = hw_seek_text(l, key_of(own, 0)), last = b->size + HEADS - 1;
    if (first >= 0)
        return hw_seek_text(l, key_of(own, last)) == first + last ? first + HEADS : -1;
    if (!learn || !has_room(l->text, b->size))
        return -1;
    first = l->text->counts[HW_TC_ROWS];
    for (int64_t i = 0; i <= last; i++)
        hw_text_row(l, key_of(own, i));
    return first + HEADS;
}

/* What a sample's numbers are divided by. */
static double unit_of(const hw_learner *l, const hw_block *b)
{
    const double *heads = l->text->seen + b->first - HEADS;
    if (l->columns.kind[b->column] == HW_COSINE || !(heads[0] > 0))
        return b->length;
    double mean = heads[1] / heads[0], longest = b->length / LONGEST;
    return longest > mean ? longest : mean;
}

/* Each number is added to one of the numbers of the sketch, with a sign by its name, so that sketches of embeddings are at
 * about the angles that embeddings are at (Weinberger et al. 2009), each number around 1 in size. */
static void add_to_sketch(hw_learner *l, const hw_block *b, double unit)
{
    hw_words *t = l->text;
    uint32_t size;
    const char *name = hw_column_name(l, b->column, &size);
    uint64_t own = name_of(name, size, (uint32_t)b->size);
    double scale = __builtin_sqrt((double)HW_SKETCH) / unit;
    for (int32_t i = 0; i < b->size; i++)
        t->sketch[i % HW_SKETCH] += hw_mix64(own + (uint64_t)i) >> 63 ? b->numbers[i] * scale : -b->numbers[i] * scale;
}

/* The rows and values of a block behind those that are there. */
static void add_block(hw_learner *l, hw_block *b)
{
    hw_words *t = l->text;
    double unit = unit_of(l, b), length = b->length / unit;
    b->at = t->known;
    b->square = length * length;
    for (int32_t i = 0; i < b->size; i++) {
        t->rows[t->known] = (int32_t)(b->first + i);
        hw_put(l, t->values, t->known++, b->numbers[i] / unit);
    }
    if (l->bandit)
        add_to_sketch(l, b, unit);
}

static uint64_t digest_of_block(const hw_block *b)
{
    uint64_t digest = (uint64_t)b->column + 1;
    for (int32_t i = 0; i < b->size; i++) {
        double x = b->numbers[i] + 0.0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &x, 8);
        digest = (digest ^ bits) * 0x9E3779B97F4A7C15u;
        digest ^= digest >> 32;
    }
    return hw_mix64(digest);
}

int64_t hw_rows_of_embeddings(const hw_words *t) { return t->embedded + HEADS * t->blocks; }

/* All values of the sample are read, and memory is reserved: find the rows of blocks, or append them. */
void hw_end_embeddings(hw_learner *l, int learn)
{
    hw_words *t = l->text;
    for (int64_t i = 0; i < t->blocks; i++) {
        hw_block *b = t->block + i;
        t->digest += digest_of_block(b);
        b->first = row_of(l, b, learn);
        if (b->first >= 0)
            add_block(l, b);
    }
}

int hw_reads_embeddings(const hw_learner *l) { return HW_EMBEDS && l->text; }
