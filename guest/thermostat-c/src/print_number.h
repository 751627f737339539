/* From doubles to the fewest decimal digits that mean them, as JSON writes numbers. */
#ifndef PRINT_NUMBER_H
#define PRINT_NUMBER_H

#include "text.h"

/* A finite number. Whole ones end in .0; from 1e16 on, and below 0.00001, there is an exponent. */
void append_double(struct builder *builder, double number);

/* The same without .0, and up to 2^53, where every whole double is an integer of its own, without an exponent. */
void append_number(struct builder *builder, double number);

#endif
