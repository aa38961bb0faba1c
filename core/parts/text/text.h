/* Text and embeddings (text.c, embedding.c, merge_text.c). */
#ifndef HW_PART_TEXT_H
#define HW_PART_TEXT_H

#include "../parts.h"
#include <stdbool.h>

enum { HW_SKETCH = 32 };                        /* numbers of a sketch */
enum { HW_TC_ROWS, HW_TC_TEXTS, HW_TC_COUNTS }; /* rows; samples with text so far */

/* An embedding of the sample at hand. */
typedef struct hw_block {
    int32_t column, size;
    int64_t first, at;     /* row of its first number, -1: not known; place of that among rows and values */
    double length, square; /* of its numbers; of the values made of them */
    const double *numbers; /* the caller's, until the sample is read */
} hw_block;

typedef struct hw_words {
    int32_t grams, found; /* as declared */
    int64_t max_rows;
    int64_t *counts;  /* (HW_TC_COUNTS) */
    int32_t *columns; /* (columns) how far each is on its way to be text; -1: it is decided; an embedding's size */
    uint64_t *keys;   /* (rows) hash of a word or pair */
    double *seen;     /* (rows) how many samples had it */
    void *weights;    /* (rows, output_capacity) */
    int64_t row_capacity, table_size;
    int32_t *table; /* open addressing: row of a hash, or -1 */
    /* of the sample at hand */
    hw_word *word;
    int64_t count, capacity, set_size;
    int32_t *set;               /* open addressing: 1 + place of a word; 0: free */
    int64_t known;              /* how many have a row: */
    int32_t *rows;              /* (known) their rows, */
    void *values, *steps;       /* (known) their values, and those times their step sizes */
    void *z, *d;                /* (output_capacity) what they add to the logits, and the derivatives by it */
    uint64_t digest, predicted; /* of all hashes; of the sample that was predicted last */
    hw_block *block;
    int64_t blocks, embedded; /* embeddings, and their numbers */
    double sketch[HW_SKETCH]; /* of the numbers of embeddings, for least squares of a bandit */
    int64_t of_words;         /* rows and values that are words'; behind them stand those of embeddings */
} hw_words;
enum { HW_TC_COLUMNS = 1, HW_TC_WORDS, HW_TC_OUTPUTS }; /* of shapes */

#ifdef HW_PAGE
#define HW_BLOCKS(HW_DERIVED)
#else
#define HW_BLOCKS(HW_DERIVED) HW_DERIVED(text, block)
#endif
/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_TEXT_ARRAYS(A, HW_DERIVED)                                                                                      \
    A(text, text_counts, HW_I64, HW_BY_NAME, HW_TC_COUNTS, 0, counts, INTEGERS)                                            \
    A(text, text_columns, HW_I32, HW_BY_NAME, HW_SHAPE(HW_TC_COLUMNS), 0, columns, INTEGERS)                               \
    A(text, text_keys, HW_U64, HW_BY_NAME, HW_SHAPE(HW_TC_WORDS), 0, keys, INTEGERS)                                       \
    A(text, text_seen, HW_F64, HW_BY_NAME, HW_SHAPE(HW_TC_WORDS), 0, seen, COUNTS)                                         \
    A(text, text_weights, REAL, HW_BY_NAME, HW_SHAPE(HW_TC_WORDS), HW_SHAPE(HW_TC_OUTPUTS), weights, FINITE)               \
    HW_DERIVED(text, table)                                                                                                \
    HW_DERIVED(text, word)                                                                                                 \
    HW_BLOCKS(HW_DERIVED)                                                                                                  \
    HW_DERIVED(text, set)                                                                                                  \
    HW_DERIVED(text, rows)                                                                                                 \
    HW_DERIVED(text, values)                                                                                               \
    HW_DERIVED(text, steps)                                                                                                \
    HW_DERIVED(text, z)                                                                                                    \
    HW_DERIVED(text, d)

int64_t hw_seek_text(const hw_learner *l, uint64_t key); /* the row of a hash; below 0: it has none */
int64_t hw_text_row(hw_learner *l, uint64_t key);        /* or appended: memory is reserved */
bool hw_fits_embeddings(const hw_learner *l, const hw_value *values, int64_t count);
int hw_read_embedding(hw_learner *l, const hw_value *v, int32_t column, int learn);
int64_t hw_rows_of_embeddings(const hw_words *t);
void hw_end_embeddings(hw_learner *l, int learn);
int64_t hw_merged_text_row(hw_learner *l, uint64_t key);
void hw_clear_text(hw_learner *l);
int hw_read_text(hw_learner *l, const hw_value *v, int32_t column, const char *name, uint32_t name_size);
int hw_check_reader(hw_learner *l, hw_fault *fault);
int hw_end_text(hw_learner *l, int learn);
int hw_text_kind(const hw_learner *l, int kind);
void hw_note_text(hw_learner *l, int32_t column, const hw_value *v, bool repeated);
bool hw_may_be_text(const hw_learner *l, const hw_value *v, int32_t column);
int64_t hw_count_text(const hw_value *v, int64_t most);
int hw_visit_new_text(hw_learner *l, const hw_value *v, const char *name, uint32_t name_size,
                      int (*visit)(hw_learner *l, void *context, uint64_t key), void *context);
bool hw_text_descends(const hw_learner *base, const hw_learner *l); /* these two in merge_text.c */
int hw_merge_text(const hw_merging *m);

#endif
