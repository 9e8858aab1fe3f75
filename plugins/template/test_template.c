/* The plugin on fakes: no daemon, no sockets, no waiting. <sockd/testing.h> says what a fake can do. */
#include <stdio.h>
#include <string.h>

#include <sockd/testing.h>

static int failures;

static void
expect(struct sockd_fake *f, const char *what, const char *wanted)
{
	char answer[1024] = "";
	ssize_t n = sockd_fake_take(f, answer, sizeof answer - 1);

	if (n >= 0 && strcmp(answer, wanted) == 0) {
		printf("ok: %s\n", what);
		return;
	}
	printf("FAILED: %s: expected '%s', got '%s'\n", what, wanted, answer);
	failures++;
}

int
main(void)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	if (f == NULL || sockd_fake_set(f, "greeting", "moin") < 0 || sockd_fake_start(f) < 0) {
		printf("FAILED: it does not start: %s\n", f != NULL ? sockd_fake_error(f) : "no memory");
		return 1;
	}
	sockd_fake_feed(f, "12345", 5);
	sockd_fake_turn(f);
	expect(f, "a client is greeted, and its message counted", "moin\nmoin 1: 5 bytes\n");
	sockd_fake_free(f);
	return failures != 0;
}
