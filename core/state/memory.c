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

#ifndef HW_LINE
#define HW_LINE 64
#endif
enum { LINE = HW_LINE, VECTOR = 64 };

#ifdef HW_ONE_THREAD /* processors of one core may lack atomic operations */
#define READ(references) (*(references))
#define COUNT(references, by) (*(references) += (by))
#else
#define READ(references) __atomic_load_n(references, __ATOMIC_ACQUIRE) /* who let go has read all it wanted */
#define COUNT(references, by) __atomic_add_fetch(references, by, __ATOMIC_ACQ_REL)
#endif

static block *block_of(const void *data) { return (block *)((char *)(uintptr_t)data - sizeof(block)); }

static void *allocate(const hw_allocator *memory, uint64_t bytes, bool set)
{
    if (bytes > (SIZE_MAX >> 2))
        return NULL;
    size_t padded = ((size_t)bytes + VECTOR + LINE - 1) / LINE * LINE; /* a vector read at the end stays inside */
    size_t taken = sizeof(block) + LINE + padded;
    char *raw = memory->resize(memory->context, NULL, 0, taken);
    if (!raw)
        return NULL;
    uintptr_t at = ((uintptr_t)raw + sizeof(block) + LINE - 1) / LINE * LINE;
    void *data = raw + (at - (uintptr_t)raw);
    size_t from = HW_SMALL || set ? 0 : (size_t)bytes;
    memset((char *)data + from, 0, padded - from);
    *block_of(data) = (block){*memory, raw, taken, (size_t)bytes, 1};
    return data;
}

void *hw_allocate(const hw_allocator *memory, uint64_t bytes) { return allocate(memory, bytes, true); }

void *hw_allocate_unset(const hw_allocator *memory, uint64_t bytes) { return allocate(memory, bytes, false); }

size_t hw_capacity(const void *data) { return data ? block_of(data)->bytes : 0; }

int hw_references(const void *data) { return data ? READ(&block_of(data)->references) : 0; }

void hw_retain(void *data)
{
    if (data)
        COUNT(&block_of(data)->references, 1);
}

void hw_release(void *data)
{
    if (!data)
        return;
    block *b = block_of(data);
    if (COUNT(&b->references, -1) == 0) {
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
