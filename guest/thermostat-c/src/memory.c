#include "memory.h"

#include <stdint.h>
#include <stdlib.h>

void *resize_memory(void *memory, size_t count, size_t size) {
    if (count > SIZE_MAX / size)
        abort();
    void *resized = realloc(memory, count * size);
    if (!resized)
        abort();
    return resized;
}
