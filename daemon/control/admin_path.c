/* systemd tells a unit its RuntimeDirectory= in an environment variable, in ExecReload= too; that is how
 * sockctl finds the daemon of its own unit. A person's own sockd comes before the machine's. */
#include "control/admin_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADMIN_FILE     "admin.sock"
#define FOLDER_OF_ROOT "/run/sockd"

/* The first of the folders in a variable, which are separated by colons; false if there is none. */
static bool
folder_from(const char *variable, const char *below, char ret[ADMIN_PATH_SIZE], bool *ret_fits)
{
	const char *value = getenv(variable);
	size_t size = value != NULL ? strcspn(value, ":") : 0;
	int n;

	if (size == 0 || value[0] != '/')
		return false;
	n = snprintf(ret, ADMIN_PATH_SIZE, "%.*s%s/" ADMIN_FILE, (int)size, value, below);
	*ret_fits = n < ADMIN_PATH_SIZE;
	return true;
}

int
admin_path_auto(char ret[ADMIN_PATH_SIZE], struct err *e)
{
	bool fits = true;

	if (folder_from("RUNTIME_DIRECTORY", "", ret, &fits))
		return fits ? 0
			    : err_set(e, -ENAMETOOLONG, "$RUNTIME_DIRECTORY is too long for a unix socket");
	if (geteuid() == 0) {
		strcpy(ret, FOLDER_OF_ROOT "/" ADMIN_FILE);
		return 0;
	}
	if (folder_from("XDG_RUNTIME_DIR", "/sockd", ret, &fits))
		return fits ? 0 : err_set(e, -ENAMETOOLONG, "$XDG_RUNTIME_DIR is too long for a unix socket");
	return err_set(e, -ENOENT, "neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set");
}

bool
admin_path_candidate(size_t index, char ret[ADMIN_PATH_SIZE])
{
	char places[3][ADMIN_PATH_SIZE];
	size_t count = 0;
	bool fits = true;

	if (folder_from("RUNTIME_DIRECTORY", "", places[count], &fits) && fits)
		count++;
	fits = true;
	if (geteuid() != 0 && folder_from("XDG_RUNTIME_DIR", "/sockd", places[count], &fits) && fits)
		count++;
	strcpy(places[count++], FOLDER_OF_ROOT "/" ADMIN_FILE);
	if (index >= count)
		return false;
	strcpy(ret, places[index]);
	return true;
}
