/* What a scenario sees, kept by name until it is told at the end, and what ends a scenario that cannot go on. */

#ifndef SEEN_H
#define SEEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parson.h>

static void must(bool well, const char* what)
{
    if (!well)
    {
        fprintf(stderr, "did not go well: %s\n", what);
        exit(1);
    }
}

#define MUST(call) must((call) == 0, #call)

/* What was seen, by name. The SDK calls back from a thread of its own. */
static JSON_Object* seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void see(const char* name, JSON_Value* value)
{
    pthread_mutex_lock(&lock);
    json_object_set_value(seen, name, value);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool has_seen(const char* name)
{
    pthread_mutex_lock(&lock);
    bool has = json_object_has_value(seen, name);
    pthread_mutex_unlock(&lock);
    return has;
}

/* Waits until something of that name has been seen; the alarm ends what does not come. */
static void wait_for(const char* name)
{
    pthread_mutex_lock(&lock);
    while (!json_object_has_value(seen, name))
    {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* The JSON in a buffer that does not end with a zero; null for none. */
static JSON_Value* parsed(const unsigned char* bytes, size_t size)
{
    char* text = calloc(1, size + 1);
    must(text != NULL, "memory for a payload");
    memcpy(text, bytes, size);
    JSON_Value* value = json_parse_string(text);
    free(text);
    return value != NULL ? value : json_value_init_null();
}

#endif
