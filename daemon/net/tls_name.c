/* The matcher goes back to the last star only, which is enough, and keeps the time linear in the product of
 * the lengths whatever a peer puts into its certificate. */
#include "net/tls_name.h"

#include <string.h>
#include <strings.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
fits(const char *pattern, const char *name, bool dns)
{
	const char *star = NULL, *resume = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (*pattern != '\0' && (dns ? lower(*pattern) == lower(*name) : *pattern == *name)) {
			pattern++;
			name++;
		} else if (star != NULL && !(dns && *resume == '.')) {
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool
tls_name_fits_dns(const char *pattern, const char *name)
{
	return fits(pattern, name, true);
}

bool
tls_name_fits(const char *pattern, const char *name)
{
	return fits(pattern, name, false);
}

bool
tls_name_covers(const char *name, const char *host)
{
	const char *rest;

	if (strncmp(name, "*.", 2) != 0)
		return strcasecmp(name, host) == 0;
	rest = strchr(host, '.');
	return rest != NULL && rest != host && strchr(name + 2, '.') != NULL &&
	       strcasecmp(name + 1, rest) == 0;
}
