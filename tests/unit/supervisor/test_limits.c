/* supervisor/limits.c */
#include <string.h>
#include <sys/resource.h>

#include "supervisor/limits.h"
#include "unit.h"

static char warned[512];

static void
warn(void *arg, const char *what, const char *text)
{
	unsigned *count = arg;

	(*count)++;
	snprintf(warned, sizeof warned, "%s: %s", what, text);
}

static struct cfg_address tcp = { .transport = CFG_TCP }, udp = { .transport = CFG_UDP };

START_TEST(limits_that_fit_are_not_mentioned)
{
	struct cfg_listener l = { .addresses = &tcp, .address_count = 1, .connections_limit = 1000 };
	struct config c = { .listeners = &l, .listener_count = 1 };
	unsigned count = 0;

	ck_assert_uint_eq(
		limits_check(&c, 2, (bool[]){ true }, &(struct limits){ 2000, 65530 }, warn, &count), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(too_few_descriptors_are_told_with_both_numbers)
{
	struct cfg_listener l = { .addresses = &tcp, .address_count = 1, .connections_limit = 1000 };
	struct config c = { .listeners = &l, .listener_count = 1 };
	unsigned count = 0;

	ck_assert_uint_eq(limits_check(&c, 1, NULL, &(struct limits){ 1000, 65530 }, warn, &count), 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_nonnull(strstr(warned, "descriptors: "));
	ck_assert_ptr_nonnull(strstr(warned, "1037 descriptors, this process may have 1000"));
}
END_TEST

START_TEST(mappings_count_for_listeners_that_serve_on_fibers_only)
{
	struct cfg_listener l[2] = {
		{ .addresses = &tcp, .address_count = 1, .connections_limit = 20000 },
		{ .addresses = &tcp, .address_count = 1, .connections_limit = 20000 },
	};
	struct config c = { .listeners = l, .listener_count = 2 };
	const struct limits limits = { UINT64_MAX, 65530 };
	unsigned count = 0;

	ck_assert_uint_eq(limits_check(&c, 1, (bool[]){ true, false }, &limits, warn, &count), 0);
	ck_assert_uint_eq(limits_check(&c, 1, (bool[]){ true, true }, &limits, warn, &count), 1);
	ck_assert_ptr_nonnull(strstr(warned, "vm.max_map_count"));
}
END_TEST

START_TEST(datagram_listeners_need_a_socket_for_each_loop_and_no_connections)
{
	struct cfg_listener l = { .addresses = &udp, .address_count = 1, .connections_limit = 100000 };
	struct config c = { .listeners = &l, .listener_count = 1 };
	unsigned count = 0;

	ck_assert_uint_eq(limits_check(&c, 8, NULL, &(struct limits){ 72, 65530 }, warn, &count), 0);
	ck_assert_uint_eq(limits_check(&c, 8, NULL, &(struct limits){ 71, 65530 }, warn, &count), 1);
}
END_TEST

START_TEST(the_soft_limit_is_raised_to_the_hard_one)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);

	limits_raise();

	ck_assert_uint_eq(limits_read().descriptors, r.rlim_max == RLIM_INFINITY ? UINT64_MAX : r.rlim_max);
	ck_assert_uint_gt(limits_read().mappings, 0);
}
END_TEST

UNIT_TESTS("limits", limits_that_fit_are_not_mentioned, too_few_descriptors_are_told_with_both_numbers,
	mappings_count_for_listeners_that_serve_on_fibers_only,
	datagram_listeners_need_a_socket_for_each_loop_and_no_connections,
	the_soft_limit_is_raised_to_the_hard_one)
