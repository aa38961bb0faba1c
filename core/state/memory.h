/* Memory, which comes from the caller (memory.c). */
#ifndef HW_MEMORY_H
#define HW_MEMORY_H

#include "../headwater.h"
#include <stdbool.h>

void *hw_allocate(const hw_allocator *memory, uint64_t bytes); /* zeros, on a cache line; NULL if there is none */
void *hw_allocate_unset(const hw_allocator *memory,
                        uint64_t bytes); /* the same without zeros: pages that nobody writes cost nothing */
/* Room for `bytes`; what was there stays, the rest is zeros. Returns false, and changes nothing, if there is none. */
bool hw_extend(const hw_allocator *memory, void *pointer_to_pointer, uint64_t bytes);
size_t hw_capacity(const void *data); /* how many bytes were taken */
int hw_references(const void *data);  /* how many keep it, the learner among them */

#endif
