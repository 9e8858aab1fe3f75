/* Cells, sums and the text that a scraper reads. */
#include "metric/metric.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "sockd/types.h"
#include "unit.h"

START_TEST(sums_are_over_loops_of_one_listener_or_all)
{
	struct metric_block *b = metric_block_new(2, 3);

	metric_add(metric_cells(b, 0, 1), METRIC_BYTES_READ, 10);
	metric_add(metric_cells(b, 1, 1), METRIC_BYTES_READ, 5);
	metric_add(metric_cells(b, 1, 2), METRIC_BYTES_READ, 100);
	metric_add(metric_cells(b, 1, 2), METRIC_BYTES_WRITTEN, 7);

	ck_assert_uint_eq(metric_sum(b, 0, METRIC_BYTES_READ), 0);
	ck_assert_uint_eq(metric_sum(b, 1, METRIC_BYTES_READ), 15);
	ck_assert_uint_eq(metric_sum(b, 2, METRIC_BYTES_READ), 100);
	ck_assert_uint_eq(metric_sum(b, METRIC_ALL, METRIC_BYTES_READ), 115);
	ck_assert_uint_eq(metric_sum(b, METRIC_ALL, METRIC_BYTES_WRITTEN), 7);
	ck_assert_uint_eq(metric_get(metric_cells(b, 0, 1), METRIC_BYTES_READ), 10);
	metric_block_free(b);
}
END_TEST

START_TEST(a_gauge_raised_on_one_loop_and_lowered_on_another_is_exact)
{
	struct metric_block *b = metric_block_new(2, 1);

	metric_add(metric_cells(b, 0, 0), METRIC_CONNECTIONS_OPEN, 3);
	metric_sub(metric_cells(b, 1, 0), METRIC_CONNECTIONS_OPEN, 2);
	ck_assert_uint_eq(metric_sum(b, 0, METRIC_CONNECTIONS_OPEN), 1);
	metric_sub(metric_cells(b, 1, 0), METRIC_CONNECTIONS_OPEN, 2);
	ck_assert_uint_eq(metric_sum(b, 0, METRIC_CONNECTIONS_OPEN), 0); /* caught half-way: never below */
	metric_set(metric_cells(b, 1, 0), METRIC_CONNECTIONS_OPEN, 4);
	ck_assert_uint_eq(metric_sum(b, 0, METRIC_CONNECTIONS_OPEN), 7);
	metric_block_free(b);
}
END_TEST

