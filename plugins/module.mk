# One line a folder; Makefile.am says what three lines a plugin needs.
include plugins/discard/module.mk
include plugins/echo/module.mk
include plugins/echo-serve/module.mk
include plugins/template/module.mk
