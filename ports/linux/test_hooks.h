/* SPDX-License-Identifier: MIT */
/* Where the guarded test program (tests/threads/guard.c) reaches into the threads. In every other
 * program these are nothing. */
#ifndef PORTS_LINUX_TEST_HOOKS_H
#define PORTS_LINUX_TEST_HOOKS_H

#include <stdint.h>

#ifdef TINYBMS_GW_GATEWAY_GUARD

struct gateway_thread;

/* On the gateway thread, at its beginning and before it ends: in between, whatever it must not do
 * ends the program. */
void test_hook_gateway_begins(const struct gateway_thread *t);
void test_hook_gateway_ends(void);
/* Once a turn of the gateway thread: does something forbidden if the test asks for it. */
void test_hook_gateway_turn(void);
/* Once a turn of the services: stays for as long as the test asks for. */
void test_hook_hold_services(void);
/* How long a thread may stand still: as it is, or as the test says. */
uint64_t test_hook_patience_ms(uint64_t ms);

#else

#define test_hook_gateway_begins(t) ((void)(t))
#define test_hook_gateway_ends()    ((void)0)
#define test_hook_gateway_turn()    ((void)0)
#define test_hook_hold_services()   ((void)0)
#define test_hook_patience_ms(ms)   ((uint64_t)(ms))

#endif
#endif
