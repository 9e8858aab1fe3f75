/* What went wrong, in words. */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

START_TEST(a_failure_is_recorded_and_its_code_given_back)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, -EINVAL, "no %s at %d", "key", 7), -EINVAL);
	ck_assert_int_eq(e.code, -EINVAL);
	ck_assert_str_eq(e.text, "no key at 7");
}
END_TEST

START_TEST(errno_is_told_in_the_systems_words_and_survives)
{
	struct err e = { 0 };

	errno = ENOENT;
	ck_assert_int_eq(err_errno(&e, "cannot open '%s'", "x"), -ENOENT);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(e.code, -ENOENT);
	ck_assert_str_eq(e.text, "cannot open 'x': No such file or directory");
}
END_TEST

START_TEST(a_failure_without_errno_is_still_one)
{
	struct err e = { 0 };

	errno = 0;
	ck_assert_int_eq(err_errno(&e, "odd"), -EIO);
}
END_TEST

START_TEST(context_goes_before_the_text)
{
	struct err e = { 0 };

	err_set(&e, -EPERM, "not allowed");
	ck_assert_int_eq(err_prefix(&e, "listener '%s'", "echo"), -EPERM);
	ck_assert_str_eq(e.text, "listener 'echo': not allowed");
	ck_assert_int_eq(e.code, -EPERM);
}
END_TEST

START_TEST(nobody_has_to_listen)
{
	ck_assert_int_eq(err_set(NULL, -EINVAL, "x"), -EINVAL);
	errno = EACCES;
	ck_assert_int_eq(err_errno(NULL, "x"), -EACCES);
	ck_assert_int_lt(err_prefix(NULL, "x"), 0);
}
END_TEST

START_TEST(long_texts_are_cut_and_stay_texts)
{
	char text[2 * ERR_TEXT_SIZE];
	struct err e;

	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	memset(&e, 'z', sizeof e);
	err_set(&e, -EINVAL, "%s", text);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT_SIZE - 1);
	ck_assert_int_eq(err_prefix(&e, "%s", text), -EINVAL);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT_SIZE - 1);
	ck_assert_ptr_nonnull(strstr(e.text, "a: a"));
	memset(&e, 'z', sizeof e);
	errno = EIO;
	err_errno(&e, "%s", text);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT_SIZE - 1);
}
END_TEST

UNIT_TESTS("err", a_failure_is_recorded_and_its_code_given_back,
	errno_is_told_in_the_systems_words_and_survives, a_failure_without_errno_is_still_one,
	context_goes_before_the_text, nobody_has_to_listen, long_texts_are_cut_and_stay_texts)
