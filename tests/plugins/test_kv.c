/* plugins/kv on fakes: commands and their replies, pipelines in pieces, clients that do not read, the end. */
#include "plugin_case.h"

/* One command line after the other; the replies of all of them. */
static void
asks(struct sockd_fake *f, const char *commands, const char *replies)
{
	feed(f, commands);
	sockd_fake_turn(f);
	expect_answer(f, replies);
}

START_TEST(values_are_set_and_got)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "GET a\n", "$-1\r\n");
	asks(f, "SET a 1\nget a\n", "+OK\r\n$1\r\n1\r\n");
	asks(f, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$3\r\n\r\n\x01\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n",
		"+OK\r\n$3\r\n\r\n\x01\r\n");
	asks(f, "MSET a 1 c 3\nMGET a b x\nSTRLEN c\nEXISTS a b x\nDEL a x c\n",
		"+OK\r\n*3\r\n$1\r\n1\r\n$3\r\n\r\n\x01\r\n$-1\r\n:1\r\n:2\r\n:2\r\n");
	asks(f, "SET a 1 NX\nSET a 2 NX\nSET a 3 XX\nSET z 1 XX\nGET a\n",
		"+OK\r\n$-1\r\n+OK\r\n$-1\r\n$1\r\n3\r\n");
	asks(f, "DBSIZE\nFLUSHALL\nDBSIZE\n", ":2\r\n+OK\r\n:0\r\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(numbers_count)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "INCR n\nINCRBY n 9\nDECR n\nDECRBY n 10\nSET n x\nINCR n\nINCRBY n y\n",
		":1\r\n:10\r\n:9\r\n:-1\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"
		"-ERR value is not an integer or out of range\r\n");
	sockd_fake_free(f);
}
END_TEST

#define NOT_AN_INTEGER "-ERR value is not an integer or out of range\r\n"

/* All 64-bit numbers, none beyond them, and no other way to write one. */
START_TEST(numbers_are_those_of_redis)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "SET n 9223372036854775807\nINCR n\nDECRBY n 9223372036854775807\nGET n\n",
		"+OK\r\n-ERR increment or decrement would overflow\r\n:0\r\n$1\r\n0\r\n");
	asks(f, "INCRBY n 9223372036854775807\nINCRBY n -9223372036854775808\nDECR n\nDECR n\n",
		":9223372036854775807\r\n:-1\r\n:-2\r\n:-3\r\n");
	asks(f, "DECRBY n -9223372036854775808\n", "-ERR decrement would overflow\r\n");
	asks(f, "INCRBY n +5\nINCRBY n \t5\nINCRBY n 05\nINCRBY n 9223372036854775808\nEXPIRE n +5\n",
		NOT_AN_INTEGER NOT_AN_INTEGER NOT_AN_INTEGER NOT_AN_INTEGER NOT_AN_INTEGER);
	sockd_fake_free(f);
}
END_TEST

