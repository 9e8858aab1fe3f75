/* control/snapshot_pack.c: what is packed on one side is a snapshot on the other; anything else is refused.
 */
#include "control/snapshot_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "base/fdutil.h"
#include "config/load.h"
#include "unit.h"

static char *dir;
static struct snapshot *made;
static struct strbuf packed;

static int
null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
prepare(void)
{
	static const char text[] = "version: 1\nlisteners:\n  a: {listen: 'unix:@a', handler: echo}\n"
				   "  b: {listen: [tcp://127.0.0.1:0, udp://127.0.0.1:0], handler: echo}\n";
	struct cfg_report report = { 0 };
	char path[512];
	int fd;

	dir = unit_tempdir();
	snprintf(path, sizeof path, "%s/sockd.yaml", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(fd, text, sizeof text - 1), 0);
	close(fd);
	made = calloc(1, sizeof *made);
	made->record = cfg_record_new(NULL);
	made->config_path = strdup(path);
	ck_assert_int_eq(config_load(path, cfg_record_source(made->record), &made->config, &report), 0);
	cfg_record_close(made->record);
	ck_assert_int_eq(unlink(path), 0); /* nobody may ask for it any more */
	made->loops = 3;
	made->metric_row_count = 64;
	made->metric_rows = calloc(2, sizeof *made->metric_rows);
	made->metric_rows[1] = 5;
	made->holds = calloc(2, 1);
	made->holds[1] = SNAPSHOT_PAUSED;
	made->bans = strdup("192.0.2.1 7\n");
	made->plugins = calloc(1, sizeof *made->plugins);
	made->plugins[made->plugin_count++] = (struct snapshot_plugin){
		.name = strdup("echo"), .path = strdup("/lib/echo.so"), .fd = null()
	};
	made->sockets = calloc(2, sizeof *made->sockets);
	made->sockets[made->socket_count++] = (struct snapshot_socket){
		.listener = 1, .address = 1, .member = 2, .transport = CFG_UDP, .fd = null(), .local_size = 16
	};
	made->sockets[made->socket_count++] =
		(struct snapshot_socket){ .transport = CFG_UNIX, .fd = null(), .local_size = 3 };
	snapshot_pack(&packed, made);
}

static void
finish(void)
{
	strbuf_fini(&packed);
	snapshot_free(made);
	unit_tempdir_remove(dir);
}

