/* Compiled and running versions of libevent are both told: a distribution may update the library beneath us.
 * libsystemd has no call that tells its version. */
#include "run/version.h"

#include <event2/event.h>

#include "config/load.h"
#include "net/tls.h"
#include "run/paths.h"
#include "sockd/types.h"

#ifdef HAVE_LIBSYSTEMD
#define WITH_SYSTEMD "with"
#else
#define WITH_SYSTEMD "without"
#endif

void
version_print(FILE *out)
{
	fprintf(out, "sockd %s\n", PACKAGE_VERSION);
	fprintf(out, "plugin ABI %d.%d\n", SOCKD_ABI_MAJOR, SOCKD_ABI_MINOR);
	fprintf(out, "libevent %s (compiled with %s)\n", event_get_version(), LIBEVENT_VERSION);
	fprintf(out, "%s\n", tls_library_version());
	fprintf(out, "libyaml %s\n", cfg_yaml_version());
	fprintf(out, "libsystemd: %s\n", WITH_SYSTEMD);
	fprintf(out, "configuration: %s\n", PATH_CONFIG);
	fprintf(out, "plugins: %s\n", PATH_PLUGINS);
}