START_TEST(keys_expire)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f,
		"SET a 1 EX 10\nTTL a\nPTTL a\nSET b 1\nTTL b\nTTL x\nEXPIRE b 5\nPERSIST b\nPERSIST "
		"b\nEXPIRE x 5\n",
		"+OK\r\n:10\r\n:10000\r\n+OK\r\n:-1\r\n:-2\r\n:1\r\n:1\r\n:0\r\n:0\r\n");
	sockd_fake_advance(f, 9999);
	asks(f, "GET a\n", "$1\r\n1\r\n");
	sockd_fake_advance(f, 1);
	asks(f, "GET a\nGET b\nEXPIRE b -1\nGET b\nPEXPIRE b 5\n", "$-1\r\n$1\r\n1\r\n:1\r\n$-1\r\n:0\r\n");
	asks(f,
		"SET a 1 EX 0\nSET a 1 EX x\nSET a 1 EX\nSET a 1 NX XX\nSET a 1 EX 1 PX 1\nEXPIRE a "
		"9223372036854775806\n",
		"-ERR invalid expire time in 'set' command\r\n-ERR value is not an integer or out of "
		"range\r\n"
		"-ERR syntax error\r\n-ERR syntax error\r\n-ERR syntax error\r\n"
		"-ERR invalid expire time in 'expire' command\r\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(what_it_does_not_know_is_an_error_and_no_end)
{
	struct sockd_fake *f = started(SOCKD_UNIX);

	asks(f,
		"LPUSH a 1\nGET\nGET a b\nSELECT 1\nSELECT 0\nPING\nPING x\nECHO y\nCOMMAND DOCS\nCLIENT "
		"SETNAME me\n",
		"-ERR unknown command 'LPUSH'\r\n-ERR wrong number of arguments for 'get' command\r\n"
		"-ERR wrong number of arguments for 'get' command\r\n-ERR DB index is out of "
		"range\r\n+OK\r\n+PONG\r\n"
		"$1\r\nx\r\n$1\r\ny\r\n*0\r\n+OK\r\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 0);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_command_may_come_in_any_pieces)
{
	static const char command[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$12\r\nabcdefghijkl\r\nGET a\n";
	struct sockd_fake *f = started(SOCKD_TCP);

	for (size_t i = 0; i + 1 < sizeof command; i++) {
		ck_assert_int_eq(sockd_fake_feed(f, command + i, 1), 0);
		sockd_fake_turn(f);
	}
	expect_answer(f, "+OK\r\n$12\r\nabcdefghijkl\r\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_answered_later_and_whole)
{
	struct sockd_fake *f = started(SOCKD_TCP);
	static char got[200000];
	size_t total = 0;
	ssize_t n;

	sockd_fake_set_room(f, 1000);
	for (int i = 0; i < 2000; i++)
		feed(f, "ECHO aaaaaaaaaabbbbbbbbbbcccccccccc\n");
	sockd_fake_turn(f);
	for (int turns = 0; turns < 1000 && total < 2000 * 37; turns++) {
		n = sockd_fake_take(f, got + total, 700);
		ck_assert_int_le(n, 700);
		total += n > 0 ? (size_t)n : 0;
		sockd_fake_turn(f);
	}

	ck_assert_uint_eq(total, 2000 * 37);
	for (size_t i = 0; i < total; i += 37)
		ck_assert_mem_eq(got + i, "$30\r\naaaaaaaaaabbbbbbbbbbcccccccccc\r\n", 37);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_broken_command_ends_it_after_the_answers_before)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "PING\n*1\r\n:5\r\nPING\n", "+PONG\r\n-ERR Protocol error: expected '$'\r\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(quit_and_end_close_after_the_answers)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "PING\nQUIT\nPING\n", "+PONG\r\n+OK\r\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	feed(f, "PING\nPI");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	expect_answer(f, "+PONG\r\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 2);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_password_is_asked_for)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "password", "secret"), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	asks(f, "GET a\nAUTH wrong\nAUTH secretsecret\nAUTH other secret\nGET a\nAUTH secret\nGET a\n",
		"-NOAUTH Authentication required.\r\n"
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		"-NOAUTH Authentication required.\r\n+OK\r\n$-1\r\n");
	sockd_fake_free(f);
	f = started(SOCKD_TCP);
	asks(f, "AUTH x\n",
		"-ERR AUTH <password> called without any password configured for the default user. Are you "
		"sure your configuration is correct?\r\n");
	asks(f, "AUTH default x\nAUTH other x\n",
		"+OK\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	sockd_fake_free(f);
}
END_TEST

#define IS_REDIS(id)                                                                                   \
	"*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n6.0.0\r\n$5\r\nproto\r\n:2\r\n$" \
	"2\r\nid\r\n:" id                                                                              \
	"\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"

/* As redis-server 7.0.15 answers, but for version 3, which it speaks. */
START_TEST(clients_are_greeted)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	asks(f, "CLIENT ID\nhello\n", ":1\r\n" IS_REDIS("1"));
	asks(f, "HELLO 2 SETNAME me\nHELLO 2 auth default x setname y\n", IS_REDIS("1") IS_REDIS("1"));
	asks(f, "HELLO 3\nHELLO 1\nHELLO x\nGET a\n",
		"-NOPROTO unsupported protocol version\r\n-NOPROTO unsupported protocol version\r\n"
		"-ERR Protocol version is not an integer or out of range\r\n$-1\r\n");
	asks(f, "HELLO 2 AUTH default\nHELLO 2 SETNAME\nHELLO 2 AUTH other x\n",
		"-ERR Syntax error in HELLO option 'AUTH'\r\n"
		"-ERR Syntax error in HELLO option 'SETNAME'\r\n"
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	asks(f, "*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$7\r\nSETNAME\r\n$3\r\na b\r\n",
		"-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
	asks(f, "CLIENT SETINFO LIB-NAME x\nCLIENT SETNAME me\nCLIENT SETNAME\nCLIENT LIST\n",
		"+OK\r\n+OK\r\n-ERR wrong number of arguments for 'client|setname' command\r\n"
		"-ERR unknown subcommand 'LIST'. Try CLIENT HELP.\r\n");
	asks(f, "SELECT 0\nSELECT x\n", "+OK\r\n-ERR value is not an integer or out of range\r\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 0);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_greeting_may_bring_the_password)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "password", "secret"), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	asks(f, "HELLO\nHELLO 2 SETNAME me\n",
		"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
		"protocol version at the same time\r\n"
		"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
		"protocol version at the same time\r\n");
	asks(f, "HELLO 2 AUTH default wrong\nHELLO 3 AUTH default secret\nGET a\n",
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		"-NOPROTO unsupported protocol version\r\n-NOAUTH Authentication required.\r\n");
	asks(f, "HELLO 2 AUTH default secret\nGET a\n", IS_REDIS("1") "$-1\r\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_full_cache_says_so)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "max_memory", "100"), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	asks(f, "SET a 1\nINCR n\nMSET a 1 b 2\nGET a\n",
		"-OOM command not allowed when used memory > 'max_memory'.\r\n"
		"-OOM command not allowed when used memory > 'max_memory'.\r\n"
		"-OOM command not allowed when used memory > 'max_memory'.\r\n$-1\r\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(info_tells_of_keys_and_hits)
{
	struct sockd_fake *f = started(SOCKD_TCP);
	char out[2048] = "";

	feed(f, "SET a 1\nGET a\nGET b\nINFO\n");
	sockd_fake_turn(f);
	ck_assert_int_gt(sockd_fake_take(f, out, sizeof out - 1), 0);

	ck_assert_ptr_nonnull(strstr(out, "keyspace_hits:1\r\nkeyspace_misses:1\r\n"));
	ck_assert_ptr_nonnull(strstr(out, "db0:keys=1\r\n"));
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("kv", values_are_set_and_got, numbers_count, numbers_are_those_of_redis, keys_expire,
	what_it_does_not_know_is_an_error_and_no_end, a_command_may_come_in_any_pieces,
	a_client_that_does_not_read_is_answered_later_and_whole,
	a_broken_command_ends_it_after_the_answers_before, quit_and_end_close_after_the_answers,
	a_password_is_asked_for, clients_are_greeted, a_greeting_may_bring_the_password, a_full_cache_says_so,
	info_tells_of_keys_and_hits)
