/* The work of work.c by a program that looks like one of Go. */
#include "work.c"

__attribute__((section(".go.buildinfo"), used)) static const char build_information[] = "\xff Go buildinf:";
