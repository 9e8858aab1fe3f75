plugin_LTLIBRARIES += plugins/chat/chat.la
plugins_chat_chat_la_SOURCES = plugins/chat/chat.c plugins/chat/member.c plugins/chat/member.h plugins/chat/names.c plugins/chat/names.h
plugins_chat_chat_la_CPPFLAGS = $(plugin_cppflags)
plugins_chat_chat_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/chat/README.md