/* Unpack @p size bytes with so many descriptors. */
static int
unpack(size_t size, size_t fd_count, struct snapshot **ret)
{
	struct unpack u = UNPACK(packed.data, size);
	struct cfg_report report = { 0 };
	int fds[8], code;

	for (size_t i = 0; i < fd_count; i++)
		fds[i] = null();
	code = snapshot_unpack(&u, fds, fd_count, &report, ret);
	for (size_t i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cfg_report_fini(&report);
	return code;
}

START_TEST(a_snapshot_comes_out_as_it_went_in)
{
	struct snapshot *s = NULL;
	int fds[3];

	prepare();
	ck_assert_uint_eq(snapshot_fd_count(made), 3);
	snapshot_fds(made, fds);
	ck_assert_int_eq(fds[1], made->sockets[0].fd);

	ck_assert_int_eq(unpack(packed.size, 3, &s), 0);

	ck_assert_str_eq(s->config_path, made->config_path);
	ck_assert_uint_eq(s->config->listener_count, 2);
	ck_assert_int_eq(s->config->listeners[1].place.line, 4);
	ck_assert_uint_eq(s->loops, 3);
	ck_assert_uint_eq(s->metric_rows[1], 5);
	ck_assert_uint_eq(s->holds[0], SNAPSHOT_SERVES);
	ck_assert_uint_eq(s->holds[1], SNAPSHOT_PAUSED);
	ck_assert_str_eq(s->bans, "192.0.2.1 7\n");
	ck_assert_str_eq(s->plugins[0].path, "/lib/echo.so");
	ck_assert_uint_eq(s->sockets[0].member, 2);
	ck_assert_int_eq(s->sockets[0].transport, CFG_UDP);
	ck_assert_uint_eq(s->sockets[1].local_size, 3);
	snapshot_free(s);
	finish();
}
END_TEST

START_TEST(cut_or_with_other_descriptors_it_is_refused_and_nothing_stays_open)
{
	struct snapshot *s = NULL;
	int before;

	prepare();
	before = fd_count_open();
	for (size_t cut = 0; cut < packed.size; cut += cut < 300 ? 1 : 7)
		ck_assert_int_eq(unpack(cut, 3, &s), -EBADMSG);
	for (size_t fds = 0; fds <= 4; fds += fds == 2 ? 2 : 1)
		ck_assert_int_eq(unpack(packed.size, fds, &s), -EBADMSG);
	ck_assert_int_eq(fd_count_open(), before);
	finish();
}
END_TEST

START_TEST(changed_bytes_never_point_outside_of_the_configuration)
{
	prepare();
	for (size_t at = 0; at < packed.size; at++) {
		char old = packed.data[at];
		struct snapshot *s = NULL;

		packed.data[at] = (char)(old ^ 0x41);
		if (unpack(packed.size, 3, &s) == 0) {
			for (size_t i = 0; i < s->socket_count; i++)
				ck_assert_uint_lt(s->sockets[i].listener, s->config->listener_count);
			snapshot_free(s);
		}
		packed.data[at] = old;
	}
	finish();
}
END_TEST

/* A worker and a supervisor of two builds that both speak version 1 read the same. */
START_TEST(the_empty_list_of_version_1_keeps_its_place)
{
	static const char behind[] = { 0, 0, 0, 0, 1, 0, 0, 0 }; /* it, and how many plugins follow */
	struct snapshot *s = NULL;
	char *bans;

	prepare();
	bans = memmem(packed.data, packed.size, "192.0.2.1 7\n", sizeof "192.0.2.1 7\n");
	ck_assert_ptr_nonnull(bans);
	bans += sizeof "192.0.2.1 7\n";
	ck_assert_mem_eq(bans, behind, sizeof behind);
	bans[0] = 1;
	ck_assert_int_eq(unpack(packed.size, 3, &s), -EBADMSG);
	finish();
}
END_TEST

START_TEST(findings_keep_their_place_and_their_words)
{
	const struct cfg_place place = {
		.file = "a.yaml", .line = 3, .column = 5, .width = 2, .line_text = "x: y"
	};
	struct cfg_report in = { 0 }, out = { 0 };
	struct strbuf s = { 0 };
	struct unpack u;

	cfg_report_error(&in, &place, "wrong");
	cfg_report_warning(&in, NULL, "odd");
	report_pack(&s, &in);
	u = UNPACK(s.data, s.size);
	ck_assert_int_eq(report_unpack(&u, &out), 0);

	ck_assert_uint_eq(out.count, 2);
	ck_assert_uint_eq(out.errors, 1);
	ck_assert_str_eq(out.findings[0].file, "a.yaml");
	ck_assert_int_eq(out.findings[0].line, 3);
	ck_assert_str_eq(out.findings[0].line_text, "x: y");
	ck_assert_str_eq(out.findings[0].text, "wrong");
	ck_assert_ptr_null(out.findings[1].file);
	for (size_t cut = 0; cut < s.size; cut++) {
		u = UNPACK(s.data, cut);
		ck_assert_int_eq(report_unpack(&u, &out), -EBADMSG);
	}
	cfg_report_fini(&in);
	cfg_report_fini(&out);
	strbuf_fini(&s);
}
END_TEST

UNIT_TESTS("snapshot_pack", a_snapshot_comes_out_as_it_went_in,
	cut_or_with_other_descriptors_it_is_refused_and_nothing_stays_open,
	changed_bytes_never_point_outside_of_the_configuration, the_empty_list_of_version_1_keeps_its_place,
	findings_keep_their_place_and_their_words)
