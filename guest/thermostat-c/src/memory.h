/* Memory, or the end of this instance: without it a device cannot go on, and the host starts another. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* For `count` things of `size` bytes each, neither 0; to be freed. What `memory` held stays; NULL holds nothing. */
void *resize_memory(void *memory, size_t count, size_t size);

#endif
