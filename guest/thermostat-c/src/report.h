/* The command getMaxMinReport. */
#ifndef REPORT_H
#define REPORT_H

#include "window.h"

/* Builds the answer and returns its status: 200 with the report; 400 for a payload that is neither absent, empty nor an
   RFC 3339 time; 404 when no reading is kept from that time on, which a time to come always is. */
uint16_t report_answer(const struct window *readings, const struct text *payload, struct moment now,
                       struct builder *answer);

/* The payload that says why a command was refused. */
void append_message(struct builder *answer, struct text message);

#endif
