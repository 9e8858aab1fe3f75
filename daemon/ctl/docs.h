/* What is made of the table of verbs beside the program: the manual's section of verbs and the bash
 * completion. */
#ifndef CTL_DOCS_H
#define CTL_DOCS_H

#include <stdio.h>

/** mdoc(7): an item for each verb, and the list of common options. */
void docs_print_verbs(FILE *out);
void docs_print_options(FILE *out);

/** A whole script for bash-completion. */
void docs_print_completion(FILE *out);

#endif
