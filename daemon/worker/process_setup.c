/* Root without a user to become stays root with all of its rights: the supervisor has warned of that. */
#include "worker/process_setup.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "worker/privileges.h"

void
process_setup(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < array_len(ignored); i++)
		sigaction(ignored[i], &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	prctl(PR_SET_NAME, "sockd"); /* a worker is executed by descriptor, which makes a poor name */
}

int
process_become(const struct process_user *user, struct err *e)
{
	if (user->drop)
		return privileges_drop(user->uid, user->gid, user->groups, user->group_count, e);
	if (geteuid() != 0)
		return privileges_drop_capabilities(e); /* those to bind with are of no use here */
	return 0;
}
