/* The work of work.c by a program that looks like one of Rust. */
#include "work.c"

__asm__(".ident \"rustc version 1.90.0\"");
