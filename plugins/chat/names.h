/* Who is in the room, by name: shared by all loops, so that no two clients have the same one. */
#ifndef CHAT_NAMES_H
#define CHAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { NAME_MAX_SIZE = 24 };

struct names;

struct names *names_new(void); /* NULL: no memory */
void names_free(struct names *n);

/* Thread: any; each call takes one short lock. */

/** @return whether the name was free, and is taken now (false also without memory) */
bool names_take(struct names *n, const char *name);
void names_give_back(struct names *n, const char *name);

/** All names, in the order of their arrival, with blanks between. @return the caller frees it; NULL: no
 * memory */
char *names_list(struct names *n);
size_t names_count(struct names *n);

#endif
