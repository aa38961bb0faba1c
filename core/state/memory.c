/* Memory: blocks of zeros on a cache line, which stay as long as somebody keeps them. */
#include "learner.h"

#ifdef HW_DEBUG
#include <stdio.h>
#include <stdlib.h>

void hw_failed(const char *said, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, said);
    abort();
}
#endif

typedef struct block { /* lies in front of what it holds */
    hw_allocator memory;
    void *raw;
    size_t taken, bytes;
    int references; /* changed atomically: a view may be dropped by another thread than the learner's */
} block;

enum { LINE = 64 };

static block *block_of(const void *data) { return (block *)((char *)(uintptr_t)data - sizeof(block)); }

void *hw_allocate(const hw_allocator *memory, uint64_t bytes)
{
    if (bytes > (SIZE_MAX >> 2))
        return NULL;
    size_t padded = ((size_t)bytes + 2 * LINE - 1) / LINE * LINE; /* a vector read at the end stays inside */
    size_t taken = sizeof(block) + LINE + padded;
    char *raw = memory->resize(memory->context, NULL, 0, taken);
    if (!raw)
        return NULL;
    uintptr_t at = ((uintptr_t)raw + sizeof(block) + LINE - 1) / LINE * LINE;
    void *data = raw + (at - (uintptr_t)raw);
    memset(data, 0, padded);
    *block_of(data) = (block){*memory, raw, taken, (size_t)bytes, 1};
    return data;
}

size_t hw_capacity(const void *data) { return data ? block_of(data)->bytes : 0; }

int hw_references(const void *data) { return data ? __atomic_load_n(&block_of(data)->references, __ATOMIC_RELAXED) : 0; }

void hw_retain(void *data)
{
    if (data)
        __atomic_add_fetch(&block_of(data)->references, 1, __ATOMIC_RELAXED);
}

void hw_release(void *data)
{
    if (!data)
        return;
    block *b = block_of(data);
    if (__atomic_sub_fetch(&b->references, 1, __ATOMIC_ACQ_REL) == 0) {
        hw_allocator memory = b->memory;
        memory.resize(memory.context, b->raw, b->taken, 0);
    }
}

bool hw_extend(const hw_allocator *memory, void *pointer_to_pointer, uint64_t bytes)
{
    void *old, *data;
    memcpy(&old, pointer_to_pointer, sizeof old);
    if (old && hw_capacity(old) >= bytes)
        return true;
    data = hw_allocate(memory, bytes);
    if (!data)
        return false;
    if (old)
        memcpy(data, old, hw_capacity(old));
    memcpy(pointer_to_pointer, &data, sizeof data);
    hw_release(old);
    return true;
}