START_TEST(every_close_reason_has_its_counter)
{
	static const struct {
		int reason;
		const char *label;
	} rows[] = {
		{ SOCKD_BY_EOF, "reason=\"eof\"" },
		{ SOCKD_BY_HANDLER, "reason=\"handler\"" },
		{ SOCKD_BY_ERROR, "reason=\"error\"" },
		{ SOCKD_BY_IDLE_TIMEOUT, "reason=\"idle_timeout\"" },
		{ SOCKD_BY_FIRST_BYTE_TIMEOUT, "reason=\"first_byte_timeout\"" },
		{ SOCKD_BY_WRITE_TIMEOUT, "reason=\"write_timeout\"" },
		{ SOCKD_BY_HANDSHAKE_FAILED, "reason=\"handshake_failed\"" },
		{ SOCKD_BY_LIMIT, "reason=\"limit\"" },
		{ SOCKD_BY_DENIED, "reason=\"denied\"" },
		{ SOCKD_BY_DRAIN, "reason=\"drain\"" },
		{ SOCKD_BY_DRAIN_FORCED, "reason=\"drain_forced\"" },
		{ SOCKD_BY_KILLED, "reason=\"killed\"" },
		{ SOCKD_BY_RESET, "reason=\"reset\"" },
		{ SOCKD_BY_SHUTDOWN, "reason=\"shutdown\"" },
		{ SOCKD_BY_LIFETIME_TIMEOUT, "reason=\"lifetime_timeout\"" },
		{ SOCKD_BY_TLS_TRUNCATED, "reason=\"tls_truncated\"" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct metric_info *info = metric_info(metric_closed(rows[i].reason));

		ck_assert_str_eq(info->family, "connections_closed");
		ck_assert_str_eq(info->label, rows[i].label);
	}
}
END_TEST

START_TEST(every_row_is_complete_and_families_stand_together)
{
	for (int id = 0; id < METRIC_COUNT; id++) {
		const struct metric_info *info = metric_info(id);

		ck_assert_ptr_nonnull(info->family);
		ck_assert_ptr_nonnull(info->unit);
		ck_assert_uint_gt(strlen(info->help), 10);
		for (int before = 0; before < id - 1; before++)
			if (strcmp(metric_info(before)->family, info->family) == 0)
				ck_assert_str_eq(metric_info(id - 1)->family, info->family);
	}
}
END_TEST

START_TEST(a_block_can_lie_in_shared_memory)
{
	size_t size = metric_block_size(2, 2);
	int fd = memfd_create("metrics", MFD_CLOEXEC);
	struct metric_block writer, reader;
	void *a, *b;

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	metric_block_init(&writer, a, 2, 2);
	metric_block_init(&reader, b, 2, 2);
	metric_add(metric_cells(&writer, 1, 1), METRIC_COUNT - 1, 42);

	ck_assert_uint_eq(metric_sum(&reader, 1, METRIC_COUNT - 1), 42);
	ck_assert_uint_eq(size, 4 * sizeof(struct metric_cells));
	munmap(a, size);
	munmap(b, size);
	close(fd);
}
END_TEST

START_TEST(sizes_that_do_not_fit_and_blocks_without_rows_are_no_trouble)
{
	struct metric_block *b = metric_block_new(4, 0);
	auto_of(strbuf) struct strbuf s = { 0 };

	ck_assert_ptr_nonnull(b);
	ck_assert_uint_eq(metric_sum(b, METRIC_ALL, METRIC_BYTES_READ), 0);
	metric_expose(&s, b, NULL);
	ck_assert_ptr_null(strchr(s.data, '{'));
	metric_block_free(b);
	metric_block_free(NULL);
	ck_assert_uint_eq(metric_block_size(UINT32_MAX, UINT32_MAX), 0);
	ck_assert_ptr_null(metric_block_new(UINT32_MAX, UINT32_MAX));
}
END_TEST

START_TEST(the_text_has_a_head_for_each_family_and_a_line_for_each_listener)
{
	static const char *const names[] = { "echo", "a\"b\\c\nd\xff" };
	struct metric_block *b = metric_block_new(2, 2);
	auto_of(strbuf) struct strbuf s = { 0 };
	const char *head;

	metric_add(metric_cells(b, 0, 0), METRIC_CONNECTIONS_ACCEPTED, 4);
	metric_add(metric_cells(b, 1, 0), METRIC_CONNECTIONS_ACCEPTED, 5);
	metric_add(metric_cells(b, 1, 1), metric_closed(SOCKD_BY_RESET), 6);
	metric_add(metric_cells(b, 1, 1), METRIC_CONNECTIONS_OPEN, UINT64_C(18000000000));
	metric_expose(&s, b, names);

	ck_assert_ptr_nonnull(
		strstr(s.data, "# HELP sockd_connections_accepted_total Stream connections accepted.\n"
			       "# TYPE sockd_connections_accepted_total counter\n"
			       "sockd_connections_accepted_total{listener=\"echo\"} 9\n"));
	ck_assert_ptr_nonnull(strstr(s.data, "\n# TYPE sockd_connections_open gauge\n"));
	ck_assert_ptr_nonnull(
		strstr(s.data, "\nsockd_connections_closed_total{listener=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\","
			       "reason=\"reset\"} 6\n"));
	ck_assert_ptr_nonnull(strstr(s.data, "} 18000000000\n"));
	head = strstr(s.data, "# HELP sockd_connections_closed_total");
	ck_assert_ptr_nonnull(head);
	ck_assert_ptr_null(strstr(head + 1, "# HELP sockd_connections_closed_total"));
	ck_assert_int_eq(s.data[s.size - 1], '\n');
	metric_block_free(b);
}
END_TEST

static void *
count_up(void *argument)
{
	for (int i = 0; i < 100000; i++) {
		metric_add(argument, METRIC_CONNECTIONS_OPEN, 2);
		metric_sub(argument, METRIC_CONNECTIONS_OPEN, 1);
	}
	return NULL;
}

START_TEST(threads_may_share_a_row)
{
	struct metric_block *b = metric_block_new(1, 1);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, metric_cells(b, 0, 0)), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(metric_sum(b, 0, METRIC_CONNECTIONS_OPEN), 200000);
	metric_block_free(b);
}
END_TEST

UNIT_TESTS("metric", sums_are_over_loops_of_one_listener_or_all,
	a_gauge_raised_on_one_loop_and_lowered_on_another_is_exact, every_close_reason_has_its_counter,
	every_row_is_complete_and_families_stand_together, a_block_can_lie_in_shared_memory,
	sizes_that_do_not_fit_and_blocks_without_rows_are_no_trouble,
	the_text_has_a_head_for_each_family_and_a_line_for_each_listener, threads_may_share_a_row)
