/* Memory from one block that the caller has, where there is no heap. Free pieces are a list in the order of their
 * addresses; the first that is large enough is taken, and neighbours become one again (Knuth 1973, 2.5). */
#include "learner.h"

typedef struct piece { /* lies in what is free */
    size_t bytes;
    struct piece *next;
} piece;

enum { GRAIN = 16 };
_Static_assert(sizeof(piece) <= GRAIN, "a free piece says in itself how large it is");

static size_t grains(size_t bytes) { return (bytes + GRAIN - 1) / GRAIN * GRAIN; }

static void *take(hw_arena *a, size_t bytes)
{
    piece *before = NULL, *p = a->free;
    for (; p && p->bytes < bytes; p = p->next)
        before = p;
    if (!p)
        return NULL;
    piece *next = p->next;
    if (p->bytes > bytes) {
        next = (piece *)(void *)((char *)p + bytes);
        *next = (piece){p->bytes - bytes, p->next};
    }
    if (before)
        before->next = next;
    else
        a->free = next;
    size_t end = (size_t)((char *)p + bytes - a->block);
    a->most = end > a->most ? end : a->most;
    return p;
}

static void join(piece *p)
{
    if ((char *)p + p->bytes != (char *)p->next)
        return;
    p->bytes += p->next->bytes;
    p->next = p->next->next;
}

static void give(hw_arena *a, void *block, size_t bytes)
{
    piece *own = block, *before = NULL, *p = a->free;
    for (; p && p < own; p = p->next)
        before = p;
    *own = (piece){bytes, p};
    if (before)
        before->next = own;
    else
        a->free = own;
    join(own);
    if (before)
        join(before);
}

static void *resize(void *context, void *block, size_t old, size_t size)
{
    hw_arena *a = context;
    void *now = size ? take(a, grains(size)) : NULL;
    if (block && (now || !size)) {
        if (now)
            memcpy(now, block, old < size ? old : size);
        give(a, block, grains(old));
    }
    return now;
}

hw_allocator hw_begin_arena(hw_arena *arena, void *block, size_t bytes)
{
    char *begin = (char *)(grains((uintptr_t)block));
    size_t skipped = (size_t)(begin - (char *)block);
    *arena = (hw_arena){.block = begin};
    if (bytes >= skipped + GRAIN) {
        arena->free = begin;
        *(piece *)(void *)begin = (piece){(bytes - skipped) / GRAIN * GRAIN, NULL};
    }
    return (hw_allocator){resize, arena};
}

/* ---- how much of it a learner needs
 * -------------------------------------------------------------------------------------- */

static int64_t bytes_of_state(hw_learner *l)
{
    int64_t bytes = 0;
    for (int i = 0; i < hw_states(); i++) {
        hw_array a;
        int status = hw_state(l, i, &a);
        if (status < 0)
            return status;
        bytes += 3 * 8 + (a.shape[0] * a.shape[1] * (int64_t)hw_size_of(a.type) + 7) / 8 * 8;
    }
    return bytes;
}

static int learn_row(hw_learner *l, const hw_rows *rows, int64_t i, void *p)
{
    int status = hw_read_numbers(l, rows->slots, rows->x + i * rows->inputs, rows->inputs);
    if (status < 0)
        return status;
    return l->forecast ? hw_learn_next(l, rows->y[i], 1) : hw_learn(l, rows->y[i], 1, p);
}

int hw_rehearse(hw_learner *l, void *block, size_t bytes, const hw_rows *rows, int64_t *most, int64_t *state)
{
    hw_arena arena;
    hw_allocator memory = hw_begin_arena(&arena, block, bytes);
    int status;
    hw_learner *copy = hw_copy_whole(&memory, l, &status);
    void *p = hw_allocate(&l->memory, (uint64_t)l->output_capacity * sizeof(double));
    if (copy && !p)
        status = HW_NO_MEMORY;
    *state = 0;
    for (int64_t i = 0; copy && i < rows->count && status >= 0; i++)
        status = learn_row(copy, rows, i, p);
    if (copy && status >= 0)
        *state = bytes_of_state(copy);
    hw_release(p);
    if (copy)
        hw_free(copy);
    *most = (int64_t)arena.most;
    return *state < 0 ? (int)*state : status < 0 ? status : 0;
}
