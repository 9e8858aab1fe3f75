/* What each unit test program includes: Check, a main() that runs the listed tests and speaks TAP, and a
 * folder of its own. Check runs every test in a process of its own, so a crash fails one test and the others
 * still run. */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__has_feature)
#define UNIT_HAS_FEATURE(name) __has_feature(name)
#else
#define UNIT_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || UNIT_HAS_FEATURE(thread_sanitizer)
#define UNIT_THREAD_SANITIZER 1
#else
#define UNIT_THREAD_SANITIZER 0
#endif
#if defined(__SANITIZE_ADDRESS__) || UNIT_HAS_FEATURE(address_sanitizer)
#define UNIT_ADDRESS_SANITIZER 1
#else
#define UNIT_ADDRESS_SANITIZER 0
#endif
/** Memory, mappings and processor time are not what they are elsewhere. */
#define UNIT_SANITIZED (UNIT_THREAD_SANITIZER || UNIT_ADDRESS_SANITIZER)

/** Seconds before a test counts as hanging: generous, since sanitizers and a busy machine share it. */
enum { UNIT_TIMEOUT_S = 60 };

/**
 * Define main(): run each test, named as in START_TEST(), in a test case of its own.
 *
 * UNIT_TESTS("wheel", due_timers_fire_in_order, a_stopped_timer_never_fires)
 */
#define UNIT_TESTS(suite_name, ...)                                                                     \
	int main(void)                                                                                  \
	{                                                                                               \
		const TTest *const unit_tests_[] = { __VA_ARGS__ };                                     \
		return unit_run(suite_name, unit_tests_, sizeof(unit_tests_) / sizeof(unit_tests_[0])); \
	}

static inline int
unit_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < count; i++) {
		TCase *tcase = tcase_create(tests[i]->name);

		tcase_set_timeout(tcase, UNIT_TIMEOUT_S);
		tcase_add_test(tcase, tests[i]);
		suite_add_tcase(suite, tcase);
	}
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/** Fails unless this text is all that the file holds. */
static inline void
unit_expect_file(const char *name, const char *wanted)
{
	static char text[4096];
	FILE *f = fopen(name, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	ck_assert_str_eq(text, wanted);
}

/** A new folder for this test alone, mode 0700. Give it back to unit_tempdir_remove(); after a crash the
 * runner removes it. */
static inline char *
unit_tempdir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/unit-XXXXXX", base != NULL ? base : "/tmp"), 0);
	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

static inline int
unit_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/** Remove the folder with all that is in it, and free @p path. */
static inline void
unit_tempdir_remove(char *path)
{
	nftw(path, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

#endif
